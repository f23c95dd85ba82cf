// The page: connects buttons, text box and transcript with a call.

import { Call, openMicrophone } from './call.js';
import { Transcript } from './transcript.js';

const STATES = {
  idle: 'Ready when you are.',
  asking: 'Please allow the microphone.',
  connecting: 'Connecting…',
  reconnecting: 'Connection lost, trying again…',
  listening: 'Listening.',
  hearing: 'Hearing you.',
  thinking: 'Thinking…',
  speaking: 'Speaking.',
  typing: 'Type your words below.',
  ended: 'Call ended.',
  failed: 'Not connected.',
};

const byId = (id) => document.getElementById(id);
const talk = byId('talk');
const mute = byId('mute');
const hangUp = byId('hang-up');
const problem = byId('problem');
const words = byId('words');
const voice = byId('voice');

const transcript = new Transcript(byId('transcript'), byId('scroller'), byId('empty'));
// The operator hands the token out in the fragment, which browsers send to nobody.
const token = new URLSearchParams(location.hash.slice(1)).get('token');

let call = null; // from the press of the button until "ended"
let starting = false; // the browser asks about the microphone
let pendingText = []; // typed before the agent was there
let agentSpeaks = false;
let userSpeaks = false;
let agentThinks = false;
let hasMicrophone = false;

function show(state) {
  byId('state').dataset.state = ['asking', 'reconnecting'].includes(state) ? 'connecting' : state;
  byId('state-text').textContent = STATES[state];
  const live = starting || call !== null;
  talk.hidden = live;
  hangUp.hidden = !live;
  mute.hidden = !live || !hasMicrophone;
}

function showConversation() {
  if (userSpeaks)
    show('hearing');
  else if (agentSpeaks)
    show('speaking');
  else if (agentThinks)
    show('thinking');
  else
    show(hasMicrophone ? 'listening' : 'typing');
}

function tell(failure) {
  problem.textContent = failure?.message ?? '';
  problem.dataset.kind = failure?.kind ?? '';
  problem.hidden = !failure;
}

function attach(rtvi) {
  const on = (type, handle) => rtvi.addEventListener(type, ({ detail }) => handle(detail));
  const follow = (type, change) => on(type, (data) => {
    change(data);
    showConversation();
  });
  on('bot-ready', () => {
    for (const text of pendingText.splice(0))
      rtvi.text(text);
  });
  follow('user-started-speaking', () => { userSpeaks = true; });
  follow('user-stopped-speaking', () => { userSpeaks = false; agentThinks = true; });
  follow('bot-llm-started', () => { agentThinks = true; });
  follow('bot-llm-stopped', () => { agentThinks = false; });
  follow('bot-started-speaking', () => { agentSpeaks = true; agentThinks = false; });
  follow('bot-stopped-speaking', () => { agentSpeaks = false; });
  on('user-transcription', ({ text, final }) => transcript.userSaid(String(text), final === true));
  on('user-llm-text', ({ text }) => transcript.userTurn(String(text)));
  on('bot-output', (output) => transcript.agentOutput(output));
  follow('bot-interrupted', () => {
    agentThinks = false;
    transcript.interrupted();
  });
  on('server-message', serverMessage);
  on('error', ({ error }) => tell({ kind: 'agent', message: `The agent has a problem: ${error}` }));
}

/** Events of ours that RTVI has no message for. */
function serverMessage({ t }) {
  if (t === 'silent') {
    agentThinks = false;
    showConversation();
  }
}

function begin(microphone) {
  userSpeaks = agentSpeaks = agentThinks = false;
  hasMicrophone = microphone !== null;
  call = new Call(microphone, token);
  call.addEventListener('rtvi', ({ detail }) => attach(detail));
  call.addEventListener('track', ({ detail }) => play(detail));
  call.addEventListener('connected', showConversation);
  call.addEventListener('reconnecting', () => show('reconnecting'));
  call.addEventListener('microphone-gone', () => {
    hasMicrophone = false;
    mute.hidden = true;
    tell({
      kind: 'no-microphone',
      message: 'The microphone has gone. You can type below instead.',
    });
  });
  call.addEventListener('ended', ({ detail }) => ended(detail));
  show('connecting');
  call.start();
}

function ended(failure) {
  const wasConnected = byId('state').dataset.state !== 'connecting';
  call = null;
  pendingText = [];
  voice.srcObject = null;
  transcript.close();
  if (wasConnected)
    transcript.note('Call ended');
  const focusWasInCall = [hangUp, mute].includes(document.activeElement);
  setMuted(false);
  show(failure ? 'failed' : 'ended');
  tell(failure);
  if (focusWasInCall)
    talk.focus();
}

async function play(stream) {
  voice.srcObject = stream;
  try {
    await voice.play();
  } catch (error) {
    if (error.name === 'NotAllowedError') {
      tell({
        kind: 'autoplay',
        message: 'The browser holds the sound back. Press any key or click anywhere to hear the agent.',
      });
      for (const type of ['pointerdown', 'keydown'])
        document.addEventListener(type, () => voice.play().then(() => tell(null)), { once: true });
    }
  }
}

function setMuted(muted) {
  if (call)
    call.muted = muted;
  mute.setAttribute('aria-pressed', String(muted));
  mute.textContent = muted ? 'Muted' : 'Mute';
}

talk.addEventListener('click', async () => {
  if (call || starting)
    return;
  tell(null);
  starting = true;
  show('asking');
  hangUp.focus();
  let microphone = null;
  try {
    microphone = await openMicrophone();
  } catch (failure) {
    if (starting)
      tell(failure);
  }
  if (!starting) { // given up meanwhile
    for (const track of microphone?.getTracks() ?? [])
      track.stop();
    return;
  }
  starting = false;
  if (microphone) {
    begin(microphone);
  } else {
    show('failed');
    words.focus();
  }
});

hangUp.addEventListener('click', () => {
  if (starting) {
    starting = false;
    show('idle');
    talk.focus();
  }
  call?.hangUp();
});

mute.addEventListener('click', () => setMuted(!call?.muted));

byId('typing').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = words.value.trim();
  if (!text || starting)
    return;
  words.value = '';
  transcript.userTyped(text);
  if (call?.rtvi?.open) {
    call.rtvi.text(text);
    return;
  }
  pendingText.push(text);
  if (!call) {
    tell(null);
    begin(null); // no microphone: whoever types first may want none
  }
});

// The server notices a closed page by itself; this only tells it sooner.
window.addEventListener('pagehide', () => call?.hangUp());

show('idle');
