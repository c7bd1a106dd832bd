export type Health = 'unknown' | 'up' | 'down';

/** How many observations in a row against the present health change it. Both at least 1. */
export interface Thresholds {
  readonly rise: number;
  readonly fall: number;
}

/** The health of one check, and how many observations in a row have spoken against it. */
export interface CheckHealth {
  readonly health: Health;
  readonly against: number;
}

export function initialHealth(health: Health): CheckHealth {
  return uncontested[health];
}

/** As good as all checks are in one of these: thousands share them. */
const uncontested: Readonly<Record<Health, CheckHealth>> = {
  unknown: { health: 'unknown', against: 0 },
  up: { health: 'up', against: 0 },
  down: { health: 'down', against: 0 },
};

/** The state after one more observation. From `unknown` the first observation decides at once. */
export function step(state: CheckHealth, pass: boolean, { rise, fall }: Thresholds): CheckHealth {
  const seen: Health = pass ? 'up' : 'down';
  if (seen === state.health) return uncontested[seen];
  const against = state.against + 1;
  const needed = state.health === 'unknown' ? 1 : pass ? rise : fall;
  return against >= needed ? uncontested[seen] : { health: state.health, against };
}

/** True while some, but not yet enough, observations speak against the present health: time to retry soon. */
export function isContested(state: CheckHealth): boolean {
  return state.against > 0;
}

/** A server is up when all of its checks are up, and down when one of them is. Without checks it is up. */
export function combine(healths: readonly Health[]): Health {
  if (healths.includes('down')) return 'down';
  return healths.includes('unknown') ? 'unknown' : 'up';
}
