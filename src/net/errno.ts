import { getSystemErrorMap } from 'node:util';

/** Name and words of an errno, by its negative number. Once: Node makes the map anew each time it is asked. */
export const systemErrors = getSystemErrorMap();
