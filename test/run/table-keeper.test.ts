import { expect, test } from '@jest/globals';
import type { Op } from '../../src/core/table.ts';
import { createMemoryKernel } from '../../src/kernel/memory.ts';
import { createTableKeeper } from '../../src/run/table-keeper.ts';
import { createTurns } from '../../src/run/turns.ts';
import { aRow, aServiceRow, aTable } from '../support/build.ts';
import { createSimulatedClock } from '../support/clock.ts';

const rows = Array.from({ length: 4_500 }, (_, index) => aRow(`10.0.${index >> 8}.${index & 0xff}`));
const full = aTable([aServiceRow(), ...rows]);

/** A keeper of the full table; `applied` is called, with the ops, while the kernel is at each batch. */
function keeping(before = aTable(), applied: (ops: readonly Op[]) => void = () => {}) {
  const kernel = createMemoryKernel(before);
  const clock = createSimulatedClock();
  const turns = createTurns(clock);
  const keeper = createTableKeeper({
    kernel: {
      ...kernel,
      apply: (ops) => {
        applied(ops);
        // A batch takes the kernel longer than the probes may wait.
        clock.stall(20);
        return kernel.apply(ops);
      },
    },
    clock,
    turns,
    emit: () => {},
    desired: () => ({ table: full, awaiting: new Set() }),
    ownership: { owned: () => new Set(full.keys()), replace: () => {} },
    isRepairing: () => true,
    isDryRun: false,
    onRead: () => {},
  });
  const keep = async () => {
    const kept = keeper.keep({ isRead: true });
    await clock.settle();
    return kept;
  };
  return { kernel, turns, keep };
}

test('thousands of rows are written in batches of 2000 at most, and all arrive', async () => {
  const sizes: number[] = [];
  const { kernel, keep } = keeping(aTable(), (ops) => sizes.push(ops.length));
  expect(await keep()).toMatchObject({ isOk: true });
  // The service is one more.
  expect(sizes).toEqual([2000, 2000, 501]);
  expect(kernel.table).toEqual(full);
});

test('thousands of rows are taken away in batches too', async () => {
  const extra = Array.from({ length: 4_500 }, (_, index) => aRow(`10.1.${index >> 8}.${index & 0xff}`));
  const sizes: number[] = [];
  const { kernel, keep } = keeping(aTable([aServiceRow(), ...rows, ...extra]), (ops) => sizes.push(ops.length));
  expect(await keep()).toMatchObject({ isOk: true });
  expect(sizes).toEqual([2000, 2000, 500]);
  expect(kernel.table).toEqual(full);
});

test('what waits for a turn has it between two batches', async () => {
  const done: string[] = [];
  const { turns, keep } = keeping(aTable(), () => {
    const batch = done.filter((what) => what === 'batch').length;
    done.push('batch');
    if (batch < 2) turns.take(() => done.push('transition'));
  });
  await keep();
  expect(done).toEqual(['batch', 'transition', 'batch', 'transition', 'batch']);
});
