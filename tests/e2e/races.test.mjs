// What people and networks do at the wrong moment: double clicks, changes while connecting, ends in
// the middle of things, many calls in one page; and what strangers' words and figures do to it.

import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { launchChromium } from './lib/browser.mjs';
import { sleep, until } from './lib/env.mjs';
import { holdOffers, receive } from './lib/page-states.mjs';
import { withCaller, withServer } from './lib/test.mjs';

const CALLS = 12;

/** Counts connections, microphones and contexts for sound that are open. */
const PROBE = `
  window.opened = { pcs: [], tracks: [], contexts: [] };
  RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...args) { super(...args); window.opened.pcs.push(this); }
  };
  AudioContext = class extends AudioContext {
    constructor(...args) { super(...args); window.opened.contexts.push(this); }
  };
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (...args) => {
    await window.hesitates;
    const stream = await ask(...args);
    window.opened.tracks.push(...stream.getTracks());
    return stream;
  };`;

const focused = ({ page }) => page.evaluate(() => document.activeElement.id);
const open = ({ page }) => page.evaluate(() => ({
  pcs: window.opened.pcs.filter((pc) => pc.connectionState !== 'closed').length,
  tracks: window.opened.tracks.filter((track) => track.readyState === 'live').length,
}));

/** Nothing stays open, least of all a microphone. */
async function assertAllClosed(caller, after) {
  await until(async () => {
    const { pcs, tracks } = await open(caller);
    return pcs === 0 && tracks === 0;
  }, `the end of connections and microphones after ${after}`)
    .catch(async (error) => assert.fail(`${error.message}: ${JSON.stringify(await open(caller))}`));
}

/** Whoever double-clicks on Talk wants to talk: "Cancel" comes up in its place. */
async function doubleClick(caller) {
  await caller.talk();
  await caller.hangUp();
  const from = caller.messages.length;
  await caller.page.dblclick('#talk'); // "Talk again", which stays where it is
  await caller.type('bot-ready', { from });
  assert.notEqual(await caller.state(), 'ended');
  await caller.page.dblclick('#hang-up');
  await caller.waitState('ended');
  await sleep(300);
  assert.equal(await caller.state(), 'ended');
  await assertAllClosed(caller, 'double clicks');
}

/** Ids of tools begin anew with each call. */
async function toolsOfTwoCalls(caller) {
  for (const name of ['first_tool', 'second_tool']) {
    const from = caller.messages.length;
    await caller.page.click('#talk');
    await caller.type('bot-ready', { from });
    await receive(caller, 'llm-function-call-in-progress',
      { tool_call_id: 'call_1_0', function_name: name, arguments: null });
    await caller.hangUp();
  }
  const tools = (await caller.transcript()).filter(({ who }) => who === 'tool');
  assert.deepEqual(tools.map(({ text }) => text.match(/\w+ tool/)[0]), ['first tool', 'second tool']);
}

/** Another microphone is chosen before the connection is there. */
async function microphoneWhileConnecting(caller) {
  const release = await holdOffers(caller.page);
  await caller.page.click('#talk');
  await caller.waitState('connecting');
  await caller.page.evaluate(() =>
    document.querySelector('#microphone').dispatchEvent(new Event('change')));
  await until(() => caller.page.evaluate(() => window.opened.tracks.length > 1), 'the other one');
  await release();
  await caller.type('bot-ready');
  const sends = () => caller.page.evaluate(() => window.e2e.pc.getSenders()[0].track.readyState);
  assert.equal(await sends(), 'live', 'the call has the microphone that was chosen');
  assert.equal((await open(caller)).tracks, 1, 'the former one is closed');
  await caller.hangUp();
  await assertAllClosed(caller, 'another microphone');
}

/** Hung up while the browser still asks for the microphone, and while the site fetches a token. */
async function hangUpEarly(caller, server) {
  const { page } = caller;
  await page.evaluate(() => {
    window.hesitates = new Promise((resolve) => { window.allow = resolve; });
  });
  await page.click('#talk');
  await caller.waitState('asking');
  await page.click('#hang-up');
  await page.evaluate(() => window.allow());
  await assertAllClosed(caller, 'a late permission');

  const offers = [];
  page.on('request', (request) => request.url().endsWith('/api/offer') && offers.push(request));
  const kind = await page.evaluate(async () => {
    const { Conversation } = await import('./conversation.js');
    let give;
    const token = new Promise((resolve) => { give = resolve; });
    const conversation = new Conversation({ microphone: false, token: () => token });
    const started = conversation.start();
    setTimeout(() => {
      conversation.hangUp();
      give('');
    }, 200);
    return started.catch((error) => error.kind);
  });
  assert.equal(kind, 'hung-up');
  await sleep(300);
  assert.equal(offers.length, 0, 'nobody is called any more');
  await assertAllClosed(caller, 'a late token');
  assert.equal((await server.stats()).sessions.active, 0);
}

