/* What a broker has stored outlives it: requests that were left, their answers, and that they were discarded. */
#include "reqrep.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

static const char *program;

static zpat_broker_t *open_storing(zpat_context_t *context, const char *endpoint, const char *store) {
  zpat_broker_options_t options = ZPAT_BROKER_OPTIONS_INIT;
  zpat_broker_t *broker = NULL;
  options.heartbeat_interval = HEARTBEAT;
  options.store = store;
  OK(zpat_broker_bind(context, &endpoint, 1, &options, &broker));
  return broker;
}

/* `PROGRAM broker ENDPOINT STORE`: a broker in a process of its own. */
static int be_broker(const char *endpoint, const char *store) {
  zpat_context_t *context = open_context();
  zpat_broker_t *broker = open_storing(context, endpoint, store);
  OK(zpat_broker_wait(broker, -1, NULL));
  OK(zpat_broker_close(&broker));
  OK(zpat_context_close(&context));
  return 0;
}

static pid_t start_broker(const char *endpoint, const char *store) {
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    execl(program, program, "broker", endpoint, store, (char *)NULL);
    _exit(127);
  }
  return pid;
}

static void kill_broker(pid_t pid) {
  int status;
  CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
}

static zpat_request_options_t keyed(const char *key) {
  zpat_request_options_t options = patient();
  options.key = zpat_slice_text(key);
  return options;
}

/* A thread that answers with the question, until the worker has left. */
static void *echoes(void *worker) {
  zpat_job_t *job = NULL;
  int status;
  while ((status = zpat_worker_next(worker, LONG, NULL, &job)) == 1) {
    zpat_slice_t question = zpat_job_frame(job, 0);
    OK(zpat_job_reply(&job, &question, 1));
  }
  CHECK(status == ZPAT_E_CLOSED);
  return NULL;
}

static void expect_fetched(zpat_client_t *client, const char *key, const char *answer) {
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_batch_t *body = NULL;
  CHECK(OK(zpat_client_fetch(client, "echo", zpat_slice_text(key), LONG, NULL, &body, &outcome)) == 0);
  CHECK(outcome.kind == ZPAT_OUTCOME_REPLY && outcome.error == ZPAT_OK);
  CHECK(zpat_batch_frame_count(body, 0) == 1 && frame_is(body, 0, 0, answer));
  OK(zpat_batch_free(&body));
}

/* The broker is killed after each step. */
static void left_and_fetched(zpat_context_t *context, const char *folder) {
  char endpoint[256], store[256];
  zpat_request_options_t options = keyed("order 17");
  zpat_slice_t question = zpat_slice_text("hello"), other = zpat_slice_text("other");
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_batch_t *body = NULL;
  pthread_t thread;
  in_folder(endpoint, "ipc://", folder, "broker");
  in_folder(store, "", folder, "killed");

  /* Nobody can do it yet. */
  pid_t broker = start_broker(endpoint, store);
  zpat_client_t *client = open_client(context, endpoint);
  CHECK(OK(zpat_client_store(client, "echo", &question, 1, &options, NULL, &outcome)) == 0);
  CHECK(outcome.kind == ZPAT_OUTCOME_ACCEPTED && outcome.error == ZPAT_OK && outcome.may_have_run == 0);
  OK(zpat_client_close(&client));
  kill_broker(broker);

  broker = start_broker(endpoint, store);
  zpat_worker_t *worker = open_worker(context, endpoint, "echo", 1);
  CHECK(pthread_create(&thread, NULL, echoes, worker) == 0);
  client = open_client(context, endpoint);
  expect_fetched(client, "order 17", "hello");
  OK(zpat_worker_leave(worker));
  CHECK(pthread_join(thread, NULL) == 0);
  OK(zpat_worker_close(&worker));
  kill_broker(broker);

  /* The answer is there without the worker, also for another question with the same key. */
  broker = start_broker(endpoint, store);
  expect_fetched(client, "order 17", "hello");
  options.durable = 1;
  CHECK(OK(zpat_client_request(client, "echo", &other, 1, &options, NULL, &body, NULL)) == 0);
  CHECK(frame_is(body, 0, 0, "hello"));
  CHECK(OK(zpat_client_store(client, "echo", &other, 1, &options, NULL, NULL)) == 0);
  expect_fetched(client, "order 17", "hello");
  CHECK(OK(zpat_client_discard(client, "echo", options.key, LONG, NULL, &outcome)) == 0);
  CHECK(outcome.kind == ZPAT_OUTCOME_ACCEPTED);
  kill_broker(broker);

  broker = start_broker(endpoint, store);
  FAILS(ZPAT_E_NOT_FOUND, zpat_client_fetch(client, "echo", options.key, LONG, NULL, &body, &outcome));
  CHECK(outcome.kind == ZPAT_OUTCOME_FAILED && outcome.error == ZPAT_E_NOT_FOUND && zpat_batch_count(body) == 0);
  CHECK(OK(zpat_client_discard(client, "echo", options.key, LONG, NULL, NULL)) == 0);
  kill_broker(broker);
  OK(zpat_client_close(&client));
  OK(zpat_batch_free(&body));
}

