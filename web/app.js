// The page: buttons, text box, transcript and figures of a conversation.

import { Conversation } from './conversation.js';
import * as latency from './latency.js';
import { Meter } from './meters.js';
import { listAgents } from './server.js';
import * as settings from './settings.js';
import { element, Transcript } from './transcript.js';

const STATES = {
  idle: 'Ready',
  asking: 'Allow the microphone',
  connecting: 'Connecting…',
  listening: 'Listening',
  typing: 'Type below',
  hearing: 'Hearing you',
  thinking: 'Thinking…',
  speaking: 'Speaking',
  reconnecting: 'Reconnecting…',
  ended: 'Call ended',
  failed: 'Not connected',
};
const NEWS = ['connecting', 'reconnecting', 'ended']; // for screen readers: not every breath
const NO_MICROPHONE = ['denied', 'insecure', 'microphone', 'microphone-busy', 'no-microphone'];
const RETRY_S = 15;
const TURNS_SHOWN = 8;

const byId = (id) => document.getElementById(id);
const on = (id, type, handle) => byId(id).addEventListener(type, handle);
const show = (id, shown) => { byId(id).hidden = !shown; };
const hold = byId('hold');
const words = byId('words');
const wide = matchMedia('(min-width: 60rem)');

const meters = [new Meter(byId('meter-user')), new Meter(byId('meter-agent'))];
const transcript = new Transcript(byId('transcript'), {
  scroller: byId('scroller'),
  empty: byId('empty'),
  announce: (sentence) => byId('announce').checked && announce(sentence),
});

let agents = [];
let conversation = null; // from the press of the button until it has ended
let connectedAt = 0;
let clock = 0;
let retry = 0; // the timer that tries again
let quality = null;
const answers = []; // the latencies of this visit

// The operator hands the token out in the fragment, which browsers send to nobody.
const token = () => new URLSearchParams(location.hash.slice(1)).get('token');

function announce(text) {
  const log = byId('announcer');
  log.append(element('span', '', `${text} `));
  if (log.childElementCount > 5)
    log.firstElementChild.remove();
}

function showState(state) {
  if (state === 'listening' && !conversation.microphone)
    state = 'typing';
  if (NEWS.includes(state) && byId('state').dataset.state !== state)
    announce(STATES[state]);
  const live = conversation !== null;
  const connected = live && connectedAt > 0;
  const speaks = connected && conversation.microphone !== null;
  document.body.dataset.state = byId('state').dataset.state = state;
  document.body.dataset.phase = live ? 'call' : byId('empty').hidden ? 'after' : 'idle';
  byId('state-text').textContent = STATES[state];
  byId('talk-text').textContent = byId('empty').hidden ? 'Talk again' : 'Talk';
  byId('hang-up-text').textContent = connected ? 'Hang up' : 'Cancel';
  show('talk', !live);
  show('hang-up', live);
  show('keypad-open', connected);
  show('ptt', speaks);
  show('mute', speaks && !conversation.pushToTalk);
  show('hold', speaks && conversation.pushToTalk);
  show('agents', !live && agents.length > 1);
}

/** A sentence, and buttons that lead out. @param {object|null} failure */
function tell(failure) {
  byId('problem').textContent = failure?.message ?? '';
  byId('problem').dataset.kind = failure?.kind ?? '';
  show('problem', failure);
  show('problem-box', failure);
  byId('ways-out').replaceChildren(...Object.entries(waysOut(failure)).map(([label, act]) => {
    const button = element('button', '', label);
    button.type = 'button';
    button.addEventListener('click', act);
    return button;
  }));
}

function waysOut(failure) {
  const { kind, retryAfter } = failure ?? {};
  if (!failure || kind === 'unsupported' || kind === 'autoplay')
    return {};
  if (conversation)
    return { OK: () => tell(null) };
  const again = { 'Try again': () => begin() };
  if (NO_MICROPHONE.includes(kind))
    return { 'Type instead': () => begin(false), ...again };
  if (kind === 'full')
    return { ...again, 'Keep trying': ({ target }) => keepTrying(target, retryAfter || RETRY_S) };
  return again;
}