/** The microphone is closed when the key is let go, wherever the focus has gone meanwhile. */
async function letGoElsewhere(caller) {
  const { page } = caller;
  await caller.talk();
  await page.click('#ptt');
  await page.waitForSelector('#hold:focus');
  const sends = () => page.evaluate(() => window.e2e.pc.getSenders()[0].track.enabled);
  for (const key of [' ', 'Enter']) {
    await page.focus('#hold');
    await page.keyboard.down(key);
    assert.equal(await sends(), true);
    await page.focus('#words');
    await page.keyboard.up(key);
    assert.equal(await sends(), false, `"${key}" let go in the text box`);
  }
  await page.focus('#hold');
  await receive(caller, 'error', { error: 'it is gone', fatal: true });
  await caller.waitState('failed');
  assert.equal(await focused(caller), 'talk', 'the focus is not lost');
  await assertAllClosed(caller, 'a fatal error');
  await page.evaluate(() => localStorage.clear());
  caller.problems.length = 0;
}

async function focusAfterOk(caller) {
  const { page } = caller;
  await caller.talk();
  await receive(caller, 'error', { error: 'hoarse', fatal: false });
  await page.getByRole('button', { name: 'OK' }).focus();
  await page.keyboard.press('Enter');
  assert.notEqual(await focused(caller), '', 'the focus is not lost');
  await page.click('#dial');
  await page.waitForSelector('#keypad[open]');
  await receive(caller, 'error', { error: 'it is gone', fatal: true });
  await caller.waitState('failed');
  assert.equal(await focused(caller), 'talk', 'after the keypad');
}

/** Echoes of what was typed are matched though one is missing, or not quite the same. */
async function typedEchoes(caller) {
  await caller.talk();
  await caller.quiet();
  await caller.typeText('What  do you   cost?');
  await caller.page.evaluate(() => { document.querySelector('#words').value = ''; });
  await caller.quiet({ from: caller.messages.length });
  const from = caller.messages.length;
  await caller.typeText('Do you have parking?');
  await caller.type('user-llm-text', { from });
  await caller.quiet({ from });
  const said = (await caller.transcript()).filter(({ who }) => who === 'user').map(({ text }) => text);
  assert.deepEqual(said.filter((text) => /parking/.test(text)), ['Do you have parking?']);
  await caller.hangUp();
}

/** A failure is not wiped away by what comes late. */
async function lateAgents(caller) {
  const { page } = caller;
  let release;
  const released = new Promise((resolve) => { release = resolve; });
  let first = true;
  await page.route('**/api/agents', async (route) => {
    if (first) {
      first = false; // the list; the call asks for itself, for STUN and TURN
      await released;
    }
    await route.continue();
  });
  await page.route('**/api/offer', (route) => route.fulfill({ contentType: 'text/html', body: '<p>Hello' }));
  await page.reload();
  await page.click('#talk');
  await page.waitForSelector('#problem[data-kind]:not([data-kind=""])');
  assert.doesNotMatch(await page.textContent('#problem'), /browser/, 'a portal is not its fault');
  const answered = page.waitForResponse('**/api/agents');
  release();
  await answered;
  await sleep(200);
  assert.ok(await page.isVisible('#problem'), 'the failure is still told');
  await assertAllClosed(caller, 'a refusal');
}

/** Many calls in one page leave nothing behind, and one context for the meters. */
async function manyCalls(caller) {
  for (let i = 0; i < CALLS; i++) {
    const from = caller.messages.length;
    await caller.page.click('#talk');
    await caller.type('bot-ready', { from });
    await caller.page.click('#hang-up');
  }
  await assertAllClosed(caller, `${CALLS} calls`);
  const contexts = await caller.page.evaluate(() => window.opened.contexts
    .filter(({ state, sampleRate }) => state !== 'closed').length);
  assert.ok(contexts <= 2, `${contexts} contexts`); // that of the scripted microphone
}

