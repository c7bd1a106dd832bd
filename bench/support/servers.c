// All servers of a scene in one process: it accepts on one port of every address of its namespace, answers what comes
// as one HTTP request with 200, and holds each connection until the client closes it or asked for no more.
//
//   servers PORT [DELAY_MS [ADDRESS]]
//
// Prints `ready`, then for each line on stdin `CONNECTIONS REQUESTS UNANSWERED`: the first two so far, the third now.
// The end of stdin ends it.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { most = 1 << 16, batch = 256 };

// An answer that is due later. All wait equally long, so the first in is the first out.
struct answer { int fd; unsigned life; int closes; long long dueMs; };

static struct answer queue[most];
static unsigned head, tail;
static unsigned lives[most]; // which of the connections that had this descriptor
static unsigned long connections, requests;
static int poller, delayMs;

static long long nowMs(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void watch(int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event)) err(1, "epoll_ctl");
}

static int listenOn(const char *address, int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = inet_addr(address)};
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&name, sizeof name) || listen(fd, 8192)) err(1, "Cannot listen on %s:%d", address, port);
  watch(fd);
  return fd;
}

static void acceptAll(int listener) {
  int fd;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    if (fd >= most) { close(fd); continue; }
    connections++;
    watch(fd);
  }
}

static void hangUp(int fd) {
  lives[fd]++;
  close(fd);
}

static void answer(int fd, int closes) {
  static const char text[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nOK";
  if (send(fd, text, sizeof text - 1, MSG_NOSIGNAL) < 0 || closes) hangUp(fd);
}

// Probes send their request in one segment, so one read is one request.
static void serve(int fd) {
  char text[4096];
  ssize_t length = read(fd, text, sizeof text - 1);
  if (length <= 0) {
    if (length == 0 || errno != EAGAIN) hangUp(fd);
    return;
  }
  requests++;
  text[length] = 0;
  int closes = strstr(text, " HTTP/1.0\r\n") || strcasestr(text, "\r\nconnection: close") || strcasestr(text, "\r\nconnection: TE, close");
  if (delayMs == 0) return answer(fd, closes);
  queue[tail++ % most] = (struct answer){fd, lives[fd], closes, nowMs() + delayMs};
}

static void answerDue(void) {
  for (; head != tail && queue[head % most].dueMs <= nowMs(); head++) {
    struct answer due = queue[head % most];
    if (lives[due.fd] == due.life) answer(due.fd, due.closes);
  }
}

static int untilNextMs(void) {
  if (head == tail) return -1;
  long long ms = queue[head % most].dueMs - nowMs();
  return ms < 0 ? 0 : (int)ms;
}

// False at the end of stdin.
static int count(void) {
  char line[64];
  if (read(0, line, sizeof line) <= 0) return 0;
  printf("%lu %lu %u\n", connections, requests, tail - head);
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 2) errx(2, "usage: servers PORT [DELAY_MS [ADDRESS]]");
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  delayMs = argc > 2 ? atoi(argv[2]) : 0;
  poller = epoll_create1(0);
  int listener = listenOn(argc > 3 ? argv[3] : "0.0.0.0", atoi(argv[1]));
  watch(0);
  setvbuf(stdout, NULL, _IOLBF, 0);
  puts("ready");
  for (;;) {
    struct epoll_event events[batch];
    int ready = epoll_wait(poller, events, batch, untilNextMs());
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) acceptAll(listener);
      else if (fd != 0) serve(fd);
      else if (!count()) return 0;
    }
    answerDue();
  }
}
