import type { Check } from '../core/config.ts';
import { descriptorsFor, mostRuns } from '../run/descriptors.ts';
import type { Facts } from './facts.ts';
import { type Finding, ok } from './finding.ts';

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
  const kept = checks.filter(({ options }) => options.connection === 'reuse').length;
  // Of libc's echo requests, one socket has all that go the same way.
  const echoes = checks.filter(({ type }) => type === 'icmp').length;
  const pings = engine === 'libc' ? 0 : echoes;
  const runs = checks.length - echoes + pings;
  return descriptorsFor(runs, watched) + kept + (filesOfPing - 1) * Math.min(mostRuns, pings);
}
