// A server with private addresses behind a 1:1 NAT: calls come by the public ones alone.

import assert from 'node:assert/strict';
import { callerIn, failure, Network, PUBLIC, PUBLIC_2, PUBLIC_V6, selectedPair, serverIn,
  shortTalk, whyNot } from './lib/netns.mjs';
import { withServer } from './lib/test.mjs';

const TCP_PORT = 3479;
// Who is not translated does not get in: there is no way to a private address. Nor does the server begin:
// its own first check, when faster than the client's, would make a connection that is not "dnat".
const ONLY_PUBLIC = 'iifname "client" oifname "server" ct status & dnat == 0 drop\n' +
  'iifname "server" oifname "client" ct state new drop\n';
const NO_UDP = 'meta l4proto udp drop\n';

/** One call by what `pair` finds, or a failure that `says` it. */
async function call(network, { at, options, rules = '', expected, says }) {
  network.firewall(ONLY_PUBLIC + rules);
  network.translate();
  await withServer(serverIn(network, options), async () => {
    const { caller, close } = await callerIn(network, `http://${at}:8080`);
    try {
      if (says) {
        assert.match(await failure(caller), says);
        return;
      }
      await caller.talk();
      const { address, port, theirs } = await selectedPair(caller);
      assert.deepEqual([address, theirs], [expected.address, expected.protocol]);
      if (expected.ports)
        assert.ok(port >= expected.ports[0] && port <= expected.ports[1], `port ${port}`);
      await shortTalk(caller);
    } finally {
      await close();
    }
  });
}

export default {
  name: 'nat: calls to a server behind a 1:1 NAT, by its public addresses: UDP, TCP, IPv6',
  timeoutS: 400,
  run: async () => {
    const skipped = whyNot();
    if (skipped)
      return { skipped };
    const network = new Network();
    try {
      await call(network, {
        at: PUBLIC,
        options: ['--public-address', PUBLIC, '--udp-ports', '40000-40099'],
        expected: { address: PUBLIC, protocol: 'udp', ports: [40000, 40099] },
      });
      // One of several that does not lead here is no harm.
      await call(network, {
        at: PUBLIC_2,
        options: ['--public-address', `10.77.9.77,${PUBLIC_2}`, '--ice-tcp', String(TCP_PORT)],
        expected: { address: PUBLIC_2, protocol: 'udp' },
      });
      await call(network, {
        at: PUBLIC,
        rules: NO_UDP,
        options: ['--public-address', PUBLIC, '--ice-tcp', String(TCP_PORT)],
        expected: { address: PUBLIC, protocol: 'tcp', ports: [TCP_PORT, TCP_PORT] },
      });
      await call(network, {
        at: PUBLIC,
        options: ['--public-address', `${PUBLIC},${PUBLIC_V6}`],
        rules: 'iifname "client" ip protocol udp drop\n',
        expected: { address: PUBLIC_V6, protocol: 'udp' },
      });
      // Which it has to be told of: nothing else finds the way.
      await call(network, { at: PUBLIC, options: [], says: /sound does not get through/ });
    } finally {
      await network.close();
    }
  },
};
