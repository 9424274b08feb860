/* The multicast bus: commands of peer.c. */

/* Options and counters by their names; the compiler says if one is misspelt. */
#define BUS_NUMBERS(X) \
  X(rate) X(window) X(max_age) X(history) X(at_least) X(tag) X(parity_group) X(parity) X(max_unsent) X(hops) X(looped) X(max_peers) X(max_behind) X(max_message) X(max_events) \
  X(max_bytes) X(forget) X(linger)
#define BUS_COUNTERS(X) \
  X(sent_messages) X(sent_parity) X(sent_forged) X(sent_silent) X(sent_listeners) X(received_computed) X(forged) \
  X(sent_datagrams) X(sent_repairs) X(sent_asked) X(sent_gone) X(sent_ignored) X(sent_malformed) \
  X(sent_foreign) X(received_delivered) X(received_datagrams) X(received_duplicates) X(received_repaired) \
  X(received_asked) X(received_missed) X(received_broken) X(malformed) X(foreign) X(refused) X(dropped) X(full) \
  X(unsendable) X(injected)

static zpat_bus_events_t *heard;

static zpat_bus_t *bus_of(char **rest) {
  struct slot *slot = find(next(rest));
  return slot ? slot->bus : NULL;
}

static int do_bus(char **rest) {
  zpat_bus_options_t options = ZPAT_BUS_OPTIONS_INIT;
  char interface[ZPAT_ENDPOINT_SIZE], *name, *value;
  struct slot *slot = make(next(rest));
  char *endpoint = next(rest);
  if (!slot) return ZPAT_E_TOO_MANY_OPEN;
  while ((name = next_option(rest, &value))) {
    int known = 0;
#define SET(option) if (strcmp(name, #option) == 0) options.option = number_of(value), known = 1;
    BUS_NUMBERS(SET)
#undef SET
    if (strcmp(name, "flow_control") == 0) {
      const char *const all[] = { "none", "slowest", "tagged" }, *given = unhex(value + 4).data;
      for (options.flow_control = 0; options.flow_control < 3; options.flow_control++)
        if (strcmp(given, all[options.flow_control]) == 0) break;
      known = 1;
    }
    if (strcmp(name, "key") == 0) {
      zpat_slice_t secret = unhex(value + 4);
      options.key = secret.data, options.key_size = secret.len;
      known = 1;
    }
    if (!known) return ZPAT_E_INVALID_ARGUMENT;
  }
  zpat_bus_close(&slot->bus, 0);
  int outcome = zpat_bus_open(context, endpoint, &options, &slot->bus);
  if (outcome >= 0) outcome = zpat_bus_interface(slot->bus, interface, sizeof interface);
  return print_word(outcome, interface);
}

static int do_bus_subscribe(char **rest) {
  zpat_bus_t *bus = bus_of(rest);
  zpat_slice_t prefix = unhex(next(rest));
  return zpat_bus_subscribe(bus, prefix.data, prefix.len);
}

static int do_bus_unsubscribe(char **rest) {
  zpat_bus_t *bus = bus_of(rest);
  zpat_slice_t prefix = unhex(next(rest));
  return zpat_bus_unsubscribe(bus, prefix.data, prefix.len);
}

static int say(zpat_bus_t *bus, const zpat_slice_t *frames, size_t count, int64_t end) {
  int outcome;
  while ((outcome = zpat_bus_send(bus, frames, count, is_async ? 0 : left(end), NULL)) == ZPAT_E_TIMEOUT && is_async) {
    outcome = await_notice(zpat_bus_arm(bus, ZPAT_SEND), zpat_bus_ready_fd(bus), end);
    if (outcome < 0) break;
  }
  return outcome;
}

static int do_say(char **rest) {
  zpat_bus_t *bus = bus_of(rest);
  int64_t end = now() + number(rest);
  zpat_slice_t frames[64];
  return say(bus, frames, next_frames(rest, frames), end);
}

/* The bytes of a message: their size and what they are follow from its number. */
static zpat_slice_t body_of(int64_t number) {
  static unsigned char body[4000];
  size_t size = (size_t)(number * 7919 % 4000);
  memset(body, (int)(number % 256), size);
  return (zpat_slice_t){ body, size };
}

static int do_say_many(char **rest) {
  zpat_bus_t *bus = bus_of(rest);
  int64_t first = number(rest), last = number(rest), end = now() + number(rest);
  int outcome = DONE;
  for (int64_t i = first; i <= last && outcome >= 0; i++) {
    char text[24];
    outcome = say(bus, (zpat_slice_t[]){ decimal(i, text), body_of(i) }, 2, end);
  }
  return outcome < 0 ? outcome : DONE;
}

/* Puts the next event into heard. */
static int hear(zpat_bus_t *bus, int64_t end) {
  int outcome;
  while ((outcome = zpat_bus_recv(bus, 1, SIZE_MAX, is_async ? 0 : left(end), NULL, &heard)) == ZPAT_E_TIMEOUT &&
         is_async) {
    outcome = await_notice(zpat_bus_arm(bus, ZPAT_RECV), zpat_bus_ready_fd(bus), end);
    if (outcome < 0) break;
  }
  return outcome;
}

