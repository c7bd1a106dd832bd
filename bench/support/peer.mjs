import { openSync, writeFileSync } from 'node:fs';
import { start } from './child.mjs';
import { folder, nowMs } from './shell.mjs';

/**
 * A setting says what is checked and how, and each peer writes it down in its own words:
 *
 *     services  [{ address, port, servers: [{ address, weight }], lvsdCheck }]: `lvsdCheck` are keys of a check of its own
 *     check     { type, intervalMs, timeoutMs, retryMs, fall }: out after `fall` failures in a row, `retryMs` apart
 *     lvsd      { agent, check, maintenance, options, flags }: further keys of its configuration, its windows, further
 *               arguments, its and Node's
 *     keepalived  further lines of each virtual_server
 *
 * A peer is a value: `name`, `version()`, `configure(setting)`, which returns its configuration as text, and
 * `command(path, setting)`, which runs it in the foreground; where need be `checker(pid)`, the process that checks, and
 * `settleSeconds`, how long it probes before its cost is measured.
 */

/** Starts a peer with a setting. */
export function launch(peer, setting) {
  const path = `${folder}/${peer.name}.conf`;
  const logPath = `${folder}/${peer.name}.log`;
  const configure = (next) => writeFileSync(path, peer.configure(next));
  configure(setting);
  const log = openSync(logPath, 'w');
  const startedMs = nowMs();
  const { child, end } = start(peer.command(path, setting), ['ignore', log, log]);
  return {
    startedMs,
    logPath,
    /** Asked for when it is needed: it may take a moment to be there. */
    checker: () => peer.checker?.(child.pid) ?? child.pid,
    reload(next) {
      configure(next);
      const signalledMs = nowMs();
      child.kill('SIGHUP');
      return signalledMs;
    },
    /** Resolves with its exit status. */
    stop: () => end(),
  };
}
