// The other half of a dialogue: answers what the agent asks for a booking.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { source } from './env.mjs';

const agent = path.join(source, 'worker/agents/reception');

/** Now, where the agent lives: {weekday: 0 = Sunday, hour}. */
function localNow() {
  const { timezone } = JSON.parse(fs.readFileSync(path.join(agent, 'agent.json'), 'utf8'));
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone, weekday: 'short', hour: 'numeric', hourCycle: 'h23',
  }).formatToParts(new Date());
  const part = (type) => parts.find((p) => p.type === type).value;
  return {
    weekday: ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'].indexOf(part('weekday')),
    hour: Number(part('hour')),
  };
}

/** The phrase for a day when half past two in the afternoon lies ahead and the house is open. */
export function bookableDay() {
  const { weekday, hour } = localNow();
  if (weekday >= 1 && weekday <= 5 && hour < 14)
    return 'today';
  return weekday === 1 ? 'tuesday' : 'monday';
}

/** What to say to the agent's question, a phrase of lib/speech.mjs; null: nothing to say. */
export function answerTo(question) {
  const rows = [
    [/anything else/i, 'no'],
    [/which day|what day|what date/i, bookableDay()],
    [/what time|which time|when should|when would|start/i, 'half_past_two'],
    [/how long|how many hours|until when/i, 'one_hour'],
    [/how many (people|persons|of you)|how big|number of people/i, 'four_people'],
    [/your name|what name|whose name|who is/i, 'name'],
    [/correct\?|right\?|shall i|should i|confirm|book (it|that)\?/i, 'yes'],
  ];
  return rows.find(([pattern]) => pattern.test(question))?.[1] ?? null;
}

/** All rows of all tables of the SQLite files in a directory: [{table, …columns}]. */
export function databaseRows(dir) {
  const script = `
import glob, json, sqlite3, sys
rows = []
for name in glob.glob(sys.argv[1] + '/**/*', recursive=True):
    try:
        if open(name, 'rb').read(15) != b'SQLite format 3':
            continue
    except IsADirectoryError:
        continue
    db = sqlite3.connect(name)
    db.row_factory = sqlite3.Row
    for (table,) in db.execute("select name from sqlite_master where type = 'table'").fetchall():
        for row in db.execute('select * from "%s"' % table):
            rows.append({'table': table, **dict(row)})
print(json.dumps(rows, default=str))
`;
  return JSON.parse(execFileSync('/usr/bin/python3', ['-c', script, dir], { encoding: 'utf8' }));
}
