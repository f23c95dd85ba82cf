// Why a server of another origin does not answer.

import { Failure } from './failures.js';

/** @param {URL} base of the server */
export async function silence(base) {
  const there = await fetch(new URL('healthz', base), { mode: 'no-cors' }).catch(() => null);
  return there === null ? new Failure('unreachable') :
    new Failure('origin', location.origin, `The voice server ${base.origin} does not take calls ` +
      'from this site. Its operator allows it with: --cors-origin {}');
}
