import type { Config } from '../core/config.ts';
import type { Facts } from './facts.ts';
import { type Finding, ok } from './finding.ts';
import { nameOf } from './servers.ts';

/** Whether some rule gives packets the marks that services are known by. */
export function checkMarks({ firewall: { marks } }: Facts, { services }: Config): readonly Finding[] {
  if (marks === undefined) return [];
  return services.flatMap((service) => {
    const { identity } = service;
    if (identity.kind !== 'fwmark') return [];
    const subject = nameOf(service);
    if (marks.has(identity.mark)) return [ok(subject, `a rule sets the mark ${identity.mark}`)];
    const family = identity.family === 'ipv6' ? 'ip6' : 'ip';
    const message = `no rule of the packet filter sets the mark ${identity.mark}, so no packet belongs to this service unless something else does (tc, BPF)`;
    const remedy = [
      'nft add table inet marks',
      `nft 'add chain inet marks prerouting { type filter hook prerouting priority mangle; }'`,
      `nft add rule inet marks prerouting ${family} daddr VIP tcp dport PORT meta mark set ${identity.mark}`,
    ].join(' && ');
    return [{ severity: 'warning', subject, message, remedy }];
  });
}
