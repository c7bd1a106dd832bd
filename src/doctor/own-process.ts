import { readFileSync } from 'node:fs';
import { hasNetAdmin } from '../host/capability.ts';

/** What the kernel lets this process do, and so an agent that is started the same way. */
export interface OwnProcess {
  readonly hasNetAdmin: boolean;
  /** Capabilities count on IPVS in the initial user namespace alone (GENL_ADMIN_PERM of <net/genetlink.h>). */
  readonly isInInitialUserNamespace: boolean;
  readonly openFilesLimit: number;
}

export function readOwnProcess(): OwnProcess {
  return {
    hasNetAdmin: hasNetAdmin(),
    isInInitialUserNamespace: /^\s*0\s+0\s+4294967295\s*$/.test(read('uid_map')),
    openFilesLimit: readLimit(/^Max open files\s+(\S+)/m.exec(read('limits'))?.[1]),
  };
}

function readLimit(text = 'unlimited'): number {
  return text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text);
}

function read(file: string): string {
  return readFileSync(`/proc/self/${file}`, 'utf8');
}
