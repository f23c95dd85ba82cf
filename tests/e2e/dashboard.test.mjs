// The dashboard beside real calls: what it shows, the key it asks for, a server that goes away, and
// strings that would like to be markup.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { launchChromium } from './lib/browser.mjs';
import { modules, scratchFile, sleep, tool, until } from './lib/env.mjs';
import { say } from './lib/speech.mjs';
import { withServer } from './lib/test.mjs';
import { writeWav } from './lib/wav.mjs';

const KEY = 'the-key-of-the-operator';
const axe = fs.readFileSync(path.join(modules, 'node_modules/axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const LOOKS = [[1280, 800, 'light'], [1280, 800, 'dark'], [390, 844, 'light'], [390, 844, 'dark']];
const HOSTILE = '<img src=x onerror="window.hit = 1">\u202e</td><script>window.hit = 2</script>';

/** Two turns, the second of which interrupts the answer to the first. */
function callSomebody(server) {
  const [first, second] = ['opening_hours', 'parking'].map((phrase) => {
    const file = scratchFile('.wav');
    writeWav(file, say(phrase));
    return file;
  });
  const child = spawn(tool('call/repartee-call'), ['--url', server.url, '--token', KEY,
    '--wait-greeting', '--say', first, '--barge-in', '0.8', second, '--linger', '4',
    '--timeout', '60'], { stdio: 'ignore' });
  return new Promise((resolve) => child.once('exit', resolve));
}

async function withPage(server, settings, body) {
  const browser = await launchChromium();
  const problems = [];
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...settings });
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => {
      // Refusals and outages are part of the test.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        problems.push(message.text());
    });
    await page.goto(`${server.url}/dashboard`);
    await body(page);
  } finally {
    await browser.close();
  }
  assert.deepEqual(problems, [], 'the page reported problems');
}

