import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { applyOps } from '../../src/core/apply.ts';
import { diff } from '../../src/core/diff.ts';
import type { SettingOp, SyncDaemon } from '../../src/core/settings.ts';
import {
  type Op,
  type OpKind,
  opKinds,
  type Persistence,
  type ServerRow,
  type ServiceIdentity,
  type ServiceRow,
  serverKey,
  serviceKey,
  type Table,
} from '../../src/core/table.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';

/** What every kernel does, the real one and those that stand for it. `make` gives one with an empty table. */
export function kernelContract(name: string, make: () => Promise<Kernel>): void {
  describe(name, () => {
    let kernel: Kernel;
    beforeEach(async () => {
      kernel = await make();
    });
    afterEach(() => kernel.close());

    async function outcomes(...ops: readonly Op[]): Promise<readonly string[]> {
      return (await kernel.apply(ops)).map(({ error }) => error ?? 'ok');
    }

    async function rows(): Promise<Table> {
      return withoutCounters(await kernel.read());
    }

    test('an empty table reads as empty', async () => {
      expect(await kernel.read()).toEqual(new Map());
    });

    test('no ops give no results', async () => {
      expect(await kernel.apply([])).toEqual([]);
    });

    test.each(titled(identities))('$title is added, read back and deleted', async ({ shape: identity }) => {
      const row = service({ identity });
      expect(await outcomes(addService(row))).toEqual(['ok']);
      expect(await rows()).toEqual(tableOf(row));
      expect(await outcomes(delService(row))).toEqual(['ok']);
      expect(await kernel.read()).toEqual(new Map());
    });

    test('services of every identity live side by side', async () => {
      const ops = identities.map((identity) => addService(service({ identity })));
      await kernel.apply(ops);
      expect(await rows()).toEqual(applyOps(new Map(), ops));
    });

    test.each(schedulers)('scheduler %s is loaded and read back', async (scheduler) => {
      expect(await outcomes(addService(service({ scheduler })))).toEqual(['ok']);
      expect(await rows()).toEqual(tableOf(service({ scheduler })));
    });

    test.each(titled(serviceShapes))('a service with $title reads back the same', async ({ shape }) => {
      const row = service(shape);
      expect(await outcomes(addService(row))).toEqual(['ok']);
      expect(await rows()).toEqual(tableOf(row));
    });

    test.each(titled(serverShapes))('a server with $title reads back the same', async ({ shape }) => {
      const row = server(shape);
      expect(await outcomes(addService(web), addServer(web, row))).toEqual(['ok', 'ok']);
      expect(await rows()).toEqual(tableOf(web, row));
    });

    test('a service of IPv6 takes servers of IPv6, and of IPv4 through a tunnel', async () => {
      const near = server({ address: '2001:db8::7' });
      const far = server({ address: '10.0.0.7', forwarding: 'tun' });
      expect(await outcomes(addService(web6), addServer(web6, near), addServer(web6, far))).toEqual(['ok', 'ok', 'ok']);
      expect(await rows()).toEqual(tableOf(web6, near, far));
    });

    test('counters start at zero', async () => {
      await kernel.apply([addService(web), addServer(web, server())]);
      const found = (await kernel.read()).get(serviceKey(web.identity));
      expect(found?.traffic).toEqual({
        connections: 0,
        incomingPackets: 0,
        outgoingPackets: 0,
        incomingBytes: 0,
        outgoingBytes: 0,
      });
      expect(found?.servers.get(serverKey(server()))?.connections).toEqual({ active: 0, inactive: 0, persistent: 0 });
    });

    test.each(titled(serviceShapes))(
      'a service is edited in place to $title and back, and keeps its servers',
      async ({ shape }) => {
        const changed = service(shape);
        await kernel.apply([addService(web), addServer(web, server())]);
        expect(await outcomes(editService(changed, web))).toEqual(['ok']);
        expect(await rows()).toEqual(tableOf(changed, server()));
        expect(await outcomes(editService(web, changed))).toEqual(['ok']);
        expect(await rows()).toEqual(tableOf(web, server()));
      },
    );

    test.each(titled(serverShapes))(
      'a server is edited in place to $title and back, and others stay',
      async ({ shape }) => {
        const other = server({ address: '10.0.0.99', weight: 42, forwarding: 'tun' });
        const changed = server(shape);
        await kernel.apply([addService(web), addServer(web, server()), addServer(web, other)]);
        expect(await outcomes(editServer(web, changed, server()))).toEqual(['ok']);
        expect(await rows()).toEqual(tableOf(web, changed, other));
        expect(await outcomes(editServer(web, server(), changed))).toEqual(['ok']);
        expect(await rows()).toEqual(tableOf(web, server(), other));
      },
    );

    test('a server is told from another by its port', async () => {
      const other = server({ port: 81 });
      expect(await outcomes(addService(web), addServer(web, server()), addServer(web, other))).toEqual([
        'ok',
        'ok',
        'ok',
      ]);
      expect(await outcomes(delServer(web, server()))).toEqual(['ok']);
      expect(await rows()).toEqual(tableOf(web, other));
    });

    test('a service takes its servers with it', async () => {
      await kernel.apply([addService(web), addServer(web, server()), delService(web), addService(web)]);
      expect(await rows()).toEqual(tableOf(web));
    });

    test.each(refusals)('$error: $title', async ({ ops, error }) => {
      await kernel.apply([addService(web), addService(web6), addServer(web, server())]);
      const before = await rows();
      expect(await outcomes(...ops)).toEqual(ops.map(() => error));
      expect(await rows()).toEqual(before);
    });

    test('an op that is refused does not keep the others from being applied, and each result names its op', async () => {
      const ops = [
        addService(web),
        addService(web),
        addServer(web, server({ address: '224.0.0.1' })),
        addServer(web, server()),
        delServer(web, server({ address: '10.0.0.99' })),
        editServer(web, server({ weight: 7 }), server()),
      ];
      const results = await kernel.apply(ops);
      expect(results.map(({ op }) => op)).toEqual(ops);
      expect(results.map(({ error }) => error)).toEqual([
        undefined,
        'EEXIST',
        'EINVAL',
        undefined,
        'ENOENT',
        undefined,
      ]);
      expect(await rows()).toEqual(tableOf(web, server({ weight: 7 })));
    });

    test('3,000 ops are applied in order, and undone', async () => {
      const servers = Array.from({ length: 3000 }, (_, n) =>
        server({ address: `10.1.${n >> 8}.${n & 255}`, weight: n }),
      );
      await kernel.apply([addService(web)]);
      expect(await outcomes(...servers.map((row) => addServer(web, row)))).toEqual(servers.map(() => 'ok'));
      expect(await rows()).toEqual(tableOf(web, ...servers));
      expect(await outcomes(...servers.map((row) => delServer(web, row)))).toEqual(servers.map(() => 'ok'));
      expect(await rows()).toEqual(tableOf(web));
    });

    test('timeouts are set and read back', async () => {
      const { timeouts } = await kernel.readSettings();
      const changed = { tcpSeconds: 1800, tcpFinSeconds: 60, udpSeconds: 10 };
      expect(await kernel.applySettings([{ kind: 'set_timeouts', timeouts: changed }])).toHaveLength(1);
      expect((await kernel.readSettings()).timeouts).toEqual(changed);
      await kernel.applySettings([{ kind: 'set_timeouts', timeouts }]);
      expect((await kernel.readSettings()).timeouts).toEqual({ tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 });
    });

    test('a timeout of 0 stays as it was', async () => {
      const set = (tcpSeconds: number, tcpFinSeconds: number, udpSeconds: number) =>
        kernel.applySettings([{ kind: 'set_timeouts', timeouts: { tcpSeconds, tcpFinSeconds, udpSeconds } }]);
      await set(1800, 0, 0);
      await set(0, 60, 0);
      await set(0, 0, 10);
      expect((await kernel.readSettings()).timeouts).toEqual({ tcpSeconds: 1800, tcpFinSeconds: 60, udpSeconds: 10 });
      await set(900, 120, 300);
    });

    test('a master whose length of messages is left to the kernel has 1500 bytes less the headers', async () => {
      const daemon = { role: 'master', interface: 'lo', syncId: 0, group: '224.0.0.81', port: 8848, ttl: 1 } as const;
      await kernel.applySettings([{ kind: 'start_daemon', daemon: { ...daemon, maxLength: 0 } }]);
      expect((await kernel.readSettings()).daemons).toEqual([{ ...daemon, maxLength: 1472 }]);
      await kernel.applySettings([{ kind: 'stop_daemon', role: 'master' }]);
    });

    test('a backup hears messages of 1024 bytes at least', async () => {
      const daemon = { role: 'backup', interface: 'lo', syncId: 0, group: '224.0.0.81', port: 8848, ttl: 1 } as const;
      await kernel.applySettings([{ kind: 'start_daemon', daemon: { ...daemon, maxLength: 1 } }]);
      expect((await kernel.readSettings()).daemons).toEqual([{ ...daemon, maxLength: 1024 }]);
      await kernel.applySettings([{ kind: 'stop_daemon', role: 'backup' }]);
    });

    test('a synchronisation daemon of each role is started once, read back and stopped', async () => {
      const master: SyncDaemon = {
        role: 'master',
        interface: 'lo',
        syncId: 7,
        group: '224.0.0.90',
        port: 8849,
        ttl: 3,
        maxLength: 1400,
      };
      const backup: SyncDaemon = { ...master, role: 'backup', syncId: 255 };
      const start = (daemon: SyncDaemon) => ({ kind: 'start_daemon', daemon }) as const;
      const stop = (role: SyncDaemon['role']) => ({ kind: 'stop_daemon', role }) as const;
      const errors = async (...ops: readonly SettingOp[]) =>
        (await kernel.applySettings(ops)).map(({ error }) => error ?? 'ok');
      expect(await errors(stop('master'))).toEqual(['ESRCH']);
      expect(await errors(start(master), start(backup), start(master))).toEqual(['ok', 'ok', 'EEXIST']);
      expect((await kernel.readSettings()).daemons).toEqual([master, backup]);
      expect(await errors(stop('master'), stop('backup'))).toEqual(['ok', 'ok']);
      expect((await kernel.readSettings()).daemons).toEqual([]);
    });

    test('calls that overlap are done in the order in which they were made', async () => {
      const [added, table, deleted, left] = await Promise.all([
        kernel.apply([addService(web)]),
        kernel.read(),
        kernel.apply([delService(web)]),
        kernel.read(),
      ]);
      expect([...added, ...deleted].map(({ error }) => error)).toEqual([undefined, undefined]);
      expect([table.size, left.size]).toEqual([1, 0]);
    });

    test('what a read gave does not change afterwards', async () => {
      await kernel.apply([addService(web)]);
      const table = await kernel.read();
      await kernel.apply([addServer(web, server()), delService(web)]);
      expect(withoutCounters(table)).toEqual(tableOf(web));
    });

    test('the ops of a difference take one table to the other, and leave what is not ours alone', async () => {
      const foreign = service({ identity: { kind: 'fwmark', mark: 77, family: 'ipv4' } });
      await kernel.apply([
        addService(web),
        addServer(web, server()),
        addService(foreign),
        addServer(foreign, server()),
      ]);
      const moved = server({ address: '10.0.0.99' });
      const wanted = tableOf(service({ scheduler: 'sh', schedulerFlags: ['flag-1'] }), server({ weight: 9 }), moved);
      const ops = diff(wanted, await kernel.read(), new Set([serviceKey(web.identity)]));
      expect(await outcomes(...ops)).toEqual(ops.map(() => 'ok'));
      expect(await rows()).toEqual(new Map([...wanted, ...tableOf(foreign, server())]));
      expect(diff(wanted, await kernel.read())).toEqual([]);
    });
  });
}

