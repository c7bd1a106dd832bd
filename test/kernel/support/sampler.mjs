// Looks at one service of the kernel's table every 20 ms until its stdin ends. Prints each new list of servers, and at
// the end what it counted. See ipvsadm.ts.
import { readFileSync } from 'node:fs';

const [wanted] = process.argv.slice(2);
const seen = { samples: 0, empty: 0, longestGapMs: 0 };
let state;
let last = performance.now();

/** The servers of the service by the kernel's listing in /proc; undefined where the service is not there. */
function serversNow() {
  let servers;
  let isWanted = false;
  for (const line of readFileSync('/proc/net/ip_vs', 'latin1').split('\n')) {
    const [first, name, , weight] = line.trim().split(/\s+/);
    if (/^(TCP|UDP|SCTP)$/.test(first)) {
      isWanted = fromHex(name) === wanted;
      if (isWanted) servers = [];
    } else if (first === '->' && isWanted) servers.push({ name: fromHex(name), weight: Number(weight) });
    else if (first !== '->') isWanted = false;
  }
  return servers;
}

/** `AC106464:0050` is 172.16.100.100:80. */
function fromHex(name) {
  const [address, port] = name.split(':');
  return `${[...Buffer.from(address, 'hex')].join('.')}:${Number.parseInt(port, 16)}`;
}

function look() {
  const now = performance.now();
  seen.longestGapMs = Math.max(seen.longestGapMs, now - last);
  last = now;
  seen.samples += 1;
  const servers = serversNow();
  if (!servers?.some(({ weight }) => weight > 0)) seen.empty += 1;
  const names = servers?.map(({ name, weight }) => `${name} ${weight}`).sort();
  const found = names?.join(', ') ?? 'none';
  if (found !== state) console.log(JSON.stringify({ state: found }));
  state = found;
}

look();
setInterval(look, 20);
process.stdin.on('end', () => {
  console.log(JSON.stringify(seen));
  process.exit();
});
process.stdin.resume();
