import type { Snapshot } from '../core/snapshot.ts';
import { statusOf } from '../core/status.ts';

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
  snapshot(): Snapshot | undefined;
  /** Brings the kernel's counters in the snapshot up to date. */
  refresh(): Promise<void>;
}

export type Route = (sources: Sources) => Answer | Promise<Answer>;

export const metricsRoutes: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/metrics', (sources) => sources.metrics()],
  ['/livez', () => text(200, 'alive')],
  ['/readyz', ({ snapshot }) => (snapshot()?.isReady ? text(200, 'ready') : text(503, 'not ready'))],
]);

export const adminRoutes: ReadonlyMap<string, Route> = new Map<string, Route>([
  ...metricsRoutes,
  ['/v1/status', ({ snapshot, refresh }) => refresh().then(() => status(snapshot()))],
]);

export function text(status: number, line: string): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body: [Buffer.from(`${line}\n`)] };
}

function status(snapshot: Snapshot | undefined): Answer {
  if (snapshot === undefined) return text(503, 'starting');
  return {
    status: 200,
    contentType: 'application/json',
    body: [Buffer.from(`${JSON.stringify(statusOf(snapshot))}\n`)],
  };
}