export function service(shape: Partial<ServiceRow> = {}): ServiceRow {
  return {
    identity: tcp('192.0.2.1'),
    scheduler: 'wlc',
    schedulerFlags: [],
    isOnePacket: false,
    persistence: undefined,
    ...shape,
  };
}

export function server(shape: Partial<ServerRow> = {}): ServerRow {
  const row = {
    address: '10.0.0.7',
    port: 80,
    forwarding: 'nat',
    weight: 1,
    upperThreshold: 0,
    lowerThreshold: 0,
  } as const;
  return { ...row, ...shape };
}

export function addService(row: ServiceRow): Op {
  return { kind: 'add_service', service: row };
}

export function editService(row: ServiceRow, from: ServiceRow): Op {
  return { kind: 'edit_service', service: row, from };
}

export function delService(row: ServiceRow): Op {
  return { kind: 'del_service', service: row };
}

export function addServer(row: ServiceRow, of: ServerRow): Op {
  return { kind: 'add_server', service: row, server: of };
}

export function editServer(row: ServiceRow, of: ServerRow, from: ServerRow): Op {
  return { kind: 'edit_server', service: row, server: of, from };
}

export function delServer(row: ServiceRow, of: ServerRow): Op {
  return { kind: 'del_server', service: row, server: of };
}

