/* The job queue in event loops: posted jobs and what comes of them, hooks, and queues that are drained and end. */
#include "loops.h"
#include "zqueue.h"

enum { MANY = 200, ROOM = 16 };

/* A producer and a worker in one loop, and what it brought last. */
struct loop {
  zpat_producer_t *producer;
  zpat_queue_worker_t *worker;
  zpat_batch_t *body;
  zpat_watch_event_t event;
};

/* Turns until the producer has something, and takes that. */
static int64_t turn(struct loop *loop) {
  int status;
  while ((status = zpat_producer_next(loop->producer, 0, NULL, &loop->body, &loop->event)) != 1) {
    CHECK(status == ZPAT_E_TIMEOUT && loop->event.kind == ZPAT_WATCH_NOTHING);
    if (OK(zpat_producer_arm(loop->producer)) == 0)
      CHECK(readable((int)OK(zpat_producer_ready_fd(loop->producer)), LONG));
  }
  if (loop->event.error != ZPAT_OK) CHECK(zpat_last_error_code() == loop->event.error);
  return loop->event.kind;
}

/* Turns until the worker has a job. */
static zpat_queue_job_t *job_of(struct loop *loop) {
  zpat_queue_job_t *job = NULL;
  int status;
  while ((status = zpat_queue_worker_next(loop->worker, 0, NULL, &job)) != 1) {
    CHECK(status == ZPAT_E_TIMEOUT && job == NULL);
    if (OK(zpat_queue_worker_arm(loop->worker)) == 0)
      CHECK(readable((int)OK(zpat_queue_worker_ready_fd(loop->worker)), LONG));
  }
  return job;
}

static int64_t post(struct loop *loop, const char *text, int watch) {
  zpat_job_options_t once = tried(1);
  zpat_slice_t frame = zpat_slice_text(text);
  int64_t ticket = OK(zpat_producer_post(loop->producer, "x", &frame, 1, &once, watch));
  CHECK(ticket >= 1);
  return ticket;
}

static void posted(struct loop *loop) {
  zpat_slice_t words = zpat_slice_text("words");
  /* One that is not watched is accepted, and that is all. */
  int64_t ticket = post(loop, "unwatched", 0);
  CHECK(turn(loop) == ZPAT_WATCH_ACCEPTED && loop->event.ticket == ticket && loop->event.known == 0);
  int64_t unwatched = loop->event.job;
  zpat_queue_job_t *job = job_of(loop);
  CHECK(zpat_queue_job_id(job) == unwatched);
  complete(&job, "unheard");

  ticket = post(loop, "watched", 1);
  CHECK(turn(loop) == ZPAT_WATCH_ACCEPTED && loop->event.ticket == ticket && loop->event.job != unwatched);
  job = job_of(loop);
  complete(&job, "heard");
  CHECK(turn(loop) == ZPAT_WATCH_ENDED && loop->event.ticket == ticket && loop->event.error == ZPAT_OK);
  CHECK(zpat_batch_count(loop->body) == 1 && frame_is(loop->body, 0, 0, "heard"));

  ticket = post(loop, "failed", 1);
  CHECK(turn(loop) == ZPAT_WATCH_ACCEPTED && zpat_batch_count(loop->body) == 0);
  job = job_of(loop);
  int64_t dead = zpat_queue_job_id(job);
  OK(zpat_queue_job_fail(&job, 3, &words, 1));
  CHECK(turn(loop) == ZPAT_WATCH_ENDED && loop->event.ticket == ticket && loop->event.error == ZPAT_E_JOB_FAILED);
  CHECK(loop->event.code == 3 && frame_is(loop->body, 0, 0, "words"));

  /* It is tried again, watched by its number, and cancelled. */
  ticket = OK(zpat_producer_post_requeue(loop->producer, dead));
  CHECK(turn(loop) == ZPAT_WATCH_ACCEPTED && loop->event.ticket == ticket && loop->event.job > dead);
  int64_t again = loop->event.job;
  job = job_of(loop);
  int64_t watch = OK(zpat_producer_post_watch(loop->producer, again, 0));
  ticket = OK(zpat_producer_post_cancel(loop->producer, again));
  for (int told = 0; told < 2; told++) {
    int64_t kind = turn(loop);
    if (kind == ZPAT_WATCH_ACCEPTED) CHECK(loop->event.ticket == ticket && loop->event.job == again);
    else CHECK(loop->event.ticket == watch && loop->event.error == ZPAT_E_CANCELLED);
  }
  OK(zpat_queue_job_wait_withdrawn(job, LONG, NULL));
  OK(zpat_queue_job_free(&job));

  ticket = OK(zpat_producer_post_watch(loop->producer, again, 1));
  CHECK(turn(loop) == ZPAT_WATCH_REFUSED && loop->event.ticket == ticket && loop->event.error == ZPAT_E_NOT_FOUND);
  CHECK(loop->event.may_be_accepted == 0 && zpat_batch_count(loop->body) == 0);
  ticket = OK(zpat_producer_post_cancel(loop->producer, again));
  CHECK(turn(loop) == ZPAT_WATCH_REFUSED && loop->event.ticket == ticket && loop->event.error == ZPAT_E_NOT_FOUND);
}

