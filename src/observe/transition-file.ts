import type { AgentEvent, ServerRef } from '../core/event.ts';
import type { ServerSnapshot, Snapshot } from '../core/snapshot.ts';
import { createAppendFile } from './append-file.ts';
import { localTime } from './local-time.ts';

/** Writes the monitoring script's lines: an address is gone with its first loss, and back with its last return. */
export interface TransitionFile {
  observe(event: AgentEvent): void;
  /** What is down and makes its address gone: to be kept across a restart, and given to the next `createTransitionFile`. */
  gone(): readonly GoneServer[];
  /** Opens the file anew, after it was renamed. */
  reopen(): void;
  close(): void;
}

/** A server that is down, and its address. */
export interface GoneServer extends ServerRef {
  readonly address: string;
}

export interface TransitionFileOptions {
  readonly path: string;
  /** What `gone()` of the run before said. */
  readonly gone: Iterable<GoneServer>;
  readonly snapshot: () => Snapshot | undefined;
  readonly clock: () => Date;
  /** Told of the first of the errors in a row. */
  readonly onError: (error: NodeJS.ErrnoException) => void;
}

export function createTransitionFile({ path, gone, snapshot, clock, onError }: TransitionFileOptions): TransitionFile {
  const file = createAppendFile(path, onError);
  const down = new Map<string, Map<string, GoneServer>>();
  /** Of the run before, and not yet seen by this one. */
  const inherited = new Set<string>();

  const say = (address: string, what: 'gone' | 'back') =>
    file.append(`${localTime(clock())}, ${address} is ${what}.\n`);
  /** True if the address had nothing down before. */
  const note = (server: GoneServer) => {
    const before = down.get(server.address);
    down.set(server.address, (before ?? new Map()).set(keyOf(server), server));
    return before === undefined;
  };
  /** True if the address has nothing down any more, and had. */
  const forget = (server: GoneServer) => {
    const servers = down.get(server.address);
    if (!servers?.delete(keyOf(server)) || servers.size > 0) return false;
    return down.delete(server.address);
  };
  const lose = (server: GoneServer) => {
    if (note(server)) say(server.address, 'gone');
  };
  const regain = (server: GoneServer) => {
    if (forget(server)) say(server.address, 'back');
  };
  const all = () => [...down.values()].flatMap((servers) => [...servers.values()]);

  const inherit = (server: GoneServer) => {
    note(server);
    inherited.add(keyOf(server));
  };
  /** What left the configuration while it was down does not keep its address gone; nor does what was found up. */
  const compare = (snapshot: Snapshot) => {
    const members = membersOf(snapshot);
    for (const server of all()) {
      const key = keyOf(server);
      const others = members.get(server.address);
      const now = others?.get(key);
      if (others === undefined) forget(server);
      else if (now === undefined) {
        // Another port, or another service: the address is back when that one says so.
        for (const other of others.values()) if (other.health === 'unknown') inherit(goneServer(other));
        regain(server);
      } else if (inherited.has(key) && isSeenUp(now)) regain(server);
      else continue;
      inherited.delete(key);
    }
  };
  const compareWithSnapshot = () => {
    const now = snapshot();
    if (now !== undefined && down.size > 0) compare(now);
  };

  for (const server of gone) inherit(goneServer(server));
  return {
    observe: (event) => {
      switch (event.type) {
        case 'server_changed':
          if (event.isFallback) return;
          inherited.delete(keyOf(event));
          if (event.to === 'down') lose(goneServer(event));
          if (event.to === 'up') regain(goneServer(event));
          return;
        case 'config_reloaded':
          compareWithSnapshot();
          return;
        case 'reconciled':
          // A server that was adopted as up and is up makes no event: it was taken for gone before the restart.
          if (inherited.size > 0) compareWithSnapshot();
          return;
      }
    },
    gone: all,
    reopen: file.reopen,
    close: file.close,
  };
}

interface Member extends GoneServer, Pick<ServerSnapshot, 'health' | 'checks'> {}

/** Servers that are not fallback servers, by address and `keyOf`. */
function membersOf({ services }: Snapshot): ReadonlyMap<string, ReadonlyMap<string, Member>> {
  const members = new Map<string, Map<string, Member>>();
  for (const { service, servers } of services) {
    for (const [index, { address }] of service.servers.entries()) {
      const now = servers[index];
      if (now === undefined) continue;
      const member = { service: service.name, server: now.key, address, health: now.health, checks: now.checks };
      members.set(address, (members.get(address) ?? new Map()).set(keyOf(member), member));
    }
  }
  return members;
}

function isSeenUp({ health, checks }: Member): boolean {
  return health === 'up' && checks.every(({ last }) => last?.outcome === 'pass');
}

function goneServer({ service, server, address }: GoneServer): GoneServer {
  return { service, server, address };
}

function keyOf({ service, server }: ServerRef): string {
  return `${service}\n${server}`;
}
