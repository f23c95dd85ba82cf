// A person in front of the page: Debian's Chromium, driven by playwright-core; see also firefox.mjs.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { PATIENCE_MS, requireModule, scratchFile, sleep, until } from './env.mjs';
import { join, RATE, silence, writeWav } from './wav.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));

// The fake device loses its first tenth of a second.
const LEAD_MS = 700;
const WHOLE = 0.9; // of a recording; Firefox's comes in blocks of a sixth of a second

/**
 * @param {{microphone?: Int16Array, flags?: string[]}} settings microphone: what Chromium's fake
 *   device plays from its opening on, again and again; otherwise it is silent and say() speaks.
 *   executable: in place of Debian's
 */
export async function launchChromium(settings = {}) {
  const args = [
    '--no-sandbox', // a container is root
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
    '--autoplay-policy=no-user-gesture-required',
    '--allow-loopback-in-peer-connection', // where there is no other interface
    ...settings.flags ?? [],
  ];
  if (settings.microphone) {
    const file = scratchFile('-microphone.wav');
    writeWav(file, join(silence(LEAD_MS), settings.microphone));
    args.push(`--use-file-for-fake-audio-capture=${file}`);
  }
  return requireModule('playwright-core').chromium.launch({
    executablePath: settings.executable ?? '/usr/bin/chromium',
    headless: true,
    ignoreDefaultArgs: ['--mute-audio'],
    args,
  });
}

async function openChromiumPage({ init, onMessage, onProblem }) {
  const page = await this.newPage();
  page.on('pageerror', (error) => onProblem(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error')
      onProblem(`console: ${message.text()}`);
  });
  await page.exposeBinding('e2eMessage', (_, text) => onMessage(text));
  await page.addInitScript(init);
  return page;
}

export class Caller {
  messages = []; // of RTVI, with the time of arrival and the place in the recording
  problems = []; // errors of the page, violations of its content policy
  #waiters = new Set();
  #shared = false;
  #refusalsExpected = false;

  /**
   * @param {string} url
   * @param {object} settings of launchChromium(), for a browser of its own, or
   * @param {object} settings.browser one that stays: of launchChromium() or launchFirefox()
   * @param {string} settings.probe a script for the page, before its own
   */
  static async open(url, settings = {}) {
    const caller = new Caller();
    caller.#shared = Boolean(settings.browser);
    caller.browser = settings.browser ?? await launchChromium(settings);
    try {
      const openPage = caller.browser.openPage ?? openChromiumPage;
      caller.page = await openPage.call(caller.browser, {
        init: `window.e2eScriptedMicrophone = ${!settings.microphone};\n` +
          fs.readFileSync(path.join(here, 'instrument.js'), 'utf8') + (settings.probe ?? ''),
        onMessage: (text) => caller.#message(text),
        onProblem: (text) => caller.problems.push(text),
      });
      await caller.page.goto(url);
      await caller.page.evaluate(() => window.e2e.ready);
    } catch (error) {
      await caller.close();
      throw error;
    }
    return caller;
  }

  #message(text) {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    this.messages.push({ at: Date.now(), ...message });
    for (const waiter of this.#waiters)
      waiter();
  }

