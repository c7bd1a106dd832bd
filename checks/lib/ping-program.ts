import { isIP } from 'node:net';
import pingArguments from 'ping/lib/builder/linux.js';
import PingParser from 'ping/lib/parser/linux.js';
import { fail, type Observation, pass } from '../../src/core/observation.ts';
import type { Path } from '../../src/net/path.ts';
import { Unlearned } from '../probe.ts';
import { codeOf, explain, judge } from './fault.ts';
import { execute, type Finished } from './process.ts';

/**
 * How long `ping` waits for a reply, in seconds: longer than any sensible timeout, for the signal ends it in time. It
 * counts when nobody is left to do so.
 */
const orphanSeconds = 60;

/** What `ping` puts in words, by errno name. */
const errnoOfWords: Readonly<Record<string, string>> = {
  'Address family not supported by protocol': 'EAFNOSUPPORT',
  'Cannot allocate memory': 'ENOMEM',
  'Cannot assign requested address': 'EADDRNOTAVAIL',
  'Host is down': 'EHOSTDOWN',
  'Invalid argument': 'EINVAL',
  'Network is down': 'ENETDOWN',
  'Network is unreachable': 'ENETUNREACH',
  'No buffer space available': 'ENOBUFS',
  'No route to host': 'EHOSTUNREACH',
  'Operation not permitted': 'EPERM',
  'Permission denied': 'EACCES',
};

/** Sends one echo request by the program `ping`, which may do so where we may not. Rejects with `Unlearned`. */
export async function ping(address: string, path: Path, signal: AbortSignal): Promise<Observation> {
  // The package puts no `--` before it: another text could be an option.
  if (isIP(address) === 0) throw new Unlearned('EINVAL', `Cannot ping '${address}': it is not an IP address`);
  return read(address, await execPing(address, path, signal));
}

/**
 * The package makes the arguments and reads the output; its own way of running them has no abort, hides the error of a
 * spawn, and throws beyond the reach of any handler on output that it does not know.
 */
async function execPing(address: string, path: Path, signal: AbortSignal): Promise<Finished> {
  const options = { numeric: true, min_reply: 1, timeout: orphanSeconds, extra: pathArguments(path) };
  const args = pingArguments.getCommandArguments(address, options);
  try {
    return await execute('ping', args, signal);
  } catch (error) {
    throw new Unlearned(codeOf(error), `Cannot run ping: ${explain(error)}`, { cause: error });
  }
}

function pathArguments({ source, interface: device, mark }: Path): string[] {
  const from = [device, source].flatMap((value) => (value === undefined ? [] : ['-I', value]));
  return mark === undefined ? from : [...from, '-m', String(mark)];
}

function read(address: string, { code, output }: Finished): Observation {
  const rttMs = roundTripMs(address, output);
  if (rttMs !== undefined) return pass('L4OK', 'replied', { rtt: rttMs });
  const refusal = /^From \S+ icmp_seq=\d+ (.+)$/m.exec(output)?.[1];
  if (refusal !== undefined) return fail('L4CON', refusal);
  const error = errorIn(output);
  if (error !== undefined) return judge('L4', error, `ping ${address}`, {});
  if (code === 'aborted') return fail('L4TOUT', 'no reply in time');
  if (code === 1) return fail('L4TOUT', 'no reply');
  throw new Unlearned(
    'EPROTO',
    `Cannot read what ping said of ${address}: exit code ${code}, ${JSON.stringify(output)}`,
  );
}

function roundTripMs(address: string, output: string): number | undefined {
  const parser = new PingParser(address, {});
  try {
    for (const line of output.split('\n')) parser.eat(line);
  } catch {
    return undefined;
  }
  const { alive, time } = parser.getResult();
  return alive && typeof time === 'number' ? time : undefined;
}

/** `ping: connect: Network is unreachable`, with the code that the words stand for. */
function errorIn(output: string): Error | undefined {
  const complaints = [...output.matchAll(/^ping: (?:.*: )?(.+)$/gm)].map((match) => match[1] ?? '');
  const known = complaints.find((words) => words in errnoOfWords);
  const words = known ?? complaints[0];
  return words === undefined ? undefined : Object.assign(new Error(words), { code: errnoOfWords[words] ?? 'EINVAL' });
}
