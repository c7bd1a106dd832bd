#!/usr/bin/env node
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { exitCodes } from './cli/exit.ts';
import type { RunOptions } from './cli/run.ts';
import { ConfigError } from './config/issue.ts';
import { KernelUnavailable } from './kernel/kernel.ts';
import { version } from './version.ts';

const defaultConfig = '/etc/lvsd/config.yaml';

/** Runs one command line, without the program's own name. Resolves with the exit code. */
async function main(args: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const program = createProgram(async (command) => {
    exitCode = await command();
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    return complain(error);
  }
}

/** The command line. What a command needs is loaded when it is called: `lvsd status` asks in a tenth of a second. */
function createProgram(execute: (command: () => Promise<number>) => Promise<void>): Command {
  const program = new Command('lvsd')
    .description('Health-checking agent for Linux Virtual Server directors')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true });

  program
    .command('run')
    .description('run the agent in the foreground')
    .option('-c, --config <file>', 'configuration file', defaultConfig)
    .option('--table <table>', 'kernel, or memory: a table in memory instead of the kernel', tableName, 'kernel')
    .option('--dry-run', 'log the changes that would be made, make none', false)
    .option('--once', 'probe every server to a verdict, reconcile, print the table, leave', false)
    .action(({ config, table, dryRun, once }) =>
      execute(async () => {
        const { run } = await import('./cli/run.ts');
        return run({ config, table, isDryRun: dryRun, isOnce: once });
      }),
    );

  const config = program.command('config').description('check, show or describe a configuration file');
  config
    .command('check')
    .argument('[file]', 'configuration file', defaultConfig)
    .description('print every mistake as file:line:column: path: message')
    .action((file) => execute(async () => print((await import('./cli/config.ts')).checkConfigFile(file))));
  config
    .command('show')
    .argument('[file]', 'configuration file', defaultConfig)
    .description('print the effective configuration, defaults filled in')
    .action((file) => execute(async () => print((await import('./cli/config.ts')).showConfigFile(file))));
  config
    .command('schema')
    .description('print the JSON Schema of the file, for editors')
    .action(() => execute(async () => print((await import('./cli/config.ts')).showConfigSchema())));

  program
    .command('check')
    .argument('<service[/server]>', 'name of a service, and address of one of its servers')
    .option('-c, --config <file>', 'configuration file', defaultConfig)
    .description('probe once now and print what each check saw; changes nothing')
    .action((wanted, { config }) => execute(async () => (await import('./cli/check.ts')).check(wanted, config)));

  program
    .command('diff')
    .option('-c, --config <file>', 'configuration file', defaultConfig)
    .description('print the changes that would take the kernel to the configured table with every server up')
    .action(({ config }) => execute(async () => (await import('./cli/diff.ts')).diffTables(config)));

  program
    .command('doctor')
    .option('-c, --config <file>', 'configuration file', defaultConfig)
    .option('--json', 'print every finding as a document for programs', false)
    .option('--verbose', 'tell of what is in order too', false)
    .description('tell what on this machine would break the configuration, and what mends it; changes nothing')
    .action((options) => execute(async () => (await import('./cli/doctor.ts')).doctor(options)));

  program
    .command('status')
    .option('--json', 'print the document of the admin API', false)
    .option('-c, --config <file>', 'configuration file, which names the admin socket', defaultConfig)
    .option('--socket <path>', 'admin socket of the running agent, whatever the configuration says')
    .description('ask the running agent')
    .action(({ json, socket, config }) =>
      execute(async () => {
        const { socketOf, status } = await import('./cli/status.ts');
        return status({ socketPath: socket ?? (await socketOf(config)), isJson: json });
      }),
    );

  program
    .command('version')
    .description('print the version')
    .action(() => execute(() => print({ output: `${version}\n`, exitCode: exitCodes.ok })));

  return program;
}

function tableName(text: string): RunOptions['table'] {
  if (text === 'kernel' || text === 'memory') return text;
  throw new InvalidArgumentError("It is 'kernel' or 'memory'.");
}

interface Printed {
  readonly output: string;
  readonly exitCode: number;
}

async function print(result: Printed | Promise<Printed>): Promise<number> {
  const { output, exitCode } = await result;
  process.stdout.write(output);
  return exitCode;
}

/** Says why a command could not do its work; what is not foreseen is a bug, and ends the process with its trace. */
function complain(error: unknown): number {
  // Commander has said already what it had to say.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`);
    return exitCodes.badConfig;
  }
  if (error instanceof KernelUnavailable) {
    process.stderr.write(`${error.message}\n`);
    return exitCodes.unavailable;
  }
  if (error instanceof Error && error.name === 'ListenError') {
    process.stderr.write(`${error.message}\n`);
    return exitCodes.failed;
  }
  throw error;
}

/** A reader that has seen enough is no error; that a result cannot be written is one, but ends no agent. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') process.exitCode = exitCodes.failed;
});
/** Nobody is left to be told. */
process.stderr.on('error', () => {});

process.exitCode = await main(process.argv.slice(2));
