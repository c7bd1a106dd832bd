import { formatEndpoint } from '../../src/core/address.ts';
import type { Target } from '../../src/core/config.ts';
import type { HttpConnection, Question } from './http-connection.ts';
import { type HttpOptions, nameOf } from './http-options.ts';
import { writeRequest } from './http-request.ts';
import type { TlsOptions } from './socket.ts';
import { includesStatus } from './status.ts';
import { TlsSession } from './tls-session.ts';

/** A target as one `http` check sees it: what all of its runs have in common. */
export interface Endpoint {
  readonly target: Target;
  readonly options: HttpOptions;
  readonly question: Question;
  /** Undefined: plain HTTP. */
  readonly tls: TlsOptions | undefined;
  /** Idle, until the next run takes it. */
  kept: HttpConnection | undefined;
  isReleased: boolean;
}

/** Options are plain data of the configuration: as long as they are in it, they are the same object. */
const endpoints = new WeakMap<HttpOptions, Map<string, Endpoint>>();

export function endpointOf(server: Target, options: HttpOptions): Endpoint {
  const known = endpoints.get(options);
  const byServer = known ?? new Map<string, Endpoint>();
  if (known === undefined) endpoints.set(options, byServer);
  const key = keyOf(server);
  const endpoint = byServer.get(key) ?? createEndpoint(server, options);
  byServer.set(key, endpoint);
  return endpoint;
}

/** The connection that the last run kept, if it is still good. Whoever takes it has it alone. */
export function take(endpoint: Endpoint): HttpConnection | undefined {
  const { kept } = endpoint;
  endpoint.kept = undefined;
  if (kept?.isIdle) return kept;
  kept?.close();
  return undefined;
}

/** Keeps a connection for the next run. False: it is not to be kept, and the caller's to close. */
export function keep(endpoint: Endpoint, connection: HttpConnection): boolean {
  const { options, kept, isReleased } = endpoint;
  if (options.connection === 'fresh' || isReleased || kept !== undefined || !connection.isIdle) return false;
  endpoint.kept = connection;
  return true;
}

/** Forgets a target, and closes the connection to it: at once, or when the run ends that has it. */
export function release(server: Target, options: HttpOptions): void {
  const byServer = endpoints.get(options);
  const endpoint = byServer?.get(keyOf(server));
  if (endpoint === undefined) return;
  byServer?.delete(keyOf(server));
  endpoint.isReleased = true;
  take(endpoint)?.close();
}

function keyOf({ address, port }: Target): string {
  return `${address} ${port}`;
}

function createEndpoint(server: Target, options: HttpOptions): Endpoint {
  const target = { address: server.address, port: options.port ?? server.port };
  return {
    target,
    options,
    question: questionFor(target, options),
    tls: tlsFor(target, options),
    kept: undefined,
    isReleased: false,
  };
}

function questionFor(target: Target, options: HttpOptions): Question {
  const { method, path, host, headers, body, tls, expect, max_bytes, connection } = options;
  const authority = host ?? authorityOf(target, tls === false ? 80 : 443);
  const request = {
    method,
    path,
    headers: { 'user-agent': 'lvsd', accept: '*/*', 'accept-encoding': 'identity', ...headers, host: authority },
    body: body ?? null,
    reset: connection === 'fresh',
  };
  return {
    request,
    bytes: writeRequest(request),
    readsBody: (status) => includesStatus(expect.status, status),
    keepsBody: expect.body !== undefined,
    maxBytes: max_bytes,
  };
}

function tlsFor({ address }: Target, { tls, host }: HttpOptions): TlsOptions | undefined {
  if (tls === false) return undefined;
  const authority = tls.server_name ?? host;
  return {
    name: authority === undefined ? address : nameOf(authority),
    verify: tls.verify,
    ca: tls.ca,
    session: tls.session === 'reuse' ? new TlsSession(tls.verify) : undefined,
  };
}

function authorityOf({ address, port }: Target, defaultPort: number): string {
  const authority = formatEndpoint({ address, port });
  return port === defaultPort ? authority.slice(0, -`:${port}`.length) : authority;
}
