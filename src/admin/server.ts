import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIPv6, type ListenOptions } from 'node:net';
import type { Snapshot } from '../core/snapshot.ts';
import type { Clock } from '../run/clock.ts';
import { type Answer, adminRoutes, metricsRoutes, type Route, type Sources, statusAnswer, text } from './routes.ts';
import { createShared } from './shared.ts';
import { freeSocketPath } from './socket-path.ts';

/** The agent over HTTP, to be read only. */
export interface Admin {
  /** /metrics, /livez and /readyz over TCP. Rejects when the address cannot be had; resolves with its URL. */
  listenMetrics(where: { readonly host: string; readonly port: number }): Promise<Listener>;
  /** The same and /v1/status on a unix socket of mode 0660. Rejects when the path is taken. */
  listenAdmin(path: string): Promise<Listener>;
  /** Ends all listeners and their connections; then nothing is left. */
  close(): Promise<void>;
}

export interface Listener {
  /** `http://127.0.0.1:9975`, or `unix:/run/lvsd/admin.sock`. */
  readonly url: string;
  close(): Promise<void>;
}

export interface AdminOptions {
  readonly render: () => Promise<{ readonly contentType: string; readonly body: readonly Buffer[] }>;
  readonly snapshot: () => Snapshot | undefined;
  /** Brings the kernel's counters in the snapshot up to date. */
  readonly refresh: () => Promise<void>;
  readonly clock: Pick<Clock, 'now' | 'at'>;
}

/** A request comes in one short read, or not at all. */
const requestLimits = {
  headersTimeout: 2_000,
  requestTimeout: 2_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 8 * 1024,
};
/** A scraper that has not taken its answer by then never will. */
const answerTimeoutMs = 30_000;
const maxConnections = 64;
/** Two scrapers cost one rendering. */
const keepMetricsMs = 1_000;

export function createAdmin({ render, snapshot, refresh, clock }: AdminOptions): Admin {
  const metrics = createShared(async () => ({ status: 200, ...(await render()) }), keepMetricsMs, clock);
  const status = createShared(() => refresh().then(() => statusAnswer(snapshot())), 0, clock);
  const sources: Sources = { metrics: metrics.get, status: status.get, snapshot };
  const listeners = new Set<Listener>();

  const listen = async (routes: ReadonlyMap<string, Route>, where: ListenOptions) => {
    const limits = new Set<() => void>();
    const server = createServer(requestLimits, (request, response) => {
      limitAnswer(response, limits, clock);
      void handle(routes, sources, request).then((answer) => send(request, response, answer));
    });
    server.maxConnections = maxConnections;
    await listening(server, where);
    const listener: Listener = {
      url: urlOf(server),
      close: () => {
        listeners.delete(listener);
        return close(server, limits);
      },
    };
    listeners.add(listener);
    return listener;
  };

  return {
    listenMetrics: ({ host, port }) => listen(metricsRoutes, { host, port }),
    listenAdmin: async (path) => {
      await freeSocketPath(path);
      return listen(adminRoutes, { path });
    },
    close: async () => {
      await Promise.all([...listeners].map((listener) => listener.close()));
      metrics.clear();
      status.clear();
    },
  };
}

async function handle(
  routes: ReadonlyMap<string, Route>,
  sources: Sources,
  { method, url = '' }: IncomingMessage,
): Promise<Answer> {
  const route = routes.get(url.split('?', 1)[0] ?? '');
  if (route === undefined) return text(404, 'not found');
  if (method !== 'GET' && method !== 'HEAD') return text(405, 'GET and HEAD only');
  try {
    return await route(sources);
  } catch (error) {
    return text(500, `Cannot answer: ${error instanceof Error ? error.message : error}`);
  }
}

function send(request: IncomingMessage, response: ServerResponse, { status, contentType, body }: Answer): void {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': body.reduce((length, piece) => length + piece.length, 0),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
  });
  if (request.method !== 'HEAD') for (const piece of body) response.write(piece);
  response.end();
}

/** Cuts off a reader that is too slow. What takes the limit back is in `limits` for as long as there is one. */
function limitAnswer(response: ServerResponse, limits: Set<() => void>, clock: AdminOptions['clock']): void {
  const cancel = clock.at(clock.now() + answerTimeoutMs, () => response.destroy());
  limits.add(cancel);
  response.once('close', () => {
    cancel();
    limits.delete(cancel);
  });
}

/**
 * Node binds a path before `listen` returns: under this umask the socket has mode 0660 from its first instant.
 * The error listener stays: a failed accept is no end of the agent.
 */
function listening(server: Server, where: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    const umask = process.umask(0o117);
    try {
      server.listen(where, resolve);
    } finally {
      process.umask(umask);
    }
  });
}

function urlOf(server: Server): string {
  const bound = server.address() as AddressInfo | string;
  if (typeof bound === 'string') return `unix:${bound}`;
  return `http://${isIPv6(bound.address) ? `[${bound.address}]` : bound.address}:${bound.port}`;
}

async function close(server: Server, limits: ReadonlySet<() => void>): Promise<void> {
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  for (const cancel of limits) cancel();
}
