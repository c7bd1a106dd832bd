import { closeSync, constants, openSync, writeSync } from 'node:fs';

/** A file that lines are appended to, each with one write. It opens itself again after a failure. */
export interface AppendFile {
  append(line: string): void;
  reopen(): void;
  close(): void;
}

/** Not blocking: a FIFO that nobody reads is an error, not the end of all probing. */
const openFlags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;

/** `onError` is told of the first of the errors in a row. */
export function createAppendFile(path: string, onError: (error: NodeJS.ErrnoException) => void): AppendFile {
  let descriptor: number | undefined;
  let isFailing = false;

  const attempt = (action: () => void) => {
    try {
      action();
      isFailing = false;
    } catch (error) {
      if (!isFailing) onError(error as NodeJS.ErrnoException);
      isFailing = true;
    }
  };
  const open = () => {
    descriptor ??= openSync(path, openFlags, 0o644);
    return descriptor;
  };
  const close = () => {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  };

  attempt(open);
  return {
    append: (line) => attempt(() => writeSync(open(), line)),
    reopen: () =>
      attempt(() => {
        close();
        open();
      }),
    close: () => attempt(close),
  };
}
