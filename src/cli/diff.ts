import { loadConfig } from '../config/load.ts';
import type { Config, Service } from '../core/config.ts';
import { desired } from '../core/desired.ts';
import { diff } from '../core/diff.ts';
import { decide, type ServerStatus } from '../core/fleet.ts';
import { diffSettings } from '../core/settings.ts';
import type { Table } from '../core/table.ts';
import { createIpvsKernel } from '../kernel/ipvs.ts';
import { formatOp } from '../kernel/text/rules.ts';
import { formatSettingOp } from '../kernel/text/setting-rules.ts';
import { openState } from '../run/state.ts';
import { exitCodes } from './exit.ts';
import { print } from './print.ts';

/** `lvsd diff`: prints the ops that would take the kernel to what the configuration wants. Resolves with the exit code. */
export async function diffTables(configPath: string): Promise<number> {
  const config = await loadConfig(configPath);
  const kernel = createIpvsKernel();
  try {
    const { services, daemons } = openState(config.agent.stateDir).initial;
    const ops = diff(tableWithAllUp(config), await kernel.read(), new Set(services));
    const settingOps = diffSettings(config.settings, await kernel.readSettings(), new Set(daemons));
    const commands = [...ops.map(formatOp), ...settingOps.map(formatSettingOp)];
    print(commands.map((command) => `ipvsadm ${command}\n`).join(''));
    return commands.length === 0 ? exitCodes.ok : exitCodes.failed;
  } finally {
    await kernel.close();
  }
}

/** The table that a configuration wants while every server is up. */
export function tableWithAllUp({ services }: Config): Table {
  return desired(services, new Map(services.map((service) => [service.name, decideAllUp(service)])));
}

function decideAllUp(service: Service) {
  const up: ServerStatus = { health: 'up', isObserved: true, foundWeight: undefined, override: undefined };
  const { servers, fallbackServers } = service;
  return decide(service, {
    servers: servers.map(() => up),
    fallbackServers: fallbackServers.map(() => up),
    before: { isFallbackActive: false, isFailOpenActive: false },
    leaving: [],
  });
}
