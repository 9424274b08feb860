/* Wrong arguments of the job queue are errors, options have ranges, and older structures are fine. */
#include "zqueue.h"

/* An error that names the option. */
#define NAMED(call, name) FAILS_WITH(ZPAT_E_INVALID_ARGUMENT, call, name)

static const char *const somewhere[] = { "tcp://127.0.0.1:1" }, *const names[] = { "x" };

static void no_queue(void) {
  zpat_zqueue_counters_t counters = ZPAT_ZQUEUE_COUNTERS_INIT;
  zpat_queue_counters_t queues = ZPAT_QUEUE_COUNTERS_INIT;
  zpat_queue_t *queue = NULL;
  char endpoint[ZPAT_ENDPOINT_SIZE];
  REFUSED(zpat_queue_bind(NULL, somewhere, 1, NULL, &queue));
  REFUSED(zpat_queue_endpoint(NULL, 0, endpoint, sizeof endpoint));
  REFUSED(zpat_queue_workers(NULL));
  REFUSED(zpat_queue_counters(NULL, &counters));
  REFUSED(zpat_queue_queues(NULL, &queues, 1));
  REFUSED(zpat_queue_drain(NULL, 0, NULL));
  REFUSED(zpat_queue_wait(NULL, 0, NULL));
  REFUSED(zpat_queue_set_drained_hook(NULL, NULL, NULL));
  REFUSED(zpat_queue_set_end_hook(NULL, NULL, NULL));
  OK(zpat_queue_close(NULL));
  OK(zpat_queue_close(&queue));
}

static void no_producer(void) {
  zpat_producer_t *producer = NULL;
  zpat_watch_t *watch = NULL;
  zpat_draft_t *draft = NULL;
  zpat_batch_t *body = NULL, *bodies = NULL;
  zpat_job_outcome_t outcome = ZPAT_JOB_OUTCOME_INIT;
  zpat_watch_event_t event = ZPAT_WATCH_EVENT_INIT;
  zpat_queue_counters_t queues = ZPAT_QUEUE_COUNTERS_INIT;
  zpat_tree_job_t tree = ZPAT_TREE_JOB_INIT;
  zpat_dead_letter_t letter = ZPAT_DEAD_LETTER_INIT;
  int64_t number;
  OK(zpat_batch_new(&bodies));
  REFUSED(zpat_producer_open(NULL, *somewhere, NULL, &producer));
  REFUSED(zpat_producer_push(NULL, "x", NULL, 0, NULL, 0, NULL));
  REFUSED(zpat_producer_push_many(NULL, "x", bodies, NULL, 0, NULL, &number));
  REFUSED(zpat_producer_run(NULL, "x", NULL, 0, NULL, 0, NULL, &body, &outcome));
  REFUSED(zpat_producer_submit(NULL, "x", NULL, 0, NULL, &watch));
  REFUSED(zpat_producer_draft(NULL, "x", NULL, 0, NULL, &draft));
  REFUSED(zpat_producer_watch(NULL, 1, 0, &watch));
  REFUSED(zpat_producer_result(NULL, 1, 0, NULL, &body, &outcome));
  REFUSED(zpat_producer_cancel(NULL, 1, 0, NULL));
  REFUSED(zpat_producer_requeue(NULL, 1, 0, NULL));
  REFUSED(zpat_producer_queues(NULL, 0, NULL, &queues, 1));
  REFUSED(zpat_producer_tree(NULL, 1, 0, NULL, &tree, 1, NULL));
  REFUSED(zpat_producer_dead(NULL, 1, 0, NULL, &letter, 1, &body, NULL, NULL));
  REFUSED(zpat_producer_post(NULL, "x", NULL, 0, NULL, 0));
  REFUSED(zpat_producer_post_draft(NULL, "x", NULL, 0, NULL));
  REFUSED(zpat_producer_send_part(NULL, 1, NULL, 0));
  REFUSED(zpat_producer_execute(NULL, 1));
  REFUSED(zpat_producer_post_watch(NULL, 1, 0));
  REFUSED(zpat_producer_post_cancel(NULL, 1));
  REFUSED(zpat_producer_post_requeue(NULL, 1));
  REFUSED(zpat_producer_forget(NULL, 1));
  REFUSED(zpat_producer_next(NULL, 0, NULL, &body, &event));
  REFUSED(zpat_producer_next_many(NULL, 1, 0, NULL, &body, &event));
  REFUSED(zpat_producer_cork(NULL));
  REFUSED(zpat_producer_uncork(NULL));
  REFUSED(zpat_producer_arm(NULL));
  REFUSED(zpat_producer_ready_fd(NULL));
  REFUSED(zpat_producer_set_hook(NULL, NULL, NULL));
  REFUSED(zpat_watch_next(NULL, 0, NULL, &body, &event));
  REFUSED(zpat_watch_outcome(NULL, 0, NULL, &body, &outcome));
  REFUSED(zpat_draft_send_part(NULL, NULL, 0));
  for (int address = 0; address < 2; address++) {
    REFUSED(zpat_draft_execute(address ? &draft : NULL, &watch));
    OK(zpat_draft_free(address ? &draft : NULL));
    OK(zpat_watch_free(address ? &watch : NULL));
    OK(zpat_producer_close(address ? &producer : NULL));
  }
  CHECK(!producer && !watch && !draft && !body);
  OK(zpat_batch_free(&bodies));
}

