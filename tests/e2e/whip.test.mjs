// WHIP (RFC 9725): a client from npm that only sends, and one that plays the agent as well. What the
// server heard of the former is in the call's timeline.

import assert from 'node:assert/strict';
import { Caller, launchChromium } from './lib/browser.mjs';
import { source, until } from './lib/env.mjs';
import { feature } from './lib/matrix.mjs';
import { serveSite } from './lib/site.mjs';
import { say } from './lib/speech.mjs';
import { assertHeard, withServer } from './lib/test.mjs';

const SENDS = 'WHIP client, Chromium';
const PLAYS = 'WHIP by fetch, Chromium';
const ANSWER = 'We are open from eight to six on every day of the week.';

class Publisher {
  responses = []; // to the client's requests: [method, status]

  constructor(caller, server, token) {
    Object.assign(this, { caller, server, token });
    caller.page.on('response', (response) => {
      if (response.url().startsWith(server.url))
        this.responses.push([response.request().method(), response.status()]);
    });
  }

  answered(method) {
    return this.responses.filter(([name]) => name === method).map(([, status]) => status);
  }

  connected() {
    return until(() => this.caller.page.evaluate(() => window.e2e.pc.connectionState === 'connected'),
      'the connection');
  }

  /** The one call's timeline. */
  async timeline() {
    const { calls: [{ id }] } = await this.server.stats();
    return this.server.stats(`/stats/calls/${id}`);
  }

  async answeredTurn(n) {
    return until(async () => (await this.timeline()).turns.find((turn) =>
      turn.n === n && turn.agent_to_ms !== null), `answer ${n}`, 15_000, 100);
  }
}

async function sends(whip) {
  const { caller, server } = whip;
  await feature(SENDS, 'connect: offer', async () => {
    await caller.page.evaluate(([url, token]) => window.publish(url, token),
      [`${server.url}/whip/agent`, whip.token]);
    await until(() => whip.answered('POST').length > 0, 'the answer');
    assert.deepEqual(whip.answered('POST'), [201]);
    await whip.connected();
    assert.equal(await caller.page.evaluate(() =>
      window.e2e.pc.getTransceivers()[0].currentDirection), 'sendonly');
  });
  await feature(SENDS, 'candidates trickle (PATCH)', async () => {
    await until(() => whip.answered('PATCH').length > 0, 'a PATCH');
    assert.deepEqual([...new Set(whip.answered('PATCH'))], [204]);
  });
  await feature(SENDS, 'speech is understood and answered', async () => {
    await until(async () => (await whip.timeline()).spans.some(({ who, to_ms: to }) =>
      who === 'agent' && to !== null), 'the greeting', 15_000, 100);
    await caller.say(say('opening_hours'));
    const turn = await whip.answeredTurn(1);
    assert.equal(turn.typed, false);
    assert.ok(turn.voice_to_voice_ms > 0 && turn.voice_to_voice_ms < 15_000);
  });
  await feature(SENDS, 'ICE restart', async () => {
    await caller.page.evaluate(() => window.whip.restart());
    // Late candidates of the first session may be answered meanwhile, and we hear of answers later.
    await until(() => whip.answered('PATCH').includes(200), 'an answer to the restart');
    await caller.say(say('opening_hours'));
    await whip.answeredTurn(2);
    const { marks } = await whip.timeline();
    assert.ok(marks.some(({ kind }) => kind === 'ice_restart'), JSON.stringify(marks));
  });
  await feature(SENDS, 'disconnect', async () => {
    // It closes its connection before it sends DELETE: that may have ended the call already.
    await caller.page.evaluate(() => window.whip.stop());
    await until(() => whip.answered('DELETE').length > 0, 'the answer');
    const [status] = whip.answered('DELETE');
    assert.ok([200, 404].includes(status), `${status}`);
    await until(async () => (await server.stats()).sessions.active === 0, 'the end');
  });
}

async function plays(whip) {
  const { caller, server } = whip;
  let location;
  await feature(PLAYS, 'connect: offer', async () => {
    let status;
    ({ status, location } = await caller.page.evaluate(([url, token]) =>
      window.converse(url, token), [`${server.url}/whip`, whip.token]));
    assert.equal(status, 201);
    assert.match(location, /^\/whip\/call\//);
    await whip.connected();
    assert.equal(await caller.page.evaluate(() =>
      window.e2e.pc.getTransceivers()[0].currentDirection), 'sendrecv');
  });
  await feature(PLAYS, "agent's audio", async () => {
    await until(async () => (await whip.timeline()).spans.some(({ who, to_ms: to }) =>
      who === 'agent' && to !== null), 'the greeting', 15_000, 100);
    assertHeard(await caller.recording(), 'Hello, I am listening.', 0.5);
  });
  await feature(PLAYS, 'speech is understood and answered', async () => {
    const before = await caller.position();
    await caller.say(say('opening_hours'));
    await whip.answeredTurn(1);
    assertHeard((await caller.recording()).subarray(before), ANSWER, 0.5);
  });
  await feature(PLAYS, 'disconnect', async () => {
    const response = await fetch(server.url + location, { method: 'DELETE', headers: server.headers });
    assert.equal(response.status, 200);
    await until(async () => (await server.stats()).sessions.active === 0, 'the end');
  });
}

export default {
  name: 'whip: a client that only sends is heard, one that plays is answered',
  timeoutS: 200,
  run: async () => {
    const site = await serveSite('whip.js');
    const browser = await launchChromium();
    try {
      await withServer({
        agent: `${source}/tests/e2e/agent`,
        token: 'the-key-of-the-operator',
        // One candidate: the client joins several of an ICE restart with commas, against SDP's grammar.
        options: ['--cors-origin', site.url, '--ice-address', '127.0.0.1'],
      }, async (server) => {
        const token = await server.accessToken({ agent: 'agent', origin: site.url });
        for (const body of [sends, plays]) {
          const caller = await Caller.open(site.url, { browser });
          await body(new Publisher(caller, server, token));
          await caller.close();
          assert.deepEqual(caller.problems.filter((text) => !/status of 404/.test(text)), []);
        }
      });
    } finally {
      await browser.close();
      site.close();
    }
  },
};
