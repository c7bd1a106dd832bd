import type { Channel } from '../kernel/channel.ts';
import { NetlinkError } from '../kernel/errno.ts';
import { refusal } from './error.ts';
import { lookForLink, refusable, requireLink } from './require-link.ts';
import { addTunnel, deleteLink, setLinkUp } from './rt-link.ts';
import { formatSetting, type Place, type TunnelSetting, type UpSetting } from './setting.ts';

/** A tunnel device. The one that comes with the kernel's module (tunl0, ip6tnl0, sit0) cannot be removed, and stays. */
export function tunnelPlace(setting: TunnelSetting, channel: Channel): Place {
  const { link: name, type } = setting;
  return {
    read: async () => {
      const link = await lookForLink(channel, name);
      return link === undefined ? {} : { type: link.type ?? 'no tunnel' };
    },
    isSet: (found) => found.type === type,
    conflict: (found) =>
      found.type === undefined || found.type === type
        ? undefined
        : `${name} is no tunnel of type ${type}: its type is ${found.type}`,
    set: async () => {
      try {
        await addTunnel(channel, name, type);
      } catch (error) {
        if (!(await isMadeByModule(error))) throw refusal(`add ${formatSetting(setting)}`, error, hints);
      }
    },
    restore: async () => {
      const link = await lookForLink(channel, name);
      if (link?.type !== type) return undefined;
      await refusable(`remove ${name}`, deleteLink(channel, link.index));
      if ((await lookForLink(channel, name)) === undefined) return undefined;
      return `Left ${name} there: it came with its module, and the kernel removes it with the module alone`;
    },
  };

  /** To ask for the first tunnel loads the module, whose own device then has the name already. */
  async function isMadeByModule(error: unknown): Promise<boolean> {
    if (!(error instanceof NetlinkError) || error.code !== 'EEXIST') return false;
    return (await lookForLink(channel, name))?.type === type;
  }
}

/** ip_tunnel_newlink: one device alone can have no addresses of its own. */
const hints = { EEXIST: 'tunl0, ip6tnl0 or sit0 takes packets from anywhere already: leave the device out' };

export function upPlace(setting: UpSetting, channel: Channel): Place {
  const { link: name } = setting;
  const turn = async (isUp: boolean) => {
    const { index } = await requireLink(channel, name);
    await refusable(`set ${name} ${isUp ? 'up' : 'down'}`, setLinkUp(channel, index, isUp));
  };
  return {
    read: async () => {
      const link = await lookForLink(channel, name);
      return link === undefined ? {} : { state: link.isUp ? 'up' : 'down' };
    },
    isSet: (found) => found.state === 'up',
    conflict: () => undefined,
    set: () => turn(true),
    restore: async () => {
      if ((await lookForLink(channel, name))?.isUp) await turn(false);
      return undefined;
    },
  };
}
