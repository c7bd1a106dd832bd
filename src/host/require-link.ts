import type { Channel } from '../kernel/channel.ts';
import { HostError, refusal } from './error.ts';
import { findLink, type Link } from './rt-link.ts';

/** Undefined where there is no link of the name. This and what follows rejects with `HostError`. */
export function lookForLink(channel: Channel, name: string): Promise<Link | undefined> {
  return refusable(`look up the interface '${name}'`, findLink(channel, name));
}

export async function requireLink(channel: Channel, name: string): Promise<Link> {
  const link = await lookForLink(channel, name);
  if (link !== undefined) return link;
  throw new HostError('failed', `Cannot find the interface '${name}': this network namespace has none of that name`);
}

/** What the kernel refuses, as `HostError`; `hints` by errno name. */
export async function refusable<T>(
  action: string,
  work: Promise<T>,
  hints: Readonly<Record<string, string>> = {},
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw refusal(action, error, hints);
  }
}
