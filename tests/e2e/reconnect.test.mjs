// The browser's connection fails in mid-call, as when a laptop changes its network: the page makes
// another for the same conversation.

import assert from 'node:assert/strict';
import { until } from './lib/env.mjs';
import { say } from './lib/speech.mjs';
import { assertHeard, sentences, textOf, withCaller, withServer } from './lib/test.mjs';

export default {
  name: 'reconnect: a new connection goes on with the conversation',
  timeoutS: 200,
  covers: { 'the page, Chromium': ['new connection (restart_pc), same conversation'] },
  run: () => withServer({}, async (server) => {
    await withCaller(server, {}, async (caller) => {
      await caller.talk();
      await caller.quiet();
      let from = caller.messages.length;
      await caller.typeText('I would like to book a room.');
      await caller.quiet({ from });

      await caller.page.evaluate(() => {
        const { pc } = window.e2e;
        Object.defineProperty(pc, 'connectionState', { get: () => 'failed' });
        pc.dispatchEvent(new Event('connectionstatechange'));
      });
      await until(() => caller.page.evaluate(() => window.e2e.connections === 2 &&
        window.e2e.pc.connectionState === 'connected'), 'the second connection');
      await caller.waitState('listening');

      // The agent still waits for the day; it hears the old microphone on the new connection.
      from = caller.messages.length;
      const before = await caller.position();
      await caller.say(say('tuesday'));
      await caller.quiet({ from });
      const answer = textOf(sentences(caller, from));
      assert.match(answer, /time/i);
      assertHeard((await caller.recording()).subarray(before), answer, 0.5);
      const { sessions } = await server.stats();
      assert.deepEqual([sessions.total, sessions.active], [1, 1]);
      await caller.hangUp();
    });
  }),
};
