// The example pages of web/examples, served on an origin of their own by their own program.

import { spawn } from 'node:child_process';
import net from 'node:net';
import path from 'node:path';
import { source, until } from './env.mjs';

const running = new Set();
process.on('exit', () => {
  for (const child of running)
    child.kill('SIGKILL');
});

/** An origin where nobody is yet: the server has to be told it before the site starts. */
export async function freeOrigin() {
  for (;;) {
    // Below those that the kernel gives to whoever wants any, or it might be given away meanwhile.
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const probe = net.createServer();
    const free = await new Promise((resolve) => probe.once('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => resolve(true)));
    if (!free)
      continue;
    await new Promise((resolve) => probe.close(resolve));
    return `http://localhost:${port}`;
  }
}

/**
 * @param {string} origin of freeOrigin()
 * @param {Server} server
 * @param {string} key the server's
 * @returns {Promise<() => void>} ends it
 */
export async function serveExamples(origin, server, key) {
  const program = path.join(source, 'web/examples/token-server.mjs');
  const child = spawn(process.execPath, [program, server.url, new URL(origin).port],
    { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, REPARTEE_KEY: key } });
  running.add(child);
  child.once('exit', () => running.delete(child));
  await until(() => fetch(origin).then(({ ok }) => ok, () => false), 'the example pages');
  return () => child.kill();
}
