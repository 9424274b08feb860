/* Jobs that are broken into others: what they come to, in which order, and what becomes of a parent whose child fails. */
#include "zqueue.h"

enum { THREADS = 3, DEEP = 4, WIDE = 4, MANY = 2000, ROOM = 64 };

static uint32_t number_of(zpat_slice_t frame) {
  uint32_t number;
  CHECK(frame.len == sizeof number);
  memcpy(&number, frame.data, sizeof number);
  return number;
}

/* Counts the jobs of a tree that is so deep, and WIDE. How deep it was is left as a memo. */
static void count(zpat_queue_job_t **job) {
  uint32_t deep = number_of(zpat_queue_job_frame(*job, 0)), below = deep - 1, sum = 1;
  zpat_slice_t memo = { &deep, sizeof deep }, body = { &below, sizeof below };
  zpat_child_t children[WIDE];
  if (deep > 0 && !OK(zpat_queue_job_is_resumed(*job))) {
    for (int i = 0; i < WIDE; i++) children[i] = child("count", &body);
    OK(zpat_queue_job_spawn(job, children, WIDE, &memo, 1));
    return;
  }
  if (deep > 0) {
    CHECK(zpat_queue_job_memo_count(*job) == 1 && number_of(zpat_queue_job_memo(*job, 0)) == deep);
    CHECK(zpat_queue_job_memo(*job, 1).data == NULL && zpat_queue_job_result_count(*job) == WIDE);
  }
  for (size_t i = 0; i < zpat_queue_job_result_count(*job); i++) {
    CHECK(zpat_queue_job_result(*job, i, NULL) == ZPAT_JOB_OUTCOME_DONE);
    CHECK(zpat_queue_job_result_frame_count(*job, i) == 1 && zpat_queue_job_result_frame(*job, i, 1).data == NULL);
    sum += number_of(zpat_queue_job_result_frame(*job, i, 0));
  }
  zpat_slice_t counted = { &sum, sizeof sum };
  OK(zpat_queue_job_complete(job, &counted, 1));
}

/* A thread that takes jobs as they come, many at a time, and says what it has to say together. */
static void *counts(void *worker) {
  zpat_queue_job_t *jobs[8];
  int came;
  while ((came = zpat_queue_worker_next_many(worker, 8, LONG, NULL, jobs)) > 0) {
    OK(zpat_queue_worker_cork(worker));
    for (int i = 0; i < came; i++) count(&jobs[i]);
    OK(zpat_queue_worker_uncork(worker));
  }
  CHECK(came == ZPAT_E_CLOSED);
  return NULL;
}

/* A tree that several threads do, and the watch of another producer that sees how far it is. */
static void recursion(zpat_context_t *context, zpat_queue_t *queue, const char *endpoint) {
  zpat_producer_t *producer = open_producer(context, endpoint), *other = open_producer(context, endpoint);
  zpat_queue_worker_t *worker = open_worker(context, endpoint, "count");
  zpat_queue_worker_counters_t done = ZPAT_QUEUE_WORKER_COUNTERS_INIT;
  zpat_watch_event_t event = ZPAT_WATCH_EVENT_INIT;
  zpat_batch_t *body = NULL;
  zpat_watch_t *watch = NULL, *far = NULL;
  pthread_t threads[THREADS];
  uint32_t deep = DEEP, all = 0;
  uint64_t seen = 0;
  zpat_slice_t frame = { &deep, sizeof deep };
  for (uint32_t level = 0, jobs = 1; level <= DEEP; level++, jobs *= WIDE) all += jobs;
  OK(zpat_producer_submit(producer, "count", &frame, 1, NULL, &watch));
  OK(zpat_producer_watch(other, accepted(watch), 1, &far));
  for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, counts, worker) == 0);
  for (;;) {
    CHECK(OK(zpat_watch_next(far, LONG, NULL, &body, &event)) == 1);
    if (event.kind != ZPAT_WATCH_PROGRESS) break;
    CHECK(event.done >= seen && event.failed == 0 && event.open + event.done <= all && zpat_batch_count(body) == 0);
    seen = event.done;
  }
  CHECK(event.kind == ZPAT_WATCH_ENDED && event.error == ZPAT_OK && number_of(zpat_batch_frame(body, 0, 0)) == all);
  CHECK(zpat_watch_outcome(watch, LONG, NULL, &body, NULL) == 0 && number_of(zpat_batch_frame(body, 0, 0)) == all);
  OK(zpat_watch_free(&watch));
  OK(zpat_watch_free(&far));
  OK(zpat_queue_worker_leave(worker));
  for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
  OK(zpat_queue_worker_counters(worker, &done));
  zpat_zqueue_counters_t counters = counters_of(queue);
  CHECK(counters.accepted == all && counters.delivered == all && counters.held == 0);
  CHECK(done.completed == all && done.accepted == done.completed + done.spawned);
  OK(zpat_batch_free(&body));
  OK(zpat_queue_worker_close(&worker));
  OK(zpat_producer_close(&producer));
  OK(zpat_producer_close(&other));
}