static void no_worker(void) {
  zpat_queue_worker_t *worker = NULL;
  zpat_queue_job_t *job = NULL;
  zpat_queue_worker_counters_t counters = ZPAT_QUEUE_WORKER_COUNTERS_INIT;
  REFUSED(zpat_queue_worker_connect(NULL, somewhere, 1, names, 1, NULL, &worker));
  REFUSED(zpat_queue_worker_next(NULL, 0, NULL, &job));
  REFUSED(zpat_queue_worker_next_many(NULL, 1, 0, NULL, &job));
  REFUSED(zpat_queue_worker_leave(NULL));
  REFUSED(zpat_queue_worker_cork(NULL));
  REFUSED(zpat_queue_worker_uncork(NULL));
  REFUSED(zpat_queue_worker_counters(NULL, &counters));
  REFUSED(zpat_queue_worker_arm(NULL));
  REFUSED(zpat_queue_worker_ready_fd(NULL));
  REFUSED(zpat_queue_worker_set_hook(NULL, NULL, NULL));
  REFUSED(zpat_queue_job_id(NULL));
  REFUSED(zpat_queue_job_tries(NULL));
  REFUSED(zpat_queue_job_is_resumed(NULL));
  REFUSED(zpat_queue_job_result(NULL, 0, NULL));
  REFUSED(zpat_queue_job_is_withdrawn(NULL));
  REFUSED(zpat_queue_job_wait_withdrawn(NULL, 0, NULL));
  REFUSED(zpat_queue_job_set_hook(NULL, NULL, NULL));
  CHECK(zpat_queue_job_queue(NULL).data == NULL && zpat_queue_job_frame(NULL, 0).data == NULL);
  CHECK(zpat_queue_job_memo(NULL, 0).data == NULL && zpat_queue_job_result_frame(NULL, 0, 0).data == NULL);
  CHECK(zpat_queue_job_frame_count(NULL) == 0 && zpat_queue_job_memo_count(NULL) == 0);
  CHECK(zpat_queue_job_result_count(NULL) == 0 && zpat_queue_job_result_frame_count(NULL, 0) == 0);
  for (int address = 0; address < 2; address++) {
    REFUSED(zpat_queue_job_complete(address ? &job : NULL, NULL, 0));
    REFUSED(zpat_queue_job_retry(address ? &job : NULL, 1, NULL, 0));
    REFUSED(zpat_queue_job_fail(address ? &job : NULL, 1, NULL, 0));
    REFUSED(zpat_queue_job_spawn(address ? &job : NULL, NULL, 0, NULL, 0));
    REFUSED(zpat_queue_job_spawn_in_order(address ? &job : NULL, NULL, 0, NULL, 0));
    OK(zpat_queue_job_free(address ? &job : NULL));
    OK(zpat_queue_worker_close(address ? &worker : NULL));
  }
  CHECK(!worker && !job);
}

