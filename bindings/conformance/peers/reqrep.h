/* Reliable request-reply in the peer: clients, workers, jobs and brokers.
 *
 * With --async nothing waits in the library: what is asked is posted, and what comes is taken after a notice. */
#include "reqrep_options.h"

#define COUNTERS(X) \
  X(accepted) X(delivered) X(redelivered) X(held) X(waiting) X(refused_full) X(refused_other) X(late_used) \
  X(late_dropped) X(from_cache) X(joined) X(lost_deadline) X(lost_age) X(lost_no_service) X(lost_attempts) \
  X(lost_responder) X(lost_cancelled) X(lost_asker_gone) X(lost_closed) X(malformed) X(stored)
#define WORKER_COUNTERS(X) \
  X(accepted) X(answered) X(held) X(cancelled) X(lost_asker_gone) X(refused) X(malformed)

/* What `ask-many` asked, by its number. */
static int64_t many[1024];

static const char *const *split(char *list, size_t *count) {
  static const char *parts[16];
  char *part;
  *count = 0;
  while ((part = strsep(&list, ",")) && *count < 16) parts[(*count)++] = part;
  return parts;
}

static int print_word(int outcome, const char *word) {
  if (outcome < 0) return outcome;
  printf("ok %s\n", word);
  return ANSWERED;
}

static int do_broker(char **rest) {
  zpat_broker_options_t options = ZPAT_BROKER_OPTIONS_INIT;
  struct slot *slot = make(next(rest));
  char bound[ZPAT_ENDPOINT_SIZE];
  size_t count;
  const char *const *endpoints = split(next(rest), &count);
  int outcome = slot ? read_broker_options(rest, &options) : ZPAT_E_TOO_MANY_OPEN;
  if (outcome < 0) return outcome;
  zpat_broker_close(&slot->broker);
  outcome = zpat_broker_bind(context, endpoints, count, &options, &slot->broker);
  return print_word(outcome < 0 ? outcome : zpat_broker_endpoint(slot->broker, 0, bound, sizeof bound), bound);
}

static int do_worker(char **rest) {
  zpat_worker_options_t options = ZPAT_WORKER_OPTIONS_INIT;
  struct slot *slot = make(next(rest));
  const char *service = unhex(next(rest)).data;
  size_t count;
  const char *const *endpoints = split(next(rest), &count);
  int outcome = slot ? read_worker_options(rest, &options) : ZPAT_E_TOO_MANY_OPEN;
  if (outcome < 0) return outcome;
  zpat_worker_close(&slot->worker);
  return zpat_worker_connect(context, endpoints, count, service, &options, &slot->worker);
}

static int do_server(char **rest) {
  zpat_worker_options_t options = ZPAT_WORKER_OPTIONS_INIT;
  struct slot *slot = make(next(rest));
  const char *service = unhex(next(rest)).data, *endpoint = next(rest);
  char bound[ZPAT_ENDPOINT_SIZE];
  int outcome = slot ? read_worker_options(rest, &options) : ZPAT_E_TOO_MANY_OPEN;
  if (outcome < 0) return outcome;
  zpat_worker_close(&slot->worker);
  outcome = zpat_worker_bind(context, endpoint, service, &options, &slot->worker);
  return print_word(outcome < 0 ? outcome : zpat_worker_endpoint(slot->worker, bound, sizeof bound), bound);
}

static int do_client(char **rest) {
  zpat_client_options_t options = ZPAT_CLIENT_OPTIONS_INIT;
  struct slot *slot = make(next(rest));
  size_t count;
  const char *const *endpoints = split(next(rest), &count);
  int outcome = slot ? read_client_options(rest, &options) : ZPAT_E_TOO_MANY_OPEN;
  if (outcome < 0) return outcome;
  zpat_client_close(&slot->client);
  return zpat_client_open(context, endpoints, count, &options, &slot->client);
}

/* ---- Requests ---- */

static void print_body(const zpat_batch_t *frames) {
  const char *between = "";
  for (size_t m = 0; m < zpat_batch_count(frames); m++)
    for (size_t f = 0; f < zpat_batch_frame_count(frames, m); f++, between = ",") {
      fputs(between, stdout);
      print_hex(zpat_batch_frame(frames, m, f));
    }
}

