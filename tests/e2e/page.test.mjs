// What the page shows and what its controls do: states, times, microphones, agents, push to talk,
// the keyboard alone, ways out of failures, and text of strangers.

import assert from 'node:assert/strict';
import path from 'node:path';
import { sleep, source, until } from './lib/env.mjs';
import { holdOffers, receive, refuseMicrophone } from './lib/page-states.mjs';
import { say } from './lib/speech.mjs';
import { withCaller, withServer } from './lib/test.mjs';

const AGENTS = ['worker/agents/reception', 'tests/e2e/agent']
  .map((name) => path.join(source, name)).join();
const PARTS = ['end of turn', 'speech to text', 'brain', 'text to speech', 'transport'];
const EVIL = '<img src=x onerror="window.hacked = true"><script>window.hacked = true</script>';

const focused = ({ page }) => page.evaluate(() => document.activeElement.id);
const text = ({ page }, selector) => page.textContent(selector);

/** The microphone's track as the call has it. */
const sends = ({ page }) => page.evaluate(() =>
  window.e2e.pc.getSenders()[0].track.enabled);

const problem = (caller, kind) => until(() =>
  caller.page.isVisible(`#problem[data-kind="${kind}"]`), `the problem ${kind}`);

const wayOut = (caller, label) => caller.page.getByRole('button', { name: label }).click();

/** Notes the states as they come, and the bodies of offers. */
async function watch(caller) {
  await caller.page.evaluate(() => {
    const state = document.querySelector('#state');
    window.states = [];
    new MutationObserver(() => window.states.push(state.dataset.state))
      .observe(state, { attributeFilter: ['data-state'] });
  });
  const offers = [];
  caller.page.on('request', (request) => {
    if (request.url().endsWith('/api/offer') && request.method() === 'POST')
      offers.push(request.postDataJSON());
  });
  return { offers, states: () => caller.page.evaluate(() => window.states) };
}

/** The bar's five parts are as long as their numbers say, and together the whole. */
async function checkTimes(caller) {
  const times = caller.page.locator('.timing').last();
  await times.waitFor(); // its reply is shown when something of it was heard
  const said = await times.locator('.bar').getAttribute('aria-label');
  const parts = PARTS.map((name) => Number(said.match(`${name} (\\d+) ms`)?.[1] ?? NaN));
  const whole = Number.parseInt(await times.locator('summary').innerText(), 10);
  assert.ok(Math.abs(parts.reduce((a, b) => a + b) - whole) <= 3, `${said}, together ${whole}`);
  assert.ok(whole > 100 && whole < 15_000, `${whole} ms`);
  const widths = await times.locator('.bar i').evaluateAll((bars) =>
    bars.map((bar) => bar.getBoundingClientRect().width));
  const longest = (list) => list.indexOf(Math.max(...list));
  assert.equal(longest(widths), longest(parts), `${widths} px for ${parts} ms`);
  assert.equal(await times.locator('.legend').isVisible(), false);
  await times.locator('summary').click();
  assert.deepEqual(await times.locator('.legend b').allInnerTexts(), parts.map((n) => `${n} ms`));
  assert.match(await text(caller, '#median'), /^\d+ ms$/);
}

async function states(server) {
  await withCaller(server, {}, async (caller) => {
    const { states: seen } = await watch(caller);
    assert.equal(await caller.state(), 'idle');
    await caller.talk();
    await caller.quiet();
    const from = caller.messages.length;
    await caller.say(say('parking'));
    await caller.quiet({ from });
    await checkTimes(caller);
    // How good it is depends on the machine; what is good: tests/unit/web.
    assert.match(await text(caller, '#quality'), /(good|fair|poor) · \d+ ms/i);
    assert.match(await text(caller, '#link'), /Round trip\d+ ms.*lost\d+\.\d %.*Buffer\d+ ms/);
    const meter = await caller.page.$eval('#agent i', (bar) =>
      bar.style.getPropertyValue('--level'));
    assert.match(meter, /^[01]\.\d\d$/);
    await caller.hangUp();
    const all = await seen();
    let at = 0;
    for (const state of ['connecting', 'speaking', 'listening', 'hearing', 'speaking', 'listening',
      'ended']) {
      at = all.indexOf(state, at);
      assert.ok(at >= 0, `${state} is missing in ${all}`);
    }
    assert.match((await caller.transcript()).at(-1).text, /^Call ended after 0:\d\d$/);
    assert.equal(await text(caller, '#again'), 'Talk again');
  });
}

