// One call turn by turn: who spoke when, interruptions, tools, and what each turn's time went into.

import { shape } from './charts.js';
import { draw, legend, median, ms, split } from './latency.js';
import { element } from './transcript.js';

const LANE = 30;
const GAP = 8;
const TOP = 26; // for marks
const BOTTOM = 22; // for the times
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
const LABEL_PX = 64; // between two times
const WIDEST_PX = 30_000; // browsers draw no more

const MARKS = {
  connected: ['Connected', 'good'],
  disconnected: ['Connection lost', 'danger'],
  reconnected: ['Connected again', 'good'],
  restart: ['The client makes another connection', 'think'],
  ice_restart: ['The client looks for another path (ICE restart)', 'think'],
  worker_lost: ['The worker was lost', 'danger'],
  worker_replaced: ['Another worker took over', 'good'],
  interrupted: ['Interrupted', 'danger'],
  silent: ['The agent stays silent', 'quiet'],
  ended: ['Ended', 'quiet'],
};

const NAMES = { user: 'User', agent: 'Agent', tool: 'Tools' };

/** 1:02 or 1:02:03 of ms since the call began. */
export function offset(value) {
  const s = Math.floor(value / 1000);
  const two = (n) => String(n).padStart(2, '0');
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

const seconds = (value) => `${(value / 1000).toFixed(1)} s`;

export class CallTimeline {
  #call;
  #zoom = 1; // 1: all of it fits
  #follow = true; // the end stays in sight
  #shown = ''; // what the turns' list is made of

  constructor() {
    this.root = element('div', 'timeline');
    this.scroller = element('div', 'lanes');
    this.scroller.tabIndex = 0;
    this.scroller.setAttribute('role', 'group');
    this.scroller.setAttribute('aria-label', 'Timeline');
    this.svg = shape('svg', { role: 'img' });
    this.scroller.append(this.svg);
    this.scroller.addEventListener('scroll', () => {
      const { scrollLeft, scrollWidth, clientWidth } = this.scroller;
      this.#follow = scrollLeft + clientWidth > scrollWidth - 8;
    });
    this.turns = element('ol', 'turns');
    this.marks = element('ul', 'marks');
    this.key = element('ul', 'legend');
    this.labels = element('div', 'labels');
    this.labels.setAttribute('aria-hidden', 'true');
    this.typical = element('div', 'typical');
    this.typical.append(element('h3', '', 'Turns'), element('span', 'hint', 'Median, and what each part added:'), this.key);
    const lanes = element('div', 'lanes-row');
    lanes.append(this.labels, this.scroller);
    this.root.append(this.#controls(), lanes, this.typical, this.turns,
      element('h3', '', 'What happened'), this.marks);
    new ResizeObserver(() => this.#drawLanes()).observe(this.scroller);
  }

  #controls() {
    const row = element('div', 'tools-row');
    const keys = element('ul', 'keys');
    for (const [tone, name] of [['user', 'User'], ['agent', 'Agent'], ['cut', 'Interrupted'], ['tool', 'Tool']]) {
      const item = element('li');
      item.append(element('i', `swatch tone-${tone}`), name);
      keys.append(item);
    }
    const zoom = element('div', 'zoom');
    for (const [text, name, factor] of [['−', 'Zoom out', 0.5], ['+', 'Zoom in', 2], ['Fit', 'Fit: show all of it', 0]]) {
      const button = element('button', '', text);
      button.type = 'button';
      button.setAttribute('aria-label', name);
      button.addEventListener('click', () => {
        this.#zoom = factor ? Math.max(1, Math.min(64, this.#zoom * factor)) : 1;
        this.#drawLanes();
      });
      zoom.append(button);
    }
    row.append(keys, zoom);
    return row;
  }

  /** @param {object} call of /stats/calls/{id} */
  update(call) {
    this.#call = call;
    this.#drawLanes();
    const shown = JSON.stringify([call.id, call.turns, call.tools, call.marks]);
    if (shown === this.#shown)
      return;
    this.#shown = shown;
    this.#listTurns();
    this.#listMarks();
  }

  /* --- the lanes --- */

  #drawLanes() {
    const call = this.#call;
    const room = this.scroller.clientWidth;
    if (!call || room < 50)
      return;
    const total = Math.max(1000, call.age_s * 1000);
    const width = Math.round(Math.min(WIDEST_PX, room * this.#zoom));
    const x = (at) => Math.min(at, total) / total * (width - 16) + 8;
    const lanes = call.tools.length > 0 ? ['user', 'agent', 'tool'] : ['user', 'agent'];
    const height = TOP + lanes.length * (LANE + GAP) + BOTTOM;
    const y = (lane) => TOP + lanes.indexOf(lane) * (LANE + GAP);
    this.labels.replaceChildren(...lanes.map((lane) => element('span', '', NAMES[lane])));
    this.svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.svg.setAttribute('width', width);
    this.svg.setAttribute('height', height);
    this.svg.setAttribute('aria-label', `${offset(total)} with ${call.turns.length} turns; ` +
      'the list below has the same in words.');
    this.svg.replaceChildren(
      ...this.#times(total, width, height, x),
      ...lanes.map((lane) => shape('rect', { class: 'lane', x: 0, y: y(lane), width, height: LANE, rx: 6 })),
      ...call.marks.map((mark) => this.#mark(mark, x(mark.at_ms), height)),
      ...call.spans.map((span) => this.#span(span, x, y(span.who), total)),
      ...call.tools.map((tool) => this.#tool(tool, x, y('tool'), total)));
    if (this.#follow && !call.ended)
      this.scroller.scrollLeft = width;
  }

  #times(total, width, height, x) {
    const nodes = [];
    const step = (STEPS_S.find((s) => s * 1000 / total * width >= LABEL_PX) ?? 7200) * 1000;
    for (let at = 0; at <= total; at += step) {
      const label = shape('text', { class: 'axis', x: x(at), y: height - 6, 'text-anchor': at ? 'middle' : 'start' });
      label.textContent = offset(at);
      nodes.push(shape('line', { class: 'grid', x1: x(at), x2: x(at), y1: TOP - 4, y2: height - BOTTOM }));
      if (x(at) < width - 20 || at === 0)
        nodes.push(label);
    }
    return nodes;
  }

  #span({ who, from_ms: from, to_ms: to, interrupted }, x, y, total) {
    const until = to ?? total;
    const width = Math.max(2, x(until) - x(from));
    const group = shape('g', { class: `tone-${who}` });
    const box = shape('rect', { class: to === null ? 'span open' : 'span', x: x(from), y: y + 4, width, height: LANE - 8, rx: Math.min(4, width / 2) });
    group.append(titled(box, `${who === 'user' ? 'User' : 'Agent'} ${offset(from)}, ${seconds(until - from)}` +
      `${interrupted ? ', interrupted' : ''}${to === null ? ', goes on' : ''}`));
    if (interrupted)
      group.append(shape('rect', { class: 'tone-cut span', x: x(until) - 2, y: y, width: 4, height: LANE, rx: 2 }));
    return group;
  }

  #tool({ name, status, from_ms: from, to_ms: to }, x, y, total) {
    const until = to ?? total;
    const group = shape('g', { class: `tone-tool tool-${status}` });
    const box = shape('rect', { class: 'span', x: x(from), y: y + 4, width: Math.max(4, x(until) - x(from)), height: LANE - 8, rx: 2 });
    group.append(titled(box, `${name}: ${status}, ${ms(until - from)}`));
    return group;
  }

  #mark({ at_ms: at, kind, text }, x, height) {
    const [name, tone] = MARKS[kind] ?? [kind, 'quiet'];
    const group = shape('g', { class: `mark tone-${tone}` });
    group.append(
      shape('line', { x1: x, x2: x, y1: 14, y2: height - BOTTOM }),
      titled(shape('path', { class: 'flag', d: `M${x} 16l-5-6v-6h10v6z` }),
        `${offset(at)} ${name}${text ? `: ${text}` : ''}`));
    return group;
  }

  /* --- in words --- */

  #listTurns() {
    const { turns, tools, dropped } = this.#call;
    const items = turns.map((turn) => this.#turn(turn, tools.filter((tool) => tool.turn === turn.n)));
    if (dropped.turns > 0)
      items.unshift(element('li', 'hint', `${dropped.turns} earlier turns are no longer kept.`));
    if (items.length === 0)
      items.push(element('li', 'nothing', 'Nobody has said anything to the agent yet.'));
    this.turns.replaceChildren(...items);
    const times = turns.map((turn) => split(turn, null)).filter(Boolean);
    this.typical.hidden = times.length === 0;
    if (times.length > 0)
      legend(this.key, median(times));
  }

  #turn(turn, tools) {
    const item = element('li', 'turn');
    const head = element('div', 'turn-head');
    head.append(element('b', '', `Turn ${turn.n}`), element('span', 'hint', offset(turn.at_ms)),
      element('span', 'hint', turn.typed ? 'typed' : `spoke ${seconds(turn.user_to_ms - turn.user_from_ms)}`));
    if (turn.barge_in_stop_ms !== null)
      head.append(badge(`barge-in ${ms(turn.barge_in_stop_ms)}`, 'user'));
    const bar = element('div', 'turn-bar');
    const times = split(turn, null);
    if (times)
      bar.append(partsOf(turn, times));
    else
      bar.append(element('span', 'hint', turn.agent_from_ms === null ? 'no answer was heard' :
        `answered after ${ms(Math.max(0, turn.agent_from_ms - turn.at_ms))}`));
    const answer = element('div', 'turn-answer');
    if (turn.agent_from_ms !== null)
      answer.append(element('span', 'hint', turn.agent_to_ms === null ? 'answering' :
        `answered ${seconds(turn.agent_to_ms - turn.agent_from_ms)}`));
    if (turn.interrupted)
      answer.append(badge('cut by the user', 'danger'));
    for (const { name, status, from_ms: from, to_ms: to } of tools)
      answer.append(badge(`${name}: ${status}${to === null ? '' : `, ${to > from ? ms(to - from) : 'at once'}`}`,
        status === 'failed' ? 'danger' : 'tool'));
    item.append(head, bar, answer);
    return item;
  }

  #listMarks() {
    this.marks.replaceChildren(...this.#call.marks.map(({ at_ms: at, kind, text }) => {
      const [name, tone] = MARKS[kind] ?? [kind, 'quiet'];
      const item = element('li');
      item.append(element('span', 'hint', offset(at)), element('i', `swatch tone-${tone}`),
        element('span', 'words', text ? `${name}: ${text}` : name));
      return item;
    }));
  }
}

/** The bar shows what each part added; behind it is what was measured, which overlaps. */
function partsOf(turn, times) {
  const details = element('details');
  const measured = [['end of turn', turn.turn_decision_ms], ['speech to text', turn.stt_ms],
    ['brain', turn.llm_ttft_ms], ['text to speech', turn.tts_ttfa_ms]]
    .map(([name, value]) => `${name} ${value === null ? '–' : ms(value)}`).join(', ');
  details.append(draw(element('summary'), times), legend(element('ul', 'legend'), times),
    element('p', 'hint', `As measured: ${measured}. They overlap.`));
  return details;
}

function badge(text, tone) {
  return element('span', `badge tone-${tone}`, text);
}

function titled(node, text) {
  const title = shape('title');
  title.textContent = text;
  node.append(title);
  return node;
}
