/** Control characters, halves of surrogate pairs, line separators, and what turns the direction of text around. */
const unprintable = /[\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069]/gu;

/** Nearly every text: to see that nothing is to be written out costs a tenth of looking for it. */
const plain = /^[ -~]*$/;

const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * The text with everything that could forge a line, drive a terminal or hide written out: `\n`, `\x1b`, `\u2028`. No
 * longer than `limit` UTF-16 units; what was cut shows as `…`.
 */
export function printable(text: string, limit = 256): string {
  if (text.length <= limit && plain.test(text)) return text;
  const escaped = text.slice(0, limit + 1).replace(unprintable, writeOut);
  return escaped.length > limit ? `${escaped.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, '')}…` : escaped;
}

function writeOut(character: string): string {
  const code = character.charCodeAt(0);
  const hex = code.toString(16);
  return named[character] ?? (code < 0x100 ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`);
}
