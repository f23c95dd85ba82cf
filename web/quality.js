// How good the connection is, of WebRTC's statistics.

// ITU-T G.114 finds 150 ms one way bad for a dialogue; Opus hides some loss.
const LIMITS = {
  poor: { rtt_ms: 500, loss: 0.08, jitter_buffer_ms: 350 },
  fair: { rtt_ms: 250, loss: 0.02, jitter_buffer_ms: 150 },
};
const COUNTERS = ['packetsReceived', 'packetsLost', 'jitterBufferDelay', 'jitterBufferEmittedCount'];

/** @param {number[]} last counters, changed here: loss and jitter buffer are those since then */
export function quality(report, last) {
  let pair, heard, told;
  for (const entry of report.values()) {
    if (entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded')
      pair = entry;
    else if (entry.type === 'inbound-rtp' && entry.kind === 'audio')
      heard = entry;
    else if (entry.type === 'remote-inbound-rtp')
      told = entry;
  }
  const now = COUNTERS.map((name) => heard?.[name] ?? 0);
  const [received, lost, delay, emitted] = now.map((n, i) => Math.max(0, n - (last[i] ?? 0)));
  last.splice(0, last.length, ...now);
  const ms = (seconds) => seconds === undefined ? null : seconds * 1000;
  const values = {
    rtt_ms: ms(pair?.currentRoundTripTime ?? told?.roundTripTime),
    loss: Math.max(lost / Math.max(1, lost + received), told?.fractionLost ?? 0),
    jitter_ms: ms(heard?.jitter),
    jitter_buffer_ms: emitted ? ms(delay / emitted) : null,
  };
  const beyond = (level) =>
    Object.entries(LIMITS[level]).some(([name, limit]) => values[name] > limit);
  return { level: Object.keys(LIMITS).find(beyond) ?? 'good', received, ...values };
}
