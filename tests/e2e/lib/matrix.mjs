// Which client did what: made from the tests that ran, printed at their end.

/** @type {[client: string, feature: string, result: 'ok' | 'FAILED'][]} */
export const records = [];

/** One thing that a client can do; the test goes on only when it did. */
export async function feature(client, name, body) {
  const start = Date.now();
  try {
    const value = await body();
    records.push([client, name, 'ok']);
    if (process.env.RP_VERBOSE)
      console.log(`# ${client}: ${name} (${Date.now() - start} ms)`);
    return value;
  } catch (error) {
    records.push([client, name, 'FAILED']);
    throw new Error(`${client}: ${name}: ${error.message}`, { cause: error });
  }
}

/** @param {Object<string, string[]>} covers client → features that a whole test has shown */
export function recordAll(covers, passed) {
  for (const [client, names] of Object.entries(covers))
    records.push(...names.map((name) => [client, name, passed ? 'ok' : 'FAILED']));
}

/** @returns {string[]} lines of Markdown; none when nothing was recorded */
export function table(all) {
  if (all.length === 0)
    return [];
  const clients = [...new Set(all.map(([client]) => client))];
  const features = [...new Set(all.map(([, name]) => name))];
  const result = (client, name) => {
    const results = all.filter(([c, n]) => c === client && n === name).map(([, , r]) => r);
    return results.includes('FAILED') ? 'FAILED' : results[0] ?? '-';
  };
  const rows = [['', ...clients], ...features.map((name) =>
    [name, ...clients.map((client) => result(client, name))])];
  const widths = rows[0].map((_, k) => Math.max(...rows.map((row) => row[k].length)));
  const lines = rows.map((row) => row.map((cell, k) => cell.padEnd(widths[k])));
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)));
  return lines.map((line) => `| ${line.join(' | ')} |`);
}
