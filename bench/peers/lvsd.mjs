import { readFileSync } from 'node:fs';

const root = process.env.LVSD_ROOT;
const program = `${root}/dist/src/main.js`;
/** The flags of its first line. */
const ownFlags = () => /^#!.* node (.*)\n/.exec(readFileSync(program, 'utf8'))[1].split(' ');

export const lvsd = {
  name: 'lvsd',
  /** V8 compiles what runs often, which takes so long in emulation. */
  settleSeconds: 90,
  version: () =>
    `${JSON.parse(readFileSync(`${root}/package.json`, 'utf8')).version} (${process.env.BENCH_COMMIT}) on Node ${process.version}`,
  command: (path, { lvsd: { options = [], flags = [] } = {} }) => [
    process.execPath,
    ...ownFlags(),
    ...flags,
    program,
    'run',
    '-c',
    path,
    ...options,
  ],

  configure({ services, check, lvsd: further = {} }) {
    const agent = { metrics: { detail: 'service' }, admin: 'off', state_dir: 'off', ...further.agent };
    const probe = { type: check.type, ...timing(check), ...further.check };
    return `version: 1
agent: ${JSON.stringify(agent)}
defaults: { fail_open: never }
maintenance: ${JSON.stringify(further.maintenance ?? [])}
checks:
  health: ${JSON.stringify(probe)}
services:
${services.map((service) => serviceText(service, probe)).join('')}`;
  },
};

function timing({ intervalMs, timeoutMs, retryMs, fall }) {
  return { interval: `${intervalMs}ms`, timeout: `${timeoutMs}ms`, retry_interval: `${retryMs}ms`, fall, rise: 1 };
}

function serviceText({ address, port, servers, lvsdCheck }, probe) {
  const check = lvsdCheck === undefined ? 'health' : JSON.stringify({ ...probe, ...lvsdCheck });
  return `  - name: bench-${address}
    address: ${address}:${port}
    checks: [${check}]
    servers:
${servers.map(serverText).join('')}`;
}

function serverText({ address, weight }) {
  return weight === 1 ? `      - ${address}\n` : `      - { address: ${address}, weight: ${weight} }\n`;
}
