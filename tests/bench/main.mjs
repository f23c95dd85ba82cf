// The benches: each starts its own server, calls it with repartee-call and adds rows to a table.

import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { scratchFile, sleep, tool } from '../e2e/lib/env.mjs';
import { say, speechSummary, speechUsed } from '../e2e/lib/speech.mjs';
import { Server } from '../e2e/lib/server.mjs';
import { trim, writeWav } from '../e2e/lib/wav.mjs';
import { measureClicks } from './click.mjs';
import { pssMb } from './load/processes.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const scripted = path.join(here, 'agent-scripted');

// Without noise before or after: where speech begins and ends is told by its level.
const QUESTIONS = [
  'opening_hours', 'weather', 'sunday', 'parking', 'What time is it, please?',
  'Do you have wireless internet?', 'How much does a room cost?', 'Is there a projector?',
  'Can I bring my dog?', 'Do you serve coffee?', 'How many rooms do you have?',
  'Is the building accessible by wheelchair?', 'Are you open on Saturday?',
  'Which room is the largest?', 'How can I cancel a booking?', 'Can I pay by card?',
  'Is there a kitchen?', 'How do I get there by train?', 'Can I book for a whole day?',
  'Do you have a whiteboard?', 'What is your telephone number?', 'Can you help me?',
];
const HELD_CALLS = 8;
const SETUP_CALLS = 20;
const CLICKS = 25;

/** Speech as files of exactly its own length. */
function files(names) {
  return names.map((name) => {
    const file = scratchFile('.wav');
    writeWav(file, trim(say(name)));
    return file;
  });
}

const saying = (file) => ['--say', file];

async function call(server, ...args) {
  const result = await promisify(execFile)(tool('call/repartee-call'),
    ['--url', server.url, '--timeout', '600', '--wait-greeting', ...args],
    { timeout: 620_000, maxBuffer: 16 << 20 }).catch((error) => error);
  // A turn without an answer is an exit status of 1, and a hole in the figures.
  const summary = JSON.parse(result.stdout || 'null');
  if (!summary)
    throw new Error(`repartee-call: ${result.stderr || result.message}`);
  if (summary.error)
    console.error(`  repartee-call: ${summary.error}`);
  return summary;
}

function percentile(values, p) {
  const sorted = values.filter((v) => typeof v === 'number').sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * p) - 1)] ?? NaN;
}

const rows = [];

/** @param {string} target in words, for the reader; `met` decides the mark */
function row(what, value, unit, target = '', met = null) {
  const mark = met === null ? '' : met ? 'met' : 'MISSED';
  const text = Number.isFinite(value) ? value.toFixed(value < 10 ? 1 : 0) : '-';
  rows.push([what, `${text} ${unit}`, target, mark]);
  console.error(`  ${what}: ${text} ${unit} ${target && `(target ${target})`} ${mark}`);
}

function latencyRows(what, values, p50, p95) {
  const n = values.filter((v) => typeof v === 'number').length;
  const [a, b] = [percentile(values, 0.5), percentile(values, 0.95)];
  row(`${what} P50, n = ${n}`, a, 'ms', ...(p50 ? [`≤ ${p50} ms`, a <= p50] : []));
  row(`${what} P95`, b, 'ms', ...(p95 ? [`≤ ${p95} ms`, b <= p95] : []));
  console.error(`    all: ${values.map((v) => v?.toFixed(0) ?? '-').join(' ')}`);
}

async function withServer(settings, body) {
  const server = await Server.start(settings);
  try {
    await body(server);
  } finally {
    await server.stop();
  }
}

async function partRows(server) {
  const { latency_ms: parts } = await server.stats();
  for (const [name, { p50, p95, n }] of Object.entries(parts))
    row(`  /stats ${name}, n = ${n}`, p50, `ms P50, ${p95} ms P95`);
}

async function conversation(what, agent, p50, p95) {
  await withServer({ agent }, async (server) => {
    const { turns } = await call(server, ...files(QUESTIONS).flatMap(saying));
    latencyRows(`voice to voice, ${what}`, turns.map((t) => t.voice_to_voice_ms), p50, p95);
    await partRows(server);
  });
}

