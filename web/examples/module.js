// Everything the snippet's panel does, by a program of the site's own.

import { connect } from '../repartee.js';

const CARDS = {
  'opening hours': 'Monday to Friday 8 to 20, Saturday 9 to 17.',
  prices: 'Four seats: 15 pounds an hour. Eight: 22. Twelve: 30.',
  rooms: 'Anchor and Beacon (4), Compass (8), Lighthouse (12).',
  directions: 'Two minutes from the ferry terminal, along the quay.',
  parking: 'Behind the building, two hours free for guests.',
  wifi: 'Harbour-Guest, free of charge.',
  contact: 'reception@harbour.example',
};

const byId = (id) => document.getElementById(id);
let conversation = null;

/** What the agent may call here. The result goes back to it. */
const functions = {
  async show_on_page({ topic }) {
    if (!Object.hasOwn(CARDS, topic))
      throw new Error(`this page has no card about ${topic}`); // the agent is told
    byId('card-title').textContent = topic;
    byId('card-text').textContent = CARDS[topic];
    byId('card').hidden = false;
    return { shown: topic };
  },
};

/** The site's backend knows its user and the secret key; asked again when the token has expired. */
async function token() {
  const response = await fetch('token');
  return response.ok ? (await response.json()).token : ''; // none: a server on this machine
}

function log(who, text) {
  const line = document.createElement('li');
  line.textContent = `${who}: ${text}`; // textContent: nothing said becomes markup
  byId('log').append(line);
}

async function start(microphone) {
  byId('connect').disabled = true;
  try {
    conversation = await connect({ agent: 'reception', token, functions, microphone });
    const on = (type, handle) =>
      conversation.addEventListener(type, ({ detail }) => handle(detail));
    const show = ({ state }) => { byId('state').textContent = state; };
    show(conversation);
    on('state', show);
    on('userTurn', ({ text }) => log('You', text));
    on('agentText', ({ text, status }) => status === 'completed' && log('Agent', text));
    on('interrupted', ({ heard }) => log('Agent', `${heard} – interrupted`));
    on('metrics', ({ voice_to_voice_ms: ms }) => ms && log('Answered after', `${Math.round(ms)} ms`));
    on('ended', ({ failure }) => ended(failure));
    byId('hang-up').disabled = false;
  } catch (failure) {
    ended(failure);
  }
}

function ended(failure) {
  conversation = null;
  byId('state').textContent = failure ? failure.message : 'ended';
  byId('connect').disabled = false;
  byId('hang-up').disabled = true;
}

byId('connect').addEventListener('click', () => start(true));
byId('hang-up').addEventListener('click', () => conversation.hangUp());
byId('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const text = byId('words').value.trim();
  byId('words').value = '';
  if (!conversation)
    await start(false); // no microphone
  conversation?.sendText(text);
});
