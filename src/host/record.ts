import { createHash } from 'node:crypto';
import { readFileSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { readRegular, replaceFile } from '../run/whole-file.ts';
import { HostError, refusal } from './error.ts';
import type { Found, Setting } from './setting.ts';

/** Which of the two commands set it up: they are independent of each other. */
export type Role = 'director' | 'realserver';

export interface Change {
  readonly setting: Setting;
  /** What was there before the first change. */
  readonly before: Found;
}

/** What `up` has done, and so what `down` has to undo. */
export interface HostRecord {
  /** All that was wanted, whoever set it. */
  readonly plan: readonly Setting[];
  /** What we set, in this order. */
  readonly changes: readonly Change[];
}

/** All but the path throws `HostError`. */
export interface RecordFile {
  readonly path: string;
  /** Undefined: there is none. */
  load(): HostRecord | undefined;
  save(record: HostRecord): void;
  remove(): void;
}

/**
 * The record of this network namespace since this machine was started: `realserver-4026531840.json`, with the number
 * that /proc/self/ns/net shows. Nothing that is recorded outlives the kernel, so a record of a start before is void.
 */
export function openRecord(directory: string, role: Role): RecordFile {
  const name = `${role}-${statSync('/proc/self/ns/net').ino}.json`;
  const path = join(directory, name);
  const start = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return {
    path,
    load: () => {
      const content = read(path);
      return content?.start === start ? content.record : undefined;
    },
    save: (record) => attempt(`write ${path}`, () => replaceFile(directory, name, format({ start, record }))),
    remove: () => attempt(`remove ${path}`, () => unlinkIfThere(path)),
  };
}

interface Content {
  readonly start: string;
  readonly record: HostRecord;
}

function read(path: string): Content | undefined {
  let text: string;
  try {
    text = readRegular(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw refusal(`read ${path}`, error);
  }
  const content = parse(text);
  if (content !== undefined) return content;
  const advice = 'look at it, undo by hand what it lists, and remove it';
  throw new HostError('failed', `Cannot trust ${path} as its checksum is wrong: ${advice}`);
}

function parse(text: string): Content | undefined {
  try {
    const { version, checksum, ...content } = JSON.parse(text);
    return version === 1 && checksum === checksumOf(content) ? content : undefined;
  } catch {
    return undefined;
  }
}

function format(content: Content): string {
  return `${JSON.stringify({ version: 1, checksum: checksumOf(content), ...content })}\n`;
}

function checksumOf(content: Content): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function attempt(action: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw refusal(action, error);
  }
}
