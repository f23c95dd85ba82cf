// The page: buttons, text box, transcript and figures of a conversation.

import { Conversation } from './conversation.js';
import * as latency from './latency.js';
import { Meter } from './meters.js';
import { Server } from './server.js';
import * as settings from './settings.js';
import { element, Transcript } from './transcript.js';

const STATES = { // names and colours
  idle: ['Ready', 'edge'],
  asking: ['Allow the microphone', 'think'],
  connecting: ['Connecting…', 'think'],
  listening: ['Listening', 'accent'],
  typing: ['Type below', 'accent'],
  hearing: ['Hearing you', 'user'],
  thinking: ['Thinking…', 'think'],
  speaking: ['Speaking', 'accent'],
  reconnecting: ['Reconnecting…', 'think'],
  ended: ['Call ended', 'edge'],
  failed: ['Not connected', 'danger'],
};
const NEWS = /connecting|ended/; // for screen readers: not every breath
const NO_MICROPHONE = /denied|insecure|microphone/;
const NO_ACCESS = /expired|forbidden|unauthorised/;
const TURNS_SHOWN = 8;

// The elements by their ids.
const ui = new Proxy({}, { get: (_, id) => document.getElementById(id) });
const wide = matchMedia('(min-width: 60rem)');
const meters = [new Meter(ui.you), new Meter(ui.agent)];
const transcript = new Transcript(ui.transcript, {
  scroller: ui.scroller, empty: ui.empty, announce,
});
// In the fragment, which browsers send to nobody.
const token = () => new URLSearchParams(location.hash.slice(1)).get('token');

let server;
let agents = [];
const named = (wanted) => agents.find(({ name }) => name === wanted);
let conversation = null; // until it has ended
let connectedAt = 0;
let clock = 0;
let retry = 0; // the timer that tries again
let holding = null; // the module for push to talk
let quality = null;
const answers = []; // their times, in this visit

function announce(text) {
  ui.announcer.append(element('p', '', text));
  if (ui.announcer.childElementCount > 5)
    ui.announcer.firstChild.remove();
}

// The second of a double click would meet another button.
const click = (node, act) =>
  node.addEventListener('click', (event) => event.detail < 2 && act(event));
const addWay = (label, act) => click(ui.ways.appendChild(element('button', '', label)), act);

function show(state) {
  if (state === 'listening' && !conversation.microphone)
    state = 'typing';
  const [name, colour] = STATES[state];
  if (NEWS.test(state) && ui.state.dataset.state !== state)
    announce(name);
  const live = conversation !== null;
  const before = !ui.empty.hidden;
  document.body.dataset.state = ui.state.dataset.state = state;
  document.body.dataset.phase = live ? 'call' : before ? 'idle' : 'after';
  document.body.style.setProperty('--tone', `var(--${colour})`);
  ui.label.textContent = name;
  ui.again.textContent = before ? 'Talk' : 'Talk again';
  ui.leave.textContent = connectedAt ? 'Hang up' : 'Cancel';
  ui.talk.hidden = live;
  ui['hang-up'].hidden = !live;
  ui.agents.hidden = live || agents.length < 2;
  ui.dial.hidden = !live || !connectedAt;
  ui.ptt.hidden = ui.dial.hidden || !conversation.microphone;
  ui.mute.hidden = ui.ptt.hidden || conversation.pushToTalk;
  ui.hold.hidden = ui.ptt.hidden || !conversation.pushToTalk;
}

/** A sentence, and ways out. */
function tell(failure) {
  const kind = failure?.kind ?? '';
  ui.problem.textContent = failure?.message ?? '';
  ui.problem.dataset.kind = kind;
  ui.trouble.hidden = !failure;
  ui.ways.replaceChildren();
  if (kind === 'unsupported' || kind === 'autoplay')
    return;
  if (conversation) {
    addWay('OK', () => {
      tell(null);
      ui.scroller.focus();
    });
    return;
  }
  if (NO_MICROPHONE.test(kind))
    addWay('Type instead', () => begin(false));
  addWay('Try again', () => begin());
  if (kind === 'full') {
    addWay('Keep trying', async ({ target }) => {
      const { countDown } = await import('./refusals.js');
      clearInterval(retry);
      retry = countDown(target, failure.retryAfter || 15, begin);
    });
  }
}

function begin(speak = true) {
  if (conversation)
    return;
  clearInterval(retry);
  const agent = named(ui.agents.querySelector(':checked')?.value) ?? agents[0];
  transcript.agentName = agent?.title ?? 'Agent';
  connectedAt = 0;
  conversation = new Conversation({
    agent: agent?.name,
    server,
    microphone: speak && (settings.recall('microphone') || true),
    audio: ui.voice,
    pushToTalk: settings.recall('ptt'),
  });
  tell(null);
  follow(conversation);
  show('connecting');
  (speak ? ui['hang-up'] : ui.words).focus();
  conversation.start().catch(() => {}); // "ended" tells why
}

function follow(c) {
  const on = (type, handle) => c.addEventListener(type, ({ detail }) => handle(detail));
  transcript.follow(c);
  on('state', ({ state }) => {
    if (state === 'failed' || state === 'ended')
      return;
    if (!connectedAt && state !== 'asking' && state !== 'connecting')
      connected();
    show(state);
  });
  on('microphone', ({ stream }) => {
    meters[0].show(stream);
    settings.listMicrophones(ui.microphone);
    show(c.state);
  });
  on('voice', ({ stream }) => meters[1].show(stream));
  on('metrics', answered);
  on('quality', measured);
  on('problem', ({ failure }) => tell(failure));
  on('ended', ended);
}