/** No sideways scrolling on the narrowest phones, whatever words come. */
async function narrow(caller) {
  const { page } = caller;
  const long = 'Donaudampfschifffahrt'.repeat(20);
  await page.route('**/api/agents', (route) => route.fulfill({ json: {
    agents: ['reception', 'b'].map((name) => ({ name, title: long, description: long })),
    default: 'reception' } }));
  await page.setViewportSize({ width: 320, height: 256 }); // 1280 by 1024 at 400 %
  await page.reload();
  await page.waitForSelector('.choice', { state: 'attached' });
  assert.ok(await page.$eval('h1', ({ clientHeight }) => clientHeight < 40), 'the name is whole');
  const wide = () => page.evaluate(() =>
    [document.documentElement, ...document.querySelectorAll('main, .dock, #scroller, #transcript')]
      .filter((at) => at.scrollWidth > at.clientWidth + 1).map((at) => at.id || at.localName));
  assert.deepEqual(await wide(), [], 'before the call');
  for (const id of ['talk', 'words']) {
    await page.focus(`#${id}`);
    const inside = await page.$eval(`#${id}`, (at) => {
      const { top, bottom } = at.getBoundingClientRect();
      const hit = document.elementFromPoint(at.getBoundingClientRect().left + 20, (top + bottom) / 2);
      return at.contains(hit);
    });
    assert.ok(inside, `${id} can be reached`);
  }
  await caller.talk();
  await receive(caller, 'user-llm-text', { text: long });
  await receive(caller, 'llm-function-call-in-progress',
    { tool_call_id: long, function_name: long, arguments: { long } });
  await receive(caller, 'error', { error: long, fatal: false });
  assert.deepEqual(await wide(), [], 'in the call');
  await caller.page.focus('#hang-up');
  await caller.hangUp();
}

/** Puts the snippet into the page. @param {object} attributes */
const mount = (caller, attributes = {}) => caller.page.evaluate(async (given) => {
  await import('./repartee.js');
  window.agent = document.createElement('repartee-agent');
  for (const [name, value] of Object.entries(given))
    window.agent.setAttribute(name, value);
  document.body.append(window.agent);
}, attributes);

const inPanel = (caller, selector) => caller.page.locator(`repartee-agent ${selector}`);

/** The site takes the button away while its panel is still being loaded. */
async function removedWhileLoading(caller) {
  let release;
  const released = new Promise((resolve) => { release = resolve; });
  await caller.page.route('**/widget.js', async (route) => {
    await released;
    await route.continue();
  });
  await mount(caller);
  await inPanel(caller, '.launcher').click();
  await caller.page.evaluate(() => window.agent.remove());
  const loaded = caller.page.waitForResponse('**/widget.css');
  release();
  await loaded;
  await sleep(500);
  assert.deepEqual(await caller.page.evaluate(() =>
    [window.opened.tracks.length, window.opened.pcs.length]), [0, 0], 'nobody is called unseen');
}

/** One tag's mistake is not another's. */
async function wrongTarget({ page, problems }) {
  await page.evaluate(() => {
    for (const data of [{ target: '[[' }, { agent: 'reception' }]) {
      const tag = document.createElement('script');
      Object.assign(tag, { type: 'module', src: 'repartee.js' });
      Object.assign(tag.dataset, data);
      document.head.append(tag);
    }
  });
  await page.waitForSelector('html > repartee-agent', { state: 'attached' });
  assert.deepEqual(problems.splice(0),
    ['console: repartee: data-target="[[" matches nothing on this page']);
}

/** The label is legible on any colour of the site's. */
async function colours(caller) {
  const rows = { 'color(srgb 1 1 1)': '#000', 'oklch(0.95 0.1 100)': '#000', 'lab(20% 0 0)': '#fff',
    yellow: '#000', '#123': '#fff', 'hsl(240 100% 20%)': '#fff' };
  await mount(caller);
  for (const [color, ink] of Object.entries(rows)) {
    const found = await caller.page.evaluate((name) => {
      window.agent.setAttribute('color', name);
      return window.agent.shadowRoot.querySelector('.root').style.getPropertyValue('--accent-ink');
    }, color);
    assert.equal(found, ink, color);
  }
  await caller.page.evaluate(() =>
    window.agent.setAttribute('color', 'red; background: url(https://elsewhere.example)'));
  assert.equal(await inPanel(caller, '.root').getAttribute('style'), '');
}

