import type { EngineName } from '../core/snapshot.ts';
import type { Firewall } from './firewall.ts';
import type { InterfaceAddress } from './interfaces.ts';
import type { IpvsState } from './ipvs-state.ts';
import type { ModuleState } from './modules.ts';
import type { OwnProcess } from './own-process.ts';
import type { Rival } from './rivals.ts';
import type { RefusedArrival, Route } from './routes.ts';

/** What is known of this machine, in the network namespace of this process. */
export interface Facts {
  /** `6.1.0-18-amd64` */
  readonly kernelRelease: string;
  readonly ipvs: IpvsState;
  /** Of the modules that the configuration needs, by name (`ip_vs_wlc`). */
  readonly modules: ReadonlyMap<string, ModuleState>;
  /** The kernel loads modules when they are asked for. */
  readonly isAutoloading: boolean;
  /** The value of a sysctl by its path (`net/ipv4/ip_forward`); undefined where the kernel has none of this name. */
  readonly sysctl: (path: string) => string | undefined;
  readonly interfaces: readonly InterfaceAddress[];
  /** The way to each address of a service and of a server; none where there is no route. */
  readonly routes: ReadonlyMap<string, Route>;
  /** Packets that the kernel would drop on arrival because their answers leave elsewhere. */
  readonly refusedArrivals: readonly RefusedArrival[];
  readonly process: OwnProcess;
  /** Why this process may not ping, by family; absent: it may, or nobody wants to. */
  readonly pingRefusals: readonly Refusal[];
  /** What probes make their sockets with. */
  readonly engine: EngineName;
  /** Why this process may have no sockets of a path, by family and path; absent: it may. None without libc. */
  readonly pathRefusals: ReadonlyMap<string, Refusal>;
  readonly rivals: readonly Rival[];
  readonly firewall: Firewall;
}

export interface Refusal {
  /** An errno name. */
  readonly code: string;
  readonly message: string;
}
