/* Publish-subscribe: every path, who is slow, who comes late, and what there is to see. */
#include "pubsub.h"

struct writer {
  zpat_publisher_t *publisher;
  const char *subject;
  int count;
};

static void *write_all(void *user) {
  struct writer *writer = user;
  publish(writer->publisher, writer->subject, 0, writer->count - 1);
  return NULL;
}

/* All of it arrives in order, while it is published. */
static void over(zpat_context_t *context, zpat_publisher_t *publisher, const char *endpoint, const char *subject,
                 const zpat_subscriber_options_t *options, int is_shared) {
  zpat_subscription_options_t waits = hold(500);
  zpat_subscriber_counters_t counters = ZPAT_SUBSCRIBER_COUNTERS_INIT;
  zpat_subscriber_view_t views[2] = { ZPAT_SUBSCRIBER_VIEW_INIT };
  struct writer writer = { publisher, subject, 5000 };
  char own[ZPAT_ENDPOINT_SIZE];
  pthread_t thread;
  zpat_subscriber_t *subscriber = open_subscriber(context, endpoint, options);
  if (options) CHECK(OK(zpat_subscriber_endpoint(subscriber, own, sizeof own)) == 0 && strcmp(own, ANYWHERE) != 0);
  else FAILS(ZPAT_E_NOT_FOUND, zpat_subscriber_endpoint(subscriber, own, sizeof own));
  uint32_t subscription = subscribe(subscriber, subject, &waits);
  CHECK(pthread_create(&thread, NULL, write_all, &writer) == 0);
  hear(subscriber, subject, 0, writer.count - 1);
  CHECK(pthread_join(thread, NULL) == 0);
  OK(zpat_subscriber_counters(subscriber, &counters));
  CHECK(counters.delivered == (uint64_t)writer.count && counters.missed == 0 && counters.restarts == 0);
  /* What is asked for may be of both streams, as far as anybody knows. */
  int count = (int)OK(zpat_subscriber_views(subscriber, views, 2));
  CHECK(count == (is_shared ? 2 : 1) && OK(zpat_subscriber_views(subscriber, NULL, 0)) == count);
  CHECK(views->subscription == subscription && views->shared == is_shared && views->last >= (uint64_t)writer.count);
  CHECK(strcmp(views->stream, is_shared ? "news" : "rest") == 0 && views->stream_len == 4);
  OK(zpat_subscriber_close(&subscriber));
  CHECK(subscriber == NULL);
  OK(zpat_subscriber_close(&subscriber));
}

static void every_path(zpat_context_t *context) {
  zpat_publisher_options_t options = with_streams();
  zpat_subscriber_options_t own = ZPAT_SUBSCRIBER_OPTIONS_INIT;
  char endpoint[ZPAT_ENDPOINT_SIZE], shared[ZPAT_ENDPOINT_SIZE];
  zpat_publisher_t *publisher = open_publisher(context, &options, endpoint);
  OK(zpat_publisher_shared_endpoint(publisher, shared, sizeof shared));
  CHECK(strncmp(shared, "tcp://", 6) == 0 && strcmp(shared, endpoint) != 0);
  FAILS(ZPAT_E_NOT_FOUND, zpat_publisher_plain_endpoint(publisher, shared, sizeof shared));
  FAILS(ZPAT_E_TOO_LARGE, zpat_publisher_endpoint(publisher, shared, 3));
  own.endpoint = ANYWHERE;
  over(context, publisher, endpoint, "news.a", NULL, 1);
  over(context, publisher, endpoint, "x.y", NULL, 0);
  over(context, publisher, endpoint, "x.y", &own, 0);
  CHECK(counted(publisher).published == 15000);
  OK(zpat_publisher_close(&publisher, LONG));
  CHECK(publisher == NULL);
  OK(zpat_publisher_close(&publisher, -1));
}

