// Bad networks, measured: what VAD and recogniser are given and make of it (offline, on a virtual
// clock), calls through a running server, and the agent's voice as Chromium decodes it.

import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Caller } from '../../e2e/lib/browser.mjs';
import { build, scratchFile, shared, tool, transcribe, words } from '../../e2e/lib/env.mjs';
import { BadNetwork } from '../../e2e/lib/network.mjs';
import { Server } from '../../e2e/lib/server.mjs';
import { sentences, textOf } from '../../e2e/lib/test.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const program = path.join(build, 'tests/bench/network/network-bench');
const DEBIAN_SOUNDS = '/usr/share/asterisk/sounds/en_US_f_Allison';
const run = promisify(execFile);

const PROMPTS = {
  'agent-alreadyon': 'That agent is already logged on. Please enter your agent number followed by the pound key.',
  'all-circuits-busy-now': 'All circuits are busy now.',
  'cannot-complete-as-dialed': 'Your call cannot be completed as dialed.',
  'demo-thanks': 'Goodbye. Thank you for trying out the Asterisk open source PBX.',
  'priv-introsaved': 'Thank you, please hold while I attempt to connect you with your party.',
  'queue-thankyou': 'Thank you for your patience.',
  'tt-monkeysintro': 'They have been carried away by monkeys.',
  'vm-incorrect-mailbox': 'Login incorrect. Mailbox?',
};

// One word each, or too far from the microphone to be understood on a good network.
const NOT_SCORED = new Set(['digit-8k', 'meeting-spontaneous']);

// name, options, points of WER above the clean run that are allowed
const IMPAIRMENTS = [
  ['none', []],
  ['none, redundancy', ['--red']],
  ['5 % loss, redundancy', ['--loss', '5', '--red']],
  ['10 % loss', ['--loss', '10'], 2],
  ['10 % loss, redundancy', ['--loss', '10', '--red'], 2],
  ['20 % loss', ['--loss', '20'], 5],
  ['20 % loss, redundancy', ['--loss', '20', '--red'], 5],
  ['10 % loss in runs of 3', ['--loss', '10', '--burst', '3']],
  ['10 % loss in runs of 3, redundancy', ['--loss', '10', '--burst', '3', '--red']],
  ['100 ms of jitter', ['--jitter', '100']],
  ['5 % reordered by 50 ms', ['--reorder', '5']],
  ['10 % twice', ['--duplicate', '10']],
  ['link of 64 kbit/s', ['--rate', '64']],
  ['link of 64 kbit/s, redundancy', ['--rate', '64', '--red']],
  ['outage of 2 s every 20 s', ['--outage', '5:2:20']],
  ['clock +200 ppm', ['--skew', '200']],
];

/** Recordings whose words are known: [{file, text}] */
function recordings() {
  const meta = path.join(shared, 'meta.tsv');
  if (fs.existsSync(meta)) {
    const rows = (file) => fs.readFileSync(file, 'utf8').trim().split('\n').slice(1)
      .map((line) => line.split('\t'));
    const scored = new Set(rows(meta).filter(([, , tier, category]) =>
      tier === 'exact' && !NOT_SCORED.has(category)).map(([file]) => file));
    const dir = path.join(shared, 'speech');
    const table = fs.readdirSync(dir).find((name) => name.endsWith('.tsv'));
    return rows(path.join(dir, table)).filter(([file]) => scored.has(`speech/${file}`))
      .map(([file, text]) => ({ file: path.join(dir, file), text }));
  }
  return debianSounds();
}

/** Prompts of Debian's asterisk-core-sounds-en-wav: fewer words, and others. */
function debianSounds() {
  const clips = Object.entries(PROMPTS).map(([name, text]) =>
    ({ file: path.join(DEBIAN_SOUNDS, `${name}.wav`), text }))
    .filter(({ file }) => fs.existsSync(file));
  if (clips.length === 0)
    throw new Error('neither ../shared/data nor asterisk-core-sounds-en-wav is there');
  return clips;
}

/** How many words of `said` are wrong, missing or too many in `heard`. */
function wordErrors(said, heard) {
  const [a, b] = [words(said), words(heard)];
  let row = b.map((_, j) => j + 1);
  row.unshift(0);
  for (const [i, word] of a.entries()) {
    const next = [i + 1];
    b.forEach((other, j) => next.push(Math.min(next[j] + 1, row[j + 1] + 1,
      row[j] + (word === other ? 0 : 1))));
    row = next;
  }
  return row[b.length];
}

const wordErrorRate = (said, heard) =>
  100 * wordErrors(said, heard) / Math.max(words(said).length, 1);

const percent = (part, whole) => `${(100 * part / Math.max(whole, 1)).toFixed(1)} %`;

