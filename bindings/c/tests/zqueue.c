/* Jobs end as they should: done, failed with the worker's own words, cancelled, or refused before they were jobs. */
#include "zqueue.h"

/* One of each, and what the last wait brought. */
struct town {
  zpat_queue_t *queue;
  zpat_producer_t *producer;
  zpat_queue_worker_t *worker;
  zpat_batch_t *body;
  zpat_job_outcome_t outcome;
};

/* What a job came to: the result of the call. */
static int outcome_of(struct town *town, zpat_watch_t **watch) {
  int status = zpat_watch_outcome(*watch, LONG, NULL, &town->body, &town->outcome);
  CHECK(town->outcome.error == status && town->outcome.kind != ZPAT_JOB_OUTCOME_NOTHING);
  if (status != ZPAT_OK) CHECK(zpat_last_error_code() == status);
  OK(zpat_watch_free(watch));
  OK(zpat_watch_free(watch));
  return status;
}

/* A thread that does jobs by turning their frames round, until the worker has left. */
static void *turns(void *worker) {
  zpat_queue_job_t *job = NULL;
  int status;
  while ((status = zpat_queue_worker_next(worker, LONG, NULL, &job)) == 1) {
    zpat_slice_t frames[] = { zpat_queue_job_frame(job, 1), zpat_queue_job_frame(job, 0) };
    CHECK(zpat_queue_job_frame_count(job) == 2 && zpat_queue_job_frame(job, 2).data == NULL);
    CHECK(zpat_slice_equal(zpat_queue_job_queue(job), zpat_slice_text("turn")));
    CHECK(zpat_queue_job_id(job) >= 1 && zpat_queue_job_is_resumed(job) == 0);
    CHECK(zpat_queue_job_memo_count(job) == 0 && zpat_queue_job_memo(job, 0).data == NULL);
    CHECK(zpat_queue_job_result_count(job) == 0 && zpat_queue_job_result_frame_count(job, 0) == 0);
    FAILS(ZPAT_E_NOT_FOUND, zpat_queue_job_result(job, 0, NULL));
    OK(zpat_queue_job_complete(&job, frames, 2));
    CHECK(job == NULL);
  }
  CHECK(status == ZPAT_E_CLOSED);
  return NULL;
}

static void run(zpat_context_t *context, struct town *town, const char *endpoint) {
  zpat_slice_t frames[] = { zpat_slice_text("one"), zpat_slice_text("") };
  zpat_queue_worker_t *worker = open_worker(context, endpoint, "turn");
  zpat_queue_worker_counters_t done = ZPAT_QUEUE_WORKER_COUNTERS_INIT;
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, turns, worker) == 0);
  CHECK(zpat_producer_run(town->producer, "turn", frames, 2, NULL, LONG, NULL, &town->body, &town->outcome) == 0);
  CHECK(town->outcome.kind == ZPAT_JOB_OUTCOME_DONE && town->outcome.error == ZPAT_OK && town->outcome.code == 0);
  CHECK(zpat_batch_count(town->body) == 1 && zpat_batch_frame_count(town->body, 0) == 2);
  CHECK(frame_is(town->body, 0, 0, "") && frame_is(town->body, 0, 1, "one"));
  /* The batch is used again, and who does not look need not say so. */
  CHECK(zpat_producer_run(town->producer, "turn", frames, 2, NULL, LONG, NULL, &town->body, NULL) == 0);
  CHECK(frame_is(town->body, 0, 1, "one"));
  CHECK(OK(zpat_queue_workers(town->queue)) == 2);
  OK(zpat_queue_worker_leave(worker));
  CHECK(pthread_join(thread, NULL) == 0);
  OK(zpat_queue_worker_counters(worker, &done));
  CHECK(done.accepted == 2 && done.completed == 2 && done.held == 0 && done.failed == 0 && done.spawned == 0);
  OK(zpat_queue_worker_close(&worker));
  OK(zpat_queue_worker_close(&worker));
  /* Nobody does it: the call gives up, and the job stays. */
  FAILS(ZPAT_E_TIMEOUT,
        zpat_producer_run(town->producer, "turn", frames, 2, NULL, 50, NULL, &town->body, &town->outcome));
  CHECK(town->outcome.kind == ZPAT_JOB_OUTCOME_NOTHING && zpat_batch_count(town->body) == 0);
}

