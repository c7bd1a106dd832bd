import type { Libc } from './libc.ts';

/** Waits for a descriptor. */
export interface Waiter {
  /** Called with the events that the descriptor is ready for, as `epoll_ctl(2)` has them, for as long as it is. */
  ready(events: number): void;
}

/** Tells who waits for a descriptor that it is ready. */
export interface Reactor {
  /** Returns what ends it. It keeps no process running: who waits has a deadline, and that does. */
  add(fd: number, events: number, waiter: Waiter): number;
  /** Before the descriptor is closed. */
  remove(name: number): void;
  /** Tells of what is ready by now. For deadlines: they are judged by what has come, not by what was read. */
  poll(): void;
}

/**
 * One epoll, which Node's own loop watches: a ready descriptor costs no thread and no timer, and Node's sockets and
 * timers have their turn between two polls. At 5,000 probes a second, `epoll_wait` on the thread pool took 48 µs of CPU a
 * probe, one poll after each batch 43, and a loop in C 36; this is that poll, and Node's loop for what takes longer.
 */
export function createReactor(libc: Libc): Reactor {
  const waiting = new Map<number, Waiter>();
  let lastName = 0;
  let isScheduled = false;

  const report = (name: number, events: number) => waiting.get(name)?.ready(events);
  const poll = () => libc.epoll_wait(epollFd, report);
  const run = () => {
    isScheduled = false;
    poll();
  };
  const schedule = () => {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(run);
  };

  const epollFd = libc.epoll_create();
  libc.watch(epollFd, schedule).unref();

  return {
    add: (fd, events, waiter) => {
      // A name of its own: a number that a descriptor had before could meet an event of that one.
      lastName = (lastName + 1) >>> 0;
      libc.epoll_add(epollFd, fd, events, lastName);
      waiting.set(lastName, waiter);
      // What is near has answered by the time all runs that are due have started.
      schedule();
      return lastName;
    },
    remove: (name) => void waiting.delete(name),
    poll,
  };
}
