import { formatEndpoint, ipFromBytes, ipToBytes, type Parsed, parseEndpoint, parseIp } from '../core/address.ts';
import type { PortRange } from '../core/config.ts';

/** An address of the configuration; the port is undefined where it is not given. */
export interface WrittenAddress {
  readonly address: string;
  readonly port: number | undefined;
}

/** A service's own address: the port cannot follow from anything. */
export function parseServiceAddress(text: string): Parsed<{ readonly address: string; readonly port: number }> {
  const parsed = parseEndpoint(text);
  if (!parsed.ok) return parsed;
  const { address, port } = parsed.value;
  if (address === '0.0.0.0' || address === '::')
    return refuse(`'${text}' matches no packet: IPVS compares addresses one by one`);
  const kind = kindWithoutRoute(address);
  if (kind !== undefined) return refuseVip(text, kind);
  if (port !== undefined) return { ok: true, value: { address, port } };
  const example = formatEndpoint({ address, port: 80 });
  return refuse(`'${text}' has no port: write ${example}, or port 0 with persistence for every port`);
}

/** A real server's address. */
export function parseServerAddress(text: string): Parsed<WrittenAddress> {
  const parsed = parseEndpoint(text);
  const kind = parsed.ok ? kindWithoutRoute(parsed.value.address) : undefined;
  return kind === undefined ? parsed : refuse(`'${text}' is ${kind}: the kernel takes none as a server`);
}

/** `IP:PORT` to listen on. */
export function parseListen(text: string): Parsed<{ readonly host: string; readonly port: number } | undefined> {
  if (text === 'off') return { ok: true, value: undefined };
  const isPortOnly = /^:\d+$/.test(text);
  const parsed = parseEndpoint(isPortOnly ? `0.0.0.0${text}` : text);
  if (!parsed.ok) return parsed;
  if (isPortOnly)
    return refuse(`'${text}' has no address: write 127.0.0.1${text}, or 0.0.0.0${text} for every address`);
  const { address, port } = parsed.value;
  if (port === undefined) return refuse(`'${text}' has no port: write ${formatEndpoint({ address, port: 9975 })}`);
  return { ok: true, value: { host: address, port } };
}

/** sun_path of sockaddr_un has 108 bytes, one of them for the final NUL. */
const longestSocketPath = 107;

/** `unix:/absolute/path` */
export function parseUnixListen(text: string): Parsed<string | undefined> {
  if (text === 'off') return { ok: true, value: undefined };
  if (!text.startsWith('unix:'))
    return refuse(`'${text}' is not a unix socket: write unix:/run/lvsd/admin.sock, or off`);
  const path = parsePath(text.slice('unix:'.length));
  if (path.ok && Buffer.byteLength(path.value) > longestSocketPath) {
    return refuse(
      `the path of a unix socket has at most ${longestSocketPath} bytes; found ${Buffer.byteLength(path.value)}`,
    );
  }
  return path;
}

/** An absolute path, or `off`. */
export function parseOptionalPath(text: string): Parsed<string | undefined> {
  return text === 'off' ? { ok: true, value: undefined } : parsePath(text);
}

/** How much of the client's address counts: a prefix length, or the mask that says the same of an IPv4 address. */
export function parseNetmask(text: string): Parsed<{ readonly prefixLength: number; readonly isIpv4Mask: true }> {
  const mask = parseIp(text);
  const bits = mask.ok ? [...ipToBytes(mask.value)].map((byte) => byte.toString(2).padStart(8, '0')).join('') : '';
  if (!/^1*0*$/.test(bits) || bits.length !== 32) {
    return refuse(`'${text}' is not a netmask: write one such as 255.255.255.0, or a prefix length such as 24`);
  }
  return { ok: true, value: { prefixLength: bits.replaceAll('0', '').length, isIpv4Mask: true } };
}

/** An address, or a prefix of addresses. A host's own /32 or /128 is an address. */
export function parsePrefix(text: string): Parsed<string> {
  const [written = '', length, ...rest] = text.split('/');
  const ip = parseIp(written);
  if (!ip.ok) return ip;
  if (length === undefined) return matchable(text, ip.value);
  const bytes = ipToBytes(ip.value);
  const bits = bytes.length * 8;
  if (rest.length > 0 || !/^[1-9]\d{0,2}$/.test(length) || Number(length) > bits) {
    return refuse(`'${text}' is no prefix: write a length from 1 to ${bits} after the slash`);
  }
  if (Number(length) === bits) return matchable(text, ip.value);
  const network = ipFromBytes(bytes.map((byte, index) => byte & maskOf(Number(length) - index * 8)));
  if (network === ip.value) return matchable(text, network, `${network}/${length}`);
  return refuse(`'${text}' has bits beyond the prefix: write ${network}/${length}, or ${ip.value} for one address`);
}

/** `8000-8100`, or one port. */
export function parsePortRange(text: string): Parsed<PortRange> {
  const [, first, last = first] = /^([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?$/.exec(text) ?? [];
  if (first === undefined || Number(first) > Number(last) || Number(last) > 65535) {
    return refuse(`'${text}' is not a range of ports: write one such as 8000-8100, from 1 to 65535`);
  }
  return { ok: true, value: [Number(first), Number(last)] };
}

/** What dev_valid_name of net/core/dev.c takes: IFNAMSIZ is 16, the final NUL included. */
export function parseLinkName(text: string): Parsed<string> {
  if (/^[^\s/:\p{Cc}]{1,15}$/u.test(text) && text !== '.' && text !== '..' && Buffer.byteLength(text) <= 15) {
    return { ok: true, value: text };
  }
  return refuse(`'${text}' is not the name of an interface: it has 1 to 15 characters, no blank, slash or colon`);
}

/** `address` is the first one of the prefix; a network may begin with the unspecified address. */
function matchable(text: string, address: string, prefix = address): Parsed<string> {
  const isUnspecified = address === '0.0.0.0' || address === '::';
  if (isUnspecified && prefix === address) return refuse(`'${text}' is the unspecified address: no packet is for it`);
  const kind = isUnspecified ? undefined : kindWithoutRoute(address);
  return kind === undefined ? { ok: true, value: prefix } : refuseVip(text, kind);
}

function refuseVip(text: string, kind: string): { ok: false; reason: string } {
  return refuse(`'${text}' is ${kind}: it can be no VIP`);
}

/** The first so many bits of a byte. */
function maskOf(bits: number): number {
  return bits <= 0 ? 0 : bits >= 8 ? 0xff : (0xff << (8 - bits)) & 0xff;
}

function parsePath(text: string): Parsed<string> {
  if (!text.startsWith('/')) return refuse(`'${text}' is not an absolute path`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  return /[\u0000-\u001f\u007f]/.test(text) ? refuse('a path holds no control characters') : { ok: true, value: text };
}

/** What `__ip_vs_update_dest` (net/netfilter/ipvs/ip_vs_ctl.c) answers with EINVAL, as far as the address alone tells. */
function kindWithoutRoute(address: string): string | undefined {
  if (address === '0.0.0.0' || address === '::') return 'the unspecified address';
  if (address === '255.255.255.255') return 'the broadcast address';
  if (!address.includes(':')) return /^2(2[4-9]|3\d)\./.test(address) ? 'a multicast address' : undefined;
  const [first = 0, second = 0] = ipToBytes(address);
  if (first === 0xff) return 'a multicast address';
  return first === 0xfe && (second & 0xc0) === 0x80 ? 'a link-local address' : undefined;
}

function refuse(reason: string): { ok: false; reason: string } {
  return { ok: false, reason };
}
