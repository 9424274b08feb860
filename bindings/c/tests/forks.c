/* After a fork the child's copies answer ZPAT_E_FORKED, it opens its own, and the parent goes on. */
#include "reqrep.h"

#include <sys/wait.h>

/* The parent's side of request-reply; the child has a copy. */
struct town {
  zpat_broker_t *broker;
  zpat_worker_t *worker;
  zpat_client_t *client;
  zpat_job_t *job;
};

static struct town found(zpat_context_t *context) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  struct town town;
  town.broker = open_broker(context, endpoint);
  town.worker = open_worker(context, endpoint, "service", 1);
  town.client = open_client(context, endpoint);
  return town;
}

static void leave(struct town *town) {
  OK(zpat_client_close(&town->client));
  OK(zpat_worker_close(&town->worker));
  OK(zpat_broker_close(&town->broker));
}

/* A question; its job is the town's. */
static int64_t asked(struct town *town) {
  int64_t ticket = submit(town->client, "service", "question");
  town->job = next_job(town->worker);
  return ticket;
}

static void answered(struct town *town, int64_t ticket) {
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_batch_t *body = NULL;
  reply(&town->job, "answer");
  CHECK(OK(zpat_client_wait(town->client, ticket, LONG, NULL, &body, &outcome)) == 1);
  CHECK(outcome.kind == ZPAT_OUTCOME_REPLY && frame_is(body, 0, 0, "answer"));
  OK(zpat_batch_free(&body));
}

static void no_requests(struct town *town) {
  zpat_reqrep_counters_t counters = ZPAT_REQREP_COUNTERS_INIT;
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_batch_t *body = NULL;
  zpat_job_t *job = NULL;
  FAILS(ZPAT_E_FORKED, zpat_client_request(town->client, "service", NULL, 0, NULL, NULL, &body, &outcome));
  FAILS(ZPAT_E_FORKED, zpat_client_submit(town->client, "service", NULL, 0, NULL));
  FAILS(ZPAT_E_FORKED, zpat_client_next(town->client, -1, NULL, &body, &outcome));
  FAILS(ZPAT_E_FORKED, zpat_client_next_many(town->client, 1, -1, NULL, &body, &outcome));
  FAILS(ZPAT_E_FORKED, zpat_client_uncork(town->client));
  FAILS(ZPAT_E_FORKED, zpat_client_counters(town->client, &counters));
  FAILS(ZPAT_E_FORKED, zpat_worker_next(town->worker, -1, NULL, &job));
  FAILS(ZPAT_E_FORKED, zpat_worker_next_many(town->worker, 1, -1, NULL, &job));
  FAILS(ZPAT_E_FORKED, zpat_worker_uncork(town->worker));
  FAILS(ZPAT_E_FORKED, zpat_worker_leave(town->worker));
  FAILS(ZPAT_E_FORKED, zpat_broker_workers(town->broker));
  FAILS(ZPAT_E_FORKED, zpat_broker_drain(town->broker, -1, NULL));
  FAILS(ZPAT_E_FORKED, zpat_job_send_partial(town->job, NULL, 0));
  FAILS(ZPAT_E_FORKED, zpat_job_wait_cancelled(town->job, -1, NULL));
  FAILS(ZPAT_E_FORKED, zpat_job_reply(&town->job, NULL, 0));
  CHECK(town->job == NULL && job == NULL);
  leave(town);
}

static void child(zpat_context_t *context, zpat_socket_t *pull, zpat_socket_t *push, zpat_socket_t *background) {
  zpat_batch_t *batch = NULL;
  zpat_socket_t *socket = NULL;
  zpat_monitor_t *monitor = NULL;
  FAILS(ZPAT_E_FORKED, zpat_socket_recv(pull, -1, NULL, &batch));
  FAILS(ZPAT_E_FORKED, zpat_socket_recv_many(background, 10, 1000, -1, NULL, &batch));
  FAILS(ZPAT_E_FORKED, zpat_socket_send(push, "x", 1, -1, NULL));
  FAILS(ZPAT_E_FORKED, zpat_socket_connect(push, "tcp://127.0.0.1:1"));
  FAILS(ZPAT_E_FORKED, zpat_socket_bind(pull, "tcp://127.0.0.1:0", NULL, 0));
  FAILS(ZPAT_E_FORKED, zpat_socket_arm(background, ZPAT_RECV));
  FAILS(ZPAT_E_FORKED, zpat_socket_open(context, ZPAT_PULL, NULL, &socket));
  FAILS(ZPAT_E_FORKED, zpat_monitor_open(pull, &monitor));
  OK(zpat_context_shutdown(context));
  OK(zpat_socket_close(&pull, LONG));
  OK(zpat_socket_close(&push, LONG));
  OK(zpat_socket_close(&background, LONG));
  OK(zpat_context_close(&context));

  context = open_context();
  pull = open_background(context, ZPAT_PULL);
  push = open_socket(context, ZPAT_PUSH);
  join(pull, push);
  send_text(push, "from the child to itself");
  expect(pull, "from the child to itself");
  OK(zpat_socket_close(&pull, 0));
  OK(zpat_socket_close(&push, 0));
  struct town town = found(context);
  answered(&town, asked(&town));
  leave(&town);
  OK(zpat_context_close(&context));
}

int main(void) {
  zpat_context_t *context = open_context();
  zpat_socket_t *pull = open_socket(context, ZPAT_PULL), *push = open_socket(context, ZPAT_PUSH);
  zpat_socket_t *background = open_background(context, ZPAT_PULL);
  struct town town = found(context);
  int64_t ticket = asked(&town);
  int status = -1;
  join(pull, push);
  send_text(push, "before");
  expect(pull, "before");

  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    no_requests(&town);
    child(context, pull, push, background);
    _exit(0);
  }
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);

  send_text(push, "after");
  expect(pull, "after");
  answered(&town, ticket);
  leave(&town);
  OK(zpat_socket_close(&background, 0));
  OK(zpat_socket_close(&pull, 0));
  OK(zpat_socket_close(&push, 0));
  OK(zpat_context_close(&context));
  return 0;
}
