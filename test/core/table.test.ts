import { describe, expect, test } from '@jest/globals';
import { rowName, rowNameOfOp } from '../../src/core/drift.ts';
import { fail, pass } from '../../src/core/observation.ts';
import { type ServiceIdentity, serverKey, serviceFamily, serviceKey } from '../../src/core/table.ts';
import { aRow, aServiceRow } from '../support/build.ts';

describe('names are those that ipvsadm prints', () => {
  test.each<[ServiceIdentity, string, string]>([
    [{ kind: 'address', protocol: 'tcp', address: '192.0.2.1', port: 80 }, 'TCP 192.0.2.1:80', 'ipv4'],
    [{ kind: 'address', protocol: 'udp', address: '2001:db8::1', port: 53 }, 'UDP [2001:db8::1]:53', 'ipv6'],
    [{ kind: 'fwmark', mark: 8, family: 'ipv4' }, 'FWM 8', 'ipv4'],
    [{ kind: 'fwmark', mark: 8, family: 'ipv6' }, 'FWM 8 IPv6', 'ipv6'],
  ])('%j is %s', (identity, name, family) => {
    expect(serviceKey(identity)).toBe(name);
    expect(serviceFamily(identity)).toBe(family);
  });

  test('a server is its address and port', () => {
    expect(serverKey(aRow('2001:db8::1'))).toBe('[2001:db8::1]:80');
  });

  test('a row of the table is its service, and its server', () => {
    const service = aServiceRow();
    expect(rowNameOfOp({ kind: 'del_service', service })).toBe('TCP 192.0.2.1:80');
    expect(rowNameOfOp({ kind: 'del_server', service, server: aRow('10.0.0.1') })).toBe('TCP 192.0.2.1:80 10.0.0.1:80');
    expect(rowName({ service: 'FWM 8', server: undefined })).toBe('FWM 8');
  });
});

test('an observation says whether it passed, and has no phases unless told', () => {
  expect(pass('L4OK', 'connected')).toEqual({ pass: true, reason: 'L4OK', detail: 'connected', phases: {} });
  expect(fail('L7STS', 'status 503', { connect: 1 })).toMatchObject({ pass: false, phases: { connect: 1 } });
});
