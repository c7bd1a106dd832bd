#!/usr/bin/env -S node --max-semi-space-size=2 --v8-pool-size=1
import { setFlagsFromString } from 'node:v8';
import { exitCodes } from './cli/exit.ts';
import { runCommandLine } from './cli/program.ts';
import { ConfigError } from './config/issue.ts';
import { KernelUnavailable } from './kernel/kernel.ts';

// Without this flag V8 puts objects among the old ones ahead of time: at a start thousands live on, and what is made in the
// same place later, for each run, would all have to be collected from there. A V8 that knows it no longer starts all the same.
setFlagsFromString('--no-allocation-site-pretenuring');

/** Says why a command could not do its work; what is not foreseen is a bug, and ends the process with its trace. */
function complain(error: unknown): number {
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

/** That a log cannot be written ends no agent; that a result cannot is said where it is printed. */
process.stdout.on('error', () => {});
/** Nobody is left to be told. */
process.stderr.on('error', () => {});

const exitCode = await runCommandLine(process.argv.slice(2)).catch(complain);
// Not where it says already that a result was not written.
process.exitCode ||= exitCode;
