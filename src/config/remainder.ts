import type { Config, Service } from '../core/config.ts';
import { type Cut, cutServices } from './cut.ts';

/** A text that was read, and what it says. */
export interface Known {
  readonly text: string;
  readonly config: Config;
}

/** What is left to read of a text of which the rest is known. */
export interface Remainder {
  /** The text without the services that are known. */
  readonly text: string;
  /** Each service of the whole text; undefined: it is in `text`. */
  readonly services: readonly (Service | undefined)[];
}

/** Undefined where the text has to be read as a whole: more than services changed, or they are written in another way. */
export function remainderOf(text: string, known: Known): Remainder | undefined {
  const now = cutServices(text);
  const before = cutServices(known.text);
  if (now === undefined || before === undefined || now.head !== before.head || now.tail !== before.tail)
    return undefined;
  // Then the cuts are where the entries are, whatever else looks like them.
  if (before.services.length !== known.config.services.length) return undefined;
  const byText = servicesByText(before, known.config);
  const services = now.services.map((one) => byText.get(one));
  const rest = now.services.filter((_, index) => services[index] === undefined);
  return { text: [now.head, ...rest, now.tail].join(''), services };
}

function servicesByText(cut: Cut, config: Config): ReadonlyMap<string, Service> {
  const known = new Map<string, Service>();
  for (const [index, service] of config.services.entries()) {
    const text = cut.services[index];
    if (text !== undefined && !readsFile(service)) known.set(text, service);
  }
  return known;
}

/** Certificates (`tls.ca`) are read with the configuration: their file may have changed where the text has not. */
function readsFile({ servers, fallbackServers }: Service): boolean {
  const checks = [...servers, ...fallbackServers].flatMap((server) => server.checks);
  const options = new Set(checks.map((check) => check.options));
  return [...options].some((one) => JSON.stringify(one).includes('"ca":'));
}
