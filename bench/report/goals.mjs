import { shown, summary } from './figures.mjs';

/**
 * The goals of a scene with what was seen: `{ figure, column, aim, seen, isMet }`. A goal is `atMost` so much, or so many
 * times the figure of the column `of`, or so much more than that of the column `above`. `isMet` is undefined where what it
 * speaks of was not measured; `result` is where the scene was not run.
 */
export function goalsOf(scene, result) {
  const { goals = [] } = scene;
  return goals.map((goal) => {
    const { figure, column, atMost } = goal;
    const value = seenOf(goal, scene, result?.columns ?? {});
    if (value === undefined) {
      const seen = result === undefined ? 'not run' : 'not measured';
      return { figure, column, aim: aimOf(goal), seen, isMet: undefined };
    }
    return { figure, column, aim: aimOf(goal), seen: shown(value), isMet: value <= atMost };
  });
}

function aimOf({ atMost, of, above }) {
  const most = `at most ${shown(atMost)}`;
  if (of !== undefined) return `${most} of ${of}'s`;
  return above === undefined ? most : `${most} more than ${above}`;
}

/** As the goal has it: the figure itself, its share of another column's, or what it has more than that. */
function seenOf({ figure, column, of, above }, scene, columns) {
  const valueIn = (name) => {
    const samples = columns[name]?.figures?.[figure] ?? [];
    return samples.length === 0 ? undefined : summary(scene, samples);
  };
  const value = valueIn(column);
  const other = valueIn(of ?? above ?? column);
  if (value === undefined || other === undefined) return undefined;
  if (of !== undefined) return value / other;
  return above === undefined ? value : value - other;
}

/** `met`, `**missed**` or nothing. */
export function outcome({ isMet }) {
  if (isMet === undefined) return '';
  return isMet ? 'met' : '**missed**';
}
