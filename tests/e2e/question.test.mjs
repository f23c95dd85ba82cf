// A stranger opens the page, presses Talk and asks: the microphone is Chromium's own fake device,
// as close to a person at a machine as a test comes.

import assert from 'node:assert/strict';
import { say } from './lib/speech.mjs';
import { assertHeard, sentences, textOf, withCaller, withServer } from './lib/test.mjs';
import { join, silence } from './lib/wav.mjs';

// Longer than the greeting, and than the answer.
const GREETING_MS = 8000;
const ANSWER_MS = 14_000;

/** Until the agent waits for a question. The microphone's clock does not: one that came too early is over. */
async function greeted(caller) {
  await caller.type('bot-stopped-speaking', { timeout: 30_000 });
  const early = caller.messages.findIndex(({ type }) => type === 'user-started-speaking');
  if (early < 0)
    return;
  console.log('# the machine connects slowly: the first question met the greeting, the next one counts');
  await caller.type('user-stopped-speaking', { from: early });
  await caller.quiet({ from: early });
}

async function ask(server, flags) {
  const microphone = join(silence(GREETING_MS), say('opening_hours'), silence(ANSWER_MS));
  await withCaller(server, { microphone, flags }, async (caller) => {
    await caller.talk();
    await greeted(caller);
    const greeting = textOf(sentences(caller));
    const before = await caller.position();
    const rowsBefore = (await caller.transcript()).length;
    const from = caller.messages.length;

    await caller.type('user-started-speaking', { from, timeout: 30_000 });
    await caller.heard(/\b(eight|8|nine|9|open)\b/i, { from, timeout: 30_000 });
    await caller.quiet({ from });
    // At once: somebody who is silent for a while is asked whether they are still there.
    const transcript = await caller.transcript();
    const state = await caller.state();
    const answer = textOf(sentences(caller, from));
    const recording = await caller.recording();
    await caller.hangUp();

    assert.equal(state, 'listening');
    // The agent may show something on the page, too.
    const rows = transcript.slice(rowsBefore).filter(({ who }) => who !== 'tool');
    assert.deepEqual(rows.map(({ who }) => who), ['user', 'agent']);
    assert.equal(transcript[0].who, 'agent');
    assert.match(rows[0].text, /opening hours/i);
    assert.equal(rows[1].heard, answer);
    assert.equal(rows[1].unheard, '');
    assertHeard(recording.subarray(0, before), greeting);
    assertHeard(recording.subarray(before), answer);
  });
}

export default {
  name: 'question: greeting and answer are heard, both are on the page',
  timeoutS: 300,
  covers: {
    'the page, Chromium': ['connect: offer', "agent's audio", 'speech is understood and answered'],
  },
  run: () => withServer({}, async (server) => {
    await ask(server, []);
    // Real addresses in place of the mDNS names that browsers show.
    await ask(server, ['--disable-features=WebRtcHideLocalIpsWithMdns']);
    const { sessions } = await server.stats();
    assert.equal(sessions.total, 2);
    assert.equal(sessions.failed, 0);
  }),
};
