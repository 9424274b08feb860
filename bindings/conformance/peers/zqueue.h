/* The job queue in the peer: queues, and what comes of jobs. Who pushes them and who does them has a file of its own.
 *
 * With --async nothing waits in the library: what is wanted is posted, and what comes is taken after a notice. */
#include "zqueue_options.h"

/* What came of something that was posted, while an event loop waited for something else. */
struct came {
  struct came *next;
  const zpat_producer_t *producer;
  zpat_watch_event_t event;
  zpat_batch_t *body;
};

static struct came *came;

/* What a hook writes into. It stays open, because a hook of a queue may be late. */
static int bell[2];

static int print_number(int64_t number) {
  if (number < 0) return (int)number;
  printf("ok %lld\n", (long long)number);
  return ANSWERED;
}

static void print_message(const zpat_batch_t *messages, size_t message) {
  for (size_t f = 0; f < zpat_batch_frame_count(messages, message); f++) {
    if (f > 0) putchar(',');
    print_hex(zpat_batch_frame(messages, message, f));
  }
}

static const char *truth(int64_t value) { return value ? "true" : "false"; }

/* An event loop's wait for the hook `wake`, which got the bell: 0 when it is time to look, or an error. */
static int await_bell(int64_t end) {
  char rung[16];
  int outcome = await_notice(0, bell[0], end);
  while (outcome == 0 && read(bell[0], rung, sizeof rung) == sizeof rung) {}
  return outcome;
}

static int open_bell(void) {
  return bell[1] == 0 && pipe2(bell, O_NONBLOCK | O_CLOEXEC) < 0 ? ZPAT_E_TOO_MANY_OPEN : 0;
}

/* ---- Queues ---- */

static zpat_queue_t *queue_of(char **rest) {
  struct slot *slot = find(next(rest));
  return slot ? slot->queue : NULL;
}

static int do_queue(char **rest) {
  zpat_queue_options_t options = ZPAT_QUEUE_OPTIONS_INIT;
  zpat_queue_t *queue = NULL;
  struct slot *slot = make(next(rest));
  char bound[ZPAT_ENDPOINT_SIZE];
  size_t count;
  const char *const *endpoints = split(next(rest), &count);
  int outcome = slot ? read_queue_options(rest, &options) : ZPAT_E_TOO_MANY_OPEN;
  if (outcome >= 0) outcome = zpat_queue_bind(context, endpoints, count, &options, &queue);
  if (outcome < 0) return outcome;
  zpat_queue_close(&slot->queue);
  slot->queue = queue;
  for (size_t i = 0; i < count; i++) {
    outcome = zpat_queue_endpoint(queue, i, bound, sizeof bound);
    if (outcome < 0) return outcome;
    printf("%s%s", i > 0 ? "," : "ok ", bound);
  }
  putchar('\n');
  return ANSWERED;
}

static int do_queue_workers(char **rest) { return print_number(zpat_queue_workers(queue_of(rest))); }

static int do_queue_counters(char **rest) {
  zpat_zqueue_counters_t counters = ZPAT_ZQUEUE_COUNTERS_INIT;
  int outcome = zpat_queue_counters(queue_of(rest), &counters);
  if (outcome < 0) return outcome;
  fputs("ok", stdout);
  ZQUEUE_COUNTERS(PRINT)
  putchar('\n');
  return ANSWERED;
}

static int await_drained(const zpat_queue_t *queue, int64_t end) {
  int outcome = open_bell();
  while (outcome == 0 && (outcome = zpat_queue_drain(queue, 0, NULL)) == ZPAT_E_TIMEOUT) {
    outcome = zpat_queue_set_drained_hook(queue, wake, bell);
    if (outcome == 0) outcome = await_bell(end);
    if (outcome == 0) continue;
    zpat_queue_set_drained_hook(queue, NULL, NULL);
  }
  return outcome;
}

static int do_queue_drain(char **rest) {
  const zpat_queue_t *queue = queue_of(rest);
  int64_t timeout = number(rest);
  return is_async ? await_drained(queue, now() + timeout) : zpat_queue_drain(queue, timeout, NULL);
}

/* ---- What comes of jobs ---- */

static void release(struct begun *begun) {
  zpat_watch_free(&begun->watch);
  zpat_draft_free(&begun->draft);
  memset(begun, 0, sizeof *begun);
}

/* Puts what was begun where its name is, if it was. */
static int put(struct begun *place, int outcome, struct begun begun) {
  if (outcome < 0) return outcome;
  release(place);
  *place = begun;
  return DONE;
}

/* Notes what was posted: 0 or an error. */
static int posted(const zpat_producer_t *producer, int64_t ticket, struct begun *begun) {
  if (ticket < 0) return (int)ticket;
  *begun = (struct begun){ .producer = producer, .ticket = ticket };
  return 0;
}

