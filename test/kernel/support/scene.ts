import { rmSync } from 'node:fs';
import { type Agent, startAgent } from './agent.ts';
import { forgetConnections, ipvsadm } from './ipvsadm.ts';
import { acceptDirectly, announce, createNetwork, type Host, type Network } from './netns.ts';
import { type RealServer, startRealServer } from './realserver.ts';

/** A director with two real servers and a client, for the tests of one file. */
export interface Scene {
  readonly network: Network;
  readonly client: Host;
  /** 172.16.100.10 */
  readonly first: RealServer;
  /** 172.16.100.11 */
  readonly second: RealServer;
  /** Starts an agent, which ends at the next `reset()` at the latest. */
  start(yaml: string, options?: Parameters<typeof startAgent>[1]): Agent;
  /** The same, and resolves when it is ready. */
  startReady(yaml: string): Promise<Agent>;
  /** Ends the agents and forgets what they remembered; empties the table; servers that fail recover. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export const vip = '172.16.100.100';
/** As ipvsadm lists them, and as metrics and log name them. */
export const web = `TCP ${vip}:80`;
export const firstServer = '172.16.100.10:80';
export const secondServer = '172.16.100.11:80';
export const stateDir = '/var/lib/lvsd';

/**
 * Both servers take what comes to the `vip` by direct routing. Resolves when they answer. The kernel knows no connection
 * of an earlier file, which would count and expire here.
 */
export async function openScene(): Promise<Scene> {
  forgetConnections();
  const network = createNetwork();
  announce(vip);
  const client = network.addHost(200);
  const hosts = [network.addHost(10), network.addHost(11)] as const;
  for (const host of hosts) acceptDirectly(host, vip);
  const [first, second] = await Promise.all([startRealServer(hosts[0]), startRealServer(hosts[1])]);
  const agents: Agent[] = [];

  const start: Scene['start'] = (yaml, options) => {
    const agent = startAgent(yaml, options);
    agents.push(agent);
    return agent;
  };
  const reset = async () => {
    await Promise.all(agents.splice(0).map((agent) => agent.stop('SIGKILL')));
    rmSync(stateDir, { recursive: true, force: true });
    ipvsadm('-C');
    await Promise.all([first.behave('ok'), second.behave('ok')]);
  };
  await reset();
  return {
    network,
    client,
    first,
    second,
    start,
    startReady: async (yaml) => {
      const agent = start(yaml);
      await agent.event({ 'event.action': 'agent_ready' });
      return agent;
    },
    reset,
    close: async () => {
      await reset();
      await Promise.all([first.stop(), second.stop()]);
      network.close();
    },
  };
}
