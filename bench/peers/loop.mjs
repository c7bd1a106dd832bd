import { sh } from '../support/shell.mjs';

const script = new URL('loop.sh', import.meta.url).pathname;

/** The monitoring script of the handbook: its settings are variables of the shell, and of services it knows one. */
export const loop = {
  name: 'shell loop',
  version: () => `bash ${sh('echo -n $BASH_VERSION')}, ${sh('curl --version').split(' (')[0]}`,
  command: (path) => [script, path],
  configure: ({ services: [{ address, port, servers }], check }) => `vip=${address}:${port}
interval=${check.intervalMs / 1000}
timeout=${check.timeoutMs / 1000}
tries=${check.fall}
pause=${check.retryMs / 1000}
servers=(${servers.map((server) => `${server.address}:${port}`).join(' ')})
`,
};
