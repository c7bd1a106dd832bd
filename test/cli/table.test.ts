import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connectionsDocument, settingsDocument, tableDocument } from '../../src/cli/table/document.ts';
import { loadPortNames } from '../../src/cli/table/port-names.ts';
import { resolveNames } from '../../src/cli/table/resolve-names.ts';
import { type ServiceOptions, serviceIn } from '../../src/cli/table/service.ts';
import { applyOps } from '../../src/core/apply.ts';
import { createMemoryKernel } from '../../src/kernel/memory.ts';
import { addServer, addService, server, service } from '../contract/kernel.ts';
import { lvsd, openScene, type Scene } from './support.ts';

describe('a service is named as ipvsadm names it', () => {
  test.each<[ServiceOptions, unknown]>([
    [{}, undefined],
    [{ tcpService: '192.0.2.1:80' }, { kind: 'address', protocol: 'tcp', address: '192.0.2.1', port: 80 }],
    [{ udpService: '2001:db8::1' }, { kind: 'address', protocol: 'udp', address: '2001:db8::1', port: 0 }],
    [{ sctpService: '[2001:db8::1]:9' }, { kind: 'address', protocol: 'sctp', address: '2001:db8::1', port: 9 }],
    [{ fwmarkService: '4294967295' }, { kind: 'fwmark', mark: 4294967295, family: 'ipv4' }],
    [
      { fwmarkService: '8', ipv6: true },
      { kind: 'fwmark', mark: 8, family: 'ipv6' },
    ],
    [{ fwmarkService: '0' }, { mistake: "'0' is not a firewall mark: write a number from 1 to 4294967295" }],
    [{ fwmarkService: 'x' }, { mistake: "'x' is not a firewall mark: write a number from 1 to 4294967295" }],
    [{ ipv6: true }, { mistake: "option '-6, --ipv6' needs '-f, --fwmark-service <mark>'" }],
    [{ tcpService: '192.0.2.1:x' }, { mistake: "'x' is not a port: write a number from 0 to 65535" }],
  ])('%j', (options, expected) => {
    expect(serviceIn(options)).toEqual(expected);
  });
});

describe('names of ports', () => {
  const path = join(mkdtempSync(join(tmpdir(), 'lvsd-')), 'services');
  writeFileSync(path, '# ports\nhttp\t80/tcp www  # web\nhttp 80/udp\ndomain 53/udp\nother 80/tcp www\n\n');
  const names = loadPortNames(path);

  test('are those of the protocol, the first that fits', () => {
    expect(names.nameOf(80, 'tcp')).toBe('http');
    expect(names.nameOf(53, 'tcp')).toBeUndefined();
    expect(names.nameOf(80, 'sctp')).toBeUndefined();
  });

  test('stand for ports, and so do their aliases', () => {
    expect(names.numberOf('http', 'udp')).toBe(80);
    expect(names.numberOf('www', 'tcp')).toBe(80);
    expect(names.numberOf('www', 'udp')).toBeUndefined();
    expect(names.numberOf('ports', 'tcp')).toBeUndefined();
  });

  test('are none where there is no file', () => {
    expect(loadPortNames(`${path}.nonesuch`).nameOf(80, 'tcp')).toBeUndefined();
  });
});

test('names of hosts are those of the resolver', async () => {
  const names = await resolveNames(['127.0.0.1', '127.0.0.1']);
  expect(names.host('127.0.0.1')).toBe('localhost');
  expect(names.host('10.0.0.7')).toBeUndefined();
  expect(names.port(80, 'tcp')).toBe('http');
});

