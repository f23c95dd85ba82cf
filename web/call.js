// One call: microphone, peer connection, offer and candidates, and the RTVI channel on it.

import * as failures from './failures.js';
import { Rtvi } from './rtvi.js';

// The server answers within milliseconds; what takes longer than this will not come.
const CONNECT_TIMEOUT_MS = 15_000;
// Candidates that come together are sent together.
const CANDIDATE_BATCH_MS = 50;
// ICE reports "disconnected" for short gaps that heal by themselves.
const DISCONNECTED_GRACE_MS = 5_000;
const RECONNECT_DELAYS_MS = [0, 2_000, 4_000, 8_000];

/** Opens the microphone. Throws a Failure. */
export async function openMicrophone() {
  const obstacle = failures.microphoneObstacle();
  if (obstacle)
    throw obstacle;
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
  } catch (error) {
    throw failures.microphoneFailure(error);
  }
}

/**
 * Events: "connected"; "track" (detail: MediaStream to play); "reconnecting"; "rtvi" (detail: the
 * Rtvi of the connection, a new one after a reconnection); "ended" (detail: the Failure, or null
 * when either side hung up). Nothing comes after "ended".
 */
export class Call extends EventTarget {
  #microphone;
  #token;
  #pc = null;
  #pcId = null;
  #former = null; // the lost connection, until there is another: its closing would end the call
  #rtvi = null;
  #timer = 0;
  #abort = new AbortController();
  #over = false;
  #everConnected = false;
  #attempt = 0;

