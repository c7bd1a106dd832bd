import { familyOf, type Parsed } from '../core/address.ts';
import type { Channel } from '../kernel/channel.ts';
import { type Libc, loadLibc } from '../net/libc.ts';
import { createSystemClock } from '../run/clock.ts';
import * as frames from './frames.ts';
import { run } from './program.ts';
import { lookForLink } from './require-link.ts';
import type { Link } from './rt-link.ts';
import type { AddressSetting } from './setting.ts';
import { readSysctl } from './sysctl.ts';

/** Of each announcement: any of them may be lost, and none is acknowledged. */
const rounds = 3;
/** Between two rounds, so that what loses one of them does not lose them all. */
const pauseMs = 300;

/**
 * Tells the neighbours on its link about each address: gratuitous ARP, or an unsolicited neighbour advertisement.
 * Resolves with a sentence for each that could not be told. Rejects with `HostError`.
 */
export async function announce(settings: readonly AddressSetting[], channel: Channel): Promise<readonly string[]> {
  const announcements = await announcementsOf(settings, channel);
  const libc = announcements.length === 0 ? undefined : loadLibc();
  const reasons = libc === undefined ? await tellByArping(announcements) : await tellByLibc(libc, announcements);
  return [...reasons].map(
    ([{ address, link }, reason]) =>
      `Cannot announce ${address} on ${link.name}: ${reason}; neighbours learn of it late`,
  );
}

interface Announcement {
  readonly address: string;
  readonly link: Link;
}

/** Why neighbours were not told. */
type Reasons = ReadonlyMap<Announcement, string>;

async function announcementsOf(
  settings: readonly AddressSetting[],
  channel: Channel,
): Promise<readonly Announcement[]> {
  const links = new Map<string, Link | undefined>();
  for (const name of new Set(settings.map(({ link }) => link))) links.set(name, await lookForLink(channel, name));
  return settings.flatMap(({ address, link: name }) => {
    const link = links.get(name);
    // Ethernet alone: what has other addresses has no neighbours, or other ways to find them.
    return link?.hasNeighbours === true && link.hardwareAddress.length === 6 ? [{ address, link }] : [];
  });
}

async function tellByLibc(libc: Libc, announcements: readonly Announcement[]): Promise<Reasons> {
  const of = (family: 'ipv4' | 'ipv6') => announcements.filter(({ address }) => familyOf(address) === family);
  const reasons = await Promise.all([
    tellAll(libc, frames.arpSocket, of('ipv4'), announceByArp),
    tellAll(libc, frames.icmpv6Socket, of('ipv6'), advertise),
  ]);
  return new Map(reasons.flatMap((one) => [...one]));
}

type Tell = (libc: Libc, fd: number, announcement: Announcement) => void;

/** One socket serves all: to close one of AF_PACKET takes the kernel some 10 ms. One copy that was sent is enough. */
async function tellAll(
  libc: Libc,
  kind: readonly [number, number, number],
  announcements: readonly Announcement[],
  tell: Tell,
): Promise<Reasons> {
  if (announcements.length === 0) return new Map();
  const opened = attempt(() => libc.socket(...kind));
  if (!opened.ok) return new Map(announcements.map((one) => [one, opened.reason]));
  const told = new Set<Announcement>();
  const reasons = new Map<Announcement, string>();
  for (let round = 0; round < rounds; round++) {
    if (round > 0) await pause();
    for (const one of announcements) {
      const sent = attempt(() => tell(libc, opened.value, one));
      if (sent.ok) told.add(one);
      else reasons.set(one, sent.reason);
    }
  }
  libc.close(opened.value);
  return new Map([...reasons].filter(([one]) => !told.has(one)));
}

const announceByArp: Tell = (libc, fd, { address, link }) => {
  libc.sendto(fd, frames.arpAnnouncement(address, link), frames.everybodyByArp(link));
};

/** Sent from the address itself, which is there at once: the link's own may still be under duplicate detection. */
const advertise: Tell = (libc, fd, { address, link }) => {
  const isRouter = readSysctl(`net/ipv6/conf/${link.name}/forwarding`) === '1';
  libc.setsockopt(fd, ...frames.multicastHops);
  libc.bind(fd, frames.ipv6Address(address));
  libc.sendto(fd, frames.neighbourAdvertisement(address, link, isRouter), frames.everybodyByIpv6(link));
};

function attempt<T>(work: () => T): Parsed<T> {
  try {
    return { ok: true, value: work() };
  } catch (error) {
    return { ok: false, reason: `the system answered ${(error as NodeJS.ErrnoException).code}` };
  }
}

function pause(): Promise<void> {
  const clock = createSystemClock();
  return new Promise((resolve) => {
    clock.at(clock.now() + pauseMs, () => {
      clock.stop();
      resolve();
    });
  });
}

/** That of iputils, which knows IPv4 alone. */
async function tellByArping(announcements: readonly Announcement[]): Promise<Reasons> {
  const reasons = new Map<Announcement, string>();
  for (const one of announcements) {
    const reason = familyOf(one.address) === 'ipv4' ? await arping(one) : 'the package koffi is not there';
    if (reason !== undefined) reasons.set(one, reason);
  }
  return reasons;
}

async function arping({ address, link: { name } }: Announcement): Promise<string | undefined> {
  try {
    const { code, isLate } = await run('arping', ['-q', '-U', '-c', '1', '-I', name, address]);
    if (isLate) return 'arping did not end in time';
    return code === 0 ? undefined : 'arping failed';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return 'there is neither the package koffi nor the program arping';
    return `arping cannot be started: the system answered ${code}`;
  }
}
