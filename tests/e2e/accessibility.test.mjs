// axe-core finds nothing to object to: the page in every state and the dashboard (the snippet's
// panel: see embed), on a phone and on a desk, in light and in dark.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { modules, sleep, source } from './lib/env.mjs';
import { inEveryLook, walkStates } from './lib/page-states.mjs';
import { withCaller, withServer } from './lib/test.mjs';

const axe = fs.readFileSync(path.join(modules, 'node_modules/axe-core/axe.min.js'), 'utf8');
const AGENTS = ['worker/agents/reception', 'tests/e2e/agent']
  .map((name) => path.join(source, name)).join();
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Counts what was looked at. */
class Report {
  looks = 0;
  passes = 0;
  problems = [];

  async check(page, where) {
    if (!await page.evaluate(() => 'axe' in window))
      await page.evaluate(axe);
    const { violations, passes } = await page.evaluate((tags) => {
      for (const animation of document.getAnimations())
        animation.cancel(); // words that fade in are not judged halfway
      return window.axe.run(document, { runOnly: tags, resultTypes: ['violations'] });
    }, RULES);
    this.looks += 1;
    this.passes += passes.length;
    for (const { id, help, nodes } of violations) {
      for (const { target, failureSummary } of nodes)
        this.problems.push(`${where}: ${id}: ${help}: ${target} ${failureSummary}`);
    }
  }
}

async function page(server, report) {
  await withCaller(server, {}, async (caller) => {
    await walkStates(caller, (state) => inEveryLook(caller.page, (look) =>
      report.check(caller.page, `page ${state} ${look}`)));
  });
}

async function dashboard(server, report) {
  await withCaller(server, {}, async (caller) => {
    await caller.page.goto(`${server.url}/dashboard`);
    await sleep(1500); // it has drawn
    await inEveryLook(caller.page, (look) => report.check(caller.page, `dashboard ${look}`));
  });
}

export default {
  name: 'accessibility: axe-core finds no violation',
  timeoutS: 400,
  run: () => withServer({ agent: AGENTS }, async (server) => {
    const report = new Report();
    await page(server, report);
    if (fs.existsSync(path.join(source, 'web/dashboard.html')))
      await dashboard(server, report);
    assert.deepEqual(report.problems, [], 'violations');
    console.log(`# axe-core: ${report.looks} looks, ${report.passes} rules passed, no violation`);
  }),
};
