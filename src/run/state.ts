import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { readRegular, replaceFile } from './whole-file.ts';

/** What must outlive the process. */
export interface State {
  /** `serviceKey` of the services that are ours. */
  readonly services: readonly string[];
  /** `daemonKey` of the synchronisation daemons that are ours. */
  readonly daemons: readonly string[];
  /** Servers that the transition file has told to be gone. */
  readonly gone: readonly { readonly service: string; readonly server: string; readonly address: string }[];
}

export interface StateFile {
  /** The state of the process before, or the empty one where there is no file that can be trusted. */
  readonly initial: State;
  /** Why a file that is there was not trusted. */
  readonly problem: string | undefined;
  /** Replaces the file as a whole: the old one or the new one is there at every instant. Throws what the system says. */
  save(state: State): void;
}

const fileName = 'state.json';
const emptyState: State = { services: [], daemons: [], gone: [] };

/** Reads `state.json` of the directory; without a directory nothing is remembered. */
export function openState(directory: string | undefined): StateFile {
  if (directory === undefined) return { initial: emptyState, problem: undefined, save: () => {} };
  const path = join(directory, fileName);
  return { ...readState(path), save: (state) => replaceFile(directory, fileName, formatState(state)) };
}

function readState(path: string): Pick<StateFile, 'initial' | 'problem'> {
  try {
    const { version, checksum, ...state } = JSON.parse(readRegular(path));
    if (version !== 1) return distrust(path, `its version is ${version}`);
    if (checksum !== checksumOf(state)) return distrust(path, 'its checksum is wrong');
    return { initial: { ...emptyState, ...state }, problem: undefined };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { initial: emptyState, problem: undefined };
    return distrust(path, error instanceof SyntaxError ? 'it is not JSON' : String(error));
  }
}

function distrust(path: string, why: string): Pick<StateFile, 'initial' | 'problem'> {
  return { initial: emptyState, problem: `Cannot trust ${path} as ${why}: no service is taken for ours by it` };
}

function formatState(state: State): string {
  return `${JSON.stringify({ version: 1, checksum: checksumOf(state), ...state })}\n`;
}

/** Of a file that knows no daemons, as before there were any, it is that of the rest. */
function checksumOf({ services, daemons = [], gone }: Omit<State, 'daemons'> & Partial<State>): string {
  return createHash('sha256')
    .update(JSON.stringify(daemons.length === 0 ? [services, gone] : [services, gone, daemons]))
    .digest('hex');
}
