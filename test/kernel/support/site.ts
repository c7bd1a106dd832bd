import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tableWithAllUp } from '../../../src/cli/diff.ts';
import { parseConfig } from '../../../src/config/load.ts';
import { diff } from '../../../src/core/diff.ts';
import { createIpvsKernel } from '../../../src/kernel/ipvs.ts';
import { forgetConnections, ipvsadm } from './ipvsadm.ts';
import { type Host, sh } from './netns.ts';
import { forgetDirector } from './preparation.ts';
import { type RealServer, startRealServer } from './realserver.ts';

/**
 * The site that the handbook draws, each host in a namespace of its own, its link called eth0; the director is the guest
 * itself. IPv6 beside IPv4, with the same last number.
 *
 *     client 192.0.2.200 ── router ── switch ─┬─ director 172.16.100.1
 *                            │ │              ├─ real1    172.16.100.10
 *            far1 10.0.1.10 ─┘ │              └─ real2    172.16.100.11
 *            far2 10.0.2.11 ───┘
 */
export interface Site {
  readonly director: Host;
  readonly router: Host;
  readonly client: Host;
  /** Those that were asked for, in order. */
  readonly servers: readonly RealServer[];
  /** One of them. */
  server(name: ServerName): RealServer;
  /** Takes the kernel's table to what a configuration wants with every server up, and adds rows in the order of the file. */
  apply(yaml: string): Promise<void>;
  /** Empties the table and ends every connection of it. */
  clear(): void;
  /** Takes the link of a server to the switch or router down or up; the server itself sees its own end stay as it is. */
  setLink(server: RealServer, state: 'up' | 'down'): void;
  close(): Promise<void>;
}

interface Place extends Host {
  readonly network: string;
  readonly network6: string;
  readonly number: number;
  /** Where the other end of its link is, and what it is called there. */
  readonly peer: { readonly namespace: string; readonly link: string };
}

const near = { network: '172.16.100', network6: '2001:db8:100:' };
const director = place('', near, 1, 'switch');
const router = place('router', near, 254, 'switch');
const client = place('client', { network: '192.0.2', network6: '2001:db8:200:' }, 200, 'router');
const places = {
  real1: place('real1', near, 10, 'switch'),
  real2: place('real2', near, 11, 'switch'),
  far1: place('far1', { network: '10.0.1', network6: '2001:db8:1:' }, 10, 'router'),
  far2: place('far2', { network: '10.0.2', network6: '2001:db8:2:' }, 11, 'router'),
} as const;
type ServerName = keyof typeof places;

/** What the director's own kernel is set to while a site stands; put back when it is closed. */
const sysctls = ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding', 'net.ipv4.conf.all.send_redirects'];

/** Builds the site with these servers, which answer on `ports`. */
export async function openSite(
  names: readonly ServerName[] = ['real1', 'real2'],
  ports: readonly number[] = [80],
): Promise<Site> {
  const hosts = names.map((name) => places[name]);
  const before = sh(`sysctl ${sysctls.join(' ')}`);
  forgetConnections();
  build([router, client, ...hosts, director]);
  const servers = await Promise.all(hosts.map((host) => startRealServer(host, ports)));
  const kernel = createIpvsKernel();
  return {
    director,
    router,
    client,
    servers,
    server(name) {
      const found = servers.find(({ host }) => host.name === name);
      if (found === undefined) throw new Error(`The site was opened without ${name}`);
      return found;
    },
    async apply(yaml) {
      const ops = diff(tableWithAllUp(parseConfig(yaml, 'test.yaml')), await kernel.read());
      const refused = (await kernel.apply(ops)).filter(({ error }) => error !== undefined);
      if (refused.length > 0) throw new Error(`The kernel refused ${JSON.stringify(refused)}`);
    },
    clear: () => void ipvsadm('-C'),
    setLink: ({ host }, state) => void ip(peerOf(host).namespace, `link set ${peerOf(host).link} ${state}`),
    async close() {
      await Promise.all(servers.map((server) => server.stop()));
      await kernel.close();
      ipvsadm('-C');
      ip('', 'link del eth0');
      for (const { name } of [router, client, ...hosts, { name: 'switch' }]) ip('', `netns del ${name}`);
      forgetDirector();
      execFileSync('sysctl', ['-q', '-p', '-'], { input: before });
    },
  };
}

/** Makes a host send what is not for its own network to another address than the router's. */
export function setGateway({ name }: Host, gateway: string): void {
  ip(name, `route replace default via ${gateway}`);
}

/** Bytes that the director has sent on its link so far. */
export function sentBytes(): number {
  return Number(readFileSync('/sys/class/net/eth0/statistics/tx_bytes', 'utf8'));
}

/** The director comes last: beside a link called eth0, the kernel makes no other of that name, not even for a namespace. */
function build(hosts: readonly Place[]): void {
  const named = hosts.filter(({ name }) => name !== '');
  ip('', ['switch', ...named.map(({ name }) => name)].map((name) => `netns add ${name}`).join('\n'));
  ip('switch', 'link add br0 type bridge\nlink set br0 up');
  sh('ip netns exec router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1');
  ip('', hosts.map(linkLines).join('\n'));
  for (const namespace of ['switch', 'router']) {
    const ends = hosts.filter(({ peer }) => peer.namespace === namespace);
    ip(namespace, ends.map(namespace === 'switch' ? portLines : gatewayLines).join('\n'));
  }
  for (const host of hosts) ip(host.name, addressLines(host));
}

function linkLines({ name, number, peer }: Place): string {
  const where = name === '' ? '' : ` netns ${name}`;
  const hardware = `02:00:00:00:00:${number.toString(16).padStart(2, '0')}`;
  return `link add name eth0 address ${hardware}${where} type veth peer name ${peer.link} netns ${peer.namespace}`;
}

function portLines({ peer }: Place): string {
  return `link set ${peer.link} master br0 up`;
}

function gatewayLines({ peer, network, network6 }: Place): string {
  return `addr add ${network}.1/24 dev ${peer.link}
    addr add ${network6}:1/64 dev ${peer.link} nodad
    link set ${peer.link} up`;
}

/** The router's own default route would lead nowhere. */
function addressLines({ name, number, network, network6, peer }: Place): string {
  const lines = [
    'link set lo up',
    `addr add ${network}.${number}/24 dev eth0`,
    `addr add ${network6}:${number}/64 dev eth0 nodad`,
    'link set eth0 up',
  ];
  const gateway = peer.namespace === 'router' ? 1 : router.number;
  if (name !== 'router') lines.push(`route add default via ${network}.${gateway}`);
  if (name !== 'router') lines.push(`route add default via ${network6}:${gateway}`);
  return lines.join('\n');
}

function place(
  name: string,
  { network, network6 }: Pick<Place, 'network' | 'network6'>,
  number: number,
  namespace: string,
): Place {
  const peer = { namespace, link: name === '' ? 'director' : name };
  return { name, address: `${network}.${number}`, network, network6, number, peer };
}

function peerOf({ name }: Host): Place['peer'] {
  const found = Object.values(places).find((one) => one.name === name);
  if (found === undefined) throw new Error(`${name} is no server of the site`);
  return found.peer;
}

/** Lines for iproute2 in a namespace; '' is the guest itself. */
function ip(namespace: string, lines: string): void {
  const where = namespace === '' ? [] : ['-n', namespace];
  execFileSync('ip', [...where, '-batch', '-'], { input: lines, stdio: ['pipe', 'pipe', 'pipe'] });
}
