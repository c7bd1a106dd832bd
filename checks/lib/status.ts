import { z } from '../../src/config/fields.ts';
import { memo } from './memo.ts';

const hint = 'write status codes from 100 to 599 and ranges of them, such as 200-299 or [200, 301-303]';

/** Status codes and ranges, as a number, a text or a list; `200-299,301` once parsed, which it reads as well. */
export const statusRanges = z
  .union([z.number(), z.string(), z.array(z.union([z.number(), z.string()]))], { error: hint })
  .transform((value) => [value].flat().join(',').replaceAll(' ', ''))
  .refine((text) => text.split(',').every(isRange), { error: hint });

/** Whether a status is one of those that `statusRanges` made. */
export function includesStatus(ranges: string, status: number): boolean {
  return compile(ranges).some(([from, to]) => from <= status && status <= to);
}

const compile = memo((ranges) => ranges.split(',').map(boundsOf));

function isRange(range: string): boolean {
  if (!/^[1-5]\d\d(-[1-5]\d\d)?$/.test(range)) return false;
  const [from, to] = boundsOf(range);
  return from <= to;
}

function boundsOf(range: string): readonly [from: number, to: number] {
  const [from = '', to = from] = range.split('-');
  return [Number(from), Number(to)];
}
