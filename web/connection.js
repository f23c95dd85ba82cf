// The way to the server: peer connection, offers and candidates, and finding back after the
// network was away.

import * as failures from './failures.js';

const CONNECT_TIMEOUT_MS = 15_000;
// Candidates that come together are sent together.
const CANDIDATE_BATCH_MS = 50;
// ICE reports "disconnected" for short gaps that heal by themselves.
const DISCONNECTED_GRACE_MS = 2_000;
// New candidates on the same connection are there within a round trip or two, or not at all.
const ICE_RESTART_MS = 4_000;
const REPLACE_MS = 8_000;
const RETRY_MS = 1_000; // twice that the next time, and so on
// A server forgets a client that is silent for 15 s; a little more for slow clocks and settings.
const GIVE_UP_MS = 30_000;

const sleep = (ms, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  signal.addEventListener('abort', () => {
    clearTimeout(timer);
    resolve();
  }, { once: true });
});

/**
 * Events: "open" (the data channel is, also after it was replaced); "down", "up" (the network was
 * lost and found again); "voice" (detail: MediaStream); "ended" (detail: Failure, or null when the
 * other side hung up); "change" (something of the connection's state). Nothing comes after "ended".
 */
export class Connection extends EventTarget {
  #server;
  #rtvi;
  #settings;
  #track = null;
  #pc = null;
  #pcId = null;
  #candidates = null;
  #abort = new AbortController();
  #over = false;
  #connected = false; // at least once
  #down = false;
  #recovering = false;
  #grace = 0;

  /**
   * @param {Server} server
   * @param {Rtvi} rtvi gets each data channel
   * @param {{request?: object, iceServers?: RTCIceServer[]}} settings request: what the agent is
   *   told with the offer
   */
  constructor(server, rtvi, settings) {
    super();
    this.#server = server;
    this.#rtvi = rtvi;
    this.#settings = settings;
  }

  get peerConnection() {
    return this.#pc;
  }

  /** @param {MediaStreamTrack|null} track sent from now on */
  async setTrack(track) {
    this.#track = track;
    await this.#sender()?.replaceTrack(track);
  }

