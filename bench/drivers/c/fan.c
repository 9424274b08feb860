/* Fan-out in C: subscribers to what the driver in Rust publishes, all of them in this process.
 *
 *     driver zpatterns fan-subscribe ENDPOINT SIZE COUNT SUBSCRIBERS
 *     driver zpatterns fan-latency ENDPOINT SIZE COUNT 1 [SHARED]     notes how late each is; where the shared path is
 *
 * It prints `ready` when all have heard a greeting, which is shorter than a message that counts. It ends after COUNT messages of
 * SIZE bytes for each of them, or when after the first nothing came for a second.
 */
#include "fan.h"

#include <poll.h>
#include <string.h>

enum { SILENCE_MS = 1000, RECV_EVENTS = 1024, RECV_BYTES = 1 << 20 };

/* What all of them heard. */
struct tally {
  size_t size;
  long received, wanted, subscribers, greeted;
  char *is_greeted;
  double *latencies; /* microseconds, NULL where they are not asked for */
  struct moment start;
};

static void hear(struct tally *tally, long at, const zpat_subscriber_events_t *events, int count) {
  for (int i = 0; i < count; i++) {
    zpat_slice_t frame = zpat_subscriber_events_frame(events, (size_t)i, 0);
    if (frame.data == NULL) continue;
    if (frame.len == tally->size) {
      if (tally->received == 0) tally->start = moment_now();
      if (tally->latencies != NULL) tally->latencies[tally->received] = since_due(frame.data);
      tally->received++;
    } else if (!tally->is_greeted[at]) {
      tally->is_greeted[at] = 1;
      if (++tally->greeted == tally->subscribers) say("ready");
    }
  }
}

/* Takes what is there, or comes in time; whether there was something. */
static int take(struct tally *tally, long at, const zpat_subscriber_t *subscriber, int64_t timeout,
                zpat_subscriber_events_t **events) {
  int received = zpat_subscriber_recv(subscriber, RECV_EVENTS, RECV_BYTES, timeout, NULL, events);
  if (received == ZPAT_E_TIMEOUT) return 0;
  hear(tally, at, *events, check(received));
  return 1;
}

/* One thread for all: who has something is taken from, and then the next. True if nothing more came. */
static int take_from_all(struct tally *tally, zpat_subscriber_t **all, struct pollfd *fds, zpat_subscriber_events_t **events) {
  int some = 0;
  for (long i = 0; i < tally->subscribers; i++) {
    if (fds[i].revents == 0) continue;
    some = 1;
    /* Who had something is asked again. */
    if (take(tally, i, all[i], 0, events) || check(zpat_subscriber_arm(all[i])) == 1) continue;
    fds[i].revents = 0;
  }
  if (some) return 0;
  return poll(fds, (nfds_t)tally->subscribers, SILENCE_MS) == 0;
}

static void subscribe(struct tally *tally, const char *endpoint, const char *shared) {
  zpat_subscriber_t **all = allocate((size_t)tally->subscribers * sizeof *all);
  struct pollfd *fds = allocate((size_t)tally->subscribers * sizeof *fds);
  zpat_context_t *context = NULL;
  check(zpat_context_open(NULL, &context));
  zpat_subscriber_options_t options = ZPAT_SUBSCRIBER_OPTIONS_INIT;
  options.shared = shared;
  zpat_subscription_options_t held = ZPAT_SUBSCRIPTION_OPTIONS_INIT;
  held.slow = ZPAT_SLOW_HOLD;
  for (long i = 0; i < tally->subscribers; i++) {
    uint32_t subscription;
    check(zpat_subscriber_connect(context, endpoint, &options, &all[i]));
    check(zpat_subscriber_subscribe(all[i], FAN_SUBJECT, strlen(FAN_SUBJECT), &held, &subscription));
    fds[i] = (struct pollfd){ check(zpat_subscriber_ready_fd(all[i])), POLLIN, POLLIN };
  }
  zpat_subscriber_events_t *events = NULL;
  while (tally->received < tally->wanted) {
    int is_silent = tally->subscribers == 1 ? !take(tally, 0, all[0], SILENCE_MS, &events)
                                            : take_from_all(tally, all, fds, &events);
    if (is_silent && tally->received > 0) break;
  }
  struct moment end = moment_now();
  if (tally->received < tally->wanted) end.wall -= SILENCE_MS / 1e3;
  report(tally->received, tally->start, end, tally->latencies);
  zpat_subscriber_events_free(&events);
  for (long i = 0; i < tally->subscribers; i++) zpat_subscriber_close(&all[i]);
  zpat_context_close(&context);
  free(fds);
  free(all);
}

int fan(int argc, char **argv) {
  if (argc < 7 || argc > 8 || strcmp(argv[1], "zpatterns") != 0) return 2;
  const char *role = argv[2], *endpoint = argv[3], *shared = argc == 8 ? argv[7] : NULL;
  long count = number(argv[5], 1);
  struct tally tally = { .size = (size_t)number(argv[4], STAMP_BYTES), .subscribers = number(argv[6], 1) };
  if (!strcmp(role, "fan-publish") && shared == NULL) return fan_publish(endpoint, tally.size, count, tally.subscribers);
  tally.wanted = count * tally.subscribers;
  if (!strcmp(role, "fan-latency") && tally.subscribers == 1) {
    tally.latencies = allocate((size_t)count * sizeof *tally.latencies);
  } else if (strcmp(role, "fan-subscribe") != 0 || shared != NULL) {
    return 2;
  }
  tally.is_greeted = allocate((size_t)tally.subscribers);
  subscribe(&tally, endpoint, shared);
  free(tally.is_greeted);
  free(tally.latencies);
  return 0;
}
