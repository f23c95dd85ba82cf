// The servers that the benches compare with carry calls, too: what is measured of them is that.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { promisify } from 'node:util';
import { Peer } from '../bench/load/subjects.mjs';
import { scratchFile, sleep, tool } from './lib/env.mjs';
import { say } from './lib/speech.mjs';
import { assertHeard } from './lib/test.mjs';
import { join, readWav, silence, writeWav } from './lib/wav.mjs';

const TEXT = 'What time is it?';

async function call(peer) {
  const question = scratchFile('-question.wav');
  const recording = scratchFile('-recording.wav');
  writeWav(question, join(silence(500), say('what_time')));
  // An echo that begins while the question is still being asked is no answer, and an exit status of 1.
  const { stdout } = await promisify(execFile)(tool('call/repartee-call'), ['--url', peer.url,
    '--say', question, '--record', recording, '--answer-timeout', '10', '--linger', '1',
    '--gap', '2000'], { timeout: 60_000 }).catch((error) => error);
  assert.ok(JSON.parse(stdout).setup_ms.first_rtp > 0, 'connected');
  return readWav(recording);
}

async function withPeer(script, body) {
  const peer = await Peer.start(script, []);
  try {
    await body(peer);
  } finally {
    await peer.stop();
  }
  assert.throws(() => process.kill(peer.pid, 0), 'it has ended');
}

export default {
  name: 'peers: what is said to the benches\' aiortc echo and Janus bridge comes back',
  timeoutS: 200,
  run: async () => {
    await withPeer('aiortc-echo.py', async (peer) => assertHeard(await call(peer), TEXT));
    // Nobody needs Janus but who compares with it.
    if (!fs.existsSync(`${process.env.RP_JANUS_ROOT ?? ''}/usr/bin/janus`))
      return;
    await withPeer('janus-gateway.py', async (peer) => {
      const first = call(peer);
      await sleep(300);
      const heard = await Promise.all([first, call(peer)]);
      heard.forEach((pcm) => assertHeard(pcm, TEXT));
    });
  },
};
