import type { Config } from '../../src/core/config.ts';
import type { Table } from '../../src/core/table.ts';
import { draftRoster, finish, type Roster, takeOver } from '../../src/run/roster.ts';

/** The roster of a configuration, at once. */
export function createRoster(config: Config, before: Roster = new Map(), table: Table = new Map()): Roster {
  return takeOver(finish(draftRoster(config, before)), table);
}
