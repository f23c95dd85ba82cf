// A bad network between Chromium and the server: a tenth of the packets lost both ways, and five
// seconds without any.

import assert from 'node:assert/strict';
import { sleep } from './lib/env.mjs';
import { BadNetwork } from './lib/network.mjs';
import { say } from './lib/speech.mjs';
import { assertHeard, sentences, textOf, withCaller, withServer } from './lib/test.mjs';

async function through(options, server, body) {
  const network = await BadNetwork.start([...options, '--seed', '1']);
  try {
    await withCaller(server, {}, async (caller) => {
      await network.attach(caller.page);
      await caller.talk();
      network.begin();
      await body(caller, network);
    });
  } finally {
    network.stop();
  }
}

async function ask(caller) {
  const from = caller.messages.length;
  const position = await caller.position();
  await caller.say(say('opening_hours'));
  await caller.quiet({ from, timeout: 30_000 });
  assert.match(textOf(sentences(caller, from)), /\b(eight|8|nine|9|open)\b/i);
  return (await caller.recording()).subarray(position);
}

export default {
  name: 'loss: both are understood through a bad network, and a call outlives an outage',
  timeoutS: 120,
  run: () => withServer({}, async (server) => {
    await through(['--loss', '10', '--in-loss', '10'], server, async (caller, network) => {
      await caller.quiet();
      const heard = await ask(caller);
      assertHeard(heard, textOf(sentences(caller)), 0.5);
      const { out } = await network.stats();
      const { calls: [call] } = await server.stats();
      const { input_ms: given } = call;
      console.log(`# of ${out.sent} packets ${out.lost} were lost; the agent was given ` +
        JSON.stringify(given));
      assert.ok(out.lost > 20, 'nothing was lost');
      assert.ok(given.copied > given.concealed + given.silence,
        'Chromium sends no redundancy, or it is of no use');
      await caller.hangUp();
    });

    const options = ['--outage', '1:5', '--in-outage', '1:5'];
    await through(options, server, async (caller) => {
      await sleep(7000);
      await caller.quiet({ timeout: 30_000 });
      await ask(caller);
      const { sessions, workers } = await server.stats();
      assert.deepEqual([sessions.active, sessions.failed, workers.restarts], [1, 0, 0]);
      await caller.hangUp();
    });
  }),
};
