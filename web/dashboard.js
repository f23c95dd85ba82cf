// The dashboard: asks /stats every two seconds and draws what it says.

import { CallTimeline, offset } from './call-timeline.js';
import { Chart, clock, heading, shape, sparkline } from './charts.js';
import { ms } from './latency.js';
import { element } from './transcript.js';

// Turns are rare: what was measured within a minute is one line.
const RARE_S = 60;
const POLL_MS = 2000;
const TIMEOUT_MS = 5000;
const FEW = 10; // recent calls listed unless one wants more
const KEY = 'repartee-key';
const $ = (id) => document.getElementById(id);

const percent = (v) => `${(v * 100).toFixed(v > 0 && v < 0.1 ? 1 : 0)} %`;
const number = (v) => String(Math.round(v * 100) / 100);
const fine = (v) => v < 10 ? `${Math.round(v * 10) / 10} ms` : ms(v);

const CHARTS = [
  {
    title: 'Calls', hint: 'Most at once in every ten seconds, and workers', least: 4, format: number,
    nothing: 'Nothing measured yet', series: [
      { name: 'calls', tone: 'agent', area: true, value: (p) => p.active },
      { name: 'warm workers', tone: 'user', value: (p) => p.idle },
    ],
  },
  {
    title: 'Voice to voice', join: RARE_S, hint: 'From the end of the user\'s voice to the answer', least: 400, format: ms,
    nothing: 'No answer within the last hour', series: [
      { name: 'P50', tone: 'agent', value: (p) => p.voice_to_voice.p50 },
      { name: 'P95', tone: 'net', value: (p) => p.voice_to_voice.p95 },
    ],
  },
  {
    title: 'Interruptions', join: RARE_S, hint: 'From the user\'s voice to the agent\'s silence', least: 400, format: ms,
    nothing: 'No interruption within the last hour', series: [
      { name: 'P50', tone: 'agent', value: (p) => p.barge_in.p50 },
      { name: 'P95', tone: 'net', value: (p) => p.barge_in.p95 },
    ],
  },
  {
    title: 'Tick lateness', hint: 'P99 of the worst media loop; 10 ms begin to be heard', least: 4, format: fine,
    nothing: 'No call within the last hour', series: [
      { name: 'P99', tone: 'think', area: true, value: (p) => p.tick_late_p99_ms },
    ],
  },
  {
    title: 'Loss', hint: 'Share of the callers\' packets that did not come', least: 0.02, format: percent,
    nothing: 'No call within the last hour', series: [
      { name: 'loss', tone: 'danger', area: true, value: (p) => p.loss },
    ],
  },
  {
    title: 'Jitter', hint: 'Mean over the connected calls', least: 10, format: fine,
    nothing: 'No call within the last hour', series: [
      { name: 'jitter', tone: 'user', area: true, value: (p) => p.jitter_ms },
    ],
  },
];

/* --- asking --- */

let key = null;
try {
  key = sessionStorage.getItem(KEY);
} catch {
  // no storage: the key lives as long as the page
}

class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** @throws {Refused|TypeError|DOMException} */
async function ask(path) {
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  const response = await fetch(path, { headers, cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS) });
  const body = await response.json();
  if (!response.ok)
    throw new Refused(response.status, String(body.detail));
  return body;
}

/* --- tiles --- */

const tiles = Object.fromEntries([
  ['calls', 'Running calls', (p) => p.active],
  ['workers', 'Warm workers', (p) => p.idle],
  ['voice', 'Voice to voice, P50', (p) => p.voice_to_voice.p50],
  ['barge', 'Interruption, P50', (p) => p.barge_in.p50],
  ['ticks', 'Tick lateness, P99', (p) => p.tick_late_p99_ms],
  ['loss', 'Loss', (p) => p.loss],
].map(([name, title, value]) => {
  const root = element('li', 'card tile');
  const spark = shape('svg', { class: 'spark', 'aria-hidden': 'true', preserveAspectRatio: 'none' });
  const parts = { root, value: element('p', 'value'), note: element('p', 'hint'), spark, of: value };
  root.append(element('h2', 'tile-title', title), parts.value, parts.note, spark);
  $('tiles').append(root);
  return [name, parts];
}));

