import type { Check } from '../core/config.ts';
import { sysctlName } from '../host/setting.ts';
import type { Facts } from './facts.ts';
import { type Finding, ok } from './finding.ts';
import { setSysctls } from './sysctl.ts';

const range = 'net/ipv4/ip_local_port_range';
const reserved = 'net/ipv4/ip_local_reserved_ports';
const reuse = 'net/ipv4/tcp_tw_reuse';
/** All that are no matter of privilege. */
const widest = [1024, 65_535] as const;
/** TCP_TIMEWAIT_LEN of include/net/tcp.h. */
const timeWaitMs = 60_000;

/** A source port is taken once for each target, so that only checks of one target compete for them. */
export function checkPorts({ sysctl }: Facts, checks: readonly Check[]): readonly Finding[] {
  const [low, high] = (sysctl(range) ?? '').split(/\s+/).map(Number);
  if (low === undefined || high === undefined) return [];
  const subject = sysctlName(range);
  const spans = parseSpans(sysctl(reserved) ?? '');
  const ports = countPorts(low, high, spans);
  const [most, target] = busiestTarget(checks, sysctl(reuse) === '1');
  if (most <= ports) return [ok(subject, `has ${ports} ports for up to ${most} that checks of one target take`)];
  const message = `has ${ports} ports that are not reserved, and checks of ${target} take up to ${most}`;
  const [first, last] = [Math.min(low, widest[0]), Math.max(high, widest[1])];
  if (most > countPorts(first, last, spans))
    return [
      { severity: 'problem', subject, message: `${message}: no range has as many, so there must be fewer checks` },
    ];
  const advice = `before the range is widened, put ports that programs listen on into ${sysctlName(reserved)}`;
  return [
    { severity: 'problem', subject, message: `${message}; ${advice}`, remedy: setSysctls([range], `${first} ${last}`) },
  ];
}

type Span = readonly [first: number, last: number];

/** `8080,9000-9100`: spans that the kernel has put in order, and that do not overlap. */
function parseSpans(list: string): readonly Span[] {
  const parts = list.split(',').filter((part) => part.trim() !== '');
  return parts.map((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return [first, last];
  });
}

function countPorts(low: number, high: number, taken: readonly Span[]): number {
  const within = taken.map(([first, last]) => Math.max(0, Math.min(last, high) - Math.max(first, low) + 1));
  return high - low + 1 - within.reduce((sum, count) => sum + count, 0);
}

function busiestTarget(checks: readonly Check[], isReused: boolean): readonly [count: number, target: string] {
  const counts = new Map<string, number>();
  for (const check of checks.filter(({ type }) => type !== 'icmp')) {
    const key = `${check.target.address} port ${check.target.port}`;
    counts.set(key, (counts.get(key) ?? 0) + portsOf(check, isReused));
  }
  const [target, most] = [...counts].sort(([, a], [, b]) => b - a)[0] ?? ['', 0];
  return [most, target];
}

/** Probes reset what they opened, which leaves nothing in TIME_WAIT, but for checks with `close: fin`. */
function portsOf({ options, intervalMs }: Check, isReused: boolean): number {
  return options.close === 'fin' && !isReused ? 1 + Math.ceil(timeWaitMs / intervalMs) : 1;
}