function connected() {
  connectedAt = Date.now();
  clock = setInterval(tick, 1_000);
  tick();
  setPushToTalk(settings.recall('ptt') === true);
  ui.quality.hidden = false;
  openDetails(wide.matches);
}

function tick() {
  const s = Math.round((Date.now() - connectedAt) / 1_000);
  ui.clock.textContent = `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
}

function ended({ failure }) {
  const focused = document.activeElement;
  conversation = null;
  clearInterval(clock);
  meters.forEach((meter) => meter.show(null));
  setMuted(false);
  measured(null);
  if (connectedAt)
    transcript.note(`Call ended after ${ui.clock.textContent}`);
  ui.clock.textContent = '';
  show(failure ? 'failed' : 'ended');
  tell(failure);
  if (NO_MICROPHONE.test(failure?.kind))
    ui.words.focus();
  else if (focused.hidden)
    ui.talk.focus();
}

function setMuted(muted) {
  if (conversation)
    conversation.muted = muted;
  ui.mute.setAttribute('aria-pressed', muted);
}

async function setPushToTalk(on) {
  if (on) {
    holding ??= import('./push-to-talk.js').then(({ attach }) =>
      attach(ui.hold, () => conversation));
    await holding;
  }
  if (!conversation)
    return;
  conversation.pushToTalk = on;
  ui.ptt.setAttribute('aria-pressed', on);
  settings.remember('ptt', on);
  setMuted(false);
  show(conversation.state);
}

function answered(metrics) {
  const times = latency.split(metrics, quality);
  if (!times)
    return;
  transcript.addToReply(latency.turn(times));
  ui.turns.prepend(latency.draw(element('li'), times));
  ui.turns.children[TURNS_SHOWN]?.remove();
  answers.push(times);
  const middle = latency.median(answers);
  ui.median.textContent = latency.ms(middle.total);
  ui.count.textContent = `median of ${answers.length}`;
  latency.legend(ui.parts, middle);
}

function measured(now) {
  quality = now;
  const number = (value, unit = 'ms', digits = 0) =>
    value == null ? '–' : `${value.toFixed(digits)} ${unit}`;
  const rtt = number(now?.rtt_ms);
  const rows = ['Round trip', rtt, 'Packets lost', number(now && now.loss * 100, '%', 1),
    'Jitter', number(now?.jitter_ms), 'Buffer', number(now?.jitter_buffer_ms)];
  ui.link.replaceChildren(...rows.map((text, i) => element(i % 2 ? 'dd' : 'dt', '', text)));
  ui.quality.dataset.level = now?.level ?? '';
  ui.level.textContent = now ? `${now.level} · ${rtt}` : 'Details';
}

function openDetails(open) {
  ui.details.hidden = !open;
  ui.quality.setAttribute('aria-expanded', open);
}

function offerAgents(otherwise) {
  const chosen = named(settings.recall('agent')) ?? named(otherwise);
  ui.agents.replaceChildren(...agents.map((agent) => {
    const input = element('input');
    Object.assign(input, { type: 'radio', name: 'agent', value: agent.name });
    input.checked = agent === chosen;
    input.addEventListener('change', () => settings.remember('agent', agent.name));
    const label = element('label', 'choice');
    label.append(input, element('b', '', agent.title), element('span', 'hint', agent.description));
    return label;
  }));
}

async function showAgents() {
  server = new Server(null, token());
  try {
    const list = await server.agents();
    agents = list.agents;
    if (agents.length > 1) {
      offerAgents(list.default);
      ui.agents.hidden = conversation !== null;
    } else {
      [ui.title.textContent, ui.about.textContent] = [agents[0].title, agents[0].description];
    }
    if (NO_ACCESS.test(ui.problem.dataset.kind))
      tell(null);
  } catch (failure) {
    if (NO_ACCESS.test(failure.kind))
      tell(failure);
  }
}

click(ui.talk, () => begin());
click(ui['hang-up'], () => conversation.hangUp());
click(ui.mute, () => setMuted(!conversation.muted));
click(ui.ptt, async () => {
  await setPushToTalk(!conversation.pushToTalk);
  ui.hold.focus(); // when it is there
});

ui.typing.addEventListener('submit', (event) => {
  event.preventDefault();
  const text = ui.words.value.trim();
  if (!text || conversation?.state === 'asking')
    return;
  ui.words.value = '';
  begin(false); // no microphone: whoever types first may want none
  conversation.sendText(text);
});

ui.microphone.addEventListener('change', ({ target }) => {
  settings.remember('microphone', target.value);
  if (conversation?.microphone)
    conversation.setMicrophone(target.value || undefined).catch(tell);
});

click(ui.dial, async () => {
  const { openKeypad } = await import('./keypad.js');
  if (conversation)
    openKeypad(conversation);
});

click(ui.quality, () => openDetails(ui.details.hidden));
wide.addEventListener('change', () => openDetails(wide.matches && connectedAt > 0));
window.addEventListener('hashchange', showAgents);
settings.listMicrophones(ui.microphone);
measured(null);
latency.legend(ui.parts, null);
show('idle');
tell(null);
showAgents();
