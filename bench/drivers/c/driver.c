/* Measures zpatterns in C: connects to a counterpart (`limit sink|source|echo|paced`), does one workload, prints one
 * line.
 *
 *     driver zpatterns|zpatterns-background send-each|send-many|recv-each|recv-many|rtt|latency ENDPOINT SIZE COUNT
 *
 * COUNT messages are measured, after a tenth as many to warm up. Roles of request-reply are in reqrep.c, those on a bus in
 * bus.c, those of fan-out in fan.c, those of a job queue in jobs.c.
 */
#include "driver.h"

#include <string.h>

enum { BATCH_MESSAGES = 500, RECV_MESSAGES = 1000, RECV_BYTES = 512 * 1024 };

static zpat_context_t *context;
static zpat_socket_t *peer;
static size_t size;
static char *payload;

static void check_size(zpat_slice_t frame) {
  if (frame.len != size) {
    fprintf(stderr, "a message of %zu bytes instead of %zu\n", frame.len, size);
    exit(1);
  }
}

static void send_each(long messages) {
  for (long i = 0; i < messages; i++) check(zpat_socket_send(peer, payload, size, FOREVER, NULL));
}

static void send_many(long messages) {
  zpat_batch_t *batch = NULL;
  check(zpat_batch_new(&batch));
  while (messages > 0) {
    long part = messages < BATCH_MESSAGES ? messages : BATCH_MESSAGES;
    check(zpat_batch_clear(batch));
    for (long i = 0; i < part; i++) check(zpat_batch_add(batch, payload, size));
    for (long sent = 0; sent < part;) sent += check(zpat_socket_send_many(peer, batch, (size_t)sent, FOREVER, NULL));
    messages -= part;
  }
  zpat_batch_free(&batch);
}

static void recv_each(long messages) {
  zpat_batch_t *message = NULL;
  for (long i = 0; i < messages; i++) {
    check(zpat_socket_recv(peer, FOREVER, NULL, &message));
    check_size(zpat_batch_frame(message, 0, 0));
  }
  zpat_batch_free(&message);
}

static void recv_many(long messages) {
  zpat_batch_t *batch = NULL;
  while (messages > 0) {
    size_t most = messages < RECV_MESSAGES ? (size_t)messages : RECV_MESSAGES;
    int received = check(zpat_socket_recv_many(peer, most, RECV_BYTES, FOREVER, NULL, &batch));
    for (int i = 0; i < received; i++) check_size(zpat_batch_frame(batch, (size_t)i, 0));
    messages -= received;
  }
  zpat_batch_free(&batch);
}

static void round_trips(long messages, double *latencies) {
  zpat_batch_t *message = NULL;
  for (long i = 0; i < messages; i++) {
    double sent = clock_seconds(CLOCK_MONOTONIC);
    check(zpat_socket_send(peer, payload, size, FOREVER, NULL));
    check(zpat_socket_recv(peer, FOREVER, NULL, &message));
    check_size(zpat_batch_frame(message, 0, 0));
    latencies[i] = (clock_seconds(CLOCK_MONOTONIC) - sent) * 1e6;
  }
  zpat_batch_free(&message);
}

static void since_each_was_due(long messages, double *latencies) {
  zpat_batch_t *message = NULL;
  for (long i = 0; i < messages; i++) {
    check(zpat_socket_recv(peer, FOREVER, NULL, &message));
    zpat_slice_t frame = zpat_batch_frame(message, 0, 0);
    check_size(frame);
    latencies[i] = since_due(frame.data);
  }
  zpat_batch_free(&message);
}

/* Workloads by name; each either moves messages or takes the latency of each. */
static const struct {
  const char *name;
  int kind;
  void (*move)(long messages);
  void (*take)(long messages, double *latencies);
} workloads[] = {
  { "send-each", ZPAT_PUSH, send_each, NULL }, { "send-many", ZPAT_PUSH, send_many, NULL },
  { "recv-each", ZPAT_PULL, recv_each, NULL }, { "recv-many", ZPAT_PULL, recv_many, NULL },
  { "rtt", ZPAT_DEALER, NULL, round_trips },   { "latency", ZPAT_PULL, NULL, since_each_was_due },
};

int main(int argc, char **argv) {
  int is_bus = argc > 2 && !strncmp(argv[2], "bus-", 4), is_jobs = argc > 2 && !strncmp(argv[2], "jobs-", 5);
  int is_fan = argc > 2 && !strncmp(argv[2], "fan-", 4);
  if (is_bus || is_jobs || is_fan || argc > 6) {
    int status = is_bus ? bus(argc, argv) : is_jobs ? jobs(argc, argv) : is_fan ? fan(argc, argv) : reqrep(argc, argv);
    if (status == 2) fprintf(stderr, "there is no %s with %s\n", argv[2], argv[1]);
    return status;
  }
  if (argc != 6) {
    fprintf(stderr, "usage: driver IMPL WORKLOAD|ROLE ENDPOINT SIZE COUNT [OUTSTANDING [STORE]]\n");
    return 2;
  }
  size_t work = 0, known = sizeof workloads / sizeof *workloads;
  while (work < known && strcmp(argv[2], workloads[work].name) != 0) work++;
  int background = !strcmp(argv[1], "zpatterns-background");
  if (work == known || (!background && strcmp(argv[1], "zpatterns") != 0)) {
    fprintf(stderr, "there is no %s with %s\n", argv[2], argv[1]);
    return 2;
  }
  size = (size_t)number(argv[4], workloads[work].take ? STAMP_BYTES : 0);
  long count = number(argv[5], 1), warm = count / 10;
  payload = allocate(size);
  memset(payload, 'x', size);
  double *latencies = workloads[work].move ? NULL : allocate((size_t)count * sizeof *latencies);

  zpat_socket_options_t options = ZPAT_SOCKET_OPTIONS_INIT;
  options.background = background;
  check(zpat_context_open(NULL, &context));
  check(zpat_socket_open(context, workloads[work].kind, &options, &peer));
  check(zpat_socket_connect(peer, argv[3]));

  if (latencies == NULL) {
    workloads[work].move(warm);
    struct moment start = moment_now();
    workloads[work].move(count);
    report(count, start, moment_now(), NULL);
  } else {
    workloads[work].take(warm, latencies);
    struct moment start = moment_now();
    workloads[work].take(count, latencies);
    report(count, start, moment_now(), latencies);
  }
  zpat_socket_close(&peer, -1);
  zpat_context_close(&context);
  free(latencies);
  free(payload);
  return 0;
}
