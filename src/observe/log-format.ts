import type { LogLevel } from '../core/config.ts';
import { printable } from '../core/printable.ts';
import { localTime } from './local-time.ts';
import type { LogEntry } from './log-entry.ts';
import { logTable } from './log-table.ts';

/** syslog's severities: a line that starts with `<3>` is an error to journald (sd-daemon(3)). */
export const severities: Readonly<Record<LogLevel, number>> = {
  fatal: 2,
  error: 3,
  warn: 4,
  notice: 5,
  info: 6,
  debug: 7,
};

/** One JSON object, its keys in the order that is the contract. */
export function jsonLine({ action, message, fields }: LogEntry, time: Date): string {
  const { level } = logTable[action];
  const said = JSON.stringify(printable(message, Number.POSITIVE_INFINITY));
  let line = `{"@timestamp":"${time.toISOString()}","log.level":"${level}","event.action":"${action}","message":${said}`;
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined)
      line += `,"${name}":${JSON.stringify(typeof value === 'string' ? printable(value) : value)}`;
  }
  return `${line}}`;
}

/** For a terminal: local time, level, message. */
export function textLine({ action, message }: LogEntry, time: Date, isColoured: boolean): string {
  const { level } = logTable[action];
  const word = level.padEnd('notice'.length);
  const shown = isColoured ? `\x1b[${colours[level]}m${word}\x1b[0m` : word;
  return `${localTime(time)} ${shown} ${printable(message, Number.POSITIVE_INFINITY)}`;
}

/**
 * Whether a stream leads straight to journald: then `JOURNAL_STREAM` names its device and inode (systemd.exec(5)).
 * Anywhere else a priority before the line would spoil it.
 */
export function isJournal(
  journalStream: string | undefined,
  stat: { readonly dev: number; readonly ino: number },
): boolean {
  return journalStream === `${stat.dev}:${stat.ino}`;
}

/** SGR parameters: bold red, red, yellow, bold, none, faint. */
const colours: Readonly<Record<LogLevel, string>> = {
  fatal: '1;31',
  error: '31',
  warn: '33',
  notice: '1',
  info: '0',
  debug: '2',
};
