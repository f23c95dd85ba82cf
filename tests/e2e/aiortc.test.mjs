// A client that is not a browser and not ours: aiortc, with candidates in its offer and without.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { scratchFile } from './lib/env.mjs';
import { say } from './lib/speech.mjs';
import { assertHeard, sentences, textOf, withServer } from './lib/test.mjs';
import { join, readWav, silence, writeWav } from './lib/wav.mjs';

const program = path.join(path.dirname(fileURLToPath(import.meta.url)), 'aiortc_client.py');

async function call(server, ...options) {
  const question = scratchFile('-question.wav');
  const recording = scratchFile('-recording.wav');
  writeWav(question, join(silence(500), say('opening_hours')));
  const { stdout } = await promisify(execFile)('/usr/bin/python3',
    [program, server.url, question, recording, ...options],
    { timeout: 150_000, maxBuffer: 16 << 20 });
  const result = JSON.parse(stdout);

  const said = result.messages.filter(({ type, data }) => type === 'user-transcription' &&
    data.final).map(({ data }) => data.text).join(' ');
  assert.match(said, /opening hours/i);
  const greeting = textOf(sentences({ messages: result.messages.slice(0, result.asked) }));
  const answer = textOf(sentences({ messages: result.messages.slice(result.asked) }));
  assert.match(answer, /open/i);
  const pcm = readWav(recording);
  assertHeard(pcm.subarray(0, result.greeting_end_samples), greeting);
  assertHeard(pcm.subarray(result.greeting_end_samples), answer);
}

export default {
  name: 'aiortc: a foreign client is greeted, asks and is answered, with and without candidates',
  timeoutS: 320,
  covers: {
    aiortc: ['connect: offer', "agent's audio", 'speech is understood and answered',
      'user transcripts'],
  },
  run: () => withServer({}, async (server) => {
    await call(server);
    await call(server, '--no-candidates');
    const { sessions } = await server.stats();
    assert.deepEqual([sessions.total, sessions.failed], [2, 0]);
  }),
};
