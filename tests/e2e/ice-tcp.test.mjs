// Where UDP is blocked and no relay is there: media over TCP, on the server's one port for it.

import assert from 'node:assert/strict';
import { until } from './lib/env.mjs';
import { say } from './lib/speech.mjs';
import { callerIn, Network, selectedPair, SERVER, serverIn, shortTalk, whyNot }
  from './lib/netns.mjs';
import { withServer } from './lib/test.mjs';

const TCP_PORT = 3479;
const NO_UDP = 'meta l4proto udp drop\n';
const NOTHING_ELSE = `${NO_UDP}iifname "client" tcp dport != { 8080, ${TCP_PORT} } drop\n`;

export default {
  name: 'ice-tcp: a call over TCP where UDP is blocked, and over UDP where it is not',
  timeoutS: 240,
  run: async () => {
    const skipped = whyNot();
    if (skipped)
      return { skipped };
    const network = new Network();
    try {
      await withServer(serverIn(network, ['--ice-tcp', String(TCP_PORT)]), async (server) => {
        const { caller, close } = await callerIn(network, `http://${SERVER}:8080`);
        try {
          network.firewall(NOTHING_ELSE);
          await caller.talk();
          const pair = await selectedPair(caller);
          assert.deepEqual([pair.protocol, pair.theirs, pair.port], ['tcp', 'tcp', TCP_PORT]);
          // Speech both ways, not only text.
          await caller.quiet();
          const from = caller.messages.length;
          await caller.say(say('opening_hours'));
          await caller.heard(/\bopen\b/i, { from });
          await caller.hangUp();

          network.firewall('');
          await caller.talk();
          assert.equal((await selectedPair(caller)).protocol, 'udp');
          // In mid-call UDP is lost: the restart of ICE finds TCP.
          const before = caller.messages.length;
          network.firewall(NO_UDP);
          await caller.page.waitForFunction(async () => {
            const all = [...(await window.e2e.pc.getStats()).values()];
            const id = all.find(({ type }) => type === 'transport')?.selectedCandidatePairId;
            const pair = all.find((entry) => entry.id === id);
            return all.find((entry) => entry.id === pair?.localCandidateId)?.protocol === 'tcp';
          }, null, { timeout: 60_000 });
          assert.ok(caller.messages.length >= before);
          await shortTalk(caller);
          const { sessions, recent } = await until(async () => {
            const stats = await server.stats();
            return stats.sessions.active === 0 && stats;
          }, 'the end of the calls');
          assert.deepEqual([sessions.failed, ...recent.map(({ end }) => end)],
            [0, 'client', 'client']);
        } finally {
          await close();
        }
      });
    } finally {
      await network.close();
    }
  },
};
