import type { Tunnel } from '../core/table.ts';
import type { Problems } from './context.ts';
import type { Path } from './issue.ts';
import type { TunnelEntry } from './row-schema.ts';

/** Undefined for plain IP in IP. */
export function resolveTunnel(
  { type, port, checksum }: TunnelEntry,
  path: Path,
  problems: Problems,
): Tunnel | undefined {
  const refuse = (key: string, message: string) => problems.add([...path, key], message);
  if (type !== 'gue' && port !== undefined) refuse('port', `belongs to gue: ${type} has no port`);
  if (type === 'ipip') {
    if (checksum !== undefined) refuse('checksum', 'belongs to gue and gre: ipip has none');
    return undefined;
  }
  if (type === 'gre') {
    if (checksum === 'remote') refuse('checksum', 'remote belongs to gue: gre knows none and checksum');
    return { type, checksum: checksum === 'checksum' ? checksum : 'none' };
  }
  if (port === undefined)
    problems.add(path, 'gue needs the port of the server that unwraps, such as { type: gue, port: 6080 }');
  return { type, port: port ?? 0, checksum: checksum ?? 'none' };
}
