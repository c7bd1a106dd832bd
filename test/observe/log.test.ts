import { expect, test } from '@jest/globals';
import type { LogLevel } from '../../src/core/config.ts';
import type { AgentEvent } from '../../src/core/event.ts';
import { fail } from '../../src/core/observation.ts';
import { createLog } from '../../src/observe/log.ts';
import { isJournal } from '../../src/observe/log-format.ts';
import { logTable } from '../../src/observe/log-table.ts';
import { change, failing, makeServer, noDescriptors, passing, ref, seen, web } from './support.ts';

const time = new Date(Date.UTC(2026, 10, 22, 23, 51, 3, 408));
const service = {
  identity: web.identity,
  scheduler: 'wlc',
  schedulerFlags: [],
  isOnePacket: false,
  persistence: undefined,
};
const addServer = { kind: 'add_server', service, server: makeServer('172.16.100.10') } as const;
const setTimeouts = {
  kind: 'set_timeouts',
  timeouts: { tcpSeconds: 900, tcpFinSeconds: 0, udpSeconds: 0 },
} as const;
const startDaemon = {
  kind: 'start_daemon',
  daemon: { role: 'master', interface: 'eth9', syncId: 0, group: '224.0.0.81', port: 8848, ttl: 1, maxLength: 0 },
} as const;
const startCommand =
  'ipvsadm --start-daemon master --mcast-interface eth9 --syncid 0 --mcast-group 224.0.0.81 --mcast-port 8848 --mcast-ttl 1';
const row = { service: 'TCP 172.16.100.100:80', server: '172.16.100.10:80' };

interface Setup {
  readonly format?: 'json' | 'text';
  readonly level?: LogLevel;
  readonly isJournal?: boolean;
  readonly isColoured?: boolean;
}

function openLog({ format = 'json', level = 'debug', isJournal = false, isColoured = false }: Setup = {}) {
  const lines: string[] = [];
  const clock = { now: time };
  const log = createLog({
    format,
    level,
    isJournal,
    isColoured,
    write: (line) => lines.push(line),
    clock: () => clock.now,
  });
  return { lines, clock, observe: log.observe };
}

function linesOf(event: AgentEvent, setup?: Setup): readonly string[] {
  const { lines, observe } = openLog(setup);
  observe(event);
  return lines;
}

function run(result = seen(failing)): Extract<AgentEvent, { type: 'check_ran' }> {
  return { type: 'check_ran', checks: [ref('web', '172.16.100.10:80')], result, durationMs: 12.5, lagMs: 0 };
}

const head = (level: string, action: string, message: string) =>
  `{"@timestamp":"2026-11-22T23:51:03.408Z","log.level":"${level}","event.action":"${action}","message":"${message}"`;
const serverFields = `"lvs.service":"web","lvs.server":"172.16.100.10:80","server.ip":"172.16.100.10","server.port":80`;

