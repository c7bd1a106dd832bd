import type { Config } from '../core/config.ts';
import type { Facts } from './facts.ts';
import { type Finding, ok } from './finding.ts';

/** The modules that the kernel needs for a configuration, with what each is for. */
export function modulesFor({ services }: Config): ReadonlyMap<string, string> {
  const engines = services.flatMap(({ persistence }) => persistence?.engine ?? []);
  // `ip_vs_scheduler_get` of net/netfilter/ipvs/ip_vs_sched.c asks for ip_vs_NAME, `ip_vs_pe_getbyname` for ip_vs_pe_NAME.
  return new Map([
    ['ip_vs', 'IPVS'],
    ...services.map(({ scheduler }) => [`ip_vs_${scheduler}`, `the scheduler ${scheduler}`] as const),
    ...engines.map((engine) => [`ip_vs_pe_${engine}`, `the persistence engine ${engine}`] as const),
  ]);
}

export function checkModules(facts: Facts, config: Config): readonly Finding[] {
  return [...modulesFor(config)].map(([module, purpose]) => judge(facts, module, purpose));
}

function judge(facts: Facts, module: string, purpose: string): Finding {
  // What is built into the kernel is no module that could be found.
  const { isPresent, schedulers } = facts.ipvs;
  const isThere = module === 'ip_vs' ? isPresent : schedulers.has(module.replace('ip_vs_', ''));
  const state = isThere ? 'present' : (facts.modules.get(module) ?? 'unknown');
  const subject = `module ${module}`;
  switch (state) {
    case 'present':
      return ok(subject, `${purpose} is in the kernel`);
    case 'loadable':
      return judgeLoadable(facts, module, purpose);
    case 'forbidden':
      return {
        severity: 'problem',
        subject,
        message: `${purpose} is not in the kernel, and the configuration of modprobe replaces its loading by another command`,
        remedy: `modprobe --ignore-install ${module}`,
      };
    case 'missing':
      return { severity: 'problem', subject, message: `the kernel ${facts.kernelRelease} comes without ${purpose}` };
    case 'unknown':
      return judgeUnknown(facts, module, purpose);
  }
}

/** Of IPVS itself /proc tells that it is not there, of the rest nothing does. */
function judgeUnknown({ kernelRelease }: Facts, module: string, purpose: string): Finding {
  const subject = `module ${module}`;
  const reason = `whether it can be loaded cannot be told: the modules of ${kernelRelease}, or modprobe, are not at hand`;
  const advice = `run modprobe ${module} where they are, as on the host of a container`;
  if (module === 'ip_vs')
    return { severity: 'problem', subject, message: `${purpose} is not in the kernel, and ${reason}; ${advice}` };
  return {
    severity: 'warning',
    subject,
    message: `${purpose} is not in the kernel as far as can be seen, and ${reason}; ${advice}`,
  };
}

function judgeLoadable({ isAutoloading }: Facts, module: string, purpose: string): Finding {
  const subject = `module ${module}`;
  const remedy = `modprobe ${module}`;
  if (!isAutoloading) {
    const message = `${purpose} is not in the kernel, and the kernel loads no modules on demand: see kernel.modprobe and kernel.modules_disabled`;
    return { severity: 'problem', subject, message, remedy };
  }
  if (module !== 'ip_vs') return ok(subject, `${purpose} is loaded on demand`);
  const message =
    'IPVS is loaded on demand and not yet in the kernel: what depends on its sysctls, net.ipv4.vs.*, was not looked at';
  return { severity: 'advice', subject, message, remedy };
}
