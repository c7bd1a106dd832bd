import { describe, expect, test } from '@jest/globals';
import type { Lookup } from '../../../src/kernel/text/lookup.ts';
import { parseRules, type Rule } from '../../../src/kernel/text/parse-rules.ts';
import { formatRules } from '../../../src/kernel/text/rules.ts';
import { service } from '../../contract/kernel.ts';

const lookup: Lookup = {
  host: (name) => (name === 'www.example.org' ? '192.0.2.1' : undefined),
  port: (name, protocol) => (name === 'domain' && protocol !== 'sctp' ? 53 : undefined),
};

/** The one rule in a text that is right. */
function ruleIn(text: string): Rule | undefined {
  const { rules, issues } = parseRules(text, lookup);
  expect(issues).toEqual([]);
  expect(rules).toHaveLength(1);
  return rules[0]?.rule;
}

/** What is wrong with a text of one line. */
function issueIn(text: string): string | undefined {
  const { rules, issues } = parseRules(text, lookup);
  expect(rules).toEqual([]);
  expect(issues).toHaveLength(1);
  return issues[0]?.message;
}

/** A rule that adds a service, as `save` would print it. */
function saved(text: string): string {
  const rule = ruleIn(text);
  if (rule?.kind !== 'add_service') throw new Error(`${text} adds no service`);
  return formatRules(new Map([['one', { ...rule.service, servers: new Map() }]])).trimEnd();
}

/** A server as `save --complete` would print it, with what is left out filled in. */
function savedServer(text: string): string | undefined {
  const rule = ruleIn(text);
  if (rule?.kind !== 'add_server') throw new Error(`${text} adds no server`);
  const { identity, server } = rule;
  const table = new Map([['one', { ...service({ identity }), servers: new Map([['one', server]]) }]]);
  return formatRules(table, true).split('\n')[1];
}

describe('a service is read in every spelling', () => {
  test.each([
    ['-A -t 192.0.2.1:80 -s rr', '-A -t 192.0.2.1:80 -s rr'],
    ['ipvsadm -A -t 192.0.2.1:80', '-A -t 192.0.2.1:80 -s wlc'],
    ['--add-service --tcp-service 192.0.2.1:80 --scheduler rr', '-A -t 192.0.2.1:80 -s rr'],
    ['--add-service --tcp-service=192.0.2.1:80 --scheduler=rr', '-A -t 192.0.2.1:80 -s rr'],
    ['-At 192.0.2.1:80 -srr', '-A -t 192.0.2.1:80 -s rr'],
    ['-At192.0.2.1:80 -s=rr', '-A -t 192.0.2.1:80 -s rr'],
    ['-t 192.0.2.1:80 -A', '-A -t 192.0.2.1:80 -s wlc'],
    ['  \t-A   -t\t192.0.2.1:80  \r', '-A -t 192.0.2.1:80 -s wlc'],
    ['-A -t 192.0.2.1:80 # the web', '-A -t 192.0.2.1:80 -s wlc'],
    ['-A -u www.example.org:domain', '-A -u 192.0.2.1:53 -s wlc'],
    ['-A -t 192.0.2.1:080', '-A -t 192.0.2.1:80 -s wlc'],
    ['-A --udp-service [2001:db8::1]:53 --ops', '-A -u [2001:db8::1]:53 -s wlc -o'],
    ['-A --sctp-service [2001:DB8:0::1]:9', '-A --sctp-service [2001:db8::1]:9 -s wlc'],
    ['-A -t 2001:db8::1 -p', '-A -t [2001:db8::1]:0 -s wlc -p 360'],
    ['-A -t [2001:db8::1] -p 7 -M 64', '-A -t [2001:db8::1]:0 -s wlc -p 7 -M 64'],
    ['-A -t 192.0.2.1 -p', '-A -t 192.0.2.1:0 -s wlc -p 360'],
    ['-A -p -t 192.0.2.1', '-A -t 192.0.2.1:0 -s wlc -p 360'],
    ['-A -t 192.0.2.1 -p600', '-A -t 192.0.2.1:0 -s wlc -p 600'],
    ['-A -t 192.0.2.1:80 --persistent=600 --pe sip', '-A -t 192.0.2.1:80 -s wlc -p 600 --pe sip'],
    ['-A -t 192.0.2.1:80 -p 1 -M 255.255.255.0', '-A -t 192.0.2.1:80 -s wlc -p 1 -M 255.255.255.0'],
    ['-A -t 192.0.2.1:80 -p 1 -M 255.0.255.0', '-A -t 192.0.2.1:80 -s wlc -p 1 -M 255.0.255.0'],
    ['-A -t 192.0.2.1:80 -M 255.255.255.0 --pe sip', '-A -t 192.0.2.1:80 -s wlc'],
    ['-A --fwmark-service 8', '-A -f 8 -s wlc'],
    ['-A -6 -f 8 -M 64 -p 5', '-A -f 8 -6 -s wlc -p 5 -M 64'],
    ['-A -f 4294967295 --ipv6 -o', '-A -f 4294967295 -6 -s wlc -o'],
    ['-A -f -1', '-A -f 4294967295 -s wlc'],
    ['-A -f -67 -6', '-A -f 4294967229 -6 -s wlc'],
    ['-A -f 8 -s sh -b sh-port,sh-fallback', '-A -f 8 -s sh -b sh-fallback,sh-port'],
    ['-A -f 8 -s mh --sched-flags flag-2,mh-port,flag-3', '-A -f 8 -s mh -b mh-port,flag-3'],
  ])('%s', (text, expected) => {
    expect(saved(text)).toBe(expected);
  });
});