function table(rows) {
  const widths = rows[0].map((_, k) => Math.max(...rows.map((r) => String(r[k]).length)));
  console.log();
  for (const r of rows)
    console.log(r.map((cell, k) => String(cell).padEnd(widths[k])).join('  ').trimEnd());
}

/** What VAD and recogniser make of recorded speech: deterministic for a seed. */
async function offline({ seeds, only }) {
  const clips = recordings();
  const list = scratchFile('-clips.tsv');
  fs.writeFileSync(list, clips.map(({ file, text }) => `${file}\t${text}\n`).join(''));
  const rows = [['callers to the server', 'WER', 'above clean', 'allowed', 'sent', 'FEC', 'copies',
    'concealed', 'silence', 'wait p95', 'kbit/s']];
  let clean = null;
  let failed = false;
  for (const [name, options, allowed] of IMPAIRMENTS) {
    if (only && !name.includes(only) && name !== 'none')
      continue;
    const runs = [];
    // Without luck in it one run says all.
    for (let seed = 1; seed <= (options.some((o) => /loss|jitter|reorder/.test(o)) ? seeds : 1); seed++) {
      const { stdout } = await run(program, ['--clips', list, ...options, '--seed', String(seed)]);
      runs.push(JSON.parse(stdout));
    }
    const sum = (pick) => runs.reduce((total, r) => total + pick(r), 0);
    const wer = 100 * sum((r) => r.errors) / sum((r) => r.words);
    clean ??= wer;
    const given = (kind) => percent(sum((r) => r.stt_ms[kind]),
      sum((r) => Object.values(r.stt_ms).reduce((a, b) => a + b)));
    const good = allowed === undefined || wer - clean <= allowed;
    failed ||= !good;
    rows.push([name, `${wer.toFixed(1)} %`, (wer - clean).toFixed(1),
      allowed === undefined ? '' : `${allowed}${good ? '' : ' MISSED'}`, given('decoded'),
      given('fec'), given('copied'), given('concealed'), given('silence'),
      `${runs[0].wait_ms.p95.toFixed(0)} ms`, runs[0].kbit_s.toFixed(0)]);
    console.error(`  ${rows.at(-1).join('  ')}`);
  }
  table(rows);
  console.log(`${clips.length} clips of ${clips[0].file.startsWith(shared) ? '../shared/data' :
    'asterisk-core-sounds-en-wav'}; the columns from "sent" on: of what the recogniser was given; ` +
    'wait: from a packet\'s arrival to the VAD');
  return !failed;
}

const both = (...options) => [...options, ...options.map((o) => o.replace(/^--/, '--in-'))];

// name, options, points of WER above the first row that are allowed
const CALLS = [
  ['no impairment', ['--red']],
  ['10 % loss both ways', ['--red', ...both('--loss', '10')], 2],
  ['20 % loss both ways', ['--red', ...both('--loss', '20')], 5],
  ['20 % loss, no redundancy', both('--loss', '20')],
  ['MTU 1200', ['--red', ...both('--mtu', '1200')]],
  ['2 s outage in mid-sentence', ['--red', ...both('--outage', '4:2')]],
  ['5 s outage', ['--red', ...both('--outage', '6:5')]],
  ['64 kbit/s, 50 ms jitter', ['--red', ...both('--rate', '64', '--jitter', '50')]],
  ['clock +200 ppm', ['--red', '--skew', '200']],
];

/** One call. It stays on the line: what became of the last words is told once more when it is lost. */
async function call(server, clips, options, seed) {
  const { stdout } = await run(tool('call/repartee-call'), ['--url', server.url, '--timeout', '300',
    '--wait-greeting', '--answer-timeout', '8', '--linger', '5', '--seed', String(seed),
    ...clips.flatMap(({ file }) => ['--say', file]), ...options], { maxBuffer: 16 << 20 })
    .catch((error) => error);
  const result = JSON.parse(stdout);
  const died = !result.setup_ms.dtls || !result.server?.connected || /gone|failed/.test(result.error ?? '');
  return { ...result, died: died && (result.error ?? 'not connected') };
}

