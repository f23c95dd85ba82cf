// Digits in a call, as on a telephone. Loaded when it is wanted.

import { loadStyle } from './stylesheet.js';
import { element } from './transcript.js';

const dialog = element('dialog');
const digits = element('output');
const keys = element('div');
const close = element('button', '', 'Close');
let conversation = null;

function press(key) {
  conversation.sendDigits(key);
  digits.textContent = (digits.textContent + key).slice(-12);
}

dialog.id = 'keypad';
dialog.setAttribute('aria-label', 'Keypad');
digits.setAttribute('aria-label', 'Digits sent');
for (const key of '123456789*0#')
  keys.appendChild(element('button', '', key)).addEventListener('click', () => press(key));
dialog.addEventListener('keydown', ({ key }) => /^[\d*#]$/.test(key) && press(key));
close.addEventListener('click', () => dialog.close());
dialog.append(digits, keys, close);
document.body.append(dialog);

const styled = loadStyle('keypad.css');

/** @param {object} current the conversation, which closes it when it ends */
export async function openKeypad(current) {
  conversation = current;
  conversation.addEventListener('ended', () => {
    if (dialog.open) {
      dialog.close();
      document.getElementById('talk').focus();
    }
  });
  digits.textContent = '';
  await styled;
  dialog.showModal();
}