/** The words appear as they are heard, and screen readers are told sentences. */
async function words(server) {
  await withCaller(server, {}, async (caller) => {
    await caller.talk();
    await caller.quiet();
    await receive(caller, 'user-llm-text', { text: 'Are you open?' });
    await caller.page.evaluate(() => { document.querySelector('#announcer').textContent = ''; });
    const heard = (done, rest, status = 'in-progress') => receive(caller, 'bot-output', {
      text: 'We are open.', segment_id: 'test', spoken_status: status, will_be_spoken: true,
      spoken_progress: { accumulated_text: done, remaining_text: rest },
    });
    await heard('We', 'are open.');
    await heard('We are', 'open.');
    const last = async () => (await caller.transcript()).at(-1);
    assert.deepEqual([(await last()).heard, (await last()).unheard], ['We are', '']);
    assert.equal(await text(caller, '#announcer'), '', 'no single words');
    await heard('We are', 'open.', 'completed');
    assert.deepEqual([(await last()).heard, (await last()).unheard], ['We are', 'open.']);
    assert.match(await text(caller, '#announcer'), /: We are – interrupted$/);
    await caller.hangUp();
  });
}

async function chooseMicrophone(server) {
  await withCaller(server, {}, async (caller) => {
    const { page } = caller;
    await page.addInitScript(() => {
      const { mediaDevices } = navigator;
      const open = mediaDevices.getUserMedia;
      window.asked = [];
      mediaDevices.getUserMedia = (wanted) => {
        window.asked.push(wanted.audio.deviceId?.ideal ?? '');
        return open(wanted);
      };
      mediaDevices.enumerateDevices = async () => ['one', 'two'].map((name) =>
        ({ kind: 'audioinput', deviceId: name, label: `Microphone ${name}` }));
    });
    await page.reload();
    await caller.talk();
    await caller.quiet();
    assert.deepEqual(await page.$$eval('#microphone option', (all) => all.map((o) => o.label)),
      ['Default mic', 'Microphone one', 'Microphone two']);
    const track = () => page.evaluate(() => window.e2e.pc.getSenders()[0].track.id);
    const first = await track();
    await page.selectOption('#microphone', 'two');
    await until(async () => await track() !== first, 'the other microphone');
    assert.deepEqual(await page.evaluate(() => window.asked), ['', 'two']);
    const from = caller.messages.length;
    await caller.say(say('parking')); // into the second
    await caller.heard(/car park/i, { from });
    await caller.hangUp();
    await page.reload();
    await until(() => page.$eval('#microphone', ({ value }) => value === 'two'),
      'the microphone to be remembered');
  });
}

async function chooseAgent() {
  await withServer({ agent: AGENTS }, (server) => withCaller(server, {}, async (caller) => {
    const { page } = caller;
    const { offers } = await watch(caller);
    await page.waitForSelector('.choice');
    assert.deepEqual(await page.locator('.choice b').allInnerTexts(),
      ['Harbour Rooms reception', 'Agent of the clients\' tests']);
    await page.focus('.choice input:checked');
    await page.keyboard.press('ArrowDown');
    await caller.talk();
    assert.equal(offers[0].request_data.agent, 'agent');
    await caller.heard(/I am listening/);
    assert.equal(await page.isVisible('#agents'), false, 'no other agent in mid-call');
    assert.equal(await text(caller, '#transcript .who'), 'Agent of the clients\' tests');
    await caller.hangUp();
    await page.reload();
    await page.waitForSelector('.choice');
    assert.equal(await page.inputValue('.choice input:checked'), 'agent', 'it is remembered');
  }));
}

