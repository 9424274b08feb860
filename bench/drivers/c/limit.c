/* The limit, measured: plain libzmq, one message per call, default options. The other end of every driver, too.
 *
 *     limit send|recv|rtt ENDPOINT SIZE COUNT       connects, does the work of a driver, prints its line of JSON
 *     limit paced ENDPOINT SIZE COUNT RATE          as rtt, but sends RATE messages per second whether or not answers
 *                                                   came; a latency counts from when the message was due
 *     limit sink|source|echo ENDPOINT SIZE TOTAL [WARM]
 *                                                   binds, prints `endpoint ...`, serves one driver; sink prints a line
 *                                                   with the time from message WARM to the last
 *
 * Only the linger differs from the default, which is without end: a driver that died must not keep its peer.
 */
#include "measure.h"

#include <string.h>
#include <zmq.h>

enum { LINGER_MS = 60000 };

static void *context;
static void *peer;
static size_t size;

static void check(int status, const char *what) {
  if (status < 0) {
    fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
    exit(1);
  }
}

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

static void send_one(void) {
  zmq_msg_t message;
  check(zmq_msg_init_size(&message, size), "message");
  memset(zmq_msg_data(&message), 'x', size);
  check(zmq_msg_send(&message, peer, 0), "send");
}

/* Receives a message and checks its size; 0 if there is none and `flags` say not to wait. */
static int recv_one(zmq_msg_t *message, int flags) {
  int received = zmq_msg_recv(message, peer, flags);
  if (received < 0 && (flags & ZMQ_DONTWAIT) && zmq_errno() == EAGAIN) return 0;
  check(received, "receive");
  if ((size_t)received != size) {
    fprintf(stderr, "a message of %d bytes instead of %zu\n", received, size);
    exit(1);
  }
  return 1;
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
  for (long i = 0; i < warm; i++) recv_one(&message, 0);
  struct moment start = moment_now();
  for (long i = 0; i < count; i++) recv_one(&message, 0);
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
    recv_one(&message, 0);
    if (i >= 0) latencies[i] = (clock_seconds(CLOCK_MONOTONIC) - sent) * 1e6;
  }
  report(count, start, moment_now(), latencies);
  zmq_msg_close(&message);
  free(latencies);
}

static void do_paced(long warm, long count, long rate) {
  double *latencies = allocate((size_t)count * sizeof *latencies);
  double interval = 1.0 / (double)rate, first = clock_seconds(CLOCK_MONOTONIC);
  struct moment start = moment_now();
  long sent = 0, received = 0, total = warm + count;
  zmq_msg_t message;
  zmq_msg_init(&message);
  while (received < total) {
    double now = clock_seconds(CLOCK_MONOTONIC);
    if (sent < total && now >= first + (double)sent * interval) {
      send_one();
      sent++;
    } else if (recv_one(&message, ZMQ_DONTWAIT)) {
      /* The echo keeps the order, so this answers message number `received`. */
      if (received == warm) start = moment_now();
      if (received >= warm)
        latencies[received - warm] = (clock_seconds(CLOCK_MONOTONIC) - first - (double)received * interval) * 1e6;
      received++;
    }
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
    recv_one(&message, 0);
    check(zmq_msg_send(&message, peer, 0), "send");
  }
  zmq_msg_close(&message);
}

int main(int argc, char **argv) {
  if (argc < 5 || argc > 6) {
    fprintf(stderr, "usage: limit send|recv|rtt|paced|sink|source|echo ENDPOINT SIZE COUNT [RATE or WARM]\n");
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
  } else if (!strcmp(role, "paced") && extra > 0) {
    connect_to(ZMQ_DEALER, endpoint);
    do_paced(warm, count, extra);
  } else if (!strcmp(role, "sink") && extra < count) {
    bind_to(ZMQ_PULL, endpoint);
    do_sink(count, extra);
  } else if (!strcmp(role, "source")) {
    bind_to(ZMQ_PUSH, endpoint);
    do_source(count);
  } else if (!strcmp(role, "echo")) {
    bind_to(ZMQ_DEALER, endpoint);
    do_echo(count);
  } else {
    fprintf(stderr, "unknown role, or its last number is missing or too large: %s\n", role);
    return 2;
  }
  close_socket();
  return 0;
}
