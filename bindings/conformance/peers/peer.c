/* The conformance peer in C: does what it reads, one command per line; the line protocol is in ../README.md.
 *
 * With --async every socket is a background one, and sending and receiving never wait in the library: the program
 * asks for a notice and waits for it with poll, as an event loop does. Words are decoded in place, so a line is all
 * the memory that a command needs. Commands of a pattern are in a file of its name. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <zpatterns.h>

/* Options by name; the compiler says if one is misspelt. */
#define NUMBERS(X) \
  X(background) X(send_hwm) X(recv_hwm) X(inbox_messages) X(inbox_bytes) X(max_message_size) X(linger) \
  X(invert_matching) X(conflate) X(immediate) X(router_mandatory) X(router_handover) X(probe_router) X(req_relaxed) \
  X(req_correlate) X(xpub_verbose) X(xpub_verboser) X(xpub_nodrop) X(stream_notify) X(reconnect_interval) \
  X(reconnect_interval_max) X(connect_timeout) X(handshake_interval) X(heartbeat_interval) X(heartbeat_timeout) \
  X(heartbeat_ttl) X(tos) X(ipv6) X(ipc_mode) X(plain_server) X(curve_server)
#define TEXTS(X) \
  X(plain_username) X(plain_password) X(curve_public_key) X(curve_secret_key) X(curve_server_key) X(zap_domain)
#define STATS(X) \
  X(sent_messages) X(sent_bytes) X(received_messages) X(received_bytes) X(send_full) X(send_unreachable) \
  X(inbox_messages) X(inbox_bytes) X(inbox_full) X(lost_closed)

/* What was begun with a producer: a handle in one face, a ticket in the other. */
struct begun {
  zpat_watch_t *watch;
  zpat_draft_t *draft;
  const zpat_producer_t *producer;
  int64_t ticket;
};

/* What has a name; things of different types may have the same. */
struct slot {
  char name[32];
  zpat_socket_t *socket;
  zpat_monitor_t *monitor;
  zpat_client_t *client;
  zpat_worker_t *worker;
  zpat_broker_t *broker;
  zpat_bus_t *bus;
  zpat_job_t *job;
  /* A request and its client, the run of its last part, and what came of it while an event loop waited for another. */
  const zpat_client_t *asker;
  int64_t ticket, run;
  zpat_batch_t *body;
  zpat_outcome_t outcome;
  int came;
  /* Who serves for the worker, how many jobs, and what stops that. */
  pthread_t server;
  int64_t jobs;
  zpat_cancel_t *stop;
  zpat_queue_t *queue;
  zpat_producer_t *producer;
  zpat_queue_worker_t *queue_worker;
  zpat_queue_job_t *queue_job;
  struct begun watched, drafted;
  /* Who does jobs for the queue's worker, and what stops that. */
  pthread_t doer;
  zpat_cancel_t *rest;
  zpat_publisher_t *publisher;
  zpat_subscriber_t *subscriber;
};

static zpat_context_t *context;
static zpat_authenticator_t *authenticator;
static zpat_batch_t *batch;
/* A scenario takes a hundred jobs at once. */
enum { SLOTS = 256 };
static struct slot slots[SLOTS];
static int is_async;

/* What a command returns besides an error: main still has to say ok, or the command has said it. */
enum { DONE = 0, ANSWERED = 1 };

static char *next(char **rest) {
  char *word;
  do {
    word = strsep(rest, " \n");
  } while (word && !*word);
  return word ? word : "";
}

static int64_t number(char **rest) { return strtoll(next(rest), NULL, 10); }

/* The name of the option that is next, or NULL if there is none. */
static char *next_option(char **rest, char **value) {
  char *start = *rest ? *rest + strspn(*rest, " ") : "";
  if (!memchr(start, '=', strcspn(start, " \n"))) return NULL;
  char *name = next(rest);
  *value = strchr(name, '=');
  *(*value)++ = 0;
  return name;
}

static int64_t number_of(const char *value) { return strcmp(value, "true") == 0 ? 1 : strtoll(value, NULL, 10); }

/* Decodes hexadecimal in place, with a zero behind it. */
static zpat_slice_t unhex(char *word) {
  char *out = word, *in = *word == '-' ? word + 1 : word;
  for (; in[0] && in[1]; in += 2) {
    char pair[3] = { in[0], in[1], 0 };
    *out++ = (char)strtol(pair, NULL, 16);
  }
  *out = 0;
  return (zpat_slice_t){ word, (size_t)(out - word) };
}

