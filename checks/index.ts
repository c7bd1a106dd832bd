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
