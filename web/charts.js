// Charts of the last hour: SVG of our own, with a cursor for pointer and keyboard and a table for
// those who want numbers.

import { element } from './transcript.js';

const SVG = 'http://www.w3.org/2000/svg';
// What is shown of the hour while the server is younger, and how far apart times then are.
const WINDOWS_S = [[300, 60], [600, 120], [1200, 300], [1800, 300], [3600, 900]];
const HEIGHT = 168;
const TOP = 10;
const BOTTOM = 22; // for the times
const LEFT = 52; // for the units
const RIGHT = 8;
// Points further apart are not joined: nothing was measured between them.
const JOIN_S = 15;
const SPARK_JOIN_S = 70;

export function shape(name, attributes = {}) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes))
    node.setAttribute(key, value);
  return node;
}

const CLOCK = new Intl.DateTimeFormat([], { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const SECONDS = new Intl.DateTimeFormat([],
  { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
export const clock = (unixS, exact = false) =>
  (exact ? SECONDS : CLOCK).format(new Date(unixS * 1000));

/** 1, 2 or 5 times a power of ten: the step of about `n` gridlines up to `max`. */
function niceStep(max, n) {
  const power = 10 ** Math.floor(Math.log10(max / n));
  return [1, 2, 5, 10].map((m) => m * power).find((step) => max / step <= n);
}

/** Pieces of a line: lists of [x, y], cut where nothing was measured. */
function pieces(points, value, x, y, join = JOIN_S) {
  const lines = [];
  let last = -Infinity;
  for (const point of points) {
    const v = value(point);
    if (v === null || v === undefined)
      continue;
    if (point.t - last > join)
      lines.push([]);
    lines.at(-1).push([x(point.t), y(v)]);
    last = point.t;
  }
  return lines;
}

const path = (line) => line.map(([x, y], i) => `${i ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`)
  .join('');

/** How much time to show, and the distance of its ticks: all there is. @returns {[number, number]} */
function windowOf(points) {
  const seconds = points.length ? points.at(-1).t - points[0].t : 0;
  return WINDOWS_S.find(([window]) => window >= seconds) ?? WINDOWS_S.at(-1);
}

/** The mean of every minute: a tile has no room for more. @returns {{t: number, v: number|null}[]} */
function minutes(points, value) {
  const groups = Map.groupBy(points, ({ t }) => Math.floor(t / 60));
  return [...groups.values()].map((group) => {
    const values = group.map(value).filter((v) => v !== null && v !== undefined);
    return {
      t: group.at(-1).t,
      v: values.length ? values.reduce((sum, v) => sum + v, 0) / values.length : null,
    };
  });
}

/** A small line without axes, for a tile. */
export function sparkline(svg, all, of) {
  const long = windowOf(all)[0] > 1200;
  const points = long ? minutes(all, of) : all.map((point) => ({ t: point.t, v: of(point) }));
  const value = ({ v }) => v;
  const values = points.map(value).filter((v) => v !== null && v !== undefined);
  svg.setAttribute('viewBox', '0 0 100 28');
  svg.replaceChildren();
  if (values.length < 2)
    return;
  const end = points.at(-1).t;
  const [window] = windowOf(points);
  const top = Math.max(...values) || 1;
  const x = (t) => 100 - (end - t) / window * 100;
  const y = (v) => 26 - v / top * 24;
  for (const line of pieces(points, value, x, y, SPARK_JOIN_S)) {
    const [[from]] = line;
    const [to] = line.at(-1);
    svg.append(
      shape('path', { class: 'fill', d: `${path(line)}L${to} 28L${from} 28Z` }),
      shape('path', { class: 'line', d: path([...line, [to + 0.5, line.at(-1)[1]]]) }));
  }
}

export class Chart {
  #points = [];
  #width = 0;
  #cursor = -1; // index of a point
  #scale;

  /**
   * @param {{title: string, hint: string, nothing: string, least: number, join?: number,
   *   format: (v: number) => string, series: {name: string, tone: string, area?: boolean,
   *   value: (point: object) => number|null}[]}} what least: the scale reaches at least this far;
   *   join: points so many seconds apart are still joined
   */
  constructor(what) {
    this.what = what;
    this.root = element('section', 'card chart');
    const title = element('h3', '', what.title);
    title.id = `chart-${what.title.toLowerCase().replaceAll(/\W+/g, '-')}`;
    this.root.setAttribute('aria-labelledby', title.id);
    this.plot = element('div', 'plot');
    this.plot.tabIndex = 0;
    this.plot.setAttribute('role', 'slider');
    this.plot.setAttribute('aria-label', `${what.title}, last hour`);
    this.svg = shape('svg', { 'aria-hidden': 'true', height: HEIGHT });
    this.readout = element('div', 'readout');
    this.readout.hidden = true;
    this.empty = element('p', 'nothing', what.nothing);
    this.plot.append(this.svg, this.empty, this.readout);
    this.root.append(title, element('p', 'hint', what.hint), this.#legend(), this.plot, this.#table());
    this.#listen();
    new ResizeObserver(() => this.#resize()).observe(this.plot);
    this.#describe();
  }

  #legend() {
    const list = element('ul', 'keys');
    this.latest = this.what.series.map(({ name, tone }) => {
      const item = element('li');
      const value = element('b', '', '–');
      item.append(swatch(tone), `${name} `, value);
      list.append(item);
      return value;
    });
    return list;
  }

  #table() {
    this.details = element('details');
    this.rows = element('div', 'rows');
    this.rows.tabIndex = 0;
    this.rows.setAttribute('role', 'region');
    this.rows.setAttribute('aria-label', `${this.what.title}: table`);
    this.details.append(element('summary', '', 'As a table'), this.rows);
    this.details.addEventListener('toggle', () => this.#fillTable());
    return this.details;
  }

  #listen() {
    this.plot.addEventListener('pointermove', (event) => {
      const at = event.clientX - this.plot.getBoundingClientRect().left;
      this.#point(this.#nearest(at));
    });
    this.plot.addEventListener('pointerleave', () => this.#point(-1));
    this.plot.addEventListener('blur', () => this.#point(-1));
    this.plot.addEventListener('keydown', (event) => {
      const last = this.#points.length - 1;
      const from = this.#cursor < 0 ? last : this.#cursor;
      const to = {
        ArrowLeft: from - 1, ArrowDown: from - 1, ArrowRight: from + 1, ArrowUp: from + 1,
        PageUp: from - 30, PageDown: from + 30, Home: 0, End: last, Escape: -1,
      }[event.key];
      if (to === undefined || last < 0)
        return;
      event.preventDefault();
      this.#point(event.key === 'Escape' ? -1 : Math.max(0, Math.min(last, to)));
    });
  }

  /** @param {object[]} points of /stats/history */
  update(points) {
    const seen = this.#points[this.#cursor]?.t;
    this.#points = points;
    this.#cursor = points.findIndex(({ t }) => t === seen);
    this.what.series.forEach(({ value }, i) => {
      const v = points.length ? value(points.at(-1)) : null;
      this.latest[i].textContent = v === null ? '–' : this.what.format(v);
    });
    this.#draw();
    this.#describe();
    if (this.details.open)
      this.#fillTable();
  }

  #resize() {
    const width = Math.round(this.plot.clientWidth);
    if (width === this.#width)
      return;
    this.#width = width;
    this.#draw();
  }

  #draw() {
    if (this.#width < LEFT + RIGHT + 20)
      return;
    const points = this.#points;
    const values = points.flatMap((point) => this.what.series.map(({ value }) => value(point)))
      .filter((v) => v !== null && v !== undefined);
    const end = points.at(-1)?.t ?? Date.now() / 1000;
    const step = niceStep(Math.max(this.what.least, ...values) * 1.02, 4);
    const top = Math.ceil(Math.max(this.what.least, ...values) / step) * step;
    const [window, apart] = windowOf(points);
    const x = (t) => LEFT + (1 - (end - t) / window) * (this.#width - LEFT - RIGHT);
    const y = (v) => TOP + (1 - v / top) * (HEIGHT - TOP - BOTTOM);
    this.#scale = { x, y };
    this.empty.hidden = values.length > 0;
    this.svg.setAttribute('viewBox', `0 0 ${this.#width} ${HEIGHT}`);
    this.mark = shape('g');
    this.svg.replaceChildren(...this.#grid(top, step, end - window, end, apart), ...this.what.series.flatMap(
      (series) => this.#line(series)), this.mark);
    this.#drawCursor();
  }

  #grid(top, step, begin, end, apart) {
    const { x, y } = this.#scale;
    const nodes = [];
    for (let v = 0; v <= top * 1.001; v += step) {
      const label = shape('text', { class: 'axis', x: LEFT - 8, y: y(v) + 4, 'text-anchor': 'end' });
      label.textContent = this.what.format(v);
      nodes.push(shape('line', { class: v === 0 ? 'base' : 'grid', x1: LEFT, x2: this.#width - RIGHT, y1: y(v), y2: y(v) }), label);
    }
    for (let t = Math.ceil(begin / apart) * apart; t <= end; t += apart) {
      const label = shape('text', { class: 'axis', x: x(t), y: HEIGHT - 5, 'text-anchor': 'middle' });
      label.textContent = clock(t);
      nodes.push(shape('line', { class: 'grid', x1: x(t), x2: x(t), y1: y(0), y2: y(0) + 4 }));
      if (x(t) > LEFT + 8 && x(t) < this.#width - RIGHT - 16)
        nodes.push(label);
    }
    return nodes;
  }

  #line({ tone, area, value }) {
    const { x, y } = this.#scale;
    const group = shape('g', { class: `tone-${tone}` });
    for (const line of pieces(this.#points, value, x, y, this.what.join)) {
      const [[from]] = line;
      const [to] = line.at(-1);
      if (area && line.length > 1)
        group.append(shape('path', { class: 'fill', d: `${path(line)}L${to} ${y(0)}L${from} ${y(0)}Z` }));
      if (line.length > 1)
        group.append(shape('path', { class: 'line', d: path(line) }));
      else
        group.append(shape('circle', { class: 'dot', cx: line[0][0], cy: line[0][1], r: 2.5 }));
    }
    return [group];
  }

  /* --- the cursor --- */

  #nearest(at) {
    let best = -1;
    this.#points.forEach(({ t }, i) => {
      const distance = (k) => Math.abs(this.#scale.x(this.#points[k].t) - at);
      if (this.#scale && (best < 0 || distance(i) < distance(best)))
        best = i;
    });
    return best;
  }

  #point(index) {
    if (index === this.#cursor)
      return;
    this.#cursor = index;
    this.#drawCursor();
    this.#describe();
  }

  #values(point) {
    return this.what.series.map(({ name, value }) => {
      const v = value(point);
      return [name, v === null || v === undefined ? 'nothing' : this.what.format(v)];
    });
  }

  #drawCursor() {
    const point = this.#points[this.#cursor];
    this.readout.hidden = !point;
    this.mark?.replaceChildren();
    if (!point || !this.#scale)
      return;
    const { x, y } = this.#scale;
    const at = x(point.t);
    this.mark.append(shape('line', { class: 'cursor', x1: at, x2: at, y1: TOP, y2: y(0) }));
    for (const { tone, value } of this.what.series) {
      const v = value(point);
      if (v !== null && v !== undefined)
        this.mark.append(shape('circle', { class: `knob tone-${tone}`, cx: at, cy: y(v), r: 4 }));
    }
    const lines = this.#values(point).map(([name, text], i) => {
      const row = element('span');
      row.append(swatch(this.what.series[i].tone), `${name} `, element('b', '', text));
      return row;
    });
    this.readout.replaceChildren(element('span', 'when', clock(point.t, true)), ...lines);
    const room = this.#width - this.readout.offsetWidth - 4;
    this.readout.style.left = `${Math.max(4, Math.min(room, at + (at > this.#width / 2 ? -this.readout.offsetWidth - 12 : 12)))}px`;
  }

  /** For those who do not see it. */
  #describe() {
    const last = this.#points.length - 1;
    const index = this.#cursor < 0 ? last : this.#cursor;
    const point = this.#points[index];
    const text = point ? `${clock(point.t, true)}: ` +
      this.#values(point).map((pair) => pair.join(' ')).join(', ') : 'nothing measured yet';
    this.plot.setAttribute('aria-valuemin', 0);
    this.plot.setAttribute('aria-valuemax', Math.max(0, last));
    this.plot.setAttribute('aria-valuenow', Math.max(0, index));
    this.plot.setAttribute('aria-valuetext', text);
  }

  #fillTable() {
    if (!this.details.open) {
      this.rows.replaceChildren();
      return;
    }
    const table = element('table');
    const head = table.createTHead().insertRow();
    for (const name of ['Time', ...this.what.series.map(({ name }) => name)])
      head.append(heading(name));
    const body = table.createTBody();
    for (const point of this.#points.toReversed()) {
      const values = this.#values(point);
      if (values.every(([, text]) => text === 'nothing'))
        continue;
      const row = body.insertRow();
      for (const text of [clock(point.t, true), ...values.map(([, v]) => v === 'nothing' ? '–' : v)])
        row.insertCell().textContent = text;
    }
    this.rows.replaceChildren(body.rows.length ? table : element('p', 'hint', this.what.nothing));
  }
}

export function heading(text, name = '') {
  const cell = element('th', name, text);
  cell.scope = 'col';
  return cell;
}

function swatch(tone) {
  return element('i', `swatch tone-${tone}`);
}
