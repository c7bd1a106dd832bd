/** A text in three pieces: joined in their order they are the text again. */
export interface Cut {
  /** Up to the first service. */
  readonly head: string;
  /** The text of each service, with the lines up to the next one. */
  readonly services: readonly string[];
  readonly tail: string;
}

/** Anchors, which reach from one service to another, and breaks of lines that are some to YAML or JavaScript alone. */
const unfit = /[&\r\u2028\u2029]/;

/** The list of the services in block style: its key at the left margin, and what goes before its first entry. */
const opening = /^services: *(?:#.*)?\n(?: *(?:#.*)?\n)*(?=( *)- )/m;

/**
 * Cuts a configuration where its services begin, by lines alone: nothing in YAML that began within an entry of a block
 * list goes on in a line that is indented no more than the entry's dash (YAML 1.2.2, section 8.2.1). Undefined where
 * the services are written in another way.
 */
export function cutServices(text: string): Cut | undefined {
  const found = unfit.test(text) ? null : opening.exec(text);
  if (found === null) return undefined;
  const [opened, indent = ''] = found;
  const begin = found.index + opened.length;
  const rest = text.slice(begin);
  // Neither blank, nor a comment, nor an entry, nor indented more than one.
  const after = rest.search(new RegExp(`^(?! *(?:#|$)|${indent}[ -])`, 'm'));
  const end = after < 0 ? text.length : begin + after;
  const services = text.slice(begin, end).split(new RegExp(`^(?=${indent}- )`, 'm'));
  return { head: text.slice(0, begin), services, tail: text.slice(end) };
}
