// The page in Firefox: another WebRTC, with candidates, SDP and data channels of its own.

import assert from 'node:assert/strict';
import { launchFirefox } from './lib/firefox.mjs';
import { say } from './lib/speech.mjs';
import { assertHeard, sentences, textOf, withCaller, withServer } from './lib/test.mjs';

export default {
  name: 'firefox: the page talks, types, reconnects and hangs up',
  timeoutS: 90,
  run: () => withServer({}, async (server) => {
    const browser = await launchFirefox();
    try {
      await withCaller(server, { browser }, async (caller) => {
        await caller.talk();
        await caller.quiet();
        const before = await caller.position();
        let from = caller.messages.length;
        await caller.say(say('opening_hours'));
        await caller.heard(/\b(eight|8|nine|9|open)\b/i, { from });
        await caller.quiet({ from });
        const answer = textOf(sentences(caller, from));
        assertHeard((await caller.recording()).subarray(before), answer);
        await caller.hangUp();
      });
    } finally {
      await browser.close();
    }
  }),
};
