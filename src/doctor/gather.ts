import { release } from 'node:os';
import { probeOf } from '../../checks/index.ts';
import { Unlearned } from '../../checks/probe.ts';
import { familyOf } from '../core/address.ts';
import type { Config } from '../core/config.ts';
import { ManualDeadline } from '../run/deadline.ts';
import { modulesFor } from './check-modules.ts';
import { distinctChecks } from './check-probing.ts';
import type { Facts, PingRefusal } from './facts.ts';
import { readFirewall } from './firewall.ts';
import { entrances, type InterfaceAddress, readInterfaces } from './interfaces.ts';
import { readIpvs } from './ipvs-state.ts';
import { readAutoloading, readModule } from './modules.ts';
import { readOwnProcess } from './own-process.ts';
import { readRivals } from './rivals.ts';
import { createRouteReader, type Route, type RouteReader } from './routes.ts';
import { placedServers, virtualAddresses } from './servers.ts';
import { readSysctl } from './sysctl.ts';

/** Looks at this machine for what a configuration needs of it. Changes nothing and loads no module. */
export async function gather(config: Config): Promise<Facts> {
  const interfaces = readInterfaces();
  const [modules, ways, pingRefusals, firewall] = await Promise.all([
    readModules(config),
    readWays(config, interfaces),
    readPingRefusals(config),
    readFirewall(),
  ]);
  return {
    kernelRelease: release(),
    ipvs: readIpvs(),
    modules,
    isAutoloading: readAutoloading(),
    sysctl: readSysctl,
    interfaces,
    ...ways,
    process: readOwnProcess(),
    pingRefusals,
    rivals: readRivals(),
    firewall,
  };
}

async function readModules(config: Config): Promise<Facts['modules']> {
  const names = [...modulesFor(config).keys()];
  return new Map(await Promise.all(names.map(async (name) => [name, await readModule(name)] as const)));
}

async function readWays(
  config: Config,
  interfaces: readonly InterfaceAddress[],
): Promise<Pick<Facts, 'routes' | 'refusedArrivals'>> {
  const virtual = new Set(virtualAddresses(config).keys());
  const servers = placedServers(config).map(({ server }) => server.address);
  const doors = [...virtual].flatMap((address) =>
    familyOf(address) === 'ipv4' ? entrances(interfaces, address).map((device) => ({ address, device })) : [],
  );
  const reader = createRouteReader();
  try {
    const routes = await readRoutes(reader, new Set([...virtual, ...servers]));
    return { routes, refusedArrivals: await reader.refusedArrivals(doors) };
  } finally {
    await reader.close();
  }
}

/** One after the other: a netlink channel holds one exchange. */
async function readRoutes(reader: RouteReader, addresses: ReadonlySet<string>): Promise<ReadonlyMap<string, Route>> {
  const routes = new Map<string, Route>();
  for (const address of addresses) {
    const route = await reader.to(address);
    if (route !== undefined) routes.set(address, route);
  }
  return routes;
}

/** Pings this machine itself: whether it answers is of no interest, only whether we may ask. */
async function readPingRefusals(config: Config): Promise<readonly PingRefusal[]> {
  const targets = distinctChecks(config).flatMap(({ type, target }) => (type === 'icmp' ? [target.address] : []));
  const families = new Set(targets.map(familyOf));
  const refusals = await Promise.all(
    [...families].map((family) => pingRefusal(family === 'ipv6' ? '::1' : '127.0.0.1')),
  );
  return refusals.flat();
}

const pingTimeoutMs = 2000;

async function pingRefusal(address: string): Promise<readonly PingRefusal[]> {
  const deadline = new ManualDeadline();
  const timer = setTimeout(() => deadline.pass(), pingTimeoutMs);
  try {
    await probeOf('icmp').run({ address, port: 0 }, {}, deadline);
    return [];
  } catch (error) {
    if (!(error instanceof Unlearned)) throw error;
    return [{ code: error.code, message: error.message }];
  } finally {
    clearTimeout(timer);
  }
}
