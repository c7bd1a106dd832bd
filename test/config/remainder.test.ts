import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseRemainder } from '../../src/config/load-again.ts';
import { remainderOf } from '../../src/config/remainder.ts';
import type { Config } from '../../src/core/config.ts';
import { createAuthority } from '../support/tls.ts';
import { issuesOf, load } from './support.ts';

const head = 'version: 1\nchecks:\n  web: { type: http, path: /a }\n# The services.\nservices:\n';
const tail = 'maintenance:\n  - { servers: [10.0.0.1], schedule: "0 3 * * *", duration: 1h }\n';
const first = '  - { name: first, address: 192.0.2.250:80, servers: [10.0.0.1] }\n';

const noPause = async () => {};

/** What is left to read of the second text by one who has read the first, and what comes of it. */
async function readAgain(before: string, text: string) {
  const config = load(before);
  const remainder = remainderOf(text, { text: before, config });
  return { before: config, remainder, config: remainder && (await parseRemainder(remainder, noPause)) };
}

function file(...services: readonly string[]): string {
  return `${head}${services.join('')}${tail}`;
}

const web =
  '  - name: web\n    address: 192.0.2.1:80\n    checks: [web]\n    servers: [10.0.1.1]\n  # The end of web.\n';
const dns = '  - name: dns\n    address: 192.0.2.2:53\n    servers:\n      - 10.0.2.1\n';

test('what changed is read, and the rest stays the same objects', async () => {
  const again = await readAgain(file(first, web, dns), file(first, web, dns.replace('10.0.2.1', '10.0.2.2')));
  expect(again.remainder?.text).toBe(file(dns.replace('10.0.2.1', '10.0.2.2')));
  expect(again.config).toEqual(load(file(first, web, dns.replace('10.0.2.1', '10.0.2.2'))));
  expect(again.config?.services[0]).toBe(again.before.services[0]);
  expect(again.config?.services[1]).toBe(again.before.services[1]);
});

test.each([
  ['nothing', [first, web, dns]],
  ['the order', [dns, first, web]],
  ['that one is gone', [first, dns]],
  ['that one is new', [first, '  - { name: new, address: 192.0.2.3:80, servers: [10.0.3.1] }\n', web, dns]],
])('what changed may be %s', async (_what, services) => {
  const { config } = await readAgain(file(first, web, dns), file(...services));
  expect(config).toEqual(load(file(...services)));
  expect(Object.isFrozen(config?.services)).toBe(true);
});

const other = web.replace('name: web', 'name: other');
test.each([
  ['a name given twice', [first, web, dns.replace('name: dns', 'name: web')]],
  ['an address given twice', [first, web, other]],
  ['an entry given twice', [first, web, web]],
  ['a window for a server that left', [first.replace('10.0.0.1', '10.0.0.2'), web]],
  ['an unknown check', [first, web.replace('[web]', '[wed]')]],
  ['an unknown key', [first, web.replace('checks', 'check')]],
  ['a text that is not closed', [first, web.replace('name: web', 'name: "web'), dns]],
  ['no service', []],
])('%s is left to the reading of the whole', async (_what, services) => {
  expect(issuesOf(file(...services))).not.toEqual([]);
  expect((await readAgain(file(first, web, dns), file(...services))).config).toBeUndefined();
});

test.each([
  ['the head', file(first, web).replace('path: /a', 'path: /b')],
  ['the tail', file(first, web).replace('1h', '2h')],
  ['the style', file(first, web).replaceAll('\n', '\r\n')],
])('nothing is taken from before when %s changed', async (_what, text) => {
  expect(issuesOf(text)).toEqual([]);
  expect((await readAgain(file(first, web), text)).remainder).toBeUndefined();
});

test('an anchor may be meant anywhere, so that nothing is taken from before', async () => {
  const anchored = (port: number) =>
    file(first, dns.replace('10.0.2.1', '&a { address: 10.0.2.1 }'), web.replace('10.0.1.1', `*a, 10.0.1.1:${port}`));
  expect((await readAgain(anchored(1), anchored(2))).remainder).toBeUndefined();
});

test('a service whose certificates are in a file is read again, as the file may have changed', async () => {
  const authority = createAuthority();
  try {
    const checks = `checks: [{ type: http, tls: { ca: ${authority.path} } }]`;
    const checked = dns.replace('servers:', `${checks}\n    servers:`);
    const again = await readAgain(file(first, web, checked), file(first, web, checked));
    expect(again.remainder?.text).toBe(file(checked));
  } finally {
    authority.remove();
  }
});

