import type { MaintenanceWindow } from '../core/config.ts';
import type { ActiveOverride } from '../core/override.ts';
import type { Clock } from './clock.ts';
import { lastMatchOf } from './cron.ts';

export interface Windows {
  /** Replaces the windows; those that are open already count at once. */
  set(windows: readonly MaintenanceWindow[]): void;
  stop(): void;
}

/** Cron's finest grain. */
const lookMs = 1000;

/**
 * Watches which maintenance windows are open, and tells when that changes. What counts is whether a time of the
 * schedule lies less than the duration back, so a start in the midst of a window, or a jump of the wall clock, is nothing
 * special.
 */
export function createWindows(clock: Clock, tell: (open: readonly ActiveOverride[]) => void): Windows {
  let watched = new Map<string, Watched>();
  let open: readonly ActiveOverride[] = [];
  let cancel = () => {};

  const look = () => {
    const nowOpen = [...watched.values()].filter(({ isOpen }) => isOpen()).map(({ override }) => override);
    if (nowOpen.length !== open.length || nowOpen.some((override, index) => override !== open[index])) {
      open = nowOpen;
      tell(open);
    }
    if (watched.size > 0) cancel = clock.at(clock.now() + lookMs, look);
  };

  return {
    set: (windows) => {
      cancel();
      // To search a long window from its start takes a while: one that stays keeps what it knows.
      const before = watched;
      watched = new Map();
      for (const window of windows) {
        const key = JSON.stringify(window);
        watched.set(key, before.get(key) ?? watch(window, clock));
      }
      look();
    },
    stop: () => cancel(),
  };
}

interface Watched {
  readonly isOpen: () => boolean;
  readonly override: ActiveOverride;
}

function watch(window: MaintenanceWindow, clock: Clock): Watched {
  return { isOpen: watchWindow(window, clock), override: { targets: window.servers, action: window.action } };
}

/** Remembers the last answer: a look a second later needs to search that second only. */
function watchWindow({ schedule, timezone, durationMs }: MaintenanceWindow, clock: Clock): () => boolean {
  const lastMatch = lastMatchOf(schedule, timezone);
  let openedAtMs = Number.NEGATIVE_INFINITY;
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = clock.wallNow();
    const isContinued = nowMs >= lookedAtMs && nowMs - lookedAtMs < durationMs;
    if (!isContinued) openedAtMs = Number.NEGATIVE_INFINITY;
    openedAtMs = lastMatch(isContinued ? lookedAtMs : nowMs - durationMs, nowMs) ?? openedAtMs;
    lookedAtMs = nowMs;
    return nowMs - openedAtMs < durationMs;
  };
}
