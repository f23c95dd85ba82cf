// A person at a site that uses Pipecat's client, and what that client can do with the server.

import assert from 'node:assert/strict';
import { sleep, until } from './env.mjs';
import { feature } from './matrix.mjs';
import { say } from './speech.mjs';
import { assertHeard } from './test.mjs';

const GREETING = /listening/i;
const ANSWER = 'We are open from eight to six on every day of the week.';

export class Pipecat {
  /**
   * @param {string} name the column of the matrix
   * @param {import('./browser.mjs').Caller} caller at the page of clients/pipecat.js
   * @param {import('./server.mjs').Server} server
   * @param {string} token for calls
   */
  constructor(name, caller, server, token) {
    Object.assign(this, { name, caller, server, token, patched: [] });
    caller.page.on('response', (response) => {
      if (response.request().method() === 'PATCH')
        this.patched.push(response.status());
    });
  }

  feature(name, body) {
    return feature(this.name, name, body);
  }

  /** What the client has reported so far: where to begin waiting for more. */
  get position() {
    return this.caller.messages.length;
  }

  /** Waits for an event of the client, and returns its argument. */
  async event(name, wanted = () => true, options = {}) {
    const { data } = await this.caller.message((message) => message.type === 'callback' &&
      message.event === name && wanted(message.data[0]), `the client's ${name}`, options);
    return data[0];
  }

  count(name, from = 0) {
    return this.caller.messages.slice(from)
      .filter(({ type, event }) => type === 'callback' && event === name).length;
  }

  call(method, ...args) {
    return this.caller.page.evaluate(([m, a]) => window.client[m](...a), [method, args]);
  }

  /** The same of a request that is refused: what the client throws. */
  async refused(method, ...args) {
    const error = await this.caller.page.evaluate(([m, a]) => window.client[m](...a).then(
      () => null,
      (e) => ({ message: e.message, status: e.status, type: e.type, data: e.data })),
    [method, args]);
    assert.ok(error, `${method} was not refused`);
    return error;
  }

  /** What the client wants to know of an HTTP endpoint. */
  request(path, requestData) {
    return { endpoint: this.server.url + path, token: this.token, requestData };
  }

  connect(requestData) {
    return this.caller.page.evaluate((request) => window.connectTo(request),
      this.request('/api/offer', requestData));
  }

  start(body) {
    return this.caller.page.evaluate((request) => window.startAt(request),
      this.request('/start', { transport: 'webrtc', body }));
  }

  /** A sentence of the agent, heard to its end as the client was told. */
  said(pattern, from, timeout) {
    return this.event('botOutput', ({ spoken_status: status, spoken_progress: progress, text }) =>
      status === 'completed' && !progress?.remaining_text && pattern.test(text), { from, timeout });
  }

  /** It stops, and what it does not say any more is told. */
  async isCut(from) {
    await this.event('botStoppedSpeaking', () => true, { from });
    const { spoken_progress: progress } = await this.event('botOutput', (output) =>
      output.spoken_status === 'completed' && output.spoken_progress.remaining_text, { from });
    assert.ok(progress.remaining_text.length > 10);
  }

  async active() {
    return (await this.server.stats()).sessions.active;
  }
}

export async function connects(p, requestData) {
  await p.feature('connect: offer', async () => {
    await p.caller.page.evaluate(() => window.makeClient());
    const ready = await p.connect(requestData);
    assert.match(ready.version, /^2\./);
    assert.equal(await p.active(), 1);
  });
  await p.feature('bot-ready, connected', async () => {
    for (const event of ['connected', 'botConnected', 'botReady'])
      await p.event(event);
    await until(() => p.caller.page.evaluate(() => window.client.state === 'ready'), 'ready');
  });
  await p.feature('candidates trickle (PATCH)', async () => {
    await until(() => p.patched.length > 0, 'candidates');
    assert.deepEqual([...new Set(p.patched)], [200]);
  });
  await p.feature('bot-output, words as they are heard', async () => {
    await p.said(GREETING, 0);
    const progress = p.caller.messages.filter(({ type, event }) => type === 'callback' &&
      event === 'botOutput').map(({ data: [output] }) => output);
    assert.equal(progress[0].spoken_status, 'new');
    assert.ok(progress.some(({ spoken_status: status, spoken_progress: { accumulated_text: heard,
      remaining_text: rest } }) => status === 'in-progress' && heard && rest));
  });
  await p.event('trackStarted', ({ kind }) => kind === 'audio');
  await p.caller.quiet();
}

