// When the machine itself stood still: no server can be on time then.

import { spawn } from 'node:child_process';
import path from 'node:path';
import { build } from '../../e2e/lib/env.mjs';

const running = new Set();
process.on('exit', () => {
  for (const child of running)
    child.kill('SIGKILL');
});

/**
 * Watches until stop (). @param {number} [core] one processor, otherwise all that this one may use
 * @returns {{stop: () => {n: number, longestMs: number}}} of 20 ms and more
 */
export function watchStalls(core) {
  const command = [path.join(build, 'tests/bench/machine-stalls')];
  if (core !== undefined)
    command.unshift('taskset', '-c', String(core));
  const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'ignore'] });
  running.add(child);
  child.once('error', () => {}); // it is not there: nothing is known of stalls
  child.once('exit', () => running.delete(child));
  let text = '';
  child.stdout.on('data', (bytes) => { text += bytes; });
  return {
    stop() {
      child.kill('SIGTERM');
      const lengths = text.split('\n').filter(Boolean).map((line) => Number(line.split(' ')[2]));
      return { n: lengths.length, longestMs: Math.max(0, ...lengths) };
    },
  };
}
