import type { Admin, Listener } from '../admin/server.ts';
import type { AgentConfig } from '../core/config.ts';

/** Keeps the HTTP listeners as the configuration says. */
export interface Listeners {
  /** Opens what is new and closes what is no longer wanted. Rejects with `ListenError`, and leaves all as it was. */
  set(agent: AgentConfig): Promise<void>;
}

/** An address or a path that cannot be listened on. */
export class ListenError extends Error {
  constructor(where: string, cause: unknown) {
    super(`Cannot listen on ${where}: ${cause instanceof Error ? cause.message : cause}`, { cause });
    this.name = 'ListenError';
  }
}

type Open = () => Promise<Listener>;

export function createListeners(admin: Admin): Listeners {
  const open = new Map<string, { readonly listener: Listener; readonly reopen: Open }>();

  const add = async (name: string, reopen: Open) => {
    try {
      open.set(name, { listener: await reopen(), reopen });
    } catch (error) {
      throw new ListenError(name, error);
    }
  };
  const remove = async (name: string) => {
    const entry = open.get(name);
    open.delete(name);
    await entry?.listener.close();
  };

  return {
    set: async (agent) => {
      const wanted = wantedBy(agent, admin);
      const old = [...open].filter(([name]) => !wanted.has(name));
      const fresh = [...wanted].filter(([name]) => !open.has(name));
      // Closed first: 0.0.0.0:9975 cannot be had while 127.0.0.1:9975 is ours.
      for (const [name] of old) await remove(name);
      try {
        for (const [name, reopen] of fresh) await add(name, reopen);
      } catch (error) {
        for (const [name] of fresh) await remove(name);
        for (const [name, { reopen }] of old) await add(name, reopen);
        throw error;
      }
    },
  };
}

function wantedBy({ metricsListen, adminSocket }: AgentConfig, admin: Admin): ReadonlyMap<string, Open> {
  const wanted = new Map<string, Open>();
  if (metricsListen !== undefined) {
    const { host, port } = metricsListen;
    wanted.set(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`, () => admin.listenMetrics(metricsListen));
  }
  if (adminSocket !== undefined) wanted.set(`unix:${adminSocket}`, () => admin.listenAdmin(adminSocket));
  return wanted;
}
