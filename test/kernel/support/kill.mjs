// Ends the program that imports it by SIGKILL before the `KILL_AT`th change that it makes: of a file, a sysctl, nftables,
// or by netlink.
import child from 'node:child_process';
import fs from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';

let left = Number(process.env.KILL_AT);

/** Has every call of a method that is a change counted. */
function count(object, method, isChange) {
  const original = object[method];
  object[method] = function (...args) {
    if (isChange(...args)) left -= 1;
    if (left === 0) process.kill(process.pid, 'SIGKILL');
    return original.apply(this, args);
  };
}

count(fs, 'renameSync', () => true);
count(fs, 'unlinkSync', (path) => path.endsWith('.json'));
count(fs, 'writeFileSync', (path) => String(path).startsWith('/proc/sys/'));
count(child, 'spawn', (_program, args) => args.includes('-f'));
// The types of what rtnetlink is asked for come in fours: new, delete, get, set.
const { RawNetlinkSocket } = createRequire(process.argv[1])('netlink');
count(RawNetlinkSocket.prototype, 'send', (datagram) => datagram.readUInt16LE(4) % 4 !== 2);
syncBuiltinESMExports();
