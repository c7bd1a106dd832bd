import { type Family, familyOf } from '../core/address.ts';
import type { Config } from '../core/config.ts';
import { type ServerRow, serviceFamily } from '../core/table.ts';
import type { Facts } from './facts.ts';
import { type Finding, ok } from './finding.ts';
import { enumerate, groupBy, type Placed, placedServers } from './servers.ts';
import { setSysctls } from './sysctl.ts';

/** sizeof(struct iphdr) and sizeof(struct ipv6hdr): the outer header, by the family of the server. */
const headerBytes = { ipv4: 20, ipv6: 40 } as const;
/** Before the packet within: UDP and GUE (RFC draft-ietf-intarea-gue, 3.1), GRE (RFC 2784, 2.1). */
const encapsulationBytes = { gue: 8 + 4, gre: 4 } as const;
/** What a checksum adds: struct guehdr's private flags and checksum offsets (include/net/gue.h), GRE's own field. */
const checksumBytes = { gue: { none: 0, checksum: 0, remote: 8 }, gre: { none: 0, checksum: 4 } } as const;
/** Headers of IP and TCP before the data of a segment. */
const segmentHeaderBytes = { ipv4: 40, ipv6: 60 } as const;
/** What clients on an Ethernet send at most. */
const clientMtu = 1500;

const discovery = 'net/ipv4/vs/pmtu_disc';

/** Whether a full packet of a client fits the tunnel to its server. */
export function checkTunnels(facts: Facts, config: Config): readonly Finding[] {
  const tunnels = placedServers(config).flatMap((placed) => tunnelTo(facts, placed));
  const groups = groupBy(tunnels, ({ room, outerBytes, family }) => `${room} ${outerBytes} ${family}`);
  return [...groups.values()].flatMap((group) => judge(facts, group));
}

interface Tunnel {
  readonly service: string;
  /** That of the packets that it takes. */
  readonly family: Family;
  /** Bytes that such a packet may have. */
  readonly room: number;
  /** Bytes of what is put around it. */
  readonly outerBytes: number;
}

function tunnelTo({ routes }: Facts, { service, server }: Placed): readonly Tunnel[] {
  const route = routes.get(server.address);
  if (server.forwarding !== 'tun' || route === undefined || route.isLocal) return [];
  const outerBytes = headerBytes[familyOf(server.address)] + encapsulation(server);
  return [{ service: service.name, family: serviceFamily(service.identity), room: route.mtu - outerBytes, outerBytes }];
}

function encapsulation({ tunnel }: ServerRow): number {
  switch (tunnel?.type) {
    case undefined:
      return 0;
    case 'gue':
      return encapsulationBytes.gue + checksumBytes.gue[tunnel.checksum];
    case 'gre':
      return encapsulationBytes.gre + checksumBytes.gre[tunnel.checksum];
  }
}

/** `ensure_mtu_is_adequate` of net/netfilter/ipvs/ip_vs_xmit.c; routers fragment no packets of IPv6. */
function judge({ sysctl }: Facts, tunnels: readonly Tunnel[]): readonly Finding[] {
  const [first] = tunnels;
  if (first === undefined) return [];
  const { room, outerBytes, family } = first;
  const subject = `tunnels of ${enumerate(tunnels.map(({ service }) => service))}`;
  if (room >= clientMtu) return [ok(subject, `take packets of ${room} bytes`)];
  if (family === 'ipv4' && sysctl(discovery) === '0')
    return [ok(subject, `packets above ${room} bytes are fragmented`)];
  const message = `take packets of ${room} bytes, so a client that sends ${clientMtu} is asked for smaller ones by ICMP, and stalls where something on the way drops that: give the servers routes with 'advmss ${room - segmentHeaderBytes[family]}', or the link to them an MTU of ${clientMtu + outerBytes}`;
  if (family === 'ipv6') return [{ severity: 'advice', subject, message }];
  const addition = '; with net.ipv4.vs.pmtu_disc at 0 the director fragments them';
  return [{ severity: 'advice', subject, message: `${message}${addition}`, remedy: setSysctls([discovery], '0') }];
}
