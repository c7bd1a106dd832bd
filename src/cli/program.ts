import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { ServiceIdentity } from '../core/table.ts';
import { version } from '../version.ts';
import { exitCodes } from './exit.ts';
import type { Verb } from './host-command.ts';
import { print } from './print.ts';
import type { RunOptions } from './run.ts';

/** Runs one command line, without the program's own name. Resolves with the exit code. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const program = createProgram(async (command) => {
    exitCode = await command();
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has said already what it had to say.
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
}

const defaultConfig = '/etc/lvsd/config.yaml';

type Execute = (command: () => Promise<number>) => Promise<void>;

/** The command line. What a command needs is loaded when it is called: `lvsd status` asks in a tenth of a second. */
function createProgram(execute: Execute): Command {
  const program = new Command('lvsd')
    .description('Health-checking agent for Linux Virtual Server directors')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: print });
  for (const addTo of commands) addTo(program, execute);
  return program;
}

type AddCommand = (program: Command, execute: Execute) => void;

/** In the order of the help. */
const commands: readonly AddCommand[] = [
  addRun,
  addConfig,
  addCheck,
  addDiff,
  addTable,
  addDoctor,
  addStatus,
  addDirector,
  addRealserver,
  addVersion,
];

function addRun(program: Command, execute: Execute): void {
  program
    .command('run')
    .description('run the agent in the foreground')
    .option('-c, --config <file>', 'configuration file', defaultConfig)
    .option('--table <table>', 'kernel, or memory: a table in memory instead of the kernel', tableName, 'kernel')
    .option('--dry-run', 'log the changes that would be made, make none', false)
    .option('--once', 'probe every server to a verdict, reconcile, print the table, leave', false)
    .action(({ config, table, dryRun, once }) =>
      execute(async () => {
        const { createConfigReader } = await import('../config/load-apart.ts');
        // A large file is read, in its thread, while the rest of the agent is loaded.
        const readConfig = createConfigReader(config);
        const { run } = await import('./run.ts');
        return run({ config, table, isDryRun: dryRun, isOnce: once }, readConfig);
      }),
    );
}

function addConfig(program: Command, execute: Execute): void {
  const config = program.command('config').description('check, show or describe a configuration file');
  config
    .command('check')
    .argument('[file]', 'configuration file', defaultConfig)
    .description('print every mistake as file:line:column: path: message')
    .action((file) => execute(async () => printResult(await (await import('./config.ts')).checkConfigFile(file))));
  config
    .command('show')
    .argument('[file]', 'configuration file', defaultConfig)
    .description('print the effective configuration, defaults filled in')
    .action((file) => execute(async () => printResult(await (await import('./config.ts')).showConfigFile(file))));
  config
    .command('schema')
    .description('print the JSON Schema of the file, for editors')
    .action(() => execute(async () => printResult((await import('./config.ts')).showConfigSchema())));
}

function addCheck(program: Command, execute: Execute): void {
  program
    .command('check')
    .argument('<service[/server]>', 'name of a service, and address of one of its servers')
    .option('-c, --config <file>', 'configuration file', defaultConfig)
    .description('probe once now and print what each check saw; changes nothing')
    .action((wanted, { config }) => execute(async () => (await import('./check.ts')).check(wanted, config)));
}

function addDiff(program: Command, execute: Execute): void {
  program
    .command('diff')
    .option('-c, --config <file>', 'configuration file', defaultConfig)
    .description('print the changes that would take the kernel to the configured table with every server up')
    .action(({ config }) => execute(async () => (await import('./diff.ts')).diffTables(config)));
}

function addDoctor(program: Command, execute: Execute): void {
  program
    .command('doctor')
    .option('-c, --config <file>', 'configuration file', defaultConfig)
    .option('--json', 'print every finding as a document for programs', false)
    .option('--verbose', 'tell of what is in order too', false)
    .description('tell what on this machine would break the configuration, and what mends it; changes nothing')
    .action((options) => execute(async () => (await import('./doctor.ts')).doctor(options)));
}

function addStatus(program: Command, execute: Execute): void {
  program
    .command('status')
    .option('--json', 'print the document of the admin API', false)
    .option('-c, --config <file>', 'configuration file, which names the admin socket', defaultConfig)
    .option('--socket <path>', 'admin socket of the running agent, whatever the configuration says')
    .description('ask the running agent')
    .action(({ json, socket, config }) =>
      execute(async () => {
        const { socketOf, status } = await import('./status.ts');
        return status({ socketPath: socket ?? (await socketOf(config)), isJson: json });
      }),
    );
}

/** What `director` and `realserver` do. */
const verbs: readonly (readonly [verb: Verb, description: string])[] = [
  ['up', 'set what is missing, and remember what was there before'],
  ['down', 'put back what was there before'],
  ['status', 'print line by line what is set and what is missing'],
];

function addDirector(program: Command, execute: Execute): void {
  const director = program
    .command('director')
    .description('set up what the services of a configuration need of this host');
  for (const [verb, description] of verbs) {
    director
      .command(verb)
      .description(description)
      .option('-c, --config <file>', 'configuration file', defaultConfig)
      .option('--interface <name>', 'interface that gets the VIPs; default: that of the configuration')
      .option('--state-dir <directory>', 'where to remember what was there before; default: that of the configuration')
      .action((options) => execute(async () => (await import('./director.ts')).director(verb, options)));
  }
}

