import { sh } from '../support/shell.mjs';

/** One process that checks one server after the other and runs ipvsadm for each change. */
export const ldirectord = {
  name: 'ldirectord',
  version: () => sh('ldirectord --version').match(/v(\S+)/)[1],
  command: (path) => ['ldirectord', path, 'start'],
  configure: ({ services, check }) => `checktimeout=${seconds(check.timeoutMs)}
negotiatetimeout=${seconds(check.timeoutMs)}
checkinterval=${seconds(check.intervalMs)}
failurecount=${check.fall}
quiescent=no
supervised=yes
logfile="/dev/stderr"
${services.map((service) => serviceText(service, check)).join('\n')}`,
};

const checktypes = {
  tcp: 'checktype=connect',
  http: 'checktype=negotiate\n\tservice=http\n\trequest="/"\n\treceive="OK"',
};

function serviceText({ address, port, servers }, check) {
  return `virtual=${address}:${port}
${servers.map(({ address, weight }) => `\treal=${address}:${port} masq ${weight}`).join('\n')}
	protocol=tcp
	scheduler=wlc
	${checktypes[check.type]}
`;
}

function seconds(ms) {
  return Math.ceil(ms / 1000);
}