  /** Resolves when the data channel is open; throws a Failure. */
  async connect() {
    if (typeof RTCPeerConnection === 'undefined')
      throw failures.unsupported();
    const { signal } = this.#abort;
    window.addEventListener('online', () => this.#networkChanged(), { signal });
    let type = navigator.connection?.type;
    navigator.connection?.addEventListener?.('change', () => {
      // It tells of every estimate of the speed too.
      if (navigator.connection.type !== type)
        this.#networkChanged();
      ({ type } = navigator.connection);
    }, { signal });
    await this.#establish(null, CONNECT_TIMEOUT_MS);
    this.#connected = true;
  }

  /** @param {Failure|null} failure */
  end(failure) {
    if (this.#over)
      return;
    this.#over = true;
    clearTimeout(this.#grace);
    this.#abort.abort();
    // A moment for what was sent last to leave.
    const pc = this.#pc;
    setTimeout(() => pc?.close(), 200);
    this.#emit('change'); // whoever waits need not any more
    this.#emit('ended', failure);
  }

  #emit(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #sender() {
    return this.#pc?.getTransceivers()[0]?.sender;
  }

  /**
   * A new peer connection. @param {string|null} pcId of the conversation that it is for
   */
  async #establish(pcId, timeoutMs) {
    const pc = new RTCPeerConnection({ iceServers: this.#settings.iceServers ?? [] });
    const former = this.#pc;
    const candidates = new Candidates((batch) => this.#trickle(batch));
    const channel = pc.createDataChannel('chat', { ordered: true });
    pc.addTransceiver(this.#track ?? 'audio', { direction: 'sendrecv' });
    pc.addEventListener('icecandidate', ({ candidate }) => candidates.add(candidate));
    pc.addEventListener('track', ({ track, streams }) =>
      this.#emit('voice', streams[0] ?? new MediaStream([track])));
    try {
      await pc.setLocalDescription();
      const answer = await this.#offer(pc, pcId, true);
      this.#pcId = answer.pc_id;
      this.#pc = pc;
      this.#candidates = candidates;
      this.#watch(pc, channel);
      former?.close(); // not earlier: its end would have been the conversation's
      await pc.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
      candidates.flow();
      if (!await this.#until(() => channel.readyState === 'open', timeoutMs))
        throw this.#over ? failures.hungUp() : failures.noPath();
    } catch (error) {
      if (this.#pc !== pc)
        pc.close();
      throw error instanceof failures.Failure ? error : failures.unreachable();
    }
  }

  /** Other candidates for the peer connection there is. */
  async #restartIce() {
    const pc = this.#pc;
    this.#candidates.hold();
    await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
    const answer = await this.#offer(pc, this.#pcId, false);
    await pc.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
    this.#candidates.flow();
    if (!await this.#until(() => pc.connectionState === 'connected', ICE_RESTART_MS))
      throw failures.noPath();
  }

  async #offer(pc, pcId, isNew) {
    const { signal } = this.#abort;
    const answer = await this.#server.offer({
      sdp: pc.localDescription.sdp,
      type: 'offer',
      pc_id: pcId,
      restart_pc: isNew && pcId !== null,
      request_data: this.#settings.request,
    }, signal);
    if (signal.aborted)
      throw failures.hungUp();
    // It has begun another, which nobody asked for.
    if (pcId !== null && answer.pc_id !== pcId)
      throw failures.serverRestarted();
    return answer;
  }

  #trickle(batch) {
    this.#server.candidates(this.#pcId, batch, this.#abort.signal)
      .catch(() => {}); // the connection's own state tells what comes of it
  }

  #watch(pc, channel) {
    this.#rtvi.attach(channel);
    channel.addEventListener('open', () => {
      if (this.#pc !== pc || this.#over)
        return;
      this.#emit('open');
      this.#emit('change');
    });
    channel.addEventListener('close', () => {
      if (this.#pc === pc && pc.connectionState === 'connected')
        this.end(null); // the server hung up
    });
    pc.addEventListener('connectionstatechange', () => {
      if (this.#pc === pc && !this.#over)
        this.#stateChanged(pc.connectionState);
    });
  }

  #stateChanged(state) {
    clearTimeout(this.#grace);
    this.#emit('change');
    if (state === 'closed')
      this.end(null);
    else if (!this.#connected)
      return; // connect() waits
    else if (state === 'failed')
      this.#recover();
    else if (state === 'disconnected')
      this.#grace = setTimeout(() => this.#recover(), DISCONNECTED_GRACE_MS);
    else if (state === 'connected')
      this.#setDown(false);
  }

  #setDown(down) {
    if (this.#down === down)
      return;
    this.#down = down;
    this.#emit(down ? 'down' : 'up');
  }

  /** The way may be another now; often nothing is heard of it for seconds. */
  #networkChanged() {
    if (this.#connected)
      this.#recover();
  }

  async #recover() {
    if (this.#recovering || this.#over)
      return;
    this.#recovering = true;
    const failure = await this.#findBack();
    this.#recovering = false;
    if (failure)
      this.end(failure);
    else if (!this.#over)
      this.#setDown(false);
  }

  /** ICE restart first, then new connections. @returns {Promise<Failure|null>} */
  async #findBack() {
    const end = Date.now() + GIVE_UP_MS;
    let attempts = 0;
    for (let wait = RETRY_MS; !this.#over; wait = Math.min(wait * 2, 4 * RETRY_MS)) {
      if (this.#pc.connectionState !== 'connected')
        this.#setDown(true);
      try {
        // Asked first, since a server that has forgotten the conversation would begin another.
        await this.#server.candidates(this.#pcId, [], this.#abort.signal);
        attempts += 1;
        await (attempts === 1 ? this.#restartIce() : this.#establish(this.#pcId, REPLACE_MS));
        return null;
      } catch (error) {
        if (['no-agent', 'server-restarted'].includes(error.kind))
          return failures.serverRestarted();
      }
      if (this.#pc.connectionState === 'connected')
        return null; // it was not so bad
      if (Date.now() > end)
        return failures.networkLost();
      if (attempts !== 1) // what an ICE restart cannot, a new connection may at once
        await sleep(wait, this.#abort.signal);
    }
    return null;
  }

  /** @returns {Promise<boolean>} whether it became true in time */
  #until(check, timeoutMs) {
    return new Promise((resolve) => {
      const done = new AbortController();
      const look = (timeIsUp) => {
        const good = check();
        if (!good && !this.#over && timeIsUp !== true)
          return;
        clearTimeout(timer);
        done.abort();
        resolve(good);
      };
      const timer = setTimeout(look, timeoutMs, true);
      this.addEventListener('change', look, { signal: done.signal });
      look();
    });
  }
}

/** Holds candidates until the server knows of the offer they belong to; sends them in batches. */
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

  hold() {
    this.#flowing = false;
    this.#waiting = []; // of the former offer
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
      if (this.#flowing && this.#waiting.length > 0)
        this.#send(this.#waiting.splice(0));
    }, CANDIDATE_BATCH_MS);
  }
}