  /**
   * Waits for a message, among those from index `from` on: as long as Chromium's audio may take to
   * come up on a machine that stalls.
   * @param {(message: object) => boolean} wanted
   */
  async message(wanted, what, { from = 0, timeout = 40_000 } = {}) {
    const find = () => this.messages.slice(from).find(wanted);
    const found = find() ?? await new Promise((resolve) => {
      const waiter = () => {
        const message = find();
        if (message)
          done(message);
      };
      const timer = setTimeout(() => done(undefined), timeout);
      const done = (message) => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        resolve(message);
      };
      this.#waiters.add(waiter);
    });
    if (!found) {
      throw new Error(`waited ${timeout} ms in vain for ${what}; the call so far:\n` +
        this.story(from));
    }
    return found;
  }

  /** A message of this RTVI type. */
  type(type, options) {
    return this.message((message) => message.type === type, type, options);
  }

  /** A sentence of the agent that matches, heard to its end. */
  heard(pattern, options) {
    return this.message(({ type, data }) => type === 'bot-output' &&
      data.spoken_status === 'completed' && !data.spoken_progress?.remaining_text &&
      pattern.test(data.text), `the agent to say ${pattern}`, options);
  }

  /** Waits until the agent has ended its turn: it stopped and does not go on. */
  async quiet({ from = 0, timeout = PATIENCE_MS } = {}) {
    const stops = ['bot-started-speaking', 'bot-stopped-speaking'];
    await until(() => {
      const last = this.messages.slice(from).filter(({ type }) => stops.includes(type)).at(-1);
      return last?.type === 'bot-stopped-speaking' && Date.now() - last.at > 400;
    }, () => `the agent to have spoken; the call so far:\n${this.story(from)}`, timeout);
  }

  /** The messages in short, for reports of failures. */
  story(from = 0) {
    const start = this.messages[0]?.at ?? 0;
    const dull = ['metrics', 'server-message', 'bot-tts-text', 'bot-tts-started',
      'bot-tts-stopped', 'bot-llm-started', 'bot-llm-stopped'];
    return this.messages.slice(from).filter(({ type, data }) => !dull.includes(type) &&
      (data?.[0] ?? data)?.spoken_status !== 'in-progress')
      .map(({ at, type, event, data }) => `  ${String(at - start).padStart(6)} ` +
        `${event ?? type ?? '?'} ` +
        (type === 'bot-output' ? `${data.spoken_status} "${data.text}" ` +
          `${data.spoken_progress?.remaining_text ? 'not all heard' : ''}` :
          JSON.stringify(data ?? {}).slice(0, 200))).join('\n');
  }

  async talk() {
    await this.page.click('#talk');
    await this.type('bot-ready');
  }

  /** Speaks now; returns when it is said. @param {Int16Array} pcm */
  async say(pcm) {
    const bytes = Buffer.from(pcm.buffer, pcm.byteOffset, pcm.length * 2);
    await this.page.evaluate((base64) => window.e2e.say(base64), bytes.toString('base64'));
  }

  async typeText(text) {
    await this.page.fill('#words', text);
    await this.page.press('#words', 'Enter');
  }

  /** Where the recording is now, in samples. */
  position() {
    return this.page.evaluate(() => window.e2e.samples);
  }

  /** Where the recording is now, and when that was: for recordedSince(). */
  async mark() {
    return { position: await this.position(), at: Date.now() };
  }

  /**
   * What was recorded since a mark. Firefox records on its page's thread, and loses what comes while that is
   * busy: then there is less of it than time has passed, and nothing to judge by.
   * @returns {Promise<Int16Array|null>}
   */
  async recordedSince({ position, at }) {
    const part = (await this.position() - position) / RATE / ((Date.now() - at) / 1000);
    if (part > WHOLE)
      return await this.recording(position);
    console.log(`# the browser is busy: it recorded ${Math.round(part * 100)} % of the time, not judged`);
    return null;
  }

  /** What was heard. @returns {Promise<Int16Array>} */
  async recording(from = 0) {
    const base64 = await this.page.evaluate((at) => window.e2e.recording(at), from);
    const bytes = Buffer.from(base64, 'base64');
    return new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  }

  /** The transcript on the page. */
  transcript() {
    return this.page.$$eval('#transcript > li:not([hidden])', (items) => items.map((item) => ({
      who: item.classList[0],
      text: item.querySelector('.text')?.textContent.trim() ?? item.textContent,
      heard: [...item.querySelectorAll('.heard')].map((n) => n.textContent).join(' ').trim(),
      unheard: [...item.querySelectorAll('.unheard')].map((n) => n.textContent).join(' ').trim(),
    })));
  }

  state() {
    return this.page.getAttribute('#state', 'data-state');
  }

  async waitState(state, timeoutMs = PATIENCE_MS) {
    await until(async () => await this.state() === state, `state ${state}`, timeoutMs);
  }

  /** Refused requests are part of the test; the browser notes them, now or a little later. */
  expectRefusals() {
    this.#refusalsExpected = true;
  }

  /** The problems that no test expects. */
  unexpected() {
    const refusal = /^console: (Failed to load resource|Access to fetch at .* blocked by CORS)/;
    return this.problems.filter((text) => !this.#refusalsExpected || !refusal.test(text));
  }

  async hangUp() {
    await this.page.click('#hang-up');
    await this.waitState('ended');
    await sleep(300);
  }

  async close() {
    const violations = await this.page?.evaluate(() => window.e2e.problems).catch(() => []) ?? [];
    this.problems.push(...violations);
    await (this.#shared ? this.page?.close() : this.browser.close());
  }
}
