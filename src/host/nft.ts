import { randomUUID } from 'node:crypto';
import { closeSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { printable } from '../core/printable.ts';
import { HostError, refusal } from './error.ts';
import { type Finished, run, usualLimitMs } from './program.ts';

/** What `nft -j list` prints. Rejects with `HostError`. */
export async function listNft(...what: readonly string[]): Promise<NftDocument> {
  const output = await runNft(['list', ...what]);
  try {
    return JSON.parse(output);
  } catch {
    throw new HostError('failed', `Cannot understand nft list ${what.join(' ')}: what it printed is not JSON`);
  }
}

/**
 * Has nft do all of it in one transaction, or nothing. The file has no name of its own: /dev/stdin, which `-f -` opens,
 * need not be there, and cannot be opened where it is one of the sockets that Node has for pipes. Rejects with `HostError`.
 */
export async function applyNft(commands: readonly object[]): Promise<void> {
  const file = openUnnamed(JSON.stringify({ nftables: commands }));
  try {
    await runNft(['-f', '/proc/self/fd/0'], file);
  } finally {
    closeSync(file);
  }
}

/** What libnftables-json(5) describes: one object an entry, which has one key, its kind. */
export interface NftDocument {
  readonly nftables: readonly { readonly [kind: string]: NftObject }[];
}

export interface NftObject {
  readonly family?: string;
  readonly name?: string;
  readonly [key: string]: unknown;
}

async function runNft(args: readonly string[], input?: number): Promise<string> {
  const { code, isLate, output, complaint } = await start(['-j', ...args], input);
  if (code === 0) return output;
  const why = printable(complaint.trim().split('\n')[0] ?? '');
  const end = isLate ? `did not end within ${usualLimitMs / 1000} s` : `ended with ${code}: ${why}`;
  throw new HostError('failed', `Cannot look after the marks of packets: nft ${args.join(' ')} ${end}`);
}

async function start(args: readonly string[], input: number | undefined): Promise<Finished> {
  try {
    return await run('nft', args, { input });
  } catch (error) {
    throw notStarted(error as NodeJS.ErrnoException);
  }
}

function openUnnamed(text: string): number {
  const path = join(tmpdir(), `lvsd-${randomUUID()}`);
  try {
    const file = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    writeFileSync(file, text);
    return file;
  } catch (error) {
    throw refusal(`write the rules for nft to ${path}`, error);
  }
}

function notStarted({ code }: NodeJS.ErrnoException): HostError {
  const why =
    code === 'ENOENT' ? 'there is no program nft: install the package nftables' : `the system answered ${code}`;
  return new HostError('unavailable', `Cannot look after the marks of packets: ${why}`);
}
