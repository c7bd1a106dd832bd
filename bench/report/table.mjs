import { median, shown } from './figures.mjs';

/**
 * A scene's table in Markdown: a row a figure, a column a peer, the medians, and beside each figure its goal. Columns are
 * `{ [name]: { figures: { [figure]: samples } } | { skipped: reason } }`.
 */
export function tableOf(scene, { columns }) {
  const measured = Object.entries(columns).filter(([, { figures }]) => figures !== undefined);
  const figures = [...new Set(measured.flatMap(([, column]) => Object.keys(column.figures)))];
  const rows = figures.map((figure) => {
    const cells = measured.map(([, column]) => cell(column.figures[figure]));
    return [figure, ...cells, goalText(scene, figure, columns)];
  });
  const head = ['', ...measured.map(([name]) => name), 'goal'];
  return [
    ...[head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`),
    ...skippedLines(columns),
  ].join('\n');
}

/** `{ text, isMet }` of a goal; undefined where what it speaks of was not measured. */
function verdict({ figure, column, atMost, of }, columns) {
  const samples = columns[column]?.figures?.[figure];
  const others = of === undefined ? [1] : columns[of]?.figures?.[figure];
  if (samples === undefined || others === undefined) return undefined;
  const value = median(samples) / median(others);
  return { value, isMet: value <= atMost };
}

function goalText({ goals = [] }, figure, columns) {
  return goals
    .filter((goal) => goal.figure === figure)
    .map((goal) => {
      const aim = `${goal.column}: at most ${goal.atMost}${goal.of === undefined ? '' : ` of ${goal.of}'s`}`;
      const seen = verdict(goal, columns);
      return seen === undefined
        ? `${aim}; not measured`
        : `${aim}; ${shown(seen.value)}, ${seen.isMet ? 'met' : '**missed**'}`;
    })
    .join('<br>');
}

function cell(samples) {
  return samples === undefined || samples.length === 0 ? '' : shown(median(samples));
}

function skippedLines(columns) {
  const skipped = Object.entries(columns).filter(([, { skipped }]) => skipped !== undefined);
  return skipped.map(([name, { skipped: reason }]) => `\nNot measured: ${name}. ${reason}`);
}
