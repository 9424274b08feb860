/* What the tests of the job queue use: the three parties, and what they say often. They have the heartbeat of programs,
 * because a slow machine is not to look dead. */
#ifndef ZQUEUE_H
#define ZQUEUE_H

#include "check.h"

#define REFUSED(call) FAILS(ZPAT_E_INVALID_ARGUMENT, call)

/* As patient as the tests are, and tried again at once. */
static inline zpat_job_options_t tried(int attempts) {
  zpat_job_options_t options = ZPAT_JOB_OPTIONS_INIT;
  options.attempts = attempts;
  options.backoff = 1;
  return options;
}

static inline zpat_queue_t *open_queue(zpat_context_t *context, const zpat_queue_options_t *options,
                                       char endpoint[ZPAT_ENDPOINT_SIZE]) {
  const char *const anywhere[] = { "tcp://127.0.0.1:0" };
  zpat_queue_t *queue = NULL;
  OK(zpat_queue_bind(context, anywhere, 1, options, &queue));
  OK(zpat_queue_endpoint(queue, 0, endpoint, ZPAT_ENDPOINT_SIZE));
  return queue;
}

static inline zpat_producer_t *open_producer(zpat_context_t *context, const char *endpoint) {
  zpat_producer_t *producer = NULL;
  OK(zpat_producer_open(context, endpoint, NULL, &producer));
  return producer;
}

/* A worker that has up to 20 jobs at once. */
static inline zpat_queue_worker_t *open_worker(zpat_context_t *context, const char *endpoint, const char *queue) {
  zpat_queue_worker_options_t options = ZPAT_QUEUE_WORKER_OPTIONS_INIT;
  zpat_queue_worker_t *worker = NULL;
  options.credit = 20;
  OK(zpat_queue_worker_connect(context, &endpoint, 1, &queue, 1, &options, &worker));
  return worker;
}

static inline int64_t push(zpat_producer_t *producer, const char *queue, const char *text,
                           const zpat_job_options_t *options) {
  zpat_slice_t frame = zpat_slice_text(text);
  int64_t job = OK(zpat_producer_push(producer, queue, &frame, 1, options, LONG, NULL));
  CHECK(job >= 1);
  return job;
}

static inline zpat_watch_t *submit(zpat_producer_t *producer, const char *queue, const char *text,
                                   const zpat_job_options_t *options) {
  zpat_slice_t frame = zpat_slice_text(text);
  zpat_watch_t *watch = NULL;
  OK(zpat_producer_submit(producer, queue, &frame, 1, options, &watch));
  CHECK(watch != NULL);
  return watch;
}

/* The first that comes of a job: its number. */
static inline int64_t accepted(zpat_watch_t *watch) {
  zpat_watch_event_t event = ZPAT_WATCH_EVENT_INIT;
  zpat_batch_t *body = NULL;
  CHECK(OK(zpat_watch_next(watch, LONG, NULL, &body, &event)) == 1);
  CHECK(event.kind == ZPAT_WATCH_ACCEPTED && event.job >= 1 && event.error == ZPAT_OK && event.ticket == 0);
  CHECK(body == NULL);
  return event.job;
}

static inline zpat_queue_job_t *next_job(zpat_queue_worker_t *worker) {
  zpat_queue_job_t *job = NULL;
  CHECK(OK(zpat_queue_worker_next(worker, LONG, NULL, &job)) == 1 && job != NULL);
  return job;
}

static inline void complete(zpat_queue_job_t **job, const char *text) {
  zpat_slice_t frame = zpat_slice_text(text);
  OK(zpat_queue_job_complete(job, &frame, 1));
  CHECK(*job == NULL);
}

/* A child as most of them are. */
static inline zpat_child_t child(const char *queue, const zpat_slice_t *frame) {
  zpat_child_t one = { queue, frame, 1, NULL, ZPAT_ON_FAILURE_FAIL, 0 };
  return one;
}

static inline zpat_zqueue_counters_t counters_of(zpat_queue_t *queue) {
  zpat_zqueue_counters_t counters = ZPAT_ZQUEUE_COUNTERS_INIT;
  OK(zpat_queue_counters(queue, &counters));
  CHECK(counters.accepted == counters.delivered + counters.held + counters.lost_failed + counters.lost_workers_lost +
                                 counters.lost_child_failed + counters.lost_cancelled + counters.lost_bounds);
  return counters;
}

#endif
