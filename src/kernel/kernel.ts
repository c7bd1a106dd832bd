import type { SettingOp, SettingResult, Settings } from '../core/settings.ts';
import type { Op, OpResult, Table } from '../core/table.ts';

/** The kernel's IPVS table, or what stands for it. */
export interface Kernel {
  /** The whole table, with counters. Rejects with `KernelUnavailable`. */
  read(): Promise<Table>;
  /**
   * Applies the ops in order, and goes on after one that the kernel refuses. Resolves with one result an op, in the
   * same order. Rejects with `KernelUnavailable` when it cannot tell what became of them: read the table again.
   */
  apply(ops: readonly Op[]): Promise<readonly OpResult[]>;
  /** What the kernel keeps beside the table. Rejects with `KernelUnavailable`. */
  readSettings(): Promise<Settings>;
  /** As `apply`. */
  applySettings(ops: readonly SettingOp[]): Promise<readonly SettingResult[]>;
  close(): Promise<void>;
}

/** There is no IPVS to talk to: no module, no permission, no answer. `code` is an errno name. */
export class KernelUnavailable extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'KernelUnavailable';
    this.code = code;
  }
}
