import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { issuesOf } from './support.ts';

const example = readFileSync(join(__dirname, '../../config/example.yaml'), 'utf8');
const lines = example.split('\n');
const nasty = [
  '\t',
  '\0',
  '\u001b',
  '{',
  '[',
  '*a',
  '&a ',
  '!!binary ',
  '---\n',
  '<<: ',
  '__proto__: ',
  '? ',
  '|',
  '"',
  '-1',
  '1e999',
  '[]',
  'null',
  '::',
  '%',
  '\ud800',
];

const place = fc.integer({ min: 0, max: example.length });
const line = fc.integer({ min: 0, max: lines.length - 1 });

/** What editors, merges and slips do to a file. */
const mutant = fc.oneof(
  fc.tuple(place, fc.constantFrom(...nasty)).map(([at, text]) => example.slice(0, at) + text + example.slice(at)),
  fc.tuple(place, place).map(([a, b]) => example.slice(0, Math.min(a, b)) + example.slice(Math.max(a, b))),
  place.map((at) => example.slice(0, at)),
  line.map((at) => lines.filter((_, index) => index !== at).join('\n')),
  fc.tuple(line, line).map(([from, to]) => lines.toSpliced(to, 0, lines[from] ?? '').join('\n')),
  fc
    .tuple(line, fc.nat(9))
    .map(([at, indent]) => lines.with(at, ' '.repeat(indent) + (lines[at] ?? '').trimStart()).join('\n')),
  fc
    .tuple(line, fc.constantFrom(...nasty))
    .map(([at, text]) => lines.with(at, (lines[at] ?? '').replace(/: .*/, `: ${text}`)).join('\n')),
  fc
    .tuple(place, fc.string({ unit: 'binary', maxLength: 8 }))
    .map(([at, text]) => example.slice(0, at) + text + example.slice(at + text.length)),
);

test('of two thousand mutants of the example none throws anything but mistakes, each with its line and column', () => {
  let refused = 0;
  fc.assert(
    fc.property(mutant, (text) => {
      const issues = issuesOf(text, 'mutant.yaml');
      refused += Math.sign(issues.length);
      for (const issue of issues) expect(issue).toMatch(/^mutant\.yaml:[1-9]\d*:[1-9]\d*: [^ ].*: ./);
      for (const issue of issues) expect(issue).not.toMatch(/Invalid|undefined|\[object/);
    }),
    { numRuns: 2000 },
  );
  expect(refused).toBeGreaterThan(500);
  expect('polluted' in {}).toBe(false);
}, 60_000);
