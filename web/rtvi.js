// RTVI 2.1 over a data channel, and the signalling of the Pipecat transport beside it.

const ABOUT = { version: '2.1.0', about: { library: 'repartee-web', library_version: '0.1.0' } };
const MAX_WAITING = 50; // messages: more than that nobody would want to have said later

/**
 * One CustomEvent per message: its type, with its data as detail; and "peer-left" when the agent
 * has gone.
 */
export class Rtvi extends EventTarget {
  #channel = null;
  #ready = false; // the agent has answered the first message
  #ids = 0;
  #waiting = [['client-ready', ABOUT]];
  #requests = new Map(); // id → what takes the answer

  /** @param {RTCDataChannel} channel in place of the former */
  attach(channel) {
    this.#channel = channel;
    channel.addEventListener('open', () => this.#flush());
    channel.addEventListener('message', ({ data }) =>
      this.#channel === channel && this.#receive(data));
  }

  /** Sends a message when the agent is there. */
  send(type, data, id) {
    if (this.#waiting.length < MAX_WAITING)
      this.#waiting.push([type, data, id]);
    this.#flush();
  }

  /** A client-message. @returns {Promise<*>} the answer's d */
  request(t, d, timeoutMs = 10_000) {
    return new Promise((resolve, reject) => {
      const id = `request ${++this.#ids}`;
      const answer = (error, value) => {
        clearTimeout(timer);
        this.#requests.delete(id);
        if (error)
          reject(new Error(error));
        else
          resolve(value);
      };
      const timer = setTimeout(answer, timeoutMs, `no answer to "${t}"`);
      this.#requests.set(id, answer);
      this.send('client-message', { t, d }, id);
    });
  }

  /** Nothing is dispatched any more. */
  close() {
    this.#write('disconnect-bot', {});
    this.#channel = null;
    this.#waiting = [];
    this.#requests.forEach((answer) => answer('the call has ended'));
  }

  #flush() {
    const isFirst = () => this.#waiting[0]?.[1] === ABOUT;
    while (this.#channel?.readyState === 'open' && (isFirst() || this.#ready && this.#waiting[0]))
      this.#write(...this.#waiting.shift());
  }

  #write(type, data, id = String(++this.#ids)) {
    if (this.#channel?.readyState === 'open')
      this.#channel.send(JSON.stringify({ label: 'rtvi-ai', type, id, data }));
  }

  #receive(text) {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return; // not of this protocol
    }
    let type = String(message?.type);
    const detail = message?.data ?? {};
    const answer = this.#requests.get(message?.id);
    if (type === 'signalling' && message.message?.type === 'peerLeft')
      type = 'peer-left';
    else if (message?.label !== 'rtvi-ai')
      return;
    if (type === 'bot-ready') {
      this.#ready = true;
      this.#flush();
    } else if (type === 'server-response') {
      answer?.(null, detail.d);
    } else if (type === 'error-response') {
      answer?.(String(detail.error));
    }
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