describe('a server is read in every spelling', () => {
  test.each([
    ['-a -t 192.0.2.1:80 -r 10.0.0.1', '-r 10.0.0.1:80 -g -w 1'],
    [
      '--add-server --tcp-service 192.0.2.1:80 --real-server 10.0.0.1:80 --gatewaying --weight 0',
      '-r 10.0.0.1:80 -g -w 0',
    ],
    ['-a -t 192.0.2.1:80 -r 10.0.0.1:8080 -mw 3', '-r 10.0.0.1:8080 -m -w 3'],
    ['-a -t 192.0.2.1:80 -r 10.0.0.1:8080 -g', '-r 10.0.0.1:80 -g -w 1'],
    ['-a -t 192.0.2.1:80 -r 10.0.0.1:8080 --ipip', '-r 10.0.0.1:80 -i -w 1 --tun-type ipip'],
    ['-a -f 8 -r 10.0.0.1', '-r 10.0.0.1:0 -g -w 1'],
    ['-a -f 8 -r www.example.org:domain -i', '-r 192.0.2.1:53 -i -w 1 --tun-type ipip'],
    ['-a -f 8 -r 10.0.0.1 --masquerading -w 2147483647', '-r 10.0.0.1:0 -m -w 2147483647'],
    ['-a -f 8 -6 -r 2001:db8::7 -x 5 -y 5', '-r [2001:db8::7]:0 -g -w 1 -x 5 -y 5'],
    ['-a -f 8 -6 -r 10.0.0.1 -i --u-threshold 9', '-r 10.0.0.1:0 -i -w 1 --tun-type ipip -x 9'],
    ['-a -f 8 -r 10.0.0.1 -i --tun-type gre', '-r 10.0.0.1:0 -i -w 1 --tun-type gre --tun-nocsum'],
    [
      '-a -f 8 -r 10.0.0.1 -i --tun-type gue --tun-port 6080 --tun-csum',
      '-r 10.0.0.1:0 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum',
    ],
  ])('%s', (text, expected) => {
    expect(savedServer(text)?.replace(/^-a .*?(?=-r )/, '')).toBe(expected);
  });
});

