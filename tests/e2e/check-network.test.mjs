// repartee --check-network tells an operator what is wrong: with coturn and a firewall and NATs of
// our own.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { build, scratchFile } from './lib/env.mjs';
import { Network, PUBLIC, RELAY, SERVER, startCoturn, whyNot } from './lib/netns.mjs';

const SECRET = 'a-secret-of-sixteen-bytes';

function secretFile(text) {
  const file = scratchFile('-secret');
  fs.writeFileSync(file, `${text}\n`);
  return file;
}

/** @returns {{status: number, lines: object[]}} what it says, by what it is about */
function check(network, options) {
  const { status, stdout, stderr } = network.try('server', path.join(build, 'server/repartee'),
    '--check-network', '--log-json', '--listen', '0.0.0.0:8080', '--no-auth', '--ice-address', SERVER,
    ...options);
  assert.equal(stderr, '');
  assert.ok(!stdout.includes(SECRET), stdout);
  return { status, lines: stdout.trim().split('\n').map((line) => JSON.parse(line)) };
}

/** One line is there, with this result. */
function says({ status, lines }, what, result, pattern) {
  const found = lines.filter((line) => line.what === what);
  assert.ok(found.some((line) => line.result === result && pattern.test(line.text) &&
    (result === 'ok' || result === 'note' || line.fix)),
  `${what}: ${result} ${pattern} is not in:\n${lines.map((line) => JSON.stringify(line)).join('\n')}`);
  assert.equal(status, lines.some((line) => line.result === 'problem') ? 1 : 0);
}

async function checkAll(network) {
  await startCoturn(network, { secret: SECRET });
  await startCoturn(network, { secret: SECRET, port: 3481 });
  const stun = `stun:${RELAY}:3478`;
  const turn = [`turn:${RELAY}:3478`, `turn:${RELAY}:3478?transport=tcp`];
  const withTurn = ['--turn', turn.join(), '--turn-secret-file'];

  let found = check(network, ['--stun', stun, '--ice-tcp', '3479', '--udp-ports', '40000-40099',
    ...withTurn, secretFile(SECRET)]);
  says(found, stun, 'ok', /as 10\.77\.2\.2, without a NAT/);
  for (const url of turn)
    says(found, url, 'ok', /takes our credentials and relays at 10\.77\.3\.2/);
  for (const url of turn)
    says(found, url, 'ok', /relays arrives at UDP port 400\d\d of 10\.77\.2\.2/);
  says(found, 'udp_ports', 'ok', /all 100 are free/);
  says(found, 'ice_tcp', 'ok', /TCP port 3479 of 10\.77\.2\.2 is free/);
  assert.equal(found.status, 0);

  found = check(network, [...withTurn, secretFile(`${SECRET}-wrong`)]);
  for (const url of turn)
    says(found, url, 'problem', /refuses: 401/);

  network.firewall(`iifname "server" udp dport 3478 drop\ntcp dport 3478 reject with tcp reset\n`);
  found = check(network, ['--stun', stun, ...withTurn, secretFile(SECRET)]);
  says(found, stun, 'problem', /does not answer/);
  says(found, turn[0], 'problem', /does not answer/);
  says(found, turn[1], 'problem', /no TCP connection: Connection refused/);

  network.firewall('iifname "relay" ip saddr 10.77.3.2 udp sport 49152-49999 drop\n');
  found = check(network, [...withTurn, secretFile(SECRET)]);
  for (const url of turn)
    says(found, url, 'problem', /relays does not arrive at UDP port/);
  const strict = await startCoturn(network, { secret: SECRET, port: 3482,
    more: 'denied-peer-ip=10.0.0.0-10.255.255.255' });
  assert.equal(strict.child.exitCode, null);
  const other = `turn:${RELAY}:3482`;
  found = check(network, ['--turn', other, '--turn-secret-file', secretFile(SECRET)]);
  says(found, other, 'problem', /does not relay to 10\.77\.2\.2: 403/);

  network.firewall('');
  network.translate();
  found = check(network, ['--stun', stun]);
  says(found, stun, 'problem', /sees us as 10\.77\.9\.9, through a NAT/);
  says(found, 'public_address', 'warning', /all addresses are private/);
  found = check(network, ['--stun', stun, '--public-address', PUBLIC]);
  says(found, stun, 'ok', /10\.77\.9\.9, as --public-address says/);
  assert.equal(found.status, 0);
  found = check(network, ['--public-address', PUBLIC, ...withTurn, secretFile(SECRET)]);
  says(found, turn[0], 'ok', /arrives at UDP port \d+ of 10\.77\.9\.9/);
  found = check(network, ['--stun', stun, '--public-address', '203.0.113.1']);
  says(found, 'public_address', 'warning', /none of the STUN servers saw/);

  network.firewall('');
  network.translate(`ip saddr ${SERVER} meta l4proto udp snat to ${PUBLIC}:20000-40000 random`);
  found = check(network, ['--stun', `${stun},stun:${RELAY}:3481`, '--public-address', PUBLIC]);
  says(found, 'nat', 'warning', /maps by destination/);

  found = check(network, ['--listen', '203.0.113.1:8080']);
  says(found, 'listen', 'problem', /Cannot assign/);
  found = check(network, ['--ice-address', '203.0.113.1']);
  says(found, 'ice_address', 'problem', /203\.0\.113\.1/);
}

export default {
  name: 'check-network: tells what is reachable and what to fix',
  timeoutS: 200,
  run: async () => {
    const skipped = whyNot() ?? (fs.existsSync('/usr/bin/turnserver') ? null : 'no coturn here');
    if (skipped)
      return { skipped };
    const network = new Network();
    try {
      await checkAll(network);
    } finally {
      await network.close();
    }
  },
};
