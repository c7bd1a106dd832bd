import { loadConfig } from '../config/load.ts';
import { examine } from '../doctor/examine.ts';
import { gather } from '../doctor/gather.ts';
import { formatFindings, formatFindingsAsJson } from '../doctor/report.ts';
import { exitCodes } from './exit.ts';
import { print } from './print.ts';

interface DoctorOptions {
  readonly config: string;
  readonly json: boolean;
  /** Tell of what is in order too. */
  readonly verbose: boolean;
}

/** `lvsd doctor`: what on this machine would break the configuration. Changes nothing. Resolves with the exit code. */
export async function doctor({ config: path, json, verbose }: DoctorOptions): Promise<number> {
  const config = await loadConfig(path);
  const findings = examine(await gather(config), config, path);
  print(json ? formatFindingsAsJson(findings) : formatFindings(findings, verbose));
  return findings.some(({ severity }) => severity === 'problem') ? exitCodes.failed : exitCodes.ok;
}
