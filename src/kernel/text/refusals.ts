import type { SettingOp } from '../../core/settings.ts';
import { type Op, serverKey, serviceKey } from '../../core/table.ts';

/** What an errno means as the answer to an op: a clause. */
export function explainRefusal(op: Op, errno: string): string {
  const service = serviceKey(op.service.identity);
  if (errno === 'ESRCH') return `there is no service ${service}`;
  if ('server' in op) return explainServer(op, errno, service);
  if (errno === 'EEXIST') return `service ${service} is in the table already`;
  if (errno !== 'ENOENT') return `the kernel answered ${errno} for service ${service}`;
  const { scheduler, persistence } = op.service;
  const engine = persistence?.engine === undefined ? '' : `, or no persistence engine '${persistence.engine}'`;
  return `the kernel has no scheduler '${scheduler}'${engine}`;
}

/** The same for an op of the settings. */
export function explainSettingRefusal(op: SettingOp, errno: string): string {
  if (op.kind === 'set_timeouts') return `the kernel answered ${errno} for the timeouts`;
  if (op.kind === 'stop_daemon') {
    return errno === 'ESRCH'
      ? `no ${op.role} daemon is running`
      : `the kernel answered ${errno} for the ${op.role} daemon`;
  }
  const { role, interface: name } = op.daemon;
  if (errno === 'EEXIST') return `a ${role} daemon is running already`;
  if (errno === 'ENODEV') return `there is no interface '${name}' for the ${role} daemon`;
  return `the kernel answered ${errno} for the ${role} daemon on ${name}`;
}

function explainServer(op: Extract<Op, { readonly server: unknown }>, errno: string, service: string): string {
  const server = serverKey(op.server);
  if (errno === 'EEXIST') return `service ${service} has the server ${server} already`;
  if (errno === 'ENOENT') return `service ${service} has no server ${server}`;
  return `the kernel answered ${errno} for server ${server} of ${service}${errno === 'EINVAL' ? ': no address of one host' : ''}`;
}