static int print_outcome(int result, const zpat_outcome_t *outcome, const zpat_batch_t *body) {
  if (outcome->kind == ZPAT_OUTCOME_NONE) return result;
  if (outcome->kind == ZPAT_OUTCOME_ACCEPTED) fputs("ok outcome=accepted", stdout);
  if (outcome->kind == ZPAT_OUTCOME_REPLY) fputs("ok outcome=reply body=", stdout);
  if (outcome->kind == ZPAT_OUTCOME_ERROR) printf("ok outcome=error code=%lld body=", (long long)outcome->code);
  if (outcome->kind == ZPAT_OUTCOME_FAILED)
    printf("ok outcome=failed kind=%s may_have_run=%s", zpat_error_name((int)outcome->error),
           outcome->may_have_run ? "true" : "false");
  if (outcome->kind == ZPAT_OUTCOME_REPLY || outcome->kind == ZPAT_OUTCOME_ERROR) print_body(body);
  putchar('\n');
  return ANSWERED;
}

/* The next that comes of any posted request, as an event loop takes it: 1 or an error. */
static int take_next(const zpat_client_t *client, int64_t end, zpat_batch_t **body, zpat_outcome_t *outcome) {
  int result;
  while ((result = zpat_client_next(client, is_async ? 0 : left(end), NULL, body, outcome)) == ZPAT_E_TIMEOUT &&
         is_async) {
    result = await_notice(zpat_client_arm(client), zpat_client_ready_fd(client), end);
    if (result < 0) break;
  }
  return result;
}

/* What comes next of a request: 1 or an error. What an event loop finds of others meanwhile is kept for them. */
static int wait_for(const zpat_client_t *client, struct slot *request, int64_t end, zpat_batch_t **body,
                    zpat_outcome_t *outcome) {
  if (!is_async) return zpat_client_wait(client, request->ticket, left(end), NULL, body, outcome);
  if (request->ticket == 0) return ZPAT_E_NOT_FOUND;
  while (!request->came) {
    struct slot *of = NULL;
    int result = take_next(client, end, body, outcome);
    if (result < 0) return result;
    for (size_t i = 0; i < SLOTS; i++)
      if (slots[i].asker == client && slots[i].ticket == outcome->ticket) of = &slots[i];
    if (!of || of->came) return ZPAT_E_FULL;
    zpat_batch_t *unused = of->body;
    of->body = *body, of->outcome = *outcome, of->came = 1;
    *body = unused;
  }
  zpat_batch_t *unused = *body;
  *body = request->body, *outcome = request->outcome, request->came = 0;
  request->body = unused;
  if (outcome->kind != ZPAT_OUTCOME_PARTIAL) request->ticket = 0;
  return 1;
}

/* Asks, and goes on. */
static int ask(const zpat_client_t *client, struct slot *request, char **rest) {
  zpat_request_options_t options = ZPAT_REQUEST_OPTIONS_INIT;
  zpat_slice_t frames[64];
  const char *service = unhex(next(rest)).data;
  int outcome = read_request_options(rest, &options);
  size_t count = next_frames(rest, frames);
  if (outcome < 0) return outcome;
  int64_t ticket = is_async ? zpat_client_post(client, service, frames, count, &options)
                            : zpat_client_submit(client, service, frames, count, &options);
  if (ticket < 0) return (int)ticket;
  request->asker = client;
  request->ticket = ticket;
  return DONE;
}

/* How a request ends, with the parts of its answer before the rest. */
static int print_whole(const zpat_client_t *client, struct slot *request, int64_t end) {
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_batch_t *whole = NULL;
  int64_t run = 0;
  int result = zpat_batch_new(&whole);
  while (result >= 0) {
    result = wait_for(client, request, end, &batch, &outcome);
    if (result < 0) break;
    if (outcome.kind == ZPAT_OUTCOME_PARTIAL && outcome.run != run) zpat_batch_clear(whole), run = outcome.run;
    if (outcome.kind == ZPAT_OUTCOME_ERROR) zpat_batch_clear(whole);
    zpat_slice_t frames[64];
    size_t count = batch && zpat_batch_count(batch) ? zpat_batch_frame_count(batch, 0) : 0;
    for (size_t f = 0; f < count && f < 64; f++) frames[f] = zpat_batch_frame(batch, 0, f);
    if (count > 0) result = zpat_batch_add_multipart(whole, frames, count < 64 ? count : 64);
    if (outcome.kind != ZPAT_OUTCOME_PARTIAL) break;
  }
  if (result >= 0) result = print_outcome(result, &outcome, whole);
  zpat_batch_free(&whole);
  return result;
}

