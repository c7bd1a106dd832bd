import { median, shown, summary } from './figures.mjs';
import { goalsOf, outcome } from './goals.mjs';

/**
 * A scene's table in Markdown: a row a figure, a column a peer, and beside each figure its goal. Columns are
 * `{ [name]: { figures: { [figure]: samples } } | { skipped: reason } }`.
 */
export function tableOf(scene, result) {
  const { columns } = result;
  const goals = goalsOf(scene, result);
  const measured = Object.entries(columns).filter(([, { figures }]) => figures !== undefined);
  const figures = [...new Set(measured.flatMap(([, column]) => Object.keys(column.figures)))];
  const rows = figures.map((figure) => {
    const cells = measured.map(([, column]) => cell(scene, figure, column.figures));
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

function cell(scene, figure, figures) {
  const samples = figures[figure] ?? [];
  if (samples.length === 0) return '';
  return `${shown(summary(scene, samples))}${figure === 'CPU a probe, µs' ? shortfall(scene, figures) : ''}`;
}

/** Less than this of the probes that were asked for is said beside their cost. */
const enough = 0.98;

/** A peer that is asked too much makes fewer probes, and they may cost it less or more. */
function shortfall({ intervalMs }, { servers, 'probes a second': rates }) {
  if (intervalMs === undefined || servers === undefined) return '';
  const wanted = (median(servers) * 1000) / intervalMs;
  const made = median(rates);
  return made < enough * wanted ? ` (at ${shown(made)} of ${shown(wanted)} probes a second)` : '';
}

function skippedLines(columns) {
  const skipped = Object.entries(columns).filter(([, { skipped }]) => skipped !== undefined);
  return skipped.map(([name, { skipped: reason }]) => `\nNot measured: ${name}. ${reason}`);
}