/* Posts one, and waits for what comes of it as an event loop does. */
static void looped(zpat_client_t *client, int64_t task, const char *question, zpat_batch_t **body, int64_t kind) {
  struct pollfd polled = { (int)OK(zpat_client_ready_fd(client)), POLLIN, 0 };
  zpat_request_options_t options = keyed("loop");
  zpat_slice_t frame = zpat_slice_text(question);
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  int status;
  options.task = task;
  options.durable = task == ZPAT_TASK_ASK;
  int64_t ticket = OK(zpat_client_post(client, "echo", &frame, task < ZPAT_TASK_FETCH, &options));
  while ((status = zpat_client_next(client, 0, NULL, body, &outcome)) != 1) {
    CHECK(status == ZPAT_E_TIMEOUT);
    if (OK(zpat_client_arm(client)) == 0) CHECK(poll(&polled, 1, LONG) > 0);
  }
  CHECK(outcome.ticket == ticket && outcome.kind == kind);
}

static uint64_t stored(zpat_broker_t *broker) {
  zpat_reqrep_counters_t counters = ZPAT_REQREP_COUNTERS_INIT;
  OK(zpat_broker_counters(broker, &counters));
  CHECK(balanced(&counters));
  return counters.stored;
}

/* All four tasks, and a broker that closes and leaves its store to the next. */
static void from_a_loop(zpat_context_t *context, const char *folder) {
  char endpoint[256], store[256];
  zpat_batch_t *body = NULL;
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_request_options_t options = keyed("loop");
  pthread_t thread;
  in_folder(endpoint, "ipc://", folder, "loop");
  in_folder(store, "", folder, "closed");
  zpat_broker_t *broker = open_storing(context, endpoint, store);
  zpat_client_t *client = open_client(context, endpoint);
  looped(client, ZPAT_TASK_STORE, "first", &body, ZPAT_OUTCOME_ACCEPTED);
  CHECK(zpat_batch_count(body) == 0 && stored(broker) == 1);
  OK(zpat_broker_close(&broker));

  broker = open_storing(context, endpoint, store);
  CHECK(stored(broker) == 1);
  zpat_worker_t *worker = open_worker(context, endpoint, "echo", 1);
  CHECK(pthread_create(&thread, NULL, echoes, worker) == 0);
  looped(client, ZPAT_TASK_FETCH, "", &body, ZPAT_OUTCOME_REPLY);
  CHECK(frame_is(body, 0, 0, "first"));
  looped(client, ZPAT_TASK_ASK, "second", &body, ZPAT_OUTCOME_REPLY);
  CHECK(frame_is(body, 0, 0, "first"));
  looped(client, ZPAT_TASK_DISCARD, "", &body, ZPAT_OUTCOME_ACCEPTED);
  CHECK(zpat_batch_count(body) == 0 && stored(broker) == 0);
  looped(client, ZPAT_TASK_FETCH, "", &body, ZPAT_OUTCOME_FAILED);
  looped(client, ZPAT_TASK_ASK, "second", &body, ZPAT_OUTCOME_REPLY);
  CHECK(frame_is(body, 0, 0, "second") && stored(broker) == 1);

  /* A call that waits does the task, too, and so does a ticket. */
  options.task = ZPAT_TASK_FETCH;
  CHECK(OK(zpat_client_request(client, "echo", NULL, 0, &options, NULL, &body, &outcome)) == 0);
  CHECK(outcome.kind == ZPAT_OUTCOME_REPLY && frame_is(body, 0, 0, "second"));
  options.task = ZPAT_TASK_DISCARD;
  int64_t ticket = OK(zpat_client_submit(client, "echo", NULL, 0, &options));
  CHECK(OK(zpat_client_wait(client, ticket, LONG, NULL, &body, &outcome)) == 1);
  CHECK(outcome.kind == ZPAT_OUTCOME_ACCEPTED && zpat_batch_count(body) == 0 && stored(broker) == 0);
  OK(zpat_worker_leave(worker));
  CHECK(pthread_join(thread, NULL) == 0);
  OK(zpat_worker_close(&worker));
  OK(zpat_client_close(&client));
  OK(zpat_broker_close(&broker));
  OK(zpat_batch_free(&body));
}

