import type { Channel } from '../kernel/channel.ts';
import { HostError } from './error.ts';
import { isBroadcastOf } from './prefix.ts';
import { lookForLink, refusable, requireLink } from './require-link.ts';
import { addAddress, deleteAddress, type LinkAddress, listAddresses } from './rt-address.ts';
import { listLinks } from './rt-link.ts';
import { type AddressSetting, type Found, formatSetting, type Place } from './setting.ts';

/** A host address; one that the link has with another prefix length does as well. */
export function addressPlace(setting: AddressSetting, channel: Channel): Place {
  const { address, link: name, isSilent } = setting;
  const list = () => refusable('list the addresses', listAddresses(channel));
  const found = async (all: readonly LinkAddress[]) => {
    const link = await lookForLink(channel, name);
    return link === undefined ? [] : all.filter((one) => one.address === address && one.linkIndex === link.index);
  };
  const read = async (): Promise<Found> => {
    const all = await list();
    const [one] = await found(all);
    const places = all.filter((other) => other.address === address);
    const betrayed = isSilent ? await betrayalOf(places, channel) : {};
    const own = one === undefined ? networkOf(address, all) : { address: `${address}/${one.prefixLength}` };
    return { ...own, ...betrayed };
  };
  const conflict = ({ betrayedBy, state, broadcastOf }: Found) => {
    if (broadcastOf !== undefined)
      return `Cannot take ${address}: it is the broadcast address of the network of ${broadcastOf}, which this host has`;
    return betrayedBy === undefined
      ? undefined
      : `Cannot keep ${address} from neighbours as it is ${state}, which answers for it: name another VIP, or remove it there with 'ip addr del ${betrayedBy}'`;
  };
  return {
    read,
    isSet: (found) => found.address !== undefined && found.betrayedBy === undefined,
    conflict,
    set: async () => {
      const { index } = await requireLink(channel, name);
      // Somebody may have added it after an earlier `up`, whose addresses are no conflicts.
      const reason = conflict(await read());
      if (reason !== undefined) throw new HostError('failed', reason);
      await refusable(`add ${formatSetting(setting)}`, addAddress(channel, address, index), hints);
    },
    restore: async () => {
      const ours = (await found(await list())).find(
        ({ prefixLength }) => prefixLength === (address.includes(':') ? 128 : 32),
      );
      if (ours === undefined) return undefined;
      await refusable(`remove ${formatSetting(setting)}`, deleteAddress(channel, address, ours.linkIndex));
      return undefined;
    },
  };
}

/** The address of this host whose network has this one for all of its hosts. */
function networkOf(address: string, all: readonly LinkAddress[]): Found {
  const one = all.find((other) => isBroadcastOf(other, address));
  return one === undefined ? {} : { broadcastOf: `${one.address}/${one.prefixLength}` };
}

/** A link other than lo or a tunnel that has the address: it answers ARP, or neighbour solicitations, for it. */
async function betrayalOf(places: readonly LinkAddress[], channel: Channel): Promise<Found> {
  if (places.length === 0) return {};
  const links = await refusable('list the interfaces', listLinks(channel));
  for (const { linkIndex, address, prefixLength } of places) {
    const link = links.find(({ index, hasNeighbours }) => index === linkIndex && hasNeighbours);
    if (link !== undefined)
      return { state: `on ${link.name}`, betrayedBy: `${address}/${prefixLength} dev ${link.name}` };
  }
  return {};
}

/** What inet6_rtm_newaddr answers where net.ipv6.conf.LINK.disable_ipv6 is set. */
const hints = { EACCES: 'IPv6 is switched off there' };
