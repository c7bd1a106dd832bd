import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { parseConfig } from '../../src/config/load.ts';
import { examine } from '../../src/doctor/examine.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import { gather } from '../../src/doctor/gather.ts';
import { lvsd, until, writeConfigFile } from './support/agent.ts';
import { ipvsadm } from './support/ipvsadm.ts';
import { createNetwork, fetchFrom, type Host, type Network, runOn, sh, startOn } from './support/netns.ts';
import { type RealServer, startRealServer } from './support/realserver.ts';
import { settings } from './support/settings.ts';

// Servers on the network of the scene, and a client on another: answers of NAT servers pass through the director.
const vip = '172.16.200.100';
const firstServer = '172.16.100.10:80';
const client: Host = { name: 'far', address: '172.16.200.2' };
const noRemedy = 'false';

let network: Network;
let realServer: RealServer;

beforeAll(async () => {
  network = createNetwork();
  realServer = await startRealServer(network.addHost(10));
  sh(`ip netns add ${client.name}
    ip link add outer type veth peer name eth0 netns ${client.name}
    ip addr add 172.16.200.1/24 dev outer
    ip addr add ${vip}/32 dev outer
    ip link set outer up
    ip -n ${client.name} addr add ${client.address}/24 dev eth0
    ip -n ${client.name} link set eth0 up
    ip -n ${client.name} route add default via 172.16.200.1
    modprobe -a ip_vs ip_vs_rr nf_tables
    sysctl -qw net.ipv4.ip_forward=1 net.ipv4.vs.expire_nodest_conn=1`);
});

afterEach(() => {
  ipvsadm('-C');
});

afterAll(async () => {
  await realServer.stop();
  sh(`ip link del outer; ip netns del ${client.name}`);
  network.close();
});

function natService(changes: object = {}) {
  const checks = [{ type: 'tcp' }];
  return {
    name: 'web',
    address: `${vip}:80`,
    scheduler: 'rr',
    forwarding: 'nat',
    checks,
    servers: [firstServer],
    ...changes,
  };
}

async function examineHere(service: object = natService()): Promise<readonly Finding[]> {
  const text = settings([service], { state_dir: '/tmp/lvsd-doctor' });
  const path = writeConfigFile(text);
  const config = parseConfig(text, path);
  return examine(await gather(config), config, path);
}

async function complaints(service?: object): Promise<readonly Finding[]> {
  return (await examineHere(service)).filter(({ severity }) => severity !== 'ok');
}

/** Finds the one thing that is wrong, runs its remedy, and finds nothing wrong any more. */
async function mend(service?: object): Promise<Finding> {
  const found = await complaints(service);
  expect(found).toHaveLength(1);
  sh(found[0]?.remedy ?? noRemedy);
  expect(await complaints(service)).toEqual([]);
  return found[0] as Finding;
}

/** Puts the service into the table by hand; the client's answer, or undefined where there is none in so many seconds. */
function answerOf(server: string, options: string, limitSeconds?: number): string | undefined {
  sh(`ipvsadm -C; ipvsadm -A -t ${vip}:80 -s rr; ipvsadm -a -t ${vip}:80 -r ${server} ${options}`);
  try {
    return fetchFrom(client, `http://${vip}/`, limitSeconds);
  } catch {
    return undefined;
  }
}

test('a director in order gives no reason for complaint, and its traffic flows', async () => {
  expect(await complaints()).toEqual([]);
  expect(answerOf(firstServer, '-m')).toBe('172.16.100.10');
});

