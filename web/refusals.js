// Why there is no call, or no microphone, in sentences: loaded when it happens.

import { Failure } from './failures.js';

const TYPE = 'You can type below instead.';

const MICROPHONE = {
  insecure: 'Browsers give the microphone only to secure pages: open this page over https, or as ' +
    `http://localhost on the machine that runs it. ${TYPE}`,
  denied: 'The microphone is blocked for this page. Allow it in the browser\'s address bar and ' +
    `press Talk again. ${TYPE}`,
  'no-microphone': `No microphone was found. Plug one in and press Talk again. ${TYPE}`,
  'microphone-busy': 'The microphone cannot be opened, perhaps because another program uses it. ' +
    `Close that and press Talk again. ${TYPE}`,
};

// Names of DOMExceptions.
const KINDS = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'no-microphone',
  NotReadableError: 'microphone-busy',
  AbortError: 'microphone-busy',
};

/** @param {Error} error from getUserMedia */
export function microphoneFailure({ name }) {
  const kind = window.isSecureContext ? KINDS[name] ?? 'microphone' : 'insecure';
  return new Failure(kind, MICROPHONE[kind] ?? `The microphone cannot be used (${name}). ${TYPE}`);
}

/** @param {Error} error of the site's own function for tokens */
export const tokenFailure = ({ message }) => new Failure('token',
  `This site could not get a permission to talk (${message}). Please try again later.`);

/** The server said no. @param {Response} response {detail: what is wrong, info: what to do} */
export async function refusal(response) {
  const { status } = response;
  const body = await response.json().catch(() => ({}));
  const texts = [body.detail, body.info].filter((text) => typeof text === 'string' && text);
  const why = texts.map((text) => `${text[0].toUpperCase()}${text.slice(1)}.`).join(' ') ||
    `Error ${status}.`;
  switch (status) {
    case 401:
      return /expired/.test(why) ?
        new Failure('expired', 'The permission to talk here has expired. Please reload the page.') :
        new Failure('unauthorised',
          'This server asks for a token: open the page with the address its operator gave you.');
    case 403:
      return new Failure('forbidden', `The server does not let this page in. ${why}`);
    case 404:
      return new Failure('no-agent', `Nobody answers here. ${why}`);
    case 429:
    case 503:
      return full(Number(response.headers.get('Retry-After')));
    default:
      return new Failure('refused', `The server could not take the call. ${why}`);
  }
}

/** @param {number} seconds what the server proposes to wait, or 0 */
function full(seconds) {
  const when = seconds > 90 ? `${Math.ceil(seconds / 60)} minutes` :
    seconds > 1 ? `${seconds} seconds` : 'a minute';
  const failure = new Failure('full',
    `All lines are busy at the moment. Please try again in ${when}.`);
  failure.retryAfter = seconds;
  return failure;
}

/** Counts down on a button, then acts. @returns the timer, for clearInterval() */
export function countDown(button, seconds, act) {
  const show = () => { button.textContent = `Trying again in ${seconds} s`; };
  const timer = setInterval(() => {
    seconds -= 1;
    if (seconds > 0)
      return show();
    clearInterval(timer);
    act();
  }, 1_000);
  show();
  return timer;
}

const OTHER = 'Try another network, such as a phone\'s.';

export const unsupported = () => new Failure('unsupported',
  'This browser cannot make calls. Please use a current Firefox, Chrome or Safari.');

export const serverRestarted = () => new Failure('server-restarted',
  'The server no longer knows this conversation: it was restarted, or the connection was away ' +
    'for too long. Press Talk to begin a new one.');

/** The server takes the call, and no way to it is found. @param {RTCPeerConnection} pc */
export function noPath(pc) {
  const urls = pc.getConfiguration().iceServers.flatMap((server) => server.urls);
  const why = !urls.some((url) => /^turns?:/.test(url)) ?
    'A firewall may be blocking UDP, and the server has no relay (TURN) for such networks.' :
    /typ relay/.test(pc.localDescription?.sdp) ?
      'Not even through the relay (TURN): it may not reach the server.' :
      'A firewall may be blocking UDP, and the relay (TURN) does not answer or does not let us in.';
  return new Failure('no-path',
    `The server answers, but sound does not get through. ${why} ${OTHER}`);
}

/**
 * A server of another origin does not answer: browsers do not say whether it is away or does not
 * want this site.
 * @param {URL} base
 */
export async function silence(base) {
  const there = await fetch(new URL('healthz', base), { mode: 'no-cors' }).catch(() => null);
  return there === null ? new Failure('unreachable') :
    new Failure('origin', `The voice server ${base.origin} does not take calls from this site. ` +
      `Its operator allows it with: --cors-origin ${location.origin}`);
}

/**
 * Browsers play sound only after the user has done something on the page.
 * @param {{audio: HTMLAudioElement, signal: AbortSignal, tell: function}} call tell(null): it plays
 */
export function autoplay({ audio, signal, tell }) {
  tell(new Failure('autoplay',
    'The browser holds the sound back. Press any key or click anywhere to hear the agent.'));
  for (const type of ['pointerdown', 'keydown']) {
    document.addEventListener(type, () => audio.play().then(() => tell(null), () => {}),
      { once: true, signal });
  }
}
