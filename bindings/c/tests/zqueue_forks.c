/* After a fork the child's copies of a job queue's handles answer ZPAT_E_FORKED, and the parent goes on. */
#include "zqueue.h"

#include <sys/wait.h>

/* The parent's side; the child has a copy. */
struct town {
  zpat_queue_t *queue;
  zpat_producer_t *producer;
  zpat_queue_worker_t *worker;
  zpat_watch_t *watch;
  zpat_draft_t *draft;
  zpat_queue_job_t *job;
};

static void leave(struct town *town) {
  OK(zpat_watch_free(&town->watch));
  OK(zpat_producer_close(&town->producer));
  OK(zpat_queue_worker_close(&town->worker));
  OK(zpat_queue_close(&town->queue));
}

static void no_jobs(struct town *town) {
  zpat_zqueue_counters_t counters = ZPAT_ZQUEUE_COUNTERS_INIT;
  zpat_watch_event_t event = ZPAT_WATCH_EVENT_INIT;
  zpat_watch_t *watch = NULL;
  zpat_batch_t *body = NULL;
  zpat_queue_job_t *job = NULL;
  FAILS(ZPAT_E_FORKED, zpat_producer_push(town->producer, "x", NULL, 0, NULL, -1, NULL));
  FAILS(ZPAT_E_FORKED, zpat_producer_submit(town->producer, "x", NULL, 0, NULL, &watch));
  FAILS(ZPAT_E_FORKED, zpat_producer_post(town->producer, "x", NULL, 0, NULL, 1));
  FAILS(ZPAT_E_FORKED, zpat_producer_next(town->producer, -1, NULL, &body, &event));
  FAILS(ZPAT_E_FORKED, zpat_producer_uncork(town->producer));
  FAILS(ZPAT_E_FORKED, zpat_watch_next(town->watch, -1, NULL, &body, &event));
  FAILS(ZPAT_E_FORKED, zpat_draft_send_part(town->draft, NULL, 0));
  FAILS(ZPAT_E_FORKED, zpat_draft_execute(&town->draft, &watch));
  FAILS(ZPAT_E_FORKED, zpat_queue_worker_next(town->worker, -1, NULL, &job));
  FAILS(ZPAT_E_FORKED, zpat_queue_worker_leave(town->worker));
  FAILS(ZPAT_E_FORKED, zpat_queue_counters(town->queue, &counters));
  FAILS(ZPAT_E_FORKED, zpat_queue_drain(town->queue, -1, NULL));
  FAILS(ZPAT_E_FORKED, zpat_queue_wait(town->queue, -1, NULL));
  FAILS(ZPAT_E_FORKED, zpat_queue_job_wait_withdrawn(town->job, -1, NULL));
  FAILS(ZPAT_E_FORKED, zpat_queue_job_complete(&town->job, NULL, 0));
  CHECK(town->job == NULL && town->draft == NULL && watch == NULL && job == NULL);
  leave(town);
}

int main(void) {
  zpat_context_t *context = open_context();
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_batch_t *body = NULL;
  struct town town;
  int status = -1;
  town.queue = open_queue(context, NULL, endpoint);
  town.producer = open_producer(context, endpoint);
  town.worker = open_worker(context, endpoint, "x");
  town.watch = submit(town.producer, "x", "job", NULL);
  town.draft = NULL;
  OK(zpat_producer_draft(town.producer, "x", NULL, 0, NULL, &town.draft));
  town.job = next_job(town.worker);

  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    no_jobs(&town);
    _exit(0);
  }
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);

  complete(&town.job, "done");
  CHECK(zpat_watch_outcome(town.watch, LONG, NULL, &body, NULL) == 0 && frame_is(body, 0, 0, "done"));
  OK(zpat_draft_free(&town.draft));
  OK(zpat_batch_free(&body));
  leave(&town);
  OK(zpat_context_close(&context));
  return 0;
}
