import { z } from './fields.ts';
import { type Path, quote } from './issue.ts';
import { didYouMean } from './nearest.ts';

/** A mistake in plain data: where, what, and whether the key itself is meant and not its value. */
export interface Mistake {
  readonly path: Path;
  readonly message: string;
  readonly isAboutKey: boolean;
}

type ZodIssue = z.core.$ZodIssue;

/** The words for what a schema refuses and does not word itself. */
export const wording: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${kinds[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return oneOf(issue.values, issue.input);
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(key, issue.inst)).join('\n');
    case 'invalid_union':
      return Array.isArray(issue.options) ? oneOf(issue.options, discriminatorOf(issue)) : alternatives(issue.errors);
    case 'too_small':
      return issue.origin === 'number' ? `must be at least ${issue.minimum}` : 'must not be empty';
    case 'too_big':
      return issue.origin === 'number'
        ? `must be at most ${issue.maximum}`
        : `must not be longer than ${issue.maximum}`;
    default:
      return undefined;
  }
};

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
};

/** What zod found wrong with the data, one mistake a place. */
export function explain(issues: readonly ZodIssue[], data: unknown): readonly Mistake[] {
  const mistakes = issues.flatMap((issue) => explainIssue(issue, [], data));
  const places = new Set<string>();
  return mistakes.filter(({ path }) => places.size < places.add(JSON.stringify(path)).size);
}

function explainIssue(issue: ZodIssue, above: Path, data: unknown): readonly Mistake[] {
  const path: Path = [...above, ...(issue.path as Path)];
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n');
    return issue.keys.map((key, index) => ({ path: [...path, key], message: messages[index] ?? '', isAboutKey: true }));
  }
  if (issue.code === 'invalid_key') {
    return [{ path, message: `the key ${issue.issues[0]?.message ?? 'is not allowed'}`, isAboutKey: true }];
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const branch = likelyBranch(issue.errors);
    if (branch !== undefined) return branch.flatMap((inner) => explainIssue(inner, path, data));
  }
  return [{ path, message: withFound(issue.message, path, data), isAboutKey: false }];
}

/** The alternative that was meant: the nearest in kind, then the one with the fewest mistakes. */
function likelyBranch(branches: readonly (readonly ZodIssue[])[]): readonly ZodIssue[] | undefined {
  const ranked = branches.map((issues) => ({ issues, distance: Math.max(...issues.map(distanceInKind)) }));
  const [best] = ranked.sort((a, b) => a.distance - b.distance || a.issues.length - b.issues.length);
  return best === undefined || best.distance === 2 ? undefined : best.issues;
}

/** 2: a mapping where a text is wanted, or the like; 1: no value of a list of words; 0: a mistake further in. */
function distanceInKind({ path, code }: ZodIssue): number {
  if (path.length > 0) return 0;
  return code === 'invalid_type' ? 2 : code === 'invalid_value' ? 1 : 0;
}

function alternatives(branches: readonly (readonly ZodIssue[])[]): string {
  const messages = new Set(branches.flat().map(({ message }) => message.replace(/^must be /, '')));
  return `must be ${[...messages].join(' or ')}`;
}

function withFound(message: string, path: Path, data: unknown): string {
  const value = valueAt(data, path);
  if (value === undefined) return `is missing: ${message}`;
  const found = quote(value);
  // Headers carry passwords and tokens.
  const isQuoted = typeof value === 'string' && message.includes(found);
  return isQuoted || path.includes('headers') ? message : `${message}; found ${found}`;
}

/** The operator's own value at a path; undefined where there is none. */
function valueAt(data: unknown, path: Path): unknown {
  let value = data;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

function oneOf(values: readonly unknown[], input: unknown): string {
  const names = values.map(String);
  const list = names.length === 1 ? names[0] : `one of ${names.join(', ')}`;
  return `must be ${list}${typeof input === 'string' ? hint(input, names) : ''}`;
}

function hint(word: string, names: readonly string[]): string {
  return didYouMean(word, names).replace(/^: did you mean (.*)\?$/, ' (did you mean $1?)');
}

function unknownKey(key: string, schema: unknown): string {
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  return `unknown key ${quote(key)}${didYouMean(key, known)}`;
}

function discriminatorOf(issue: { readonly input?: unknown; readonly discriminator?: unknown }): unknown {
  return valueAt(issue.input, [String(issue.discriminator)]);
}
