import type { Channel } from '../kernel/channel.ts';
import { lookForLink, refusable, requireLink } from './require-link.ts';
import { addAddress, deleteAddress, listAddresses } from './rt-address.ts';
import { type AddressSetting, formatSetting, type Place } from './setting.ts';

/** A host address; one that the link has with another prefix length does as well. */
export function addressPlace(setting: AddressSetting, channel: Channel): Place {
  const { address, link: name } = setting;
  const found = async () => {
    const link = await lookForLink(channel, name);
    const all = link === undefined ? [] : await refusable('list the addresses', listAddresses(channel));
    return all.filter((one) => one.linkIndex === link?.index && one.address === address);
  };
  return {
    read: async () => {
      const [one] = await found();
      return one === undefined ? {} : { address: `${address}/${one.prefixLength}` };
    },
    isSet: (found) => found.address !== undefined,
    conflict: () => undefined,
    set: async () => {
      const { index } = await requireLink(channel, name);
      await refusable(`add ${formatSetting(setting)}`, addAddress(channel, address, index), hints);
    },
    restore: async () => {
      const ours = (await found()).find(({ prefixLength }) => prefixLength === (address.includes(':') ? 128 : 32));
      if (ours === undefined) return undefined;
      await refusable(`remove ${formatSetting(setting)}`, deleteAddress(channel, address, ours.linkIndex));
      return undefined;
    },
  };
}

/** What inet6_rtm_newaddr answers where net.ipv6.conf.LINK.disable_ipv6 is set. */
const hints = { EACCES: 'IPv6 is switched off there' };