static void opening(zpat_context_t *context) {
  const char *const nonsense[] = { "nonsense" }, *const no_text[] = { NULL }, *const no_utf8[] = { "\xff" };
  const char *const empty[] = { "" };
  char endpoint[ZPAT_ENDPOINT_SIZE], long_name[257];
  const char *const too_long[] = { long_name }, *const taken[] = { endpoint };
  zpat_queue_t *queue = NULL;
  zpat_producer_t *producer = NULL;
  zpat_queue_worker_t *worker = NULL;
  memset(long_name, 'x', 256), long_name[256] = 0;
  REFUSED(zpat_queue_bind(context, NULL, 0, NULL, &queue));
  REFUSED(zpat_queue_bind(context, NULL, 1, NULL, &queue));
  REFUSED(zpat_queue_bind(context, somewhere, SIZE_MAX, NULL, &queue));
  REFUSED(zpat_queue_bind(context, no_text, 1, NULL, &queue));
  REFUSED(zpat_queue_bind(context, somewhere, 1, NULL, NULL));
  FAILS(ZPAT_E_INVALID_ENDPOINT, zpat_queue_bind(context, nonsense, 1, NULL, &queue));
  zpat_queue_t *other = open_queue(context, NULL, endpoint);
  FAILS(ZPAT_E_ADDRESS_IN_USE, zpat_queue_bind(context, taken, 1, NULL, &queue));
  OK(zpat_queue_close(&other));
  REFUSED(zpat_producer_open(context, NULL, NULL, &producer));
  REFUSED(zpat_producer_open(context, *somewhere, NULL, NULL));
  FAILS(ZPAT_E_INVALID_TEXT, zpat_producer_open(context, "tcp://\xff", NULL, &producer));
  FAILS(ZPAT_E_INVALID_ENDPOINT, zpat_producer_open(context, "nonsense", NULL, &producer));
  REFUSED(zpat_queue_worker_connect(context, NULL, 0, names, 1, NULL, &worker));
  REFUSED(zpat_queue_worker_connect(context, somewhere, 1, NULL, 0, NULL, &worker));
  REFUSED(zpat_queue_worker_connect(context, somewhere, 1, names, SIZE_MAX, NULL, &worker));
  REFUSED(zpat_queue_worker_connect(context, somewhere, 1, empty, 1, NULL, &worker));
  REFUSED(zpat_queue_worker_connect(context, somewhere, 1, too_long, 1, NULL, &worker));
  REFUSED(zpat_queue_worker_connect(context, somewhere, 1, names, 1, NULL, NULL));
  FAILS(ZPAT_E_INVALID_TEXT, zpat_queue_worker_connect(context, somewhere, 1, no_utf8, 1, NULL, &worker));
  FAILS(ZPAT_E_INVALID_ENDPOINT, zpat_queue_worker_connect(context, nonsense, 1, names, 1, NULL, &worker));
  CHECK(!queue && !producer && !worker);
}

