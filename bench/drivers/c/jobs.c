/* A job queue in C: who keeps jobs, who does them, who pushes them.
 *
 *     driver zpatterns jobs-queue|jobs-worker|jobs-flat|jobs-resume ENDPOINT SIZE COUNT [STORE]
 *     driver zpatterns jobs-tree ENDPOINT SIZE COUNT DEPTH
 *
 * A queue prints `endpoint ...`, a worker `ready`, and both serve until they are killed. The others print `warm` after a
 * tenth of COUNT, and after COUNT jobs more a line of JSON: `flat` pushes them until all are done, `tree` lets trees of them
 * grow one after the other, `resume` takes the time from when a job breaks into one until it goes on.
 *
 * A job begins with how many generations are to come below it. One worker serves all with that: a job that is to have none
 * is done at once, any other breaks into ten and comes to how many there were.
 */
#include "driver.h"

#include <string.h>

/* Children of a job that breaks; jobs at hand of a worker, of which more do not make it faster; bodies of one batch. */
enum { WIDTH = 10, CREDIT = 1000, CHUNK = 10000 };

static const char *const QUEUE = "bench";
static zpat_context_t *context;
static zpat_producer_t *producer;
static char *body;
static size_t size;

static void queue(const char *endpoint, const char *store) {
  char bound[ZPAT_ENDPOINT_SIZE];
  zpat_queue_options_t options = ZPAT_QUEUE_OPTIONS_INIT;
  zpat_queue_t *queue = NULL;
  options.store = store;
  check(zpat_queue_bind(context, &endpoint, 1, &options, &queue));
  check(zpat_queue_endpoint(queue, 0, bound, sizeof bound));
  printf("endpoint %s\n", bound);
  fflush(stdout);
  check(zpat_queue_wait(queue, FOREVER, NULL));
}

/* --- who does jobs --- */

static zpat_queue_worker_t *connected(const char *endpoint, long credit) {
  zpat_queue_worker_options_t options = ZPAT_QUEUE_WORKER_OPTIONS_INIT;
  zpat_queue_worker_t *worker = NULL;
  options.credit = credit;
  check(zpat_queue_worker_connect(context, &endpoint, 1, &QUEUE, 1, &options, &worker));
  return worker;
}

/* How many jobs a tree came to. */
static uint64_t jobs_in(zpat_slice_t result) {
  if (result.len != STAMP_BYTES) {
    fprintf(stderr, "a job came to %zu bytes\n", result.len);
    exit(1);
  }
  return read_stamp(result.data);
}

static void complete(zpat_queue_job_t **job, uint64_t jobs) {
  char bytes[STAMP_BYTES];
  zpat_slice_t result = { bytes, sizeof bytes };
  write_stamp(bytes, jobs);
  check(zpat_queue_job_complete(job, &result, 1));
}

/* How many generations are to come below a job. */
static char below(const zpat_queue_job_t *job) {
  zpat_slice_t frame = zpat_queue_job_frame(job, 0);
  if (frame.len != size) {
    fprintf(stderr, "a job of %zu bytes\n", frame.len);
    exit(1);
  }
  return ((const char *)frame.data)[0];
}

static void spawn(zpat_queue_job_t **job, size_t width, char generations) {
  zpat_slice_t frame = { body, size };
  zpat_child_t children[WIDTH];
  body[0] = generations;
  for (size_t i = 0; i < width; i++) children[i] = (zpat_child_t){ .queue = QUEUE, .frames = &frame, .count = 1 };
  check(zpat_queue_job_spawn(job, children, width, NULL, 0));
}

/* Takes a job one step further. */
static void advance(zpat_queue_job_t **job) {
  char generations = below(*job);
  uint64_t jobs = 1;
  if (zpat_queue_job_is_resumed(*job)) {
    size_t children = zpat_queue_job_result_count(*job);
    for (size_t i = 0; i < children; i++) jobs += jobs_in(zpat_queue_job_result_frame(*job, i, 0));
  } else if (generations > 0) {
    spawn(job, WIDTH, (char)(generations - 1));
    return;
  }
  complete(job, jobs);
}

static void work(const char *endpoint) {
  static zpat_queue_job_t *jobs[CREDIT];
  zpat_queue_worker_t *worker = connected(endpoint, CREDIT);
  say("ready");
  for (;;) {
    int taken = check(zpat_queue_worker_next_many(worker, CREDIT, FOREVER, NULL, jobs));
    check(zpat_queue_worker_cork(worker));
    for (int i = 0; i < taken; i++) advance(&jobs[i]);
    check(zpat_queue_worker_uncork(worker));
  }
}

/* --- who pushes them --- */

/* Pushes a job with so many generations below it, and waits until its tree has ended; how large that was. */
static uint64_t run(char generations) {
  static zpat_batch_t *result;
  zpat_slice_t frame = { body, size };
  body[0] = generations;
  check(zpat_producer_run(producer, QUEUE, &frame, 1, NULL, FOREVER, NULL, &result, NULL));
  return jobs_in(zpat_batch_frame(result, 0, 0));
}

