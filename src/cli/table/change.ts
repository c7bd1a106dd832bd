import type { ServiceIdentity } from '../../core/table.ts';
import { bareService } from '../../kernel/bare-rows.ts';
import type { IpvsKernel } from '../../kernel/ipvs.ts';
import { exitCodes } from '../exit.ts';
import { complainOfMissing } from './service.ts';
import { withKernel } from './with-kernel.ts';

/** `lvsd table clear`: deletes the service, or all. Resolves with the exit code: 0, 1 there is no such service. */
export async function clear(service: ServiceIdentity | undefined): Promise<number> {
  return withKernel((kernel) => (service ? deleteOne(kernel, service) : deleteAll(kernel)));
}

/** `lvsd table zero`: sets the counters of the service, or of all, to zero. Resolves with the exit code as `clear` does. */
export async function zero(service: ServiceIdentity | undefined): Promise<number> {
  return outcome(await withKernel((kernel) => kernel.zero(service)), service);
}

async function deleteAll(kernel: IpvsKernel): Promise<number> {
  await kernel.flush();
  return exitCodes.ok;
}

async function deleteOne(kernel: IpvsKernel, identity: ServiceIdentity): Promise<number> {
  const [result] = await kernel.apply([{ kind: 'del_service', service: bareService(identity) }]);
  return outcome(result?.error, identity);
}

/** Of a service that it is to name, the kernel refuses one thing only: that there is none (ESRCH). */
function outcome(error: string | undefined, service: ServiceIdentity | undefined): number {
  return error === undefined ? exitCodes.ok : complainOfMissing(service);
}
