import { readFileSync } from 'node:fs';

/** What the kernel lets this process do, and so an agent that is started the same way. */
export interface OwnProcess {
  readonly hasNetAdmin: boolean;
  /** Capabilities count on IPVS in the initial user namespace alone (GENL_ADMIN_PERM of <net/genetlink.h>). */
  readonly isInInitialUserNamespace: boolean;
  readonly openFilesLimit: number;
}

/** CAP_NET_ADMIN of <linux/capability.h>. */
const netAdmin = 12n;

export function readOwnProcess(): OwnProcess {
  const effective = /^CapEff:\s*([\da-f]+)/m.exec(read('status'))?.[1] ?? '0';
  return {
    hasNetAdmin: ((BigInt(`0x${effective}`) >> netAdmin) & 1n) === 1n,
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
