import { formatEndpoint } from '../../core/address.ts';
import type { Protocol } from '../../core/table.ts';

/** What addresses and ports are called. */
export interface Names {
  /** The name of an address; undefined where it has none. */
  host(address: string): string | undefined;
  /** The name of a port, `http`; undefined where it has none. */
  port(port: number, protocol: Protocol): string | undefined;
}

/** `192.0.2.1:80`, with `names` `www.example.org:http`, as ipvsadm prints it. A mark has no protocol, and its ports no names. */
export function nameEndpoint(
  { address, port }: { readonly address: string; readonly port: number },
  protocol: Protocol | undefined,
  names?: Names,
): string {
  if (names === undefined) return formatEndpoint({ address, port });
  const host = names.host(address) ?? address;
  const portName = (protocol && names.port(port, protocol)) ?? port;
  const name = address.includes(':') ? `[${host}]:${portName}` : `${host}:${portName}`;
  // What goes into ipvsadm's buffer of 60.
  return name.slice(0, 59);
}
