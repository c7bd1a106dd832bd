import type { Admin, Listener } from '../admin/server.ts';
import type { AgentConfig } from '../core/config.ts';

/** Keeps the HTTP listeners as the configuration says. */
export interface Listeners {
  /** Opens what is new, then closes what is no longer wanted. Rejects, with all as it was, when one cannot be had. */
  set(agent: AgentConfig): Promise<void>;
}

export function createListeners(admin: Admin): Listeners {
  let open = new Map<string, Listener>();

  return {
    set: async (agent) => {
      const next = new Map<string, Listener>();
      try {
        for (const [name, listen] of wanted(agent, admin)) next.set(name, open.get(name) ?? (await listen()));
      } catch (error) {
        await closeAll(next, open);
        throw error;
      }
      const before = open;
      open = next;
      await closeAll(before, open);
    },
  };
}

function wanted({ metricsListen, adminSocket }: AgentConfig, admin: Admin): [string, () => Promise<Listener>][] {
  const all: [string, () => Promise<Listener>][] = [];
  if (metricsListen !== undefined) {
    all.push([`${metricsListen.host} ${metricsListen.port}`, () => admin.listenMetrics(metricsListen)]);
  }
  if (adminSocket !== undefined) all.push([adminSocket, () => admin.listenAdmin(adminSocket)]);
  return all;
}

async function closeAll(
  listeners: ReadonlyMap<string, Listener>,
  except: ReadonlyMap<string, Listener>,
): Promise<void> {
  const doomed = [...listeners].filter(([name]) => !except.has(name));
  await Promise.all(doomed.map(([, listener]) => listener.close()));
}
