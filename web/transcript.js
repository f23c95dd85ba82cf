// The conversation as a list: what the user said, and what was heard of the agent.

/** Text is set only as text: nothing a model or a caller says becomes markup. */
export function element(name, className, text = '') {
  const node = document.createElement(name);
  if (className)
    node.className = className;
  node.textContent = text;
  return node;
}

/** One sentence of the agent. */
class Segment {
  #item;
  #heard = element('span', 'heard');
  #unheard = element('del', 'unheard');
  #remaining = '';
  over = false;

  constructor(bubble) {
    this.#item = bubble.parentElement;
    bubble.append(this.#heard, ' ', this.#unheard, ' ');
  }

  /** Exact figures may come after an interruption has ended the sentence. */
  update(heard, remaining, over) {
    const shown = this.#heard.textContent;
    this.#remaining = remaining.trim();
    this.over ||= over;
    if (!this.over && heard.startsWith(shown)) {
      if (heard !== shown) // new words fade in
        this.#heard.append(element('span', 'word', heard.slice(shown.length)));
    } else {
      this.#heard.textContent = heard;
    }
    this.#unheard.textContent = this.over ? this.#remaining : '';
    if (heard || this.#unheard.textContent)
      this.#item.hidden = false;
  }

  /** @returns {string} what a listener would say of it */
  finish() {
    const heard = this.#heard.textContent;
    this.update(heard, this.#remaining, true);
    return heard && this.#remaining ? `${heard} – interrupted` : heard;
  }
}

export class Transcript {
  #list;
  #scroller;
  #empty;
  #announce;
  #segments = new Map(); // sentences of this call by id
  #tools = new Map(); // where outcomes stand, by call id
  #agent = null; // the bubble of the reply that is being given
  #user = null; // the bubble of what the user is saying
  #userFinal = ''; // the part of it that will not change any more
  #extra = null; // for the next reply
  #atEnd = true; // the reader has not scrolled back
  #names = { user: 'You', agent: 'Agent' };

  /**
   * @param {HTMLOListElement} list gets li.user, li.agent, li.tool, li.note
   * @param {object} settings scroller; empty: hidden by the first entry; announce (sentence)
   */
  constructor(list, { scroller, empty, announce }) {
    this.#list = list;
    this.#scroller = scroller;
    this.#empty = empty;
    this.#announce = announce;
    let former = 0;
    scroller.addEventListener('scroll', () => {
      const { scrollTop: top, scrollHeight, clientHeight } = scroller;
      this.#atEnd = scrollHeight - top - clientHeight < 80 || this.#atEnd && top >= former;
      former = top;
    });
    // The keyboard of a phone makes the list shorter.
    new ResizeObserver(() => this.#scroll()).observe(scroller);
  }

  /** Shows a conversation from now on. */
  follow(conversation) {
    const on = (type, handle) => conversation.addEventListener(type, ({ detail }) => {
      handle(detail);
      this.#scroll();
    });
    on('userText', (text) => this.#userText(text));
    on('userTurn', (turn) => this.#userTurn(turn));
    on('agentText', (output) => this.#agentText(output));
    on('tool', (call) => this.#tool(call));
    on('interrupted', () => this.#finish());
    on('ended', () => {
      this.#finish();
      this.#segments.clear();
      this.#tools.clear();
      this.#endUser();
      this.#agent = this.#extra = null;
    });
  }

  set agentName(name) {
    this.#names.agent = name;
  }

  /** A line said by nobody. */
  note(text) {
    this.#append(element('li', 'note', text));
    this.#scroll();
  }

  /** Puts something below the reply that is being given, or else the next one. */
  addToReply(node) {
    this.#extra = node;
    this.#placeExtra();
    this.#scroll();
  }

  /** Later transcripts replace what was not final. */
  #userText({ text, final }) {
    const whole = `${this.#userFinal} ${text}`.trim();
    this.#userBubble().textContent = whole;
    this.#user.parentElement.classList.toggle('interim', !final);
    if (final)
      this.#userFinal = whole;
  }

  #userTurn({ text, typed }) {
    if (typed)
      this.#endUser();
    else
      this.#say('user', text);
    this.#userBubble().textContent = text;
    this.#endUser();
  }

  #userBubble() {
    return this.#user ??= this.#bubble('user');
  }

  #endUser() {
    this.#user?.parentElement.classList.remove('interim');
    this.#user = null;
    this.#userFinal = '';
  }

  #agentText({ segment: id, text, heard, remaining, status, spoken }) {
    if (!this.#segments.has(id)) {
      if (!this.#agent) {
        this.#endUser();
        this.#agent = this.#bubble('agent');
        this.#agent.parentElement.hidden = true; // until something of it is heard
        this.#placeExtra();
      }
      this.#segments.set(id, new Segment(this.#agent));
    }
    const segment = this.#segments.get(id);
    const ends = !spoken || status === 'completed' || status === 'interrupted';
    const first = ends && !segment.over;
    segment.update(spoken ? heard.trim() : text, spoken ? remaining : '', ends);
    if (first)
      this.#say('agent', segment.finish());
  }

  #finish() {
    for (const segment of this.#segments.values()) {
      if (!segment.over)
        this.#say('agent', segment.finish());
    }
  }

  #tool({ id, name, status, arguments: given }) {
    let outcome = this.#tools.get(id);
    if (!outcome) {
      const item = element('li', 'tool');
      const values = Object.values(given ?? {}).map(String).join(', ');
      outcome = element('span');
      item.append(element('b', '', name.replaceAll('_', ' ')), ` ${values} `, outcome);
      this.#append(item);
      this.#tools.set(id, outcome);
    }
    outcome.textContent = status === 'started' ? '…' : `– ${status}`;
  }

  #placeExtra() {
    const item = this.#agent?.parentElement;
    if (!item || !this.#extra || item.childElementCount > 2)
      return;
    item.append(this.#extra);
    this.#extra = null;
  }

  #say(who, text) {
    if (text)
      this.#announce?.(`${this.#names[who]}: ${text}`);
  }

  #bubble(who) {
    const item = element('li', who);
    const body = element('span', 'text');
    item.append(element('span', 'who', this.#names[who]), body);
    this.#append(item);
    return body;
  }

  #append(item) {
    this.#agent = null;
    if (this.#empty)
      this.#empty.hidden = true;
    this.#list.append(item);
  }

  #scroll() {
    if (this.#atEnd && this.#list.firstChild)
      this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}
