// The snippet in a site of another origin: the one tag on a page whose style sheet is hostile and
// whose policy is strict, connect() with functions of the page, access tokens, and what a visitor
// reads when the site may not call.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { launchChromium } from './lib/browser.mjs';
import { modules, sleep, source, until } from './lib/env.mjs';
import { freeOrigin, serveExamples } from './lib/example-site.mjs';
import { inEveryLook } from './lib/page-states.mjs';
import { say } from './lib/speech.mjs';
import { assertHeard, sentences, textOf, withCaller, withServer } from './lib/test.mjs';

const KEY = 'the-key-of-the-operator';
const AGENTS = ['worker/agents/reception', 'tests/e2e/agent']
  .map((name) => path.join(source, name)).join();
const axe = fs.readFileSync(path.join(modules, 'node_modules/axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const FEW_BYTES = 12_000; // for visitors who do not press the button
const SHORT_S = 10; // the shortest life of a token

const part = (caller, selector) => caller.page.locator(`repartee-agent ${selector}`);

/** What was loaded from the server: [name, size]. */
const loaded = (caller, server) => caller.page.evaluate((url) => performance
  .getEntriesByType('resource').filter(({ name }) => name.startsWith(url))
  .map(({ name, decodedBodySize }) => [name.slice(url.length + 1), decodedBodySize]), server.url);

/** How it looks, and whether a click would meet it. */
const looks = (locator) => locator.evaluate((element) => {
  const { x, y, width, height } = element.getBoundingClientRect();
  const hit = element.getRootNode().elementFromPoint(x + width / 2, y + height / 2);
  const { color, fontStyle, textTransform, letterSpacing, visibility, backgroundColor } =
    getComputedStyle(element);
  return { x, y, width, height, isMet: element.contains(hit), backgroundColor,
    text: [color, fontStyle, textTransform, letterSpacing, visibility] };
});

async function assertUnharmed(caller, selector, color) {
  const look = await looks(part(caller, selector));
  assert.deepEqual(look.text, [color, 'normal', 'none', 'normal', 'visible'], selector);
  assert.ok(look.isMet, `${selector} is covered`);
  const { width, height } = caller.page.viewportSize();
  assert.ok(look.x >= 0 && look.y >= 0 && look.x + look.width <= width &&
    look.y + look.height <= height, `${selector} is not on the screen: ${JSON.stringify(look)}`);
  return look;
}

/** axe-core has nothing to object to, on a phone and on a desk, in light and in dark. */
async function assertAccessible(caller, where) {
  if (!await caller.page.evaluate(() => 'axe' in window))
    await caller.page.evaluate(axe);
  await inEveryLook(caller.page, async (look) => {
    const { violations, passes } = await caller.page.evaluate((tags) => window.axe.run(
      { include: ['repartee-agent'] }, { runOnly: tags, resultTypes: ['violations'] }), RULES);
    assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes[0].target, nodes[0].failureSummary]),
      [], `${where} ${look}`);
    assert.ok(passes.some(({ id }) => id === 'button-name'), 'it was looked into');
    if (process.env.RP_SCREENSHOTS) {
      await caller.page.screenshot({
        path: path.join(process.env.RP_SCREENSHOTS, `embed-${where}-${look}.png`) });
    }
  });
  await caller.page.emulateMedia({ colorScheme: 'light' });
}

