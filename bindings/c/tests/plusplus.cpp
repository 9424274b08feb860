// The header is C++, too.
#include "reqrep.h"

#include <string>

static void requests(zpat_context_t *context) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_broker_t *broker = open_broker(context, endpoint);
  zpat_worker_t *worker = open_worker(context, endpoint, "greet", 1);
  zpat_client_t *client = open_client(context, endpoint);
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_batch_t *body = nullptr;
  const int64_t ticket = submit(client, "greet", "World");
  zpat_job_t *job = next_job(worker);
  reply(&job, "Hello from C++");
  CHECK(OK(zpat_client_wait(client, ticket, LONG, nullptr, &body, &outcome)) == 1);
  CHECK(outcome.kind == ZPAT_OUTCOME_REPLY && frame_is(body, 0, 0, "Hello from C++"));
  OK(zpat_batch_free(&body));
  OK(zpat_client_close(&client));
  OK(zpat_worker_close(&worker));
  OK(zpat_broker_close(&broker));
}

static void jobs(zpat_context_t *context) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  const char *const anywhere[] = { "tcp://127.0.0.1:0" }, *const names[] = { "greet" }, *const there[] = { endpoint };
  zpat_queue_options_t options = ZPAT_QUEUE_OPTIONS_INIT;
  zpat_job_options_t once = ZPAT_JOB_OPTIONS_INIT;
  zpat_job_outcome_t outcome = ZPAT_JOB_OUTCOME_INIT;
  zpat_slice_t name = zpat_slice_text("World"), greeting = zpat_slice_text("Hello from C++");
  zpat_queue_t *queue = nullptr;
  zpat_producer_t *producer = nullptr;
  zpat_queue_worker_t *worker = nullptr;
  zpat_watch_t *watch = nullptr;
  zpat_queue_job_t *job = nullptr;
  zpat_batch_t *body = nullptr;
  options.order = ZPAT_ORDER_FIFO;
  once.attempts = 1;
  OK(zpat_queue_bind(context, anywhere, 1, &options, &queue));
  OK(zpat_queue_endpoint(queue, 0, endpoint, sizeof endpoint));
  OK(zpat_producer_open(context, endpoint, nullptr, &producer));
  OK(zpat_queue_worker_connect(context, there, 1, names, 1, nullptr, &worker));
  OK(zpat_producer_submit(producer, "greet", &name, 1, &once, &watch));
  const zpat_child_t child = { "greet", &name, 1, &once, ZPAT_ON_FAILURE_FAIL, 0 };
  CHECK(OK(zpat_queue_worker_next(worker, LONG, nullptr, &job)) == 1);
  OK(zpat_queue_job_spawn(&job, &child, 1, nullptr, 0));
  for (int run = 0; run < 2; run++) {
    CHECK(OK(zpat_queue_worker_next(worker, LONG, nullptr, &job)) == 1);
    CHECK(OK(zpat_queue_job_is_resumed(job)) == run);
    OK(zpat_queue_job_complete(&job, &greeting, 1));
  }
  CHECK(OK(zpat_watch_outcome(watch, LONG, nullptr, &body, &outcome)) == 0);
  CHECK(outcome.kind == ZPAT_JOB_OUTCOME_DONE && frame_is(body, 0, 0, "Hello from C++"));
  OK(zpat_batch_free(&body));
  OK(zpat_watch_free(&watch));
  OK(zpat_queue_worker_close(&worker));
  OK(zpat_producer_close(&producer));
  OK(zpat_queue_close(&queue));
}

int main() {
  zpat_socket_options_t options = ZPAT_SOCKET_OPTIONS_INIT;
  zpat_context_t *context = open_context();
  zpat_socket_t *pull = nullptr, *push = open_socket(context, ZPAT_PUSH);
  options.background = 1;
  OK(zpat_socket_open(context, ZPAT_PULL, &options, &pull));
  join(pull, push);
  const std::string text = "from C++";
  OK(zpat_socket_send(push, text.data(), text.size(), LONG, nullptr));
  expect(pull, text.c_str());
  OK(zpat_socket_close(&push, 0));
  OK(zpat_socket_close(&pull, 0));
  requests(context);
  jobs(context);
  OK(zpat_context_close(&context));
  return 0;
}
