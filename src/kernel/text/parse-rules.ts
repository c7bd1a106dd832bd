import type { Endpoint } from '../../core/address.ts';
import type { SettingOp } from '../../core/settings.ts';
import type { ServerRow, ServiceIdentity, ServiceRow } from '../../core/table.ts';
import { type CommandLine, type CommandName, Mistake, readCommandLine } from './command-line.ts';
import type { Lookup } from './lookup.ts';
import { readIdentity, readServerEndpoint, readServerRow, readServiceRow } from './rule-rows.ts';
import { readDaemon, readRole, readTimeouts } from './rule-settings.ts';

/** What one line asks for. In `set_timeouts`, 0 leaves a timeout as it is. */
export type Rule =
  | { readonly kind: 'add_service'; readonly service: ServiceRow }
  | { readonly kind: 'edit_service'; readonly service: ServiceRow }
  | { readonly kind: 'del_service'; readonly identity: ServiceIdentity }
  | { readonly kind: 'add_server'; readonly identity: ServiceIdentity; readonly server: ServerRow }
  | { readonly kind: 'edit_server'; readonly identity: ServiceIdentity; readonly server: ServerRow }
  | { readonly kind: 'del_server'; readonly identity: ServiceIdentity; readonly server: Endpoint }
  | { readonly kind: 'clear' }
  | { readonly kind: 'zero'; readonly identity: ServiceIdentity | undefined }
  | SettingOp;

export interface NumberedRule {
  /** From 1. */
  readonly line: number;
  readonly rule: Rule;
}

/** What is wrong with a line: a clause that says it. */
export interface LineIssue {
  readonly line: number;
  readonly message: string;
}

export interface ParsedRules {
  readonly rules: readonly NumberedRule[];
  readonly issues: readonly LineIssue[];
}

/**
 * Reads lines as `ipvsadm -R` does: each the arguments of one call, `ipvsadm` in front or not. Empty lines and, unlike
 * there, comments from a word that begins with `#` are passed over. Every line that is wrong is an issue.
 */
export function parseRules(text: string, lookup: Lookup): ParsedRules {
  const rules: NumberedRule[] = [];
  const issues: LineIssue[] = [];
  for (const [index, content] of text.split('\n').entries()) {
    const line = index + 1;
    const words = wordsOf(content);
    if (words.length === 0) continue;
    try {
      rules.push({ line, rule: readRule(readCommandLine(words), lookup) });
    } catch (error) {
      if (!(error instanceof Mistake)) throw error;
      issues.push({ line, message: error.message });
    }
  }
  return { rules, issues };
}

function wordsOf(line: string): readonly string[] {
  const words = line.split(/[ \t\r]+/).filter((word) => word !== '');
  const comment = words.findIndex((word) => word.startsWith('#'));
  const rule = comment < 0 ? words : words.slice(0, comment);
  return rule[0] === 'ipvsadm' ? rule.slice(1) : rule;
}

function readRule(line: CommandLine, lookup: Lookup): Rule {
  const [stray] = line.rest.slice(valuesOf[line.command] ?? 0);
  if (stray !== undefined) throw new Mistake(`unexpected argument '${stray}'`);
  return readers[line.command](line, lookup);
}

/** How many words beside options belong to a command. */
const valuesOf: Partial<Record<CommandName, number>> = { set: 3, 'start-daemon': 1, 'stop-daemon': 1 };

const readers: Record<CommandName, (line: CommandLine, lookup: Lookup) => Rule> = {
  'add-service': (line, lookup) => ({ kind: 'add_service', service: readServiceRow(line, lookup) }),
  'edit-service': (line, lookup) => ({ kind: 'edit_service', service: readServiceRow(line, lookup) }),
  'delete-service': (line, lookup) => ({ kind: 'del_service', identity: readIdentity(line, lookup) }),
  'add-server': (line, lookup) => ({ kind: 'add_server', ...readServerRow(line, lookup) }),
  'edit-server': (line, lookup) => ({ kind: 'edit_server', ...readServerRow(line, lookup) }),
  'delete-server': (line, lookup) => ({ kind: 'del_server', ...readServerEndpoint(line, lookup) }),
  clear: () => ({ kind: 'clear' }),
  zero: (line, lookup) => ({
    kind: 'zero',
    identity: line.options.size === 0 ? undefined : readIdentity(line, lookup),
  }),
  set: ({ rest }) => ({ kind: 'set_timeouts', timeouts: readTimeouts(rest) }),
  'start-daemon': (line) => ({ kind: 'start_daemon', daemon: readDaemon(line) }),
  'stop-daemon': ({ rest }) => ({ kind: 'stop_daemon', role: readRole(rest[0] ?? '') }),
};
