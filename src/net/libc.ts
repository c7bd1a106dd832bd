import { createRequire } from 'node:module';
import { systemErrors } from './errno.ts';

/**
 * Calls of libc, without a thread and without a wait between: sockets are opened non-blocking. A call that fails throws
 * an `Error` with `code` (`EMFILE`), `errno` (negative, as Node has it) and `syscall`, unless its line says otherwise.
 * Addresses are `struct sockaddr`s, lengths are bytes.
 */
export interface Libc {
  /** Returns a descriptor that is non-blocking and closed when another program is executed. */
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array): void;
  /** Returns 0, or what keeps the connection from being there at once as a positive errno: `EINPROGRESS`, as a rule. */
  connect(fd: number, address: Uint8Array): number;
  close(fd: number): void;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array): void;
  /** Writes the value to the beginning of `into`. */
  getsockopt(fd: number, level: number, option: number, into: Uint8Array): void;
  send(fd: number, bytes: Uint8Array): void;
  /** Returns how many bytes came, 0 at the end of the stream, or undefined when there are none as yet. */
  recv(fd: number, into: Uint8Array): number | undefined;
  sendto(fd: number, message: Uint8Array, address: Uint8Array): void;
  /** Returns the length of the message, or undefined when there is none. Whom it is from goes to `address`. */
  recvfrom(fd: number, into: Uint8Array, address: Uint8Array): number | undefined;
  epoll_create(): number;
  /** Has `epoll_wait` report `events` of the descriptor, under a name of 32 bits, until it is closed. */
  epoll_add(epollFd: number, fd: number, events: number, name: number): void;
  epoll_remove(epollFd: number, fd: number): void;
  /**
   * Never waits. Calls `report` for names that are ready, with what they are ready for; not to be called from there.
   * Returns whether others may be ready that there was no room for.
   */
  epoll_wait(epollFd: number, report: (name: number, events: number) => void): boolean;
  /** From now on calls `report` in the poll phase of Node's loop while the descriptor can be read; see `Watch`. */
  watch(fd: number, report: () => void): Watch;
}

/**
 * Node's own loop, which is an epoll, watches the descriptor: no thread, no timer. Promises that are resolved in
 * `report`, and errors thrown there, wait until Node next calls into JavaScript: hand over to `setImmediate`, which
 * follows at once. It ends with the process, or where it is stopped.
 */
export interface Watch {
  /** Whether the watch keeps the process running. It does from the start. */
  ref(): void;
  unref(): void;
  stop(): void;
}

/** libc, loaded at the first call; undefined where koffi or what it needs is not there. Takes 20 ms once. */
export function loadLibc(): Libc | undefined {
  loaded ??= tryToLoad();
  return loaded.libc;
}

/** Why there is no libc, in words: `koffi is not installed`. Undefined where there is. */
export function libcFault(): string | undefined {
  loaded ??= tryToLoad();
  return loaded.fault;
}

/** The error that a failed call throws, by its positive errno. */
export function errorOf(syscall: string, errno: number): Error {
  const [code, words] = systemErrors.get(-errno) ?? [`E${errno}`, `error ${errno}`];
  return Object.assign(new Error(`${syscall}: ${words}`), { code, errno: -errno, syscall });
}

interface Loaded {
  readonly libc?: Libc;
  readonly fault?: string;
}

let loaded: Loaded | undefined;

type Koffi = typeof import('koffi');
type Call = (...args: readonly unknown[]) => number;

const require = createRequire(import.meta.url);

/** Fails where koffi is not installed, has no binary for this machine, or is a version without `node.poll`. */
function tryToLoad(): Loaded {
  try {
    return { libc: bindCalls(require('koffi') as Koffi) };
  } catch (error) {
    return { fault: isInstalled() ? `koffi: ${firstLineOf(error)}` : 'koffi is not installed' };
  }
}

function isInstalled(): boolean {
  try {
    return require.resolve('koffi') !== '';
  } catch {
    return false;
  }
}

/** Node lists in further lines who wanted the module. */
function firstLineOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
}

const EAGAIN = 11;
/** <bits/socket.h>: a connection that is broken is told by EPIPE alone. */
const MSG_NOSIGNAL = 0x4000;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;

/** `struct epoll_event` is packed on x86 alone (<sys/epoll.h>): `data` follows `events` without a gap. */
const eventBytes = process.arch === 'x64' || process.arch === 'ia32' ? 12 : 16;
const dataOffset = eventBytes - 8;
const eventsAtOnce = 256;

