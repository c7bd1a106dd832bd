import { mkdtempSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Admin, type AdminOptions, createAdmin } from '../../src/admin/server.ts';
import { makeSnapshot, snapshotService, web } from '../observe/support.ts';

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'lvsd-admin-'));
}

/** A clock whose timers run when `advance` is called. */
export function manualClock() {
  let nowMs = 0;
  const timers = new Map<() => void, number>();
  return {
    now: () => nowMs,
    at: (timeMs: number, run: () => void) => {
      const call = () => run();
      timers.set(call, timeMs);
      return () => void timers.delete(call);
    },
    pending: () => timers.size,
    advance: (ms: number) => {
      nowMs += ms;
      for (const [run, atMs] of [...timers]) if (atMs <= nowMs && timers.delete(run)) run();
    },
  };
}

export function openAdmin(options: Partial<AdminOptions> = {}): Admin {
  return createAdmin({
    render: async () => ({
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      body: [Buffer.from('lvsd_ready 1\n')],
    }),
    snapshot: () => makeSnapshot([snapshotService(web)]),
    refresh: async () => {},
    clock: manualClock(),
    ...options,
  });
}

export interface Reply {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** Asks `http://…` or `unix:…` for a path. */
export function ask(url: string, path: string, method = 'GET'): Promise<Reply> {
  const where = url.startsWith('unix:') ? { socketPath: url.slice(5) } : { host: '127.0.0.1', port: new URL(url).port };
  return new Promise((resolve, reject) => {
    const sent = request({ ...where, path, method, agent: false }, async (response) => {
      let body = '';
      for await (const chunk of response.setEncoding('utf8')) body += chunk;
      resolve({ status: response.statusCode, headers: response.headers, body });
    });
    sent.once('error', reject);
    sent.end();
  });
}
