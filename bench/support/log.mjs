import { closeSync, openSync, readSync } from 'node:fs';

/**
 * Follows lvsd's log from its present end: `read()` returns the times of the lines of one `event.action` so far, on the
 * clock of `nowMs`. Only what is new is read each time.
 */
export function followLog(path, action) {
  const file = openSync(path, 'r');
  const chunk = Buffer.alloc(1 << 20);
  const pattern = new RegExp(`^\\{"@timestamp":"([^"]+)","log.level":"\\w+","event.action":"${action}"`);
  const seenMs = [];
  let rest = '';
  // The log tells wall-clock time.
  const offsetMs = Number(process.hrtime.bigint()) / 1e6 - Date.now();

  const readOn = () => {
    for (let length = readSync(file, chunk); length > 0; length = readSync(file, chunk)) {
      const lines = (rest + chunk.toString('latin1', 0, length)).split('\n');
      rest = lines.pop();
      for (const line of lines) {
        const [, time] = pattern.exec(line) ?? [];
        if (time !== undefined) seenMs.push(Date.parse(time) + offsetMs);
      }
    }
  };
  readOn();
  seenMs.length = 0;
  return {
    read() {
      readOn();
      return seenMs;
    },
    close: () => closeSync(file),
  };
}
