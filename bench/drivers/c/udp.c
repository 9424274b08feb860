/* The limit of a bus: multicast datagrams and nothing else. Nothing is repeated, and nobody is told.
 *
 *     udp segments|datagrams bus-recv|bus-latency ENDPOINT SIZE COUNT
 *     udp segments|datagrams bus-send ENDPOINT SIZE COUNT PACE
 *
 * See bus.h. As fast as can be, COUNT messages of SIZE bytes are a stream that is cut into datagrams as large as those of a
 * bus. With `segments` the system takes and gives many of one size at once (UDP_SEGMENT, UDP_GRO), with `datagrams` a list of
 * them (sendmmsg, recvmmsg). On a schedule, and where latencies are measured, a datagram is a message.
 */
#define _GNU_SOURCE
#include "bus.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

/* What a bus has in a datagram, and how many of those the system takes at once. */
enum { DATAGRAM = 1428, TOGETHER = 44 };
/* Room for as many as the system gives at once, and how many such lists are taken by one call. */
enum { LARGEST = 1 << 16, BUFFERS = 8, RECEIVE_BUFFER = 8 << 20 };

static int own;
static int by_segments;
static struct sockaddr_in group = { .sin_family = AF_INET };

static int check(int status, const char *what) {
  if (status < 0) {
    perror(what);
    exit(1);
  }
  return status;
}

static void set(int level, int option, int value) {
  check(setsockopt(own, level, option, &value, sizeof value), "setsockopt");
}

/* A socket for the group at `endpoint`: epgm://ADDRESS;GROUP:PORT. */
static struct in_addr open_socket(const char *endpoint) {
  char address[64], name[64];
  unsigned short port;
  struct in_addr place;
  if (sscanf(endpoint, "epgm://%63[^;];%63[^:]:%hu", address, name, &port) != 3 || !inet_aton(address, &place) ||
      !inet_aton(name, &group.sin_addr)) {
    fprintf(stderr, "no endpoint: %s\n", endpoint);
    exit(2);
  }
  group.sin_port = htons(port);
  own = check(socket(AF_INET, SOCK_DGRAM, 0), "socket");
  check(setsockopt(own, IPPROTO_IP, IP_MULTICAST_IF, &place, sizeof place), "interface");
  return place;
}

static void join(struct in_addr place) {
  struct ip_mreq membership = { group.sin_addr, place };
  struct timeval silence = { SILENCE_MS / 1000, SILENCE_MS % 1000 * 1000 };
  set(SOL_SOCKET, SO_REUSEADDR, 1);
  set(SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
  if (by_segments) set(IPPROTO_UDP, UDP_GRO, 1);
  check(setsockopt(own, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence), "timeout");
  check(bind(own, (struct sockaddr *)&group, sizeof group), "bind");
  check(setsockopt(own, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof membership), "join");
}

static void send_one(const void *message, size_t size) {
  check((int)sendto(own, message, size, 0, (struct sockaddr *)&group, sizeof group), "send");
}

static void send_segments(const char *bytes, long datagrams) {
  union {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(uint16_t))];
  } control = { .head = { CMSG_LEN(sizeof(uint16_t)), IPPROTO_UDP, UDP_SEGMENT } };
  *(uint16_t *)CMSG_DATA(&control.head) = DATAGRAM;
  struct iovec part = { (void *)bytes, (size_t)datagrams * DATAGRAM };
  struct msghdr message = { &group, sizeof group, &part, 1, &control, sizeof control, 0 };
  check((int)sendmsg(own, &message, 0), "send");
}

static void send_datagrams(char *bytes, long datagrams) {
  struct iovec parts[TOGETHER];
  struct mmsghdr messages[TOGETHER];
  for (long i = 0; i < datagrams; i++) {
    parts[i] = (struct iovec){ bytes + i * DATAGRAM, DATAGRAM };
    messages[i].msg_hdr = (struct msghdr){ &group, sizeof group, &parts[i], 1, NULL, 0, 0 };
  }
  for (long sent = 0; sent < datagrams;) {
    sent += check(sendmmsg(own, messages + sent, (unsigned)(datagrams - sent), 0), "send");
  }
}

static void send_stream(size_t size, long count) {
  char *bytes = allocate(TOGETHER * DATAGRAM);
  long datagrams = (long)((size * (size_t)count + DATAGRAM - 1) / DATAGRAM);
  greet(send_one);
  struct moment start = moment_now();
  while (datagrams > 0) {
    long part = datagrams < TOGETHER ? datagrams : TOGETHER;
    by_segments ? send_segments(bytes, part) : send_datagrams(bytes, part);
    datagrams -= part;
  }
  await_end();
  report(count, start, moment_now(), NULL);
  free(bytes);
}

/* Receives up to BUFFERS datagrams, or lists of them, of `lengths` bytes; 0 if nothing came for SILENCE_MS. */
static int receive(char (*bytes)[LARGEST], size_t lengths[BUFFERS]) {
  struct iovec parts[BUFFERS];
  struct mmsghdr messages[BUFFERS];
  for (int i = 0; i < BUFFERS; i++) {
    parts[i] = (struct iovec){ bytes[i], LARGEST };
    messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
  }
  int received = recvmmsg(own, messages, BUFFERS, MSG_WAITFORONE, NULL);
  if (received < 0 && errno == EAGAIN) return 0;
  for (int i = 0; i < check(received, "receive"); i++) lengths[i] = messages[i].msg_len;
  return received;
}

/* Counts bytes: messages are where they end. */
static void receive_stream(struct receiver *receiver) {
  char(*bytes)[LARGEST] = allocate(BUFFERS * sizeof *bytes);
  size_t lengths[BUFFERS], total = 0, wanted = receiver->size * (size_t)receiver->count;
  while (total < wanted) {
    int received = receive(bytes, lengths);
    if (received == 0 && total > 0) break;
    for (int i = 0; i < received; i++) {
      if (lengths[i] < DATAGRAM) {
        receiver_greeted(receiver);
        continue;
      }
      if (total == 0) receiver->start = moment_now();
      total += lengths[i];
    }
  }
  receiver->received = (long)((total < wanted ? total : wanted) / receiver->size);
  free(bytes);
}

static void receive_messages(struct receiver *receiver) {
  char(*bytes)[LARGEST] = allocate(BUFFERS * sizeof *bytes);
  size_t lengths[BUFFERS];
  while (receiver->received < receiver->count) {
    int received = receive(bytes, lengths);
    if (received == 0 && !receiver_waits(receiver)) break;
    for (int i = 0; i < received; i++) receiver_hears(receiver, bytes[i], lengths[i]);
  }
  free(bytes);
}

int main(int argc, char **argv) {
  if (argc < 6) {
    fprintf(stderr, "usage: udp segments|datagrams WORKLOAD ENDPOINT SIZE COUNT [PACE]\n");
    return 2;
  }
  by_segments = !strcmp(argv[1], "segments");
  size_t size = (size_t)number(argv[4], STAMP_BYTES);
  long count = number(argv[5], 1), pace = argc == 7 ? number(argv[6], 0) : 0;
  struct in_addr place = open_socket(argv[3]);
  if (argc == 7 && pace > 0) {
    send_all(size, count, pace, send_one);
  } else if (argc == 7) {
    send_stream(size, count);
  } else {
    struct receiver receiver = receiver_new(argv[2], size, count);
    join(place);
    receiver.latencies != NULL ? receive_messages(&receiver) : receive_stream(&receiver);
    receiver_report(&receiver);
  }
  close(own);
  return 0;
}
