/* Wrong arguments of request-reply are errors, options have ranges, and older structures are fine. */
#include "reqrep.h"

#define REFUSED(call) FAILS(ZPAT_E_INVALID_ARGUMENT, call)

static const char *const somewhere[] = { "tcp://127.0.0.1:1" };

static void no_handles(void) {
  zpat_client_t *client = NULL;
  zpat_worker_t *worker = NULL;
  zpat_broker_t *broker = NULL;
  zpat_job_t *job = NULL;
  zpat_batch_t *body = NULL;
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_reqrep_counters_t counters = ZPAT_REQREP_COUNTERS_INIT;
  zpat_worker_counters_t done = ZPAT_WORKER_COUNTERS_INIT;
  char endpoint[ZPAT_ENDPOINT_SIZE];
  REFUSED(zpat_client_open(NULL, somewhere, 1, NULL, &client));
  REFUSED(zpat_client_request(NULL, "s", NULL, 0, NULL, NULL, &body, &outcome));
  REFUSED(zpat_client_submit(NULL, "s", NULL, 0, NULL));
  REFUSED(zpat_client_post(NULL, "s", NULL, 0, NULL));
  REFUSED(zpat_client_store(NULL, "s", NULL, 0, NULL, NULL, &outcome));
  REFUSED(zpat_client_fetch(NULL, "s", zpat_slice_text("key"), 0, NULL, &body, &outcome));
  REFUSED(zpat_client_discard(NULL, "s", zpat_slice_text("key"), 0, NULL, &outcome));
  REFUSED(zpat_client_wait(NULL, 1, 0, NULL, &body, &outcome));
  REFUSED(zpat_client_next(NULL, 0, NULL, &body, &outcome));
  REFUSED(zpat_client_cancel(NULL, 1));
  REFUSED(zpat_client_forget(NULL, 1));
  REFUSED(zpat_client_counters(NULL, &counters));
  REFUSED(zpat_client_arm(NULL));
  REFUSED(zpat_client_ready_fd(NULL));
  REFUSED(zpat_client_set_hook(NULL, NULL, NULL));
  REFUSED(zpat_worker_connect(NULL, somewhere, 1, "s", NULL, &worker));
  REFUSED(zpat_worker_bind(NULL, "tcp://127.0.0.1:0", "s", NULL, &worker));
  REFUSED(zpat_worker_endpoint(NULL, endpoint, sizeof endpoint));
  REFUSED(zpat_worker_next(NULL, 0, NULL, &job));
  REFUSED(zpat_worker_leave(NULL));
  REFUSED(zpat_worker_counters(NULL, &done));
  REFUSED(zpat_worker_arm(NULL));
  REFUSED(zpat_worker_ready_fd(NULL));
  REFUSED(zpat_worker_set_hook(NULL, NULL, NULL));
  REFUSED(zpat_broker_bind(NULL, somewhere, 1, NULL, &broker));
  REFUSED(zpat_broker_endpoint(NULL, 0, endpoint, sizeof endpoint));
  REFUSED(zpat_broker_workers(NULL));
  REFUSED(zpat_broker_counters(NULL, &counters));
  REFUSED(zpat_broker_drain(NULL, 0, NULL));
  REFUSED(zpat_broker_wait(NULL, 0, NULL));
  REFUSED(zpat_job_remaining_ms(NULL));
  REFUSED(zpat_job_is_cancelled(NULL));
  REFUSED(zpat_job_wait_cancelled(NULL, 0, NULL));
  REFUSED(zpat_job_send_partial(NULL, NULL, 0));
  CHECK(zpat_job_service(NULL).data == NULL && zpat_job_key(NULL).data == NULL);
  CHECK(zpat_job_frame(NULL, 0).data == NULL && zpat_job_frame_count(NULL) == 0);
  for (int address = 0; address < 2; address++) {
    REFUSED(zpat_job_reply(address ? &job : NULL, NULL, 0));
    REFUSED(zpat_job_fail(address ? &job : NULL, 1, NULL, 0));
    OK(zpat_job_free(address ? &job : NULL));
    OK(zpat_client_close(address ? &client : NULL));
    OK(zpat_worker_close(address ? &worker : NULL));
    OK(zpat_broker_close(address ? &broker : NULL));
  }
  CHECK(!client && !worker && !broker && !job && !body);
}

