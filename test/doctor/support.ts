import { parseConfig } from '../../src/config/load.ts';
import { examine } from '../../src/doctor/examine.ts';
import type { Facts } from '../../src/doctor/facts.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import type { Route } from '../../src/doctor/routes.ts';

export const vip = '192.0.2.80';

export const onLink: Route = { isLocal: false, device: 'eth1', mtu: 1600, gateway: undefined };
export const local: Route = { isLocal: true, device: 'lo', mtu: 65536, gateway: undefined };

const sysctls = {
  'net/ipv4/ip_forward': '1',
  'net/ipv4/conf/eth1/forwarding': '1',
  'net/ipv6/conf/all/forwarding': '1',
  'net/ipv4/ip_local_port_range': '32768\t60999',
  'net/ipv4/vs/expire_nodest_conn': '1',
  'net/ipv4/vs/expire_quiescent_template': '1',
  'net/ipv4/vs/conn_reuse_mode': '1',
  'net/ipv4/vs/conntrack': '0',
  'net/ipv4/vs/pmtu_disc': '1',
};

/** A director in order, with the VIP on eth0 and servers on eth1; `changes` replace facts. */
export function facts({ sysctl = {}, ...changes }: Partial<Omit<Facts, 'sysctl'>> & { sysctl?: object } = {}): Facts {
  const values = new Map<string, string | undefined>(Object.entries({ ...sysctls, ...sysctl }));
  return {
    kernelRelease: '6.1.0-18-amd64',
    ipvs: { isPresent: true, connections: 0, tableSize: 4096, schedulers: new Set() },
    modules: new Map([['ip_vs_wlc', 'present']]),
    isAutoloading: true,
    sysctl: (path) => values.get(path),
    interfaces: [
      { device: 'eth0', address: vip, prefixLength: 32 },
      { device: 'eth0', address: '192.0.2.1', prefixLength: 24 },
      { device: 'eth1', address: '10.0.0.1', prefixLength: 24 },
    ],
    routes: new Map([
      [vip, local],
      ['10.0.0.7', onLink],
      ['127.0.0.1', local],
      ['10.9.9.9', { ...onLink, gateway: '10.0.0.254' }],
      ['2001:db8::80', local],
      ['2001:db8::7', onLink],
    ]),
    refusedArrivals: [],
    process: { hasNetAdmin: true, isInInitialUserNamespace: true, openFilesLimit: 1024 },
    pingRefusals: [],
    engine: 'libc',
    pathRefusals: new Map(),
    rivals: [],
    firewall: {
      marks: { ipv4: new Set(), ipv6: new Set() },
      chainsThatDropInvalid: [],
      isEmpty: true,
      isOwnTableSet: undefined,
    },
    ...changes,
  };
}

/** What is found of one service beside what is in order. */
export function complaintsOf(service: object, found: Facts): readonly Finding[] {
  return examineService(service, found).filter(({ severity }) => severity !== 'ok');
}

export function examineService(service: object, found: Facts): readonly Finding[] {
  const entry = { name: 'web', address: `${vip}:80`, servers: ['10.0.0.7'], ...service };
  return examine(found, parseConfig(JSON.stringify({ version: 1, services: [entry] }), 'config.yaml'), 'config.yaml');
}
