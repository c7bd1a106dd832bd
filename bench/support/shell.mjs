import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export { sleep };

/** What this machine makes and keeps while scenes run. */
export const folder = process.env.BENCH_FOLDER;

/** Runs a script of bash to its end and returns what it printed. Throws when any line fails. */
export function sh(script) {
  const stdio = ['ignore', 'pipe', 'inherit'];
  return execFileSync('/bin/bash', ['-euc', script], { stdio, maxBuffer: 2 ** 26 }).toString();
}

/** Resolves with what `look` first returns that is neither false nor undefined. Rejects after `limitMs`. */
export async function until(look, limitMs, stepMs = 20) {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const seen = await look();
    if (seen !== false && seen !== undefined) return seen;
    if (performance.now() > endMs) throw new Error(`Not within ${limitMs} ms: ${look}`);
    await sleep(stepMs);
  }
}

/** CLOCK_MONOTONIC in ms, as the helpers in C print it. */
export function nowMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Calls `take` so many times, one after the other, and gathers what it resolves with. */
export async function times(count, take) {
  const taken = [];
  for (let turn = 0; turn < count; turn++) taken.push(await take(turn));
  return taken;
}
