import { createTask, validateDetailed } from 'node-cron';

const minuteMs = 60_000;

/** Why node-cron refuses the expression; undefined: it takes it. */
export function cronProblem(expression: string): string | undefined {
  const { valid, errors } = validateDetailed(expression);
  return valid ? undefined : errors.map(({ message }) => message).join('; ') || 'is not a cron expression';
}

/** The last time that matches within (`afterMs`, `untilMs`], in ms since the epoch; undefined: none does. */
export type LastMatch = (afterMs: number, untilMs: number) => number | undefined;

/** Prepares that question for one expression. `timezone` is an IANA name; undefined: the host's. */
export function lastMatchOf(expression: string, timezone: string | undefined): LastMatch {
  const task = createTask(expression, () => undefined, timezone === undefined ? {} : { timezone });
  // node-cron keeps what it creates in a list of its own; a task that was destroyed still matches.
  void task.destroy();
  const seconds = [...(validateDetailed(expression).fields?.second ?? [0])].sort((a, b) => b - a);
  return (afterMs, untilMs) => {
    // Time zones differ from UTC by whole minutes, so a minute starts at the same instant in all of them.
    for (let minuteAt = untilMs - (untilMs % minuteMs); minuteAt > afterMs - minuteMs; minuteAt -= minuteMs) {
      // A minute that matches does so at each of the seconds: the last of them in the span is asked for all.
      const second = seconds.find((second) => isWithin(minuteAt + second * 1000, afterMs, untilMs));
      const at = second === undefined ? undefined : minuteAt + second * 1000;
      if (at !== undefined && task.match(new Date(at))) return at;
    }
    return undefined;
  };
}

function isWithin(timeMs: number, afterMs: number, untilMs: number): boolean {
  return timeMs > afterMs && timeMs <= untilMs;
}