function bindCalls(koffi: Koffi): Libc {
  // The symbols of this process: those of the libc that Node runs on, glibc or musl.
  const symbols = koffi.load(null);
  const { poll } = koffi.node;
  if (typeof poll !== 'function') throw new Error('this version has no node.poll');

  /** Binds a call that tells of a failure by -1 and errno. */
  const bind = (definition: string): Call => symbols.func(definition) as unknown as Call;
  const fault = (syscall: string): Error => errorOf(syscall, koffi.errno());
  const checked = (syscall: string, definition: string): Call => {
    const call = bind(definition);
    return (...args) => {
      const result = call(...args);
      if (result < 0) throw fault(syscall);
      return result;
    };
  };

  const socket = checked('socket', 'int socket(int, int, int)');
  const bindTo = checked('bind', 'int bind(int, void *, unsigned int)');
  const connect = bind('int connect(int, void *, unsigned int)');
  const close = checked('close', 'int close(int)');
  const setsockopt = checked('setsockopt', 'int setsockopt(int, int, int, void *, unsigned int)');
  const getsockopt = checked('getsockopt', 'int getsockopt(int, int, int, void *, void *)');
  const send = checked('send', 'long send(int, void *, size_t, int)');
  const recv = bind('long recv(int, void *, size_t, int)');
  const sendto = checked('sendto', 'long sendto(int, void *, size_t, int, void *, unsigned int)');
  const recvfrom = bind('long recvfrom(int, void *, size_t, int, void *, void *)');
  const epollCreate = checked('epoll_create1', 'int epoll_create1(int)');
  const epollCtl = checked('epoll_ctl', 'int epoll_ctl(int, int, int, void *)');
  const epollWait = checked('epoll_wait', 'int epoll_wait(int, void *, int, int)');

  const received = (syscall: string, result: number): number | undefined => {
    if (result >= 0) return result;
    if (koffi.errno() === EAGAIN) return undefined;
    throw fault(syscall);
  };

  const length = new Uint32Array(1);
  const event = new DataView(new ArrayBuffer(eventBytes));
  const events = new DataView(new ArrayBuffer(eventBytes * eventsAtOnce));
  const eventPointer = new Uint8Array(event.buffer);
  const eventsPointer = new Uint8Array(events.buffer);

  const control = (epollFd: number, operation: number, fd: number, wanted: number, name: number) => {
    event.setUint32(0, wanted, true);
    event.setUint32(dataOffset, name, true);
    epollCtl(epollFd, operation, fd, eventPointer);
  };

  return {
    socket: (family, type, protocol) => socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol),
    bind: (fd, address) => void bindTo(fd, address, address.length),
    connect: (fd, address) => (connect(fd, address, address.length) === 0 ? 0 : koffi.errno()),
    close: (fd) => void close(fd),
    setsockopt: (fd, level, option, value) => void setsockopt(fd, level, option, value, value.length),
    getsockopt: (fd, level, option, into) => {
      length[0] = into.length;
      getsockopt(fd, level, option, into, length);
    },
    send: (fd, bytes) => void send(fd, bytes, bytes.length, MSG_NOSIGNAL),
    recv: (fd, into) => received('recv', recv(fd, into, into.length, 0)),
    sendto: (fd, message, address) => void sendto(fd, message, message.length, 0, address, address.length),
    recvfrom: (fd, into, address) => {
      length[0] = address.length;
      return received('recvfrom', recvfrom(fd, into, into.length, 0, address, length));
    },
    epoll_create: () => epollCreate(EPOLL_CLOEXEC),
    epoll_add: (epollFd, fd, wanted, name) => control(epollFd, EPOLL_CTL_ADD, fd, wanted, name),
    epoll_remove: (epollFd, fd) => control(epollFd, EPOLL_CTL_DEL, fd, 0, 0),
    epoll_wait: (epollFd, report) => {
      const count = epollWait(epollFd, eventsPointer, eventsAtOnce, 0);
      for (let offset = 0; offset < count * eventBytes; offset += eventBytes) {
        report(events.getUint32(offset + dataOffset, true), events.getUint32(offset, true));
      }
      return count === eventsAtOnce;
    },
    watch: (fd, report) => {
      const watch = poll(fd, report);
      // At its end Node runs its loop once more, where no JavaScript may be called: koffi would abort the process.
      // What is listened with also keeps the watch, which would end if it were collected.
      process.once('exit', () => watch.stop());
      return watch;
    },
  };
}