/** The one tag, from the press of the button to the end. */
async function useTag(caller, server) {
  const first = await loaded(caller, server);
  assert.deepEqual(first.map(([name]) => name), ['repartee.js'], 'loaded before the press');
  assert.ok(first[0][1] < FEW_BYTES, `a visitor loads ${first[0][1]} bytes`);

  const { backgroundColor } = await assertUnharmed(caller, '.launcher', 'rgb(255, 255, 255)');
  assert.equal(backgroundColor, 'rgb(11, 110, 99)');
  await part(caller, '.launcher').click();
  await caller.type('bot-ready');
  for (const selector of ['.panel', '.scroller', '.mute'])
    await assertUnharmed(caller, selector, 'rgb(20, 32, 29)');
  const order = await caller.page.evaluate(() => document.activeElement.localName);
  assert.equal(order, 'repartee-agent', 'the panel has the focus');

  await caller.quiet();
  const from = caller.messages.length;
  await part(caller, '#words').fill('Do you have parking?');
  await part(caller, '#words').press('Enter');
  await caller.heard(/free for guests/i, { from });
  assert.match(await part(caller, '.transcript').innerText(), /Do you have parking\?\s.*car park/s);

  await caller.page.keyboard.press('Escape');
  assert.equal(await part(caller, '.panel').isVisible(), false);
  assert.match(await part(caller, '.launcher').getAttribute('aria-label'), /the call is on/);
  assert.equal(await caller.page.evaluate(() =>
    document.activeElement.shadowRoot.activeElement.className), 'launcher');
  await part(caller, '.launcher').click();
  await assertAccessible(caller, 'live');
  await assertStaysText(caller);
  await part(caller, '.hang-up').click();
  await until(() => part(caller, '.talk').isVisible(), 'the end of the call');
  assert.equal(await part(caller, '.state').innerText(), 'Call ended');
  await assertAccessible(caller, 'ended');
}

/** Whatever the agent says, or is made to say. */
async function assertStaysText(caller) {
  const attack = '<img src=x onerror="window.attacked = 1"><script>window.attacked = 1</script>';
  await caller.page.evaluate((text) => {
    window.e2e.receive('bot-output', { text, segment_id: 'x', spoken_status: 'completed',
      will_be_spoken: true, spoken_progress: { accumulated_text: text, remaining_text: '' } });
    window.e2e.receive('user-transcription', { text, final: true });
    window.e2e.receive('llm-function-call-in-progress',
      { function_name: text, tool_call_id: text, arguments: { text } });
    window.e2e.receive('error', { error: text, fatal: false });
  }, attack);
  assert.equal(await part(caller, '.transcript img, .transcript script, .problem img').count(), 0);
  assert.match(await part(caller, '.transcript').innerText(), /<img src=x onerror=/);
  assert.match(await part(caller, '.problem').innerText(), /<img src=x onerror=/);
  assert.equal(await caller.page.evaluate(() => window.attacked), undefined);
}

/** On a phone the panel covers the page, and the focus stays on it. */
async function usePhone(caller) {
  await caller.page.setViewportSize({ width: 390, height: 780 });
  await part(caller, '.launcher').click();
  await caller.type('bot-ready');
  const look = await looks(part(caller, '.panel'));
  assert.deepEqual([look.x, look.width], [0, 390]);
  assert.equal(await part(caller, '.panel').getAttribute('aria-modal'), 'true');
  const seen = new Set();
  for (let i = 0; i < 12; i++) {
    await caller.page.keyboard.press('Tab');
    seen.add(await caller.page.evaluate(() =>
      document.activeElement.shadowRoot?.activeElement?.className ?? 'outside'));
  }
  assert.ok(!seen.has('outside') && seen.has('hang-up') && seen.has('plain'), [...seen].join());
  await part(caller, '.hang-up').click();
}

/** The example of a program: an agent's function shows something on the page. */
async function useProgram(caller) {
  await caller.page.click('#connect');
  await caller.type('bot-ready').catch(async ({ message }) => {
    throw new Error(`${message}\nthe page says: ${await caller.page.textContent('#state')}`);
  });
  await caller.page.fill('#words', 'What does a room cost?');
  await caller.page.press('#words', 'Enter');
  await caller.page.waitForSelector('#card:not([hidden])');
  assert.match(await caller.page.textContent('#card'), /prices.*15 pounds/s);
  await caller.page.click('#hang-up');
  await until(async () => await caller.page.textContent('#state') === 'ended', 'the end');
}

/** Calls an agent from the page; window.c is the conversation. */
const connect = (caller, server, options = {}) => caller.page.evaluate(
  async ([url, given]) => {
    const { connect: call, Failure } = await import(`${url}/repartee.js`);
    const tokens = given.tokens ?? [];
    const token = given.token ?? (async () => {
      window.asked = (window.asked ?? 0) + 1;
      return tokens.shift();
    });
    const functions = {
      read_page: () => ({ title: `the ${'harbour'} book` }),
      dial: () => { throw new Error('there is no telephone'); },
    };
    try {
      window.c = await call({ microphone: given.microphone ?? false, agent: given.agent ?? 'agent',
        token, functions: given.functions === false ? {} : functions });
      return null;
    } catch (error) {
      return { kind: error.kind, message: error.message, isOne: error instanceof Failure };
    }
  }, [server.url, options]);

