/* Programs that speak older protocols: a broker's plain endpoints, and servers of the Freelance pattern. */
#include "reqrep.h"

#define REFUSED(call, name) FAILS_WITH(ZPAT_E_INVALID_ARGUMENT, call, name)

/* Answers two questions with themselves, as a REQ worker of the Simple Pirate does. */
static void *pirate(void *socket) {
  zpat_batch_t *job = NULL;
  send_text(socket, "READY");
  for (int answered = 0; answered < 2; answered++) {
    CHECK(OK(zpat_socket_recv(socket, LONG, NULL, &job)) == 1);
    CHECK(zpat_batch_frame_count(job, 0) == 3 && zpat_batch_frame(job, 0, 1).len == 0);
    zpat_slice_t answer[] = { zpat_batch_frame(job, 0, 0), zpat_batch_frame(job, 0, 1), zpat_batch_frame(job, 0, 2) };
    OK(zpat_socket_send_multipart(socket, answer, 3, LONG, NULL));
  }
  OK(zpat_batch_free(&job));
  return NULL;
}

static zpat_broker_t *open_with_plain(zpat_context_t *context, char (*endpoints)[ZPAT_ENDPOINT_SIZE]) {
  const char *const anywhere[] = { "tcp://127.0.0.1:0" };
  zpat_plain_endpoint_t plain[] = {
    { "tcp://127.0.0.1:0", ZPAT_SIDE_CLIENTS, "echo" },
    { "tcp://127.0.0.1:0", ZPAT_SIDE_WORKERS, "echo" },
  };
  zpat_broker_options_t options = ZPAT_BROKER_OPTIONS_INIT;
  zpat_broker_t *broker = NULL;
  options.heartbeat_interval = HEARTBEAT;
  options.plain = plain;
  options.plain_count = 2;
  OK(zpat_broker_bind(context, anywhere, 1, &options, &broker));
  for (size_t i = 0; i < 3; i++) OK(zpat_broker_endpoint(broker, i, endpoints[i], ZPAT_ENDPOINT_SIZE));
  FAILS(ZPAT_E_NOT_FOUND, zpat_broker_endpoint(broker, 3, *endpoints, ZPAT_ENDPOINT_SIZE));
  return broker;
}

/* A bare REQ client meets a worker of ours and a bare REQ worker, and that one meets a client of ours. */
static void plain_endpoints(zpat_context_t *context) {
  char endpoints[3][ZPAT_ENDPOINT_SIZE];
  zpat_request_options_t options = patient();
  zpat_slice_t question = zpat_slice_text("from ours to REQ");
  zpat_batch_t *body = NULL;
  pthread_t thread;
  zpat_broker_t *broker = open_with_plain(context, endpoints);
  zpat_socket_t *asks = open_socket(context, ZPAT_REQ), *works = open_socket(context, ZPAT_REQ);
  zpat_worker_t *worker = open_worker(context, endpoints[0], "echo", 1);
  OK(zpat_socket_connect(asks, endpoints[1]));
  send_text(asks, "from REQ to ours");
  zpat_job_t *job = next_job(worker);
  CHECK(zpat_slice_equal(zpat_job_frame(job, 0), zpat_slice_text("from REQ to ours")));
  reply(&job, "from ours");
  expect(asks, "from ours");
  OK(zpat_worker_close(&worker));

  OK(zpat_socket_connect(works, endpoints[2]));
  CHECK(pthread_create(&thread, NULL, pirate, works) == 0);
  send_text(asks, "from REQ to REQ");
  expect(asks, "from REQ to REQ");
  zpat_client_t *client = open_client(context, endpoints[0]);
  CHECK(OK(zpat_client_request(client, "echo", &question, 1, &options, NULL, &body, NULL)) == 0);
  CHECK(frame_is(body, 0, 0, "from ours to REQ"));
  CHECK(pthread_join(thread, NULL) == 0);
  OK(zpat_batch_free(&body));
  OK(zpat_client_close(&client));
  OK(zpat_socket_close(&works, 0));
  OK(zpat_socket_close(&asks, 0));
  OK(zpat_broker_close(&broker));
}

/* A server of 10/FLP: it answers pings, and one question with its own word, and then it is done. */
static void *serves(void *socket) {
  zpat_batch_t *message = NULL;
  int served = 0;
  while (!served) {
    CHECK(OK(zpat_socket_recv(socket, LONG, NULL, &message)) == 1);
    zpat_slice_t who = zpat_batch_frame(message, 0, 0), control = zpat_batch_frame(message, 0, 1);
    zpat_slice_t pong[] = { who, zpat_slice_text("PONG") };
    zpat_slice_t answer[] = { who, control, zpat_slice_text("served"), zpat_batch_frame(message, 0, 2) };
    served = !frame_is(message, 0, 1, "PING");
    OK(zpat_socket_send_multipart(socket, served ? answer : pong, served ? 4 : 2, LONG, NULL));
  }
  OK(zpat_batch_free(&message));
  return NULL;
}

