import type { Channel } from '../kernel/channel.ts';
import { addressPlace } from './address.ts';
import { tunnelPlace, upPlace } from './link.ts';
import { marksPlace } from './marks.ts';
import { routePlace } from './route.ts';
import type { Place, Setting } from './setting.ts';
import { sysctlPlace } from './sysctl.ts';

export type PlaceOf = (setting: Setting) => Place;

/** Where settings take effect in the network namespace of this process; `channel` is one of rtnetlink. */
export function createPlaces(channel: Channel): PlaceOf {
  return (setting) => {
    switch (setting.kind) {
      case 'sysctl':
        return sysctlPlace(setting);
      case 'tunnel':
        return tunnelPlace(setting, channel);
      case 'up':
        return upPlace(setting, channel);
      case 'address':
        return addressPlace(setting, channel);
      case 'route':
        return routePlace(setting, channel);
      case 'marks':
        return marksPlace(setting);
    }
  };
}
