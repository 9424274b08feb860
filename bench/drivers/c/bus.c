/* A bus in C: receives what the driver in Rust sends. See bus.h.
 *
 *     driver zpatterns bus-recv|bus-latency ENDPOINT SIZE COUNT
 */
#include "bus.h"
#include "driver.h"

enum { RECV_EVENTS = 1024, RECV_BYTES = 1 << 20 };
/* Inboxes that nothing fills, as the queues of the peer: who is slow is late, and drops nothing. */
#define MOST_EVENTS 100000000
#define MOST_BYTES (4LL << 30)

static void receive_all(const zpat_bus_t *bus, struct receiver *receiver) {
  zpat_bus_events_t *events = NULL;
  size_t most = receiver->latencies == NULL ? RECV_EVENTS : 1;
  while (receiver->received < receiver->count) {
    int received = zpat_bus_recv(bus, most, RECV_BYTES, SILENCE_MS, NULL, &events);
    if (received == ZPAT_E_TIMEOUT) {
      if (!receiver_waits(receiver)) break;
      continue;
    }
    for (int i = 0; i < check(received); i++) {
      zpat_slice_t frame = zpat_bus_events_frame(events, (size_t)i, 0);
      if (frame.data != NULL) receiver_hears(receiver, frame.data, frame.len);
    }
  }
  zpat_bus_events_free(&events);
}

int bus(int argc, char **argv) {
  if (argc != 6 || strcmp(argv[1], "zpatterns") != 0) return 2;
  if (strcmp(argv[2], "bus-recv") != 0 && strcmp(argv[2], "bus-latency") != 0) return 2;
  struct receiver receiver = receiver_new(argv[2], (size_t)number(argv[4], STAMP_BYTES), number(argv[5], 1));
  zpat_context_t *context = NULL;
  zpat_bus_t *bus = NULL;
  zpat_bus_options_t options = ZPAT_BUS_OPTIONS_INIT;
  options.max_events = MOST_EVENTS;
  options.max_bytes = MOST_BYTES;
  check(zpat_context_open(NULL, &context));
  check(zpat_bus_open(context, argv[3], &options, &bus));
  check(zpat_bus_subscribe(bus, "", 0));
  receive_all(bus, &receiver);
  receiver_report(&receiver);
  zpat_bus_close(&bus, -1);
  zpat_context_close(&context);
  return 0;
}
