// Pipecat's client and its transport for WebRTC, as they come from npm, on a site of another origin.
// Its default media manager would load code from a third party, which a self-hosted site must not;
// the package brings another, WavMediaManager, made for that. Only the microphone is the tests'.

import { Caller, launchChromium } from './lib/browser.mjs';
import { source, until } from './lib/env.mjs';
import { asks, connects, disconnects, isInterrupted, isRefused, lendsFunctions, mutes, Pipecat,
  reconnects, starts, talks } from './lib/pipecat.mjs';
import { serveSite } from './lib/site.mjs';
import { withServer } from './lib/test.mjs';

/** Freezes the server, so that no packet is answered, until the client makes another connection. */
async function breakLink(caller, server) {
  server.child.kill('SIGSTOP');
  try {
    await until(() => caller.page.evaluate(() => window.e2e.connections === 2),
      'the client to give its connection up', 20_000);
  } finally {
    server.child.kill('SIGCONT');
  }
}

export default {
  name: "pipecat: Pipecat's client from npm does all it can",
  timeoutS: 300,
  run: async () => {
    const site = await serveSite('pipecat.js');
    const browser = await launchChromium();
    try {
      await withServer({
        agent: `${source}/tests/e2e/agent`,
        token: 'the-key-of-the-operator',
        options: ['--cors-origin', site.url],
      }, async (server) => {
        const caller = await Caller.open(site.url, { browser });
        const token = await server.accessToken({ agent: 'agent', origin: site.url });
        const p = new Pipecat('Pipecat, Chromium', caller, server, token);
        try {
          await connects(p);
          await talks(p);
          await isInterrupted(p);
          await asks(p);
          await lendsFunctions(p);
          await mutes(p);
          await reconnects(p, () => breakLink(caller, server));
          await disconnects(p);
          await starts(p);
          await isRefused(p);
        } catch (error) {
          throw new Error(`${error.message}\n${caller.story().slice(-6000)}`, { cause: error });
        }
        await caller.close();
      });
    } finally {
      await browser.close();
      site.close();
    }
  },
};
