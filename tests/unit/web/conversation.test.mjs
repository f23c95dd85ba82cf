// web/conversation.js and below, on a virtual clock: finding back after the network was lost,
// access tokens, the agent's functions, requests, states.

import assert from 'node:assert/strict';
import test from 'node:test';
import { browser, pass } from './fakes.mjs';

const { Conversation } = await import('../../../web/conversation.js');
const { Server } = await import('../../../web/server.js');
// Loaded already: no waiting that no clock knows of.
await import('../../../web/functions.js');
await import('../../../web/refusals.js');
const SERVER = 'http://site.example/';

/** A conversation that goes on, what it told, and the fake. */
async function begun(options = {}) {
  const fake = browser();
  const events = [];
  const c = new Conversation({ server: SERVER, microphone: false, ...options });
  for (const type of ['state', 'userTurn', 'agentText', 'tool', 'metrics', 'interrupted', 'problem',
    'ended'])
    c.addEventListener(type, ({ detail }) => events.push({ type, ...detail }));
  const started = c.start();
  await pass(50);
  fake.pc.connect();
  fake.pc.channel.receive('bot-ready', {});
  await pass(50);
  await started;
  return { fake, c, events, states: () => events.filter(({ type }) => type === 'state')
    .map(({ state }) => state), of: (type) => events.filter((event) => event.type === type) };
}

test('begins: offer, candidates, client-ready', async () => {
  const { fake, c, states } = await begun({ agent: 'one', data: { name: 'Ann' } });
  const [list, offer, candidates] = fake.requests;
  assert.equal(list.path, '/api/agents');
  assert.deepEqual([offer.path, offer.body.pc_id, offer.body.restart_pc, offer.body.request_data],
    ['/api/offer', null, false, { name: 'Ann', agent: 'one' }]);
  assert.deepEqual(candidates.body, { pc_id: 'call-1', candidates: [
    { candidate: 'candidate:1 1 udp 1 127.0.0.1 9 typ host', sdp_mid: '0', sdp_mline_index: 0 },
  ] });
  assert.deepEqual(fake.pc.channel.types(), ['client-ready']);
  assert.deepEqual(states(), ['connecting', 'listening']);
  c.hangUp();
  assert.deepEqual(fake.pc.channel.types(), ['client-ready', 'disconnect-bot']);
});

test('a short gap heals by itself', async () => {
  const { fake, states } = await begun();
  const before = fake.requests.length;
  fake.pc.change('disconnected');
  await pass(1900);
  fake.pc.change('connected');
  await pass(5000);
  assert.deepEqual(fake.told(before), []);
  assert.deepEqual(states(), ['connecting', 'listening']);
});

test('the network is lost: ICE restart on the same connection', async () => {
  const { fake, c, states } = await begun();
  const before = fake.requests.length;
  fake.pc.change('disconnected');
  await pass(2100);
  assert.equal(states().at(-1), 'reconnecting');
  c.sendText('Are you there?');
  fake.pc.change('connected');
  await pass(100);
  assert.deepEqual(fake.told(before), ['PATCH probe', 'POST call-1 false', 'PATCH candidates']);
  assert.match(fake.requests[before + 1].body.sdp, /restart:1/);
  assert.equal(fake.connections, 1);
  assert.equal(states().at(-1), 'listening');
  assert.deepEqual(fake.pc.channel.types(), ['client-ready', 'send-text']);
});

test('nothing comes any more, before the browser notices: ICE restart', async () => {
  const { fake, states } = await begun();
  const before = fake.requests.length;
  await pass(3500);
  assert.deepEqual(fake.told(before), []);
  fake.pc.dead = true;
  await pass(3100);
  assert.deepEqual(fake.told(before), ['PATCH probe', 'POST call-1 false', 'PATCH candidates']);
  fake.pc.dead = false;
  await pass(5000);
  assert.equal(fake.pc.restarts, 1);
  assert.equal(states().at(-1), 'listening');
});

test('ICE restart does not help: a new connection for the same conversation', async () => {
  const { fake, c, states } = await begun();
  const former = fake.pc;
  const before = fake.requests.length;
  former.change('failed');
  former.channel.readyState = 'closed';
  await pass(3900);
  assert.deepEqual(fake.told(before), ['PATCH probe', 'POST call-1 false', 'PATCH candidates']);
  c.sendText('Are you there?');
  await pass(200);
  assert.deepEqual(fake.told(before + 3).slice(0, 2), ['PATCH probe', 'POST call-1 true']);
  assert.equal(fake.connections, 2);
  assert.equal(former.connectionState, 'closed');
  fake.pc.connect();
  await pass(50);
  assert.equal(states().at(-1), 'listening');
  assert.deepEqual(fake.pc.channel.types(), ['send-text'], 'the agent has been greeted');
});

