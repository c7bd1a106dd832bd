/** From so much on, a count is told in a unit: at most eight digits and a letter. */
const units = [
  [100_000_000_000_000, 1_000_000_000_000, 'T'],
  [100_000_000_000, 1_000_000_000, 'G'],
  [1_000_000_000, 1_000_000, 'M'],
  [100_000_000, 1_000, 'K'],
] as const;

/** A count in a column of nine, as ipvsadm prints it: `  1234567`, `  123456K`; exact: every digit, however many. */
export function formatCount(count: number, isExact: boolean): string {
  const unit = isExact ? undefined : units.find(([from]) => count >= from);
  if (unit === undefined) return ` ${count}`.padStart(9);
  const [, size, letter] = unit;
  return `${Math.floor(count / size)}${letter}`.padStart(9);
}
