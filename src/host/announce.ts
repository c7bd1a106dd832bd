import { execFile } from 'node:child_process';
import { familyOf } from '../core/address.ts';
import type { Channel } from '../kernel/channel.ts';
import { type Libc, loadLibc } from '../net/libc.ts';
import * as frames from './frames.ts';
import { lookForLink } from './require-link.ts';
import type { Link } from './rt-link.ts';
import type { AddressSetting } from './setting.ts';
import { readSysctl } from './sysctl.ts';

/** Of each announcement: any of them may be lost, and none is acknowledged. */
const copies = 3;

/**
 * Tells the neighbours on its link about each address: gratuitous ARP, or an unsolicited neighbour advertisement.
 * Resolves with a sentence for each that could not be told. Rejects with `HostError`.
 */
export async function announce(settings: readonly AddressSetting[], channel: Channel): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const { address, link: name } of settings) {
    const link = await lookForLink(channel, name);
    // Ethernet alone: what has other addresses has no neighbours, or other ways to find them.
    if (link?.hasNeighbours !== true || link.hardwareAddress.length !== 6) continue;
    const problem = await announceOn(link, address);
    if (problem !== undefined)
      problems.push(`Cannot announce ${address} on ${name}: ${problem}; neighbours learn of it late`);
  }
  return problems;
}

async function announceOn(link: Link, address: string): Promise<string | undefined> {
  const libc = loadLibc();
  if (libc === undefined)
    return familyOf(address) === 'ipv4' ? arping(link, address) : 'the package koffi is not there';
  try {
    if (familyOf(address) === 'ipv4') announceByArp(libc, link, address);
    else advertise(libc, link, address);
    return undefined;
  } catch (error) {
    return `the system answered ${(error as NodeJS.ErrnoException).code}`;
  }
}

function announceByArp(libc: Libc, link: Link, address: string): void {
  const message = frames.arpAnnouncement(address, link);
  withSocket(libc, frames.arpSocket, (fd) => sendCopies(libc, fd, message, frames.everybodyByArp(link)));
}

/** Sent from the address itself, which is there at once: the link's own may still be under duplicate detection. */
function advertise(libc: Libc, link: Link, address: string): void {
  const isRouter = readSysctl(`net/ipv6/conf/${link.name}/forwarding`) === '1';
  const message = frames.neighbourAdvertisement(address, link, isRouter);
  withSocket(libc, frames.icmpv6Socket, (fd) => {
    libc.setsockopt(fd, ...frames.multicastHops);
    libc.bind(fd, frames.ipv6Address(address));
    sendCopies(libc, fd, message, frames.everybodyByIpv6(link));
  });
}

function withSocket(libc: Libc, kind: readonly [number, number, number], use: (fd: number) => void): void {
  const fd = libc.socket(...kind);
  try {
    use(fd);
  } finally {
    libc.close(fd);
  }
}

function sendCopies(libc: Libc, fd: number, message: Uint8Array, to: Uint8Array): void {
  for (let sent = 0; sent < copies; sent++) libc.sendto(fd, message, to);
}

/** That of iputils. */
function arping({ name }: Link, address: string): Promise<string | undefined> {
  const env = { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` };
  return new Promise((resolve) => {
    execFile('arping', ['-q', '-U', '-c', '1', '-I', name, address], { env }, (error) => {
      if (error === null) resolve(undefined);
      else
        resolve(
          error.code === 'ENOENT' ? 'there is neither the package koffi nor the program arping' : 'arping failed',
        );
    });
  });
}
