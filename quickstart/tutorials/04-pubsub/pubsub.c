/* A ticker with two kinds of customers, who may see different things, and one of them is slow.
 *
 *     pubsub publish CUSTOMERS          publishes as soon as so many want to hear it
 *     pubsub gold ENDPOINT              may hear all, and is waited for
 *     pubsub basic ENDPOINT             may hear the euro, and is slow
 */
#include <unistd.h>

#include "../program.h"

static const char *const subjects[] = { "ticks.eur.usd", "ticks.eur.chf", "ticks.usd.jpy" };
static zpat_context_t *context;
static zpat_subscriber_events_t *events; /* made by the first receive, used again by the next, freed once */

/* region: rights */
static const char rights[] =
  "everyone\n"
  "    allow = end\n"
  "user\n"
  "    gold\n"
  "        password = \"nugget\"\n"
  "        allow = ticks.>\n"
  "    basic\n"
  "        password = \"pebble\"\n"
  "        allow = ticks.eur.*\n";
/* endregion: rights */

/* region: publish */
static zpat_publisher_counters_t counters_of(zpat_publisher_t *publisher) {
  zpat_publisher_counters_t counters = ZPAT_PUBLISHER_COUNTERS_INIT;
  check(zpat_publisher_counters(publisher, &counters));
  return counters;
}

static void publish_text(zpat_publisher_t *publisher, const char *subject, const char *text) {
  zpat_slice_t frame = zpat_slice_text(text);
  check(zpat_publisher_publish(publisher, subject, &frame, 1, -1, NULL));
}

static void wait_until_taken(zpat_publisher_t *publisher) {
  while (counters_of(publisher).held > 0) usleep(10000);
}

static void publish(uint64_t customers) {
  zpat_publisher_options_t options = ZPAT_PUBLISHER_OPTIONS_INIT;
  zpat_publisher_t *publisher = NULL;
  char endpoint[ZPAT_ENDPOINT_SIZE];
  options.entitlements = zpat_slice_text(rights);
  check(zpat_publisher_bind(context, "tcp://127.0.0.1:0", &options, &publisher));
  check(zpat_publisher_endpoint(publisher, endpoint, sizeof endpoint));
  printf("endpoint %s\n", endpoint);
  fflush(stdout);
  while (counters_of(publisher).subscriptions != 2 * customers) usleep(10000);
  for (int number = 0; number < 1000; number++) {
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    for (int pair = 0; pair < 3; pair++) publish_text(publisher, subjects[pair], text);
  }
  wait_until_taken(publisher);
  const char *end[] = { "end" };
  zpat_rules_t rules = ZPAT_RULES_INIT;
  rules.allow = end;
  rules.allow_count = 1;
  check(zpat_publisher_set_rules(publisher, "gold", 4, &rules)); /* from now on */
  publish_text(publisher, "ticks.usd.jpy", "nobody may hear this");
  publish_text(publisher, "end", "");
  wait_until_taken(publisher);
  zpat_publisher_counters_t counters = counters_of(publisher);
  uint64_t lost = counters.lost_slow + counters.lost_history + counters.lost_revoked + counters.lost_gone +
                  counters.lost_closed;
  if (counters.accepted != counters.delivered + lost) errx(1, "the books do not balance");
  zpat_publisher_close(&publisher, 10000);
  printf("%d ticks, and each was delivered or is told as missed\n", (int)counters.published - 1);
}
/* endregion: publish */

/* What was heard. */
struct heard {
  uint64_t count, missed;
  int pairs[3], ended;
};

static zpat_subscriber_t *connect_as(const char *user, const char *password, int64_t max_messages, const char *endpoint) {
  zpat_subscriber_options_t options = ZPAT_SUBSCRIBER_OPTIONS_INIT;
  zpat_subscriber_t *subscriber = NULL;
  options.user = zpat_slice_text(user);
  options.password = zpat_slice_text(password);
  options.max_messages = max_messages;
  check(zpat_subscriber_connect(context, endpoint, &options, &subscriber));
  return subscriber;
}

