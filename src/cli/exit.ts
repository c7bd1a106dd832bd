/** Exit codes; from 64 on those of sysexits.h. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  somethingDown: 3,
  badInput: 65,
  unavailable: 69,
  alreadyRunning: 75,
  notPermitted: 77,
  badConfig: 78,
} as const;
