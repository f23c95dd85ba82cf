// Runs the end-to-end tests one after the other and prints TAP. Arguments: names of tests.

import { sleep } from './lib/env.mjs';
import { recordAll, table } from './lib/matrix.mjs';
import { speechUsed } from './lib/speech.mjs';

const ALL = ['bad-input', 'question', 'typing', 'booking', 'barge-in', 'two-calls',
  'worker-killed', 'reconnect', 'ice-restart', 'failures', 'accessibility', 'garbage', 'aiortc',
  'embed', 'firefox', 'pipecat', 'whip', 'weight', 'drain'];

const names = process.argv.length > 2 ? process.argv.slice(2) : ALL;
const unknown = names.filter((name) => !ALL.includes(name));
if (unknown.length > 0) {
  console.error(`no such test: ${unknown.join(', ')}; there are: ${ALL.join(', ')}`);
  process.exit(2);
}

// Ends what was started, see the handlers of "exit".
process.on('SIGTERM', () => process.exit(143));
process.on('SIGINT', () => process.exit(130));

let failed = 0;
console.log(`1..${names.length}`);
for (const [i, name] of names.entries()) {
  const { default: test } = await import(`./${name}.test.mjs`);
  const start = Date.now();
  let failure = null;
  await Promise.race([
    test.run(),
    sleep(test.timeoutS * 1000).then(() => {
      throw new Error(`not done after ${test.timeoutS} s`);
    }),
  ]).catch((error) => { failure = error; });
  recordAll(test.covers ?? {}, !failure);
  const seconds = ((Date.now() - start) / 1000).toFixed(1);
  console.log(`${failure ? 'not ok' : 'ok'} ${i + 1} - ${test.name} (${seconds} s)`);
  if (failure) {
    failed += 1;
    console.log(failure.stack.replaceAll(/^/gm, '# '));
  }
}
for (const line of table())
  console.log(`# ${line}`);
console.log(`# speech: ${speechUsed()}`);
// What a test that ran out of time left behind ends with this process.
process.exit(failed > 0 ? 1 : 0);