static void options(zpat_context_t *context) {
  const zpat_queue_options_t keeps = ZPAT_QUEUE_OPTIONS_INIT;
  const zpat_producer_options_t pushes = ZPAT_PRODUCER_OPTIONS_INIT;
  const zpat_queue_worker_options_t works = ZPAT_QUEUE_WORKER_OPTIONS_INIT;
  const zpat_job_options_t job = ZPAT_JOB_OPTIONS_INIT;
  zpat_queue_options_t queue_options;
  zpat_producer_options_t producer_options;
  zpat_queue_worker_options_t worker_options;
  zpat_job_options_t job_options;
  zpat_queue_t *queue = NULL;
  zpat_producer_t *producer = NULL;
  zpat_queue_worker_t *worker = NULL;
  char endpoint[ZPAT_ENDPOINT_SIZE];
  OK(zpat_queue_options_init(&queue_options, sizeof queue_options));
  OK(zpat_producer_options_init(&producer_options, sizeof producer_options));
  OK(zpat_queue_worker_options_init(&worker_options, sizeof worker_options));
  OK(zpat_job_options_init(&job_options, sizeof job_options));
  CHECK(memcmp(&keeps, &queue_options, sizeof keeps) == 0 && memcmp(&job, &job_options, sizeof job) == 0);
  CHECK(memcmp(&pushes, &producer_options, sizeof pushes) == 0 && memcmp(&works, &worker_options, sizeof works) == 0);
  REFUSED(zpat_queue_options_init(NULL, sizeof queue_options));
  REFUSED(zpat_producer_options_init(&producer_options, 7));
  REFUSED(zpat_queue_worker_options_init(&worker_options, sizeof worker_options + 8));
  REFUSED(zpat_job_options_init(&job_options, 0));
  /* An older program's structure ends here, and what lies behind it stays, and is not looked at. */
  memset(&queue_options, 0x55, sizeof queue_options);
  OK(zpat_queue_options_init(&queue_options, offsetof(zpat_queue_options_t, max_queues)));
  CHECK(queue_options.store == NULL && queue_options.max_queues == 0x5555555555555555);
  queue = open_queue(context, &queue_options, endpoint);
  OK(zpat_queue_close(&queue));

  zpat_queue_order_t orders[] = { { "fine", ZPAT_ORDER_LIFO }, { "wrong", 4 } };
  queue_options = keeps, queue_options.orders_count = 2;
  NAMED(zpat_queue_bind(context, somewhere, 1, &queue_options, &queue), "orders");
  queue_options.orders = orders;
  NAMED(zpat_queue_bind(context, somewhere, 1, &queue_options, &queue), "orders 1");
  orders[1].order = ZPAT_ORDER_FIFO, orders[1].queue = NULL;
  NAMED(zpat_queue_bind(context, somewhere, 1, &queue_options, &queue), "queue");
  orders[1].queue = "";
  REFUSED(zpat_queue_bind(context, somewhere, 1, &queue_options, &queue));
  orders[1].queue = "\xff";
  FAILS_WITH(ZPAT_E_INVALID_TEXT, zpat_queue_bind(context, somewhere, 1, &queue_options, &queue), "orders 1");
  queue_options = keeps, queue_options.order = 4;
  NAMED(zpat_queue_bind(context, somewhere, 1, &queue_options, &queue), "order");
  queue_options = keeps, queue_options.max_depth = 65536;
  NAMED(zpat_queue_bind(context, somewhere, 1, &queue_options, &queue), "max_depth");
  queue_options = keeps, queue_options.max_lost = 256;
  NAMED(zpat_queue_bind(context, somewhere, 1, &queue_options, &queue), "max_lost");
  queue_options = keeps, queue_options.max_tree_jobs = -1;
  NAMED(zpat_queue_bind(context, somewhere, 1, &queue_options, &queue), "max_tree_jobs");
  queue_options = keeps, queue_options.heartbeat_limit = 1;
  NAMED(zpat_queue_bind(context, somewhere, 1, &queue_options, &queue), "limit");
  producer_options = pushes, producer_options.patience = -1;
  NAMED(zpat_producer_open(context, *somewhere, &producer_options, &producer), "patience");
  producer_options = pushes, producer_options.heartbeat_interval = 0;
  NAMED(zpat_producer_open(context, *somewhere, &producer_options, &producer), "interval");
  worker_options = works, worker_options.credit = 0;
  NAMED(zpat_queue_worker_connect(context, somewhere, 1, names, 1, &worker_options, &worker), "credit");
  worker_options.credit = 4294967296;
  NAMED(zpat_queue_worker_connect(context, somewhere, 1, names, 1, &worker_options, &worker), "credit");
  worker_options.struct_size = 3;
  REFUSED(zpat_queue_worker_connect(context, somewhere, 1, names, 1, &worker_options, &worker));
  CHECK(!queue && !producer && !worker);
}

static int64_t post(zpat_producer_t *producer, const zpat_job_options_t *options) {
  return zpat_producer_post(producer, "x", NULL, 0, options, 0);
}