static void what_is_published_comes_whole(zpat_context_t *context) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_subscriber_events_t *events = NULL;
  zpat_subscriber_event_t event;
  zpat_subscription_options_t prefix = ZPAT_SUBSCRIPTION_OPTIONS_INIT;
  zpat_publisher_subscriber_t row = ZPAT_PUBLISHER_SUBSCRIBER_INIT;
  zpat_subscriber_options_t named = ZPAT_SUBSCRIBER_OPTIONS_INIT;
  zpat_publisher_t *publisher = open_publisher(context, NULL, endpoint);
  named.name = "alice";
  zpat_subscriber_t *subscriber = open_subscriber(context, endpoint, &named);
  next(subscriber, &events, ZPAT_SUBSCRIBER_CONNECTED);
  prefix.is_prefix = 1;
  uint32_t subscription = subscribe(subscriber, "x.", &prefix);
  zpat_slice_t frames[] = { zpat_slice_text("hello"), zpat_slice_text(""), zpat_slice_text("all") };
  OK(zpat_publisher_publish(publisher, "y.z", frames, 3, LONG, NULL));
  OK(zpat_publisher_publish(publisher, "x.y", frames, 3, LONG, NULL));
  OK(zpat_publisher_publish(publisher, "x.z", NULL, 0, LONG, NULL));
  event = next(subscriber, &events, ZPAT_SUBSCRIBER_MESSAGE);
  CHECK(event.subscription == subscription && event.number == 2 && event.frames == 3 && event.error == 0);
  CHECK(is(zpat_subscriber_events_subject(events, 0), "x.y") && is(zpat_subscriber_events_stream(events, 0), "main"));
  for (size_t i = 0; i < 3; i++) CHECK(zpat_slice_equal(zpat_subscriber_events_frame(events, 0, i), frames[i]));
  CHECK(zpat_subscriber_events_frame(events, 0, 1).data != NULL);
  CHECK(zpat_subscriber_events_frame(events, 0, 3).data == NULL);
  CHECK(zpat_subscriber_events_frame(events, 1, 0).data == NULL && zpat_subscriber_events_text(events, 0).data == NULL);
  FAILS(ZPAT_E_NOT_FOUND, zpat_subscriber_events_get(events, 1, &event));
  CHECK(next(subscriber, &events, ZPAT_SUBSCRIBER_MESSAGE).frames == 0);
  FAILS(ZPAT_E_TIMEOUT, zpat_subscriber_recv(subscriber, 1, SIZE_MAX, 0, NULL, &events));
  CHECK(zpat_subscriber_events_count(events) == 0);

  CHECK(OK(zpat_publisher_subscribers(publisher, NULL, 0)) == 1);
  CHECK(OK(zpat_publisher_subscribers(publisher, &row, 1)) == 1);
  CHECK(strcmp(row.identity, "alice") == 0 && row.identity_len == 5 && row.user_len == 0 && row.connected == 1);
  CHECK(row.subscriptions == 1 && row.accepted == 2 && row.accepted == row.delivered + row.held);
  CHECK(counted(publisher).subscribers == 1 && counted(publisher).subscriptions == 1);

  OK(zpat_subscriber_unsubscribe(subscriber, subscription));
  while (counted(publisher).subscriptions > 0) usleep(1000);
  CHECK(counted(publisher).delivered == 2 && counted(publisher).lost_gone == 0);
  publish_text(publisher, "x.y", "nobody wants that");
  CHECK(subscribe(subscriber, "x.y", NULL) != subscription);
  publish_text(publisher, "x.y", "but this");
  hear_text(subscriber, "but this");
  want(subscriber, "x.y", NULL);
  CHECK(next(subscriber, &events, ZPAT_SUBSCRIBER_REJECTED).error == ZPAT_E_WRONG_STATE);
  OK(zpat_subscriber_events_free(&events));
  OK(zpat_subscriber_events_free(&events));
  OK(zpat_subscriber_close(&subscriber));
  OK(zpat_publisher_close(&publisher, 0));
}

/* Who drops is told what, in its place. */
static void slow_and_told(zpat_context_t *context) {
  enum { COUNT = 10000 };
  zpat_publisher_options_t options = with_streams();
  zpat_subscriber_options_t narrow = ZPAT_SUBSCRIBER_OPTIONS_INIT;
  zpat_subscription_options_t drop = ZPAT_SUBSCRIPTION_OPTIONS_INIT;
  zpat_subscriber_counters_t counters = ZPAT_SUBSCRIBER_COUNTERS_INIT;
  zpat_subscriber_event_t event = ZPAT_SUBSCRIBER_EVENT_INIT;
  zpat_subscriber_events_t *events = NULL;
  char endpoint[ZPAT_ENDPOINT_SIZE];
  uint64_t heard = 0, missed = 0, last = 0;
  zpat_publisher_t *publisher = open_publisher(context, &options, endpoint);
  narrow.max_messages = 100;
  drop.max_messages = 200;
  zpat_subscriber_t *subscriber = open_subscriber(context, endpoint, &narrow);
  uint32_t subscription = subscribe(subscriber, "x.>", &drop);
  publish(publisher, "x.y", 1, COUNT);
  while (last < COUNT) {
    long long count = OK(zpat_subscriber_recv(subscriber, 50, SIZE_MAX, LONG, NULL, &events));
    for (size_t i = 0; i < (size_t)count; i++) {
      OK(zpat_subscriber_events_get(events, i, &event));
      CHECK(event.subscription == subscription && is(zpat_subscriber_events_stream(events, i), "rest"));
      if (event.kind == ZPAT_SUBSCRIBER_MESSAGE) {
        CHECK(event.number == last + 1);
        heard++, last = event.number;
      } else {
        CHECK(event.kind == ZPAT_SUBSCRIBER_MISSED && event.first == last + 1);
        CHECK(event.reason == ZPAT_PUBSUB_LOST_SLOW && event.count == event.last - last);
        missed += event.count, last = event.last;
      }
    }
  }
  CHECK(heard + missed == COUNT && missed > 0 && heard >= 200);
  OK(zpat_subscriber_counters(subscriber, &counters));
  CHECK(counters.delivered == heard && counters.missed == missed);
  CHECK(counted(publisher).lost_slow == missed);
  OK(zpat_subscriber_events_free(&events));
  OK(zpat_subscriber_close(&subscriber));
  OK(zpat_publisher_close(&publisher, 0));
}

