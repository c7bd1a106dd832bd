import { HostError } from './error.ts';
import type { PlaceOf } from './places.ts';
import type { Change, HostRecord, RecordFile } from './record.ts';
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

const nothing: HostRecord = { plan: [], changes: [] };
const untouched: Outcome = { set: [], undone: [], problems: [], hasFailed: false };

/**
 * Sets what is missing of the plan, after it was recorded what was there before, and then undoes what the record
 * has and the plan has not. Rejects with `HostError` after everything that it has set is put back.
 */
export async function bringUp(plan: readonly Setting[], placeOf: PlaceOf, file: RecordFile): Promise<Outcome> {
  const start = file.load() ?? nothing;
  await refuseConflicts(plan, placeOf, start);
  const steps: Step[] = [];
  let record: HostRecord;
  try {
    record = await setMissing(plan, placeOf, file, start, steps);
  } catch (error) {
    throw await rolledBack(error, steps, start, placeOf, file);
  }
  const undone = await undoStrays(record, placeOf, file);
  return { ...undone, set: steps.map(({ setting }) => setting) };
}

/** Puts back all that the record has, the last first. What cannot be undone stays in the record. */
export async function takeDown(placeOf: PlaceOf, file: RecordFile): Promise<Outcome> {
  const record = file.load();
  if (record === undefined) {
    file.remove();
    return { ...untouched, problems: [`Nothing to put back: there is no record at ${file.path}`] };
  }
  const { plan, changes } = record;
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

/**
 * Adds each step to `steps` before it is taken: one that fails may have taken effect all the same. Resolves with what is
 * recorded then.
 */
async function setMissing(
  plan: readonly Setting[],
  placeOf: PlaceOf,
  file: RecordFile,
  start: HostRecord,
  steps: Step[],
): Promise<HostRecord> {
  let record = JSON.stringify(plan) === JSON.stringify(start.plan) ? start : { ...start, plan };
  if (record !== start) file.save(record);
  for (const group of groupsOf(plan)) {
    const missing = await missingOf(group, placeOf);
    if (missing.length === 0) continue;
    record = missing.reduce(remember, record);
    file.save(record);
    for (const step of missing) {
      steps.push(step);
      await step.place.set();
    }
  }
  return record;
}

/** What is recorded and not planned goes; of it, what cannot be undone stays in the record. */
async function undoStrays(record: HostRecord, placeOf: PlaceOf, file: RecordFile): Promise<Outcome> {
  const wanted = new Set(record.plan.map(keyOf));
  const isWanted = ({ setting }: Change) => wanted.has(keyOf(setting));
  const strays = record.changes.filter((change) => !isWanted(change));
  if (strays.length === 0) return untouched;
  const undone = await undo(strays, placeOf);
  const changes = record.changes.filter((change) => isWanted(change) || undone.failed.includes(change));
  file.save({ ...record, changes });
  return undone;
}

/**
 * Settings of one kind that follow each other are read together, recorded at once, and then set. What is to be read may
 * come about by an earlier kind only, as the sysctls of a link by the link.
 */
function groupsOf(plan: readonly Setting[]): readonly (readonly Setting[])[] {
  const groups: Setting[][] = [];
  for (const setting of plan) {
    const last = groups.at(-1);
    if (last?.[0]?.kind === setting.kind) last.push(setting);
    else groups.push([setting]);
  }
  return groups;
}

async function missingOf(settings: readonly Setting[], placeOf: PlaceOf): Promise<readonly Step[]> {
  const missing: Step[] = [];
  for (const setting of settings) {
    const place = placeOf(setting);
    const found = await place.read();
    if (!place.isSet(found)) missing.push({ setting, place, found });
  }
  return missing;
}

/** Reads all of it too, so that what cannot be read stops everything before anything is set. */
async function refuseConflicts(plan: readonly Setting[], placeOf: PlaceOf, { changes }: HostRecord): Promise<void> {
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
function remember({ plan, changes }: HostRecord, { setting, found }: Step): HostRecord {
  const key = keyOf(setting);
  const earlier = changes.find((change) => keyOf(change.setting) === key);
  if (earlier === undefined) return { plan, changes: [...changes, { setting, before: found }] };
  const renewed = { setting, before: earlier.before };
  return { plan, changes: changes.map((one) => (one === earlier ? renewed : one)) };
}

/** The error to tell, once what was set before it is put back. */
async function rolledBack(
  error: unknown,
  steps: readonly Step[],
  start: HostRecord,
  placeOf: PlaceOf,
  file: RecordFile,
): Promise<unknown> {
  const changes = steps.map(({ setting, found }): Change => ({ setting, before: found }));
  const undone = await undo(changes, placeOf);
  const problems = [...undone.problems];
  try {
    if (!undone.hasFailed) resetRecord(start, file);
  } catch (failure) {
    problems.push(textOf(failure));
  }
  if (!(error instanceof HostError)) return error;
  return new HostError(error.kind, [error.message, ...problems].join('\n'), { cause: error });
}

function resetRecord(start: HostRecord, file: RecordFile): void {
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
