import type { MetricRow } from './metric-table.ts';

/** Takes one sample: labels as `labelText` makes them, and the value. */
export type Emit = (labels: string, value: number) => void;

/**
 * One family in Prometheus' text format. prom-client can write it too, but takes seven times as long for the series that
 * 10,000 servers have, and meanwhile nobody is probed.
 */
export function familyText(name: string, { help, type }: MetricRow, fill: (emit: Emit) => void): string {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
  fill((labels, value) => lines.push(labels === '' ? `${name} ${value}` : `${name}{${labels}} ${value}`));
  return lines.join('\n');
}

/** `service="web",server="192.0.2.1:80"`: names and values in the same order. */
export function labelText(names: readonly string[], values: readonly string[]): string {
  return names.map((name, index) => `${name}="${escapeValue(values[index] ?? '')}"`).join(',');
}

function escapeValue(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}
