// RTVI 2.1 over a data channel, and the two messages of the Pipecat transport beside it.

const LABEL = 'rtvi-ai';
const VERSION = '2.1.0';
// What may wait for a connection; more than that nobody would want to have said later.
const MAX_WAITING = 50;

/**
 * Speaks RTVI on a data channel, and on the next one after a reconnection. It dispatches one
 * CustomEvent per message: its type is the message's, its detail the message's data; and
 * "peer-left" when the agent has gone.
 */
export class Rtvi extends EventTarget {
  #channel = null;
  #greeted = false; // client-ready was sent
  #ready = false; // and answered
  #ids = 0;
  #waiting = []; // messages until the agent is there
  #requests = new Map(); // those waiting for their answer, by id

  /** @param {RTCDataChannel} [channel] */
  constructor(channel) {
    super();
    if (channel)
      this.attach(channel);
  }

  /** @param {RTCDataChannel} channel takes the place of the former */
  attach(channel) {
    this.#channel = channel;
    channel.addEventListener('message', ({ data }) => {
      if (this.#channel === channel)
        this.#receive(data);
    });
  }

  get open() {
    return this.#channel?.readyState === 'open';
  }

  /** The channel is open: greets the agent unless it was, and sends what waited. */
  ready() {
    if (!this.#greeted) {
      this.#greeted = true;
      this.#write('client-ready', {
        version: VERSION,
        about: { library: 'repartee-web', library_version: '0.1.0' },
      });
    }
    this.#flush();
  }

  /** What the user typed; the agent stops speaking and answers. */
  text(content) {
    this.send('send-text', {
      content,
      options: { run_immediately: true, audio_response: true },
    });
  }

  goodbye() {
    this.#write('disconnect-bot', {});
  }

  /** Sends a message, when the agent is there. */
  send(type, data, id) {
    if (this.#ready && this.open)
      this.#write(type, data, id);
    else if (this.#waiting.length < MAX_WAITING)
      this.#waiting.push([type, data, id]);
  }

  /**
   * A client-message and its answer.
   * @param {string} t what is asked
   * @param {*} [d] JSON
   * @returns {Promise<*>} d of the server-response; rejects with an Error
   */
  request(t, d, timeoutMs = 10_000) {
    return new Promise((resolve, reject) => {
      const id = this.#newId();
      const timer = setTimeout(() =>
        this.#answer(id, new Error(`no answer to "${t}" within ${timeoutMs / 1000} s`)), timeoutMs);
      this.#requests.set(id, { resolve, reject, timer });
      this.send('client-message', { t, d }, id);
    });
  }

  /** The call is over: nothing is dispatched any more, whoever waits for an answer is told. */
  close() {
    this.#channel = null;
    this.#waiting = [];
    for (const id of this.#requests.keys())
      this.#answer(id, new Error('the call has ended'));
  }

  #newId() {
    this.#ids += 1;
    return String(this.#ids);
  }

  #write(type, data, id = this.#newId()) {
    if (this.open)
      this.#channel.send(JSON.stringify({ label: LABEL, type, id, data }));
  }

  #flush() {
    if (this.#ready && this.open) {
      for (const message of this.#waiting.splice(0))
        this.#write(...message);
    }
  }

  /** @param {Error|null} error null: data is the answer */
  #answer(id, error, data) {
    const request = this.#requests.get(id);
    if (!request)
      return;
    this.#requests.delete(id);
    clearTimeout(request.timer);
    if (error)
      request.reject(error);
    else
      request.resolve(data);
  }

  #receive(text) {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return; // not of this protocol
    }
    if (message?.type === 'signalling') {
      if (message.message?.type === 'peerLeft')
        this.dispatchEvent(new CustomEvent('peer-left'));
      return;
    }
    if (message?.label !== LABEL || typeof message.type !== 'string')
      return;
    const { type, id } = message;
    const detail = message.data ?? {};
    if (type === 'bot-ready') {
      this.#ready = true;
      this.#flush();
    } else if (type === 'server-response') {
      this.#answer(id, null, detail.d);
    } else if (type === 'error-response') {
      this.#answer(id, new Error(String(detail.error)));
    }
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
