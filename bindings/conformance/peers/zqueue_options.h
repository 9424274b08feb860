/* Options, counters and jobs as a line has them; the compiler says if a name is misspelt. */

#define QUEUE_NUMBERS(X) \
  X(heartbeat_interval) X(heartbeat_limit) X(max_queues) X(max_jobs) X(max_bytes) X(max_queue_bytes) X(max_depth) \
  X(max_children) X(max_tree_jobs) X(max_tree_bytes) X(max_lost) X(max_kept) X(max_kept_bytes) X(max_dead) \
  X(max_dead_bytes) X(max_drafts) X(max_draft_bytes) X(max_peers) X(max_per_peer)
#define PRODUCER_NUMBERS(X) X(heartbeat_interval) X(heartbeat_limit) X(patience) X(max_calls) X(max_bytes)
#define QUEUE_WORKER_NUMBERS(X) X(heartbeat_interval) X(heartbeat_limit) X(credit) X(max_bytes)
#define JOB_NUMBERS(X) X(priority) X(delay) X(attempts) X(backoff) X(time_limit) X(keep)
#define ZQUEUE_COUNTERS(X) \
  X(accepted) X(delivered) X(redelivered) X(held) X(waiting) X(delayed) X(running) X(suspended) X(refused_full) \
  X(refused_other) X(duplicates) X(late_dropped) X(kept) X(dead) X(bytes) X(malformed) X(lost_failed) \
  X(lost_workers_lost) X(lost_child_failed) X(lost_cancelled) X(lost_bounds)
#define QUEUE_WORKER_COUNTERS(X) \
  X(accepted) X(completed) X(failed) X(spawned) X(held) X(withdrawn) X(rejected) X(malformed)

/* What a line says of a job behind the name of its queue. */
struct pushed {
  zpat_job_options_t options;
  zpat_slice_t frames[64];
  size_t count;
};

/* The position of a text among others; behind the last, which no call accepts, if it is none of them. */
static int position_of(const char *text, const char *const *all, int count) {
  int position = 0;
  while (position < count && strcmp(text, all[position]) != 0) position++;
  return position;
}

#define SET(option) if (strcmp(name, #option) == 0) options->option = number_of(value), known = 1;

/* Each reads the options that are next; 0 or an error. */
static int read_queue_options(char **rest, zpat_queue_options_t *options) {
  static const char *const orders[] = { "depth", "fifo", "lifo", "priority" };
  char *name, *value;
  while ((name = next_option(rest, &value))) {
    int is_order = strcmp(name, "order") == 0, is_store = strcmp(name, "store") == 0;
    int known = is_order || is_store;
    if (is_order) options->order = position_of(unhex(value + 4).data, orders, 4);
    if (is_store) options->store = unhex(value + 4).data;
    QUEUE_NUMBERS(SET)
    if (!known) return ZPAT_E_INVALID_ARGUMENT;
  }
  return 0;
}

static int read_producer_options(char **rest, zpat_producer_options_t *options) {
  char *name, *value;
  while ((name = next_option(rest, &value))) {
    int known = 0;
    PRODUCER_NUMBERS(SET)
    if (!known) return ZPAT_E_INVALID_ARGUMENT;
  }
  return 0;
}

static int read_queue_worker_options(char **rest, zpat_queue_worker_options_t *options) {
  char *name, *value;
  while ((name = next_option(rest, &value))) {
    int known = 0;
    QUEUE_WORKER_NUMBERS(SET)
    if (!known) return ZPAT_E_INVALID_ARGUMENT;
  }
  return 0;
}

static int read_job_options(char **rest, zpat_job_options_t *options) {
  char *name, *value;
  while ((name = next_option(rest, &value))) {
    int known = strcmp(name, "key") == 0;
    if (known) options->key = unhex(value + 4);
    JOB_NUMBERS(SET)
    if (!known) return ZPAT_E_INVALID_ARGUMENT;
  }
  return 0;
}

#undef SET

static int read_pushed(char **rest, struct pushed *job) {
  job->options = (zpat_job_options_t)ZPAT_JOB_OPTIONS_INIT;
  int outcome = read_job_options(rest, &job->options);
  job->count = next_frames(rest, job->frames);
  return outcome;
}
