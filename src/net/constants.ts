/** Numbers of Linux, alike on every architecture that koffi has a binary for. */

/** <bits/socket.h> */
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;

/** <asm-generic/socket.h> */
export const SOL_SOCKET = 1;
export const SO_ERROR = 4;
export const SO_RCVBUF = 8;
export const SO_LINGER = 13;
export const SO_BINDTODEVICE = 25;
export const SO_RCVBUFFORCE = 33;
export const SO_MARK = 36;

/** <netinet/tcp.h>; `tcpi_rtt`, in microseconds, is this of the 32-bit words of `struct tcp_info`. */
export const IPPROTO_TCP = 6;
export const TCP_INFO = 11;
export const TCPI_RTT_WORD = 17;

/** <netinet/in.h>, <linux/in.h>, <linux/icmp.h>, <linux/icmpv6.h> */
export const IPPROTO_IP = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_ICMPV6 = 58;
export const SOL_RAW = 255;
export const IP_BIND_ADDRESS_NO_PORT = 24;
export const ICMP_FILTER = 1;
export const ICMPV6_FILTER = 1;

/** <asm-generic/errno.h> */
export const EAFNOSUPPORT = 97;
export const EINPROGRESS = 115;

/** <sys/epoll.h> */
export const EPOLLIN = 0x001;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
export const EPOLLRDHUP = 0x2000;
export const EPOLLET = 1 << 31;
