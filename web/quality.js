// How good the connection is, of WebRTC's statistics.

// What people notice: ITU-T G.114 calls one way delays above 150 ms bad for a dialogue, and Opus
// conceals a few percent of loss without being noticed.
const FAIR = { rtt_ms: 250, loss: 0.02, jitter_buffer_ms: 150 };
const POOR = { rtt_ms: 500, loss: 0.08, jitter_buffer_ms: 350 };

const former = new WeakMap(); // who measures → the counters it had the last time

const worse = (values, limits) =>
  Object.entries(limits).some(([name, limit]) => values[name] > limit);

/**
 * @param {RTCStatsReport} report
 * @param {object} owner loss and jitter buffer are those since its last report
 * @returns {{level: string, rtt_ms: number|null, loss: number, jitter_ms: number|null,
 *   jitter_buffer_ms: number|null}} loss: 0 to 1, of the worse direction
 */
export function quality(report, owner) {
  let pair, received, told;
  for (const entry of report.values()) {
    if (entry.type === 'transport')
      pair = report.get(entry.selectedCandidatePairId) ?? pair;
    else if (entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded')
      pair ??= entry; // Firefox has no transport
    else if (entry.type === 'inbound-rtp' && entry.kind === 'audio')
      received = entry;
    else if (entry.type === 'remote-inbound-rtp')
      told = entry;
  }
  const now = {
    received: received?.packetsReceived ?? 0,
    lost: received?.packetsLost ?? 0,
    delay: received?.jitterBufferDelay ?? 0,
    emitted: received?.jitterBufferEmittedCount ?? 0,
  };
  const last = former.get(owner) ?? { received: 0, lost: 0, delay: 0, emitted: 0 };
  former.set(owner, now);
  const since = (name) => Math.max(0, now[name] - last[name]);
  const rtt = pair?.currentRoundTripTime ?? told?.roundTripTime;
  const values = {
    rtt_ms: rtt === undefined ? null : rtt * 1000,
    loss: Math.max(since('lost') / Math.max(1, since('lost') + since('received')),
      told?.fractionLost ?? 0),
    jitter_ms: received ? received.jitter * 1000 : null,
    jitter_buffer_ms: since('emitted') ? since('delay') / since('emitted') * 1000 : null,
  };
  const level = worse(values, POOR) ? 'poor' : worse(values, FAIR) ? 'fair' : 'good';
  return { level, ...values };
}
