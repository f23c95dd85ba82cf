// Typed words in place of spoken ones: in a call, and without any microphone.

import assert from 'node:assert/strict';
import { sentences, textOf, withCaller, withServer } from './lib/test.mjs';

export default {
  name: 'typing: a typed question is answered, in a call and without a microphone',
  timeoutS: 200,
  covers: { 'the page, Chromium': ['send-text'] },
  run: () => withServer({}, async (server) => {
    await withCaller(server, {}, async (caller) => {
      await caller.talk();
      await caller.quiet();
      const from = caller.messages.length;
      await caller.typeText('What are your opening hours?');
      await caller.heard(/\b(eight|8|nine|9|open)\b/i, { from });
      const items = await caller.transcript();
      assert.deepEqual(items.filter(({ who }) => who === 'user').map(({ text }) => text),
        ['What are your opening hours?'], 'the typed words stand there once');
      await caller.hangUp();
    });

    await withCaller(server, {}, async (caller) => {
      await caller.typeText('What are your opening hours?');
      await caller.heard(/\b(eight|8|nine|9|open)\b/i);
      await caller.quiet();
      assert.match(textOf(sentences(caller)), /open/i);
      assert.equal(await caller.state(), 'typing');
      await caller.hangUp();
    });
  }),
};
