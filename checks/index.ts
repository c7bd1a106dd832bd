import type { Config } from '../src/core/config.ts';
import { http } from './http.ts';
import { icmp } from './icmp.ts';
import type { Probe } from './probe.ts';
import { tcp } from './tcp.ts';

/** Every kind of check that a configuration can name. */
export const probes: readonly Probe[] = [http, icmp, tcp];

/** The probe of a type that a configuration was allowed to name. */
export function probeOf(type: string): Probe {
  const found = probes.find((probe) => probe.type === type);
  if (found === undefined) throw new Error(`Cannot find a probe of type '${type}'`);
  return found;
}

/** Loads what the checks of a configuration need. */
export async function loadProbes({ services }: Config): Promise<void> {
  const servers = services.flatMap(({ servers, fallbackServers }) => [...servers, ...fallbackServers]);
  const types = new Set(servers.flatMap(({ checks }) => checks.map(({ type }) => type)));
  for (const type of types) await probeOf(type).load?.();
}
