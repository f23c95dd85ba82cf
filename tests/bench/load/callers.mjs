// Many callers at once: repartee-load, and what they say.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { scratchFile, shared, tool } from '../../e2e/lib/env.mjs';
import { say } from '../../e2e/lib/speech.mjs';
import { join, normalise, readWav, silence, trim, writeWav } from '../../e2e/lib/wav.mjs';

// Sentences of about 3 s without a pause that could end a turn: recorded people, or prompts of
// Debian's asterisk-core-sounds, or flite.
const RECORDED = ['arctic_aew_a0003', 'ls_tc100_8797-294123-0000', 'so_024510351', 'pv_81a04d65',
  'pv_46d1f086', 'pv_372e01aa', 'pv_a63a5dcf', 'pv_582d4ff6'];
const DEBIAN = '/usr/share/asterisk/sounds/en_US_f_Allison';
const PROMPTS = ['conf-getconfno', 'dir-firstlast', 'feature-not-avail-line',
  'vm-reenterpassword'];
const FLITE = ['Could you tell me whether the large room is free on Thursday morning?',
  'I would like to book a room for four people for two hours.',
  'How long is the building open in the evening, and is there parking?',
  'My name is Maria Smith and I have a question about my booking.'];
const MIN_MS = 2500;
const MAX_MS = 4500;
const RATE_MS = 16;

function existing(folder, names) {
  return names.map((name) => path.join(folder, `${name}.wav`)).filter((file) => fs.existsSync(file))
    .map((file) => trim(readWav(file)))
    .filter(({ length }) => length >= MIN_MS * RATE_MS && length <= MAX_MS * RATE_MS);
}

function sentences() {
  const recorded = existing(path.join(shared, 'speech'), RECORDED);
  if (recorded.length === RECORDED.length)
    return ['recorded', recorded];
  const debian = existing(DEBIAN, PROMPTS);
  if (debian.length === PROMPTS.length)
    return ['of Debian\'s asterisk-core-sounds', debian];
  return ['by flite', FLITE.map((text) => trim(say(text)))];
}

let speech = null;

/** @returns {{from: string, files: string[], seconds: number}} made once; seconds: mean length */
export function callersSpeech() {
  if (!speech) {
    const [from, clips] = sentences();
    // As long as it takes a listener to notice that a sentence has ended.
    const framed = clips.map((pcm) => join(silence(100), normalise(pcm), silence(400)));
    speech = {
      from,
      seconds: framed.reduce((sum, { length }) => sum + length, 0) / framed.length / RATE_MS / 1000,
      files: framed.map((pcm) => {
        const file = scratchFile('.wav');
        writeWav(file, pcm);
        return file;
      }),
    };
  }
  return speech;
}

const running = new Set();
process.on('exit', () => {
  for (const child of running)
    child.kill('SIGKILL');
});

/**
 * Starts calls. @param {string[]} options of repartee-load
 * @param {number} [core] the processor they get
 * @returns {{pid: number, done: Promise<object>, stop: () => void}} done: what it measured
 */
export function startCalls(url, options, core) {
  const json = scratchFile('-load.json');
  const command = [tool('load/repartee-load'), '--url', url, '--json', json,
    '--speech', ...callersSpeech().files, ...options];
  if (core !== undefined)
    command.unshift('taskset', '-c', String(core));
  const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] });
  running.add(child);
  let errors = '';
  child.stderr.on('data', (bytes) => { errors = (errors + bytes).slice(-4000); });
  const done = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      running.delete(child);
      // 1: some calls failed, and the report says how many.
      if ((code === 0 || code === 1) && fs.existsSync(json) && fs.statSync(json).size > 0)
        resolve(JSON.parse(fs.readFileSync(json, 'utf8')));
      else
        reject(new Error(`repartee-load: exit status ${code}\n${errors}`));
    });
  });
  done.catch(() => {}); // whoever waits for it hears of it
  return { pid: child.pid, done, stop: () => child.kill('SIGTERM') };
}
