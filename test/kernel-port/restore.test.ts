import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { applyOps, openTable } from '../../src/core/apply.ts';
import type { SyncDaemon } from '../../src/core/settings.ts';
import type { ServiceIdentity, Table } from '../../src/core/table.ts';
import { KernelUnavailable } from '../../src/kernel/kernel.ts';
import { createMemoryKernel, type MemoryKernel } from '../../src/kernel/memory.ts';
import { applyPlan } from '../../src/kernel/restore/apply-plan.ts';
import { type KernelState, planRestore, type RestorePlan } from '../../src/kernel/restore/plan.ts';
import { zeroCounters } from '../../src/kernel/restore/zero-counters.ts';
import { parseRules } from '../../src/kernel/text/parse-rules.ts';
import { formatRules } from '../../src/kernel/text/rules.ts';
import { addServer, addService, server, service, withoutCounters } from '../contract/kernel.ts';
import { tables } from './text/arbitrary.ts';

const noNames = { host: () => undefined, port: () => undefined };

test('what save prints of any table, restore makes of it the same table', async () => {
  await fc.assert(
    fc.asyncProperty(tables, async (table) => {
      const kernel = createMemoryKernel();
      expect(await restore(kernel, formatRules(table, true))).toEqual([]);
      expect(withoutCounters(await kernel.read())).toEqual(table);
    }),
    { numRuns: 500 },
  );
});

test('without the thresholds, save prints what makes the table without them', async () => {
  await fc.assert(
    fc.asyncProperty(tables, async (table) => {
      const kernel = createMemoryKernel();
      expect(await restore(kernel, formatRules(table))).toEqual([]);
      expect(withoutCounters(await kernel.read())).toEqual(withoutThresholds(table));
    }),
  );
});

test('any table is taken to any other by clearing it first', async () => {
  await fc.assert(
    fc.asyncProperty(tables, tables, async (before, table) => {
      const kernel = createMemoryKernel(before);
      expect(await restore(kernel, `-C\n${formatRules(table, true)}`)).toEqual([]);
      expect(withoutCounters(await kernel.read())).toEqual(table);
    }),
  );
});

const web = service();
const old = service({ identity: { kind: 'fwmark', mark: 7, family: 'ipv4' }, scheduler: 'rr' });
const present = applyOps(new Map(), [
  addService(web),
  addServer(web, server({ weight: 5, upperThreshold: 9 })),
  addService(old),
  addServer(old, server({ port: 0, forwarding: 'tun', tunnel: { type: 'gre', checksum: 'none' } })),
]);
const master: SyncDaemon = {
  role: 'master',
  interface: 'eth1',
  syncId: 3,
  group: '224.0.0.81',
  port: 8848,
  ttl: 1,
  maxLength: 1472,
};