static void print_hex(zpat_slice_t bytes) {
  const unsigned char *data = bytes.data;
  if (bytes.len == 0) putchar('-');
  for (size_t i = 0; i < bytes.len; i++) {
    putchar_unlocked("0123456789abcdef"[data[i] >> 4]);
    putchar_unlocked("0123456789abcdef"[data[i] & 15]);
  }
}

/* All words that are left, at most 64. */
static size_t next_frames(char **rest, zpat_slice_t *frames) {
  size_t count = 0;
  char *word;
  while (*(word = next(rest)) && count < 64) frames[count++] = unhex(word);
  return count;
}

static struct slot *find(const char *name) {
  for (size_t i = 0; i < SLOTS; i++)
    if (strcmp(slots[i].name, name) == 0) return &slots[i];
  return NULL;
}

/* The slot with this name, or an empty one that gets it. */
static struct slot *make(const char *name) {
  struct slot *slot = find(name) ? find(name) : find("");
  if (!slot || strlen(name) >= sizeof slot->name) return NULL;
  strcpy(slot->name, name);
  return slot;
}

static zpat_socket_t *socket_of(char **rest) {
  struct slot *slot = find(next(rest));
  return slot ? slot->socket : NULL;
}

static int do_open(char **rest) {
  static const char *const kinds[] = { "pair", "pub", "sub", "req", "rep", "dealer", "router", "pull", "push", "xpub",
                                       "xsub", "stream" };
  zpat_socket_options_t options = ZPAT_SOCKET_OPTIONS_INIT;
  char *name = next(rest), *type = next(rest), *word, *value;
  int kind = -1;
  struct slot *slot = make(name);
  if (!slot) return ZPAT_E_TOO_MANY_OPEN;
  for (int i = 0; i < 12; i++)
    if (strcmp(type, kinds[i]) == 0) kind = i;
  options.background = is_async;
  while ((word = next_option(rest, &value))) {
    int is_bytes = strncmp(value, "hex:", 4) == 0;
    zpat_slice_t bytes = is_bytes ? unhex(value + 4) : (zpat_slice_t){ NULL, 0 };
    int64_t plain = is_bytes ? 0 : number_of(value);
    int known = 0;
#define NUMBER(option) if (strcmp(word, #option) == 0) options.option = plain, known = 1;
#define TEXT(option) if (strcmp(word, #option) == 0) options.option = bytes.data, known = 1;
    NUMBERS(NUMBER)
    TEXTS(TEXT)
    if (strcmp(word, "routing_id") == 0) options.routing_id = bytes, known = 1;
    if (!known) return ZPAT_E_INVALID_ARGUMENT;
  }
  zpat_socket_t *socket = NULL;
  int outcome = zpat_socket_open(context, kind, &options, &socket);
  if (outcome < 0) return outcome;
  zpat_socket_close(&slot->socket, 0);
  slot->socket = socket;
  return DONE;
}

static int do_bind(char **rest) {
  char bound[ZPAT_ENDPOINT_SIZE];
  zpat_socket_t *socket = socket_of(rest);
  int outcome = zpat_socket_bind(socket, next(rest), bound, sizeof bound);
  if (outcome < 0) return outcome;
  printf("ok %s\n", bound);
  return ANSWERED;
}

#define WITH_ENDPOINT(name) \
  static int do_##name(char **rest) { \
    zpat_socket_t *socket = socket_of(rest); \
    return zpat_socket_##name(socket, next(rest)); \
  }
WITH_ENDPOINT(connect)
WITH_ENDPOINT(unbind)
WITH_ENDPOINT(disconnect)

#define WITH_PREFIX(name) \
  static int do_##name(char **rest) { \
    zpat_socket_t *socket = socket_of(rest); \
    zpat_slice_t prefix = unhex(next(rest)); \
    return zpat_socket_##name(socket, prefix.data, prefix.len); \
  }
WITH_PREFIX(subscribe)
WITH_PREFIX(unsubscribe)

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int64_t left(int64_t end) { return end > now() ? end - now() : 0; }

