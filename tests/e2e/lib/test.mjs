// What the tests share: server and callers that always end, and comparisons that explain.

import assert from 'node:assert/strict';
import { Caller } from './browser.mjs';
import { transcribe, words } from './env.mjs';
import { Server } from './server.mjs';

/** Runs body with a server, which must end in order afterwards. */
export async function withServer(settings, body) {
  const server = await Server.start(settings);
  try {
    await body(server);
  } catch (error) {
    const log = server.log();
    await server.stop().catch(() => {});
    throw new Error(`${error.message}\nthe server's log:\n${log}`, { cause: error });
  }
  const { code, signal } = await server.stop();
  assert.equal(code, 0, `the server ended with ${code ?? signal}\n${server.log()}`);
}

/** Runs body with somebody at the page, which must show no error of its own. */
export async function withCaller(server, settings, body) {
  const caller = await Caller.open(server.url, settings);
  try {
    await body(caller);
  } finally {
    await caller.close();
  }
  assert.deepEqual(caller.unexpected(), [], 'the page reported problems');
}

const NUMBERS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine',
  'ten', 'eleven', 'twelve'];
const spelled = (word) => NUMBERS[Number(word)] ?? word;

/** How much of the words of `expected` is found in `text`, in order: 0 to 1. */
export function overlap(expected, text) {
  const a = words(expected).map(spelled);
  const b = words(text).map(spelled);
  let row = new Array(b.length + 1).fill(0);
  for (const word of a) {
    const next = [0];
    b.forEach((other, j) => next.push(word === other ? row[j] + 1 : Math.max(row[j + 1], next[j])));
    row = next;
  }
  return a.length === 0 ? 1 : row[b.length] / a.length;
}

/**
 * What was recorded is the text: most of its words in their order. The recogniser makes mistakes
 * with a synthetic voice, hence not all.
 */
export function assertHeard(pcm, text, least = 0.6) {
  const heard = transcribe(pcm);
  const part = overlap(text, heard);
  assert.ok(part >= least, `in the recording only ${Math.round(part * 100)} % of the words of ` +
    `"${text}" were found, but: "${heard}"`);
  return heard;
}

/** The agent's sentences from a message on, as announced. */
export function sentences(caller, from = 0) {
  const byId = new Map();
  for (const { type, data } of caller.messages.slice(from)) {
    if (type === 'bot-output')
      byId.set(data.segment_id, data);
  }
  return [...byId.values()];
}

/** What was heard of them, as announced. */
export const heardOf = (list) => list.map(({ text, spoken_progress: progress }) =>
  progress?.remaining_text ? progress.accumulated_text : text).join(' ');

export const textOf = (list) => list.map(({ text }) => text).join(' ');
