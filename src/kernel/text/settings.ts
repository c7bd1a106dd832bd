import type { SyncDaemon, Timeouts } from '../../core/settings.ts';

/** As `ipvsadm -L --timeout` prints them. */
export function formatTimeouts({ tcpSeconds, tcpFinSeconds, udpSeconds }: Timeouts): string {
  return `Timeout (tcp tcpfin udp): ${tcpSeconds} ${tcpFinSeconds} ${udpSeconds}\n`;
}

/** As `ipvsadm -L --daemon` prints them: nothing where none runs. */
export function formatDaemons(daemons: readonly SyncDaemon[]): string {
  return daemons.map(daemonLine).join('');
}

/** What the kernel leaves at 0 is left out. */
function daemonLine({ role, interface: name, syncId, maxLength, group, port, ttl }: SyncDaemon): string {
  const words = [`mcast=${name}`, `syncid=${syncId}`];
  if (maxLength > 0) words.push(`maxlen=${maxLength}`);
  words.push(`group=${group}`);
  if (port > 0) words.push(`port=${port}`);
  if (ttl > 0) words.push(`ttl=${ttl}`);
  return `${role} sync daemon (${words.join(', ')})\n`;
}
