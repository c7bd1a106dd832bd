import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Host, startOn } from './netns.ts';
import { end } from './realserver.ts';

/** What waits for an event or a state waits no longer: this only bounds a test that fails, on a machine that is busy. */
const patienceMs = 150_000;

/** One line of the agent's JSON log. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface Agent {
  readonly pid: number;
  /** Its configuration file: write it and send SIGHUP. */
  readonly configPath: string;
  /** Every line so far, the oldest first. */
  readonly log: readonly LogLine[];
  /** What it wrote to stderr so far. */
  stderr(): string;
  /** Resolves with the first line, from line `from` on, that has all of these fields. Rejects after `timeoutMs`, or when it has ended. */
  event(fields: LogLine, options?: { readonly timeoutMs?: number; readonly from?: number }): Promise<LogLine>;
  signal(signal: NodeJS.Signals): void;
  /** Sends the signal and resolves as `exited` does: with its exit status, or the signal that ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>;
  /** Resolves with its status when it has ended by itself and all that it wrote was read. */
  readonly exited: Promise<number | NodeJS.Signals>;
  writeConfig(yaml: string): void;
}

const director: Host = { name: '', address: '127.0.0.1' };
const program = join(process.env.LVSD_ROOT ?? join(__dirname, '../../..'), 'dist/src/main.js');

/** Starts the built agent with a configuration. It logs JSON: its stdout is no terminal. */
export function startAgent(yaml: string, { host = director, options = [] as readonly string[] } = {}): Agent {
  const configPath = writeConfigFile(yaml);
  const writeConfig = (text: string) => writeFileSync(configPath, text);
  const how = { stdio: ['ignore', 'pipe', 'pipe'] as const };
  const child = startOn(host, process.execPath, [program, 'run', '-c', configPath, ...options], {
    stdio: [...how.stdio],
  });
  const log: LogLine[] = [];
  let errors = '';
  const waiting = new Set<(line: LogLine) => void>();
  if (child.stdout === null || child.stderr === null) throw new Error('The agent has no pipes');
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = readLine(text);
    log.push(line);
    for (const tell of waiting) tell(line);
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const exited = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'SIGKILL'));
  });
  const signal = (name: NodeJS.Signals) => void child.kill(name);
  return {
    pid: child.pid ?? 0,
    configPath,
    log,
    stderr: () => errors,
    exited,
    writeConfig,
    signal,
    event(fields, { timeoutMs = patienceMs, from = 0 } = {}) {
      const found = log.slice(from).find((line) => hasFields(line, fields));
      if (found !== undefined) return Promise.resolve(found);
      return new Promise((resolve, reject) => {
        const giveUp = (why: string) => {
          clearTimeout(timer);
          waiting.delete(tell);
          const tail = log.slice(-20).map((line) => JSON.stringify(line));
          reject(new Error(`No ${JSON.stringify(fields)} ${why}; the log ends\n${tail.join('\n')}\n${errors}`));
        };
        const timer = setTimeout(() => giveUp(`in ${timeoutMs} ms`), timeoutMs);
        void exited.then(() => giveUp('before its end'));
        const tell = (line: LogLine) => {
          if (!hasFields(line, fields)) return;
          clearTimeout(timer);
          waiting.delete(tell);
          resolve(line);
        };
        waiting.add(tell);
      });
    },
    async stop(name = 'SIGTERM') {
      await end(child, name);
      return exited;
    },
  };
}

/** What a command of lvsd printed, and the status it ended with. */
export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built lvsd to its end, as `lvsd('diff', '-c', path)`. */
export function lvsd(...args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [program, ...args], (_error, stdout, stderr) => {
      resolve({ status: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

/** Writes a configuration file of its own and returns its path. */
export function writeConfigFile(yaml: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'lvsd-')), 'config.yaml');
  writeFileSync(path, yaml);
  return path;
}

/** The lines of a log, from line `from` on, that tell of a change of health or of what follows from it. */
export function transitionsIn({ log }: Pick<Agent, 'log'>, from = 0): readonly LogLine[] {
  return log.slice(from).filter((line) => /^(server|service|fallback|fail_open)_/.test(String(line['event.action'])));
}

/** Sample values of a scrape, up to a second old, by series, as `lvsd_server_up{server="10.0.0.7:80",service="web"}`: labels in order of name. */
export async function scrape(port = 9975, address = '127.0.0.1'): Promise<ReadonlyMap<string, number>> {
  const text = await fetchText(`http://${address}:${port}/metrics`);
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(samples.map(readSample));
}

/** Resolves when `holds` does, looked at every 100 ms. Rejects after `timeoutMs`, with what was looked at last. */
export async function until<T>(
  look: () => T | Promise<T>,
  holds: (seen: T) => boolean,
  timeoutMs = patienceMs,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (performance.now() > end) throw new Error(`Not in ${timeoutMs} ms; last seen: ${JSON.stringify(seen)}`);
    await sleep(100);
  }
}

function readSample(line: string): readonly [string, number] {
  const [, name = '', labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
  const sorted = (labels.match(/\w+="(?:[^"\\]|\\.)*"/g) ?? []).sort().join(',');
  return [sorted === '' ? name : `${name}{${sorted}}`, Number(value)];
}

function fetchText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve(body)).on('error', reject);
    }).on('error', reject);
  });
}

function readLine(text: string): LogLine {
  try {
    return JSON.parse(text);
  } catch {
    return { unparsed: text };
  }
}

function hasFields(line: LogLine, fields: LogLine): boolean {
  return Object.entries(fields).every(([name, value]) => line[name] === value);
}
