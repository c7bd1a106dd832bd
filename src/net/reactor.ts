import type { Libc } from './libc.ts';

/**
 * Called with the events that a descriptor is ready for, as `epoll_ctl(2)` has them: for as long as it is, or where
 * EPOLLET is among them once after each change; what it is ready for is looked at when it is told. Never throws.
 */
type Ready = (events: number) => void;

/** Tells who waits for a descriptor that it is ready. */
export interface Reactor {
  /** Returns what ends it. It keeps no process running: who waits has a deadline, and that does. */
  add(fd: number, events: number, ready: Ready): number;
  /** Looks at once after what is going on: a descriptor that was added before may soon be ready again. */
  expect(): void;
  /** Before the descriptor is closed. */
  remove(name: number): void;
  /** Waits no longer for a descriptor that somebody else is to have. */
  release(name: number, fd: number): void;
  /** Tells of what is ready by now. For deadlines: they are judged by what has come, not by what was read. */
  poll(): void;
}

/** What was ready comes last in the next round. More sockets than these have room for are not in use. */
const roundsAtOnce = 64;

/**
 * One epoll, which Node's own loop watches: a ready descriptor costs no thread and no timer, and Node's sockets and
 * timers have their turn between two polls. At 5,000 probes a second, `epoll_wait` on the thread pool took 48 µs of CPU a
 * probe, one poll after each batch 43, and a loop in C 36; this is that poll, and Node's loop for what takes longer.
 */
export function createReactor(libc: Libc): Reactor {
  /** By name. An array: what a `Map` has let go of, its old tables keep alive for as long as they are not collected. */
  const waiting: (Ready | undefined)[] = [];
  const freeNames: number[] = [];
  /** What the kernel has reported may still name these, which nobody else may have until all was told. */
  const leftNames: number[] = [];
  let isScheduled = false;

  const report = (name: number, events: number) => waiting[name]?.(events);
  const poll = () => {
    for (let round = 0; round < roundsAtOnce && libc.epoll_wait(epollFd, report); round++);
    for (let name = leftNames.pop(); name !== undefined; name = leftNames.pop()) freeNames.push(name);
  };
  const run = () => {
    isScheduled = false;
    poll();
  };
  /** What is near has answered by the time all runs that are due have started. */
  const schedule = () => {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(run);
  };

  const remove = (name: number) => {
    waiting[name] = undefined;
    leftNames.push(name);
  };

  const epollFd = libc.epoll_create();
  try {
    libc.watch(epollFd, schedule).unref();
  } catch (error) {
    libc.close(epollFd);
    throw error;
  }

  return {
    add: (fd, events, ready) => {
      const name = freeNames.pop() ?? waiting.length;
      waiting[name] = ready;
      try {
        libc.epoll_add(epollFd, fd, events, name);
      } catch (error) {
        remove(name);
        throw error;
      }
      schedule();
      return name;
    },
    expect: schedule,
    remove,
    release: (name, fd) => {
      libc.epoll_remove(epollFd, fd);
      remove(name);
    },
    poll,
  };
}
