import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { diff } from '../../src/core/diff.ts';
import { type Op, serviceFamily, serviceKey } from '../../src/core/table.ts';
import { createIpvsKernel, type IpvsKernel } from '../../src/kernel/ipvs.ts';
import { KernelUnavailable } from '../../src/kernel/kernel.ts';
import { formatListing } from '../../src/kernel/text/listing.ts';
import { formatOp } from '../../src/kernel/text/rules.ts';
import {
  addServer,
  addService,
  delServer,
  delService,
  editServer,
  editService,
  identities,
  server,
  serverShapes,
  service,
  serviceShapes,
  withoutCounters,
} from '../contract/kernel.ts';

let kernel: IpvsKernel;

beforeEach(() => {
  run('ipvsadm -C');
  kernel = createIpvsKernel();
});
afterEach(() => kernel.close());

/** A service of every identity and shape, each with a server of every shape. */
const everything: readonly Op[] = [...identities.map((identity) => ({ identity })), ...serviceShapes].flatMap(
  (shape, n) => {
    const identity = { kind: 'address', protocol: 'tcp', address: `172.16.0.${n}`, port: 443 } as const;
    const row = service({ identity, ...shape });
    const network = serviceFamily(row.identity) === 'ipv6' ? '2001:db8::' : '10.9.0.';
    const servers = serverShapes.map((one, index) => server({ address: `${network}${index}`, ...one }));
    return [addService(row), ...servers.map((one) => addServer(row, one))];
  },
);

test('the table is listed as ipvsadm lists it', async () => {
  // ipvsadm prints a mark beyond 2^31 as a negative number, which it does not read back.
  const ops = everything.filter(({ service: { identity } }) => identity.kind !== 'fwmark' || identity.mark < 2 ** 31);
  expect((await kernel.apply(ops)).filter(({ error }) => error)).toEqual([]);
  expect(formatListing(await kernel.read(), { header: await kernel.info() })).toBe(run('ipvsadm -L -n'));
});

test('an op as text is what ipvsadm does', async () => {
  // It has one-packet scheduling for UDP alone.
  const identity = { kind: 'address', protocol: 'udp', address: '192.0.2.1', port: 80 } as const;
  const web = service({ identity });
  const web6 = service({ identity: { kind: 'fwmark', mark: 9, family: 'ipv6' } });
  const ops = [
    addService(web),
    ...serviceShapes.map((shape) => editService(service({ identity, ...shape }), web)),
    ...serverShapes.map((shape, n) => addServer(web, server({ address: `10.9.0.${n}`, ...shape }))),
    editServer(web, server({ address: '10.9.0.0', weight: 9, forwarding: 'dr', upperThreshold: 5 }), server()),
    delServer(web, server({ address: '10.9.0.1' })),
    addService({ ...web6, persistence: { timeoutSeconds: 60, prefixLength: 64 } }),
    addServer(web6, server({ address: '2001:db8::7', port: 0 })),
    addService(service({ identity: { kind: 'fwmark', mark: 10, family: 'ipv4' } })),
    delService(service({ identity: { kind: 'fwmark', mark: 10, family: 'ipv4' } })),
  ];
  for (const op of ops) run(`ipvsadm ${formatOp(op)}`);
  const byIpvsadm = withoutCounters(await kernel.read());
  run('ipvsadm -C');
  expect((await kernel.apply(ops)).filter(({ error }) => error)).toEqual([]);
  expect(withoutCounters(await kernel.read())).toEqual(byIpvsadm);
});

test('the module is loaded when it is first needed, and again after somebody unloaded it', async () => {
  await kernel.apply([addService(service())]);
  unload();
  expect(run('ls /proc/net')).not.toContain('ip_vs');
  expect(await kernel.read()).toEqual(new Map());
  expect(await kernel.apply([addService(service())])).toEqual([{ op: addService(service()) }]);
});