static zpat_client_t *client_of(char **rest) {
  struct slot *slot = find(next(rest));
  return slot ? slot->client : NULL;
}

static int do_request(char **rest) {
  zpat_request_options_t options = ZPAT_REQUEST_OPTIONS_INIT;
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_slice_t frames[64];
  zpat_client_t *client = client_of(rest);
  if (is_async) {
    struct slot *request = make("=");
    int asked = ask(client, request, rest);
    return asked < 0 ? asked : print_whole(client, request, now() + 60000);
  }
  const char *service = unhex(next(rest)).data;
  int result = read_request_options(rest, &options);
  size_t count = next_frames(rest, frames);
  if (result < 0) return result;
  result = zpat_client_request(client, service, frames, count, &options, NULL, &batch, &outcome);
  return print_outcome(result, &outcome, batch);
}

static int do_ask(char **rest) {
  zpat_client_t *client = client_of(rest);
  struct slot *request = make(next(rest));
  return request ? ask(client, request, rest) : ZPAT_E_TOO_MANY_OPEN;
}

static int do_answer(char **rest) {
  zpat_client_t *client = client_of(rest);
  struct slot *request = find(next(rest));
  return request ? print_whole(client, request, now() + number(rest)) : ZPAT_E_INVALID_ARGUMENT;
}

static int do_part(char **rest) {
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_client_t *client = client_of(rest);
  struct slot *request = find(next(rest));
  if (!request) return ZPAT_E_INVALID_ARGUMENT;
  int result = wait_for(client, request, now() + number(rest), &batch, &outcome);
  if (result < 0) return result;
  if (outcome.kind == ZPAT_OUTCOME_PARTIAL) request->run = outcome.run;
  else if (outcome.kind != ZPAT_OUTCOME_REPLY) return print_outcome(result, &outcome, batch);
  printf("ok run=%lld body=", (long long)request->run);
  print_body(batch);
  putchar('\n');
  return ANSWERED;
}

static int do_take_back(char **rest) {
  zpat_client_t *client = client_of(rest);
  struct slot *request = find(next(rest));
  return request ? zpat_client_cancel(client, request->ticket) : ZPAT_E_INVALID_ARGUMENT;
}

static int do_store(char **rest) {
  zpat_request_options_t options = ZPAT_REQUEST_OPTIONS_INIT;
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_slice_t frames[64];
  zpat_client_t *client = client_of(rest);
  const char *service = unhex(next(rest)).data;
  int result = read_request_options(rest, &options);
  size_t count = next_frames(rest, frames);
  if (result < 0) return result;
  result = zpat_client_store(client, service, frames, count, &options, NULL, &outcome);
  return print_outcome(result, &outcome, NULL);
}

static int do_fetch(char **rest) {
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_client_t *client = client_of(rest);
  const char *service = unhex(next(rest)).data;
  zpat_slice_t key = unhex(next(rest));
  int result = zpat_client_fetch(client, service, key, number(rest), NULL, &batch, &outcome);
  return print_outcome(result, &outcome, batch);
}

static int do_discard(char **rest) {
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_client_t *client = client_of(rest);
  const char *service = unhex(next(rest)).data;
  zpat_slice_t key = unhex(next(rest));
  return print_outcome(zpat_client_discard(client, service, key, number(rest), NULL, &outcome), &outcome, NULL);
}

static zpat_slice_t decimal(int64_t number, char *buffer) {
  return (zpat_slice_t){ buffer, (size_t)sprintf(buffer, "%lld", (long long)number) };
}

static int do_ask_many(char **rest) {
  zpat_request_options_t options = ZPAT_REQUEST_OPTIONS_INIT;
  zpat_client_t *client = client_of(rest);
  const char *service = unhex(next(rest)).data;
  int64_t count = number(rest);
  int outcome = read_request_options(rest, &options);
  if (outcome < 0) return outcome;
  if (count > (int64_t)(sizeof many / sizeof *many)) return ZPAT_E_TOO_LARGE;
  for (int64_t i = 0; i < count; i++) {
    char text[24];
    options.key = decimal(i, text);
    many[i] = zpat_client_post(client, service, &options.key, 1, &options);
    if (many[i] < 0) return (int)many[i];
  }
  return DONE;
}

