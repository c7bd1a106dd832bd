import { expect, test } from '@jest/globals';
import { reasonForOp, reasonForSettingOp } from '../../src/core/refusal.ts';
import type { SettingOp } from '../../src/core/settings.ts';
import type { Op } from '../../src/core/table.ts';
import { aRow, aServiceRow } from '../support/build.ts';

const row = aServiceRow({ scheduler: 'twos' });
const withEngine = { ...row, persistence: { timeoutSeconds: 60, prefixLength: 32, engine: 'sip' } };
const add = (address: string): Op => ({ kind: 'add_server', service: row, server: aRow(address) });
const start: SettingOp = {
  kind: 'start_daemon',
  daemon: { role: 'master', interface: 'eth9', syncId: 0, group: '224.0.0.81', port: 8848, ttl: 1, maxLength: 0 },
};

test.each<[Op, string, string | undefined]>([
  [{ kind: 'add_service', service: row }, 'ENOENT', 'it has no scheduler twos'],
  [{ kind: 'edit_service', service: row, from: row }, 'ENOENT', 'it has no scheduler twos'],
  [{ kind: 'add_service', service: withEngine }, 'ENOENT', 'it has no scheduler twos, or no persistence engine sip'],
  [{ kind: 'add_service', service: row }, 'EEXIST', undefined],
  [{ kind: 'del_server', service: row, server: aRow('10.0.0.1') }, 'ENOENT', undefined],
  [
    add('2001:db8::1'),
    'EINVAL',
    'it takes a server of the other family by tunnel alone, and none beside a sync daemon',
  ],
  [add('2001:db8::1'), 'EEXIST', undefined],
  [add('10.0.0.1'), 'EINVAL', undefined],
])('%j refused with %s: %s', (op, error, reason) => {
  expect(reasonForOp(op, error)).toBe(reason);
});

test.each<[SettingOp, string, string | undefined]>([
  [start, 'ENODEV', 'there is no interface eth9'],
  [start, 'EINVAL', 'it starts none beside servers of the other family than their service'],
  [start, 'EEXIST', undefined],
  [{ kind: 'stop_daemon', role: 'master' }, 'EINVAL', undefined],
])('%j refused with %s: %s', (op, error, reason) => {
  expect(reasonForSettingOp(op, error)).toBe(reason);
});