test('a kernel whose module cannot be loaded is unavailable, and available once it can', async () => {
  const modprobe = readFileSync('/proc/sys/kernel/modprobe', 'utf8');
  unload();
  writeFileSync('/proc/sys/kernel/modprobe', '/bin/false');
  try {
    await expect(kernel.read()).rejects.toThrow(KernelUnavailable);
    await expect(kernel.apply([addService(service())])).rejects.toMatchObject({
      code: 'ENOENT',
      message: 'Cannot reach IPVS: the kernel has no IPVS: load its module with modprobe ip_vs',
    });
  } finally {
    writeFileSync('/proc/sys/kernel/modprobe', modprobe);
  }
  expect(await kernel.read()).toEqual(new Map());
});

test('services that somebody deletes while the table is read are not there, rather than without their servers', async () => {
  const rows = Array.from({ length: 50 }, (_, n) =>
    service({ identity: { kind: 'fwmark', mark: n + 1, family: 'ipv4' } }),
  );
  const stays = service();
  await kernel.apply([...rows, stays].flatMap((row) => [addService(row), addServer(row, server())]));
  const somebody = createIpvsKernel();
  try {
    const reading = kernel.read();
    // By the time of the answer, services have been listed, and the servers of a few.
    await somebody.info();
    await somebody.apply(rows.map(delService));
    const table = await reading;
    expect([...table.keys()]).toContain(serviceKey(stays.identity));
    for (const [key, { servers }] of table) expect([key, servers.size]).toEqual([key, 1]);
  } finally {
    await somebody.close();
  }
});

test('without CAP_NET_ADMIN, reading and applying say what is missing', () => {
  const script = `
    const { createIpvsKernel } = await import('${process.cwd()}/dist/src/kernel/ipvs.js');
    const kernel = createIpvsKernel();
    const service = ${JSON.stringify(service())};
    for (const work of [() => kernel.read(), () => kernel.apply([{ kind: 'add_service', service }])]) {
      await work().catch(({ name, code, message }) => console.log(name, code, message));
    }
    await kernel.close();`;
  const output = execFileSync('setpriv', [
    '--bounding-set=-net_admin',
    process.execPath,
    '--input-type=module',
    '-e',
    script,
  ]);
  const line =
    'KernelUnavailable EPERM Cannot reach IPVS: the kernel answered EPERM: ' +
    'run as root, or with the capability CAP_NET_ADMIN of the initial user namespace\n';
  expect(output.toString()).toBe(line + line);
  expect(run('ipvsadm -S -n')).toBe('');
});

test('lost refusals are told, and with the table read again everything gets applied', async () => {
  const limits = ['rmem_default', 'rmem_max'].map((name) => `/proc/sys/net/core/${name}`);
  const before = limits.map((path) => readFileSync(path, 'utf8'));
  for (const path of limits) writeFileSync(path, '2304');
  try {
    const servers = Array.from({ length: 500 }, (_, n) => server({ port: n + 1 }));
    const ops = [addService(service()), ...servers.map((row) => delServer(service(), row))];
    await expect(kernel.apply(ops)).rejects.toMatchObject({ code: 'ENOBUFS' });
    const table = await kernel.read();
    const wanted = withoutCounters(
      new Map([
        ['TCP 192.0.2.1:80', { ...service(), servers: new Map(servers.map((row) => [`10.0.0.7:${row.port}`, row])) }],
      ]),
    );
    const rest = diff(wanted, table);
    expect(await kernel.apply(rest)).toEqual(rest.map((op) => ({ op })));
    expect(withoutCounters(await kernel.read())).toEqual(wanted);
  } finally {
    for (const [index, path] of limits.entries()) writeFileSync(path, before[index] ?? '');
  }
});

function unload(): void {
  run('ipvsadm -C');
  run("rmmod $(lsmod | awk '/^ip_vs_/ { print $1 }') ip_vs");
}

function run(command: string): string {
  return execFileSync('sh', ['-c', command], { encoding: 'utf8' });
}
