import { sh } from './shell.mjs';

/** The namespace of the servers in the guest: every address in 10.1.0.0/16 is there, one hop away. */
export const serverside = 'servers';

/** Services have 192.0.2.1 to .100. */
export function openNetwork() {
  sh(`ip netns add ${serverside}
    ip link add to-servers type veth peer name eth0 netns ${serverside}
    ip addr add 10.0.0.1/24 dev to-servers; ip link set to-servers up
    ip route add 10.1.0.0/16 via 10.0.0.2
    ip route add local 192.0.2.0/24 dev lo
    ip -n ${serverside} link set lo up
    ip -n ${serverside} addr add 10.0.0.2/24 dev eth0; ip -n ${serverside} link set eth0 up
    ip -n ${serverside} route add local 10.1.0.0/16 dev lo`);
  for (const inside of ['', `ip netns exec ${serverside}`])
    sh(`${inside} sysctl -qw net.core.somaxconn=8192 net.ipv4.tcp_max_syn_backlog=8192`);
  sh('sysctl -qw net.ipv4.ip_local_port_range="1024 65535"');
}

/** A network namespace of one's own, where every address in 127.0.0.0/8 is. */
export function openLoopback() {
  sh(`ip link set lo up
    sysctl -qw net.ipv4.ip_local_port_range="1024 65535" net.core.somaxconn=8192 net.ipv4.tcp_max_syn_backlog=8192`);
}