/* Takes the next event of anything that was posted, and keeps it for who waits for it: 0 or an error. */
static int keep_next(const zpat_producer_t *producer, int64_t end) {
  struct came *new = calloc(1, sizeof *new), **last = &came;
  int outcome;
  if (!new) return ZPAT_E_TOO_LARGE;
  new->producer = producer;
  new->event = (zpat_watch_event_t)ZPAT_WATCH_EVENT_INIT;
  while ((outcome = zpat_producer_next(producer, 0, NULL, &new->body, &new->event)) == ZPAT_E_TIMEOUT) {
    outcome = await_notice(zpat_producer_arm(producer), zpat_producer_ready_fd(producer), end);
    if (outcome < 0) break;
  }
  if (outcome < 0) {
    zpat_batch_free(&new->body);
    free(new);
    return outcome;
  }
  while (*last) last = &(*last)->next;
  *last = new;
  return 0;
}

/* Takes one out of those that came, and gives its body. */
static zpat_batch_t *take_out(struct came **at) {
  struct came *it = *at;
  zpat_batch_t *body = it->body;
  *at = it->next;
  free(it);
  return body;
}

/* What comes next of something; its body is in `batch`. 0 and more, or an error, also of what was refused. */
static int next_of(const struct begun *begun, int64_t end, zpat_watch_event_t *event) {
  if (begun->watch) return zpat_watch_next(begun->watch, left(end), NULL, &batch, event);
  for (;;) {
    struct came **at = &came;
    while (*at && ((*at)->producer != begun->producer || (*at)->event.ticket != begun->ticket)) at = &(*at)->next;
    if (*at) {
      *event = (*at)->event;
      zpat_batch_free(&batch);
      batch = take_out(at);
      return event->kind == ZPAT_WATCH_REFUSED ? (int)event->error : 0;
    }
    int outcome = keep_next(begun->producer, end);
    if (outcome < 0) return outcome;
  }
}

/* The number of a job that is accepted, or 0 of what is done otherwise; or an error. */
static int64_t accepted(const struct begun *begun, int64_t end) {
  zpat_watch_event_t event = ZPAT_WATCH_EVENT_INIT;
  int outcome = next_of(begun, end, &event);
  if (outcome < 0) return outcome;
  return event.kind == ZPAT_WATCH_ACCEPTED ? event.job : ZPAT_E_WRONG_STATE;
}

/* What a job came to, with the body in `batch`. */
static int print_result(int64_t error, int64_t code) {
  if (error == ZPAT_OK) fputs("result=done body=", stdout);
  else printf("result=failed error=%s code=%lld body=", zpat_error_name((int)error), (long long)code);
  if (error == ZPAT_OK || error == ZPAT_E_JOB_FAILED) print_message(batch, 0);
  putchar('\n');
  return ANSWERED;
}

static int print_came_to(int result, const zpat_job_outcome_t *outcome) {
  if (outcome->kind == ZPAT_JOB_OUTCOME_NOTHING) return result;
  fputs("ok ", stdout);
  return print_result(outcome->error, outcome->code);
}

static int print_outcome_of(const struct begun *begun, int64_t end) {
  zpat_job_outcome_t outcome = ZPAT_JOB_OUTCOME_INIT;
  zpat_watch_event_t event = ZPAT_WATCH_EVENT_INIT;
  if (begun->watch)
    return print_came_to(zpat_watch_outcome(begun->watch, left(end), NULL, &batch, &outcome), &outcome);
  while (event.kind != ZPAT_WATCH_ENDED) {
    int result = next_of(begun, end, &event);
    if (result < 0) return result;
  }
  fputs("ok ", stdout);
  return print_result(event.error, event.code);
}

static struct begun *watch_of(char **rest) {
  struct slot *slot = find(next(rest));
  return slot && (slot->watched.watch || slot->watched.producer) ? &slot->watched : NULL;
}

static int do_watched(char **rest) {
  zpat_watch_event_t event = ZPAT_WATCH_EVENT_INIT;
  const struct begun *begun = watch_of(rest);
  int outcome = begun ? next_of(begun, now() + number(rest), &event) : ZPAT_E_INVALID_ARGUMENT;
  if (outcome < 0) return outcome;
  if (event.kind == ZPAT_WATCH_ENDED) {
    fputs("ok event=ended ", stdout);
    return print_result(event.error, event.code);
  }
  if (event.kind == ZPAT_WATCH_ACCEPTED)
    printf("ok event=accepted id=%lld known=%s\n", (long long)event.job, truth(event.known));
  else
    printf("ok event=progress open=%llu done=%llu failed=%llu\n", (unsigned long long)event.open,
           (unsigned long long)event.done, (unsigned long long)event.failed);
  return ANSWERED;
}

static int do_outcome(char **rest) {
  const struct begun *begun = watch_of(rest);
  return begun ? print_outcome_of(begun, now() + number(rest)) : ZPAT_E_INVALID_ARGUMENT;
}