function tile(name, value, note, tone = '') {
  const { root, value: big, note: small } = tiles[name];
  const [, figure, unit] = /^(\S+)(.*)$/.exec(value);
  big.replaceChildren(figure, element('span', 'unit', unit));
  small.textContent = note;
  root.dataset.tone = tone;
}

function drawTiles({ sessions, workers, loops, latency_ms: latency, barge_in_stop_ms: barge, calls }) {
  const many = (n, one, more) => `${n} ${n === 1 ? one : more}`;
  tile('calls', number(sessions.active), `of ${sessions.max}; ${sessions.total} since the start` +
    `${sessions.failed ? `, ${sessions.failed} failed` : ''}${sessions.refused ? `, ${sessions.refused} refused` : ''}`,
  sessions.active >= sessions.max ? 'bad' : '');
  tile('workers', number(workers.idle), `${workers.busy} busy, ${workers.starting} starting` +
    `${workers.restarts ? `, ${many(workers.restarts, 'restart', 'restarts')}` : ''}` +
    `${workers.waiting ? `; ${many(workers.waiting, 'call waits', 'calls wait')}` : ''}`,
  workers.idle + workers.starting === 0 ? 'bad' : '');
  const of = ({ p50, p95, n }, what) => n ? [ms(p50), `P95 ${ms(p95)}, n = ${n}`] :
    ['–', `no ${what} yet`];
  tile('voice', ...of(latency.voice_to_voice, 'answer'));
  tile('barge', ...of(barge, 'interruption'));
  const late = loops.map((loop) => loop.tick_late_ms);
  const p99 = Math.max(...late.map((l) => l.p99));
  tile('ticks', fine(p99), `worst ${fine(Math.max(...late.map((l) => l.max)))}; ` +
    many(loops.length, 'loop', 'loops'), p99 > 10 ? 'bad' : '');
  const connected = calls.filter((call) => call.connected);
  if (connected.length === 0) {
    tile('loss', '–', 'no call is connected');
    return;
  }
  const sum = (name) => connected.reduce((total, call) => total + call[name], 0);
  const loss = Math.max(0, sum('packets_lost')) / Math.max(1, sum('packets_in') + Math.max(0, sum('packets_lost')));
  tile('loss', percent(loss), `jitter ${fine(sum('jitter_ms') / connected.length)} on average`, loss > 0.05 ? 'bad' : '');
}

/* --- tables --- */

const STATES = { connecting: 'think', listening: 'good', thinking: 'think', speaking: 'agent', ending: 'quiet' };
const badge = (text, tone) => element('span', `badge tone-${tone}`, text);

/** Rows are kept while their call is there, so that focus and selection stay. */
class Table {
  #rows = new Map();

  /** @param {[string, string, (call: object) => Node|string][]} columns name, class, content */
  constructor(root, name, nothing, columns) {
    this.columns = columns;
    this.table = element('table');
    this.table.setAttribute('aria-label', name);
    // Said again, for where they are laid out as something else.
    this.table.setAttribute('role', 'table');
    const head = this.table.createTHead().insertRow();
    head.append(...columns.map(([title, kind]) => heading(title, kind)));
    this.body = this.table.createTBody();
    this.nothing = element('p', 'nothing', nothing);
    root.append(this.table, this.nothing);
  }

