// The server's HTTP side as a client sees it: addresses, access token, refusals.

import * as failures from './failures.js';

// The server answers within milliseconds; what takes longer than this will not come.
const TIMEOUT_MS = 8_000;

/** Where these modules came from, which is the server. */
const HOME = new URL('.', import.meta.url);

export class Server {
  #token;
  #current; // what the function last gave

  /**
   * @param {string|URL|null} url null: the server that these modules came from
   * @param {string|(() => Promise<string>)|null} token for the Authorization header; a function is
   *   asked again when the token has expired
   */
  constructor(url, token) {
    this.base = url ? new URL(url, document.baseURI) : HOME;
    if (!this.base.pathname.endsWith('/'))
      this.base.pathname += '/';
    this.#token = token;
  }

  /** @returns {Promise<{agents: {name, title, description}[], default: string}>} */
  async agents() {
    return (await this.#ask('GET', 'api/agents')).json();
  }

  /**
   * @param {object} body
   * @param {AbortSignal} [signal]
   * @returns {Promise<{sdp: string, pc_id: string}>}
   */
  async offer(body, signal) {
    return (await this.#ask('POST', 'api/offer', body, signal)).json();
  }

  /** No candidates: asks whether the server still knows the call. Throws a Failure. */
  async candidates(pcId, candidates, signal) {
    await this.#ask('PATCH', 'api/offer', { pc_id: pcId, candidates }, signal);
  }

  /** @returns {Promise<Response>} a good one; throws a Failure otherwise */
  async #ask(method, path, body, signal) {
    let response = await this.#fetch(method, path, body, signal);
    if (response.status === 401 && typeof this.#token === 'function') {
      this.#current = null;
      response = await this.#fetch(method, path, body, signal);
    }
    if (response.ok)
      return response;
    const { detail, info } = await response.json().catch(() => ({}));
    throw failures.refusal(response, detail, info);
  }

  async #bearer() {
    if (typeof this.#token !== 'function')
      return this.#token;
    try {
      this.#current ??= String(await this.#token());
    } catch (error) {
      throw failures.noToken(error);
    }
    return this.#current;
  }

  async #fetch(method, path, body, signal) {
    const headers = {};
    const token = await this.#bearer();
    if (token)
      headers.Authorization = `Bearer ${token}`;
    if (body)
      headers['Content-Type'] = 'application/json';
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
    signal?.addEventListener('abort', () => abort.abort(), { once: true });
    try {
      return await fetch(new URL(path, this.base), {
        method,
        headers,
        body: body && JSON.stringify(body),
        signal: abort.signal,
        referrerPolicy: 'no-referrer',
      });
    } catch {
      throw await this.#silence(abort.signal.aborted);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Browsers do not say whether the server is away or does not want this site: finds out. */
  async #silence(timedOut) {
    if (!timedOut && this.base.origin !== location.origin) {
      const there = await fetch(new URL('healthz', this.base), { mode: 'no-cors' })
        .then(() => true, () => false);
      if (there)
        return failures.foreign(this.base.origin);
    }
    return failures.unreachable();
  }
}

/**
 * The agents of a server.
 * @param {{server?: string, token?: string|(() => Promise<string>)}} [options]
 * @returns {Promise<{agents: {name, title, description}[], default: string}>}
 */
export function listAgents({ server, token } = {}) {
  return new Server(server ?? null, token ?? null).agents();
}
