import { ConfigError } from '../config/issue.ts';
import { formatConfigSchema } from '../config/json-schema.ts';
import { loadConfig } from '../config/load.ts';
import { showConfig } from '../config/show.ts';

/** What a command prints on stdout, and the exit code it ends with. */
export interface CommandResult {
  readonly output: string;
  readonly exitCode: 0 | 78;
}

/** `lvsd config check`: every mistake, one a line; nothing when there is none. */
export async function checkConfigFile(file: string): Promise<CommandResult> {
  return withConfig(file, () => '');
}

/** `lvsd config show`: the effective configuration. */
export async function showConfigFile(file: string): Promise<CommandResult> {
  return withConfig(file, showConfig);
}

/** `lvsd config schema`: JSON Schema of the file. */
export function showConfigSchema(): CommandResult {
  return { output: formatConfigSchema(), exitCode: 0 };
}

/** The mistakes are the result of the question, not a diagnostic. 78 is EX_CONFIG of sysexits.h. */
async function withConfig(
  file: string,
  print: (config: Awaited<ReturnType<typeof loadConfig>>) => string,
): Promise<CommandResult> {
  try {
    return { output: print(await loadConfig(file)), exitCode: 0 };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { output: `${error.message}\n`, exitCode: 78 };
  }
}
