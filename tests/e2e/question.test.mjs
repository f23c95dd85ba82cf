// A stranger opens the page, presses Talk and asks: the microphone is Chromium's own fake device,
// as close to a person at a machine as a test comes.

import assert from 'node:assert/strict';
import { say } from './lib/speech.mjs';
import { assertHeard, sentences, textOf, withCaller, withServer } from './lib/test.mjs';
import { join, silence } from './lib/wav.mjs';

// Longer than any greeting: the question comes after it.
const GREETING_MS = 8000;

async function ask(server, flags) {
  const microphone = join(silence(GREETING_MS), say('opening_hours'), silence(500));
  await withCaller(server, { microphone, flags }, async (caller) => {
    await caller.talk();
    await caller.type('bot-stopped-speaking', { timeout: 12_000 });
    const greeting = textOf(sentences(caller));
    const before = await caller.position();
    const from = caller.messages.length;

    await caller.type('user-started-speaking', { from });
    await caller.heard(/\b(eight|8|nine|9|open)\b/i, { from, timeout: 25_000 });
    await caller.quiet({ from });
    const answer = textOf(sentences(caller, from));
    const recording = await caller.recording();

    assertHeard(recording.subarray(0, before), greeting);
    assertHeard(recording.subarray(before), answer);
    // The agent may show something on the page, too.
    const transcript = (await caller.transcript()).filter(({ who }) => who !== 'tool');
    assert.deepEqual(transcript.map(({ who }) => who), ['agent', 'user', 'agent']);
    assert.match(transcript[1].text, /opening hours/i);
    assert.equal(transcript[2].heard, answer);
    assert.equal(transcript[2].unheard, '');
    assert.equal(await caller.state(), 'listening');
    await caller.hangUp();
  });
}

export default {
  name: 'question: greeting and answer are heard, both are on the page',
  timeoutS: 120,
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
