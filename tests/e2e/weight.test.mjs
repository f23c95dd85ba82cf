// What the page costs before and during a call: everything it loads, and from where.

import assert from 'node:assert/strict';
import path from 'node:path';
import { source } from './lib/env.mjs';
import { withCaller, withServer } from './lib/test.mjs';

const MOST_BYTES = 60 * 1024;
// Those that are installed: the page offers a choice.
const AGENTS = ['reception', 'tutor']
  .map((name) => path.join(source, 'worker/agents', name)).join();

export default {
  name: 'weight: the page and all it loads stay light, and come from the server alone',
  timeoutS: 120,
  run: () => withServer({ agent: AGENTS }, async (server) => {
    await withCaller(server, {}, async (caller) => {
      const asked = new Set();
      caller.page.on('request', (request) => {
        if (request.method() === 'GET')
          asked.add(request.url());
      });
      await caller.page.reload({ waitUntil: 'networkidle' });
      await caller.talk();
      await caller.hangUp();

      const urls = [...asked].filter((url) => !/^(data|blob):/.test(url));
      assert.deepEqual(urls.filter((url) => new URL(url).origin !== server.url), []);
      const files = [];
      for (const url of urls.filter((one) => !new URL(one).pathname.startsWith('/api/'))) {
        const body = await (await fetch(url)).arrayBuffer();
        files.push([new URL(url).pathname, body.byteLength]);
      }
      const sum = files.reduce((total, [, bytes]) => total + bytes, 0);
      const list = files.map(([path, bytes]) => `${path} ${bytes}`).join(', ');
      assert.ok(files.some(([path]) => path.endsWith('.js')), list);
      console.log(`# the page loads ${sum} bytes in ${files.length} files`);
      assert.ok(sum <= MOST_BYTES, `${sum} bytes, at most ${MOST_BYTES}: ${list}`);
      assert.ok(!files.some(([path]) => /widget|dashboard/.test(path)), list);
    });
  }),
};
