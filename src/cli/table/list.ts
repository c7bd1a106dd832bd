import { readFileSync } from 'node:fs';
import { type ServiceIdentity, serviceKey, type Table } from '../../core/table.ts';
import { type Connection, connectionsFile, readConnections } from '../../kernel/connections.ts';
import type { IpvsKernel } from '../../kernel/ipvs.ts';
import type { Layout } from '../../kernel/text/columns.ts';
import { formatConnections } from '../../kernel/text/connections.ts';
import { formatListing } from '../../kernel/text/listing.ts';
import { formatDaemons, formatTimeouts } from '../../kernel/text/settings.ts';
import { exitCodes } from '../exit.ts';
import { print } from '../print.ts';
import { connectionsDocument, settingsDocument, tableDocument } from './document.ts';
import { resolveNames } from './resolve-names.ts';
import { complainOfMissing } from './service.ts';
import { withKernel } from './with-kernel.ts';

/** The flags of `lvsd table list`, as the command line has them. */
export type ListFlags = Readonly<Partial<Record<string, boolean>>>;

/** `lvsd table list`, of one service alone where one is named. Resolves with the exit code: 0, 1 there is no such service. */
export async function list(flags: ListFlags, service: ServiceIdentity | undefined): Promise<number> {
  const text = await withKernel((kernel) => listingOf(flags)(kernel, flags, service));
  if (text === undefined) return complainOfMissing(service);
  print(text);
  return exitCodes.ok;
}

type Listing = (kernel: IpvsKernel, flags: ListFlags, service?: ServiceIdentity) => Promise<string | undefined>;

function listingOf({ connections, timeout, daemon }: ListFlags): Listing {
  if (connections) return listConnections;
  if (timeout) return listTimeouts;
  return daemon ? listDaemons : listTable;
}

async function listTable(
  kernel: IpvsKernel,
  flags: ListFlags,
  service: ServiceIdentity | undefined,
): Promise<string | undefined> {
  const header = await kernel.info();
  const all = await kernel.readStatistics();
  const table = service ? only(all, service) : all;
  if (table === undefined) return undefined;
  if (flags.json) return tableDocument(table, header, await kernel.readSettings());
  return formatListing(table, {
    header: service ? undefined : header,
    layout: layoutOf(flags),
    isExact: flags.exact,
    isUnsorted: flags.nosort,
    names: flags.resolve ? await resolveNames(addressesOf(table)) : undefined,
  });
}

/** Where there are several, ipvsadm takes the first of these, too. */
function layoutOf({ stats, rate, thresholds, persistentConn, tunInfo }: ListFlags): Layout {
  if (stats) return 'statistics';
  if (rate) return 'rates';
  if (thresholds) return 'thresholds';
  if (persistentConn) return 'persistent';
  return tunInfo ? 'tunnels' : 'rows';
}

async function listConnections(kernel: IpvsKernel, { persistentConn, resolve, json }: ListFlags): Promise<string> {
  // Says so where the kernel has no IPVS, or loads it: the file is there only with the module.
  await kernel.info();
  const connections = readConnections(readFileSync(connectionsFile, 'utf8'));
  if (json) return connectionsDocument(connections);
  const names = resolve ? await resolveNames(connections.flatMap(endsOf)) : undefined;
  return formatConnections(connections, { isPersistenceShown: persistentConn, names });
}

async function listTimeouts(kernel: IpvsKernel, { json }: ListFlags): Promise<string> {
  const { timeouts } = await kernel.readSettings();
  return json ? settingsDocument({ timeouts }) : formatTimeouts(timeouts);
}

async function listDaemons(kernel: IpvsKernel, { json }: ListFlags): Promise<string> {
  const { daemons } = await kernel.readSettings();
  return json ? settingsDocument({ daemons }) : formatDaemons(daemons);
}

function only(table: Table, identity: ServiceIdentity): Table | undefined {
  const key = serviceKey(identity);
  const service = table.get(key);
  return service && new Map([[key, service]]);
}

function addressesOf(table: Table): readonly string[] {
  return [...table.values()].flatMap(({ identity, servers }) => [
    ...(identity.kind === 'address' ? [identity.address] : []),
    ...[...servers.values()].map(({ address }) => address),
  ]);
}

function endsOf({ client, virtual, server }: Connection): readonly string[] {
  return [client.address, virtual.address, server.address];
}
