/* What the tests of pubsub share. */
#ifndef PUBSUB_H
#define PUBSUB_H

#include "loops.h"

#define ANYWHERE "tcp://127.0.0.1:0"

/* A public stream of news, and everything else. */
static const char *const news_subjects[] = { "news.>" };
static const zpat_stream_options_t news_options = {
  .struct_size = sizeof(zpat_stream_options_t), .is_public = 1, .history = 10000, .history_bytes = 64 << 20,
  .history_age = 3600000, .last_values = 10000,
};
static const zpat_stream_t streams[] = { { "news", news_subjects, 1, &news_options }, { "rest", NULL, 0, NULL } };

static inline zpat_publisher_options_t with_streams(void) {
  zpat_publisher_options_t options = ZPAT_PUBLISHER_OPTIONS_INIT;
  options.streams = streams;
  options.streams_count = 2;
  options.shared = ANYWHERE;
  return options;
}

/* A publisher, and where it is. */
static inline zpat_publisher_t *open_publisher(zpat_context_t *context, const zpat_publisher_options_t *options,
                                               char endpoint[ZPAT_ENDPOINT_SIZE]) {
  zpat_publisher_t *publisher = NULL;
  OK(zpat_publisher_bind(context, ANYWHERE, options, &publisher));
  OK(zpat_publisher_endpoint(publisher, endpoint, ZPAT_ENDPOINT_SIZE));
  return publisher;
}

static inline zpat_subscriber_t *open_subscriber(zpat_context_t *context, const char *endpoint,
                                                 const zpat_subscriber_options_t *options) {
  zpat_subscriber_t *subscriber = NULL;
  OK(zpat_subscriber_connect(context, endpoint, options, &subscriber));
  return subscriber;
}

/* The next event; connections may be made anew before it. */
static inline zpat_subscriber_event_t next(zpat_subscriber_t *subscriber, zpat_subscriber_events_t **events, int kind) {
  zpat_subscriber_event_t event = ZPAT_SUBSCRIBER_EVENT_INIT;
  do {
    CHECK(OK(zpat_subscriber_recv(subscriber, 1, SIZE_MAX, LONG, NULL, events)) == 1);
    CHECK(zpat_subscriber_events_count(*events) == 1);
    OK(zpat_subscriber_events_get(*events, 0, &event));
  } while (event.kind == ZPAT_SUBSCRIBER_CONNECTED && kind != ZPAT_SUBSCRIBER_CONNECTED);
  if (event.kind != kind) fprintf(stderr, "%d came, not %d\n", (int)event.kind, kind);
  CHECK(event.kind == kind);
  return event;
}

static inline uint32_t want(zpat_subscriber_t *subscriber, const char *pattern,
                            const zpat_subscription_options_t *options) {
  uint32_t subscription = 0;
  OK(zpat_subscriber_subscribe(subscriber, pattern, strlen(pattern), options, &subscription));
  return subscription;
}

/* Subscribes, and waits until it is so. */
static inline uint32_t subscribe(zpat_subscriber_t *subscriber, const char *pattern,
                                 const zpat_subscription_options_t *options) {
  zpat_subscriber_events_t *events = NULL;
  uint32_t subscription = want(subscriber, pattern, options);
  CHECK(next(subscriber, &events, ZPAT_SUBSCRIBER_SUBSCRIBED).subscription == subscription);
  OK(zpat_subscriber_events_free(&events));
  return subscription;
}

static inline zpat_subscription_options_t hold(int64_t max_messages) {
  zpat_subscription_options_t options = ZPAT_SUBSCRIPTION_OPTIONS_INIT;
  options.slow = ZPAT_SLOW_HOLD;
  options.max_messages = max_messages;
  return options;
}

static inline void publish_text(zpat_publisher_t *publisher, const char *subject, const char *text) {
  zpat_slice_t frame = zpat_slice_text(text);
  OK(zpat_publisher_publish(publisher, subject, &frame, 1, LONG, NULL));
}

/* Messages `first` to `last`, each of its number as text. */
static inline void publish(zpat_publisher_t *publisher, const char *subject, int first, int last) {
  zpat_batch_t *batch = NULL;
  size_t count = (size_t)(last - first + 1), taken = 0;
  char text[16];
  OK(zpat_batch_new(&batch));
  for (int i = first; i <= last; i++) {
    snprintf(text, sizeof text, "%d", i);
    zpat_slice_t frames[] = { zpat_slice_text(subject), zpat_slice_text(text) };
    OK(zpat_batch_add_multipart(batch, frames, 2));
  }
  while (taken < count) taken += (size_t)OK(zpat_publisher_publish_many(publisher, batch, taken, LONG, NULL));
  OK(zpat_batch_free(&batch));
}

static inline int is(zpat_slice_t slice, const char *text) { return zpat_slice_equal(slice, zpat_slice_text(text)); }

/* Receives messages `first` to `last`, in order, and nothing else. */
static inline void hear(zpat_subscriber_t *subscriber, const char *subject, int first, int last) {
  zpat_subscriber_events_t *events = NULL;
  zpat_subscriber_event_t event = ZPAT_SUBSCRIBER_EVENT_INIT;
  char text[16];
  while (first <= last) {
    size_t count = (size_t)OK(
        zpat_subscriber_recv(subscriber, (size_t)(last - first + 1), SIZE_MAX, LONG, NULL, &events));
    CHECK(count > 0 && count == zpat_subscriber_events_count(events));
    for (size_t i = 0; i < count; i++) {
      OK(zpat_subscriber_events_get(events, i, &event));
      CHECK(event.kind == ZPAT_SUBSCRIBER_MESSAGE && event.frames == 1);
      CHECK(is(zpat_subscriber_events_subject(events, i), subject));
      snprintf(text, sizeof text, "%d", first++);
      CHECK(is(zpat_subscriber_events_frame(events, i, 0), text));
    }
  }
  OK(zpat_subscriber_events_free(&events));
}

static inline void hear_text(zpat_subscriber_t *subscriber, const char *text) {
  zpat_subscriber_events_t *events = NULL;
  CHECK(next(subscriber, &events, ZPAT_SUBSCRIBER_MESSAGE).frames == 1);
  CHECK(is(zpat_subscriber_events_frame(events, 0, 0), text));
  OK(zpat_subscriber_events_free(&events));
}

static inline zpat_publisher_counters_t counted(zpat_publisher_t *publisher) {
  zpat_publisher_counters_t counters = ZPAT_PUBLISHER_COUNTERS_INIT;
  OK(zpat_publisher_counters(publisher, &counters));
  CHECK(counters.accepted == counters.delivered + counters.held + counters.lost_slow + counters.lost_history +
                                 counters.lost_revoked + counters.lost_gone + counters.lost_closed);
  return counters;
}

#endif
