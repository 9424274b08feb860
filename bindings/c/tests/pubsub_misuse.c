/* Wrong arguments of publish-subscribe are errors, options have ranges and exclude each other, older structures are
 * fine. */
#include "pubsub.h"

#define REFUSED(call) FAILS(ZPAT_E_INVALID_ARGUMENT, call)
/* An error that names the option. */
#define NAMED(call, name) FAILS_WITH(ZPAT_E_INVALID_ARGUMENT, call, name)

static void no_publisher(void) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_publisher_t *publisher = NULL;
  zpat_publisher_event_t *event = NULL;
  zpat_batch_t *batch = NULL;
  zpat_publisher_counters_t counters = ZPAT_PUBLISHER_COUNTERS_INIT;
  zpat_publisher_subscriber_t row = ZPAT_PUBLISHER_SUBSCRIBER_INIT;
  OK(zpat_batch_new(&batch));
  REFUSED(zpat_publisher_bind(NULL, ANYWHERE, NULL, &publisher));
  REFUSED(zpat_publisher_endpoint(NULL, endpoint, sizeof endpoint));
  REFUSED(zpat_publisher_shared_endpoint(NULL, endpoint, sizeof endpoint));
  REFUSED(zpat_publisher_plain_endpoint(NULL, endpoint, sizeof endpoint));
  REFUSED(zpat_publisher_publish(NULL, "x", NULL, 0, 0, NULL));
  REFUSED(zpat_publisher_publish_many(NULL, batch, 0, 0, NULL));
  REFUSED(zpat_publisher_next(NULL, 0, NULL, &event));
  REFUSED(zpat_publisher_admit(NULL, 1, "x", 1, NULL));
  REFUSED(zpat_publisher_refuse(NULL, 1, "x"));
  REFUSED(zpat_publisher_set_entitlements(NULL, NULL, 0));
  REFUSED(zpat_publisher_set_rules(NULL, "x", 1, NULL));
  REFUSED(zpat_publisher_open_plain(NULL, "x", 1, ANYWHERE, endpoint, sizeof endpoint));
  REFUSED(zpat_publisher_close_plain(NULL, ANYWHERE));
  REFUSED(zpat_publisher_expel(NULL, "x", 1, "x"));
  REFUSED(zpat_publisher_counters(NULL, &counters));
  REFUSED(zpat_publisher_subscribers(NULL, &row, 1));
  REFUSED(zpat_publisher_arm(NULL, ZPAT_RECV));
  REFUSED(zpat_publisher_ready_fd(NULL));
  REFUSED(zpat_publisher_set_hook(NULL, NULL, NULL));
  REFUSED(zpat_publisher_event_kind(NULL));
  REFUSED(zpat_publisher_event_credential(NULL));
  CHECK(zpat_publisher_event_ask(NULL) == 0 && zpat_publisher_event_identity(NULL).data == NULL);
  CHECK(zpat_publisher_event_user(NULL).data == NULL && zpat_publisher_event_credential_user(NULL).data == NULL);
  CHECK(zpat_publisher_event_secret(NULL).data == NULL);
  OK(zpat_publisher_event_free(NULL));
  OK(zpat_publisher_event_free(&event));
  OK(zpat_publisher_close(NULL, 0));
  OK(zpat_publisher_close(&publisher, 0));
  OK(zpat_batch_free(&batch));
  CHECK(publisher == NULL && event == NULL);
}

