/* Event loops: arming says what is there, the descriptor and the hook tell once of what comes. */
#include "loops.h"

/* What an event loop does. A notice may be late, for something that was taken already; arming again tells. */
static void wait_for_message(zpat_socket_t *socket) {
  while (OK(zpat_socket_arm(socket, ZPAT_RECV)) == 0) CHECK(readable((int)OK(zpat_socket_ready_fd(socket)), LONG));
}

static void descriptor(zpat_socket_t *pull, zpat_socket_t *push) {
  zpat_batch_t *batch = NULL;
  for (int i = 0; i < 200; i++) {
    send_text(push, "one");
    send_text(push, "two");
    wait_for_message(pull);
    expect(pull, "one");
    wait_for_message(pull);
    CHECK(OK(zpat_socket_recv(pull, 0, NULL, &batch)) == 1 && frame_is(batch, 0, 0, "two"));
    FAILS(ZPAT_E_TIMEOUT, zpat_socket_recv(pull, 0, NULL, &batch));
  }
  CHECK(OK(zpat_socket_arm(pull, ZPAT_RECV)) == 0);
  CHECK(OK(zpat_socket_arm(push, ZPAT_SEND)) == ZPAT_SEND);
  CHECK(OK(zpat_socket_arm(push, ZPAT_SEND | ZPAT_RECV)) == ZPAT_SEND);
  OK(zpat_batch_free(&batch));
}

static void hooked(zpat_socket_t *pull, zpat_socket_t *push) {
  int pipes[2];
  CHECK(pipe(pipes) == 0);
  OK(zpat_socket_set_hook(pull, hook, &pipes[1]));
  CHECK(OK(zpat_socket_arm(pull, ZPAT_RECV)) == 0);
  send_text(push, "three");
  CHECK(heard(pipes));
  CHECK(!readable((int)OK(zpat_socket_ready_fd(pull)), 0));
  expect(pull, "three");
  OK(zpat_socket_set_hook(pull, NULL, NULL));
  CHECK(OK(zpat_socket_arm(pull, ZPAT_RECV)) == 0);
  send_text(push, "four");
  CHECK(readable((int)OK(zpat_socket_ready_fd(pull)), LONG));
  CHECK(!readable(pipes[0], 0));
  expect(pull, "four");
  CHECK(close(pipes[0]) == 0 && close(pipes[1]) == 0);
}

static int next_is(zpat_monitor_t *monitor, int kind) {
  zpat_monitor_event_t event = ZPAT_MONITOR_EVENT_INIT;
  do CHECK(OK(zpat_monitor_next(monitor, LONG, NULL, &event)) == 1);
  while (event.kind != kind);
  return 1;
}

static void monitored(zpat_context_t *context) {
  zpat_socket_t *pull = open_socket(context, ZPAT_PULL), *push = open_socket(context, ZPAT_PUSH);
  zpat_monitor_t *monitor = NULL;
  zpat_monitor_event_t event = ZPAT_MONITOR_EVENT_INIT;
  char endpoint[ZPAT_ENDPOINT_SIZE];
  OK(zpat_monitor_open(push, &monitor));
  FAILS(ZPAT_E_TIMEOUT, zpat_monitor_next(monitor, 0, NULL, &event));
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_monitor_next(monitor, LONG, NULL, NULL));
  CHECK(OK(zpat_monitor_arm(monitor)) == 0);
  OK(zpat_socket_bind(pull, "tcp://127.0.0.1:0", endpoint, sizeof endpoint));
  OK(zpat_socket_connect(push, endpoint));
  CHECK(readable((int)OK(zpat_monitor_ready_fd(monitor)), LONG));
  CHECK(OK(zpat_monitor_next(monitor, LONG, NULL, &event)) == 1);
  CHECK(event.kind == ZPAT_EVENT_CONNECT_DELAYED && strcmp(event.endpoint, endpoint) == 0);
  CHECK(next_is(monitor, ZPAT_EVENT_CONNECTED) && next_is(monitor, ZPAT_EVENT_HANDSHAKE_SUCCEEDED));
  OK(zpat_socket_close(&pull, 0));
  CHECK(next_is(monitor, ZPAT_EVENT_DISCONNECTED) && OK(zpat_monitor_lost(monitor)) == 0);
  OK(zpat_socket_close(&push, 0));
  CHECK(next_is(monitor, ZPAT_EVENT_STOPPED));
  OK(zpat_monitor_close(&monitor));
  CHECK(strcmp(zpat_monitor_event_name(ZPAT_EVENT_CONNECTED), "connected") == 0);
  CHECK(strcmp(zpat_monitor_event_name(ZPAT_EVENT_STOPPED), "stopped") == 0);
  CHECK(strcmp(zpat_monitor_event_name(0), "unknown") == 0 && strcmp(zpat_monitor_event_name(16), "unknown") == 0);
}

int main(void) {
  zpat_context_t *context = open_context();
  zpat_socket_t *pull = open_background(context, ZPAT_PULL), *push = open_background(context, ZPAT_PUSH);
  join(pull, push);
  send_text(push, "connected");
  expect(pull, "connected");
  descriptor(pull, push);
  hooked(pull, push);
  monitored(context);
  OK(zpat_socket_close(&push, 0));
  OK(zpat_socket_close(&pull, 0));
  OK(zpat_context_close(&context));
  return 0;
}
