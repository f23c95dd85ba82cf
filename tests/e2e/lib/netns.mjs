// A small internet of network namespaces: a client, the server and a relay, each in a network of its
// own, and a router between them that is also their firewall. Needs root, iproute2 and nftables.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { scratchFile, sleep, until } from './env.mjs';
import { Caller, launchChromium } from './browser.mjs';

export const CLIENT = '10.77.1.2';
export const SERVER = '10.77.2.2';
export const RELAY = '10.77.3.2';
// What the server is known as outside, where there is a 1:1 NAT.
export const PUBLIC = '10.77.9.9';
export const PUBLIC_2 = '10.77.9.10';
export const SERVER_V6 = 'fd77:2::2';
export const PUBLIC_V6 = 'fd77:9::9';

const ip = (...args) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] });

/** @returns {string|null} why there can be none here */
export function whyNot() {
  const name = `rp-${process.pid}-try`;
  try {
    ip('netns', 'add', name);
    execFileSync('ip', ['netns', 'exec', name, 'nft', 'add table inet t'], { stdio: 'pipe' });
    return null;
  } catch (error) {
    return `no network namespaces here: ${String(error.stderr || error.message).trim()}`;
  } finally {
    try {
      ip('netns', 'del', name);
    } catch {
      // there was none
    }
  }
}

export class Network {
  #names = new Map(); // role → name of the namespace
  // The server's address for whoever runs the tests; other runs have others.
  backDoor = `10.${78 + (process.pid >> 14) % 50}.${process.pid >> 6 & 255}.` +
    ((process.pid & 63) * 4 + 2);
  #children = new Set();

  constructor() {
    const close = () => this.close();
    process.on('exit', close);
    this.#forget = () => process.off('exit', close);
    try {
      for (const role of ['router', 'client', 'server', 'relay'])
        this.#add(role);
      this.#join('client', 1);
      this.#join('server', 2);
      this.#join('relay', 3);
      this.#openBackDoor();
      this.run('router', 'sysctl', '-qw', 'net.ipv4.ip_forward=1',
        'net.ipv6.conf.all.forwarding=1');
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #forget;

  #add(role) {
    const name = `rp-${process.pid}-${role}`;
    ip('netns', 'add', name);
    this.#names.set(role, name);
    this.run(role, 'ip', 'link', 'set', 'lo', 'up');
  }

  /** A cable from the router to a host: 10.77.N.1 to 10.77.N.2. */
  #join(role, n) {
    ip('link', 'add', role, 'netns', this.name('router'), 'type', 'veth',
      'peer', 'name', 'eth0', 'netns', this.name(role));
    for (const [where, device, end] of [['router', role, 1], [role, 'eth0', 2]]) {
      this.run(where, 'ip', 'address', 'add', `10.77.${n}.${end}/24`, 'dev', device);
      this.run(where, 'ip', 'address', 'add', `fd77:${n}::${end}/64`, 'dev', device, 'nodad');
      this.run(where, 'ip', 'link', 'set', device, 'up');
    }
    this.run(role, 'ip', 'route', 'add', 'default', 'via', `10.77.${n}.1`);
    this.run(role, 'ip', '-6', 'route', 'add', 'default', 'via', `fd77:${n}::1`);
  }

