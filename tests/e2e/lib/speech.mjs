// What the callers of the tests say: recorded people where there is a recording, else flite.

import fs from 'node:fs';
import path from 'node:path';
import { shared, synthesise } from './env.mjs';
import { join, normalise, readWav, silence, trim } from './wav.mjs';

const DEBIAN = '/usr/share/asterisk/sounds/en_US_f_Allison';

// text for flite with a voice that the local transcriber understands; again: other words for it;
// recorded: in ../shared/data, free recordings; debian: of asterisk-core-sounds-en-wav, said one
// after the other.
const PHRASES = {
  book_a_room: {
    text: 'I would like to make a booking.',
    again: 'I need a meeting room.',
    recorded: 'speech/g_book_a_room.wav',
  },
  today: { text: 'Today.', recorded: 'speech/g_today.wav' },
  monday: { text: 'On Monday.', debian: ['digits/day-1'] },
  tuesday: { text: 'On Tuesday.', debian: ['digits/day-2'] },
  half_past_two: {
    text: 'Two thirty in the afternoon.',
    recorded: 'speech/g_230pm.wav',
    debian: ['digits/2', 'digits/30', 'digits/p-m'],
  },
  one_hour: { text: 'For one hour.' },
  four_people: { text: 'For four people.', voice: 'slt' },
  name: { text: 'My name is Maria Smith.' },
  yes: { text: 'Yes, please.' },
  no: { text: 'No, thank you.' },
  goodbye: { text: 'Goodbye.', debian: ['goodbye'] },
  what_time: { text: 'What time is it?', recorded: 'speech/rh_what_time_is_it.wav' },
  weather: { text: "What's the weather like?", recorded: 'speech/az_whatstheweatherlike.wav' },
  opening_hours: { text: 'What are your opening hours?', voice: 'slt' },
  sunday: { text: 'Are you open on Sunday?' },
  parking: { text: 'Do you have parking?', voice: 'slt' },
};

const used = new Map(); // phrase → where it came from

function load(name) {
  const phrase = PHRASES[name] ?? { text: name };
  const recorded = phrase.recorded && path.join(shared, phrase.recorded);
  if (recorded && fs.existsSync(recorded))
    return ['recorded', readWav(recorded)];
  const debian = phrase.debian?.map((file) => path.join(DEBIAN, `${file}.wav`));
  if (debian?.every((file) => fs.existsSync(file)))
    return ['debian', join(...debian.flatMap((file) => [trim(readWav(file)), silence(50)]))];
  return ['flite', synthesise(phrase.text, phrase.voice ?? 'rms')];
}

/**
 * @param {string} name of the table, or a text for flite
 * @returns {Int16Array} with a little silence at both ends
 */
export function say(name) {
  const [from, pcm] = load(name);
  used.set(name, from);
  return framed(pcm);
}

/** The same to somebody who did not understand it, each time by another voice of flite. */
export function sayAgain(name, attempt) {
  const { text, again } = PHRASES[name];
  const voices = ['rms', 'slt', 'kal16', 'awb'];
  used.set(`${name} ${attempt}`, 'flite');
  return framed(synthesise(again ?? text, voices[attempt % voices.length]));
}

function framed(pcm) {
  return join(silence(150), normalise(pcm), silence(300));
}

/** @returns {string[][]} what was said, and where it came from */
export const speechUsed = () => [...used];

/** @param {string[][]} speech of one or more processes */
export function speechSummary(speech) {
  const from = [...new Map(speech).values()];
  const count = (name) => from.filter((value) => value === name).length;
  return `phrases recorded in ../shared/data: ${count('recorded')}, of Debian's ` +
    `asterisk-core-sounds: ${count('debian')}, by flite: ${count('flite')}`;
}
