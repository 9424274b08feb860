/* A multicast bus on the loopback device: what one says all hear, events, event loops, bounds, mistakes. */
#include "loops.h"

#include <arpa/inet.h>
#include <sys/socket.h>

/* A port that nobody uses, because somebody just did. */
static void somewhere(char endpoint[ZPAT_ENDPOINT_SIZE]) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  int probe = socket(AF_INET, SOCK_DGRAM, 0);
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(bind(probe, (struct sockaddr *)&address, size) == 0);
  CHECK(getsockname(probe, (struct sockaddr *)&address, &size) == 0 && close(probe) == 0);
  snprintf(endpoint, ZPAT_ENDPOINT_SIZE, "epgm://127.0.0.1;239.192.7.1:%d", ntohs(address.sin_port));
}

static zpat_bus_t *open_bus(zpat_context_t *context, const char *endpoint, const char *prefix) {
  zpat_bus_t *bus = NULL;
  OK(zpat_bus_open(context, endpoint, NULL, &bus));
  if (prefix != NULL) OK(zpat_bus_subscribe(bus, prefix, strlen(prefix)));
  return bus;
}

static void say(zpat_bus_t *bus, const char *text) {
  zpat_slice_t frame = zpat_slice_text(text);
  OK(zpat_bus_send(bus, &frame, 1, LONG, NULL));
}

/* The next event of this kind; before it, only somebody may join. */
static zpat_bus_event_t next(zpat_bus_t *bus, zpat_bus_events_t **events, int kind) {
  zpat_bus_event_t event = ZPAT_BUS_EVENT_INIT;
  do {
    CHECK(OK(zpat_bus_recv(bus, 1, 1 << 20, LONG, NULL, events)) == 1 && zpat_bus_events_count(*events) == 1);
    OK(zpat_bus_events_get(*events, 0, &event));
  } while (event.kind == ZPAT_BUS_JOINED && kind != ZPAT_BUS_JOINED);
  CHECK(event.kind == kind);
  return event;
}

static int says(zpat_bus_t *bus, zpat_bus_events_t **events, const char *text) {
  next(bus, events, ZPAT_BUS_MESSAGE);
  return zpat_slice_equal(zpat_bus_events_frame(*events, 0, 0), zpat_slice_text(text));
}

static void all_hear(zpat_context_t *context) {
  char endpoint[ZPAT_ENDPOINT_SIZE], address[ZPAT_ENDPOINT_SIZE];
  zpat_bus_events_t *events = NULL;
  zpat_bus_event_t event;
  zpat_bus_counters_t counters = ZPAT_BUS_COUNTERS_INIT;
  zpat_bus_peer_t peers[2] = { ZPAT_BUS_PEER_INIT, ZPAT_BUS_PEER_INIT };
  somewhere(endpoint);
  zpat_bus_t *one = open_bus(context, endpoint, ""), *other = open_bus(context, endpoint, "");
  zpat_slice_t frames[] = { zpat_slice_text("hello"), zpat_slice_text(""), zpat_slice_text("all") };
  OK(zpat_bus_send(one, frames, 3, LONG, NULL));
  next(other, &events, ZPAT_BUS_JOINED);
  event = next(other, &events, ZPAT_BUS_MESSAGE);
  CHECK(event.frames == 3 && event.peer != 0 && event.count == 0);
  for (size_t i = 0; i < 3; i++) CHECK(zpat_slice_equal(zpat_bus_events_frame(events, 0, i), frames[i]));
  CHECK(zpat_bus_events_frame(events, 0, 1).data != NULL && zpat_bus_events_frame(events, 0, 3).data == NULL);
  CHECK(zpat_bus_events_frame(events, 1, 0).data == NULL);
  FAILS(ZPAT_E_NOT_FOUND, zpat_bus_events_get(events, 1, &event));
  FAILS(ZPAT_E_TIMEOUT, zpat_bus_recv(one, 1, 1, 0, NULL, &events));
  CHECK(zpat_bus_events_count(events) == 0);

  CHECK(OK(zpat_bus_peers(other, peers, 2)) == 1 && OK(zpat_bus_peers(one, NULL, 0)) == 0);
  CHECK(peers[0].peer == event.peer && peers[0].delivered == 1 && peers[0].missed == 0);
  OK(zpat_bus_counters(one, &counters));
  CHECK(counters.sent_messages == 1 && counters.received_delivered == 0);
  OK(zpat_bus_counters(other, &counters));
  CHECK(counters.sent_messages == 0 && counters.received_delivered == 1 && counters.dropped == 0);
  OK(zpat_bus_interface(one, address, sizeof address));
  CHECK(strcmp(address, "127.0.0.1") == 0);
  FAILS(ZPAT_E_TOO_LARGE, zpat_bus_interface(one, address, 3));

  OK(zpat_bus_close(&one, LONG));
  CHECK(one == NULL && next(other, &events, ZPAT_BUS_GONE).peer == event.peer);
  OK(zpat_bus_close(&one, -1));
  OK(zpat_bus_close(&other, -1));
  OK(zpat_bus_events_free(&events));
  OK(zpat_bus_events_free(&events));
}

