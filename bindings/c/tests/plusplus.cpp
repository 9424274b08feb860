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
  OK(zpat_context_close(&context));
  return 0;
}