static void pushing(zpat_context_t *context) {
  const zpat_job_options_t defaults = ZPAT_JOB_OPTIONS_INIT;
  zpat_job_options_t options = defaults;
  zpat_producer_t *producer = open_producer(context, *somewhere);
  zpat_slice_t bad = { NULL, 1 }, huge = { "x", SIZE_MAX };
  zpat_job_outcome_t outcome = ZPAT_JOB_OUTCOME_INIT;
  zpat_batch_t *body = NULL, *bodies = NULL;
  zpat_watch_t *watch = NULL;
  zpat_draft_t *draft = NULL;
  char long_name[257];
  memset(long_name, 'x', 256), long_name[256] = 0;
  OK(zpat_batch_new(&bodies));
  OK(zpat_batch_add(bodies, "x", 1));
  REFUSED(zpat_producer_push(producer, NULL, NULL, 0, NULL, 0, NULL));
  REFUSED(zpat_producer_push(producer, "", NULL, 0, NULL, 0, NULL));
  REFUSED(zpat_producer_push(producer, long_name, NULL, 0, NULL, 0, NULL));
  FAILS(ZPAT_E_INVALID_TEXT, zpat_producer_push(producer, "\xff", NULL, 0, NULL, 0, NULL));
  REFUSED(zpat_producer_push(producer, "x", NULL, 1, NULL, 0, NULL));
  REFUSED(zpat_producer_push(producer, "x", &bad, 1, NULL, 0, NULL));
  FAILS(ZPAT_E_TOO_LARGE, zpat_producer_push(producer, "x", &huge, 1, NULL, 0, NULL));
  REFUSED(zpat_producer_push(producer, "x", NULL, 0, NULL, -2, NULL));
  FAILS(ZPAT_E_TIMEOUT, zpat_producer_push(producer, "x", NULL, 0, NULL, 0, NULL));
  REFUSED(zpat_producer_push_many(producer, "x", NULL, NULL, 0, NULL, NULL));
  REFUSED(zpat_producer_push_many(producer, "", bodies, NULL, 0, NULL, NULL));
  FAILS_WITH(ZPAT_E_TIMEOUT, zpat_producer_push_many(producer, "x", bodies, NULL, 0, NULL, NULL), "accepted 0");
  options.attempts = 0;
  NAMED(post(producer, &options), "attempts");
  options.attempts = 256;
  NAMED(post(producer, &options), "attempts");
  options = defaults, options.priority = 256;
  NAMED(post(producer, &options), "priority");
  options = defaults, options.delay = -1;
  NAMED(post(producer, &options), "delay");
  options = defaults, options.keep = -1;
  NAMED(post(producer, &options), "keep");
  options = defaults, options.key = bad;
  REFUSED(post(producer, &options));
  options.key.data = long_name, options.key.len = 256;
  NAMED(post(producer, &options), "key");
  options = defaults, options.struct_size = offsetof(zpat_job_options_t, key) + 8;
  REFUSED(post(producer, &options));
  /* An older program's structure has no key. */
  options = defaults, options.key = bad, options.struct_size = offsetof(zpat_job_options_t, key);
  OK(zpat_producer_forget(producer, OK(post(producer, &options))));
  REFUSED(zpat_producer_post(producer, "x", NULL, 0, NULL, 2));
  REFUSED(zpat_producer_submit(producer, "x", NULL, 0, NULL, NULL));
  REFUSED(zpat_producer_draft(producer, "x", NULL, 0, NULL, NULL));
  REFUSED(zpat_producer_watch(producer, 1, 0, NULL));
  NAMED(zpat_producer_watch(producer, 1, 2, &watch), "progress");
  NAMED(zpat_producer_watch(producer, -1, 0, &watch), "job");
  NAMED(zpat_producer_post_watch(producer, -1, 0), "job");
  NAMED(zpat_producer_post_watch(producer, 1, -1), "progress");
  REFUSED(zpat_producer_post_cancel(producer, INT64_MIN));
  REFUSED(zpat_producer_post_requeue(producer, -1));
  REFUSED(zpat_producer_cancel(producer, -1, 0, NULL));
  REFUSED(zpat_producer_requeue(producer, -1, 0, NULL));
  REFUSED(zpat_producer_result(producer, -1, 0, NULL, &body, &outcome));
  REFUSED(zpat_producer_run(producer, "x", NULL, 0, NULL, 0, NULL, NULL, &outcome));
  outcome.struct_size = 3;
  REFUSED(zpat_producer_run(producer, "x", NULL, 0, NULL, 0, NULL, &body, &outcome));
  REFUSED(zpat_producer_result(producer, 1, 0, NULL, &body, &outcome));
  OK(zpat_producer_draft(producer, "x", NULL, 0, NULL, &draft));
  REFUSED(zpat_draft_send_part(draft, &bad, 1));
  OK(zpat_producer_close(&producer));
  FAILS(ZPAT_E_CLOSED, zpat_draft_send_part(draft, NULL, 0));
  FAILS(ZPAT_E_CLOSED, zpat_draft_execute(&draft, &watch));
  CHECK(!draft && !watch && !body);
  OK(zpat_batch_free(&bodies));
}

