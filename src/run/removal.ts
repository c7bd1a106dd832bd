import { diffSettings, noSettings, settingName } from '../core/settings.ts';
import { type Op, serviceKey } from '../core/table.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Ownership, Ownerships } from './ownership.ts';

export interface Refusal {
  readonly what: string;
  /** Name of an errno. */
  readonly error: string;
}

/**
 * Takes what is ours out of the kernel, and resolves with what it refused: that stays ours. Rejects with
 * `KernelUnavailable`.
 */
export async function removeOurs(kernel: Kernel, { services, daemons }: Ownerships): Promise<readonly Refusal[]> {
  return [...(await removeServices(kernel, services)), ...(await stopDaemons(kernel, daemons))];
}

async function removeServices(kernel: Kernel, ownership: Ownership): Promise<readonly Refusal[]> {
  const ours = [...(await kernel.read())].filter(([key]) => ownership.owned().has(key));
  const results = await kernel.apply(ours.map(([, service]): Op => ({ kind: 'del_service', service })));
  const refused = results.flatMap(({ op, error }) =>
    error === undefined ? [] : [{ what: serviceKey(op.service.identity), error }],
  );
  ownership.replace(new Set(refused.map(({ what }) => what)));
  return refused;
}

async function stopDaemons(kernel: Kernel, ownership: Ownership): Promise<readonly Refusal[]> {
  if (ownership.owned().size === 0) return [];
  const ops = diffSettings(noSettings, await kernel.readSettings(), ownership.owned());
  const refused = (await kernel.applySettings(ops)).flatMap(({ op, error }) =>
    error === undefined ? [] : [{ what: settingName(op), error }],
  );
  if (refused.length === 0) ownership.replace(new Set());
  return refused;
}
