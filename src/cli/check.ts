import { loadProbes, probeOf } from '../../checks/index.ts';
import { loadConfig } from '../config/load.ts';
import type { Check, Config, Server, Service } from '../core/config.ts';
import { printable } from '../core/printable.ts';
import { serverKey } from '../core/table.ts';
import { createSystemClock } from '../run/clock.ts';
import { createRunner, runOf } from '../run/runner.ts';
import type { Run } from '../run/timed-run.ts';
import { exitCodes } from './exit.ts';
import { alignColumns } from './output.ts';
import { print } from './print.ts';

/**
 * `lvsd check SERVICE[/SERVER]`: runs each check once, prints what it saw and how long each phase took, changes
 * nothing. Resolves with the exit code.
 */
export async function check(wanted: string, configPath: string): Promise<number> {
  const config = await loadConfig(configPath);
  const targets = findTargets(config, wanted);
  if (targets === undefined) {
    process.stderr.write(`Cannot check '${wanted}' as ${configPath} has no such service or server\n`);
    return exitCodes.usage;
  }
  if (targets.length === 0) process.stderr.write(`Nothing to check: '${wanted}' has no checks and counts as up\n`);
  await loadProbes(config);
  const clock = createSystemClock();
  const runner = createRunner(clock);
  const runs = await mapSome(targets, async (target) => ({
    ...target,
    run: await runOf(runner, probeOf(target.check.type), target.check),
  }));
  clock.stop();
  const lines = alignColumns(
    runs.map(({ service, server, check, run }) => [service, server, check.name, ...cells(run)]),
  );
  print(lines.map((line) => `${line}\n`).join(''));
  return runs.every(({ run }) => hasPassed(run)) ? exitCodes.ok : exitCodes.failed;
}

interface Target {
  readonly service: string;
  readonly server: string;
  readonly check: Check;
}

function findTargets({ services }: Config, wanted: string): readonly Target[] | undefined {
  const whole = services.find(({ name }) => name === wanted);
  if (whole !== undefined)
    return [...whole.servers, ...whole.fallbackServers].flatMap((server) => targetsOf(whole, server));
  const slash = wanted.lastIndexOf('/');
  const service = services.find(({ name }) => name === wanted.slice(0, slash));
  const address = wanted.slice(slash + 1);
  const servers = [...(service?.servers ?? []), ...(service?.fallbackServers ?? [])].filter(
    (server) => serverKey(server) === address || server.address === address,
  );
  if (slash < 0 || service === undefined || servers.length === 0) return undefined;
  return servers.flatMap((server) => targetsOf(service, server));
}

function targetsOf(service: Service, server: Server): readonly Target[] {
  return server.checks.map((check) => ({ service: service.name, server: serverKey(server), check }));
}

/** The replies to 256 echo requests are what a socket without privilege has room for. */
const runsAtOnce = 200;

/** Like `map`, with so many in flight. */
async function mapSome<Item, Result>(items: readonly Item[], map: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  const work = async () => {
    for (const [index, item] of queue) results[index] = await map(item);
  };
  await Promise.all(Array.from({ length: runsAtOnce }, work));
  return results;
}

function hasPassed({ result }: Run): boolean {
  return result.kind === 'observation' && result.observation.pass;
}

/** `pass L7OK status 200 in 3.1 ms (connect 0.4 ms, processing 2.6 ms)` */
function cells({ result, durationMs }: Run): readonly string[] {
  if (result.kind === 'inconclusive') {
    const { code, message } = result.inconclusive;
    return ['inconclusive', code, printable(message)];
  }
  const { pass, reason, detail, phases } = result.observation;
  const parts = Object.entries(phases).map(([phase, ms]) => `${phase} ${formatMs(ms)}`);
  const timing = parts.length > 0 ? ` (${parts.join(', ')})` : '';
  return [pass ? 'pass' : 'fail', reason, `${printable(detail)} in ${formatMs(durationMs)}${timing}`];
}

function formatMs(ms: number): string {
  return `${ms.toFixed(1)} ms`;
}
