// A browser and a server as far as web/conversation.js needs them, on a virtual clock.

import { mock } from 'node:test';

const STEP_MS = 10;
const CANDIDATE = 'a=candidate:1 1 udp 1 127.0.0.1 9 typ host';

/** Lets everything happen that is due within a time. */
export async function pass(ms) {
  for (let gone = 0; gone <= ms; gone += STEP_MS) {
    mock.timers.tick(Math.min(STEP_MS, ms - gone));
    for (let i = 0; i < 4; i++)
      await new Promise(setImmediate); // promises go on
  }
}

class Channel extends EventTarget {
  readyState = 'connecting';
  sent = [];

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  open() {
    this.readyState = 'open';
    this.dispatchEvent(new Event('open'));
  }

  receive(type, data, id) {
    this.dispatchEvent(new MessageEvent('message',
      { data: JSON.stringify({ label: 'rtvi-ai', type, id, data }) }));
  }

  types() {
    return this.sent.map(({ type }) => type);
  }
}

class PeerConnection extends EventTarget {
  static all = [];
  connectionState = 'new';
  signalingState = 'stable';
  iceGatheringState = 'complete';
  localDescription = null;
  channel = new Channel();
  restarts = 0;
  received = 0;
  dead = false; // nothing comes, though the browser has not noticed
  sender = { track: null, replaceTrack: async (track) => { this.sender.track = track; } };

  constructor(configuration) {
    super();
    this.configuration = configuration;
    PeerConnection.all.push(this);
  }

  getConfiguration() {
    return this.configuration;
  }

  createDataChannel() {
    return this.channel;
  }

  addTransceiver(track) {
    this.sender.track = typeof track === 'string' ? null : track;
  }

  getTransceivers() {
    return [{ sender: this.sender }];
  }

  async createOffer({ iceRestart }) {
    this.restarts += iceRestart ? 1 : 0;
    return { type: 'offer', sdp: `a=restart:${this.restarts}\r\n${CANDIDATE}\r\n` };
  }

  async setLocalDescription(description) {
    this.signalingState = 'have-local-offer';
    this.localDescription = description ?? { type: 'offer', sdp: `v=0\r\n${CANDIDATE}\r\n` };
  }

  async setRemoteDescription() {
    this.signalingState = 'stable';
  }

  /** As long as the way is good the server sends 50 packets a second. */
  async getStats() {
    this.received += this.dead ? 0 : 50;
    return new Map([['in', { type: 'inbound-rtp', kind: 'audio', packetsReceived: this.received }]]);
  }

  change(state) {
    this.connectionState = state;
    this.dispatchEvent(new Event('connectionstatechange'));
  }

  /** As when ICE and DTLS have come through. */
  connect() {
    this.change('connected');
    if (this.channel.readyState !== 'open')
      this.channel.open();
  }

  close() {
    this.connectionState = 'closed';
  }
}

class Track extends EventTarget {
  enabled = true;
  stopped = false;

  stop() {
    this.stopped = true;
  }
}

class Stream {
  track = new Track();

  getTracks() {
    return [this.track];
  }

  getAudioTracks() {
    return [this.track];
  }
}

const reply = (status, body, headers = {}) => ({
  status,
  ok: status < 300,
  headers: new Headers(headers),
  json: async () => body,
});

/** The server: answers what its member `answer` gives for a request, and keeps all requests. */
class Fake {
  requests = [];
  microphones = [];
  plays = 0;
  silentPlays = 0; // so many times the browser wants a gesture first
  call = 'call-1';
  iceServers = [];
  reply = reply;
  answer = ({ method, path }) => method === 'POST' ?
    reply(200, { pc_id: this.call, sdp: 'v=0', type: 'answer' }) :
    reply(200, path.endsWith('agents') ? { agents: [], default: 'one', iceServers: this.iceServers } : { status: 'success' });

  /** What was asked of it, in short. */
  told(from = 0) {
    return this.requests.slice(from).map(({ method, body }) => method === 'PATCH' ?
      `PATCH ${body.candidates.length ? 'candidates' : 'probe'}` :
      `POST ${body.pc_id} ${body.restart_pc}`);
  }

  fetch = async (url, { method, headers, body }) => {
    const request = { method, path: url.pathname, headers, body: body && JSON.parse(body) };
    this.requests.push(request);
    const answer = await this.answer(request);
    if (answer === null)
      throw new TypeError('no network');
    return answer;
  };

  get pc() {
    return PeerConnection.all.at(-1);
  }

  get connections() {
    return PeerConnection.all.length;
  }
}

/** Sets the browser up, anew for each test. */
export function browser() {
  const fake = new Fake();
  PeerConnection.all = [];
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] });
  const getUserMedia = async () => {
    const stream = new Stream();
    fake.microphones.push(stream);
    return stream;
  };
  class Audio {
    async play() {
      fake.plays += 1;
      if (fake.plays <= fake.silentPlays)
        throw new DOMException('', 'NotAllowedError');
    }
  }
  const globals = {
    window: Object.assign(new EventTarget(), { RTCPeerConnection: PeerConnection,
      isSecureContext: true }),
    document: Object.assign(new EventTarget(), { baseURI: 'http://site.example/' }),
    location: new URL('http://site.example/'),
    navigator: { mediaDevices: { getUserMedia } },
    RTCPeerConnection: PeerConnection,
    MediaStream: Stream,
    Audio,
    fetch: fake.fetch,
  };
  for (const [name, value] of Object.entries(globals))
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  return fake;
}
