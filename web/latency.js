// How long the agent took to answer, and with what: bars of a turn's parts.

import { element } from './transcript.js';

export const PARTS = {
  turn: 'end of turn',
  stt: 'speech to text',
  brain: 'brain',
  tts: 'text to speech',
  net: 'transport',
};
const SCALE_MS = 800; // a full bar, unless an answer took longer

export const ms = (value) => `${Math.round(value)} ms`;

/**
 * What the user waited for. Recogniser and brain work while the end of the turn is still being
 * waited for: each part counts with what it added.
 * @param {object} metrics of Conversation's "metrics"
 * @param {{rtt_ms, jitter_buffer_ms}|null} quality what the network and the buffer add
 * @returns {object|null} ms by part, and their total; null: no spoken answer was measured
 */
export function split(metrics, quality) {
  const { voice_to_voice_ms: whole } = metrics;
  if (!(whole > 0))
    return null;
  const most = (value, left) => Math.max(0, Math.min(value ?? 0, left));
  const decision = most(metrics.turn_decision_ms, whole);
  const stt = most(metrics.stt_ms, decision);
  const tts = most(metrics.tts_ttfa_ms, whole - decision);
  const brain = most(metrics.llm_ttft_ms, whole - decision - tts);
  const path = (quality?.rtt_ms ?? 0) / 2 + (quality?.jitter_buffer_ms ?? 0);
  const net = whole - decision - tts - brain + path;
  return { turn: decision - stt, stt, brain, tts, net, total: whole + path };
}

/** The bar, with its words for those who do not see it. */
export function bar(times) {
  const root = element('span', 'bar');
  root.setAttribute('role', 'img');
  root.setAttribute('aria-label', `Answered after ${ms(times.total)}: ` +
    Object.entries(PARTS).map(([key, name]) => `${name} ${ms(times[key])}`).join(', '));
  for (const key of Object.keys(PARTS)) {
    const part = root.appendChild(element('i', `part-${key}`));
    part.style.flexGrow = Math.max(times[key], 1);
  }
  root.style.width = `${Math.min(100, times.total / SCALE_MS * 100)}%`;
  return root;
}

/** @param {HTMLElement} list gets the parts with their colours and numbers */
export function legend(list, times) {
  list.replaceChildren(...Object.entries(PARTS).map(([key, name]) => {
    const item = element('li');
    item.append(element('i', `part-${key}`), `${name} `, element('b', '', times ?
      ms(times[key]) : '–'));
    return item;
  }));
  return list;
}

/** One turn, as it stands below the reply. */
export function turn(times) {
  const root = element('details', 'timing');
  const summary = element('summary');
  summary.append(bar(times), element('span', 'total', ms(times.total)));
  root.append(summary, legend(element('ul', 'legend'), times));
  return root;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