const golden: readonly (readonly [AgentEvent, ...string[]])[] = [
  [
    { type: 'agent_started', version: '0.1.0', services: 2, servers: 3 },
    `${head('notice', 'agent_started', 'lvsd 0.1.0 started with 2 services and 3 servers')},"service.version":"0.1.0","lvs.services.total":2,"lvs.servers.total":3}`,
  ],
  [{ type: 'agent_ready' }, `${head('notice', 'agent_ready', 'Ready: the first verdicts are in the table')}}`],
  [{ type: 'agent_stopping', cause: 'SIGTERM' }, `${head('notice', 'agent_stopping', 'Stopping: SIGTERM')}}`],
  [{ type: 'agent_stopped' }, `${head('notice', 'agent_stopped', 'Stopped')}}`],
  [
    { type: 'agent_warning', code: 'ENOSPC', message: 'Cannot write the state' },
    `${head('warn', 'agent_warning', 'Cannot write the state')},"error.code":"ENOSPC","error.message":"Cannot write the state"}`,
  ],
  [
    change('down'),
    `${head('error', 'server_down', 'web: 172.16.100.10:80 is down: L7STS status 503; 1 of 2 servers up')},${serverFields},"lvs.reason":"L7STS","lvs.state.from":"up","lvs.state.to":"down","lvs.weight.from":2,"lvs.weight.to":0,"lvs.servers.up":1,"lvs.servers.total":2,"event.outcome":"failure","error.message":"status 503"}`,
  ],
  [
    change('up', { from: 'unknown', isFallback: true }),
    `${head('notice', 'server_up', 'web: fallback server 172.16.100.10:80 is up: L7OK status 200; 2 of 2 servers up')},${serverFields},"lvs.reason":"L7OK","lvs.state.from":"unknown","lvs.state.to":"up","lvs.weight.from":0,"lvs.weight.to":2,"lvs.servers.up":2,"lvs.servers.total":2,"event.outcome":"success"}`,
  ],
  [
    change('up', { observation: undefined }),
    `${head('notice', 'server_up', 'web: 172.16.100.10:80 is up: by a reload; 2 of 2 servers up')},${serverFields},"lvs.state.from":"down","lvs.state.to":"up","lvs.weight.from":0,"lvs.weight.to":2,"lvs.servers.up":2,"lvs.servers.total":2,"event.outcome":"success"}`,
  ],
  [change('down', { to: 'unknown' })],
  [
    { type: 'service_changed', service: 'web', to: 'down', serversUp: 0, serversTotal: 2 },
    `${head('fatal', 'service_down', 'web is down: 0 of 2 servers in rotation')},"lvs.service":"web","lvs.servers.up":0,"lvs.servers.total":2,"event.outcome":"failure"}`,
  ],
  [
    { type: 'service_changed', service: 'web', to: 'up', serversUp: 1, serversTotal: 2 },
    `${head('notice', 'service_up', 'web is up: 1 of 2 servers in rotation')},"lvs.service":"web","lvs.servers.up":1,"lvs.servers.total":2,"event.outcome":"success"}`,
  ],
  [
    { type: 'fallback_changed', service: 'web', isActive: true },
    `${head('error', 'fallback_on', 'web: its fallback servers stand in')},"lvs.service":"web"}`,
  ],
  [
    { type: 'fallback_changed', service: 'web', isActive: false },
    `${head('notice', 'fallback_off', 'web: its fallback servers stand in no more')},"lvs.service":"web"}`,
  ],
  [
    { type: 'fail_open_changed', service: 'web', isActive: true },
    `${head('error', 'fail_open_on', 'web fails open: servers that are down stay in the table')},"lvs.service":"web"}`,
  ],
  [
    { type: 'fail_open_changed', service: 'web', isActive: false },
    `${head('notice', 'fail_open_off', 'web fails open no more')},"lvs.service":"web"}`,
  ],
  [
    { type: 'override_changed', service: 'web', server: '172.16.100.10:80', from: undefined, to: 'drain' },
    `${head('notice', 'server_drain_started', 'web: 172.16.100.10:80 drains: no new connections')},${serverFields}}`,
  ],
  [
    { type: 'override_changed', service: 'web', server: '172.16.100.10:80', from: 'drain', to: 'maintenance' },
    `${head('notice', 'server_drain_finished', 'web: 172.16.100.10:80 drains no more')},${serverFields}}`,
    `${head('notice', 'maintenance_on', 'web: 172.16.100.10:80 is in maintenance: out of the table')},${serverFields}}`,
  ],
  [
    { type: 'override_changed', service: 'web', server: '172.16.100.10:80', from: 'maintenance', to: undefined },
    `${head('notice', 'maintenance_off', 'web: 172.16.100.10:80 is out of maintenance: its health decides')},${serverFields}}`,
  ],
  [
    { type: 'server_drain_finished', service: 'web', server: '172.16.100.10:80' },
    `${head('notice', 'server_drain_finished', 'web: 172.16.100.10:80 is drained: its connections have ended')},${serverFields}}`,
  ],
  [
    { type: 'reconciled', trigger: 'timer', isOk: false, durationMs: 1, results: [{ op: addServer, error: 'EEXIST' }] },
    `${head('error', 'ipvs_op_failed', 'Cannot apply ipvsadm -a -t 172.16.100.100:80 -r 172.16.100.10:80 -g -w 1: kernel answered EEXIST')},"lvs.row":"TCP 172.16.100.100:80 172.16.100.10:80","lvs.op":"ipvsadm -a -t 172.16.100.100:80 -r 172.16.100.10:80 -g -w 1","event.outcome":"failure","error.code":"EEXIST"}`,
  ],
  [
    { type: 'op_planned', op: addServer },
    `${head('info', 'ipvs_op_planned', 'Would apply ipvsadm -a -t 172.16.100.100:80 -r 172.16.100.10:80 -g -w 1')},"lvs.row":"TCP 172.16.100.100:80 172.16.100.10:80","lvs.op":"ipvsadm -a -t 172.16.100.100:80 -r 172.16.100.10:80 -g -w 1"}`,
  ],
  [
    { type: 'drift_found', isRepaired: true, drifts: [{ kind: 'missing', ...row }] },
    `${head('warn', 'ipvs_drift_repaired', 'Somebody else changed the table: TCP 172.16.100.100:80 172.16.100.10:80 is missing; repaired')},"lvs.row":"TCP 172.16.100.100:80 172.16.100.10:80","lvs.drift":"missing"}`,
  ],
  [
    { type: 'drift_found', isRepaired: false, drifts: [{ kind: 'different', ...row, server: undefined }] },
    `${head('warn', 'ipvs_drift_found', 'Somebody else changed the table: TCP 172.16.100.100:80 is different; left so')},"lvs.row":"TCP 172.16.100.100:80","lvs.drift":"different"}`,
  ],
  [
    {
      type: 'reconciled',
      trigger: 'timer',
      isOk: false,
      durationMs: 1,
      results: [{ op: { kind: 'add_service', service: { ...service, scheduler: 'twos' } }, error: 'ENOENT' }],
    },
    `${head('error', 'ipvs_op_failed', 'Cannot apply ipvsadm -A -t 172.16.100.100:80 -s twos: kernel answered ENOENT: it has no scheduler twos')},"lvs.row":"TCP 172.16.100.100:80","lvs.op":"ipvsadm -A -t 172.16.100.100:80 -s twos","event.outcome":"failure","error.code":"ENOENT","error.message":"it has no scheduler twos"}`,
  ],
  [
    { type: 'settings_changed', results: [{ op: setTimeouts }, { op: startDaemon, error: 'ENODEV' }] },
    `${head('error', 'ipvs_op_failed', `Cannot apply ${startCommand}: kernel answered ENODEV: there is no interface eth9`)},"lvs.row":"sync daemon master","lvs.op":"${startCommand}","event.outcome":"failure","error.code":"ENODEV","error.message":"there is no interface eth9"}`,
  ],
  [
    { type: 'setting_planned', op: setTimeouts },
    `${head('info', 'ipvs_op_planned', 'Would apply ipvsadm --set 900 0 0')},"lvs.row":"timeouts","lvs.op":"ipvsadm --set 900 0 0"}`,
  ],
  [
    {
      type: 'drift_found',
      isRepaired: true,
      drifts: [{ kind: 'missing', service: 'sync daemon master', server: undefined }],
    },
    `${head('warn', 'ipvs_drift_repaired', 'Somebody else changed the table: sync daemon master is missing; repaired')},"lvs.row":"sync daemon master","lvs.drift":"missing"}`,
  ],
  [
    { type: 'ipvs_unreachable', code: 'ENOENT', message: 'no module ip_vs' },
    `${head('error', 'ipvs_unreachable', 'Cannot reach the IPVS of the kernel: no module ip_vs')},"event.outcome":"failure","error.code":"ENOENT","error.message":"no module ip_vs"}`,
  ],
  [
    { type: 'ipvs_recovered' },
    `${head('notice', 'ipvs_recovered', 'The IPVS of the kernel answers again')},"event.outcome":"success"}`,
  ],
  [
    { type: 'config_reloaded', services: 1, servers: 2 },
    `${head('notice', 'config_reloaded', 'Configuration reloaded: 1 services, 2 servers')},"lvs.services.total":1,"lvs.servers.total":2,"event.outcome":"success"}`,
  ],
  [
    { type: 'config_rejected', issues: ['a.yaml:1:1: x: bad', 'a.yaml:2:1: y: worse'] },
    `${head('error', 'config_rejected', 'Configuration rejected, the old one goes on: a.yaml:1:1: x: bad; a.yaml:2:1: y: worse')},"event.outcome":"failure","lvs.issues":["a.yaml:1:1: x: bad","a.yaml:2:1: y: worse"]}`,
  ],
  [
    run(),
    `${head('debug', 'check_failed', 'web: 172.16.100.10:80 check http failed: L7STS status 503')},${serverFields},"lvs.check":"http","lvs.reason":"L7STS","event.duration":12500000,"event.outcome":"failure","error.message":"status 503"}`,
  ],
  [
    run(seen(passing)),
    `${head('debug', 'check_passed', 'web: 172.16.100.10:80 check http passed: L7OK status 200')},${serverFields},"lvs.check":"http","lvs.reason":"L7OK","event.duration":12500000,"event.outcome":"success"}`,
  ],
  [
    run(noDescriptors),
    `${head('warn', 'check_inconclusive', 'web: 172.16.100.10:80 check http learned nothing, through a fault of ours: EMFILE too many open files')},${serverFields},"lvs.check":"http","event.duration":12500000,"event.outcome":"unknown","error.code":"EMFILE","error.message":"too many open files"}`,
  ],
];

