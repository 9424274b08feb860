/* The limit of fan-out: plain libzmq with a publisher that waits for who is slow, and the publishers of others.
 *
 *     limit fan-publish ENDPOINT SIZE COUNT SUBSCRIBERS        binds an XPUB that waits (ZMQ_XPUB_NODROP)
 *     limit fan-publish-lossy ENDPOINT SIZE COUNT SUBSCRIBERS  binds a PUB, which drops what a subscriber does not take
 *     limit fan-publish-nats HOST:PORT SIZE COUNT SUBSCRIBERS  speaks to a nats-server
 *     limit fan-subscribe ENDPOINT SIZE COUNT SUBSCRIBERS      connects so many SUBs, and receives from all
 *
 * A publisher prints `endpoint ...` and greets, with messages of one byte, until a line comes; then it sends COUNT messages
 * and stays as long as its input. Who subscribes prints `ready` when all have heard a greeting, and ends after COUNT messages
 * for each of them, or when after the first nothing came for a second. All have default options.
 */
#include "limit.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SILENCE_MS = 1000, TURN = 1000 };

/* What a program is told. */
struct load {
  size_t size;
  long count;
  size_t subscribers;
};

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

/* Greets until there is a line to read, sends, and stays until nobody needs it. Many who just come must not be greeted more often
 * than they can hear it. */
static void publish(void *to, const struct load *load, void (*send)(void *to, size_t size), void (*flush)(void *to)) {
  struct pollfd input = { STDIN_FILENO, POLLIN, 0 };
  do {
    send(to, 1);
    flush(to);
  } while (poll(&input, 1, (int)(load->subscribers + 9) / 10) == 0);
  struct moment start = moment_now();
  for (long i = 0; i < load->count; i++) send(to, load->size);
  flush(to);
  while (getchar() != EOF) {
  }
  report(load->count, start, moment_now(), NULL);
}

static void send_zmq(void *to, size_t size) {
  zmq_msg_t message;
  check(zmq_msg_init_size(&message, size), "message");
  memset(zmq_msg_data(&message), 'x', size);
  check(zmq_msg_send(&message, to, 0), "send");
}

static void flush_zmq(void *to) { (void)to; }

static void publish_zmq(int kind, const char *endpoint, const struct load *load) {
  char bound[256];
  size_t length = sizeof bound;
  int waits = 1;
  void *socket = open_default(kind);
  if (kind == ZMQ_XPUB) check(zmq_setsockopt(socket, ZMQ_XPUB_NODROP, &waits, sizeof waits), "option");
  check(zmq_bind(socket, endpoint), endpoint);
  check(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, bound, &length), "endpoint");
  printf("endpoint %s\n", bound);
  fflush(stdout);
  publish(socket, load, send_zmq, flush_zmq);
}

/* --- to NATS: lines of text, gathered as its clients gather them; the server makes a publisher wait by not reading --- */

enum { GATHER = 32 * 1024 };

struct nats {
  int socket;
  size_t filled;
  char data[GATHER];
};

static void failed(const char *what) {
  perror(what);
  exit(1);
}

static void write_all(int socket, const char *data, size_t size) {
  while (size > 0) {
    ssize_t written = write(socket, data, size);
    if (written < 0) failed("write");
    data += written;
    size -= (size_t)written;
  }
}

static void flush_nats(void *to) {
  struct nats *nats = to;
  write_all(nats->socket, nats->data, nats->filled);
  nats->filled = 0;
}

static void send_nats(void *to, size_t size) {
  struct nats *nats = to;
  if (nats->filled + size + 64 > GATHER) flush_nats(to);
  nats->filled += (size_t)sprintf(nats->data + nats->filled, "PUB bench %zu\r\n", size);
  memset(nats->data + nats->filled, 'x', size);
  nats->filled += size;
  memcpy(nats->data + nats->filled, "\r\n", 2);
  nats->filled += 2;
}

/* Answers the server when it asks whether anybody is there; what it says besides is read and forgotten. */
static void *answer(void *to) {
  const struct nats *nats = to;
  char heard[4096];
  for (ssize_t size; (size = read(nats->socket, heard, sizeof heard - 1)) > 0;) {
    heard[size] = '\0';
    if (strstr(heard, "PING") != NULL) write_all(nats->socket, "PONG\r\n", 6);
    if (strstr(heard, "-ERR") != NULL) fprintf(stderr, "%s\n", heard);
  }
  return NULL;
}

static void publish_nats(const char *place, const struct load *load) {
  struct nats *nats = allocate(sizeof *nats);
  struct addrinfo wanted = { .ai_socktype = SOCK_STREAM }, *found;
  char host[256];
  const char *port = strrchr(place, ':');
  if (port == NULL || load->size + 64 > GATHER) exit(2);
  snprintf(host, sizeof host, "%.*s", (int)(port - place), place);
  if (getaddrinfo(host, port + 1, &wanted, &found) != 0) failed(place);
  nats->socket = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
  if (nats->socket < 0 || connect(nats->socket, found->ai_addr, found->ai_addrlen) != 0) failed(place);
  freeaddrinfo(found);
  int now = 1;
  setsockopt(nats->socket, IPPROTO_TCP, TCP_NODELAY, &now, sizeof now);
  static const char hello[] = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";
  write_all(nats->socket, hello, sizeof hello - 1);
  pthread_t listener;
  pthread_create(&listener, NULL, answer, nats);
  printf("endpoint %s\n", place);
  fflush(stdout);
  publish(nats, load, send_nats, flush_nats);
}

/* --- who subscribes --- */

struct listeners {
  size_t size, number, greeted;
  long received, wanted;
  char *is_greeted;
  struct moment start;
};

/* Takes what is there for one of them, at most a turn, and tells whether there was less. What is shorter is a greeting. */
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
    if ((size_t)length == all->size) {
      if (all->received++ == 0) all->start = moment_now();
    } else if (!all->is_greeted[at]) {
      all->is_greeted[at] = 1;
      if (++all->greeted == all->number) say("ready");
    }
  }
  zmq_msg_close(&message);
  return is_dry;
}

static void subscribe(const char *endpoint, const struct load *load) {
  size_t number = load->subscribers;
  struct listeners all = { .size = load->size, .number = number, .wanted = load->count * (long)number };
  zmq_pollitem_t *items = allocate(number * sizeof *items);
  all.is_greeted = allocate(number);
  for (size_t i = 0; i < number; i++) {
    items[i].socket = open_default(ZMQ_SUB);
    items[i].events = ZMQ_POLLIN;
    check(zmq_setsockopt(items[i].socket, ZMQ_SUBSCRIBE, "", 0), "subscribe");
    check(zmq_connect(items[i].socket, endpoint), endpoint);
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
  struct moment end = moment_now();
  if (all.received < all.wanted) end.wall -= SILENCE_MS / 1e3;
  report(all.received, all.start, end, NULL);
}

int fan(int argc, char **argv) {
  const char *role = argv[1], *endpoint = argv[2];
  if (argc != 6) return 2;
  struct load load = { (size_t)number(argv[3], 2), number(argv[4], 1), (size_t)number(argv[5], 1) };
  if (!strcmp(role, "fan-publish")) {
    publish_zmq(ZMQ_XPUB, endpoint, &load);
  } else if (!strcmp(role, "fan-publish-lossy")) {
    publish_zmq(ZMQ_PUB, endpoint, &load);
  } else if (!strcmp(role, "fan-publish-nats")) {
    publish_nats(endpoint, &load);
  } else if (!strcmp(role, "fan-subscribe")) {
    subscribe(endpoint, &load);
  } else {
    return 2;
  }
  return 0;
}
