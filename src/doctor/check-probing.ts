import type { Check, Config } from '../core/config.ts';
import { runKey } from '../run/roster.ts';
import { checkFiles } from './check-files.ts';
import { checkPorts } from './check-ports.ts';
import type { Facts } from './facts.ts';
import { type Finding, ok } from './finding.ts';
import { placedServers } from './servers.ts';
import { setSysctls } from './sysctl.ts';

/** Whether the checks find what they need on this machine, were all of them in flight at once. */
export function checkProbing(facts: Facts, config: Config): readonly Finding[] {
  const checks = distinctChecks(config);
  return [...checkFiles(facts, checks), ...checkPorts(facts, checks), ...checkPing(facts, checks)];
}

/** Of checks that see the same, one. */
export function distinctChecks(config: Config): readonly Check[] {
  const all = placedServers(config).flatMap(({ server }) => server.checks);
  return [...new Map(all.map((check) => [runKey(check), check])).values()];
}

function checkPing({ pingRefusals }: Facts, checks: readonly Check[]): readonly Finding[] {
  if (!checks.some(({ type }) => type === 'icmp')) return [];
  const [refusal] = pingRefusals;
  if (refusal === undefined) return [ok('icmp', 'this process may ping')];
  const subject = 'icmp';
  const message = `checks by ICMP learn nothing on this machine: ${refusal.message}`;
  if (refusal.code === 'ENOENT') {
    return [{ severity: 'problem', subject, message: `${message}; install the program ping (iputils)` }];
  }
  // A program with a file capability does not start where its process may never have it (capabilities(7)).
  if (refusal.message.startsWith('Cannot run')) {
    return [{ severity: 'problem', subject, message: `${message}; start lvsd with CAP_NET_RAW` }];
  }
  const hint = 'allow sockets of ICMP to every group, or start lvsd with CAP_NET_RAW';
  const remedy = setSysctls(['net/ipv4/ping_group_range'], '0 2147483647');
  return [{ severity: 'problem', subject, message: `${message}; ${hint}`, remedy }];
}
