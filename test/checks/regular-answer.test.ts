import { describe, expect, test } from '@jest/globals';
import { endpointOf } from '../../checks/lib/endpoint.ts';
import { httpOptions } from '../../checks/lib/http-options.ts';
import { RegularAnswer } from '../../checks/lib/regular-answer.ts';
import { stopwatch } from '../../checks/lib/stopwatch.ts';

const ok = 'HTTP/1.1 200 OK\r\n';
const whole = `${ok}content-length: 5\r\n\r\nhello`;

/** What is thought of an answer that has come so far. */
function look(text: string, options: Readonly<Record<string, unknown>> = {}) {
  const { question } = endpointOf({ address: '192.0.2.1', port: 80 }, httpOptions.parse(options));
  const watch = stopwatch();
  const answer = new RegularAnswer(question, watch);
  const next = answer.look(Buffer.from(text, 'latin1'));
  return { next, answer, phases: Object.keys(watch.phases) };
}

test('an answer is done with its body, of which what counts is kept', () => {
  const { next, answer, phases } = look(`${whole}more`, { expect: { body: 'hel' }, max_bytes: 3 });
  expect([next, answer.status, `${answer.body}`, phases]).toEqual(['done', 200, 'hel', ['processing', 'transfer']]);
  expect(look(whole).answer.body).toHaveLength(0);
});

test('one whose status fails is done without its body', () => {
  const { next, answer, phases } = look(`HTTP/1.1 503 Sorry\r\ncontent-length: 5\r\n\r\n`);
  expect([next, answer.status, phases]).toEqual(['done', 503, ['processing']]);
});

test('what is not there of a body is waited for', () => {
  const { next, phases } = look(whole.slice(0, -1));
  expect([next, phases]).toEqual(['wait', ['processing']]);
});

test.each([
  ['without an end of its headers', ok],
  ['without a length', `${ok}\r\nhello`],
  ['with two lengths', `${ok}content-length: 5\r\ncontent-length: 5\r\n\r\nhello`],
  ['in chunks', `${ok}transfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['that goes before the answer', `HTTP/1.1 103 Early Hints\r\n\r\n${whole}`],
  ['with a line that ends without a carriage return', `${ok}x: y\ncontent-length: 5\r\n\r\nhello`],
  ['with a header that goes on in the next line', `${ok}x: y\r\n z\r\ncontent-length: 5\r\n\r\nhello`],
  ['with bytes that are not ASCII', `${ok}x: \xe9\r\ncontent-length: 5\r\n\r\nhello`],
  ['of another protocol', 'ICY 200 OK\r\ncontent-length: 5\r\n\r\nhello'],
  ['with more headers than are usual', `${ok}x: ${'y'.repeat(8_200)}\r\ncontent-length: 5\r\n\r\nhello`],
])('an answer %s is left', (_what, text) => {
  expect(look(text).next).toBe('leave');
});

describe('the connection is good for another request', () => {
  test.each([
    ['for long after an answer in which nothing is said of it', whole, {}, 600_000],
    ['where the server says so', `${ok}connection: keep-alive\r\ncontent-length: 5\r\n\r\nhello`, {}, 600_000],
    ['as long as the server grants it', `${ok}keep-alive: timeout=9\r\ncontent-length: 5\r\n\r\nhello`, {}, 7_000],
    ['not where that is too short', `${ok}keep-alive: timeout=1\r\ncontent-length: 5\r\n\r\nhello`, {}, 0],
    ['not where the server ends it', `${ok}connection: close\r\ncontent-length: 5\r\n\r\nhello`, {}, 0],
    ['not by HTTP/1.0', whole.replace('1.1', '1.0'), {}, 0],
    ['not where more came', `${whole}!`, {}, 0],
    ['not where more is to come', whole.slice(0, -1), { max_bytes: 2 }, 0],
    ['after 204', 'HTTP/1.1 204 No Content\r\n\r\n', {}, 600_000],
    ['after HEAD with a length', `${ok}content-length: 5\r\n\r\n`, { method: 'HEAD' }, 600_000],
    ['not after HEAD without one', `${ok}\r\n`, { method: 'HEAD' }, 0],
  ])('%s', (_when, text, options, idleLimitMs) => {
    const { next, answer } = look(text, options);
    expect([next, answer.idleLimitMs]).toEqual(['done', idleLimitMs]);
  });
});
