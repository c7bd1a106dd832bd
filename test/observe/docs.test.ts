import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { logTable } from '../../src/observe/log-table.ts';
import { type MetricRow, metricTable } from '../../src/observe/metric-table.ts';
import { testWith } from '../support/program.ts';

function page(name: string): string {
  return readFileSync(join(__dirname, '../../docs', name), 'utf8');
}

function alertsOf(text: string): string {
  return /```yaml\n(groups:[^`]*)```/.exec(text)?.[1] ?? '';
}

/** The rows of a page's tables whose first cell starts with one of the words. */
function rowsOf(text: string, start: RegExp): readonly string[] {
  return text.split('\n').filter((line) => start.test(line));
}

function metricLine([name, { type, labels, help }]: [string, MetricRow]): string {
  return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`;
}

test('docs/metrics.md has the table of the source, row by row', () => {
  expect(rowsOf(page('metrics.md'), /^\| `lvsd_/)).toEqual(Object.entries(metricTable).map(metricLine));
});

test('docs/logs.md has the table of the source, row by row', () => {
  const wanted = Object.entries(logTable).map(([action, { level, when }]) => `| \`${action}\` | ${level} | ${when} |`);
  expect(rowsOf(page('logs.md'), /^\| `[a-z]+_[a-z_]+` \| (fatal|error|warn|notice|info|debug) \|/)).toEqual(wanted);
});

test('the alerts of docs/metrics.md name only metrics that exist', () => {
  const names = new Set(alertsOf(page('metrics.md')).match(/lvsd_[a-z_]+/g));
  expect(names.size).toBeGreaterThan(5);
  for (const name of names) expect(Object.keys(metricTable)).toContain(name.replace(/_bucket$/, ''));
});

testWith('promtool', 'prometheus')('promtool accepts the alerts of docs/metrics.md', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lvsd-rules-'));
  const file = join(directory, 'lvsd.rules.yml');
  writeFileSync(file, alertsOf(page('metrics.md')));
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
  rmSync(directory, { recursive: true });
  expect(stdout + stderr).toMatch(/SUCCESS: \d+ rules found/);
  expect(status).toBe(0);
});
