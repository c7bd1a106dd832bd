import { formatEndpoint, ipFromBytes } from '../../core/address.ts';
import {
  type Persistence,
  type Protocol,
  type SchedulerFlag,
  type ServiceIdentity,
  type ServiceRow,
  serviceFamily,
} from '../../core/table.ts';
import { maskBytes } from '../netmask.ts';

/** The options of ipvsadm that name a service, `-t 192.0.2.1:80` or `-f 8 -6`. */
export function identityWords(identity: ServiceIdentity): readonly string[] {
  if (identity.kind === 'address') return [protocolOptions[identity.protocol], formatEndpoint(identity)];
  return ['-f', `${identity.mark}`, ...(identity.family === 'ipv6' ? ['-6'] : [])];
}

/** `sh-fallback,sh-port`: the first two flags have names of their own where the scheduler gives them a meaning. */
export function flagNames({ scheduler, schedulerFlags }: ServiceRow): string {
  const hasNames = scheduler === 'sh' || scheduler === 'mh';
  const names: Partial<Record<SchedulerFlag, string>> = {
    'flag-1': `${scheduler}-fallback`,
    'flag-2': `${scheduler}-port`,
  };
  return schedulerFlags.map((flag) => (hasNames && names[flag]) || flag).join(',');
}

/** `255.255.255.0`, or the length of a prefix of IPv6; undefined where the whole address counts: that goes without saying. */
export function netmaskWord(identity: ServiceIdentity, persistence: Persistence): string | undefined {
  const { prefixLength } = persistence;
  if (serviceFamily(identity) === 'ipv6') return prefixLength === 128 ? undefined : `${prefixLength}`;
  return prefixLength === 32 ? undefined : ipFromBytes(maskBytes(persistence));
}

const protocolOptions: Record<Protocol, string> = { tcp: '-t', udp: '-u', sctp: '--sctp-service' };
