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
  release(): void;
}

/** Catches signals from now on. Without a listener SIGUSR1 would open Node's inspector. */
export function catchSignals(): Signals {
  let queue: readonly Signal[] = [];
  let wake = () => {};
  const onSignal = (signal: NodeJS.Signals) => {
    if (!queue.includes(signal as Signal)) queue = [...queue, signal as Signal];
    wake();
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
    release: () => {
      for (const signal of caught) process.off(signal, onSignal);
    },
  };
}
