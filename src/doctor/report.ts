import { severities } from './examine.ts';
import type { Finding, Severity } from './finding.ts';

/** Findings as lines for a reader; what is in order is counted alone, unless asked for. */
export function formatFindings(findings: readonly Finding[], isVerbose: boolean): string {
  const shown = findings.filter(({ severity }) => isVerbose || severity !== 'ok');
  return [...shown.flatMap(formatFinding), summarize(findings)].map((line) => `${line}\n`).join('');
}

/** The same as a document for programs, with every finding. */
export function formatFindingsAsJson(findings: readonly Finding[]): string {
  const counts = Object.fromEntries(severities.map((severity) => [severity, countOf(findings, severity)]));
  return `${JSON.stringify({ schema_version: 1, counts, findings }, undefined, 2)}\n`;
}

function formatFinding({ severity, subject, message, remedy }: Finding): readonly string[] {
  const line = `${severity.padEnd(labelWidth)}${subject}: ${message}`;
  return remedy === undefined ? [line] : [line, `${' '.repeat(labelWidth)}# ${remedy}`];
}

const labelWidth = Math.max(...severities.map(({ length }) => length)) + 2;

function summarize(findings: readonly Finding[]): string {
  const problems = countOf(findings, 'problem');
  const warnings = countOf(findings, 'warning');
  const counts = [
    `${problems} problem${problems === 1 ? '' : 's'}`,
    `${warnings} warning${warnings === 1 ? '' : 's'}`,
    `${countOf(findings, 'advice')} advice`,
    `${countOf(findings, 'ok')} ok`,
  ];
  return counts.join(', ');
}

function countOf(findings: readonly Finding[], severity: Severity): number {
  return findings.filter((finding) => finding.severity === severity).length;
}