static void no_subscriber(void) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  uint32_t subscription = 0;
  zpat_subscriber_t *subscriber = NULL;
  zpat_subscriber_events_t *events = NULL;
  zpat_subscriber_event_t event = ZPAT_SUBSCRIBER_EVENT_INIT;
  zpat_subscriber_counters_t counters = ZPAT_SUBSCRIBER_COUNTERS_INIT;
  zpat_subscriber_view_t view = ZPAT_SUBSCRIBER_VIEW_INIT;
  REFUSED(zpat_subscriber_connect(NULL, "tcp://127.0.0.1:1", NULL, &subscriber));
  REFUSED(zpat_subscriber_endpoint(NULL, endpoint, sizeof endpoint));
  REFUSED(zpat_subscriber_subscribe(NULL, "x", 1, NULL, &subscription));
  REFUSED(zpat_subscriber_unsubscribe(NULL, 1));
  REFUSED(zpat_subscriber_recv(NULL, 1, 1, 0, NULL, &events));
  REFUSED(zpat_subscriber_counters(NULL, &counters));
  REFUSED(zpat_subscriber_views(NULL, &view, 1));
  REFUSED(zpat_subscriber_arm(NULL));
  REFUSED(zpat_subscriber_ready_fd(NULL));
  REFUSED(zpat_subscriber_set_hook(NULL, NULL, NULL));
  REFUSED(zpat_subscriber_events_get(NULL, 0, &event));
  CHECK(zpat_subscriber_events_count(NULL) == 0 && zpat_subscriber_events_frame(NULL, 0, 0).data == NULL);
  CHECK(zpat_subscriber_events_subject(NULL, 0).data == NULL && zpat_subscriber_events_stream(NULL, 0).data == NULL);
  CHECK(zpat_subscriber_events_text(NULL, 0).data == NULL);
  OK(zpat_subscriber_events_free(NULL));
  OK(zpat_subscriber_events_free(&events));
  OK(zpat_subscriber_close(NULL));
  OK(zpat_subscriber_close(&subscriber));
  CHECK(subscriber == NULL && events == NULL);
}

static void options_of_a_publisher(zpat_context_t *context) {
  zpat_publisher_t *publisher = NULL;
  zpat_publisher_options_t fresh = ZPAT_PUBLISHER_OPTIONS_INIT, options, written;
  zpat_stream_options_t kept = ZPAT_STREAM_OPTIONS_INIT, written_stream;
  const char *const wrong[] = { "x.y", "a..b" };
  zpat_stream_t twice[] = { { "a", NULL, 0, NULL }, { "a", NULL, 0, NULL } };
  char keys[2][ZPAT_CURVE_KEY_SIZE];
  OK(zpat_publisher_options_init(&written, sizeof written));
  CHECK(memcmp(&fresh, &written, sizeof fresh) == 0);
  OK(zpat_stream_options_init(&written_stream, sizeof written_stream));
  CHECK(memcmp(&kept, &written_stream, sizeof kept) == 0);
  REFUSED(zpat_publisher_options_init(NULL, sizeof written));
  REFUSED(zpat_publisher_options_init(&written, 5));
#define BIND() zpat_publisher_bind(context, ANYWHERE, &options, &publisher)
#define WRONG(option, value) (options = fresh, options.option = (value), NAMED(BIND(), #option))
  WRONG(struct_size, 5);
  WRONG(ask, -1);
  WRONG(news, 2);
  WRONG(heartbeat_limit, -1);
  WRONG(lease, -1);
  WRONG(lease, 100);
  WRONG(gather_us, -1);
  WRONG(max_subscribers, -1);
  WRONG(max_size, 0);
  WRONG(max_bytes, -1);
  WRONG(linger, -1);
  WRONG(plain_server, 2);
  options = fresh;
  options.heartbeat_interval = 0;
  NAMED(BIND(), "interval");
  options = fresh;
  options.streams_count = 1;
  NAMED(BIND(), "streams");
  options = fresh;
  options.streams = twice;
  options.streams_count = 2;
  NAMED(BIND(), "streams");
  twice[1].name = NULL;
  NAMED(BIND(), "streams 1");
  twice[1].name = "b";
  twice[1].subjects = wrong;
  twice[1].subjects_count = 2;
  NAMED(BIND(), "subjects, index 1");
  twice[1].subjects_count = 1;
  twice[1].options = &kept;
  kept.history = -1;
  NAMED(BIND(), "history");
  kept.history = 0;
  kept.is_public = 2;
  NAMED(BIND(), "is_public");
  options = fresh;
  options.entitlements = (zpat_slice_t){ NULL, 1 };
  REFUSED(BIND());
  options.entitlements = zpat_slice_text("nonsense = 1\n");
  NAMED(BIND(), "line 1");
  options.entitlements = zpat_slice_text("user\n    alice\n");
  options.ask = 1000;
  NAMED(BIND(), "ask");
  OK(zpat_curve_keypair(keys[0], keys[1]));
  options = fresh;
  options.curve_secret_key = keys[1];
  options.plain_server = 1;
  NAMED(BIND(), "plain_server");
  options = fresh;
  options.shared = "nowhere";
  FAILS(ZPAT_E_INVALID_ENDPOINT, BIND());
  options.shared = NULL;
  options.plain = "nowhere";
  FAILS(ZPAT_E_INVALID_ENDPOINT, BIND());
  options.plain = "\xff";
  FAILS(ZPAT_E_INVALID_TEXT, BIND());
  FAILS(ZPAT_E_INVALID_ENDPOINT, zpat_publisher_bind(context, "nowhere", NULL, &publisher));
  REFUSED(zpat_publisher_bind(context, NULL, NULL, &publisher));
  REFUSED(zpat_publisher_bind(context, ANYWHERE, NULL, NULL));
  CHECK(publisher == NULL);
#undef WRONG
#undef BIND
}

