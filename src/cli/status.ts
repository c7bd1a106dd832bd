import { get } from 'node:http';
import { readConfigText } from '../config/read.ts';
import { printable } from '../core/printable.ts';
import { isSomethingDown, type ServerStatusView, type ServiceStatusView, type Status } from '../core/status.ts';
import { exitCodes } from './exit.ts';
import { alignColumns, formatAge } from './output.ts';
import { print } from './print.ts';

export interface StatusOptions {
  /** The running agent's admin socket. */
  readonly socketPath: string;
  /** Print the agent's own document. */
  readonly isJson: boolean;
  readonly stdout?: Output;
  readonly stderr?: Output;
  /** Ms since the epoch. */
  readonly now?: () => number;
}

interface Output {
  write(text: string): unknown;
}

/** Asks the running agent and prints what it answers. Resolves with the exit code: 0, 3 something is down, 69 no agent. */
export async function status({
  socketPath,
  isJson,
  stdout = { write: print },
  stderr = process.stderr,
  now = Date.now,
}: StatusOptions): Promise<number> {
  try {
    const text = await ask(socketPath);
    const answer = parseStatus(text);
    stdout.write(isJson ? text : `${formatStatus(answer, now()).join('\n')}\n`);
    return isSomethingDown(answer) ? exitCodes.somethingDown : exitCodes.ok;
  } catch (error) {
    stderr.write(`Cannot ask the agent at ${socketPath}: ${reasonOf(error)}\n`);
    return exitCodes.unavailable;
  }
}

/** The admin socket that a configuration names; the usual one where there is no configuration that can be read. */
export async function socketOf(configPath: string): Promise<string> {
  // To understand a file of thousands of servers takes seconds, and few say anything of a socket.
  const text = await readConfigText(configPath).catch(() => '');
  if (!text.includes('admin')) return usualSocket;
  const { parseConfig } = await import('../config/load.ts');
  try {
    return parseConfig(text, configPath).agent.adminSocket ?? usualSocket;
  } catch {
    return usualSocket;
  }
}

const usualSocket = '/run/lvsd/admin.sock';
const answerTimeoutMs = 5_000;

function ask(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(answerTimeoutMs);
    const request = get({ socketPath, path: '/v1/status', agent: false, signal }, async (response) => {
      try {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk);
        const body = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve(body);
        else reject(new Error(`it answered ${response.statusCode} ${body.trim()}`));
      } catch (error) {
        reject(error);
      }
    });
    request.once('error', reject);
  });
}

function parseStatus(text: string): Status {
  const parsed = JSON.parse(text) as { schema_version?: unknown } | null;
  const version = parsed?.schema_version;
  if (version !== 1) throw new Error(`it speaks version ${version} of the status document, and this lvsd version 1`);
  return parsed as Status;
}

function reasonOf(error: unknown): string {
  const { code, name, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ECONNREFUSED') return `no agent is running there (${code})`;
  if (code === 'EACCES') return 'permission denied (EACCES)';
  if (name === 'AbortError' || name === 'TimeoutError') return `no answer within ${answerTimeoutMs / 1000} s`;
  return message;
}

function formatStatus(answer: Status, nowMs: number): readonly string[] {
  const rows = answer.services.flatMap(({ servers }) => servers.map((server) => serverRow(server, nowMs)));
  const [header = '', ...lines] = alignColumns([serverHeader, ...rows], new Set([2, 3, 4]));
  const text = [summary(answer), 'SERVICE  ADDRESS  SCHEDULER  UP  STATE', header];
  for (const service of answer.services) {
    text.push(serviceLine(service), ...lines.splice(0, service.servers.length));
  }
  return text;
}

function summary({ version, ready, ipvs_up, engine, engine_fault, config_current }: Status): string {
  return [
    `lvsd ${version}`,
    ready ? 'ready' : 'not ready',
    ipvs_up ? 'ipvs up' : 'ipvs down',
    // An agent of another version may not tell.
    `engine ${engine}${engine_fault ? ` (${engine_fault})` : ''}`,
    ...(config_current ? [] : ['the configuration file was rejected, the one before it runs']),
  ].join(', ');
}

function serviceLine(service: ServiceStatusView): string {
  const { name, address, scheduler, servers_up, servers_total, up } = service;
  const marks = [
    up ? 'up' : 'down',
    ...(service.fallback_active ? ['fallback'] : []),
    ...(service.fail_open_active ? ['fail-open'] : []),
  ];
  return `${name}  ${address}  ${scheduler}  ${servers_up}/${servers_total}  ${marks.join(',')}`;
}

const serverHeader = ['  -> SERVER', 'FWD', 'WEIGHT', 'ACTIVE', 'INACT', 'STATE', 'CHECK', 'SINCE'];

function serverRow(server: ServerStatusView, nowMs: number): readonly string[] {
  const { forwarding, connections, state, since, fallback } = server;
  return [
    `  -> ${server.server}${fallback ? ' (fallback)' : ''}`,
    forwarding ?? '-',
    weightText(server.weight),
    `${connections?.active ?? '-'}`,
    `${connections?.inactive ?? '-'}`,
    state,
    checkText(server),
    since === null ? '-' : formatAge(nowMs - Date.parse(since)),
  ];
}

/** In the kernel, and beside it what is configured where that differs: `2`, `0/2`, `-/2` while it is not in the table. */
function weightText({ configured, kernel }: ServerStatusView['weight']): string {
  return kernel === configured ? `${kernel}` : `${kernel ?? '-'}/${configured}`;
}

const checkColumns = 48;

/** The last run that counts: of a check that speaks against the server if there is one. */
function checkText({ checks }: ServerStatusView): string {
  const worst = checks.find(({ health }) => health === 'down') ?? checks.find(({ last }) => last?.result !== 'pass');
  const last = (worst ?? checks[0])?.last;
  return last ? printable(`${last.reason} ${last.detail}`.trimEnd(), checkColumns) : '-';
}
