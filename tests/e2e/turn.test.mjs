// A client behind a firewall that lets nothing through but a relay: Debian's coturn, over UDP and
// over TCP, with passwords that this server makes and coturn checks.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { scratchFile } from './lib/env.mjs';
import { callerIn, failure, Network, RELAY, selectedPair, SERVER, serverIn, shortTalk, startCoturn,
  whyNot } from './lib/netns.mjs';
import { withServer } from './lib/test.mjs';

const SECRET = 'a-secret-of-sixteen-bytes';
// HTTP gets through; media to the server does not, over UDP or TCP.
const NO_MEDIA = 'iifname "client" oifname "server" tcp dport != 8080 drop\n' +
  'iifname "client" oifname "server" meta l4proto udp drop\n' +
  'iifname "server" oifname "client" meta l4proto udp drop\n';
const NO_UDP = 'iifname "client" meta l4proto udp drop\noifname "client" meta l4proto udp drop\n' +
  NO_MEDIA;

async function talk(caller, { relayProtocol }) {
  await caller.talk();
  const pair = await selectedPair(caller);
  assert.deepEqual([pair.type, pair.relayProtocol], ['relay', relayProtocol],
    `not relayed: ${JSON.stringify(pair)}`);
  await shortTalk(caller);
}

async function withEverything(network, urls, secret, body) {
  const file = scratchFile('-secret');
  fs.writeFileSync(file, `${secret}\n`);
  const options = ['--ice-address', SERVER];
  if (urls.length > 0)
    options.push('--turn', urls.join(), '--turn-secret-file', file);
  await withServer(serverIn(network, options), async () => {
    const { caller, close } = await callerIn(network, `http://${SERVER}:8080`);
    try {
      await body(caller);
    } finally {
      await close();
    }
  });
}

export default {
  name: 'turn: calls relayed by coturn over UDP and TCP; what the page says without it',
  timeoutS: 400,
  run: async () => {
    const skipped = whyNot() ?? (fs.existsSync('/usr/bin/turnserver') ? null : 'no coturn here');
    if (skipped)
      return { skipped };
    const network = new Network();
    try {
      const coturn = await startCoturn(network, { secret: SECRET });
      const udp = `turn:${RELAY}:3478`;
      const tcp = `turn:${RELAY}:3478?transport=tcp`;
      network.firewall(NO_MEDIA);
      await withEverything(network, [udp, tcp], SECRET, (caller) =>
        talk(caller, { relayProtocol: 'udp' }));
      network.firewall(NO_UDP);
      await withEverything(network, [udp, tcp], SECRET, (caller) =>
        talk(caller, { relayProtocol: 'tcp' }));
      await withEverything(network, [udp], SECRET, async (caller) =>
        assert.match(await failure(caller), /blocking UDP, and the relay \(TURN\) does not answer/));
      await withEverything(network, [], SECRET, async (caller) =>
        assert.match(await failure(caller), /blocking UDP, and the server has no relay/));
      // Not those of somebody who does not know the secret.
      network.firewall(NO_MEDIA);
      await withEverything(network, [udp], `${SECRET}-wrong`, async (caller) =>
        assert.match(await failure(caller), /relay \(TURN\) does not answer or does not let us in/));
      assert.match(coturn.log(), /Cannot find credentials of user/);
    } finally {
      await network.close();
    }
  },
};