async function pushToTalk(server) {
  await withCaller(server, {}, async (caller) => {
    const { page } = caller;
    await caller.talk();
    await caller.quiet();
    assert.equal(await sends(caller), true);
    await page.click('#ptt');
    await page.waitForSelector('#hold:focus');
    assert.equal(await sends(caller), false);
    await page.keyboard.down(' ');
    assert.equal(await sends(caller), true);
    await page.keyboard.up(' ');
    assert.equal(await sends(caller), false);
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.down(' '); // anywhere
    assert.equal(await sends(caller), true);
    const from = caller.messages.length;
    await caller.say(say('parking'));
    await page.keyboard.up(' ');
    await caller.heard(/car park/i, { from });
    await page.focus('#words');
    await page.keyboard.press(' ');
    assert.equal(await page.inputValue('#words'), ' ', 'in the text box it is a space');
    assert.equal(await sends(caller), false);
    const { x, y, width, height } = await page.locator('#hold').boundingBox();
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    assert.equal(await sends(caller), true);
    await page.mouse.move(0, 0);
    await page.mouse.up();
    assert.equal(await sends(caller), false, 'let go elsewhere');
    await page.evaluate(() => document.querySelector('#hold').click());
    assert.equal(await sends(caller), true, 'a click without a pointer talks');
    await page.evaluate(() => document.querySelector('#hold').click());
    await page.click('#ptt');
    assert.equal(await sends(caller), true);
    await caller.hangUp();
  });
}

/** From the top of the page to the end of a call without a mouse. */
async function keyboardOnly(server) {
  await withCaller(server, {}, async (caller) => {
    const { keyboard } = caller.page;
    const walk = async (presses) => {
      const way = [];
      for (let i = 0; i < presses; i++) {
        await keyboard.press('Tab');
        const place = await caller.page.evaluate(() => {
          const { activeElement: at } = document;
          const { outlineStyle, outlineWidth } = getComputedStyle(at);
          return { id: at.id || at.className, ring: `${outlineStyle} ${outlineWidth}` };
        });
        assert.equal(place.ring, 'solid 3px', `the focus is seen on ${place.id}`);
        way.push(place.id);
      }
      return way;
    };
    assert.deepEqual(await walk(5), ['microphone', 'scroller', 'talk', 'words', 'send']);
    await caller.page.focus('#talk');
    await keyboard.press('Enter');
    await caller.type('bot-ready');
    assert.equal(await focused(caller), 'hang-up');
    await caller.page.focus('#scroller');
    assert.deepEqual(await walk(5), ['mute', 'ptt', 'dial', 'hang-up', 'words']);
    await caller.page.focus('#mute');
    await keyboard.press(' ');
    assert.equal(await caller.page.getAttribute('#mute', 'aria-pressed'), 'true');
    assert.equal(await sends(caller), false);
    await caller.page.focus('#dial');
    await keyboard.press('Enter');
    await caller.page.waitForSelector('#keypad[open]');
    const from = caller.messages.length;
    await keyboard.press('2');
    assert.equal(await text(caller, '#keypad output'), '2');
    await caller.type('user-llm-text', { from });
    await keyboard.press('Escape');
    assert.equal(await focused(caller), 'dial', 'the focus returns');
    await caller.page.focus('#hang-up');
    await keyboard.press('Enter');
    await caller.waitState('ended');
    assert.equal(await focused(caller), 'talk');
  });
}

async function waysOut() {
  await withServer({ options: ['--max-sessions', '1'] }, async (server) => {
    await withCaller(server, {}, async (caller) => {
      await refuseMicrophone(caller, 'NotAllowedError');
      await caller.page.click('#talk');
      await problem(caller, 'denied');
      await wayOut(caller, 'Type instead');
      await caller.waitState('typing', 20_000);
      assert.equal(await focused(caller), 'words');
      assert.equal(await caller.page.isVisible('#mute'), false);

      await withCaller(server, {}, async (second) => {
        second.expectRefusals();
        await second.page.click('#talk');
        await problem(second, 'full');
        await wayOut(second, 'Keep trying');
        await until(async () => /Trying again in \d+ s/.test(await text(second, '#ways')),
          'the countdown');
        await caller.hangUp();
        await second.type('bot-ready', { timeout: 30_000 });
        assert.equal(await second.page.isVisible('#problem'), false);
        await second.hangUp();
      });
    });
  });
}

