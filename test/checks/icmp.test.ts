import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { icmp } from '../../checks/icmp.ts';
import { preferNode } from '../../src/net/engine.ts';
import { ManualDeadline } from '../../src/run/deadline.ts';
import { type PingStandIn, standInForPing } from '../support/ping.ts';
import { runOf } from '../support/probing.ts';
import { testWith } from '../support/program.ts';

const target = { address: '10.3.3.9', port: 0 };
const head = 'PING 10.3.3.9 (10.3.3.9) 56(84) bytes of data.';
const statistics = '--- 10.3.3.9 ping statistics ---\n1 packets transmitted, 0 received, 100% packet loss, time 0ms';

let standIn: PingStandIn | undefined;

beforeEach(() => preferNode(true));

afterEach(() => {
  preferNode(false);
  standIn?.remove();
  standIn = undefined;
});

/** Has `ping` print these lines and exit with this code. */
function pingSays(code: number, ...lines: readonly string[]): void {
  standIn = standInForPing(`cat <<'END'\n${lines.join('\n')}\nEND\nexit ${code}`);
}

testWith('ping', 'iputils-ping').each(['127.0.0.1', '::1'])('the real ping gets a reply from %s', async (address) => {
  const observation = await runOf(icmp, { address, port: 0 });
  expect(observation).toMatchObject({
    pass: true,
    reason: 'L4OK',
    detail: 'replied',
  });
  expect(observation.phases.rtt).toBeGreaterThan(0);
});

test.each(['127.0.0.1', '::1'])('a socket of our own gets a reply from %s', async (address) => {
  preferNode(false);
  standIn = standInForPing('exit 3');
  const observation = await runOf(icmp, { address, port: 0 });
  expect(observation).toMatchObject({
    pass: true,
    reason: 'L4OK',
    detail: 'replied',
  });
  expect(observation.phases.rtt).toBeGreaterThan(0);
});

test('a path is used by a socket of our own', async () => {
  preferNode(false);
  const probe = (options: object) => runOf(icmp, { address: '127.0.0.1', port: 0 }, { ...options });
  expect(await probe({ source: '127.5.5.5', interface: 'lo' })).toMatchObject({ reason: 'L4OK' });
  await expect(probe({ source: '192.0.2.77' })).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
  await expect(probe({ interface: 'no-such-0' })).rejects.toMatchObject({ code: 'ENODEV' });
});

test('a reply passes with its round trip', async () => {
  pingSays(0, head, '64 bytes from 10.3.3.9: icmp_seq=1 ttl=64 time=1.12 ms', '', statistics);
  expect(await runOf(icmp, target)).toEqual({
    pass: true,
    reason: 'L4OK',
    detail: 'replied',
    phases: { rtt: 1.12 },
  });
});

test('no reply is a timeout', async () => {
  pingSays(1, head, '', statistics);
  expect(await runOf(icmp, target)).toMatchObject({ pass: false, reason: 'L4TOUT', detail: 'no reply' });
});

test.each([
  ['From 10.3.3.1 icmp_seq=1 Destination Host Unreachable', 'Destination Host Unreachable'],
  [
    'From 2001:db8::1%eth0 icmp_seq=1 Destination unreachable: Administratively prohibited',
    'Destination unreachable: Administratively prohibited',
  ],
])('the answer of a router, "%s", fails with its words', async (line, detail) => {
  pingSays(1, head, line, '', statistics);
  expect(await runOf(icmp, target)).toMatchObject({ pass: false, reason: 'L4CON', detail });
});

test('a network without a route fails the server', async () => {
  pingSays(2, 'ping: connect: Network is unreachable');
  expect(await runOf(icmp, target)).toMatchObject({ pass: false, reason: 'L4CON', detail: 'Network is unreachable' });
});

test.each([
  [2, ['ping: socktype: SOCK_RAW', 'ping: socket: Operation not permitted'], 'EPERM'],
  [1, [head, 'ping: sendmsg: Operation not permitted', '', statistics], 'EPERM'],
  [1, [head, 'ping: sendmsg: No buffer space available', '', statistics], 'ENOBUFS'],
  [2, ["ping: invalid argument: 'x'"], 'EINVAL'],
  [2, ['Usage', 'a=b c=d e=f'], 'EPROTO'],
  [0, ['PING', 'a=b c=d e=f'], 'EPROTO'],
])('exit code %d with %j teaches nothing', async (code, lines, errno) => {
  pingSays(code, ...lines);
  await expect(runOf(icmp, target)).rejects.toMatchObject({ name: 'Unlearned', code: errno });
});

test('a ping that may not send teaches nothing, though it goes on to wait until the deadline', async () => {
  standIn = standInForPing("echo 'ping: sendmsg: Operation not permitted' >&2\ntouch said\nexec sleep 60");
  const deadline = new ManualDeadline();
  const run = icmp.run(target, icmp.options.parse({}), deadline);
  while (!existsSync(join(standIn.directory, 'said'))) await turn();
  for (let turns = 0; turns < 10; turns++) await turn();
  deadline.pass();
  await expect(run).rejects.toMatchObject({ name: 'Unlearned', code: 'EPERM' });
});

test('without a program ping nothing is learned', async () => {
  const path = process.env.PATH;
  process.env.PATH = '/nonexistent';
  const run = runOf(icmp, target);
  process.env.PATH = path;
  await expect(run).rejects.toMatchObject({
    name: 'Unlearned',
    code: 'ENOENT',
    message: 'Cannot run ping: no such file or directory',
  });
});

test('a target that is no address is never passed to ping', async () => {
  standIn = standInForPing('touch ran');
  await expect(runOf(icmp, { address: '--help', port: 0 })).rejects.toMatchObject({ code: 'EINVAL' });
  expect(existsSync(join(standIn.directory, 'ran'))).toBe(false);
});

test('ping is asked for one echo, without names, and speaks the C locale', async () => {
  standIn = standInForPing(`echo "$LC_ALL $*" > asked; exit 1`);
  await runOf(icmp, target);
  expect(readFileSync(join(standIn.directory, 'asked'), 'utf8')).toBe('C -n -W 60 -c 1 -s 56 10.3.3.9\n');
});

test('ping is told the path', async () => {
  standIn = standInForPing(`echo "$*" > asked; exit 1`);
  await runOf(icmp, target, { source: '10.3.3.1', interface: 'eth1', mark: 9 });
  expect(readFileSync(join(standIn.directory, 'asked'), 'utf8')).toBe(
    '-n -W 60 -c 1 -s 56 -I eth1 -I 10.3.3.1 -m 9 10.3.3.9\n',
  );
});

test('a ping that does not stop talking is not listened to for ever', async () => {
  standIn = standInForPing('exec yes');
  expect(await runOf(icmp, target, {}, AbortSignal.timeout(100))).toMatchObject({ pass: false, reason: 'L4TOUT' });
});
