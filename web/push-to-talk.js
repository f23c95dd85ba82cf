// The microphone is open while a button or the space bar is held. Loaded when it is wanted.

import { loadStyle } from './stylesheet.js';

loadStyle('push-to-talk.css');

/**
 * @param {HTMLButtonElement} button
 * @param {() => object|null} current the conversation, if there is one
 */
export function attach(button, current) {
  const talk = (talking) => {
    const conversation = current();
    if (conversation?.pushToTalk)
      conversation.talking = talking;
    button.classList.toggle('held', Boolean(conversation?.talking));
  };

  if (matchMedia('(hover: hover)').matches) // where there is a keyboard, most likely
    button.append(' or hold Space');
  button.addEventListener('pointerdown', () => talk(true));
  for (const type of ['pointerup', 'pointercancel', 'blur'])
    window.addEventListener(type, () => talk(false));
  button.addEventListener('contextmenu', (event) => event.preventDefault());
  // Assistive technology cannot hold a button: it clicks to talk, and again to stop.
  button.addEventListener('click', ({ detail }) => detail || talk(!current().talking));

  let held = null; // the key
  document.addEventListener('keydown', (event) => {
    const { target, key } = event;
    const mine = target === button ? key === ' ' || key === 'Enter' :
      key === ' ' && !target.closest('button, input, select, summary, dialog, a');
    if (!mine || !current()?.pushToTalk)
      return;
    event.preventDefault(); // no scrolling, no click
    held = key;
    talk(true);
  });
  document.addEventListener('keyup', (event) => {
    if (event.key !== held) // the focus may be elsewhere by now
      return;
    event.preventDefault();
    held = null;
    talk(false);
  });
}
