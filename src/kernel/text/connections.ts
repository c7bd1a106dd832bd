import type { Endpoint } from '../../core/address.ts';
import type { Connection } from '../connections.ts';
import { type Names, nameEndpoint } from './names.ts';

export interface ConnectionOptions {
  /** With what a persistence engine tells clients by. */
  readonly isPersistenceShown?: boolean | undefined;
  /** Absent: numbers. */
  readonly names?: Names | undefined;
}

/** The connections as `ipvsadm -L -c` prints them, in the kernel's order, ending in a newline. */
export function formatConnections(connections: readonly Connection[], options: ConnectionOptions = {}): string {
  const lines = connections.map((connection) => connectionLine(connection, options));
  return ['IPVS connection entries', options.isPersistenceShown ? wideTitle : title, ...lines, ''].join('\n');
}

const title = columns('pro', 'expire', 'state', 'source', 'virtual', 'destination');
const wideTitle = `${columns('pro', 'expire', 'state', 'source', 'virtual', 'destination'.padEnd(18))} pe name          pe_data`;

function connectionLine(connection: Connection, { isPersistenceShown = false, names }: ConnectionOptions): string {
  const { protocol, client, virtual, server, state, expiresSeconds, persistence } = connection;
  const name = (endpoint: Endpoint) => nameEndpoint(endpoint, protocol, names);
  const isWide = isPersistenceShown && persistence !== undefined;
  const line = columns(
    protocol.toUpperCase(),
    minutes(expiresSeconds),
    state,
    name(client),
    name(virtual),
    isWide ? name(server).padEnd(16) : name(server),
  );
  return isWide ? `${line} ${persistence.engine.padEnd(18)} ${persistence.data}` : line;
}

function columns(protocol: string, expires: string, state: string, ...ends: readonly [string, string, string]): string {
  const [client, virtual, server] = ends;
  const narrow = [protocol.padEnd(3), expires.padEnd(6), state.padEnd(11)];
  return [...narrow, client.padEnd(18), virtual.padEnd(18), server].join(' ');
}

/** `04:56`; hours are minutes too. */
function minutes(seconds: number): string {
  const parts = [Math.floor(seconds / 60), seconds % 60];
  return parts.map((part) => `${part}`.padStart(2, '0')).join(':');
}
