import { lookup } from 'node:dns/promises';
import { fstatSync, readSync } from 'node:fs';
import { printable } from '../../core/printable.ts';
import type { IpvsKernel } from '../../kernel/ipvs.ts';
import { applyPlan } from '../../kernel/restore/apply-plan.ts';
import { planRestore } from '../../kernel/restore/plan.ts';
import { zeroCounters } from '../../kernel/restore/zero-counters.ts';
import { type LineIssue, type NumberedRule, type ParsedRules, parseRules } from '../../kernel/text/parse-rules.ts';
import { exitCodes } from '../exit.ts';
import { holdSignals } from '../signals.ts';
import { loadPortNames } from './port-names.ts';
import { withKernel } from './with-kernel.ts';

/** `lvsd table restore`: applies the rules on stdin, or none of them. Resolves with the exit code: 0, 1, 65 bad input. */
export async function restore(): Promise<number> {
  const text = await readStdin().catch((error: Error) => error);
  if (text instanceof Error) return cannotRead(text);
  const { rules, issues } = await parseNamed(text);
  if (issues.length > 0) return refuse(issues);
  return withKernel((kernel) => apply(kernel, rules));
}

async function apply(kernel: IpvsKernel, rules: readonly NumberedRule[]): Promise<number> {
  const before = { table: await kernel.read(), settings: await kernel.readSettings() };
  const plan = planRestore(rules, before);
  if (plan.issues.length > 0) return refuse(plan.issues);
  return holdSignals(async () => {
    const { issues, leftovers } = await applyPlan(kernel, plan, before);
    if (issues.length > 0) return refuse(issues, leftovers);
    const notZero = await zeroCounters(kernel, plan.zeros);
    if (notZero.length === 0) return exitCodes.ok;
    complain([...linesOf(notZero), 'All else was applied']);
    return exitCodes.failed;
  });
}

function refuse(issues: readonly LineIssue[], leftovers: readonly string[] = []): number {
  const end =
    leftovers.length === 0
      ? ['Nothing was changed']
      : ['What had been applied by then was taken back, but not all of it:', ...leftovers];
  complain([...linesOf(issues), ...end]);
  return leftovers.length === 0 ? exitCodes.badInput : exitCodes.failed;
}

function linesOf(issues: readonly LineIssue[]): readonly string[] {
  return issues.map(({ line, message }) => `line ${line}: ${message}`);
}

/** More than any message has without words of the input, which are neither bounded nor fit for a terminal. */
const longestLine = 400;

function complain(lines: readonly string[]): void {
  process.stderr.write(lines.map((line) => `${printable(line, longestLine)}\n`).join(''));
}

function cannotRead({ message }: Error): number {
  complain([`Cannot read the rules from stdin: ${message}`, 'Nothing was changed']);
  return exitCodes.badInput;
}

async function readStdin(): Promise<string> {
  // Node takes a directory for a stream that has ended. To read it throws EISDIR.
  if (fstatSync(0).isDirectory()) readSync(0, new Uint8Array(1));
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/**
 * Hosts have names in few files: those that do are read once to learn the names, and once more with what they stand for.
 * Nobody is asked for the names of a file that is wrong anyway.
 */
async function parseNamed(text: string): Promise<ParsedRules> {
  const { numberOf } = loadPortNames();
  const wanted = new Set<string>();
  const parsed = parseRules(text, { host: (name) => wanted.add(name) && anyAddress, port: numberOf });
  if (wanted.size === 0 || parsed.issues.length > 0) return parsed;
  const addresses = new Map(await Promise.all([...wanted].map(addressOf)));
  return parseRules(text, { host: (name) => addresses.get(name), port: numberOf });
}

/** Stands for every name at first, as no address is wrong where another is right. */
const anyAddress = '192.0.2.1';

async function addressOf(name: string): Promise<readonly [string, string | undefined]> {
  try {
    return [name, (await lookup(name, { family: 4 })).address];
  } catch {
    return [name, undefined];
  }
}
