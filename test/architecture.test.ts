import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from '@jest/globals';

const root = join(__dirname, '..');

interface Source {
  readonly path: string;
  readonly imports: readonly string[];
}

/** What each part may import, beside itself. The first part that a path begins with is its own. */
const arrows: readonly (readonly [part: string, ...allowed: readonly string[]])[] = [
  ['src/core/'],
  ['checks/', 'src/core/', 'src/config/fields.ts', 'src/net/'],
  ['src/config/', 'src/core/', 'checks/', 'src/run/cron.ts'],
  ['src/net/', 'src/core/'],
  ['src/kernel/', 'src/core/'],
  ['src/run/', 'src/core/', 'src/kernel/', 'checks/probe.ts'],
  ['src/agent.ts', 'src/core/', 'src/kernel/', 'src/net/', 'src/run/', 'checks/probe.ts'],
  [
    'src/host/',
    'src/core/',
    'src/kernel/',
    'src/run/clock.ts',
    'src/run/search-path.ts',
    'src/run/whole-file.ts',
    'src/net/libc.ts',
  ],
  ['src/observe/', 'src/core/', 'src/kernel/text/rules.ts', 'src/kernel/text/setting-rules.ts'],
  ['src/admin/', 'src/core/', 'src/run/clock.ts', 'src/run/directory.ts'],
  ['src/doctor/', 'src/core/', 'src/kernel/', 'src/host/', 'src/net/', 'src/run/', 'checks/'],
  ['src/version.ts'],
  ['src/cli/', 'src/', 'checks/'],
  ['src/main.ts', 'src/', 'checks/'],
];

const sources = [...filesIn('src'), ...filesIn('checks')].map(readSource);

describe('the arrows', () => {
  test.each(sources.map((source) => [source.path, source] as const))(
    '%s imports only what its part may',
    (path, source) => {
      const [part, ...allowed] = arrows.find(([prefix]) => path.startsWith(prefix)) ?? [];
      expect(part).toBeDefined();
      const strays = source.imports
        .filter((name) => name.startsWith('.'))
        .map((name) => normalize(join(dirname(path), name)))
        .filter((target) => ![part, ...allowed].some((prefix) => target.startsWith(prefix ?? '?')));
      expect(strays).toEqual([]);
    },
  );

  test('no probe imports another', () => {
    const probes = sources.filter(({ path }) => /^checks\/(?!index|probe)[^/]+$/.test(path));
    const siblings = probes.flatMap(({ imports }) => imports.filter((name) => /^\.\/(?!lib\/|probe\.ts)/.test(name)));
    expect(siblings).toEqual([]);
  });
});

test('each npm package is imported by one file, and is a dependency', () => {
  const users = new Map<string, string[]>();
  for (const { path, imports } of sources) {
    for (const name of new Set(imports.filter(isPackage).map(packageOf)))
      users.set(name, [...(users.get(name) ?? []), path]);
  }
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect([...users].filter(([, paths]) => paths.length > 1)).toEqual([]);
  expect([...users.keys()].sort()).toEqual(Object.keys({ ...dependencies, ...optionalDependencies }).sort());
});

test('the package asks for the version of Node.js that the README names', () => {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const [, named] = /Node\.js ([\d.]+) or later/.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? [];
  expect(engines).toEqual({ node: `>=${named}` });
});

test('timers are known to the clock, to what measures them, and to those that may not import it: netlink and echo requests', () => {
  const timed = /\b(setTimeout|setInterval)\b/;
  const users = sources.map(({ path }) => path).filter((path) => timed.test(readFileSync(join(root, path), 'utf8')));
  expect(users.sort()).toEqual([
    'src/kernel/channel.ts',
    'src/net/echo.ts',
    'src/observe/loop-lag.ts',
    'src/run/clock.ts',
  ]);
});

function filesIn(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

function readSource(path: string): Source {
  const text = readFileSync(join(root, path), 'utf8');
  return {
    path,
    imports: [
      ...text.matchAll(/^(?:import|export)[^;]*? from '([^']+)';|^import '([^']+)';|\brequire\('([^']+)'\)/gm),
    ].map((m) => m[1] ?? m[2] ?? m[3] ?? ''),
  };
}

function isPackage(name: string): boolean {
  return !name.startsWith('.') && !name.startsWith('node:') && !builtinModules.includes(name);
}

/** `ping` of `ping/lib/parser/linux.js`. */
function packageOf(name: string): string {
  return name.split('/', name.startsWith('@') ? 2 : 1).join('/');
}