const examples = ['../../config', '../bad-config'].flatMap((directory) =>
  readdirSync(join(__dirname, directory))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => readFileSync(join(__dirname, directory, name), 'utf8')),
);
const usable = examples.filter((text) => issuesOf(text).length === 0);

/** Entries in many styles, with what could be taken for the start of an entry, and with mistakes. */
const entry = fc
  .tuple(
    fc.constantFrom('a', 'b', 'c'),
    fc.integer({ min: 1, max: 9 }),
    fc.constantFrom(
      '    servers: [10.0.1.1]\n',
      '    servers:\n    - 10.0.1.1\n    - { address: 10.0.1.2, weight: 0 }\n',
      '    servers:\n      - 10.0.1.1\n      -\n        address: 10.0.1.2\n',
      '    servers: [ # a comment\n      10.0.1.1,\n    ]\n',
      '    checks: [{ type: http, expect: { body: "a\n      - b" } }]\n    servers: [10.0.1.1]\n',
      '    checks:\n      - type: http\n        path: |-\n          /\n    servers: [10.0.1.1]\n\n',
      '    checks:\n      - type: http\n        path: |2-\n          /\n    servers: [10.0.1.1]\n\n',
      '    servers: [10.0.1.1]\n#  - name: d\n  # - name: e\n',
      '    servers: [10.0.1.1\n  ]\n',
      '    servers: [10.0.1.1]\n  -\n    name: z\n    address: 192.0.2.99:80\n    servers: [10.0.1.1]\n',
    ),
  )
  .map(([name, host, rest]) => `  - name: ${name}${host}\n    address: 192.0.2.${host}:80\n${rest}`);
const heads = fc.constantFrom(head, `---\n${head}`, head.replace('services:', 'services: # of ours\n\n  # The first.'));
const entries = fc.uniqueArray(entry, { maxLength: 5, selector: (text) => text.split('\n')[1] });
const tails = fc.constantFrom(tail, '', '...\n', '   \n');
const pair = fc
  .tuple(heads, entries, entries, tails)
  .map(([top, one, other, end]) => [one, other].map((list) => `${top}${first}${list.join('')}${end}`));
const source = fc.oneof({ weight: 3, arbitrary: pair.map(([one = '']) => one) }, fc.constantFrom(...usable));
const nasty = fc.constantFrom(
  '  - ',
  '\n  - ',
  '{',
  ']',
  '"',
  '\n',
  '\n---\n',
  '&a ',
  '*a',
  '|\n',
  '# ',
  '\t',
  '1',
  ' ',
);

/** Some lines go, stay twice or change places, or something comes between. */
const edit = fc.oneof(
  fc.tuple(fc.nat(60), fc.nat(9), fc.nat(60)).map(([from, count, to]) => (text: string) => {
    const lines = text.split('\n');
    const moved = lines.splice(from % lines.length, count);
    return lines.toSpliced(to % (lines.length + 1), 0, ...moved).join('\n');
  }),
  fc.tuple(fc.nat(60), fc.nat(9)).map(([from, count]) => (text: string) => {
    const lines = text.split('\n');
    return lines.toSpliced(from % lines.length, count).join('\n');
  }),
  fc.tuple(fc.nat(2000), nasty).map(([place, what]) => (text: string) => {
    const at = place % (text.length + 1);
    return text.slice(0, at) + what + text.slice(at);
  }),
);

test('what is read with the help of what was read before is what the whole says', async () => {
  let helped = 0;
  let refused = 0;
  const check = async (before: string, text: string) => {
    if (issuesOf(before).length > 0) return;
    const { config } = await readAgain(before, text);
    const issues = issuesOf(text);
    if (config !== undefined) expect({ config, issues }).toEqual({ config: loadOrNothing(text), issues: [] });
    helped += config === undefined ? 0 : 1;
    refused += Math.sign(issues.length);
  };
  await fc.assert(
    fc.asyncProperty(source, edit, (before, change) => check(before, change(before))),
    { numRuns: 1500 },
  );
  await fc.assert(
    fc.asyncProperty(pair, ([one = '', other = '']) => check(one, other)),
    { numRuns: 500 },
  );
  expect(helped).toBeGreaterThan(200);
  expect(refused).toBeGreaterThan(200);
}, 60_000);

function loadOrNothing(text: string): Config | undefined {
  return issuesOf(text).length === 0 ? load(text) : undefined;
}
