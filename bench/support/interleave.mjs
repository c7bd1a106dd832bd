const rounds = 3;

/**
 * Fills in columns in turns, so that what else the machine does falls on all alike: three samples of each figure. `takes`
 * are `{ [column]: take }`, where `take()` resolves with `{ [figure]: sample }`.
 */
export async function interleave(columns, takes) {
  for (let round = 0; round < rounds; round++)
    for (const [column, take] of Object.entries(takes)) add(columns, column, await take());
}

function add(columns, column, taken) {
  columns[column] ??= { figures: {} };
  const { figures } = columns[column];
  for (const [figure, sample] of Object.entries(taken)) {
    figures[figure] ??= [];
    figures[figure].push(sample);
  }
}
