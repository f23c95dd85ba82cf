// The snippet's panel: state, what was said, meters, and what one can do. In the shadow root of
// <repartee-agent>, see repartee.js, which loads this when the button is pressed.

import { Conversation } from './conversation.js';
import './functions.js'; // loaded while there is a network
import { Meter } from './meters.js';
import './refusals.js';
import { Server } from './server.js';
import { Transcript } from './transcript.js';

const EVENTS = ['state', 'userText', 'userTurn', 'agentText', 'interrupted', 'metrics', 'tool',
  'silent', 'problem', 'quality', 'microphone', 'voice', 'ended'];
const STATES = {
  idle: 'Ready',
  asking: 'Please allow the microphone',
  connecting: 'Connecting…',
  listening: 'Listening',
  hearing: 'Hearing you',
  thinking: 'Thinking…',
  speaking: 'Speaking',
  reconnecting: 'Connection lost, reconnecting…',
  ended: 'Call ended',
  failed: 'Not connected',
};
// What a screen reader tells of the states; the others one hears.
const TOLD = ['asking', 'connecting', 'reconnecting', 'ended', 'failed'];
const NO_MICROPHONE = ['denied', 'no-microphone', 'microphone-busy', 'microphone', 'insecure',
  'unsupported-microphone'];
const NO_WAY_OUT = ['autoplay', 'origin', 'unsupported', 'forbidden'];

const ICONS = {
  talk: 'M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM5 11a7 7 0 0 0 14 0M12 18v3',
  muted: 'M9 9v2a3 3 0 0 0 5 2m1-3V6a3 3 0 0 0-6-.7M5 11a7 7 0 0 0 11 5.7M19 11a7 7 0 0 1-.4 2' +
    'M12 18v3M4 4l16 16',
  hangUp: 'M3 14c5-5 13-5 18 0l-2 3-4-2v-3q-3-1-6 0v3l-4 2z',
  send: 'M12 19V5m-6 6l6-6 6 6',
  close: 'M6 9l6 6 6-6',
};

/** Text is only set as text, attributes only to what stands here. */
function node(name, properties = {}, ...children) {
  const { role, label, ...others } = properties;
  const element = Object.assign(document.createElement(name), others);
  if (role)
    element.setAttribute('role', role);
  if (label)
    element.setAttribute('aria-label', label);
  element.append(...children);
  return element;
}

function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const path = svg.appendChild(document.createElementNS(svg.namespaceURI, 'path'));
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  path.setAttribute('d', ICONS[name]);
  return svg;
}

// The second of a double click would meet another button.
const button = (className, content, press, properties = {}) => node('button', {
  type: 'button', className, onclick: (event) => event.detail < 2 && press(), ...properties,
}, ...content);

/** Asks the site's own endpoint for an access token. */
async function fetchToken(url) {
  const response = await fetch(url, { cache: 'no-store', credentials: 'same-origin' });
  if (!response.ok)
    throw new Error(`error ${response.status}`);
  const { token } = await response.json();
  if (typeof token !== 'string')
    throw new Error('the answer holds no token');
  return token;
}

class Panel {
  /** @type {Conversation|null} the running or last one */
  conversation = null;
  #host;
  #root;
  #launcher;
  #inline;
  #server;
  #transcript;
  #isOpen = false;
  #asked = false; // for the agent's name
  #spoke = true; // in the last call
  #startedAt = 0;
  #clockTimer = 0;
  #wait = 0; // until one may try again
  #phone = matchMedia('(max-width: 30rem)');

