// Leads the page through all its states, for those who look at each: the accessibility checker and
// the camera.

import { sleep, until } from './env.mjs';
import { say } from './speech.mjs';

const LONG = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft';

export const SIZES = {
  phone: { width: 390, height: 844 },
  desktop: { width: 1280, height: 800 },
};

/** Runs look() at each size, in light and in dark. */
export async function inEveryLook(page, look) {
  const before = page.viewportSize();
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await sleep(350); // what fades has faded
      await look(`${size}-${colorScheme}`);
    }
  }
  await page.setViewportSize(before);
}

/** The agent's message, made up. */
export const receive = (caller, type, data = {}) =>
  caller.page.evaluate((message) => window.e2e.receive(...message), [type, data]);

/** The browser's answer to the page's wish for a microphone: an error's name. */
export const refuseMicrophone = (caller, name) => caller.page.evaluate((error) => {
  navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', error));
}, name);

/** Requests for calls wait until the returned function is called. */
export async function holdOffers(page) {
  let release;
  const released = new Promise((resolve) => { release = resolve; });
  await page.route('**/api/offer', async (route) => {
    await released;
    await route.continue().catch(() => {});
  });
  return async () => {
    release();
    await page.unroute('**/api/offer');
  };
}

async function beforeTheCall(caller, visit) {
  const { page } = caller;
  await visit('idle');
  await page.evaluate(() => {
    const { mediaDevices } = navigator;
    const open = mediaDevices.getUserMedia;
    mediaDevices.getUserMedia = () => new Promise((resolve) => {
      window.e2eAllow = () => {
        mediaDevices.getUserMedia = open;
        resolve(open());
      };
    });
  });
  await page.click('#talk');
  await caller.waitState('asking');
  await visit('asking');
  const release = await holdOffers(page);
  await page.evaluate(() => window.e2eAllow());
  await caller.waitState('connecting');
  await visit('connecting');
  await release();
  await caller.type('bot-ready');
}

async function ask(caller, phrase) {
  const from = caller.messages.length;
  await caller.say(say(phrase));
  await caller.type('bot-started-speaking', { from });
  return from;
}

async function conversation(caller, visit) {
  await caller.waitState('speaking');
  await sleep(1500);
  await visit('greeting');
  await caller.quiet();
  await visit('listening');
  await caller.quiet({ from: await ask(caller, 'opening_hours') });
  let from = await ask(caller, 'parking');
  await sleep(1300);
  from = caller.messages.length;
  await caller.say(say('weather')); // over the agent's words
  await caller.quiet({ from });
  await visit('conversation');
}

async function madeUp(caller, visit) {
  await receive(caller, 'user-started-speaking');
  await receive(caller, 'user-transcription', { text: 'And on Sundays', final: false });
  await visit('hearing');
  await receive(caller, 'user-transcription', { text: 'And on Sundays?', final: true });
  await receive(caller, 'user-llm-text', { text: 'And on Sundays?' });
  await receive(caller, 'user-stopped-speaking');
  await visit('thinking');
  await receive(caller, 'bot-started-speaking');
  await receive(caller, 'bot-output', { text: 'On Sundays we are closed.', segment_id: 'made-up',
    spoken_status: 'in-progress', will_be_spoken: true,
    spoken_progress: { accumulated_text: 'On Sundays', remaining_text: 'we are closed.' } });
  await visit('speaking');
  await receive(caller, 'bot-llm-stopped');
  await receive(caller, 'bot-stopped-speaking');
}

async function controls(caller, visit) {
  const { page } = caller;
  await page.locator('.timing summary').last().click();
  await visit('timing-open');
  await page.setViewportSize(SIZES.phone); // on a desk they are there from the start
  await page.click('#quality');
  await visit('details');
  await page.setViewportSize(SIZES.desktop);
  await page.click('#mute');
  await visit('muted');
  await page.click('#mute');
  await page.click('#ptt');
  await page.waitForSelector('#hold:focus');
  await page.keyboard.down(' ');
  await visit('push-to-talk');
  await page.keyboard.up(' ');
  await page.click('#ptt');
  await page.click('#dial');
  await page.waitForSelector('#keypad[open]');
  await visit('keypad');
  await page.keyboard.press('Escape');
}

async function trouble(caller, visit) {
  const { page } = caller;
  await receive(caller, 'llm-function-call-in-progress', { tool_call_id: 'made-up',
    function_name: 'book_room', arguments: { day: '2026-11-24', name: 'Maria Smith' } });
  await receive(caller, 'user-transcription', { text: `${LONG} ${LONG} <b>&amp;</b>`,
    final: false });
  await receive(caller, 'error', { error: 'the voice is hoarse', fatal: false });
  await visit('problem');
  const release = await holdOffers(page);
  await page.evaluate(() => {
    const { pc } = window.e2e;
    Object.defineProperty(pc, 'connectionState', { get: () => 'failed' });
    pc.dispatchEvent(new Event('connectionstatechange'));
  });
  await caller.waitState('reconnecting');
  await visit('reconnecting');
  await page.click('#hang-up');
  await release();
  await caller.waitState('ended');
  await visit('ended');
  await refuseMicrophone(caller, 'NotAllowedError');
  await page.click('#talk');
  await caller.waitState('failed');
  await visit('denied');
}

/** @param {(state: string) => Promise<void>} visit stays while it runs */
export async function walkStates(caller, visit) {
  await until(() => caller.page.isVisible('#talk'), 'the page');
  await sleep(200); // the agents are listed
  for (const part of [beforeTheCall, conversation, madeUp, controls, trouble])
    await part(caller, visit);
}
