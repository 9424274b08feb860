/* What the tests of request-reply use: the three parties with a fast heartbeat, and one question. */
#ifndef REQREP_H
#define REQREP_H

#include "check.h"

enum { HEARTBEAT = 100 };

static inline zpat_broker_t *open_broker(zpat_context_t *context, char endpoint[ZPAT_ENDPOINT_SIZE]) {
  const char *const anywhere[] = { "tcp://127.0.0.1:0" };
  zpat_broker_options_t options = ZPAT_BROKER_OPTIONS_INIT;
  zpat_broker_t *broker = NULL;
  options.heartbeat_interval = HEARTBEAT;
  OK(zpat_broker_bind(context, anywhere, 1, &options, &broker));
  OK(zpat_broker_endpoint(broker, 0, endpoint, ZPAT_ENDPOINT_SIZE));
  return broker;
}

static inline zpat_worker_t *open_worker(zpat_context_t *context, const char *endpoint, const char *service,
                                         int credit) {
  zpat_worker_options_t options = ZPAT_WORKER_OPTIONS_INIT;
  zpat_worker_t *worker = NULL;
  options.heartbeat_interval = HEARTBEAT;
  options.credit = credit;
  OK(zpat_worker_connect(context, &endpoint, 1, service, &options, &worker));
  return worker;
}

static inline zpat_client_t *open_client(zpat_context_t *context, const char *endpoint) {
  zpat_client_options_t options = ZPAT_CLIENT_OPTIONS_INIT;
  zpat_client_t *client = NULL;
  options.heartbeat_interval = HEARTBEAT;
  OK(zpat_client_open(context, &endpoint, 1, &options, &client));
  return client;
}

/* As patient as the tests are. */
static inline zpat_request_options_t patient(void) {
  zpat_request_options_t options = ZPAT_REQUEST_OPTIONS_INIT;
  options.deadline = LONG;
  options.attempts = 10;
  return options;
}

static inline int64_t submit(zpat_client_t *client, const char *service, const char *question) {
  zpat_request_options_t options = patient();
  zpat_slice_t frame = zpat_slice_text(question);
  return OK(zpat_client_submit(client, service, &frame, 1, &options));
}

static inline zpat_job_t *next_job(zpat_worker_t *worker) {
  zpat_job_t *job = NULL;
  CHECK(OK(zpat_worker_next(worker, LONG, NULL, &job)) == 1 && job != NULL);
  return job;
}

static inline void reply(zpat_job_t **job, const char *text) {
  zpat_slice_t frame = zpat_slice_text(text);
  OK(zpat_job_reply(job, &frame, 1));
  CHECK(*job == NULL);
}

static inline int balanced(const zpat_reqrep_counters_t *counters) {
  uint64_t lost = counters->lost_deadline + counters->lost_age + counters->lost_no_service + counters->lost_attempts +
                  counters->lost_responder + counters->lost_cancelled + counters->lost_asker_gone +
                  counters->lost_closed;
  return counters->accepted == counters->delivered + counters->held + lost;
}

#endif
