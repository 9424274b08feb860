/* Publish-subscribe in the peer: publishers. Subscribers have a file of their own.
 *
 * With --async nothing waits in the library: what does not go at once is tried again after a notice. */
#include "pubsub_options.h"

static zpat_publisher_t *publisher_of(char **rest) {
  struct slot *slot = find(next(rest));
  return slot ? slot->publisher : NULL;
}

static int do_publisher(char **rest) {
  struct publishing publishing;
  zpat_publisher_t *publisher = NULL;
  char bound[ZPAT_ENDPOINT_SIZE];
  struct slot *slot = make(next(rest));
  const char *endpoint = next(rest);
  int outcome = slot ? read_publishing(rest, &publishing) : ZPAT_E_TOO_MANY_OPEN;
  if (outcome >= 0) outcome = zpat_publisher_bind(context, endpoint, &publishing.options, &publisher);
  if (outcome < 0) return outcome;
  zpat_publisher_close(&slot->publisher, 0);
  slot->publisher = publisher;
  return print_word(zpat_publisher_endpoint(publisher, bound, sizeof bound), bound);
}

static int do_plain_endpoint(char **rest) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  return print_word(zpat_publisher_plain_endpoint(publisher_of(rest), endpoint, sizeof endpoint), endpoint);
}

static int do_open_plain(char **rest) {
  zpat_publisher_t *publisher = publisher_of(rest);
  zpat_slice_t user = unhex(next(rest));
  char bound[ZPAT_ENDPOINT_SIZE];
  int outcome = zpat_publisher_open_plain(publisher, user.data, user.len, next(rest), bound, sizeof bound);
  return print_word(outcome, bound);
}

static int do_close_plain(char **rest) {
  zpat_publisher_t *publisher = publisher_of(rest);
  return zpat_publisher_close_plain(publisher, next(rest));
}

/* Waits until this publisher may have what is wanted; 0 or an error. */
static int await_publisher(const zpat_publisher_t *publisher, int interest, int64_t end) {
  return await_notice(zpat_publisher_arm(publisher, interest), zpat_publisher_ready_fd(publisher), end);
}

static int do_publish(char **rest) {
  zpat_publisher_t *publisher = publisher_of(rest);
  const char *subject = next(rest);
  int64_t end = now() + number(rest);
  zpat_slice_t frames[64];
  size_t count = next_frames(rest, frames);
  int outcome;
  while ((outcome = zpat_publisher_publish(publisher, subject, frames, count, is_async ? 0 : left(end), NULL)) ==
             ZPAT_E_TIMEOUT && is_async) {
    outcome = await_publisher(publisher, ZPAT_SEND, end);
    if (outcome < 0) break;
  }
  return outcome;
}

/* All of a batch; 0 or an error. */
static int publish_all(const zpat_publisher_t *publisher, const zpat_batch_t *messages, int64_t end) {
  size_t taken = 0, count = zpat_batch_count(messages);
  while (taken < count) {
    int outcome = zpat_publisher_publish_many(publisher, messages, taken, is_async ? 0 : left(end), NULL);
    if (outcome > 0) taken += (size_t)outcome;
    if (outcome == ZPAT_E_TIMEOUT && is_async) outcome = await_publisher(publisher, ZPAT_SEND, end);
    if (outcome < 0) return outcome;
  }
  return 0;
}

/* Some hundred at a time, so that there are several batches. */
static int do_publish_many(char **rest) {
  zpat_publisher_t *publisher = publisher_of(rest);
  zpat_slice_t subject = zpat_slice_text(next(rest));
  int64_t first = number(rest), last = number(rest), end = now() + number(rest);
  zpat_batch_t *messages = NULL;
  int outcome = zpat_batch_new(&messages);
  for (int64_t i = first; i <= last && outcome >= 0; i++) {
    char text[24];
    outcome = zpat_batch_add_multipart(messages, (zpat_slice_t[]){ subject, decimal(i, text), body_of(i) }, 3);
    if (outcome < 0 || (i < last && zpat_batch_count(messages) < 300)) continue;
    outcome = publish_all(publisher, messages, end);
    zpat_batch_clear(messages);
  }
  zpat_batch_free(&messages);
  return outcome < 0 ? outcome : DONE;
}

