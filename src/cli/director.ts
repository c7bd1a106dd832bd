import { loadConfig } from '../config/load.ts';
import type { Config } from '../core/config.ts';
import { announce } from '../host/announce.ts';
import { planDirector, routesOfAddresses } from '../host/plan-director.ts';
import { openRecord } from '../host/record.ts';
import type { AddressSetting, Setting } from '../host/setting.ts';
import { locateHomes, requireLinks, surveyHost } from '../host/survey.ts';
import { linkNameOf, requireStateDir, runVerb, type Verb } from './host-command.ts';

export interface DirectorOptions {
  readonly config: string;
  /** Link that gets the VIPs of services that name none of their own. */
  readonly interface: string | undefined;
  readonly stateDir: string | undefined;
}

/** `lvsd director up|down|status`. Resolves with the exit code. */
export function director(verb: Verb, options: DirectorOptions): Promise<number> {
  return runVerb(verb, {
    role: 'director',
    stateDir: async () => options.stateDir ?? requireStateDir(await loadConfig(options.config)),
    plan: async (channel) => {
      const named = options.interface === undefined ? undefined : linkNameOf('--interface', options.interface);
      const config = await loadConfig(options.config);
      const recorded = () => (verb === 'status' ? recordedPlan(options, config) : []);
      const homes = locateHomes(config, named, recorded);
      if (verb === 'up') await requireLinks(homes, channel);
      const settings = planDirector(config, homes, await surveyHost(config, channel));
      return verb === 'status' ? [...settings, ...routesOfAddresses(homes)] : settings;
    },
    announce: (settings, channel) => announce(settings.filter(isAddress), channel),
  });
}

/** What the last `up` has wanted. */
function recordedPlan({ stateDir }: DirectorOptions, config: Config): readonly Setting[] {
  const directory = stateDir ?? config.agent.stateDir;
  return directory === undefined ? [] : (openRecord(directory, 'director').load()?.plan ?? []);
}

function isAddress(setting: Setting): setting is AddressSetting {
  return setting.kind === 'address';
}