/* A queue, a producer and a worker for `x`, and what the last wait brought. */
struct town {
  zpat_queue_t *queue;
  zpat_producer_t *producer;
  zpat_queue_worker_t *worker;
  zpat_batch_t *body;
};

/* A job, and how its children are to be taken that fail. All but the first fail. */
static zpat_queue_job_t *spawned(struct town *town, zpat_watch_t **watch, const int *on_failure, size_t children) {
  static const char *const names[] = { "first", "second", "third" };
  zpat_job_options_t once = tried(1);
  zpat_slice_t frames[3], words = zpat_slice_text("words");
  zpat_child_t all[3];
  *watch = submit(town->producer, "x", "root", NULL);
  zpat_queue_job_t *job = next_job(town->worker);
  for (size_t i = 0; i < children; i++) {
    frames[i] = zpat_slice_text(names[i]);
    all[i] = child("x", &frames[i]);
    all[i].options = &once;
    all[i].on_failure = on_failure[i];
  }
  /* What is the job's own may be its children's. */
  zpat_slice_t memo[] = { zpat_queue_job_frame(job, 0), zpat_slice_text("memo") };
  OK(zpat_queue_job_spawn_in_order(&job, all, children, memo, 2));
  CHECK(job == NULL);
  for (size_t i = 0; i < children; i++) {
    job = next_job(town->worker);
    CHECK(zpat_slice_equal(zpat_queue_job_frame(job, 0), frames[i]));
    if (i == 0) complete(&job, "done");
    else OK(zpat_queue_job_retry(&job, 40 + (uint32_t)i, &words, 1));
  }
  return next_job(town->worker);
}

static void passed(struct town *town) {
  const int ways[] = { ZPAT_ON_FAILURE_FAIL, ZPAT_ON_FAILURE_PASS, ZPAT_ON_FAILURE_IGNORE };
  zpat_job_outcome_t outcome = ZPAT_JOB_OUTCOME_INIT;
  zpat_watch_t *watch;
  zpat_queue_job_t *job = spawned(town, &watch, ways, 3);
  CHECK(zpat_queue_job_is_resumed(job) == 1 && zpat_queue_job_result_count(job) == 3);
  CHECK(zpat_queue_job_memo_count(job) == 2 && zpat_slice_equal(zpat_queue_job_memo(job, 0), zpat_slice_text("root")));
  CHECK(zpat_slice_equal(zpat_queue_job_memo(job, 1), zpat_slice_text("memo")));
  FAILS(ZPAT_E_NOT_FOUND, zpat_queue_job_result(job, 3, &outcome));
  CHECK(zpat_queue_job_result(job, 0, &outcome) == ZPAT_JOB_OUTCOME_DONE);
  CHECK(outcome.kind == ZPAT_JOB_OUTCOME_DONE && outcome.error == ZPAT_OK && outcome.code == 0);
  CHECK(zpat_slice_equal(zpat_queue_job_result_frame(job, 0, 0), zpat_slice_text("done")));
  CHECK(zpat_queue_job_result(job, 1, &outcome) == ZPAT_JOB_OUTCOME_FAILED);
  CHECK(outcome.kind == ZPAT_JOB_OUTCOME_FAILED && outcome.error == ZPAT_E_JOB_FAILED && outcome.code == 41);
  CHECK(zpat_slice_equal(zpat_queue_job_result_frame(job, 1, 0), zpat_slice_text("words")));
  CHECK(zpat_queue_job_result(job, 2, &outcome) == ZPAT_JOB_OUTCOME_NOTHING);
  CHECK(outcome.kind == ZPAT_JOB_OUTCOME_NOTHING && outcome.error == ZPAT_OK && outcome.code == 0);
  CHECK(zpat_queue_job_result_frame_count(job, 2) == 0 && zpat_queue_job_result_frame(job, 2, 0).data == NULL);
  /* What it found was no error of a call, and what it found may be what it comes to. */
  CHECK(zpat_last_error_code() == ZPAT_E_NOT_FOUND);
  zpat_slice_t found = zpat_queue_job_result_frame(job, 1, 0);
  OK(zpat_queue_job_complete(&job, &found, 1));
  CHECK(zpat_watch_outcome(watch, LONG, NULL, &town->body, NULL) == 0 && frame_is(town->body, 0, 0, "words"));
  OK(zpat_watch_free(&watch));
}

