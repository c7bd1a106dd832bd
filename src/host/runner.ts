import { HostError } from './error.ts';
import type { PlaceOf } from './places.ts';
import type { Change, Record, RecordFile } from './record.ts';
import { type Found, formatSetting, keyOf, type Place, type Setting } from './setting.ts';

/** What became of a command. */
export interface Outcome {
  readonly set: readonly Setting[];
  readonly undone: readonly Setting[];
  /** Sentences: what was left alone as somebody else has changed it, and what could not be undone. */
  readonly problems: readonly string[];
  readonly hasFailed: boolean;
}

/** What of a plan is there. */
export interface Finding {
  readonly setting: Setting;
  readonly isSet: boolean;
  readonly found: Found;
}

const nothing: Record = { plan: [], changes: [] };

/**
 * Sets what is missing of the plan, each after it was recorded what was there before, and then undoes what the record
 * has and the plan has not. Rejects with `HostError` after everything that it has set is put back.
 */
export async function bringUp(plan: readonly Setting[], placeOf: PlaceOf, file: RecordFile): Promise<Outcome> {
  const start = file.load() ?? nothing;
  await refuseConflicts(plan, placeOf, start);
  const steps: Step[] = [];
  let record: Record = { ...start, plan };
  try {
    for (const setting of plan) {
      const place = placeOf(setting);
      const found = await place.read();
      if (place.isSet(found)) continue;
      record = remember(record, { setting, before: found });
      file.save(record);
      await place.set();
      steps.push({ setting, place, found });
    }
  } catch (error) {
    throw await rolledBack(error, steps, start, file);
  }
  const wanted = new Set(plan.map(keyOf));
  const isWanted = ({ setting }: Change) => wanted.has(keyOf(setting));
  const strays = record.changes.filter((change) => !isWanted(change));
  const undone = await undo(strays, placeOf);
  const kept = record.changes.filter((change) => isWanted(change) || undone.failed.includes(change));
  const end = { plan, changes: kept };
  if (JSON.stringify(end) !== JSON.stringify(start)) file.save(end);
  return { ...undone, set: steps.map(({ setting }) => setting) };
}

/** Puts back all that the record has, the last first. What cannot be undone stays in the record. */
export async function takeDown(placeOf: PlaceOf, file: RecordFile): Promise<Outcome> {
  const { plan, changes } = file.load() ?? nothing;
  const undone = await undo(changes, placeOf);
  if (undone.hasFailed) file.save({ plan, changes: undone.failed });
  else file.remove();
  return undone;
}

/** Looks whether the plan is there, whoever has set it. */
export async function inspect(plan: readonly Setting[], placeOf: PlaceOf): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const setting of plan) {
    const place = placeOf(setting);
    const found = await place.read();
    findings.push({ setting, found, isSet: place.isSet(found) });
  }
  return findings;
}

interface Step {
  readonly setting: Setting;
  readonly place: Place;
  readonly found: Found;
}

/** Reads all of it too, so that what cannot be read stops everything before anything is set. */
async function refuseConflicts(plan: readonly Setting[], placeOf: PlaceOf, { changes }: Record): Promise<void> {
  const ours = new Set(changes.map(({ setting }) => keyOf(setting)));
  const conflicts: string[] = [];
  for (const setting of plan) {
    const place = placeOf(setting);
    const conflict = place.conflict(await place.read());
    if (conflict !== undefined && !ours.has(keyOf(setting))) conflicts.push(conflict);
  }
  if (conflicts.length > 0) throw new HostError('failed', conflicts.join('\n'));
}

/** What was there first is remembered, however often it is set. */
function remember({ plan, changes }: Record, change: Change): Record {
  const key = keyOf(change.setting);
  const earlier = changes.find(({ setting }) => keyOf(setting) === key);
  if (earlier === undefined) return { plan, changes: [...changes, change] };
  const renewed = { setting: change.setting, before: earlier.before };
  return { plan, changes: changes.map((one) => (one === earlier ? renewed : one)) };
}

/** The error to tell, once what was set before it is put back. */
async function rolledBack(error: unknown, steps: readonly Step[], start: Record, file: RecordFile): Promise<unknown> {
  const problems: string[] = [];
  for (const { setting, place, found } of steps.toReversed()) {
    const problem = await settle(() => place.restore(found), setting);
    if (problem !== undefined) problems.push(problem.text);
  }
  try {
    if (problems.length === 0) resetRecord(start, file);
  } catch (failure) {
    problems.push(textOf(failure));
  }
  if (!(error instanceof HostError)) return error;
  return new HostError(error.kind, [error.message, ...problems].join('\n'), { cause: error });
}

function resetRecord(start: Record, file: RecordFile): void {
  if (start === nothing) file.remove();
  else file.save(start);
}

async function undo(
  changes: readonly Change[],
  placeOf: PlaceOf,
): Promise<Outcome & { readonly failed: readonly Change[] }> {
  const undone: Setting[] = [];
  const problems: string[] = [];
  const failed: Change[] = [];
  for (const change of changes.toReversed()) {
    const { setting, before } = change;
    const problem = await settle(() => placeOf(setting).restore(before), setting);
    if (problem === undefined) undone.push(setting);
    else problems.push(problem.text);
    if (problem?.isFailure) failed.unshift(change);
  }
  return { set: [], undone, problems, failed, hasFailed: failed.length > 0 };
}

/** Undefined: it is as it was. */
async function settle(
  restore: () => Promise<string | undefined>,
  setting: Setting,
): Promise<{ readonly text: string; readonly isFailure: boolean } | undefined> {
  try {
    const left = await restore();
    return left === undefined ? undefined : { text: left, isFailure: false };
  } catch (error) {
    return { text: `${textOf(error)} (while undoing ${formatSetting(setting)})`, isFailure: true };
  }
}

/** What is no `HostError` is a bug; the rest is to be put back all the same. */
function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
