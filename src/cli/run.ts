import { probeOf } from '../../checks/index.ts';
import { createAdmin } from '../admin/server.ts';
import { createAgent } from '../agent.ts';
import { ConfigError, formatIssue } from '../config/issue.ts';
import { loadConfig } from '../config/load.ts';
import type { AgentConfig, Config } from '../core/config.ts';
import type { AgentEvent } from '../core/event.ts';
import { createIpvsKernel } from '../kernel/ipvs.ts';
import { createMemoryKernel } from '../kernel/memory.ts';
import { formatTable, type TableHeader } from '../kernel/rules.ts';
import { createMetrics } from '../observe/metrics.ts';
import { createBus } from '../run/bus.ts';
import { createSystemClock } from '../run/clock.ts';
import { takeLock } from '../run/lock.ts';
import { openState } from '../run/state.ts';
import { version } from '../version.ts';
import { exitCodes } from './exit.ts';
import { createListeners } from './listeners.ts';
import { createMemory } from './memory.ts';
import { createObservers } from './observers.ts';
import { catchSignals, type Signals } from './signals.ts';

export interface RunOptions {
  readonly config: string;
  readonly table: 'kernel' | 'memory';
  readonly isDryRun: boolean;
  readonly isOnce: boolean;
}

/** `lvsd run`: the agent in the foreground. Resolves with the exit code once it has stopped. */
export async function run(options: RunOptions): Promise<number> {
  const signals = catchSignals();
  const config = await loadConfig(options.config);
  const isWriter = options.table === 'kernel' && !options.isDryRun;
  const release = isWriter ? await takeLock() : () => {};
  if (release === undefined) {
    process.stderr.write('Cannot start as another lvsd runs in this network namespace: it has one IPVS table\n');
    return exitCodes.alreadyRunning;
  }
  try {
    await runWith(assemble(options, config), options, config.agent, signals);
    return exitCodes.ok;
  } finally {
    release();
    signals.release();
  }
}

type Assembly = ReturnType<typeof assemble>;

/** Wires an agent to the world; nothing of it runs yet. */
function assemble({ table, isDryRun, isOnce }: RunOptions, config: Config) {
  const clock = createSystemClock();
  const { emit, subscribe } = createBus<AgentEvent>();
  const kernel = table === 'memory' ? createMemoryKernel() : createIpvsKernel();
  const isRemembering = table === 'kernel' && !isDryRun;
  const state = openState(isRemembering ? config.agent.stateDir : undefined);
  const warn = (what: string) => (error: NodeJS.ErrnoException) =>
    emit({ type: 'agent_warning', code: error.code ?? 'ERROR', message: `Cannot ${what}: ${error.message}` });
  const memory = createMemory(state, warn(`write to ${config.agent.stateDir}`));

  const agent = createAgent({
    version,
    config,
    kernel,
    clock,
    isDryRun,
    emit,
    ownership: memory,
    probeOf,
    random: Math.random,
  });
  const observersFor = (settings: AgentConfig, gone = state.initial.gone) =>
    createObservers({
      agent: settings,
      stream: isOnce ? process.stderr : process.stdout,
      gone,
      snapshot: agent.snapshot,
      emit,
    });
  let observers = observersFor(config.agent);
  const metrics = createMetrics({ version, snapshot: agent.snapshot, refresh: agent.refresh });
  const admin = createAdmin({
    render: metrics.render,
    snapshot: agent.snapshot,
    refresh: agent.refresh,
    clock,
  });

  subscribe(metrics.observe);
  subscribe((event) => {
    observers.observe(event);
    memory.noteGone(observers.gone());
    if (event.type === 'reconciled') memory.save();
  });

  return {
    agent,
    kernel,
    listeners: createListeners(admin),
    begin: () => {
      if (state.problem !== undefined) emit({ type: 'agent_warning', code: 'STATE', message: state.problem });
    },
    /** Has events written down as the settings say from now on. */
    writeDown: (settings: AgentConfig) => {
      const gone = observers.gone();
      observers.close();
      observers = observersFor(settings, gone);
    },
    reopenFiles: () => observers.reopen(),
    end: async () => {
      memory.save();
      await admin.close();
      await kernel.close();
      observers.close();
      clock.stop();
    },
  };
}

async function runWith(
  assembly: Assembly,
  { config: path, isOnce }: RunOptions,
  settings: AgentConfig,
  signals: Signals,
): Promise<void> {
  const { agent, kernel } = assembly;
  try {
    if (!isOnce) await assembly.listeners.set(settings);
    assembly.begin();
    await agent.start();
    if (isOnce) await agent.settle();
    const cause = isOnce ? 'once' : await serve(assembly, path, signals);
    if (isOnce) process.stdout.write(formatTable(await kernel.read(), await header(kernel)));
    await agent.stop(cause);
  } finally {
    await assembly.end();
  }
}

/** What the kernel says of itself; the table in memory says nothing. */
async function header(kernel: Assembly['kernel']): Promise<TableHeader | undefined> {
  return 'info' in kernel ? kernel.info() : undefined;
}

/** Does what signals ask for until one asks for the end. */
async function serve(assembly: Assembly, path: string, signals: Signals): Promise<string> {
  for (;;) {
    const signal = await signals.next();
    if (signal === 'SIGHUP') await reload(assembly, path);
    else if (signal === 'SIGUSR1') assembly.reopenFiles();
    else return signal;
  }
}

/** A configuration that cannot be used, or whose listeners cannot be had, leaves all as it was. */
async function reload({ agent, listeners, writeDown }: Assembly, path: string): Promise<void> {
  try {
    const config = await loadConfig(path);
    await listeners.set(config.agent);
    writeDown(config.agent);
    agent.reload(config);
  } catch (error) {
    if (error instanceof ConfigError) agent.rejectConfig(error.issues.map(formatIssue));
    else agent.rejectConfig([`${path}: agent: ${error instanceof Error ? error.message : error}`]);
  }
}