static void drafted(struct loop *loop) {
  zpat_slice_t parts[] = { zpat_slice_text("a"), zpat_slice_text("b") };
  int64_t draft = OK(zpat_producer_post_draft(loop->producer, "x", parts, 1, NULL));
  int64_t left = OK(zpat_producer_post_draft(loop->producer, "x", parts, 1, NULL));
  OK(zpat_producer_forget(loop->producer, left));
  OK(zpat_producer_send_part(loop->producer, draft, parts + 1, 1));
  OK(zpat_producer_execute(loop->producer, draft));
  CHECK(turn(loop) == ZPAT_WATCH_ACCEPTED && loop->event.ticket == draft);
  zpat_queue_job_t *job = job_of(loop);
  CHECK(zpat_queue_job_frame_count(job) == 2);
  CHECK(zpat_slice_equal(zpat_queue_job_frame(job, 1), zpat_slice_text("b")));
  complete(&job, "whole");
  CHECK(turn(loop) == ZPAT_WATCH_ENDED && loop->event.ticket == draft && frame_is(loop->body, 0, 0, "whole"));

  /* What is forgotten is done, and nothing is told. */
  int64_t forgotten = post(loop, "forgotten", 1);
  CHECK(turn(loop) == ZPAT_WATCH_ACCEPTED && loop->event.ticket == forgotten);
  OK(zpat_producer_forget(loop->producer, forgotten));
  job = job_of(loop);
  complete(&job, "unheard");
  int64_t last = post(loop, "last", 0);
  CHECK(turn(loop) == ZPAT_WATCH_ACCEPTED && loop->event.ticket == last);
  job = job_of(loop);
  complete(&job, "done");
}

/* Many at once, and a failure is no error of the call. */
static void many(struct loop *loop) {
  zpat_watch_event_t events[ROOM] = { ZPAT_WATCH_EVENT_INIT };
  zpat_slice_t frame = zpat_slice_text("job");
  zpat_batch_t *bodies = NULL;
  int64_t first = 0;
  int ended = 0, refused = 0;
  OK(zpat_producer_cork(loop->producer));
  for (int i = 0; i < MANY; i++) {
    int64_t ticket = post(loop, "job", 1);
    if (i == 0) first = ticket;
  }
  int64_t none = OK(zpat_producer_post_cancel(loop->producer, 1));
  OK(zpat_producer_uncork(loop->producer));
  for (int i = 0; i < MANY; i++) {
    zpat_queue_job_t *job = job_of(loop);
    OK(i % 2 ? zpat_queue_job_fail(&job, 5, &frame, 1) : zpat_queue_job_complete(&job, &frame, 1));
  }
  REFUSED(zpat_producer_uncork(NULL));
  while (ended < MANY || refused < 1) {
    int came = (int)OK(zpat_producer_next_many(loop->producer, ROOM, LONG, NULL, &bodies, events));
    CHECK(came >= 1 && came <= ROOM && zpat_batch_count(bodies) == (size_t)came);
    for (int i = 0; i < came; i++) {
      CHECK(events[i].struct_size == sizeof *events);
      if (events[i].ticket == none) {
        zpat_slice_t text = zpat_batch_frame(bodies, (size_t)i, 0);
        CHECK(events[i].kind == ZPAT_WATCH_REFUSED && text.len > 8 && memcmp(text.data, "NotFound", 8) == 0);
        refused++;
      } else if (events[i].kind == ZPAT_WATCH_ENDED) {
        CHECK(events[i].ticket >= first && events[i].ticket < first + MANY && frame_is(bodies, (size_t)i, 0, "job"));
        CHECK(events[i].error == (events[i].code == 5 ? ZPAT_E_JOB_FAILED : ZPAT_OK));
        ended++;
      } else {
        CHECK(events[i].kind == ZPAT_WATCH_ACCEPTED && zpat_batch_frame_count(bodies, (size_t)i) == 0);
      }
    }
  }
  CHECK(refused == 1 && zpat_last_error_code() == ZPAT_E_INVALID_ARGUMENT);
  FAILS(ZPAT_E_TIMEOUT, zpat_producer_next_many(loop->producer, ROOM, 0, NULL, &bodies, events));
  CHECK(events->kind == ZPAT_WATCH_NOTHING && zpat_batch_count(bodies) == 0);
  OK(zpat_batch_free(&bodies));
}