  #openBackDoor() {
    const device = `rp${process.pid}`;
    ip('link', 'add', device, 'type', 'veth', 'peer', 'name', 'back',
      'netns', this.name('server'));
    const [, prefix, host] = this.backDoor.match(/(.*\.)(\d+)$/);
    ip('address', 'add', `${prefix}${host - 1}/30`, 'dev', device);
    ip('link', 'set', device, 'up');
    this.run('server', 'ip', 'address', 'add', `${this.backDoor}/30`, 'dev', 'back');
    this.run('server', 'ip', 'link', 'set', 'back', 'up');
  }

  name(role) {
    return this.#names.get(role);
  }

  /** A command in the namespace of a role, to its end. */
  run(role, ...command) {
    return execFileSync('ip', ['netns', 'exec', this.name(role), ...command],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** The same of one that may fail. @returns {{status: number, stdout: string, stderr: string}} */
  try(role, ...command) {
    return spawnSync('ip', ['netns', 'exec', this.name(role), ...command], { encoding: 'utf8' });
  }

  /** A command there that goes on until the network is closed. */
  start(role, log, ...command) {
    const output = fs.openSync(log, 'w');
    const child = spawn('ip', ['netns', 'exec', this.name(role), ...command],
      { stdio: ['ignore', output, output] });
    fs.closeSync(output);
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  /** In place of all earlier rules. @param {string} rules of nftables, for what the router forwards */
  firewall(rules) {
    const file = scratchFile('.nft');
    fs.writeFileSync(file, `flush ruleset\ntable inet filter {\n chain forward {\n` +
      `type filter hook forward priority 0; policy accept;\n${rules}\n }\n}\n`);
    this.run('router', 'nft', '-f', file);
  }

  /**
   * A 1:1 NAT for the server: the only way in is by its public addresses.
   * @param {string} [out] in its place, what becomes of UDP from the server
   */
  translate(out = '') {
    const file = scratchFile('.nft');
    const table = (family, own, ...known) => `table ${family} nat {
  chain in {
    type nat hook prerouting priority -100;
    ${family} daddr { ${known.join()} } dnat to ${own}
  }
  chain out {
    type nat hook postrouting priority 100;
    ${family === 'ip' ? out : ''}
    ${family} saddr ${own} oifname != "server" snat to ${known[0]}
  }
}
`;
    fs.writeFileSync(file,
      table('ip', SERVER, PUBLIC, PUBLIC_2) + table('ip6', SERVER_V6, PUBLIC_V6));
    this.run('router', 'nft', '-f', file);
  }

  async close() {
    this.#forget();
    // At "exit" nothing can be waited for.
    for (const child of this.#children)
      child.kill('SIGKILL');
    for (const name of this.#names.values()) {
      try {
        ip('netns', 'del', name);
      } catch (error) {
        console.error(`# ${error.message}`);
      }
    }
    this.#names.clear();
  }
}

/** Debian's coturn, with the configuration that server/README.md proposes. */
export async function startCoturn(network, { secret, port = 3478, more = '' }) {
  const file = scratchFile('-turnserver.conf');
  const log = scratchFile('-turn.log');
  fs.writeFileSync(file, `listening-ip=${RELAY}
relay-ip=${RELAY}
listening-port=${port}
min-port=49152
max-port=49999
realm=turn.example
use-auth-secret
static-auth-secret=${secret}
fingerprint
no-cli
no-tls
no-dtls
no-multicast-peers
userdb=${file}.db
pidfile=${file}.pid
log-file=stdout
simple-log
${more}
`);
  const child = network.start('relay', log, 'turnserver', '-c', file);
  const end = Date.now() + 30_000;
  while (!network.run('relay', 'ss', '-Hlnu').includes(`:${port} `)) {
    if (child.exitCode !== null || Date.now() > end)
      throw new Error(`coturn does not listen:\n${fs.readFileSync(log, 'utf8')}`);
    await sleep(50);
  }
  return { child, log: () => fs.readFileSync(log, 'utf8') };
}

/** Settings for lib/server.mjs: the server in its namespace, open to all who reach it. */
export const serverIn = (network, options = []) => ({
  command: ['ip', 'netns', 'exec', network.name('server')],
  listen: '0.0.0.0',
  address: network.backDoor,
  port: 8080,
  options: ['--no-auth', ...options],
});

/** Somebody at the page, in the client's namespace. */
export async function callerIn(network, url) {
  const wrapper = scratchFile('-chromium');
  fs.writeFileSync(wrapper, `#!/bin/sh\nexec ip netns exec ${network.name('client')} ` +
    '/usr/bin/chromium "$@"\n', { mode: 0o755 });
  const browser = await launchChromium({
    executable: wrapper,
    // A microphone is for secure pages, and a certificate is not what is tested.
    flags: [`--unsafely-treat-insecure-origin-as-secure=${url}`],
  });
  const caller = await Caller.open(url, { browser });
  return { caller, close: async () => {
    await caller.close();
    await browser.close();
  } };
}

/** The pair that carries the call: what the browser says of its two ends. */
export async function selectedPair(caller) {
  return until(() => caller.page.evaluate(async () => {
    const stats = await window.e2e.pc.getStats();
    const all = [...stats.values()];
    const id = all.find(({ type }) => type === 'transport')?.selectedCandidatePairId;
    const pair = stats.get(id);
    if (!pair)
      return null;
    const { candidateType: type, protocol, relayProtocol } = stats.get(pair.localCandidateId);
    const { address, port, protocol: theirs } = stats.get(pair.remoteCandidateId);
    return { type, protocol, relayProtocol, address, port, theirs };
  }), 'a selected pair');
}

/** One answer, and the end of the call. */
export async function shortTalk(caller) {
  await caller.type('bot-started-speaking');
  await caller.quiet();
  const from = caller.messages.length;
  await caller.typeText('When are you open?');
  await caller.heard(/\bopen\b/i, { from });
  await caller.hangUp();
}

/** The page's sentence after a call that found no path. */
export async function failure(caller) {
  await caller.page.click('#talk');
  await caller.waitState('failed', 60_000);
  return caller.page.textContent('#problem');
}
