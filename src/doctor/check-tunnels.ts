import { familyOf } from '../core/address.ts';
import type { Config } from '../core/config.ts';
import { serviceFamily } from '../core/table.ts';
import type { Facts } from './facts.ts';
import { type Finding, ok } from './finding.ts';
import { enumerate, type Placed, placedServers } from './servers.ts';
import { setSysctls } from './sysctl.ts';

/** sizeof(struct iphdr) and sizeof(struct ipv6hdr): the outer header, by the family of the server. */
const headerBytes = { ipv4: 20, ipv6: 40 } as const;
/** What clients on an Ethernet send at most. */
const clientMtu = 1500;

const discovery = 'net/ipv4/vs/pmtu_disc';

/** Whether a full packet of a client fits the tunnel to its server. */
export function checkTunnels(facts: Facts, config: Config): readonly Finding[] {
  const tunnels = new Map<string, Placed[]>();
  for (const one of placedServers(config)) {
    const room = roomFor(facts, one);
    if (room !== undefined) tunnels.set(room, [...(tunnels.get(room) ?? []), one]);
  }
  return [...tunnels].map(([room, placed]) => judge(facts, Number(room.split(' ')[0]), placed));
}

/** Bytes that a packet of a client may have, and the family that it is of; undefined for what takes no tunnel. */
function roomFor({ routes }: Facts, { service, server }: Placed): string | undefined {
  const route = routes.get(server.address);
  if (server.forwarding !== 'tun' || route === undefined || route.isLocal) return undefined;
  return `${route.mtu - headerBytes[familyOf(server.address)]} ${serviceFamily(service.identity)}`;
}

/** `ensure_mtu_is_adequate` of net/netfilter/ipvs/ip_vs_xmit.c; routers fragment no packets of IPv6. */
function judge(facts: Facts, room: number, placed: readonly Placed[]): Finding {
  const names = enumerate(placed.map(({ service }) => service.name));
  const subject = `tunnels of ${names}`;
  if (room >= clientMtu) return ok(subject, `take packets of ${room} bytes`);
  const isIpv4 = placed.some(({ service }) => serviceFamily(service.identity) === 'ipv4');
  if (isIpv4 && facts.sysctl(discovery) === '0') return ok(subject, `packets above ${room} bytes are fragmented`);
  const message = `take packets of ${room} bytes, so a client that sends ${clientMtu} is asked for smaller ones by ICMP, and stalls where something on the way drops that: give the servers routes with 'advmss ${room - (isIpv4 ? 40 : 60)}', or the link to them an MTU of ${clientMtu + headerBytes[isIpv4 ? 'ipv4' : 'ipv6']}`;
  if (!isIpv4) return { severity: 'advice', subject, message };
  const addition = '; with net.ipv4.vs.pmtu_disc at 0 the director fragments them';
  return { severity: 'advice', subject, message: `${message}${addition}`, remedy: setSysctls([discovery], '0') };
}
