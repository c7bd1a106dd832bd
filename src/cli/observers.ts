import { fstatSync } from 'node:fs';
import type { AgentConfig } from '../core/config.ts';
import type { AgentEvent } from '../core/event.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { createLineWriter } from '../observe/line-writer.ts';
import { createLog, type LogOptions } from '../observe/log.ts';
import { isJournal } from '../observe/log-format.ts';
import { createTransitionFile, type GoneServer, type TransitionFile } from '../observe/transition-file.ts';

/** What writes down events: the log, and the transition file where there is one. */
export interface Observers {
  /** Opens the transition file. What fails in that is an event: to be called once events are heard. */
  open(): void;
  observe(event: AgentEvent): void;
  gone(): readonly GoneServer[];
  /** Writes as these settings say from now on. */
  configure(agent: AgentConfig): void;
  reopen(): void;
  close(): void;
}

export interface ObserversOptions {
  readonly agent: AgentConfig;
  readonly stream: LogStream;
  readonly gone: readonly GoneServer[];
  readonly snapshot: () => Snapshot;
  readonly emit: (event: AgentEvent) => void;
}

/** stdout or stderr. */
type LogStream = NodeJS.WriteStream & { readonly fd: number };

export function createObservers({ agent, stream, gone, snapshot, emit }: ObserversOptions): Observers {
  const outlet = describeStream(stream, emit);
  const openLog = ({ logFormat, logLevel }: AgentConfig) =>
    createLog({ ...outlet, format: formatFor(logFormat, stream), level: logLevel });
  const openFile = ({ transitionFile }: AgentConfig, gone: readonly GoneServer[]) =>
    openTransitionFile(transitionFile, gone, snapshot, emit);
  let log = openLog(agent);
  let file: TransitionFile | undefined;

  return {
    open: () => {
      file = openFile(agent, gone);
    },
    observe: (event) => {
      log.observe(event);
      file?.observe(event);
    },
    gone: () => file?.gone() ?? [],
    configure: (agent) => {
      file?.close();
      log = openLog(agent);
      file = openFile(agent, file?.gone() ?? []);
    },
    reopen: () => file?.reopen(),
    close: () => file?.close(),
  };
}

function formatFor(logFormat: AgentConfig['logFormat'], stream: LogStream): 'json' | 'text' {
  if (logFormat !== 'auto') return logFormat;
  return stream.isTTY ? 'text' : 'json';
}

/** What the log has to know of the stream that it goes to; `emit` hears of lines that nobody was quick enough to read. */
function describeStream(stream: LogStream, emit: (event: AgentEvent) => void): Omit<LogOptions, 'format' | 'level'> {
  const writer = createLineWriter(stream, (count) =>
    emit({ type: 'agent_warning', code: 'DROPPED', message: `Dropped ${count} lines of the log: nobody read them` }),
  );
  return {
    isJournal: isJournal(process.env.JOURNAL_STREAM, fstatSync(stream.fd)),
    isColoured: stream.isTTY === true && !process.env.NO_COLOR,
    write: writer.write,
    clock: () => new Date(),
  };
}

function openTransitionFile(
  path: string | undefined,
  gone: readonly GoneServer[],
  snapshot: () => Snapshot,
  emit: (event: AgentEvent) => void,
): TransitionFile | undefined {
  if (path === undefined) return undefined;
  const onError = ({ code = 'ERROR', message }: NodeJS.ErrnoException) =>
    emit({ type: 'agent_warning', code, message: `Cannot write ${path}: ${message}` });
  return createTransitionFile({ path, gone, snapshot, clock: () => new Date(), onError });
}