test.each([
  ['-C', { kind: 'clear' }],
  ['--clear', { kind: 'clear' }],
  ['-Z', { kind: 'zero', identity: undefined }],
  ['-D -f 8', { kind: 'del_service', identity: { kind: 'fwmark', mark: 8, family: 'ipv4' } }],
  ['-Zf 8', { kind: 'zero', identity: { kind: 'fwmark', mark: 8, family: 'ipv4' } }],
  ['-d -f 8 -r 10.0.0.1:8', { kind: 'del_server', server: { address: '10.0.0.1', port: 8 } }],
  ['-e -f 8 -r 10.0.0.1:8', { kind: 'edit_server', server: { address: '10.0.0.1', port: 8, weight: 1 } }],
  ['-E -f 8', { kind: 'edit_service', service: { scheduler: 'wlc' } }],
  ['--set 900 120 300', { kind: 'set_timeouts', timeouts: { tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 } }],
  ['--stop-daemon backup', { kind: 'stop_daemon', role: 'backup' }],
  [
    '--start-daemon=master',
    {
      kind: 'start_daemon',
      daemon: { role: 'master', interface: 'eth0', syncId: 0, group: '224.0.0.81', port: 8848, ttl: 1, maxLength: 0 },
    },
  ],
  [
    '--start-daemon backup --mcast-interface eth1 --syncid 255 --mcast-group FF05::8 --mcast-port 9 --mcast-ttl 4 --sync-maxlen 1400',
    {
      kind: 'start_daemon',
      daemon: { role: 'backup', interface: 'eth1', syncId: 255, group: 'ff05::8', port: 9, ttl: 4, maxLength: 1400 },
    },
  ],
])('%s is a rule', (text, rule) => {
  expect(ruleIn(text)).toMatchObject(rule);
});

