import { expect, test } from '@jest/globals';
import type { Finding } from '../../src/doctor/finding.ts';
import { formatFindings, formatFindingsAsJson } from '../../src/doctor/report.ts';

const findings: readonly Finding[] = [
  { severity: 'problem', subject: 'net.ipv4.ip_forward', message: 'is 0', remedy: 'sysctl -w net.ipv4.ip_forward=1' },
  { severity: 'warning', subject: 'web', message: 'is odd' },
  { severity: 'ok', subject: 'icmp', message: 'this process may ping' },
];

test('findings are lines, each with the command that mends it', () => {
  expect(formatFindings(findings, false)).toBe(`problem  net.ipv4.ip_forward: is 0
         # sysctl -w net.ipv4.ip_forward=1
warning  web: is odd
1 problem, 1 warning, 0 advice, 1 ok
`);
});

test('what is in order is told when asked for', () => {
  expect(formatFindings(findings, true)).toContain('ok       icmp: this process may ping\n');
});

test('the document for programs has every finding, and counts', () => {
  expect(JSON.parse(formatFindingsAsJson(findings))).toEqual({
    schema_version: 1,
    counts: { problem: 1, warning: 1, advice: 0, ok: 1 },
    findings,
  });
});