static void options_of_a_subscriber(zpat_context_t *context) {
  zpat_subscriber_t *subscriber = NULL;
  zpat_subscriber_options_t fresh = ZPAT_SUBSCRIBER_OPTIONS_INIT, options, written;
  zpat_slice_t text = zpat_slice_text("x");
  char keys[2][ZPAT_CURVE_KEY_SIZE], name[202];
  OK(zpat_subscriber_options_init(&written, sizeof written));
  CHECK(memcmp(&fresh, &written, sizeof fresh) == 0);
  memset(name, 'x', sizeof name - 1), name[sizeof name - 1] = 0;
  OK(zpat_curve_keypair(keys[0], keys[1]));
#define CONNECT() zpat_subscriber_connect(context, "tcp://127.0.0.1:1", &options, &subscriber)
#define WRONG(option, value) (options = fresh, options.option = (value), NAMED(CONNECT(), #option))
  WRONG(struct_size, sizeof options + 8);
  WRONG(name, "");
  WRONG(name, name);
  WRONG(keep, -1);
  WRONG(user, text);
  WRONG(max_messages, -1);
  WRONG(max_messages, 0);
  WRONG(max_bytes, INT64_MAX);
  WRONG(snail_max_lag, -1);
  WRONG(snail_max_age, -1);
  WRONG(curve_server_key, keys[0]);
  WRONG(plain_username, "x");
  options = fresh;
  options.password = text;
  NAMED(CONNECT(), "user");
  options.user = text;
  options.token = text;
  NAMED(CONNECT(), "token");
  options = fresh;
  options.user = text;
  options.token = text;
  NAMED(CONNECT(), "user");
  options = fresh;
  options.curve_server_key = options.curve_public_key = keys[0];
  options.curve_secret_key = keys[1];
  options.plain_username = options.plain_password = "x";
  NAMED(CONNECT(), "plain_username");
  options = fresh;
  options.endpoint = "nowhere";
  FAILS(ZPAT_E_INVALID_ENDPOINT, CONNECT());
  options.endpoint = NULL;
  options.shared = "nowhere";
  FAILS(ZPAT_E_INVALID_ENDPOINT, CONNECT());
  REFUSED(zpat_subscriber_connect(context, NULL, NULL, &subscriber));
  REFUSED(zpat_subscriber_connect(context, ANYWHERE, NULL, NULL));
  CHECK(subscriber == NULL);
#undef WRONG
#undef CONNECT
}

