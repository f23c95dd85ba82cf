// How long the agent took to answer, and with what: bars of a turn's parts.

import { element } from './transcript.js';

const PARTS = {
  turn: 'end of turn',
  stt: 'speech to text',
  brain: 'brain',
  tts: 'text to speech',
  net: 'transport',
};
const NAMES = Object.entries(PARTS);
const SCALE_MS = 800; // a full bar

export const ms = (value) => `${Math.round(value)} ms`;

/**
 * What the user waited for. Recogniser and brain work while the end of the turn is still awaited:
 * each part counts with what it added.
 * @returns {object|null} ms by part, and their total; null: no spoken answer was measured
 */
export function split(metrics, quality) {
  const whole = metrics.voice_to_voice_ms;
  if (!(whole > 0))
    return null;
  const within = (value, left) => Math.max(0, Math.min(value ?? 0, left));
  const decision = within(metrics.turn_decision_ms, whole);
  const stt = within(metrics.stt_ms, decision);
  const tts = within(metrics.tts_ttfa_ms, whole - decision);
  const brain = within(metrics.llm_ttft_ms, whole - decision - tts);
  const path = (quality?.rtt_ms ?? 0) / 2 + (quality?.jitter_buffer_ms ?? 0);
  return {
    turn: decision - stt, stt, brain, tts,
    net: whole - decision - tts - brain + path,
    total: whole + path,
  };
}

function swatch(key) {
  const node = element('i');
  node.style.background = `var(--part-${key})`;
  return node;
}

/** Bar and number in `row`. */
export function draw(row, times) {
  const bar = element('span', 'bar');
  bar.setAttribute('role', 'img');
  bar.setAttribute('aria-label', NAMES.map(([key, name]) => `${name} ${ms(times[key])}`).join(', '));
  for (const [key] of NAMES)
    bar.appendChild(swatch(key)).style.flexGrow = Math.max(times[key], 1);
  bar.style.width = `${Math.min(80, times.total / SCALE_MS * 80)}%`;
  row.append(bar, ms(times.total));
  return row;
}

/** The parts with their colours and numbers. */
export function legend(list, times) {
  list.replaceChildren(...NAMES.map(([key, name]) => {
    const item = element('li');
    item.append(swatch(key), `${name} `, element('b', '', times ? ms(times[key]) : '–'));
    return item;
  }));
  return list;
}

/** One turn, as it stands below the reply. */
export function turn(times) {
  const root = element('details', 'timing');
  root.append(draw(element('summary'), times), legend(element('ul', 'legend'), times));
  return root;
}

/** @returns {object} the median of each part, and of the total */
export const median = (turns) => Object.fromEntries(Object.keys(turns[0]).map((key) =>
  [key, turns.map((times) => times[key]).sort((a, b) => a - b)[turns.length >> 1]]));