describe('on a table that is not empty', () => {
  test('rules add, edit and delete', async () => {
    const kernel = createMemoryKernel(present);
    const text = [
      '-A -u 192.0.2.1:53 -o',
      '-a -u 192.0.2.1:53 -r 10.0.0.1 -m',
      '-E -t 192.0.2.1:80 -s rr -p 60',
      '-e -t 192.0.2.1:80 -r 10.0.0.7:80 -m -w 0',
      '-a -t 192.0.2.1:80 -r 10.0.0.8:81 -m',
      '-e -f 7 -r 10.0.0.7:0 -i -w 2',
      '-d -t 192.0.2.1:80 -r 10.0.0.8:81',
    ];
    expect(await restore(kernel, text.join('\n'))).toEqual([]);
    expect(formatRules(await kernel.read(), true)).toBe(
      [
        '-A -t 192.0.2.1:80 -s rr -p 60',
        '-a -t 192.0.2.1:80 -r 10.0.0.7:80 -m -w 0',
        '-A -u 192.0.2.1:53 -s wlc -o',
        '-a -u 192.0.2.1:53 -r 10.0.0.1:53 -m -w 1',
        '-A -f 7 -s rr',
        '-a -f 7 -r 10.0.0.7:0 -i -w 2 --tun-type ipip',
        '',
      ].join('\n'),
    );
  });

  test('a service is deleted with its servers, and added anew', async () => {
    const kernel = createMemoryKernel(present);
    expect(await restore(kernel, '-D -t 192.0.2.1:80\n-A -t 192.0.2.1:80 -s sh')).toEqual([]);
    expect((await kernel.read()).get('TCP 192.0.2.1:80')).toMatchObject({ scheduler: 'sh', servers: new Map() });
  });

  test.each([
    ['-A -t 192.0.2.1:80', 'service TCP 192.0.2.1:80 is in the table already'],
    ['-E -t 192.0.2.9:80', 'there is no service TCP 192.0.2.9:80'],
    ['-D -f 7 -6', 'there is no service FWM 7 IPv6'],
    ['-Z -f 8', 'there is no service FWM 8'],
    ['-a -t 192.0.2.9:80 -r 10.0.0.1', 'there is no service TCP 192.0.2.9:80'],
    ['-a -t 192.0.2.1:80 -r 10.0.0.7', 'service TCP 192.0.2.1:80 has the server 10.0.0.7:80 already'],
    ['-e -t 192.0.2.1:80 -r 10.0.0.9', 'service TCP 192.0.2.1:80 has no server 10.0.0.9:80'],
    ['-d -t 192.0.2.1:80 -r 10.0.0.9:81', 'service TCP 192.0.2.1:80 has no server 10.0.0.9:81'],
    [
      '-a -t 192.0.2.1:80 -r 224.0.0.1',
      'the kernel answered EINVAL for server 224.0.0.1:80 of TCP 192.0.2.1:80: no address of one host',
    ],
    ['--stop-daemon backup', 'no backup daemon is running'],
    ['--start-daemon master', 'a master daemon is running already'],
  ])('%s is refused before anything is applied', async (rule, message) => {
    const kernel = createMemoryKernel(present);
    kernel.settings = { ...kernel.settings, daemons: [master] };
    const before = { table: await kernel.read(), settings: kernel.settings };
    expect(planOf(`-A -t 192.0.2.8:80\n\n${rule}\n-D -f 99\n`, before).issues).toEqual([
      { line: 3, message },
      { line: 4, message: 'there is no service FWM 99' },
    ]);
  });

  test('rules are judged by what those before them did', () => {
    const before = { table: present, settings: createMemoryKernel().settings };
    const text = '-C\n-A -t 192.0.2.1:80\n-A -t 192.0.2.1:80\n-D -t 192.0.2.1:80\n-a -t 192.0.2.1:80 -r 10.0.0.1';
    expect(planOf(text, before).issues).toEqual([
      { line: 3, message: 'service TCP 192.0.2.1:80 is in the table already' },
      { line: 5, message: 'there is no service TCP 192.0.2.1:80' },
    ]);
  });
});

test('timeouts and daemons are set; a timeout of 0 stays as it is', async () => {
  const kernel = createMemoryKernel();
  expect(await restore(kernel, '--set 0 60 0\n--start-daemon master --mcast-interface eth1 --syncid 3\n')).toEqual([]);
  expect(kernel.settings).toEqual({
    timeouts: { tcpSeconds: 900, tcpFinSeconds: 60, udpSeconds: 300 },
    daemons: [master],
  });
  expect(await restore(kernel, '--stop-daemon master')).toEqual([]);
  expect(kernel.settings.daemons).toEqual([]);
});

describe('counters to be set to zero', () => {
  const before = { table: present, settings: createMemoryKernel().settings };

  test('are named in the plan', () => {
    const zeros = [{ line: 1 }, { line: 2, identity: old.identity }];
    expect(planOf('-Z\n-Z -f 7', before)).toMatchObject({ ops: [], zeros, issues: [] });
  });

  test('are none of a service that is deleted afterwards', () => {
    expect(planOf('-Z -f 7\n-Z -t 192.0.2.1:80\n-D -f 7', before).zeros).toEqual([{ line: 2, identity: web.identity }]);
  });

  test('are told with their line where the kernel refuses', async () => {
    const { zeros } = planOf('-Z -f 7\n\n-Z -t 192.0.2.1:80\n-Z', before);
    const answers = [undefined, 'ESRCH', 'EBUSY'];
    expect(await zeroCounters({ zero: async () => answers.shift() }, zeros)).toEqual([
      { line: 3, message: 'the kernel answered ESRCH for the counters of service TCP 192.0.2.1:80' },
      { line: 4, message: 'the kernel answered EBUSY for the counters of all services' },
    ]);
  });
});

