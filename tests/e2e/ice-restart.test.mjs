// ICE restarts in mid-speech (RFC 9429: createOffer({iceRestart: true}) on the same peer
// connection): another pair of addresses under the same call, which nobody hears.

import assert from 'node:assert/strict';
import { until } from './lib/env.mjs';
import { say } from './lib/speech.mjs';
import { assertHeard, sentences, textOf, withCaller, withServer } from './lib/test.mjs';

const RESTARTS = 3;

/** In the page: one restart, answered by the server. The page trickles as it always does. */
async function restartIce(caller, pcId) {
  return caller.page.evaluate(async (pc_id) => {
    const { pc } = window.e2e;
    await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
    const response = await fetch('/api/offer', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ sdp: pc.localDescription.sdp, type: 'offer', pc_id,
        restart_pc: false }),
    });
    const answer = await response.json();
    if (response.status === 200)
      await pc.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
    return { status: response.status, ...answer };
  }, pcId);
}

/** In the page: what the browser knows of the transport and of the agent's audio. */
async function transport(caller) {
  return caller.page.evaluate(async () => {
    const all = [...(await window.e2e.pc.getStats()).values()];
    const one = all.find(({ type }) => type === 'transport');
    const audio = all.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'audio');
    const pair = all.find(({ id }) => id === one.selectedCandidatePairId);
    const remote = all.find(({ id }) => id === pair?.remoteCandidateId);
    return {
      ufrag: one.iceLocalUsernameFragment,
      dtls: one.dtlsState,
      certificate: all.find(({ id }) => id === one.remoteCertificateId)?.fingerprint,
      remotePort: remote?.port,
      lost: audio.packetsLost,
      received: audio.packetsReceived,
      concealed: audio.concealedSamples - audio.silentConcealedSamples,
      channel: window.e2e.channel.readyState,
      state: window.e2e.pc.connectionState,
    };
  });
}

const credential = (sdp, name) => sdp.match(new RegExp(`^a=ice-${name}:(.*)$`, 'm'))[1];

export default {
  name: 'ice-restart: the call goes on over other addresses',
  timeoutS: 200,
  covers: { 'the page, Chromium': ['ICE restart'] },
  run: () => withServer({}, async (server) => {
    await withCaller(server, {}, async (caller) => {
      const answered = caller.page.waitForResponse((response) =>
        response.url().endsWith('/api/offer') && response.request().method() === 'POST');
      await caller.talk();
      const first = await (await answered).json();
      const [{ worker }] = (await server.stats()).calls;
      const before = await transport(caller);
      const credentials = new Set([credential(first.sdp, 'ufrag'), credential(first.sdp, 'pwd')]);

      // While the greeting is said.
      let { ufrag, remotePort } = before;
      for (let i = 1; i <= RESTARTS; i++) {
        const answer = await restartIce(caller, first.pc_id);
        assert.equal(answer.status, 200, JSON.stringify(answer));
        assert.equal(answer.pc_id, first.pc_id);
        credentials.add(credential(answer.sdp, 'ufrag')).add(credential(answer.sdp, 'pwd'));
        let now;
        await until(async () => {
          now = await transport(caller);
          return now.ufrag !== ufrag && now.remotePort && now.remotePort !== remotePort;
        }, `the pair of restart ${i}`);
        ({ ufrag, remotePort } = now);
      }
      assert.equal(credentials.size, 2 * (RESTARTS + 1), 'credentials were used again');
      await caller.quiet();
      const after = await transport(caller);
      assert.deepEqual([after.dtls, after.certificate, after.channel, after.state],
        ['connected', before.certificate, 'open', 'connected']);
      assert.equal(after.lost, before.lost, 'packets of the agent were lost');
      console.log(`# over ${RESTARTS} restarts ${after.received - before.received} packets came, ` +
        `${after.lost - before.lost} were lost, ` +
        `${Math.round((after.concealed - before.concealed) / 48)} ms were concealed`);
      assertHeard(await caller.recording(), textOf(sentences(caller)), 0.6);

      // The agent hears, and is heard, over the new pair.
      const from = caller.messages.length;
      const position = await caller.position();
      await caller.say(say('opening_hours'));
      await caller.quiet({ from });
      assertHeard((await caller.recording()).subarray(position), textOf(sentences(caller, from)),
        0.5);

      // The page's own restart: it believes to be on another network.
      await caller.page.evaluate(() => window.dispatchEvent(new Event('online')));
      await until(async () => (await transport(caller)).remotePort !== remotePort,
        'the pair of the page\'s restart');
      assert.equal(await caller.page.evaluate(() => window.e2e.connections), 1);

      const { sessions, workers: pool, calls } = await server.stats();
      assert.deepEqual([sessions.total, sessions.active, sessions.failed, pool.restarts],
        [1, 1, 0, 0]);
      assert.deepEqual(calls.map((call) => [call.worker, call.worker_restarts]), [[worker, 0]]);

      // Another certificate is another client.
      caller.expectRefusals();
      const refused = await caller.page.evaluate(async (pc_id) => {
        const other = new RTCPeerConnection();
        other.createDataChannel('chat');
        await other.setLocalDescription();
        const { sdp } = other.localDescription;
        other.close();
        const response = await fetch('/api/offer', {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ sdp, type: 'offer', pc_id, restart_pc: false }),
        });
        return { status: response.status, ...await response.json() };
      }, first.pc_id);
      assert.equal(refused.status, 400);
      assert.match(refused.detail, /fingerprint.*restart_pc/);
      await caller.hangUp();
    });
  }),
};