static void opening(zpat_context_t *context) {
  const char *const no_text[] = { NULL }, *const nonsense[] = { "nonsense" };
  zpat_client_t *client = NULL;
  zpat_worker_t *worker = NULL;
  zpat_broker_t *broker = NULL;
  char endpoint[ZPAT_ENDPOINT_SIZE];
  const char *const taken[] = { endpoint };
  REFUSED(zpat_client_open(context, NULL, 1, NULL, &client));
  REFUSED(zpat_client_open(context, NULL, 0, NULL, &client));
  REFUSED(zpat_client_open(context, somewhere, SIZE_MAX, NULL, &client));
  REFUSED(zpat_client_open(context, no_text, 1, NULL, &client));
  REFUSED(zpat_client_open(context, somewhere, 1, NULL, NULL));
  FAILS(ZPAT_E_INVALID_ENDPOINT, zpat_client_open(context, nonsense, 1, NULL, &client));
  REFUSED(zpat_worker_connect(context, NULL, 0, "s", NULL, &worker));
  REFUSED(zpat_worker_connect(context, somewhere, 1, NULL, NULL, &worker));
  REFUSED(zpat_worker_connect(context, somewhere, 1, "", NULL, &worker));
  REFUSED(zpat_worker_bind(context, NULL, "s", NULL, &worker));
  FAILS(ZPAT_E_INVALID_TEXT, zpat_worker_bind(context, "tcp://127.0.0.1:0", "\xff", NULL, &worker));
  FAILS(ZPAT_E_INVALID_ENDPOINT, zpat_worker_connect(context, nonsense, 1, "s", NULL, &worker));
  REFUSED(zpat_broker_bind(context, NULL, 0, NULL, &broker));
  FAILS(ZPAT_E_INVALID_ENDPOINT, zpat_broker_bind(context, nonsense, 1, NULL, &broker));
  zpat_broker_t *other = open_broker(context, endpoint);
  FAILS(ZPAT_E_ADDRESS_IN_USE, zpat_broker_bind(context, taken, 1, NULL, &broker));
  FAILS(ZPAT_E_ADDRESS_IN_USE, zpat_worker_bind(context, endpoint, "s", NULL, &worker));
  OK(zpat_broker_close(&other));
  CHECK(!client && !worker && !broker);
}

/* An error that names the option. */
#define NAMED(call, name) FAILS_WITH(ZPAT_E_INVALID_ARGUMENT, call, name)

static void options(zpat_context_t *context) {
  const zpat_client_options_t asks = ZPAT_CLIENT_OPTIONS_INIT;
  const zpat_worker_options_t works = ZPAT_WORKER_OPTIONS_INIT;
  const zpat_broker_options_t stands = ZPAT_BROKER_OPTIONS_INIT;
  const zpat_request_options_t request = ZPAT_REQUEST_OPTIONS_INIT;
  zpat_client_options_t client_options;
  zpat_worker_options_t worker_options;
  zpat_broker_options_t broker_options;
  zpat_request_options_t request_options;
  zpat_client_t *client = NULL;
  zpat_worker_t *worker = NULL;
  zpat_broker_t *broker = NULL;
  OK(zpat_client_options_init(&client_options, sizeof client_options));
  OK(zpat_worker_options_init(&worker_options, sizeof worker_options));
  OK(zpat_broker_options_init(&broker_options, sizeof broker_options));
  OK(zpat_request_options_init(&request_options, sizeof request_options));
  CHECK(memcmp(&asks, &client_options, sizeof asks) == 0 && memcmp(&works, &worker_options, sizeof works) == 0);
  CHECK(memcmp(&stands, &broker_options, sizeof stands) == 0);
  CHECK(memcmp(&request, &request_options, sizeof request) == 0);
  REFUSED(zpat_client_options_init(NULL, sizeof client_options));
  REFUSED(zpat_worker_options_init(&worker_options, 7));
  REFUSED(zpat_broker_options_init(&broker_options, sizeof broker_options + 8));
  /* An older program's structure ends here, and what lies behind it stays, and is not looked at. */
  size_t old[] = { offsetof(zpat_broker_options_t, max_age), offsetof(zpat_broker_options_t, store) };
  for (int age = 0; age < 2; age++) {
    memset(&broker_options, 0x55, sizeof broker_options);
    OK(zpat_broker_options_init(&broker_options, old[age]));
    CHECK(broker_options.max_waiting == 50000 && broker_options.max_stored == 0x5555555555555555);
    OK(zpat_broker_bind(context, (const char *[]){ "tcp://127.0.0.1:0" }, 1, &broker_options, &broker));
    OK(zpat_broker_close(&broker));
  }

  client_options.balance = 3;
  NAMED(zpat_client_open(context, somewhere, 1, &client_options, &client), "balance");
  client_options = asks, client_options.heartbeat_interval = 0;
  NAMED(zpat_client_open(context, somewhere, 1, &client_options, &client), "interval");
  client_options = asks, client_options.max_requests = -1;
  NAMED(zpat_client_open(context, somewhere, 1, &client_options, &client), "max_requests");
  worker_options.credit = 4294967296;
  NAMED(zpat_worker_connect(context, somewhere, 1, "s", &worker_options, &worker), "credit");
  worker_options = works, worker_options.credit = 0;
  NAMED(zpat_worker_connect(context, somewhere, 1, "s", &worker_options, &worker), "credit");
  broker_options = stands, broker_options.max_age = -1;
  NAMED(zpat_broker_bind(context, somewhere, 1, &broker_options, &broker), "max_age");
  CHECK(!client && !worker && !broker);
}