test.each(golden.map(([event, ...lines]) => ({ type: event.type, event, lines })))(
  '$type gives exactly its golden lines',
  ({ event, lines }) => {
    expect(linesOf(event)).toEqual(lines);
  },
);

test('every action of the table is among the golden lines, at its level', () => {
  const levels = new Map<string, string>();
  for (const line of golden.flatMap(([, ...lines]) => lines)) {
    const { 'event.action': action, 'log.level': level } = JSON.parse(line);
    levels.set(action, level);
  }
  const wanted = Object.entries(logTable).map(([action, { level }]) => [action, level]);
  expect(Object.fromEntries(levels)).toEqual(Object.fromEntries(wanted));
});

test('what is less urgent than the level is not written', () => {
  expect(linesOf(run(), { level: 'info' })).toEqual([]);
  expect(linesOf({ type: 'agent_ready' }, { level: 'warn' })).toEqual([]);
  expect(linesOf(run(noDescriptors), { level: 'warn' })).toHaveLength(1);
});

test('a terminal gets local time, level and message, in colour only where there are colours', () => {
  const { lines, clock, observe } = openLog({ format: 'text' });
  clock.now = new Date(2026, 10, 22, 12, 0, 5);
  observe(change('down'));
  expect(lines).toEqual([
    '2026-11-22 12:00:05 error  web: 172.16.100.10:80 is down: L7STS status 503; 1 of 2 servers up',
  ]);
  const [coloured] = linesOf(change('down'), { format: 'text', isColoured: true });
  expect(coloured).toContain(' \x1b[31merror \x1b[0m web: ');
});

