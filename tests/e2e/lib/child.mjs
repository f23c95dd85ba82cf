// One end-to-end test in a process of its own, started by main.mjs, which is told how it went.

import { sleep } from './env.mjs';
import { recordAll, records } from './matrix.mjs';
import { speechUsed } from './speech.mjs';

// Ends what was started, see the handlers of "exit".
process.on('SIGTERM', () => process.exit(143));
process.on('disconnect', () => process.exit(1));

const { default: test } = await import(`../${process.argv[2]}.test.mjs`);
let failure = null;
let skipped = null; // why
await Promise.race([
  test.run().then((result) => { skipped = result?.skipped ?? null; }),
  sleep(test.timeoutS * 1000).then(() => {
    throw new Error(`not done after ${test.timeoutS} s`);
  }),
]).catch((error) => { failure = error; });
if (!skipped)
  recordAll(test.covers ?? {}, !failure);
// What a test that ran out of time left behind ends with this process.
process.send({
  title: test.name,
  skipped,
  failure: failure && String(failure.stack),
  records,
  speech: speechUsed(),
}, () => process.exit(failure ? 1 : 0));