static void failures(struct town *town) {
  zpat_slice_t words[] = { zpat_slice_text("no\nway"), zpat_slice_text("data") };
  zpat_job_options_t twice = tried(2);
  zpat_watch_t *watch = submit(town->producer, "x", "hard", &twice);
  for (int tries = 0; tries < 2; tries++) {
    zpat_queue_job_t *job = next_job(town->worker);
    CHECK(OK(zpat_queue_job_tries(job)) == tries);
    OK(zpat_queue_job_retry(&job, 7, words, 2));
    CHECK(job == NULL);
  }
  CHECK(outcome_of(town, &watch) == ZPAT_E_JOB_FAILED && town->outcome.kind == ZPAT_JOB_OUTCOME_FAILED);
  CHECK(town->outcome.code == 7 && frame_is(town->body, 0, 0, "no\nway") && frame_is(town->body, 0, 1, "data"));
  check_text(__FILE__, __LINE__, "code 7");
  check_text(__FILE__, __LINE__, "no way");

  /* What cannot be done is not tried again. */
  watch = submit(town->producer, "x", "hard", &twice);
  zpat_queue_job_t *job = next_job(town->worker);
  OK(zpat_queue_job_fail(&job, UINT32_MAX - 1, NULL, 0));
  CHECK(outcome_of(town, &watch) == ZPAT_E_JOB_FAILED && town->outcome.code == UINT32_MAX - 1);
  CHECK(zpat_batch_count(town->body) == 1 && zpat_batch_frame_count(town->body, 0) == 0);

  zpat_job_options_t once = tried(1);
  watch = submit(town->producer, "x", "left", &once);
  job = next_job(town->worker);
  OK(zpat_queue_job_free(&job));
  OK(zpat_queue_job_free(&job));
  CHECK(outcome_of(town, &watch) == ZPAT_E_JOB_FAILED && town->outcome.code == ZPAT_QUEUE_JOB_DROPPED);

  /* It takes too long, and its worker is told. */
  once.time_limit = 50;
  watch = submit(town->producer, "x", "slow", &once);
  job = next_job(town->worker);
  OK(zpat_queue_job_wait_withdrawn(job, LONG, NULL));
  CHECK(outcome_of(town, &watch) == ZPAT_E_TIMEOUT && town->outcome.kind == ZPAT_JOB_OUTCOME_FAILED);
  CHECK(town->outcome.code == 0 && zpat_batch_frame_count(town->body, 0) == 1);
  check_text(__FILE__, __LINE__, "the job was not done: its worker took too long");
  FAILS(ZPAT_E_CANCELLED, zpat_queue_job_complete(&job, NULL, 0));
  CHECK(job == NULL);
}