static void subscribed(zpat_context_t *context) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_bus_events_t *events = NULL;
  somewhere(endpoint);
  zpat_bus_t *listener = open_bus(context, endpoint, "b"), *sender = open_bus(context, endpoint, NULL);
  say(sender, "a");
  say(sender, "b");
  say(sender, "ab");
  say(sender, "bc");
  CHECK(says(listener, &events, "b") && says(listener, &events, "bc"));
  OK(zpat_bus_unsubscribe(listener, "b", 1));
  FAILS(ZPAT_E_NOT_FOUND, zpat_bus_unsubscribe(listener, "b", 1));
  OK(zpat_bus_close(&listener, 0));
  OK(zpat_bus_close(&sender, 0));
  OK(zpat_bus_events_free(&events));
}

static void batches(zpat_context_t *context) {
  enum { COUNT = 1000 };
  char endpoint[ZPAT_ENDPOINT_SIZE], text[16];
  zpat_bus_events_t *events = NULL;
  zpat_bus_event_t event = ZPAT_BUS_EVENT_INIT;
  zpat_batch_t *batch = NULL;
  size_t sent = 0, seen = 0;
  somewhere(endpoint);
  zpat_bus_t *listener = open_bus(context, endpoint, ""), *sender = open_bus(context, endpoint, NULL);
  OK(zpat_batch_new(&batch));
  for (int i = 0; i < COUNT; i++) {
    snprintf(text, sizeof text, "%d", i);
    OK(zpat_batch_add(batch, text, strlen(text)));
  }
  while (sent < COUNT) sent += (size_t)OK(zpat_bus_send_many(sender, batch, sent, LONG, NULL));
  while (seen < COUNT) {
    size_t count = (size_t)OK(zpat_bus_recv(listener, 100, 1 << 20, LONG, NULL, &events));
    CHECK(count > 0 && count <= 100 && count == zpat_bus_events_count(events));
    for (size_t i = 0; i < count; i++) {
      OK(zpat_bus_events_get(events, i, &event));
      if (event.kind != ZPAT_BUS_MESSAGE) continue;
      snprintf(text, sizeof text, "%d", (int)seen++);
      CHECK(zpat_slice_equal(zpat_bus_events_frame(events, i, 0), zpat_slice_text(text)));
    }
  }
  OK(zpat_batch_free(&batch));
  OK(zpat_bus_events_free(&events));
  OK(zpat_bus_close(&listener, 0));
  OK(zpat_bus_close(&sender, 0));
}

static void dropped(zpat_context_t *context) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_bus_options_t options = ZPAT_BUS_OPTIONS_INIT;
  zpat_bus_counters_t counters = ZPAT_BUS_COUNTERS_INIT;
  zpat_bus_event_t event = ZPAT_BUS_EVENT_INIT;
  zpat_bus_events_t *events = NULL;
  zpat_bus_t *slow = NULL;
  uint64_t messages = 0, lost = 0;
  somewhere(endpoint);
  options.max_events = 10;
  OK(zpat_bus_open(context, endpoint, &options, &slow));
  OK(zpat_bus_subscribe(slow, NULL, 0));
  zpat_bus_t *sender = open_bus(context, endpoint, NULL);
  for (int i = 0; i < 100; i++) say(sender, "x");
  do {
    OK(zpat_bus_counters(slow, &counters));
    usleep(1000);
  } while (counters.received_delivered < 100);
  while (messages + lost < 100) {
    long long count = OK(zpat_bus_recv(slow, 1000, 1 << 20, LONG, NULL, &events));
    for (long long i = 0; i < count; i++) {
      OK(zpat_bus_events_get(events, (size_t)i, &event));
      messages += event.kind == ZPAT_BUS_MESSAGE;
      lost += event.count;
    }
  }
  OK(zpat_bus_counters(slow, &counters));
  CHECK(lost > 0 && counters.dropped == lost);
  OK(zpat_bus_events_free(&events));
  OK(zpat_bus_close(&slow, 0));
  OK(zpat_bus_close(&sender, 0));
}

static void injected(zpat_context_t *context) {
  enum { COUNT = 200 };
  static char body[4000];
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_bus_events_t *events = NULL;
  zpat_bus_counters_t counters = ZPAT_BUS_COUNTERS_INIT;
  somewhere(endpoint);
  zpat_bus_t *listener = open_bus(context, endpoint, ""), *sender = open_bus(context, endpoint, NULL);
  say(sender, "first");
  CHECK(says(listener, &events, "first"));
  OK(zpat_bus_inject_loss(listener, 0.2));
  for (int i = 0; i < COUNT; i++) {
    zpat_slice_t frames[] = { { &i, sizeof i }, { body, sizeof body } };
    OK(zpat_bus_send(sender, frames, 2, LONG, NULL));
  }
  for (int i = 0; i < COUNT; i++) {
    next(listener, &events, ZPAT_BUS_MESSAGE);
    CHECK(zpat_slice_equal(zpat_bus_events_frame(events, 0, 0), (zpat_slice_t){ &i, sizeof i }));
  }
  OK(zpat_bus_counters(listener, &counters));
  CHECK(counters.injected > 0 && counters.received_repaired > 0 && counters.received_missed == 0);
  OK(zpat_bus_inject_loss(listener, 0));
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_bus_inject_loss(listener, 1.1));
  OK(zpat_bus_events_free(&events));
  OK(zpat_bus_close(&listener, 0));
  OK(zpat_bus_close(&sender, 0));
}

