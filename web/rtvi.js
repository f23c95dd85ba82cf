// RTVI 2.1 over a data channel, and the two messages of the Pipecat transport beside it.

const LABEL = 'rtvi-ai';
const VERSION = '2.1.0';

/**
 * Speaks RTVI on a data channel. It dispatches one CustomEvent per message: its type is the
 * message's, its detail the message's data; and "peer-left" when the agent has gone.
 */
export class Rtvi extends EventTarget {
  #channel;
  #ids = 0;

  /** @param {RTCDataChannel} channel */
  constructor(channel) {
    super();
    this.#channel = channel;
    channel.addEventListener('message', ({ data }) => this.#receive(data));
  }

  get open() {
    return this.#channel.readyState === 'open';
  }

  ready() {
    this.#send('client-ready', {
      version: VERSION,
      about: { library: 'repartee-web', library_version: '0.1.0' },
    });
  }

  /** What the user typed; the agent stops speaking and answers. */
  text(content) {
    this.#send('send-text', {
      content,
      options: { run_immediately: true, audio_response: true },
    });
  }

  goodbye() {
    this.#send('disconnect-bot', {});
  }

  #send(type, data) {
    if (!this.open)
      return;
    this.#ids += 1;
    this.#channel.send(JSON.stringify({ label: LABEL, type, id: String(this.#ids), data }));
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
    } else if (message?.label === LABEL && typeof message.type === 'string') {
      this.dispatchEvent(new CustomEvent(message.type, { detail: message.data ?? {} }));
    }
  }
}