/* Waits that end before there is an outcome leave the request where it is. */
static void not_yet(zpat_context_t *context, const char *folder) {
  char endpoint[256], store[256];
  zpat_request_options_t options = keyed("slow");
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_batch_t *body = NULL;
  zpat_cancel_t *cancel = NULL;
  in_folder(endpoint, "ipc://", folder, "slow");
  in_folder(store, "", folder, "slow-store");
  zpat_broker_t *broker = open_storing(context, endpoint, store);
  zpat_client_t *client = open_client(context, endpoint);
  CHECK(OK(zpat_client_store(client, "nobody", NULL, 0, &options, NULL, NULL)) == 0);
  FAILS(ZPAT_E_TIMEOUT, zpat_client_fetch(client, "nobody", options.key, 100, NULL, &body, &outcome));
  CHECK(outcome.kind == ZPAT_OUTCOME_FAILED && outcome.error == ZPAT_E_TIMEOUT);
  OK(zpat_cancel_open(&cancel));
  OK(zpat_cancel_fire(cancel));
  FAILS(ZPAT_E_CANCELLED, zpat_client_fetch(client, "nobody", options.key, LONG, cancel, &body, &outcome));
  CHECK(outcome.kind == ZPAT_OUTCOME_FAILED && outcome.error == ZPAT_E_CANCELLED && outcome.may_have_run == 1);
  FAILS(ZPAT_E_CANCELLED, zpat_client_discard(client, "else", options.key, LONG, cancel, NULL));
  FAILS(ZPAT_E_CANCELLED, zpat_client_store(client, "else", NULL, 0, &options, cancel, NULL));
  OK(zpat_cancel_close(&cancel));
  CHECK(OK(zpat_client_discard(client, "nobody", options.key, LONG, NULL, NULL)) == 0);
  FAILS(ZPAT_E_NOT_FOUND, zpat_client_fetch(client, "nobody", options.key, LONG, NULL, &body, &outcome));
  OK(zpat_client_close(&client));
  OK(zpat_broker_close(&broker));
  OK(zpat_batch_free(&body));
}

