import type { Config } from '../core/config.ts';
import { homesOf } from '../host/plan-director.ts';
import type { Facts } from './facts.ts';
import { facing, holders } from './interfaces.ts';

/** The command that sets up this machine for a configuration, which is in `file`. */
export function directorUp(facts: Facts, config: Config, file: string): string {
  const homeless = homesOf(config, undefined).filter(({ link }) => link === undefined);
  const command = `lvsd director up -c ${quote(file)}`;
  if (homeless.length === 0) return command;
  const [device = placeholder, ...others] = new Set(homeless.flatMap(({ address }) => likelyHome(facts, address)));
  return `${command} --interface ${others.length > 0 ? placeholder : device}`;
}

/** For the operator to fill in, where it is not plain. */
const placeholder = 'NAME';

/** The interface that has the address, or is of its network, or leads to it. */
function likelyHome({ interfaces, routes }: Facts, address: string): readonly string[] {
  const devices = [
    ...holders(interfaces, address),
    ...facing(interfaces, address),
    routes.get(address)?.device ?? 'lo',
  ];
  return devices.filter((device) => device !== 'lo').slice(0, 1);
}

function quote(word: string): string {
  return /^[\w./@%+:,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
