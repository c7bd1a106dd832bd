import { type Endpoint, ipFromBytes } from '../core/address.ts';
import type { Protocol } from '../core/table.ts';

/** A connection that the kernel holds, or the memory of a client (a template, of client port 0) that persistence keeps. */
export interface Connection {
  readonly protocol: Protocol;
  readonly client: Endpoint;
  readonly virtual: Endpoint;
  readonly server: Endpoint;
  /** The kernel's name: `ESTABLISHED`, `UDP`, `NONE`. */
  readonly state: string;
  readonly expiresSeconds: number;
  /** What a persistence engine tells the client by. */
  readonly persistence?: { readonly engine: string; readonly data: string };
}

export const connectionsFile = '/proc/net/ip_vs_conn';

/**
 * The connections in the text of `connectionsFile`, in its order: ip_vs_conn_seq_show() of the kernel writes one a line
 * under one line of titles. Lines of protocols that no service of ours can have are left out.
 */
export function readConnections(text: string): readonly Connection[] {
  return text.split('\n').slice(1).flatMap(readLine);
}

function readLine(line: string): readonly Connection[] {
  const [protocolName = '', ...fields] = line.trim().split(/\s+/);
  const protocol = protocols[protocolName];
  const [from, fromPort, to, toPort, server, serverPort, state, expires, engine, data] = fields;
  if (protocol === undefined || expires === undefined) return [];
  return [
    {
      protocol,
      client: readEndpoint(from, fromPort),
      virtual: readEndpoint(to, toPort),
      server: readEndpoint(server, serverPort),
      state: state ?? '',
      expiresSeconds: Number(expires),
      ...(engine !== undefined && data !== undefined && { persistence: { engine, data } }),
    },
  ];
}

const protocols: Partial<Record<string, Protocol>> = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' };

/** Both in hexadecimal: 8 digits are an address of IPv4, 32 with colons between one of IPv6. */
function readEndpoint(address = '', port = ''): Endpoint {
  const bytes = Buffer.from(address.replaceAll(':', ''), 'hex');
  return { address: ipFromBytes(bytes), port: Number.parseInt(port, 16) };
}
