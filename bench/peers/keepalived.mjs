import { childrenOf } from '../support/cpu.mjs';
import { sh } from '../support/shell.mjs';

export const keepalived = {
  name: 'keepalived',
  version: () => sh('keepalived --version 2>&1').match(/v([\d.]+)/)[1],
  // Its log goes to a syslog that is not there: with --log-console it would wait for the guest's serial line.
  command: (path) => ['keepalived', '--check', '--dont-fork', '-f', path],
  // Without VRRP the checker is the one child of the parent.
  checker: (pid) => childrenOf(pid)[0],
  configure: ({ services, check, keepalived: lines = '' }) =>
    services.map((service) => serviceText(service, check, lines)).join('\n'),
};

function serviceText({ address, port, servers }, check, lines) {
  return `virtual_server ${address} ${port} {
  protocol TCP
  lvs_sched wlc
  lvs_method NAT
  delay_loop ${check.intervalMs / 1000}
  ${lines}
${servers.map((server) => serverText(server, port, check)).join('\n')}
}
`;
}

function serverText({ address, weight }, port, check) {
  return `  real_server ${address} ${port} {
    weight ${weight}
    ${checkers[check.type](check)}
  }`;
}

const checkers = {
  tcp: (check) => `TCP_CHECK { ${timing(check)} }`,
  icmp: (check) => `PING_CHECK { ${timing(check)} }`,
  http: (check) => `HTTP_GET {
      url {
        path /
        status_code 200
      }
      ${timing(check)}
    }`,
};

/** What comes after the first failure is a retry. */
function timing({ timeoutMs, retryMs, fall }) {
  return `connect_timeout ${timeoutMs / 1000}\n      retry ${fall - 1}\n      delay_before_retry ${retryMs / 1000}\n    `;
}