test.each([
  ['fatal', { type: 'service_changed', service: 'web', to: 'down', serversUp: 0, serversTotal: 2 }, '<2>'],
  ['error', change('down'), '<3>'],
  ['warn', run(noDescriptors), '<4>'],
  ['notice', { type: 'agent_ready' }, '<5>'],
  ['info', { type: 'op_planned', op: addServer }, '<6>'],
  ['debug', run(), '<7>'],
] as const)('under journald a %s line starts with its priority', (_level, event, prefix) => {
  for (const format of ['json', 'text'] as const) {
    const [line = ''] = linesOf(event, { format, isJournal: true });
    expect(line.slice(0, 3)).toBe(prefix);
    expect(line.slice(3)).toBe(linesOf(event, { format })[0]);
  }
});

test('stdout is the journal only when JOURNAL_STREAM names its device and inode', () => {
  expect(isJournal('8:4711', { dev: 8, ino: 4711 })).toBe(true);
  expect(isJournal('8:4711', { dev: 8, ino: 4712 })).toBe(false);
  expect(isJournal(undefined, { dev: 8, ino: 4711 })).toBe(false);
});

const forgeries = [
  'x\n{"event.action":"server_up"}',
  'x\r\nweb: 10.0.0.1:80 is up',
  'x\x1b[2K\x1b[1Aweb is up',
  'x\u2028next\u2029line\u0085line',
  'x\0\x07\x7f\x9b31m',
  'x\ud800 half',
  'x\u202egnp.exe',
];

test.each(forgeries)('what a server answers cannot forge a line: %j', (detail) => {
  for (const format of ['json', 'text'] as const) {
    const lines = linesOf(change('down', { observation: fail('L7RSP', detail) }), { format });
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toMatch(/[\p{Cc}\p{Cs}\u2028-\u202e]/u);
    if (format === 'json') {
      const { message, 'error.message': said } = JSON.parse(lines[0] ?? '');
      expect(message + said).not.toMatch(/[\p{Cc}\p{Cs}\u2028-\u202e]/u);
    }
  }
});

test('a long answer is cut at 256, and not within a character', () => {
  const [line = ''] = linesOf(change('down', { observation: fail('L7RSP', `${'x'.repeat(254)}😀😀`) }));
  expect(JSON.parse(line)['error.message']).toBe(`${'x'.repeat(254)}…`);
  const [huge = ''] = linesOf(change('down', { observation: fail('L7RSP', '\0'.repeat(1_000_000)) }), {
    format: 'text',
  });
  expect(huge.length).toBeLessThan(400);
});

test('an inconclusive check is logged once a minute, with the count of what was not', () => {
  const { lines, clock, observe } = openLog({ level: 'info' });
  for (const second of [0, 1, 59, 60, 61]) {
    clock.now = new Date(time.getTime() + second * 1000);
    observe(run(noDescriptors));
  }
  expect(lines.map((line) => JSON.parse(line)['lvs.suppressed'])).toEqual([undefined, 2]);
});