function addRealserver(program: Command, execute: Execute): void {
  const realserver = program
    .command('realserver')
    .description('prepare a real server for direct routing or tunnelling');
  for (const [verb, description] of verbs) {
    realserver
      .command(verb)
      .description(description)
      .option('--vip <address...>', 'virtual addresses, such as 192.0.2.1, or prefixes', [])
      .addOption(new Option('--method <method>', 'how packets come').choices(['dr', 'tun']).default('dr'))
      .option('--device <name>', 'tunnel device for tun; default: tunl0, ip6tnl0')
      .option('-c, --config <file>', 'configuration file: the VIPs that it has this host serve by dr or tun')
      .option('--state-dir <directory>', 'where to remember what was there before; default: that of the configuration')
      .action(({ vip, ...options }) =>
        execute(async () => (await import('./realserver.ts')).realserver(verb, { vips: vip, ...options })),
      );
  }
}

function addVersion(program: Command, execute: Execute): void {
  program
    .command('version')
    .description('print the version')
    .action(() => execute(async () => printResult({ output: `${version}\n`, exitCode: exitCodes.ok })));
}

/** The options are those of ipvsadm, and exclude each other as they do there. */
function addTable(program: Command, execute: Execute): void {
  const table = program.command('table').description("list, save, restore or clear the kernel's table");
  const list = table.command('list').description('print the table as ipvsadm -L -n does');
  for (const option of listingOptions()) list.addOption(option);
  withServiceOptions(list, async (service, flags) => (await import('./table/list.ts')).list(flags, service), execute);
  table
    .command('save')
    .option('--complete', 'with the connection thresholds, which ipvsadm -S leaves out', false)
    .description('print the table as ipvsadm -S -n does')
    .action(({ complete }) => execute(async () => (await import('./table/save.ts')).save({ isComplete: complete })));
  table
    .command('restore')
    .description('read rules from stdin, as ipvsadm -R does, and apply all or none of them')
    .action(() => execute(async () => (await import('./table/restore.ts')).restore()));
  const clear = table.command('clear').description('delete every service, or one');
  withServiceOptions(clear, async (service) => (await import('./table/change.ts')).clear(service), execute);
  const zero = table.command('zero').description('set the counters of every service to zero, or of one');
  withServiceOptions(zero, async (service) => (await import('./table/change.ts')).zero(service), execute);
}

const serviceOptionNames = ['tcpService', 'udpService', 'sctpService', 'fwmarkService'];

function listingOptions(): readonly Option[] {
  const columns = ['stats', 'rate', 'thresholds'];
  const alone = [...columns, ...serviceOptionNames];
  return [
    new Option('--stats', 'counters of connections, packets and bytes'),
    new Option('--rate', 'the same for one second'),
    new Option('--thresholds', 'connection thresholds'),
    new Option('--persistent-conn', 'persistent connections; with --connections, what persistence engines go by'),
    new Option('--tun-info', 'kinds of tunnels'),
    new Option('--exact', 'counters with every digit'),
    new Option('--connections', 'the connections instead').conflicts(['timeout', 'daemon', ...alone]),
    new Option('--timeout', 'the timeouts instead').conflicts(['daemon', 'persistentConn', ...alone]),
    new Option('--daemon', 'the synchronisation daemons instead').conflicts(['persistentConn', ...alone]),
    new Option('--sort', 'sorted, as it is anyway'),
    new Option('--nosort', 'in the order of the kernel'),
    new Option('--resolve', 'names instead of numbers').conflicts('json'),
    new Option('--json', 'everything, for programs'),
  ];
}

type OnService = (service: ServiceIdentity | undefined, flags: Record<string, boolean>) => Promise<number>;

/** The options that name a service, as ipvsadm spells them, and what is done with it. */
function withServiceOptions(command: Command, act: OnService, execute: Execute): void {
  const others = (name: string) => serviceOptionNames.filter((other) => other !== name);
  command
    .addOption(new Option('-t, --tcp-service <address[:port]>', 'a TCP service').conflicts(others('tcpService')))
    .addOption(new Option('-u, --udp-service <address[:port]>', 'a UDP service').conflicts(others('udpService')))
    .addOption(new Option('--sctp-service <address[:port]>', 'an SCTP service').conflicts(others('sctpService')))
    .option('-f, --fwmark-service <mark>', 'the service of a firewall mark')
    .option('-6, --ipv6', 'that of IPv6, with -f')
    .action((options) =>
      execute(async () => {
        const { serviceIn } = await import('./table/service.ts');
        const service = serviceIn(options);
        if (service !== undefined && 'mistake' in service) command.error(`error: ${service.mistake}`);
        return act(service, options);
      }),
    );
}

function tableName(text: string): RunOptions['table'] {
  if (text === 'kernel' || text === 'memory') return text;
  throw new InvalidArgumentError("It is 'kernel' or 'memory'.");
}

function printResult({ output, exitCode }: { readonly output: string; readonly exitCode: number }): number {
  print(output);
  return exitCode;
}