/** In the panel: assistive technology clicks to talk, a double click is one, a call can be ended. */
async function panelControls(caller) {
  const { page } = caller;
  await page.setViewportSize({ width: 640, height: 360 }); // 1280 by 720 at 200 %
  await mount(caller, { 'push-to-talk': '' });
  await inPanel(caller, '.launcher').dblclick();
  await caller.type('bot-ready');
  const talking = () => page.evaluate(() => window.agent.conversation.talking);
  for (const expected of [true, false]) {
    await inPanel(caller, '.hold').evaluate((hold) => hold.click());
    assert.equal(await talking(), expected, 'a click without a pointer');
  }
  await receive(caller, 'error', { error: 'a long story '.repeat(20), fatal: false });
  for (const selector of ['.hang-up', '#words', '.hold', '.plain']) {
    const met = await inPanel(caller, selector).evaluate((element) => {
      element.focus();
      const { x, y, width, height } = element.getBoundingClientRect();
      return element.contains(element.getRootNode()
        .elementFromPoint(x + width / 2, y + height / 2));
    });
    assert.ok(met, `${selector} can be reached`);
  }
  await inPanel(caller, '.hang-up').evaluate((element) => element.click());
  await inPanel(caller, '.talk').waitFor();
  await page.setViewportSize({ width: 1280, height: 800 });
  const from = caller.messages.length;
  await inPanel(caller, '.talk').dblclick();
  await caller.type('bot-ready', { from });
  await page.evaluate(() => window.agent.remove());
  await assertAllClosed(caller, 'the end of the element');
}

/** Functions of the page: only its own, and what cannot be sent is a failure. */
async function functions(caller) {
  const answers = await caller.page.evaluate(async () => {
    const { run } = await import('./functions.js');
    const own = {
      big: () => 'x'.repeat(1_000_000),
      deep: () => { const it = {}; it.it = it; return it; },
      huge: () => 10n,
      fine: () => ({ a: 1 }),
    };
    const names = [...Object.keys(own), '__proto__', 'constructor', 'toString', '', null];
    return Promise.all(names.map(async (name) => {
      const { result } = await run({ function_name: name, tool_call_id: 'x' }, own);
      return [String(name), result.error ? 'failed' : JSON.stringify(result).slice(0, 20)];
    }));
  });
  assert.deepEqual(answers.filter(([, what]) => what !== 'failed'), [['fine', '{"a":1}']]);
}

/** An hour of turns: what is out of sight costs nothing, and the end stays in sight. */
async function longCall(caller) {
  const { page } = caller;
  await caller.talk();
  await page.evaluate(() => {
    for (let i = 0; i < 400; i++) {
      window.e2e.receive('user-llm-text', { text: `question ${i}` });
      for (const [heard, rest] of [['The', 'end.'], ['The end.', '']]) {
        window.e2e.receive('bot-output', { text: 'The end.', segment_id: `s${i}`,
          spoken_status: rest ? 'in-progress' : 'completed', will_be_spoken: true,
          spoken_progress: { accumulated_text: heard, remaining_text: rest } });
      }
      window.e2e.receive('server-message', { t: 'turn-metrics', voice_to_voice_ms: 300 });
    }
    window.e2e.receive('llm-function-call-stopped',
      { tool_call_id: 'x', function_name: 'b\u202eook', arguments: { day: '\u202egnp.exe' } });
  });
  const look = () => page.evaluate(() => {
    const { scrollTop, clientHeight, scrollHeight } = document.querySelector('#scroller');
    const [first] = document.querySelectorAll('#transcript > li');
    const outcome = document.querySelector('.tool span').firstChild;
    const at = (index) => {
      const range = document.createRange();
      range.setStart(outcome, index);
      range.setEnd(outcome, index + 1);
      return range.getBoundingClientRect().left;
    };
    return {
      skipped: !first.firstChild.checkVisibility({ contentVisibilityAuto: true }),
      end: scrollHeight - scrollTop - clientHeight < 5,
      rows: document.querySelectorAll('#turns > li').length,
      fading: document.querySelectorAll('.word').length > 20, // the greeting's own
      forwards: at(2) < at(5),
    };
  });
  const expected = { skipped: true, end: true, rows: 8, fading: false, forwards: true };
  let found;
  await until(async () => isDeepStrictEqual(found = await look(), expected), 'the end of the call')
    .catch(() => assert.deepEqual(found, expected));
  await caller.hangUp();
}

const PARTS = [longCall,
  removedWhileLoading, wrongTarget, colours, panelControls, functions,
  doubleClick, toolsOfTwoCalls, microphoneWhileConnecting, hangUpEarly, letGoElsewhere, focusAfterOk,
  typedEchoes, lateAgents, manyCalls, narrow];

export default {
  name: 'races: the wrong moment, many calls and long words do no harm',
  timeoutS: 400,
  run: async () => {
    const browser = await launchChromium();
    try {
      await withServer({}, async (server) => {
        const failures = [];
        for (const part of PARTS) {
          await withCaller(server, { browser, probe: PROBE }, (caller) => part(caller, server))
            .catch((error) => failures.push(`${part.name}: ${error.message}`));
        }
        assert.equal(failures.length, 0, failures.join('\n'));
      });
    } finally {
      await browser.close();
    }
  },
};
