/* Publish-subscribe in the peer: subscribers. */

/* How many views a stream of publications is followed in. */
enum { VIEWS = 16 };

/* What was heard last. */
static zpat_subscriber_events_t *listened;

/* What came of a stream, view by view: the number that is the next, 0 if that is open. */
struct told {
  long long messages, wrong, missed, unexplained, restarted, subscribed, rejected;
  struct {
    uint64_t subscription, next;
    char stream[ZPAT_PUBSUB_NAME_SIZE];
  } views[VIEWS];
};

static zpat_subscriber_t *subscriber_of(char **rest) {
  struct slot *slot = find(next(rest));
  return slot ? slot->subscriber : NULL;
}

static int do_subscriber(char **rest) {
  zpat_subscriber_options_t options = ZPAT_SUBSCRIBER_OPTIONS_INIT;
  zpat_subscriber_t *subscriber = NULL;
  char bound[ZPAT_ENDPOINT_SIZE] = "-";
  struct slot *slot = make(next(rest));
  const char *endpoint = next(rest);
  int outcome = slot ? read_subscriber_options(rest, &options) : ZPAT_E_TOO_MANY_OPEN;
  if (outcome >= 0) outcome = zpat_subscriber_connect(context, endpoint, &options, &subscriber);
  if (outcome < 0) return outcome;
  zpat_subscriber_close(&slot->subscriber);
  slot->subscriber = subscriber;
  outcome = zpat_subscriber_endpoint(subscriber, bound, sizeof bound);
  return print_word(outcome == ZPAT_E_NOT_FOUND ? 0 : outcome, bound);
}

static int do_want(char **rest) {
  zpat_subscriber_t *subscriber = subscriber_of(rest);
  zpat_slice_t criterion = unhex(next(rest));
  zpat_subscription_options_t options = ZPAT_SUBSCRIPTION_OPTIONS_INIT;
  uint32_t subscription = 0;
  int outcome = read_subscription_options(rest, &options);
  if (outcome >= 0)
    outcome = zpat_subscriber_subscribe(subscriber, criterion.data, criterion.len, &options, &subscription);
  return outcome < 0 ? outcome : print_number(subscription);
}

static int do_want_no_more(char **rest) {
  zpat_subscriber_t *subscriber = subscriber_of(rest);
  return zpat_subscriber_unsubscribe(subscriber, (uint32_t)number(rest));
}

/* Puts the next event into listened, and what it is into event. */
static int listen_for(zpat_subscriber_t *subscriber, int64_t end, zpat_subscriber_event_t *event) {
  int outcome;
  while ((outcome = zpat_subscriber_recv(subscriber, 1, SIZE_MAX, is_async ? 0 : left(end), NULL, &listened)) ==
             ZPAT_E_TIMEOUT && is_async) {
    outcome = await_notice(zpat_subscriber_arm(subscriber), zpat_subscriber_ready_fd(subscriber), end);
    if (outcome < 0) break;
  }
  return outcome < 0 ? outcome : zpat_subscriber_events_get(listened, 0, event);
}

/* Subscribes to as many, and waits until all are there. */
static int do_want_many(char **rest) {
  zpat_subscriber_t *subscriber = subscriber_of(rest);
  int64_t count = number(rest), end = now() + number(rest);
  int outcome = 0;
  for (int64_t i = 0; i < count && outcome >= 0; i++) {
    char pattern[32];
    uint32_t subscription;
    int size = snprintf(pattern, sizeof pattern, "many.%lld", (long long)i);
    outcome = zpat_subscriber_subscribe(subscriber, pattern, (size_t)size, NULL, &subscription);
  }
  while (count > 0 && outcome >= 0) {
    zpat_subscriber_event_t event = ZPAT_SUBSCRIBER_EVENT_INIT;
    outcome = listen_for(subscriber, end, &event);
    if (outcome < 0) break;
    if (event.kind == ZPAT_SUBSCRIBER_SUBSCRIBED) count--;
    else if (event.kind != ZPAT_SUBSCRIBER_CONNECTED) outcome = ZPAT_E_INVALID_ARGUMENT;
  }
  return outcome < 0 ? outcome : DONE;
}

static void print_slice(zpat_slice_t text) { printf("%.*s", (int)text.len, (const char *)text.data); }

static int print_listened(int outcome, const zpat_subscriber_event_t *event) {
  static const char *const kinds[] = { "unknown", "connected", "subscribed", "message", "missed", "rejected",
                                       "restarted" };
  if (outcome < 0) return outcome;
  printf("ok kind=%s", kinds[event->kind]);
  if (event->subscription != 0) printf(" subscription=%llu", (unsigned long long)event->subscription);
  if (event->kind == ZPAT_SUBSCRIBER_MESSAGE || event->kind == ZPAT_SUBSCRIBER_MISSED) {
    fputs(" stream=", stdout);
    print_slice(zpat_subscriber_events_stream(listened, 0));
  }
  if (event->kind == ZPAT_SUBSCRIBER_MESSAGE) {
    printf(" number=%llu subject=", (unsigned long long)event->number);
    print_slice(zpat_subscriber_events_subject(listened, 0));
    fputs(" frames=", stdout);
    for (size_t f = 0; f < event->frames; f++) {
      if (f > 0) putchar(',');
      print_hex(zpat_subscriber_events_frame(listened, 0, f));
    }
  }
  if (event->kind == ZPAT_SUBSCRIBER_MISSED)
    printf(" first=%llu last=%llu count=%llu reason=%s", (unsigned long long)event->first,
           (unsigned long long)event->last, (unsigned long long)event->count,
           zpat_lost_reason_name((int)event->reason));
  if (event->kind == ZPAT_SUBSCRIBER_REJECTED) {
    printf(" error=%s text=", zpat_error_name((int)event->error));
    print_hex(zpat_subscriber_events_text(listened, 0));
  }
  putchar('\n');
  return ANSWERED;
}

