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
const NO_TOKEN = ['expired', 'forbidden', 'unauthorised'];
const RETRY_S = 15;
const TURNS_SHOWN = 8;

const byId = (id) => document.getElementById(id);
const [talk, mute, ptt, hold, hangUp, words, details, keypad, dialogue] = ['talk', 'mute', 'ptt',
  'hold', 'hang-up', 'words', 'details', 'keypad', 'settings'].map(byId);

const meters = { user: new Meter(byId('meter-user')), agent: new Meter(byId('meter-agent')) };
const transcript = new Transcript(byId('transcript'), {
  scroller: byId('scroller'),
  empty: byId('empty'),
  announce: (sentence) => byId('announce').checked && announce(sentence),
});

// The operator hands the token out in the fragment, which browsers send to nobody.
let token = new URLSearchParams(location.hash.slice(1)).get('token');
let agents = [];
let conversation = null; // from the press of the button until it has ended
let connectedAt = 0;
let clock = 0;
let retry = 0; // the timer that tries again
let quality = null;
let answers = []; // the latencies of this visit

function announce(text) {
  const log = byId('announcer');
  log.append(element('span', '', `${text} `));
  if (log.childElementCount > 5)
    log.firstElementChild.remove();
}

function show(state) {
  if (state === 'listening' && !conversation.microphone)
    state = 'typing';
  const live = conversation !== null;
  const body = document.body.dataset;
  body.state = byId('state').dataset.state = state;
  byId('state-text').textContent = STATES[state];
  const connected = live && connectedAt > 0;
  talk.hidden = live;
  hangUp.hidden = !live;
  byId('hang-up-text').textContent = connected ? 'Hang up' : 'Cancel';
  byId('keypad-open').hidden = !connected;
  ptt.hidden = !connected || !conversation.microphone;
  mute.hidden = ptt.hidden || conversation.pushToTalk;
  hold.hidden = ptt.hidden || !conversation.pushToTalk;
  byId('agents').hidden = live || agents.length < 2;
  body.phase = live ? 'call' : byId('empty').hidden ? 'after' : 'idle';
  byId('talk-text').textContent = body.phase === 'after' ? 'Talk again' : 'Talk';
  if (NEWS.includes(state))
    announce(STATES[state]);
}

/** A sentence, and buttons that lead out. */
function tell(failure) {
  const problem = byId('problem');
  problem.textContent = failure?.message ?? '';
  problem.dataset.kind = failure?.kind ?? '';
  problem.hidden = byId('problem-box').hidden = !failure;
  byId('ways-out').replaceChildren(...failure ? waysOut(failure).map(([label, act]) => {
    const button = element('button', '', label);
    button.type = 'button';
    button.addEventListener('click', act);
    return button;
  }) : []);
}

function waysOut({ kind, retryAfter }) {
  const again = ['Try again', () => begin()];
  if (conversation || kind === 'unsupported')
    return kind === 'autoplay' ? [['Play the sound', () => {}]] : [['OK', () => tell(null)]];
  if (NO_MICROPHONE.includes(kind))
    return [['Type instead', () => begin(false)], ...kind === 'insecure' ? [] : [again]];
  if (NO_TOKEN.includes(kind))
    return [['Enter a token', askToken], again];
  if (kind === 'full')
    return [again, ['Keep trying', ({ target }) => keepTrying(target, retryAfter ?? RETRY_S)]];
  return [again];
}

function keepTrying(button, seconds) {
  clearTimeout(retry);
  button.textContent = `Trying again in ${seconds} s`;
  retry = setTimeout(() => seconds > 1 ? keepTrying(button, seconds - 1) : begin(), 1_000);
}

function askToken() {
  byId('token-field').hidden = false;
  openSettings();
  byId('token').focus();
}

/** @param {boolean} [speak] false: the user types */
async function begin(speak = true) {
  if (conversation)
    return;
  clearTimeout(retry);
  tell(null);
  const c = conversation = new Conversation({
    agent: chosenAgent()?.name,
    token,
    microphone: speak && (settings.recall('microphone') || true),
    audio: byId('voice'),
    pushToTalk: settings.recall('ptt', false),
  });
  connectedAt = 0;
  follow(c);
  transcript.agentName = chosenAgent()?.title ?? 'Agent';
  show('connecting');
  (speak ? hangUp : words).focus();
  await c.start().catch(() => {}); // "ended" tells why
}

