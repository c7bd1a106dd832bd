import { setImmediate } from 'node:timers/promises';
import type { Snapshot } from '../core/snapshot.ts';
import { statusText } from '../core/status.ts';

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  /** In pieces. */
  readonly body: readonly Buffer[];
}

/** Where the answers come from. */
export interface Sources {
  /** The exposition; may be asked by many at once, and often. */
  metrics(): Promise<Answer>;
  /** The status document; the same. */
  status(): Promise<Answer>;
  snapshot(): Snapshot | undefined;
}

export type Route = (sources: Sources) => Answer | Promise<Answer>;

export const metricsRoutes: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/metrics', (sources) => sources.metrics()],
  ['/livez', () => text(200, 'alive')],
  ['/readyz', ({ snapshot }) => (snapshot()?.isReady ? text(200, 'ready') : text(503, 'not ready'))],
]);

export const adminRoutes: ReadonlyMap<string, Route> = new Map<string, Route>([
  ...metricsRoutes,
  ['/v1/status', (sources) => sources.status()],
]);

export function text(status: number, line: string): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body: [Buffer.from(`${line}\n`)] };
}

/** After so much text the probes have their turn: that of 10,000 servers is some megabytes. */
const pieceLength = 64 * 1024;

export async function statusAnswer(snapshot: Snapshot | undefined): Promise<Answer> {
  if (snapshot === undefined) return text(503, 'starting');
  const body: Buffer[] = [];
  let piece = '';
  for (const part of statusText(snapshot)) {
    piece += part;
    if (piece.length < pieceLength) continue;
    body.push(Buffer.from(piece));
    piece = '';
    await setImmediate();
  }
  return { status: 200, contentType: 'application/json', body: [...body, Buffer.from(piece)] };
}
