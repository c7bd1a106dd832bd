import { fstatSync } from 'node:fs';
import type { AgentConfig } from '../core/config.ts';
import type { AgentEvent } from '../core/event.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { createLineWriter } from '../observe/line-writer.ts';
import { createLog } from '../observe/log.ts';
import { isJournal } from '../observe/log-format.ts';
import { createTransitionFile, type GoneServer } from '../observe/transition-file.ts';

/** What writes down events as the configuration says: the log, and the transition file where there is one. */
export interface Observers {
  observe(event: AgentEvent): void;
  gone(): readonly GoneServer[];
  reopen(): void;
  close(): void;
}

/** stdout or stderr. */
type LogStream = NodeJS.WriteStream & { readonly fd: number };

export interface ObserversOptions {
  readonly agent: AgentConfig;
  readonly stream: LogStream;
  readonly gone: Iterable<GoneServer>;
  readonly snapshot: () => Snapshot;
  readonly emit: (event: AgentEvent) => void;
}

export function createObservers({ agent, stream, gone, snapshot, emit }: ObserversOptions): Observers {
  const log = createStreamLog(agent, stream, emit);
  const file =
    agent.transitionFile === undefined
      ? undefined
      : createTransitionFile({
          path: agent.transitionFile,
          gone,
          snapshot,
          clock: () => new Date(),
          onError: ({ code = 'ERROR', message }) =>
            emit({ type: 'agent_warning', code, message: `Cannot write ${agent.transitionFile}: ${message}` }),
        });
  return {
    observe: (event) => {
      log.observe(event);
      file?.observe(event);
    },
    gone: () => file?.gone() ?? [],
    reopen: () => file?.reopen(),
    close: () => file?.close(),
  };
}

/** A log on a stream; `emit` hears of lines that its reader was too slow for. */
function createStreamLog(agent: AgentConfig, stream: LogStream, emit: (event: AgentEvent) => void) {
  const isTerminal = stream.isTTY === true;
  const writer = createLineWriter(stream, (count) =>
    emit({ type: 'agent_warning', code: 'DROPPED', message: `Dropped ${count} lines of the log: nobody read them` }),
  );
  return createLog({
    format: agent.logFormat === 'auto' ? (isTerminal ? 'text' : 'json') : agent.logFormat,
    level: agent.logLevel,
    isJournal: isJournal(process.env.JOURNAL_STREAM, fstatSync(stream.fd)),
    isColoured: isTerminal && !process.env.NO_COLOR,
    write: writer.write,
    clock: () => new Date(),
  });
}
