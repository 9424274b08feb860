/* What a broker counts of each service, and of each client and worker. */
#include "reqrep.h"

#define REFUSED(call) FAILS(ZPAT_E_INVALID_ARGUMENT, call)

/* Asks, and answers or refuses as the worker. */
static void one_request(zpat_client_t *client, zpat_worker_t *worker, const char *service, int refuse) {
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_batch_t *body = NULL;
  int64_t ticket = submit(client, service, "question");
  zpat_job_t *job = next_job(worker);
  if (refuse) OK(zpat_job_fail(&job, 7, NULL, 0));
  else reply(&job, "answer");
  CHECK(OK(zpat_client_wait(client, ticket, LONG, NULL, &body, &outcome)) == 1);
  CHECK(outcome.kind == (refuse ? ZPAT_OUTCOME_ERROR : ZPAT_OUTCOME_REPLY));
  OK(zpat_batch_free(&body));
}

static void services(zpat_broker_t *broker) {
  zpat_service_counters_t all[4] = { ZPAT_SERVICE_COUNTERS_INIT };
  zpat_reqrep_counters_t again;
  CHECK(OK(zpat_broker_services(broker, NULL, 0)) == 2);
  memset(&all[2], 0x55, sizeof all[2]);
  CHECK(OK(zpat_broker_services(broker, all, 4)) == 2);
  CHECK(strcmp(all[0].name, "first") == 0 && all[0].name_len == 5 && all[0].workers == 1);
  CHECK(all[0].counters.accepted == 3 && all[0].counters.delivered == 2 && all[0].counters.held == 1);
  CHECK(strcmp(all[1].name, "second") == 0 && all[1].name_len == 6 && all[1].workers == 1);
  CHECK(all[1].counters.accepted == 1 && all[1].counters.delivered == 1);
  CHECK(balanced(&all[0].counters) && balanced(&all[1].counters));
  /* Each is a structure like any other, and nothing was written behind the last. */
  CHECK(all[1].struct_size == sizeof *all && all[1].counters.struct_size == sizeof again);
  again = all[1].counters;
  OK(zpat_broker_counters(broker, &again));
  CHECK(again.accepted == 4 && all[2].workers == 0x5555555555555555);

  memset(&all[1], 0x55, sizeof all[1]);
  CHECK(OK(zpat_broker_services(broker, all, 1)) == 2);
  CHECK(strcmp(all[0].name, "first") == 0 && all[1].workers == 0x5555555555555555);
}

static void peers(zpat_broker_t *broker) {
  zpat_peer_counters_t all[4] = { ZPAT_PEER_COUNTERS_INIT };
  CHECK(OK(zpat_broker_peers(broker, NULL, 0)) == 3);
  CHECK(OK(zpat_broker_peers(broker, all, 4)) == 3);
  for (int i = 0; i < 3; i++) {
    CHECK(all[i].struct_size == sizeof *all && all[i].requests == all[i].answered + all[i].failed + all[i].held);
    CHECK(all[i].number > (i == 0 ? 0 : all[i - 1].number) && strlen(all[i].service) == all[i].service_len);
    if (all[i].service_len == 0) {
      CHECK(all[i].requests == 4 && all[i].answered == 3 && all[i].held == 1);
    } else if (strcmp(all[i].service, "first") == 0) {
      CHECK(all[i].requests == 3 && all[i].answered == 2 && all[i].held == 1);
    } else {
      CHECK(strcmp(all[i].service, "second") == 0 && all[i].requests == 1 && all[i].answered == 1);
    }
  }
  memset(&all[1], 0x55, sizeof all[1]);
  CHECK(OK(zpat_broker_peers(broker, all, 1)) == 3);
  CHECK(all[0].number > 0 && all[1].number == 0x5555555555555555);
}

/* The name of a service is whatever bytes a worker sends: this one speaks Majordomo, and its name is no text. */
static void no_text(zpat_context_t *context, zpat_broker_t *broker, const char *endpoint) {
  const zpat_slice_t name = { "\xff\0z", 3 }, none = { NULL, 0 };
  zpat_slice_t ready[] = { none, zpat_slice_text("MDPW01"), { "\1", 1 }, name };
  zpat_service_counters_t all[3] = { ZPAT_SERVICE_COUNTERS_INIT };
  zpat_socket_t *worker = open_socket(context, ZPAT_DEALER);
  OK(zpat_socket_connect(worker, endpoint));
  OK(zpat_socket_send_multipart(worker, ready, 4, LONG, NULL));
  while (OK(zpat_broker_services(broker, all, 3)) < 3) continue;
  CHECK(all[2].name_len == 3 && memcmp(all[2].name, name.data, 3) == 0 && all[2].name[3] == 0);
  CHECK(all[2].workers == 1 && all[2].counters.accepted == 0);
  OK(zpat_socket_close(&worker, 0));
}

static void misuse(zpat_broker_t *broker) {
  zpat_service_counters_t service = ZPAT_SERVICE_COUNTERS_INIT;
  zpat_peer_counters_t peer = ZPAT_PEER_COUNTERS_INIT;
  REFUSED(zpat_broker_services(NULL, &service, 1));
  REFUSED(zpat_broker_services(broker, NULL, 1));
  REFUSED(zpat_broker_services(broker, &service, SIZE_MAX));
  service.struct_size = offsetof(zpat_service_counters_t, counters);
  REFUSED(zpat_broker_services(broker, &service, 1));
  REFUSED(zpat_broker_peers(NULL, &peer, 1));
  REFUSED(zpat_broker_peers(broker, NULL, 1));
  REFUSED(zpat_broker_peers(broker, &peer, SIZE_MAX));
  peer.struct_size = 3;
  REFUSED(zpat_broker_peers(broker, &peer, 1));
}

int main(void) {
  zpat_context_t *context = open_context();
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_broker_t *broker = open_broker(context, endpoint);
  CHECK(OK(zpat_broker_services(broker, NULL, 0)) == 0 && OK(zpat_broker_peers(broker, NULL, 0)) == 0);
  zpat_worker_t *first = open_worker(context, endpoint, "first", 1);
  zpat_worker_t *second = open_worker(context, endpoint, "second", 1);
  zpat_client_t *client = open_client(context, endpoint);
  one_request(client, first, "first", 0);
  one_request(client, first, "first", 1);
  one_request(client, second, "second", 0);
  CHECK(submit(client, "first", "question") > 0);
  zpat_job_t *held = next_job(first);
  services(broker);
  peers(broker);
  no_text(context, broker, endpoint);
  misuse(broker);
  OK(zpat_job_free(&held));
  OK(zpat_client_close(&client));
  OK(zpat_worker_close(&first));
  OK(zpat_worker_close(&second));
  OK(zpat_broker_close(&broker));
  OK(zpat_context_close(&context));
  return 0;
}
