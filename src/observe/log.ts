import type { LogLevel } from '../core/config.ts';
import type { AgentEvent } from '../core/event.ts';
import { settingChange, tableChange } from './change.ts';
import { type CrowdLimit, createCrowdLimit } from './crowd-limit.ts';
import { crowdEntry, entriesOf, type LogEntry } from './log-entry.ts';
import { jsonLine, severities, textLine } from './log-format.ts';
import { logTable } from './log-table.ts';
import { createRepeatLimit, type RepeatLimit } from './repeat-limit.ts';

export interface LogOptions {
  readonly format: 'json' | 'text';
  /** The least urgent level that is written. */
  readonly level: LogLevel;
  /** The lines go straight to journald: each starts with its priority. See `isJournal`. */
  readonly isJournal: boolean;
  /** The text format for a terminal that shows colours. */
  readonly isColoured: boolean;
  /** Takes one line, without its end. */
  readonly write: (line: string) => void;
  readonly clock: () => Date;
}

const repeatIntervalMs = 60_000;
/** Lines that one accident may be worth: 10,000 rows that somebody flushed, 10,000 checks without a descriptor. */
const linesAtOnce = 20;

/** Writes what happens as lines: one `event.action` and its fields each. */
export function createLog(options: LogOptions): { observe(event: AgentEvent): void } {
  const { level, clock, write } = options;
  const limit = createRepeatLimit(repeatIntervalMs);
  const crowds = createCrowdLimit(linesAtOnce, repeatIntervalMs);
  const isWanted = ({ action }: LogEntry) => severities[logTable[action].level] <= severities[level];

  return {
    observe: (event) => {
      const isUnwanted = isRoutine(event) && level !== 'debug';
      if (isUnwanted && crowds.isIdle()) return;
      const now = clock();
      const nowMs = now.getTime();
      for (const { kind, heldBack } of crowds.takeEnded(nowMs)) {
        write(format(suppressing(crowdEntry(kind, heldBack), heldBack), now, options));
      }
      if (isUnwanted) return;
      relax(limit, event);
      const entries = entriesOf(event)
        .filter(isWanted)
        .flatMap((entry) => admit(limit, entry, nowMs))
        .filter((entry) => isAmongFirst(crowds, entry, nowMs));
      for (const entry of capped(entries)) write(format(entry, now, options));
    },
  };
}

/** Thousands a second: worth no work at all unless somebody wants to read them. */
function isRoutine(event: AgentEvent): boolean {
  return event.type === 'check_ran' && event.result.kind === 'observation';
}

/** What is repaired, or configured anew, may fail anew. */
function relax(limit: RepeatLimit, event: AgentEvent): void {
  if (limit.isIdle()) return;
  if (event.type === 'config_reloaded') limit.clear();
  if (event.type === 'reconciled') {
    for (const { op, error } of event.results) if (error === undefined) limit.forget(tableChange(op).key);
  }
  if (event.type === 'settings_changed') {
    for (const { op, error } of event.results) if (error === undefined) limit.forget(settingChange(op).key);
  }
}

function admit(limit: RepeatLimit, entry: LogEntry, nowMs: number): readonly LogEntry[] {
  if (entry.repeat === undefined) return [entry];
  const heldBack = limit.admit(entry.repeat.key, entry.repeat.kind, nowMs);
  if (heldBack === undefined) return [];
  if (heldBack === 0) return [entry];
  return [suppressing({ ...entry, message: `${entry.message} (${heldBack} repeats not logged)` }, heldBack)];
}

function isAmongFirst(crowds: CrowdLimit, { crowd }: LogEntry, nowMs: number): boolean {
  return crowd === undefined || crowds.admit(crowd, nowMs);
}

function capped(entries: readonly LogEntry[]): readonly LogEntry[] {
  const shown = entries.slice(0, linesAtOnce);
  const [next] = entries.slice(linesAtOnce);
  if (next === undefined) return shown;
  const hidden = entries.length - linesAtOnce;
  return [...shown, suppressing({ action: next.action, message: `${hidden} more of these`, fields: {} }, hidden)];
}

function suppressing(entry: LogEntry, count: number): LogEntry {
  return { ...entry, fields: { ...entry.fields, 'lvs.suppressed': count } };
}

function format(entry: LogEntry, now: Date, { format, isJournal, isColoured }: LogOptions): string {
  const line = format === 'json' ? jsonLine(entry, now) : textLine(entry, now, isColoured);
  return isJournal ? `<${severities[logTable[entry.action].level]}>${line}` : line;
}
