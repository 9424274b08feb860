/* The limit of request-reply: plain libzmq without anything that makes it reliable, and the disk without anything else.
 *
 *     limit broker ENDPOINT SIZE COUNT OUTSTANDING  binds ROUTER and DEALER, prints `endpoint FOR-CLIENTS FOR-WORKERS`,
 *                                                   and passes messages on: zmq_proxy
 *     limit worker ENDPOINT SIZE COUNT OUTSTANDING  connects a DEALER, prints `ready`, sends back what comes
 *     limit server ENDPOINT SIZE COUNT OUTSTANDING  the same with a ROUTER that binds: prints `endpoint ...`
 *     limit client ENDPOINT SIZE COUNT OUTSTANDING  connects a DEALER, keeps OUTSTANDING requests of SIZE bytes open until
 *                                                   COUNT are answered, and prints a line of JSON
 *     limit disk FILE SIZE COUNT OUTSTANDING        appends COUNT records to FILE, with an fdatasync after each
 *
 * Brokers, workers and servers serve until they are killed. Queues have no bound: OUTSTANDING is one.
 */
#include "limit.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#ifdef __APPLE__
#define fdatasync fsync
#endif

/* A request of 100 bytes and what has to be stored beside it. */
enum { RECORD_BYTES = 200 };

static void broker(const char *endpoint) {
  char front[256], back[256];
  void *clients = listening(ZMQ_ROUTER, endpoint, front);
  void *workers = listening(ZMQ_DEALER, endpoint, back);
  printf("endpoint %s %s\n", front, back);
  fflush(stdout);
  check(zmq_proxy(clients, workers, NULL), "proxy");
}

/* Sends every message back as it came: its first frame says for whom. */
static void echo(void *socket) {
  zmq_msg_t frame;
  zmq_msg_init(&frame);
  for (;;) {
    check(zmq_msg_recv(&frame, socket, 0), "receive");
    check(zmq_msg_send(&frame, socket, zmq_msg_more(&frame) ? ZMQ_SNDMORE : 0), "send");
  }
}

static void ask(void *socket, size_t size, uint64_t number) {
  zmq_msg_t request;
  check(zmq_msg_init_size(&request, size), "message");
  memset(zmq_msg_data(&request), 'x', size);
  write_stamp(zmq_msg_data(&request), number);
  check(zmq_msg_send(&request, socket, 0), "send");
}

/* Asks `count` times, with up to `window` requests open. There is one worker, so answers come in order. */
static void ask_all(void *socket, size_t size, long count, long window, double *latencies) {
  zmq_msg_t answer;
  zmq_msg_init(&answer);
  for (long asked = 0, answered = 0; answered < count; answered++) {
    double began = latencies == NULL ? 0 : clock_seconds(CLOCK_MONOTONIC);
    for (; asked < count && asked - answered < window; asked++) ask(socket, size, (uint64_t)asked);
    check(zmq_msg_recv(&answer, socket, 0), "receive");
    if (zmq_msg_size(&answer) != size || read_stamp(zmq_msg_data(&answer)) != (uint64_t)answered) {
      fprintf(stderr, "the answer to request %ld is another's\n", answered);
      exit(1);
    }
    if (latencies != NULL) latencies[answered] = (clock_seconds(CLOCK_MONOTONIC) - began) * 1e6;
  }
  zmq_msg_close(&answer);
}

static void client(const char *endpoint, size_t size, long count, long window) {
  void *socket = connected(endpoint);
  double *latencies = window > 1 ? NULL : allocate((size_t)count * sizeof *latencies);
  ask_all(socket, size, count / 10, window, latencies);
  say("warm");
  struct moment start = moment_now();
  ask_all(socket, size, count, window, latencies);
  report(count, start, moment_now(), latencies);
  free(latencies);
}

static void append(int file, long count) {
  char record[RECORD_BYTES];
  memset(record, 'x', sizeof record);
  for (long i = 0; i < count; i++) {
    if (write(file, record, sizeof record) != sizeof record || fdatasync(file) != 0) {
      perror("append");
      exit(1);
    }
  }
}

static void disk(const char *path, long count) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
  if (file < 0) {
    perror(path);
    exit(1);
  }
  append(file, count / 10);
  say("warm");
  struct moment start = moment_now();
  append(file, count);
  report(count, start, moment_now(), NULL);
  close(file);
}

int reqrep(int argc, char **argv) {
  const char *role = argv[1], *endpoint = argv[2];
  if (argc != 6) return 2;
  long size = number(argv[3], STAMP_BYTES), count = number(argv[4], 1), window = number(argv[5], 1);
  if (!strcmp(role, "broker")) {
    broker(endpoint);
  } else if (!strcmp(role, "worker")) {
    void *socket = connected(endpoint);
    say("ready");
    echo(socket);
  } else if (!strcmp(role, "server")) {
    char bound[256];
    void *socket = listening(ZMQ_ROUTER, endpoint, bound);
    printf("endpoint %s\n", bound);
    fflush(stdout);
    echo(socket);
  } else if (!strcmp(role, "client")) {
    client(endpoint, (size_t)size, count, window);
  } else if (!strcmp(role, "disk")) {
    disk(endpoint, count);
  } else {
    return 2;
  }
  return 0;
}
