import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { refusal } from './error.ts';
import { type Found, type Place, type SysctlSetting, sysctlName } from './setting.ts';

const root = '/proc/sys';

/** The value, without the end of its line; undefined: the kernel has no such sysctl. Throws `HostError`. */
export function readSysctl(path: string): string | undefined {
  try {
    return readFileSync(`${root}/${path}`, 'utf8').trimEnd();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw refusal(`read ${sysctlName(path)}`, error);
  }
}

export function sysctlPlace({ path, value, accepted = [] }: SysctlSetting): Place {
  return {
    read: async () => readAll([path, ...draggedBy(path)]),
    isSet: (found) => [value, ...accepted].includes(found[path] ?? ''),
    conflict: () => undefined,
    set: async () => write(path, value),
    restore: async (before) => {
      const now = readSysctl(path);
      if (now !== undefined && now !== value && now !== before[path]) {
        return `Left ${sysctlName(path)} alone: somebody has set it to ${now} since it was set to ${value}`;
      }
      // Links that came later keep what they have: somebody else's, who may forward by them.
      const later = Object.entries(readAll(draggedBy(path))).filter(([name]) => !(name in before));
      for (const [name, old] of [...Object.entries(before), ...later]) writeBack(name, old);
      return undefined;
    },
  };
}

/**
 * What the kernel changes together with a sysctl: to switch forwarding is to switch it for every link, and by
 * RFC 1812 a router heeds no redirects (inet_forward_change of net/ipv4/devinet.c, addrconf_fixup_forwarding of
 * net/ipv6/addrconf.c).
 */
function draggedBy(path: string): readonly string[] {
  if (path === 'net/ipv4/ip_forward') return ['net/ipv4/conf/all/accept_redirects', ...forwardingOfLinks('ipv4')];
  return path === 'net/ipv6/conf/all/forwarding' ? forwardingOfLinks('ipv6') : [];
}

function forwardingOfLinks(family: 'ipv4' | 'ipv6'): readonly string[] {
  const folder = `net/${family}/conf`;
  // A kernel without the family has no such folder.
  if (!existsSync(`${root}/${folder}`)) return [];
  const links = readdirSync(`${root}/${folder}`).filter((name) => name !== 'all');
  return links.map((name) => `${folder}/${name}/forwarding`);
}

function readAll(paths: readonly string[]): Found {
  return Object.fromEntries(
    paths.flatMap((path) => {
      const value = readSysctl(path);
      return value === undefined ? [] : [[path, value]];
    }),
  );
}

/** A sysctl of a link that is gone is gone with it. */
function writeBack(path: string, value: string): void {
  const now = readSysctl(path);
  if (now !== undefined && now !== value) write(path, value);
}

function write(path: string, value: string): void {
  try {
    writeFileSync(`${root}/${path}`, `${value}\n`, { flag: 'r+' });
  } catch (error) {
    throw refusal(`set ${sysctlName(path)} to ${value}`, error);
  }
}
