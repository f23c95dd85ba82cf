// kill -9 of the worker in mid-sentence: the call, the sentence and the memory survive.

import assert from 'node:assert/strict';
import { sleep, until } from './lib/env.mjs';
import { assertHeard, heardOf, sentences, textOf, withCaller, withServer } from './lib/test.mjs';

/** The worker of the only call: the one that has worked. */
function busyWorker(server) {
  return server.workers().sort((a, b) => b.ticks - a.ticks)[0];
}

export default {
  name: 'worker-killed: the call goes on with another worker that knows what was said',
  timeoutS: 200,
  run: () => withServer({}, async (server) => {
    await withCaller(server, {}, async (caller) => {
      await caller.talk();
      await caller.quiet();
      let from = caller.messages.length;
      await caller.typeText('I would like to book a room.');
      await caller.heard(/day|when/i, { from });
      await caller.quiet({ from });

      from = caller.messages.length;
      const position = await caller.position();
      await caller.typeText('What are your opening hours?');
      await caller.type('bot-started-speaking', { from });
      await sleep(500);
      const { workers: before } = await server.stats();
      const worker = busyWorker(server);
      const others = server.workers().map(({ pid }) => pid);
      process.kill(worker.pid, 'SIGKILL');
      const killedAt = Date.now();
      await until(async () => (await server.stats()).workers.restarts > before.restarts,
        'the replacement in /stats');
      console.log(`# replaced after ${Date.now() - killedAt} ms`);
      await until(() => server.workers().some(({ pid }) => !others.includes(pid)), 'a new worker');

      // The sentence is heard to its end, and the booking is not forgotten: a day is all it needs
      // to ask for the time.
      await caller.heard(/\b(eight|8|nine|9|open)\b/i, { from });
      await caller.quiet({ from });
      const recording = (await caller.recording()).subarray(position);
      // The second worker announces what the first one has left.
      assertHeard(recording, heardOf(sentences(caller, from)));
      from = caller.messages.length;
      await caller.typeText('On Tuesday.');
      await caller.quiet({ from });
      assert.match(textOf(sentences(caller, from)), /time/i);
      assert.equal(await caller.state(), 'listening');
      await caller.hangUp();
    });
    const { sessions } = await server.stats();
    assert.equal(sessions.failed, 0);
  }),
};
