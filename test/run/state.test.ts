import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openState } from '../../src/run/state.ts';

const state = {
  services: ['TCP 192.0.2.1:80', 'FWM 8'],
  daemons: ['master'],
  gone: [{ service: 'web', server: '10.0.0.1:80', address: '10.0.0.1' }],
};
const empty = { services: [], daemons: [], gone: [] };

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lvsd-state-'));
});
afterEach(() => {
  chmodSync(directory, 0o700);
  rmSync(directory, { recursive: true });
});

describe('openState', () => {
  test('gives back what was saved, by a file that only its owner reads', () => {
    openState(directory).save(state);
    expect(openState(directory)).toMatchObject({ initial: state, problem: undefined });
    expect(statSync(join(directory, 'state.json')).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['state.json']);
  });

  test('starts empty without a file, and makes the directory when it saves', () => {
    const missing = join(directory, 'lvsd');
    const file = openState(missing);
    expect(file).toMatchObject({ initial: empty, problem: undefined });
    file.save(state);
    expect(openState(missing).initial).toEqual(state);
  });

  test('trusts a file that was written before there were daemons', () => {
    const { daemons: _, ...old } = state;
    const checksum = createHash('sha256')
      .update(JSON.stringify([old.services, old.gone]))
      .digest('hex');
    writeFileSync(join(directory, 'state.json'), JSON.stringify({ version: 1, checksum, ...old }));
    expect(openState(directory)).toMatchObject({ initial: { ...state, daemons: [] }, problem: undefined });
  });

  test('without a directory remembers nothing', () => {
    openState(undefined).save(state);
    expect(openState(undefined).initial).toEqual(empty);
  });

  test('trusts no part of a file that was cut off at any byte', () => {
    openState(directory).save(state);
    const path = join(directory, 'state.json');
    const whole = readFileSync(path);
    // The newline at the end is not part of what is checked.
    for (let length = 0; length < whole.length - 1; length++) {
      writeFileSync(path, whole.subarray(0, length));
      expect(openState(directory)).toMatchObject({ initial: empty, problem: expect.stringContaining(path) });
    }
  });

  test.each([
    ['another version', (text: string) => text.replace('"version":1', '"version":2'), 'version is 2'],
    ['one name changed', (text: string) => text.replace('FWM 8', 'FWM 9'), 'checksum is wrong'],
    ['one daemon more', (text: string) => text.replace('"master"', '"master","backup"'), 'checksum is wrong'],
    ['one name less', (text: string) => text.replace(',"FWM 8"', ''), 'checksum is wrong'],
    ['null', () => 'null', 'cannot destructure'],
    ['something else', () => '{"version":1}', 'checksum is wrong'],
  ])('distrusts a file with %s', (_name, change, reason) => {
    openState(directory).save(state);
    const path = join(directory, 'state.json');
    writeFileSync(path, change(readFileSync(path, 'utf8')));
    const { initial, problem } = openState(directory);
    expect(initial).toEqual(empty);
    expect(problem?.toLowerCase()).toContain(reason);
  });

  test('distrusts what is no file, and does not wait for the writer of a pipe', () => {
    execFileSync('mkfifo', [join(directory, 'state.json')]);
    expect(openState(directory)).toMatchObject({
      initial: empty,
      problem: expect.stringContaining('not a regular file'),
    });
  });

  test('does not write through a link that was planted for it', () => {
    const victim = join(directory, 'victim');
    writeFileSync(victim, 'precious');
    symlinkSync(victim, join(directory, 'state.json.new'));
    expect(() => openState(directory).save(state)).toThrow('ELOOP');
    expect(readFileSync(victim, 'utf8')).toBe('precious');
  });
});
