import { setFlagsFromString } from 'node:v8';

/**
 * Has V8 collect garbage sooner than it would. The first line of `main.ts` says the other half: how much may be new before
 * it does, which cannot be said any more once it runs. A V8 that does not know the flag says so on stderr, and goes on.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--heap-growing-percent=20');
}
