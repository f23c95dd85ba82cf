// A conversation with an agent: what the page and the snippet have in common.

import { Connection } from './connection.js';
import * as failures from './failures.js';
import { openMicrophone, stopStream } from './microphone.js';
import { quality } from './quality.js';
import { Rtvi } from './rtvi.js';
import { Server } from './server.js';

const OVER = ['ended', 'failed'];

/**
 * @typedef {object} Options
 * @property {string} [server] URL, default: where this module came from
 * @property {string} [agent] name, default: the server's first
 * @property {string|(() => Promise<string>)} [token] access token, or what fetches one
 * @property {boolean|string|MediaStream} [microphone] false: the user types; a string: deviceId; a
 *   stream stays the caller's. Default: true, the browser's choice
 * @property {HTMLAudioElement|null} [audio] what plays the agent, default: one of its own
 * @property {Object<string, (args: object) => *>} [functions] what the agent may call here; the
 *   result (or promise of it) goes back as JSON, an exception as {error}
 * @property {object} [data] told to the agent with the call
 * @property {boolean} [pushToTalk] the microphone is closed unless `talking`
 * @property {RTCIceServer[]} [iceServers]
 */

/**
 * CustomEvents, with their detail:
 * - state {state}: idle asking connecting listening hearing thinking speaking reconnecting ended
 *   failed
 * - userText {text, final}: what is being understood
 * - userTurn {text, typed}: a turn as the agent was given it; typed text comes when it is sent
 * - agentText {segment, text, heard, remaining, status, spoken}: a sentence as it is heard; status
 *   new, in-progress, completed, interrupted
 * - interrupted {heard}: the user cut the agent short
 * - metrics {voice_to_voice_ms, turn_decision_ms, stt_ms, llm_ttft_ms, tts_ttfa_ms,
 *   barge_in_stop_ms}: of one turn, any of them
 * - tool {id, name, status, arguments, result}: status started, done, cancelled
 * - silent {reason}: the agent has nothing to say to that
 * - problem {failure}: the call goes on; null: the last one is over
 * - quality {level, rtt_ms, loss, jitter_ms, jitter_buffer_ms}: each second; level good, fair, poor
 * - microphone {stream}, voice {stream}: another one
 * - ended {failure}: nothing comes after; null: somebody hung up
 */
export class Conversation extends EventTarget {
  #options;
  #rtvi = new Rtvi();
  #connection;
  #state = 'idle';
  #microphone = null;
  #voice = null;
  #audio;
  #muted = false;
  #pushToTalk;
  #talking = false;
  #userSpeaks = false;
  #agentSpeaks = false;
  #agentThinks = false;
  #announced = false; // there are words for the voice
  #down = false;
  #typed = []; // shown already, before the server says it again
  #called = new Set(); // functions, by the id of the call
  #quality = null;
  #leave = new AbortController();

  /** @param {Options} [options] */
  constructor(options = {}) {
    super();
    this.#options = { microphone: true, functions: {}, ...options };
    this.#pushToTalk = options.pushToTalk ?? false;
    this.#audio = options.audio ?? new Audio();
    this.#listen();
  }

  get state() {
    return this.#state;
  }

  get agent() {
    return this.#options.agent ?? null;
  }

  /** @returns {MediaStream|null} */
  get microphone() {
    return this.#microphone;
  }

  /** @returns {MediaStream|null} */
  get voice() {
    return this.#voice;
  }

  get peerConnection() {
    return this.#connection?.peerConnection ?? null;
  }

  get muted() {
    return this.#muted;
  }

  set muted(muted) {
    this.#muted = Boolean(muted);
    this.#openTrack();
  }

  get pushToTalk() {
    return this.#pushToTalk;
  }

  set pushToTalk(on) {
    this.#pushToTalk = Boolean(on);
    this.#openTrack();
  }

  get talking() {
    return this.#talking;
  }

