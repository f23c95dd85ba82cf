// One step: so many calls of one server for so long, and what they cost it.

import { sleep, until } from '../../e2e/lib/env.mjs';
import { startCalls } from './callers.mjs';
import { coreMs, cpuMs, pssMb } from './processes.mjs';
import { watchStalls } from './stalls.mjs';

// Calls are under way, and what belongs to their beginning is over.
const SETTLE_S = 3;
const PER_SECOND = 20;
// Callers who began together would speak and be answered together.
const LEAST_RAMP_S = 4;
// Of a processor, that somebody else uses.
export const NOT_IDLE = 0.1;
// The callers go on until the last sample is taken.
const MARGIN_S = 2;

const rampSeconds = (n) => n === 1 ? 0 : Math.max(LEAST_RAMP_S, n / PER_SECOND);

/** CPU of a server's processes between two moments, by what they are, and of all others. */
class CpuWatch {
  constructor(subject, callers, core) {
    Object.assign(this, { subject, callers, core });
    [this.root] = subject.pids();
    this.before = this.read();
  }

  read() {
    const pids = this.subject.pids();
    return {
      atMs: performance.now(),
      all: cpuMs(pids),
      root: cpuMs([this.root]),
      bench: cpuMs([this.callers.pid, process.pid]),
      core: this.core === undefined ? null : coreMs(this.core),
      machine: coreMs(),
    };
  }

  /** cpuMs: of serverMs and childrenMs; others: processors that somebody else used, as a number */
  stop() {
    const { before } = this;
    const now = this.read();
    const busy = (name) =>
      now[name].total - before[name].total - now[name].idle + before[name].idle;
    const result = {
      seconds: (now.atMs - before.atMs) / 1000,
      cpuMs: now.all - before.all,
      serverMs: now.root - before.root,
    };
    result.childrenMs = result.cpuMs - result.serverMs;
    result.others = (busy('machine') - result.cpuMs - now.bench + before.bench) /
      (result.seconds * 1000);
    if (now.core)
      result.coreIdle = 1 - busy('core') / (now.core.total - before.core.total);
    return result;
  }
}

/**
 * @param {object} subject running, with nobody on the line
 * @param {{n: number, seconds: number, load: string[], core?: number, loadCore?: number,
 *   ramp?: number, idleS?: number, fewer?: boolean}} options ramp: seconds within which they come;
 *   idleS: how long it is left alone for its idle memory;
 *   fewer: some may be refused
 */
export async function measureStep(subject, options) {
  const { n, seconds, load, core, loadCore, ramp = rampSeconds(n), idleS = 1, fewer = false } =
    options;
  await sleep(idleS * 1000);
  const idlePss = pssMb(subject.pids());
  const stalls = watchStalls(core);
  const calls = startCalls(subject.url, ['--calls', String(n), '--ramp', ramp.toFixed(2),
    '--hold', String(seconds + SETTLE_S + MARGIN_S), ...load], loadCore);
  try {
    if (fewer)
      await sleep(ramp * 1000);
    else
      await until(async () => await subject.active() >= n, `${n} calls`, (ramp + 20) * 1000, 100);
    await sleep(SETTLE_S * 1000);
    const watch = new CpuWatch(subject, calls, core);
    await sleep(seconds * 1000);
    const cpu = watch.stop();
    const active = await subject.active();
    const pss = pssMb(subject.pids());
    const processes = subject.pids().length;
    const report = await calls.done;
    const stalled = stalls.stop();
    if (cpu.others > NOT_IDLE)
      console.error(`  others used ${cpu.others.toFixed(2)} of a processor: not an idle machine`);
    return {
      n,
      active,
      ...cpu,
      cpuPerCallSecond: cpu.cpuMs / active / cpu.seconds,
      idlePss,
      pss,
      pssPerCall: (pss - idlePss) / active,
      processes,
      stalled,
      report,
    };
  } finally {
    calls.stop();
    stalls.stop();
  }
}

/** Starts a server, lets it be called, and ends it. @param {() => Promise<object>} start */
export async function withSubject(start, body) {
  const subject = await start();
  try {
    return await body(subject);
  } finally {
    await subject.stop();
  }
}

/** The one steady phase of a report. */
export const phase = (report) => report.phases.at(-1);

/** Of the encoders, which the server lowers when it is busy. */
export const complexity = ({ report }) =>
  String(phase(report).stats?.admission?.complexity ?? '-');

export function median(values) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length === 0 ? NaN
    : sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

