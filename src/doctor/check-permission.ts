import type { Facts } from './facts.ts';
import { type Finding, ok } from './finding.ts';

/** Whether this process, and so an agent started as it was, may change the table. */
export function checkPermission({ process }: Facts): readonly Finding[] {
  const subject = 'CAP_NET_ADMIN';
  if (!process.hasNetAdmin) {
    return [
      {
        severity: 'problem',
        subject,
        message:
          'this process may neither read nor change the table of the kernel: start lvsd as root, or with AmbientCapabilities=CAP_NET_ADMIN in its unit',
      },
    ];
  }
  if (!process.isInInitialUserNamespace) {
    return [
      {
        severity: 'problem',
        subject: 'user namespace',
        message:
          'the kernel lets nobody outside the initial user namespace change its table: start lvsd there, not in a rootless container',
      },
    ];
  }
  return [ok(subject, 'this process may change the table')];
}
