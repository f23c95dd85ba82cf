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
 * @param {string} [detail] what it gave as the reason
 * @param {string} [info] and as the way out
 */
export function refusal(response, detail, info) {
  const reason = [detail, info].filter((text) => typeof text === 'string' && text)
    .map((text) => text[0].toUpperCase() + text.slice(1)).join('. ');
  switch (response.status) {
    case 401:
      return /expired/.test(detail) ?
        new Failure('expired', 'The permission to talk here has expired: reload the page.') :
        new Failure('unauthorised',
          'This server asks for a token: open the page with the address its operator gave you.');
    case 403:
      return new Failure('forbidden', `The server does not let this page in. ${reason}`.trim());
    case 404:
      return new Failure('no-agent', `Nobody answers here. ${reason}`.trim());
    case 429:
    case 503:
      return full(Number(response.headers.get('Retry-After')));
    default:
      return new Failure('refused',
        `The server could not take the call (error ${response.status}). ${reason}`.trim());
  }
}

/** @param {number} seconds what the server proposes to wait, NaN or 0 when it does not say */
function full(seconds) {
  const when = seconds > 90 ? `${Math.ceil(seconds / 60)} minutes` :
    seconds > 1 ? `${seconds} seconds` : 'a minute';
  const failure = new Failure('full',
    `All lines are busy at the moment. Please try again in ${when}.`);
  failure.retryAfter = seconds || null;
  return failure;
}

/** @param {Error} error of the page's own function for tokens */
export const noToken = (error) => new Failure('token',
  `This site could not get a permission to talk (${error.message}). Please try again later.`);

/** @param {string} server its origin */
export const foreign = (server) => new Failure('origin', `The voice server ${server} does not ` +
  `take calls from this site. Its operator allows it with: --cors-origin ${location.origin}`);

export const serverRestarted = () => new Failure('server-restarted', 'The server no longer knows ' +
  'this conversation: it was restarted, or the connection was away for too long. Press Talk to ' +
  'begin a new one.');

export const microphoneGone = () => new Failure('no-microphone',
  `The microphone has gone. ${typing}`);

export const autoplay = () => new Failure('autoplay',
  'The browser holds the sound back. Press any key or click anywhere to hear the agent.');

export const hungUp = () => new Failure('hung-up', 'The call was ended before it was connected.');

/** @param {string} reason what the agent gave */
export const agentFailed = (reason) => new Failure('agent', `The agent has a problem: ${reason}`);

export const unreachable = () => new Failure('unreachable',
  'The server cannot be reached. Check your connection and press Talk again.');

export const noPath = () => new Failure('no-path', 'The call could not be connected: the server ' +
  'answers, but audio does not get through. A firewall may be blocking UDP.');

export const networkLost = () => new Failure('network-lost',
  'The connection was lost. Check your network and press Talk again.');

export const unsupported = () => new Failure('unsupported',
  'This browser cannot make calls: it lacks WebRTC. Please use a current Firefox, Chrome or Safari.');
