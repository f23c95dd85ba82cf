// The choice of an agent. Loaded when there is one.

import { recall, remember } from './settings.js';
import { loadStyle } from './stylesheet.js';
import { element } from './transcript.js';

const styled = loadStyle('agents.css');

/**
 * Resolves when they can be shown.
 * @param {HTMLFieldSetElement} root gets a radio button for each
 * @param {{name, title, description}[]} agents
 * @param {string} otherwise the name of the one to take when none was chosen before
 */
export async function offerAgents(root, agents, otherwise) {
  const named = (wanted) => agents.find(({ name }) => name === wanted);
  const chosen = named(recall('agent')) ?? named(otherwise) ?? agents[0];
  root.replaceChildren(...agents.map((agent) => {
    const label = element('label', 'choice');
    const input = Object.assign(element('input'),
      { type: 'radio', name: 'agent', value: agent.name, checked: agent === chosen });
    input.addEventListener('change', () => remember('agent', agent.name));
    label.append(input, element('b', '', agent.title), element('span', 'hint', agent.description));
    return label;
  }));
  await styled;
}