/* Hooks instead of descriptors; and a job's own, which says that it is withdrawn, or at its end. */
static void hooked(struct loop *loop, int pipes[2]) {
  OK(zpat_producer_set_hook(loop->producer, hook, &pipes[1]));
  OK(zpat_queue_worker_set_hook(loop->worker, hook, &pipes[1]));
  CHECK(OK(zpat_queue_worker_arm(loop->worker)) == 0);
  OK(zpat_producer_forget(loop->producer, post(loop, "job", 0)));
  zpat_queue_job_t *job = NULL;
  CHECK(heard(pipes));
  while (zpat_queue_worker_next(loop->worker, 0, NULL, &job) != 1)
    if (OK(zpat_queue_worker_arm(loop->worker)) == 0) CHECK(heard(pipes));
  OK(zpat_producer_set_hook(loop->producer, NULL, NULL));
  OK(zpat_queue_worker_set_hook(loop->worker, NULL, NULL));
  while (readable(pipes[0], 0)) CHECK(heard(pipes));

  int64_t number = zpat_queue_job_id(job);
  OK(zpat_queue_job_set_hook(job, hook, &pipes[1]));
  CHECK(!readable(pipes[0], 0));
  OK(zpat_producer_cancel(loop->producer, number, LONG, NULL));
  CHECK(heard(pipes) && OK(zpat_queue_job_is_withdrawn(job)) == 1);
  OK(zpat_queue_job_set_hook(job, hook, &pipes[1]));
  CHECK(readable(pipes[0], 0) && heard(pipes));
  OK(zpat_queue_job_free(&job));

  post(loop, "job", 0);
  job = job_of(loop);
  OK(zpat_queue_job_set_hook(job, hook, NULL));
  OK(zpat_queue_job_set_hook(job, hook, &pipes[1]));
  complete(&job, "done");
  CHECK(readable(pipes[0], 0) && heard(pipes));
  post(loop, "job", 0);
  job = job_of(loop);
  OK(zpat_queue_job_set_hook(job, hook, NULL));
  OK(zpat_queue_job_set_hook(job, NULL, NULL));
  complete(&job, "done");
  CHECK(!readable(pipes[0], 0));
}

/* A queue that is drained says so, and when it ends. */
static void ends(struct loop *loop, zpat_queue_t **queue, int pipes[2]) {
  post(loop, "last", 0);
  zpat_queue_job_t *job = job_of(loop);
  OK(zpat_queue_set_end_hook(*queue, hook, &pipes[1]));
  FAILS(ZPAT_E_TIMEOUT, zpat_queue_drain(*queue, 0, NULL));
  OK(zpat_queue_set_drained_hook(*queue, hook, &pipes[1]));
  CHECK(!readable(pipes[0], 0));
  complete(&job, "done");
  CHECK(heard(pipes));
  OK(zpat_queue_drain(*queue, 0, NULL));
  OK(zpat_queue_set_drained_hook(*queue, hook, &pipes[1]));
  CHECK(readable(pipes[0], 0) && heard(pipes) && !readable(pipes[0], 0));
  OK(zpat_queue_close(queue));
  CHECK(readable(pipes[0], 0) && heard(pipes));
}

/* A queue that does not answer: the push may have arrived, or has not left. */
static void unanswered(zpat_context_t *context) {
  zpat_producer_options_t options = ZPAT_PRODUCER_OPTIONS_INIT;
  struct loop loop = { NULL, NULL, NULL, ZPAT_WATCH_EVENT_INIT };
  options.patience = 50;
  OK(zpat_producer_open(context, "tcp://127.0.0.1:1", &options, &loop.producer));
  int64_t ticket = post(&loop, "nobody", 1);
  CHECK(turn(&loop) == ZPAT_WATCH_REFUSED && loop.event.ticket == ticket && loop.event.error == ZPAT_E_TIMEOUT);
  CHECK(loop.event.may_be_accepted == 0 || loop.event.may_be_accepted == 1);
  FAILS(ZPAT_E_TIMEOUT, zpat_producer_push(loop.producer, "x", NULL, 0, NULL, LONG, NULL));
  OK(zpat_producer_close(&loop.producer));
}

int main(void) {
  zpat_context_t *context = open_context();
  char endpoint[ZPAT_ENDPOINT_SIZE];
  int pipes[2];
  CHECK(pipe(pipes) == 0);
  zpat_queue_t *queue = open_queue(context, NULL, endpoint);
  struct loop loop = { open_producer(context, endpoint), open_worker(context, endpoint, "x"), NULL,
                       ZPAT_WATCH_EVENT_INIT };
  posted(&loop);
  drafted(&loop);
  many(&loop);
  while (zpat_producer_next(loop.producer, 0, NULL, &loop.body, &loop.event) == 1) continue;
  hooked(&loop, pipes);
  ends(&loop, &queue, pipes);
  unanswered(context);
  OK(zpat_batch_free(&loop.body));
  OK(zpat_producer_close(&loop.producer));
  OK(zpat_queue_worker_close(&loop.worker));
  CHECK(close(pipes[0]) == 0 && close(pipes[1]) == 0);
  OK(zpat_context_close(&context));
  return 0;
}
