// Firefox: another WebRTC, with candidates, SDP and data channels of its own. The page, and a site
// with Pipecat's client.

import assert from 'node:assert/strict';
import { Caller } from './lib/browser.mjs';
import { source, until } from './lib/env.mjs';
import { launchFirefox } from './lib/firefox.mjs';
import { feature } from './lib/matrix.mjs';
import { asks, connects, disconnects, lendsFunctions, Pipecat, starts, talks } from './lib/pipecat.mjs';
import { serveSite } from './lib/site.mjs';
import { say } from './lib/speech.mjs';
import { assertHeard, sentences, textOf, withCaller, withServer } from './lib/test.mjs';

const PAGE = 'the page, Firefox';
const TRIES = 4;

/**
 * An answer, heard by us as well.
 * @returns {Promise<{transcript: object[], judged: boolean}>} transcript: as it is then; later the agent may ask
 *   who is still there
 */
async function answers(caller, ask) {
  const from = caller.messages.length;
  const before = await caller.mark();
  await ask();
  await caller.heard(/open/i, { from });
  await caller.quiet({ from });
  const transcript = await caller.transcript();
  const recording = await caller.recordedSince(before);
  if (recording)
    assertHeard(recording, textOf(sentences(caller, from)), 0.5);
  return { transcript, judged: recording !== null };
}

async function usePage(server, browser) {
  await withCaller(server, { browser }, async (caller) => {
    await feature(PAGE, 'connect: offer', () => caller.talk());
    await feature(PAGE, "agent's audio", async () => {
      await caller.quiet();
      // Not the greeting: the sound of a Firefox that is busy starts a second or two late.
      let judged = false;
      for (let i = 0; i < TRIES && !judged; i++)
        ({ judged } = await answers(caller, () => caller.typeText('When are you open?')));
      assert.ok(judged, 'Firefox is too slow to record');
    });
    await feature(PAGE, 'speech is understood and answered', async () => {
      const { transcript } = await answers(caller, () => caller.say(say('opening_hours')));
      assert.deepEqual(transcript.slice(-2).map(({ who }) => who), ['user', 'agent']);
    });
    await feature(PAGE, 'send-text', () => answers(caller, () =>
      caller.typeText('When are you open?')));
    await feature(PAGE, 'barge-in by speech', async () => {
      let from = caller.messages.length;
      await caller.typeText('Tell me about the garden.');
      await caller.heard(/old/, { from });
      from = caller.messages.length;
      const question = caller.say(say('opening_hours'));
      await caller.type('bot-interrupted', { from });
      await question;
      await caller.heard(/open/i, { from });
      await caller.quiet({ from });
      const cut = (await caller.transcript()).filter(({ unheard }) => unheard);
      assert.ok(cut.length > 0, 'nothing is struck through');
    });
    await feature(PAGE, 'network lost and found, same conversation', async () => {
      server.child.kill('SIGSTOP'); // no packet is answered
      await caller.waitState('reconnecting', 30_000).finally(() => server.child.kill('SIGCONT'));
      await caller.waitState('listening', 20_000);
      await answers(caller, () => caller.say(say('opening_hours')));
      const { sessions } = await server.stats();
      assert.deepEqual([sessions.total, sessions.active], [1, 1]);
    });
    await feature(PAGE, 'disconnect', async () => {
      await caller.hangUp();
      await until(async () => (await server.stats()).sessions.active === 0, 'the end');
    });
  });
}

async function usePipecat(server, browser, site) {
  const caller = await Caller.open(site.url, { browser });
  const p = new Pipecat('Pipecat, Firefox', caller, server);
  try {
    await connects(p);
    await talks(p);
    await asks(p);
    await lendsFunctions(p);
    await disconnects(p);
    await starts(p);
  } catch (error) {
    throw new Error(`${error.message}\n${caller.story().slice(-6000)}`, { cause: error });
  }
  await caller.close();
}

export default {
  name: "firefox: the page and Pipecat's client talk in Firefox as well",
  timeoutS: 400,
  run: async () => {
    const site = await serveSite('pipecat.js');
    const browser = await launchFirefox();
    try {
      await withServer({
        agent: `${source}/tests/e2e/agent`,
        options: ['--cors-origin', site.url],
      }, async (server) => {
        await usePage(server, browser);
        await usePipecat(server, browser, site);
      });
    } finally {
      await browser.close();
      site.close();
    }
  },
};