static void dead_letters(struct town *town) {
  zpat_dead_letter_t letters[8] = { ZPAT_DEAD_LETTER_INIT };
  zpat_batch_t *bodies = NULL, *failures = NULL;
  int more = 7;
  CHECK(OK(zpat_producer_dead(town->producer, 0, LONG, NULL, letters, 8, &bodies, &failures, &more)) == 4);
  CHECK(more == 0 && zpat_batch_count(bodies) == 4 && zpat_batch_count(failures) == 4);
  CHECK(strcmp(letters[0].queue, "x") == 0 && letters[0].queue_len == 1 && letters[0].key_len == 0);
  CHECK(letters[0].error == ZPAT_E_JOB_FAILED && letters[0].code == 7 && letters[0].struct_size == sizeof *letters);
  CHECK(letters[0].attempts == 2 && letters[0].backoff == 1 && letters[0].time_limit == 0 && letters[0].keep == 0);
  CHECK(frame_is(bodies, 0, 0, "hard") && frame_is(failures, 0, 1, "data"));
  CHECK(letters[2].code == ZPAT_QUEUE_JOB_DROPPED && frame_is(bodies, 2, 0, "left"));
  CHECK(letters[3].error == ZPAT_E_TIMEOUT && letters[3].time_limit == 50 && frame_is(bodies, 3, 0, "slow"));
  CHECK(zpat_batch_frame_count(failures, 3) == 1);

  /* Page by page, and nothing is written behind the last. */
  int64_t first = letters[0].job, second = letters[1].job;
  memset(&letters[1], 0x55, sizeof letters[1]);
  CHECK(OK(zpat_producer_dead(town->producer, first + 1, LONG, NULL, letters, 1, &bodies, NULL, &more)) == 1);
  CHECK(more == 1 && letters[0].job == second && letters[1].job == 0x5555555555555555);
  CHECK(OK(zpat_producer_dead(town->producer, first + 10000, LONG, NULL, letters, 1, &bodies, NULL, NULL)) == 0);
  CHECK(zpat_batch_count(bodies) == 0);

  int64_t again = OK(zpat_producer_requeue(town->producer, first, LONG, NULL));
  FAILS(ZPAT_E_NOT_FOUND, zpat_producer_requeue(town->producer, first, LONG, NULL));
  zpat_queue_job_t *job = next_job(town->worker);
  CHECK(zpat_queue_job_id(job) == again && again != first);
  CHECK(zpat_slice_equal(zpat_queue_job_frame(job, 0), zpat_slice_text("hard")));
  complete(&job, "soft");
  CHECK(counters_of(town->queue).dead == 3);
  OK(zpat_batch_free(&bodies));
  OK(zpat_batch_free(&failures));
}

/* One job of a key, an outcome that is kept, and one that is not. */
static void kept(struct town *town) {
  zpat_job_options_t options = tried(1);
  options.key = zpat_slice_text("order 17");
  options.keep = LONG;
  int64_t first = push(town->producer, "x", "first", &options);
  CHECK(push(town->producer, "x", "second", &options) == first);
  zpat_watch_t *watch = submit(town->producer, "x", "third", &options);
  CHECK(accepted(watch) == first);
  zpat_queue_job_t *job = next_job(town->worker);
  CHECK(zpat_queue_job_id(job) == first && zpat_slice_equal(zpat_queue_job_frame(job, 0), zpat_slice_text("first")));
  FAILS(ZPAT_E_TIMEOUT, zpat_producer_result(town->producer, first, 0, NULL, &town->body, &town->outcome));
  CHECK(town->outcome.kind == ZPAT_JOB_OUTCOME_NOTHING);
  complete(&job, "done");
  CHECK(outcome_of(town, &watch) == ZPAT_OK && frame_is(town->body, 0, 0, "done"));
  CHECK(zpat_producer_result(town->producer, first, LONG, NULL, &town->body, &town->outcome) == 0);
  CHECK(town->outcome.kind == ZPAT_JOB_OUTCOME_DONE && frame_is(town->body, 0, 0, "done"));
  OK(zpat_producer_watch(town->producer, first, 0, &watch));
  CHECK(outcome_of(town, &watch) == ZPAT_OK);
  FAILS(ZPAT_E_WRONG_STATE, zpat_producer_cancel(town->producer, first, LONG, NULL));

  options = tried(1);
  int64_t other = push(town->producer, "x", "", &options);
  job = next_job(town->worker);
  complete(&job, "");
  int status;
  do status = zpat_producer_result(town->producer, other, LONG, NULL, &town->body, &town->outcome);
  while (status == ZPAT_OK);
  CHECK(status == ZPAT_E_NOT_FOUND && town->outcome.kind == ZPAT_JOB_OUTCOME_NOTHING);
}

/* Who waits until nobody wants the job any more. */
static void *watches(void *job) {
  OK(zpat_queue_job_wait_withdrawn(job, LONG, NULL));
  return NULL;
}

