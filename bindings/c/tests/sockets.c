/* Every transport and socket type carries messages; endpoints come and go; counters count. */
#include "check.h"

static void transport(zpat_context_t *context, const char *endpoint) {
  zpat_socket_t *pull = open_socket(context, ZPAT_PULL), *push = open_socket(context, ZPAT_PUSH);
  char bound[ZPAT_ENDPOINT_SIZE];
  OK(zpat_socket_bind(pull, endpoint, bound, sizeof bound));
  OK(zpat_socket_connect(push, bound));
  send_text(push, endpoint);
  expect(pull, endpoint);
  OK(zpat_socket_disconnect(push, bound));
  OK(zpat_socket_unbind(pull, bound));
  FAILS(ZPAT_E_NOT_FOUND, zpat_socket_unbind(pull, bound));
  OK(zpat_socket_close(&push, 0));
  OK(zpat_socket_close(&pull, 0));
}

static void request_and_reply(zpat_context_t *context, int client_kind, int server_kind) {
  zpat_socket_t *client = open_socket(context, client_kind), *server = open_socket(context, server_kind);
  join(server, client);
  send_text(client, "question");
  expect(server, "question");
  send_text(server, "answer");
  expect(client, "answer");
  OK(zpat_socket_close(&client, -1));
  OK(zpat_socket_close(&server, -1));
}

static void routed(zpat_context_t *context) {
  zpat_socket_options_t options = ZPAT_SOCKET_OPTIONS_INIT;
  zpat_socket_t *router = open_socket(context, ZPAT_ROUTER), *dealer = NULL;
  zpat_batch_t *message = NULL;
  options.routing_id = zpat_slice_text("me");
  OK(zpat_socket_open(context, ZPAT_DEALER, &options, &dealer));
  join(router, dealer);
  send_text(dealer, "question");
  OK(zpat_socket_recv(router, LONG, NULL, &message));
  CHECK(zpat_batch_frame_count(message, 0) == 2);
  CHECK(frame_is(message, 0, 0, "me") && frame_is(message, 0, 1, "question"));
  zpat_slice_t answer[] = { zpat_batch_frame(message, 0, 0), zpat_slice_text("answer") };
  OK(zpat_socket_send_multipart(router, answer, 2, LONG, NULL));
  expect(dealer, "answer");
  OK(zpat_batch_free(&message));
  OK(zpat_socket_close(&router, -1));
  OK(zpat_socket_close(&dealer, -1));
}

static void subscribed(zpat_context_t *context) {
  zpat_socket_t *xpub = open_socket(context, ZPAT_XPUB), *sub = open_socket(context, ZPAT_SUB);
  join(xpub, sub);
  OK(zpat_socket_subscribe(sub, "a", 1));
  expect(xpub, "\001a");
  send_text(xpub, "b is not for you");
  send_text(xpub, "a is");
  expect(sub, "a is");
  OK(zpat_socket_unsubscribe(sub, "a", 1));
  zpat_batch_t *message = NULL;
  OK(zpat_socket_recv(xpub, LONG, NULL, &message));
  CHECK(memcmp(zpat_batch_frame(message, 0, 0).data, "\000a", 2) == 0);
  OK(zpat_batch_free(&message));
  OK(zpat_socket_close(&xpub, -1));
  OK(zpat_socket_close(&sub, -1));
}

static void counted(zpat_context_t *context) {
  zpat_socket_t *pull = open_socket(context, ZPAT_PULL), *push = open_socket(context, ZPAT_PUSH);
  zpat_socket_stats_t sent = ZPAT_SOCKET_STATS_INIT, received = ZPAT_SOCKET_STATS_INIT, old = ZPAT_SOCKET_STATS_INIT;
  FAILS(ZPAT_E_FULL, zpat_socket_send(push, "x", 1, 0, NULL));
  join(pull, push);
  for (int i = 0; i < 10; i++) send_text(push, "four");
  for (int i = 0; i < 9; i++) expect(pull, "four");
  OK(zpat_socket_stats(push, &sent));
  OK(zpat_socket_stats(pull, &received));
  CHECK(sent.sent_messages == 10 && sent.sent_bytes == 40 && sent.send_full >= 1);
  CHECK(received.received_messages == 9 && received.received_bytes == 36 && received.sent_messages == 0);
  /* A program that knows only the first two counters. */
  old.struct_size = offsetof(zpat_socket_stats_t, received_messages);
  old.received_messages = 77;
  OK(zpat_socket_stats(push, &old));
  CHECK(old.sent_messages == 10 && old.received_messages == 77);
  CHECK(old.struct_size == offsetof(zpat_socket_stats_t, received_messages));
  OK(zpat_socket_close(&push, -1));
  OK(zpat_socket_close(&pull, -1));
}

static void kinds(zpat_context_t *context) {
  static const char *const names[] = { "pair", "pub",  "sub",  "req",  "rep",  "dealer",
                                       "router", "pull", "push", "xpub", "xsub", "stream" };
  for (int kind = 0; kind < 12; kind++) {
    zpat_socket_t *socket = open_socket(context, kind);
    CHECK(OK(zpat_socket_kind(socket)) == kind);
    CHECK(strcmp(zpat_socket_kind_name(kind), names[kind]) == 0);
    CHECK(OK(zpat_socket_is_closed(socket)) == 0);
    OK(zpat_socket_close(&socket, 0));
    CHECK(socket == NULL);
    OK(zpat_socket_close(&socket, 0));
  }
  CHECK(strcmp(zpat_socket_kind_name(12), "unknown") == 0 && strcmp(zpat_socket_kind_name(-1), "unknown") == 0);
}

/* What was sent leaves after the sockets and the context are closed, in whatever order. */
static void lingers(void) {
  zpat_context_t *context = open_context(), *receiving = open_context();
  zpat_socket_t *push = open_socket(context, ZPAT_PUSH), *pull = open_socket(receiving, ZPAT_PULL);
  join(pull, push);
  for (int i = 0; i < 500; i++) send_text(push, "kept");
  OK(zpat_context_close(&context));
  CHECK(context == NULL);
  OK(zpat_socket_close(&push, LONG));
  for (int i = 0; i < 500; i++) expect(pull, "kept");
  OK(zpat_socket_close(&pull, 0));
  OK(zpat_context_close(&receiving));
}

int main(int argc, char **argv) {
  zpat_context_t *context = open_context();
  zpat_info_t info = ZPAT_INFO_INIT;
  char ipc[200];
  CHECK(argc == 2);
  snprintf(ipc, sizeof ipc, "ipc://%s/socket", argv[1]);
  transport(context, "inproc://here");
  transport(context, "tcp://127.0.0.1:0");
  transport(context, "ws://127.0.0.1:0/path");
  transport(context, ipc);
  request_and_reply(context, ZPAT_REQ, ZPAT_REP);
  request_and_reply(context, ZPAT_PAIR, ZPAT_PAIR);
  request_and_reply(context, ZPAT_DEALER, ZPAT_DEALER);
  routed(context);
  subscribed(context);
  counted(context);
  kinds(context);
  lingers();
  OK(zpat_info(&info));
  CHECK(info.curve == 1 && strcmp(info.transports, "inproc ipc tcp ws") == 0);
  CHECK(strcmp(info.version, ZPAT_VERSION) == 0);
  CHECK(strncmp(info.libzmq, "4.3.", 4) == 0);
  OK(zpat_context_close(&context));
  return 0;
}