/* A client of nothing but such a server. */
static void freelance(zpat_context_t *context) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_client_options_t options = ZPAT_CLIENT_OPTIONS_INIT;
  zpat_request_options_t patience = patient();
  zpat_slice_t question = zpat_slice_text("question");
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_socket_t *server = open_socket(context, ZPAT_ROUTER);
  zpat_client_t *client = NULL;
  zpat_batch_t *body = NULL;
  pthread_t thread;
  OK(zpat_socket_bind(server, "tcp://127.0.0.1:0", endpoint, sizeof endpoint));
  zpat_freelance_server_t servers[] = { { endpoint, "echo", 1 } };
  options.freelance = servers;
  options.freelance_count = 1;
  OK(zpat_client_open(context, NULL, 0, &options, &client));
  CHECK(pthread_create(&thread, NULL, serves, server) == 0);
  CHECK(OK(zpat_client_request(client, "echo", &question, 1, &patience, NULL, &body, &outcome)) == 0);
  CHECK(zpat_batch_frame_count(body, 0) == 2 && frame_is(body, 0, 0, "served") && frame_is(body, 0, 1, "question"));
  CHECK(pthread_join(thread, NULL) == 0);
  OK(zpat_client_close(&client));
  OK(zpat_batch_free(&body));
  OK(zpat_socket_close(&server, 0));
}

static void wrong_endpoints(zpat_context_t *context, const char *too_long) {
  const char *const anywhere[] = { "tcp://127.0.0.1:0" };
  const zpat_plain_endpoint_t good = { "tcp://127.0.0.1:0", ZPAT_SIDE_WORKERS, "echo" };
  zpat_plain_endpoint_t plain[] = { good, good };
  zpat_broker_options_t options = ZPAT_BROKER_OPTIONS_INIT;
  zpat_broker_t *broker = NULL;
  options.plain_count = 1;
  REFUSED(zpat_broker_bind(context, anywhere, 1, &options, &broker), "plain");
  options.plain = plain;
  options.plain_count = SIZE_MAX;
  REFUSED(zpat_broker_bind(context, anywhere, 1, &options, &broker), "plain");
  options.plain_count = 2;
  REFUSED(zpat_broker_bind(context, NULL, 0, &options, &broker), "endpoint");
  plain[1].side = 2;
  REFUSED(zpat_broker_bind(context, anywhere, 1, &options, &broker), "side");
  check_text(__FILE__, __LINE__, "plain 1");
  plain[1].side = -1;
  REFUSED(zpat_broker_bind(context, anywhere, 1, &options, &broker), "side");
  plain[1] = good, plain[1].service = NULL;
  REFUSED(zpat_broker_bind(context, anywhere, 1, &options, &broker), "service");
  plain[1].service = "";
  REFUSED(zpat_broker_bind(context, anywhere, 1, &options, &broker), "service");
  plain[1].service = too_long;
  REFUSED(zpat_broker_bind(context, anywhere, 1, &options, &broker), "service");
  plain[1].service = "\xff";
  FAILS(ZPAT_E_INVALID_TEXT, zpat_broker_bind(context, anywhere, 1, &options, &broker));
  plain[1] = good, plain[1].endpoint = NULL;
  REFUSED(zpat_broker_bind(context, anywhere, 1, &options, &broker), "endpoint");
  plain[1].endpoint = "nonsense";
  FAILS(ZPAT_E_INVALID_ENDPOINT, zpat_broker_bind(context, anywhere, 1, &options, &broker));
  /* An older program's structure ends before the list, and none ends in the middle of it. */
  options.struct_size = offsetof(zpat_broker_options_t, plain_count);
  REFUSED(zpat_broker_bind(context, anywhere, 1, &options, &broker), "struct_size");
  options.struct_size = offsetof(zpat_broker_options_t, plain);
  OK(zpat_broker_bind(context, anywhere, 1, &options, &broker));
  OK(zpat_broker_close(&broker));
}

static void wrong_servers(zpat_context_t *context, const char *too_long) {
  const char *const somewhere[] = { "tcp://127.0.0.1:1" };
  const zpat_freelance_server_t good = { "tcp://127.0.0.1:1", "echo", 1 };
  zpat_freelance_server_t servers[] = { good };
  zpat_client_options_t options = ZPAT_CLIENT_OPTIONS_INIT;
  zpat_client_t *client = NULL;
  options.freelance = servers;
  REFUSED(zpat_client_open(context, NULL, 0, &options, &client), "endpoint");
  options.freelance_count = 1;
  servers->credit = 0;
  REFUSED(zpat_client_open(context, NULL, 0, &options, &client), "credit");
  *servers = good, servers->service = "";
  REFUSED(zpat_client_open(context, NULL, 0, &options, &client), "service");
  servers->service = NULL;
  REFUSED(zpat_client_open(context, NULL, 0, &options, &client), "service");
  servers->service = too_long;
  REFUSED(zpat_client_open(context, NULL, 0, &options, &client), "service");
  *servers = good, servers->endpoint = "nonsense";
  FAILS(ZPAT_E_INVALID_ENDPOINT, zpat_client_open(context, NULL, 0, &options, &client));
  options.freelance = NULL;
  REFUSED(zpat_client_open(context, somewhere, 1, &options, &client), "freelance");
  options.struct_size = offsetof(zpat_client_options_t, freelance);
  OK(zpat_client_open(context, somewhere, 1, &options, &client));
  OK(zpat_client_close(&client));
}

int main(void) {
  zpat_context_t *context = open_context();
  char too_long[257];
  memset(too_long, 'x', 256), too_long[256] = 0;
  plain_endpoints(context);
  freelance(context);
  wrong_endpoints(context, too_long);
  wrong_servers(context, too_long);
  OK(zpat_context_close(&context));
  return 0;
}
