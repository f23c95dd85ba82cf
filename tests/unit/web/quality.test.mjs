// web/quality.js: levels of WebRTC's statistics.

import assert from 'node:assert/strict';
import test from 'node:test';
import { quality } from '../../../web/quality.js';

const report = ({ rtt = 0.02, received = 100, lost = 0, fraction = 0, delay = 4, emitted = 100 }) =>
  new Map(Object.entries({
    other: { type: 'candidate-pair', nominated: false, state: 'succeeded', currentRoundTripTime: 9 },
    pair: { type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: rtt },
    video: { type: 'inbound-rtp', kind: 'video', packetsLost: 99 },
    audio: { type: 'inbound-rtp', kind: 'audio', packetsReceived: received, packetsLost: lost,
      jitter: 0.003, jitterBufferDelay: delay, jitterBufferEmittedCount: emitted },
    told: { type: 'remote-inbound-rtp', fractionLost: fraction, roundTripTime: 8 },
  }));

test('levels', () => {
  const rows = [
    [{}, 'good'],
    [{ rtt: 0.3 }, 'fair'],
    [{ rtt: 0.6 }, 'poor'],
    [{ received: 97, lost: 3 }, 'fair'],
    [{ received: 90, lost: 10 }, 'poor'],
    [{ fraction: 0.1 }, 'poor'],
    [{ delay: 20 }, 'fair'],
    [{ delay: 40 }, 'poor'],
  ];
  for (const [values, level] of rows)
    assert.equal(quality(report(values), []).level, level, JSON.stringify(values));
});

test('loss and jitter buffer are those of the last second', () => {
  const last = [];
  assert.equal(quality(report({ received: 50, lost: 50 }), last).level, 'poor');
  const now = quality(report({ received: 100, lost: 50, delay: 6, emitted: 200 }), last);
  assert.deepEqual([now.level, now.loss, now.jitter_buffer_ms], ['good', 0, 20]);
});

test('nothing is known yet', () => {
  assert.deepEqual(quality(new Map(), []),
    { level: 'good', received: 0, rtt_ms: null, loss: 0, jitter_ms: null, jitter_buffer_ms: null });
});
