import type { Config } from '../core/config.ts';
import { serviceFamily } from '../core/table.ts';
import type { Channel } from '../kernel/channel.ts';
import { HostError } from './error.ts';
import { type Home, homesOf, type Survey } from './plan-director.ts';
import { refusable } from './require-link.ts';
import { type Link, listLinks } from './rt-link.ts';
import { listAdvertisedDefaults, lookUpRoute } from './rt-route.ts';
import type { Setting } from './setting.ts';
import { readSysctl } from './sysctl.ts';
import { isLoopback } from './vips.ts';

/** Looks at what a plan depends on. Rejects with `HostError`. */
export async function surveyHost({ services }: Config, channel: Channel): Promise<Survey> {
  const links = await refusable('list the interfaces', listLinks(channel));
  const names = new Map(links.map(({ index, name }) => [index, name]));
  const servers = services.flatMap((service) => [...service.servers, ...service.fallbackServers]);
  const linkOfServer = new Map<string, string>();
  for (const address of new Set(servers.map(({ address }) => address))) {
    const decision = isLoopback(address) ? undefined : await lookUp(address, channel);
    const name = names.get(decision?.outLink ?? 0);
    if (name !== undefined) linkOfServer.set(address, name);
  }
  const isIpv6 = services.some(({ identity }) => serviceFamily(identity) === 'ipv6');
  return { linkOfServer, advertisedDefaults: isIpv6 ? await advertisedDefaults(links, channel) : [] };
}

/**
 * The link of every VIP: that which `named` or the configuration says, or else that of the same VIP in an earlier plan,
 * which is asked for only then. Throws `HostError` where nobody names it.
 */
export function locateHomes(
  config: Config,
  named: string | undefined,
  earlier: () => readonly Setting[],
): readonly Home[] {
  const homes = homesOf(config, named);
  const plan = homes.every(({ link }) => link !== undefined) ? [] : earlier();
  const links = new Map(plan.flatMap((one) => (one.kind === 'address' ? [[one.address, one.link]] : [])));
  return homes.map(({ address, link = links.get(address), service }) => {
    if (link !== undefined) return { address, link };
    const advice = 'name it with --interface, or in the configuration as director: { interface: eth0 }';
    throw new HostError('badConfig', `Cannot tell which interface is to have ${address} of ${service}: ${advice}`);
  });
}

/** Rejects with `HostError` where a link is missing or down: nobody could reach the VIP. */
export async function requireLinks(homes: readonly Home[], channel: Channel): Promise<void> {
  const links = await refusable('list the interfaces', listLinks(channel));
  for (const { address, link: name } of homes) {
    const link = links.find((one) => one.name === name);
    if (link?.isUp) continue;
    const why = link === undefined ? 'there is no such interface' : 'the interface is down';
    throw new HostError('failed', `Cannot give ${address} to '${name}': ${why}`);
  }
}

function lookUp(address: string, channel: Channel): ReturnType<typeof lookUpRoute> {
  return refusable(`look up the route to ${address}`, lookUpRoute(channel, address));
}

/** A link that has accept_ra 2 already has it from us, or from somebody who wants the same. */
async function advertisedDefaults(links: readonly Link[], channel: Channel): Promise<readonly string[]> {
  const indexes = new Set(await refusable('list the routes of IPv6', listAdvertisedDefaults(channel)));
  const isMeant = ({ index, name }: Link) =>
    indexes.has(index) || readSysctl(`net/ipv6/conf/${name}/accept_ra`) === '2';
  return links.filter(isMeant).map(({ name }) => name);
}
