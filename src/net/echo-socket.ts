import { familyOf } from '../core/address.ts';
import {
  AF_INET,
  AF_INET6,
  EAFNOSUPPORT,
  ICMP_FILTER,
  ICMPV6_FILTER,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  SO_BINDTODEVICE,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SOCK_DGRAM,
  SOCK_RAW,
  SOL_RAW,
  SOL_SOCKET,
} from './constants.ts';
import { answerTypes, type IcmpVersion } from './icmp-message.ts';
import { errorOf, type Libc } from './libc.ts';
import { type Path, usePath } from './path.ts';

export interface EchoSocket {
  readonly fd: number;
  /**
   * A raw socket takes in the replies to everybody, behind an IP header for IPv4, and what routers say. A datagram one
   * takes in the replies to its own requests alone, and sees to id and checksum: an unreachable host is silent there.
   */
  readonly isRaw: boolean;
}

/**
 * A socket for echo requests: raw, which needs CAP_NET_RAW, else of datagrams, where `net.ipv4.ping_group_range` has our
 * group. Throws as libc does; `EACCES` and `EPERM` where neither is allowed.
 */
export function openEchoSocket(libc: Libc, version: IcmpVersion, path: Path): EchoSocket {
  const socket = openSocket(libc, version);
  try {
    // A raw socket takes an address of the other family, and heeds it not.
    if (path.source !== undefined && familyOf(path.source) !== version) throw errorOf('bind', EAFNOSUPPORT);
    usePath(libc, socket.fd, path);
    enlargeBuffer(libc, socket.fd);
    if (socket.isRaw) setFilter(libc, socket.fd, version);
  } catch (error) {
    libc.close(socket.fd);
    throw error;
  }
  return socket;
}

const protocols = {
  ipv4: [AF_INET, IPPROTO_ICMP],
  ipv6: [AF_INET6, IPPROTO_ICMPV6],
} as const;

function openSocket(libc: Libc, version: IcmpVersion): EchoSocket {
  const [family, protocol] = protocols[version];
  try {
    return { fd: libc.socket(family, SOCK_RAW, protocol), isRaw: true };
  } catch (refusal) {
    if (!isForbidden(refusal)) throw refusal;
    try {
      return { fd: libc.socket(family, SOCK_DGRAM, protocol), isRaw: false };
    } catch (error) {
      // A kernel may have no sockets for ping in it.
      throw codeOf(error) === 'EPROTONOSUPPORT' ? refusal : error;
    }
  }
}

/** Whether we may not open such a socket, as seen by the error. To send is forbidden by firewalls, to programs as to us. */
export function isForbidden(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return (code === 'EACCES' || code === 'EPERM') && (syscall === 'socket' || syscall === 'setsockopt');
}

/** Whether the socket is bound to an interface that is gone, or has another name: one made anew has another index. */
export function hasLostInterface(libc: Libc, { fd }: EchoSocket, path: Path): boolean {
  if (path.interface === undefined) return false;
  const name = new Uint8Array(interfaceNameBytes);
  try {
    libc.getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name);
  } catch {
    return true;
  }
  return String(Buffer.from(name.subarray(0, name.indexOf(0)))) !== path.interface;
}

/** `IFNAMSIZ` of <linux/if.h>, with the NUL. */
const interfaceNameBytes = 16;

/** Some 10,000 replies; a socket has room for 256 by default, and all that are sent at once may answer in a stall. */
const bufferBytes = new Uint8Array(Int32Array.of(4 * 1024 * 1024).buffer);

/** Beyond `net.core.rmem_max` with CAP_NET_ADMIN alone. */
function enlargeBuffer(libc: Libc, fd: number): void {
  try {
    libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, bufferBytes);
  } catch (error) {
    if (codeOf(error) !== 'EPERM') throw error;
    libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, bufferBytes);
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

/** Has the kernel drop what is no answer: both filters have a bit for each type, and one that is set blocks it. */
function setFilter(libc: Libc, fd: number, version: IcmpVersion): void {
  const blocked = new Uint32Array(version === 'ipv4' ? 1 : 8).fill(0xffffffff);
  for (const type of answerTypes(version)) blocked[type >> 5] = (blocked[type >> 5] ?? 0) & ~(1 << (type & 31));
  const value = new Uint8Array(blocked.buffer);
  if (version === 'ipv4') libc.setsockopt(fd, SOL_RAW, ICMP_FILTER, value);
  else libc.setsockopt(fd, IPPROTO_ICMPV6, ICMPV6_FILTER, value);
}