static uint32_t subscribe(zpat_subscriber_t *subscriber, const char *pattern, int64_t slow, int64_t max_messages) {
  zpat_subscription_options_t options = ZPAT_SUBSCRIPTION_OPTIONS_INIT;
  uint32_t subscription;
  options.slow = slow;
  options.max_messages = max_messages;
  check(zpat_subscriber_subscribe(subscriber, pattern, strlen(pattern), &options, &subscription));
  return subscription;
}

/* Waits for the next event. */
static zpat_subscriber_event_t receive(zpat_subscriber_t *subscriber) {
  zpat_subscriber_event_t event = ZPAT_SUBSCRIBER_EVENT_INIT;
  check(zpat_subscriber_recv(subscriber, 1, SIZE_MAX, -1, NULL, &events));
  check(zpat_subscriber_events_get(events, 0, &event));
  return event;
}

/* Counts what is heard; true if it is a tick. */
static int note(struct heard *heard, zpat_subscriber_event_t event, uint32_t end) {
  if (event.kind == ZPAT_SUBSCRIBER_MISSED) heard->missed += event.count;
  if (event.kind != ZPAT_SUBSCRIBER_MESSAGE) return 0;
  if (event.subscription == end) {
    heard->ended = 1;
    return 0;
  }
  for (int pair = 0; pair < 3; pair++)
    if (zpat_slice_equal(zpat_subscriber_events_subject(events, 0), zpat_slice_text(subjects[pair]))) heard->pairs[pair] = 1;
  heard->count++;
  return 1;
}

static const char *some(uint64_t count) { return count > 0 ? "some were" : "none was"; }

/* region: gold */
static void gold(const char *endpoint) {
  zpat_subscriber_t *subscriber = connect_as("gold", "nugget", 10000, endpoint);
  uint32_t ticks = subscribe(subscriber, "ticks.>", ZPAT_SLOW_HOLD, 100);
  uint32_t end = subscribe(subscriber, "end", ZPAT_SLOW_DROP, 100);
  struct heard heard = { 0, 0, { 0, 0, 0 }, 0 };
  int revoked = 0;
  while (!heard.ended || !revoked) {
    zpat_subscriber_event_t event = receive(subscriber);
    note(&heard, event, end);
    revoked |= event.kind == ZPAT_SUBSCRIBER_REJECTED && event.subscription == ticks;
  }
  zpat_subscriber_close(&subscriber);
  printf("%d ticks of %d pairs, %s missed\n", (int)heard.count, heard.pairs[0] + heard.pairs[1] + heard.pairs[2],
         some(heard.missed));
  printf("then its right was taken back\n");
}
/* endregion: gold */

/* region: basic */
static void basic(const char *endpoint) {
  zpat_subscriber_t *subscriber = connect_as("basic", "pebble", 10, endpoint);
  subscribe(subscriber, "ticks.>", ZPAT_SLOW_DROP, 10);
  uint32_t end = subscribe(subscriber, "end", ZPAT_SLOW_DROP, 100);
  struct heard heard = { 0, 0, { 0, 0, 0 }, 0 };
  while (!heard.ended || heard.count + heard.missed < 2000)
    if (note(&heard, receive(subscriber), end)) usleep(5000); /* much slower than the ticker */
  zpat_subscriber_close(&subscriber);
  printf("ticks of %d pairs, %s missed\n", heard.pairs[0] + heard.pairs[1] + heard.pairs[2], some(heard.missed));
  printf("heard and missed are %d together\n", (int)(heard.count + heard.missed));
}
/* endregion: basic */

int main(int argc, char **argv) {
  check(zpat_context_open(NULL, &context));
  if (argc == 3 && strcmp(argv[1], "publish") == 0) {
    publish((uint64_t)atoi(argv[2]));
  } else if (argc == 3 && strcmp(argv[1], "gold") == 0) {
    gold(argv[2]);
  } else if (argc == 3 && strcmp(argv[1], "basic") == 0) {
    basic(argv[2]);
  } else {
    errx(1, "usage: pubsub publish CUSTOMERS | gold ENDPOINT | basic ENDPOINT");
  }
  zpat_subscriber_events_free(&events);
  zpat_context_close(&context);
  return 0;
}
