/** The only file that knows timers and clocks. Times are ms; `now` and `at` are monotonic. */
export interface Clock {
  now(): number;
  /** Wall clock, ms since the epoch: for stamps and cron, never for measuring. */
  wallNow(): number;
  /** Calls `run` once, not before `timeMs` of `now()`; returns what takes the call back. */
  at(timeMs: number, run: () => void): () => void;
  /** Calls `run` once after the replies that have arrived by now were read. */
  afterPoll(run: () => void): void;
  /** How much time this process has lost so far by not running: stopped, starved, collecting garbage. Grows only. */
  stalledMs(): number;
  stop(): void;
}

const beatMs = 100;
/** A beat may be this late before the delay counts as a stall. */
const tolerableMs = 50;
/** Node takes a longer delay for one of 1 ms. */
const longestDelayMs = 2 ** 31 - 1;

/** Node's clock. It beats every 100 ms to notice that it was stopped; `stop()` ends that. */
export function createSystemClock(): Clock {
  let lastBeatMs = performance.now();
  let lostMs = 0;

  const lostSinceBeat = () => {
    const lateMs = performance.now() - lastBeatMs - beatMs;
    return lateMs > tolerableMs ? lateMs : 0;
  };
  const beat = setInterval(() => {
    lostMs += lostSinceBeat();
    lastBeatMs = performance.now();
  }, beatMs);
  beat.unref();

  return {
    now: () => performance.now(),
    wallNow: () => Date.now(),
    at: (timeMs, run) => {
      let timer: NodeJS.Timeout;
      const arm = () => {
        const delayMs = Math.max(0, Math.ceil(timeMs - performance.now()));
        timer = delayMs > longestDelayMs ? setTimeout(arm, longestDelayMs) : setTimeout(run, delayMs);
      };
      arm();
      return () => clearTimeout(timer);
    },
    afterPoll: (run) => void setImmediate(run),
    stalledMs: () => lostMs + lostSinceBeat(),
    stop: () => clearInterval(beat),
  };
}
