const caught = ['SIGHUP', 'SIGUSR1', 'SIGTERM', 'SIGINT'] as const;

export type Signal = (typeof caught)[number];

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
