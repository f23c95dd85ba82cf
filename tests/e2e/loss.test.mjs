// A bad network between Chromium and the server: a tenth of the packets lost both ways, and five
// seconds without any. What is lost is luck, so nothing here hangs on one packet or one word: who was
// not understood asks again, and what is measured is measured over a whole call.

import assert from 'node:assert/strict';
import { sleep } from './lib/env.mjs';
import { BadNetwork } from './lib/network.mjs';
import { say, sayAgain } from './lib/speech.mjs';
import { assertHeard, sentences, textOf, withCaller, withServer } from './lib/test.mjs';

const ASKED_AT_MOST = 3; // times

async function through(options, server, body) {
  const network = await BadNetwork.start([...options, '--seed', '1']);
  try {
    await withCaller(server, {}, async (caller) => {
      await network.attach(caller.page);
      await caller.talk();
      network.begin();
      await body(caller, network);
      await caller.hangUp();
    });
  } finally {
    network.stop();
  }
}

/** @param {string} question of lib/speech.mjs. @param {RegExp} expected in the answer */
async function ask(caller, question, expected) {
  const answers = [];
  while (answers.length < ASKED_AT_MOST) {
    const from = caller.messages.length;
    await caller.say(answers.length === 0 ? say(question) : sayAgain(question, answers.length));
    await caller.quiet({ from, timeout: 30_000 });
    answers.push(textOf(sentences(caller, from)));
    if (expected.test(answers.at(-1)))
      return;
    console.log(`# "${question}" was answered: "${answers.at(-1)}"`);
  }
  assert.fail(`"${question}", asked ${ASKED_AT_MOST} times, was answered: "${answers.join('", "')}"`);
}

/** The latest: of the one before, the server may not have heard yet that it is over. */
async function ownCall(server) {
  const { calls } = await server.stats();
  return calls.reduce((a, b) => b.age_s < a.age_s ? b : a);
}

async function throughLoss(server, caller, network) {
  await caller.quiet({ timeout: 30_000 });
  await ask(caller, 'opening_hours', /nine to five/i);
  await ask(caller, 'parking', /car park/i);

  const { out } = await network.stats();
  const { input_ms: given, redundant_out: copiesSent } = await ownCall(server);
  // 80 to 90 % on any network, by the recogniser's mistakes with this voice.
  const heard = assertHeard(await caller.recording(), textOf(sentences(caller)), 0.6);
  console.log(`# of ${out.sent} packets ${out.lost} were lost; the agent was given ` +
    `${JSON.stringify(given)}; Chromium was sent ${copiesSent} copies and played: "${heard}"`);
  assert.ok(out.lost > 50, `${out.lost} packets were lost: the network is a good one`);
  // Nine of ten copies arrive, and not every packet is audio.
  assert.ok(given.copied > 0.5 * out.lost * 20, 'Chromium sends no redundancy, or it is of no use');
  assert.ok(copiesSent > 0, 'Chromium was sent no redundancy');
}

async function throughOutage(server, caller) {
  const { id } = await ownCall(server);
  await sleep(7000);
  await caller.quiet({ timeout: 30_000 });
  await ask(caller, 'parking', /car park/i);
  const { calls, workers } = await server.stats();
  assert.ok(calls.some((call) => call.id === id), 'the call did not outlive the outage');
  assert.equal(workers.restarts, 0);
}

export default {
  name: 'loss: both are understood through a bad network, and a call outlives an outage',
  timeoutS: 240,
  run: () => withServer({}, async (server) => {
    await through(['--loss', '10', '--in-loss', '10'], server,
      (caller, network) => throughLoss(server, caller, network));
    await through(['--outage', '1:5', '--in-outage', '1:5'], server,
      (caller) => throughOutage(server, caller));
  }),
};