async function accessible(page, where) {
  if (!await page.evaluate(() => 'axe' in window))
    await page.evaluate(axe);
  for (const [width, height, colorScheme] of LOOKS) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await sleep(150); // charts follow their size
    const { violations } = await page.evaluate((tags) =>
      window.axe.run(document, { runOnly: tags, resultTypes: ['violations'] }), RULES);
    assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map((n) => n.html + n.failureSummary)]),
      [], `${where}, ${width} px, ${colorScheme}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= width, `${where} is ${wide} px wide on ${width} px`);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

const visible = (page, selector) => page.waitForSelector(selector, { state: 'visible' });

async function key(page) {
  await visible(page, '#key-form');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'key');
  await accessible(page, 'the question for the key');
  await page.fill('#key', 'wrong');
  await page.press('#key', 'Enter');
  await visible(page, '#wrong');
  assert.match(await page.textContent('#wrong'), /does not take this key/);
  await page.fill('#key', 'schlüssel mit umlaut');
  await page.press('#key', 'Enter');
  assert.match(await page.textContent('#wrong'), /ASCII/);
  await page.fill('#key', KEY);
  await page.press('#key', 'Enter');
  await visible(page, '#board');
  await page.reload(); // it is kept
  await visible(page, '#board');
  assert.equal(await page.isVisible('#key-form'), false);
  assert.match(await page.textContent('#calls'), /No call is running/);
  assert.match(await page.textContent('#recent'), /No call has ended/);
  await accessible(page, 'without calls');
}

async function oneCall(page, call) {
  const button = await visible(page, '#calls .link');
  const id = await button.textContent();
  await button.focus();
  await page.keyboard.press('Enter');
  await visible(page, '#call[open] .turn');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'call-title');
  assert.equal(await page.textContent('#call-title'), `Call ${id}`);
  // It goes on while one looks.
  await page.waitForFunction(() => document.querySelectorAll('.turn').length === 2, null,
    { timeout: 40_000 });
  assert.equal(await call, 0, 'the call worked');
  await page.waitForFunction(() => /ended/.test(document.querySelector('#facts').textContent));
  const story = await page.textContent('#timeline');
  for (const said of [/Turn 1/, /Turn 2/, /barge-in \d+ ms/, /cut by the user/, /Interrupted/,
    /Connected/, /Ended: the client hung up/, /end of turn \d+ ms/])
    assert.match(story, said);
  const spans = await page.$$eval('.lanes g.tone-user .span', (list) => list.length);
  assert.equal(spans, 2, 'the user spoke twice');
  assert.ok(await page.$('.lanes .tone-cut.span'), 'the interruption is drawn');
  const bars = await page.$$eval('.turn .bar', (list) => list.map((bar) => bar.offsetWidth));
  assert.ok(bars.length === 2 && bars.every((width) => width > 20), `bars of ${bars} px`);
  const before = await page.$eval('.lanes svg', (svg) => svg.clientWidth);
  await page.click('[aria-label="Zoom in"]');
  assert.ok(await page.$eval('.lanes svg', (svg) => svg.clientWidth) > before * 1.9);
  await accessible(page, 'one call');
  await page.keyboard.press('Escape');
  assert.equal(await page.$('#call[open]'), null);
  await visible(page, '#recent .link');
  assert.match(await page.textContent('#recent tbody'), new RegExp(`${id}.*the client hung up`, 's'));
  assert.match(await page.textContent('#tiles'), /Voice to voice, P50\d+ ms/);
}

/** The charts of a real history, after its first points. */
async function charts(page) {
  await page.waitForFunction(() => document.querySelector('.chart .line, .chart .dot'), null,
    { timeout: 30_000 });
  const plot = await page.$('.chart .plot');
  await plot.focus();
  const first = await plot.getAttribute('aria-valuetext');
  assert.match(first, /^\d\d:\d\d:\d\d.*: calls \d+, warm workers \d+$/);
  await page.keyboard.press('ArrowLeft');
  assert.notEqual(await plot.getAttribute('aria-valuetext'), first);
  assert.match(await page.textContent('.readout:not([hidden])'), /calls \d/);
  await page.keyboard.press('Escape');
  assert.equal(await page.$('.readout:not([hidden])'), null);
  const box = await plot.boundingBox();
  await page.mouse.move(box.x + box.width - 20, box.y + 60);
  await visible(page, '.readout');
  await page.mouse.move(0, 0);
  await page.click('.chart summary');
  await visible(page, '.chart .rows td');
  await accessible(page, 'with an hour and a table');
}

async function outage(page) {
  await page.context().setOffline(true);
  await visible(page, '#trouble');
  assert.match(await page.textContent('#trouble'), /has not answered since \d\d:.*from then/);
  assert.equal(await page.getAttribute('#health', 'data-health'), 'gone');
  await page.context().setOffline(false);
  await page.waitForSelector('#trouble', { state: 'hidden' });
  assert.equal(await page.getAttribute('#health', 'data-health'), 'live');
}

async function hostile(page, server) {
  const stats = await server.stats();
  const id = stats.recent[0].id;
  const call = await server.stats(`/stats/calls/${id}`);
  stats.version = HOSTILE;
  stats.calls = [{ agent: HOSTILE, state: HOSTILE, id: HOSTILE, age_s: 1, turns: 1, loss: 0,
    jitter_ms: 1, rtt_ms: null, concealed_ms: 0, worker: 0, worker_restarts: 0, connected: true,
    packets_in: 1, packets_lost: 0 }];
  Object.assign(stats.recent[0], { agent: HOSTILE.repeat(20), reason: HOSTILE, failed: true });
  Object.assign(call, { agent: HOSTILE, end_reason: HOSTILE });
  call.tools.push({ name: HOSTILE, status: 'failed', turn: 1, from_ms: 1, to_ms: 2 });
  call.marks.push({ at_ms: 5, kind: HOSTILE, text: HOSTILE }, { at_ms: 6, kind: 'silent', text: HOSTILE });
  await page.route(/\/stats$/, (route) => route.fulfill({ json: stats }));
  await page.route(/\/stats\/calls\//, (route) => route.fulfill({ json: call }));
  await page.waitForFunction(() => /<img/.test(document.querySelector('#calls').textContent));
  await page.click('#recent .link');
  await page.waitForFunction(() => /<script>/.test(document.querySelector('.marks').textContent));
  assert.equal(await page.$('img[src="x"], #board script, dialog script, dialog img'), null);
  assert.equal(await page.evaluate(() => window.hit), undefined);
  await accessible(page, 'hostile strings');
  await page.unrouteAll();
}

export default {
  name: 'dashboard: shows calls as they are, asks for the key, outlives the server',
  timeoutS: 300,
  run: () => withServer({ token: KEY }, (server) => withPage(server, {}, async (page) => {
    await key(page);
    await oneCall(page, callSomebody(server));
    await charts(page);
    await outage(page);
    await hostile(page, server);
    // A key that is changed while one looks.
    await page.route(/\/stats$/, (route) => route.fulfill({ status: 401, json: { detail: 'no' } }));
    await visible(page, '#key-form');
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    await page.unrouteAll();
    await until(() => server.stats().then(({ calls }) => calls.length === 0), 'the end of the call');
  })),
};
