// Repartee in any page. As a module: import { connect } from 'https://SERVER/repartee.js'.

import { Conversation } from './conversation.js';

export { Conversation };
export { Failure } from './failures.js';
export { listAgents } from './server.js';

/**
 * Calls an agent.
 * @param {import('./conversation.js').Options} [options]
 * @returns {Promise<Conversation>} when the agent is there; rejects with a Failure
 */
export async function connect(options) {
  const conversation = new Conversation(options);
  await conversation.start();
  return conversation;
}
