// Two callers at once, each with a question of their own.

import assert from 'node:assert/strict';
import { say } from './lib/speech.mjs';
import { sentences, textOf, withCaller, withServer } from './lib/test.mjs';

async function ask(server, phrase, expected, unexpected) {
  await withCaller(server, {}, async (caller) => {
    await caller.talk();
    await caller.quiet();
    const from = caller.messages.length;
    await caller.say(say(phrase));
    await caller.heard(expected, { from });
    await caller.quiet({ from });
    assert.doesNotMatch(textOf(sentences(caller, from)), unexpected);
    const { sessions } = await server.stats();
    assert.equal(sessions.peak, 2);
    await caller.hangUp();
  });
}

export default {
  name: 'two-calls: each caller gets the answer to their own question',
  timeoutS: 200,
  run: () => withServer({}, (server) => Promise.all([
    ask(server, 'opening_hours', /\bopen\b/i, /parking|car park/i),
    ask(server, 'parking', /park/i, /\bopen\b/i),
  ])),
};