/* An event loop's wait after arming: 0 when what it wants may be so, or ZPAT_E_TIMEOUT. */
static int await_notice(int armed, int descriptor, int64_t end) {
  if (armed != 0) return armed < 0 ? armed : 0;
  struct pollfd fd = { descriptor, POLLIN, 0 };
  return poll(&fd, 1, (int)left(end)) == 0 ? ZPAT_E_TIMEOUT : 0;
}

static int do_send(char **rest) {
  zpat_socket_t *socket = socket_of(rest);
  int64_t timeout = number(rest), end = now() + timeout;
  zpat_slice_t frames[64];
  size_t count = next_frames(rest, frames);
  int outcome = zpat_socket_send_multipart(socket, frames, count, is_async ? 0 : timeout, NULL);
  while (is_async && timeout != 0 && outcome == ZPAT_E_FULL) {
    outcome = await_notice(zpat_socket_arm(socket, ZPAT_SEND), zpat_socket_ready_fd(socket), end);
    if (outcome == 0) outcome = zpat_socket_send_multipart(socket, frames, count, 0, NULL);
  }
  return outcome;
}

static int do_send_many(char **rest) {
  zpat_socket_t *socket = socket_of(rest);
  int64_t timeout = number(rest);
  zpat_batch_t *messages = NULL;
  char *message;
  int outcome = zpat_batch_new(&messages);
  while (outcome >= 0 && *(message = next(rest))) {
    zpat_slice_t frames[64];
    size_t count = 0;
    char *frame;
    while ((frame = strsep(&message, ",")) && count < 64) frames[count++] = unhex(frame);
    outcome = zpat_batch_add_multipart(messages, frames, count);
  }
  if (outcome >= 0) outcome = zpat_socket_send_many(socket, messages, 0, timeout, NULL);
  zpat_batch_free(&messages);
  if (outcome < 0) return outcome;
  printf("ok %d\n", outcome);
  return ANSWERED;
}

static int receive(zpat_socket_t *socket, size_t max, int64_t timeout) {
  int64_t end = now() + timeout;
  int outcome;
  while ((outcome = zpat_socket_recv_many(socket, max, SIZE_MAX, is_async ? 0 : timeout, NULL, &batch)) ==
             ZPAT_E_TIMEOUT && is_async) {
    outcome = await_notice(zpat_socket_arm(socket, ZPAT_RECV), zpat_socket_ready_fd(socket), end);
    if (outcome < 0) break;
  }
  return outcome;
}

static int print_batch(int outcome, char between) {
  if (outcome < 0) return outcome;
  fputs("ok", stdout);
  for (size_t m = 0; m < zpat_batch_count(batch); m++)
    for (size_t f = 0; f < zpat_batch_frame_count(batch, m); f++) {
      putchar(f == 0 ? ' ' : between);
      print_hex(zpat_batch_frame(batch, m, f));
    }
  putchar('\n');
  return ANSWERED;
}

static int do_recv(char **rest) {
  zpat_socket_t *socket = socket_of(rest);
  int64_t timeout = number(rest);
  return print_batch(is_async ? receive(socket, 1, timeout) : zpat_socket_recv(socket, timeout, NULL, &batch), ' ');
}

static int do_recv_many(char **rest) {
  zpat_socket_t *socket = socket_of(rest);
  int64_t timeout = number(rest);
  return print_batch(receive(socket, (size_t)number(rest), timeout), ',');
}

static void *fire(void *cancel) {
  zpat_cancel_fire(cancel);
  return NULL;
}

static int do_cancel_recv(char **rest) {
  zpat_socket_t *socket = socket_of(rest);
  zpat_cancel_t *cancel = NULL;
  pthread_t thread;
  int outcome = zpat_cancel_open(&cancel);
  if (outcome < 0) return outcome;
  pthread_create(&thread, NULL, fire, cancel);
  outcome = zpat_socket_recv(socket, -1, cancel, &batch);
  pthread_join(thread, NULL);
  zpat_cancel_close(&cancel);
  return print_batch(outcome, ' ');
}

static int do_stats(char **rest) {
  zpat_socket_stats_t stats = ZPAT_SOCKET_STATS_INIT;
  int outcome = zpat_socket_stats(socket_of(rest), &stats);
  if (outcome < 0) return outcome;
  fputs("ok", stdout);
#define FIELD(name) printf(" " #name "=%llu", (unsigned long long)stats.name);
  STATS(FIELD)
  putchar('\n');
  return ANSWERED;
}

