// How many conversations one processor carries, and what ends it.

import { callersSpeech } from './callers.mjs';
import { measureStep, phase, withSubject } from './measure.mjs';
import { Ours, SUBJECTS, conversationAgent } from './subjects.mjs';
import { number, percent, printTable } from './table.mjs';

const SERVER_CORE = 0;
const CALLERS_CORE = 1;
const MAX_TICK_LATE_MS = 10;
// A processor with less left is full.
const FULL = 0.05;

/** The worst of the points of /stats/history that lie within the steady phase. */
async function worstTick(server, fromUnixS) {
  const { interval_s: interval, points } = await server.stats('/stats/history');
  const late = points.filter(({ t, tick_late_p99_ms: ms }) =>
    t - interval >= fromUnixS && Number.isFinite(ms)).map((p) => p.tick_late_p99_ms);
  return late.length > 0 ? Math.max(...late) : NaN;
}

/**
 * One more step of conversations on one processor, callers on the other.
 * @param {{steps: number[], seconds: number, options: string[]}} settings options: of the server
 */
export async function knee(settings, keep) {
  for (const n of settings.steps) {
    const start = () => Ours.start({
      agent: conversationAgent,
      core: SERVER_CORE,
      options: ['--loops', '1', ...settings.options],
    });
    const sample = await withSubject(start, async (subject) => {
      let ticks = null;
      let steadyFrom = null;
      const watching = setInterval(async () => {
        const stats = await subject.server.stats().catch(() => null);
        if (!stats || stats.sessions.active < n)
          return;
        steadyFrom ??= Date.now() / 1000;
        ticks = { ...stats.loops[0].tick_late_ms, worst: await worstTick(subject.server, steadyFrom) };
      }, 1000);
      try {
        return {
          ...await measureStep(subject, {
            n,
            seconds: settings.seconds,
            load: SUBJECTS['ours-conversation'].load,
            core: SERVER_CORE,
            loadCore: CALLERS_CORE,
          }),
          ticks,
        };
      } finally {
        clearInterval(watching);
      }
    });
    keep({ bench: 'knee', speech: callersSpeech().from, ...sample });
    console.error(`  ${n} calls: ${verdict(sample)}`);
  }
}

function verdict(sample) {
  const { gaps_over_40ms: gaps } = phase(sample.report);
  const tick = sample.ticks?.worst ?? NaN;
  const broken = [
    ...tick <= MAX_TICK_LATE_MS ? [] : [`tick late P99 ${number(tick)} ms`],
    ...gaps === 0 ? [] : [`${gaps} gaps`],
  ];
  if (broken.length === 0)
    return 'holds';
  const { seconds } = sample;
  const who = sample.childrenMs > sample.serverMs ? 'workers' : 'the server';
  const why = sample.coreIdle < FULL ? `processor full, most of it by ${who}` : 'processor not full';
  const own = sample.report.own?.late_ms_p99;
  return `${broken.join(', ')}; ${why}` +
    (own > MAX_TICK_LATE_MS ? `; the callers themselves are ${number(own)} ms late` : '') +
    (seconds > 0 ? '' : '; nothing was measured');
}

export function printKnee(samples) {
  const sorted = [...samples].sort((a, b) => a.n - b.n);
  printTable(['conversations', 'tick P50', 'P99', 'gaps', 'v2v P50', 'P95', 'server', 'workers',
    'other', 'idle', 'CPU ms', 'MB/call', 'MB', 'verdict'], sorted.map((s) => {
    const { gaps_over_40ms: gaps, voice_to_voice_ms: v2v } = phase(s.report);
    const ms = s.seconds * 1000;
    return [String(s.n), number(s.ticks?.p50), number(s.ticks?.worst), String(gaps),
      number(v2v?.p50, 0), number(v2v?.p95, 0), percent(s.serverMs / ms),
      percent(s.childrenMs / ms), percent(s.otherOnCore), percent(s.coreIdle),
      number(s.cpuPerCallSecond, 2), number(s.pssPerCall, 2), number(s.pss, 0), verdict(s)];
  }));
  const first = sorted.find((s) => verdict(s) !== 'holds');
  const last = sorted.filter((s) => verdict(s) === 'holds' && !(s.n > first?.n)).at(-1);
  console.log('\nThe server and its workers on one processor, the callers on another. tick: of ' +
    'the media loop, ms late; P99 of the worst\n10 s. gaps: of more than 40 ms in what callers ' +
    'get. v2v: end of speech to first sound, ms. MB: PSS.\n');
  console.log(`One processor carries ${last ? last.n : 'fewer'} conversations` +
    (first ? `; at ${first.n}: ${verdict(first)}.` : ', no step that failed.'));
}
