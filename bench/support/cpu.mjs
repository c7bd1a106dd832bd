import { readdirSync, readFileSync } from 'node:fs';
import { nowMs, sleep } from './shell.mjs';

/** USER_HZ of every Linux that Debian builds. */
const tickMs = 10;

/** User and system time, ms, of a process, of its children that live and of those that it has waited for. */
export function cpuMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  // utime, stime, cutime and cstime of proc(5).
  const own = fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * tickMs;
  return childrenOf(pid).reduce((sum, child) => sum + (attempt(() => cpuMs(child)) ?? 0), own);
}

export function residentMb(pid) {
  return statusMb(pid, 'VmRSS');
}

export function peakResidentMb(pid) {
  return statusMb(pid, 'VmHWM');
}

/** Descriptors that a process has open. */
export function descriptorsOf(pid) {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** CPU time for each of what `count` counts, and how many of them there were in a second, for ten seconds. */
export async function costOnce(pid, count) {
  const before = { atMs: nowMs(), cpu: cpuMs(pid), count: await count() };
  await sleep(10_000);
  const after = { atMs: nowMs(), cpu: cpuMs(pid), count: await count() };
  const done = after.count - before.count;
  return { cpuMicros: ((after.cpu - before.cpu) * 1000) / done, rate: (done / (after.atMs - before.atMs)) * 1000 };
}

export function childrenOf(pid) {
  const threads = attempt(() => readdirSync(`/proc/${pid}/task`)) ?? [];
  const lists = threads.map(
    (thread) => attempt(() => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')) ?? '',
  );
  return lists.join(' ').split(' ').filter(Boolean).map(Number);
}

function statusMb(pid, field) {
  const [, kilobytes] = new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(kilobytes) / 1024;
}

/** Processes end while they are looked at. */
function attempt(look) {
  try {
    return look();
  } catch {
    return undefined;
  }
}