/* One of its children fails, so it fails too, and the other child is taken from its worker. */
static void failed(struct town *town) {
  zpat_job_options_t once = tried(1);
  zpat_slice_t frames[] = { zpat_slice_text("left"), zpat_slice_text("right") };
  zpat_child_t children[] = { child("x", &frames[0]), child("x", &frames[1]) };
  zpat_job_outcome_t outcome = ZPAT_JOB_OUTCOME_INIT;
  zpat_tree_job_t tree[4] = { ZPAT_TREE_JOB_INIT };
  int more = 7;
  zpat_watch_t *watch = submit(town->producer, "x", "root", NULL);
  int64_t number = accepted(watch);
  zpat_queue_job_t *root = next_job(town->worker);
  children[0].options = &once;
  OK(zpat_queue_job_spawn(&root, children, 2, NULL, 0));
  zpat_queue_job_t *left = next_job(town->worker), *right = next_job(town->worker);

  CHECK(OK(zpat_producer_tree(town->producer, number, LONG, NULL, tree, 4, &more)) == 3 && more == 0);
  CHECK(tree[0].job == number && tree[0].parent == 0 && tree[0].depth == 0 && tree[0].state == ZPAT_JOB_SUSPENDED);
  CHECK(tree[0].open_children == 2 && tree[0].children == 2 && tree[0].struct_size == sizeof *tree);
  CHECK(tree[2].job == zpat_queue_job_id(right) && tree[2].parent == number && tree[2].depth == 1);
  CHECK(tree[2].state == ZPAT_JOB_RUNNING && strcmp(tree[2].queue, "x") == 0 && tree[2].queue_len == 1);
  memset(&tree[1], 0x55, sizeof tree[1]);
  CHECK(OK(zpat_producer_tree(town->producer, number, LONG, NULL, tree, 1, &more)) == 1 && more == 1);
  CHECK(tree[1].job == 0x5555555555555555);

  OK(zpat_queue_job_fail(&left, 9, frames, 1));
  CHECK(zpat_watch_outcome(watch, LONG, NULL, &town->body, &outcome) == ZPAT_E_JOB_FAILED);
  CHECK(outcome.code == 9 && frame_is(town->body, 0, 0, "left"));
  OK(zpat_queue_job_wait_withdrawn(right, LONG, NULL));
  FAILS(ZPAT_E_CANCELLED, zpat_queue_job_spawn(&right, NULL, 0, NULL, 0));
  FAILS(ZPAT_E_NOT_FOUND, zpat_producer_tree(town->producer, number, LONG, NULL, tree, 4, NULL));
  OK(zpat_watch_free(&watch));
  CHECK(strcmp(zpat_job_state_name(ZPAT_JOB_SUSPENDED), "suspended") == 0);
  CHECK(strcmp(zpat_job_state_name(ZPAT_JOB_WAITING), "waiting") == 0);
  CHECK(strcmp(zpat_job_state_name(-1), "unknown") == 0 && strcmp(zpat_job_state_name(4), "unknown") == 0);
}

/* Nobody waits for a child that is detached: its parent is back at once, and it outlives the parent. */
static void detached(struct town *town) {
  zpat_slice_t frame = zpat_slice_text("alone");
  zpat_child_t alone = child("y", &frame);
  zpat_watch_t *watch = submit(town->producer, "x", "root", NULL);
  zpat_queue_job_t *job = next_job(town->worker);
  zpat_queue_counters_t queues[2] = { ZPAT_QUEUE_COUNTERS_INIT };
  alone.detached = 1;
  OK(zpat_queue_job_spawn(&job, &alone, 1, NULL, 0));
  job = next_job(town->worker);
  CHECK(zpat_queue_job_is_resumed(job) == 1 && zpat_queue_job_result_count(job) == 0);
  CHECK(zpat_queue_job_memo_count(job) == 0);
  complete(&job, "done");
  CHECK(zpat_watch_outcome(watch, LONG, NULL, &town->body, NULL) == 0);
  OK(zpat_watch_free(&watch));
  CHECK(OK(zpat_queue_queues(town->queue, queues, 2)) == 2 && strcmp(queues[1].name, "y") == 0);
  CHECK(queues[1].waiting == 1 && queues[1].workers == 0);
}

