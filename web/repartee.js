// Repartee in any page. One tag puts a button there:
//   <script type="module" src="https://SERVER/repartee.js" data-agent="reception"></script>
// As a module it gives connect(), Conversation, Failure, listAgents() and <repartee-agent>.
// Options, events and attributes are described in repartee.d.ts.

// What a tag may say with data-…, and <repartee-agent> as attributes.
const ATTRIBUTES = ['agent', 'label', 'color', 'theme', 'position', 'open', 'token', 'token-url',
  'request-data', 'push-to-talk', 'microphone'];
// The last two also when a network is lost later.
const MODULES = ['conversation.js', 'failures.js', 'server.js', 'functions.js', 'refusals.js'];

const camel = (name) => name.replaceAll(/-(.)/g, (_, letter) => letter.toUpperCase());

// A module has no document.currentScript: its tags are those with its address.
const tags = [...document.querySelectorAll('script[type="module"][src]')].filter((tag) =>
  tag.src === import.meta.url &&
  [...ATTRIBUTES, 'target'].some((name) => camel(name) in tag.dataset));

export let Conversation, Failure;
let Server;

async function load() {
  const modules = await Promise.all(MODULES.map((name) => import(`./${name}`)));
  ({ Conversation, Failure, Server } = Object.assign({}, ...modules));
}

// Who imports gets everything; a visitor who never presses the button loads only this file.
if (tags.length === 0)
  await load();

/**
 * @param {{server?: string, token?: string | (() => Promise<string>)}} [options]
 * @returns {Promise<{agents: {name, title, description}[], default: string}>} rejects with a Failure
 */
export async function listAgents({ server, token } = {}) {
  await load();
  return new Server(server, token).agents();
}

/**
 * Calls an agent.
 * @param {import('./repartee').Options} [options]
 * @returns {Promise<Conversation>} when the agent is there; rejects with a Failure
 */
export async function connect(options) {
  await load();
  const conversation = new Conversation(options);
  await conversation.start();
  return conversation;
}

// "!important" in a shadow tree is stronger than anything the site says about the host, and the
// variables are set where no rule of the site reaches.
const STYLE = `
:host {
  all: initial !important;
  display: block !important;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans",
    sans-serif !important;
  position: fixed !important;
  z-index: 2147483000 !important;
}
:host([position="inline"]) { position: relative !important; z-index: 0 !important }
:host(:not([position="inline"])) { bottom: 20px !important; right: 20px !important }
:host([position$="left"]) { left: 20px !important; right: auto !important }
:host([position^="top"]) { bottom: auto !important; top: 20px !important }
:host([hidden]), [hidden] { display: none !important }
.root {
  --accent: #0b6e63; --accent-strong: #08564d; --accent-ink: #fff; --focus: #2257c5;
  --ring: #fff; --tone: #fff;
  --shadow: 0 1px 2px rgb(20 32 29 / 12%), 0 8px 24px rgb(20 32 29 / 18%);
  color-scheme: light;
}
.root.dark {
  --accent: #58c9b9; --accent-strong: #7fdccf; --accent-ink: #06201c; --focus: #86b4ff;
  --ring: #0e1413; color-scheme: dark;
}
.launcher {
  align-items: center; background: var(--accent); border: 0; border-radius: 99px;
  box-shadow: var(--shadow); color: var(--accent-ink); cursor: pointer; display: flex;
  font: inherit; font-weight: 600; gap: 10px; margin: 0; min-height: 56px; padding: 0 22px 0 18px;
}
.launcher:hover { background: var(--accent-strong) }
.launcher:focus-visible { outline: 3px solid var(--focus); outline-offset: 3px;
  box-shadow: 0 0 0 3px var(--ring) }
.launcher svg { fill: none; height: 24px; stroke: currentColor; stroke-linecap: round;
  stroke-width: 1.8; width: 24px }
:host::backdrop { display: none !important }
@media print { :host { display: none !important } }
`;

/** Black or white, whichever is legible on the colour. */
function inkOn(color, root) {
  // Mixed, a colour of any kind is told as color(srgb …), each part 0 to 1.
  root.style.setProperty('color', `color-mix(in srgb, ${color}, ${color})`);
  const [r, g, b] = getComputedStyle(root).color.match(/-?[\d.]+(e-?\d+)?/g)?.map(Number) ?? [];
  root.style.removeProperty('color');
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const luminance = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  return luminance > 0.179 ? '#000' : '#fff';
}

function icon() {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const path = svg.appendChild(document.createElementNS(svg.namespaceURI, 'path'));
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  path.setAttribute('d',
    'M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM5 11a7 7 0 0 0 14 0M12 18v3');
  return svg;
}