/** The same through a running server, in real time: does the call live, is it understood? */
async function calls({ only, seeds }) {
  const clips = recordings().filter(({ text }) => text.split(' ').length >= 8).slice(0, 10);
  const said = clips.map(({ text }) => text).join(' ');
  const rows = [['whole calls', 'lived', 'answered', 'WER', 'above clean', 'allowed', 'concealed',
    'recovered', 'voice to voice: median', 'worst', 'connected after']];
  const server = await Server.start({ agent: path.join(here, 'agent-listener') });
  let clean = null;
  let met = true;
  for (const [name, options, allowed] of CALLS) {
    if (only && !name.includes(only) && name !== CALLS[0][0])
      continue;
    const all = [];
    for (let seed = 1; seed <= (options.includes('--loss') ? seeds : 1); seed++)
      all.push(await call(server, clips, options, seed));
    const died = all.filter((one) => one.died);
    const turns = all.flatMap((one) => one.turns);
    const waits = turns.map((turn) => turn.voice_to_voice_ms).filter((ms) => ms !== null)
      .sort((a, b) => a - b);
    const wer = 100 * all.reduce((n, { transcripts }) => n + wordErrors(said, transcripts.join(' ')), 0) /
      (words(said).length * all.length);
    clean ??= wer;
    const good = died.length === 0 && (allowed === undefined || wer - clean <= allowed);
    met &&= good;
    const given = (...kinds) => all.reduce((n, one) =>
      n + kinds.reduce((ms, kind) => ms + (one.server?.stt_input_ms?.[kind] ?? 0), 0), 0);
    const total = given('decoded', 'fec', 'copied', 'concealed', 'silence', 'paused');
    rows.push([name, died[0]?.died ?? `${all.length}/${all.length}`,
      `${waits.length}/${clips.length * all.length}`, `${wer.toFixed(1)} %`, (wer - clean).toFixed(1),
      allowed === undefined ? '' : `${allowed}${good ? '' : ' MISSED'}`,
      percent(given('concealed', 'silence'), total), percent(given('fec', 'copied'), total),
      `${waits[waits.length >> 1]?.toFixed(0)} ms`, `${waits.at(-1)?.toFixed(0)} ms`,
      `${Math.max(...all.map(({ setup_ms: ms }) => ms.dtls)).toFixed(0)} ms`]);
    console.error(`  ${rows.at(-1).join('  ')}`);
  }
  await server.stop();
  table(rows);
  console.log(`${words(said).length} words a call; concealed, recovered: of what the recogniser was given`);
  return met;
}

/** The agent's voice through a bad network, as Chromium plays it, written down again. */
async function browser({ losses }) {
  const rows = [['the agent in Chromium', 'WER', 'above clean', 'allowed', 'packets lost', 'concealed',
    'codec']];
  const server = await Server.start({ agent: path.join(here, 'agent') });
  let clean = null;
  let failed = false;
  for (const spec of losses) {
    const [loss, burst = '1'] = spec.split(':');
    const allowed = { 10: 5 }[spec];
    const network = await BadNetwork.start([...both('--loss', loss, '--burst', burst), '--seed', '5']);
    const caller = await Caller.open(server.url, {});
    try {
      await network.attach(caller.page);
      await caller.talk();
      await caller.quiet({ timeout: 300_000 });
      const audio = await caller.page.evaluate(async () => {
        const all = [...(await window.e2e.pc.getStats()).values()];
        const one = all.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'audio');
        return { ...one, codec: all.find(({ id }) => id === one.codecId)?.mimeType };
      });
      const wer = wordErrorRate(textOf(sentences(caller)), transcribe(await caller.recording()));
      clean ??= wer;
      const good = allowed === undefined || wer - clean <= allowed;
      failed ||= !good;
      const { packetsLost: lost, packetsReceived: received } = audio;
      rows.push([`${loss} % loss both ways${burst > 1 ? ` in runs of ${burst}` : ''}`, `${wer.toFixed(1)} %`, (wer - clean).toFixed(1),
        allowed === undefined ? '' : `${allowed}${good ? '' : ' MISSED'}`,
        percent(lost, lost + received), `${((audio.concealedSamples -
        audio.silentConcealedSamples) / 48).toFixed(0)} ms`, audio.codec]);
      console.error(`  ${rows.at(-1).join('  ')}`);
      await caller.hangUp();
    } finally {
      await caller.close();
      network.stop();
    }
  }
  await server.stop();
  table(rows);
  return !failed;
}

const PARTS = { offline, calls, browser };

/** @param {string[]} args parts, and --seeds N, --only TEXT (offline, calls), --losses 0,10,10:3 (browser: percent,
 * or percent and length of runs). @returns {Promise<boolean>} all met */
export async function measureNetwork(args) {
  const settings = { seeds: 2, only: null, losses: ['0', '10', '20'] };
  const parts = [];
  for (let i = 0; i < args.length; i++) {
    if (args[i] === '--seeds')
      settings.seeds = Number(args[++i]);
    else if (args[i] === '--losses')
      settings.losses = args[++i].split(',');
    else if (args[i] === '--only')
      settings.only = args[++i];
    else
      parts.push(args[i]);
  }
  let met = true;
  for (const name of parts.length > 0 ? parts : Object.keys(PARTS)) {
    if (!PARTS[name])
      throw new Error(`no such part: ${name}; there are: ${Object.keys(PARTS).join(', ')}`);
    met = await PARTS[name](settings) && met;
  }
  return met;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.exit(await measureNetwork(process.argv.slice(2)) ? 0 : 1);
