import type { Tunnel } from '../../core/table.ts';
import { type CommandLine, Mistake, type OptionName } from './command-line.ts';
import { readChoice, readNumber } from './option-values.ts';

/** The tunnel of a server; undefined for IP in IP, and where there is none. Throws `Mistake`. */
export function readTunnel(line: CommandLine, isTunnel: boolean): Tunnel | undefined {
  const given = tunnelOptions.filter((option) => line.options.has(option));
  if (given[0] !== undefined && !isTunnel) throw new Mistake(`option --${given[0]} goes with -i alone`);
  const type = readType(line.options.get('tun-type'));
  const stray = given.find((option) => !accepted[type].includes(option));
  if (stray !== undefined) throw new Mistake(`a tunnel of type ${type} has no --${stray}`);
  const checksum = checksums[readChoice(line, checksumOptions) ?? 'tun-nocsum'];
  if (type === 'gue') return { type, port: readPort(line), checksum };
  return type === 'gre' && checksum !== 'remote' ? { type, checksum } : undefined;
}

type TunnelType = 'ipip' | Tunnel['type'];

const checksumOptions = ['tun-nocsum', 'tun-csum', 'tun-remcsum'] as const;
const tunnelOptions = ['tun-type', 'tun-port', ...checksumOptions] as const;
const checksums = { 'tun-nocsum': 'none', 'tun-csum': 'checksum', 'tun-remcsum': 'remote' } as const;
const accepted: Record<TunnelType, readonly OptionName[]> = {
  ipip: ['tun-type'],
  gue: tunnelOptions,
  gre: ['tun-type', 'tun-nocsum', 'tun-csum'],
};

function readType(text = 'ipip'): TunnelType {
  if (text === 'ipip' || text === 'gue' || text === 'gre') return text;
  throw new Mistake(`'${text}' is not a value of --tun-type: write ipip, gue or gre`);
}

function readPort(line: CommandLine): number {
  if (!line.options.has('tun-port')) throw new Mistake('a tunnel of type gue needs --tun-port');
  return readNumber(line, 'tun-port', [1, 65_535], 0);
}