async function failures(server) {
  await withCaller(server, {}, async (caller) => {
    const { page } = caller;
    caller.expectRefusals();
    const answer = (status, body, headers = {}) => page.route('**/api/offer', (route) =>
      route.fulfill({ status, json: body, headers }));
    for (const [status, kind, detail, sentence] of [
      [404, 'no-agent', 'there is no agent "x"', /there is no agent/i],
      [401, 'unauthorised', 'no token', /token/],
      [401, 'expired', 'the token has expired', /expired/],
    ]) {
      await answer(status, { detail, info: 'Ask its operator.' });
      await page.click('#talk');
      await problem(caller, kind);
      assert.match(await text(caller, '#problem'), sentence);
      assert.ok(await page.getByRole('button', { name: 'Try again' }).isVisible());
      await page.unroute('**/api/offer');
    }
    await page.evaluate(() => { // as on a page without TLS
      Object.defineProperty(window, 'isSecureContext', { value: false });
      Object.defineProperty(navigator, 'mediaDevices', { value: undefined });
    });
    await page.click('#talk');
    await problem(caller, 'insecure');
    assert.match(await text(caller, '#problem'), /https/);
  });
}

/** Cancelled while it connects. */
async function cancel(server) {
  await withCaller(server, {}, async (caller) => {
    const release = await holdOffers(caller.page);
    await caller.page.click('#talk');
    await caller.waitState('connecting');
    assert.equal(await text(caller, '#leave'), 'Cancel');
    await caller.page.click('#hang-up');
    await release();
    await caller.waitState('ended');
    assert.equal(await focused(caller), 'talk');
    assert.equal(await caller.page.isVisible('#problem'), false);
  });
}

async function hostileText(server) {
  await withCaller(server, {}, async (caller) => {
    const { page } = caller;
    await page.route('**/api/agents', (route) => route.fulfill({ json: {
      agents: ['reception', 'b'].map((name) => ({ name, title: EVIL, description: EVIL })),
      default: 'reception',
    } }));
    await page.reload();
    await page.waitForSelector('.choice');
    assert.deepEqual(await page.locator('.choice b').allInnerTexts(), [EVIL, EVIL]);
    await caller.talk();
    await caller.quiet();
    for (const [type, data] of [
      ['user-transcription', { text: EVIL, final: false }],
      ['user-llm-text', { text: EVIL }],
      ['bot-output', { text: EVIL, segment_id: EVIL, will_be_spoken: true,
        spoken_status: 'in-progress', spoken_progress: { accumulated_text: EVIL,
          remaining_text: EVIL } }],
      ['bot-output', { text: EVIL, segment_id: EVIL, will_be_spoken: true,
        spoken_status: 'completed', spoken_progress: { accumulated_text: EVIL,
          remaining_text: EVIL } }],
      ['llm-function-call-in-progress', { tool_call_id: EVIL, function_name: EVIL,
        arguments: { [EVIL]: EVIL } }],
      ['llm-function-call-stopped', { tool_call_id: EVIL, function_name: EVIL, result: EVIL }],
      ['error', { error: EVIL, fatal: false }],
    ])
      await receive(caller, type, data);
    await sleep(200);
    const found = await page.evaluate(() => [window.hacked,
      document.querySelectorAll('main img:not([src="icon.svg"]), main script').length]);
    assert.deepEqual(found, [undefined, 0]);
    const shown = await caller.transcript();
    assert.ok(shown.some(({ who, text: said }) => who === 'user' && said === EVIL));
    assert.ok(shown.some(({ heard, unheard }) => heard === EVIL && unheard === EVIL));
    assert.match(await text(caller, '#problem'), /<img/);
    await caller.hangUp();
  });
}

export default {
  name: 'page: states, times, choices, keys and ways out',
  timeoutS: 500,
  run: async () => {
    await withServer({}, async (server) => {
      for (const part of [states, words, chooseMicrophone, pushToTalk, keyboardOnly, failures,
        cancel, hostileText]) {
        await part(server).catch((error) => {
          throw new Error(`${part.name}: ${error.message}`, { cause: error });
        });
      }
    });
    await chooseAgent();
    await waysOut();
  },
};