async function bargeIn() {
  await withServer({}, async (server) => {
    const [first, ...others] = files(QUESTIONS.slice(0, 16));
    const { turns } = await call(server, ...saying(first),
      ...others.flatMap((file) => ['--barge-in', '0.8', file]));
    latencyRows('barge-in: first speech frame to last agent frame',
      turns.map((t) => t.barge_in_stop_ms), null, 300);
    const { barge_in_stop_ms: own } = await server.stats();
    row(`  /stats barge_in_stop_ms, n = ${own.n}`, own.p50, `ms P50, ${own.p95} ms P95`);
  });
}

async function setUp() {
  await withServer({}, async (server) => {
    const setups = [];
    for (let i = 0; i < SETUP_CALLS; i++) {
      setups.push((await call(server)).setup_ms);
      await sleep(300); // the pool warms another worker
    }
    latencyRows('offer to first RTP packet', setups.map((s) => s.first_rtp), 20, null);
    latencyRows('offer to first frame of the greeting', setups.map((s) => s.first_audible), 150,
      null);
  });
}

async function click() {
  await withServer({}, async (server) => {
    const { whole, parts } = await measureClicks(server, CLICKS);
    latencyRows('press of Talk to first sound, Chromium', whole, 500, null);
    for (const [name, values] of Object.entries(parts))
      row(`  ${name}`, percentile(values, 0.5), `ms P50, ${percentile(values, 0.95).toFixed(0)} ms P95`);
  });
}

/** Proportional set size of the server and everything below it, in MB. */
function pss(server) {
  return {
    server: pssMb([server.child.pid]),
    rest: pssMb(server.descendants().map(({ pid }) => pid)),
  };
}

async function memory(what, agent, target) {
  await withServer({ agent }, async (server) => {
    await sleep(3000);
    const idle = pss(server);
    const [question] = files(['opening_hours']);
    const calls = Array.from({ length: HELD_CALLS }, () => call(server, '--linger', '20',
      ...saying(question)));
    let active = 0;
    for (let i = 0; i < 60 && active < HELD_CALLS; i++) {
      await sleep(250);
      active = (await server.stats()).sessions.active;
    }
    // All have been greeted and answered.
    await sleep(25_000);
    const busy = pss(server);
    const { sessions } = await server.stats();
    await Promise.all(calls);
    const [a, b] = [(busy.server - idle.server) / HELD_CALLS, (busy.rest - idle.rest) / HELD_CALLS];
    row(`PSS per conversation, ${what}, ${sessions.active} held`, a + b, 'MB', `≤ ${target} MB`,
      a + b <= target);
    row('  of which server', a, 'MB');
    row('  of which worker', b, 'MB');
    row('  idle server, zygote and warm workers', idle.server + idle.rest, 'MB');
  });
}

const BENCHES = {
  latency: () => conversation('local models', undefined, 350, 550),
  scripted: () => conversation('scripted models', scripted, 260, null),
  'barge-in': bargeIn,
  'set-up': setUp,
  click,
  memory: async () => {
    await memory('local models', undefined, 25);
    await memory('scripted models', scripted, 6);
  },
};

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(BENCHES);
let failed = false;
for (const name of names) {
  if (!BENCHES[name]) {
    console.error(`no such bench: ${name}; there are: ${Object.keys(BENCHES).join(', ')}`);
    process.exit(2);
  }
  console.error(name);
  try {
    await BENCHES[name]();
  } catch (error) {
    failed = true;
    rows.push([name, 'failed', '', '']);
    console.error(error.message);
  }
}

const widths = [0, 1, 2, 3].map((k) => Math.max(...rows.map((r) => r[k].length)));
console.log();
for (const r of rows)
  console.log(r.map((cell, k) => cell.padEnd(widths[k])).join('  ').trimEnd());
console.log(`\n${speechSummary(speechUsed())}`);
process.exit(failed ? 1 : 0);
