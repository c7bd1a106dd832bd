import { isUtf8 } from 'node:buffer';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { ConfigError } from './issue.ts';
import type { Position } from './yaml.ts';

/** Ten thousand servers with checks of their own take three MiB. */
const mostBytes = 4 * 1024 * 1024;

/** The text of a configuration file. Throws `ConfigError` where it is not a readable, regular text file. */
export async function readConfigText(file: string): Promise<string> {
  const bytes = await readBytes(file).catch((error: unknown) => {
    throw error instanceof ConfigError ? error : unusable(file, `cannot be read: ${reasonOf(error)}`);
  });
  return decode(bytes, file);
}

/** Text of a file's bytes. A byte order mark is dropped. */
function decode(bytes: Uint8Array, file: string): string {
  const text = new TextDecoder().decode(bytes);
  const nul = text.indexOf('\0');
  if (nul >= 0) throw unusable(file, 'is not a text: it holds a NUL byte', positionOf(text, nul));
  if (!isUtf8(bytes)) throw unusable(file, 'is not UTF-8', positionOf(text, text.indexOf('\ufffd')));
  return text;
}

async function readBytes(path: string): Promise<Uint8Array> {
  // Without O_NONBLOCK, opening a FIFO waits for a writer for ever.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw unusable(path, `is ${kindOf(stats)}, not a regular file`);
    return await readAtMost(handle, path);
  } finally {
    await handle.close();
  }
}

/** The size that `stat` tells is not to be trusted: the file may be growing. */
async function readAtMost(handle: FileHandle, path: string): Promise<Uint8Array> {
  const bytes = Buffer.alloc(mostBytes + 1);
  let length = 0;
  while (length < bytes.length) {
    const { bytesRead } = await handle.read(bytes, length, bytes.length - length);
    if (bytesRead === 0) return bytes.subarray(0, length);
    length += bytesRead;
  }
  throw unusable(path, `has more than ${mostBytes} bytes`);
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a directory';
  return stats.isFIFO() ? 'a FIFO' : 'a device';
}

function reasonOf(error: unknown): string {
  const message = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
  return String(message).replace(/, open .*$/, '');
}

function positionOf(text: string, offset: number): Position {
  const before = text.slice(0, Math.max(offset, 0));
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: before.length - lineStart + 1 };
}

function unusable(file: string, message: string, position: Position = { line: 1, column: 1 }): ConfigError {
  return new ConfigError([{ file, ...position, path: 'document', message }]);
}
