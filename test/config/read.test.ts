import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { ConfigError } from '../../src/config/issue.ts';
import { loadConfig } from '../../src/config/load.ts';

const directory = mkdtempSync(join(tmpdir(), 'lvsd-config-'));
afterAll(() => rmSync(directory, { recursive: true }));

const good = 'version: 1\nservices:\n  - { name: web, address: 10.0.0.100:80, servers: [10.0.0.1] }\n';

async function refusal(path: string): Promise<string> {
  const error = await loadConfig(path).catch((reason: unknown) => reason);
  if (!(error instanceof ConfigError)) throw new Error(`Expected a ConfigError; got ${String(error)}`);
  return error.message.replaceAll(directory, 'DIR');
}

function file(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

describe('a configuration file', () => {
  test('is loaded', async () => {
    expect((await loadConfig(file('good.yaml', good))).services).toHaveLength(1);
  });

  test('may begin with a byte order mark', async () => {
    expect((await loadConfig(file('bom.yaml', `\ufeff${good}`))).services).toHaveLength(1);
  });

  test('that is missing is refused', async () => {
    expect(await refusal(join(directory, 'missing.yaml'))).toBe(
      'DIR/missing.yaml:1:1: document: cannot be read: ENOENT: no such file or directory',
    );
  });

  test('that is a directory is refused', async () => {
    expect(await refusal(directory)).toBe('DIR:1:1: document: is a directory, not a regular file');
  });

  test('that is a FIFO without a writer is refused at once', async () => {
    execFileSync('mkfifo', [join(directory, 'fifo')]);
    expect(await refusal(join(directory, 'fifo'))).toBe('DIR/fifo:1:1: document: is a FIFO, not a regular file');
  });

  test('that is a device is refused', async () => {
    expect(await refusal('/dev/zero')).toBe('/dev/zero:1:1: document: is a device, not a regular file');
  });

  test('that is a socket is refused', async () => {
    const path = join(directory, 'socket');
    const server = createServer().listen(path);
    await new Promise((resolve) => server.once('listening', resolve));
    const message = await refusal(path);
    await new Promise((resolve) => server.close(resolve));
    expect(message).toBe('DIR/socket:1:1: document: cannot be read: ENXIO: no such device or address');
  });

  test('that may not be read is refused', async () => {
    const path = file('secret.yaml', good);
    chmodSync(path, 0);
    // Root may read it all the same, unless it gave that right up.
    if (process.getuid?.() === 0) expect((await loadConfig(path)).services).toHaveLength(1);
    else expect(await refusal(path)).toMatch(/cannot be read: EACCES/);
  });

  test('of no bytes is refused', async () => {
    expect(await refusal(file('empty.yaml', ''))).toMatch(/^DIR\/empty.yaml:1:1: document: is empty/);
  });

  test('with a NUL byte is refused where that byte is', async () => {
    expect(await refusal(file('nul.yaml', 'version: 1\na: \0'))).toBe(
      'DIR/nul.yaml:2:4: document: is not a text: it holds a NUL byte',
    );
  });

  test('that is not UTF-8 is refused where it stops to be', async () => {
    expect(await refusal(file('latin.yaml', Buffer.from('version: 1\nname: caf\xe9\n', 'latin1')))).toBe(
      'DIR/latin.yaml:2:10: document: is not UTF-8',
    );
  });

  test('of more than four MiB is refused', async () => {
    expect(await refusal(file('big.yaml', `${good}${'#'.repeat(4 * 1024 * 1024)}`))).toBe(
      'DIR/big.yaml:1:1: document: has more than 4194304 bytes',
    );
  });
});