/* A tree that outgrows a bound is one root that failed. Which job is next is an option, also by the name of a queue. */
static void bounds_and_orders(zpat_context_t *context) {
  const zpat_queue_order_t orders[] = { { "last", ZPAT_ORDER_LIFO }, { "high", ZPAT_ORDER_PRIORITY } };
  zpat_queue_options_t options = ZPAT_QUEUE_OPTIONS_INIT;
  zpat_slice_t frame = zpat_slice_text("child");
  zpat_child_t children[] = { child("x", &frame), child("x", &frame), child("x", &frame) };
  zpat_job_outcome_t outcome = ZPAT_JOB_OUTCOME_INIT;
  zpat_job_options_t job_options = ZPAT_JOB_OPTIONS_INIT;
  char endpoint[ZPAT_ENDPOINT_SIZE];
  struct town town = { NULL, NULL, NULL, NULL };
  options.order = ZPAT_ORDER_FIFO;
  options.orders = orders, options.orders_count = 2;
  options.max_children = 2;
  town.queue = open_queue(context, &options, endpoint);
  town.producer = open_producer(context, endpoint);
  int64_t before[6];
  for (int i = 0; i < 6; i++) {
    job_options.priority = i % 2 ? 255 : 0;
    before[i] = push(town.producer, i < 2 ? "last" : i < 4 ? "high" : "x", "job", &job_options);
  }
  static const struct { const char *queue; int first; } expected[] = { { "last", 1 }, { "high", 3 }, { "x", 4 } };
  for (int i = 0; i < 3; i++) {
    int first = expected[i].first;
    zpat_queue_worker_t *worker = open_worker(context, endpoint, expected[i].queue);
    for (int turn = 0; turn < 2; turn++) {
      zpat_queue_job_t *job = next_job(worker);
      CHECK(zpat_queue_job_id(job) == before[turn == 0 ? first : first ^ 1]);
      complete(&job, "done");
    }
    OK(zpat_queue_worker_close(&worker));
  }
  town.worker = open_worker(context, endpoint, "x");
  zpat_watch_t *watch = submit(town.producer, "x", "root", NULL);
  zpat_queue_job_t *job = next_job(town.worker);
  OK(zpat_queue_job_spawn(&job, children, 3, NULL, 0));
  CHECK(zpat_watch_outcome(watch, LONG, NULL, &town.body, &outcome) == ZPAT_E_TOO_LARGE);
  CHECK(outcome.kind == ZPAT_JOB_OUTCOME_FAILED && outcome.code == 0 && counters_of(town.queue).lost_bounds == 1);
  OK(zpat_watch_free(&watch));
  OK(zpat_batch_free(&town.body));
  OK(zpat_queue_worker_close(&town.worker));
  OK(zpat_producer_close(&town.producer));
  OK(zpat_queue_close(&town.queue));
}

/* Many are pushed at once; each has its own number, in their order. */
static void many(zpat_context_t *context) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  static int64_t numbers[MANY];
  zpat_queue_t *queue = open_queue(context, NULL, endpoint);
  zpat_producer_t *producer = open_producer(context, endpoint);
  zpat_queue_worker_t *worker = open_worker(context, endpoint, "x");
  zpat_queue_job_t *jobs[ROOM];
  zpat_batch_t *bodies = NULL;
  OK(zpat_batch_new(&bodies));
  CHECK(OK(zpat_producer_push_many(producer, "x", bodies, NULL, LONG, NULL, numbers)) == 0);
  for (uint32_t number = 0; number < MANY; number++) OK(zpat_batch_add(bodies, &number, sizeof number));
  CHECK(OK(zpat_producer_push_many(producer, "x", bodies, NULL, LONG, NULL, numbers)) == MANY);
  CHECK(OK(zpat_producer_push_many(producer, "y", bodies, NULL, LONG, NULL, NULL)) == MANY);
  CHECK(zpat_batch_count(bodies) == MANY);
  for (int done = 0, came; done < MANY; done += came) {
    came = (int)OK(zpat_queue_worker_next_many(worker, ROOM, LONG, NULL, jobs));
    CHECK(came >= 1 && came <= ROOM);
    OK(zpat_queue_worker_cork(worker));
    for (int i = 0; i < came; i++) {
      uint32_t number = number_of(zpat_queue_job_frame(jobs[i], 0));
      CHECK(number < MANY && zpat_queue_job_id(jobs[i]) == numbers[number]);
      numbers[number] = 0;
      OK(zpat_queue_job_complete(&jobs[i], NULL, 0));
    }
    OK(zpat_queue_worker_uncork(worker));
  }
  OK(zpat_batch_free(&bodies));
  OK(zpat_queue_worker_close(&worker));
  OK(zpat_producer_close(&producer));
  OK(zpat_queue_close(&queue));
}

int main(void) {
  zpat_context_t *context = open_context();
  char endpoint[ZPAT_ENDPOINT_SIZE];
  struct town town = { open_queue(context, NULL, endpoint), NULL, NULL, NULL };
  recursion(context, town.queue, endpoint);
  OK(zpat_queue_close(&town.queue));

  town.queue = open_queue(context, NULL, endpoint);
  town.producer = open_producer(context, endpoint);
  town.worker = open_worker(context, endpoint, "x");
  passed(&town);
  failed(&town);
  detached(&town);
  OK(zpat_batch_free(&town.body));
  OK(zpat_queue_worker_close(&town.worker));
  OK(zpat_producer_close(&town.producer));
  OK(zpat_queue_close(&town.queue));

  bounds_and_orders(context);
  many(context);
  OK(zpat_context_close(&context));
  return 0;
}
