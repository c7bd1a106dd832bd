import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

export type Family = 'ipv4' | 'ipv6';

/** An IP address and a port; port 0 where the service has none (firewall marks, every port). */
export interface Endpoint {
  /** Canonical text: dotted quad, or RFC 5952. */
  readonly address: string;
  readonly port: number;
}

/** The value, or one sentence that says why there is none. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/**
 * Reads one IP address strictly and returns its canonical text. Short, octal and hexadecimal IPv4 forms, IPv4-mapped
 * and zoned IPv6 forms are refused: resolvers disagree on what they mean, and the kernel's table knows one form only.
 */
export function parseIp(text: string): Parsed<string> {
  if (isIPv4(text)) return { ok: true, value: text };
  if (text.includes('%')) return refuse(`'${text}' has a zone: the kernel's table knows none`);
  if (!isIPv6(text)) return refuse(`'${text}' is not an IP address${hintAtForm(text)}`);
  const address = ipaddr.IPv6.parse(text);
  if (address.isIPv4MappedAddress()) return refuse(`'${text}' is an IPv4 address in IPv6 form: write it as IPv4`);
  return { ok: true, value: address.toRFC5952String() };
}

/** Reads `IP:PORT`, `[v6]:PORT`, a bare `IP` or `[v6]`; the port is undefined when absent. */
export function parseEndpoint(text: string): Parsed<{ readonly address: string; readonly port: number | undefined }> {
  const { host, port: portText } = splitPort(text);
  const ip = parseIp(host);
  if (!ip.ok) return ip;
  if (portText === undefined) return { ok: true, value: { address: ip.value, port: undefined } };
  if (!/^(0|[1-9]\d{0,4})$/.test(portText) || Number(portText) > 65535) {
    return refuse(`'${portText}' is not a port: write a number from 0 to 65535`);
  }
  return { ok: true, value: { address: ip.value, port: Number(portText) } };
}

/** `10.0.0.1:80` or `[2001:db8::1]:80`, as `ipvsadm -L -n` prints it. */
export function formatEndpoint({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The family of a canonical address. */
export function familyOf(address: string): Family {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}

/** 4 or 16 bytes in network order. Throws on text that `parseIp` refuses. */
export function ipToBytes(address: string): Uint8Array {
  if (isIPv4(address)) return quadBytes(address);
  return Uint8Array.from(ipaddr.IPv6.parse(address).toByteArray());
}

/** Digit by digit: to split the text costs ten times as much, and tables have thousands. */
function quadBytes(quad: string): Uint8Array {
  const bytes = new Uint8Array(4);
  let at = 0;
  for (let index = 0; index < quad.length; index++) {
    const digit = quad.charCodeAt(index) - zero;
    if (digit < 0) at += 1;
    else bytes[at] = (bytes[at] ?? 0) * 10 + digit;
  }
  return bytes;
}

const zero = '0'.charCodeAt(0);

/** Canonical text of 4 (ipv4) or 16 (ipv6) bytes in network order. */
export function ipFromBytes(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join('.') : new ipaddr.IPv6([...bytes]).toRFC5952String();
}

function splitPort(text: string): { host: string; port: string | undefined } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed) return { host: bracketed[1] ?? '', port: bracketed[2] };
  const colon = text.indexOf(':');
  if (colon < 0 || colon !== text.lastIndexOf(':')) return { host: text, port: undefined };
  return { host: text.slice(0, colon), port: text.slice(colon + 1) };
}

function hintAtForm(text: string): string {
  return /^[\dxa-f.]+$/i.test(text) && text.length > 0
    ? ': write all four parts in decimal, without leading zeros'
    : '';
}

function refuse(reason: string): { ok: false; reason: string } {
  return { ok: false, reason };
}
