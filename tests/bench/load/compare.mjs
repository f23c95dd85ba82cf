// Our server and others, taking turns, at the same numbers of calls.

import { callersSpeech } from './callers.mjs';
import { complexity, measureStep, median, phase, withSubject } from './measure.mjs';
import { SUBJECTS } from './subjects.mjs';
import { number, printTable } from './table.mjs';

/**
 * @param {{only: string[], calls: number[], rounds: number, seconds: number}} options
 * @param {(sample: object) => void} keep
 */
export async function compare(options, keep) {
  let failed = false;
  for (let round = 1; round <= options.rounds; round++) {
    for (const n of options.calls) {
      for (const name of options.only) {
        const { start, load, most = Infinity } = SUBJECTS[name];
        if (n > most)
          continue;
        try {
          const sample = await withSubject(start, (subject) =>
            measureStep(subject, { n, seconds: options.seconds, load, idleS: 2 }));
          keep({ bench: 'compare', subject: name, speech: callersSpeech().from, ...sample });
          console.error(`  round ${round}, ${n} × ${name}: ` +
            `${number(sample.cpuPerCallSecond, 2)} ms per call-second`);
        } catch (error) {
          failed = true;
          console.error(`  round ${round}, ${n} × ${name}: ${error.message}`);
        }
      }
    }
  }
  return !failed;
}

const FIGURES = {
  cpu: (s) => s.cpuPerCallSecond,
  memory: (s) => s.pssPerCall,
  idle: (s) => s.idlePss,
  total: (s) => s.pss,
  setUp: (s) => phase(s.report).setup_ms?.p50,
  // As many are due as are sent.
  delivered: (s) => phase(s.report).packets / phase(s.report).packets_sent * 100,
  gaps: (s) => phase(s.report).gaps_over_40ms / s.active / phase(s.report).seconds * 60,
  late: (s) => phase(s.report).late_ms?.p99,
  others: (s) => s.others,
};

function medians(samples) {
  return Object.fromEntries(Object.entries(FIGURES)
    .map(([name, of]) => [name, median(samples.map(of))]));
}

const RATIOS = [['ours', 'janus'], ['ours', 'janus-equal'], ['ours', 'aiortc'],
  ['ours-conversation', 'janus'], ['ours-conversation', 'aiortc']];

/** Medians of the rounds, and ratios. @param {object[]} samples */
export function printComparison(samples) {
  const ns = [...new Set(samples.map(({ n }) => n))].sort((a, b) => a - b);
  const rows = [];
  const cpu = new Map();
  for (const [name, { label }] of Object.entries(SUBJECTS)) {
    for (const n of ns) {
      const own = samples.filter((s) => s.subject === name && s.n === n);
      if (own.length === 0)
        continue;
      const m = medians(own);
      cpu.set(`${name} ${n}`, m.cpu);
      rows.push([label, String(n), String(own.length),
        [...new Set(own.map(complexity))].join('/'), number(m.cpu, 2), number(m.memory, 2),
        number(m.idle, 0), number(m.total, 0), `${number(m.delivered)} %`, number(m.gaps, 2),
        number(m.late), number(m.setUp, 0), number(m.others, 2)]);
    }
  }
  printTable(['', 'calls', 'rounds', 'Opus', 'CPU ms', 'MB/call', 'MB idle', 'MB', 'packets', 'gaps',
    'late', 'set-up ms', 'others'], rows);
  console.log(`
Opus: complexity of our encoders. CPU ms: per call and second, of the server and all its processes.
MB: PSS; per call: what it adds. packets: to the callers, of those due. gaps: of more than 40 ms
between packets, per call and minute. late: of packets against their stream's clock, P99, ms.
set-up: POST to first packet, P50. others: processors that what is no part of this used. Medians of
the rounds.
`);
  for (const [name, { label, does }] of Object.entries(SUBJECTS)) {
    if (samples.some((s) => s.subject === name))
      console.log(`${label}: ${does}.`);
  }
  const speech = [...new Set(samples.map((s) => s.speech))].join(', ');
  console.log(`A bridge's caller who is alone hears silence. Callers' speech: ${speech}.\n`);
  const known = ns.filter((n) => RATIOS.some(([a, b]) =>
    cpu.has(`${a} ${n}`) && cpu.has(`${b} ${n}`)));
  printTable(['CPU, ours : peer', ...known.map((n) => `${n} calls`)],
    RATIOS.map(([a, b]) => [`${SUBJECTS[a].label} : ${SUBJECTS[b].label}`,
      ...known.map((n) => number(cpu.get(`${a} ${n}`) / cpu.get(`${b} ${n}`), 2))]));
}
