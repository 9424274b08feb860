/* Requests end as they should: with a reply, the worker's own error, or a failure that says whether it may have run. */
#include "reqrep.h"

/* A thread that answers with the question, the service and the key, until the worker has left. */
static void *echoes(void *argument) {
  zpat_job_t *job = NULL;
  int status;
  while ((status = zpat_worker_next(argument, LONG, NULL, &job)) == 1) {
    zpat_slice_t answer[] = { zpat_job_frame(job, 0), zpat_job_service(job), zpat_job_key(job) };
    CHECK(zpat_job_frame_count(job) == 1 && zpat_job_frame(job, 1).data == NULL);
    CHECK(OK(zpat_job_remaining_ms(job)) > 0 && zpat_job_remaining_ms(job) <= LONG);
    OK(zpat_job_reply(&job, answer, 3));
    CHECK(job == NULL);
  }
  CHECK(status == ZPAT_E_CLOSED);
  return NULL;
}

static void greet(zpat_client_t *client, zpat_worker_t *worker) {
  zpat_request_options_t options = patient();
  zpat_slice_t question = zpat_slice_text("World");
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_batch_t *body = NULL;
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, echoes, worker) == 0);
  options.key = zpat_slice_text("a key");
  CHECK(OK(zpat_client_request(client, "greet", &question, 1, &options, NULL, &body, &outcome)) == 0);
  CHECK(outcome.kind == ZPAT_OUTCOME_REPLY && outcome.error == ZPAT_OK && outcome.code == 0);
  CHECK(zpat_batch_count(body) == 1 && zpat_batch_frame_count(body, 0) == 3);
  CHECK(frame_is(body, 0, 0, "World") && frame_is(body, 0, 1, "greet") && frame_is(body, 0, 2, "a key"));
  CHECK(zpat_batch_bytes(body) == 15 && zpat_batch_frame(body, 0, 3).data == NULL);
  /* The batch is used again, and may be added to and sent like any other. */
  CHECK(OK(zpat_client_request(client, "greet", &question, 1, NULL, NULL, &body, NULL)) == 0);
  CHECK(frame_is(body, 0, 0, "World") && zpat_batch_frame(body, 0, 2).data != NULL);
  OK(zpat_batch_add(body, "more", 4));
  CHECK(zpat_batch_count(body) == 2 && frame_is(body, 0, 1, "greet") && frame_is(body, 1, 0, "more"));
  OK(zpat_batch_free(&body));
  OK(zpat_worker_leave(worker));
  CHECK(pthread_join(thread, NULL) == 0);
}

static void through_a_broker(zpat_context_t *context) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_broker_t *broker = open_broker(context, endpoint);
  zpat_worker_t *worker = open_worker(context, endpoint, "greet", 1);
  zpat_client_t *client = open_client(context, endpoint);
  zpat_reqrep_counters_t asked = ZPAT_REQREP_COUNTERS_INIT, passed = ZPAT_REQREP_COUNTERS_INIT;
  zpat_worker_counters_t done = ZPAT_WORKER_COUNTERS_INIT;
  greet(client, worker);
  OK(zpat_client_counters(client, &asked));
  OK(zpat_broker_counters(broker, &passed));
  FAILS(ZPAT_E_NOT_FOUND, zpat_worker_endpoint(worker, endpoint, sizeof endpoint));
  FAILS(ZPAT_E_NOT_FOUND, zpat_broker_endpoint(broker, 1, endpoint, sizeof endpoint));
  FAILS(ZPAT_E_TOO_LARGE, zpat_broker_endpoint(broker, 0, endpoint, 5));
  CHECK(asked.accepted == 2 && asked.delivered == 2 && balanced(&asked));
  CHECK(passed.accepted == 2 && balanced(&passed));
  OK(zpat_worker_counters(worker, &done));
  CHECK(done.accepted == 2 && done.answered == 2 && done.cancelled == 0);
  OK(zpat_broker_drain(broker, LONG, NULL));
  FAILS(ZPAT_E_TIMEOUT, zpat_broker_wait(broker, 1, NULL));
  OK(zpat_client_close(&client));
  OK(zpat_client_close(&client));
  OK(zpat_worker_close(&worker));
  OK(zpat_worker_close(&worker));
  OK(zpat_broker_close(&broker));
  OK(zpat_broker_close(&broker));
}

