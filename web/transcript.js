// The conversation as a list: what the user said, and of the agent's words those that were heard.
// It needs nothing of the page around it: the snippet shows it in its shadow root.

const LONGEST = 400; // entries; older ones go
const TOOL_STATUS = {
  started: 'working…', done: 'done', failed: 'failed', cancelled: 'cancelled',
};

/** Text is set only as text: nothing a model or a caller says becomes markup. */
export function element(name, className, text = '') {
  const node = document.createElement(name);
  if (className)
    node.className = className;
  node.textContent = text;
  return node;
}

/** One sentence of the agent: heard so far, and once it is over what was not heard of it. */
class Segment {
  #bubble;
  #heard = element('span', 'heard');
  #gap = document.createTextNode('');
  #unheard = element('del', 'unheard');
  #remaining = '';
  #over = false;

  /** @param {HTMLElement} bubble where the reply's sentences stand one after the other */
  constructor(bubble) {
    this.#bubble = bubble;
    this.#unheard.title = 'Not heard: the agent was interrupted';
    bubble.append(this.#heard, this.#gap, this.#unheard, ' ');
  }

  /**
   * Exact figures may come after an interruption has ended the sentence.
   * @returns {boolean} the sentence is over now and was not before
   */
  update(heard, remaining, over) {
    const first = over && !this.#over;
    this.#remaining = remaining.trim();
    this.#over ||= over;
    this.#render(heard.trim());
    return first;
  }

  /** @returns {boolean} see update() */
  finish() {
    return this.update(this.text, this.#remaining, true);
  }

  get text() {
    return this.#heard.textContent;
  }

  get cut() {
    return this.#over && this.#remaining !== '';
  }

  #render(heard) {
    const shown = this.text;
    if (!this.#over && heard.startsWith(shown)) { // new words fade in
      if (heard !== shown)
        this.#heard.append(element('span', 'word', heard.slice(shown.length)));
    } else if (this.#over || heard !== shown) {
      this.#heard.textContent = heard;
    }
    this.#unheard.textContent = this.#over ? this.#remaining : '';
    this.#gap.data = heard && this.cut ? ' ' : '';
    const item = this.#bubble.parentElement;
    if (heard || this.cut)
      item.hidden = false;
    if (this.cut)
      item.classList.add('cut');
  }
}

export class Transcript {
  #list;
  #scroller;
  #empty;
  #names;
  #announce;
  #segments = new Map(); // the call's sentences by segment id
  #tools = new Map(); // and its functions by call id
  #agent = null; // the bubble of the reply that is being given
  #user = null; // the bubble of what the user is saying
  #userFinal = ''; // the part of it that will not change any more
  #extra = null; // for the next reply
  #atEnd = true; // the reader has not scrolled back

  /**
   * @param {HTMLOListElement} list its items: li.user and li.agent > .who, .text > (.heard,
   *   del.unheard); li.tool; li.note
   * @param {{scroller: HTMLElement, empty?: HTMLElement, names?: {user: string, agent: string},
   *   announce?: (sentence: string) => void}} settings scroller: what scrolls when the list
   *   grows; empty: is hidden by the first entry; announce: called with every whole sentence, for
   *   a live region
   */
  constructor(list, { scroller, empty = null, names = {}, announce = () => {} }) {
    this.#list = list;
    this.#scroller = scroller;
    this.#empty = empty;
    this.#names = { user: 'You', agent: 'Agent', ...names };
    this.#announce = announce;
    scroller.addEventListener('scroll', () => {
      this.#atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
    });
    // The keyboard of a phone makes the list shorter.
    new ResizeObserver(() => this.#keepAtEnd(() => {})).observe(scroller);
  }

  /** Shows a conversation from now on. @param {EventTarget} conversation see conversation.js */
  follow(conversation) {
    const on = (type, handle) =>
      conversation.addEventListener(type, ({ detail }) => handle(detail));
    on('userText', ({ text, final }) => this.userSaid(text, final));
    on('userTurn', ({ text, typed }) => this.userTurn(text, typed));
    on('agentText', (output) => this.agentText(output));
    on('interrupted', () => this.interrupted());
    on('tool', (call) => this.tool(call));
    on('ended', () => this.close());
  }

  set agentName(name) {
    this.#names.agent = name;
  }

  /** The call is over: what stands remains, and nothing of it changes any more. */
  close() {
    this.interrupted();
    this.#segments.clear();
    this.#tools.clear();
    this.#agent = null;
    this.#endUser();
    this.#extra = null;
  }

  /** A line about the conversation, said by nobody. */
  note(text) {
    this.#agent = null;
    this.#keepAtEnd(() => this.#append(element('li', 'note', text)));
  }

  /** What the user is saying; later transcripts replace what was not final. */
  userSaid(text, final) {
    this.#keepAtEnd(() => {
      const bubble = this.#userBubble();
      const whole = `${this.#userFinal} ${text}`.trim();
      bubble.textContent = whole;
      bubble.parentElement.classList.toggle('interim', !final);
      if (final)
        this.#userFinal = whole;
    });
  }

