import { serviceKey } from '../../core/table.ts';
import type { IpvsKernel } from '../ipvs.ts';
import type { LineIssue } from '../text/parse-rules.ts';
import type { Zero } from './plan.ts';

/** Sets counters to zero, and goes on after what the kernel refuses: that is an issue. */
export async function zeroCounters(
  kernel: Pick<IpvsKernel, 'zero'>,
  zeros: readonly Zero[],
): Promise<readonly LineIssue[]> {
  const issues: LineIssue[] = [];
  for (const { line, identity } of zeros) {
    const errno = await kernel.zero(identity);
    if (errno === undefined) continue;
    const whose = identity ? `service ${serviceKey(identity)}` : 'all services';
    issues.push({ line, message: `the kernel answered ${errno} for the counters of ${whose}` });
  }
  return issues;
}