/* A structure that is wrong takes nothing, and a batch that is there loses what it had. */
static void waiting(zpat_context_t *context) {
  zpat_producer_t *producer = open_producer(context, *somewhere);
  zpat_watch_event_t event = ZPAT_WATCH_EVENT_INIT;
  zpat_batch_t *body = NULL, *other = NULL;
  zpat_watch_t *watch = submit(producer, "x", "job", NULL);
  zpat_queue_counters_t queues = ZPAT_QUEUE_COUNTERS_INIT;
  zpat_tree_job_t tree = ZPAT_TREE_JOB_INIT;
  zpat_dead_letter_t letter = ZPAT_DEAD_LETTER_INIT;
  OK(zpat_batch_new(&body));
  OK(zpat_batch_add(body, "old", 3));
  REFUSED(zpat_watch_next(watch, 0, NULL, &body, NULL));
  REFUSED(zpat_watch_next(watch, 0, NULL, NULL, &event));
  REFUSED(zpat_watch_next(watch, -2, NULL, &body, &event));
  FAILS(ZPAT_E_TIMEOUT, zpat_watch_next(watch, 0, NULL, &body, &event));
  CHECK(event.kind == ZPAT_WATCH_NOTHING && zpat_batch_count(body) == 0);
  REFUSED(zpat_watch_outcome(watch, 0, NULL, NULL, NULL));
  FAILS(ZPAT_E_TIMEOUT, zpat_watch_outcome(watch, 0, NULL, &body, NULL));
  REFUSED(zpat_producer_next(producer, 0, NULL, &body, NULL));
  REFUSED(zpat_producer_next(producer, 0, NULL, NULL, &event));
  REFUSED(zpat_producer_next_many(producer, 0, 0, NULL, &body, &event));
  REFUSED(zpat_producer_next_many(producer, SIZE_MAX, 0, NULL, &body, &event));
  REFUSED(zpat_producer_next_many(producer, 1, 0, NULL, &body, NULL));
  REFUSED(zpat_producer_next_many(producer, 1, 0, NULL, NULL, &event));
  event.struct_size = 3;
  REFUSED(zpat_watch_next(watch, 0, NULL, &body, &event));
  REFUSED(zpat_producer_next(producer, 0, NULL, &body, &event));
  REFUSED(zpat_producer_next_many(producer, 1, 0, NULL, &body, &event));
  event.struct_size = sizeof event;
  FAILS(ZPAT_E_TIMEOUT, zpat_producer_next(producer, 0, NULL, &body, &event));
  REFUSED(zpat_producer_tree(producer, 1, 0, NULL, &tree, 0, NULL));
  REFUSED(zpat_producer_tree(producer, 1, 0, NULL, NULL, 1, NULL));
  REFUSED(zpat_producer_tree(producer, 1, 0, NULL, &tree, SIZE_MAX, NULL));
  REFUSED(zpat_producer_tree(producer, -1, 0, NULL, &tree, 1, NULL));
  FAILS(ZPAT_E_TIMEOUT, zpat_producer_tree(producer, 1, 0, NULL, &tree, 1, NULL));
  REFUSED(zpat_producer_dead(producer, 0, 0, NULL, NULL, 1, &body, NULL, NULL));
  REFUSED(zpat_producer_dead(producer, 0, 0, NULL, &letter, 0, &body, NULL, NULL));
  REFUSED(zpat_producer_dead(producer, 0, 0, NULL, &letter, 1, NULL, &other, NULL));
  NAMED(zpat_producer_dead(producer, 0, 0, NULL, &letter, 1, &body, &body, NULL), "failures");
  REFUSED(zpat_producer_dead(producer, -1, 0, NULL, &letter, 1, &body, &other, NULL));
  FAILS(ZPAT_E_TIMEOUT, zpat_producer_dead(producer, 0, 0, NULL, &letter, 1, &body, &other, NULL));
  FAILS(ZPAT_E_TIMEOUT, zpat_producer_queues(producer, 0, NULL, &queues, 1));
  CHECK(other == NULL);
  /* Tickets that nobody has. */
  OK(zpat_producer_forget(producer, -1));
  OK(zpat_producer_execute(producer, 12345));
  OK(zpat_producer_send_part(producer, INT64_MIN, NULL, 0));
  FAILS(ZPAT_E_WRONG_STATE, zpat_producer_uncork(producer));
  OK(zpat_watch_free(&watch));
  OK(zpat_producer_close(&producer));
  OK(zpat_batch_free(&body));
}