static void cancelled(struct town *town) {
  zpat_cancel_t *cancel = NULL;
  zpat_watch_t *watch = submit(town->producer, "x", "long", NULL);
  int64_t number = accepted(watch);
  zpat_queue_job_t *job = next_job(town->worker), *none = NULL;
  zpat_queue_worker_counters_t before = ZPAT_QUEUE_WORKER_COUNTERS_INIT, after = before;
  pthread_t thread;
  OK(zpat_queue_worker_counters(town->worker, &before));
  CHECK(OK(zpat_queue_job_is_withdrawn(job)) == 0);
  FAILS(ZPAT_E_TIMEOUT, zpat_queue_job_wait_withdrawn(job, 0, NULL));
  CHECK(pthread_create(&thread, NULL, watches, job) == 0);
  OK(zpat_producer_cancel(town->producer, number, LONG, NULL));
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(OK(zpat_queue_job_is_withdrawn(job)) == 1);
  OK(zpat_queue_job_wait_withdrawn(job, 0, NULL));
  FAILS(ZPAT_E_CANCELLED, zpat_queue_job_retry(&job, 1, NULL, 0));
  CHECK(job == NULL && outcome_of(town, &watch) == ZPAT_E_CANCELLED);
  OK(zpat_queue_worker_counters(town->worker, &after));
  CHECK(after.withdrawn == before.withdrawn + 1);
  FAILS(ZPAT_E_NOT_FOUND, zpat_producer_cancel(town->producer, number, LONG, NULL));

  /* Waits can be cancelled, and jobs go on. */
  OK(zpat_cancel_open(&cancel));
  OK(zpat_cancel_fire(cancel));
  watch = submit(town->producer, "x", "goes on", NULL);
  FAILS(ZPAT_E_CANCELLED, zpat_watch_outcome(watch, LONG, cancel, &town->body, &town->outcome));
  CHECK(town->outcome.kind == ZPAT_JOB_OUTCOME_NOTHING);
  FAILS(ZPAT_E_CANCELLED, zpat_queue_wait(town->queue, LONG, cancel));
  job = next_job(town->worker);
  FAILS(ZPAT_E_CANCELLED, zpat_queue_job_wait_withdrawn(job, LONG, cancel));
  FAILS(ZPAT_E_CANCELLED, zpat_queue_worker_next(town->worker, LONG, cancel, &none));
  complete(&job, "done");
  CHECK(outcome_of(town, &watch) == ZPAT_OK && frame_is(town->body, 0, 0, "done"));
  OK(zpat_cancel_close(&cancel));

  /* Nobody hears what it comes to. */
  watch = submit(town->producer, "x", "unheard", NULL);
  OK(zpat_watch_free(&watch));
  job = next_job(town->worker);
  complete(&job, "done");
}

static void drafts(struct town *town) {
  zpat_slice_t parts[] = { zpat_slice_text("one"), zpat_slice_text("two"), zpat_slice_text("three") };
  zpat_draft_t *draft = NULL, *left = NULL;
  zpat_watch_t *watch = NULL;
  OK(zpat_producer_draft(town->producer, "x", parts, 1, NULL, &draft));
  OK(zpat_producer_draft(town->producer, "x", parts, 1, NULL, &left));
  OK(zpat_draft_send_part(draft, parts + 1, 2));
  OK(zpat_draft_send_part(draft, NULL, 0));
  OK(zpat_draft_free(&left));
  OK(zpat_draft_free(&left));
  REFUSED(zpat_draft_execute(&draft, NULL));
  OK(zpat_draft_execute(&draft, &watch));
  CHECK(draft == NULL && left == NULL);
  zpat_queue_job_t *job = next_job(town->worker);
  CHECK(zpat_queue_job_frame_count(job) == 3);
  CHECK(zpat_slice_equal(zpat_queue_job_frame(job, 2), zpat_slice_text("three")));
  complete(&job, "whole");
  CHECK(outcome_of(town, &watch) == ZPAT_OK && frame_is(town->body, 0, 0, "whole"));
}

