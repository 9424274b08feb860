/* The limit, measured: plain libzmq, one message per call, default options. The other end of every driver, too.
 *
 *     limit send|recv|rtt|latency ENDPOINT SIZE COUNT
 *                                                   connects, does the work of a driver, prints its line of JSON
 *     limit sink|source|echo ENDPOINT SIZE TOTAL [WARM]
 *                                                   binds, prints `endpoint ...`, serves one driver; sink prints a line
 *                                                   with the time from message WARM to the last
 *     limit paced ENDPOINT SIZE TOTAL RATE          as source, but RATE messages per second, each with a stamp, whether
 *                                                   or not the driver keeps up
 *
 * Roles that begin with `jobs-` are those of a job queue, in limit_jobs.c, those with `fan-` of fan-out, in limit_fan.c; every
 * other role is one of request-reply, in limit_reqrep.c.
 *
 * Only the linger differs from the default, which is without end: a driver that died must not keep its peer.
 */
#include "limit.h"

#include <string.h>

enum { LINGER_MS = 60000 };

static void *context;
static void *peer;
static size_t size;

static void open_socket(int kind) {
  int linger = LINGER_MS;
  context = zmq_ctx_new();
  peer = zmq_socket(context, kind);
  if (peer == NULL) check(-1, "socket");
  check(zmq_setsockopt(peer, ZMQ_LINGER, &linger, sizeof linger), "linger");
}

static void close_socket(void) {
  zmq_close(peer);
  zmq_ctx_term(context);
}

static void connect_to(int kind, const char *endpoint) {
  open_socket(kind);
  check(zmq_connect(peer, endpoint), endpoint);
}

static void bind_to(int kind, const char *endpoint) {
  char bound[256];
  size_t length = sizeof bound;
  open_socket(kind);
  check(zmq_bind(peer, endpoint), endpoint);
  check(zmq_getsockopt(peer, ZMQ_LAST_ENDPOINT, bound, &length), "endpoint");
  printf("endpoint %s\n", bound);
  fflush(stdout);
}

static void make(zmq_msg_t *message) {
  check(zmq_msg_init_size(message, size), "message");
  memset(zmq_msg_data(message), 'x', size);
}

static void send_one(void) {
  zmq_msg_t message;
  make(&message);
  check(zmq_msg_send(&message, peer, 0), "send");
}

static void recv_one(zmq_msg_t *message) {
  int received = zmq_msg_recv(message, peer, 0);
  check(received, "receive");
  if ((size_t)received != size) {
    fprintf(stderr, "a message of %d bytes instead of %zu\n", received, size);
    exit(1);
  }
}

static void do_send(long warm, long count) {
  for (long i = 0; i < warm; i++) send_one();
  struct moment start = moment_now();
  for (long i = 0; i < count; i++) send_one();
  report(count, start, moment_now(), NULL);
}

static void do_recv(long warm, long count) {
  zmq_msg_t message;
  zmq_msg_init(&message);
  for (long i = 0; i < warm; i++) recv_one(&message);
  struct moment start = moment_now();
  for (long i = 0; i < count; i++) recv_one(&message);
  report(count, start, moment_now(), NULL);
  zmq_msg_close(&message);
}

static void do_rtt(long warm, long count) {
  double *latencies = allocate((size_t)count * sizeof *latencies);
  struct moment start = moment_now();
  zmq_msg_t message;
  zmq_msg_init(&message);
  for (long i = -warm; i < count; i++) {
    if (i == 0) start = moment_now();
    double sent = clock_seconds(CLOCK_MONOTONIC);
    send_one();
    recv_one(&message);
    if (i >= 0) latencies[i] = (clock_seconds(CLOCK_MONOTONIC) - sent) * 1e6;
  }
  report(count, start, moment_now(), latencies);
  zmq_msg_close(&message);
  free(latencies);
}

static void do_latency(long warm, long count) {
  double *latencies = allocate((size_t)count * sizeof *latencies);
  struct moment start = moment_now();
  zmq_msg_t message;
  zmq_msg_init(&message);
  for (long i = -warm; i < count; i++) {
    if (i == 0) start = moment_now();
    recv_one(&message);
    if (i >= 0) latencies[i] = since_due(zmq_msg_data(&message));
  }
  report(count, start, moment_now(), latencies);
  zmq_msg_close(&message);
  free(latencies);
}

static void do_sink(long total, long warm) { do_recv(warm, total - warm); }

static void do_source(long total) {
  for (long i = 0; i < total; i++) send_one();
}

static void do_echo(long total) {
  zmq_msg_t message;
  zmq_msg_init(&message);
  for (long i = 0; i < total; i++) {
    recv_one(&message);
    check(zmq_msg_send(&message, peer, 0), "send");
  }
  zmq_msg_close(&message);
}

/* The schedule begins when the driver has connected, and waits for nobody from then on: where the driver is slow, or
 * this program, a message leaves as soon as it can and its stamp still says when it was due. */
static void do_paced(long total, long rate) {
  punctual();
  zmq_pollitem_t writable = { peer, 0, ZMQ_POLLOUT, 0 };
  check(zmq_poll(&writable, 1, -1), "poll");
  uint64_t first = nanoseconds();
  for (long i = 0; i < total; i++) {
    uint64_t due = due_at(first, i, rate);
    zmq_msg_t message;
    make(&message);
    write_stamp(zmq_msg_data(&message), due);
    sleep_until(due);
    check(zmq_msg_send(&message, peer, 0), "send");
  }
}

int main(int argc, char **argv) {
  int is_fan = argc > 1 && !strncmp(argv[1], "fan-", 4);
  if (argc < 5 || argc > (is_fan ? 8 : 6)) {
    fprintf(stderr, "usage: limit ROLE ENDPOINT SIZE COUNT [WARM, RATE, OUTSTANDING or SUBSCRIBERS [MORE]]\n");
    return 2;
  }
  const char *role = argv[1], *endpoint = argv[2];
  long count = number(argv[4], 1), extra = argc == 6 ? number(argv[5], 0) : 0, warm = count / 10;
  size = (size_t)number(argv[3], 0);
  if (!strcmp(role, "send")) {
    connect_to(ZMQ_PUSH, endpoint);
    do_send(warm, count);
  } else if (!strcmp(role, "recv")) {
    connect_to(ZMQ_PULL, endpoint);
    do_recv(warm, count);
  } else if (!strcmp(role, "rtt")) {
    connect_to(ZMQ_DEALER, endpoint);
    do_rtt(warm, count);
  } else if (!strcmp(role, "latency") && size >= STAMP_BYTES) {
    connect_to(ZMQ_PULL, endpoint);
    do_latency(warm, count);
  } else if (!strcmp(role, "sink") && extra < count) {
    bind_to(ZMQ_PULL, endpoint);
    do_sink(count, extra);
  } else if (!strcmp(role, "source")) {
    bind_to(ZMQ_PUSH, endpoint);
    do_source(count);
  } else if (!strcmp(role, "echo")) {
    bind_to(ZMQ_DEALER, endpoint);
    do_echo(count);
  } else if (!strcmp(role, "paced") && size >= STAMP_BYTES && extra > 0) {
    bind_to(ZMQ_PUSH, endpoint);
    do_paced(count, extra);
  } else {
    int is_jobs = !strncmp(role, "jobs-", 5);
    int status = is_jobs ? jobs(argc, argv) : is_fan ? fan(argc, argv) : reqrep(argc, argv);
    if (status == 2) fprintf(stderr, "unknown role, or a number of it is missing or does not fit: %s\n", role);
    return status;
  }
  close_socket();
  return 0;
}