static void directly(zpat_context_t *context) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_worker_t *worker = NULL;
  zpat_client_t *client;
  OK(zpat_worker_bind(context, "tcp://127.0.0.1:0", "greet", NULL, &worker));
  OK(zpat_worker_endpoint(worker, endpoint, sizeof endpoint));
  client = open_client(context, endpoint);
  greet(client, worker);
  OK(zpat_client_close(&client));
  OK(zpat_worker_close(&worker));
}

/* One client and one worker by a broker, and what the last wait brought. */
struct town {
  zpat_broker_t *broker;
  zpat_worker_t *worker;
  zpat_client_t *client;
  zpat_batch_t *body;
  zpat_outcome_t outcome;
};

/* What comes next of a request, as a `zpat_outcome_kind_t`. */
static int64_t next_of(struct town *town, int64_t ticket) {
  CHECK(OK(zpat_client_wait(town->client, ticket, LONG, NULL, &town->body, &town->outcome)) == 1);
  CHECK(town->outcome.ticket == ticket);
  if (town->outcome.error != ZPAT_OK) CHECK(zpat_last_error_code() == town->outcome.error);
  return town->outcome.kind;
}

static void errors_of_workers(struct town *town) {
  zpat_slice_t words[] = { zpat_slice_text("no\nway"), zpat_slice_text("data") };
  int64_t ticket = submit(town->client, "slow", "question");
  zpat_job_t *job = next_job(town->worker);
  OK(zpat_job_fail(&job, 7, words, 2));
  CHECK(job == NULL && next_of(town, ticket) == ZPAT_OUTCOME_ERROR);
  CHECK(town->outcome.error == ZPAT_E_JOB_FAILED && town->outcome.code == 7);
  CHECK(frame_is(town->body, 0, 0, "no\nway") && frame_is(town->body, 0, 1, "data"));
  CHECK(strstr(zpat_last_error(), "code 7") != NULL && strstr(zpat_last_error(), "no way") != NULL);
  /* What there was to say was said. */
  FAILS(ZPAT_E_NOT_FOUND, zpat_client_wait(town->client, ticket, 0, NULL, &town->body, &town->outcome));
  CHECK(town->outcome.kind == ZPAT_OUTCOME_NONE && zpat_batch_count(town->body) == 0);

  ticket = submit(town->client, "slow", "question");
  job = next_job(town->worker);
  OK(zpat_job_free(&job));
  OK(zpat_job_free(&job));
  CHECK(next_of(town, ticket) == ZPAT_OUTCOME_ERROR && town->outcome.code == ZPAT_JOB_DROPPED);

  ticket = submit(town->client, "slow", "question");
  job = next_job(town->worker);
  OK(zpat_job_reply(&job, NULL, 0));
  CHECK(next_of(town, ticket) == ZPAT_OUTCOME_REPLY && town->outcome.code == 0);
  CHECK(zpat_batch_count(town->body) == 1 && zpat_batch_frame_count(town->body, 0) == 0);
}

