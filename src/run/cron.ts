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
      const at = seconds
        .map((second) => minuteAt + second * 1000)
        .find((time) => time <= untilMs && time > afterMs && task.match(new Date(time)));
      if (at !== undefined) return at;
    }
    return undefined;
  };
}
