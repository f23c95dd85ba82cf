// Pictures of the page in every state, and of the dashboard: node tests/e2e/screenshots.mjs DIR
// [STATE…]; needs what tests/e2e/run sets up.

import fs from 'node:fs';
import path from 'node:path';
import { sleep, source } from './lib/env.mjs';
import { inEveryLook, walkStates } from './lib/page-states.mjs';
import { withCaller, withServer } from './lib/test.mjs';

const [dir, ...wanted] = process.argv.slice(2);
if (!dir) {
  console.error('usage: screenshots.mjs DIR [STATE…]');
  process.exit(2);
}
fs.mkdirSync(dir, { recursive: true });

const agent = fs.readdirSync(path.join(source, 'worker/agents'))
  .filter((name) => !name.includes('.')).map((name) => path.join(source, 'worker/agents', name));

async function shoot(page, state) {
  if (wanted.length > 0 && !wanted.includes(state))
    return;
  await inEveryLook(page, (look) =>
    page.screenshot({ path: path.join(dir, `${state}-${look}.png`) }));
  console.log(state);
}

await withServer({ agent: agent.join() }, (server) => withCaller(server, {}, async (caller) => {
  await walkStates(caller, async (state) => {
    await shoot(caller.page, state);
    if (state !== 'conversation')
      return;
    await withCaller(server, {}, async ({ page }) => {
      await page.goto(`${server.url}/dashboard`);
      await sleep(5000); // it has drawn a few points
      await shoot(page, 'dashboard');
    });
  });
}));
