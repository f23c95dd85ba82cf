// What can go wrong, in sentences for the person in front of the page.

/** An error whose message is meant to be read by the user. */
export class Failure extends Error {
  /**
   * @param {string} kind short name, for tests and styling
   * @param {string} sentence what happened and what to do
   */
  constructor(kind, sentence) {
    super(sentence);
    this.kind = kind;
  }
}

const typing = 'You can type below instead.';

/** Why the microphone cannot be asked for at all, or null. */
export function microphoneObstacle() {
  if (!window.isSecureContext) {
    return new Failure('insecure', 'Browsers give the microphone only to secure pages: open this ' +
      `page over https, or as http://localhost on the machine that runs it. ${typing}`);
  }
  if (!navigator.mediaDevices?.getUserMedia)
    return new Failure('unsupported', `This browser has no access to a microphone. ${typing}`);
  return null;
}

/** @param {DOMException} error from getUserMedia */
export function microphoneFailure(error) {
  switch (error.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return new Failure('denied', 'The microphone is blocked for this page. Allow it in the ' +
        `browser's address bar and press Talk again. ${typing}`);
    case 'NotFoundError':
    case 'OverconstrainedError':
      return new Failure('no-microphone',
        `No microphone was found. Plug one in and press Talk again. ${typing}`);
    case 'NotReadableError':
    case 'AbortError':
      return new Failure('microphone-busy', 'The microphone cannot be opened, perhaps because ' +
        `another program uses it. Close that and press Talk again. ${typing}`);
    default:
      return new Failure('microphone', `The microphone cannot be used (${error.name}). ${typing}`);
  }
}

/**
 * The server said no.
 * @param {Response} response
 * @param {string} detail what it gave as the reason, may be empty
 */
export function refusal(response, detail) {
  const because = detail ? ` (${detail})` : '';
  switch (response.status) {
    case 401:
    case 403:
      return new Failure('unauthorised',
        'This server asks for a token: open the page with the address its operator gave you.');
    case 429:
    case 503:
      return new Failure('full', 'All lines are busy at the moment. Please try again in a minute.');
    default:
      return new Failure('refused',
        `The server could not take the call: error ${response.status}${because}.`);
  }
}

export const unreachable = () => new Failure('unreachable',
  'The server cannot be reached. Check your connection and press Talk again.');

export const noPath = () => new Failure('no-path', 'The call could not be connected: the server ' +
  'answers, but audio does not get through. A firewall may be blocking UDP.');

export const networkLost = () => new Failure('network-lost',
  'The connection was lost. Check your network and press Talk again.');

export const unsupported = () => new Failure('unsupported',
  'This browser cannot make calls: it lacks WebRTC. Please use a current Firefox, Chrome or Safari.');
