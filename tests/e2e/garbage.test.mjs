// Datagrams of strangers at the media ports during a call change nothing.

import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { sleep } from './lib/env.mjs';
import { withCaller, withServer } from './lib/test.mjs';

const DATAGRAMS = 3000;

/** Same bytes in every run. */
function generator(seed) {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % n;
  };
}

function datagram(random, i) {
  const sizes = [0, 1, 12, 13, 20, 21, 28, 40, 120, 1200, 1472];
  const bytes = Buffer.alloc(sizes[random(sizes.length)]);
  for (let k = 0; k < bytes.length; k++)
    bytes[k] = random(256);
  // First bytes of STUN, DTLS and RTP (RFC 7983), and anything.
  const starts = [[0, 1], [22, 254, 253], [20, 254], [128, 111], [128, 200], [144, 255], []];
  const first = starts[i % starts.length];
  bytes.set(first.slice(0, bytes.length));
  if (i % starts.length === 0 && bytes.length >= 20) {
    bytes.writeUInt16BE(i % 2 ? bytes.length - 20 : random(65536), 2);
    bytes.writeUInt32BE(0x2112a442, 4);
  }
  return bytes;
}

async function ports(caller) {
  const sdp = await caller.page.evaluate(() => window.e2e.pc.remoteDescription.sdp);
  return [...sdp.matchAll(/^a=candidate:\S+ \d+ udp \d+ (\S+) (\d+) typ host/gim)]
    .map(([, address, port]) => ({ address, port: Number(port) }));
}

export default {
  name: 'garbage: datagrams of strangers at the media ports change nothing',
  timeoutS: 120,
  run: () => withServer({}, async (server) => {
    await withCaller(server, {}, async (caller) => {
      await caller.talk();
      await caller.quiet();
      const targets = await ports(caller);
      assert.ok(targets.length > 0, 'the answer has candidates');
      const random = generator(7);
      const sockets = { 4: dgram.createSocket('udp4'), 6: dgram.createSocket('udp6') };
      for (let i = 0; i < DATAGRAMS; i++) {
        const { address, port } = targets[i % targets.length];
        const socket = sockets[address.includes(':') ? 6 : 4];
        await new Promise((resolve) => socket.send(datagram(random, i), port, address, resolve));
        if (i % 100 === 99)
          await sleep(5);
      }
      const from = caller.messages.length;
      await caller.typeText('What are your opening hours?');
      await caller.heard(/\b(eight|8|nine|9|open)\b/i, { from });
      Object.values(sockets).forEach((socket) => socket.close());
      const { sessions, workers } = await server.stats();
      assert.deepEqual([sessions.active, sessions.failed, workers.restarts], [1, 0, 0]);
      await caller.hangUp();
    });
  }),
};
