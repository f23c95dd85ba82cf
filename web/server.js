// The server's HTTP side: addresses, access token, refusals.

import { because, Failure } from './failures.js';

// The server answers within milliseconds; what takes longer than this will not come.
const TIMEOUT_MS = 8_000;
// The passwords of TURN servers end.
const ICE_MS = 600_000;

export class Server {
  #token;
  #ice = {};
  #current; // what the function for tokens gave last

  /**
   * @param {string|null} [url] else where this module came from
   * @param {string|(() => Promise<string>)|null} [token] a function is asked again when the token
   *   has expired
   */
  constructor(url, token) {
    this.base = new URL(url ?? '.', url ? document.baseURI : import.meta.url);
    if (!this.base.pathname.endsWith('/'))
      this.base.pathname += '/';
    this.#token = token;
  }

  async agents() {
    const list = await this.#ask('GET', 'api/agents');
    this.#ice = { servers: list.iceServers, end: Date.now() + ICE_MS };
    return list;
  }

  /** For RTCPeerConnection: STUN and TURN. */
  async iceServers() {
    if (!(Date.now() < this.#ice.end))
      await this.agents();
    return this.#ice.servers ?? [];
  }

  offer(body, signal) {
    return this.#ask('POST', 'api/offer', body, signal);
  }

  /** No candidates: asks whether the server still knows the call. */
  candidates(pcId, candidates, signal) {
    return this.#ask('PATCH', 'api/offer', { pc_id: pcId, candidates }, signal);
  }

  /** Throws a Failure. */
  async #ask(...request) {
    let response = await this.#fetch(...request);
    if (response.status === 401 && typeof this.#token === 'function') {
      this.#current = null;
      response = await this.#fetch(...request);
    }
    if (!response.ok)
      throw await because('refusal', response);
    return response.json().catch(() => { throw new Failure('unreachable'); });
  }

  async #bearer() {
    if (typeof this.#token !== 'function')
      return this.#token;
    try {
      return this.#current ??= await this.#token();
    } catch (error) {
      throw await because('tokenFailure', error);
    }
  }

  async #fetch(method, path, body, signal) {
    const token = await this.#bearer();
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    if (body)
      headers['Content-Type'] = 'application/json';
    const late = AbortSignal.timeout(TIMEOUT_MS);
    const stop = signal ? AbortSignal.any([signal, late]) : late;
    try {
      return await fetch(new URL(path, this.base),
        { method, headers, body: JSON.stringify(body), signal: stop });
    } catch {
      throw stop.aborted || this.base.origin === location.origin ?
        new Failure('unreachable') : await because('silence', this.base);
    }
  }
}