/** JSON is what a title can show of a shape. */
function titled<T>(shapes: readonly T[]): readonly { title: string; shape: T }[] {
  return shapes.map((shape) => ({ title: JSON.stringify(shape), shape }));
}

function tcp(address: string, port = 80): ServiceIdentity {
  return { kind: 'address', protocol: 'tcp', address, port };
}

const web = service();
const web6 = service({ identity: tcp('2001:db8::1') });
const gone = service({ identity: tcp('192.0.2.99') });

export const identities: readonly ServiceIdentity[] = [
  tcp('192.0.2.1'),
  tcp('192.0.2.1', 81),
  tcp('2001:db8::1'),
  { kind: 'address', protocol: 'udp', address: '192.0.2.1', port: 80 },
  { kind: 'address', protocol: 'udp', address: '2001:db8::1', port: 53 },
  { kind: 'address', protocol: 'sctp', address: '192.0.2.1', port: 80 },
  { kind: 'address', protocol: 'sctp', address: '2001:db8::1', port: 65535 },
  { kind: 'fwmark', mark: 7, family: 'ipv4' },
  { kind: 'fwmark', mark: 7, family: 'ipv6' },
  { kind: 'fwmark', mark: 0xffffffff, family: 'ipv4' },
];

const schedulers = ['rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'dh', 'sh', 'sed', 'nq', 'fo', 'ovf', 'mh'];

const persistence: Persistence = { timeoutSeconds: 600, prefixLength: 32 };

export const serviceShapes: readonly Partial<ServiceRow>[] = [
  { scheduler: 'rr' },
  { scheduler: 'sh', schedulerFlags: ['flag-1'] },
  { scheduler: 'mh', schedulerFlags: ['flag-1', 'flag-2'] },
  { schedulerFlags: ['flag-3'] },
  { schedulerFlags: ['flag-1', 'flag-2', 'flag-3'], persistence },
  { persistence },
  { persistence: { timeoutSeconds: 1, prefixLength: 24 } },
  { persistence: { timeoutSeconds: 86_400, prefixLength: 1 } },
  { persistence: { timeoutSeconds: 60, prefixLength: 0 } },
  { isOnePacket: true },
  { isOnePacket: true, scheduler: 'mh', schedulerFlags: ['flag-2'], persistence },
  { persistence: { ...persistence, engine: 'sip' } },
];

export const serverShapes: readonly Partial<ServerRow>[] = [
  { weight: 0 },
  { weight: 2 },
  { weight: 65_535 },
  { forwarding: 'dr' },
  { forwarding: 'tun' },
  { upperThreshold: 100 },
  { upperThreshold: 100, lowerThreshold: 50 },
  { upperThreshold: 0x7fffffff, lowerThreshold: 0x7fffffff },
  { weight: 3, forwarding: 'dr', upperThreshold: 2, lowerThreshold: 1 },
  { forwarding: 'tun', tunnel: { type: 'gue', port: 6080, checksum: 'none' } },
  { forwarding: 'tun', tunnel: { type: 'gue', port: 6080, checksum: 'checksum' } },
  { forwarding: 'tun', tunnel: { type: 'gue', port: 65_535, checksum: 'remote' }, weight: 2 },
  { forwarding: 'tun', tunnel: { type: 'gre', checksum: 'none' } },
  { forwarding: 'tun', tunnel: { type: 'gre', checksum: 'checksum' } },
];

interface Refusal {
  readonly title: string;
  readonly ops: readonly Op[];
  readonly error: string;
}

/** Where a service has to be there: every kind of op but `add_service`. */
function everyOpOn(row: ServiceRow): readonly Op[] {
  const make: Record<OpKind, () => Op> = {
    add_service: () => addService(row),
    edit_service: () => editService(row, row),
    del_service: () => delService(row),
    add_server: () => addServer(row, server()),
    edit_server: () => editServer(row, server(), server()),
    del_server: () => delServer(row, server()),
  };
  return opKinds.filter((kind) => kind !== 'add_service').map((kind) => make[kind]());
}

function refusedServers(address: string): readonly Op[] {
  return [addServer(address.includes(':') ? web6 : web, server({ address }))];
}

const refusals: readonly Refusal[] = [
  { title: 'a service that is there is added', ops: [addService(web), addService(web6)], error: 'EEXIST' },
  {
    title: 'a service that is there is added with another scheduler',
    ops: [addService(service({ scheduler: 'rr' }))],
    error: 'EEXIST',
  },
  { title: 'a service that is not there is named', ops: everyOpOn(gone), error: 'ESRCH' },
  {
    title: 'a server that is there is added',
    ops: [addServer(web, server()), addServer(web, server({ forwarding: 'dr' }))],
    error: 'EEXIST',
  },
  {
    title: 'a server that is not there is edited or deleted',
    ops: everyOpOn(web6)
      .filter(({ kind }) => kind === 'edit_server' || kind === 'del_server')
      .map(onIpv6),
    error: 'ENOENT',
  },
  {
    title: 'a scheduler that the kernel has not',
    ops: [addService({ ...gone, scheduler: 'nonesuch' }), editService(service({ scheduler: 'nonesuch' }), web)],
    error: 'ENOENT',
  },
  {
    title: 'a persistence engine that the kernel has not',
    ops: [addService({ ...gone, persistence: { ...persistence, engine: 'nonesuch' } })],
    error: 'ENOENT',
  },
  {
    title: 'a tunnel by UDP to no port',
    ops: [addServer(web, server({ port: 81, forwarding: 'tun', tunnel: { type: 'gue', port: 0, checksum: 'none' } }))],
    error: 'EINVAL',
  },
  {
    title: 'a lower threshold above the upper',
    ops: [
      addServer(web, server({ port: 81, lowerThreshold: 1 })),
      editServer(web, server({ upperThreshold: 5, lowerThreshold: 6 }), server()),
    ],
    error: 'ERANGE',
  },
  {
    title: 'a threshold beyond 2^31 - 1',
    ops: [
      addServer(web, server({ port: 81, upperThreshold: 2 ** 31 })),
      editServer(web, server({ upperThreshold: 2 ** 31, lowerThreshold: 2 ** 31 }), server()),
    ],
    error: 'EINVAL',
  },
  {
    title: 'a server of the other family without a tunnel',
    ops: [addServer(web, server({ address: '2001:db8::7' })), addServer(web6, server({ forwarding: 'dr' }))],
    error: 'EINVAL',
  },
  { title: 'a server that is unspecified', ops: ['0.0.0.0', '::'].flatMap(refusedServers), error: 'EINVAL' },
  {
    title: 'a server that is many',
    ops: ['224.0.0.1', '239.255.255.255', '255.255.255.255', 'ff02::1'].flatMap(refusedServers),
    error: 'EINVAL',
  },
  { title: 'a server that is local to a link', ops: ['fe80::1', 'febf::1'].flatMap(refusedServers), error: 'EINVAL' },
  {
    title: 'persistence by no bit of an IPv6 address',
    ops: [editService({ ...web6, persistence: { timeoutSeconds: 60, prefixLength: 0 } }, web6)],
    error: 'EINVAL',
  },
];

function onIpv6(op: Op): Op {
  return 'server' in op ? { ...op, server: server({ address: '2001:db8::7' }) } : op;
}

function tableOf(row: ServiceRow, ...servers: readonly ServerRow[]): Table {
  return new Map([
    [serviceKey(row.identity), { ...row, servers: new Map(servers.map((one) => [serverKey(one), one])) }],
  ]);
}

export function withoutCounters(table: Table): Table {
  return new Map(
    [...table].map(([key, { traffic: _, ...row }]) => {
      const servers = [...row.servers].map(([name, { connections: __, ...server }]) => [name, server] as const);
      return [key, { ...row, servers: new Map(servers) }];
    }),
  );
}
