import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openRecord } from '../../src/host/record.ts';
import { lvsd, openScene, type Scene, settings, top } from './support.ts';

let scene: Scene;
beforeEach(() => {
  scene = openScene();
});
afterEach(() => scene.close());

const { version } = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8'));
const good = join(top, 'config/dr.yaml');

test('the program runs by its first line', () => {
  const program = join(top, 'dist/src/main.js');
  // The kernel hands all that follows the interpreter over as one argument.
  const [, argument = ''] = /^#!\/usr\/bin\/env (.*)\n/.exec(readFileSync(program, 'utf8')) ?? [];
  expect(execFileSync('/usr/bin/env', [argument, program, 'version'], { encoding: 'utf8' })).toContain(version);
});

describe('a command line that cannot be understood ends with 2 and says so on stderr', () => {
  test.each([
    ['no command at all', [], 'Usage: lvsd'],
    ['an unknown command', ['frobnicate'], "unknown command 'frobnicate'"],
    ['an unknown command of config', ['config', 'frobnicate'], "unknown command 'frobnicate'"],
    ['config alone', ['config'], 'Usage: lvsd config'],
    ['an unknown option', ['run', '--frobnicate'], "unknown option '--frobnicate'"],
    ['an option without its value', ['run', '-c'], 'argument missing'],
    ['a table that there is not', ['run', '--table', 'paper'], "It is 'kernel' or 'memory'."],
    ['check without a service', ['check'], "missing required argument 'service[/server]'"],
    ['director without a verb', ['director'], 'Usage: lvsd director'],
    ['realserver without addresses', ['realserver', 'up'], 'name them with --vip, or a configuration with -c'],
    ['an address that is none', ['realserver', 'up', '--vip', '192.0.2'], "'192.0.2' is not an IP address"],
    [
      'an address of the loopback',
      ['realserver', 'up', '--vip', '::1'],
      'Cannot take --vip ::1: it is of the loopback',
    ],
    ['an address of many', ['realserver', 'up', '--vip', '224.0.0.1'], "'224.0.0.1' is a multicast address"],
    ['a method that there is not', ['realserver', 'up', '--vip', '192.0.2.1', '--method', 'nat'], 'dr, tun'],
    ['a device that cannot be', ['realserver', 'up', '--vip', '192.0.2.1', '--device', 'a/b'], "'a/b' is not the name"],
    ['one argument too many', ['config', 'check', 'a', 'b'], 'too many arguments'],
  ] as const)('%s', async (_case, args, message) => {
    const { ending, stdout, stderr } = await scene.lvsd(...args);
    expect({ ending, stdout }).toEqual({ ending: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain(' at ');
  });
});

test('version prints the version of the package', async () => {
  expect(await scene.lvsd('version')).toEqual({ ending: 0, stdout: `${version}\n`, stderr: '' });
});

test.each([['help'], ['--help']])('%s prints the commands on stdout', async (word) => {
  const { ending, stdout, stderr } = await scene.lvsd(word);
  expect({ ending, stderr }).toEqual({ ending: 0, stderr: '' });
  const commands = ['run', 'config', 'check', 'diff', 'table', 'director', 'realserver', 'doctor', 'status', 'version'];
  for (const command of commands) {
    expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
  }
});

describe('config', () => {
  const typing = [
    'version: 1',
    'services:',
    '  - name: web',
    '    address: 192.0.2.1:80',
    '    shceduler: rr',
    '    servers: [10.0.0.300]',
    '',
  ].join('\n');

  test('check says nothing of a good file', async () => {
    expect(await scene.lvsd('config', 'check', good)).toEqual({ ending: 0, stdout: '', stderr: '' });
  });

  test.each([['check'], ['show']])(
    '%s prints every mistake of a bad file on stdout, with its place',
    async (command) => {
      scene.writeConfig(typing);
      const { ending, stdout, stderr } = await scene.lvsd('config', command, scene.configPath);
      expect({ ending, stderr }).toEqual({ ending: 78, stderr: '' });
      const [key, address, ...rest] = stdout.split('\n');
      expect(key).toBe(
        `${scene.configPath}:5:5: services[0].shceduler: unknown key 'shceduler': did you mean 'scheduler'?`,
      );
      expect(address).toMatch(/:6:15: services\[0\]\.servers\[0\]: .*'10\.0\.0\.300'/);
      expect(rest).toEqual(['']);
    },
  );

  test('show prints a file that means the same, defaults filled in', async () => {
    const shown = await scene.lvsd('config', 'show', good);
    expect(shown).toMatchObject({ ending: 0, stderr: '' });
    expect(shown.stdout).toContain('retry_interval: 500ms');
    scene.writeConfig(shown.stdout);
    expect(await scene.lvsd('config', 'show', scene.configPath)).toEqual(shown);
  });

  test('schema prints what config/lvsd.schema.json has', async () => {
    const stdout = readFileSync(join(top, 'config/lvsd.schema.json'), 'utf8');
    expect(await scene.lvsd('config', 'schema')).toEqual({ ending: 0, stdout, stderr: '' });
  });

  test('a result that cannot be written is an error without a trace', async () => {
    const { outcome } = scene.start(['sh', '-c', '"$@" > /dev/full', 'sh', ...lvsd('config', 'show', good)]);
    const stderr = 'Cannot write the result to stdout: ENOSPC: no space left on device, write\n';
    expect(await outcome).toEqual({ ending: 1, stdout: '', stderr });
  });

  test('a result that a file takes a part of is an error', async () => {
    const file = join(scene.directory, 'schema');
    const { outcome } = scene.start(['bash', '-c', `ulimit -f 1; "$@" > ${file}`, 'bash', ...lvsd('config', 'schema')]);
    const stderr = 'Cannot write the result to stdout: EFBIG: file too large, write\n';
    expect(await outcome).toEqual({ ending: 1, stdout: '', stderr });
  });

  test('a result is added to a file, and the help is one', async () => {
    const file = join(scene.directory, 'results');
    writeFileSync(file, 'before\n');
    const { outcome } = scene.start(['sh', '-c', `"$@" >> ${file}`, 'sh', ...lvsd('help')]);
    expect(await outcome).toEqual({ ending: 0, stdout: '', stderr: '' });
    expect(readFileSync(file, 'utf8')).toMatch(/^before\nUsage: lvsd /);
  });
});

describe('a file that cannot be used', () => {
  test.each([
    ['run', ['run', '--table', 'memory', '-c']],
    ['run --once', ['run', '--table', 'memory', '--once', '-c']],
    ['run --dry-run', ['run', '--table', 'memory', '--dry-run', '-c']],
    ['check', ['check', 'web', '-c']],
    ['diff', ['diff', '-c']],
    ['doctor', ['doctor', '-c']],
    ['director up', ['director', 'up', '-c']],
    ['director status', ['director', 'status', '-c']],
    ['realserver up', ['realserver', 'up', '-c']],
  ] as const)('ends %s with 78, with every mistake on stderr', async (_case, args) => {
    scene.writeConfig('version: 1\nservices: []\ncolour: red\n');
    const { ending, stdout, stderr } = await scene.lvsd(...args, scene.configPath);
    expect({ ending, stdout }).toEqual({ ending: 78, stdout: '' });
    const lines = stderr.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/config\.yaml:2:11: services: /);
    expect(lines[1]).toMatch(/config\.yaml:3:1: colour: unknown key 'colour'/);
  });

  test('one that is not there is told as one', async () => {
    const { ending, stderr } = await scene.lvsd('run', '--table', 'memory', '-c', scene.configPath);
    expect(ending).toBe(78);
    expect(stderr).toBe(`${scene.configPath}:1:1: document: cannot be read: ENOENT: no such file or directory\n`);
  });
});

describe('what director up cannot do without, it asks for and ends with 78', () => {
  test('an interface', async () => {
    const { ending, stdout, stderr } = await scene.lvsd('director', 'up', '-c', good);
    expect({ ending, stdout }).toEqual({ ending: 78, stdout: '' });
    expect(stderr).toBe(
      'Cannot tell which interface is to have 172.16.100.100 of web: name it with --interface, or in the configuration as director: { interface: eth0 }\n',
    );
  });

  test('a directory to remember in', async () => {
    scene.writeConfig(settings(['127.0.0.1:80'], {}, { address: '127.0.0.1:80' }));
    const { ending, stdout, stderr } = await scene.lvsd('director', 'up', '-c', scene.configPath);
    expect({ ending, stdout }).toEqual({ ending: 78, stdout: '' });
    expect(stderr).toBe(
      'Cannot remember what to put back as agent.state_dir is off: name a directory there, or with --state-dir\n',
    );
  });
});

test('director status looks on the interface that the last up was told', async () => {
  scene.writeConfig(settings(['127.0.0.1:80'], { state_dir: scene.directory }));
  const plan = [{ kind: 'address', address: '192.0.2.1', link: 'lo' }] as const;
  openRecord(scene.directory, 'director').save({ plan, changes: [] });
  const { ending, stdout, stderr } = await scene.lvsd('director', 'status', '-c', scene.configPath);
  expect({ ending, stderr }).toEqual({ ending: 3, stderr: '' });
  expect(stdout).toContain('missing  address 192.0.2.1 dev lo\n');
});

test('status without an agent ends with 69', async () => {
  const stderr = `Cannot ask the agent at ${scene.socketPath}: no agent is running there (ENOENT)\n`;
  expect(await scene.lvsd('status', '--socket', scene.socketPath)).toEqual({ ending: 69, stdout: '', stderr });
});

test('a reader that has seen enough ends a command quietly', async () => {
  const servers = Array.from({ length: 3000 }, (_, index) => `10.0.${index >> 8}.${index % 256}`);
  scene.writeConfig(settings(servers, {}, { checks: [{ type: 'tcp' }] }));
  const show = lvsd('config', 'show', scene.configPath);
  const piped = scene.start(['bash', '-o', 'pipefail', '-c', '"$@" | head -1', 'bash', ...show]);
  expect(await piped.outcome).toEqual({ ending: 0, stdout: 'version: 1\n', stderr: '' });
});

test('a result that nobody reads ends a command quietly', async () => {
  const child = scene.start(lvsd('config', 'schema'));
  child.closeStdout();
  expect(await child.outcome).toEqual({ ending: 0, stdout: '', stderr: '' });
});
