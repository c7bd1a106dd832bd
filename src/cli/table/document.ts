import { familyOf } from '../../core/address.ts';
import type { Settings, SyncDaemon, Timeouts } from '../../core/settings.ts';
import type { ServiceIdentity, Table, TableServer, TableService, Traffic } from '../../core/table.ts';
import type { Connection } from '../../kernel/connections.ts';
import type { TableHeader } from '../../kernel/text/listing.ts';
import { sortServers, sortServices } from '../../kernel/text/order.ts';

/** The table, and what the kernel keeps beside it, as the JSON document that docs/table.md describes. */
export function tableDocument(table: Table, header: TableHeader, { timeouts, daemons }: Settings): string {
  return document({
    ipvs: { version: header.version, connection_table_size: header.size },
    timeouts: timeoutsView(timeouts),
    daemons: daemons.map(daemonView),
    services: sortServices(table).map(serviceView),
  });
}

export function settingsDocument({ timeouts, daemons }: Partial<Settings>): string {
  return document({
    ...(timeouts && { timeouts: timeoutsView(timeouts) }),
    ...(daemons && { daemons: daemons.map(daemonView) }),
  });
}

export function connectionsDocument(connections: readonly Connection[]): string {
  return document({ connections: connections.map(connectionView) });
}

function document(content: object): string {
  return `${JSON.stringify({ schema_version: 1, ...content }, null, 2)}\n`;
}

function timeoutsView({ tcpSeconds, tcpFinSeconds, udpSeconds }: Timeouts) {
  return { tcp_seconds: tcpSeconds, tcp_fin_seconds: tcpFinSeconds, udp_seconds: udpSeconds };
}

function daemonView({ role, interface: name, syncId, group, port, ttl, maxLength }: SyncDaemon) {
  return { role, interface: name, sync_id: syncId, group, port, ttl, max_length: maxLength };
}

function serviceView(service: TableService) {
  const { identity, scheduler, schedulerFlags, isOnePacket, persistence, traffic, rates } = service;
  return {
    ...identityView(identity),
    scheduler,
    scheduler_flags: schedulerFlags,
    one_packet: isOnePacket,
    persistence: persistence
      ? {
          timeout_seconds: persistence.timeoutSeconds,
          prefix_length: persistence.netmask === undefined ? persistence.prefixLength : null,
          netmask: persistence.netmask ?? null,
          engine: persistence.engine ?? null,
        }
      : null,
    traffic: trafficView(traffic),
    rates: trafficView(rates),
    servers: sortServers(service).map(serverView),
  };
}

function identityView(identity: ServiceIdentity) {
  if (identity.kind === 'fwmark') return { fwmark: identity.mark, family: identity.family };
  const { protocol, address, port } = identity;
  return { protocol, address, port, family: familyOf(address) };
}

function serverView(server: TableServer) {
  const { address, port, forwarding, tunnel, weight, connections, traffic, rates } = server;
  return {
    address,
    port,
    forwarding,
    tunnel: forwarding === 'tun' ? (tunnel ?? { type: 'ipip' }) : null,
    weight,
    upper_threshold: server.upperThreshold,
    lower_threshold: server.lowerThreshold,
    connections,
    traffic: trafficView(traffic),
    rates: trafficView(rates),
  };
}

function trafficView(traffic: Traffic | undefined) {
  return (
    traffic && {
      connections: traffic.connections,
      incoming_packets: traffic.incomingPackets,
      outgoing_packets: traffic.outgoingPackets,
      incoming_bytes: traffic.incomingBytes,
      outgoing_bytes: traffic.outgoingBytes,
    }
  );
}

function connectionView({ protocol, client, virtual, server, state, expiresSeconds, persistence }: Connection) {
  return {
    protocol,
    client,
    virtual,
    server,
    state,
    expires_seconds: expiresSeconds,
    persistence: persistence ?? null,
  };
}
