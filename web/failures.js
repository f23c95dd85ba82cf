// What can go wrong, in sentences for the person in front of the page: what may happen when the
// server cannot be reached. For the rest see refusals.js.

const SENTENCES = {
  unreachable: 'The server cannot be reached. Check your connection and press Talk again.',
  'network-lost': 'The connection was lost. Check your network and press Talk again.',
  'hung-up': 'The call was ended before it was connected.',
};

/** @returns {Promise<Failure>} by a function of refusals.js */
export const because = (reason, details) => import('./refusals.js').then(
  (refusals) => refusals[reason](details), () => new Failure('unreachable'));

/** An error whose message is meant to be read by the user. */
export class Failure extends Error {
  /** @param {string} kind short name, for programs */
  constructor(kind, sentence = SENTENCES[kind]) {
    super(sentence);
    this.kind = kind;
  }
}