static int do_answers(char **rest) {
  zpat_client_t *client = client_of(rest);
  int64_t count = number(rest), end = now() + number(rest), equal = 0;
  for (int64_t taken = 0; taken < count; taken++) {
    zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
    char text[24];
    int64_t asked = 0;
    int result = take_next(client, end, &batch, &outcome);
    if (result < 0) return result;
    while (asked < (int64_t)(sizeof many / sizeof *many) - 1 && many[asked] != outcome.ticket) asked++;
    equal += outcome.kind == ZPAT_OUTCOME_REPLY && zpat_batch_frame_count(batch, 0) == 1 &&
             zpat_slice_equal(zpat_batch_frame(batch, 0, 0), decimal(asked, text));
  }
  printf("ok equal=%lld others=%lld\n", (long long)equal, (long long)(count - equal));
  return ANSWERED;
}

/* ---- Jobs ---- */

static zpat_worker_t *worker_of(char **rest) {
  struct slot *slot = find(next(rest));
  return slot ? slot->worker : NULL;
}

static int do_job(char **rest) {
  zpat_worker_t *worker = worker_of(rest);
  struct slot *slot = make(next(rest));
  int64_t timeout = number(rest), end = now() + timeout;
  int outcome;
  if (!slot) return ZPAT_E_TOO_MANY_OPEN;
  zpat_job_free(&slot->job);
  while ((outcome = zpat_worker_next(worker, is_async ? 0 : timeout, NULL, &slot->job)) == ZPAT_E_TIMEOUT &&
         is_async) {
    outcome = await_notice(zpat_worker_arm(worker), zpat_worker_ready_fd(worker), end);
    if (outcome < 0) break;
  }
  if (outcome < 0) return outcome;
  fputs("ok service=", stdout);
  print_hex(zpat_job_service(slot->job));
  fputs(" key=", stdout);
  print_hex(zpat_job_key(slot->job));
  fputs(" body=", stdout);
  for (size_t f = 0; f < zpat_job_frame_count(slot->job); f++) {
    if (f > 0) putchar(',');
    print_hex(zpat_job_frame(slot->job, f));
  }
  putchar('\n');
  return ANSWERED;
}

static struct slot *job_of(char **rest) {
  struct slot *slot = find(next(rest));
  return slot && slot->job ? slot : NULL;
}

static int do_job_partial(char **rest) {
  zpat_slice_t frames[64];
  struct slot *slot = job_of(rest);
  return slot ? zpat_job_send_partial(slot->job, frames, next_frames(rest, frames)) : ZPAT_E_INVALID_ARGUMENT;
}

static int do_job_reply(char **rest) {
  zpat_slice_t frames[64];
  struct slot *slot = job_of(rest);
  return slot ? zpat_job_reply(&slot->job, frames, next_frames(rest, frames)) : ZPAT_E_INVALID_ARGUMENT;
}

static int do_job_fail(char **rest) {
  zpat_slice_t frames[64];
  struct slot *slot = job_of(rest);
  uint32_t code = (uint32_t)number(rest);
  return slot ? zpat_job_fail(&slot->job, code, frames, next_frames(rest, frames)) : ZPAT_E_INVALID_ARGUMENT;
}

static int do_job_drop(char **rest) {
  struct slot *slot = job_of(rest);
  return slot ? zpat_job_free(&slot->job) : ZPAT_E_INVALID_ARGUMENT;
}

static void wake(void *pipes) {
  if (write(((int *)pipes)[1], "", 1) < 0) perror("write");
}

/* As an event loop waits: until the hook says that there is something to look at. */
static int await_end(zpat_job_t *job, int64_t timeout) {
  int pipes[2];
  if (pipe(pipes) < 0) return ZPAT_E_TOO_MANY_OPEN;
  int outcome = zpat_job_set_hook(job, wake, pipes);
  if (outcome == 0) outcome = await_notice(0, pipes[0], now() + timeout);
  if (outcome == 0) outcome = zpat_job_wait_cancelled(job, 0, NULL);
  zpat_job_set_hook(job, NULL, NULL);
  close(pipes[0]);
  close(pipes[1]);
  return outcome;
}

static int do_job_cancelled(char **rest) {
  struct slot *slot = job_of(rest);
  int64_t timeout = number(rest);
  if (!slot) return ZPAT_E_INVALID_ARGUMENT;
  return is_async ? await_end(slot->job, timeout) : zpat_job_wait_cancelled(slot->job, timeout, NULL);
}