  /** With pushToTalk: the button is held. The agent stops speaking. */
  set talking(talking) {
    if (talking && !this.#talking && this.#pushToTalk && this.#agentSpeaks)
      this.interrupt();
    this.#talking = Boolean(talking);
    this.#openTrack();
  }

  /** Resolves when the agent is there; rejects with a Failure, which "ended" has told too. */
  async start() {
    if (this.#state !== 'idle')
      throw new Error('a conversation starts once');
    let failure = null;
    this.addEventListener('ended', ({ detail }) => { failure = detail.failure; });
    try {
      await this.#start();
    } catch (error) {
      this.#end(error);
      throw failure ?? failures.hungUp();
    }
  }

  /** The agent stops speaking and answers. */
  sendText(text) {
    if (OVER.includes(this.#state) || !text)
      return;
    this.#typed.push(text);
    this.#rtvi.text(text);
    this.#emit('userTurn', { text, typed: true });
  }

  /** The agent stops speaking. */
  interrupt() {
    this.#rtvi.request('interrupt').catch(() => {});
  }

  /** Asks the agent's program; resolves to its answer. */
  request(t, d) {
    return this.#rtvi.request(t, d);
  }

  /** @param {string} digits of 0-9, * and # */
  sendDigits(digits) {
    this.#rtvi.send('dtmf', { buttons: [...digits] });
  }

  hangUp() {
    this.#rtvi.goodbye();
    this.#end(null);
  }

  /** Another microphone, in mid-call too. @param {string} [deviceId] throws a Failure */
  async setMicrophone(deviceId) {
    const stream = await openMicrophone(deviceId);
    if (OVER.includes(this.#state))
      stopStream(stream);
    else
      await this.#useMicrophone(stream);
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #setState(state) {
    if (this.#state === state || OVER.includes(this.#state))
      return;
    this.#state = state;
    this.#emit('state', { state });
  }

  /** What is going on in a call. */
  #follow() {
    if (!['idle', 'asking', 'connecting'].includes(this.#state)) {
      this.#setState(this.#down ? 'reconnecting' : this.#userSpeaks ? 'hearing' :
        this.#agentSpeaks ? 'speaking' : this.#agentThinks ? 'thinking' : 'listening');
    }
  }

  async #start() {
    const { microphone, agent, data, iceServers } = this.#options;
    const { signal } = this.#leave;
    // The server notices a closed page by itself; this only tells it sooner.
    window.addEventListener('pagehide', () => this.hangUp(), { signal });
    this.#connection = new Connection(this.#server(), this.#rtvi, {
      request: agent || data ? { ...data, agent } : undefined,
      iceServers,
    });
    this.#listenToConnection();
    if (microphone instanceof MediaStream) {
      await this.#useMicrophone(microphone);
    } else if (microphone !== false) {
      this.#setState('asking');
      await this.setMicrophone(microphone === true ? undefined : microphone);
    }
    this.#stopIfOver();
    this.#setState('connecting');
    const ready = new Promise((resolve) => {
      this.#rtvi.addEventListener('bot-ready', resolve);
      this.addEventListener('ended', resolve);
    });
    await this.#connection.connect();
    await ready;
    this.#stopIfOver();
    this.#state = 'connected'; // never seen: the agent may speak already
    this.#follow();
    this.#quality = setInterval(() => this.#measure(), 1_000);
  }

  #server() {
    const { server = null, token = null } = this.#options;
    return server instanceof Server ? server : new Server(server, token);
  }

  #stopIfOver() {
    if (OVER.includes(this.#state))
      throw failures.hungUp();
  }

  #end(failure) {
    if (OVER.includes(this.#state))
      return;
    this.#setState(failure ? 'failed' : 'ended');
    this.#leave.abort();
    clearInterval(this.#quality);
    this.#rtvi.close();
    this.#connection?.end(failure);
    if (this.#microphone !== this.#options.microphone)
      stopStream(this.#microphone);
    this.#microphone = null;
    this.#audio.srcObject = null;
    this.#emit('ended', { failure });
  }

  async #useMicrophone(stream) {
    const former = this.#microphone;
    const [track] = stream.getAudioTracks();
    this.#microphone = stream;
    this.#openTrack();
    await this.#connection?.setTrack(track);
    if (former !== this.#options.microphone)
      stopStream(former);
    // Unplugged in mid-call: another if there is one; the user can still type.
    track.addEventListener('ended', () => {
      if (this.#microphone === stream)
        this.setMicrophone().catch(() => this.#microphoneGone());
    }, { signal: this.#leave.signal });
    this.#emit('microphone', { stream });
  }

  #microphoneGone() {
    this.#microphone = null;
    this.#emit('microphone', { stream: null });
    this.#emit('problem', { failure: failures.microphoneGone() });
  }

  #openTrack() {
    for (const track of this.#microphone?.getAudioTracks() ?? [])
      track.enabled = !this.#muted && (this.#talking || !this.#pushToTalk);
  }

  #listenToConnection() {
    const on = (type, handle) => this.#connection.addEventListener(type, handle);
    on('open', () => this.#rtvi.ready());
    on('voice', ({ detail }) => this.#play(detail));
    on('down', () => { this.#down = true; this.#follow(); });
    on('up', () => { this.#down = false; this.#follow(); });
    on('ended', ({ detail }) => this.#end(detail));
  }

  #listen() {
    const on = (type, handle) =>
      this.#rtvi.addEventListener(type, ({ detail }) => handle(detail));
    const follow = (type, change) => on(type, (data) => {
      change(data);
      this.#follow();
    });
    follow('user-started-speaking', () => { this.#userSpeaks = true; });
    follow('user-stopped-speaking', () => { this.#userSpeaks = false; this.#agentThinks = true; });
    follow('bot-llm-started', () => { this.#agentThinks = true; this.#announced = false; });
    // With something to say it goes on until that is heard.
    follow('bot-llm-stopped', () => { this.#agentThinks &&= this.#announced; });
    follow('bot-started-speaking', () => { this.#agentSpeaks = true; this.#agentThinks = false; });
    follow('bot-stopped-speaking', () => { this.#agentSpeaks = false; });
    on('user-transcription', ({ text, final }) =>
      this.#emit('userText', { text: String(text), final: final === true }));
    on('user-llm-text', ({ text }) => this.#userTurn(String(text)));
    on('bot-output', (output) => this.#output(output));
    on('server-message', (message) => this.#message(message));
    on('llm-function-call-in-progress', (call) => this.#call(call));
    on('llm-function-call-stopped', (call) =>
      this.#tool(call, call.cancelled ? 'cancelled' : 'done'));
    on('error', ({ error, fatal }) => {
      const failure = failures.agentFailed(String(error));
      if (fatal)
        this.#end(failure);
      else
        this.#emit('problem', { failure });
    });
    on('peer-left', () => this.#end(null));
  }

  #userTurn(text) {
    if (this.#typed[0] === text)
      this.#typed.shift();
    else
      this.#emit('userTurn', { text, typed: false });
  }

  #output(output) {
    const text = String(output.text ?? '');
    const spoken = output.will_be_spoken !== false;
    this.#announced ||= spoken && output.spoken_status === 'new';
    const completed = output.spoken_status === 'completed' || !spoken;
    const { accumulated_text: heard = completed ? text : '',
      remaining_text: remaining = completed ? '' : text } = output.spoken_progress ?? {};
    this.#emit('agentText', {
      segment: String(output.segment_id ?? text),
      text,
      heard: String(heard),
      remaining: String(remaining),
      status: !completed ? output.spoken_status : String(remaining).trim() ? 'interrupted' :
        'completed',
      spoken,
    });
  }

  /** Events of ours that RTVI has no message for. */
  #message({ t, ...data }) {
    if (t === 'turn-metrics') {
      this.#emit('metrics', data);
    } else if (t === 'interrupted' || t === 'silent') {
      this.#agentThinks = false;
      this.#emit(t, data);
      this.#follow();
    }
  }

  #tool(call, status) {
    this.#emit('tool', {
      id: String(call.tool_call_id),
      name: String(call.function_name ?? ''),
      status,
      arguments: call.arguments,
      result: call.result,
    });
  }

  /** The agent calls a function: of this page, or one of its own, which only is to be shown. */
  async #call(call) {
    this.#tool(call, 'started');
    const { tool_call_id: id, function_name: name, arguments: args } = call;
    const { functions } = this.#options;
    const mine = Object.hasOwn(functions, name);
    if (this.#called.has(id) || !mine && call.where !== 'client')
      return;
    this.#called.add(id);
    let result;
    try {
      if (!mine)
        throw new Error(`this page has no function "${name}"`);
      result = await functions[name](args ?? {}) ?? null;
      JSON.stringify(result);
    } catch (error) {
      result = { error: String(error?.message ?? error) };
    }
    this.#rtvi.send('llm-function-call-result', {
      function_name: name,
      tool_call_id: id,
      arguments: args ?? {},
      result,
    });
  }

  async #play(stream) {
    this.#voice = stream;
    this.#emit('voice', { stream });
    this.#audio.srcObject = stream;
    try {
      await this.#audio.play();
    } catch (error) {
      if (error.name === 'NotAllowedError')
        this.#waitForGesture();
    }
  }

  /** Browsers play sound only after the user has done something on the page. */
  #waitForGesture() {
    this.#emit('problem', { failure: failures.autoplay() });
    for (const type of ['pointerdown', 'keydown']) {
      document.addEventListener(type, () =>
        this.#audio.play().then(() => this.#emit('problem', { failure: null }), () => {}),
      { once: true, signal: this.#leave.signal });
    }
  }

  async #measure() {
    const report = await this.peerConnection.getStats();
    if (!OVER.includes(this.#state))
      this.#emit('quality', quality(report, this));
  }
}
