import {
  AF_INET,
  AF_INET6,
  EINPROGRESS,
  EPOLLERR,
  EPOLLET,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  IP_BIND_ADDRESS_NO_PORT,
  IPPROTO_IP,
  SO_ERROR,
  SO_LINGER,
  SOCK_STREAM,
  SOL_SOCKET,
} from './constants.ts';
import { errorOf, type Libc } from './libc.ts';
import { isPlain, type Path, usePath } from './path.ts';
import type { Reactor } from './reactor.ts';
import { familyNumber, socketAddress } from './socket-address.ts';

export interface ConnectOptions extends Path {
  /** How a connection that came about ends: with a reset, or in good order, which leaves its port in TIME_WAIT. */
  readonly close: 'rst' | 'fin';
}

/** Who has a socket at the time. */
export interface SocketOwner {
  /** Told what the socket is ready for, as epoll has it, once after each change. Never throws. */
  ready(events: number): void;
}

/** A TCP socket that epoll watches for its owner. */
export class TcpSocket {
  readonly fd: number;
  /** That of the reactor; -1: it does not watch it yet. */
  name = -1;
  owner: SocketOwner | undefined = undefined;
  /** Where it goes when it is spare; undefined: it does not. */
  readonly shelf: TcpSocket[] | undefined;

  constructor(fd: number, shelf: TcpSocket[] | undefined) {
    this.fd = fd;
    this.shelf = shelf;
  }
}

/** Sockets that are spare at most, of each family: what falls due together at 10,000 runs a second. */
export const mostSpare = 500;

/** The TCP sockets of an engine. One whose connection was reset is spare: another begins with it, of whatever check. */
export class TcpSockets {
  readonly libc: Libc;
  readonly reactor: Reactor;
  readonly #spare: { readonly [family: number]: TcpSocket[] } = { [AF_INET]: [], [AF_INET6]: [] };

  constructor(libc: Libc, reactor: Reactor) {
    this.libc = libc;
    this.reactor = reactor;
  }

  /** Begins to connect to a canonical address. Throws as libc does where that fails at once. */
  connect(address: string, port: number, owner: SocketOwner, options: ConnectOptions = plain): TcpSocket {
    const shelf = isReusable(options) ? this.#spare[familyNumber(address)] : undefined;
    const socket = shelf?.pop() ?? new TcpSocket(this.#open(address, options), shelf);
    socket.owner = owner;
    try {
      const errno = this.libc.connect(socket.fd, socketAddress(address, port));
      if (errno !== 0 && errno !== EINPROGRESS) throw errorOf('connect', errno);
      if (socket.name >= 0) this.reactor.expect();
      else socket.name = this.reactor.add(socket.fd, anyChange, (events) => socket.owner?.ready(events));
    } catch (error) {
      this.close(socket);
      throw error;
    }
    return socket;
  }

  /**
   * Ends a connection of which nothing more is to come, with a reset where that was asked for, and takes its port back. The
   * socket can then be connected again, which costs two thirds of what a new one does. Its sequence numbers go on from the
   * last connection's, which the server of that one could tell.
   */
  end(socket: TcpSocket): void {
    const { shelf, fd } = socket;
    if (shelf === undefined || shelf.length >= mostSpare || this.libc.connect(fd, nowhere) !== 0) {
      this.close(socket);
      return;
    }
    socket.owner = undefined;
    shelf.push(socket);
  }

  /** Ends the connection, with a reset where that was asked for; the socket is no more. */
  close(socket: TcpSocket): void {
    socket.owner = undefined;
    if (socket.name >= 0) this.reactor.remove(socket.name);
    this.libc.close(socket.fd);
  }

  /** Gives the descriptor to somebody else, who also closes it. */
  leave(socket: TcpSocket): void {
    socket.owner = undefined;
    this.reactor.release(socket.name, socket.fd);
  }

  /** Why there is no connection, by the events of epoll: where it reports no error, SO_ERROR has none, and the call is saved. */
  pendingError({ fd }: TcpSocket, events: number): Error | undefined {
    if ((events & EPOLLERR) === 0) return undefined;
    this.libc.getsockopt(fd, SOL_SOCKET, SO_ERROR, soErrorBytes);
    const errno = soError[0] ?? 0;
    return errno === 0 ? undefined : errorOf('connect', errno);
  }

  #open(address: string, options: ConnectOptions): number {
    const fd = this.libc.socket(familyNumber(address), SOCK_STREAM, 0);
    try {
      if (options.close === 'rst') this.libc.setsockopt(fd, SOL_SOCKET, SO_LINGER, lingerOffAtOnce);
      // Else bind(2) would take a port that is in use to no destination at all, of which there are 28,232.
      if (options.source !== undefined) this.libc.setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, yes);
      usePath(this.libc, fd, options);
    } catch (error) {
      this.libc.close(fd);
      throw error;
    }
    return fd;
  }
}

/** Not where it was bound: to an address or interface that may since be gone, or be another by the same name. */
function isReusable(options: ConnectOptions): boolean {
  return options.close === 'rst' && isPlain(options);
}

const plain: ConnectOptions = { close: 'rst' };
/** Of changes alone: a spare socket would go on reporting that it has no connection. */
const anyChange = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
const yes = new Uint8Array(Int32Array.of(1).buffer);
const lingerOffAtOnce = new Uint8Array(Int32Array.of(1, 0).buffer);
const soError = new Int32Array(1);
const soErrorBytes = new Uint8Array(soError.buffer);
/** `struct sockaddr` of AF_UNSPEC: see connect(2). */
const nowhere = new Uint8Array(16);
