// What no client of good will sends, over HTTP: each gets a clear answer, and the server goes on.

import assert from 'node:assert/strict';
import net from 'node:net';
import { sleep } from './lib/env.mjs';
import { withServer } from './lib/test.mjs';

const json = (body) => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});
const offer = (sdp, more = {}) => json({ sdp, type: 'offer', pc_id: null, restart_pc: false,
  ...more });

const REQUESTS = [
  ['not JSON', '/api/offer', json('{"sdp":'), [400]],
  ['no body', '/api/offer', json(''), [400]],
  ['an array', '/api/offer', json('[1,2,3]'), [400]],
  ['deep nesting', '/api/offer', json('['.repeat(20_000)), [400]],
  ['a number as SDP', '/api/offer', json({ sdp: 1, type: 'offer' }), [400]],
  ['no SDP', '/api/offer', json({ type: 'offer' }), [400]],
  ['empty SDP', '/api/offer', offer(''), [400]],
  ['text as SDP', '/api/offer', offer('hello'), [400]],
  ['SDP without media', '/api/offer', offer('v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n'),
    [400]],
  ['an answer as offer', '/api/offer', json({ sdp: 'v=0\r\n', type: 'answer' }), [400]],
  ['another content type', '/api/offer', { method: 'POST', body: 'sdp=1',
    headers: { 'Content-Type': 'text/plain' } }, [400, 415]],
  ['an unknown call', '/api/offer', { ...json({ pc_id: 'none', candidates: [] }),
    method: 'PATCH' }, [404]],
  ['an unknown session', '/sessions/none/api/offer', offer('v=0\r\n'), [400, 404]],
  ['too large', '/api/offer', offer('a'.repeat(300_000)), [413]],
  ['a wrong method', '/api/offer', { method: 'DELETE' }, [404, 405]],
  ['a path out of the pages', '/..%2f..%2fmeson.build', {}, [400, 403, 404]],
  ['a path with NUL', '/index.html%00.js', {}, [400, 404]],
  ['an unknown path', '/nowhere', {}, [404]],
];

/** Sends bytes and reads what comes until the connection ends. */
function raw(server, bytes) {
  return new Promise((resolve) => {
    let answer = '';
    const socket = net.connect(server.port, '127.0.0.1', () => socket.write(bytes));
    socket.setTimeout(3000, () => socket.destroy());
    socket.on('data', (data) => { answer += data.toString('latin1'); });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}

export default {
  name: 'bad-input: requests of no good will get a clear answer',
  timeoutS: 120,
  run: () => withServer({}, async (server) => {
    for (const [what, path, request, allowed] of REQUESTS) {
      const response = await fetch(server.url + path, request);
      const body = await response.text();
      assert.ok(allowed.includes(response.status),
        `${what}: ${response.status}, expected ${allowed}: ${body.slice(0, 200)}`);
      if (path.includes('offer') && ![404, 405].includes(response.status))
        assert.equal(typeof JSON.parse(body).detail, 'string', `${what}: a reason is given`);
    }
    for (const bytes of ['\0\0\0\0\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', 'x'.repeat(100_000),
      `GET / HTTP/1.1\r\n${'a: b\r\n'.repeat(5000)}\r\n`,
      'POST /api/offer HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
      'POST /api/offer HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n'])
      assert.doesNotMatch(await raw(server, bytes), /^HTTP\/1.1 200/);

    // Connections that say nothing keep nobody out.
    const idle = Array.from({ length: 50 }, () => net.connect(server.port, '127.0.0.1')
      .on('error', () => {}));
    await sleep(200);
    assert.ok(await server.ready());
    idle.forEach((socket) => socket.destroy());

    const { sessions } = await server.stats();
    assert.equal(sessions.total, 0);
  }),
};
