// Tables for people.

/** Numbers to the right. @param {string[]} head @param {string[][]} rows */
export function printTable(head, rows) {
  const all = [head, ...rows];
  const widths = head.map((_, k) => Math.max(...all.map((row) => row[k].length)));
  const isText = head.map((_, k) => rows.some((row) => /^[A-Za-z]/.test(row[k])));
  for (const row of all) {
    console.log(row.map((cell, k) => isText[k] ? cell.padEnd(widths[k]) : cell.padStart(widths[k]))
      .join('  ').trimEnd());
  }
}

export const number = (value, digits = 1) => Number.isFinite(value) ? value.toFixed(digits) : '-';

export const percent = (share) => Number.isFinite(share) ? `${(share * 100).toFixed(0)} %` : '-';