function keepTrying(button, seconds) {
  clearTimeout(retry);
  button.textContent = `Trying again in ${seconds} s`;
  retry = setTimeout(() => seconds > 1 ? keepTrying(button, seconds - 1) : begin(), 1_000);
}

/** @param {boolean} [speak] false: the user types */
function begin(speak = true) {
  if (conversation)
    return;
  clearTimeout(retry);
  tell(null);
  const agent = chosenAgent();
  transcript.agentName = agent?.title ?? 'Agent';
  connectedAt = 0;
  byId('clock').textContent = '';
  conversation = new Conversation({
    agent: agent?.name,
    token: token(),
    microphone: speak && (settings.recall('microphone') || true),
    audio: byId('voice'),
    pushToTalk: settings.recall('ptt', false),
  });
  follow(conversation);
  showState('connecting');
  (speak ? byId('hang-up') : words).focus();
  conversation.start().catch(() => {}); // "ended" tells why
}

function follow(c) {
  const when = (type, handle) => c.addEventListener(type, ({ detail }) => handle(detail));
  transcript.follow(c);
  when('state', ({ state }) => {
    if (['failed', 'ended'].includes(state))
      return;
    if (!connectedAt && !['asking', 'connecting'].includes(state))
      connected();
    showState(state);
  });
  when('microphone', ({ stream }) => {
    meters[0].show(stream);
    listMicrophones();
    showState(c.state);
  });
  when('voice', ({ stream }) => meters[1].show(stream));
  when('metrics', answered);
  when('quality', measured);
  when('problem', ({ failure }) => tell(failure));
  when('ended', ({ failure }) => ended(failure));
}

function connected() {
  connectedAt = Date.now();
  clock = setInterval(tick, 1_000);
  tick();
  setPushToTalk(conversation.pushToTalk);
  show('quality', true);
  openDetails(wide.matches);
}