  update(calls) {
    const rows = new Map(calls.map((call) => [call.id, this.#row(call)]));
    for (const [id, row] of this.#rows) {
      if (!rows.has(id))
        row.remove();
    }
    this.#rows = rows;
    [...rows.values()].forEach((row, i) => {
      if (this.body.rows[i] !== row)
        this.body.insertBefore(row, this.body.rows[i] ?? null);
    });
    this.table.hidden = calls.length === 0;
    this.nothing.hidden = calls.length > 0;
  }

  #row(call) {
    const known = this.#rows.get(call.id);
    const row = known ?? element('tr');
    row.setAttribute('role', 'row');
    if (!known) {
      const button = element('button', 'link', call.id);
      button.type = 'button';
      button.setAttribute('aria-label', `Call ${call.id}: its timeline`);
      this.columns.forEach(([title, kind], i) => {
        const cell = row.insertCell();
        cell.setAttribute('role', 'cell');
        cell.className = kind;
        cell.dataset.title = title;
        if (i === 0)
          cell.append(button);
      });
      row.addEventListener('click', () => open(call.id));
    }
    this.columns.forEach(([, , content], i) => {
      if (i > 0)
        fill(row.cells[i], content(call));
    });
    return row;
  }
}

function fill(cell, content) {
  const text = content instanceof Node ? content.textContent : content;
  if (cell.textContent !== text || content instanceof Node && cell.firstChild?.className !== content.className)
    cell.replaceChildren(content);
}

const known = (v, format) => v === null || v === undefined ? '–' : format(v);

const running = new Table($('calls'), 'Running calls', 'No call is running. Open the page and talk to the agent to see one here.', [
  ['Call', ''],
  ['Agent', 'name', (c) => c.agent],
  ['State', '', (c) => badge(c.state, STATES[c.state] ?? 'quiet')],
  ['Age', 'number', (c) => offset(c.age_s * 1000)],
  ['Turns', 'number', (c) => number(c.turns)],
  ['Loss', 'number', (c) => percent(c.loss)],
  ['Jitter', 'number wide', (c) => fine(c.jitter_ms)],
  ['Round trip', 'number wide', (c) => known(c.rtt_ms, fine)],
  ['Concealed', 'number wide', (c) => ms(c.concealed_ms)],
  ['Worker', 'number wide', (c) => c.worker ? `${c.worker}${c.worker_restarts ? `, ${c.worker_restarts} lost` : ''}` : 'none'],
]);
const recent = new Table($('recent'), 'Recent calls', 'No call has ended yet.', [
  ['Call', ''],
  ['Agent', 'name', (c) => c.agent],
  ['Began', 'number', (c) => clock(c.started_at / 1000, true)],
  ['Lasted', 'number', (c) => offset(c.duration_s * 1000)],
  ['Turns', 'number', (c) => number(c.turns)],
  ['Voice to voice', 'number', (c) => known(c.voice_to_voice_ms, ms)],
  ['Loss', 'number wide', (c) => percent(c.loss)],
  ['End', 'name', (c) => {
    const cell = element('span', 'end');
    if (c.failed)
      cell.append(badge('failed', 'danger'));
    cell.append(element('span', 'words', c.reason));
    return cell;
  }],
]);

let ended = []; // calls
let all = false; // of them are listed

function listRecent() {
  recent.update(all ? ended : ended.slice(0, FEW));
  $('more').hidden = ended.length <= FEW;
  $('more').textContent = all ? 'Show fewer' : `Show all ${ended.length}`;
}

$('more').addEventListener('click', () => {
  all = !all;
  listRecent();
});

/* --- one call --- */

const dialog = $('call');
const timeline = new CallTimeline();
$('timeline').append(timeline.root);
let shown = null; // id of the call whose timeline is open
let over = false; // nothing changes any more

function open(id) {
  shown = id;
  over = false;
  $('call-title').textContent = `Call ${id}`;
  $('timeline').hidden = true;
  $('facts').replaceChildren();
  $('call-trouble').hidden = true;
  if (!dialog.open)
    dialog.showModal();
  $('call-title').focus();
  refreshCall();
}

function facts(call) {
  const end = call.ended ? [['End', `${call.end_reason}${call.failed ? ' (failed)' : ''}`]] : [];
  const rows = [['Agent', call.agent], ['State', call.state], ['Began', clock(call.started_at / 1000, true)],
    [call.ended ? 'Lasted' : 'Age', offset(call.age_s * 1000)], ['Turns', number(call.turns.length + call.dropped.turns)], ...end];
  $('facts').replaceChildren(...rows.map(([name, text]) => {
    const pair = element('div');
    pair.append(element('dt', '', name), element('dd', '', text));
    return pair;
  }));
}

async function refreshCall() {
  const id = shown;
  if (!id || over)
    return;
  try {
    const call = await ask(`stats/calls/${encodeURIComponent(id)}`);
    if (id !== shown)
      return;
    over = call.ended;
    facts(call);
    $('timeline').hidden = false;
    timeline.update(call);
    $('call-trouble').hidden = true;
  } catch (error) {
    if (id !== shown || error.status === 401)
      return;
    over = error.status === 404;
    $('call-trouble').textContent = over ? 'The server does not remember this call any more.' :
      'The server does not answer; what is shown is from before.';
    $('call-trouble').hidden = false;
  }
}

$('close').addEventListener('click', () => dialog.close());
dialog.addEventListener('close', () => { shown = null; });
dialog.addEventListener('click', (event) => {
  if (event.target === dialog) // beside it
    dialog.close();
});

/* --- all together --- */

const charts = CHARTS.map((what) => new Chart(what));
$('charts').append(...charts.map(({ root }) => root));

let timer = 0;
let asking = false;
let heard = null; // when the server last answered
let uptime = 0;
let historyDue = 0;

function health(state, text) {
  $('health').dataset.health = state;
  $('health-text').textContent = text;
}

function draw(stats) {
  const restarted = stats.uptime_s < uptime;
  uptime = stats.uptime_s;
  if (restarted)
    historyDue = 0;
  health(stats.draining ? 'draining' : 'live', stats.draining ? 'Going down' : 'Live');
  $('version').textContent = `${stats.version}, up ${offset(stats.uptime_s * 1000)}`;
  $('key-form').hidden = true;
  $('trouble').hidden = true;
  $('board').hidden = false;
  drawTiles(stats);
  running.update(stats.calls.toSorted((a, b) => a.age_s - b.age_s));
  ended = stats.recent;
  listRecent();
  $('running-count').textContent = stats.calls.length;
  $('recent-count').textContent = stats.recent.length;
}

async function drawHistory() {
  if (Date.now() < historyDue)
    return;
  const { points, interval_s: interval } = await ask('stats/history');
  // The next point is due when the last one is as old as they are apart.
  const last = points.at(-1)?.t ?? 0;
  historyDue = Math.max(Date.now() + POLL_MS, (last + interval) * 1000 + 500);
  if (historyDue > Date.now() + 2 * interval * 1000)
    historyDue = Date.now() + interval * 1000;
  for (const chart of charts)
    chart.update(points);
  for (const { spark, of } of Object.values(tiles))
    sparkline(spark, points, of);
}

function wantKey() {
  $('wrong').hidden = !key;
  $('wrong').textContent = 'The server does not take this key.';
  forget();
  $('board').hidden = true;
  $('trouble').hidden = true;
  dialog.close();
  health('waiting', 'Key wanted');
  if ($('key-form').hidden) {
    $('key-form').hidden = false;
    $('key').focus();
  }
}

function forget() {
  key = null;
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // there was none
  }
}

function gone(error) {
    health('gone', 'No answer');
  $('trouble').textContent = error.status ?
    `The server has refused to answer (${error.status}: ${error.message}). Trying again.` :
    `The server ${heard ? `has not answered since ${clock(heard / 1000, true)}. The figures are from then` :
      'does not answer'}. Trying again every two seconds.`;
  $('trouble').hidden = false;
}

async function poll() {
  if (asking)
    return;
  asking = true;
  clearTimeout(timer);
  try {
    const stats = await ask('stats');
    heard = Date.now();
    draw(stats);
    await Promise.all([drawHistory(), refreshCall()]);
  } catch (error) {
    if (error.status === 401) {
      wantKey();
      return; // until there is one
    }
    gone(error);
  } finally {
    asking = false;
  }
  if (!document.hidden)
    timer = setTimeout(poll, POLL_MS);
}

$('key-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = $('key').value.trim();
  // Nothing else fits into a header.
  if (!/^[\x21-\x7e]+$/.test(text)) {
    $('wrong').textContent = 'A key has only visible ASCII characters.';
    $('wrong').hidden = false;
    return;
  }
  key = text;
  $('key').value = '';
  try {
    sessionStorage.setItem(KEY, key);
  } catch {
    // then for this page alone
  }
  poll();
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && $('key-form').hidden)
    poll();
});
poll();