function follow(c) {
  const on = (type, handle) => c.addEventListener(type, ({ detail }) => handle(detail));
  transcript.follow(c);
  on('state', ({ state }) => {
    if (!connectedAt && !['asking', 'connecting', 'failed', 'ended'].includes(state))
      connected();
    if (conversation)
      show(state);
  });
  on('microphone', ({ stream }) => {
    meters.user.show(stream);
    settings.listMicrophones(byId('microphone'), byId('microphone-hint'));
    show(c.state);
  });
  on('voice', ({ stream }) => meters.agent.show(stream));
  on('metrics', answered);
  on('quality', measured);
  on('problem', ({ failure }) => tell(failure));
  on('ended', ({ failure }) => ended(failure));
}

function connected() {
  connectedAt = Date.now();
  clock = setInterval(tick, 1_000);
  tick();
  setPushToTalk(conversation.pushToTalk);
  byId('quality').hidden = false;
  openDetails(wide.matches);
}

function tick() {
  const s = Math.round((Date.now() - connectedAt) / 1_000);
  byId('clock').textContent = `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
}

function ended(failure) {
  const focusWasInCall = document.activeElement === document.body ||
    byId('buttons').contains(document.activeElement);
  conversation = null;
  clearInterval(clock);
  Object.values(meters).forEach((meter) => meter.show(null));
  keypad.close();
  setMuted(false);
  measured(null);
  if (connectedAt)
    transcript.note(`Call ended after ${byId('clock').textContent}`);
  show(failure ? 'failed' : 'ended');
  tell(failure);
  if (NO_MICROPHONE.includes(failure?.kind))
    words.focus();
  else if (focusWasInCall)
    talk.focus();
}

function setMuted(muted) {
  if (conversation)
    conversation.muted = muted;
  mute.setAttribute('aria-pressed', muted);
}

function setPushToTalk(on) {
  conversation.pushToTalk = on;
  ptt.setAttribute('aria-pressed', on);
  settings.remember('ptt', on);
  if (on)
    setMuted(false);
  show(conversation.state);
}

function setTalking(talking) {
  if (!conversation?.pushToTalk)
    talking = false;
  if (conversation)
    conversation.talking = talking;
  hold.classList.toggle('held', talking);
}

function answered(metrics) {
  const times = latency.split(metrics, quality);
  if (!times)
    return;
  transcript.addToReply(latency.turn(times));
  answers.push(times);
  const n = answers.length;
  byId('median').textContent = latency.ms(latency.median(answers.map(({ total }) => total)));
  byId('median-of').textContent = n > 1 ? `median of ${n} answers` : 'one answer';
  const row = element('li');
  row.append(latency.bar(times), element('span', 'total', latency.ms(times.total)));
  byId('turns').prepend(row);
  byId('turns').children[TURNS_SHOWN]?.remove();
  showParts();
}

function showParts() {
  latency.legend(byId('parts'), answers.length > 0 ? Object.fromEntries(
    Object.keys(latency.PARTS).map((key) => [key, latency.median(answers.map((a) => a[key]))])) :
    null);
}

function measured(now) {
  quality = now;
  const number = (value, digits, unit) =>
    typeof value === 'number' ? `${value.toFixed(digits)} ${unit}` : '–';
  const rows = {
    'Round trip': number(now?.rtt_ms, 0, 'ms'),
    'Packets lost': number(now && now.loss * 100, 1, '%'),
    Jitter: number(now?.jitter_ms, 1, 'ms'),
    'Jitter buffer': number(now?.jitter_buffer_ms, 0, 'ms'),
  };
  byId('link').replaceChildren(...Object.entries(rows).flatMap(([name, value]) =>
    [element('dt', '', name), element('dd', '', value)]));
  byId('quality').dataset.level = now?.level ?? '';
  byId('quality-text').textContent = now ? `${now.level} · ${rows['Round trip']}` : 'Details';
}

function openDetails(open) {
  details.hidden = !open;
  byId('quality').setAttribute('aria-expanded', open);
}

function openSettings() {
  settings.listMicrophones(byId('microphone'), byId('microphone-hint'));
  dialogue.showModal();
}

function chosenAgent() {
  const chosen = document.querySelector('[name="agent"]:checked')?.value;
  return agents.find(({ name }) => name === chosen) ?? agents[0];
}

async function showAgents() {
  try {
    const list = await listAgents({ token });
    agents = list.agents.sort((a, b) => (b.name === list.default) - (a.name === list.default));
  } catch (failure) {
    if (NO_TOKEN.includes(failure.kind))
      tell(failure);
    return;
  }
  if (agents.length === 1) {
    byId('title').textContent = agents[0].title;
    byId('about').textContent = agents[0].description || byId('about').textContent;
  }
  const remembered = settings.recall('agent');
  for (const { name, title, description } of agents) {
    const label = element('label', 'choice');
    const input = element('input');
    Object.assign(input, { type: 'radio', name: 'agent', value: name });
    input.checked = name === remembered;
    input.addEventListener('change', () => settings.remember('agent', name));
    label.append(input, element('b', '', title || name), element('span', 'hint', description));
    byId('agents').append(label);
  }
  const first = document.querySelector('[name="agent"]');
  if (first && !document.querySelector('[name="agent"]:checked'))
    first.checked = true;
  byId('agents').hidden = conversation !== null || agents.length < 2;
}

talk.addEventListener('click', () => begin());
hangUp.addEventListener('click', () => conversation?.hangUp());
mute.addEventListener('click', () => setMuted(!conversation.muted));
ptt.addEventListener('click', () => {
  setPushToTalk(!conversation.pushToTalk);
  if (conversation.pushToTalk)
    hold.focus();
});

for (const type of ['pointerdown', 'pointerup', 'pointercancel', 'lostpointercapture']) {
  hold.addEventListener(type, (event) => {
    if (type === 'pointerdown')
      hold.setPointerCapture(event.pointerId);
    setTalking(type === 'pointerdown');
  });
}
hold.addEventListener('contextmenu', (event) => event.preventDefault());
for (const type of ['keydown', 'keyup']) {
  document.addEventListener(type, (event) => {
    const { target, key } = event;
    const here = target === hold || !target.closest('button, input, select, summary, dialog, a');
    if (!conversation?.pushToTalk || !(here && key === ' ' || target === hold && key === 'Enter'))
      return;
    event.preventDefault(); // no scrolling, no click
    setTalking(type === 'keydown');
  });
}
// Assistive technology cannot hold a button: it clicks once to talk, once to stop.
hold.addEventListener('click', ({ detail }) => detail === 0 && setTalking(!conversation.talking));
window.addEventListener('blur', () => setTalking(false));

byId('typing').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = words.value.trim();
  if (!text || conversation?.state === 'asking')
    return;
  words.value = '';
  if (!conversation)
    begin(false); // no microphone: whoever types first may want none
  conversation.sendText(text);
});

byId('quality').addEventListener('click', () => openDetails(details.hidden));
byId('settings-open').addEventListener('click', openSettings);
for (const button of document.querySelectorAll('dialog .close'))
  button.addEventListener('click', () => button.closest('dialog').close());
byId('microphone').addEventListener('change', ({ target }) => {
  settings.remember('microphone', target.value);
  if (conversation?.microphone)
    conversation.setMicrophone(target.value || undefined).catch(tell);
});
byId('token').addEventListener('change', ({ target }) => {
  token = target.value.trim();
  showAgents();
});
navigator.mediaDevices?.addEventListener('devicechange', () =>
  settings.listMicrophones(byId('microphone'), byId('microphone-hint')));
settings.checkBox(byId('announce'), 'announce', true);

function press(key) {
  conversation?.sendDigits(key);
  byId('digits').textContent = (byId('digits').textContent + key).slice(-12);
}
for (const key of '123456789*0#') {
  const button = element('button', '', key);
  button.type = 'button';
  button.addEventListener('click', () => press(key));
  byId('keys').append(button);
}
keypad.addEventListener('keydown', ({ key }) => /^[\d*#]$/.test(key) && press(key));
byId('keypad-open').addEventListener('click', () => {
  byId('digits').textContent = '';
  keypad.showModal();
});

const wide = matchMedia('(min-width: 60rem)');
wide.addEventListener('change', () => openDetails(wide.matches && !byId('quality').hidden));
measured(null);
showParts();
showAgents();
show('idle');
