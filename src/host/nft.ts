import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { printable } from '../core/printable.ts';
import { searchPath } from '../run/search-path.ts';
import { HostError, refusal } from './error.ts';

/** What `nft -j list` prints. Rejects with `HostError`. */
export async function listNft(...what: readonly string[]): Promise<NftDocument> {
  const output = await run(['list', ...what]);
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
    await run(['-f', '/proc/self/fd/0'], file);
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

interface Finished {
  readonly code: number | null;
  readonly output: string;
  readonly complaint: string;
}

async function run(args: readonly string[], input?: number): Promise<string> {
  const { code, output, complaint } = await execute(['-j', ...args], input);
  if (code === 0) return output;
  const why = printable(complaint.trim().split('\n')[0] ?? '');
  throw new HostError(
    'failed',
    `Cannot look after the marks of packets: nft ${args.join(' ')} ended with ${code}: ${why}`,
  );
}

/** Without a shell. */
function execute(args: readonly string[], input: number | undefined): Promise<Finished> {
  const env = { PATH: searchPath(process.env.PATH), LC_ALL: 'C' };
  return new Promise((resolve, reject) => {
    const child = spawn('nft', args, { env, stdio: [input ?? 'ignore', 'pipe', 'pipe'] });
    let output = '';
    let complaint = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      complaint += text;
    });
    child.once('error', (error) => reject(notStarted(error)));
    child.once('close', (code) => resolve({ code, output, complaint }));
  });
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
