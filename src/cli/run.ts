import { loadProbes, probeOf } from '../../checks/index.ts';
import { createAdmin } from '../admin/server.ts';
import { createAgent } from '../agent.ts';
import { ConfigError, formatIssue } from '../config/issue.ts';
import type { ReadConfig } from '../config/load-apart.ts';
import type { Config } from '../core/config.ts';
import type { AgentEvent } from '../core/event.ts';
import type { ServerSnapshot } from '../core/snapshot.ts';
import { createIpvsKernel } from '../kernel/ipvs.ts';
import { createMemoryKernel } from '../kernel/memory.ts';
import { formatListing } from '../kernel/text/listing.ts';
import { createMetrics } from '../observe/metrics.ts';
import { createBus } from '../run/bus.ts';
import { createSystemClock } from '../run/clock.ts';
import { shareDescriptors } from '../run/descriptors.ts';
import { createIdleConnections } from '../run/idle.ts';
import { takeLock } from '../run/lock.ts';
import { openState } from '../run/state.ts';
import { version } from '../version.ts';
import { exitCodes } from './exit.ts';
import { keepHeapSmall } from './garbage.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { createListeners, ListenError } from './listeners.ts';
import { createObservers } from './observers.ts';
import { print } from './print.ts';
import { catchSignals, type Signals } from './signals.ts';

export interface RunOptions {
  readonly config: string;
  readonly table: 'kernel' | 'memory';
  readonly isDryRun: boolean;
  readonly isOnce: boolean;
}

/** `lvsd run`: the agent in the foreground. Resolves with the exit code once it has stopped. */
export async function run(options: RunOptions, readConfig: ReadConfig): Promise<number> {
  keepHeapSmall();
  const signals = catchSignals();
  const config = await load(options, readConfig);
  const isWriter = options.table === 'kernel' && !options.isDryRun;
  const release = isWriter ? await takeLock() : () => {};
  if (release === undefined) {
    process.stderr.write('Cannot start as another lvsd runs in this network namespace: it has one IPVS table\n');
    return exitCodes.alreadyRunning;
  }
  const assembly = assemble(options, config);
  try {
    return options.isOnce ? await runOnce(assembly, signals) : await runOn(assembly, signals, options, readConfig);
  } finally {
    await assembly.end();
    release();
    signals.release();
    if (!options.isOnce) leaveInTime();
  }
}

const lastLinesMs = 1000;

/** Neither lines that nobody reads nor what Node still has open may keep a process whose work is done. */
function leaveInTime(): void {
  // This timer keeps no process: it goes off only where the log does, as a pipe's buffer is no place to wait in.
  AbortSignal.timeout(lastLinesMs).addEventListener('abort', () => process.exit());
  // All is done by then. Node would go on to close what handles it has, and wait for them: once, after half an hour of
  // probes, it did so for ever, and without a pause. From here the process ends at once.
  process.once('exit', (code) => process.exit(code));
}

/** One that only looks, or leaves at once, opens no listeners; one that only looks writes no files. */
async function load({ isDryRun, isOnce }: RunOptions, readConfig: ReadConfig): Promise<Config> {
  const config = await readConfig();
  await loadProbes(config);
  const { agent } = config;
  if (isDryRun) {
    const closed = { metricsListen: undefined, adminSocket: undefined, transitionFile: undefined, stateDir: undefined };
    return { ...config, agent: { ...agent, ...closed } };
  }
  return isOnce ? { ...config, agent: { ...agent, metricsListen: undefined, adminSocket: undefined } } : config;
}

type Assembly = ReturnType<typeof assemble>;

