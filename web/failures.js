// What can go wrong, in sentences for the person in front of the page.

const TYPE = 'You can type below instead.';

// {} stands for the details.
const SENTENCES = {
  insecure: 'Browsers give the microphone only to secure pages: open this page over https, or as ' +
    `http://localhost on the machine that runs it. ${TYPE}`,
  denied: 'The microphone is blocked for this page. Allow it in the browser\'s address bar and ' +
    `press Talk again. ${TYPE}`,
  'no-microphone': `No microphone was found. Plug one in and press Talk again. ${TYPE}`,
  'microphone-busy': 'The microphone cannot be opened, perhaps because another program uses it. ' +
    `Close that and press Talk again. ${TYPE}`,
  microphone: `The microphone cannot be used ({}). ${TYPE}`,
  autoplay: 'The browser holds the sound back. Press any key or click anywhere to hear the agent.',
  unsupported: 'This browser cannot make calls: it lacks WebRTC. Please use a current Firefox, ' +
    'Chrome or Safari.',
  unauthorised: 'This server asks for a token: open the page with the address its operator gave ' +
    'you.',
  expired: 'The permission to talk here has expired. Please reload the page.',
  token: 'This site could not get a permission to talk ({}). Please try again later.',
  forbidden: 'The server does not let this page in. {}',
  'no-agent': 'Nobody answers here. {}',
  full: 'All lines are busy at the moment. Please try again in {}.',
  refused: 'The server could not take the call. {}',
  unreachable: 'The server cannot be reached. Check your connection and press Talk again.',
  'no-path': 'The call could not be connected: the server answers, but audio does not get ' +
    'through. A firewall may be blocking UDP.',
  'network-lost': 'The connection was lost. Check your network and press Talk again.',
  'server-restarted': 'The server no longer knows this conversation: it was restarted, or the ' +
    'connection was away for too long. Press Talk to begin a new one.',
  agent: 'The agent has a problem: {}',
  'hung-up': 'The call was ended before it was connected.',
};

const OF_MICROPHONE = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'no-microphone',
  OverconstrainedError: 'no-microphone',
  NotReadableError: 'microphone-busy',
  AbortError: 'microphone-busy',
};

/** An error whose message is meant to be read by the user. */
export class Failure extends Error {
  /** @param {string} kind of the table, or one's own with a sentence */
  constructor(kind, details = '', sentence = SENTENCES[kind]) {
    super(sentence.replace('{}', () => details).trim());
    this.kind = kind;
  }
}

/** @param {DOMException} error from getUserMedia */
export const microphoneFailure = ({ name }) =>
  new Failure(OF_MICROPHONE[name] ?? 'microphone', name);

/**
 * The server said no.
 * @param {Response} response its body: {detail: what is wrong, info: what to do}
 */
export async function refusal(response) {
  const { status } = response;
  const body = await response.json().catch(() => ({}));
  const texts = [body.detail, body.info].filter((text) => typeof text === 'string' && text);
  const why = texts.map((text) => `${text[0].toUpperCase()}${text.slice(1)}.`).join(' ');
  if (status === 401)
    return new Failure(/expired/.test(why) ? 'expired' : 'unauthorised');
  if (status === 429 || status === 503)
    return full(Number(response.headers.get('Retry-After')));
  return new Failure({ 403: 'forbidden', 404: 'no-agent' }[status] ?? 'refused',
    why || `Error ${status}.`);
}

/** @param {number} seconds what the server proposes to wait, or 0 */
function full(seconds) {
  const failure = new Failure('full', seconds > 90 ? `${Math.ceil(seconds / 60)} minutes` :
    seconds > 1 ? `${seconds} seconds` : 'a minute');
  failure.retryAfter = seconds;
  return failure;
}
