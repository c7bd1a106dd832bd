import { type ChildProcess, execFileSync, type StdioOptions, spawn } from 'node:child_process';
import { chmodSync, constants, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';

// What waits for an event is done in a second; these only bound a test that fails, on a machine that is busy.
const limitMs = 30_000;
jest.setTimeout(2 * limitMs);

const top = join(__dirname, '../..');
const program = join(top, 'dist/src/main.js');

/** Exit code, or the signal that ended the process. */
export type Ending = number | NodeJS.Signals;

export interface Outcome {
  readonly ending: Ending;
  readonly stdout: string;
  readonly stderr: string;
}

/** One line of the JSON log. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface Agent {
  readonly pid: number;
  /** Every line of its log so far. */
  readonly log: readonly LogLine[];
  /** What it wrote so far. */
  stdout(): string;
  stderr(): string;
  /** The first line of the log, from line `from` on, that has all of these fields. Rejects when it ends without one. */
  event(fields: LogLine, from?: number): Promise<LogLine>;
  signal(signal: NodeJS.Signals): void;
  /** Signals it and waits for its end. */
  stop(signal?: NodeJS.Signals): Promise<Ending>;
  readonly ended: Promise<Ending>;
}

export interface StartOptions {
  /** Descriptor for its stdout, where that is not to be read by the test. */
  readonly stdout?: number;
  /** Where the log is expected: with `--once` on stderr. */
  readonly log?: 'stdout' | 'stderr';
}

/** A directory, addresses on loopback, servers and children of one test; `close` ends and removes them all. */
export interface Scene {
  /** A loopback address that nobody else has, and a second one. */
  readonly host: string;
  readonly otherHost: string;
  readonly directory: string;
  /** The configuration file: write it and send SIGHUP. */
  readonly configPath: string;
  readonly socketPath: string;
  writeConfig(config: object | string): void;
  /** A configuration of service `web` with short times; `agent` replaces keys of its section. */
  settings(servers: readonly unknown[], agent?: object): Settings;
  /** A web server on a port of its own; the first one has `host`, the others the addresses after it. */
  serve(): Promise<WebServer>;
  /** A server that takes connections and is silent. */
  hang(): Promise<{ readonly address: string; readonly asked: Promise<void> }>;
  /** A port of an address that is free now. */
  freePort(address?: string): Promise<number>;
  /** `lvsd run --table memory -c configPath`, and what is added. */
  run(args?: readonly string[], options?: StartOptions): Agent;
  /** Any command, to its end. */
  lvsd(...args: readonly string[]): Promise<Outcome>;
  /** Another program, to its end. */
  execute(file: string, args: readonly string[]): Promise<Outcome>;
  close(): Promise<void>;
}

export interface Settings {
  readonly version: 1;
  readonly agent: Readonly<Record<string, unknown>>;
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly services: readonly Readonly<Record<string, unknown>>[];
}

export interface WebServer {
  /** `127.0.0.1:8080` */
  readonly address: string;
  readonly ip: string;
  answer(status: number): void;
}

let scenes = 0;

