import { familyOf } from '../core/address.ts';
import type { Channel } from '../kernel/channel.ts';
import { contains, splitPrefix } from './prefix.ts';
import { lookForLink, refusable, requireLink } from './require-link.ts';
import { addLocalRoute, deleteLocalRoute, listSurroundings, lookUpRoute } from './rt-route.ts';
import { type Found, formatSetting, type Place, type RouteSetting } from './setting.ts';

/** A local route: packets for a whole network are for this host. */
export function routePlace(setting: RouteSetting, channel: Channel): Place {
  const { prefix, link: name } = setting;
  const { address, prefixLength } = splitPrefix(prefix);
  const isLocal = async () => {
    const decision = await refusable(`look up the route to ${address}`, lookUpRoute(channel, address));
    return decision?.isLocal === true && decision.prefixLength <= prefixLength;
  };
  return {
    read: async () => ((await isLocal()) ? { route: 'local' } : await cutOff(prefix, channel)),
    isSet: (found) => found.route === 'local',
    conflict: ({ cutOff }) =>
      cutOff === undefined ? undefined : `Cannot take ${prefix} for this host: it contains ${cutOff}`,
    set: async () => {
      const { index } = await requireLink(channel, name);
      await refusable(`add ${formatSetting(setting)}`, addLocalRoute(channel, prefix, index));
    },
    restore: async () => {
      const link = await lookForLink(channel, name);
      if (link === undefined || !(await isLocal())) return undefined;
      await refusable(`remove ${formatSetting(setting)}`, deleteLocalRoute(channel, prefix, link.index));
      return undefined;
    },
  };
}

/** What this host would no longer reach if all of the prefix were its own. */
async function cutOff(prefix: string, channel: Channel): Promise<Found> {
  const family = familyOf(prefix);
  const { gateways, networks } = await refusable('list the routes', listSurroundings(channel, family));
  const gateway = gateways.find((one) => contains(prefix, one));
  if (gateway !== undefined) return { cutOff: `the gateway ${gateway}` };
  const network = networks.find((one) => contains(prefix, one));
  return network === undefined ? {} : { cutOff: `the network ${network}, whose hosts are reached over a link` };
}