function tick() {
  const s = Math.round((Date.now() - connectedAt) / 1_000);
  byId('clock').textContent = `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
}

function ended(failure) {
  const focusWasInCall = byId('buttons').contains(document.activeElement);
  conversation = null;
  clearInterval(clock);
  for (const meter of meters)
    meter.show(null);
  byId('keypad').close();
  setMuted(false);
  measured(null);
  if (connectedAt)
    transcript.note(`Call ended after ${byId('clock').textContent}`);
  byId('clock').textContent = '';
  showState(failure ? 'failed' : 'ended');
  tell(failure);
  if (NO_MICROPHONE.includes(failure?.kind))
    words.focus();
  else if (focusWasInCall)
    byId('talk').focus();
}

function setMuted(muted) {
  if (conversation)
    conversation.muted = muted;
  byId('mute').setAttribute('aria-pressed', muted);
}

function setPushToTalk(on) {
  conversation.pushToTalk = on;
  byId('ptt').setAttribute('aria-pressed', on);
  settings.remember('ptt', on);
  setMuted(false);
  showState(conversation.state);
}

function setTalking(talking) {
  const really = talking && Boolean(conversation?.pushToTalk);
  if (conversation)
    conversation.talking = really;
  hold.classList.toggle('held', really);
}

function answered(metrics) {
  const times = latency.split(metrics, quality);
  if (!times)
    return;
  transcript.addToReply(latency.turn(times));
  byId('turns').prepend(latency.draw(element('li'), times));
  byId('turns').children[TURNS_SHOWN]?.remove();
  answers.push(times);
  const middle = latency.median(answers);
  byId('median').textContent = latency.ms(middle.total);
  byId('median-of').textContent = answers.length > 1 ? `median of ${answers.length}` : '1 answer';
  latency.legend(byId('parts'), middle);
}

function measured(now) {
  quality = now;
  const number = (value, unit, digits = 0) =>
    typeof value === 'number' ? `${value.toFixed(digits)} ${unit}` : '–';
  const rtt = number(now?.rtt_ms, 'ms');
  const rows = ['Round trip', rtt, 'Packets lost', number(now && now.loss * 100, '%', 1),
    'Jitter', number(now?.jitter_ms, 'ms'), 'Buffer', number(now?.jitter_buffer_ms, 'ms')];
  byId('link').replaceChildren(...rows.map((text, i) => element(i % 2 ? 'dd' : 'dt', '', text)));
  byId('quality').dataset.level = now?.level ?? '';
  byId('quality-text').textContent = now ? `${now.level} · ${rtt}` : 'Details';
}

function openDetails(open) {
  show('details', open);
  byId('quality').setAttribute('aria-expanded', open);
}

const listMicrophones = () =>
  settings.listMicrophones(byId('microphone'), byId('microphone-hint'));

const chosenAgent = () =>
  agents.find(({ name }) => name === byId('agents').querySelector(':checked')?.value);

async function showAgents() {
  try {
    const list = await listAgents({ token: token() });
    agents = list.agents;
    addAgents(settings.recall('agent'), list.default);
    tell(null);
  } catch (failure) {
    if (['expired', 'forbidden', 'unauthorised'].includes(failure.kind))
      tell(failure);
  }
}

function addAgents(...preferred) {
  const [chosen] = preferred.filter((name) => agents.some((agent) => agent.name === name));
  byId('agents').replaceChildren(...agents.map(({ name, title, description }) => {
    const label = element('label', 'choice');
    const input = element('input');
    Object.assign(input, { type: 'radio', name: 'agent', value: name, checked: name === chosen });
    input.addEventListener('change', () => settings.remember('agent', name));
    label.append(input, element('b', '', title || name), element('span', 'hint', description));
    return label;
  }));
  if (agents.length === 1) {
    byId('title').textContent = agents[0].title;
    byId('about').textContent = agents[0].description || byId('about').textContent;
  }
  show('agents', !conversation && agents.length > 1);
}

on('talk', 'click', () => begin());
on('hang-up', 'click', () => conversation?.hangUp());
on('mute', 'click', () => setMuted(!conversation.muted));
on('ptt', 'click', () => {
  setPushToTalk(!conversation.pushToTalk);
  if (conversation.pushToTalk)
    hold.focus();
});

for (const type of ['pointerdown', 'pointerup', 'pointercancel', 'contextmenu']) {
  on('hold', type, (event) => {
    if (type === 'contextmenu')
      event.preventDefault();
    else
      setTalking(type === 'pointerdown');
  });
}
for (const type of ['keydown', 'keyup']) {
  document.addEventListener(type, (event) => {
    const { target, key } = event;
    const free = !target.closest('button, input, select, summary, dialog, a');
    if (!conversation?.pushToTalk || key !== ' ' && key !== 'Enter' ||
        !(target === hold || free && key === ' '))
      return;
    event.preventDefault(); // no scrolling, no click
    setTalking(type === 'keydown');
  });
}
// Assistive technology cannot hold a button: it clicks to talk, and again to stop.
on('hold', 'click', ({ detail }) => detail === 0 && setTalking(!conversation.talking));
window.addEventListener('blur', () => setTalking(false));

on('typing', 'submit', (event) => {
  event.preventDefault();
  const text = words.value.trim();
  if (!text || conversation?.state === 'asking')
    return;
  words.value = '';
  begin(false); // no microphone: whoever types first may want none
  conversation.sendText(text);
});

on('quality', 'click', () => openDetails(byId('details').hidden));
on('settings-open', 'click', () => {
  listMicrophones();
  byId('settings').showModal();
});
on('microphone', 'change', ({ target }) => {
  settings.remember('microphone', target.value);
  if (conversation?.microphone)
    conversation.setMicrophone(target.value || undefined).catch(tell);
});
byId('announce').checked = settings.recall('announce', true);
on('announce', 'change', ({ target }) => settings.remember('announce', target.checked));

function press(key) {
  conversation?.sendDigits(key);
  byId('digits').textContent = (byId('digits').textContent + key).slice(-12);
}
for (const key of '123456789*0#') {
  const button = byId('keys').appendChild(element('button', '', key));
  button.type = 'button';
  button.addEventListener('click', () => press(key));
}
on('keypad', 'keydown', ({ key }) => /^[\d*#]$/.test(key) && press(key));
on('keypad-open', 'click', () => {
  byId('digits').textContent = '';
  byId('keypad').showModal();
});

wide.addEventListener('change', () => openDetails(wide.matches && !byId('quality').hidden));
window.addEventListener('hashchange', showAgents);
measured(null);
latency.legend(byId('parts'), null);
showState('idle');
showAgents();
