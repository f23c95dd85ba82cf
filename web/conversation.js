// A conversation with an agent. Options, events and members: see repartee.d.ts.

import { Connection } from './connection.js';
import { because, Failure } from './failures.js';
import { quality } from './quality.js';
import { Rtvi } from './rtvi.js';
import { Server } from './server.js';

/** @param {string} [deviceId] when it is not there, the browser's choice */
async function openMicrophone(deviceId) {
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  if (deviceId)
    audio.deviceId = { ideal: deviceId };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    throw await because('microphoneFailure', error);
  }
}

// The agent is ready within a fraction of a second of being called.
const READY_MS = 15_000;

const stopStream = (stream) => stream?.getTracks().forEach((track) => track.stop());

export class Conversation extends EventTarget {
  // To be read.
  state = 'idle';
  agent = null;
  microphone = null;
  voice = null;
  #options;
  #rtvi = new Rtvi();
  #connection;
  #audio;
  #muted = false;
  #pushToTalk = false;
  #talking = false;
  // What goes on; announced: the agent has words for the voice.
  #now = { down: false, hears: false, speaks: false, thinks: false, announced: false };
  #typed = []; // shown already, before the server says it again
  #measuring = 0;
  #over = new AbortController();

  /** @param {import('./repartee').Options} [options] */
  constructor(options = {}) {
    super();
    const { server, token, agent, data, iceServers } = options;
    this.agent = agent ?? null;
    this.pushToTalk = options.pushToTalk;
    this.#options = options;
    this.#audio = options.audio ?? new Audio();
    this.#connection = new Connection(
      server instanceof Server ? server : new Server(server, token), this.#rtvi,
      { request: agent || data ? { ...data, agent } : undefined, iceServers });
    this.#listen();
  }

  get peerConnection() {
    return this.#connection.pc;
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

  set talking(talking) {
    if (talking && !this.#talking && this.#pushToTalk && this.#now.speaks)
      this.interrupt();
    this.#talking = Boolean(talking);
    this.#openTrack();
  }

  async start() {
    if (this.state !== 'idle')
      throw new Error('a conversation starts once');
    try {
      await this.#start();
    } catch (error) {
      this.#end(error);
      throw this.#over.signal.reason;
    }
  }

  sendText(text) {
    if (this.#isOver || !text)
      return;
    this.#typed.push(text);
    this.#rtvi.send('send-text',
      { content: text, options: { run_immediately: true, audio_response: true } });
    this.#emit('userTurn', { text, typed: true });
  }

  interrupt() {
    this.request('interrupt').catch(() => {});
  }

  request(t, d) {
    return this.#rtvi.request(t, d);
  }

  sendDigits(digits) {
    this.#rtvi.send('dtmf', { buttons: [...digits] });
  }

  hangUp() {
    this.#end(null);
  }

  async setMicrophone(deviceId) {
    const stream = await openMicrophone(deviceId);
    if (this.#isOver)
      stopStream(stream);
    else
      await this.#useMicrophone(stream);
  }

  get #isOver() {
    return this.#over.signal.aborted;
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #setState(state) {
    if (this.state === state || this.#isOver)
      return;
    this.state = state;
    this.#emit('state', { state });
  }

  #follow() {
    const { down, hears, speaks, thinks } = this.#now;
    if (!['idle', 'asking', 'connecting'].includes(this.state)) {
      this.#setState(down ? 'reconnecting' : hears ? 'hearing' : speaks ? 'speaking' :
        thinks ? 'thinking' : 'listening');
    }
  }

  async #start() {
    const { microphone = true } = this.#options;
    // The server notices a closed page by itself; this only tells it sooner.
    window.addEventListener('pagehide', () => this.hangUp(), { signal: this.#over.signal });
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
    const late = setTimeout(() => this.#end(new Failure('agent',
      'The agent does not answer. Please try again.')), READY_MS);
    await ready;
    clearTimeout(late);
    this.#stopIfOver();
    this.state = 'connected'; // seen by nobody: the agent may speak already
    this.#follow();
    const counters = [];
    let quiet = 0; // seconds; the server never pauses
    this.#measuring = setInterval(async () => {
      const now = quality(await this.peerConnection.getStats(), counters);
      if (this.#isOver)
        return;
      this.#emit('quality', now);
      quiet = now.received ? 0 : quiet + 1;
      if (quiet % 4 === 3)
        this.#connection.recover();
    }, 1_000);
  }

  #stopIfOver() {
    if (this.#isOver)
      throw this.#over.signal.reason;
  }

  #end(failure) {
    if (this.#isOver)
      return;
    this.#setState(failure ? 'failed' : 'ended');
    this.#over.abort(failure ?? new Failure('hung-up'));
    clearInterval(this.#measuring);
    this.#rtvi.close();
    this.#connection.end(failure);
    this.#release(this.microphone);
    this.microphone = null;
    this.#audio.srcObject = null;
    this.#emit('ended', { failure });
  }

  /** A stream of the caller's stays the caller's. */
  #release(stream) {
    if (stream !== this.#options.microphone)
      stopStream(stream);
  }

  async #useMicrophone(stream) {
    const former = this.microphone;
    const [track] = stream.getAudioTracks();
    this.microphone = stream;
    this.#openTrack();
    await this.#connection.setTrack(track);
    this.#release(former);
    // Unplugged in mid-call: another if there is one; the user can still type.
    track.addEventListener('ended', () => this.microphone === stream &&
      this.setMicrophone().catch((failure) => {
        this.microphone = null;
        this.#emit('microphone', { stream: null });
        this.#emit('problem', { failure });
      }), { signal: this.#over.signal });
    this.#emit('microphone', { stream });
  }

  #openTrack() {
    for (const track of this.microphone?.getAudioTracks() ?? [])
      track.enabled = !this.#muted && (this.#talking || !this.#pushToTalk);
  }

  #listen() {
    const now = this.#now;
    const set = (changes) => () => Object.assign(now, changes);
    const on = (target, handlers) => {
      for (const [type, handle] of Object.entries(handlers)) {
        target.addEventListener(type, ({ detail }) => {
          handle(detail ?? {});
          this.#follow();
        });
      }
    };
    on(this.#connection, {
      voice: (stream) => this.#play(stream),
      down: set({ down: true }),
      up: set({ down: false }),
    });
    this.#connection.addEventListener('ended', ({ detail }) => this.#end(detail));
    on(this.#rtvi, {
      'user-started-speaking': set({ hears: true }),
      'user-stopped-speaking': set({ hears: false, thinks: true }),
      'bot-llm-started': set({ thinks: true, announced: false }),
      // With something to say it goes on until that is heard.
      'bot-llm-stopped': () => { now.thinks &&= now.announced; },
      'bot-started-speaking': set({ speaks: true, thinks: false }),
      'bot-stopped-speaking': set({ speaks: false }),
      'user-transcription': ({ text, final }) =>
        this.#emit('userText', { text: String(text), final: final === true }),
      'user-llm-text': ({ text }) => this.#userTurn(String(text)),
      'bot-output': (output) => this.#output(output),
      'server-message': (message) => this.#message(message),
      'llm-function-call-in-progress': (call) => this.#call(call),
      'llm-function-call-stopped': (call) =>
        this.#tool(call, call.cancelled ? 'cancelled' : 'done'),
      error: ({ error, fatal }) => {
        const failure = new Failure('agent', `The agent has a problem: ${error}`);
        if (fatal)
          this.#end(failure);
        else
          this.#emit('problem', { failure });
      },
      'peer-left': () => this.#end(null),
    });
  }

  #userTurn(text) {
    if (this.#typed[0] === text)
      this.#typed.shift();
    else
      this.#emit('userTurn', { text, typed: false });
  }

  #output({ text = '', segment_id: segment = text, spoken_status: status, will_be_spoken: spoken,
    spoken_progress: progress }) {
    const over = status === 'completed' || spoken === false;
    const heard = String(progress?.accumulated_text ?? (over ? text : ''));
    const remaining = String(progress?.remaining_text ?? (over ? '' : text));
    this.#now.announced ||= !over;
    this.#emit('agentText', {
      segment: String(segment),
      text: String(text),
      heard,
      remaining,
      status: over && remaining.trim() ? 'interrupted' : over ? 'completed' : status,
      spoken: spoken !== false,
    });
  }

  /** Events of ours that RTVI has no message for. */
  #message({ t, ...data }) {
    if (t === 'turn-metrics')
      this.#emit('metrics', data);
    if (t !== 'interrupted' && t !== 'silent')
      return;
    this.#now.thinks = false;
    this.#emit(t, data);
  }

  #tool({ tool_call_id: id, function_name: name = '', arguments: given, result }, status) {
    this.#emit('tool', { id: String(id), name: String(name), status, arguments: given, result });
  }

  /** The agent calls a function: of this page, or one of its own, which is only told. */
  async #call(call) {
    this.#tool(call, 'started');
    if (call.where === 'client') {
      const { run } = await import('./functions.js');
      this.#rtvi.send('llm-function-call-result', await run(call, this.#options.functions));
    }
  }

  async #play(stream) {
    this.voice = stream;
    this.#emit('voice', { stream });
    this.#audio.srcObject = stream;
    try {
      await this.#audio.play();
    } catch ({ name }) {
      if (name === 'NotAllowedError' && !this.#isOver) {
        because('autoplay', { audio: this.#audio, signal: this.#over.signal,
          tell: (failure) => this.#emit('problem', { failure }) });
      }
    }
  }
}
