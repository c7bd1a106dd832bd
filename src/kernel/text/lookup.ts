import { isIPv6 } from 'node:net';
import { parseIp } from '../../core/address.ts';
import type { Protocol } from '../../core/table.ts';
import { Mistake } from './command-line.ts';

/** What names of hosts and ports stand for. */
export interface Lookup {
  /** An IPv4 address, as ipvsadm takes of names; undefined where the name has none. */
  host(name: string): string | undefined;
  port(name: string, protocol: Protocol): number | undefined;
}

/**
 * Reads `host[:port]` as ipvsadm does: the host an address or a name, IPv6 in brackets or bare without a port; the port a
 * number or a name. Throws `Mistake`.
 */
export function readHostAndPort(
  text: string,
  protocol: Protocol,
  lookup: Lookup,
): { readonly address: string; readonly port: number | undefined } {
  const { host, port } = split(text);
  return { address: readHost(host, lookup), port: port === undefined ? undefined : readPort(port, protocol, lookup) };
}

function split(text: string): { readonly host: string; readonly port: string | undefined } {
  const [, bracketed, behind] = /^\[([^\]]*)\](?::(.*))?$/.exec(text) ?? [];
  if (bracketed !== undefined) return { host: bracketed, port: behind };
  const colon = isIPv6(text) ? -1 : text.lastIndexOf(':');
  return colon < 0 ? { host: text, port: undefined } : { host: text.slice(0, colon), port: text.slice(colon + 1) };
}

function readHost(text: string, lookup: Lookup): string {
  const parsed = parseIp(text);
  if (parsed.ok) return parsed.value;
  if (!isName(text)) throw new Mistake(parsed.reason);
  const address = lookup.host(text);
  if (address === undefined) throw new Mistake(`'${text}' is no IP address, and a name without an IPv4 address`);
  return address;
}

/** What a resolver may be asked for: no number, and so no address in another form. */
function isName(text: string): boolean {
  return /^[\w.-]+$/.test(text) && !/^(0x)?[\d.]+$/i.test(text);
}

function readPort(text: string, protocol: Protocol, lookup: Lookup): number {
  const port = /^\d+$/.test(text) ? Number(text) : lookup.port(text, protocol);
  if (port !== undefined && port <= 65_535) return port;
  throw new Mistake(
    `'${text}' is not a port: write a number from 0 to 65535, or a name of ${protocol} in /etc/services`,
  );
}