static void parts(struct town *town) {
  zpat_slice_t some[] = { zpat_slice_text("some"), zpat_slice_text("") };
  int64_t ticket = submit(town->client, "slow", "question");
  zpat_job_t *job = next_job(town->worker);
  OK(zpat_job_send_partial(job, some, 2));
  CHECK(next_of(town, ticket) == ZPAT_OUTCOME_PARTIAL && zpat_batch_frame_count(town->body, 0) == 2);
  CHECK(frame_is(town->body, 0, 0, "some") && zpat_batch_frame(town->body, 0, 1).data != NULL);
  FAILS(ZPAT_E_TIMEOUT, zpat_client_wait(town->client, ticket, 0, NULL, &town->body, &town->outcome));
  CHECK(town->outcome.kind == ZPAT_OUTCOME_NONE);
  reply(&job, "rest");
  CHECK(next_of(town, ticket) == ZPAT_OUTCOME_REPLY && frame_is(town->body, 0, 0, "rest"));
}

/* Who waits until nobody waits for the answer. */
static void *watches(void *job) {
  OK(zpat_job_wait_cancelled(job, LONG, NULL));
  return NULL;
}

static void taken_back(struct town *town) {
  int64_t ticket = submit(town->client, "slow", "question");
  zpat_job_t *job = next_job(town->worker);
  zpat_worker_counters_t done = ZPAT_WORKER_COUNTERS_INIT;
  pthread_t thread;
  CHECK(OK(zpat_job_is_cancelled(job)) == 0);
  FAILS(ZPAT_E_TIMEOUT, zpat_job_wait_cancelled(job, 0, NULL));
  CHECK(pthread_create(&thread, NULL, watches, job) == 0);
  OK(zpat_client_cancel(town->client, ticket));
  CHECK(next_of(town, ticket) == ZPAT_OUTCOME_FAILED && town->outcome.error == ZPAT_E_CANCELLED);
  CHECK(town->outcome.may_have_run == 1 && zpat_batch_count(town->body) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  reply(&job, "too late");
  OK(zpat_worker_counters(town->worker, &done));
  CHECK(done.cancelled == 1);

  ticket = submit(town->client, "slow", "question");
  job = next_job(town->worker);
  OK(zpat_client_forget(town->client, ticket));
  FAILS(ZPAT_E_NOT_FOUND, zpat_client_wait(town->client, ticket, 0, NULL, &town->body, &town->outcome));
  while (OK(zpat_job_is_cancelled(job)) == 0) continue;
  reply(&job, "too late");
}

/* A call that is cancelled takes its request back. */
static void cancelled(struct town *town) {
  zpat_reqrep_counters_t counters = ZPAT_REQREP_COUNTERS_INIT;
  zpat_cancel_t *cancel = NULL;
  OK(zpat_cancel_open(&cancel));
  OK(zpat_cancel_fire(cancel));
  FAILS(ZPAT_E_CANCELLED,
        zpat_client_request(town->client, "nobody", NULL, 0, NULL, cancel, &town->body, &town->outcome));
  CHECK(zpat_batch_count(town->body) == 0);
  CHECK(town->outcome.kind == ZPAT_OUTCOME_FAILED && town->outcome.error == ZPAT_E_CANCELLED);
  OK(zpat_cancel_close(&cancel));
  OK(zpat_client_counters(town->client, &counters));
  CHECK(balanced(&counters) && counters.held == 0 && counters.lost_cancelled == 3);
}

static void deadlines(struct town *town) {
  zpat_request_options_t options = patient();
  zpat_slice_t question = zpat_slice_text("question");
  zpat_job_t *job;
  int64_t ticket;
  options.deadline = 300;
  ticket = OK(zpat_client_submit(town->client, "slow", &question, 1, &options));
  job = next_job(town->worker);
  CHECK(next_of(town, ticket) == ZPAT_OUTCOME_FAILED && town->outcome.error == ZPAT_E_TIMEOUT);
  CHECK(town->outcome.may_have_run == 1);
  OK(zpat_job_wait_cancelled(job, LONG, NULL));
  reply(&job, "too late");
  /* Nobody is there to do it. */
  options.deadline = 50;
  FAILS(ZPAT_E_TIMEOUT,
        zpat_client_request(town->client, "nobody", NULL, 0, &options, NULL, &town->body, &town->outcome));
  /* Whether the broker's word that it never ran comes first depends on the machine. */
  CHECK(town->outcome.kind == ZPAT_OUTCOME_FAILED);
  options = patient();
  options.patience = 0;
  FAILS(ZPAT_E_NOT_FOUND,
        zpat_client_request(town->client, "nobody", NULL, 0, &options, NULL, &town->body, &town->outcome));
  CHECK(town->outcome.kind == ZPAT_OUTCOME_FAILED && town->outcome.may_have_run == 0);
  options = patient();
  options.durable = 1, options.key = zpat_slice_text("a key");
  FAILS(ZPAT_E_UNSUPPORTED,
        zpat_client_request(town->client, "slow", NULL, 0, &options, NULL, &town->body, &town->outcome));
  CHECK(town->outcome.kind == ZPAT_OUTCOME_FAILED && town->outcome.may_have_run == 0);
}

static void full(zpat_context_t *context, const char *endpoint) {
  zpat_client_options_t options = ZPAT_CLIENT_OPTIONS_INIT;
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_batch_t *body = NULL;
  zpat_client_t *client = NULL;
  options.max_requests = 1;
  OK(zpat_client_open(context, &endpoint, 1, &options, &client));
  CHECK(submit(client, "nobody", "question") > 0);
  FAILS(ZPAT_E_FULL, zpat_client_request(client, "nobody", NULL, 0, NULL, NULL, &body, &outcome));
  CHECK(outcome.kind == ZPAT_OUTCOME_FAILED && outcome.may_have_run == 0);
  OK(zpat_client_close(&client));
  OK(zpat_batch_free(&body));
}

/* A worker that leaves finishes what it has, and a broker drains. Waits can be cancelled, and requests go on. */
static void the_end(struct town *town) {
  zpat_cancel_t *cancel = NULL;
  int64_t ticket = submit(town->client, "slow", "question");
  zpat_job_t *job = next_job(town->worker), *none = NULL;
  OK(zpat_worker_leave(town->worker));
  FAILS(ZPAT_E_TIMEOUT, zpat_broker_drain(town->broker, 1, NULL));
  reply(&job, "done");
  CHECK(next_of(town, ticket) == ZPAT_OUTCOME_REPLY && frame_is(town->body, 0, 0, "done"));
  FAILS(ZPAT_E_CLOSED, zpat_worker_next(town->worker, LONG, NULL, &none));
  CHECK(none == NULL);
  OK(zpat_broker_drain(town->broker, LONG, NULL));
  OK(zpat_cancel_open(&cancel));
  OK(zpat_cancel_fire(cancel));
  FAILS(ZPAT_E_CANCELLED, zpat_broker_wait(town->broker, LONG, cancel));
  FAILS(ZPAT_E_CANCELLED, zpat_client_next(town->client, LONG, cancel, &town->body, &town->outcome));
  ticket = submit(town->client, "slow", "question");
  FAILS(ZPAT_E_CANCELLED, zpat_client_wait(town->client, ticket, LONG, cancel, &town->body, &town->outcome));
  OK(zpat_cancel_close(&cancel));
}

int main(void) {
  zpat_context_t *context = open_context();
  char endpoint[ZPAT_ENDPOINT_SIZE];
  struct town town = { NULL, NULL, NULL, NULL, ZPAT_OUTCOME_INIT };
  through_a_broker(context);
  directly(context);
  town.broker = open_broker(context, endpoint);
  town.worker = open_worker(context, endpoint, "slow", 4);
  town.client = open_client(context, endpoint);
  errors_of_workers(&town);
  parts(&town);
  taken_back(&town);
  deadlines(&town);
  cancelled(&town);
  full(context, endpoint);
  the_end(&town);
  OK(zpat_batch_free(&town.body));
  OK(zpat_client_close(&town.client));
  OK(zpat_worker_close(&town.worker));
  OK(zpat_broker_close(&town.broker));
  OK(zpat_context_close(&context));
  return 0;
}
