import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from './directory.ts';

/** What must outlive the process. */
export interface State {
  /** `serviceKey` of the services that are ours. */
  readonly services: readonly string[];
  /** Roles of the synchronisation daemons that are ours. */
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

const { O_RDONLY, O_NONBLOCK, O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
const fileName = 'state.json';
const emptyState: State = { services: [], daemons: [], gone: [] };

/** Reads `state.json` of the directory; without a directory nothing is remembered. */
export function openState(directory: string | undefined): StateFile {
  if (directory === undefined) return { initial: emptyState, problem: undefined, save: () => {} };
  const path = join(directory, fileName);
  return { ...readState(path), save: (state) => writeState(directory, path, state) };
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

/** Not blocking: to open a pipe would wait for its writer. */
function readRegular(path: string): string {
  const file = openSync(path, O_RDONLY | O_NONBLOCK);
  try {
    if (!fstatSync(file).isFile()) throw new Error('it is not a regular file');
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

function distrust(path: string, why: string): Pick<StateFile, 'initial' | 'problem'> {
  return { initial: emptyState, problem: `Cannot trust ${path} as ${why}: no service is taken for ours by it` };
}

function writeState(directory: string, path: string, state: State): void {
  makeDirectory(directory);
  const temporary = `${path}.new`;
  const file = openSync(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
  try {
    writeSync(file, `${JSON.stringify({ version: 1, checksum: checksumOf(state), ...state })}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}

/** Of a file that knows no daemons, as before there were any, it is that of the rest. */
function checksumOf({ services, daemons = [], gone }: Omit<State, 'daemons'> & Partial<State>): string {
  return createHash('sha256')
    .update(JSON.stringify(daemons.length === 0 ? [services, gone] : [services, gone, daemons]))
    .digest('hex');
}
