import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, get, type RequestOptions } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { type Child, limitMs, type Outcome, startChild } from './child.ts';

jest.setTimeout(2 * limitMs);

export const top = join(__dirname, '../..');
const program = 'dist/src/main.js';

/** A directory, loopback addresses, servers and processes of one test. */
export interface Scene {
  readonly directory: string;
  readonly configPath: string;
  readonly socketPath: string;
  /** Loopback addresses that nobody else has. */
  readonly host: string;
  readonly otherHost: string;
  /** A port of an address that is free now. */
  freePort(host: string): Promise<number>;
  /** A web server on an address and port of its own; it answers 200. */
  serve(): Promise<WebServer>;
  /** A server that takes connections and is silent. */
  hang(): Promise<SilentServer>;
  /** Writes text, or data as JSON, which is YAML. */
  writeConfig(config: Settings | string): void;
  /** `lvsd run --table memory -c configPath`, and what is added. */
  run(...args: readonly string[]): Child;
  /** The same with its stdout on a descriptor. */
  runOnto(stdout: number): Child;
  /** Any command, to its end. */
  lvsd(...args: readonly string[]): Promise<Outcome>;
  /** Any program, by its name and arguments. */
  start(command: readonly string[]): Child;
  /** Ends and removes all of it. */
  close(): Promise<void>;
}

export interface WebServer {
  /** `127.0.0.1:8080` */
  readonly address: string;
  readonly ip: string;
  answer(status: number): void;
}

export interface SilentServer {
  readonly address: string;
  /** Resolves when the first request is there. */
  readonly asked: Promise<void>;
}

let scenes = 0;

export function openScene(): Scene {
  requireBuild();
  const directory = mkdtempSync(join(tmpdir(), 'lvsd-cli-'));
  const configPath = join(directory, 'config.yaml');
  const hostAt = loopback(scenes++);
  const children: Child[] = [];
  const servers: Listening[] = [];

  const start = (command: readonly string[], stdout?: number) => {
    const child = startChild(command, stdout);
    children.push(child);
    return child;
  };
  const run = lvsd('run', '--table', 'memory', '-c', configPath);
  const open = async (server: Server) => {
    const opened = await listen(server, hostAt(10 + servers.length));
    servers.push(opened);
    return opened;
  };

  return {
    directory,
    configPath,
    socketPath: join(directory, 'admin.sock'),
    host: hostAt(1),
    otherHost: hostAt(2),
    freePort: async (host) => {
      const { port, close } = await listen(createTcpServer(), host);
      await close();
      return port;
    },
    serve: async () => {
      let status = 200;
      const { ip, port } = await open(createServer((_request, response) => response.writeHead(status).end('ok\n')));
      const answer = (next: number) => {
        status = next;
      };
      return { ip, address: `${ip}:${port}`, answer };
    },
    hang: async () => {
      const server = createTcpServer((socket) => void socket.on('error', () => {}));
      const { ip, port } = await open(server);
      const asked = new Promise<void>((resolve) => {
        server.once('connection', (socket) => socket.once('data', () => resolve()));
      });
      return { address: `${ip}:${port}`, asked };
    },
    writeConfig: (config) => writeFileSync(configPath, typeof config === 'string' ? config : JSON.stringify(config)),
    run: (...args) => start([...run, ...args]),
    runOnto: (stdout) => start(run, stdout),
    lvsd: (...args) => start(lvsd(...args)).outcome,
    start: (command) => start(command),
    close: async () => {
      await Promise.all(children.map((child) => child.kill()));
      await Promise.all(servers.map((server) => server.close()));
      rmSync(directory, { recursive: true });
    },
  };
}

/** The command line that runs the built program. */
export function lvsd(...args: readonly string[]): readonly string[] {
  return [process.execPath, join(top, program), ...args];
}

export interface Settings {
  readonly version: 1;
  readonly agent: Readonly<Record<string, unknown>>;
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly services: readonly Readonly<Record<string, unknown>>[];
  readonly maintenance?: readonly unknown[];
}

/** A configuration of service `web` with short times and without listeners; `agent` and `service` replace keys. */
export function settings(servers: readonly unknown[], agent: object = {}, service: object = {}): Settings {
  const check = { interval: '100ms', timeout: '10s', retry_interval: '20ms', fall: 2, rise: 2 };
  return {
    version: 1,
    agent: { metrics: 'off', admin: 'off', state_dir: 'off', reconcile_interval: '100ms', ...agent },
    defaults: { check },
    services: [{ name: 'web', address: '192.0.2.1:80', checks: [{ type: 'http' }], servers, ...service }],
  };
}

/** The samples of a scrape by series, as they are written. Rejects where nobody listens. */
export async function scrape(address: string): Promise<ReadonlyMap<string, number>> {
  const { body } = await ask({ host: hostOf(address), port: portOf(address), path: '/metrics' });
  const samples = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

/** The status of `/readyz`; undefined: nobody listens. */
export async function readiness(address: string): Promise<number | undefined> {
  const answer = await ask({ host: hostOf(address), port: portOf(address), path: '/readyz' }).catch(() => undefined);
  return answer?.status;
}

/** Resolves when `holds` does. Rejects when it does not for long, with what was seen last. */
export async function until<T>(look: () => T | Promise<T>, holds: (seen: T) => boolean): Promise<T> {
  const giveUpMs = performance.now() + limitMs;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (performance.now() > giveUpMs) throw new Error(`Not in ${limitMs} ms; last seen: ${JSON.stringify(seen)}`);
    await sleep(50);
  }
}

/** These tests run what was built, so that has to be what is written. */
function requireBuild(): void {
  const builtMs = statSync(join(top, program), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (builtMs < Math.max(newestMs('src'), newestMs('checks'))) {
    throw new Error('Cannot test dist as it is older than its sources: run npm run build');
  }
}

function newestMs(folder: string): number {
  const names = readdirSync(join(top, folder), { recursive: true, encoding: 'utf8' });
  const sources = names.filter((name) => name.endsWith('.ts'));
  return Math.max(...sources.map((name) => statSync(join(top, folder, name)).mtimeMs));
}

/** Addresses that differ from process to process and scene to scene: the ports on them are free for certain. */
function loopback(scene: number): (index: number) => string {
  const network = `127.${1 + (Math.floor(process.pid / 256) % 250)}.${process.pid % 256}`;
  return (index) => `${network}.${(scene % 8) * 30 + index}`;
}

interface Listening {
  readonly ip: string;
  readonly port: number;
  close(): Promise<void>;
}

async function listen(server: Server, ip: string): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, ip, resolve);
  });
  return {
    ip,
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function ask(where: RequestOptions): Promise<{ readonly status: number | undefined; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const sent = get({ ...where, agent: false, timeout: 5_000 }, async (response) => {
      let body = '';
      for await (const chunk of response.setEncoding('utf8')) body += chunk;
      resolve({ status: response.statusCode, body });
    });
    sent.once('timeout', () => sent.destroy(new Error(`No answer of ${where.host}:${where.port}`)));
    sent.once('error', reject);
  });
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':'));
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(':') + 1);
}
