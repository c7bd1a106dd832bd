import { familyOf } from '../core/address.ts';
import type { Check } from '../core/config.ts';
import { SOCK_STREAM } from '../net/constants.ts';
import { type Libc, loadLibc } from '../net/libc.ts';
import { type Path, usePath } from '../net/path.ts';
import { familyNumber } from '../net/socket-address.ts';
import type { Refusal } from './facts.ts';

/** The keys of a check that say how its packets leave this host. */
export function pathOf({ options: { source, interface: device, mark } }: Check): Path {
  return {
    source: typeof source === 'string' ? source : undefined,
    interface: typeof device === 'string' ? device : undefined,
    mark: typeof mark === 'number' ? mark : undefined,
  };
}

/** `ipv4 source 192.0.2.1 interface eth0 mark 8`: the same for checks whose sockets are alike. */
export function familyAndPathOf(check: Check): string {
  return `${familyOf(check.target.address)} ${formatPath(check)}`.trimEnd();
}

/** `source 192.0.2.1 interface eth0 mark 8`; empty where the routes alone say it. */
export function formatPath(check: Check): string {
  const named = Object.entries(pathOf(check)).filter(([, value]) => value !== undefined);
  return named.map(([name, value]) => `${name} ${value}`).join(' ');
}

/**
 * Opens and closes a socket for each path of the checks, without sending anything. Why not, by family and path; nothing
 * where libc cannot be loaded.
 */
export function readPathRefusals(checks: readonly Check[]): ReadonlyMap<string, Refusal> {
  const libc = loadLibc();
  if (libc === undefined) return new Map();
  const byPath = new Map(checks.filter(formatPath).map((check) => [familyAndPathOf(check), check]));
  return new Map(
    [...byPath].flatMap(([key, check]) => {
      const refusal = refusalOf(libc, check.target.address, pathOf(check));
      return refusal === undefined ? [] : [[key, refusal] as const];
    }),
  );
}

/** The kernel judges a path alike for each kind of socket. */
function refusalOf(libc: Libc, target: string, path: Path): Refusal | undefined {
  let fd: number | undefined;
  try {
    fd = libc.socket(familyNumber(target), SOCK_STREAM, 0);
    usePath(libc, fd, path);
    return undefined;
  } catch (error) {
    const { code = 'ERROR', message } = error as NodeJS.ErrnoException;
    return { code, message };
  } finally {
    if (fd !== undefined) libc.close(fd);
  }
}
