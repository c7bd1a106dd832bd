import { expect, test } from '@jest/globals';
import { searchPath } from '../../src/run/search-path.ts';

test('programs are looked for where administrators have theirs too', () => {
  expect(searchPath('/usr/local/bin:/usr/bin')).toBe('/usr/local/bin:/usr/bin:/usr/sbin:/sbin');
});

test.each([[undefined], [''], [':'], ['.'], ['bin:']])('never in the working directory: %j', (known) => {
  expect(searchPath(known)).toBe('/usr/sbin:/sbin');
});
