const caught = ['SIGHUP', 'SIGUSR1', 'SIGTERM', 'SIGINT'] as const;

export type Signal = (typeof caught)[number];

const ending = ['SIGHUP', 'SIGTERM', 'SIGINT'] as const;

/** Runs work that no signal may break off in the middle: one that came ends the process when the work is done. */
export async function holdSignals<T>(work: () => Promise<T>): Promise<T> {
  const held = new Set<NodeJS.Signals>();
  const hold = (signal: NodeJS.Signals) => void held.add(signal);
  for (const signal of ending) process.on(signal, hold);
  try {
    return await work();
  } finally {
    for (const signal of ending) process.off(signal, hold);
    for (const signal of held) process.kill(process.pid, signal);
  }
}

/** Signals in the order in which they came. One that already waits is not queued twice: 100 SIGHUPs are one reload. */
export interface Signals {
  next(): Promise<Signal>;
  /**
   * As the work does, or resolves with the signal that is to end the agent, where one comes first or waits; `next` gives
   * it all the same. One call at a time.
   */
  orEnd<T>(work: Promise<T>): Promise<T | Signal>;
  release(): void;
}

/** Catches signals from now on. Without a listener SIGUSR1 would open Node's inspector. */
export function catchSignals(): Signals {
  let queue: readonly Signal[] = [];
  let wake = () => {};
  // No promise that lives as long as the agent: what is raced with one stays in memory with it.
  let end = (_signal: Signal) => {};
  const onSignal = (signal: NodeJS.Signals) => {
    if (!queue.includes(signal as Signal)) queue = [...queue, signal as Signal];
    wake();
    if (isEnd(signal)) end(signal);
  };
  for (const signal of caught) process.on(signal, onSignal);
  return {
    next: async () => {
      for (;;) {
        const [first, ...rest] = queue;
        queue = rest;
        if (first !== undefined) return first;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    orEnd: (work) =>
      new Promise((resolve, reject) => {
        end = resolve;
        work.then(resolve, reject);
        const waiting = queue.find(isEnd);
        if (waiting !== undefined) resolve(waiting);
      }),
    release: () => {
      for (const signal of caught) process.off(signal, onSignal);
    },
  };
}

function isEnd(signal: NodeJS.Signals): signal is 'SIGTERM' | 'SIGINT' {
  return signal === 'SIGTERM' || signal === 'SIGINT';
}
