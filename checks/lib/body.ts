import type { BodyExpectation } from './http-options.ts';
import { matches } from './pattern.ts';

/** Why the body is not as expected, quoting how it begins; undefined: it is. */
export function bodyMismatch(body: Buffer, expected: BodyExpectation): string | undefined {
  if ('contains' in expected) {
    return body.includes(expected.contains) ? undefined : `body without ${quote(expected.contains)}: ${begin(body)}`;
  }
  const isMatch = matches(expected.regex, body.toString());
  return isMatch ? undefined : `body without a match of ${quote(expected.regex)}: ${begin(body)}`;
}

function begin(body: Buffer): string {
  return quote(body.subarray(0, 4 * quotedCharacters).toString());
}

const quotedCharacters = 60;

function quote(text: string): string {
  return JSON.stringify(text.length > quotedCharacters ? `${text.slice(0, quotedCharacters)}…` : text);
}
