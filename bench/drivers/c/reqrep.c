/* Request-reply in C: who stands between, who answers, who asks.
 *
 *     driver zpatterns broker|worker|server|client|durable ENDPOINT SIZE COUNT OUTSTANDING [STORE]
 *
 * A broker and a server print `endpoint ...`, a worker `ready`, and serve until they are killed. A client keeps
 * OUTSTANDING requests open, prints `warm` when a tenth of COUNT is answered, and after COUNT more a line of JSON;
 * `durable` is a client whose requests are stored, by a broker that was given STORE.
 */
#include "driver.h"

#include <string.h>

/* More jobs at hand do not make a worker faster. */
enum { MOST_CREDIT = 1000 };

static const char *const SERVICE = "echo";
static zpat_context_t *context;

static void broker(const char *endpoint, const char *store) {
  char bound[ZPAT_ENDPOINT_SIZE];
  zpat_broker_options_t options = ZPAT_BROKER_OPTIONS_INIT;
  zpat_broker_t *broker = NULL;
  options.store = store;
  check(zpat_broker_bind(context, &endpoint, 1, &options, &broker));
  check(zpat_broker_endpoint(broker, 0, bound, sizeof bound));
  printf("endpoint %s\n", bound);
  fflush(stdout);
  check(zpat_broker_wait(broker, FOREVER, NULL));
}

static void work(const char *endpoint, long window, int binds) {
  zpat_worker_options_t options = ZPAT_WORKER_OPTIONS_INIT;
  zpat_worker_t *worker = NULL;
  zpat_job_t *job = NULL;
  options.credit = window < MOST_CREDIT ? window : MOST_CREDIT;
  if (binds) {
    char bound[ZPAT_ENDPOINT_SIZE];
    check(zpat_worker_bind(context, endpoint, SERVICE, &options, &worker));
    check(zpat_worker_endpoint(worker, bound, sizeof bound));
    printf("endpoint %s\n", bound);
    fflush(stdout);
  } else {
    check(zpat_worker_connect(context, &endpoint, 1, SERVICE, &options, &worker));
    say("ready");
  }
  for (;;) {
    check(zpat_worker_next(worker, FOREVER, NULL, &job));
    zpat_slice_t question = zpat_job_frame(job, 0);
    check(zpat_job_reply(&job, &question, 1));
  }
}

/* One client and what it asks; each question begins with its number, counted from 1 as tickets are. */
static struct {
  zpat_client_t *handle;
  char *question;
  size_t size;
  int64_t asked;
  int durable;
  zpat_batch_t *answer;
} client;

static zpat_slice_t next_question(void) {
  write_stamp(client.question, (uint64_t)++client.asked);
  return (zpat_slice_t){ client.question, client.size };
}

static void check_answer(const zpat_outcome_t *outcome, int64_t number) {
  zpat_slice_t frame = zpat_batch_frame(client.answer, 0, 0);
  if (outcome->kind != ZPAT_OUTCOME_REPLY || frame.len != client.size || read_stamp(frame.data) != (uint64_t)number) {
    fprintf(stderr, "request %lld ended with %s\n", (long long)number, zpat_error_name((int)outcome->error));
    exit(1);
  }
}

static void ask_one_by_one(long count, double *latencies) {
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  for (long i = 0; i < count; i++) {
    double began = clock_seconds(CLOCK_MONOTONIC);
    zpat_slice_t question = next_question();
    check(zpat_client_request(client.handle, SERVICE, &question, 1, NULL, NULL, &client.answer, &outcome));
    check_answer(&outcome, client.asked);
    latencies[i] = (clock_seconds(CLOCK_MONOTONIC) - began) * 1e6;
  }
}

static void post(void) {
  zpat_request_options_t options = ZPAT_REQUEST_OPTIONS_INIT;
  zpat_slice_t question = next_question();
  options.durable = client.durable;
  if (client.durable) options.key = (zpat_slice_t){ question.data, STAMP_BYTES };
  int64_t ticket = zpat_client_post(client.handle, SERVICE, &question, 1, &options);
  if (ticket != client.asked) check(ticket < 0 ? (int)ticket : ZPAT_E_POISONED);
}

static void ask_many(long count, long window) {
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  for (long posted = 0, answered = 0; answered < count; answered++) {
    for (; posted < count && posted - answered < window; posted++) post();
    check(zpat_client_next(client.handle, FOREVER, NULL, &client.answer, &outcome));
    check_answer(&outcome, outcome.ticket);
  }
}

static void ask(const char *endpoint, size_t size, long count, long window) {
  double *latencies = window > 1 ? NULL : allocate((size_t)count * sizeof *latencies);
  client.size = size;
  client.question = allocate(size);
  memset(client.question, 'x', size);
  check(zpat_client_open(context, &endpoint, 1, NULL, &client.handle));
  latencies ? ask_one_by_one(count / 10, latencies) : ask_many(count / 10, window);
  say("warm");
  struct moment start = moment_now();
  latencies ? ask_one_by_one(count, latencies) : ask_many(count, window);
  report(count, start, moment_now(), latencies);
  zpat_batch_free(&client.answer);
  zpat_client_close(&client.handle);
  free(client.question);
  free(latencies);
}

int reqrep(int argc, char **argv) {
  if (argc > 8 || strcmp(argv[1], "zpatterns") != 0) return 2;
  const char *role = argv[2], *endpoint = argv[3];
  long size = number(argv[4], STAMP_BYTES), count = number(argv[5], 1), window = number(argv[6], 1);
  check(zpat_context_open(NULL, &context));
  if (!strcmp(role, "broker")) {
    broker(endpoint, argc == 8 ? argv[7] : NULL);
  } else if (!strcmp(role, "worker") || !strcmp(role, "server")) {
    work(endpoint, window, !strcmp(role, "server"));
  } else if (!strcmp(role, "client") || !strcmp(role, "durable")) {
    client.durable = !strcmp(role, "durable");
    ask(endpoint, (size_t)size, count, window);
  } else {
    return 2;
  }
  zpat_context_close(&context);
  return 0;
}
