// Watches the kernel's IPVS table: prints `MILLISECONDS SERVERS WEIGHT` whenever that changes, looking every STEP ms.
// MILLISECONDS is CLOCK_MONOTONIC's; SERVERS counts the rows of all services; WEIGHT sums those of the TCP service given.
//
//   table STEP_MS ADDRESS PORT
//
// The older of the kernel's two interfaces counts without listing: /proc/net/ip_vs would cost a scene of 10,000 rows
// more than what it measures.
#include <arpa/inet.h>
#include <err.h>
#include <linux/ip_vs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { mostServices = 1024, mostServers = 16384 };

static int kernel;

static double nowMs(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static unsigned countServices(void) {
  struct ip_vs_getinfo info;
  socklen_t size = sizeof info;
  if (getsockopt(kernel, IPPROTO_IP, IP_VS_SO_GET_INFO, &info, &size)) err(1, "IP_VS_SO_GET_INFO");
  return info.num_services;
}

// -1: the number of services changed meanwhile.
static long countServers(void) {
  static struct { struct ip_vs_get_services head; struct ip_vs_service_entry room[mostServices]; } all;
  all.head.num_services = countServices();
  socklen_t size = sizeof all.head + sizeof all.room[0] * all.head.num_services;
  if (getsockopt(kernel, IPPROTO_IP, IP_VS_SO_GET_SERVICES, &all, &size)) return -1;
  long servers = 0;
  for (unsigned i = 0; i < all.head.num_services; i++) servers += all.head.entrytable[i].num_dests;
  return servers;
}

// 0: no such service, or its number of servers changed meanwhile.
static long weightOf(struct in_addr address, int port) {
  struct ip_vs_service_entry service = {.protocol = IPPROTO_TCP, .addr = address.s_addr, .port = htons(port)};
  static struct { struct ip_vs_get_dests head; struct ip_vs_dest_entry room[mostServers]; } all;
  socklen_t size = sizeof service;
  if (getsockopt(kernel, IPPROTO_IP, IP_VS_SO_GET_SERVICE, &service, &size)) return 0;
  all.head = (struct ip_vs_get_dests){.protocol = IPPROTO_TCP, .addr = address.s_addr, .port = htons(port), .num_dests = service.num_dests};
  size = sizeof all.head + sizeof all.room[0] * service.num_dests;
  if (getsockopt(kernel, IPPROTO_IP, IP_VS_SO_GET_DESTS, &all, &size)) return 0;
  long weight = 0;
  for (unsigned i = 0; i < service.num_dests; i++) weight += all.head.entrytable[i].weight;
  return weight;
}

int main(int argc, char **argv) {
  struct in_addr address;
  if (argc != 4 || !inet_aton(argv[2], &address)) errx(2, "usage: table STEP_MS ADDRESS PORT");
  if ((kernel = socket(AF_INET, SOCK_RAW, IPPROTO_RAW)) < 0) err(1, "socket");
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (long servers = -1, weight = -1;; usleep(atoi(argv[1]) * 1000)) {
    long serversNow = countServers(), weightNow = weightOf(address, atoi(argv[3]));
    if (serversNow < 0 || (serversNow == servers && weightNow == weight)) continue;
    servers = serversNow, weight = weightNow;
    printf("%.1f %ld %ld\n", nowMs(), servers, weight);
  }
}