/* Who holds makes the publisher wait, who disconnects is sent away, and a snail dies. */
static void slow_and_waited_for(zpat_context_t *context) {
  zpat_publisher_options_t options = with_streams();
  zpat_subscription_options_t waits = hold(10);
  zpat_cancel_t *cancel = NULL;
  zpat_slice_t frame = zpat_slice_text("x");
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_publisher_t *publisher = open_publisher(context, &options, endpoint);
  zpat_subscriber_t *subscriber = open_subscriber(context, endpoint, NULL);
  subscribe(subscriber, "x.>", &waits);
  publish(publisher, "x.y", 1, 10);
  FAILS(ZPAT_E_TIMEOUT, zpat_publisher_publish(publisher, "x.y", &frame, 1, 0, NULL));
  FAILS(ZPAT_E_TIMEOUT, zpat_publisher_publish(publisher, "x.y", &frame, 1, 20, NULL));
  OK(zpat_cancel_open(&cancel));
  OK(zpat_cancel_fire(cancel));
  FAILS(ZPAT_E_CANCELLED, zpat_publisher_publish(publisher, "x.y", &frame, 1, -1, cancel));
  OK(zpat_cancel_close(&cancel));
  CHECK(counted(publisher).refused_full >= 2);
  hear(subscriber, "x.y", 1, 10);
  /* Who asks for more has taken what it had. */
  CHECK(OK(zpat_subscriber_arm(subscriber)) == 0);
  publish_text(publisher, "x.y", "there is room");
  hear_text(subscriber, "there is room");
  OK(zpat_subscriber_close(&subscriber));
  OK(zpat_publisher_close(&publisher, 0));
}

/* Nothing is received until the publisher and this subscriber have parted. */
static void ends_full(zpat_context_t *context, const zpat_subscriber_options_t *options, int64_t slow) {
  zpat_subscription_options_t wanted = ZPAT_SUBSCRIPTION_OPTIONS_INIT;
  zpat_subscriber_events_t *events = NULL;
  char endpoint[ZPAT_ENDPOINT_SIZE];
  int outcome;
  zpat_publisher_t *publisher = open_publisher(context, NULL, endpoint);
  zpat_subscriber_t *subscriber = open_subscriber(context, endpoint, options);
  wanted.slow = slow;
  if (slow == ZPAT_SLOW_DISCONNECT) wanted.max_messages = 10;
  subscribe(subscriber, "x.>", &wanted);
  publish(publisher, "x.y", 1, 1000);
  while (counted(publisher).subscribers > 0) usleep(1000);
  while ((outcome = zpat_subscriber_recv(subscriber, 1, SIZE_MAX, LONG, NULL, &events)) > 0) {}
  CHECK(outcome == ZPAT_E_FULL);
  FAILS(ZPAT_E_FULL, zpat_subscriber_recv(subscriber, 1, SIZE_MAX, LONG, NULL, &events));
  CHECK(zpat_subscriber_events_count(events) == 0);
  OK(zpat_subscriber_events_free(&events));
  OK(zpat_subscriber_close(&subscriber));
  OK(zpat_publisher_close(&publisher, 0));
}

static void slow_and_sent_away(zpat_context_t *context) {
  zpat_subscriber_options_t narrow = ZPAT_SUBSCRIBER_OPTIONS_INIT, snail = ZPAT_SUBSCRIBER_OPTIONS_INIT;
  narrow.max_messages = 10;
  ends_full(context, &narrow, ZPAT_SLOW_DISCONNECT);
  /* It looks at itself once in an interval. */
  snail.heartbeat_interval = 20;
  snail.heartbeat_limit = 100;
  snail.snail_max_lag = 100;
  ends_full(context, &snail, ZPAT_SLOW_DROP);
  snail.snail_max_lag = 0;
  snail.snail_max_age = 20;
  ends_full(context, &snail, ZPAT_SLOW_DROP);
}