/** The button with its panel, which is loaded when it is wanted. */
class ReparteeAgent extends HTMLElement {
  static observedAttributes = ['label', 'color', 'theme'];

  /** What the agent may call in this page. @type {Object<string, (args: object) => *>} */
  functions = {};
  #root = document.createElement('div');
  #launcher = document.createElement('button');
  #text = document.createElement('span');
  #dark = matchMedia('(prefers-color-scheme: dark)');
  #panel = null;
  #restyle = () => this.#style();

  constructor() {
    super();
    const shadow = this.attachShadow({ mode: 'open' });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    shadow.adoptedStyleSheets = [sheet];
    this.#root.className = 'root';
    this.#launcher.className = 'launcher';
    this.#launcher.type = 'button';
    this.#launcher.append(icon(), this.#text);
    this.#launcher.addEventListener('click', () => this.#press());
    this.#root.append(this.#launcher);
    shadow.append(this.#root);
  }

  connectedCallback() {
    this.#dark.addEventListener('change', this.#restyle);
    this.#style();
    // In the top layer it is above everything, and what the site does to <html> does not move it.
    if (this.getAttribute('position') !== 'inline' && this.showPopover) {
      this.popover = 'manual';
      this.showPopover();
    }
    if (this.getAttribute('position') === 'inline' || this.hasAttribute('open'))
      this.open();
  }

  disconnectedCallback() {
    this.#dark.removeEventListener('change', this.#restyle);
    this.conversation?.hangUp();
  }

  attributeChangedCallback() {
    this.#style();
  }

  /** The running or last conversation. @returns {Conversation|null} */
  get conversation() {
    return this.panel?.conversation ?? null;
  }

  /** Shows the panel. */
  async open() {
    (await this.#load()).open();
  }

  /** Hides the panel; a call goes on. */
  close() {
    this.panel?.close();
  }

  /** Shows the panel and calls the agent, as the button does. */
  async start() {
    const panel = await this.#load();
    if (!this.isConnected)
      return; // taken away meanwhile: nobody could hang up
    panel.open();
    await panel.start();
  }

  hangUp() {
    this.conversation?.hangUp();
  }

  async #load() {
    this.#panel ??= import('./widget.js').then(({ createPanel }) =>
      createPanel(this, this.#root, this.#launcher)).then((panel) => { this.panel = panel; });
    try {
      await this.#panel;
    } catch (error) {
      this.#panel = null; // the network may be back the next time
      this.#text.textContent = 'Not available now';
      throw error;
    }
    return this.panel;
  }

  async #press() {
    this.#text.textContent = this.#label;
    this.#launcher.setAttribute('aria-busy', 'true');
    const live = this.panel?.live;
    await (live ? this.open() : this.start()).catch((error) => console.warn('repartee:', error));
    this.#launcher.removeAttribute('aria-busy');
  }

  get #label() {
    return this.getAttribute('label') || 'Talk to us';
  }

  #style() {
    const theme = this.getAttribute('theme');
    const color = this.getAttribute('color');
    const { style, classList } = this.#root;
    if (!this.panel?.live)
      this.#text.textContent = this.#label;
    classList.toggle('dark', theme === 'dark' || theme !== 'light' && this.#dark.matches);
    for (const name of ['--accent', '--accent-strong', '--accent-ink'])
      style.removeProperty(name);
    if (color && CSS.supports('color', color) && this.isConnected) {
      const ink = inkOn(color, this.#root);
      style.setProperty('--accent', color);
      style.setProperty('--accent-ink', ink);
      style.setProperty('--accent-strong',
        `color-mix(in srgb, ${color} 82%, ${ink === '#fff' ? 'black' : 'white'})`);
    }
  }
}

if (!customElements.get('repartee-agent'))
  customElements.define('repartee-agent', ReparteeAgent);

function find(selector) {
  try {
    return document.querySelector(selector);
  } catch {
    return null; // not a selector
  }
}

function mount(tag) {
  const element = document.createElement('repartee-agent');
  for (const name of ATTRIBUTES) {
    if (camel(name) in tag.dataset)
      element.setAttribute(name, tag.dataset[camel(name)]);
  }
  const { target } = tag.dataset;
  const place = target ? find(target) : document.documentElement;
  if (!place) {
    console.error(`repartee: data-target="${target}" matches nothing on this page`);
    return;
  }
  if (target)
    element.setAttribute('position', 'inline');
  // The element may be that of another server's snippet on the same page.
  element.setAttribute('server', new URL('.', import.meta.url));
  place.append(element); // beside the body: whatever is done to that, the button stands still
}

const mountAll = () => tags.forEach(mount);
if (document.readyState === 'loading')
  document.addEventListener('DOMContentLoaded', mountAll);
else
  mountAll();
