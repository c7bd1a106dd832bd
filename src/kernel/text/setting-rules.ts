import type { SettingOp, SyncDaemon } from '../../core/settings.ts';

/** A change of the settings as arguments of ipvsadm: `--set 900 120 300`, `--start-daemon master --mcast-interface eth0`. */
export function formatSettingOp(op: SettingOp): string {
  switch (op.kind) {
    case 'set_timeouts':
      return `--set ${op.timeouts.tcpSeconds} ${op.timeouts.tcpFinSeconds} ${op.timeouts.udpSeconds}`;
    case 'start_daemon':
      return `--start-daemon ${op.daemon.role} ${daemonWords(op.daemon).join(' ')}`;
    case 'stop_daemon':
      return `--stop-daemon ${op.role}`;
  }
}

function daemonWords(daemon: SyncDaemon): readonly string[] {
  const words = ['--mcast-interface', daemon.interface, '--syncid', `${daemon.syncId}`];
  words.push('--mcast-group', daemon.group, '--mcast-port', `${daemon.port}`, '--mcast-ttl', `${daemon.ttl}`);
  if (daemon.maxLength > 0) words.push('--sync-maxlen', `${daemon.maxLength}`);
  return words;
}
