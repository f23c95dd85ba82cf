// The way to the server: peer connection, offers, candidates; finding back when it was lost.

import { because, Failure } from './failures.js';

const CONNECT_MS = 15_000;
// ICE reports "disconnected" for short gaps that heal by themselves.
const GRACE_MS = 2_000;
// Other candidates work within a few round trips, or not at all.
const ICE_RESTART_MS = 4_000;
const REPLACE_MS = 8_000;
const RETRY_MS = 1_000; // twice that the next time, and so on
// A server forgets a client that is silent for 15 s, unless it is set otherwise.
const GIVE_UP_MS = 30_000;
const POLL_MS = 10;

const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/**
 * Events: down, up (the network was lost, and found again; repeatedly) · voice (detail:
 * MediaStream) · ended (detail: Failure, or null when the other side hung up; nothing comes after).
 */
export class Connection extends EventTarget {
  pc = null; // to be read
  #server;
  #rtvi;
  #settings;
  #iceServers;
  #track = null;
  #pcId = null;
  #abort = new AbortController();
  #connected = false; // at least once
  #recovering = false;
  #grace = 0;

  /** @param {{request?: object, iceServers?: RTCIceServer[]}} settings request: tells the agent */
  constructor(server, rtvi, settings) {
    super();
    this.#server = server;
    this.#rtvi = rtvi;
    this.#settings = settings;
  }

  get #over() {
    return this.#abort.signal.aborted;
  }

  /** @param {MediaStreamTrack|null} track sent from now on */
  async setTrack(track) {
    this.#track = track;
    await this.pc?.getTransceivers()[0].sender.replaceTrack(track);
  }

  /** Resolves when the data channel is open; throws a Failure. */
  async connect() {
    if (!window.RTCPeerConnection)
      throw await because('unsupported');
    this.#iceServers = this.#settings.iceServers ?? await this.#server.iceServers();
    try {
      await this.#establish(CONNECT_MS);
    } catch (failure) {
      throw failure.kind === 'no-path' ? await because('noPath', this.pc) : failure;
    }
    this.#connected = true;
    // The way may be another now; of that nothing is heard for seconds.
    window.addEventListener('online', () => this.recover(), { signal: this.#abort.signal });
  }

  /** @param {Failure|null} failure */
  end(failure) {
    if (this.#over)
      return;
    clearTimeout(this.#grace);
    this.#abort.abort();
    // A moment for what was sent last to leave.
    setTimeout((pc) => pc?.close(), 200, this.pc);
    this.#emit('ended', failure);
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** A new peer connection for the conversation. */
  async #establish(timeoutMs) {
    const pc = new RTCPeerConnection({ iceServers: this.#iceServers });
    const channel = pc.createDataChannel('chat', { ordered: true });
    pc.addTransceiver(this.#track ?? 'audio', { direction: 'sendrecv' });
    pc.addEventListener('track', ({ track, streams }) =>
      this.#emit('voice', streams[0] ?? new MediaStream([track])));
    pc.addEventListener('icegatheringstatechange', () => this.#tellCandidates(pc));
    try {
      await pc.setLocalDescription();
      const answer = await this.#offer(pc, this.#pcId !== null);
      this.pc?.close(); // not earlier: its end would have been the conversation's
      this.pc = pc;
      this.#pcId = answer.pc_id;
      this.#watch(pc, channel);
      await this.setTrack(this.#track); // perhaps another meanwhile
      await pc.setRemoteDescription(answer);
      this.#tellCandidates(pc);
      await this.#until(timeoutMs, () => channel.readyState === 'open');
    } catch (error) {
      if (this.pc !== pc)
        pc.close();
      throw error instanceof Failure ? error : await because('unsupported');
    }
  }

  /** Other candidates for the same. */
  async #restartIce() {
    const pc = this.pc;
    await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
    await pc.setRemoteDescription(await this.#offer(pc, false));
    this.#tellCandidates(pc);
    await this.#until(ICE_RESTART_MS, () => pc.connectionState === 'connected');
  }

  async #offer(pc, restart) {
    const { sdp, pc_id } = await this.#server.offer({
      sdp: pc.localDescription.sdp,
      type: 'offer',
      pc_id: this.#pcId,
      restart_pc: restart,
      request_data: this.#settings.request,
    }, this.#abort.signal);
    if (this.#over)
      throw new Failure('hung-up');
    if (this.#pcId !== null && pc_id !== this.#pcId)
      throw new Failure('server-restarted'); // it has begun another, which nobody asked for
    return { type: 'answer', sdp, pc_id };
  }

  /** Once all are known: for firewalls that let in only who was called from inside. */
  #tellCandidates(pc) {
    if (this.pc !== pc || pc.iceGatheringState !== 'complete' || pc.signalingState !== 'stable')
      return;
    const lines = pc.localDescription.sdp.match(/^a=candidate:.*$/gm) ?? [];
    this.#server.candidates(this.#pcId, lines.map((line) =>
      ({ candidate: line.slice(2), sdp_mid: '0', sdp_mline_index: 0 })), this.#abort.signal)
      .catch(() => {}); // the connection's own state tells what comes of it
  }

  #watch(pc, channel) {
    const on = (target, type, handle) =>
      target.addEventListener(type, () => this.pc === pc && !this.#over && handle());
    this.#rtvi.attach(channel);
    on(channel, 'close', () => pc.connectionState === 'connected' && this.end(null));
    on(pc, 'connectionstatechange', () => this.#stateChanged(pc.connectionState));
  }

  #stateChanged(state) {
    clearTimeout(this.#grace);
    if (state === 'closed')
      this.end(null);
    else if (!this.#connected)
      return; // connect() waits
    else if (state === 'failed')
      this.recover();
    else if (state === 'disconnected')
      this.#grace = setTimeout(() => this.recover(), GRACE_MS);
    else if (state === 'connected')
      this.#setDown(false);
  }

  #setDown(down) {
    if (!this.#over)
      this.#emit(down ? 'down' : 'up');
  }

  /** Looks for another way. */
  async recover() {
    if (this.#recovering || this.#over)
      return;
    this.#recovering = true;
    const failure = await this.#findBack();
    this.#recovering = false;
    if (failure)
      this.end(failure);
    this.#setDown(false);
  }

  /** ICE restart first, then new connections. @returns {Promise<Failure|null>} */
  async #findBack() {
    const end = Date.now() + GIVE_UP_MS;
    let attempts = 0;
    for (let wait = RETRY_MS; !this.#over; wait = Math.min(2 * wait, 4 * RETRY_MS)) {
      if (this.pc.connectionState !== 'connected')
        this.#setDown(true);
      try {
        // Asked first: a server that has forgotten the conversation would begin another.
        await this.#server.candidates(this.#pcId, [], this.#abort.signal);
        attempts += 1;
        await (attempts === 1 ? this.#restartIce() : this.#establish(REPLACE_MS));
        return null;
      } catch ({ kind }) {
        if (kind === 'no-agent' || kind === 'server-restarted')
          return because('serverRestarted');
      }
      if (this.pc.connectionState === 'connected')
        return null; // it was not so bad
      if (Date.now() > end)
        return new Failure('network-lost');
      if (attempts !== 1) // what an ICE restart cannot, a new connection may at once
        await sleep(wait);
    }
    return null;
  }

  /** Waits for check() to become true; throws a Failure. */
  async #until(timeoutMs, check) {
    for (const end = Date.now() + timeoutMs; !check(); await sleep(POLL_MS)) {
      if (this.#over || Date.now() > end)
        throw new Failure(this.#over ? 'hung-up' : 'no-path');
    }
  }
}