test('a fault that all checks share is 20 lines a minute, and one that counts the rest', () => {
  const { lines, clock, observe } = openLog({ level: 'info' });
  const runAll = (code: string) => {
    for (let index = 0; index < 1000; index++) {
      const result = { kind: 'inconclusive', inconclusive: { code, message: 'no' } } as const;
      const checks = [ref('web', `10.0.0.1:${index}`)];
      observe({ type: 'check_ran', checks, result, durationMs: 0.1, lagMs: 0 });
    }
  };
  runAll('EMFILE');
  runAll('ENOBUFS');
  expect(lines.map((line) => JSON.parse(line)['error.code'])).toEqual([
    ...new Array(20).fill('EMFILE'),
    ...new Array(20).fill('ENOBUFS'),
  ]);
  clock.now = new Date(time.getTime() + 59_999);
  observe(run(seen(passing)));
  expect(lines).toHaveLength(40);
  clock.now = new Date(time.getTime() + 60_000);
  observe(run(seen(passing)));
  expect(lines.slice(40).map((line) => JSON.parse(line))).toEqual(
    ['EMFILE', 'ENOBUFS'].map((code) => ({
      '@timestamp': clock.now.toISOString(),
      'log.level': 'warn',
      'event.action': 'check_inconclusive',
      message: `980 more checks learned nothing, through a fault of ours: ${code}`,
      'event.outcome': 'unknown',
      'error.code': code,
      'lvs.suppressed': 980,
    })),
  );
  runAll('EMFILE');
  expect(lines).toHaveLength(62);
});

test('a fault that few checks share is not counted beside their lines', () => {
  const { lines, clock, observe } = openLog({ level: 'info' });
  for (let index = 0; index < 20; index++)
    observe({ ...run(noDescriptors), checks: [ref('web', `10.0.0.1:${index}`)] });
  clock.now = new Date(time.getTime() + 60_000);
  observe(run());
  expect(lines).toHaveLength(20);
});

test('another fault of the same check is news', () => {
  const { lines, observe } = openLog({ level: 'info' });
  observe(run(noDescriptors));
  observe(run({ kind: 'inconclusive', inconclusive: { code: 'ENOBUFS', message: 'no buffers' } }));
  expect(lines).toHaveLength(2);
});

test('a wall clock that was set back does not silence anything', () => {
  const { lines, clock, observe } = openLog({ level: 'info' });
  observe(run(noDescriptors));
  clock.now = new Date(time.getTime() - 86_400_000);
  observe(run(noDescriptors));
  expect(lines).toHaveLength(2);
});

function reconciled(error?: string): AgentEvent {
  const result = error === undefined ? { op: addServer } : { op: addServer, error };
  return { type: 'reconciled', trigger: 'timer', isOk: error === undefined, durationMs: 1, results: [result] };
}

test('the same refusal is logged once, and again after the op went through or the configuration changed', () => {
  const { lines, observe } = openLog({ level: 'error' });
  observe(reconciled('EEXIST'));
  observe(reconciled('EEXIST'));
  expect(lines).toHaveLength(1);
  observe(reconciled());
  observe(reconciled('EEXIST'));
  expect(lines).toHaveLength(2);
  observe({ type: 'config_reloaded', services: 1, servers: 1 });
  observe(reconciled('EEXIST'));
  expect(lines).toHaveLength(3);
});

test('a refused setting is logged once too, and again after it was made', () => {
  const { lines, observe } = openLog({ level: 'error' });
  const told = (error?: string): AgentEvent => ({
    type: 'settings_changed',
    results: [error === undefined ? { op: startDaemon } : { op: startDaemon, error }],
  });
  for (const error of ['ENODEV', 'ENODEV', undefined, 'ENODEV']) observe(told(error));
  expect(lines).toHaveLength(2);
});

test('a table that somebody flushed is 20 lines and one that counts the rest', () => {
  const drifts = Array.from({ length: 1000 }, (_, index) => ({
    ...row,
    kind: 'missing' as const,
    server: `10.0.0.1:${index}`,
  }));
  const lines = linesOf({ type: 'drift_found', isRepaired: true, drifts });
  expect(lines).toHaveLength(21);
  expect(lines[20]).toBe(`${head('warn', 'ipvs_drift_repaired', '980 more of these')},"lvs.suppressed":980}`);
});