test('the former connection is closed only when there is another', async () => {
  const { fake } = await begun();
  const former = fake.pc;
  const usual = fake.answer;
  fake.answer = (request) => request.method === 'POST' ? null : usual(request);
  former.change('failed');
  await pass(6000);
  assert.ok(fake.connections > 1);
  assert.equal(former.connectionState, 'failed');
});

test('the browser is online again: asks at once, and a good connection stays', async () => {
  const { fake, states } = await begun();
  const before = fake.requests.length;
  window.dispatchEvent(new Event('online'));
  await pass(50);
  assert.deepEqual(fake.told(before).slice(0, 2), ['PATCH probe', 'POST call-1 false']);
  assert.equal(fake.connections, 1);
  assert.deepEqual(states(), ['connecting', 'listening'], 'nobody needs to know');
});

test('nobody answers: gives up after 30 s', async () => {
  const { fake, of } = await begun();
  fake.answer = () => null;
  fake.pc.change('failed');
  await pass(29_000);
  assert.equal(of('ended').length, 0);
  await pass(6_000);
  assert.equal(of('ended')[0].failure.kind, 'network-lost');
});

for (const [what, answer] of [
  ['knows no such call', (fake) => fake.reply(404, {})],
  ['begins another', (fake) => fake.reply(200, { pc_id: 'call-2', sdp: 'v=0' })],
]) {
  test(`the server was restarted: it ${what}`, async () => {
    const { fake, c, of } = await begun();
    fake.answer = () => answer(fake);
    fake.pc.change('failed');
    await pass(100);
    assert.equal(of('ended')[0].failure.kind, 'server-restarted');
    assert.match(of('ended')[0].failure.message, /Press Talk/);
    assert.equal(c.state, 'failed');
    assert.equal(fake.connections, 1, 'no other conversation');
  });
}

test('refusals', async () => {
  const rows = [
    [503, { detail: 'all lines are busy' }, { 'Retry-After': '7' }, 'full', /in 7 seconds/, 7],
    [503, {}, { 'Retry-After': '300' }, 'full', /in 5 minutes/, 300],
    [503, {}, {}, 'full', /in a minute/, 0],
    [401, { detail: 'the token has expired' }, {}, 'expired', /expired/],
    [401, { detail: 'no token' }, {}, 'unauthorised', /token/],
    [403, { detail: 'not here', info: 'go there' }, {}, 'forbidden', /Not here\. Go there\./],
    [404, { detail: 'there is no agent "x"' }, {}, 'no-agent', /There is no agent "x"\./],
    [500, {}, {}, 'refused', /Error 500/],
    [400, { detail: 5, info: null }, {}, 'refused', /Error 400/],
    [null, {}, {}, 'unreachable', /cannot be reached/],
  ];
  for (const [status, body, headers, kind, pattern, retryAfter] of rows) {
    const fake = browser();
    const c = new Conversation({ server: SERVER, microphone: false });
    fake.answer = () => status && fake.reply(status, body, headers);
    const failed = c.start().catch((error) => error);
    await pass(50);
    const failure = await failed;
    assert.equal(failure.kind, kind);
    assert.match(failure.message, pattern);
    assert.equal(failure.retryAfter, retryAfter);
  }
});

test('no way for audio: the call fails after 15 s', async () => {
  const fake = browser();
  const c = new Conversation({ server: SERVER, microphone: false });
  const failed = c.start().catch((error) => error);
  await pass(14_900);
  assert.equal(c.state, 'connecting');
  await pass(300);
  assert.equal((await failed).kind, 'no-path');
  assert.equal(fake.connections, 1);
});

test('no way for audio: a sentence that names the likely cause', async () => {
  const turn = [{ urls: ['stun:a', 'turn:a'], username: 'u', credential: 'c' }];
  for (const [iceServers, candidate, pattern] of [
    [[], '', /UDP, and the server has no relay/],
    [[{ urls: 'stun:a' }], '', /UDP, and the server has no relay/],
    [turn, '', /relay \(TURN\) does not answer/],
    [turn, 'a=candidate:1 1 udp 1 192.0.2.1 9 typ relay', /Not even through the relay/],
  ]) {
    const fake = browser();
    fake.iceServers = iceServers;
    const c = new Conversation({ server: SERVER, microphone: false });
    const failed = c.start().catch((error) => error);
    await pass(50);
    fake.pc.localDescription.sdp += candidate;
    await pass(15_100);
    assert.match((await failed).message, pattern);
  }
});

