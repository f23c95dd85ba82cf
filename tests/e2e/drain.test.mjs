// SIGTERM in a call: nobody new is let in, the caller is not cut off, the exit is clean.

import assert from 'node:assert/strict';
import { until } from './lib/env.mjs';
import { withCaller, withServer } from './lib/test.mjs';

export default {
  name: 'drain: SIGTERM lets the call come to its end',
  timeoutS: 200,
  run: () => withServer({ options: ['--drain-timeout', '15'] }, async (server) => {
    await withCaller(server, {}, async (caller) => {
      await caller.talk();
      await caller.quiet();
      const from = caller.messages.length;
      caller.expectRefusals();
      await caller.typeText('What are your opening hours?');
      await caller.type('bot-started-speaking', { from });
      server.child.kill('SIGTERM');

      await until(async () => (await fetch(`${server.url}/readyz`)).status === 503, '/readyz 503');
      const offer = await fetch(`${server.url}/api/offer`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ sdp: await caller.page.evaluate(() =>
          window.e2e.pc.localDescription.sdp), type: 'offer', pc_id: null, restart_pc: false }),
      });
      assert.equal(offer.status, 503);
      assert.ok(Number(offer.headers.get('retry-after')) > 0);

      // The call goes on; when the time is up the agent takes its leave and the page learns that it is over.
      await caller.heard(/\b(eight|8|nine|9|open)\b/i, { from });
      const asked = caller.messages.length;
      await caller.typeText('How much is a hot desk?');
      await caller.type('bot-started-speaking', { from: asked });
      await caller.waitState('ended', 40_000);
      assert.equal(await caller.page.isVisible('#problem'), false);
      const { code } = await until(() => server.exit, 'the end of the server', 10_000);
      assert.equal(code, 0);
    });
  }),
};
