import { RE2JS } from 're2js';
import { explain } from './fault.ts';
import { memo } from './memo.ts';

/**
 * Whether a regular expression in RE2's syntax finds a match anywhere in the text. RE2 answers in time linear in the
 * text, whatever the expression: a backtracking engine can be held for seconds by 28 characters of a server's choice.
 */
export function matches(source: string, text: string): boolean {
  return compile(source).matcher(text).find();
}

/** Why RE2 refuses the expression, or undefined when it takes it. */
export function patternError(source: string): string | undefined {
  try {
    compile(source);
    return undefined;
  } catch (error) {
    return explain(error);
  }
}

const compile = memo((source) => RE2JS.compile(source));