test('STUN and TURN: the server\'s, asked for again when they are old, or the page\'s own', async () => {
  const fake = browser();
  const server = new Server(SERVER);
  fake.iceServers = [{ urls: 'stun:one' }];
  const asked = () => fake.requests.filter(({ path }) => path === '/api/agents').length;
  const call = async (options = {}) => {
    const c = new Conversation({ server, microphone: false, ...options });
    c.start().catch(() => {});
    await pass(50);
    c.hangUp();
    return fake.pc.configuration.iceServers;
  };
  await server.agents(); // as a page does
  assert.deepEqual(await call(), [{ urls: 'stun:one' }]);
  assert.deepEqual(await call({ iceServers: [{ urls: 'stun:own' }] }), [{ urls: 'stun:own' }]);
  assert.equal(asked(), 1);
  fake.iceServers = [{ urls: 'stun:two' }];
  await pass(600_000);
  assert.deepEqual(await call(), [{ urls: 'stun:two' }]);
  assert.equal(asked(), 2);
});

test('the agent is not there', async () => {
  const fake = browser();
  const c = new Conversation({ server: SERVER, microphone: false });
  const failed = c.start().catch((error) => error);
  await pass(50);
  fake.pc.connect();
  await pass(15_100);
  assert.equal((await failed).kind, 'agent');
});

test('hung up while connecting', async () => {
  browser();
  const c = new Conversation({ server: SERVER, microphone: false });
  const failed = c.start().catch((error) => error);
  await pass(50);
  c.hangUp();
  await pass(50);
  assert.equal((await failed).kind, 'hung-up');
  assert.equal(c.state, 'ended');
});

test('an expired token is fetched anew, once', async () => {
  const fake = browser();
  const usual = fake.answer;
  const tokens = ['old', 'new'];
  fake.answer = (request) => request.headers.Authorization === 'Bearer new' ? usual(request) :
    fake.reply(401, { detail: 'the token has expired' });
  const c = new Conversation({ server: SERVER, microphone: false, token: async () => tokens.shift() });
  c.start().catch(() => {});
  await pass(50);
  assert.deepEqual(fake.requests.map(({ headers }) => headers.Authorization),
    ['Bearer old', 'Bearer new', 'Bearer new', 'Bearer new']);
  c.hangUp();

  const other = new Conversation({ server: SERVER, microphone: false,
    token: async () => { throw new Error('no session'); } });
  const failed = other.start().catch((error) => error);
  await pass(50);
  assert.equal((await failed).kind, 'token');
});

test('a server below a path', async () => {
  for (const [server, path] of [['http://h.example/voice', '/voice/api/offer'],
    ['/voice/', '/voice/api/offer'], ['http://h.example', '/api/offer']]) {
    const fake = browser();
    const c = new Conversation({ server, microphone: false });
    c.start().catch(() => {});
    await pass(20);
    assert.equal(fake.requests[1].path, path);
    c.hangUp();
  }
});

test('functions of the page: one answer to each call', async () => {
  const loop = {};
  loop.loop = loop;
  const { fake, of } = await begun({ functions: {
    add: async ({ a, b }) => a + b,
    nothing: () => {},
    fail: () => { throw new Error('too late'); },
    loop: () => loop,
  } });
  const call = (name, id, where, args) => fake.pc.channel.receive('llm-function-call-in-progress',
    { function_name: name, tool_call_id: id, arguments: args, where });
  call('add', '1', 'client', { a: 2, b: 3 });
  call('nothing', '2', 'client');
  call('fail', '3', 'client', {});
  call('loop', '4', 'client', {});
  call('absent', '5', 'client', {});
  call('toString', '6', 'client', {});
  call('book_room', '7', undefined, {});
  await pass(20);
  const answers = fake.pc.channel.sent.filter(({ type }) => type === 'llm-function-call-result')
    .map(({ data }) => [data.tool_call_id, data.function_name, data.result])
    .sort(([a], [b]) => a - b);
  assert.deepEqual(answers.slice(0, 3),
    [['1', 'add', 5], ['2', 'nothing', null], ['3', 'fail', { error: 'too late' }]]);
  assert.match(answers[3][2].error, /circular/i);
  assert.match(answers[4][2].error, /no function "absent"/);
  assert.match(answers[5][2].error, /no function "toString"/);
  assert.equal(answers.length, 6, "the agent's own functions are its own");
  assert.equal(of('tool').length, 7);
});

