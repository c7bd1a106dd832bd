import { ConfigError } from '../../src/config/issue.ts';
import { parseConfig } from '../../src/config/load.ts';
import type { Check, Config, Server, Service } from '../../src/core/config.ts';

/** The mistakes in a text, as the operator sees them; none when it loads. Anything but `ConfigError` is rethrown. */
export function issuesOf(text: string, file = 'c.yaml'): readonly string[] {
  try {
    parseConfig(text, file);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
}

/** A configuration of one service, in flow style without its braces: `address: 10.0.0.100:80, servers: [10.0.0.1]`. */
export function serviceText(keys: string, rest = ''): string {
  return `version: 1\n${rest}\nservices:\n  - { name: web, ${keys} }\n`;
}

export function loadService(keys: string, rest = ''): Service {
  return first(load(serviceText(keys, rest)).services);
}

export function loadServer(keys: string, rest = ''): Server {
  return first(loadService(keys, rest).servers);
}

export function loadCheck(keys: string, rest = ''): Check {
  return first(loadServer(keys, rest).checks);
}

export function load(text: string): Config {
  return parseConfig(text, 'c.yaml');
}

export function first<T>(list: readonly T[]): T {
  const [entry] = list;
  if (entry === undefined) throw new Error('Cannot take the first entry of an empty list');
  return entry;
}
