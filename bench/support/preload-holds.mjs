// Loaded into lvsd before itself: at each SIGUSR2, appends a line to the file of `support/holds.mjs`: for how long the
// event loop was held at most since the one before, ms.
import { appendFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
  // Watched from C++: the time between two turns of a timer of 1 ms.
  const turns = monitorEventLoopDelay({ resolution: 1 });
  turns.enable();
  process.on('SIGUSR2', () => {
    appendFileSync(`${process.env.BENCH_FOLDER}/holds`, `${turns.max / 1e6}\n`);
    turns.reset();
  });
}