export async function talks(p) {
  const from = p.position;
  const before = await p.caller.mark();
  await p.feature('speech is understood and answered', async () => {
    await p.caller.say(say('opening_hours'));
    await p.said(/open/i, from);
    await p.caller.quiet({ from });
  });
  await p.feature("agent's audio", async () => {
    const recording = await p.caller.recordedSince(before);
    if (recording)
      assertHeard(recording, ANSWER, 0.5);
  });
  await p.feature('speaking events', async () => {
    for (const event of ['userStartedSpeaking', 'userStoppedSpeaking', 'botStartedSpeaking',
      'botStoppedSpeaking', 'botLlmStarted', 'botLlmStopped', 'botTtsStarted', 'botTtsStopped'])
      await p.event(event, () => true, { from });
  });
  await p.feature('user transcripts', async () => {
    const { text, timestamp } = await p.event('userTranscript', ({ final }) => final, { from });
    assert.match(text, /open/i);
    assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 60_000);
    await p.event('userLlmText', (data) => /open/i.test(data.text), { from });
  });
  await p.feature('bot transcripts', async () => {
    await p.event('botLlmText', (data) => /eight/.test(data.text), { from });
    await p.event('botTtsText', (data) => /eight/.test(data.text), { from });
  });
  await p.feature('metrics', async () => {
    const metrics = await p.event('metrics', () => true, { from });
    assert.deepEqual(metrics.ttfb.map(({ processor }) => processor).sort(), ['llm', 'stt', 'tts']);
    for (const { value } of metrics.ttfb)
      assert.ok(value > 0 && value < 15, `${value} s`);
  });
}

export async function isInterrupted(p) {
  let from = p.position;
  await p.feature('send-text', async () => {
    await p.call('sendText', 'Tell me about the garden.');
    await p.event('botStartedSpeaking', () => true, { from });
    await p.event('userLlmText', ({ text }) => /garden/.test(text), { from });
  });
  await p.feature('barge-in by speech', async () => {
    await p.said(/old/, from);
    from = p.position;
    const question = p.caller.say(say('opening_hours'));
    await p.isCut(from);
    await question;
    await p.said(/open/i, from);
  });
  await p.feature('barge-in by client message', async () => {
    await p.caller.quiet({ from });
    from = p.position;
    await p.call('sendText', 'Tell me about the garden.');
    await p.event('botStartedSpeaking', () => true, { from });
    await p.call('sendClientMessage', 'interrupt');
    await p.isCut(from);
  });
}

export async function asks(p) {
  await p.feature('client request is answered', async () => {
    const { messages } = await p.call('sendClientRequest', 'conversation', null, 15_000);
    assert.equal(messages[0].role, 'assistant');
    assert.match(messages[0].content, GREETING);
    assert.ok(messages.some(({ role, content }) => role === 'user' && /open/.test(content)));
  });
  await p.feature('unknown request: error-response', async () => {
    const from = p.position;
    const { type, data } = await p.refused('sendClientRequest', 'nonsense', { a: 1 }, 15_000);
    assert.equal(type, 'error-response');
    assert.ok(data.error.length > 5);
    await p.event('messageError', () => true, { from });
  });
  await p.feature('unknown message: error-response', async () => {
    const from = p.position;
    await p.call('sendUIEvent', 'click', { x: 1 });
    await p.event('messageError', () => true, { from });
  });
}

