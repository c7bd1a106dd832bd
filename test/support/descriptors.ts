import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

/** Runs the action while this process can open no further descriptor, as `EMFILE` tells it. */
export async function withoutDescriptors<Result>(action: () => Promise<Result>): Promise<Result> {
  const limit = softLimit('512');
  const taken = takeAll();
  try {
    return await action();
  } finally {
    for (const descriptor of taken) closeSync(descriptor);
    softLimit(limit);
  }
}

/** Sets the soft limit of open files and returns what it was. */
function softLimit(limit: string): string {
  const prlimit = (...args: string[]) =>
    execFileSync('prlimit', ['--pid', String(process.pid), ...args], { encoding: 'utf8' }).trim();
  const before = prlimit('--nofile', '--output=SOFT', '--noheadings');
  prlimit(`--nofile=${limit}:`);
  return before;
}

function takeAll(): number[] {
  const taken: number[] = [];
  for (;;) {
    try {
      taken.push(openSync('/dev/null', 'r'));
    } catch {
      return taken;
    }
  }
}