static void options_of_a_subscription(zpat_subscriber_t *subscriber) {
  zpat_subscription_options_t fresh = ZPAT_SUBSCRIPTION_OPTIONS_INIT, options, written;
  uint32_t subscription = 7;
  char text[256];
  memset(text, 'x', sizeof text);
  OK(zpat_subscription_options_init(&written, sizeof written));
  CHECK(memcmp(&fresh, &written, sizeof fresh) == 0);
#define SUBSCRIBE() zpat_subscriber_subscribe(subscriber, "x", 1, &options, &subscription)
#define WRONG(option, value) (options = fresh, options.option = (value), NAMED(SUBSCRIBE(), #option))
  WRONG(struct_size, 5);
  WRONG(is_prefix, 2);
  WRONG(start, -1);
  WRONG(start, 3);
  WRONG(last, -1);
  WRONG(slow, -1);
  WRONG(slow, 4);
  WRONG(max_messages, -1);
  WRONG(max_messages, (int64_t)UINT32_MAX + 1);
  WRONG(max_bytes, -1);
  WRONG(shared, 2);
  options = fresh;
  options.max_messages = 0;
  REFUSED(SUBSCRIBE());
  options = fresh;
  options.is_prefix = 1;
  REFUSED(zpat_subscriber_subscribe(subscriber, text, sizeof text, &options, &subscription));
  REFUSED(zpat_subscriber_subscribe(subscriber, "a..b", 4, NULL, &subscription));
  REFUSED(zpat_subscriber_subscribe(subscriber, NULL, 0, NULL, &subscription));
  REFUSED(zpat_subscriber_subscribe(subscriber, NULL, 1, NULL, &subscription));
  REFUSED(zpat_subscriber_subscribe(subscriber, "x", 1, NULL, NULL));
  CHECK(subscription == 7);
  OK(zpat_subscriber_unsubscribe(subscriber, 99));
  /* A program of an older header, which knows of nothing behind `start`. */
  options = fresh;
  options.struct_size = offsetof(zpat_subscription_options_t, last);
  options.slow = -1;
  OK(SUBSCRIBE());
  CHECK(subscription == 1);
#undef WRONG
#undef SUBSCRIBE
}

static void calls(zpat_publisher_t *publisher, zpat_subscriber_t *subscriber) {
  zpat_batch_t *batch = NULL;
  zpat_rules_t rules = ZPAT_RULES_INIT;
  const char *const wrong[] = { "a..b" };
  static char large[17 << 20];
  zpat_slice_t frames[256] = { { large, sizeof large } };
  zpat_publisher_counters_t counters = ZPAT_PUBLISHER_COUNTERS_INIT;
  zpat_subscriber_counters_t got = ZPAT_SUBSCRIBER_COUNTERS_INIT;
  zpat_publisher_subscriber_t row = ZPAT_PUBLISHER_SUBSCRIBER_INIT;
  REFUSED(zpat_publisher_publish(publisher, NULL, NULL, 0, 0, NULL));
  REFUSED(zpat_publisher_publish(publisher, "", NULL, 0, 0, NULL));
  REFUSED(zpat_publisher_publish(publisher, "a.*", NULL, 0, 0, NULL));
  REFUSED(zpat_publisher_publish(publisher, "x", NULL, 1, 0, NULL));
  REFUSED(zpat_publisher_publish(publisher, "x", NULL, 0, -2, NULL));
  FAILS(ZPAT_E_TOO_LARGE, zpat_publisher_publish(publisher, "x", frames, 1, 0, NULL));
  frames[0].len = 0;
  FAILS(ZPAT_E_TOO_LARGE, zpat_publisher_publish(publisher, "x", frames, 256, 0, NULL));
  FAILS(ZPAT_E_NOT_FOUND, zpat_publisher_publish(publisher, "other", NULL, 0, 0, NULL));

  /* What is wrong with the next, the next call says. */
  OK(zpat_batch_new(&batch));
  CHECK(OK(zpat_publisher_publish_many(publisher, batch, 0, 0, NULL)) == 0);
  for (int i = 0; i < 2; i++) OK(zpat_batch_add(batch, "x", 1));
  OK(zpat_batch_add(batch, "a.*", 3));
  OK(zpat_batch_add(batch, "other", 5));
  CHECK(OK(zpat_publisher_publish_many(publisher, batch, 0, LONG, NULL)) == 2);
  REFUSED(zpat_publisher_publish_many(publisher, batch, 2, LONG, NULL));
  FAILS(ZPAT_E_NOT_FOUND, zpat_publisher_publish_many(publisher, batch, 3, LONG, NULL));
  REFUSED(zpat_publisher_publish_many(publisher, NULL, 0, 0, NULL));
  OK(zpat_batch_free(&batch));

  REFUSED(zpat_publisher_next(publisher, 0, NULL, NULL));
  REFUSED(zpat_publisher_arm(publisher, 4));
  REFUSED(zpat_publisher_admit(publisher, 1, NULL, 1, NULL));
  REFUSED(zpat_publisher_refuse(publisher, 1, NULL));
  REFUSED(zpat_publisher_set_rules(publisher, NULL, 1, NULL));
  REFUSED(zpat_publisher_expel(publisher, "x", 1, NULL));
  rules.allow_count = 1;
  NAMED(zpat_publisher_set_rules(publisher, "x", 1, &rules), "allow");
  rules.allow_count = 0;
  rules.deny = wrong;
  rules.deny_count = 1;
  NAMED(zpat_publisher_admit(publisher, 1, "x", 1, &rules), "deny, index 0");
  rules.struct_size = 5;
  NAMED(zpat_publisher_set_rules(publisher, "x", 1, &rules), "struct_size");
  OK(zpat_publisher_admit(publisher, 99, "x", 1, NULL));
  OK(zpat_publisher_expel(publisher, "nobody", 6, "enough"));
  REFUSED(zpat_publisher_counters(publisher, NULL));
  counters.struct_size = 5;
  REFUSED(zpat_publisher_counters(publisher, &counters));
  REFUSED(zpat_publisher_subscribers(publisher, NULL, 1));
  row.struct_size = 5;
  REFUSED(zpat_publisher_subscribers(publisher, &row, 1));

  REFUSED(zpat_subscriber_recv(subscriber, 1, 1, 0, NULL, NULL));
  REFUSED(zpat_subscriber_counters(subscriber, NULL));
  got.struct_size = 5;
  REFUSED(zpat_subscriber_counters(subscriber, &got));
  REFUSED(zpat_subscriber_views(subscriber, NULL, 1));
}