/* Structures that are wrong, or older, where there is something to write into them. */
static void sizes(zpat_context_t *context) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_queue_t *queue = open_queue(context, NULL, endpoint);
  zpat_producer_t *producer = open_producer(context, endpoint);
  zpat_queue_worker_t *worker = open_worker(context, endpoint, "x");
  zpat_zqueue_counters_t counters = ZPAT_ZQUEUE_COUNTERS_INIT;
  zpat_queue_worker_counters_t done = ZPAT_QUEUE_WORKER_COUNTERS_INIT;
  zpat_queue_counters_t queues = ZPAT_QUEUE_COUNTERS_INIT;
  zpat_tree_job_t tree = ZPAT_TREE_JOB_INIT;
  zpat_dead_letter_t letter = ZPAT_DEAD_LETTER_INIT;
  zpat_job_options_t later = ZPAT_JOB_OPTIONS_INIT;
  zpat_batch_t *body = NULL;
  later.delay = LONG;
  int64_t number = push(producer, "x", "job", &later);
  REFUSED(zpat_queue_counters(queue, NULL));
  REFUSED(zpat_queue_worker_counters(worker, NULL));
  REFUSED(zpat_queue_queues(queue, NULL, 1));
  REFUSED(zpat_queue_queues(queue, &queues, SIZE_MAX));
  REFUSED(zpat_producer_queues(producer, LONG, NULL, NULL, 1));
  counters.struct_size = done.struct_size = queues.struct_size = tree.struct_size = letter.struct_size = 16;
  REFUSED(zpat_queue_counters(queue, &counters));
  REFUSED(zpat_queue_worker_counters(worker, &done));
  REFUSED(zpat_queue_queues(queue, &queues, 1));
  REFUSED(zpat_producer_queues(producer, LONG, NULL, &queues, 1));
  REFUSED(zpat_producer_tree(producer, number, LONG, NULL, &tree, 1, NULL));
  REFUSED(zpat_producer_dead(producer, 0, LONG, NULL, &letter, 1, &body, NULL, NULL));
  tree.struct_size = sizeof tree;
  CHECK(OK(zpat_producer_tree(producer, number, LONG, NULL, &tree, 1, NULL)) == 1 && tree.state == ZPAT_JOB_DELAYED);
  OK(zpat_producer_close(&producer));
  OK(zpat_queue_worker_close(&worker));
  OK(zpat_queue_close(&queue));
  OK(zpat_batch_free(&body));
}