/* Without a store, and in one that is full, nothing is stored. */
static void refused(zpat_context_t *context, const char *folder) {
  char endpoint[ZPAT_ENDPOINT_SIZE], store[256];
  const char *const anywhere[] = { "tcp://127.0.0.1:0" };
  zpat_broker_options_t stands = ZPAT_BROKER_OPTIONS_INIT;
  zpat_request_options_t options = keyed("key");
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_batch_t *body = NULL;
  zpat_broker_t *broker = open_broker(context, endpoint);
  zpat_client_t *client = open_client(context, endpoint);
  FAILS(ZPAT_E_UNSUPPORTED, zpat_client_store(client, "s", NULL, 0, &options, NULL, &outcome));
  CHECK(outcome.kind == ZPAT_OUTCOME_FAILED && outcome.may_have_run == 0);
  FAILS(ZPAT_E_UNSUPPORTED, zpat_client_fetch(client, "s", options.key, LONG, NULL, &body, &outcome));
  FAILS(ZPAT_E_UNSUPPORTED, zpat_client_discard(client, "s", options.key, LONG, NULL, &outcome));
  OK(zpat_client_close(&client));
  OK(zpat_broker_close(&broker));

  in_folder(store, "", folder, "full");
  stands.store = store;
  stands.max_stored = 1;
  OK(zpat_broker_bind(context, anywhere, 1, &stands, &broker));
  /* The path is the caller's again. */
  memset(store, 'x', sizeof store);
  OK(zpat_broker_endpoint(broker, 0, endpoint, sizeof endpoint));
  client = open_client(context, endpoint);
  options.retries = 0;
  CHECK(OK(zpat_client_store(client, "s", NULL, 0, &options, NULL, NULL)) == 0);
  options.key = zpat_slice_text("another key");
  FAILS(ZPAT_E_FULL, zpat_client_store(client, "s", NULL, 0, &options, NULL, &outcome));
  CHECK(outcome.may_have_run == 0 && outcome.retry_after_ms > 0);
  OK(zpat_client_close(&client));
  OK(zpat_broker_close(&broker));
  OK(zpat_batch_free(&body));
}

/* A store is one broker's, and what is none is left as it is. */
static void stores(zpat_context_t *context, const char *folder) {
  char store[256], garbage[256], nowhere[256], bytes[10000];
  const char *const anywhere[] = { "tcp://127.0.0.1:0" };
  zpat_broker_options_t options = ZPAT_BROKER_OPTIONS_INIT;
  zpat_broker_t *broker = NULL, *other = NULL;
  in_folder(store, "", folder, "mine");
  in_folder(garbage, "", folder, "garbage");
  in_folder(nowhere, "", folder, "no/folder");
  options.store = store;
  OK(zpat_broker_bind(context, anywhere, 1, &options, &broker));
  FAILS(ZPAT_E_WRONG_STATE, zpat_broker_bind(context, anywhere, 1, &options, &other));
  CHECK(strstr(zpat_last_error(), store) != NULL);
  OK(zpat_broker_close(&broker));

  memset(bytes, 7, sizeof bytes);
  FILE *file = fopen(garbage, "w");
  CHECK(file != NULL && fwrite(bytes, sizeof bytes, 1, file) == 1 && fclose(file) == 0);
  options.store = garbage;
  FAILS(ZPAT_E_CORRUPT, zpat_broker_bind(context, anywhere, 1, &options, &other));
  file = fopen(garbage, "r");
  CHECK(file != NULL && fread(bytes, 1, sizeof bytes, file) == sizeof bytes && fgetc(file) == EOF);
  CHECK(fclose(file) == 0 && bytes[0] == 7 && bytes[sizeof bytes - 1] == 7);

  options.store = nowhere;
  FAILS(ZPAT_E_NOT_FOUND, zpat_broker_bind(context, anywhere, 1, &options, &other));
  CHECK(other == NULL);
}

int main(int argc, char **argv) {
  if (argc == 4 && strcmp(argv[1], "broker") == 0) return be_broker(argv[2], argv[3]);
  CHECK(argc == 2);
  program = argv[0];
  zpat_context_t *context = open_context();
  left_and_fetched(context, argv[1]);
  from_a_loop(context, argv[1]);
  not_yet(context, argv[1]);
  refused(context, argv[1]);
  stores(context, argv[1]);
  OK(zpat_context_close(&context));
  return 0;
}
