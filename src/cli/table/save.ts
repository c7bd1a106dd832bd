import { formatRules } from '../../kernel/text/rules.ts';
import { exitCodes } from '../exit.ts';
import { print } from '../print.ts';
import { withKernel } from './with-kernel.ts';

/** `lvsd table save`: prints the table as rules that `restore` and ipvsadm read. Resolves with the exit code. */
export async function save({ isComplete }: { readonly isComplete: boolean }): Promise<number> {
  const table = await withKernel((kernel) => kernel.read());
  print(formatRules(table, isComplete));
  return exitCodes.ok;
}
