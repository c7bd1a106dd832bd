import type { Check } from '../core/config.ts';
import type { Clock } from './clock.ts';
import { createHeap } from './heap.ts';

export interface Scheduler {
  /**
   * Replaces the set of checks, by a key that says what is run. A check whose key stays keeps its times; a new one
   * first runs within one interval or one second, whichever is shorter, and from then on in a slot that may be anywhere
   * in its interval. Returns those that left.
   */
  set(checks: ReadonlyMap<string, Check>): readonly Check[];
  /** Runs a check now; one that is being run, once more when that ends, unless that asks for a retry. */
  hasten(key: string): void;
  /** Resolves when nothing is in flight. */
  stop(): Promise<void>;
}

export interface SchedulerOptions {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Runs one check, and tells once that it has ended, and whether to retry soon; `lagMs` is planned start to real start. */
  readonly run: (key: string, check: Check, lagMs: number, ended: (isRetry: boolean) => void) => void;
  /** Runs in flight at most; the others wait, and their deadlines do not start. */
  readonly limit: number;
}

interface Task {
  readonly key: string;
  readonly check: Check;
  /** It left the configuration, or another took its place: it does not run again. */
  isGone: boolean;
  /** Where the run would start without jitter. */
  slotMs: number;
  dueMs: number;
  isRunning: boolean;
  /** Asked for while it was being run. */
  isHastened: boolean;
  /** The slot to come back to: checks that started together for once must not march in step from then on. */
  homeMs: number | undefined;
}

/** First runs, and those that a stall has put off, are spread over at most this long. */
const longestSpreadMs = 1000;
/** A shorter stall puts off no more runs than are started at once anyway, or nearly so. */
const shortestStallMs = 200;
/** For so long runs are started; then the sockets have their turn, so that a backlog of runs is no stall of ours. */
const sliceMs = 10;
/**
 * Due times are multiples of this, so that many runs start together: to wake the process costs as much as to run a probe.
 * A twentieth of the interval where that is shorter.
 */
const gridMs = 50;
/** The same for retries, after their own interval. */
const retryGridMs = 5;