/* Answers so many jobs with their questions; below 0, all. */
static void *serve(void *of) {
  struct slot *slot = of;
  zpat_job_t *job = NULL;
  for (int64_t rest = slot->jobs; rest != 0 && zpat_worker_next(slot->worker, -1, slot->stop, &job) > 0; rest--) {
    zpat_slice_t frames[64];
    size_t count = zpat_job_frame_count(job);
    for (size_t f = 0; f < count && f < 64; f++) frames[f] = zpat_job_frame(job, f);
    zpat_job_reply(&job, frames, count);
    zpat_job_free(&job);
  }
  return NULL;
}

/* Nobody may be using a worker that is freed. */
static void end_serving(struct slot *slot) {
  if (!slot->stop) return;
  zpat_cancel_fire(slot->stop);
  pthread_join(slot->server, NULL);
  zpat_cancel_close(&slot->stop);
}

static int do_serve(char **rest) {
  struct slot *slot = find(next(rest));
  if (!slot) return ZPAT_E_INVALID_ARGUMENT;
  end_serving(slot);
  int outcome = zpat_cancel_open(&slot->stop);
  if (outcome < 0) return outcome;
  slot->jobs = number(rest);
  pthread_create(&slot->server, NULL, serve, slot);
  return DONE;
}

static int do_leave(char **rest) { return zpat_worker_leave(worker_of(rest)); }

/* ---- Brokers, and what all have ---- */

static zpat_broker_t *broker_of(char **rest) {
  struct slot *slot = find(next(rest));
  return slot ? slot->broker : NULL;
}

static int do_drain(char **rest) {
  zpat_broker_t *broker = broker_of(rest);
  return zpat_broker_drain(broker, number(rest), NULL);
}

static int do_workers(char **rest) {
  int workers = zpat_broker_workers(broker_of(rest));
  char text[24];
  return print_word(workers, decimal(workers, text).data);
}

/* What happens next, as an event loop takes it. */
static int do_news(char **rest) {
  zpat_news_t news = ZPAT_NEWS_INIT;
  zpat_broker_t *broker = broker_of(rest);
  int64_t end = now() + number(rest);
  int outcome;
  while ((outcome = zpat_broker_next(broker, is_async ? 0 : left(end), NULL, &news)) == ZPAT_E_TIMEOUT && is_async) {
    outcome = await_notice(zpat_broker_arm(broker), zpat_broker_ready_fd(broker), end);
    if (outcome < 0) break;
  }
  if (outcome < 0) return outcome;
  printf("ok kind=%s service=", zpat_news_kind_name((int)news.kind));
  print_hex((zpat_slice_t){ news.service, news.service_len });
  printf(" worker=%llu requests=%llu left=%s reason=%s missed=%llu\n", (unsigned long long)news.worker,
         (unsigned long long)news.requests, news.left ? "true" : "false",
         news.reason ? zpat_reason_name((int)news.reason) : "-", (unsigned long long)news.missed);
  return ANSWERED;
}

#define PRINT(name) printf(" " #name "=%llu", (unsigned long long)counters.name);

static int print_counters(int outcome, zpat_reqrep_counters_t counters) {
  if (outcome < 0) return outcome;
  fputs("ok", stdout);
  COUNTERS(PRINT)
  putchar('\n');
  return ANSWERED;
}

static int do_counters(char **rest) {
  struct slot *slot = find(next(rest));
  zpat_reqrep_counters_t requests = ZPAT_REQREP_COUNTERS_INIT;
  zpat_worker_counters_t counters = ZPAT_WORKER_COUNTERS_INIT;
  if (!slot) return ZPAT_E_INVALID_ARGUMENT;
  if (slot->client) return print_counters(zpat_client_counters(slot->client, &requests), requests);
  if (slot->broker) return print_counters(zpat_broker_counters(slot->broker, &requests), requests);
  int outcome = zpat_worker_counters(slot->worker, &counters);
  if (outcome < 0) return outcome;
  fputs("ok", stdout);
  WORKER_COUNTERS(PRINT)
  putchar('\n');
  return ANSWERED;
}

static void end_parties(struct slot *slot) {
  end_serving(slot);
  zpat_client_close(&slot->client);
  zpat_worker_close(&slot->worker);
  zpat_broker_close(&slot->broker);
}

static int do_end(char **rest) {
  struct slot *slot = find(next(rest));
  if (slot) end_parties(slot);
  return DONE;
}