test('requests: answers by id, in any order; refusals, silence, the end', async () => {
  const { fake, c } = await begun();
  const { channel } = fake.pc;
  const [one, two, three, four] = ['a', 'b', 'c', 'd'].map((t) =>
    c.request(t, 1).then((d) => ({ d }), (error) => ({ error: error.message })));
  const ids = channel.sent.slice(1).map(({ id }) => id);
  channel.receive('server-response', { t: 'b', d: 'two' }, ids[1]);
  channel.receive('server-response', { t: 'a', d: 'one' }, ids[0]);
  channel.receive('server-response', { t: 'a', d: 'late' }, ids[0]);
  channel.receive('error-response', { error: 'not that' }, ids[2]);
  channel.receive('server-response', { t: 'x', d: 'nobody asked' }, 'x');
  assert.deepEqual(await Promise.all([one, two, three]),
    [{ d: 'one' }, { d: 'two' }, { error: 'not that' }]);
  await pass(10_100);
  assert.match((await four).error, /no answer to "d"/);
  const five = c.request('e').catch((error) => error.message);
  c.hangUp();
  assert.match(await five, /ended/);
});

test('what goes on: states without a flicker, typed text once', async () => {
  const { fake, c, of, states } = await begun();
  const say = (type, data) => fake.pc.channel.receive(type, data);
  c.sendText('Hello');
  say('user-llm-text', { text: 'Hello' });
  say('user-llm-text', { text: 'Hello' });
  assert.deepEqual(of('userTurn').map(({ typed }) => typed), [true, false]);
  say('user-started-speaking');
  say('user-stopped-speaking');
  say('bot-llm-started');
  say('bot-output', { text: 'Hi.', segment_id: '1', spoken_status: 'new', will_be_spoken: true,
    spoken_progress: { accumulated_text: '', remaining_text: 'Hi.' } });
  say('bot-llm-stopped');
  say('bot-started-speaking');
  say('bot-output', { text: 'Hi.', segment_id: '1', spoken_status: 'completed', will_be_spoken: true,
    spoken_progress: { accumulated_text: 'H', remaining_text: 'i.' } });
  say('server-message', { t: 'interrupted', heard: 'H' });
  say('bot-stopped-speaking');
  say('server-message', { t: 'turn-metrics', stt_ms: 30 });
  assert.deepEqual(states().slice(2), ['hearing', 'thinking', 'speaking', 'listening']);
  assert.deepEqual(of('agentText').map(({ status }) => status), ['new', 'interrupted']);
  assert.deepEqual(of('metrics'), [{ type: 'metrics', stt_ms: 30 }]);
  assert.deepEqual(of('interrupted'), [{ type: 'interrupted', heard: 'H' }]);
  say('signalling');
  fake.pc.channel.dispatchEvent(new MessageEvent('message', { data: '{"no json' }));
  fake.pc.channel.dispatchEvent(new MessageEvent('message', { data: 'null' }));
  const { length } = of('ended');
  c.hangUp();
  say('bot-started-speaking');
  assert.equal(states().at(-1), 'ended');
  assert.equal(of('ended').length, length + 1, 'nothing comes after the end');
});

test('microphone: muting, push to talk, another one, unplugged', async () => {
  const { fake, c, of } = await begun({ microphone: true, pushToTalk: true });
  const [{ track }] = fake.microphones;
  const open = () => fake.microphones.at(-1).track.enabled;
  assert.deepEqual([fake.pc.sender.track, open()], [track, false]);
  c.talking = true;
  assert.equal(open(), true);
  c.muted = true;
  assert.equal(open(), false);
  c.pushToTalk = false;
  c.muted = false;
  c.talking = false;
  assert.equal(open(), true);
  await c.setMicrophone('other');
  assert.deepEqual([track.stopped, fake.pc.sender.track, open()],
    [true, fake.microphones[1].track, true]);
  navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotFoundError'); };
  fake.microphones[1].track.dispatchEvent(new Event('ended'));
  await pass(20);
  assert.equal(c.microphone, null);
  assert.equal(of('problem')[0].failure.kind, 'no-microphone');
  c.hangUp();
});

test("a stream of the caller's stays the caller's", async () => {
  browser();
  const stream = new MediaStream();
  const c = new Conversation({ server: SERVER, microphone: stream });
  const failed = c.start().catch((error) => error);
  await pass(20);
  c.hangUp();
  await pass(20);
  assert.equal((await failed).kind, 'hung-up');
  assert.equal(stream.track.stopped, false);
});

test('sound only after a gesture', async () => {
  const { fake, of } = await begun();
  fake.silentPlays = 2;
  const voice = Object.assign(new Event('track'), { track: {}, streams: [new MediaStream()] });
  fake.pc.dispatchEvent(voice);
  await pass(20);
  assert.equal(of('problem')[0].failure.kind, 'autoplay');
  document.dispatchEvent(new Event('keydown'));
  await pass(20);
  assert.equal(of('problem').length, 1, 'still silent');
  document.dispatchEvent(new Event('pointerdown'));
  await pass(20);
  assert.equal(of('problem')[1].failure, null);
});
