import { median, shown } from './figures.mjs';
import { goalsOf, outcome } from './goals.mjs';

/**
 * A scene's table in Markdown: a row a figure, a column a peer, the medians, and beside each figure its goal. Columns are
 * `{ [name]: { figures: { [figure]: samples } } | { skipped: reason } }`.
 */
export function tableOf(scene, result) {
  const { columns } = result;
  const goals = goalsOf(scene, result);
  const measured = Object.entries(columns).filter(([, { figures }]) => figures !== undefined);
  const figures = [...new Set(measured.flatMap(([, column]) => Object.keys(column.figures)))];
  const rows = figures.map((figure) => {
    const cells = measured.map(([, column]) => cell(column.figures[figure]));
    return [
      figure,
      ...cells,
      goals
        .filter((goal) => goal.figure === figure)
        .map(goalText)
        .join('<br>'),
    ];
  });
  const head = ['', ...measured.map(([name]) => name), 'goal'];
  return [
    ...[head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`),
    ...skippedLines(columns),
  ].join('\n');
}

function goalText(goal) {
  return `${goal.column}: ${goal.aim}; ${[goal.seen, outcome(goal)].filter(Boolean).join(', ')}`;
}

function cell(samples) {
  return samples === undefined || samples.length === 0 ? '' : shown(median(samples));
}

function skippedLines(columns) {
  const skipped = Object.entries(columns).filter(([, { skipped }]) => skipped !== undefined);
  return skipped.map(([name, { skipped: reason }]) => `\nNot measured: ${name}. ${reason}`);
}