static int do_listen(char **rest) {
  zpat_subscriber_t *subscriber = subscriber_of(rest);
  zpat_subscriber_event_t event = ZPAT_SUBSCRIBER_EVENT_INIT;
  int outcome = listen_for(subscriber, now() + number(rest), &event);
  return print_listened(outcome, &event);
}

static int do_cancel_listen(char **rest) {
  zpat_subscriber_t *subscriber = subscriber_of(rest);
  zpat_subscriber_event_t event = ZPAT_SUBSCRIBER_EVENT_INIT;
  zpat_cancel_t *cancel = NULL;
  pthread_t thread;
  int outcome = zpat_cancel_open(&cancel);
  if (outcome < 0) return outcome;
  pthread_create(&thread, NULL, fire, cancel);
  outcome = zpat_subscriber_recv(subscriber, 1, SIZE_MAX, -1, cancel, &listened);
  pthread_join(thread, NULL);
  zpat_cancel_close(&cancel);
  if (outcome >= 0) outcome = zpat_subscriber_events_get(listened, 0, &event);
  return print_listened(outcome, &event);
}

/* Numbers first to last of a view came, or are missed; what is between them and those before nobody has explained. */
static void follow(struct told *told, const zpat_subscriber_event_t *event, uint64_t first, uint64_t last) {
  zpat_slice_t stream = zpat_subscriber_events_stream(listened, 0);
  int view = 0;
  while (view < VIEWS - 1 && told->views[view].next != 0 &&
         (told->views[view].subscription != event->subscription ||
          !zpat_slice_equal(zpat_slice_text(told->views[view].stream), stream)))
    view++;
  if (told->views[view].next != 0) told->unexplained += llabs((long long)(first - told->views[view].next));
  told->views[view].subscription = event->subscription;
  snprintf(told->views[view].stream, sizeof told->views[view].stream, "%.*s", (int)stream.len,
           (const char *)stream.data);
  told->views[view].next = last + 1;
}

/* The number of the message that was heard, or -1 if it is not as it should be. */
static int64_t number_listened(const zpat_subscriber_event_t *event) {
  zpat_slice_t text = zpat_subscriber_events_frame(listened, 0, 0);
  char digits[24], again[24];
  snprintf(digits, sizeof digits, "%.*s", (int)text.len, (const char *)text.data);
  int64_t number = strtoll(digits, NULL, 10);
  int is_right = event->frames == 2 && number >= 0 && zpat_slice_equal(text, decimal(number, again)) &&
                 zpat_slice_equal(zpat_subscriber_events_frame(listened, 0, 1), body_of(number));
  return is_right ? number : -1;
}

/* Whether the stream goes on as it should, up to the last message, or a gap that reaches it. */
static int do_listen_many(char **rest) {
  zpat_subscriber_t *subscriber = subscriber_of(rest);
  int64_t due = number(rest), last = number(rest), end = now() + number(rest);
  struct told told = { 0 };
  while (due <= last) {
    zpat_subscriber_event_t event = ZPAT_SUBSCRIBER_EVENT_INIT;
    int outcome = listen_for(subscriber, end, &event);
    if (outcome < 0) return outcome;
    told.subscribed += event.kind == ZPAT_SUBSCRIBER_SUBSCRIBED;
    told.rejected += event.kind == ZPAT_SUBSCRIBER_REJECTED;
    if (event.kind == ZPAT_SUBSCRIBER_RESTARTED) {
      told.restarted++;
      memset(told.views, 0, sizeof told.views);
    }
    if (event.kind == ZPAT_SUBSCRIBER_MISSED) {
      follow(&told, &event, event.first, event.last);
      told.missed += (long long)event.count;
      /* How many were in a range of which nobody knows, is all that there are. */
      due += (int64_t)(event.count > 0 ? event.count : event.last - event.first + 1);
    }
    if (event.kind == ZPAT_SUBSCRIBER_MESSAGE) {
      int64_t came = number_listened(&event);
      follow(&told, &event, event.number, event.number);
      if (came >= 0) told.messages++, due = came + 1;
      else told.wrong++;
    }
  }
  printf("ok messages=%lld wrong=%lld missed=%lld unexplained=%lld restarted=%lld subscribed=%lld rejected=%lld\n",
         told.messages, told.wrong, told.missed, told.unexplained, told.restarted, told.subscribed, told.rejected);
  return ANSWERED;
}

static int do_subscriber_counters(char **rest) {
  zpat_subscriber_counters_t counters = ZPAT_SUBSCRIBER_COUNTERS_INIT;
  int outcome = zpat_subscriber_counters(subscriber_of(rest), &counters);
  if (outcome < 0) return outcome;
  fputs("ok", stdout);
  SUBSCRIBER_COUNTERS(PRINT)
  putchar('\n');
  return ANSWERED;
}

static int do_subscriber_close(char **rest) {
  struct slot *slot = find(next(rest));
  return slot ? zpat_subscriber_close(&slot->subscriber) : ZPAT_E_INVALID_ARGUMENT;
}
