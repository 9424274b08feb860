/* Fan-out through a nats-server: lines of text, gathered as its clients gather them. The server makes a publisher wait by not
 * reading. See limit_fan.c.
 */
#include "limit_fan.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GATHER = 32 * 1024 };

/* A connection, and what is to be written or was read and not understood yet. */
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

static struct nats *open_nats(const char *place) {
  struct nats *nats = allocate(sizeof *nats);
  struct addrinfo wanted = { .ai_socktype = SOCK_STREAM }, *found;
  char host[256];
  const char *port = strrchr(place, ':');
  if (port == NULL) exit(2);
  snprintf(host, sizeof host, "%.*s", (int)(port - place), place);
  if (getaddrinfo(host, port + 1, &wanted, &found) != 0) failed(place);
  nats->socket = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
  if (nats->socket < 0 || connect(nats->socket, found->ai_addr, found->ai_addrlen) != 0) failed(place);
  freeaddrinfo(found);
  int now = 1;
  setsockopt(nats->socket, IPPROTO_TCP, TCP_NODELAY, &now, sizeof now);
  static const char hello[] = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";
  write_all(nats->socket, hello, sizeof hello - 1);
  return nats;
}

/* --- who publishes --- */

/* What has no subject has one here all the same. */
static void send_nats(void *to, const char *subject, size_t size) {
  struct nats *nats = to;
  if (nats->filled + size + 64 > GATHER) flush_nats(to);
  nats->filled += (size_t)sprintf(nats->data + nats->filled, "PUB %s %zu\r\n", subject ? subject : "bench", size);
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

void publish_nats(const char *place, const struct load *load) {
  if (load->size + 64 > GATHER) exit(2);
  struct nats *nats = open_nats(place);
  pthread_t listener;
  pthread_create(&listener, NULL, answer, nats);
  printf("endpoint %s\n", place);
  fflush(stdout);
  publish(nats, load, send_nats, flush_nats);
}

/* --- who subscribes --- */

static void ask_for(struct nats *nats, const char *subject, size_t number) {
  if (nats->filled + 64 > GATHER) flush_nats(nats);
  nats->filled += (size_t)sprintf(nats->data + nats->filled, "SUB %s %zu\r\n", subject, number);
}

/* Understands what was read, `MSG subject number size` with a message after it or a word of the server, as far as it is whole.
 * Returns how much that was. */
static size_t understand(struct nats *nats, struct listeners *all, size_t at) {
  size_t done = 0;
  for (char *line = nats->data, *end; (end = memchr(line, '\n', nats->filled - done)) != NULL; line = nats->data + done) {
    size_t length = (size_t)(end + 1 - line), message = 0;
    if (!strncmp(line, "MSG ", 4)) {
      const char *digits = end;
      while (digits[-1] != ' ') digits--;
      message = strtoul(digits, NULL, 10);
      if (done + length + message + 2 > nats->filled) break;
      hear(all, at, end + 1, message);
      message += 2;
    } else if (!strncmp(line, "PING", 4)) {
      write_all(nats->socket, "PONG\r\n", 6);
    } else if (!strncmp(line, "-ERR", 4)) {
      fprintf(stderr, "%.*s\n", (int)length, line);
      exit(1);
    }
    done += length + message;
  }
  return done;
}

static void take(struct nats *nats, struct listeners *all, size_t at) {
  ssize_t size = read(nats->socket, nats->data + nats->filled, GATHER - nats->filled);
  if (size <= 0) failed("read");
  nats->filled += (size_t)size;
  size_t done = understand(nats, all, at);
  nats->filled -= done;
  memmove(nats->data, nats->data + done, nats->filled);
}

void subscribe_nats(const char *place, const struct load *load) {
  struct listeners all = listeners_new(load);
  struct nats **connections = allocate(load->subscribers * sizeof *connections);
  struct pollfd *items = allocate(load->subscribers * sizeof *items);
  for (size_t i = 0; i < load->subscribers; i++) {
    struct nats *nats = connections[i] = open_nats(place);
    if (load->subjects == 0) ask_for(nats, "bench", 1);
    for (size_t at = 0; at < load->subjects; at++) ask_for(nats, load->names[at], at + 1);
    flush_nats(nats);
    items[i] = (struct pollfd){ nats->socket, POLLIN, 0 };
  }
  while (all.received < all.wanted) {
    int some = poll(items, (nfds_t)load->subscribers, SILENCE_MS);
    if (some < 0) failed("poll");
    if (some == 0 && all.received > 0) break;
    for (size_t i = 0; some > 0 && i < load->subscribers; i++) {
      if (items[i].revents != 0) take(connections[i], &all, i);
    }
  }
  listeners_report(&all);
}
