/* The limit of fan-out: plain libzmq with a publisher that waits for who is slow, and the publishers of others.
 *
 *     limit fan-publish ENDPOINT SIZE COUNT SUBSCRIBERS [SUBJECTS]        binds an XPUB that waits (ZMQ_XPUB_NODROP)
 *     limit fan-publish-lossy ENDPOINT SIZE COUNT SUBSCRIBERS             binds a PUB, which drops what a subscriber does not take
 *     limit fan-pace ENDPOINT SIZE COUNT SUBSCRIBERS PACE 0               an XPUB that sends PACE messages per second, with stamps
 *     limit fan-publish-nats HOST:PORT SIZE COUNT SUBSCRIBERS [SUBJECTS]  speaks to a nats-server, see limit_nats.c
 *     limit fan-subscribe ENDPOINT SIZE COUNT SUBSCRIBERS [SUBJECTS]      connects so many SUBs, and receives from all
 *     limit fan-latency ENDPOINT SIZE COUNT 1                             the same of one, and how late each message is
 *     limit fan-subscribe-nats HOST:PORT SIZE COUNT SUBSCRIBERS [SUBJECTS]
 *
 * A publisher prints `endpoint ...` and greets, with messages of another size, until a line comes; then it sends COUNT messages
 * and stays as long as its input. Who subscribes prints `ready` when all have heard a greeting, and ends after COUNT messages
 * for each of them, or when after the first nothing came for a second. With SUBJECTS each message begins with one of them, and each
 * subscriber asks for every one by itself. All have default options, but where subscriptions would be lost with them.
 */
#include "limit_fan.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { TURN = 1000 };

static void *context;

static void *open_default(int kind) {
  int none = 0;
  if (context == NULL) {
    context = zmq_ctx_new();
    check(zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 4096), "context");
  }
  void *socket = zmq_socket(context, kind);
  if (socket == NULL) check(-1, "socket");
  check(zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none), "linger");
  return socket;
}

/* --- who publishes --- */

static void send_paced(void *to, const struct load *load) {
  punctual();
  uint64_t first = nanoseconds();
  for (long i = 0; i < load->count; i++) {
    uint64_t due = due_at(first, i, load->pace);
    zmq_msg_t message;
    check(zmq_msg_init_size(&message, load->size), "message");
    memset(zmq_msg_data(&message), 'x', load->size);
    write_stamp(zmq_msg_data(&message), due);
    sleep_until(due);
    check(zmq_msg_send(&message, to, 0), "send");
  }
}

static void send_all(void *to, const struct load *load, void (*send)(void *to, const char *subject, size_t size)) {
  size_t subjects = load->subjects;
  if (subjects == 0) {
    for (long i = 0; i < load->count; i++) send(to, NULL, load->size);
  } else {
    /* From one to the next is far, so that all take turns and no cache has what is looked for. */
    for (long i = 0; i < load->count; i++) send(to, load->names[(size_t)i * 7919 % subjects], load->size);
  }
}

void publish(void *to, const struct load *load, void (*send)(void *to, const char *subject, size_t size),
             void (*flush)(void *to)) {
  struct pollfd input = { STDIN_FILENO, POLLIN, 0 };
  /* Who has heard the last subject has asked for all. */
  const char *last = load->subjects == 0 ? NULL : load->names[load->subjects - 1];
  do {
    send(to, last, 1);
    flush(to);
    /* Many who just come must not be greeted more often than they can hear it. */
  } while (poll(&input, 1, (int)(load->subscribers + 9) / 10) == 0);
  struct moment start = moment_now();
  if (load->pace > 0) {
    send_paced(to, load);
  } else {
    send_all(to, load, send);
  }
  flush(to);
  while (getchar() != EOF) {
  }
  report(load->count, start, moment_now(), NULL);
}

/* A message of libzmq begins with its subject. */
static void send_zmq(void *to, const char *subject, size_t size) {
  zmq_msg_t message;
  if (subject != NULL && size < SUBJECT_LENGTH) size = SUBJECT_LENGTH;
  check(zmq_msg_init_size(&message, size), "message");
  memset(zmq_msg_data(&message), 'x', size);
  if (subject != NULL) memcpy(zmq_msg_data(&message), subject, SUBJECT_LENGTH);
  check(zmq_msg_send(&message, to, 0), "send");
}

static void flush_zmq(void *to) { (void)to; }

/* Subscriptions that find a queue full are lost without a word. */
static void keep_subscriptions(void *socket, int queue, const struct load *load) {
  int none = 0;
  if (load->subjects > 0) check(zmq_setsockopt(socket, queue, &none, sizeof none), "option");
}

static void publish_zmq(int kind, const char *endpoint, const struct load *load) {
  char bound[256];
  size_t length = sizeof bound;
  int waits = 1;
  void *socket = open_default(kind);
  if (kind == ZMQ_XPUB) check(zmq_setsockopt(socket, ZMQ_XPUB_NODROP, &waits, sizeof waits), "option");
  keep_subscriptions(socket, ZMQ_RCVHWM, load);
  check(zmq_bind(socket, endpoint), endpoint);
  check(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, bound, &length), "endpoint");
  printf("endpoint %s\n", bound);
  fflush(stdout);
  publish(socket, load, send_zmq, flush_zmq);
}

