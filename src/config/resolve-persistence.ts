import { type Persistence, type ServiceIdentity, serviceFamily } from '../core/table.ts';
import type { Problems } from './context.ts';
import type { Path } from './issue.ts';
import type { ServiceEntry } from './service-schema.ts';

/** Undefined where there is none. */
export function resolvePersistence(
  entry: ServiceEntry['persistence'],
  identity: ServiceIdentity,
  path: Path,
  problems: Problems,
): Persistence | undefined {
  if (entry === undefined) return undefined;
  const isIpv6 = serviceFamily(identity) === 'ipv6';
  const all = isIpv6 ? 128 : 32;
  const { prefixLength, isIpv4Mask } = entry.netmask ?? { prefixLength: all, isIpv4Mask: false };
  if (isIpv6 && isIpv4Mask) problems.add([...path, 'netmask'], 'an IPv6 service takes a prefix length from 1 to 128');
  // ip_vs_ctl.c: an IPv6 prefix length of 0 is EINVAL, an IPv4 mask of 0.0.0.0 is not.
  else if (prefixLength > all || prefixLength < (isIpv6 ? 1 : 0)) {
    const family = isIpv6 ? 'IPv6' : 'IPv4';
    problems.add(
      [...path, 'netmask'],
      `must be a prefix length from ${isIpv6 ? 1 : 0} to ${all} for ${family}; found ${prefixLength}`,
    );
  }
  if (entry.engine !== undefined && identity.kind === 'address' && identity.protocol !== 'udp') {
    // ip_vs_sip_fill_param() fails for what is not UDP, and ip_vs_sched_persist() has the packet dropped then.
    problems.add([...path, 'engine'], `${entry.engine} reads UDP alone: with it the kernel drops ${identity.protocol}`);
  }
  return { timeoutSeconds: entry.timeout / 1000, prefixLength, engine: entry.engine };
}