/** Starts each check at its interval, on one timer; a check never overlaps itself. */
export function createScheduler({ clock, random, run, limit }: SchedulerOptions): Scheduler {
  const tasks = new Map<string, Task>();
  const waiting = createHeap<Task>((task) => task.dueMs);
  /** Gone, but still being run: these may come back. */
  const leaving = new Map<string, Task>();
  let inFlight = 0;
  let cancelTimer = () => {};
  /** When the timer goes off; after all times while there is none. */
  let plannedMs = Number.POSITIVE_INFINITY;
  let onIdle = () => {};
  let stalledMs = clock.stalledMs();
  let isStopped = false;

  /** So far into a time from now, by 0 to 1. */
  const placeIn = (spanMs: number, share: number, { intervalMs }: Check) => {
    const stepMs = stepOf(intervalMs, gridMs);
    return roundedUp(clock.now() + share * (Math.min(intervalMs, spanMs) - stepMs), stepMs);
  };

  const createTask = (key: string, check: Check): Task => {
    const share = random();
    const firstMs = placeIn(longestSpreadMs, share, check);
    const placeMs = placeIn(check.intervalMs, share, check);
    // No second run right behind the first.
    const homeMs = placeMs - firstMs < check.intervalMs / 4 ? placeMs + check.intervalMs : placeMs;
    return {
      key,
      check,
      isGone: false,
      slotMs: firstMs,
      dueMs: firstMs,
      isRunning: false,
      isHastened: false,
      homeMs: placeMs === firstMs ? undefined : homeMs,
    };
  };

  const wait = (task: Task, slotMs: number, dueMs = slotMs) => {
    task.slotMs = slotMs;
    task.dueMs = dueMs;
    waiting.push(task);
  };

  const waitForSlot = (task: Task, startMs: number) => {
    const { intervalMs, jitter } = task.check;
    const slotMs = Math.max(nextSlot(task, startMs), clock.now());
    task.homeMs = undefined;
    const stepMs = stepOf(intervalMs, gridMs);
    wait(task, slotMs, Math.round((slotMs + (random() - 0.5) * intervalMs * jitter) / stepMs) * stepMs);
  };

  const waitToRetry = (task: Task) => {
    const { retryIntervalMs } = task.check;
    wait(task, roundedUp(clock.now() + retryIntervalMs, stepOf(retryIntervalMs, retryGridMs)));
  };

  /** What waits keeps its place among those that wait: another takes over, and the old one is passed over in its time. */
  const advance = (task: Task) => {
    task.isGone = true;
    const hastened = {
      ...task,
      isGone: false,
      dueMs: clock.now(),
      isHastened: false,
      homeMs: task.homeMs ?? task.slotMs,
    };
    tasks.set(task.key, hastened);
    waiting.push(hastened);
    plan();
  };

  const start = (task: Task, startMs: number) => {
    task.isRunning = true;
    inFlight += 1;
    run(task.key, task.check, Math.max(0, startMs - task.dueMs), (isRetry) => end(task, startMs, isRetry));
  };

  const end = (task: Task, startMs: number, isRetry: boolean) => {
    task.isRunning = false;
    inFlight -= 1;
    if (inFlight === 0) onIdle();
    if (isStopped) return;
    if (task.isGone) leaving.delete(task.key);
    else {
      if (isRetry) waitToRetry(task);
      else waitForSlot(task, startMs);
      if (task.isHastened && !isRetry) advance(task);
      task.isHastened = false;
    }
    plan();
  };

  const startDue = () => {
    plannedMs = Number.POSITIVE_INFINITY;
    const lostMs = lostSince();
    if (lostMs >= shortestStallMs) respread(Math.min(lostMs, longestSpreadMs));
    const firstMs = clock.now();
    let nowMs = firstMs;
    let task = waiting.peek();
    while (task !== undefined && task.dueMs <= firstMs && inFlight < limit && nowMs - firstMs < sliceMs) {
      waiting.pop();
      if (!task.isGone) start(task, nowMs);
      nowMs = clock.now();
      task = waiting.peek();
    }
    plan();
  };

  /** A timer that goes off too early costs less than one set anew after each run. */
  const plan = () => {
    const next = waiting.peek();
    if (next === undefined || inFlight >= limit || isStopped) return;
    if (next.dueMs >= plannedMs) return;
    cancelTimer();
    plannedMs = next.dueMs;
    cancelTimer = clock.at(plannedMs, startDue);
  };

  /** Since this was last asked. */
  const lostSince = () => {
    const lostMs = clock.stalledMs() - stalledMs;
    stalledMs += lostMs;
    return lostMs;
  };

  /** What was due during a stall would start at one instant, here and on the servers. */
  const respread = (spanMs: number) => {
    const nowMs = clock.now();
    const due = tasksAtRest();
    for (const task of due) {
      if (task.dueMs > nowMs) continue;
      const { intervalMs } = task.check;
      const dueMs = placeIn(spanMs, random(), task.check);
      task.slotMs += Math.round((dueMs - task.dueMs) / intervalMs) * intervalMs;
      task.dueMs = dueMs;
    }
    waiting.reset(due);
  };

  const tasksAtRest = () => [...tasks.values()].filter((task) => !task.isRunning);

  return {
    set: (checks) => {
      const gone = [...tasks.values()].filter(({ key }) => !checks.has(key));
      for (const task of gone) {
        task.isGone = true;
        tasks.delete(task.key);
        if (task.isRunning) leaving.set(task.key, task);
      }
      for (const [key, check] of checks) {
        if (tasks.has(key)) continue;
        // One that was taken away and is back before its run has ended goes on: it must not overlap itself.
        const task = leaving.get(key) ?? createTask(key, check);
        task.isGone = false;
        leaving.delete(key);
        tasks.set(key, task);
      }
      waiting.reset(tasksAtRest());
      plan();
      return gone.map(({ check }) => check);
    },
    hasten: (key) => {
      const task = tasks.get(key);
      if (task === undefined) return;
      if (task.isRunning) task.isHastened = true;
      else if (task.dueMs > clock.now()) advance(task);
    },
    stop: async () => {
      isStopped = true;
      cancelTimer();
      if (inFlight > 0) await new Promise<void>((resolve) => (onIdle = resolve));
    },
  };
}

function roundedUp(timeMs: number, stepMs: number): number {
  return Math.ceil(timeMs / stepMs) * stepMs;
}

function stepOf(intervalMs: number, mostMs: number): number {
  return Math.min(mostMs, intervalMs / 20);
}

/**
 * The slot after this one, and where the start was late, the first that is at least half an interval away. After a run out
 * of turn, the first of the old slots that is still to come.
 */
function nextSlot({ slotMs, dueMs, homeMs, check: { intervalMs } }: Task, startMs: number): number {
  if (homeMs !== undefined) {
    return homeMs + Math.max(0, Math.floor((startMs - homeMs) / intervalMs) + 1) * intervalMs;
  }
  return slotMs + (1 + Math.round((startMs - dueMs) / intervalMs)) * intervalMs;
}
