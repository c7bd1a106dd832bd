import { HostError } from '../../src/host/error.ts';
import type { PlaceOf } from '../../src/host/places.ts';
import type { HostRecord, RecordFile } from '../../src/host/record.ts';
import { type Found, keyOf, type Setting } from '../../src/host/setting.ts';

/** A host in memory: values by what a setting is about, and how it may fail. */
export interface World {
  readonly values: Map<string, string>;
  readonly placeOf: PlaceOf;
  readonly file: RecordFile & { readonly saved: HostRecord | undefined };
  /** Every change from now on, of the host and of the file, as `set KEY`, `restore KEY`, `save`, `remove`. */
  readonly changes: string[];
  /** Calls `at` before each change from now on. */
  interrupt(at: (change: string) => void): void;
  /** So many changes more take place, and then none: what a process that was killed has done. */
  freezeAfter(count: number): void;
  thaw(): void;
}

export function createWorld(initial: Readonly<Record<string, string>> = {}): World {
  const values = new Map(Object.entries(initial));
  const changes: string[] = [];
  let before: (change: string) => void = () => {};
  let saved: string | undefined;
  let left = Number.POSITIVE_INFINITY;
  const change = (name: string, work: () => void) => {
    before(name);
    left -= 1;
    if (left < 0) return;
    changes.push(name);
    work();
  };
  const look = (key: string): Found => {
    const value = values.get(key);
    return value === undefined ? {} : { value };
  };
  return {
    values,
    changes,
    interrupt: (at) => {
      before = at;
    },
    freezeAfter: (count) => {
      left = count;
    },
    thaw: () => {
      left = Number.POSITIVE_INFINITY;
    },
    placeOf: (setting) => {
      const key = keyOf(setting);
      const wanted = wantedOf(setting);
      return {
        read: async () => look(key),
        isSet: (found) => found.value === wanted,
        conflict: (found) => (found.value === 'foreign' ? `${key} is foreign` : undefined),
        set: async () => change(`set ${key}`, () => values.set(key, wanted)),
        restore: async (found) => {
          if (values.get(key) === 'meddled') return `Left ${key} alone`;
          if (look(key).value === found.value) return undefined;
          change(`restore ${key}`, () =>
            found.value === undefined ? values.delete(key) : values.set(key, found.value),
          );
          return undefined;
        },
      };
    },
    file: {
      path: '/nowhere',
      get saved() {
        return saved === undefined ? undefined : JSON.parse(saved);
      },
      load: () => (saved === undefined ? undefined : JSON.parse(saved)),
      save: (record) =>
        change('save', () => {
          saved = JSON.stringify(record);
        }),
      remove: () =>
        change('remove', () => {
          saved = undefined;
        }),
    },
  };
}

export function refuse(change: string): (seen: string) => void {
  return (seen) => {
    if (seen === change) throw new HostError('failed', `Cannot ${change}`);
  };
}

function wantedOf(setting: Setting): string {
  return setting.kind === 'sysctl' ? setting.value : 'there';
}