export async function lendsFunctions(p) {
  let from = p.position;
  await p.feature('function called in the page', async () => {
    await p.caller.page.evaluate(() => {
      window.client.registerFunctionCallHandler('read_page', async () =>
        ({ title: document.title }));
      window.client.registerFunctionCallHandler('dial', async ({ arguments: { number } }) => {
        window.dialled = number;
        return { ok: true };
      });
    });
    await p.call('sendText', 'Read the page.');
    await p.said(/called a site/i, from);
  });
  await p.feature('function call events', async () => {
    await p.event('llmFunctionCallStarted', (data) => data.function_name === 'read_page', { from });
    const { tool_call_id: id } = await p.event('llmFunctionCallInProgress',
      (data) => data.function_name === 'read_page', { from });
    const stopped = await p.event('llmFunctionCallStopped',
      (data) => data.tool_call_id === id, { from });
    assert.equal(stopped.cancelled, false);
  });
  await p.feature('DTMF', async () => {
    await p.caller.quiet({ from });
    from = p.position;
    await p.call('sendText', 'Dial a number.');
    await p.said(/which number/i, from);
    await p.call('sendDTMF', '5550123#');
    await p.said(/ringing/i, from);
    assert.equal(await p.caller.page.evaluate(() => window.dialled), '5550123');
    await p.caller.quiet({ from });
  });
}

export async function mutes(p) {
  await p.feature('microphone off and on', async () => {
    let from = p.position;
    await p.call('enableMic', false);
    await p.caller.say(say('opening_hours'));
    await sleep(300); // would have been heard by now
    assert.equal(p.count('userStartedSpeaking', from), 0);
    await p.call('enableMic', true);
    from = p.position;
    await p.caller.say(say('opening_hours'));
    await p.said(/open/i, from);
    await p.caller.quiet({ from });
  });
}

/**
 * What the client does when it believes its connection lost. It stops its own microphone with the old
 * connection, and forgets to report the track of the new one: that is its part; the server's is that
 * the conversation goes on and its voice arrives.
 * @param {() => Promise<void>} breakLink so that the client makes a new connection
 */
export async function reconnects(p, breakLink) {
  await p.feature('new connection (restart_pc), same conversation', async () => {
    let from = p.position;
    await breakLink();
    await until(() => p.caller.page.evaluate(() => window.e2e.connections === 2 &&
      window.e2e.channel.readyState === 'open'), 'the second connection', 25_000);
    assert.equal(p.count('disconnected', from), 0);
    const { sessions } = await p.server.stats();
    assert.deepEqual([sessions.total, sessions.active], [1, 1]);
    // The client sends no client-ready again, and the conversation is the old one.
    const before = await p.caller.position();
    from = p.position;
    await p.call('sendText', 'When are you open?');
    await p.said(/open/i, from);
    await p.caller.quiet({ from });
    assertHeard((await p.caller.recording()).subarray(before), ANSWER, 0.5);
    const { messages } = await p.call('sendClientRequest', 'conversation', null, 15_000);
    assert.match(messages[0].content, GREETING);
  });
}

export async function disconnects(p) {
  await p.feature('disconnect', async () => {
    await p.call('disconnect');
    await p.event('disconnected');
    await until(async () => await p.active() === 0, 'the end of the call');
  });
}

export async function starts(p) {
  const from = p.position;
  await p.feature('connect: /start, /sessions/{id}/api/offer', async () => {
    await p.caller.page.evaluate(() => window.makeClient());
    await p.start({});
    await p.said(GREETING, from);
  });
  await p.feature('disconnect-bot: the agent leaves', async () => {
    await p.call('disconnectBot');
    await p.event('botDisconnected', () => true, { from });
    await p.event('disconnected', () => true, { from });
    await until(async () => await p.active() === 0, 'the end of the call');
  });
  await p.feature('the same client connects again, with data', async () => {
    const again = p.position;
    await p.start({ caller_name: 'Maria' });
    await p.said(/Maria/, again);
    await p.call('disconnect');
    await until(async () => await p.active() === 0, 'the end of the call');
  });
}

export async function isRefused(p) {
  await p.feature('a refusal tells why', async () => {
    await p.caller.page.evaluate(() => window.makeClient());
    const refusal = () => p.connect({ agent: 'nobody' }).then(
      () => assert.fail('not refused'), ({ message }) => message);
    assert.match(await refusal(), /status 403/); // the token is for another
    p.token = 'wrong';
    assert.match(await refusal(), /status 401/);
  });
}