export function openScene(): Scene {
  requireBuild();
  const directory = mkdtempSync(join(tmpdir(), 'lvsd-cli-'));
  const configPath = join(directory, 'config.yaml');
  const socketPath = join(directory, 'admin.sock');
  const address = addresses(scenes++);
  const children = new Set<Child>();
  const servers: Server[] = [];

  const start = (file: string, args: readonly string[], options: StartOptions = {}) => {
    const child = startChild(file, args, options);
    children.add(child);
    return child;
  };
  const listen = async (server: Server) => {
    servers.push(server);
    return listening(server, address(servers.length));
  };
  const execute = async (file: string, args: readonly string[]) => outcomeOf(start(file, args));

  return {
    host: address(1),
    otherHost: address(2),
    directory,
    configPath,
    socketPath,
    writeConfig: (config) => writeFileSync(configPath, typeof config === 'string' ? config : JSON.stringify(config)),
    settings: (entries, agent = {}) => settingsOf(entries, { admin: { listen: `unix:${socketPath}` }, ...agent }),
    serve: async () => {
      let status = 200;
      const server = createServer((_request, response) => response.writeHead(status).end('ok\n'));
      const { ip, port } = await listen(server);
      return { ip, address: `${ip}:${port}`, answer: (next) => (status = next) };
    },
    hang: async () => {
      let tell = () => {};
      const asked = new Promise<void>((resolve) => (tell = resolve));
      const { ip, port } = await listen(createTcpServer((socket) => void socket.on('error', () => {}).once('data', tell)));
      return { address: `${ip}:${port}`, asked };
    },
    freePort: async (host = address(1)) => {
      const server = createTcpServer();
      const { port } = await listening(server, host);
      await new Promise((resolve) => server.close(resolve));
      return port;
    },
    run: (args = [], options = {}) =>
      agentOf(start(process.execPath, [program, 'run', '--table', 'memory', '-c', configPath, ...args], options)),
    lvsd: (...args) => execute(process.execPath, [program, ...args]),
    execute,
    close: async () => {
      await Promise.all([...children].map((child) => child.kill()));
      for (const server of servers) await closeServer(server);
      rmSync(directory, { recursive: true });
    },
  };
}

/** A pipe of the kernel's, as a shell makes it; the reading end has `O_NONBLOCK`. */
export function openPipe(directory: string): { readonly reader: number; readonly writer: number } {
  const path = join(directory, 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reader, writer: openSync(path, constants.O_WRONLY) };
}

/** Resolves with the samples of a scrape, by series as they are written. Rejects where nobody answers. */
export async function scrape(address: string): Promise<ReadonlyMap<string, number>> {
  const { body } = await fetchText(`http://${address}/metrics`);
  const samples = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

/** The status that a page answers with; undefined: nobody listens. */
export async function statusOf(url: string): Promise<number | undefined> {
  return fetchText(url).then(
    ({ status }) => status,
    () => undefined,
  );
}

/** Resolves when `holds` does. Rejects after a while, with what was seen last. */
export async function until<T>(look: () => T | Promise<T>, holds: (seen: T) => boolean): Promise<T> {
  const giveUpMs = performance.now() + limitMs;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (performance.now() > giveUpMs) throw new Error(`Not in ${limitMs} ms; last seen: ${JSON.stringify(seen)}`);
    await sleep(50);
  }
}

/** The tests run what was built, and it has to be what is written. */
function requireBuild(): void {
  const built = statSync(program, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (built < newest('src') || built < newest('checks')) throw new Error('dist is not what src says: npm run build');
}

function newest(folder: string): number {
  const names = readdirSync(join(top, folder), { recursive: true, encoding: 'utf8' });
  const sources = names.filter((name) => name.endsWith('.ts'));
  return Math.max(...sources.map((name) => statSync(join(top, folder, name)).mtimeMs));
}

/** Every scene of every process has addresses of its own: nobody else takes their ports. */
function addresses(scene: number): (last: number) => string {
  return (last) => `127.${1 + ((process.pid >> 8) % 250)}.${process.pid % 256}.${((scene * 40) % 240) + last}`;
}

function settingsOf(servers: readonly unknown[], agent: object): Settings {
  const check = { interval: '100ms', timeout: '5s', retry_interval: '20ms', fall: 2, rise: 2 };
  return {
    version: 1,
    agent: { metrics: 'off', state_dir: 'off', reconcile_interval: '100ms', ...agent },
    defaults: { check },
    services: [{ name: 'web', address: '192.0.2.1:80', checks: [{ type: 'http' }], servers }],
  };
}

async function listening(server: Server, host: string): Promise<{ readonly ip: string; readonly port: number }> {
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, host, resolve));
  return { ip: host, port: (server.address() as AddressInfo).port };
}

interface Child {
  readonly pid: number;
  readonly process: ChildProcess;
  stdout(): string;
  stderr(): string;
  readonly lines: EventTarget;
  readonly log: readonly LogLine[];
  readonly ended: Promise<Ending>;
  kill(): Promise<unknown>;
}
