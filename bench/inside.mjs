// Runs in the guest: measures lvsd and keepalived, one after the other, against the same servers.
//
// The servers are addresses of one network namespace; a process there accepts and closes. A server dies when its
// address becomes unreachable, which the prober sees as EHOSTUNREACH at once. Both check by TCP connect each second,
// time out after 1 s, and take a server out with the second failure in a row, the retry coming 1 s after the first.

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const count = Number(process.argv[2]);
const deaths = 20;
const measuredMs = 20_000;
const settleMs = 8000;
const vip = '192.0.2.1';

const sh = (script) => execFileSync('/bin/bash', ['-euc', script], { stdio: ['ignore', 'pipe', 'inherit'] }).toString();
const addressOf = (index) => `10.1.${index >> 8}.${index & 255}`;
const addresses = Array.from({ length: count }, (_, index) => addressOf(index + 1));

const accept = `use Socket; socket(S, PF_INET, SOCK_STREAM, 0); setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1);
bind(S, sockaddr_in(80, INADDR_ANY)) or die; listen(S, 4096); $n = 0;
$SIG{USR1} = sub { open(F, '>', '/run/accepted'); print F $n; close F };
while (1) { if (accept(C, S)) { $n++; close C } }`;

const peers = {
  lvsd: {
    version: JSON.parse(readFileSync(`${process.env.REPO}/package.json`, 'utf8')).version,
    configure: () => writeFileSync('/run/bench/lvsd.yaml', lvsdConfig()),
    start: () =>
      spawn('node', [`${process.env.REPO}/dist/src/main.js`, 'run', '-c', '/run/bench/lvsd.yaml'], { stdio: 'ignore' }),
    checker: (child) => child.pid,
  },
  keepalived: {
    version: sh('keepalived --version 2>&1 | head -1').replace(/.*v([\d.]+).*\n/s, '$1'),
    configure: () => writeFileSync('/run/bench/keepalived.conf', keepalivedConfig()),
    start: () => spawn('keepalived', ['-C', '-n', '-f', '/run/bench/keepalived.conf'], { stdio: 'ignore' }),
    // The checker is the one child of the parent.
    checker: (child) => Number(sh(`cat /proc/${child.pid}/task/${child.pid}/children`).trim().split(' ')[0]),
  },
};

function lvsdConfig() {
  return `version: 1
agent: { metrics: off, admin: off, state_dir: off }
services:
  - name: bench
    address: ${vip}:80
    checks: [{ type: tcp, interval: 1s, timeout: 1s, retry_interval: 1s, fall: 2 }]
    fail_open: never
    servers:
${addresses.map((address) => `      - ${address}`).join('\n')}
`;
}

function keepalivedConfig() {
  const server = (address) => `  real_server ${address} 80 {
    TCP_CHECK { connect_timeout 1 retry 1 delay_before_retry 1 }
  }`;
  return `virtual_server ${vip} 80 {
  protocol TCP
  lvs_sched wlc
  lvs_method NAT
  delay_loop 1
${addresses.map(server).join('\n')}
}
`;
}

function rows() {
  const hex = /-> ([0-9A-F]{8}):/g;
  return new Set([...readFileSync('/proc/net/ip_vs', 'utf8').matchAll(hex)].map((match) => match[1]));
}

function hexOf(address) {
  return address
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase();
}

async function until(condition, limitMs) {
  const startMs = performance.now();
  while (!condition()) {
    if (performance.now() - startMs > limitMs) throw new Error(`Not within ${limitMs} ms: ${condition}`);
    await sleep(20);
  }
  return performance.now() - startMs;
}

/** User and system time, ms. */
function cpuMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function residentMb(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
}

async function accepted(server) {
  server.kill('SIGUSR1');
  await sleep(200);
  return Number(readFileSync('/run/accepted', 'utf8'));
}

async function measure(peer, server) {
  sh('ipvsadm -C');
  peer.configure();
  const child = peer.start();
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const fullMs = await until(() => rows().size === count, 120_000);
  await sleep(settleMs);
  const pid = peer.checker(child);

  const probesBefore = await accepted(server);
  const cpuBefore = cpuMs(pid);
  await sleep(measuredMs);
  const cpu = cpuMs(pid) - cpuBefore;
  const probes = (await accepted(server)) - probesBefore;

  const leaveMs = [];
  for (let death = 0; death < deaths; death++) {
    const victim = addresses[Math.floor((death * count) / deaths)];
    // A phase of its own for each, between two runs.
    await sleep(((death * 379) % 1000) + 200);
    sh(`ip netns exec servers ip route add unreachable ${victim} table local`);
    leaveMs.push(await until(() => !rows().has(hexOf(victim)), 30_000));
    sh(`ip netns exec servers ip route del unreachable ${victim} table local`);
  }
  const memoryMb = residentMb(pid);
  child.kill('SIGTERM');
  await ended;
  leaveMs.sort((a, b) => a - b);
  return {
    'probes a second': probes / (measuredMs / 1000),
    'CPU a probe, ms': cpu / probes,
    'resident memory, MB': memoryMb,
    'start to full table, ms': fullMs,
    'death to row leaving, median ms': (leaveMs[deaths / 2 - 1] + leaveMs[deaths / 2]) / 2,
    'death to row leaving, worst ms': leaveMs[deaths - 1],
  };
}

mkdirSync('/run/bench');
sh(`ip netns add servers
  ip link add to-servers type veth peer name eth0 netns servers
  ip addr add 10.0.0.1/8 dev to-servers && ip link set to-servers up
  ip addr add ${vip}/32 dev lo
  ip -n servers link set lo up && ip -n servers addr add 10.0.0.2/8 dev eth0 && ip -n servers link set eth0 up
  ip -n servers route add local 10.1.0.0/16 dev lo
  sysctl -qw net.ipv4.neigh.default.gc_thresh1=16384 net.ipv4.neigh.default.gc_thresh2=32768 net.ipv4.neigh.default.gc_thresh3=65536
  sysctl -qw net.ipv4.tcp_max_syn_backlog=8192 net.core.somaxconn=8192
  ip netns exec servers sysctl -qw net.core.somaxconn=8192 net.ipv4.tcp_max_syn_backlog=8192`);
const server = spawn('ip', ['netns', 'exec', 'servers', 'perl', '-e', accept], { stdio: 'inherit' });
await sleep(500);

const results = {};
for (const [name, peer] of Object.entries(peers)) results[name] = await measure(peer, server);
server.kill('SIGTERM');

const { lvsd, keepalived } = results;
console.log(`${count} servers, TCP checks each second, on Linux ${sh('uname -r').trim()}, emulated`);
console.log(
  `| | lvsd ${peers.lvsd.version} | keepalived ${peers.keepalived.version} | ratio |\n| --- | --- | --- | --- |`,
);
for (const figure of Object.keys(lvsd)) {
  const cells = [lvsd[figure], keepalived[figure], lvsd[figure] / keepalived[figure]].map((n) => n.toPrecision(3));
  console.log(`| ${figure} | ${cells.join(' | ')} |`);
}
