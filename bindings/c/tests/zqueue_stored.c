/* What a queue has stored outlives it: jobs, what they left, and what they came to. */
#include "zqueue.h"

static zpat_queue_t *open_storing(zpat_context_t *context, const char *endpoint, const char *store) {
  zpat_queue_options_t options = ZPAT_QUEUE_OPTIONS_INIT;
  zpat_queue_t *queue = NULL;
  options.store = store;
  OK(zpat_queue_bind(context, &endpoint, 1, &options, &queue));
  return queue;
}

/* A parent whose queue ends while a child is with a worker, and again when it is done and its outcome is kept. */
static void goes_on(zpat_context_t *context, const char *folder) {
  char endpoint[256], store[256];
  zpat_job_options_t options = tried(3);
  zpat_slice_t frame = zpat_slice_text("child"), memo = zpat_slice_text("memo");
  zpat_child_t one = child("x", &frame);
  zpat_job_outcome_t outcome = ZPAT_JOB_OUTCOME_INIT;
  zpat_batch_t *body = NULL;
  in_folder(endpoint, "ipc://", folder, "queue");
  in_folder(store, "", folder, "store");
  options.keep = 10 * LONG;
  zpat_queue_t *queue = open_storing(context, endpoint, store);
  zpat_producer_t *producer = open_producer(context, endpoint);
  zpat_queue_worker_t *worker = open_worker(context, endpoint, "x");
  zpat_watch_t *watch = submit(producer, "x", "root", &options);
  int64_t number = accepted(watch);
  zpat_queue_job_t *job = next_job(worker);
  OK(zpat_queue_job_spawn(&job, &one, 1, &memo, 1));
  zpat_queue_job_t *held = next_job(worker);
  OK(zpat_queue_close(&queue));

  /* The new queue gives the child to the worker again; what is said of the old run is not heard. */
  queue = open_storing(context, endpoint, store);
  OK(zpat_queue_job_wait_withdrawn(held, LONG, NULL));
  OK(zpat_queue_job_free(&held));
  do {
    if (job != NULL) OK(zpat_queue_job_free(&job));
    job = next_job(worker);
  } while (OK(zpat_queue_job_is_withdrawn(job)));
  CHECK(zpat_slice_equal(zpat_queue_job_frame(job, 0), frame));
  complete(&job, "done");
  job = next_job(worker);
  CHECK(zpat_queue_job_id(job) == number && zpat_slice_equal(zpat_queue_job_memo(job, 0), memo));
  CHECK(zpat_slice_equal(zpat_queue_job_result_frame(job, 0, 0), zpat_slice_text("done")));
  complete(&job, "all done");
  CHECK(zpat_watch_outcome(watch, LONG, NULL, &body, &outcome) == 0 && frame_is(body, 0, 0, "all done"));
  OK(zpat_watch_free(&watch));
  OK(zpat_queue_worker_close(&worker));
  OK(zpat_queue_close(&queue));

  queue = open_storing(context, endpoint, store);
  CHECK(zpat_producer_result(producer, number, LONG, NULL, &body, &outcome) == 0 && frame_is(body, 0, 0, "all done"));
  CHECK(counters_of(queue).kept == 1);
  OK(zpat_producer_close(&producer));
  OK(zpat_queue_close(&queue));
  OK(zpat_batch_free(&body));
}

/* Without a store, what a queue had is lost, and who watches is told by its successor. */
static void lost(zpat_context_t *context, const char *folder) {
  char endpoint[256];
  zpat_job_outcome_t outcome = ZPAT_JOB_OUTCOME_INIT;
  zpat_batch_t *body = NULL;
  in_folder(endpoint, "ipc://", folder, "forgetful");
  zpat_queue_t *queue = open_storing(context, endpoint, NULL);
  zpat_producer_t *producer = open_producer(context, endpoint);
  zpat_watch_t *watch = submit(producer, "x", "job", NULL);
  accepted(watch);
  OK(zpat_queue_close(&queue));
  queue = open_storing(context, endpoint, NULL);
  CHECK(zpat_watch_outcome(watch, LONG, NULL, &body, &outcome) == ZPAT_E_NOT_FOUND);
  CHECK(outcome.kind == ZPAT_JOB_OUTCOME_FAILED && outcome.error == ZPAT_E_NOT_FOUND && outcome.code == 0);
  OK(zpat_watch_free(&watch));
  OK(zpat_producer_close(&producer));
  OK(zpat_queue_close(&queue));
  OK(zpat_batch_free(&body));
}

/* A store is one queue's, and what is none is left as it is. */
static void stores(zpat_context_t *context, const char *folder) {
  char store[256], garbage[256], nowhere[256], bytes[10000];
  const char *const anywhere[] = { "tcp://127.0.0.1:0" };
  zpat_queue_options_t options = ZPAT_QUEUE_OPTIONS_INIT;
  zpat_queue_t *queue = NULL, *other = NULL;
  in_folder(store, "", folder, "mine");
  in_folder(garbage, "", folder, "garbage");
  in_folder(nowhere, "", folder, "no/folder");
  options.store = store;
  OK(zpat_queue_bind(context, anywhere, 1, &options, &queue));
  FAILS_WITH(ZPAT_E_WRONG_STATE, zpat_queue_bind(context, anywhere, 1, &options, &other), store);
  OK(zpat_queue_close(&queue));

  memset(bytes, 7, sizeof bytes);
  FILE *file = fopen(garbage, "w");
  CHECK(file != NULL && fwrite(bytes, sizeof bytes, 1, file) == 1 && fclose(file) == 0);
  options.store = garbage;
  FAILS(ZPAT_E_CORRUPT, zpat_queue_bind(context, anywhere, 1, &options, &other));
  options.store = nowhere;
  FAILS(ZPAT_E_NOT_FOUND, zpat_queue_bind(context, anywhere, 1, &options, &other));
  CHECK(other == NULL);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  zpat_context_t *context = open_context();
  goes_on(context, argv[1]);
  lost(context, argv[1]);
  stores(context, argv[1]);
  OK(zpat_context_close(&context));
  return 0;
}
