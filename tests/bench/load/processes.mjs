// What processes cost, from /proc.

import fs from 'node:fs';

const TICK_MS = 10; // USER_HZ is 100 on every Linux

function stat(pid) {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name may hold anything, but no field behind it does.
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null; // gone
  }
}

/** utime + stime of those that live. @param {number[]} pids */
export function cpuMs(pids) {
  return pids.reduce((sum, pid) => {
    const fields = stat(pid);
    return sum + (fields ? (Number(fields[11]) + Number(fields[12])) * TICK_MS : 0);
  }, 0);
}

/** Proportional set sizes, summed. @param {number[]} pids */
export function pssMb(pids) {
  return pids.reduce((sum, pid) => {
    try {
      const text = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
      return sum + Number(/^Pss:\s+(\d+)/m.exec(text)[1]) / 1024;
    } catch {
      return sum;
    }
  }, 0);
}

/** A process and all below it. */
export function family(root) {
  const parents = new Map();
  for (const name of fs.readdirSync('/proc')) {
    const fields = /^\d+$/.test(name) && stat(name);
    if (fields && fields[0] !== 'Z')
      parents.set(Number(name), Number(fields[1]));
  }
  const pids = [root];
  for (const pid of pids) // grows meanwhile
    pids.push(...[...parents].filter(([, parent]) => parent === pid).map(([child]) => child));
  return pids;
}

/** Where it may run, as "0" or "0-1". */
export function allowedCores(pid) {
  const text = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  return /^Cpus_allowed_list:\s*(.*)$/m.exec(text)[1];
}

/**
 * How a processor, or without a number all of them, have spent their time.
 * @returns {{idle: number, total: number}} ms
 */
export function coreMs(core = '') {
  const line = fs.readFileSync('/proc/stat', 'utf8').split('\n')
    .find((text) => text.startsWith(`cpu${core} `));
  const ticks = line.split(/\s+/).slice(1, 9).map(Number); // without the guests', counted already
  return {
    idle: (ticks[3] + ticks[4]) * TICK_MS,
    total: ticks.reduce((a, b) => a + b, 0) * TICK_MS,
  };
}
