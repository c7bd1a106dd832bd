import type { Clock } from '../../src/run/clock.ts';

export interface SimulatedClock extends Clock {
  /** Moves time on, running what falls due in its order, and lets all that follows from it settle. */
  advance(ms: number): Promise<void>;
  /** Time passes and nothing runs: the process is stopped. What fell due runs late, at the next `advance`. */
  stall(ms: number): void;
  /** Sets the wall clock ahead or back. */
  jump(ms: number): void;
  settle(): Promise<void>;
  pending(): number;
}

interface Timer {
  readonly timeMs: number;
  readonly run: () => void;
}

export function createSimulatedClock(wallStart = Date.UTC(2026, 10, 22, 12)): SimulatedClock {
  let nowMs = 0;
  let wallOffsetMs = wallStart;
  let lostMs = 0;
  let timers: Timer[] = [];
  let polled: (() => void)[] = [];

  const settle = async () => {
    for (let quiet = 0; quiet < 3; ) {
      await new Promise((resolve) => setImmediate(resolve));
      const due = polled;
      polled = [];
      for (const run of due) run();
      quiet = due.length > 0 ? 0 : quiet + 1;
    }
  };

  const nextBefore = (endMs: number) =>
    timers.filter(({ timeMs }) => timeMs <= endMs).sort((a, b) => a.timeMs - b.timeMs)[0];

  return {
    now: () => nowMs,
    wallNow: () => nowMs + wallOffsetMs,
    at: (timeMs, run) => {
      const timer = { timeMs, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    afterPoll: (run) => void polled.push(run),
    stalledMs: () => lostMs,
    stop: () => {},
    advance: async (ms) => {
      await settle();
      const endMs = nowMs + ms;
      for (let timer = nextBefore(endMs); timer !== undefined; timer = nextBefore(endMs)) {
        timers = timers.filter((other) => other !== timer);
        nowMs = Math.max(nowMs, timer.timeMs);
        timer.run();
        await settle();
      }
      nowMs = endMs;
    },
    stall: (ms) => {
      nowMs += ms;
      lostMs += ms;
    },
    jump: (ms) => {
      wallOffsetMs += ms;
    },
    settle,
    pending: () => timers.length,
  };
}
