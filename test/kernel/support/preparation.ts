import { type Host, runOn, sh } from './netns.ts';

/** Ports of an address whose packets get a firewall mark. */
export interface Marks {
  readonly mark: number;
  readonly address: string;
  readonly ports: readonly number[];
}

/** What a director needs beside its table, on the link eth0: the virtual addresses, forwarding, marks of packets. */
export function prepareDirector(addresses: readonly string[], marks?: Marks): void {
  sh(`${addresses.map((address) => `ip addr replace ${hostAddress(address)} dev eth0`).join('\n')}
    sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    sysctl -qw net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0`);
  if (marks === undefined) return;
  const { mark, address, ports } = marks;
  sh(`nft 'table inet lvsd {
    chain prerouting {
      type filter hook prerouting priority mangle
      ip daddr ${address} tcp dport { ${ports.join(', ')} } meta mark set ${mark}
    }
  }'`);
}

/** What a real server needs to take what comes for a virtual address by direct routing or a tunnel. */
export function prepareServer(host: Host, address: string, forwarding: 'dr' | 'tun'): void {
  if (forwarding === 'tun') sh(`modprobe ipip && ip -n ${host.name} link set tunl0 up`);
  sh(`ip -n ${host.name} addr add ${hostAddress(address)} dev ${linkOf(forwarding)}`);
  runOn(host, 'sysctl', '-qw', ...serverSettings(forwarding, true));
}

/** Takes it back. */
export function undoServer(host: Host, address: string, forwarding: 'dr' | 'tun'): void {
  sh(`ip -n ${host.name} addr del ${hostAddress(address)} dev ${linkOf(forwarding)}`);
  if (forwarding === 'tun') sh(`ip -n ${host.name} link set tunl0 down`);
  runOn(host, 'sysctl', '-qw', ...serverSettings(forwarding, false));
}

function linkOf(forwarding: 'dr' | 'tun'): string {
  return forwarding === 'dr' ? 'lo' : 'tunl0';
}

function serverSettings(forwarding: 'dr' | 'tun', isSet: boolean): readonly string[] {
  const links = ['all', 'lo'].flatMap((link) => [
    `${link}.arp_ignore=${isSet ? 1 : 0}`,
    `${link}.arp_announce=${isSet ? 2 : 0}`,
  ]);
  const tunnel = forwarding === 'tun' ? ['all.rp_filter=0', 'tunl0.rp_filter=0'] : [];
  return [...links, ...tunnel].map((setting) => `net.ipv4.conf.${setting}`);
}

/** The address alone, without a network, and used at once. */
function hostAddress(address: string): string {
  return address.includes(':') ? `${address}/128 nodad` : `${address}/32`;
}
