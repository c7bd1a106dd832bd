import { familyOf } from '../core/address.ts';
import type { Service } from '../core/config.ts';
import type { Settings, SyncDaemon } from '../core/settings.ts';
import { serviceFamily } from '../core/table.ts';
import { type Located, type Problems, present } from './context.ts';
import { refuseDuplicates } from './duplicates.ts';
import type { ConfigFile } from './schema.ts';

type DaemonEntry = NonNullable<ConfigFile['ipvs']['sync_daemons'][number]>;

/** What is wanted of the kernel beside the table: 0 where the file leaves it to the kernel. */
export function resolveSettings({ timeouts, sync_daemons }: ConfigFile['ipvs'], problems: Problems): Settings {
  const daemons = present(sync_daemons, ['ipvs', 'sync_daemons']).map(({ value, path }) => ({
    value: resolveDaemon({ value, path }, problems),
    path,
  }));
  const roles = daemons.map(({ value, path }) => ({ key: value.role, path: [...path, 'role'] }));
  refuseDuplicates(roles, problems, 'the sync daemon');
  return {
    timeouts: {
      tcpSeconds: (timeouts.tcp ?? 0) / 1000,
      tcpFinSeconds: (timeouts.tcp_fin ?? 0) / 1000,
      udpSeconds: (timeouts.udp ?? 0) / 1000,
    },
    daemons: daemons.map(({ value }) => value),
  };
}

/** ip_vs_genl_set_cmd(): the messages of the daemons have no place for the family of a server (ip_vs_ctl.c). */
export function refuseMixedFamilies(
  services: readonly Located<Service>[],
  { daemons }: Settings,
  problems: Problems,
): void {
  if (daemons.length === 0) return;
  for (const { value, path } of services) {
    const { servers, fallbackServers, identity } = value;
    const isMixed = [...servers, ...fallbackServers].some(
      ({ address }) => familyOf(address) !== serviceFamily(identity),
    );
    if (isMixed) {
      problems.add(path, 'has servers of the other family, which the kernel refuses beside ipvs.sync_daemons');
    }
  }
}

function resolveDaemon({ value: entry, path }: Located<DaemonEntry>, problems: Problems): SyncDaemon {
  const { role, group, port, ttl, max_length: maxLength = 0 } = entry;
  const least = role === 'backup' ? 1024 : 1;
  const most = familyOf(group) === 'ipv6' ? 65487 : 65507;
  // start_sync_thread() takes what is out of these bounds for the bound itself, which would then never be as it is wanted.
  if (maxLength > 0 && (maxLength < least || maxLength > most)) {
    const what = `${role} with ${familyOf(group) === 'ipv6' ? 'an IPv6' : 'an IPv4'} group`;
    problems.add([...path, 'max_length'], `must be from ${least} to ${most} for a ${what}; found ${maxLength}`);
  }
  return { role, interface: entry.interface, syncId: entry.sync_id, group, port, ttl, maxLength };
}