/* --- who subscribes --- */

struct listeners listeners_new(const struct load *load) {
  struct listeners all = { .size = load->size, .number = load->subscribers };
  all.wanted = load->count * (long)load->subscribers;
  all.is_greeted = allocate(load->subscribers);
  return all;
}

void hear(struct listeners *all, size_t at, const void *message, size_t size) {
  if (size == all->size) {
    if (all->received == 0) all->start = moment_now();
    if (all->latencies != NULL) all->latencies[all->received] = since_due(message);
    all->received++;
  } else if (!all->is_greeted[at]) {
    all->is_greeted[at] = 1;
    if (++all->greeted == all->number) say("ready");
  }
}

void listeners_report(struct listeners *all) {
  struct moment end = moment_now();
  if (all->received < all->wanted) end.wall -= SILENCE_MS / 1e3;
  report(all->received, all->start, end, all->latencies);
}

/* Takes what is there for one of them, at most a turn, and tells whether there was less. */
static int take(struct listeners *all, void *socket, size_t at, int flags) {
  zmq_msg_t message;
  int is_dry = 0;
  zmq_msg_init(&message);
  for (int i = 0; i < TURN && all->received < all->wanted; i++) {
    int length = zmq_msg_recv(&message, socket, flags);
    if (length < 0 && zmq_errno() == EAGAIN) {
      is_dry = 1;
      break;
    }
    check(length, "receive");
    hear(all, at, zmq_msg_data(&message), (size_t)length);
  }
  zmq_msg_close(&message);
  return is_dry;
}

static void *subscriber(const char *endpoint, const struct load *load) {
  void *socket = open_default(ZMQ_SUB);
  keep_subscriptions(socket, ZMQ_SNDHWM, load);
  if (load->subjects == 0) check(zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0), "subscribe");
  for (size_t i = 0; i < load->subjects; i++) {
    check(zmq_setsockopt(socket, ZMQ_SUBSCRIBE, load->names[i], SUBJECT_LENGTH), "subscribe");
  }
  check(zmq_connect(socket, endpoint), endpoint);
  return socket;
}

static void subscribe(const char *endpoint, const struct load *load, int with_latencies) {
  size_t number = load->subscribers;
  struct listeners all = listeners_new(load);
  if (with_latencies) all.latencies = allocate((size_t)all.wanted * sizeof *all.latencies);
  zmq_pollitem_t *items = allocate(number * sizeof *items);
  for (size_t i = 0; i < number; i++) {
    items[i].socket = subscriber(endpoint, load);
    items[i].events = ZMQ_POLLIN;
  }
  int patience = SILENCE_MS;
  check(zmq_setsockopt(items[0].socket, ZMQ_RCVTIMEO, &patience, sizeof patience), "option");
  while (number == 1 && all.received < all.wanted) {
    /* It needs no poll. */
    if (take(&all, items[0].socket, 0, 0) && all.received > 0) break;
  }
  while (number > 1 && all.received < all.wanted) {
    int some = zmq_poll(items, (int)number, SILENCE_MS);
    check(some, "poll");
    if (some == 0 && all.received > 0) break;
    for (size_t i = 0; some > 0 && i < number; i++) {
      if (items[i].revents & ZMQ_POLLIN) take(&all, items[i].socket, i, ZMQ_DONTWAIT);
    }
  }
  listeners_report(&all);
}

static void name_subjects(struct load *load) {
  load->names = allocate(load->subjects * sizeof *load->names);
  for (size_t i = 0; i < load->subjects; i++) {
    /* Neighbours by number are none by name. */
    unsigned group = (unsigned)(i / 100 % 10000), name = (unsigned)(i * 7919 % 1000000);
    snprintf(load->names[i], sizeof load->names[i], "ticks.x%04u.i%06u", group, name);
  }
}

int fan(int argc, char **argv) {
  const char *role = argv[1], *endpoint = argv[2];
  int is_paced = !strcmp(role, "fan-pace");
  if (argc < 6 || (argc == 8) != is_paced) return 2;
  struct load load = { .size = (size_t)number(argv[3], STAMP_BYTES), .count = number(argv[4], 1) };
  load.subscribers = (size_t)number(argv[5], 1);
  if (argc == 7) load.subjects = (size_t)number(argv[6], 1);
  if (is_paced) load.pace = number(argv[6], 1);
  name_subjects(&load);
  if (!strcmp(role, "fan-publish") || is_paced) {
    publish_zmq(ZMQ_XPUB, endpoint, &load);
  } else if (!strcmp(role, "fan-publish-lossy")) {
    publish_zmq(ZMQ_PUB, endpoint, &load);
  } else if (!strcmp(role, "fan-publish-nats")) {
    publish_nats(endpoint, &load);
  } else if (!strcmp(role, "fan-subscribe")) {
    subscribe(endpoint, &load, 0);
  } else if (!strcmp(role, "fan-latency")) {
    subscribe(endpoint, &load, 1);
  } else if (!strcmp(role, "fan-subscribe-nats")) {
    subscribe_nats(endpoint, &load);
  } else {
    return 2;
  }
  return 0;
}