static int print_event(int outcome) {
  static const char *const kinds[] = { "unknown", "message", "joined", "gone", "missed", "broken", "dropped" };
  zpat_bus_event_t event = ZPAT_BUS_EVENT_INIT;
  if (outcome >= 0) outcome = zpat_bus_events_get(heard, 0, &event);
  if (outcome < 0) return outcome;
  printf("ok kind=%s peer=%012llx:%llu first=%llu last=%llu count=%llu frames=", kinds[event.kind],
         (unsigned long long)event.peer >> 16, (unsigned long long)event.peer & 0xffff,
         (unsigned long long)event.first, (unsigned long long)event.last, (unsigned long long)event.count);
  for (size_t f = 0; f < event.frames; f++) {
    if (f > 0) putchar(',');
    print_hex(zpat_bus_events_frame(heard, 0, f));
  }
  putchar('\n');
  return ANSWERED;
}

static int do_hear(char **rest) {
  zpat_bus_t *bus = bus_of(rest);
  return print_event(hear(bus, now() + number(rest)));
}

/* The number of the message that was heard, or -1 if it is not as it should be. */
static int64_t number_heard(zpat_bus_event_t event) {
  zpat_slice_t text = zpat_bus_events_frame(heard, 0, 0);
  char digits[24], again[24];
  snprintf(digits, sizeof digits, "%.*s", (int)text.len, (const char *)text.data);
  int64_t number = strtoll(digits, NULL, 10);
  int is_right = event.frames == 2 && zpat_slice_equal(text, decimal(number, again)) && number >= 0 &&
                 zpat_slice_equal(zpat_bus_events_frame(heard, 0, 1), body_of(number));
  return is_right ? number : -1;
}

/* Whether the stream goes on as it should, up to the last message. */
static int do_hear_many(char **rest) {
  zpat_bus_t *bus = bus_of(rest);
  int64_t due = number(rest), last = number(rest), end = now() + number(rest);
  long long messages = 0, wrong = 0, missed = 0, dropped = 0, unexplained = 0;
  /* What was said since the last message about those that do not come. */
  int64_t holes = 0, gap = 0;
  while (due <= last) {
    zpat_bus_event_t event = ZPAT_BUS_EVENT_INIT;
    int outcome = hear(bus, end);
    if (outcome >= 0) outcome = zpat_bus_events_get(heard, 0, &event);
    if (outcome < 0) return outcome;
    if (event.kind == ZPAT_BUS_MISSED || event.kind == ZPAT_BUS_BROKEN) missed++, holes++;
    dropped += (long long)event.count, gap += (int64_t)event.count;
    if (event.kind != ZPAT_BUS_MESSAGE) continue;
    int64_t came = number_heard(event);
    if (came < 0) {
      wrong++;
      continue;
    }
    messages++;
    if (holes == 0) unexplained += llabs(came - due - gap);
    due = came + 1, holes = 0, gap = 0;
  }
  printf("ok messages=%lld wrong=%lld missed=%lld dropped=%lld unexplained=%lld\n", messages, wrong, missed, dropped,
         unexplained);
  return ANSWERED;
}

static int do_cancel_hear(char **rest) {
  zpat_bus_t *bus = bus_of(rest);
  zpat_cancel_t *cancel = NULL;
  pthread_t thread;
  int outcome = zpat_cancel_open(&cancel);
  if (outcome < 0) return outcome;
  pthread_create(&thread, NULL, fire, cancel);
  outcome = zpat_bus_recv(bus, 1, SIZE_MAX, -1, cancel, &heard);
  pthread_join(thread, NULL);
  zpat_cancel_close(&cancel);
  return print_event(outcome);
}

static int do_lose(char **rest) {
  zpat_bus_t *bus = bus_of(rest);
  return zpat_bus_inject_loss(bus, strtod(next(rest), NULL));
}

static int do_bus_peers(char **rest) {
  zpat_bus_peer_t peers[SLOTS] = { ZPAT_BUS_PEER_INIT };
  unsigned long long delivered = 0;
  int number = zpat_bus_peers(bus_of(rest), peers, SLOTS);
  if (number < 0) return number;
  for (int i = 0; i < number && i < SLOTS; i++) delivered += peers[i].delivered;
  printf("ok number=%d delivered=%llu\n", number, delivered);
  return ANSWERED;
}

static int do_bus_counters(char **rest) {
  zpat_bus_counters_t counters = ZPAT_BUS_COUNTERS_INIT;
  int outcome = zpat_bus_counters(bus_of(rest), &counters);
  if (outcome < 0) return outcome;
  fputs("ok", stdout);
  BUS_COUNTERS(PRINT)
  putchar('\n');
  return ANSWERED;
}

static int do_bus_close(char **rest) {
  struct slot *slot = find(next(rest));
  return slot ? zpat_bus_close(&slot->bus, number(rest)) : ZPAT_E_INVALID_ARGUMENT;
}