static int64_t ask(zpat_client_t *client, const zpat_request_options_t *options) {
  return zpat_client_submit(client, "s", NULL, 0, options);
}

static void requests(zpat_context_t *context) {
  const zpat_request_options_t defaults = ZPAT_REQUEST_OPTIONS_INIT;
  zpat_request_options_t options = defaults;
  zpat_client_t *client = open_client(context, *somewhere);
  zpat_slice_t bad = { NULL, 1 }, huge = { "x", SIZE_MAX };
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_reqrep_counters_t counters = ZPAT_REQREP_COUNTERS_INIT;
  zpat_batch_t *body = NULL;
  char long_name[257];
  REFUSED(zpat_client_submit(client, NULL, NULL, 0, NULL));
  REFUSED(zpat_client_submit(client, "", NULL, 0, NULL));
  memset(long_name, 'x', 256), long_name[256] = 0;
  REFUSED(zpat_client_submit(client, long_name, NULL, 0, NULL));
  FAILS(ZPAT_E_INVALID_TEXT, zpat_client_submit(client, "\xff", NULL, 0, NULL));
  REFUSED(zpat_client_submit(client, "s", NULL, 1, NULL));
  REFUSED(zpat_client_submit(client, "s", &bad, 1, NULL));
  FAILS(ZPAT_E_TOO_LARGE, zpat_client_submit(client, "s", &huge, 1, NULL));
  options.attempts = 0;
  NAMED(ask(client, &options), "attempts");
  options.attempts = 256;
  NAMED(ask(client, &options), "attempts");
  options = defaults, options.deadline = -1;
  NAMED(ask(client, &options), "deadline");
  options = defaults, options.patience = -2;
  NAMED(ask(client, &options), "patience");
  options = defaults, options.once = 1;
  NAMED(ask(client, &options), "key");
  options = defaults, options.durable = 2;
  NAMED(ask(client, &options), "durable");
  options = defaults, options.key = bad;
  REFUSED(ask(client, &options));
  options.key.data = long_name, options.key.len = 256;
  NAMED(ask(client, &options), "key");
  options = defaults, options.task = 4;
  NAMED(ask(client, &options), "task");
  for (int64_t task = ZPAT_TASK_STORE; task <= ZPAT_TASK_DISCARD; task++) {
    options.task = task;
    NAMED(ask(client, &options), "key");
  }
  options = defaults, options.struct_size = offsetof(zpat_request_options_t, task) - 8;
  REFUSED(ask(client, &options));
  /* An older program's structure has no task. */
  options.struct_size = offsetof(zpat_request_options_t, task), options.task = 4;
  OK(zpat_client_forget(client, OK(ask(client, &options))));
  /* A structure that is wrong takes no answer, and a batch that is there loses its old one. */
  outcome.struct_size = 3;
  REFUSED(zpat_client_next(client, 0, NULL, &body, &outcome));
  REFUSED(zpat_client_next(client, 0, NULL, &body, NULL));
  outcome.struct_size = sizeof outcome;
  REFUSED(zpat_client_next(client, 0, NULL, NULL, &outcome));
  REFUSED(zpat_client_next(client, -2, NULL, &body, &outcome));
  REFUSED(zpat_client_request(client, "s", NULL, 0, NULL, NULL, NULL, &outcome));
  FAILS(ZPAT_E_TIMEOUT, zpat_client_next(client, 0, NULL, &body, &outcome));
  FAILS(ZPAT_E_NOT_FOUND, zpat_client_wait(client, 12345, 0, NULL, &body, &outcome));
  FAILS(ZPAT_E_NOT_FOUND, zpat_client_wait(client, INT64_MIN, 0, NULL, &body, &outcome));
  OK(zpat_client_cancel(client, 12345));
  OK(zpat_client_forget(client, -1));
  REFUSED(zpat_client_counters(client, NULL));
  counters.struct_size = 8;
  REFUSED(zpat_client_counters(client, &counters));
  counters.struct_size = offsetof(zpat_reqrep_counters_t, stored), counters.stored = 77;
  OK(zpat_client_counters(client, &counters));
  CHECK(counters.accepted == 1 && counters.stored == 77);
  /* The longest there is. */
  options = defaults, options.deadline = INT64_MAX;
  int64_t ticket = OK(ask(client, &options));
  FAILS(ZPAT_E_TIMEOUT, zpat_client_wait(client, ticket, 0, NULL, &body, &outcome));
  CHECK(body == NULL && outcome.kind == ZPAT_OUTCOME_NONE);
  OK(zpat_client_close(&client));
}

