// Where everything is, and the programs that the tests run.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readWav, writeWav } from './wav.mjs';

export const source = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const build = path.resolve(process.env.RP_BUILD ?? path.join(source, 'build'));
export const shared = process.env.RP_SHARED_DATA ?? path.join(source, '../shared/data');
// Packages of npm: tests/e2e/run installs them.
export const modules = process.env.RP_E2E_MODULES ?? path.join(source, 'tests/e2e');
export const requireModule = createRequire(path.join(modules, 'package.json'));
export const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'repartee-e2e-'));
process.on('exit', () => {
  if (!process.env.RP_KEEP)
    fs.rmSync(scratch, { recursive: true, force: true });
});

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Only a test that fails waits this long; browsers on a machine that others share take seconds over anything.
export const PATIENCE_MS = 30_000;

/** Polls until check() gives something, and returns it. @param {string|() => string} what */
export async function until(check, what, timeoutMs = PATIENCE_MS, stepMs = 25) {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await check();
    if (value)
      return value;
    if (Date.now() > end)
      throw new Error(`waited ${timeoutMs} ms in vain for ${typeof what === 'string' ? what : what()}`);
    await sleep(stepMs);
  }
}

export const tool = (name) => path.join(build, 'tools', name);

let files = 0;
export const scratchFile = (suffix) => path.join(scratch, `${++files}${suffix}`);

/** What a recogniser makes of it. @param {Int16Array} pcm */
export function transcribe(pcm) {
  const file = scratchFile('.wav');
  writeWav(file, pcm);
  const out = execFileSync(tool('repartee-stt'), ['--vad', file],
    { encoding: 'utf8', timeout: 60_000 });
  return out.slice(out.indexOf('\t') + 1).trim();
}

/** Flite, by the program of the tree. */
export function synthesise(text, voice) {
  const file = scratchFile('.wav');
  execFileSync(tool('repartee-say'), ['--voice', voice, text, file],
    { stdio: 'ignore', timeout: 60_000 });
  return readWav(file);
}

/** Lower case words without punctuation; digits stay. */
export function words(text) {
  return text.toLowerCase().replaceAll(/[’']/g, '').match(/[\p{L}\p{N}]+/gu) ?? [];
}
