// A bad network between a browser and the server: tools/netem/repartee-relay, of which each side is
// told in place of the other's candidates.

import { spawn } from 'node:child_process';
import readline from 'node:readline';
import { tool } from './env.mjs';

const running = new Set();
process.on('exit', () => {
  for (const child of running)
    child.kill('SIGKILL');
});

const candidate = (port) =>
  `a=candidate:1 1 udp 2122260223 127.0.0.1 ${port} typ host generation 0\r\n`;

/** The description with that one candidate. */
function through(sdp, port) {
  return sdp.replace(/a=(candidate:.*|end-of-candidates)\r\n/g, '')
    .replace(/(a=ice-pwd:.*\r\n)/, `$1${candidate(port)}`);
}

export class BadNetwork {
  /** @param {string[]} options of repartee-relay, such as ['--in-loss', '10'] */
  static async start(options) {
    const network = new BadNetwork();
    network.child = spawn(tool('netem/repartee-relay'), options,
      { stdio: ['pipe', 'pipe', 'inherit'] });
    running.add(network.child);
    network.child.once('exit', () => running.delete(network.child));
    network.lines = readline.createInterface({ input: network.child.stdout })[Symbol.asyncIterator]();
    [network.callerPort, network.serverPort] =
      (await network.lines.next()).value.split(' ').map(Number);
    return network;
  }

  #tell(line) {
    this.child.stdin.write(`${line}\n`);
  }

  /** Everything that this page sends and receives in its calls goes through it. */
  async attach(page) {
    await page.route('**/api/offer', async (route) => {
      const request = route.request();
      if (request.method() === 'PATCH') // candidates: the relay is the only one
        return await route.fulfill({ status: 200, json: { status: 'success' } });
      const body = request.postDataJSON();
      const response = await route.fetch({
        postData: JSON.stringify({ ...body, sdp: through(body.sdp, this.serverPort) }),
      });
      if (response.status() !== 200)
        return await route.fulfill({ response });
      const answer = await response.json();
      const [, port] = /^a=candidate:\S+ 1 udp \d+ 127\.0\.0\.1 (\d+) typ host/im.exec(answer.sdp);
      this.#tell(`server 127.0.0.1 ${port}`);
      return await route.fulfill({
        response,
        json: { ...answer, sdp: through(answer.sdp, this.callerPort) },
      });
    });
  }

  /** Outages count from now on. */
  begin() {
    this.#tell('start');
  }

  async stats() {
    this.#tell('stats');
    return JSON.parse((await this.lines.next()).value);
  }

  stop() {
    this.child.stdin.end();
  }
}
