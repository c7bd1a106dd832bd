/** Where in the configuration: keys, and indexes of lists. */
export type Path = readonly (string | number)[];

/** One mistake. Lines and columns count from 1. */
export interface Issue {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Such as `services[0].servers[1].weight`; `document` where it concerns the file as a whole. */
  readonly path: string;
  readonly message: string;
}

/** The operator's configuration cannot be used. Its message has every reason, in the order of the file, one a line. */
export class ConfigError extends Error {
  readonly issues: readonly Issue[];

  constructor(issues: readonly Issue[]) {
    super(issues.map(formatIssue).join('\n'));
    this.name = 'ConfigError';
    this.issues = issues;
  }
}

export function formatIssue({ file, line, column, path, message }: Issue): string {
  return `${file}:${line}:${column}: ${path}: ${message}`;
}

export function formatPath(path: Path): string {
  if (path.length === 0) return 'document';
  return path.map(formatStep).join('').replace(/^\./, '');
}

function formatStep(step: string | number): string {
  if (typeof step === 'number') return `[${step}]`;
  return /^[\w<-]+$/.test(step) ? `.${step}` : `[${quote(step)}]`;
}

/** A value of the operator's as a message shows it: on one line, of bounded length. */
export function quote(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a mapping';
  const text = typeof value === 'string' ? quoteText(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** JSON's escapes. */
function quoteText(text: string): string {
  return `'${onOneLine(JSON.stringify(text.slice(0, 100)).slice(1, -1).replaceAll('\\"', '"'))}'`;
}

const longestMessage = 400;

/** What a file says can end up in a message: nothing in it may break the line or speak to a terminal. */
export function onOneLine(message: string): string {
  const short = message.length > longestMessage ? `${message.slice(0, longestMessage - 3)}...` : message;
  return short.replace(/[\p{Cc}\u2028\u2029]/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