static void late(zpat_context_t *context) {
  zpat_publisher_options_t options = with_streams();
  zpat_subscription_options_t wanted = ZPAT_SUBSCRIPTION_OPTIONS_INIT;
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_publisher_t *publisher = open_publisher(context, &options, endpoint);
  publish(publisher, "x.a", 1, 100);
  publish(publisher, "x.b", 1, 100);
  zpat_subscriber_t *subscriber = open_subscriber(context, endpoint, NULL);
  wanted.start = ZPAT_START_LAST_VALUES;
  subscribe(subscriber, "x.>", &wanted);
  hear(subscriber, "x.a", 100, 100);
  hear(subscriber, "x.b", 100, 100);
  wanted.start = ZPAT_START_LAST;
  wanted.last = 3;
  subscribe(subscriber, "x.b", &wanted);
  hear(subscriber, "x.b", 98, 100);
  OK(zpat_subscriber_close(&subscriber));
  OK(zpat_publisher_close(&publisher, 0));
}

/* Closing waits for those who are connected. */
static void lingers(zpat_context_t *context) {
  enum { COUNT = 5000 };
  zpat_publisher_options_t options = with_streams();
  zpat_subscription_options_t waits = hold(2 * COUNT);
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_publisher_t *publisher = open_publisher(context, &options, endpoint);
  zpat_subscriber_t *one = open_subscriber(context, endpoint, NULL), *other = open_subscriber(context, endpoint, NULL);
  subscribe(one, "x.>", &waits);
  subscribe(other, "news.>", &waits);
  publish(publisher, "x.y", 1, COUNT);
  publish(publisher, "news.y", 1, COUNT);
  OK(zpat_publisher_close(&publisher, LONG));
  hear(one, "x.y", 1, COUNT);
  hear(other, "news.y", 1, COUNT);
  OK(zpat_subscriber_close(&one));
  OK(zpat_subscriber_close(&other));
}

/* A plain SUB socket hears what is public: the subject, and the frames. */
static void plain(zpat_context_t *context) {
  zpat_publisher_options_t options = with_streams();
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_batch_t *message = NULL;
  zpat_slice_t frames[] = { zpat_slice_text("one"), zpat_slice_text("two") };
  options.plain = ANYWHERE;
  zpat_publisher_t *publisher = open_publisher(context, &options, endpoint);
  zpat_socket_t *socket = open_socket(context, ZPAT_SUB);
  OK(zpat_publisher_plain_endpoint(publisher, endpoint, sizeof endpoint));
  OK(zpat_socket_connect(socket, endpoint));
  OK(zpat_socket_subscribe(socket, "news.", 5));
  do {
    publish_text(publisher, "secret", "no");
    OK(zpat_publisher_publish(publisher, "news.a", frames, 2, LONG, NULL));
  } while (zpat_socket_recv(socket, 20, NULL, &message) < 0);
  CHECK(zpat_batch_frame_count(message, 0) == 3 && frame_is(message, 0, 0, "news.a"));
  CHECK(frame_is(message, 0, 1, "one") && frame_is(message, 0, 2, "two"));
  OK(zpat_batch_free(&message));
  OK(zpat_socket_close(&socket, 0));
  OK(zpat_publisher_close(&publisher, 0));
}

/* Another publisher at the same endpoint is told; what it publishes, from its first on, is heard as before. */
static void restarted(zpat_context_t *context) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_subscriber_counters_t counters = ZPAT_SUBSCRIBER_COUNTERS_INIT;
  zpat_subscriber_events_t *events = NULL;
  zpat_subscriber_event_t event;
  zpat_publisher_t *publisher = open_publisher(context, NULL, endpoint);
  zpat_subscriber_t *subscriber = open_subscriber(context, endpoint, NULL);
  uint32_t subscription = subscribe(subscriber, "x", NULL);
  OK(zpat_publisher_close(&publisher, 0));
  while (zpat_publisher_bind(context, endpoint, NULL, &publisher) == ZPAT_E_ADDRESS_IN_USE) usleep(1000);
  publish_text(publisher, "x", "anew");
  next(subscriber, &events, ZPAT_SUBSCRIBER_RESTARTED);
  event = next(subscriber, &events, ZPAT_SUBSCRIBER_MESSAGE);
  CHECK(event.subscription == subscription && event.number == 1);
  OK(zpat_subscriber_counters(subscriber, &counters));
  CHECK(counters.restarts == 1);
  OK(zpat_subscriber_events_free(&events));
  OK(zpat_subscriber_close(&subscriber));
  OK(zpat_publisher_close(&publisher, 0));
}

int main(void) {
  zpat_context_t *context = open_context();
  every_path(context);
  what_is_published_comes_whole(context);
  slow_and_told(context);
  slow_and_waited_for(context);
  slow_and_sent_away(context);
  late(context);
  lingers(context);
  plain(context);
  restarted(context);
  OK(zpat_context_close(&context));
  return 0;
}
