import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { issuesOf } from './support.ts';

const directory = join(__dirname, '../bad-config');
const cases = readdirSync(directory).filter((name) => name.endsWith('.yaml'));

describe('a bad configuration is refused with exactly the mistakes written next to it', () => {
  test('there are at least sixty of them, each with its messages', () => {
    const messages = readdirSync(directory).filter((name) => name.endsWith('.txt'));
    expect(cases.length).toBeGreaterThanOrEqual(60);
    expect(messages).toEqual(cases.map((name) => name.replace('.yaml', '.txt')));
  });

  test.each(cases)('%s', (name) => {
    const text = readFileSync(join(directory, name), 'utf8');
    const expected = readFileSync(join(directory, name.replace('.yaml', '.txt')), 'utf8');
    expect(`${issuesOf(text, name).join('\n')}\n`).toBe(expected);
  });
});
