import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { look } from './programs.ts';
import { sysctlIfReadable } from './sysctl.ts';

/** `forbidden`: modprobe's configuration says so. `unknown`: there is nobody to ask. */
export type ModuleState = 'present' | 'loadable' | 'forbidden' | 'missing' | 'unknown';

/** What has become of a module. Loads none: `--show-depends` only reads the index of the kernel's modules. */
export async function readModule(name: string): Promise<ModuleState> {
  if (isLoaded(name)) return 'present';
  const plan = await look('modprobe', ['--show-depends', name]);
  if (plan === undefined) return 'unknown';
  if (!plan.isSuccess) return isIndexThere(plan.stderr) ? 'missing' : 'unknown';
  if (/^builtin /m.test(plan.stdout)) return 'present';
  return /^install .*\/(?:false|true)\b/m.test(plan.stdout) ? 'forbidden' : 'loadable';
}

/** Whether a request of the kernel for a module is of any use: `modprobe_path` of kernel/module/kmod.c. */
export function readAutoloading(): boolean {
  const program = sysctlIfReadable('kernel/modprobe');
  if (sysctlIfReadable('kernel/modules_disabled') === '1') return false;
  // A kernel without the sysctl, or a container that may not see it, tells nothing against it.
  return program === undefined || !['', 'true', 'false'].includes(basename(program));
}

/** Without the modules of the running kernel at hand, as in a container, modprobe finds none. */
function isIndexThere(complaint: string): boolean {
  const folder = /not found in directory (\S+)/.exec(complaint)?.[1];
  return folder !== undefined && existsSync(folder);
}

function isLoaded(name: string): boolean {
  if (existsSync(`/sys/module/${name}`)) return true;
  try {
    return readFileSync('/proc/modules', 'utf8')
      .split('\n')
      .some((line) => line.startsWith(`${name} `));
  } catch {
    return false;
  }
}
