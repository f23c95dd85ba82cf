// From the press of Talk to the first audible sound of the greeting, in Chromium.

import { Caller, launchChromium } from '../e2e/lib/browser.mjs';
import { sleep, until } from '../e2e/lib/env.mjs';
import { silence } from '../e2e/lib/wav.mjs';

// In the page, before its scripts: when what happened first after the press.
const PROBE = `(() => {
  const marks = window.e2e.marks = {};
  const mark = (name) => { marks[name] ??= performance.now(); };
  document.addEventListener('click', ({ target }) => {
    if (target.closest('#talk'))
      mark('pressed');
  }, true);
  const { mediaDevices } = navigator;
  const getUserMedia = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = async (constraints) => {
    const stream = await getUserMedia(constraints);
    mark('microphone');
    return stream;
  };
  const { fetch } = window;
  window.fetch = async (url, options) => {
    const isOffer = options?.method === 'POST' && String(url).endsWith('/api/offer');
    if (isOffer)
      mark('offered');
    const response = await fetch(url, options);
    if (isOffer)
      mark('answered');
    return response;
  };
  const { createDataChannel } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.createDataChannel = function (...args) {
    this.addEventListener('connectionstatechange', () =>
      this.connectionState === 'connected' && mark('connected'));
    const channel = createDataChannel.apply(this, args);
    channel.addEventListener('open', () => mark('channel'));
    return channel;
  };
  const { append } = window.e2e;
  window.e2e.append = (samples, step) => {
    if (!marks.heard && samples.some((v) => Math.abs(v) > 0.01))
      mark('heard');
    append(samples, step);
  };
})();`;

/** Parts of the way: name → from one mark to another. */
const PARTS = {
  'press to microphone': ['pressed', 'microphone'],
  'microphone to offer': ['microphone', 'offered'],
  'offer to answer': ['offered', 'answered'],
  'answer to ICE and DTLS connected': ['answered', 'connected'],
  'connected to data channel': ['connected', 'channel'],
  'data channel to first sound': ['channel', 'heard'],
};

/**
 * @returns {Promise<{whole: number[], parts: Object<string, number[]>}>} ms; the first call, which
 *   starts the browser's audio, is not counted
 */
export async function measureClicks(server, n) {
  const whole = [];
  const parts = Object.fromEntries(Object.keys(PARTS).map((name) => [name, []]));
  // Chromium's own fake device, silent: opening a microphone is a part of the way.
  const browser = await launchChromium({ microphone: silence(1000) });
  try {
    for (let i = 0; i <= n; i++) {
      const caller = await Caller.open(server.url, { browser, microphone: true, probe: PROBE });
      await caller.page.waitForLoadState('networkidle');
      await until(async () => (await server.stats()).workers.idle >= 1, 'a warm worker');
      await caller.page.click('#talk');
      const marks = await until(() => caller.page.evaluate(() =>
        window.e2e.marks.heard && window.e2e.marks), 'the greeting');
      if (i > 0) {
        whole.push(marks.heard - marks.pressed);
        for (const [name, [from, to]] of Object.entries(PARTS))
          parts[name].push(marks[to] - marks[from]);
      }
      await caller.hangUp();
      await caller.close();
      await sleep(300); // the pool warms another worker
    }
  } finally {
    await browser.close();
  }
  return { whole, parts };
}
