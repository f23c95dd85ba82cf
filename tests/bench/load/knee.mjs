// How many conversations one processor carries, and what ends it.

import { execFileSync } from 'node:child_process';
import { callersSpeech } from './callers.mjs';
import { NOT_IDLE, complexity, measureStep, phase, withSubject } from './measure.mjs';
import { Ours, SUBJECTS, conversationAgent } from './subjects.mjs';
import { number, percent, printTable } from './table.mjs';

const SERVER_CORE = 0;
const CALLERS_CORE = 1;
const MAX_TICK_LATE_MS = 10;
// A processor with less left is full.
const FULL = 0.05;

/**
 * One more step of conversations on one processor, callers on the other.
 * @param {{steps: number[], seconds: number, options: string[]}} settings options: of the server
 */
export async function knee(settings, keep) {
  // What measures is not to disturb it.
  execFileSync('taskset', ['-a', '-c', '-p', String(CALLERS_CORE), String(process.pid)],
    { stdio: 'ignore' });
  for (const n of settings.steps) {
    const start = () => Ours.start({
      agent: conversationAgent,
      core: SERVER_CORE,
      options: ['--loops', '1', '--no-admission', ...settings.options],
    });
    const sample = await withSubject(start, (subject) => measureStep(subject, {
      n,
      seconds: settings.seconds,
      load: SUBJECTS['ours-conversation'].load,
      core: SERVER_CORE,
      loadCore: CALLERS_CORE,
    }));
    keep({ bench: 'knee', speech: callersSpeech().from, ...sample });
    console.error(`  ${n} calls: ${verdict(sample)}`);
  }
}

/** Of the ten seconds that were worst. */
const tickLate = (sample) => phase(sample.report).stats?.tick_late_p99_worst_10s_ms ?? NaN;

function verdict(sample) {
  const { gaps_over_40ms: gaps, own } = phase(sample.report);
  const tick = tickLate(sample);
  const broken = [
    ...tick <= MAX_TICK_LATE_MS ? [] : [`tick late P99 ${number(tick)} ms`],
    ...gaps === 0 ? [] : [`${gaps} gaps`],
  ];
  if (broken.length === 0)
    return 'holds';
  const who = sample.childrenMs > sample.serverMs ? 'workers' : 'the server';
  const why = sample.coreIdle < FULL ? `processor full, most of it by ${who}` : 'processor not full';
  const late = own?.late_ms?.p99;
  return `${broken.join(', ')}; ${why}` +
    (late > MAX_TICK_LATE_MS ? `; the callers themselves are ${number(late)} ms late` : '') +
    (sample.others > NOT_IDLE ? '; others disturbed' : '') +
    (sample.stalled?.n > 0 ? `; the machine stood still ${stalls(sample)}` : '');
}

const stalls = ({ stalled: { n, longestMs } }) =>
  n === 0 ? '0' : `${n} times, up to ${number(longestMs, 0)} ms`;

export function printKnee(samples) {
  const sorted = [...samples].sort((a, b) => a.n - b.n);
  printTable(['conversations', 'tick P99', 'late P99', 'gaps', 'v2v P50', 'P95', 'server', 'workers',
    'others', 'stalls', 'idle', 'Opus', 'CPU ms', 'MB/call', 'MB', 'verdict'], sorted.map((s) => {
    const { gaps_over_40ms: gaps, voice_to_voice_ms: v2v, late_ms: late } = phase(s.report);
    const ms = s.seconds * 1000;
    return [String(s.n), number(tickLate(s)), number(late.p99), String(gaps),
      number(v2v?.p50, 0), number(v2v?.p95, 0), percent(s.serverMs / ms),
      percent(s.childrenMs / ms), percent(Math.max(0, s.others)),
      String(s.stalled?.n ?? '-'), percent(s.coreIdle), complexity(s), number(s.cpuPerCallSecond, 2), number(s.pssPerCall, 2), number(s.pss, 0), verdict(s)];
  }));
  const first = sorted.find((s) => verdict(s) !== 'holds');
  const last = sorted.filter((s) => verdict(s) === 'holds' && !(s.n > first?.n)).at(-1);
  console.log(`
The server and its workers on one processor, the callers on another. tick: of the media loop, ms
late, P99 of the worst 10 s. late: of packets against their stream's clock, P99, ms. gaps: of more
than 40 ms between packets. v2v: end of speech to first sound, ms. others: what is no part of this
uses of a processor. stalls: of the machine, 20 ms and more without a moment for a thread that goes
before all. Opus: complexity of the encoders at the end. CPU ms: per call and second.
MB: PSS.
`);
  console.log(`One processor carries ${last ? last.n : 'fewer'} conversations` +
    (first ? `; at ${first.n}: ${verdict(first)}.` : ', no step that failed.'));
}
