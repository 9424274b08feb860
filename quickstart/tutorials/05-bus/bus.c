/* Numbers for everybody at once: a fifth is lost, everybody is deaf for a while, nothing is missing in silence.
 *
 *     bus say ENDPOINT LISTENERS     says numbers as soon as so many listen
 *     bus listen ENDPOINT            listens
 */
#include <unistd.h>

#include "../program.h"

static const char body[1000]; /* so hardly two numbers share a datagram */
static zpat_context_t *context;
static zpat_bus_events_t *events; /* made by the first receive, used again by the next, freed once */

static zpat_bus_t *open_bus(const char *endpoint, const char *prefix, const zpat_bus_options_t *options) {
  zpat_bus_t *bus = NULL;
  check(zpat_bus_open(context, endpoint, options, &bus));
  check(zpat_bus_subscribe(bus, prefix, strlen(prefix)));
  return bus;
}

/* A word, and what it needs; "" is nothing. */
static void say_words(zpat_bus_t *bus, const char *word, const char *argument) {
  zpat_slice_t frames[] = { zpat_slice_text(word), zpat_slice_text(argument) };
  check(zpat_bus_send(bus, frames, *argument ? 2 : 1, -1, NULL));
}

/* region: say */
static void say_numbers(zpat_bus_t *bus, int first, int last) {
  for (int number = first; number <= last; number++) {
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    zpat_slice_t frames[] = { zpat_slice_text("number"), zpat_slice_text(text), { body, sizeof body } };
    check(zpat_bus_send(bus, frames, 3, -1, NULL));
  }
}

/* Puts the next event into events, within so many milliseconds; what it is, or 0. */
static int64_t receive(zpat_bus_t *bus, int64_t timeout) {
  zpat_bus_event_t event = ZPAT_BUS_EVENT_INIT;
  int received = zpat_bus_recv(bus, 1, SIZE_MAX, timeout, NULL, &events);
  if (received == ZPAT_E_TIMEOUT) return 0;
  check(received);
  check(zpat_bus_events_get(events, 0, &event));
  return event.kind;
}

static void wait_for(zpat_bus_t *bus, int answers) {
  while (answers > 0) answers -= receive(bus, -1) == ZPAT_BUS_MESSAGE;
}

static void say(const char *endpoint, int listeners) {
  zpat_bus_t *bus = open_bus(endpoint, "done", NULL);
  printf("endpoint %s\n", endpoint);
  fflush(stdout);
  wait_for(bus, listeners); /* everybody is here */
  say_numbers(bus, 1, 100);
  say_words(bus, "lose", "0.2");
  wait_for(bus, listeners);
  say_numbers(bus, 101, 1100);
  say_words(bus, "lose", "0");
  wait_for(bus, listeners);
  say_numbers(bus, 1101, 1200);
  say_words(bus, "end", "");
  wait_for(bus, listeners);
  zpat_bus_close(&bus, -1);
  printf("everybody heard the end\n");
}
/* endregion: say */

/* region: outage */
static void say_on(const char *endpoint, int listeners) {
  zpat_bus_options_t options = ZPAT_BUS_OPTIONS_INIT;
  options.window = 20000; /* it remembers 20 numbers */
  zpat_bus_t *bus = open_bus(endpoint, "done", &options);
  say_words(bus, "deaf", "100");
  wait_for(bus, listeners);
  int answers = 0;
  for (int number = 1; answers < listeners; number++) { /* until everybody hears again */
    say_numbers(bus, number, number);
    answers += receive(bus, 1) == ZPAT_BUS_MESSAGE;
  }
  say_words(bus, "end", "");
  wait_for(bus, listeners);
  zpat_bus_close(&bus, -1);
  printf("everybody hears again\n");
}
/* endregion: outage */

/* region: deaf */
static uint64_t injected(zpat_bus_t *bus) {
  zpat_bus_counters_t counters = ZPAT_BUS_COUNTERS_INIT;
  check(zpat_bus_counters(bus, &counters));
  return counters.injected;
}

static void be_deaf(zpat_bus_t *bus, uint64_t datagrams) {
  uint64_t end = injected(bus) + datagrams;
  check(zpat_bus_inject_loss(bus, 1));
  say_words(bus, "done", "");
  while (injected(bus) < end) usleep(10000); /* so much has passed by unheard */
  check(zpat_bus_inject_loss(bus, 0));
  say_words(bus, "done", "");
}
/* endregion: deaf */

/* region: listen */
struct heard {
  int numbers, missed, wrong; /* how many came, how often some were missed or did not go on as they should */
};

static int is(zpat_slice_t frame, const char *text) { return zpat_slice_equal(frame, zpat_slice_text(text)); }

/* Up to the end. */
static struct heard follow(zpat_bus_t *bus) {
  struct heard heard = { 0, 0, 0 };
  int due = 1, told = 0;
  for (;;) {
    int64_t kind = receive(bus, -1);
    zpat_slice_t word = zpat_bus_events_frame(events, 0, 0), argument = zpat_bus_events_frame(events, 0, 1);
    char text[16];
    snprintf(text, sizeof text, "%.*s", (int)argument.len, (const char *)argument.data);
    if (kind == ZPAT_BUS_MISSED) {
      heard.missed++;
      told = 1;
    } else if (kind != ZPAT_BUS_MESSAGE) {
      continue;
    } else if (is(word, "number")) {
      int number = atoi(text);
      int whole = zpat_slice_equal(zpat_bus_events_frame(events, 0, 2), (zpat_slice_t){ body, sizeof body });
      heard.wrong += (number != due && !told) || !whole;
      heard.numbers++;
      due = number + 1;
      told = 0;
    } else if (is(word, "lose")) {
      check(zpat_bus_inject_loss(bus, atof(text)));
      say_words(bus, "done", "");
    } else if (is(word, "deaf")) {
      be_deaf(bus, strtoull(text, NULL, 10));
    } else if (is(word, "end")) {
      say_words(bus, "done", "");
      return heard;
    }
  }
}

static const char *some(uint64_t count) { return count > 0 ? "some were" : "none was"; }

static void listen_to(const char *endpoint) {
  zpat_bus_t *bus = open_bus(endpoint, "", NULL);
  zpat_bus_counters_t counters = ZPAT_BUS_COUNTERS_INIT;
  say_words(bus, "done", ""); /* it is here */
  struct heard heard = follow(bus);
  check(zpat_bus_counters(bus, &counters));
  printf("%d numbers, %s out of order\n", heard.numbers, some(heard.wrong));
  printf("%s lost and repeated, %s missed\n", some(counters.received_repaired), some(heard.missed));
  heard = follow(bus);
  printf("deaf for a while: %s missed, %s out of order\n", some(heard.missed), some(heard.wrong));
  zpat_bus_close(&bus, -1);
}
/* endregion: listen */

int main(int argc, char **argv) {
  check(zpat_context_open(NULL, &context));
  if (argc == 4 && strcmp(argv[1], "say") == 0) {
    say(argv[2], atoi(argv[3]));
    say_on(argv[2], atoi(argv[3]));
  } else if (argc == 3 && strcmp(argv[1], "listen") == 0) {
    listen_to(argv[2]);
  } else {
    errx(1, "usage: bus say ENDPOINT LISTENERS | listen ENDPOINT");
  }
  zpat_bus_events_free(&events);
  zpat_context_close(&context);
  return 0;
}
