import { type Parsed, parseEndpoint } from '../../core/address.ts';
import { type Protocol, type ServiceIdentity, serviceKey } from '../../core/table.ts';
import { exitCodes } from '../exit.ts';

/** The options of a command that name a service. */
export interface ServiceOptions {
  readonly tcpService?: string;
  readonly udpService?: string;
  readonly sctpService?: string;
  readonly fwmarkService?: string;
  readonly ipv6?: boolean;
}

/** The service that options name, or what is wrong with them; undefined where they name none. */
export function serviceIn(options: ServiceOptions): ServiceIdentity | { readonly mistake: string } | undefined {
  const { tcpService, udpService, sctpService, fwmarkService, ipv6 = false } = options;
  if (fwmarkService !== undefined) return markedService(fwmarkService, ipv6);
  if (ipv6) return { mistake: "option '-6, --ipv6' needs '-f, --fwmark-service <mark>'" };
  if (tcpService !== undefined) return serviceAt('tcp', tcpService);
  if (udpService !== undefined) return serviceAt('udp', udpService);
  return sctpService === undefined ? undefined : serviceAt('sctp', sctpService);
}

/** Says that there is no such service. Returns the exit code. */
export function complainOfMissing(identity: ServiceIdentity | undefined): number {
  process.stderr.write(`There is no service ${identity ? serviceKey(identity) : ''} in the table of the kernel\n`);
  return exitCodes.failed;
}

function markedService(text: string, isIpv6: boolean): ServiceIdentity | { readonly mistake: string } {
  const mark = parseMark(text);
  if (!mark.ok) return { mistake: mark.reason };
  return { kind: 'fwmark', mark: mark.value, family: isIpv6 ? 'ipv6' : 'ipv4' };
}

/** Without a port it is the service of every port. */
function serviceAt(protocol: Protocol, text: string): ServiceIdentity | { readonly mistake: string } {
  const parsed = parseEndpoint(text);
  if (!parsed.ok) return { mistake: parsed.reason };
  const { address, port = 0 } = parsed.value;
  return { kind: 'address', protocol, address, port };
}

function parseMark(text: string): Parsed<number> {
  const mark = Number(text);
  if (/^\d+$/.test(text) && mark >= 1 && mark <= 0xffffffff) return { ok: true, value: mark };
  return { ok: false, reason: `'${text}' is not a firewall mark: write a number from 1 to 4294967295` };
}
