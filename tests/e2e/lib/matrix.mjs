// Which client did what: made from the tests that ran, printed at their end.

const cells = new Map(); // feature → client → 'ok' or 'FAILED'
const clients = [];

function record(client, feature, result) {
  if (!clients.includes(client))
    clients.push(client);
  if (!cells.has(feature))
    cells.set(feature, new Map());
  cells.get(feature).set(client, result);
}

/** One thing that a client can do; the test goes on only when it did. */
export async function feature(client, name, body) {
  const start = Date.now();
  try {
    const value = await body();
    record(client, name, 'ok');
    if (process.env.RP_VERBOSE)
      console.log(`# ${client}: ${name} (${Date.now() - start} ms)`);
    return value;
  } catch (error) {
    record(client, name, 'FAILED');
    throw new Error(`${client}: ${name}: ${error.message}`, { cause: error });
  }
}

/** @param {Object<string, string[]>} covers client → features that a whole test has shown */
export function recordAll(covers, passed) {
  for (const [client, names] of Object.entries(covers)) {
    for (const name of names)
      record(client, name, passed ? 'ok' : 'FAILED');
  }
}

/** @returns {string[]} lines of Markdown; none when nothing was recorded */
export function table() {
  if (clients.length === 0)
    return [];
  const rows = [['', ...clients], ...[...cells].map(([name, by]) =>
    [name, ...clients.map((client) => by.get(client) ?? '-')])];
  const widths = rows[0].map((_, k) => Math.max(...rows.map((row) => row[k].length)));
  const lines = rows.map((row) => row.map((cell, k) => cell.padEnd(widths[k])));
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)));
  return lines.map((line) => `| ${line.join(' | ')} |`);
}
