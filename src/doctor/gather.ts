import { release } from 'node:os';
import { probeOf } from '../../checks/index.ts';
import { type Family, familyOf } from '../core/address.ts';
import type { Check, Config } from '../core/config.ts';
import { engineName } from '../net/engine.ts';
import { createSystemClock } from '../run/clock.ts';
import { createRunner, runOf } from '../run/runner.ts';
import { modulesFor } from './check-modules.ts';
import { distinctChecks } from './check-probing.ts';
import type { Facts, Refusal } from './facts.ts';
import { readFirewall } from './firewall.ts';
import { entrances, type InterfaceAddress, readInterfaces } from './interfaces.ts';
import { readIpvs } from './ipvs-state.ts';
import { readAutoloading, readModule } from './modules.ts';
import { readOwnProcess } from './own-process.ts';
import { readPathRefusals } from './paths.ts';
import { readRivals } from './rivals.ts';
import { createRouteReader, type Route, type RouteReader } from './routes.ts';
import { isHost, placedServers, virtualAddresses } from './servers.ts';
import { sysctlIfReadable } from './sysctl.ts';

/** Looks at this machine for what a configuration needs of it. Changes nothing and loads no module. */
export async function gather(config: Config): Promise<Facts> {
  const interfaces = readInterfaces();
  const [modules, ways, pingRefusals, firewall] = await Promise.all([
    readModules(config),
    readWays(config, interfaces),
    readPingRefusals(config),
    readFirewall(config),
  ]);
  return {
    kernelRelease: release(),
    ipvs: readIpvs(),
    modules,
    isAutoloading: readAutoloading(),
    sysctl: sysctlIfReadable,
    interfaces,
    ...ways,
    process: readOwnProcess(),
    pingRefusals,
    engine: engineName(),
    pathRefusals: readPathRefusals(distinctChecks(config)),
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
  const doors = [...virtual]
    .filter(isHost)
    .flatMap((address) =>
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
async function readPingRefusals(config: Config): Promise<readonly Refusal[]> {
  const checks = distinctChecks(config).filter(({ type }) => type === 'icmp');
  const families = new Map(checks.map((check) => [familyOf(check.target.address), check]));
  const clock = createSystemClock();
  try {
    const runs = [...families].map(([family, check]) =>
      runOf(createRunner(clock), probeOf('icmp'), ofItself(check, family)),
    );
    return (await Promise.all(runs)).flatMap(({ result }) =>
      result.kind === 'inconclusive' ? [result.inconclusive] : [],
    );
  } finally {
    clock.stop();
  }
}

const pingTimeoutMs = 2000;

function ofItself(check: Check, family: Family): Check {
  const address = family === 'ipv6' ? '::1' : '127.0.0.1';
  return { ...check, target: { address, port: 0 }, options: {}, timeoutMs: pingTimeoutMs };
}
