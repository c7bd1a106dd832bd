import type { Config } from '../core/config.ts';
import { checkArrival } from './check-arrival.ts';
import { checkConnections } from './check-connections.ts';
import { checkForwarding } from './check-forwarding.ts';
import { checkMarks } from './check-marks.ts';
import { checkModules } from './check-modules.ts';
import { checkPaths } from './check-paths.ts';
import { checkPermission } from './check-permission.ts';
import { checkProbing } from './check-probing.ts';
import { checkRivals } from './check-rivals.ts';
import { checkTunnels } from './check-tunnels.ts';
import type { Facts } from './facts.ts';
import type { Finding, Severity } from './finding.ts';

const checks = [
  checkModules,
  checkPermission,
  checkArrival,
  checkForwarding,
  checkTunnels,
  checkConnections,
  checkMarks,
  checkRivals,
  checkProbing,
  checkPaths,
];

/** By weight: the first is the worst. */
export const severities = ['problem', 'warning', 'advice', 'ok'] as const satisfies readonly Severity[];

/**
 * What a configuration will meet on the machine that the facts are of: the worst first, nothing twice. Remedies name the
 * file of the configuration.
 */
export function examine(facts: Facts, config: Config, file: string): readonly Finding[] {
  const findings = checks.flatMap((check) => check(facts, config, file));
  const distinct = [...new Map(findings.map((finding) => [`${finding.subject} ${finding.message}`, finding])).values()];
  return distinct.sort((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
}
