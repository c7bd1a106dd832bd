import { readFileSync } from 'node:fs';
import { sysctlName } from '../host/setting.ts';

/** The value of a sysctl by its path below /proc/sys; undefined where there is none, or none that may be read. */
export function sysctlIfReadable(path: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${path}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** The command that sets each of them to the value. */
export function setSysctls(paths: readonly string[], value: string): string {
  const quoted = value.includes(' ') ? `"${value}"` : value;
  return `sysctl -w ${paths.map((path) => `${sysctlName(path)}=${quoted}`).join(' ')}`;
}
