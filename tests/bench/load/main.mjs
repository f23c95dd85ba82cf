// Options of tests/bench/capacity.

import fs from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { compare, printComparison } from './compare.mjs';
import { knee, printKnee } from './knee.mjs';
import { SUBJECTS } from './subjects.mjs';
import { printTalkers, talkers } from './talkers.mjs';

const USAGE = `Usage: tests/bench/capacity [compare|knee|talkers|table] [OPTION]… [-- SERVER-OPTION…]

  compare   what a call costs here, in Janus's AudioBridge and in an aiortc echo; the default
  knee      conversations on one processor until the media loop is late or audio has gaps
  talkers   callers with the local models until they wait too long
  table     only prints what --json FILE holds

  --calls A,B,…    compare: numbers of calls (1,10,20,50, and ours also 100,150,200)
                   knee, talkers: the steps (50,75,… to 250; 1,2,4,6,8,10,12)
  --only A,B,…     compare: of ${Object.keys(SUBJECTS).join(', ')}
  --rounds N       compare: how often (2), one server after the other
  --seconds S      how long each is measured (15; knee 20, talkers 40)
  --ramp S         talkers: seconds within which they come (4, or a twentieth of their number)
  --all            talkers: go on when P95 is beyond the limit
  --json FILE      keeps what was measured, beside what is there already: long runs in pieces

Wants an idle machine with two processors. Janus (Debian's package) and python3-aiortc are needed for
those two.
`;

let parsed;
try {
  parsed = parseArgs({
    allowPositionals: true,
    options: {
      calls: { type: 'string' },
      only: { type: 'string' },
      rounds: { type: 'string', default: '2' },
      seconds: { type: 'string' },
      ramp: { type: 'string' },
      all: { type: 'boolean' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
    args: process.argv.slice(2, process.argv.includes('--') ? process.argv.indexOf('--') : undefined),
  });
} catch (error) {
  usage(error.message);
}
const { values } = parsed;
const [command = 'compare', ...rest] = parsed.positionals;
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const serverOptions = process.argv.includes('--')
  ? process.argv.slice(process.argv.indexOf('--') + 1) : [];

function usage(message) {
  console.error(`${message}\n\n${USAGE}`);
  process.exit(2);
}

function numbers(text, otherwise) {
  const list = text === undefined ? otherwise : text.split(',').map(Number);
  if (!list.every((n) => Number.isInteger(n) && n > 0))
    usage(`no list of numbers: ${text}`);
  return list;
}

const one = (text, otherwise) => numbers(text, [otherwise])[0];

const samples = values.json && fs.existsSync(values.json)
  ? JSON.parse(fs.readFileSync(values.json, 'utf8')) : [];

function keep(sample) {
  samples.push({ at: new Date().toISOString(), ...sample });
  if (values.json)
    fs.writeFileSync(values.json, `${JSON.stringify(samples, null, 1)}\n`);
}

function print() {
  const cpus = os.cpus();
  console.log(`\n${cpus.length} × ${cpus[0].model}, Linux ${os.release()}`);
  const printers = { compare: printComparison, knee: printKnee, talkers: printTalkers };
  for (const [bench, printer] of Object.entries(printers)) {
    const own = samples.filter((s) => s.bench === bench);
    if (own.length > 0) {
      console.log(`\n${bench}\n`);
      printer(own);
    }
  }
}

const steps = (otherwise) => ({
  steps: numbers(values.calls, otherwise),
  options: serverOptions,
});

const COMMANDS = {
  compare: async () => {
    const only = values.only?.split(',') ?? Object.keys(SUBJECTS);
    for (const name of only) {
      if (!SUBJECTS[name])
        usage(`no such server: ${name}`);
    }
    const settings = { rounds: one(values.rounds, 2), seconds: one(values.seconds, 15) };
    let ok = await compare({ ...settings, only, calls: numbers(values.calls, [1, 10, 20, 50]) },
      keep);
    if (values.calls === undefined) {
      const own = only.filter((name) => name.startsWith('ours'));
      ok = await compare({ ...settings, only: own, calls: [100, 150, 200] }, keep) && ok;
    }
    return ok;
  },
  knee: () => knee({
    ...steps([50, 75, 100, 125, 150, 175, 200, 225, 250]),
    seconds: one(values.seconds, 20),
  }, keep),
  talkers: () => talkers({
    ...steps([1, 2, 4, 6, 8, 10, 12]),
    seconds: one(values.seconds, 40),
    ramp: values.ramp === undefined ? undefined : one(values.ramp),
    all: values.all,
  }, keep),
  table: () => {},
};

if (!COMMANDS[command] || rest.length > 0)
  usage(`no such bench: ${[command, ...rest].join(' ')}`);
// Ends what was started, see the handlers of "exit".
process.on('SIGTERM', () => process.exit(143));
process.on('SIGINT', () => process.exit(130));
let ok = false;
try {
  ok = await COMMANDS[command]() !== false;
} catch (error) {
  console.error(error.message);
}
print();
process.exit(ok ? 0 : 1);
