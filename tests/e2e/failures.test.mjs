// What the page says when something is missing: each time a sentence for a person.

import assert from 'node:assert/strict';
import { PATIENCE_MS, until } from './lib/env.mjs';
import { withCaller, withServer } from './lib/test.mjs';

/** Waits for a failure of this kind and looks at what surrounds it. */
async function problem(caller, kind, pattern, timeout = PATIENCE_MS) {
  await until(() => caller.page.isVisible(`#problem[data-kind="${kind}"]`), `problem ${kind}`,
    timeout);
  assert.match(await caller.page.textContent('#problem'), pattern);
  assert.equal(await caller.page.isVisible('#talk'), true, 'one can try again');
  assert.equal(await caller.page.isVisible('#hang-up'), false);
}

async function microphoneTrouble(server, name, kind, pattern) {
  await withCaller(server, {}, async (caller) => {
    await caller.page.evaluate((error) => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', error));
    }, name);
    await caller.page.click('#talk');
    await problem(caller, kind, pattern);
    assert.equal(await caller.page.evaluate(() => document.activeElement.id), 'words',
      'typing is offered');
  });
}

export default {
  name: 'failures: the page tells in plain words what is wrong',
  timeoutS: 300,
  run: async () => {
    await withServer({ options: ['--max-sessions', '1'] }, async (server) => {
      await microphoneTrouble(server, 'NotAllowedError', 'denied', /allow it/i);
      await microphoneTrouble(server, 'NotFoundError', 'no-microphone', /no microphone/i);
      await microphoneTrouble(server, 'NotReadableError', 'microphone-busy', /another program/i);
      await withCaller(server, {}, async (first) => {
        await first.talk();
        await withCaller(server, {}, async (second) => {
          second.expectRefusals();
          await second.page.click('#talk');
          await problem(second, 'full', /busy/i);
        });
        await first.hangUp();
      });
    });

    await assert.rejects(withServer({}, async (server) => {
      await withCaller(server, {}, async (caller) => {
        await caller.talk();
        caller.expectRefusals();
        server.child.kill('SIGKILL');
        await caller.waitState('reconnecting', 30_000);
        await problem(caller, 'network-lost', /connection was lost/i, 60_000);
      });
    }), /SIGKILL/);
  },
};
