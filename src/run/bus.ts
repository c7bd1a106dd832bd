/** Tells every listener of every event, in order, at once. */
export interface Bus<Event> {
  readonly emit: (event: Event) => void;
  readonly subscribe: (listener: (event: Event) => void) => () => void;
}

export function createBus<Event>(): Bus<Event> {
  const listeners = new Set<(event: Event) => void>();
  return {
    emit: (event) => {
      for (const listener of listeners) listener(event);
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