  /**
   * @param {MediaStream|null} microphone null: the user types; owned by the call from now on
   * @param {string|null} token sent as bearer token
   */
  constructor(microphone, token) {
    super();
    this.#microphone = microphone;
    this.#token = token;
    // Unplugged in mid-call: the call goes on, the user can still type.
    microphone?.getAudioTracks()[0]?.addEventListener('ended', () => this.#emit('microphone-gone'));
  }

  get rtvi() {
    return this.#rtvi;
  }

  get muted() {
    return this.#microphone?.getAudioTracks().every((track) => !track.enabled) ?? true;
  }

  set muted(muted) {
    for (const track of this.#microphone?.getAudioTracks() ?? [])
      track.enabled = !muted;
  }

  start() {
    if (typeof RTCPeerConnection === 'undefined')
      this.#end(failures.unsupported());
    else
      this.#connect(false);
  }

  hangUp() {
    if (this.#over)
      return;
    this.#rtvi?.goodbye();
    this.#end(null);
  }

  #emit(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #end(failure) {
    if (this.#over)
      return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#abort.abort();
    for (const track of this.#microphone?.getTracks() ?? [])
      track.stop();
    // A moment for what was sent last to leave.
    const connections = [this.#pc, this.#former];
    setTimeout(() => connections.forEach((pc) => pc?.close()), 200);
    this.#emit('ended', failure);
  }

  /** @param {boolean} restart a new connection for the same conversation */
  async #connect(restart) {
    const pc = new RTCPeerConnection();
    this.#pc = pc;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lost(pc, failures.noPath()), CONNECT_TIMEOUT_MS);

    const candidates = new Candidates((batch) => this.#request('PATCH', {
      pc_id: this.#pcId,
      candidates: batch,
    }).catch(() => {})); // the connection's own state tells what comes of it
    pc.addEventListener('icecandidate', ({ candidate }) => candidates.add(candidate));
    pc.addEventListener('track', ({ track, streams }) =>
      this.#emit('track', streams[0] ?? new MediaStream([track])));
    pc.addEventListener('connectionstatechange', () => this.#stateChanged(pc));
    this.#addChannel(pc);
    this.#addAudio(pc);

    try {
      await pc.setLocalDescription();
      const answer = await this.#offer(pc.localDescription.sdp, restart);
      if (this.#pc !== pc || this.#over)
        return;
      this.#pcId = answer.pc_id;
      await pc.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
      this.#former?.close();
      this.#former = null;
      candidates.flow();
    } catch (error) {
      if (this.#pc === pc)
        this.#lost(pc, error instanceof failures.Failure ? error : failures.unreachable());
    }
  }

  #addAudio(pc) {
    const track = this.#microphone?.getAudioTracks()[0];
    if (track)
      pc.addTrack(track, this.#microphone);
    else
      pc.addTransceiver('audio', { direction: 'sendrecv' });
  }

  #addChannel(pc) {
    const channel = pc.createDataChannel('chat', { ordered: true });
    if (!this.#rtvi) {
      this.#rtvi = new Rtvi();
      this.#emit('rtvi', this.#rtvi);
      this.#rtvi.addEventListener('peer-left', () => this.#end(null));
      this.#rtvi.addEventListener('error', ({ detail }) => {
        if (detail.fatal)
          this.#end(new failures.Failure('agent', `The call was ended: ${detail.error}`));
      });
    }
    this.#rtvi.attach(channel);
    channel.addEventListener('open', () => {
      if (this.#pc !== pc || this.#over)
        return;
      clearTimeout(this.#timer);
      this.#everConnected = true;
      this.#attempt = 0;
      this.#rtvi.ready();
      this.#emit('connected');
    });
    channel.addEventListener('close', () => {
      if (this.#pc === pc && pc.connectionState === 'connected')
        this.#end(null); // the server hung up
    });
  }

  #stateChanged(pc) {
    if (this.#pc !== pc || this.#over)
      return;
    switch (pc.connectionState) {
      case 'connected':
        if (this.#rtvi.open)
          clearTimeout(this.#timer);
        break;
      case 'disconnected':
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#lost(pc, failures.networkLost()),
          DISCONNECTED_GRACE_MS);
        break;
      case 'failed':
        this.#lost(pc, this.#everConnected ? failures.networkLost() : failures.noPath());
        break;
      case 'closed':
        this.#end(null);
        break;
    }
  }

  /** A connection that is of no use any more: another, as long as there is a conversation. */
  #lost(pc, failure) {
    if (this.#pc !== pc || this.#over)
      return;
    const refused = !['unreachable', 'no-path', 'network-lost'].includes(failure.kind);
    if (!this.#everConnected || refused || this.#attempt >= RECONNECT_DELAYS_MS.length) {
      // What the server says about a conversation that was lost is of no interest to the user.
      this.#end(this.#everConnected ? failures.networkLost() : failure);
      return;
    }
    const delay = RECONNECT_DELAYS_MS[this.#attempt];
    this.#attempt += 1;
    this.#pc = null;
    if (this.#former)
      pc.close(); // never was of use
    else
      this.#former = pc;
    this.#emit('reconnecting');
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(true), delay);
  }

  async #offer(sdp, restart) {
    const response = await this.#request('POST', {
      sdp,
      type: 'offer',
      pc_id: restart ? this.#pcId : null,
      restart_pc: restart,
    });
    const body = await response.json().catch(() => ({}));
    if (!response.ok) {
      const detail = typeof body.detail === 'string' ? body.detail : '';
      throw failures.refusal(response, detail);
    }
    return body;
  }

  #request(method, body) {
    const headers = { 'Content-Type': 'application/json' };
    if (this.#token)
      headers.Authorization = `Bearer ${this.#token}`;
    return fetch(new URL('api/offer', document.baseURI), {
      method,
      headers,
      body: JSON.stringify(body),
      signal: this.#abort.signal,
    });
  }
}

/** Holds candidates until the server knows the call, then sends them in batches. */
class Candidates {
  #send;
  #waiting = [];
  #flowing = false;
  #timer = 0;

  constructor(send) {
    this.#send = send;
  }

  /** @param {RTCIceCandidate|null} candidate null: there are no more, which nobody needs to know */
  add(candidate) {
    if (!candidate)
      return;
    this.#waiting.push({
      candidate: candidate.candidate,
      sdp_mid: candidate.sdpMid,
      sdp_mline_index: candidate.sdpMLineIndex,
    });
    this.#schedule();
  }

  flow() {
    this.#flowing = true;
    this.#schedule();
  }

  #schedule() {
    if (!this.#flowing || this.#timer || this.#waiting.length === 0)
      return;
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      this.#send(this.#waiting.splice(0));
    }, CANDIDATE_BATCH_MS);
  }
}
