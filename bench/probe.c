// The bare loop that lvsd's probes are measured against: socket, connect, epoll, close with a reset.
//
//   probe RATE SECONDS PORT    connects to 127.0.0.1 so often, prints probes, and CPU in microseconds
//   probe                      listens on every address, prints the port, accepts until its parent ends
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static double cpu_microseconds(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 + used.ru_utime.tv_usec + used.ru_stime.tv_usec;
}

static void begin(int epoll, const struct sockaddr_in *to) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || (connect(fd, (const struct sockaddr *)to, sizeof *to) && errno != EINPROGRESS)) {
    perror("connect");
    exit(1);
  }
  struct epoll_event wanted = {.events = EPOLLOUT, .data.fd = fd};
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted);
}

static void end(int fd) {
  int error;
  socklen_t length = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error) {
    fprintf(stderr, "connect: error %d\n", error);
    exit(1);
  }
  struct linger at_once = {1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(fd);
}

// A listener that falls behind loses connections, which the prober would see as timeouts.
static int serve(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in own = {.sin_family = AF_INET};
  socklen_t length = sizeof own;
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (bind(fd, (struct sockaddr *)&own, sizeof own) || listen(fd, 4096)) return 1;
  getsockname(fd, (struct sockaddr *)&own, &length);
  printf("%d\n", ntohs(own.sin_port));
  fflush(stdout);
  // The prober is to close first, as it does with servers that wait for a request.
  static int held[512];
  for (int next = 0;; next = (next + 1) % 512) {
    if (held[next]) close(held[next]);
    held[next] = accept(fd, NULL, NULL);
  }
}

int main(int argc, char **argv) {
  if (argc == 1) return serve();
  if (argc != 4) return 2;
  double rate = atof(argv[1]), span = atof(argv[2]);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[3])), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  long begun = 0, ended = 0;
  double start = seconds(), cpu = cpu_microseconds();
  for (;;) {
    double elapsed = seconds() - start;
    if (elapsed > span && ended == begun) break;
    for (long due = elapsed > span ? begun : (long)(elapsed * rate); begun < due; begun++) begin(epoll, &to);
    struct epoll_event ready[256];
    int count = epoll_wait(epoll, ready, 256, 1);
    for (int i = 0; i < count; i++) end(ready[i].data.fd);
    if (count > 0) ended += count;
  }
  printf("%ld %.0f\n", ended, cpu_microseconds() - cpu);
}