  /** A turn of the user as the agent was given it. */
  userTurn(text, typed) {
    if (typed)
      this.#endUser();
    this.#keepAtEnd(() => {
      this.#userBubble().textContent = text;
      this.#endUser();
    });
    if (!typed)
      this.#announce(`${this.#names.user}: ${text}`);
  }

  /** @param {{segment, text, heard, remaining, status, spoken}} output see conversation.js */
  agentText({ segment: id, text, heard, remaining, status, spoken }) {
    const over = ['completed', 'interrupted'].includes(status) || spoken === false;
    if (spoken === false)
      [heard, remaining] = [text, ''];
    this.#keepAtEnd(() => {
      const segment = this.#segment(id ?? text);
      if (segment.update(heard ?? '', remaining ?? '', over))
        this.#say(segment);
    });
  }

  /** The user cut the agent short: what was announced and not heard will not be. */
  interrupted() {
    this.#keepAtEnd(() => {
      for (const segment of this.#segments.values()) {
        if (segment.finish())
          this.#say(segment);
      }
    });
  }

  /** A function the agent calls. @param {{id, name, status, arguments, result}} call */
  tool({ id, name, status, arguments: given, result }) {
    this.#keepAtEnd(() => {
      let item = this.#tools.get(id);
      if (!item) {
        this.#agent = null;
        item = element('li', 'tool');
        const details = element('details');
        details.append(element('summary'), element('pre'));
        details.firstChild.append(element('span', 'name', String(name).replaceAll('_', ' ')), ' ',
          element('span', 'status'));
        item.append(details);
        this.#tools.set(id, item);
        this.#append(item);
      }
      item.dataset.status = status;
      item.querySelector('.status').textContent = TOOL_STATUS[status] ?? status;
      const lines = [item.given ??= asText(given), asText(result)];
      item.querySelector('pre').textContent = lines.filter(Boolean).join('\n→ ');
    });
  }

  /** Puts something below the reply that is being given, or else the next one. */
  addToReply(node) {
    this.#extra = node;
    this.#keepAtEnd(() => this.#placeExtra());
  }

  #placeExtra() {
    const item = this.#agent?.parentElement;
    if (!item || !this.#extra || item.querySelector('.extra'))
      return;
    this.#extra.classList.add('extra');
    item.append(this.#extra);
    this.#extra = null;
  }

  #say(segment) {
    if (segment.text)
      this.#announce(`${this.#names.agent}: ${segment.text}${segment.cut ? ' – interrupted' : ''}`);
  }

  #segment(id) {
    let segment = this.#segments.get(id);
    if (!segment) {
      if (!this.#agent) {
        this.#endUser();
        this.#agent = this.#bubble('agent');
        this.#agent.parentElement.hidden = true; // until something of it is heard
        this.#placeExtra();
      }
      segment = new Segment(this.#agent);
      this.#segments.set(id, segment);
    }
    return segment;
  }

  #userBubble() {
    if (!this.#user) {
      this.#agent = null;
      this.#user = this.#bubble('user');
    }
    return this.#user;
  }

  #endUser() {
    this.#user?.parentElement.classList.remove('interim');
    this.#user = null;
    this.#userFinal = '';
  }

  #bubble(who) {
    const item = element('li', who);
    const body = element('span', 'text');
    item.append(element('span', 'who', this.#names[who]), body);
    this.#append(item);
    return body;
  }

  #append(item) {
    if (this.#empty)
      this.#empty.hidden = true;
    this.#list.append(item);
    if (this.#list.childElementCount > LONGEST)
      this.#list.firstElementChild.remove();
  }

  /** Scrolls along, unless the reader has scrolled back. */
  #keepAtEnd(change) {
    change();
    if (this.#atEnd)
      this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}

function asText(value) {
  return typeof value === 'string' ? value : JSON.stringify(value) ?? '';
}
