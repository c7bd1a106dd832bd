import { parsePrefix } from '../config/addresses.ts';
import type { Config } from '../core/config.ts';
import { HostError } from '../host/error.ts';
import { type Device, planRealserver, type Vip } from '../host/plan-realserver.ts';
import { lookForLink, refusable } from '../host/require-link.ts';
import { listAddresses } from '../host/rt-address.ts';
import { type Setting, tunnelTypes } from '../host/setting.ts';
import { isLoopback, vipsOfServer } from '../host/vips.ts';
import type { Channel } from '../kernel/channel.ts';
import { defaultStateDir, linkNameOf, requireStateDir, runVerb, type Verb } from './host-command.ts';

export interface RealserverOptions {
  /** As they were written. */
  readonly vips: readonly string[];
  readonly method: 'dr' | 'tun';
  readonly device: string | undefined;
  /** Configuration file to take VIPs from. */
  readonly config: string | undefined;
  readonly stateDir: string | undefined;
}

/** `lvsd realserver up|down|status`. Resolves with the exit code. */
export function realserver(verb: Verb, options: RealserverOptions): Promise<number> {
  return runVerb(verb, {
    role: 'realserver',
    stateDir: async () => options.stateDir ?? (await stateDirOf(options.config)),
    plan: async (channel) => (isVague(options) ? undefined : plan(options, channel)),
    // Nobody is to know.
    announce: async () => [],
  });
}

async function stateDirOf(configPath: string | undefined): Promise<string> {
  return configPath === undefined ? defaultStateDir : requireStateDir(await load(configPath));
}

function isVague({ vips, config }: RealserverOptions): boolean {
  return vips.length === 0 && config === undefined;
}

async function plan(
  { vips, method, device, config }: RealserverOptions,
  channel: Channel,
): Promise<readonly Setting[]> {
  const named = vips.map((text): Vip => ({ address: parseVip(text), method }));
  const configured = config === undefined ? [] : await configuredVips(config, channel);
  return planRealserver([...named, ...configured], device === undefined ? undefined : await deviceOf(device, channel));
}

function parseVip(text: string): string {
  const parsed = parsePrefix(text);
  const reason = parsed.ok ? 'it is of the loopback, and every host has it' : parsed.reason;
  if (parsed.ok && !isLoopback(parsed.value)) return parsed.value;
  throw new HostError('usage', `Cannot take --vip ${text}: ${reason}`);
}

async function configuredVips(path: string, channel: Channel): Promise<readonly Vip[]> {
  const config = await load(path);
  const addresses = await refusable('list the addresses', listAddresses(channel));
  const own = addresses.map(({ address }) => address).filter((address) => !isLoopback(address));
  const vips = vipsOfServer(config, new Set(own));
  if (vips.length > 0) return vips;
  const found = `this host has ${own.join(', ') || 'no address'}`;
  throw new HostError(
    'badConfig',
    `Cannot take VIPs from ${path}: no service has this host as a dr or tun server; ${found}`,
  );
}

/** Most real servers have no configuration: what reads one is loaded where it is asked for. */
async function load(path: string): Promise<Config> {
  const { loadConfig } = await import('../config/load.ts');
  return loadConfig(path);
}

/** A device that is there is taken as it is; another is made, of the type that the VIPs want. */
async function deviceOf(option: string, channel: Channel): Promise<Device> {
  const name = linkNameOf('--device', option);
  const link = await lookForLink(channel, name);
  return { link: name, type: tunnelTypes.find((known) => known === link?.type) };
}
