import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** What waits for an event is done within a second; this only bounds a test that fails, on a machine that is busy. */
export const limitMs = 90_000;

/** Exit code, or the signal that ended the process. */
export type Ending = number | NodeJS.Signals;

/** One line of the JSON log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** What a process wrote, and how it ended. */
export interface Outcome {
  readonly ending: Ending;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Child {
  readonly pid: number;
  /** What it wrote so far. */
  stdout(): string;
  stderr(): string;
  /** The lines of its JSON log so far, on whichever stream. */
  readonly log: readonly LogLine[];
  /** The first line of the log, from line `from` on, that has all of these fields. Rejects when there will be none. */
  event(fields: LogLine, from?: number): Promise<LogLine>;
  /** Stops to read its stdout: what it writes there fails from now on. */
  closeStdout(): void;
  signal(signal: NodeJS.Signals): void;
  /** Signals it and resolves with how it ended. */
  stop(signal?: NodeJS.Signals): Promise<Ending>;
  /** Resolves when it has ended and all that it wrote was read. */
  readonly outcome: Promise<Outcome>;
  /** Ends it, however it is. */
  kill(): Promise<void>;
}

/** Starts a program by its name and arguments. `stdout`: a descriptor, where what it writes is not to be read here. */
export function startChild([file = '', ...args]: readonly string[], stdout: 'pipe' | number = 'pipe'): Child {
  const child = spawn(file, args, { stdio: ['ignore', stdout, 'pipe'] });
  const log: LogLine[] = [];
  const told = new EventEmitter().setMaxListeners(0);
  const note = (line: LogLine) => {
    log.push(line);
    told.emit('line');
  };
  const texts = [child.stdout, child.stderr].map((stream) => collect(stream, note));
  const [out = () => '', err = () => ''] = texts;
  const outcome = outcomeOf(child).then((ending) => {
    told.emit('line');
    return { ending, stdout: out(), stderr: err() };
  });
  const signal = (name: NodeJS.Signals) => void child.kill(name);
  return {
    pid: child.pid ?? 0,
    stdout: out,
    stderr: err,
    log,
    event: (fields, from = 0) => {
      const find = () => log.slice(from).find((line) => hasFields(line, fields));
      const isOver = () => child.exitCode !== null || child.signalCode !== null;
      return waitFor(told, find, isOver, () => `${JSON.stringify(fields)} in\n${out()}${err()}`);
    },
    closeStdout: () => void child.stdout?.destroy(),
    signal,
    stop: async (name = 'SIGTERM') => {
      signal(name);
      return (await outcome).ending;
    },
    outcome,
    kill: async () => {
      signal('SIGKILL');
      await outcome;
    },
  };
}

function collect(stream: Readable | null, note: (line: LogLine) => void): () => string {
  let text = '';
  if (stream === null) return () => text;
  stream.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  createInterface({ input: stream }).on('line', (line) => {
    if (line.startsWith('{"@timestamp"')) note(JSON.parse(line));
  });
  return () => text;
}

async function outcomeOf(child: ChildProcess): Promise<Ending> {
  const timer = setTimeout(() => child.kill('SIGKILL'), 2 * limitMs);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve(code ?? signal ?? 'SIGKILL');
    });
  });
}

/** Resolves with what `find` finds, looked for at each line; rejects when the time or the program is over. */
function waitFor<T>(lines: EventEmitter, find: () => T | undefined, isOver: () => boolean, what: () => string) {
  return new Promise<T>((resolve, reject) => {
    const settle = (act: () => void) => {
      clearTimeout(timer);
      lines.off('line', look);
      act();
    };
    const look = () => {
      const found = find();
      if (found !== undefined) settle(() => resolve(found));
      else if (isOver()) settle(() => reject(new Error(`It ended without ${what()}`)));
    };
    const timer = setTimeout(() => settle(() => reject(new Error(`No ${what()}`))), limitMs);
    lines.on('line', look);
    look();
  });
}

function hasFields(line: LogLine, fields: LogLine): boolean {
  return Object.entries(fields).every(([name, value]) => line[name] === value);
}
