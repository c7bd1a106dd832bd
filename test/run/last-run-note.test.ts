import { expect, test } from '@jest/globals';
import { fail, pass } from '../../src/core/observation.ts';
import { LastRunNote } from '../../src/run/last-run-note.ts';

test('a note says what the last run came to, and what was seen of it before stays as it was', () => {
  const note = new LastRunNote();
  note.take({ kind: 'observation', observation: pass('L7OK', 'status 200') }, 1.5);
  const first = note.view();
  note.take({ kind: 'observation', observation: fail('L7STS', 'status 503') }, 2);
  const second = note.view();
  note.take({ kind: 'inconclusive', inconclusive: { code: 'EMFILE', message: 'too many open files' } }, 0.1);
  expect([first, second, note.view()]).toEqual([
    { outcome: 'pass', code: 'L7OK', detail: 'status 200', durationMs: 1.5 },
    { outcome: 'fail', code: 'L7STS', detail: 'status 503', durationMs: 2 },
    { outcome: 'inconclusive', code: 'EMFILE', detail: 'too many open files', durationMs: 0.1 },
  ]);
});
