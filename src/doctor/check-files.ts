import type { Check } from '../core/config.ts';
import type { Facts } from './facts.ts';
import { type Finding, ok } from './finding.ts';
import { familyAndPathOf } from './paths.ts';

/** The runtime's own, the log, the listeners and their clients. */
const spareFiles = 64;
/** Runs that the agent has in flight at most. */
const runLimit = 2000;
/** Of the program `ping`: both ends of what it says, and of its end. */
const filesOfPing = 4;

/** Each check holds its files for `timeout` at most and never overlaps itself; silent servers make them all hold on. */
export function checkFiles({ process, engine }: Facts, checks: readonly Check[]): readonly Finding[] {
  const subject = 'open files';
  const wanted = filesFor(checks, engine);
  const sum = `${checks.length} checks take up to ${wanted} open files, and the limit is ${process.openFilesLimit}`;
  if (wanted <= process.openFilesLimit) return [ok(subject, sum)];
  const message = `${sum}: were many servers silent at once, checks would wait for each other, and those with 'watch' may go unwatched; set LimitNOFILE=${wanted} in the unit of lvsd`;
  return [{ severity: 'warning', subject, message, remedy: `ulimit -n ${wanted}` }];
}

function filesFor(checks: readonly Check[], engine: Facts['engine']): number {
  const watched = checks.filter(({ isWatched }) => isWatched).length;
  // A connection that is kept between runs is the one that its run has.
  const kept = checks.filter(({ options }) => options.connection === 'reuse').length;
  const echoes = checks.filter(({ type }) => type === 'icmp');
  const fresh = checks.length - echoes.length - kept;
  // Idle connections get half of the files at most.
  return Math.max(2 * watched, spareFiles + watched + kept + filesInFlight(fresh, echoes, engine));
}

/** Of libc's echo requests, one socket has all that go the same way. */
function filesInFlight(fresh: number, echoes: readonly Check[], engine: Facts['engine']): number {
  if (engine === 'libc') return Math.min(runLimit, fresh) + new Set(echoes.map(familyAndPathOf)).size;
  const pings = Math.min(runLimit, echoes.length);
  return pings * filesOfPing + Math.min(runLimit - pings, fresh);
}