describe('what stops traffic is named, and flows again with the remedy', () => {
  test.each([
    {
      what: 'no forwarding',
      breaking: 'sysctl -qw net.ipv4.ip_forward=0',
      finding: { severity: 'problem', subject: 'net.ipv4.ip_forward' },
    },
    {
      what: 'no forwarding from the interface of the servers',
      breaking: 'sysctl -qw net.ipv4.conf.lvsbr0.forwarding=0',
      finding: { severity: 'problem', subject: 'net.ipv4.conf.lvsbr0.forwarding' },
    },
    {
      what: 'no address for the service',
      breaking: `ip addr del ${vip}/32 dev outer`,
      finding: {
        severity: 'problem',
        subject: `address ${vip}`,
        remedy: expect.stringMatching(/^lvsd director up -c \S+ --interface outer$/),
      },
    },
    {
      what: 'an address that nobody is told of',
      breaking: `ip addr del ${vip}/32 dev outer; ip addr add ${vip}/32 dev lo; sysctl -qw net.ipv4.conf.all.arp_ignore=1`,
      restoring: `ip addr del ${vip}/32 dev lo; sysctl -qw net.ipv4.conf.all.arp_ignore=0`,
      finding: { severity: 'warning', subject: 'net.ipv4.conf.outer.arp_ignore' },
    },
    {
      what: 'a filter that drops what IPVS keeps no state of',
      breaking: `nft add table inet t
        nft 'add chain inet t forward { type filter hook forward priority 0; }'
        nft add rule inet t forward ct state invalid drop`,
      restoring: 'nft delete table inet t; sysctl -qw net.ipv4.vs.conntrack=0',
      finding: { severity: 'warning', subject: 'net.ipv4.vs.conntrack' },
    },
  ])('$what', async ({ breaking, finding, restoring = 'true' }) => {
    expect(answerOf(firstServer, '-m')).toBe('172.16.100.10');
    sh(breaking);
    runOn(client, 'ip', 'neigh', 'flush', 'all');
    expect(answerOf(firstServer, '-m', 5)).toBeUndefined();
    expect(await mend()).toMatchObject(finding);
    runOn(client, 'ip', 'neigh', 'flush', 'all');
    expect(answerOf(firstServer, '-m')).toBe('172.16.100.10');
    sh(restoring);
  });

  test('a filter of packets from elsewhere, for clients behind another route', async () => {
    sh(`ip netns exec ${client.name} ip addr add 198.51.100.1/32 dev lo
      sysctl -qw net.ipv4.conf.outer.rp_filter=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.lvsbr0.rp_filter=0
      ip route add default via 172.16.100.10`);
    expect(await mend()).toMatchObject({ severity: 'warning', subject: 'net.ipv4.conf.outer.rp_filter' });
    sh(
      `ip route del default; sysctl -qw net.ipv4.conf.outer.rp_filter=0; ip -n ${client.name} addr del 198.51.100.1/32 dev lo`,
    );
  });

  test('NAT to the loopback address, which direct routing mends', async () => {
    const program = await startRealServer(network.director);
    try {
      expect(answerOf('127.0.0.1:80', '-m', 5)).toBeUndefined();
      expect(answerOf('127.0.0.1:80', '-g')).toBe(network.director.address);
    } finally {
      await program.stop();
    }
    const [found] = await complaints(natService({ servers: ['127.0.0.1'] }));
    expect(found).toMatchObject({ severity: 'problem', message: expect.stringContaining('forwarding: dr') });
    expect(await complaints(natService({ servers: ['127.0.0.1'], forwarding: 'dr' }))).toEqual([]);
  });

  test('direct routing through a router', async () => {
    sh('ip route add 10.9.9.0/24 via 172.16.100.10');
    const [found] = await complaints(natService({ forwarding: 'dr', servers: ['10.9.9.9'] }));
    sh('ip route del 10.9.9.0/24');
    expect(found).toMatchObject({ severity: 'problem', message: expect.stringContaining('172.16.100.10') });
  });
});

test('a director that tunnels, or routes directly, needs no forwarding', async () => {
  runOn(realServer.host, 'nft', countArrivals);
  sh('sysctl -qw net.ipv4.ip_forward=0');
  try {
    for (const [forwarding, option] of [
      ['dr', '-g'],
      ['tun', '-i'],
    ] as const) {
      expect((await examineHere(natService({ forwarding }))).filter(({ severity }) => severity === 'problem')).toEqual(
        [],
      );
      const before = receivedBy(realServer.host);
      answerOf(firstServer, option, 5);
      expect(receivedBy(realServer.host)).toBeGreaterThan(before);
    }
  } finally {
    sh('sysctl -qw net.ipv4.ip_forward=1');
  }
});

const countArrivals = `add table inet seen
  add counter inet seen arrived
  add chain inet seen arrivals { type filter hook prerouting priority -300; }
  add rule inet seen arrivals ip daddr ${vip} counter name arrived
  add rule inet seen arrivals ip protocol 4 counter name arrived`;

/** Packets for the service that came to a server, by direct routing or in a tunnel. */
function receivedBy(host: Host): number {
  const text = runOn(host, 'nft', 'list', 'counter', 'inet', 'seen', 'arrived');
  return Number(/packets (\d+)/.exec(text)?.[1]);
}

