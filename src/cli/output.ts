/** Lines of cells as text: each column as wide as its widest cell, numbers to the right, no blanks at the end. */
export function alignColumns(rows: readonly (readonly string[])[], right: ReadonlySet<number> = new Set()): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  const pad = (cell: string, column: number) =>
    right.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
  return rows.map((row) => row.map(pad).join('  ').trimEnd());
}

const unitsSeconds = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const;

/** `3d4h`, `2m5s`, `0s`: how long ago, in its two largest units. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const first = unitsSeconds.findIndex(([, size]) => seconds >= size);
  if (first < 0) return '0s';
  const parts = unitsSeconds.slice(first, first + 2).map(([unit, size], index) => {
    const whole = index === 0 ? seconds : seconds % (unitsSeconds[first]?.[1] ?? 1);
    return { unit, count: Math.floor(whole / size) };
  });
  return parts.flatMap(({ unit, count }) => (count > 0 ? [`${count}${unit}`] : [])).join('');
}