describe('where the kernel refuses half way', () => {
  const rules = [
    '--set 1 2 3',
    '--stop-daemon master',
    '--start-daemon backup --mcast-interface eth1',
    '-A -t 192.0.2.8:80',
    '-a -t 192.0.2.8:80 -r 10.0.0.1',
    '-e -t 192.0.2.1:80 -r 10.0.0.7 -m -w 0',
    '-D -f 7',
    '-A -f 8 -s nonesuch',
    '-A -f 9',
  ].join('\n');

  test('it is told with its line, and everything is as it was', async () => {
    const kernel = busyKernel();
    const { table, settings } = kernel;
    expect(await restore(kernel, rules)).toEqual([{ line: 8, message: "the kernel has no scheduler 'nonesuch'" }]);
    expect(withoutCounters(await kernel.read())).toEqual(table);
    expect(kernel.settings).toEqual(settings);
  });

  test('what others changed meanwhile is left to them', async () => {
    const kernel = busyKernel();
    const before = { table: await kernel.read(), settings: kernel.settings };
    const plan = planOf(rules, before);
    const theirs: ServiceIdentity = { kind: 'fwmark', mark: 77, family: 'ipv4' };
    await kernel.apply([addService(service({ identity: theirs }))]);
    expect((await applyPlan(kernel, plan, before)).leftovers).toEqual([]);
    expect([...(await kernel.read()).keys()]).toEqual(expect.arrayContaining(['FWM 77', ...present.keys()]));
    expect((await kernel.read()).size).toBe(present.size + 1);
  });

  test('a refused setting keeps the table from being touched', async () => {
    const kernel = busyKernel();
    const before = { table: await kernel.read(), settings: kernel.settings };
    const plan = planOf('--set 1 2 3\n--start-daemon backup --mcast-interface eth1\n-C', before);
    kernel.settings = { ...kernel.settings, daemons: [...kernel.settings.daemons, { ...master, role: 'backup' }] };
    expect(await applyPlan(kernel, plan, before)).toEqual({
      issues: [{ line: 2, message: 'a backup daemon is running already' }],
      leftovers: [],
    });
    expect(kernel.settings.timeouts).toEqual(before.settings.timeouts);
    expect(withoutCounters(await kernel.read())).toEqual(present);
  });

  test('a daemon that the plan starts and stops is none that is left', async () => {
    const kernel = createMemoryKernel(present);
    const before = { table: await kernel.read(), settings: kernel.settings };
    const text = '--start-daemon master --mcast-interface eth1\n--stop-daemon master\n-A -f 8 -s nonesuch';
    const { issues, leftovers } = await applyPlan(kernel, planOf(text, before), before);
    expect({ lines: issues.map(({ line }) => line), leftovers }).toEqual({ lines: [3], leftovers: [] });
    expect(kernel.settings).toEqual(before.settings);
  });

  test('a daemon that others started meanwhile is left to them', async () => {
    const kernel = createMemoryKernel(present);
    const before = { table: await kernel.read(), settings: kernel.settings };
    const plan = planOf('--set 1 2 3\n-A -f 8 -s nonesuch', before);
    kernel.settings = { ...kernel.settings, daemons: [master] };
    await applyPlan(kernel, plan, before);
    expect(kernel.settings).toEqual({ ...before.settings, daemons: [master] });
  });

  test('what cannot be taken back is told', async () => {
    const kernel = busyKernel();
    const before = { table: await kernel.read(), settings: kernel.settings };
    const plan = planOf('-D -f 7\n-A -f 8 -s nonesuch', before);
    const poorer = {
      ...before,
      table: applyOps(before.table, [{ kind: 'edit_service', service: { ...old, scheduler: 'gone' }, from: old }]),
    };
    expect((await applyPlan(kernel, plan, poorer)).leftovers).toEqual([
      "ipvsadm -A -f 7 -s gone: the kernel has no scheduler 'gone'",
      'ipvsadm -a -f 7 -r 10.0.0.7:0 -i -w 1 --tun-type gre --tun-nocsum: there is no service FWM 7',
    ]);
  });

  test('when the kernel is gone by then, what it refused is told, and that the rest may be left', async () => {
    const kernel = busyKernel();
    const before = { table: await kernel.read(), settings: kernel.settings };
    const going = { ...kernel, read: () => Promise.reject(new KernelUnavailable('ENOENT', 'IPVS is gone')) };
    expect(await applyPlan(going, planOf('-D -f 7\n-A -f 8 -s nonesuch', before), before)).toEqual({
      issues: [{ line: 2, message: "the kernel has no scheduler 'nonesuch'" }],
      leftovers: ['it could not be taken back: IPVS is gone'],
    });
  });

  test('when answers are lost and nothing can be taken back, the loss is told, and what may be left', async () => {
    const kernel = busyKernel();
    const before = { table: await kernel.read(), settings: kernel.settings };
    const gone = () => Promise.reject(new KernelUnavailable('ENOENT', 'IPVS is gone'));
    const losing = {
      ...kernel,
      read: gone,
      apply: () => Promise.reject(new KernelUnavailable('ENOBUFS', 'Answers were lost')),
    };
    await expect(applyPlan(losing, planOf('-C', before), before)).rejects.toMatchObject({
      code: 'ENOBUFS',
      message: 'Answers were lost. What was applied may be left:\nit could not be taken back: IPVS is gone',
    });
  });

  test('when answers about settings are lost, they are taken back', async () => {
    const kernel = busyKernel();
    const before = { table: await kernel.read(), settings: kernel.settings };
    const plan = planOf('--set 1 2 3\n--stop-daemon master', before);
    const lost = new KernelUnavailable('ENOBUFS', 'lost');
    let isFirst = true;
    const losing = {
      ...kernel,
      applySettings: async (ops: Parameters<MemoryKernel['applySettings']>[0]) => {
        const results = await kernel.applySettings(ops);
        if (!isFirst) return results;
        isFirst = false;
        throw lost;
      },
    };
    await expect(applyPlan(losing, plan, before)).rejects.toBe(lost);
    expect(kernel.settings).toEqual(before.settings);
  });

  test('when answers are lost, what may have been applied is taken back', async () => {
    const kernel = busyKernel();
    const before = { table: await kernel.read(), settings: kernel.settings };
    const plan = planOf('-C\n-A -f 8', before);
    const lost = new KernelUnavailable('ENOBUFS', 'lost');
    let isFirst = true;
    const losing = {
      ...kernel,
      apply: async (ops: Parameters<MemoryKernel['apply']>[0]) => {
        const results = await kernel.apply(ops);
        if (!isFirst) return results;
        isFirst = false;
        throw lost;
      },
    };
    await expect(applyPlan(losing, plan, before)).rejects.toBe(lost);
    expect(withoutCounters(await kernel.read())).toEqual(present);
  });
});

/** A kernel in use: with a table, and a daemon that runs. */
function busyKernel(): MemoryKernel {
  const kernel = createMemoryKernel(present);
  kernel.settings = { ...kernel.settings, daemons: [master] };
  return kernel;
}

function planOf(text: string, before: KernelState): RestorePlan {
  const { rules, issues } = parseRules(text, noNames);
  expect(issues).toEqual([]);
  return planRestore(rules, before);
}

function withoutThresholds(table: Table): Table {
  const open = openTable(table);
  for (const { servers } of open.values()) {
    for (const [key, row] of servers) servers.set(key, { ...row, upperThreshold: 0, lowerThreshold: 0 });
  }
  return open;
}

/** What is wrong with the rules, by the plan or by the kernel. */
async function restore(kernel: MemoryKernel, text: string) {
  const before: { table: Table; settings: KernelState['settings'] } = {
    table: await kernel.read(),
    settings: await kernel.readSettings(),
  };
  const plan = planOf(text, before);
  if (plan.issues.length > 0) return plan.issues;
  const { issues, leftovers } = await applyPlan(kernel, plan, before);
  expect(leftovers).toEqual([]);
  return issues;
}
