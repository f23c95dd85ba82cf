// Runs the end-to-end tests and prints TAP. Arguments: names of tests. They mostly wait for somebody to
// have spoken, so one runs beside another where there are two processors (RP_E2E_JOBS says how many).
// Browsers, recognisers and a machine that others share make one in some hundreds fail for no reason of ours:
// what failed is run once more by itself, and what passes then is counted but told as unsteady, with what it
// had said. What is broken fails twice, or with others.

import { fork } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { source } from './lib/env.mjs';
import { table } from './lib/matrix.mjs';
import { speechSummary } from './lib/speech.mjs';

const ALL = ['bad-input', 'question', 'typing', 'booking', 'barge-in', 'two-calls',
  'worker-killed', 'reconnect', 'ice-restart', 'failures', 'page', 'accessibility', 'garbage',
  'aiortc', 'embed', 'firefox', 'pipecat', 'dashboard', 'whip', 'weight', 'drain', 'races',
  'loss', 'peers', 'turn', 'ice-tcp', 'nat', 'check-network'];

const names = process.argv.length > 2 ? process.argv.slice(2) : ALL;
const unknown = names.filter((name) => !ALL.includes(name));
if (unknown.length > 0) {
  console.error(`no such test: ${unknown.join(', ')}; there are: ${ALL.join(', ')}`);
  process.exit(2);
}

const children = new Set();
process.on('exit', () => children.forEach((child) => child.kill('SIGTERM')));
process.on('SIGTERM', () => process.exit(143));
process.on('SIGINT', () => process.exit(130));

/** @returns {Promise<object>} what lib/child.mjs tells, seconds, and what the test printed */
function run(name) {
  return new Promise((resolve) => {
    const start = Date.now();
    const child = fork(path.join(source, 'tests/e2e/lib/child.mjs'), [name],
      { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    children.add(child);
    let told = { title: name, failure: 'its process ended early', records: [], speech: [] };
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => { output += text; });
    child.on('message', (message) => { told = message; });
    child.on('close', () => {
      children.delete(child);
      resolve({ ...told, output, seconds: (Date.now() - start) / 1000 });
    });
  });
}

const results = new Map(); // name → what run() gave
const waiting = [...names];
const jobs = Number(process.env.RP_E2E_JOBS) || Math.min(2, os.availableParallelism());

const again = []; // [name, what run() gave] of those that failed
// More than these at once are no bad luck.
const MOST_UNSTEADY = 3;

function tell(result, row) {
  process.stdout.write(result.output);
  console.log(`${row} - ${result.title} (${result.seconds.toFixed(1)} s)` +
    (result.skipped ? ` # SKIP ${result.skipped}` : ''));
  if (result.failure)
    console.log(result.failure.replaceAll(/^/gm, '# '));
}

function conclude(name, result) {
  results.set(name, result);
  tell(result, `${result.failure ? 'not ok' : 'ok'} ${results.size}`);
}

async function runNext() {
  for (let name = waiting.shift(); name; name = waiting.shift()) {
    const result = await run(name);
    if (result.failure) {
      again.push([name, result]);
      tell(result, '# unsteady');
    } else {
      conclude(name, result);
    }
  }
}

console.log(`1..${names.length}`);
await Promise.all(Array.from({ length: jobs }, runNext));
for (const [name, result] of again)
  conclude(name, again.length > MOST_UNSTEADY ? result : await run(name));
const inOrder = names.map((name) => results.get(name));
for (const line of table(inOrder.flatMap(({ records }) => records)))
  console.log(`# ${line}`);
console.log(`# speech: ${speechSummary(inOrder.flatMap(({ speech }) => speech))}`);
process.exit(inOrder.some(({ failure }) => failure) ? 1 : 0);
