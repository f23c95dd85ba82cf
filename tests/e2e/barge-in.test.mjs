// The user speaks while the agent speaks. The agent stops, and what the page calls heard is what
// was heard.

import assert from 'node:assert/strict';
import { sleep, transcribe, words } from './lib/env.mjs';
import { say } from './lib/speech.mjs';
import { assertHeard, overlap, withCaller, withServer } from './lib/test.mjs';

export default {
  name: 'barge-in: the agent stops, unheard words are struck through and were not heard',
  timeoutS: 200,
  covers: { 'the page, Chromium': ['barge-in by speech'] },
  run: () => withServer({}, async (server) => {
    await withCaller(server, {}, async (caller) => {
      await caller.talk();
      await caller.quiet();
      let from = caller.messages.length;
      await caller.typeText('Is there parking?');
      const before = await caller.position();
      const beforeAt = Date.now();
      await caller.type('bot-started-speaking', { from });
      await sleep(2200); // for some words
      from = caller.messages.length;
      const question = caller.say(say('weather'));
      await caller.type('user-started-speaking', { from });
      const stopped = await caller.type('bot-stopped-speaking', { from });
      // A page that is busy records late.
      const heardUntil = Math.max(await caller.position(), before + (stopped.at - beforeAt) * 16);
      await caller.type('bot-interrupted', { from });
      assert.ok(stopped);
      await question;

      const cut = (await caller.transcript()).filter(({ unheard }) => unheard);
      assert.equal(cut.length, 1, `struck through: ${JSON.stringify(cut)}`);
      const [{ heard, unheard }] = cut;
      assert.ok(words(heard).length > 0, 'something was heard');
      // What was on its way when the agent stopped is in the recording, and nothing later.
      const recording = (await caller.recording()).subarray(before, heardUntil + 3200);
      assertHeard(recording, heard, 0.6);
      const text = transcribe(recording);
      const rest = words(unheard).slice(1).join(' '); // the first may have begun
      assert.ok(overlap(rest, text) < 0.5, `"${rest}" was not heard, but recorded is: "${text}"`);

      // And the conversation goes on.
      await caller.quiet({ from: caller.messages.indexOf(stopped) + 1 });
      const { barge_in_stop_ms: stop } = await server.stats();
      assert.equal(stop.n, 1);
      await caller.hangUp();
    });
  }),
};