  constructor(host, root, launcher) {
    this.#host = host;
    this.#root = root;
    this.#launcher = launcher;
    this.#inline = host.getAttribute('position') === 'inline';
    const tokenUrl = host.getAttribute('token-url');
    this.#server = new Server(host.getAttribute('server'),
      tokenUrl ? () => fetchToken(new URL(tokenUrl, document.baseURI)) :
        host.getAttribute('token'));
    this.#build();
    this.#transcript = new Transcript(this.list, {
      scroller: this.scroller, empty: this.welcome,
    });
    this.#show('idle');
  }

  get live() {
    return this.conversation !== null &&
      !['idle', 'ended', 'failed'].includes(this.conversation.state);
  }

  get #focused() {
    return this.#root.getRootNode().activeElement;
  }

  open() {
    this.#nameAgent();
    if (this.#isOpen)
      return;
    this.#isOpen = true;
    this.panel.hidden = this.backdrop.hidden = false;
    this.#launcher.hidden = true;
    this.#launcher.setAttribute('aria-expanded', 'true');
    if (!this.#inline && !this.#host.hasAttribute('open'))
      this.panel.focus();
    this.#host.dispatchEvent(new CustomEvent('repartee-open', { bubbles: true, composed: true }));
  }

  /** A call goes on; the button shows its state. */
  close() {
    if (!this.#isOpen || this.#inline)
      return;
    this.#isOpen = false;
    const hadFocus = this.#focused !== null;
    this.panel.hidden = this.backdrop.hidden = true;
    this.#launcher.hidden = false;
    this.#launcher.setAttribute('aria-expanded', 'false');
    if (hadFocus)
      this.#launcher.focus();
    this.#host.dispatchEvent(new CustomEvent('repartee-close', { bubbles: true, composed: true }));
  }

  /** @param {boolean} [speak] false: the user types */
  async start(speak = this.#host.getAttribute('microphone') !== 'off') {
    if (this.live)
      return;
    this.#tell(null);
    this.#spoke = speak;
    const conversation = this.#newConversation(speak);
    this.conversation = conversation;
    this.#transcript.follow(conversation);
    for (const type of EVENTS) {
      conversation.addEventListener(type, ({ detail }) => this.#host.dispatchEvent(
        new CustomEvent(`repartee-${type}`, { detail, bubbles: true, composed: true })));
    }
    const on = (type, handle) =>
      conversation.addEventListener(type, ({ detail }) => handle(detail));
    on('state', ({ state }) => this.#show(state));
    on('problem', ({ failure }) => this.#tell(failure));
    on('microphone', ({ stream }) => {
      this.userMeter.show(stream);
      this.#show(conversation.state);
    });
    on('voice', ({ stream }) => this.agentMeter.show(stream));
    on('ended', ({ failure }) => this.#ended(failure));
    await conversation.start().catch(() => {}); // "ended" has told
  }

  #newConversation(speak) {
    let data = null;
    try {
      data = JSON.parse(this.#host.getAttribute('request-data'));
    } catch {
      console.error('repartee: data-request-data is not JSON');
    }
    return new Conversation({
      server: this.#server,
      agent: this.#host.getAttribute('agent') || undefined,
      microphone: speak,
      functions: this.#host.functions,
      data: data ?? undefined,
      pushToTalk: this.#host.hasAttribute('push-to-talk'),
    });
  }

  #build() {
    this.welcome = node('div', { className: 'welcome' },
      this.about = node('p', { textContent: 'Speak as you would on the phone. You can interrupt ' +
        'at any time.' }));
    this.list = node('ol', { className: 'transcript' });
    this.scroller = node('div', { className: 'scroller', tabIndex: 0, role: 'group',
      label: 'What was said' }, this.welcome, this.list);
    this.state = node('p', { className: 'state' }, node('span', { className: 'lamp' }),
      this.stateText = node('span'), this.clock = node('span', { className: 'clock' }));
    this.title = node('h2', { id: 'title' });
    const head = node('header', {}, node('div', {}, this.title, this.state));
    if (!this.#inline) {
      head.append(this.minimise = button('plain', [icon('close')], () => this.close(),
        { label: 'Close' }));
    }
    this.problem = node('div', { className: 'problem', hidden: true },
      this.problemText = node('p', { role: 'alert' }), this.way = button('way', [], () => {}));
    const meters = node('div', { className: 'meters', ariaHidden: 'true' },
      this.userBars = node('span', { className: 'meter user' }),
      this.agentBars = node('span', { className: 'meter agent' }));
    this.userMeter = new Meter(this.userBars);
    this.agentMeter = new Meter(this.agentBars);
    this.talk = button('talk', [icon('talk'), this.talkText = node('span')],
      () => this.start());
    this.hold = this.#holdButton();
    this.mute = button('mute', [icon('talk'), 'Mute'],
      () => this.#setMuted(!this.conversation?.muted), { ariaPressed: 'false' });
    this.hangUp = button('hang-up', [icon('hangUp'), 'Hang up'],
      () => this.conversation?.hangUp());
    this.words = node('input', { id: 'words', type: 'text', maxLength: 2000, autocomplete: 'off',
      enterKeyHint: 'send', placeholder: 'Type instead of speaking',
      label: 'Type instead of speaking' });
    const form = node('form', { onsubmit: (event) => this.#submit(event) }, this.words,
      node('button', { type: 'submit', className: 'send', label: 'Send' }, icon('send')));
    this.told = node('p', { className: 'told', role: 'status' });
    this.panel = node('section', { className: 'panel', tabIndex: -1, hidden: true,
      role: this.#inline ? 'region' : 'dialog', onkeydown: (event) => this.#key(event) },
    head, this.scroller, this.problem,
    node('div', { className: 'controls' }, meters, this.hold, node('div', { className: 'buttons' },
      this.talk, this.mute, this.hangUp)), form, this.told);
    this.panel.setAttribute('aria-labelledby', 'title');
    this.backdrop = node('div', { className: 'backdrop', hidden: true,
      onclick: () => this.close() });
    this.#root.append(this.backdrop, this.panel);
    this.title.textContent = this.#host.getAttribute('label') || 'Talk to us';
    const modal = () => this.panel.setAttribute('aria-modal', String(this.#phone.matches));
    if (!this.#inline) {
      this.#launcher.setAttribute('aria-haspopup', 'dialog');
      this.#phone.addEventListener('change', modal);
      modal();
    }
  }

  #holdButton() {
    // Assistive technology cannot hold a button: it clicks to talk, and again to stop.
    const hold = button('hold', ['Hold to talk'], null, { ariaPressed: 'false',
      onclick: ({ detail }) => detail || set(!this.conversation?.talking) });
    const set = (talking) => {
      if (this.conversation)
        this.conversation.talking = talking;
      hold.ariaPressed = String(talking);
    };
    hold.addEventListener('pointerdown', (event) => {
      hold.setPointerCapture(event.pointerId);
      set(true);
    });
    for (const type of ['pointerup', 'pointercancel', 'blur'])
      hold.addEventListener(type, () => set(false));
    for (const type of ['keydown', 'keyup']) {
      hold.addEventListener(type, (event) => {
        if ([' ', 'Enter'].includes(event.key)) {
          event.preventDefault();
          set(type === 'keydown');
        }
      });
    }
    return hold;
  }

  /** The agent's title and what it is there for. */
  async #nameAgent() {
    if (this.#asked)
      return;
    this.#asked = true;
    try {
      const list = await this.#server.agents();
      const name = this.#host.getAttribute('agent') || list.default;
      const agent = list.agents.find((other) => other.name === name);
      if (!agent)
        return; // the call itself tells
      this.title.textContent = String(agent.title || name);
      this.#transcript.agentName = String(agent.title || 'Agent');
      if (agent.description)
        this.about.textContent = String(agent.description);
    } catch (failure) {
      this.#asked = false;
      if (!this.live && this.conversation === null)
        this.#tell(failure);
    }
  }

  #show(state) {
    const { live } = this;
    const before = this.#root.dataset.state;
    this.#root.dataset.state = state;
    this.#root.classList.toggle('live', live);
    this.stateText.textContent = STATES[state];
    if (TOLD.includes(state) || before === 'connecting')
      this.told.textContent = state === 'listening' ? 'Connected' : STATES[state];
    const hasMicrophone = Boolean(this.conversation?.microphone);
    const focused = this.#focused;
    this.talk.hidden = live;
    this.talkText.textContent = this.list.childElementCount > 0 ? 'Talk again' : 'Talk';
    this.hangUp.hidden = !live;
    this.mute.hidden = !live || !hasMicrophone;
    this.hold.hidden = !live || !hasMicrophone || !this.conversation.pushToTalk;
    this.userBars.parentElement.hidden = !live;
    if (focused?.hidden) // the button that was pressed
      (live ? this.hangUp : this.talk).focus();
    this.#showOnLauncher(live, state);
    this.#runClock(live && !['asking', 'connecting'].includes(state));
  }

  #showOnLauncher(live, state) {
    const label = this.#host.getAttribute('label') || 'Talk to us';
    this.#launcher.lastChild.textContent = live ? STATES[state] : label;
    if (live)
      this.#launcher.setAttribute('aria-label', `${label}: the call is on`);
    else
      this.#launcher.removeAttribute('aria-label');
    this.minimise?.setAttribute('aria-label', live ? 'Minimise; the call goes on' : 'Close');
  }

  #runClock(on) {
    if (on === (this.#clockTimer !== 0))
      return;
    clearInterval(this.#clockTimer);
    this.#clockTimer = 0;
    if (!on)
      return;
    this.#startedAt = Date.now();
    const tick = () => {
      const s = Math.round((Date.now() - this.#startedAt) / 1000);
      this.clock.textContent = `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
    };
    tick();
    this.#clockTimer = setInterval(tick, 1_000);
  }

  /** @param {Failure|null} failure in words, and what to do about it */
  #tell(failure) {
    this.problem.hidden = !failure;
    this.problem.dataset.kind = failure?.kind ?? '';
    this.problemText.textContent = failure?.message ?? '';
    this.way.hidden = !failure || this.live || NO_WAY_OUT.includes(failure.kind);
    this.talk.hidden = this.live;
    clearTimeout(this.#wait);
    if (!failure || this.way.hidden)
      return;
    if (NO_MICROPHONE.includes(failure.kind)) {
      this.#offer('Type instead', () => this.words.focus());
      return;
    }
    const again = failure.kind === 'server-restarted' ? 'Begin anew' : 'Try again';
    this.#offer(again, () => this.start(this.#spoke), failure.retryAfter || 0);
    if (this.#focused === this.talk)
      (this.way.disabled ? this.panel : this.way).focus();
    this.talk.hidden = true; // it would do the same
  }

  /** @param {number} [wait] seconds until it may be done */
  #offer(text, act, wait = 0) {
    this.way.textContent = wait > 0 ? `${text} in ${wait} s` : text;
    this.way.disabled = wait > 0;
    this.way.onclick = act;
    if (wait > 0)
      this.#wait = setTimeout(() => this.#offer(text, act, wait - 1), 1_000);
  }

  #ended(failure) {
    this.userMeter.show(null);
    this.agentMeter.show(null);
    this.#setMuted(false);
    this.#show(failure ? 'failed' : 'ended');
    this.#tell(failure);
    if (!failure && this.list.childElementCount > 0)
      this.#transcript.note('Call ended');
  }

  #setMuted(muted) {
    if (this.conversation)
      this.conversation.muted = muted;
    this.mute.ariaPressed = String(muted);
    this.mute.replaceChildren(icon(muted ? 'muted' : 'talk'), muted ? 'Muted' : 'Mute');
  }

  #submit(event) {
    event.preventDefault();
    const text = this.words.value.trim();
    if (!text)
      return;
    this.words.value = '';
    if (!this.live)
      this.start(false); // who types first may want no microphone
    this.conversation.sendText(text);
  }

  #key(event) {
    if (event.key === 'Escape' && !this.#inline) {
      event.stopPropagation();
      this.close();
    } else if (event.key === 'Tab' && !this.#inline && this.#phone.matches) {
      this.#keepFocus(event);
    }
  }

  /** The sheet covers the page: focus stays on it. */
  #keepFocus(event) {
    const places = [...this.panel.querySelectorAll('button, input, summary, [tabindex="0"]')]
      .filter((place) => !place.disabled && place.checkVisibility());
    const focused = this.#focused;
    const [from, to] = event.shiftKey ? [places[0], places.at(-1)] : [places.at(-1), places[0]];
    if (focused === from || event.shiftKey && focused === this.panel) {
      event.preventDefault();
      to.focus();
    }
  }
}

/**
 * @param {HTMLElement} host the <repartee-agent>
 * @param {HTMLElement} root in its shadow tree
 * @param {HTMLButtonElement} launcher shows the state while the panel is away
 * @returns {Promise<Panel>}
 */
export async function createPanel(host, root, launcher) {
  // Not <link> or <style>: this way the site's policy needs nothing but connect-src for the server.
  const response = await fetch(new URL('widget.css', import.meta.url));
  if (!response.ok)
    throw new Error(`widget.css: error ${response.status}`);
  const sheet = new CSSStyleSheet();
  await sheet.replace(await response.text());
  root.getRootNode().adoptedStyleSheets.push(sheet);
  return new Panel(host, root, launcher);
}
