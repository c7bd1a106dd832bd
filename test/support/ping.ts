import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface PingStandIn {
  /** Where the script may leave files. */
  readonly directory: string;
  remove(): void;
}

/**
 * Puts a `ping` of our own first on PATH: a shell script, so that every answer of the real one, and those that it never
 * gives, can be had on any machine. `remove` puts PATH back.
 */
export function standInForPing(script: string): PingStandIn {
  const directory = mkdtempSync(join(tmpdir(), 'ping-'));
  const path = process.env.PATH;
  writeFileSync(join(directory, 'ping'), `#!/bin/sh\ncd ${directory}\n${script}\n`);
  chmodSync(join(directory, 'ping'), 0o755);
  process.env.PATH = `${directory}:${path}`;
  return {
    directory,
    remove() {
      process.env.PATH = path;
      rmSync(directory, { recursive: true });
    },
  };
}