describe('settings that hurt when a server fails', () => {
  test('persistent clients of servers that are kept at weight 0', async () => {
    const service = natService({ persistence: '600s', on_failure: 'quiesce' });
    expect(await mend(service)).toMatchObject({
      severity: 'problem',
      subject: 'net.ipv4.vs.expire_quiescent_template',
    });
    sh('sysctl -qw net.ipv4.vs.expire_quiescent_template=0');
  });

  test.each([
    ['net.ipv4.vs.expire_nodest_conn', 'advice', '0', '1'],
    ['net.ipv4.vs.conn_reuse_mode', 'warning', '0', '1'],
    ['net.ipv4.vs.conntrack', 'advice', '1', '0'],
  ])('%s', async (subject, severity, bad, good) => {
    sh(`sysctl -qw ${subject}=${bad}`);
    expect(await mend()).toMatchObject({ severity, subject });
    expect(sh(`sysctl -n ${subject}`).trim()).toBe(good);
  });

  test('tunnels that full packets do not fit into', async () => {
    expect(await mend(natService({ forwarding: 'tun' }))).toMatchObject({ severity: 'advice' });
    sh('sysctl -qw net.ipv4.vs.pmtu_disc=1');
    sh('ip link set lvsbr0 mtu 1480');
    expect((await complaints(natService({ forwarding: 'tun' })))[0]?.message).toContain('1460 bytes');
    sh('ip link set lvsbr0 mtu 1500');
  });

  test('servers that are told of a way past the director', async () => {
    sh(`ip addr add 172.16.100.100/32 dev lvsbr0; sysctl -qw net.ipv4.conf.all.send_redirects=1`);
    const service = natService({ address: '172.16.100.100:80' });
    expect(await mend(service)).toMatchObject({ severity: 'warning', subject: 'net.ipv4.conf.lvsbr0.send_redirects' });
    sh('ip addr del 172.16.100.100/32 dev lvsbr0');
  });
});

describe('marks', () => {
  const service = natService({ address: undefined, fwmark: 8 });

  test('that lvsd director up has not set are named, and the remedy sets them', async () => {
    const found = await mend({ ...service, marks: [{ addresses: [vip], ports: [80] }] });
    expect(found).toMatchObject({ severity: 'problem', subject: 'web (FWM 8)' });
    sh(`ipvsadm -A -f 8 -s rr; ipvsadm -a -f 8 -r ${firstServer} -m`);
    expect(fetchFrom(client, `http://${vip}/`)).toBe('172.16.100.10');
    sh('nft delete table inet lvsd');
  });

  test('of others count where packets arrive', async () => {
    const mark = (hook: string) =>
      sh(`nft add table inet marks
        nft 'add chain inet marks c { type filter hook ${hook} priority mangle; }'
        nft add rule inet marks c ip daddr ${vip} tcp dport 80 meta mark set 8`);
    mark('postrouting');
    expect(await complaints(service)).toMatchObject([{ severity: 'warning', subject: 'web (FWM 8)' }]);
    sh('nft delete table inet marks');
    mark('prerouting');
    expect(await complaints(service)).toEqual([]);
    sh('nft delete table inet marks');
  });
});

describe('other programs', () => {
  /** A process by the name of a program, with its arguments. */
  async function impersonate(name: string, ...args: readonly string[]): Promise<() => Promise<void>> {
    const path = join('/tmp', name);
    writeFileSync(path, '#!/bin/sh\nwhile :; do read -r line || sleep 1; done\n');
    chmodSync(path, 0o755);
    const child = startOn(network.director, path, args, { stdio: ['pipe', 'ignore', 'ignore'] });
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    await until(
      () => readFileSync(`/proc/${child.pid}/comm`, 'utf8').trim(),
      (comm) => comm === name,
    );
    return async () => {
      child.kill();
      await ended;
    };
  }

  test('keepalived with the same service is named, and what becomes of it is left to the operator', async () => {
    writeFileSync('/tmp/keepalived.conf', `virtual_server ${vip} 80 {\n}\n`);
    const stop = await impersonate('keepalived', '-f', '/tmp/keepalived.conf');
    const found = await complaints();
    await stop();
    expect(found).toMatchObject([{ severity: 'problem', subject: expect.stringMatching(/^keepalived \(pid \d+\)$/) }]);
    expect(found[0]?.remedy).toBeUndefined();
    expect(await complaints()).toEqual([]);
  });

  test('keepalived for addresses alone is left in peace', async () => {
    const stop = await impersonate('keepalived', '--vrrp', '-f', '/tmp/keepalived.conf');
    expect(await complaints()).toEqual([]);
    await stop();
  });

  test('an interface of kube-proxy with the address of a service is named', async () => {
    sh(
      `modprobe dummy; ip link add kube-ipvs0 type dummy; ip link set kube-ipvs0 up; ip addr add ${vip}/32 dev kube-ipvs0`,
    );
    const found = await complaints();
    sh(`ip addr del ${vip}/32 dev kube-ipvs0`);
    const after = await complaints();
    sh('ip link del kube-ipvs0');
    expect(found).toMatchObject([{ severity: 'problem', subject: 'kube-ipvs0' }]);
    // It may still take away what it does not know.
    expect(after).toMatchObject([{ severity: 'warning', subject: 'kube-ipvs0' }]);
  });
});