/* A wrong word about a job leaves it to be ended rightly, unless a child is found to be wrong too late. */
static void jobs(zpat_context_t *context) {
  char endpoint[ZPAT_ENDPOINT_SIZE], long_name[257];
  zpat_queue_t *queue = open_queue(context, NULL, endpoint);
  zpat_producer_t *producer = open_producer(context, endpoint);
  zpat_queue_worker_t *worker = open_worker(context, endpoint, "x");
  zpat_job_options_t once = tried(1);
  zpat_slice_t bad = { NULL, 1 }, frame = zpat_slice_text("child");
  zpat_child_t children[2] = { child("x", &frame), child("x", &frame) };
  zpat_job_outcome_t outcome = ZPAT_JOB_OUTCOME_INIT;
  zpat_batch_t *body = NULL;
  zpat_watch_t *watch = submit(producer, "x", "root", &once);
  memset(long_name, 'x', 256), long_name[256] = 0;
  REFUSED(zpat_queue_worker_next(worker, LONG, NULL, NULL));
  REFUSED(zpat_queue_worker_next_many(worker, 1, LONG, NULL, NULL));
  zpat_queue_job_t *job = NULL;
  REFUSED(zpat_queue_worker_next_many(worker, 0, LONG, NULL, &job));
  REFUSED(zpat_queue_worker_next_many(worker, SIZE_MAX, LONG, NULL, &job));
  REFUSED(zpat_queue_worker_next(worker, -2, NULL, &job));
  FAILS(ZPAT_E_WRONG_STATE, zpat_queue_worker_uncork(worker));
  job = next_job(worker);
  REFUSED(zpat_queue_job_complete(&job, &bad, 1));
  REFUSED(zpat_queue_job_complete(&job, NULL, 1));
  REFUSED(zpat_queue_job_retry(&job, 1, &bad, 1));
  REFUSED(zpat_queue_job_fail(&job, 1, &bad, 1));
  REFUSED(zpat_queue_job_spawn(&job, NULL, 1, NULL, 0));
  REFUSED(zpat_queue_job_spawn(&job, children, SIZE_MAX, NULL, 0));
  REFUSED(zpat_queue_job_spawn(&job, children, 2, &bad, 1));
  children[1].queue = NULL;
  NAMED(zpat_queue_job_spawn(&job, children, 2, NULL, 0), "children 1");
  children[1] = child("\xff", &frame);
  FAILS_WITH(ZPAT_E_INVALID_TEXT, zpat_queue_job_spawn(&job, children, 2, NULL, 0), "children 1");
  children[1] = child("x", &bad);
  NAMED(zpat_queue_job_spawn(&job, children, 2, NULL, 0), "children 1");
  children[1] = child("x", &frame), children[1].on_failure = 3;
  NAMED(zpat_queue_job_spawn(&job, children, 2, NULL, 0), "on_failure");
  children[1] = child("x", &frame), children[1].detached = -1;
  NAMED(zpat_queue_job_spawn_in_order(&job, children, 2, NULL, 0), "detached");
  children[1] = child("x", &frame), children[1].options = &once, once.struct_size = 9;
  NAMED(zpat_queue_job_spawn_in_order(&job, children, 2, NULL, 0), "children 1");
  once.struct_size = sizeof once, once.backoff = -1;
  NAMED(zpat_queue_job_spawn_in_order(&job, children, 2, NULL, 0), "backoff");
  children[1] = child(long_name, &frame);
  NAMED(zpat_queue_job_spawn(&job, children, 2, NULL, 0), "children 1");
  children[1] = child("x", &frame), children[1].options = &once, once.backoff = 0, once.attempts = 0;
  NAMED(zpat_queue_job_spawn(&job, children, 2, NULL, 0), "attempts");
  CHECK(job != NULL);
  children[1] = child("x", &frame);
  OK(zpat_queue_job_spawn(&job, children, 2, NULL, 0));
  for (int i = 0; i < 2; i++) {
    job = next_job(worker);
    complete(&job, "done");
  }
  job = next_job(worker);
  outcome.struct_size = 3;
  REFUSED(zpat_queue_job_result(job, 0, &outcome));
  FAILS(ZPAT_E_NOT_FOUND, zpat_queue_job_result(job, 2, NULL));
  outcome.struct_size = sizeof outcome;
  OK(zpat_queue_job_free(&job));
  CHECK(job == NULL);
  CHECK(zpat_watch_outcome(watch, LONG, NULL, &body, &outcome) == ZPAT_E_JOB_FAILED);
  CHECK(outcome.code == ZPAT_QUEUE_JOB_DROPPED);
  OK(zpat_watch_free(&watch));
  OK(zpat_batch_free(&body));
  OK(zpat_producer_close(&producer));
  OK(zpat_queue_worker_close(&worker));
  OK(zpat_queue_close(&queue));
}

int main(void) {
  zpat_context_t *context = open_context();
  no_queue();
  no_producer();
  no_worker();
  opening(context);
  options(context);
  pushing(context);
  waiting(context);
  sizes(context);
  jobs(context);
  OK(zpat_context_close(&context));
  return 0;
}