const hangUp = (caller) => caller.page.evaluate(() => window.c.hangUp());

/** Types and returns what was answered. */
async function ask(caller, text) {
  const from = caller.messages.length;
  await caller.page.evaluate((words) => window.c.sendText(words), text);
  await caller.quiet({ from });
  return textOf(sentences(caller, from));
}

async function lendsFunctions(caller, server, origin) {
  const token = await server.accessToken({ agent: 'agent', origin });
  assert.equal(await connect(caller, server, { token }), null);
  await caller.quiet();
  const before = await caller.position();
  const answer = await ask(caller, 'Read the page.');
  assert.match(answer, /called the harbour book/i);
  assertHeard((await caller.recording()).subarray(before), answer, 0.5);
  await ask(caller, 'Dial a number.');
  assert.match(await ask(caller, '5550123'), /could not dial/i, 'a function that throws');
  const { messages } = await caller.page.evaluate(() => window.c.request('conversation'));
  assert.ok(messages.some(({ content }) => /harbour book/.test(content)));
  assert.match(await caller.page.evaluate(() =>
    window.c.request('nonsense').catch((error) => error.message)), /takes no such message/);
  await hangUp(caller);

  assert.equal(await connect(caller, server, { token, functions: false }), null);
  await caller.quiet({ from: caller.messages.length });
  const from = caller.messages.length;
  assert.match(await ask(caller, 'Read the page.'), /could not read/i);
  const [called, stopped] = ['in-progress', 'stopped'].map((state) => caller.messages.slice(from)
    .find(({ type }) => type === `llm-function-call-${state}`).at);
  assert.ok(stopped - called < 4500, 'a function that is missing is answered at once');
  await hangUp(caller);
}

/** Push to talk, and another microphone in mid-call. */
async function talks(caller, server, origin) {
  const token = await server.accessToken({ agent: 'agent', origin });
  assert.equal(await connect(caller, server, { token, microphone: true }), null);
  await caller.quiet();
  await caller.page.evaluate(() => { window.c.pushToTalk = true; });
  const from = caller.messages.length;
  await caller.say(say('opening_hours'));
  await sleep(1000);
  assert.deepEqual(caller.messages.slice(from).filter(({ type }) => /^user/.test(type)), [],
    'nothing is heard while the button is not held');
  await caller.page.evaluate(() => window.c.setMicrophone());
  await caller.page.evaluate(() => { window.c.talking = true; });
  await caller.say(say('opening_hours'));
  await caller.page.evaluate(() => { window.c.talking = false; });
  await caller.heard(/eight to six/i, { from });
  await hangUp(caller);
}

async function refusesTokens(caller, server, origin, expiring) {
  caller.expectRefusals();
  const good = await server.accessToken({ agent: 'agent', origin });
  const foreign = await server.accessToken({ agent: 'agent', origin: 'https://elsewhere.example' });
  const rows = [
    [{ token: '' }, 'unauthorised', /asks for a token/],
    [{ token: `${good}x` }, 'unauthorised', /asks for a token/],
    [{ token: foreign }, 'forbidden', /another site/],
    [{ token: good, agent: 'reception' }, 'forbidden', /agent/],
    [{ token: KEY, agent: 'nobody' }, 'no-agent', /no agent "nobody".*reception/s],
    [{ token: await expiring }, 'expired', /expired/],
  ];
  for (const [options, kind, pattern] of rows) {
    const failure = await connect(caller, server, options);
    assert.equal(failure?.kind, kind, JSON.stringify([options, failure]));
    assert.match(failure.message, pattern);
    assert.ok(failure.isOne);
  }
  assert.equal(await connect(caller, server, { tokens: [await expiring, good] }), null);
  assert.equal(await caller.page.evaluate(() => window.asked), 2, 'the function is asked again');
  await hangUp(caller);
}