static int do_close(char **rest) {
  struct slot *slot = find(next(rest));
  if (!slot) return ZPAT_E_INVALID_ARGUMENT;
  return zpat_socket_close(&slot->socket, number(rest));
}

static int do_monitor(char **rest) {
  struct slot *slot = find(next(rest));
  if (!slot) return ZPAT_E_INVALID_ARGUMENT;
  zpat_monitor_close(&slot->monitor);
  return zpat_monitor_open(slot->socket, &slot->monitor);
}

static int do_event(char **rest) {
  struct slot *slot = find(next(rest));
  zpat_monitor_event_t event = ZPAT_MONITOR_EVENT_INIT;
  int outcome = zpat_monitor_next(slot ? slot->monitor : NULL, number(rest), NULL, &event);
  if (outcome < 0) return outcome;
  printf("ok kind=%s endpoint=%s value=%lld\n", zpat_monitor_event_name((int)event.kind), event.endpoint,
         (long long)event.value);
  return ANSWERED;
}

static int do_authenticator(char **rest) {
  (void)rest;
  return zpat_authenticator_open(context, &authenticator);
}

static int do_allow_key(char **rest) { return zpat_authenticator_allow_key(authenticator, next(rest)); }

static int do_keys(char **rest) {
  char public_key[ZPAT_CURVE_KEY_SIZE], secret_key[ZPAT_CURVE_KEY_SIZE];
  (void)rest;
  int outcome = zpat_curve_keypair(public_key, secret_key);
  if (outcome < 0) return outcome;
  printf("ok public=%s secret=%s\n", public_key, secret_key);
  return ANSWERED;
}

#include "reqrep.h"
#include "bus.h"
#include "zqueue.h"
#include "zqueue_producer.h"
#include "zqueue_worker.h"
#include "pubsub.h"
#include "pubsub_subscriber.h"

static int do_reset(char **rest) {
  (void)rest;
  for (size_t i = 0; i < SLOTS; i++) {
    end_parties(&slots[i]);
    end_yard(&slots[i]);
    zpat_job_free(&slots[i].job);
    zpat_batch_free(&slots[i].body);
    zpat_monitor_close(&slots[i].monitor);
    zpat_socket_close(&slots[i].socket, 0);
    zpat_bus_close(&slots[i].bus, 0);
    zpat_subscriber_close(&slots[i].subscriber);
    zpat_publisher_close(&slots[i].publisher, 0);
    memset(&slots[i], 0, sizeof slots[i]);
  }
  zpat_authenticator_close(&authenticator);
  return DONE;
}

static int do_info(char **rest);

