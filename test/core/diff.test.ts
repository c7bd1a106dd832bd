import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { applyOps } from '../../src/core/apply.ts';
import { diff, withoutEmptying } from '../../src/core/diff.ts';
import { findDrift } from '../../src/core/drift.ts';
import { type ServiceRow, serviceKey, type Table, type TableService } from '../../src/core/table.ts';
import { aRow, aServiceRow, aTable } from '../support/build.ts';

const web = aServiceRow();
const mail = aServiceRow({ identity: { kind: 'address', protocol: 'tcp', address: '192.0.2.1', port: 25 } });
const marked = aServiceRow({ identity: { kind: 'fwmark', mark: 8, family: 'ipv4' } });

/** `add_server 10.0.0.1:80` and so on, in order. */
function summary(desired: Table, actual: Table, owned?: ReadonlySet<string>): readonly string[] {
  return diff(desired, actual, owned).map((op) =>
    'server' in op
      ? `${op.kind} ${op.server.address} ${op.server.weight}`
      : `${op.kind} ${serviceKey(op.service.identity)}`,
  );
}

test('a service that no op speaks of stays the same object, and is compared once', () => {
  const table = aTable([web, aRow('10.0.0.1')], [mail, aRow('10.0.0.2')]);
  const wanted = aTable([web, aRow('10.0.0.1', { weight: 2 })], [mail, aRow('10.0.0.2')]);
  const [before, after] = [table, applyOps(table, diff(wanted, table))];
  const keys = [web, mail].map(({ identity }) => serviceKey(identity));
  expect(keys.map((key) => after.get(key) === before.get(key))).toEqual([false, true]);
  expect(diff(wanted, after)).toEqual([]);
  expect(findDrift(before, after)).toMatchObject([{ kind: 'different', server: '10.0.0.1:80' }]);
  expect(diff(wanted, before)).toHaveLength(1);
});

describe('diff', () => {
  test('a new service comes before its servers', () => {
    expect(summary(aTable([web, aRow('10.0.0.1')]), aTable())).toEqual([
      'add_service TCP 192.0.2.1:80',
      'add_server 10.0.0.1 1',
    ]);
  });

  test.each([
    ['scheduler', { scheduler: 'rr' }],
    ['flags', { schedulerFlags: ['flag-1' as const] }],
    ['one-packet scheduling', { isOnePacket: true }],
    ['persistence', { persistence: { timeoutSeconds: 60, prefixLength: 32 } }],
  ])('a change of %s is one edit in place', (_name, change) => {
    expect(summary(aTable([{ ...web, ...change }, aRow('10.0.0.1')]), aTable([web, aRow('10.0.0.1')]))).toEqual([
      'edit_service TCP 192.0.2.1:80',
    ]);
  });

  test.each([
    ['timeout', { timeoutSeconds: 61, prefixLength: 32 }],
    ['netmask', { timeoutSeconds: 60, prefixLength: 24 }],
    ['engine', { timeoutSeconds: 60, prefixLength: 32, engine: 'sip' }],
    ['netmask with holes', { timeoutSeconds: 60, prefixLength: 32, netmask: '255.0.255.0' }],
  ])('a change of the persistence %s is one edit in place', (_name, persistence) => {
    const before = { ...web, persistence: { timeoutSeconds: 60, prefixLength: 32 } };
    expect(summary(aTable([{ ...web, persistence }]), aTable([before]))).toEqual(['edit_service TCP 192.0.2.1:80']);
  });

  test.each([
    ['weight', { weight: 5 }],
    ['forwarding', { forwarding: 'dr' as const }],
    ['upper threshold', { upperThreshold: 5 }],
    ['lower threshold', { lowerThreshold: 5 }],
    ['tunnel', { tunnel: { type: 'gre' as const, checksum: 'none' as const } }],
  ])("a change of a server's %s is one edit in place", (_name, change) => {
    const ops = diff(aTable([web, aRow('10.0.0.1', change)]), aTable([web, aRow('10.0.0.1')]));
    expect(ops).toEqual([
      { kind: 'edit_server', service: expect.anything(), server: aRow('10.0.0.1', change), from: aRow('10.0.0.1') },
    ]);
  });

  test('what the kernel counted is no difference', () => {
    const actual = aTable([web, aRow('10.0.0.1')]);
    const counted = new Map([...actual].map(([key, service]) => [key, { ...service, traffic: traffic(5) }]));
    expect(summary(actual, counted)).toEqual([]);
  });

  test('servers are added before others are taken out', () => {
    expect(summary(aTable([web, aRow('10.0.0.2')]), aTable([web, aRow('10.0.0.1')]))).toEqual([
      'add_server 10.0.0.2 1',
      'del_server 10.0.0.1 1',
    ]);
  });

  test('a server is brought into rotation before another is quiesced', () => {
    const desired = aTable([web, aRow('10.0.0.1', { weight: 0 }), aRow('10.0.0.2')]);
    const actual = aTable([web, aRow('10.0.0.1'), aRow('10.0.0.2', { weight: 0 })]);
    expect(summary(desired, actual)).toEqual(['edit_server 10.0.0.2 1', 'edit_server 10.0.0.1 0']);
  });

  test("services that are nobody's business are left alone", () => {
    expect(summary(aTable([web]), aTable([web], [mail, aRow('10.0.0.9')], [marked]))).toEqual([]);
  });

  test('a service that was ours and is no longer wanted is deleted, last', () => {
    const owned = new Set([serviceKey(mail.identity), serviceKey(web.identity)]);
    expect(summary(aTable([web, aRow('10.0.0.1')]), aTable([mail, aRow('10.0.0.9')], [web]), owned)).toEqual([
      'add_server 10.0.0.1 1',
      'del_service TCP 192.0.2.1:25',
    ]);
  });
});

