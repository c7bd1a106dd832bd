import { setImmediate as afterPoll } from 'node:timers/promises';
import type { SettingOp, SettingResult, Settings } from '../core/settings.ts';
import {
  type Op,
  type OpResult,
  type ServiceIdentity,
  serverKey,
  serviceFamily,
  serviceKey,
  type Table,
  type TableServer,
  type TableService,
} from '../core/table.ts';
import { Channel, Protocol, type Request } from './channel.ts';
import { errnoName, NetlinkError } from './errno.ts';
import { type Kernel, KernelUnavailable } from './kernel.ts';
import {
  askForDaemons,
  askForFamily,
  askForInfo,
  askForServers,
  askForServices,
  askForTimeouts,
  askToFlush,
  askToZero,
  encodeOp,
  encodeSettingOp,
} from './message.ts';
import { controllerFamily } from './numbers.ts';
import { type Depth, readDaemon, readFamilyId, readInfo, readServer, readService, readTimeouts } from './reply.ts';
import type { TableHeader } from './text/listing.ts';

/** IPVS_GENL_NAME of <linux/ip_vs.h> */
const familyName = 'IPVS';

/** The running kernel: what commands ask of it beside what the agent does. All reject with `KernelUnavailable`. */
export interface IpvsKernel extends Kernel {
  /** As `read`, with all that the kernel measures. */
  readStatistics(): Promise<Table>;
  /** Deletes every service. */
  flush(): Promise<void>;
  /** Sets the counters of a service to zero, or of all. Resolves with the errno's name where the kernel refused. */
  zero(identity?: ServiceIdentity): Promise<string | undefined>;
  /** What `ipvsadm -L` prints in its first line. */
  info(): Promise<TableHeader>;
}

/** The running kernel's table, in the network namespace of this process. Opens nothing before it is first used. */
export function createIpvsKernel(): IpvsKernel {
  const channel = new Channel(Protocol.GENERIC);
  const inTurn = createQueue();
  return {
    read: () => inTurn(() => available(readTable(channel, 'rows'))),
    readStatistics: () => inTurn(() => available(readTable(channel, 'statistics'))),
    apply: (ops) => inTurn(() => available(applyOps(channel, ops))),
    readSettings: () => inTurn(() => available(readSettings(channel))),
    applySettings: (ops) => inTurn(() => available(applySettings(channel, ops))),
    flush: () => inTurn(() => available(sendAll(channel, [undefined], askToFlush))).then(() => undefined),
    zero: (identity) =>
      inTurn(() => available(sendAll(channel, [identity], askToZero))).then(([result]) => result?.error),
    info: () => inTurn(() => available(readHeader(channel))),
    close: () => inTurn(() => channel.close()),
  };
}

/** Runs what it is given one after the other, whatever became of the one before. */
function createQueue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}

async function readTable(channel: Channel, depth: Depth): Promise<Table> {
  const type = await findFamily(channel);
  const table = new Map<string, TableService>();
  for (const service of await listServices(channel, type, depth)) {
    const servers = await readServers(channel, type, service, depth);
    table.set(serviceKey(service.identity), { ...service, servers });
  }
  const empty = [...table].flatMap(([key, { servers }]) => (servers.size === 0 ? [key] : []));
  if (empty.length === 0) return table;
  // Of a service that was deleted since it was listed, the kernel lists no servers either.
  const left = new Set((await listServices(channel, type, depth)).map(({ identity }) => serviceKey(identity)));
  for (const key of empty) if (!left.has(key)) table.delete(key);
  return table;
}

/** Without servers. */
async function listServices(channel: Channel, type: number, depth: Depth): Promise<readonly TableService[]> {
  const rows = await channel.dump({ type, payload: askForServices() });
  return rows.flatMap((row) => readService(row, depth) ?? []);
}

async function readServers(
  channel: Channel,
  type: number,
  { identity }: TableService,
  depth: Depth,
): Promise<TableService['servers']> {
  const rows = await channel.dump({ type, payload: askForServers(identity) });
  const servers = new Map<string, TableServer>();
  for (const [index, row] of rows.entries()) {
    if (index > 0 && index % rowsAtOnce === 0) await afterPoll();
    const server = readServer(row, serviceFamily(identity), depth);
    servers.set(serverKey(server), server);
  }
  return servers;
}

/** Between so many the probes have their turn. */
const rowsAtOnce = 500;

async function applyOps(channel: Channel, ops: readonly Op[]): Promise<readonly OpResult[]> {
  return sendAll(channel, ops, encodeOp);
}

async function readSettings(channel: Channel): Promise<Settings> {
  const type = await findFamily(channel);
  const timeouts = readTimeouts(await channel.ask({ type, payload: askForTimeouts() }));
  const daemons = await channel.dump({ type, payload: askForDaemons() });
  return { timeouts, daemons: daemons.map(readDaemon) };
}

async function applySettings(channel: Channel, ops: readonly SettingOp[]): Promise<readonly SettingResult[]> {
  return sendAll(channel, ops, encodeSettingOp);
}

async function sendAll<T>(
  channel: Channel,
  ops: readonly T[],
  encode: (op: T) => Buffer,
): Promise<readonly { readonly op: T; readonly error?: string }[]> {
  if (ops.length === 0) return [];
  const type = await findFamily(channel);
  const errnos = await channel.send(requestsFor(ops, type, encode));
  return ops.map((op, index) => resultOf(op, errnos[index] ?? 0));
}

/** One after the other: to encode thousands at once would hold up the probes. */
function* requestsFor<T>(ops: readonly T[], type: number, encode: (op: T) => Buffer): Generator<Request> {
  for (const op of ops) yield { type, payload: encode(op) };
}

/** No op of ours is refused for lack of permission alone: either all are, or none. */
function resultOf<T>(op: T, errno: number): { readonly op: T; readonly error?: string } {
  if (errno === 0) return { op };
  const error = errnoName(errno);
  if (error === 'EPERM') throw new NetlinkError(error, `The kernel answered ${error}`);
  return { op, error };
}

async function readHeader(channel: Channel): Promise<TableHeader> {
  const type = await findFamily(channel);
  return readInfo(await channel.ask({ type, payload: askForInfo() }));
}

/**
 * The family's number. Asked for each time: it changes when the module is unloaded and loaded again, and requests under
 * the old number are answered as if a row were missing.
 */
async function findFamily(channel: Channel): Promise<number> {
  return readFamilyId(await channel.ask({ type: controllerFamily, payload: askForFamily(familyName) }));
}

async function available<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    throw new KernelUnavailable(error.code, `Cannot reach IPVS: ${reasons[error.code] ?? error.message}`, {
      cause: error,
    });
  }
}

const reasons: Partial<Record<string, string>> = {
  EPERM: 'the kernel answered EPERM: run as root, or with the capability CAP_NET_ADMIN of the initial user namespace',
  ENOENT: 'the kernel has no IPVS: load its module with modprobe ip_vs',
  ENOBUFS: 'answers of the kernel were lost (ENOBUFS): the receive buffer is too small, see net.core.rmem_max',
};