static const struct {
  const char *name;
  int (*run)(char **rest);
} commands[] = {
  { "open", do_open }, { "bind", do_bind }, { "connect", do_connect }, { "unbind", do_unbind },
  { "disconnect", do_disconnect }, { "subscribe", do_subscribe }, { "unsubscribe", do_unsubscribe },
  { "send", do_send }, { "send-many", do_send_many }, { "recv", do_recv }, { "recv-many", do_recv_many },
  { "cancel-recv", do_cancel_recv }, { "stats", do_stats }, { "close", do_close }, { "monitor", do_monitor },
  { "event", do_event }, { "authenticator", do_authenticator }, { "allow-key", do_allow_key }, { "keys", do_keys },
  { "broker", do_broker }, { "worker", do_worker }, { "server", do_server }, { "client", do_client },
  { "request", do_request }, { "ask", do_ask }, { "answer", do_answer }, { "stream", do_ask }, { "part", do_part },
  { "take-back", do_take_back }, { "store", do_store }, { "fetch", do_fetch }, { "discard", do_discard },
  { "ask-many", do_ask_many }, { "answers", do_answers }, { "job", do_job }, { "job-partial", do_job_partial },
  { "job-reply", do_job_reply }, { "job-fail", do_job_fail }, { "job-drop", do_job_drop },
  { "job-cancelled", do_job_cancelled }, { "serve", do_serve }, { "leave", do_leave }, { "drain", do_drain },
  { "workers", do_workers }, { "news", do_news }, { "counters", do_counters }, { "end", do_end }, { "bus", do_bus },
  { "bus-subscribe", do_bus_subscribe }, { "bus-unsubscribe", do_bus_unsubscribe }, { "say", do_say },
  { "say-many", do_say_many }, { "hear", do_hear }, { "hear-many", do_hear_many }, { "cancel-hear", do_cancel_hear },
  { "lose", do_lose }, { "bus-peers", do_bus_peers }, { "bus-counters", do_bus_counters },
  { "bus-close", do_bus_close }, { "queue", do_queue }, { "queue-workers", do_queue_workers },
  { "queue-counters", do_queue_counters }, { "queue-drain", do_queue_drain }, { "producer", do_producer },
  { "push", do_push }, { "push-many", do_push_many }, { "run", do_run }, { "submit", do_submit },
  { "watch", do_watch }, { "watched", do_watched }, { "outcome", do_outcome }, { "draft", do_draft },
  { "draft-part", do_draft_part }, { "draft-execute", do_draft_execute }, { "draft-drop", do_draft_drop },
  { "result", do_result }, { "cancel-job", do_cancel_job }, { "requeue", do_requeue }, { "queues", do_queues },
  { "tree", do_tree }, { "dead", do_dead }, { "queue-worker", do_queue_worker }, { "take", do_take },
  { "complete", do_complete }, { "retry", do_retry }, { "fail", do_fail }, { "spawn", do_spawn },
  { "drop", do_drop }, { "withdrawn", do_withdrawn }, { "work", do_work }, { "queue-leave", do_queue_leave },
  { "worker-counters", do_worker_counters }, { "queue-end", do_queue_end },
  { "publisher", do_publisher }, { "publish", do_publish }, { "publish-many", do_publish_many },
  { "publisher-event", do_publisher_event }, { "admit", do_admit }, { "refuse", do_refuse },
  { "entitle", do_entitle }, { "set-rules", do_set_rules }, { "expel", do_expel },
  { "publisher-counters", do_publisher_counters }, { "subscribers", do_subscribers },
  { "plain-endpoint", do_plain_endpoint }, { "open-plain", do_open_plain }, { "close-plain", do_close_plain }, { "publisher-close", do_publisher_close },
  { "subscriber", do_subscriber }, { "want", do_want }, { "want-many", do_want_many },
  { "want-no-more", do_want_no_more }, { "listen", do_listen }, { "listen-many", do_listen_many },
  { "cancel-listen", do_cancel_listen }, { "subscriber-counters", do_subscriber_counters },
  { "subscriber-close", do_subscriber_close },
  { "info", do_info }, { "reset", do_reset },
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static int do_info(char **rest) {
  zpat_info_t info = ZPAT_INFO_INIT;
  int outcome = zpat_info(&info);
  (void)rest;
  if (outcome < 0) return outcome;
  printf("ok zpatterns=%s libzmq=%s curve=%s transports=", info.version, info.libzmq, info.curve ? "true" : "false");
  for (const char *c = info.transports; *c; c++) putchar(*c == ' ' ? ',' : *c);
  fputs(" can=quit,try-send,multipart-batches,cancel-verdict,withdrawn-verdict", stdout);
  if (!is_async) fputs(",direct", stdout);
  for (int i = 0; i < COMMANDS; i++) printf(",%s", commands[i].name);
  putchar('\n');
  return ANSWERED;
}

int main(int count, char **arguments) {
  char *line = NULL;
  size_t size = 0;
  is_async = count > 1 && strcmp(arguments[1], "--async") == 0;
  if (zpat_context_open(NULL, &context) < 0) return 1;
  while (getline(&line, &size, stdin) > 0) {
    char *rest = line, *name = next(&rest);
    int outcome = ZPAT_E_UNSUPPORTED;
    if (strcmp(name, "quit") == 0) break;
    for (int i = 0; i < COMMANDS; i++)
      if (strcmp(name, commands[i].name) == 0) outcome = commands[i].run(&rest);
    if (outcome < 0) printf("error %s\n", zpat_error_name(outcome));
    else if (outcome == DONE) puts("ok");
    fflush(stdout);
  }
  puts("ok");
  fflush(stdout);
  do_reset(NULL);
  zpat_batch_free(&batch);
  zpat_bus_events_free(&heard);
  zpat_subscriber_events_free(&listened);
  zpat_context_close(&context);
  free(line);
  return 0;
}
