import type { Config, Service } from '../core/config.ts';
import { freeze } from './freeze.ts';
import type { Remainder } from './remainder.ts';
import { resolveConfig } from './resolve.ts';
import { fileSchema } from './schema.ts';
import { readYaml } from './yaml.ts';

/**
 * The configuration of the whole text, frozen; undefined where anything in it is wrong: the whole text tells what. `pause`
 * is awaited after each step that takes long.
 */
export async function parseRemainder(
  { text, services }: Remainder,
  pause: () => Promise<void>,
): Promise<Config | undefined> {
  const yaml = readYaml(text);
  await pause();
  const data = yaml.problems.length > 0 ? undefined : withHoles(yaml.value, services);
  const file = fileSchema.safeParse(data);
  if (!file.success) return undefined;
  await pause();
  let isWrong = false;
  const problems = {
    add: () => {
      isWrong = true;
    },
    place: () => '',
  };
  const config = resolveConfig(file.data, problems, services);
  return isWrong ? undefined : freeze(config);
}

/** The data with every entry of its services under its own number; undefined where they are not what was left. */
function withHoles(data: unknown, services: readonly (Service | undefined)[]): unknown {
  if (typeof data !== 'object' || data === null || !('services' in data)) return undefined;
  const entries: readonly unknown[] = Array.isArray(data.services) ? data.services : [];
  const places = services.flatMap((service, index) => (service === undefined ? [index] : []));
  if (entries.length !== places.length) return undefined;
  const list = services.map((): unknown => undefined);
  for (const [turn, place] of places.entries()) list[place] = entries[turn];
  return { ...data, services: list };
}