test.each([
  ['80', 'no command, such as -A or -a'],
  ['-t 192.0.2.1:80', 'no command, such as -A or -a'],
  ['-A -D -f 8', 'two commands, --add-service and --delete-service'],
  ['-L', "unknown option '-L'"],
  ['-A -f 8 --frobnicate', "unknown option '--frobnicate'"],
  ['-A -f 8 -', "unknown option '-'"],
  ['-A -f', "option '-f' needs a value"],
  ['-Apt 192.0.2.1', "unexpected argument '192.0.2.1'"],
  ['-A --ops=1 -f 8', "option '--ops=1' takes no value"],
  ['-A -f 8 -s rr -s wrr', "option '-s' is given twice"],
  ['-A -f 8 --scheduler rr -swrr', "option '-swrr' is given twice"],
  ['-A -f 8 eight', "unexpected argument 'eight'"],
  ['-A -f 8 -w 1', 'option --weight does not go with --add-service'],
  ['-C -f 8', 'option --fwmark-service does not go with --clear'],
  ['-A', '--add-service needs a service: -t, -u, --sctp-service or -f'],
  ['-A -f 8 -t 192.0.2.1:80', '--tcp-service and --fwmark-service exclude each other'],
  ['-a -f 8', '--add-server needs a server: -r'],
  ['-A -t 192.0.2.1', 'a service of every port (port 0) needs persistence: -p'],
  ['-A -t 192.0.2.1:80 -o', 'option --ops is for UDP services and marks alone'],
  ['-A -t 192.0.2.1:80 -6', 'option -6 goes with -f alone'],
  ['-A -t "192.0.2.1:80"', "'\"192.0.2.1' is not an IP address"],
  ['-A -t 10.1:80', "'10.1' is not an IP address: write all four parts in decimal, without leading zeros"],
  ['-A -t 12345 -p', "'12345' is not an IP address: write all four parts in decimal, without leading zeros"],
  ['-A -t nonesuch.example:80', "'nonesuch.example' is no IP address, and a name without an IPv4 address"],
  ['-A -t 192.0.2.1:80x', "'80x' is not a port: write a number from 0 to 65535, or a name of tcp in /etc/services"],
  ['-A -t 192.0.2.1:65536', "'65536' is not a port: write a number from 0 to 65535, or a name of tcp in /etc/services"],
  [
    '-A --sctp-service 192.0.2.1:domain',
    "'domain' is not a port: write a number from 0 to 65535, or a name of sctp in /etc/services",
  ],
  ['-A -f 0', '0 is not a firewall mark: it is the mark of packets without one'],
  ['-A -f 0x8', "'0x8' is not a value of --fwmark-service: write a number from -2147483648 to 4294967295"],
  [
    '-A -f 4294967296',
    "'4294967296' is not a value of --fwmark-service: write a number from -2147483648 to 4294967295",
  ],
  ['-A -f 8 -p 0', "'0' is not a value of --persistent: write a number from 1 to 2678400"],
  ['-A -f 8 -p 10m', "'10m' is not a value of --persistent: write a number from 1 to 2678400"],
  ['-A -f 8 -p -M 24', "'24' is not a value of --netmask: write a mask such as 255.255.255.0"],
  ['-A -f 8 -6 -p -M 0', "'0' is not a value of --netmask: write a number from 1 to 128"],
  ['-A -f 8 -b sh-port', "'sh-port' is a flag of the scheduler sh, not of wlc"],
  ['-A -f 8 -s sh -b sh-prot', "'sh-prot' is not a flag of a scheduler"],
  ['-A -f 8 -s 1234567890123456', "'1234567890123456' is not a value of --scheduler: write a name of 1 to 15 bytes"],
  ['-A -f 8 --scheduler=', "'' is not a value of --scheduler: write a name of 1 to 15 bytes"],
  ['-a -f 8 -r 10.0.0.1 -w -1', "'-1' is not a value of --weight: write a number from 0 to 2147483647"],
  ['-a -f 8 -r 10.0.0.1 -w 2147483648', "'2147483648' is not a value of --weight: write a number from 0 to 2147483647"],
  ['-a -f 8 -r 10.0.0.1 -m -i', '--ipip and --masquerading exclude each other'],
  ['-a -f 8 -r 10.0.0.1 -y 1', 'the lower threshold (-y 1) is above the upper (-x 0)'],
  ['-a -f 8 -r 2001:db8::7 -m', "2001:db8::7 is not of the service's address family: only a tunnel (-i) leads there"],
  ['-a -f 8 -r 10.0.0.1 --tun-type gre', 'option --tun-type goes with -i alone'],
  ['-a -f 8 -r 10.0.0.1 -i --tun-type gre --tun-port 9', 'a tunnel of type gre has no --tun-port'],
  ['-a -f 8 -r 10.0.0.1 -i --tun-type gre --tun-remcsum', 'a tunnel of type gre has no --tun-remcsum'],
  ['-a -f 8 -r 10.0.0.1 -i --tun-csum', 'a tunnel of type ipip has no --tun-csum'],
  ['-a -f 8 -r 10.0.0.1 -i --tun-type gue', 'a tunnel of type gue needs --tun-port'],
  [
    '-a -f 8 -r 10.0.0.1 -i --tun-type gue --tun-port 0',
    "'0' is not a value of --tun-port: write a number from 1 to 65535",
  ],
  [
    '-a -f 8 -r 10.0.0.1 -i --tun-type gue --tun-port 1 --tun-csum --tun-nocsum',
    '--tun-nocsum and --tun-csum exclude each other',
  ],
  ['-a -f 8 -r 10.0.0.1 -i --tun-type vxlan', "'vxlan' is not a value of --tun-type: write ipip, gue or gre"],
  ['--set 1 2', '--set needs three timeouts: of TCP, of TCP after a FIN, of UDP'],
  ['--set 1 2 3 4', "unexpected argument '4'"],
  ['--set 1 2 2678401', "'2678401' is not a value of --set: write a number from 0 to 2678400"],
  ['--start-daemon boss', "'boss' is not the role of a daemon: write master or backup"],
  ['--start-daemon', "option '--start-daemon' needs a value"],
  [
    '--start-daemon master --mcast-group 10.0.0.1',
    "'10.0.0.1' is not a value of --mcast-group: write a multicast address",
  ],
  [
    '--start-daemon master --mcast-group fe80::1',
    "'fe80::1' is not a value of --mcast-group: write a multicast address",
  ],
  ['--start-daemon master --syncid 256', "'256' is not a value of --syncid: write a number from 0 to 255"],
  ['--stop-daemon master --mcast-ttl 1', 'option --mcast-ttl does not go with --stop-daemon'],
])('%s is refused: %s', (text, message) => {
  expect(issueIn(text)).toBe(message);
});

test('letters without end are no trouble', () => {
  const { issues } = parseRules(`-${'A'.repeat(200_000)}`, lookup);
  expect(issues).toEqual([{ line: 1, message: "option '-A' is given twice" }]);
});

test('every line that is wrong is told with its number, and empty lines and comments are passed over', () => {
  const text = '# made by hand\n\n-A -f 8\r\n   # more\nipvsadm\n-A -f\n-a -f 8 -r 10.0.0.1\n-b\n-C';
  const { rules, issues } = parseRules(text, lookup);
  expect(rules.map(({ line, rule }) => [line, rule.kind])).toEqual([
    [3, 'add_service'],
    [7, 'add_server'],
    [9, 'clear'],
  ]);
  expect(issues).toEqual([
    { line: 6, message: "option '-f' needs a value" },
    { line: 8, message: "option '-b' needs a value" },
  ]);
});