/* There is one worker, which does jobs as they come: when the last is done all are, with a store on the disk. */
static void push_and_wait(long count) {
  zpat_batch_t *bodies = NULL;
  check(zpat_batch_new(&bodies));
  body[0] = 0;
  for (long left = count - 1; left > 0; left -= CHUNK) {
    check(zpat_batch_clear(bodies));
    for (long i = 0; i < left && i < CHUNK; i++) check(zpat_batch_add(bodies, body, size));
    int64_t pushed = zpat_producer_push_many(producer, QUEUE, bodies, NULL, FOREVER, NULL, NULL);
    if (pushed < 0) check((int)pushed);
  }
  zpat_batch_free(&bodies);
  run(0);
}

static void flat(long count) {
  zpat_queue_counters_t counters = ZPAT_QUEUE_COUNTERS_INIT;
  push_and_wait(count / 10);
  say("warm");
  struct moment start = moment_now();
  push_and_wait(count);
  struct moment end = moment_now();
  check(zpat_producer_queues(producer, FOREVER, NULL, &counters, 1));
  if (counters.delivered != (uint64_t)(count / 10 + count)) {
    fprintf(stderr, "%llu jobs were done\n", (unsigned long long)counters.delivered);
    exit(1);
  }
  report(count, start, end, NULL);
}

static void grow(long trees, char depth, uint64_t jobs) {
  for (long i = 0; i < trees; i++) {
    uint64_t grown = run(depth);
    if (grown == jobs) continue;
    fprintf(stderr, "a tree of %llu jobs came to %llu\n", (unsigned long long)jobs, (unsigned long long)grown);
    exit(1);
  }
}

static void tree(long count, char depth) {
  uint64_t jobs = 1;
  for (char generation = 0; generation < depth; generation++) jobs = jobs * WIDTH + 1;
  long trees = count > (long)jobs ? count / (long)jobs : 1;
  grow((trees + 9) / 10, depth, jobs);
  say("warm");
  struct moment start = moment_now();
  grow(trees, depth, jobs);
  report(trees * (long)jobs, start, moment_now(), NULL);
}

static void resume(zpat_queue_worker_t *worker, long count, double *latencies) {
  zpat_slice_t frame = { body, size };
  zpat_watch_t *root = NULL;
  zpat_queue_job_t *job = NULL;
  zpat_batch_t *result = NULL;
  for (long i = 0; i < count; i++) {
    body[0] = 1;
    check(zpat_producer_submit(producer, QUEUE, &frame, 1, NULL, &root));
    check(zpat_queue_worker_next(worker, FOREVER, NULL, &job));
    double began = clock_seconds(CLOCK_MONOTONIC);
    spawn(&job, 1, 0);
    check(zpat_queue_worker_next(worker, FOREVER, NULL, &job));
    complete(&job, 1);
    check(zpat_queue_worker_next(worker, FOREVER, NULL, &job));
    latencies[i] = (clock_seconds(CLOCK_MONOTONIC) - began) * 1e6;
    if (!zpat_queue_job_is_resumed(job)) {
      fprintf(stderr, "a parent did not go on after its child\n");
      exit(1);
    }
    complete(&job, 2);
    check(zpat_watch_outcome(root, FOREVER, NULL, &result, NULL));
    zpat_watch_free(&root);
  }
  zpat_batch_free(&result);
}

static void resumes(const char *endpoint, long count) {
  double *latencies = allocate((size_t)count * sizeof *latencies);
  zpat_queue_worker_t *worker = connected(endpoint, 1);
  resume(worker, count / 10, latencies);
  say("warm");
  struct moment start = moment_now();
  resume(worker, count, latencies);
  report(count, start, moment_now(), latencies);
  zpat_queue_worker_close(&worker);
  free(latencies);
}

int jobs(int argc, char **argv) {
  if (argc < 6 || argc > 7 || strcmp(argv[1], "zpatterns") != 0) return 2;
  const char *role = argv[2], *endpoint = argv[3], *more = argc == 7 ? argv[6] : NULL;
  long count = number(argv[5], 1);
  size = (size_t)number(argv[4], 1);
  body = allocate(size);
  memset(body, 'x', size);
  check(zpat_context_open(NULL, &context));
  if (!strcmp(role, "jobs-queue")) {
    queue(endpoint, more);
  } else if (!strcmp(role, "jobs-worker")) {
    work(endpoint);
  } else {
    check(zpat_producer_open(context, endpoint, NULL, &producer));
    if (!strcmp(role, "jobs-flat")) {
      flat(count);
    } else if (!strcmp(role, "jobs-tree") && more != NULL) {
      tree(count, (char)number(more, 1));
    } else if (!strcmp(role, "jobs-resume")) {
      resumes(endpoint, count);
    } else {
      return 2;
    }
    zpat_producer_close(&producer);
  }
  zpat_context_close(&context);
  free(body);
  return 0;
}
