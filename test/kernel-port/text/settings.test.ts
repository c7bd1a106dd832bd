import { expect, test } from '@jest/globals';
import type { SyncDaemon } from '../../../src/core/settings.ts';
import { formatDaemons, formatTimeouts } from '../../../src/kernel/text/settings.ts';

const master: SyncDaemon = {
  role: 'master',
  interface: 'eth1',
  syncId: 0,
  group: '224.0.0.81',
  port: 8848,
  ttl: 1,
  maxLength: 1472,
};

test('timeouts and daemons are laid out as ipvsadm does', () => {
  expect(formatTimeouts({ tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 })).toBe(
    'Timeout (tcp tcpfin udp): 900 120 300\n',
  );
  expect(formatDaemons([])).toBe('');
  const backup: SyncDaemon = { ...master, role: 'backup', group: 'ff05::8', port: 0, ttl: 0, maxLength: 0 };
  expect(formatDaemons([master, backup])).toBe(
    'master sync daemon (mcast=eth1, syncid=0, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n' +
      'backup sync daemon (mcast=eth1, syncid=0, group=ff05::8)\n',
  );
});