static int do_publisher_event(char **rest) {
  static const char *const kinds[] = { "unknown", "asked", "joined", "left" };
  static const char *const credentials[] = { "none", "password", "token" };
  zpat_publisher_t *publisher = publisher_of(rest);
  int64_t end = now() + number(rest);
  zpat_publisher_event_t *event = NULL;
  int outcome;
  while ((outcome = zpat_publisher_next(publisher, is_async ? 0 : left(end), NULL, &event)) == ZPAT_E_TIMEOUT &&
         is_async) {
    outcome = await_publisher(publisher, ZPAT_RECV, end);
    if (outcome < 0) break;
  }
  if (outcome < 0) return outcome;
  int kind = zpat_publisher_event_kind(event);
  printf("ok kind=%s identity=", kinds[kind]);
  print_hex(zpat_publisher_event_identity(event));
  fputs(" user=", stdout);
  print_hex(zpat_publisher_event_user(event));
  if (kind == ZPAT_PUBLISHER_ASKED) {
    printf(" ask=%llu credential=%s credential_user=", (unsigned long long)zpat_publisher_event_ask(event),
           credentials[zpat_publisher_event_credential(event)]);
    print_hex(zpat_publisher_event_credential_user(event));
    fputs(" secret=", stdout);
    print_hex(zpat_publisher_event_secret(event));
  }
  putchar('\n');
  zpat_publisher_event_free(&event);
  return ANSWERED;
}

static int do_admit(char **rest) {
  zpat_publisher_t *publisher = publisher_of(rest);
  uint64_t ask = (uint64_t)number(rest);
  zpat_slice_t user = unhex(next(rest));
  zpat_rules_t rules = ZPAT_RULES_INIT;
  const char *patterns[2];
  int outcome = read_rules(rest, &rules, patterns);
  return outcome < 0 ? outcome : zpat_publisher_admit(publisher, ask, user.data, user.len, &rules);
}

static int do_refuse(char **rest) {
  zpat_publisher_t *publisher = publisher_of(rest);
  uint64_t ask = (uint64_t)number(rest);
  return zpat_publisher_refuse(publisher, ask, unhex(next(rest)).data);
}

static int do_entitle(char **rest) {
  zpat_publisher_t *publisher = publisher_of(rest);
  zpat_slice_t text = unhex(next(rest));
  return zpat_publisher_set_entitlements(publisher, text.data, text.len);
}

static int do_set_rules(char **rest) {
  zpat_publisher_t *publisher = publisher_of(rest);
  zpat_slice_t user = unhex(next(rest));
  zpat_rules_t rules = ZPAT_RULES_INIT;
  const char *patterns[2];
  int outcome = read_rules(rest, &rules, patterns);
  return outcome < 0 ? outcome : zpat_publisher_set_rules(publisher, user.data, user.len, &rules);
}

static int do_expel(char **rest) {
  zpat_publisher_t *publisher = publisher_of(rest);
  zpat_slice_t identity = unhex(next(rest));
  return zpat_publisher_expel(publisher, identity.data, identity.len, unhex(next(rest)).data);
}

static int do_publisher_counters(char **rest) {
  zpat_publisher_counters_t counters = ZPAT_PUBLISHER_COUNTERS_INIT;
  int outcome = zpat_publisher_counters(publisher_of(rest), &counters);
  if (outcome < 0) return outcome;
  fputs("ok", stdout);
  PUBLISHER_COUNTERS(PRINT)
  putchar('\n');
  return ANSWERED;
}

static int do_subscribers(char **rest) {
  zpat_publisher_subscriber_t rows[SLOTS] = { ZPAT_PUBLISHER_SUBSCRIBER_INIT };
  unsigned long long connected = 0, accepted = 0, delivered = 0, lost = 0, held = 0;
  int count = zpat_publisher_subscribers(publisher_of(rest), rows, SLOTS);
  if (count < 0) return count;
  for (int i = 0; i < count && i < SLOTS; i++) {
#define ADD(reason) lost += rows[i].reason;
    LOST(ADD)
#undef ADD
    connected += rows[i].connected != 0, accepted += rows[i].accepted;
    delivered += rows[i].delivered, held += rows[i].held;
  }
  printf("ok number=%d connected=%llu accepted=%llu delivered=%llu lost=%llu held=%llu\n", count, connected, accepted,
         delivered, lost, held);
  return ANSWERED;
}

static int do_publisher_close(char **rest) {
  struct slot *slot = find(next(rest));
  return slot ? zpat_publisher_close(&slot->publisher, number(rest)) : ZPAT_E_INVALID_ARGUMENT;
}
