/* Fan-out in C: subscribers to what the driver in Rust publishes, all of them in this process.
 *
 *     driver zpatterns fan-subscribe ENDPOINT SIZE COUNT SUBSCRIBERS
 *
 * It prints `ready` when all have heard a greeting, which is shorter than a message that counts. It ends after COUNT messages of
 * SIZE bytes for each of them, or when after the first nothing came for a second.
 */
#include "driver.h"

#include <poll.h>
#include <string.h>

enum { SILENCE_MS = 1000, RECV_EVENTS = 1024, RECV_BYTES = 1 << 20 };
static const char subject[] = "bench";

/* What all of them heard. */
struct tally {
  size_t size;
  long received, wanted, subscribers, greeted;
  char *is_greeted;
  struct moment start;
};

static void hear(struct tally *tally, long at, const zpat_subscriber_events_t *events, int count) {
  for (int i = 0; i < count; i++) {
    zpat_slice_t frame = zpat_subscriber_events_frame(events, (size_t)i, 0);
    if (frame.data == NULL) continue;
    if (frame.len == tally->size) {
      if (tally->received++ == 0) tally->start = moment_now();
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

int fan(int argc, char **argv) {
  if (argc != 7 || strcmp(argv[1], "zpatterns") != 0 || strcmp(argv[2], "fan-subscribe") != 0) return 2;
  struct tally tally = { .size = (size_t)number(argv[4], 2), .subscribers = number(argv[6], 1) };
  tally.wanted = number(argv[5], 1) * tally.subscribers;
  tally.is_greeted = allocate((size_t)tally.subscribers);
  zpat_subscriber_t **all = allocate((size_t)tally.subscribers * sizeof *all);
  struct pollfd *fds = allocate((size_t)tally.subscribers * sizeof *fds);
  zpat_context_t *context = NULL;
  check(zpat_context_open(NULL, &context));
  zpat_subscription_options_t options = ZPAT_SUBSCRIPTION_OPTIONS_INIT;
  options.slow = ZPAT_SLOW_HOLD;
  for (long i = 0; i < tally.subscribers; i++) {
    uint32_t subscription;
    check(zpat_subscriber_connect(context, argv[3], NULL, &all[i]));
    check(zpat_subscriber_subscribe(all[i], subject, strlen(subject), &options, &subscription));
    fds[i] = (struct pollfd){ check(zpat_subscriber_ready_fd(all[i])), POLLIN, POLLIN };
  }
  zpat_subscriber_events_t *events = NULL;
  while (tally.received < tally.wanted) {
    int is_silent = tally.subscribers == 1 ? !take(&tally, 0, all[0], SILENCE_MS, &events)
                                           : take_from_all(&tally, all, fds, &events);
    if (is_silent && tally.received > 0) break;
  }
  struct moment end = moment_now();
  if (tally.received < tally.wanted) end.wall -= SILENCE_MS / 1e3;
  report(tally.received, tally.start, end, NULL);
  zpat_subscriber_events_free(&events);
  for (long i = 0; i < tally.subscribers; i++) zpat_subscriber_close(&all[i]);
  zpat_context_close(&context);
  free(fds);
  free(all);
  free(tally.is_greeted);
  return 0;
}