/* What is refused never was a job. */
static void full(zpat_context_t *context) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_queue_options_t options = ZPAT_QUEUE_OPTIONS_INIT;
  zpat_batch_t *body = NULL, *bodies = NULL;
  zpat_watch_event_t event = ZPAT_WATCH_EVENT_INIT;
  int64_t jobs[3] = { -7, -7, -7 };
  options.max_jobs = 2;
  zpat_queue_t *queue = open_queue(context, &options, endpoint);
  zpat_producer_t *producer = open_producer(context, endpoint);
  OK(zpat_batch_new(&bodies));
  for (int i = 0; i < 3; i++) OK(zpat_batch_add(bodies, "x", 1));
  FAILS_WITH(ZPAT_E_FULL, zpat_producer_push_many(producer, "x", bodies, NULL, LONG, NULL, jobs), "accepted 2");
  CHECK(jobs[0] == -7);
  FAILS_WITH(ZPAT_E_FULL, zpat_producer_push(producer, "x", NULL, 0, NULL, LONG, NULL), "retry_after_ms");
  zpat_watch_t *watch = submit(producer, "x", "x", NULL);
  FAILS(ZPAT_E_FULL, zpat_watch_next(watch, LONG, NULL, &body, &event));
  CHECK(event.kind == ZPAT_WATCH_NOTHING);
  OK(zpat_watch_free(&watch));
  CHECK(OK(zpat_producer_post(producer, "x", NULL, 0, NULL, 0)) > 0);
  CHECK(OK(zpat_producer_next(producer, LONG, NULL, &body, &event)) == 1);
  CHECK(event.kind == ZPAT_WATCH_REFUSED && event.error == ZPAT_E_FULL && event.retry_after_ms > 0);
  CHECK(event.may_be_accepted == 0 && zpat_last_error_code() == ZPAT_E_FULL);
  CHECK(counters_of(queue).refused_full == 4 && counters_of(queue).accepted == 2);
  /* Waits end with their producer. */
  watch = submit(producer, "x", "x", NULL);
  OK(zpat_producer_close(&producer));
  OK(zpat_producer_close(&producer));
  FAILS(ZPAT_E_CLOSED, zpat_watch_next(watch, LONG, NULL, &body, &event));
  OK(zpat_watch_free(&watch));
  OK(zpat_batch_free(&bodies));
  OK(zpat_batch_free(&body));
  OK(zpat_queue_close(&queue));
}

static void queues(struct town *town) {
  zpat_queue_counters_t here[3] = { ZPAT_QUEUE_COUNTERS_INIT }, asked[3] = { ZPAT_QUEUE_COUNTERS_INIT };
  CHECK(OK(zpat_queue_queues(town->queue, NULL, 0)) == 2);
  CHECK(OK(zpat_producer_queues(town->producer, LONG, NULL, NULL, 0)) == 2);
  memset(&here[1], 0x55, sizeof here[1]);
  CHECK(OK(zpat_queue_queues(town->queue, here, 1)) == 2 && here[1].waiting == 0x5555555555555555);
  CHECK(OK(zpat_queue_queues(town->queue, here, 3)) == 2);
  CHECK(OK(zpat_producer_queues(town->producer, LONG, NULL, asked, 3)) == 2);
  CHECK(strcmp(here[0].name, "turn") == 0 && here[0].name_len == 4 && here[0].waiting == 1 && here[0].delivered == 2);
  CHECK(here[0].workers == 0 && here[0].bytes > 0 && here[0].struct_size == sizeof *here);
  CHECK(strcmp(here[1].name, "x") == 0 && here[1].workers == 1 && here[1].waiting == 0 && here[1].running == 0);
  for (int i = 0; i < 2; i++) {
    CHECK(strcmp(here[i].name, asked[i].name) == 0 && here[i].delivered == asked[i].delivered);
    CHECK(here[i].lost == asked[i].lost && here[i].waiting == asked[i].waiting);
  }
}

/* A worker that leaves finishes what it has, and a queue drains. */
static void the_end(struct town *town) {
  zpat_queue_job_t *job, *none = NULL;
  zpat_queue_counters_t waiting = ZPAT_QUEUE_COUNTERS_INIT;
  CHECK(OK(zpat_producer_queues(town->producer, LONG, NULL, &waiting, 1)) == 2 && waiting.waiting == 1);
  push(town->producer, "x", "last", NULL);
  job = next_job(town->worker);
  OK(zpat_queue_worker_leave(town->worker));
  FAILS(ZPAT_E_TIMEOUT, zpat_queue_drain(town->queue, 1, NULL));
  FAILS(ZPAT_E_CLOSED, zpat_producer_push(town->producer, "x", NULL, 0, NULL, LONG, NULL));
  complete(&job, "done");
  FAILS(ZPAT_E_CLOSED, zpat_queue_worker_next(town->worker, LONG, NULL, &none));
  CHECK(none == NULL);
  FAILS(ZPAT_E_TIMEOUT, zpat_queue_drain(town->queue, 0, NULL));
  FAILS(ZPAT_E_TIMEOUT, zpat_queue_wait(town->queue, 1, NULL));
}