describe('the document', () => {
  const web = service({ persistence: { timeoutSeconds: 60, prefixLength: 16, netmask: '255.0.255.0' } });
  const mark = service({
    identity: { kind: 'fwmark', mark: 8, family: 'ipv6' },
    scheduler: 'sh',
    schedulerFlags: ['flag-2'],
    isOnePacket: true,
    persistence: { timeoutSeconds: 60, prefixLength: 64, engine: 'sip' },
  });
  const near = server({ address: '2001:db8::7', port: 0, forwarding: 'tun' });
  const table = applyOps(new Map(), [
    addService(mark),
    addServer(mark, near),
    addService(web),
    addServer(web, server()),
  ]);
  const counted = { connections: 1, incomingPackets: 2, outgoingPackets: 3, incomingBytes: 4, outgoingBytes: 5 };
  const counters = { connections: 1, incoming_packets: 2, outgoing_packets: 3, incoming_bytes: 4, outgoing_bytes: 5 };

  test('of the table has its rows, what was counted, and the settings', async () => {
    const measured = new Map([...table].map(([key, row]) => [key, { ...row, traffic: counted, rates: counted }]));
    const { settings } = createMemoryKernel();
    expect(JSON.parse(tableDocument(measured, { version: '1.2.1', size: 4096 }, settings))).toEqual({
      schema_version: 1,
      ipvs: { version: '1.2.1', connection_table_size: 4096 },
      timeouts: { tcp_seconds: 900, tcp_fin_seconds: 120, udp_seconds: 300 },
      daemons: [],
      services: [
        {
          protocol: 'tcp',
          address: '192.0.2.1',
          port: 80,
          family: 'ipv4',
          scheduler: 'wlc',
          scheduler_flags: [],
          one_packet: false,
          persistence: { timeout_seconds: 60, prefix_length: null, netmask: '255.0.255.0', engine: null },
          traffic: counters,
          rates: counters,
          servers: [
            {
              address: '10.0.0.7',
              port: 80,
              forwarding: 'nat',
              tunnel: null,
              weight: 1,
              upper_threshold: 0,
              lower_threshold: 0,
            },
          ],
        },
        expect.objectContaining({
          fwmark: 8,
          family: 'ipv6',
          scheduler_flags: ['flag-2'],
          one_packet: true,
          persistence: { timeout_seconds: 60, prefix_length: 64, netmask: null, engine: 'sip' },
          servers: [expect.objectContaining({ address: '2001:db8::7', tunnel: { type: 'ipip' } })],
        }),
      ],
    });
  });

  test('of settings has those asked for', () => {
    const daemon = {
      role: 'master',
      interface: 'eth0',
      syncId: 7,
      group: '224.0.0.81',
      port: 1,
      ttl: 2,
      maxLength: 3,
    } as const;
    expect(JSON.parse(settingsDocument({ daemons: [daemon] }))).toEqual({
      schema_version: 1,
      daemons: [{ role: 'master', interface: 'eth0', sync_id: 7, group: '224.0.0.81', port: 1, ttl: 2, max_length: 3 }],
    });
  });

  test('of connections has every end of each', () => {
    const end = { address: '192.0.2.1', port: 80 };
    const connection = {
      protocol: 'tcp',
      client: end,
      virtual: end,
      server: end,
      state: 'NONE',
      expiresSeconds: 3,
    } as const;
    expect(JSON.parse(connectionsDocument([connection]))).toEqual({
      schema_version: 1,
      connections: [
        {
          protocol: 'tcp',
          client: end,
          virtual: end,
          server: end,
          state: 'NONE',
          expires_seconds: 3,
          persistence: null,
        },
      ],
    });
  });
});

describe('the command line', () => {
  let scene: Scene;
  beforeEach(() => {
    scene = openScene();
  });
  afterEach(() => scene.close());

  test.each([
    ['--connections', '--stats'],
    ['--connections', '--timeout'],
    ['--connections', '-t', '192.0.2.1:80'],
    ['--timeout', '--daemon'],
    ['--timeout', '--persistent-conn'],
    ['--daemon', '--thresholds'],
    ['--daemon', '-f', '8'],
    ['--json', '--resolve'],
    ['-t', '192.0.2.1:80', '-u', '192.0.2.1:80'],
  ])('list %s %s is refused', async (...args) => {
    const { ending, stdout, stderr } = await scene.lvsd('table', 'list', ...args);
    expect({ ending, stdout }).toEqual({ ending: 2, stdout: '' });
    expect(stderr).toContain('cannot be used with option');
  });

  test('a service that is none is refused', async () => {
    const stderr = "error: '192.0.2' is not an IP address: write all four parts in decimal, without leading zeros\n";
    expect(await scene.lvsd('table', 'clear', '-t', '192.0.2:80')).toEqual({ ending: 2, stdout: '', stderr });
  });

  const restore = (text: string) =>
    scene.start(['sh', '-c', `printf "%b" "${text}" | "$@"`, 'sh', ...lvsd('table', 'restore')]).outcome;

  test('restore looks up no name for a text that is wrong anyway', async () => {
    expect(await restore('-A -t name.invalid:80\\n-b')).toEqual({
      ending: 65,
      stdout: '',
      stderr: "line 2: option '-b' needs a value\nNothing was changed\n",
    });
  });

  test('restore shows what it was given fit for a terminal, and no more than a line of it', async () => {
    const { stderr } = await restore(`-A -f 8 \\033[2J${'x'.repeat(5000)}`);
    expect(stderr).toMatch(/^line 1: .*\\x1b\[2Jx{300,380}…\nNothing was changed\n$/);
  });

  test.each([
    ['a directory', '<', '/', 'EISDIR: illegal operation on a directory, read'],
    ['a file that may only be written', '>', 'written', 'EBADF: bad file descriptor, read'],
  ])('restore does not take %s for rules', async (_what, direction, name, why) => {
    const path = join(scene.directory, name);
    const command = `exec "$@" 0${direction}'${name === '/' ? name : path}'`;
    expect(await scene.start(['sh', '-c', command, 'sh', ...lvsd('table', 'restore')]).outcome).toEqual({
      ending: 65,
      stdout: '',
      stderr: `Cannot read the rules from stdin: ${why}\nNothing was changed\n`,
    });
  });

  test('restore lists every line that is wrong, and asks the kernel nothing', async () => {
    expect(await restore('-A -f 8\\n-A\\n\\n-b')).toEqual({
      ending: 65,
      stdout: '',
      stderr:
        'line 2: --add-service needs a service: -t, -u, --sctp-service or -f\n' +
        "line 4: option '-b' needs a value\nNothing was changed\n",
    });
  });
});
