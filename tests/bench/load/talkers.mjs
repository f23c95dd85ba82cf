// How many callers at once are understood and answered in time with the local models.

import { callersSpeech } from './callers.mjs';
import { complexity, measureStep, phase, withSubject } from './measure.mjs';
import { Ours } from './subjects.mjs';
import { number, percent, printTable } from './table.mjs';

export const MAX_ANSWER_MS = 800;

/** @param {{steps: number[], seconds: number, ramp?: number, options: string[]}} settings */
export async function talkers(settings, keep) {
  for (const n of settings.steps) {
    const sample = await withSubject(() => Ours.start({ options: settings.options }), (subject) =>
      measureStep(subject,
        { n, seconds: settings.seconds, ramp: settings.ramp, load: [], fewer: true }));
    keep({ bench: 'talkers', speech: callersSpeech().from, ...sample });
    const v2v = phase(sample.report).voice_to_voice_ms;
    console.error(`  ${n} talkers: ${number(v2v?.p50, 0)} ms P50, ${number(v2v?.p95, 0)} ms P95`);
    if (!settings.all && v2v?.p95 > MAX_ANSWER_MS)
      break;
  }
}

export function printTalkers(samples) {
  const sorted = [...samples].sort((a, b) => a.n - b.n);
  printTable(['talkers', 'admitted', 'refused', 'turns', 'unanswered', 'v2v P50', 'P95', 'P99',
    'gaps', 'Opus', 'CPU', 'MB/call', 'MB', 'in time'], sorted.map((s) => {
    const { voice_to_voice_ms: v2v, gaps_over_40ms: gaps, answers_missing: missing } =
      phase(s.report);
    const { connected, refused = 0 } = s.report.calls;
    return [String(s.n), String(connected), String(refused), String(v2v?.n ?? 0),
      String(missing ?? '-'), number(v2v?.p50, 0), number(v2v?.p95, 0), number(v2v?.p99, 0),
      String(gaps), complexity(s), percent(s.cpuMs / s.seconds / 1000), number(s.pssPerCall, 1),
      number(s.pss, 0), v2v?.p95 <= MAX_ANSWER_MS ? 'yes' : 'NO'];
  }));
  console.log(`
Local models (Moonshine, the built-in brain, Flite). v2v: end of speech to first sound, ms; in time:
P95 ≤ ${MAX_ANSWER_MS} ms. gaps: of more than 40 ms between packets. CPU: of one processor, server and
workers. MB: PSS.`);
}
