import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openScene, type Scene, settings, type WebServer } from './support.ts';

let scene: Scene;
let first: WebServer;
let second: WebServer;
beforeEach(async () => {
  scene = openScene();
  first = await scene.serve();
  second = await scene.serve();
  scene.writeConfig(settings([first.address, second.address]));
});
afterEach(() => scene.close());

const check = (wanted: string) => scene.lvsd('check', wanted, '-c', scene.configPath);

/** `web  127.0.0.1:8080  http  pass  L7OK  status 200 in 3.1 ms (connect 0.4 ms, processing 2.6 ms)` */
function row({ address }: WebServer, verdict: string): RegExp {
  return new RegExp(
    `^web  ${address}  http  ${verdict} in \\d+\\.\\d ms \\(connect \\d+\\.\\d ms, .*\\d+\\.\\d ms\\)$`,
  );
}

test('a service whose servers all pass: one row a check, with reason and phases', async () => {
  const { ending, stdout, stderr } = await check('web');
  expect({ ending, stderr }).toEqual({ ending: 0, stderr: '' });
  const [one, two, ...rest] = stdout.split('\n');
  expect(one).toMatch(row(first, 'pass  L7OK  status 200'));
  expect(two).toMatch(row(second, 'pass  L7OK  status 200'));
  expect(rest).toEqual(['']);
});

test('one server that fails ends the check of its service with 1', async () => {
  second.answer(503);
  const { ending, stdout, stderr } = await check('web');
  expect({ ending, stderr }).toEqual({ ending: 1, stderr: '' });
  const [one, two] = stdout.split('\n');
  expect(one).toMatch(row(first, 'pass  L7OK   status 200'));
  expect(two).toMatch(row(second, 'fail  L7STS  status 503'));
});

test('a server is named by its address, with or without its port, and checked alone', async () => {
  second.answer(503);
  for (const name of [first.ip, first.address]) {
    const { ending, stdout } = await check(`web/${name}`);
    expect(ending).toBe(0);
    expect(stdout).toMatch(/^web .* pass {2}L7OK .*\n$/);
  }
  expect((await check(`web/${second.ip}`)).ending).toBe(1);
});

test.each([['mail'], ['web/192.0.2.99'], ['mail/192.0.2.99'], ['web/']])('%s is nothing to check', async (wanted) => {
  const stderr = `Cannot check '${wanted}' as ${scene.configPath} has no such service or server\n`;
  expect(await check(wanted)).toEqual({ ending: 2, stdout: '', stderr });
});

test('what has no checks counts as up', async () => {
  scene.writeConfig(settings([first.address], {}, { checks: [] }));
  const stderr = "Nothing to check: 'web' has no checks and counts as up\n";
  expect(await check('web')).toEqual({ ending: 0, stdout: '', stderr });
});
