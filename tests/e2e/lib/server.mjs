// The server under test: its own process on a free port, with its own data.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { build, scratch, scratchFile, sleep, source, until } from './env.mjs';

const running = new Set();
process.on('exit', () => {
  for (const server of running)
    server.child.kill('SIGKILL');
});

/** @returns {{pid: number, ppid: number, ticks: number}[]} all processes */
function processes() {
  const list = [];
  for (const name of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(name))
      continue;
    try {
      const stat = fs.readFileSync(`/proc/${name}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (fields[0] !== 'Z') {
        list.push({
          pid: Number(name),
          ppid: Number(fields[1]),
          ticks: Number(fields[11]) + Number(fields[12]),
        });
      }
    } catch {
      // gone meanwhile
    }
  }
  return list;
}

export class Server {
  /**
   * @param {{agent?: string, token?: string, options?: string[]}} settings token: the secret key.
   *   For a server somewhere else: command (what runs it there), listen, address (where we reach it)
   *   and port
   */
  static async start(settings = {}) {
    const server = new Server();
    server.headers = settings.token ? { Authorization: `Bearer ${settings.token}` } : {};
    server.data = fs.mkdtempSync(path.join(scratch, 'data-'));
    server.logFile = scratchFile('-server.log');
    const log = fs.openSync(server.logFile, 'w');
    const [program, ...before] = [...settings.command ?? [], path.join(build, 'server/repartee')];
    server.child = spawn(program, [
      ...before,
      '--listen', `${settings.listen ?? '127.0.0.1'}:${settings.port ?? 0}`,
      '--agent', settings.agent ?? path.join(source, 'worker/agents/reception'),
      '--data', server.data,
      ...settings.token ? ['--token', settings.token] : [],
      ...settings.options ?? [],
    ], { stdio: ['ignore', log, log], env: { ...process.env, G_DEBUG: 'fatal-criticals' } });
    fs.closeSync(log);
    running.add(server);
    server.exited = new Promise((resolve) => server.child.once('exit', (code, signal) => {
      server.exit = { code, signal };
      running.delete(server);
      resolve(server.exit);
    }));
    server.child.once('error', (error) => { server.exit = { error }; });
    const unlessEnded = (check) => () => {
      if (server.exit)
        throw new Error(`the server ended: ${JSON.stringify(server.exit)}`);
      return check();
    };
    try {
      server.port = settings.port ?? await until(unlessEnded(() => server.loggedPort()), 'a port', 30_000);
      server.url = `http://${settings.address ?? '127.0.0.1'}:${server.port}`;
      await until(unlessEnded(() => server.ready()), '/readyz', 60_000, 50);
    } catch (error) {
      server.child.kill('SIGKILL');
      throw new Error(`${error.message}\n${server.log()}`, { cause: error });
    }
    return server;
  }

  /** The one it was given, 0 so far. */
  loggedPort() {
    return Number(/ listening port=(\d+)/.exec(fs.readFileSync(this.logFile, 'utf8'))?.[1] ?? 0);
  }

  async ready() {
    try {
      return (await fetch(`${this.url}/readyz`)).status === 200;
    } catch {
      return false;
    }
  }

  async stats(path = '/stats') {
    return await (await fetch(this.url + path, { headers: this.headers })).json();
  }

  /** An access token, as a site's backend asks for it. @param {object} grant agent, origin, … */
  async accessToken(grant) {
    const response = await fetch(`${this.url}/api/token`, {
      method: 'POST',
      headers: { ...this.headers, 'Content-Type': 'application/json' },
      body: JSON.stringify(grant),
    });
    if (!response.ok)
      throw new Error(`/api/token: ${response.status} ${await response.text()}`);
    return (await response.json()).token;
  }

  log(lines = 30) {
    return fs.readFileSync(this.logFile, 'utf8').split('\n').slice(-lines).join('\n');
  }

  /** All processes below the server: the zygote and the workers. */
  descendants() {
    const all = processes();
    const below = [];
    for (let parents = [this.child.pid]; parents.length > 0;) {
      const next = all.filter(({ ppid }) => parents.includes(ppid));
      below.push(...next);
      parents = next.map(({ pid }) => pid);
    }
    return below;
  }

  /** The workers: what the zygote forked. */
  workers() {
    return this.descendants().filter(({ ppid }) => ppid !== this.child.pid);
  }

  /** Ends it as an operator does. @returns {{code, signal}} */
  async stop(timeoutMs = 20_000) {
    const family = this.descendants().map(({ pid }) => pid);
    if (!this.exit)
      this.child.kill('SIGTERM');
    const ended = await Promise.race([this.exited, sleep(timeoutMs)]);
    if (!ended) {
      this.child.kill('SIGKILL');
      throw new Error(`the server did not end within ${timeoutMs} ms of SIGTERM\n${this.log()}`);
    }
    await until(() => !processes().some(({ pid }) => family.includes(pid)),
      'the end of the workers', 20_000);
    return ended;
  }
}
