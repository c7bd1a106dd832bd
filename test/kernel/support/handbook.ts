import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { type Host, runOn, startOn } from './netns.ts';
import { end } from './realserver.ts';

const handbook = join(__dirname, '../../../docs/handbook.md');
const out = process.env.OUT ?? '/tmp';

/** The path of a file of config/, which tests run as it is. */
export function configFile(name: string): string {
  return join(__dirname, '../../../config', name);
}

/** Runs a command of sh on a host, as the reader would: the prompt with the command, and what it printed. */
export function show(host: Host, command: string): string {
  return prompt(host, command) + runOn(host, 'sh', '-ec', command);
}

/** The lines that a command printed. */
export function answersIn(shown: string): readonly string[] {
  return shown.split('\n').slice(1, -1);
}

export interface Watch {
  /** The prompt with the command, and what it printed until it ended, which it must within a minute. */
  seen(): Promise<string>;
}

/** Starts a tcpdump with its options on a host. Resolves when it listens. */
export async function watch(host: Host, options: string): Promise<Watch> {
  const child = startOn(host, 'sh', ['-ec', `exec tcpdump ${options}`], { stdio: ['ignore', 'pipe', 'pipe'] });
  if (child.stdout === null || child.stderr === null) throw new Error('tcpdump has no pipes');
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  const closed = once(child, 'close');
  for (let notes = ''; !notes.includes('listening on'); ) notes += await once(child.stderr, 'data');
  return {
    seen: async () => {
      const limit = setTimeout(() => void end(child), 60_000);
      await closed;
      clearTimeout(limit);
      return prompt(host, `tcpdump ${options}`) + output;
    },
  };
}

/**
 * Compares what was seen with the block of docs/handbook.md that follows the line `<!-- output: NAME -->`. What was seen
 * is left in $OUT/handbook/NAME; with LVSD_REWRITE set, `test/kernel/run` takes it from there into the handbook, and nothing
 * is compared.
 */
export function expectInHandbook(name: string, ...seen: readonly string[]): void {
  const text = seen.join('\n');
  mkdirSync(join(out, 'handbook'), { recursive: true });
  writeFileSync(join(out, 'handbook', name), text);
  if (existsSync(join(out, 'rewrite'))) return;
  const [, block] =
    new RegExp(`<!-- output: ${name} -->\n\`\`\`\\w*\n(.*?)\`\`\``, 's').exec(readFileSync(handbook, 'utf8')) ?? [];
  expect({ name, block: text }).toEqual({ name, block });
}

function prompt({ name }: Host, command: string): string {
  return `${name || 'director'}# ${command}\n`;
}