static void events_of(zpat_subscriber_t *subscriber) {
  zpat_subscriber_events_t *events = NULL;
  zpat_subscriber_event_t event = ZPAT_SUBSCRIBER_EVENT_INIT;
  next(subscriber, &events, ZPAT_SUBSCRIBER_CONNECTED);
  REFUSED(zpat_subscriber_events_get(events, 0, NULL));
  event.struct_size = 5;
  REFUSED(zpat_subscriber_events_get(events, 0, &event));
  CHECK(zpat_subscriber_events_subject(events, 0).data == NULL);
  CHECK(zpat_subscriber_events_stream(events, 0).data == NULL);
  CHECK(zpat_subscriber_events_frame(events, 0, 0).data == NULL);
  OK(zpat_subscriber_events_free(&events));
  CHECK(strcmp(zpat_lost_reason_name(ZPAT_PUBSUB_LOST_REVOKED), "revoked") == 0);
  CHECK(strcmp(zpat_lost_reason_name(5), "unknown") == 0 && strcmp(zpat_lost_reason_name(-1), "unknown") == 0);
}

int main(void) {
  const char *const only[] = { "x" };
  zpat_stream_t one[] = { { "one", only, 1, NULL } };
  zpat_publisher_options_t options = ZPAT_PUBLISHER_OPTIONS_INIT;
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_context_t *context = open_context();
  no_publisher();
  no_subscriber();
  options_of_a_publisher(context);
  options_of_a_subscriber(context);
  options.streams = one;
  options.streams_count = 1;
  zpat_publisher_t *publisher = open_publisher(context, &options, endpoint);
  zpat_subscriber_t *subscriber = open_subscriber(context, endpoint, NULL);
  events_of(subscriber);
  calls(publisher, subscriber);
  options_of_a_subscription(subscriber);
  OK(zpat_subscriber_close(&subscriber));
  OK(zpat_publisher_close(&publisher, 0));
  OK(zpat_context_close(&context));
  return 0;
}
