// The conversation as a list: what the user said, and of the agent's words those that were heard.

/** Text is set only as text: nothing a model or a caller says becomes markup. */
function element(name, className, text = '') {
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

  /** Exact figures may come after an interruption has ended the sentence. */
  update(heard, remaining, over) {
    this.#heard.textContent = heard.trim();
    this.#remaining = remaining.trim();
    this.#over ||= over;
    this.#render();
  }

  finish() {
    this.#over = true;
    this.#render();
  }

  #render() {
    this.#unheard.textContent = this.#over ? this.#remaining : '';
    const [heard, unheard] = [this.#heard.textContent, this.#unheard.textContent];
    this.#gap.data = heard && unheard ? ' ' : '';
    if (heard || unheard)
      this.#bubble.parentElement.hidden = false;
  }
}

export class Transcript {
  #list;
  #scroller;
  #empty;
  #segments = new Map(); // the call's sentences by segment id
  #agent = null; // the bubble of the reply that is being given
  #user = null; // the bubble of what the user is saying
  #userFinal = ''; // the part of it that will not change any more
  #typed = ''; // shown already, before the server says it again
  #atEnd = true; // the reader has not scrolled back

  /**
   * @param {HTMLOListElement} list
   * @param {HTMLElement} scroller what scrolls when the list grows
   * @param {HTMLElement} empty what is shown while there is nothing
   */
  constructor(list, scroller, empty) {
    this.#list = list;
    this.#scroller = scroller;
    this.#empty = empty;
    scroller.addEventListener('scroll', () => {
      this.#atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
    });
    // The keyboard of a phone makes the list shorter.
    new ResizeObserver(() => this.#keepAtEnd(() => {})).observe(scroller);
  }

  /** The call is over: what stands remains, and nothing of it changes any more. */
  close() {
    this.interrupted();
    this.#segments.clear();
    this.#agent = null;
    this.#endUser();
    this.#typed = '';
  }

  /** A line about the conversation, said by nobody. */
  note(text) {
    this.#keepAtEnd(() => {
      this.#empty.hidden = true;
      this.#list.append(element('li', 'note', text));
    });
  }

  /** What the user is saying; later transcripts replace what was not final. */
  userSaid(text, final) {
    this.#keepAtEnd(() => {
      const bubble = this.#userBubble();
      const whole = `${this.#userFinal} ${text}`.trim();
      bubble.textContent = whole;
      bubble.classList.toggle('interim', !final);
      if (final)
        this.#userFinal = whole;
    });
  }

  /** What the user typed. */
  userTyped(text) {
    this.#endUser();
    this.#userTurn(text);
    this.#typed = text;
  }

  /** The user's turn as the agent was given it. */
  userTurn(text) {
    if (!this.#user && text === this.#typed)
      this.#typed = '';
    else
      this.#userTurn(text);
  }

  /** @param {object} output data of RTVI's bot-output */
  agentOutput(output) {
    const completed = output.spoken_status === 'completed' || output.will_be_spoken === false;
    const { accumulated_text: heard, remaining_text: remaining } = output.spoken_progress ?? {
      accumulated_text: completed ? output.text : '',
      remaining_text: completed ? '' : output.text,
    };
    this.#keepAtEnd(() => this.#segment(output.segment_id ?? output.text)
      .update(heard ?? '', remaining ?? '', completed));
  }

  /** The user cut the agent short: what was announced and not heard will not be. */
  interrupted() {
    this.#keepAtEnd(() => {
      for (const segment of this.#segments.values())
        segment.finish();
    });
  }

  #segment(id) {
    let segment = this.#segments.get(id);
    if (!segment) {
      if (!this.#agent) {
        this.#endUser();
        this.#agent = this.#bubble('agent', 'Agent');
        this.#agent.parentElement.hidden = true; // until something of it is heard
      }
      segment = new Segment(this.#agent);
      this.#segments.set(id, segment);
    }
    return segment;
  }

  #userTurn(text) {
    this.#keepAtEnd(() => {
      this.#userBubble().textContent = text;
      this.#endUser();
    });
  }

  #userBubble() {
    if (!this.#user) {
      this.#agent = null;
      this.#user = this.#bubble('user', 'You');
    }
    return this.#user;
  }

  #endUser() {
    this.#user?.classList.remove('interim');
    this.#user = null;
    this.#userFinal = '';
  }

  #bubble(className, who) {
    this.#empty.hidden = true;
    const item = element('li', className);
    const body = element('span', 'text');
    item.append(element('span', 'who', who), body);
    this.#list.append(item);
    return body;
  }

  /** Scrolls along, unless the reader has scrolled back. */
  #keepAtEnd(change) {
    change();
    if (this.#atEnd)
      this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}
