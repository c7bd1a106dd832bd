import type { Family } from '../core/address.ts';
import type { SyncRole } from '../core/settings.ts';
import type { Forwarding, OpKind, Protocol, SchedulerFlag, Traffic, Tunnel, TunnelChecksum } from '../core/table.ts';

// From <linux/ip_vs.h> (IPVS_*), <linux/genetlink.h> (GENL_*, CTRL_*) and <sys/socket.h> (AF_*).

/** GENL_ID_CTRL: the family that knows the number of every other. */
export const controllerFamily = 0x10;
/** struct genlmsghdr: command, version (1 for the controller and for IPVS alike), and two bytes that are reserved. */
export const headerBytes = 4;
export const genericVersion = 1;

/** CTRL_CMD_GETFAMILY and its attributes. */
export const controller = { getFamily: 3, id: 1, name: 2 } as const;

/** IPVS_CMD_* */
export const command = {
  add_service: 1,
  edit_service: 2,
  del_service: 3,
  getService: 4,
  add_server: 5,
  edit_server: 6,
  del_server: 7,
  getServer: 8,
  startDaemon: 9,
  stopDaemon: 10,
  getDaemons: 11,
  setTimeouts: 12,
  getTimeouts: 13,
  getInfo: 15,
  zero: 16,
  flush: 17,
} as const satisfies Record<OpKind, number> & Record<string, number>;

/** IPVS_CMD_ATTR_*: what the others are nested in. */
export const top = { service: 1, server: 2, daemon: 3, tcpTimeout: 4, tcpFinTimeout: 5, udpTimeout: 6 } as const;

/** IPVS_SVC_ATTR_* */
export const service = {
  family: 1,
  protocol: 2,
  address: 3,
  port: 4,
  mark: 5,
  scheduler: 6,
  flags: 7,
  timeout: 8,
  netmask: 9,
  engine: 11,
} as const;

/** IPVS_DEST_ATTR_* */
export const server = {
  address: 1,
  port: 2,
  forwarding: 3,
  weight: 4,
  upperThreshold: 5,
  lowerThreshold: 6,
  active: 7,
  inactive: 8,
  persistent: 9,
  family: 11,
  tunnelType: 13,
  tunnelPort: 14,
  tunnelFlags: 15,
} as const;

/** IPVS_DAEMON_ATTR_* */
export const daemon = {
  role: 1,
  interface: 2,
  syncId: 3,
  maxLength: 4,
  group: 5,
  group6: 6,
  port: 7,
  ttl: 8,
} as const;

/** IP_VS_STATE_* */
export const roles: Record<SyncRole, number> = { master: 1, backup: 2 };

/** IPVS_SVC_ATTR_STATS and STATS64, which are the numbers of IPVS_DEST_ATTR_STATS and STATS64 too. */
export const measured = { stats: 10, stats64: 12 } as const;

/** IPVS_STATS_ATTR_* */
export const counters: Record<keyof Traffic, number> = {
  connections: 1,
  incomingPackets: 2,
  outgoingPackets: 3,
  incomingBytes: 4,
  outgoingBytes: 5,
};
export const rates: Record<keyof Traffic, number> = {
  connections: 6,
  incomingPackets: 7,
  outgoingPackets: 8,
  incomingBytes: 9,
  outgoingBytes: 10,
};

/** IPVS_INFO_ATTR_* */
export const info = { version: 1, size: 2 } as const;

export const families: Record<Family, number> = { ipv4: 2, ipv6: 10 };
export const protocols: Record<Protocol, number> = { tcp: 6, udp: 17, sctp: 132 };

/** IP_VS_CONN_F_MASQ, TUNNEL and DROUTE, and the mask that they are under. */
export const forwardings: Record<Forwarding, number> = { nat: 0, tun: 2, dr: 3 };
export const forwardingMask = 7;

/** IP_VS_CONN_F_TUNNEL_TYPE_IPIP, GUE and GRE, and IP_VS_TUNNEL_ENCAP_FLAG_*: since Linux 5.2 and 5.3. */
export const tunnels: Record<'ipip' | Tunnel['type'], number> = { ipip: 0, gue: 1, gre: 2 };
export const tunnelChecksums: Record<TunnelChecksum, number> = { none: 0, checksum: 1, remote: 2 };

/** IP_VS_SVC_F_PERSISTENT, ONEPACKET and SCHED1 to 3. */
export const persistentFlag = 0x1;
export const onePacketFlag = 0x4;
export const schedulerFlags: Record<SchedulerFlag, number> = { 'flag-1': 0x8, 'flag-2': 0x10, 'flag-3': 0x20 };