/* Who waits for the end of a queue. */
static void *waits(void *queue) {
  OK(zpat_queue_wait(queue, LONG, NULL));
  return NULL;
}

/* A worker that is closed leaves its job to another, and a context takes all with it. */
static void closed(zpat_context_t *context) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_queue_t *queue = open_queue(context, NULL, endpoint);
  zpat_producer_t *producer = open_producer(context, endpoint);
  zpat_queue_worker_t *first = open_worker(context, endpoint, "x"), *second;
  zpat_watch_t *watch = submit(producer, "x", "job", NULL);
  zpat_queue_job_t *job = next_job(first), *again, *none = NULL;
  zpat_batch_t *body = NULL;
  pthread_t thread;
  OK(zpat_queue_worker_close(&first));
  CHECK(OK(zpat_queue_job_is_withdrawn(job)) == 0);
  FAILS(ZPAT_E_CLOSED, zpat_queue_job_wait_withdrawn(job, LONG, NULL));
  FAILS(ZPAT_E_CLOSED, zpat_queue_job_complete(&job, NULL, 0));
  CHECK(job == NULL);
  second = open_worker(context, endpoint, "x");
  again = next_job(second);
  CHECK(OK(zpat_queue_job_tries(again)) == 1 && counters_of(queue).redelivered == 1);
  CHECK(pthread_create(&thread, NULL, waits, queue) == 0);
  OK(zpat_context_shutdown(context));
  CHECK(pthread_join(thread, NULL) == 0);
  FAILS(ZPAT_E_CLOSED, zpat_queue_worker_next(second, LONG, NULL, &none));
  FAILS(ZPAT_E_CLOSED, zpat_queue_job_fail(&again, 1, NULL, 0));
  FAILS(ZPAT_E_CLOSED, zpat_watch_outcome(watch, LONG, NULL, &body, NULL));
  FAILS(ZPAT_E_CLOSED, zpat_producer_push(producer, "x", NULL, 0, NULL, LONG, NULL));
  FAILS(ZPAT_E_CLOSED, zpat_producer_post_cancel(producer, 1));
  CHECK(again == NULL && none == NULL && body == NULL);
  OK(zpat_watch_free(&watch));
  OK(zpat_queue_worker_close(&second));
  OK(zpat_producer_close(&producer));
  OK(zpat_queue_close(&queue));
}

int main(void) {
  zpat_context_t *context = open_context();
  char endpoint[ZPAT_ENDPOINT_SIZE];
  struct town town = { NULL, NULL, NULL, NULL, ZPAT_JOB_OUTCOME_INIT };
  town.queue = open_queue(context, NULL, endpoint);
  town.producer = open_producer(context, endpoint);
  town.worker = open_worker(context, endpoint, "x");
  FAILS(ZPAT_E_NOT_FOUND, zpat_queue_endpoint(town.queue, 1, endpoint, sizeof endpoint));
  FAILS(ZPAT_E_TOO_LARGE, zpat_queue_endpoint(town.queue, 0, endpoint, 5));
  OK(zpat_queue_endpoint(town.queue, 0, endpoint, sizeof endpoint));
  failures(&town);
  dead_letters(&town);
  run(context, &town, endpoint);
  kept(&town);
  cancelled(&town);
  drafts(&town);
  queues(&town);
  the_end(&town);
  full(context);
  CHECK(counters_of(town.queue).held == 1);
  OK(zpat_batch_free(&town.body));
  OK(zpat_producer_close(&town.producer));
  OK(zpat_queue_worker_close(&town.worker));
  OK(zpat_queue_close(&town.queue));
  OK(zpat_queue_close(&town.queue));
  closed(context);
  OK(zpat_context_close(&context));
  return 0;
}
