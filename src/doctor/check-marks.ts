import type { Config } from '../core/config.ts';
import { serviceFamily } from '../core/table.ts';
import { directorUp } from './director-up.ts';
import type { Facts } from './facts.ts';
import { type Finding, ok } from './finding.ts';
import { nameOf } from './servers.ts';

/** Whether some rule gives packets the marks that services are known by. */
export function checkMarks(facts: Facts, config: Config, file: string): readonly Finding[] {
  const remedy = directorUp(facts, config, file);
  return config.services.flatMap((service) => {
    const { identity, marks } = service;
    if (identity.kind !== 'fwmark') return [];
    const subject = nameOf(service);
    if (marks.length > 0) return [judgeOwn(facts, subject, remedy)];
    return [judgeForeign(facts.firewall.marks[serviceFamily(identity)], subject, identity.mark)];
  });
}

/** Of a service whose packets `lvsd director up` has marked. */
function judgeOwn({ firewall: { isOwnTableSet }, rivals }: Facts, subject: string, remedy: string): Finding {
  if (isOwnTableSet === true) return ok(subject, 'the nftables table inet lvsd marks its packets');
  if (isOwnTableSet === false) {
    const message = `the nftables table inet lvsd is missing or not as the 'marks' of the configuration want it, so packets for this service are not given to IPVS`;
    const mover = rivals.find(({ movesAddresses }) => movesAddresses);
    if (mover === undefined) return { severity: 'problem', subject, message, remedy };
    const addition = `; lvsd director up sets it, but takes the addresses as well, which ${mover.name} (pid ${mover.pid}) may have put elsewhere`;
    return { severity: 'problem', subject, message: `${message}${addition}` };
  }
  const message =
    'whether the nftables table inet lvsd marks its packets cannot be told, as nft could not list it: lvsd director status tells why';
  return { severity: 'warning', subject, message };
}

/** Of a service whose packets something else marks. */
function judgeForeign(marks: ReadonlySet<number> | undefined, subject: string, mark: number): Finding {
  if (marks?.has(mark)) return ok(subject, `a rule sets the mark ${mark}`);
  const advice = `the service may name its packets in 'marks', for lvsd director up to mark them`;
  const message =
    marks === undefined
      ? `whether a rule sets the mark ${mark} cannot be told, as nft could not list the rules, or some are of the old iptables or compute their mark: were there none, no packet would belong to this service; ${advice}`
      : `no rule for packets that arrive (hook prerouting) sets the mark ${mark}, so no packet belongs to this service unless something else does (a rule of another hook, tc, BPF); ${advice}`;
  return { severity: 'warning', subject, message };
}