static void event_loop(zpat_context_t *context) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  int pipes[2];
  zpat_bus_events_t *events = NULL;
  somewhere(endpoint);
  zpat_bus_t *listener = open_bus(context, endpoint, ""), *sender = open_bus(context, endpoint, NULL);
  CHECK(OK(zpat_bus_arm(listener, ZPAT_RECV | ZPAT_SEND)) == ZPAT_SEND);
  say(sender, "one");
  CHECK(readable((int)OK(zpat_bus_ready_fd(listener)), LONG));
  CHECK(says(listener, &events, "one"));
  CHECK(pipe(pipes) == 0);
  OK(zpat_bus_set_hook(listener, hook, &pipes[1]));
  CHECK(OK(zpat_bus_arm(listener, ZPAT_RECV)) == 0);
  say(sender, "two");
  CHECK(heard(pipes));
  CHECK(OK(zpat_bus_arm(listener, ZPAT_RECV)) == ZPAT_RECV);
  OK(zpat_bus_set_hook(listener, NULL, NULL));
  CHECK(says(listener, &events, "two"));
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_bus_arm(listener, 4));
  OK(zpat_bus_events_free(&events));
  OK(zpat_bus_close(&listener, 0));
  OK(zpat_bus_close(&sender, 0));
  CHECK(close(pipes[0]) == 0 && close(pipes[1]) == 0);
}

static void *receive(void *user) {
  zpat_bus_events_t *events = NULL;
  FAILS(ZPAT_E_CLOSED, zpat_bus_recv(user, 1, 1, -1, NULL, &events));
  CHECK(events == NULL);
  return NULL;
}

static void ends(void) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  pthread_t thread;
  zpat_context_t *context = open_context();
  somewhere(endpoint);
  zpat_bus_t *bus = open_bus(context, endpoint, "");
  CHECK(OK(zpat_bus_is_closed(bus)) == 0);
  CHECK(pthread_create(&thread, NULL, receive, bus) == 0);
  OK(zpat_context_shutdown(context));
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(OK(zpat_bus_is_closed(bus)) == 1);
  OK(zpat_bus_close(&bus, -1));
  OK(zpat_context_close(&context));
}

static void mistakes(zpat_context_t *context) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_bus_options_t options = ZPAT_BUS_OPTIONS_INIT, written;
  zpat_bus_event_t event = ZPAT_BUS_EVENT_INIT;
  zpat_bus_t *bus = NULL;
  somewhere(endpoint);
  OK(zpat_bus_options_init(&written, sizeof written));
  CHECK(memcmp(&options, &written, sizeof options) == 0);
  FAILS(ZPAT_E_INVALID_ENDPOINT, zpat_bus_open(context, "tcp://127.0.0.1:5555", NULL, &bus));
  FAILS(ZPAT_E_ADDRESS_NOT_AVAILABLE, zpat_bus_open(context, "epgm://nowhere;239.192.7.1:5555", NULL, &bus));
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_bus_open(NULL, endpoint, NULL, &bus));
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_bus_open(context, NULL, NULL, &bus));
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_bus_open(context, endpoint, NULL, NULL));
  options.rate = 1;
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_bus_open(context, endpoint, &options, &bus));
  options = written;
  options.looped = 2;
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_bus_open(context, endpoint, &options, &bus));
  options = written;
  options.linger = -1;
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_bus_open(context, endpoint, &options, &bus));
  options.struct_size = 5;
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_bus_open(context, endpoint, &options, &bus));
  CHECK(bus == NULL);
  bus = open_bus(context, endpoint, NULL);
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_bus_send(bus, NULL, 0, 0, NULL));
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_bus_send(bus, NULL, 1, 0, NULL));
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_bus_send_many(bus, NULL, 0, 0, NULL));
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_bus_recv(bus, 1, 1, 0, NULL, NULL));
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_bus_subscribe(bus, NULL, 1));
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_bus_counters(bus, NULL));
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_bus_peers(bus, NULL, 1));
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_bus_is_closed(NULL));
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_bus_events_get(NULL, 0, &event));
  CHECK(zpat_bus_events_count(NULL) == 0 && zpat_bus_events_frame(NULL, 0, 0).data == NULL);
  OK(zpat_bus_events_free(NULL));
  OK(zpat_bus_close(NULL, 0));
  OK(zpat_bus_close(&bus, 0));
}

int main(void) {
  zpat_context_t *context = open_context();
  all_hear(context);
  subscribed(context);
  batches(context);
  dropped(context);
  injected(context);
  event_loop(context);
  mistakes(context);
  OK(zpat_context_close(&context));
  ends();
  return 0;
}
