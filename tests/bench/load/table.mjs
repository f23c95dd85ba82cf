// Tables for people.

/** @param {string[]} head @param {string[][]} rows the first column is text, the rest are numbers */
export function printTable(head, rows) {
  const all = [head, ...rows];
  const widths = head.map((_, k) => Math.max(...all.map((row) => row[k].length)));
  for (const row of all) {
    console.log(row.map((cell, k) => k === 0 ? cell.padEnd(widths[k]) : cell.padStart(widths[k]))
      .join('  '));
  }
}

export const number = (value, digits = 1) => Number.isFinite(value) ? value.toFixed(digits) : '-';

export const percent = (share) => Number.isFinite(share) ? `${(share * 100).toFixed(0)} %` : '-';