const services = [web, mail, marked];

const table: fc.Arbitrary<Table> = fc
  .record({
    wanted: fc.subarray(services),
    schedulers: fc.array(fc.constantFrom('wlc', 'rr'), { minLength: 3, maxLength: 3 }),
    rows: fc.array(
      fc.uniqueArray(
        fc.record({
          host: fc.integer({ min: 1, max: 5 }),
          weight: fc.integer({ min: 0, max: 2 }),
          forwarding: fc.constantFrom('nat' as const, 'dr' as const),
        }),
        { selector: ({ host }) => host, maxLength: 5 },
      ),
      { minLength: 3, maxLength: 3 },
    ),
  })
  .map(({ wanted, schedulers, rows }) =>
    aTable(
      ...wanted.map((service, index): [ServiceRow, ...ReturnType<typeof aRow>[]] => [
        { ...service, scheduler: schedulers[index] ?? 'wlc' },
        ...(rows[index] ?? []).map(({ host, ...row }) => aRow(`10.0.0.${host}`, row)),
      ]),
    ),
  );

const allOwned = new Set(services.map(({ identity }) => serviceKey(identity)));

/** Rows in a fixed order: the kernel's table has none. */
function plain(table: Table): unknown {
  const sorted = <T>(map: ReadonlyMap<string, T>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted(table).map(([key, { servers, ...service }]) => [key, service, sorted(servers)]);
}

function isServed(service: TableService | undefined): boolean {
  return [...(service?.servers.values() ?? [])].some(({ weight }) => weight > 0);
}

describe('diff and applyOps', () => {
  test('applying the difference gives what was desired, and a second difference is empty', () => {
    fc.assert(
      fc.property(table, table, (desired, actual) => {
        const after = applyOps(actual, diff(desired, actual, allOwned));
        expect(plain(after)).toEqual(plain(desired));
        expect(diff(desired, after, allOwned)).toEqual([]);
      }),
    );
  });

  test('no prefix of the ops leaves a service that is and stays served without a destination', () => {
    fc.assert(
      fc.property(table, table, (desired, actual) => {
        const ops = diff(desired, actual, allOwned);
        const kept = [...desired.keys()].filter((key) => isServed(desired.get(key)) && isServed(actual.get(key)));
        for (let count = 0; count <= ops.length; count++) {
          const between = applyOps(actual, ops.slice(0, count));
          for (const key of kept) expect(isServed(between.get(key))).toBe(true);
        }
      }),
    );
  });

  test('the tables that were given are not changed', () => {
    const actual = aTable([web, aRow('10.0.0.1')]);
    applyOps(actual, diff(aTable([web, aRow('10.0.0.2')]), actual));
    expect(plain(actual)).toEqual(plain(aTable([web, aRow('10.0.0.1')])));
  });

  test('an edit keeps the servers of the service, and what the kernel counted', () => {
    const counted = { ...web, servers: new Map([['10.0.0.1:80', aRow('10.0.0.1')]]), traffic: traffic(7) };
    const actual: Table = new Map([[serviceKey(web.identity), counted]]);
    const edited = applyOps(actual, [{ kind: 'edit_service', service: { ...web, scheduler: 'rr' }, from: web }]);
    expect(edited.get(serviceKey(web.identity))).toEqual({ ...counted, scheduler: 'rr' });
  });

  test('an edit takes away the tunnel that a server no longer has', () => {
    const tunnel = { type: 'gue', port: 6080, checksum: 'none' } as const;
    const desired = aTable([web, aRow('10.0.0.1', { forwarding: 'tun' })]);
    const actual = aTable([web, aRow('10.0.0.1', { forwarding: 'tun', tunnel })]);
    expect(diff(desired, applyOps(actual, diff(desired, actual)))).toEqual([]);
  });

  test('a server of a service that is gone is no error', () => {
    const server = aRow('10.0.0.1');
    expect(applyOps(aTable(), [{ kind: 'add_server', service: web, server }])).toEqual(aTable());
    expect(applyOps(aTable(), [{ kind: 'del_server', service: web, server }])).toEqual(aTable());
  });
});

describe('findDrift', () => {
  const left = aTable([web, aRow('10.0.0.1'), aRow('10.0.0.2')]);
  const service = serviceKey(web.identity);

  test('a table that is as it was left has none', () => {
    expect(findDrift(left, left)).toEqual([]);
  });

  test('a cleared table has lost every row', () => {
    expect(findDrift(left, aTable())).toEqual([
      { kind: 'missing', service, server: undefined },
      { kind: 'missing', service, server: '10.0.0.1:80' },
      { kind: 'missing', service, server: '10.0.0.2:80' },
    ]);
  });

  test('a changed service, a changed weight, a lost and a foreign server are each named', () => {
    const actual = aTable([{ ...web, scheduler: 'rr' }, aRow('10.0.0.1', { weight: 0 }), aRow('10.0.0.9')]);
    expect(findDrift(left, actual)).toEqual([
      { kind: 'different', service, server: undefined },
      { kind: 'different', service, server: '10.0.0.1:80' },
      { kind: 'missing', service, server: '10.0.0.2:80' },
      { kind: 'extra', service, server: '10.0.0.9:80' },
    ]);
  });

  test('services that are not ours are none of it', () => {
    expect(findDrift(left, new Map([...left, ...aTable([mail, aRow('10.0.0.7')])]))).toEqual([]);
  });
});

function traffic(connections: number) {
  return { connections, incomingPackets: 0, outgoingPackets: 0, incomingBytes: 0, outgoingBytes: 0 };
}

test('whether a service would be emptied is looked up once, however many of its servers are taken away', () => {
  const table = aTable([web, ...Array.from({ length: 100 }, (_, index) => aRow(`10.0.0.${index}`))]);
  const desired = aTable([web]);
  let looks = 0;
  for (const { servers } of table.values()) {
    Object.assign(servers, {
      values: () => {
        looks += 1;
        return Map.prototype.values.call(servers);
      },
    });
  }
  const taking = diff(desired, table);
  expect(withoutEmptying(taking, table, desired, new Set(table.keys()))).toEqual([]);
  expect(withoutEmptying(taking, table, desired, new Set())).toEqual(taking);
  expect(looks).toBe(2);
});
