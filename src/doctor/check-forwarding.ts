import { familyOf } from '../core/address.ts';
import type { Config, Service } from '../core/config.ts';
import { serverKey } from '../core/table.ts';
import { sysctlName } from '../host/setting.ts';
import { isLoopback, vipsOf } from '../host/vips.ts';
import type { Facts } from './facts.ts';
import { type Finding, ok } from './finding.ts';
import { facing, holders } from './interfaces.ts';
import { enumerate, groupBy, isHost, nameOf, type Placed, placedServers } from './servers.ts';
import { setSysctls } from './sysctl.ts';

/** What the way of a packet to its server, and back, asks of this machine. */
export function checkForwarding(facts: Facts, config: Config): readonly Finding[] {
  const placed = placedServers(config);
  const nat = placed.filter(({ server }) => server.forwarding === 'nat');
  const away = nat.filter(({ server }) => facts.routes.get(server.address)?.isLocal === false);
  return [
    ...checkIpForward(facts, away),
    ...checkRedirects(facts, away),
    ...nat.flatMap(checkLoopback),
    ...config.services.flatMap((service) => checkNeighbours(facts, service)),
    ...checkInvalid(facts, away),
  ];
}

/**
 * Answers of NAT servers pass through us as any forwarded packet. DR and TUN need none of it: IPVS sends what it
 * received on its own account (`ip_vs_dr_xmit`, `ip_vs_tunnel_xmit`, NF_INET_LOCAL_OUT), and answers go elsewhere.
 */
function checkIpForward(facts: Facts, away: readonly Placed[]): readonly Finding[] {
  const switches = groupBy(away, ({ server }) => forwardSwitch(facts, server.address));
  return [...switches].flatMap(([path, placed]) => {
    const value = facts.sysctl(path);
    if (value === undefined) return [];
    if (value !== '0') return [ok(sysctlName(path), 'answers of NAT servers are forwarded')];
    const message = `is 0: answers of the NAT servers of ${enumerate(placed.map(({ service }) => service.name))} are dropped here instead of forwarded to the clients`;
    return [{ severity: 'problem', subject: sysctlName(path), message, remedy: setSysctls([path], '1') }];
  });
}

/**
 * IPv4 asks the interface that a packet came by (IN_DEV_FORWARD in net/ipv4/route.c), and ip_forward is what sets them
 * all when it changes; IPv6 asks its one switch (`ip6_forward`), since Linux 6.17 that of the interface besides.
 */
function forwardSwitch({ sysctl, routes }: Facts, address: string): string {
  const device = routes.get(address)?.device;
  if (familyOf(address) === 'ipv6') {
    const forced = `net/ipv6/conf/${device}/force_forwarding`;
    return sysctl(forced) === '1' ? forced : 'net/ipv6/conf/all/forwarding';
  }
  const [general, own] = ['net/ipv4/ip_forward', `net/ipv4/conf/${device}/forwarding`];
  return sysctl(general) !== '0' && sysctl(own) === '0' ? own : general;
}

/**
 * An answer that leaves by the interface it came by makes us tell the server of a shorter way, past us, where nobody
 * translates it back: `__mkroute_input` of net/ipv4/route.c. IN_DEV_TX_REDIRECTS is `all` or the interface's own.
 */
function checkRedirects(facts: Facts, away: readonly Placed[]): readonly Finding[] {
  const devices = new Set(away.flatMap((one) => sharedDevice(facts, one)));
  return [...devices].map((device) => {
    const paths = ['all', device].map((name) => `net/ipv4/conf/${name}/send_redirects`);
    const set = paths.filter((path) => facts.sysctl(path) === '1');
    const subject = sysctlName(`net/ipv4/conf/${device}/send_redirects`);
    if (set.length === 0) return ok(subject, 'no server is told of a way past the director');
    const message = `is on (here or for all): clients and NAT servers share ${device}, so the director tells servers of a shorter way to the clients, and answers that take it are not translated back`;
    return { severity: 'warning', subject, message, remedy: setSysctls(set, '0') };
  });
}

/** The interface where both the server and an address of its service are; none where they are apart. */
function sharedDevice({ routes, interfaces }: Facts, { service, server }: Placed): readonly string[] {
  const device = routes.get(server.address)?.device;
  if (familyOf(server.address) === 'ipv6' || device === undefined) return [];
  const addresses = vipsOf(service).filter(isHost);
  const devices = addresses.flatMap((one) => [...holders(interfaces, one), ...facing(interfaces, one)]);
  return devices.includes(device) ? [device] : [];
}

/** "stopping DNAT to loopback address": `ip_vs_nat_xmit` of net/netfilter/ipvs/ip_vs_xmit.c. */
function checkLoopback({ service, server }: Placed): readonly Finding[] {
  const { identity } = service;
  if (!isLoopback(server.address) || (identity.kind === 'address' && isLoopback(identity.address))) return [];
  const message = `the kernel drops packets of other machines that NAT would send to ${server.address}: give this server 'forwarding: dr', which hands them to a program of this machine that listens on the address of the service`;
  return [{ severity: 'problem', subject: nameOf(service), message }];
}

/** `ip_vs_dr_xmit` hands the packet, still addressed to the VIP, to the next hop on the way to the server. */
function checkNeighbours({ routes }: Facts, service: Service): readonly Finding[] {
  const remote = [...service.servers, ...service.fallbackServers].filter(
    ({ address, forwarding }) => forwarding === 'dr' && routes.get(address)?.gateway !== undefined,
  );
  if (remote.length === 0) return [];
  const gateways = enumerate(remote.map(({ address }) => routes.get(address)?.gateway ?? ''));
  const message = `direct routing reaches neighbours only, and ${enumerate(remote.map(serverKey))} would be reached through ${gateways}, which sends the packets back here: use 'forwarding: tun'`;
  return [{ severity: 'problem', subject: nameOf(service), message }];
}

/**
 * Without `vs.conntrack` IPVS takes its connections out of connection tracking (`ip_vs_notrack`), so that the answer of
 * a NAT server is one to a connection that nobody opened. Chains of filters come before IPVS in NF_INET_FORWARD.
 */
function checkInvalid(facts: Facts, away: readonly Placed[]): readonly Finding[] {
  const [chain] = facts.firewall.chainsThatDropInvalid;
  const path = 'net/ipv4/vs/conntrack';
  if (away.length === 0 || chain === undefined || facts.sysctl(path) !== '0') return [];
  const message = `is 0, and the chain ${chain} drops packets of the state invalid: answers of NAT servers are such where IPVS keeps no state`;
  return [{ severity: 'warning', subject: sysctlName(path), message, remedy: setSysctls([path], '1') }];
}
