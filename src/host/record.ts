import { createHash } from 'node:crypto';
import { readFileSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { readRegular, replaceFile } from '../run/whole-file.ts';
import { HostError, refusal } from './error.ts';
import { namespaceCookie, namespaceNumber } from './namespace.ts';
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
 * that /proc/self/ns/net shows. Nothing that is recorded outlives the kernel or the namespace, so a record of a start
 * before, or of another namespace that had the number, is void, whatever else is wrong with it.
 */
export function openRecord(directory: string, role: Role): RecordFile {
  const name = `${role}-${namespaceNumber()}.json`;
  const path = join(directory, name);
  const origin = originOfNow();
  return {
    path,
    load: () => {
      const text = read(path);
      return text === undefined || isVoid(text, origin) ? undefined : parse(text, path, role);
    },
    save: (record) => attempt(`write ${path}`, () => replaceFile(directory, name, format(record, origin))),
    remove: () => attempt(`remove ${path}`, () => unlinkIfThere(path)),
  };
}

/** What a record is true for. */
interface Origin {
  /** The kernel's name for the time since it was started. */
  readonly start: string;
  /** Empty: not known. */
  readonly namespace: string;
}

function originOfNow(): Origin {
  return { start: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), namespace: namespaceCookie() };
}

function read(path: string): string | undefined {
  try {
    return readRegular(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code !== 'EACCES') throw refusal(`read ${path}`, error);
    throw new HostError('notPermitted', `Cannot read ${path}: the system answered EACCES, run it as root`);
  }
}

/** The origin is what a record begins with, so that it is known of one that is cut off, too. */
function isVoid(text: string, now: Origin): boolean {
  const [, start, namespace] = /^\{"start":"([^"]*)","namespace":"(\d*)"/.exec(text) ?? [];
  if (start === undefined) return false;
  const isOtherNamespace = namespace !== '' && now.namespace !== '' && namespace !== now.namespace;
  return start !== now.start || isOtherNamespace;
}

function parse(text: string, path: string, role: Role): HostRecord {
  const distrust = (why: string) => new HostError('failed', `Cannot trust ${path} as ${why}: ${adviceFor(role)}`);
  const { version, checksum, record } = parseJson(text, distrust) ?? {};
  if (version !== 1) throw distrust(`its version is ${JSON.stringify(version)} and not 1`);
  if (checksum !== checksumOf(record)) throw distrust('its checksum is wrong');
  return record;
}

function parseJson(text: string, distrust: (why: string) => HostError) {
  if (text === '') throw distrust('it is empty');
  try {
    return JSON.parse(text);
  } catch {
    throw distrust(`it is no whole JSON but ${text.length} characters`);
  }
}

/** It may list nothing, having been cut short. */
function adviceFor(role: Role): string {
  return `look for what lvsd ${role} up has set in ${traces[role]}, undo that by hand, and then move the file away; nothing is left of it where the machine was started since`;
}

/** Where the settings of the plans can be seen. */
const traces: Readonly<Record<Role, string>> = {
  director:
    "'ip address', 'ip route show table local', the nftables table inet lvsd, and the sysctls net.ipv4.ip_forward, net.ipv6.conf.all.forwarding, send_redirects and accept_ra",
  realserver: "'ip address', 'ip link', and the sysctls arp_ignore, arp_announce and rp_filter",
};

function format(record: HostRecord, origin: Origin): string {
  return `${JSON.stringify({ ...origin, version: 1, checksum: checksumOf(record), record })}\n`;
}

function checksumOf(record: unknown): string {
  return createHash('sha256')
    .update(`${JSON.stringify(record)}`)
    .digest('hex');
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