/** Wires an agent to the world; nothing of it runs yet. */
function assemble({ table, isDryRun, isOnce }: RunOptions, config: Config) {
  const clock = createSystemClock();
  const descriptors = shareDescriptors();
  const { emit, subscribe } = createBus<AgentEvent>();
  const kernel = table === 'memory' ? createMemoryKernel() : createIpvsKernel();
  const { stateDir } = config.agent;
  const state = openState(table === 'kernel' ? stateDir : undefined);
  const ledger: Ledger = createLedger({
    file: state,
    gone: () => observers.gone(),
    onError: ({ code = 'ERROR', message }) =>
      emit({ type: 'agent_warning', code, message: `Cannot write to ${stateDir}: ${message}` }),
  });
  const agent = createAgent({
    version,
    config,
    kernel,
    connections: createIdleConnections(descriptors.idle),
    runLimit: descriptors.runs,
    clock,
    isDryRun,
    probeOf,
    emit,
    ownership: ledger,
    random: Math.random,
  });
  const { snapshot, services, refresh } = agent;
  const observers = createObservers({
    agent: config.agent,
    stream: isOnce ? process.stderr : process.stdout,
    gone: state.initial.gone,
    snapshot,
    emit,
  });
  const metrics = createMetrics({ version, snapshot, services, refresh });
  metrics.setDetail(config.agent.metricsDetail);
  const admin = createAdmin({ render: metrics.render, snapshot, refresh, clock });

  subscribe(metrics.observe);
  subscribe((event) => {
    observers.observe(event);
    if (event.type === 'reconciled') ledger.save();
  });
  observers.open();

  return {
    agent,
    kernel,
    observers,
    metrics,
    listeners: createListeners(admin),
    config,
    warn: (code: string, message: string) => emit({ type: 'agent_warning', code, message }),
    stateProblem: state.problem,
    end: async () => {
      ledger.save();
      await admin.close();
      await kernel.close();
      observers.close();
      clock.stop();
    },
  };
}

/** What stands in the first line for a table in memory. */
const memoryHeader = { version: '1.2.1', size: 4096 };

/** Probes to a verdict and writes it to the table, or leaves off at a signal. */
async function runOnce({ agent, kernel }: Assembly, signals: Signals): Promise<number> {
  await agent.start();
  const outcome = await signals.orEnd(agent.settle());
  if (typeof outcome === 'boolean') {
    const header = 'info' in kernel ? await kernel.info() : memoryHeader;
    print(formatListing(await kernel.read(), { header }));
  }
  const isAllKnown = agent.snapshot().services.every(({ servers }) => servers.every(isKnown));
  await agent.stop(typeof outcome === 'string' ? outcome : 'once');
  return outcome === true && isAllKnown ? exitCodes.ok : exitCodes.failed;
}

/** A fault of ours, which the log tells of, keeps a server from being known. */
function isKnown({ health }: ServerSnapshot): boolean {
  return health !== 'unknown';
}

async function runOn(
  assembly: Assembly,
  signals: Signals,
  options: RunOptions,
  readConfig: ReadConfig,
): Promise<number> {
  const { agent, listeners, warn, stateProblem } = assembly;
  await listeners.set(assembly.config.agent);
  if (stateProblem !== undefined) warn('STATE', stateProblem);
  await agent.start();
  let running = assembly.config;
  for (;;) {
    const signal = await signals.next();
    if (signal === 'SIGHUP')
      running = await reload(assembly, running, options, () => signals.orEnd(load(options, readConfig)));
    else if (signal === 'SIGUSR1') assembly.observers.reopen();
    else {
      await agent.stop(signal);
      if (running.agent.onStop === 'remove' && !options.isDryRun) await agent.removeOurs();
      return exitCodes.ok;
    }
  }
}

/** A new configuration, or the name of the signal that is to end the agent. */
type LoadOrEnd = () => Promise<Config | string>;

/** Resolves with the configuration that runs from now on. */
async function reload(assembly: Assembly, running: Config, options: RunOptions, loadOrEnd: LoadOrEnd): Promise<Config> {
  const { agent, observers, metrics, warn } = assembly;
  const loaded = await loadAnew(assembly, options, loadOrEnd);
  if (loaded === undefined) return running;
  if ('issues' in loaded) {
    agent.rejectConfig(loaded.issues);
    return running;
  }
  const { config } = loaded;
  observers.configure(config.agent);
  metrics.setDetail(config.agent.metricsDetail);
  await agent.reload(config);
  if (config.agent.stateDir !== running.agent.stateDir) warn('STATE', 'A change of state_dir waits for the next start');
  return config;
}

/** A configuration that cannot be used, or whose listeners cannot be had, leaves all as it was; undefined: the agent is to end. */
async function loadAnew(
  { listeners }: Assembly,
  options: RunOptions,
  loadOrEnd: LoadOrEnd,
): Promise<{ readonly config: Config } | { readonly issues: readonly string[] } | undefined> {
  try {
    const config = await loadOrEnd();
    if (typeof config === 'string') return undefined;
    await listeners.set(config.agent);
    return { config };
  } catch (error) {
    if (error instanceof ConfigError) return { issues: error.issues.map(formatIssue) };
    if (error instanceof ListenError) return { issues: [`${options.config}: agent: ${error.message}`] };
    // Such as memory that is not to be had: no reason to leave the servers without an agent.
    return { issues: [`${options.config}: cannot be loaded: ${error instanceof Error ? error.message : error}`] };
  }
}