/* What durable requests need is checked before anybody is asked. */
static void durable(zpat_context_t *context) {
  zpat_request_options_t options = ZPAT_REQUEST_OPTIONS_INIT;
  zpat_client_t *client = open_client(context, *somewhere);
  zpat_slice_t key = zpat_slice_text("key"), none = { NULL, 0 }, bad = { NULL, 1 };
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_batch_t *body = NULL;
  NAMED(zpat_client_store(client, "s", NULL, 0, NULL, NULL, &outcome), "key");
  NAMED(zpat_client_fetch(client, "s", none, 0, NULL, &body, &outcome), "key");
  NAMED(zpat_client_discard(client, "s", none, 0, NULL, &outcome), "key");
  options.durable = 1;
  NAMED(ask(client, &options), "key");
  REFUSED(zpat_client_fetch(client, "s", bad, 0, NULL, &body, &outcome));
  REFUSED(zpat_client_discard(client, "s", bad, 0, NULL, &outcome));
  NAMED(zpat_client_fetch(client, "s", key, -1, NULL, &body, &outcome), "patience_ms");
  NAMED(zpat_client_discard(client, "s", key, -1, NULL, &outcome), "patience_ms");
  REFUSED(zpat_client_fetch(client, NULL, key, 0, NULL, &body, &outcome));
  REFUSED(zpat_client_fetch(client, "s", key, 0, NULL, NULL, &outcome));
  REFUSED(zpat_client_discard(client, "", key, 0, NULL, &outcome));
  options.key = key;
  REFUSED(zpat_client_store(client, "s", NULL, 1, &options, NULL, &outcome));
  outcome.struct_size = 3;
  REFUSED(zpat_client_store(client, "s", NULL, 0, &options, NULL, &outcome));
  CHECK(body == NULL);
  OK(zpat_client_close(&client));
}

/* A wrong answer leaves the job to be answered rightly. */
static void jobs(zpat_context_t *context) {
  zpat_request_options_t options = ZPAT_REQUEST_OPTIONS_INIT;
  zpat_slice_t bad = { NULL, 1 };
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_batch_t *body = NULL;
  zpat_worker_t *worker = NULL;
  char endpoint[ZPAT_ENDPOINT_SIZE];
  OK(zpat_worker_bind(context, "tcp://127.0.0.1:0", "s", NULL, &worker));
  OK(zpat_worker_endpoint(worker, endpoint, sizeof endpoint));
  zpat_client_t *client = open_client(context, endpoint);
  options.deadline = INT64_MAX;
  int64_t ticket = OK(ask(client, &options));
  REFUSED(zpat_worker_next(worker, LONG, NULL, NULL));
  zpat_job_t *job = next_job(worker);
  CHECK(OK(zpat_job_remaining_ms(job)) > LONG && zpat_job_frame_count(job) == 0);
  CHECK(zpat_job_key(job).len == 0 && zpat_job_key(job).data != NULL);
  REFUSED(zpat_job_reply(&job, &bad, 1));
  REFUSED(zpat_job_fail(&job, 1, NULL, 1));
  REFUSED(zpat_job_send_partial(job, &bad, 1));
  CHECK(job != NULL);
  reply(&job, "right");
  CHECK(OK(zpat_client_wait(client, ticket, LONG, NULL, &body, &outcome)) == 1 && frame_is(body, 0, 0, "right"));
  /* The worker closes before its job is answered. */
  CHECK(OK(ask(client, NULL)) > ticket);
  job = next_job(worker);
  OK(zpat_worker_close(&worker));
  FAILS(ZPAT_E_CLOSED, zpat_job_send_partial(job, NULL, 0));
  FAILS(ZPAT_E_CLOSED, zpat_job_reply(&job, NULL, 0));
  CHECK(job == NULL);
  OK(zpat_client_close(&client));
  OK(zpat_batch_free(&body));
}

int main(void) {
  zpat_context_t *context = open_context();
  no_handles();
  opening(context);
  options(context);
  requests(context);
  durable(context);
  jobs(context);
  OK(zpat_context_close(&context));
  return 0;
}
