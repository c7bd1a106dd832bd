import { constants } from 'node:os';

const names = new Map(Object.entries(constants.errno).map(([name, errno]) => [errno, name]));

/** The name of a positive errno: 17 is `EEXIST`. One that the system has no name for is written `errno 999`. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`;
}

/** Nothing, or nothing sensible, came back over netlink. `code` is an errno name. */
export class NetlinkError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NetlinkError';
    this.code = code;
  }
}