describe('modules', () => {
  const modprobe = readFileSync('/proc/sys/kernel/modprobe', 'utf8').trim();

  test('a scheduler that is to be loaded on demand, where nothing is, and the remedy', async () => {
    expect((await examineHere(natService({ scheduler: 'sed' }))).map(({ message }) => message)).toContain(
      'the scheduler sed is loaded on demand',
    );
    writeFileSync('/proc/sys/kernel/modprobe', '/bin/false');
    try {
      const found = await mend(natService({ scheduler: 'sed' }));
      expect(found).toMatchObject({ severity: 'problem', subject: 'module ip_vs_sed', remedy: 'modprobe ip_vs_sed' });
    } finally {
      writeFileSync('/proc/sys/kernel/modprobe', modprobe);
    }
  });

  test('a scheduler that the kernel comes without', async () => {
    const found = await complaints(natService({ scheduler: 'twos' }));
    expect(found).toMatchObject([
      { severity: 'problem', message: expect.stringContaining('comes without the scheduler twos') },
    ]);
  });

  test('IPVS that is not loaded is not loaded by asking', async () => {
    sh("rmmod $(lsmod | awk '/^ip_vs_/ { print $1 }') ip_vs");
    const isLoaded = () => sh('lsmod').includes('ip_vs');
    const found = await complaints();
    expect(isLoaded()).toBe(false);
    expect(found).toMatchObject([{ severity: 'advice', subject: 'module ip_vs', remedy: 'modprobe ip_vs' }]);
    sh('modprobe ip_vs; sysctl -qw net.ipv4.vs.expire_nodest_conn=1');
    expect(await complaints()).toEqual([]);
  });
});

describe('the command', () => {
  test('prints findings, and ends with 0 without a problem and with 1 with one', async () => {
    const path = writeConfigFile(settings([natService()]));
    const healthy = await lvsd('doctor', '-c', path);
    expect(healthy).toMatchObject({ status: 0, stderr: '' });
    expect(healthy.stdout).toMatch(/^0 problems, 0 warnings, 0 advice, \d+ ok\n$/);
    const without = await limited('-net_admin', path);
    expect(without).toMatchObject({ status: 1 });
    expect(without.counts).toMatchObject({ problem: 1 });
    expect(without.findings[0]).toMatchObject({ subject: 'CAP_NET_ADMIN' });
  });

  test('a process that may not ping is told how it may', async () => {
    const path = writeConfigFile(settings([natService({ checks: [{ type: 'icmp' }] })]));
    sh('sysctl -qw net.ipv4.ping_group_range="1 0"');
    // Without the file capability of the original, which a process without CAP_NET_RAW cannot start.
    sh('mkdir -p /tmp/ping && cp "$(command -v ping)" /tmp/ping/');
    const found = await limited('-net_raw', path, `/tmp/ping:${process.env.PATH}`);
    expect(found.findings[0]).toMatchObject({ severity: 'problem', subject: 'icmp' });
    sh(found.findings[0]?.remedy ?? noRemedy);
    expect(await limited('-net_raw', path, `/tmp/ping:${process.env.PATH}`)).toMatchObject({ status: 0 });
    sh('sysctl -qw net.ipv4.ping_group_range="1 0"');
  });

  test('a limit of open files that is too low is told with the one that suffices', async () => {
    const servers = Array.from({ length: 250 }, (_, index) => `172.16.100.${index + 2}`);
    const path = writeConfigFile(settings([natService({ servers })]));
    const low = await shell(`ulimit -n 200; ${command(path)}`);
    expect(low.findings[0]).toMatchObject({ severity: 'warning', subject: 'open files' });
    expect(await shell(`${low.findings[0]?.remedy}; ${command(path)}`)).toMatchObject({ counts: { warning: 0 } });
  });

  interface Answer {
    readonly status: number;
    readonly counts: Readonly<Record<string, number>>;
    readonly findings: readonly Finding[];
  }

  function limited(capability: string, path: string, searchPath = process.env.PATH): Promise<Answer> {
    return shell(`PATH=${searchPath} setpriv --bounding-set ${capability} ${command(path)}`);
  }

  function command(path: string): string {
    const program = join(process.env.LVSD_ROOT ?? '.', 'dist/src/main.js');
    return `${process.execPath} ${program} doctor --json -c ${path}`;
  }

  async function shell(script: string): Promise<Answer> {
    const { stdout, status } = await new Promise<{ stdout: string; status: number }>((resolve) => {
      const child = startOn(network.director, 'bash', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
      let output = '';
      child.stdout?.on('data', (chunk) => {
        output += chunk;
      });
      child.once('close', (code) => resolve({ stdout: output, status: code ?? -1 }));
    });
    return { status, ...JSON.parse(stdout) };
  }
});
