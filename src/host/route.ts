import type { Channel } from '../kernel/channel.ts';
import { lookForLink, refusable, requireLink } from './require-link.ts';
import { addLocalRoute, deleteLocalRoute, lookUpRoute, splitPrefix } from './rt-route.ts';
import { formatSetting, type Place, type RouteSetting } from './setting.ts';

/** A local route: packets for a whole network are for this host. */
export function routePlace(setting: RouteSetting, channel: Channel): Place {
  const { prefix, link: name } = setting;
  const { address, prefixLength } = splitPrefix(prefix);
  const isLocal = async () => {
    const decision = await refusable(`look up the route to ${address}`, lookUpRoute(channel, address));
    return decision?.isLocal === true && decision.prefixLength <= prefixLength;
  };
  return {
    read: async () => ((await isLocal()) ? { route: 'local' } : {}),
    isSet: (found) => found.route === 'local',
    conflict: () => undefined,
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
