// A site that uses Pipecat's client as its documentation says. All that the client reports goes to
// the test.

import { LogLevel, logger, PipecatClient, RTVIEvent } from '@pipecat-ai/client-js';
import { SmallWebRTCTransport, WavMediaManager } from '@pipecat-ai/small-webrtc-transport';

const report = (event, data) => window.e2eMessage(JSON.stringify({ type: 'callback', event, data }));

/** What can be told of an argument: tracks, for one, are no JSON. */
function plain(value) {
  if (value instanceof MediaStreamTrack)
    return { kind: value.kind, id: value.id };
  return value instanceof Error ? { error: value.message } : value;
}

/** Makes window.client. The media manager is the package's own that loads nothing from elsewhere. */
window.makeClient = (options = {}) => {
  logger.setLevel(LogLevel.WARN);
  const client = new PipecatClient({
    transport: new SmallWebRTCTransport({ mediaManager: new WavMediaManager() }),
    enableMic: true,
    enableCam: false,
    ...options,
  });
  for (const event of new Set(Object.values(RTVIEvent)))
    client.on(event, (...args) => report(event, args.map(plain)));
  client.on(RTVIEvent.TrackStarted, (track, participant) => {
    if (participant?.local || track.kind !== 'audio')
      return;
    const audio = new Audio();
    audio.srcObject = new MediaStream([track]);
    audio.play();
  });
  window.client = client;
  report('made', [client.version]);
};

const withHeaders = ({ endpoint, token, requestData }) => ({
  endpoint,
  headers: new Headers(token ? { Authorization: `Bearer ${token}` } : {}),
  requestData,
});

window.connectTo = (request) =>
  window.client.connect({ webrtcRequestParams: withHeaders(request) });
window.startAt = (request) => window.client.startBotAndConnect(withHeaders(request));
