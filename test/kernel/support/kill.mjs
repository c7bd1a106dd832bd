// Ends the process that imports it by SIGKILL at the `KILL_AT`th time that it replaces a file: before that, if
// `KILL_BEFORE` is set, or after.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { renameSync } = fs;
let left = Number(process.env.KILL_AT);

fs.renameSync = (...paths) => {
  left -= 1;
  if (left === 0 && process.env.KILL_BEFORE) process.kill(process.pid, 'SIGKILL');
  renameSync(...paths);
  if (left === 0) process.kill(process.pid, 'SIGKILL');
};
syncBuiltinESMExports();
