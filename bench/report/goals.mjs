import { median, shown } from './figures.mjs';

/**
 * The goals of a scene with what was seen: `{ figure, column, aim, seen, isMet }`. `isMet` is undefined where what the goal
 * speaks of was not measured.
 */
export function goalsOf({ goals = [] }, { columns }) {
  return goals.map((goal) => {
    const { figure, column, atMost, of } = goal;
    const aim = of === undefined ? `at most ${shown(atMost)}` : `at most ${shown(atMost)} of ${of}'s`;
    const value = seenOf(goal, columns);
    return value === undefined
      ? { figure, column, aim, seen: 'not measured', isMet: undefined }
      : { figure, column, aim, seen: shown(value), isMet: value <= atMost };
  });
}

/** As the goal has it: the figure itself, or its share of another column's. */
function seenOf({ figure, column, of }, columns) {
  const samples = columns[column]?.figures?.[figure];
  const others = of === undefined ? [1] : columns[of]?.figures?.[figure];
  return samples === undefined || others === undefined ? undefined : median(samples) / median(others);
}

/** `met`, `**missed**` or nothing. */
export function outcome({ isMet }) {
  if (isMet === undefined) return '';
  return isMet ? 'met' : '**missed**';
}
