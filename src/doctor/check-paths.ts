import type { Check, Config } from '../core/config.ts';
import { distinctChecks } from './check-probing.ts';
import type { Facts, Refusal } from './facts.ts';
import { type Finding, ok } from './finding.ts';
import { familyAndPathOf, formatPath, pathOf } from './paths.ts';
import { enumerate, groupBy, placedServers } from './servers.ts';

/** Whether checks may leave this machine the way that their `source`, `interface` and `mark` say. */
export function checkPaths(facts: Facts, config: Config): readonly Finding[] {
  if (facts.engine === 'node') return judgeNode(config);
  const named = namedChecks(config).filter(({ check }) => formatPath(check) !== '');
  return [...groupBy(named, ({ check }) => familyAndPathOf(check))].map((group) => judge(facts, ...group));
}

interface NamedCheck {
  readonly service: string;
  readonly check: Check;
}

function namedChecks(config: Config): readonly NamedCheck[] {
  return placedServers(config).flatMap(({ service, server }) =>
    server.checks.map((check) => ({ service: service.name, check })),
  );
}

function judge({ pathRefusals }: Facts, key: string, group: readonly NamedCheck[]): Finding {
  const [first] = group;
  const subject = `checks by ${key}`;
  const refusal = pathRefusals.get(key);
  const services = enumerate(group.map(({ service }) => service));
  if (refusal === undefined || first === undefined) return ok(subject, `those of ${services} may leave this way`);
  const message = `those of ${services} learn nothing on this machine: ${refusal.message}${hintOf(refusal, first.check)}`;
  return { severity: 'problem', subject, message };
}

/** SO_MARK takes CAP_NET_ADMIN, SO_BINDTODEVICE CAP_NET_RAW before Linux 5.7: net/core/sock.c. */
function hintOf({ code }: Refusal, check: Check): string {
  const { source, interface: device, mark } = pathOf(check);
  switch (code) {
    case 'ENODEV':
      return `; there is no interface ${device}`;
    case 'EADDRNOTAVAIL':
      return `; this machine does not have the address ${source}`;
    case 'EPERM':
      return `; start lvsd with ${mark === undefined ? 'CAP_NET_RAW' : 'CAP_NET_ADMIN'}`;
    default:
      return '';
  }
}

/** What checks are without libc, which it also takes to try paths. */
function judgeNode(config: Config): readonly Finding[] {
  const unable = namedChecks(config).filter(({ check }) => check.type === 'tcp' && isBeyondNode(check));
  const pings = distinctChecks(config).filter(({ type }) => type === 'icmp').length;
  const findings: Finding[] = [];
  if (unable.length > 0) {
    const services = enumerate(unable.map(({ service }) => service));
    const message = `${noKoffi}: checks by TCP of ${services} learn nothing, for Node cannot take their interface or mark`;
    findings.push({ severity: 'problem', subject: 'koffi', message });
  }
  if (pings > 0) {
    const message = `${noKoffi}: each run of a check by ICMP, of which there are ${pings}, starts the program ping`;
    findings.push({ severity: 'warning', subject: 'koffi', message });
  }
  return findings;
}

const noKoffi = 'libc cannot be called, as the optional package koffi is not there, or has no binary for this machine';

function isBeyondNode(check: Check): boolean {
  const { interface: device, mark } = pathOf(check);
  return device !== undefined || mark !== undefined;
}
