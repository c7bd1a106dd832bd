import type { Family } from '../core/address.ts';

/** One thing that a director or real server needs of its host: plain data, as the plans list it and the record keeps it. */
export type Setting = SysctlSetting | TunnelSetting | UpSetting | AddressSetting | RouteSetting | MarksSetting;

/** A value below /proc/sys. */
export interface SysctlSetting {
  readonly kind: 'sysctl';
  /** `net/ipv4/conf/eth0.7/rp_filter`: with slashes, for names of links may have dots. */
  readonly path: string;
  readonly value: string;
  /** Other values that do as well, and are left alone. */
  readonly accepted?: readonly string[];
}

/** IFLA_INFO_KIND of what can take packets out of a tunnel of IPVS. */
export const tunnelTypes = ['ipip', 'ip6tnl', 'sit', 'gre', 'ip6gre'] as const;
export type TunnelType = (typeof tunnelTypes)[number];

/** A tunnel device that takes packets of its type from anybody. */
export interface TunnelSetting {
  readonly kind: 'tunnel';
  readonly link: string;
  readonly type: TunnelType;
}

/** A link that is up. */
export interface UpSetting {
  readonly kind: 'up';
  readonly link: string;
}

/** A host address, /32 or /128, on a link. */
export interface AddressSetting {
  readonly kind: 'address';
  readonly address: string;
  readonly link: string;
  /** No link may have the address that would tell neighbours of it. */
  readonly isSilent?: true;
}

/** Packets for the addresses are for this host. */
export interface RouteSetting {
  readonly kind: 'route';
  /** `192.0.2.0/24` */
  readonly prefix: string;
  readonly link: string;
}

/** The nftables table that marks packets for services by firewall mark. */
export interface MarksSetting {
  readonly kind: 'marks';
  readonly rules: readonly MarkRule[];
}

/** Which packets get a mark. */
export interface MarkRule {
  readonly service: string;
  readonly mark: number;
  readonly family: Family;
  /** Addresses and prefixes, all of the family. */
  readonly addresses: readonly string[];
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  /** First and last port; none: every port. */
  readonly ports: readonly (readonly [first: number, last: number])[];
}

/** What is there now, by name; nothing: it is not there. */
export type Found = Readonly<Record<string, string>>;

/** Where a setting takes effect. All but `isSet` reject with `HostError`. */
export interface Place {
  read(): Promise<Found>;
  isSet(found: Found): boolean;
  /** Why what is there, of which nothing is known to be ours, must not be changed; undefined: it may. */
  conflict(found: Found): string | undefined;
  set(): Promise<void>;
  /** Puts back what was found before. Resolves with a sentence where it was left alone: somebody else has changed it. */
  restore(before: Found): Promise<string | undefined>;
}

/** What a setting is about, whatever it is set to. */
export function keyOf(setting: Setting): string {
  switch (setting.kind) {
    case 'sysctl':
      return `sysctl ${setting.path}`;
    case 'tunnel':
    case 'up':
      return `${setting.kind} ${setting.link}`;
    case 'address':
      return `address ${setting.address} ${setting.link}`;
    case 'route':
      return `route ${setting.prefix} ${setting.link}`;
    case 'marks':
      return 'marks';
  }
}

/** One line: `net.ipv4.ip_forward = 1`, `address 192.0.2.1 dev eth0`. */
export function formatSetting(setting: Setting): string {
  switch (setting.kind) {
    case 'sysctl':
      return `${sysctlName(setting.path)} = ${setting.value}`;
    case 'tunnel':
      return `tunnel ${setting.link} type ${setting.type}`;
    case 'up':
      return `link ${setting.link} up`;
    case 'address':
      return `address ${setting.address} dev ${setting.link}`;
    case 'route':
      return `route local ${setting.prefix} dev ${setting.link}`;
    case 'marks':
      return `marks ${[...new Set(setting.rules.map(({ mark }) => mark))].join(' ')} in nftables table inet lvsd`;
  }
}

/** As sysctl(8) writes it: dots and slashes change places. */
export function sysctlName(path: string): string {
  return path.replace(/[/.]/g, (char) => (char === '/' ? '.' : '/'));
}
