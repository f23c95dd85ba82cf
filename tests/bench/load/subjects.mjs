// What is measured: our server in two ways of talking, and others that decode and encode, too.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { scratchFile, sleep, until } from '../../e2e/lib/env.mjs';
import { Server } from '../../e2e/lib/server.mjs';
import { callersSpeech } from './callers.mjs';
import { allowedCores, family } from './processes.mjs';

const bench = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

const gateways = new Set();
process.on('exit', () => {
  for (const child of gateways)
    child.kill('SIGTERM');
});

/** A server of somebody else behind a gateway of tests/bench/peers. */
export class Peer {
  static async start(script, args) {
    const peer = new Peer();
    peer.logFile = scratchFile('-peer.log');
    const log = fs.openSync(peer.logFile, 'w');
    // Debian's packages belong to Debian's Python.
    peer.child = spawn('/usr/bin/python3', [path.join(bench, 'peers', script), ...args],
      { stdio: ['ignore', 'pipe', log] });
    fs.closeSync(log);
    gateways.add(peer.child);
    peer.exited = new Promise((resolve) => peer.child.once('exit', resolve));
    let text = '';
    peer.child.stdout.on('data', (bytes) => { text += bytes; });
    try {
      await until(() => {
        if (peer.child.exitCode !== null)
          throw new Error(`${script} ended`);
        return text.includes('\n');
      }, script, 20_000);
    } catch (error) {
      await peer.stop();
      throw new Error(`${error.message}\n${fs.readFileSync(peer.logFile, 'utf8')}`,
        { cause: error });
    }
    ({ port: peer.port, pid: peer.pid } = JSON.parse(text));
    peer.url = `http://127.0.0.1:${peer.port}`;
    return peer;
  }

  /** The server alone: its gateway only passes on offers. */
  pids() {
    return [this.pid];
  }

  async active() {
    return (await (await fetch(`${this.url}/stats`)).json()).sessions.active;
  }

  async stop() {
    this.child.kill('SIGTERM');
    await Promise.race([this.exited, sleep(10_000).then(() => this.child.kill('SIGKILL'))]);
    gateways.delete(this.child);
  }
}

/** Our server; with core, it and all its children on that processor alone. */
export class Ours {
  /** @param {{agent?: string, options?: string[], core?: number}} settings agent: default or path */
  static async start({ agent, options = [], core } = {}) {
    const ours = new Ours();
    ours.server = await Server.start({
      agent,
      options: ['--max-sessions', '2000', ...options],
      command: core === undefined ? [] : ['taskset', '-c', String(core)],
    });
    ours.url = ours.server.url;
    if (core !== undefined && !ours.pids().every((pid) => allowedCores(pid) === String(core)))
      throw new Error(`the server is not on processor ${core} alone`);
    return ours;
  }

  pids() {
    return family(this.server.child.pid);
  }

  async active() {
    return (await this.server.stats()).sessions.active;
  }

  async stop() {
    // Nobody is left on the line but callers that were given up.
    await this.server.stop(45_000);
  }
}

export const conversationAgent = path.join(bench, 'agent-conversation');

// What the scripted voice makes of a letter, and of the end of a word. It encodes a tone, which costs
// what speech does (133 µs per frame for either, 72 for silence).
const LETTER_S = 0.06;
const SPACE_S = 0.04;

/** Words that take so long, or a little longer. */
function wordsOf(seconds) {
  const words = [];
  for (let left = seconds; left > 0;) {
    const letters = Math.max(1, Math.min(5, Math.ceil((left - SPACE_S) / LETTER_S)));
    words.push('again'.slice(0, letters));
    left -= letters * LETTER_S + SPACE_S;
  }
  return words.join(' ');
}

/** An agent that never stops: to each of the caller's sentences it says something as long as it. */
function endlessAgent() {
  const folder = scratchFile('-endless');
  fs.mkdirSync(folder);
  const agent = JSON.parse(fs.readFileSync(path.join(conversationAgent, 'agent.json'), 'utf8'));
  Object.assign(agent, { title: 'Bench: speaks all the time', greeting: '' });
  agent.brain.model = wordsOf(callersSpeech().seconds);
  agent.turn.interruptible = false;
  fs.writeFileSync(path.join(folder, 'agent.json'), JSON.stringify(agent));
  return folder;
}

/**
 * name → label; does: what a call costs it; load: options of repartee-load; most: calls beyond
 * which there is no point; start ()
 */
export const SUBJECTS = {
  'ours-conversation': {
    label: 'Repartee, conversation',
    does: 'decode 16 kHz, VAD, turn engine, worker process; caller and agent take turns of 3-4 s; ' +
      'encode 16 kHz 32 kbit/s complexity 5 while the agent speaks, silence otherwise; ' +
      'FEC until 15 s of reports have told of no loss',
    load: [],
    start: () => Ours.start({ agent: conversationAgent, options: ['--no-admission'] }),
  },
  ours: {
    label: 'Repartee, both ways at once',
    does: 'decode 16 kHz, VAD, turn engine, worker process; encode 16 kHz 32 kbit/s complexity 5 ' +
      'all the time; FEC until 15 s of reports have told of no loss',
    load: ['--continuous'],
    start: () => Ours.start({ agent: endlessAgent(), options: ['--no-admission'] }),
  },
  janus: {
    label: 'Janus AudioBridge, rooms of two',
    does: 'decode 16 kHz, mix, encode 16 kHz, its own settings (19 kbit/s, complexity 4, no FEC); ' +
      'no VAD, no turn engine, one process',
    load: ['--continuous', '--no-data'],
    start: () => Peer.start('janus-gateway.py', []),
  },
  'janus-equal': {
    label: 'the same, encoder as ours',
    does: 'the same with 32 kbit/s, complexity 5, FEC for 10 % loss all the time',
    load: ['--continuous', '--no-data'],
    start: () => Peer.start('janus-gateway.py', ['--encoder-as-ours']),
  },
  aiortc: {
    label: 'aiortc echo',
    does: 'decode 48 kHz, resample to 16 and to 24 kHz, encode 48 kHz stereo, as Pipecat\'s ' +
      'transport; no VAD, no turn engine, one process',
    load: ['--continuous', '--no-data'],
    // One interpreter is full at about thirty.
    most: 25,
    start: () => Peer.start('aiortc-echo.py', []),
  },
};
