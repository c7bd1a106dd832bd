import { familyOf } from '../core/address.ts';
import type { Config } from '../core/config.ts';
import { sysctlName } from '../host/setting.ts';
import { directorUp } from './director-up.ts';
import type { Facts } from './facts.ts';
import { type Finding, ok } from './finding.ts';
import { facing, holders, type InterfaceAddress } from './interfaces.ts';
import { enumerate, isHost, virtualAddresses } from './servers.ts';
import { setSysctls } from './sysctl.ts';

/** Whether packets for the services come here, and are let in. */
export function checkArrival(facts: Facts, config: Config, file: string): readonly Finding[] {
  const remedy = directorUp(facts, config, file);
  const addresses = virtualAddresses(config);
  return [
    ...[...addresses].map(([address, names]) => checkPresence(facts, address, names, remedy)),
    ...[...addresses.keys()].filter(isHost).flatMap((address) => checkArp(facts, address)),
    ...checkReversePath(facts),
  ];
}

/** IPVS takes packets that the routes call local: it sits in NF_INET_LOCAL_IN (net/netfilter/ipvs/ip_vs_core.c). */
function checkPresence(facts: Facts, address: string, names: readonly string[], remedy: string): Finding {
  const subject = `${isHost(address) ? 'address' : 'network'} ${address}`;
  if (facts.routes.get(address)?.isLocal === true) return ok(subject, `is this machine's own (${enumerate(names)})`);
  const message = `is not this machine's own: packets for ${enumerate(names)} that come here are not given to IPVS`;
  const standby = facts.rivals.find(({ movesAddresses }) => movesAddresses);
  if (standby === undefined) return { severity: 'problem', subject, message, remedy };
  const addition = `; that is as it should be while ${standby.name} (pid ${standby.pid}) holds this machine in reserve`;
  // No remedy: two machines with one address, while the other has it, would take each other's clients.
  return { severity: 'warning', subject, message: `${message}${addition}` };
}

/**
 * `arp_ignore` of Documentation/networking/ip-sysctl.rst: 1 answers for addresses of the interface that is asked, 2 for
 * those whose network has the asker in it besides, 8 for none. The larger of `all` and the interface's own counts.
 */
function checkArp(facts: Facts, address: string): readonly Finding[] {
  if (familyOf(address) === 'ipv6' || facts.routes.get(address)?.isLocal !== true) return [];
  return facing(facts.interfaces, address).map((device) => {
    const paths = ['all', device].map((name) => `net/ipv4/conf/${name}/arp_ignore`);
    const mode = Math.max(...paths.map((path) => Number(facts.sysctl(path) ?? 0)));
    const subject = sysctlName(`net/ipv4/conf/${device}/arp_ignore`);
    const isHere = holders(facts.interfaces, address).includes(device);
    const message = `is ${mode} (here or for all): machines on ${device} that ask for ${address} get no answer of the director`;
    if (mode === 1 && !isHere)
      return { severity: 'warning', subject, message, remedy: `ip address add ${address}/32 dev ${device}` };
    if (mode === 8 || (mode === 2 && !isHeldWithNetwork(facts.interfaces, address)))
      return { severity: 'warning', subject, message, remedy: setSysctls(paths, isHere ? '1' : '0') };
    return ok(subject, `lets the director answer for ${address}`);
  });
}

function isHeldWithNetwork(interfaces: readonly InterfaceAddress[], address: string): boolean {
  return interfaces.some((own) => own.address === address && own.prefixLength < 32 && own.device !== 'lo');
}

function checkReversePath({ refusedArrivals }: Facts): readonly Finding[] {
  return refusedArrivals.map(({ address, device, returnDevice }) => {
    const path = `net/ipv4/conf/${device}/rp_filter`;
    const message = `is strict (here or for all): packets for ${address} that come by ${device} from clients beyond its own network are dropped, because the route to such clients leads out by ${returnDevice}`;
    return { severity: 'warning', subject: sysctlName(path), message, remedy: setSysctls([path], '2') };
  });
}
