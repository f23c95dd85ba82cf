// A booking over several turns, spoken by recorded people where there are recordings.

import assert from 'node:assert/strict';
import { answerTo, databaseRows } from './lib/booking.mjs';
import { say, sayAgain } from './lib/speech.mjs';
import { sentences, textOf, withCaller, withServer } from './lib/test.mjs';

const MAX_TURNS = 12;

async function book(caller) {
  let from = caller.messages.length;
  let phrase = 'book_a_room';
  let repeated = 0;
  for (let turn = 0; turn < MAX_TURNS; turn++) {
    await caller.say(repeated > 0 ? sayAgain(phrase, repeated) : say(phrase));
    await caller.quiet({ from });
    const reply = textOf(sentences(caller, from));
    const booked = caller.messages.slice(from).find(({ type, data }) =>
      type === 'llm-function-call-stopped' && data.function_name === 'book_room');
    if (booked)
      return booked.data.result;
    // As a person does who is asked again, or is told something else.
    const next = answerTo(reply) ?? phrase;
    repeated = next === phrase ? repeated + 1 : 0;
    phrase = next;
    from = caller.messages.length;
  }
  assert.fail(`no booking after ${MAX_TURNS} turns:\n${caller.story()}`);
}

export default {
  name: 'booking: several spoken turns end in a row of the database',
  timeoutS: 300,
  run: () => withServer({}, async (server) => {
    await withCaller(server, {}, async (caller) => {
      await caller.talk();
      await caller.quiet();
      const result = await book(caller);
      assert.equal(result.ok, true, JSON.stringify(result));
      const rows = databaseRows(server.data).filter(({ table }) => /book/i.test(table));
      assert.equal(rows.length, 1, `the bookings are ${JSON.stringify(rows)}`);
      assert.ok(JSON.stringify(rows).includes('Maria Smith'), JSON.stringify(rows));
      await caller.hangUp();
    });
  }),
};
