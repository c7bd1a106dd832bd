import type { Config, Service } from '../core/config.ts';
import { sysctlName } from '../host/setting.ts';
import type { Facts } from './facts.ts';
import { type Finding, ok } from './finding.ts';
import { enumerate } from './servers.ts';
import { setSysctls } from './sysctl.ts';

const paths = {
  template: 'net/ipv4/vs/expire_quiescent_template',
  noServer: 'net/ipv4/vs/expire_nodest_conn',
  reuse: 'net/ipv4/vs/conn_reuse_mode',
  tracking: 'net/ipv4/vs/conntrack',
} as const;

/**
 * What becomes of connections whose server has gone. All of it is in Documentation/networking/ipvs-sysctl.rst; nothing
 * is said while the kernel has no IPVS, and so none of these sysctls.
 */
export function checkConnections(facts: Facts, { services }: Config): readonly Finding[] {
  return [
    ...checkTemplates(facts, services),
    ...checkOrphans(facts, services),
    ...checkReuse(facts),
    ...checkTracking(facts),
    ...checkTableSize(facts),
  ];
}

/** At 0 a persistent client goes on to be sent to a server of weight 0: `ip_vs_check_template`. */
function checkTemplates(facts: Facts, services: readonly Service[]): readonly Finding[] {
  const sticky = services.filter(({ persistence, onFailure }) => persistence !== undefined && onFailure === 'quiesce');
  const value = facts.sysctl(paths.template);
  if (sticky.length === 0 || value === undefined) return [];
  const subject = sysctlName(paths.template);
  if (value !== '0') return [ok(subject, 'persistent clients leave a server of weight 0')];
  const names = enumerate(sticky.map(({ name }) => name));
  const message = `is 0: persistent clients of ${names} go on to be sent to a server that failed, because 'on_failure: quiesce' keeps it in the table with weight 0`;
  return [{ severity: 'problem', subject, message, remedy: setSysctls([paths.template], '1') }];
}

function checkOrphans(facts: Facts, services: readonly Service[]): readonly Finding[] {
  const removing = services.filter(({ onFailure }) => onFailure === 'remove');
  const value = facts.sysctl(paths.noServer);
  if (removing.length === 0 || value === undefined) return [];
  const subject = sysctlName(paths.noServer);
  if (value !== '0') return [ok(subject, 'clients of a server that was taken out are told at once')];
  const message =
    'is 0: packets of connections to a server that was taken out are dropped in silence, so clients wait for their own time-out; at 1 such connections end at once, and do not live on where the server is soon back';
  return [{ severity: 'advice', subject, message, remedy: setSysctls([paths.noServer], '1') }];
}

/**
 * Before Linux 5.9 (f0a5e4d7a594, "allow connection reuse for unconfirmed conntrack") the first SYN from a port that is
 * used again was dropped where connections are tracked. At mode 0 it goes to the server of the connection before.
 */
function checkReuse(facts: Facts): readonly Finding[] {
  const mode = facts.sysctl(paths.reuse);
  if (mode === undefined) return [];
  const subject = sysctlName(paths.reuse);
  const isSlow = isBefore(facts.kernelRelease, 5, 9) && facts.sysctl(paths.tracking) !== '0';
  if (mode === '0' && !isSlow) {
    const message =
      'is 0: a new connection from a port that its client has used before goes to the server it had then, even if that has failed or has weight 0';
    return [{ severity: 'warning', subject, message, remedy: setSysctls([paths.reuse], '1') }];
  }
  if (mode !== '0' && isSlow) {
    const message = `is ${mode} and net.ipv4.vs.conntrack is on: a new connection from a port that its client has used before takes a second longer on Linux before 5.9, here ${facts.kernelRelease}, unless its maker has mended that; at 0 it goes at once, but to the server that it had then, even if that has failed or has weight 0`;
    return [{ severity: 'warning', subject, message, remedy: setSysctls([paths.reuse], '0') }];
  }
  return [ok(subject, 'clients that use a port again are served by the scheduler')];
}

function checkTracking(facts: Facts): readonly Finding[] {
  const value = facts.sysctl(paths.tracking);
  if (value === undefined || value === '0' || facts.firewall.isEmpty !== true) return [];
  const message = `is ${value}: connections of IPVS are tracked, which costs time and memory, and there is no rule that needs it`;
  const remedy = setSysctls([paths.tracking], '0');
  return [{ severity: 'advice', subject: sysctlName(paths.tracking), message, remedy }];
}

/** Every packet walks the chain of its connection. */
const longestGoodChain = 8;

function checkTableSize({ ipvs: { connections, tableSize } }: Facts): readonly Finding[] {
  if (tableSize === 0) return [];
  const subject = 'ip_vs.conn_tab_bits';
  if (connections <= tableSize * longestGoodChain)
    return [ok(subject, `${tableSize} chains for ${connections} connections`)];
  // 20 bits are the most that every kernel takes (CONFIG_IP_VS_TAB_BITS).
  const bits = Math.min(20, Math.ceil(Math.log2(connections)));
  const message = `the table has ${tableSize} chains for ${connections} connections, which makes each lookup long; it takes effect when the module is loaded again`;
  // Of two lines the later counts, and other files may have options of their own.
  const remedy = `echo options ip_vs conn_tab_bits=${bits} >> /etc/modprobe.d/lvsd.conf`;
  return [{ severity: 'advice', subject, message, remedy }];
}

function isBefore(release: string, major: number, minor: number): boolean {
  const [, theMajor, theMinor] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  if (theMajor === undefined) return false;
  return Number(theMajor) < major || (Number(theMajor) === major && Number(theMinor) < minor);
}