/** A site that may not call: the button is there, and the panel says why it is of no use. */
async function isToldWhy(browser, server, origin) {
  await withCaller({ url: `${origin}/tag.html` }, { browser }, async (caller) => {
    caller.expectRefusals();
    await caller.page.route('**/token', (route) => route.fulfill({ json: { token: KEY } }));
    await part(caller, '.launcher').click();
    await part(caller, '.problem[data-kind="origin"]').waitFor();
    const text = await part(caller, '.problem').innerText();
    assert.match(text, /does not take calls from this site/);
    assert.ok(text.includes(`--cors-origin ${origin}`), text);
    await assertAccessible(caller, 'refused');
  });
}

/** The server is started again in mid-call. */
async function isToldOfRestart(caller, server, origin) {
  const token = await server.accessToken({ agent: 'agent', origin });
  caller.expectRefusals();
  assert.equal(await connect(caller, server, { token }), null);
  await caller.page.evaluate(() => {
    window.c.addEventListener('ended', ({ detail }) => { window.ended = detail.failure; });
  });
  // It knows nothing of the call, as after a start.
  await caller.page.route('**/api/offer', (route) => route.fulfill({ status: 404, json: {},
    headers: { 'Access-Control-Allow-Origin': origin } }));
  await caller.page.evaluate(() => {
    Object.defineProperty(window.e2e.pc, 'connectionState', { get: () => 'failed' });
    window.e2e.pc.dispatchEvent(new Event('connectionstatechange'));
  });
  await until(() => caller.page.evaluate(() => window.ended?.kind === 'server-restarted' &&
    /begin a new one/.test(window.ended.message)), 'the failure server-restarted');
  await caller.page.unroute('**/api/offer');
}

const get = (origin, path, headers) => new Promise((resolve, reject) => {
  http.get(origin, { path, headers }, async (response) => {
    let body = '';
    for await (const chunk of response)
      body += chunk;
    resolve({ status: response.statusCode, body });
  }).once('error', reject);
});

/** The site's backend gives tokens for itself alone, and odd addresses do not end it. */
async function asksForItself(origin) {
  for (const odd of ['//', '/%', '/..%2f..%2ftoken-server.mjs', '/token-server.mjs'])
    assert.equal((await get(origin, odd)).status, odd === '//' ? 200 : 404, odd);
  const { body } = await get(origin, '/token', { Host: 'elsewhere.example' });
  const [claims] = JSON.parse(body).token.split('.');
  assert.equal(JSON.parse(Buffer.from(claims, 'base64url')).origin, origin);
}

export default {
  name: 'embed: a site of another origin has the agent by a tag and by a program',
  timeoutS: 300,
  run: async () => {
    const origin = await freeOrigin();
    const browser = await launchChromium();
    const settings = { agent: AGENTS, token: KEY };
    try {
      await withServer({ ...settings, options: ['--cors-origin', origin] }, async (server) => {
        const expiring = server.accessToken({ agent: 'agent', expires_in_s: SHORT_S });
        const expired = expiring.then(() => sleep(SHORT_S * 1000 + 1500)).then(() => expiring);
        const end = await serveExamples(origin, server, KEY);
        const at = (page, body) => withCaller({ url: `${origin}/${page}` }, { browser }, body);
        try {
          await asksForItself(origin);
          await at('tag.html', (caller) => useTag(caller, server));
          await at('tag.html', usePhone);
          await at('module.html', useProgram);
          await at('', (caller) => lendsFunctions(caller, server, origin));
          await at('', (caller) => talks(caller, server, origin));
          await at('', (caller) => refusesTokens(caller, server, origin, expired));
          await at('', (caller) => isToldOfRestart(caller, server, origin));
          const mounted = 'repartee-agent';
          await at('module.html', async ({ page }) =>
            assert.equal(await page.locator(mounted).count(), 0, 'an import mounts nothing'));
        } finally {
          end();
        }
      });
      await withServer(settings, async (server) => {
        const end = await serveExamples(origin, server, KEY);
        await isToldWhy(browser, server, origin).finally(end);
      });
    } finally {
      await browser.close();
    }
  },
};
