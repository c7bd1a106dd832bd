import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { printable } from '../core/printable.ts';
import { HostError } from './error.ts';

/** Runs `nft -j` and resolves with what it printed, parsed. Rejects with `HostError`. */
export async function runNft(args: readonly string[], input?: object): Promise<NftDocument> {
  const { code, output, complaint } = await execute(['-j', ...args], input && JSON.stringify(input));
  const action = `Cannot run nft ${args.join(' ')}`;
  if (code !== 0) throw new HostError('failed', `${action}: ${printable(complaint.trim().split('\n')[0] ?? '')}`);
  try {
    return output.trim() === '' ? { nftables: [] } : JSON.parse(output);
  } catch {
    throw new HostError('failed', `${action}: what it printed is not JSON`);
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

/** Without a shell. What starts us, such as cron, may know no path for administrators. */
function execute(args: readonly string[], input: string | undefined): Promise<Finished> {
  const env = { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' };
  const stdin = input === undefined ? 'ignore' : openUnnamed(input);
  return new Promise<Finished>((resolve, reject) => {
    const child = spawn('nft', args, { env, stdio: [stdin, 'pipe', 'pipe'] });
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
  }).finally(() => {
    if (stdin !== 'ignore') closeSync(stdin);
  });
}

/** A file without a name that has this text. nft opens /dev/stdin anew, which cannot be done with the sockets that Node has for pipes. */
function openUnnamed(text: string): number {
  const path = join(tmpdir(), `lvsd-${randomUUID()}`);
  const file = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  writeFileSync(file, text);
  return file;
}

function notStarted({ code }: NodeJS.ErrnoException): HostError {
  const why =
    code === 'ENOENT' ? 'there is no program nft: install the package nftables' : `the system answered ${code}`;
  return new HostError('unavailable', `Cannot look after the marks of packets: ${why}`);
}
