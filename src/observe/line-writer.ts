import type { Writable } from 'node:stream';

/** Writes lines to a stream whose reader may be slow, stuck, or gone. */
export interface LineWriter {
  write(line: string): void;
  /** Lines dropped so far that `onCaughtUp` was not told of. */
  dropped(): number;
}

const defaultLimitBytes = 1024 * 1024;

/**
 * Beyond `limitBytes` that the reader has not taken, lines are dropped; once it has taken all, `onCaughtUp` is told how
 * many. A reader that goes away (EPIPE) is nobody's end: what is written after it is dropped.
 */
export function createLineWriter(
  stream: Writable,
  onCaughtUp: (droppedLines: number) => void,
  limitBytes: number = defaultLimitBytes,
): LineWriter {
  let dropped = 0;
  stream.on('error', ignore);
  stream.on('drain', () => {
    if (dropped === 0) return;
    const count = dropped;
    dropped = 0;
    onCaughtUp(count);
  });
  return {
    write: (line) => {
      const bytes = Buffer.from(`${line}\n`);
      if (!stream.writable || stream.writableLength + bytes.length > limitBytes) dropped += 1;
      else stream.write(bytes);
    },
    dropped: () => dropped,
  };
}

/** Without a listener the error would end the process. */
function ignore(): void {}
