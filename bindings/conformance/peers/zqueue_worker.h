/* The job queue in the peer: workers, and the jobs that they do. */

static zpat_queue_worker_t *queue_worker_of(char **rest) {
  struct slot *slot = find(next(rest));
  return slot ? slot->queue_worker : NULL;
}

/* Nobody may be using a worker that is freed. */
static void end_work(struct slot *slot) {
  if (!slot->rest) return;
  zpat_cancel_fire(slot->rest);
  pthread_join(slot->doer, NULL);
  zpat_cancel_close(&slot->rest);
}

static void end_queue_worker(struct slot *slot) {
  end_work(slot);
  zpat_queue_worker_close(&slot->queue_worker);
}

static int do_queue_worker(char **rest) {
  zpat_queue_worker_options_t options = ZPAT_QUEUE_WORKER_OPTIONS_INIT;
  zpat_queue_worker_t *worker = NULL;
  struct slot *slot = make(next(rest));
  const char *queues[16];
  char *names = next(rest), *name;
  size_t queue_count = 0, count;
  while (queue_count < 16 && (name = strsep(&names, ","))) queues[queue_count++] = unhex(name).data;
  const char *const *endpoints = split(next(rest), &count);
  int outcome = slot ? read_queue_worker_options(rest, &options) : ZPAT_E_TOO_MANY_OPEN;
  if (outcome < 0) return outcome;
  outcome = zpat_queue_worker_connect(context, endpoints, count, queues, queue_count, &options, &worker);
  if (outcome < 0) return outcome;
  end_queue_worker(slot);
  slot->queue_worker = worker;
  return DONE;
}

/* ---- Jobs ---- */

static void print_list(const zpat_queue_job_t *job, size_t count,
                       zpat_slice_t (*frame)(const zpat_queue_job_t *job, size_t index)) {
  for (size_t f = 0; f < count; f++) {
    if (f > 0) putchar(',');
    print_hex(frame(job, f));
  }
}

/* What a child came to. */
static void print_child(const zpat_queue_job_t *job, size_t child) {
  zpat_job_outcome_t outcome = ZPAT_JOB_OUTCOME_INIT;
  int kind = zpat_queue_job_result(job, child, &outcome);
  if (kind == ZPAT_JOB_OUTCOME_FAILED)
    printf("failed:%s:%lld", zpat_error_name((int)outcome.error), (long long)outcome.code);
  else fputs(kind == ZPAT_JOB_OUTCOME_DONE ? "done:" : "nothing", stdout);
  if (kind != ZPAT_JOB_OUTCOME_DONE) return;
  for (size_t f = 0; f < zpat_queue_job_result_frame_count(job, child); f++) {
    if (f > 0) putchar('+');
    print_hex(zpat_queue_job_result_frame(job, child, f));
  }
}

static int do_take(char **rest) {
  const zpat_queue_worker_t *worker = queue_worker_of(rest);
  struct slot *slot = make(next(rest));
  int64_t timeout = number(rest), end = now() + timeout;
  zpat_queue_job_t *job = NULL;
  int outcome;
  if (!slot) return ZPAT_E_TOO_MANY_OPEN;
  while ((outcome = zpat_queue_worker_next(worker, is_async ? 0 : timeout, NULL, &job)) == ZPAT_E_TIMEOUT &&
         is_async) {
    outcome = await_notice(zpat_queue_worker_arm(worker), zpat_queue_worker_ready_fd(worker), end);
    if (outcome < 0) break;
  }
  if (outcome < 0) return outcome;
  zpat_queue_job_free(&slot->queue_job);
  slot->queue_job = job;
  printf("ok id=%lld queue=", (long long)zpat_queue_job_id(job));
  print_hex(zpat_queue_job_queue(job));
  fputs(" body=", stdout);
  print_list(job, zpat_queue_job_frame_count(job), zpat_queue_job_frame);
  printf(" tries=%d resumed=%s memo=", zpat_queue_job_tries(job), truth(zpat_queue_job_is_resumed(job)));
  print_list(job, zpat_queue_job_memo_count(job), zpat_queue_job_memo);
  fputs(" results=", stdout);
  for (size_t child = 0; child < zpat_queue_job_result_count(job); child++) {
    if (child > 0) putchar(',');
    print_child(job, child);
  }
  putchar('\n');
  return ANSWERED;
}

/* Where a job is, or NULL if none has this name. */
static zpat_queue_job_t **taken(char **rest) {
  struct slot *slot = find(next(rest));
  return slot && slot->queue_job ? &slot->queue_job : NULL;
}

static int do_complete(char **rest) {
  zpat_slice_t frames[64];
  zpat_queue_job_t **job = taken(rest);
  return zpat_queue_job_complete(job, frames, next_frames(rest, frames));
}

static int do_retry(char **rest) {
  zpat_slice_t frames[64];
  zpat_queue_job_t **job = taken(rest);
  uint32_t code = (uint32_t)number(rest);
  return zpat_queue_job_retry(job, code, frames, next_frames(rest, frames));
}

static int do_fail(char **rest) {
  zpat_slice_t frames[64];
  zpat_queue_job_t **job = taken(rest);
  uint32_t code = (uint32_t)number(rest);
  return zpat_queue_job_fail(job, code, frames, next_frames(rest, frames));
}

/* One child, from what its word says; its frames are put behind those of the children before. 0 or an error. */
static int read_child(char *word, zpat_slice_t **frames, const zpat_slice_t *end, zpat_child_t *child) {
  static const char *const policies[] = { "fail", "pass", "ignore" };
  char *queue = strsep(&word, ","), *policy = strsep(&word, ","), *frame;
  *child = (zpat_child_t){ .queue = unhex(queue).data, .frames = *frames };
  if (!policy) return ZPAT_E_INVALID_ARGUMENT;
  const char *on_failure = unhex(policy).data;
  child->detached = strcmp(on_failure, "alone") == 0;
  child->on_failure = child->detached ? ZPAT_ON_FAILURE_FAIL : position_of(on_failure, policies, 3);
  while ((frame = strsep(&word, ","))) {
    if (*frames == end) return ZPAT_E_TOO_LARGE;
    *(*frames)++ = unhex(frame);
    child->count++;
  }
  return 0;
}

static int do_spawn(char **rest) {
  enum { CHILDREN = 64, FRAMES = 256 };
  zpat_child_t children[CHILDREN];
  zpat_slice_t frames[FRAMES], *free_frame = frames;
  zpat_job_options_t options = ZPAT_JOB_OPTIONS_INIT;
  zpat_queue_job_t **job = taken(rest);
  int is_ordered = strcmp(next(rest), "true") == 0;
  zpat_slice_t memo = unhex(next(rest));
  size_t count = 0, memos = memo.len > 0;
  char *word;
  int outcome = read_job_options(rest, &options);
  while (outcome >= 0 && *(word = next(rest))) {
    if (count == CHILDREN) return ZPAT_E_TOO_LARGE;
    outcome = read_child(word, &free_frame, frames + FRAMES, &children[count]);
    children[count++].options = &options;
  }
  if (outcome < 0) return outcome;
  return is_ordered ? zpat_queue_job_spawn_in_order(job, children, count, &memo, memos)
                    : zpat_queue_job_spawn(job, children, count, &memo, memos);
}

static int do_drop(char **rest) {
  zpat_queue_job_t **job = taken(rest);
  return job ? zpat_queue_job_free(job) : ZPAT_E_INVALID_ARGUMENT;
}

/* The hook is called once: what it says is looked at, and so is what the bell still had from others. */
static int await_withdrawn(const zpat_queue_job_t *job, int64_t end) {
  int outcome = open_bell();
  if (outcome == 0) outcome = zpat_queue_job_set_hook(job, wake, bell);
  while (outcome == 0 && (outcome = zpat_queue_job_wait_withdrawn(job, 0, NULL)) == ZPAT_E_TIMEOUT)
    outcome = await_bell(end);
  zpat_queue_job_set_hook(job, NULL, NULL);
  return outcome;
}

static int do_withdrawn(char **rest) {
  zpat_queue_job_t **job = taken(rest);
  int64_t timeout = number(rest);
  if (!job) return ZPAT_E_INVALID_ARGUMENT;
  return is_async ? await_withdrawn(*job, now() + timeout) : zpat_queue_job_wait_withdrawn(*job, timeout, NULL);
}

/* ---- Jobs in the background ---- */

/* What the children of a job came to, in all; -1 if the memo did not come back. */
static long long sum_of(const zpat_queue_job_t *job) {
  long long sum = 0;
  if (zpat_queue_job_memo_count(job) != 1 || !zpat_slice_equal(zpat_queue_job_memo(job, 0), zpat_slice_text("left")))
    return -1;
  for (size_t child = 0; child < zpat_queue_job_result_count(job); child++) {
    zpat_slice_t number = zpat_queue_job_result_frame(job, child, 0);
    char digits[24];
    snprintf(digits, sizeof digits, "%.*s", (int)number.len, (const char *)number.data);
    if (zpat_queue_job_result(job, child, NULL) == ZPAT_JOB_OUTCOME_DONE) sum += strtoll(digits, NULL, 10);
  }
  return sum;
}

static void spawn_all(zpat_queue_job_t **job, long long deep, long long wide) {
  zpat_slice_t queue = zpat_queue_job_queue(*job), memo = zpat_slice_text("left"), body;
  char name[ZPAT_QUEUE_NAME_SIZE], text[48];
  zpat_child_t *children = calloc((size_t)wide + 1, sizeof *children);
  if (!children) return;
  snprintf(name, sizeof name, "%.*s", (int)queue.len, (const char *)queue.data);
  body = (zpat_slice_t){ text, (size_t)snprintf(text, sizeof text, "%lld %lld", deep - 1, wide) };
  for (long long i = 0; i < wide; i++) children[i] = (zpat_child_t){ .queue = name, .frames = &body, .count = 1 };
  zpat_queue_job_spawn(job, children, (size_t)wide, &memo, 1);
  free(children);
}

/* One that was withdrawn, or that a closed worker had, is of no more interest. What makes no sense fails for good. */
static void recurse(zpat_queue_job_t **job) {
  zpat_slice_t asked = zpat_queue_job_frame(*job, 0);
  char text[48];
  long long deep = 0, wide = 0, count = 1;
  snprintf(text, sizeof text, "%.*s", (int)asked.len, (const char *)asked.data);
  int makes_sense = sscanf(text, "%lld %lld", &deep, &wide) == 2 && wide >= 0;
  if (zpat_queue_job_is_resumed(*job)) count = 1 + sum_of(*job);
  else if (makes_sense && deep > 0) {
    spawn_all(job, deep, wide);
    return;
  }
  zpat_slice_t said = makes_sense && count > 0 ? decimal(count, text) : zpat_slice_text("what is that?");
  if (makes_sense && count > 0) zpat_queue_job_complete(job, &said, 1);
  else zpat_queue_job_fail(job, 0, &said, 1);
}

static void *work(void *of) {
  struct slot *slot = of;
  zpat_queue_job_t *job = NULL;
  while (zpat_queue_worker_next(slot->queue_worker, -1, slot->rest, &job) > 0) {
    recurse(&job);
    zpat_queue_job_free(&job);
  }
  return NULL;
}

static int do_work(char **rest) {
  struct slot *slot = find(next(rest));
  if (!slot || !slot->queue_worker) return ZPAT_E_INVALID_ARGUMENT;
  end_work(slot);
  int outcome = zpat_cancel_open(&slot->rest);
  if (outcome < 0) return outcome;
  pthread_create(&slot->doer, NULL, work, slot);
  return DONE;
}

/* ---- What ends ---- */

static int do_queue_leave(char **rest) { return zpat_queue_worker_leave(queue_worker_of(rest)); }

static int do_worker_counters(char **rest) {
  zpat_queue_worker_counters_t counters = ZPAT_QUEUE_WORKER_COUNTERS_INIT;
  int outcome = zpat_queue_worker_counters(queue_worker_of(rest), &counters);
  if (outcome < 0) return outcome;
  fputs("ok", stdout);
  QUEUE_WORKER_COUNTERS(PRINT)
  putchar('\n');
  return ANSWERED;
}

static void end_queue_parties(struct slot *slot) {
  end_queue_worker(slot);
  end_producer(slot);
  zpat_queue_close(&slot->queue);
}

static int do_queue_end(char **rest) {
  struct slot *slot = find(next(rest));
  if (slot) end_queue_parties(slot);
  return DONE;
}

static void end_yard(struct slot *slot) {
  end_queue_parties(slot);
  zpat_queue_job_free(&slot->queue_job);
  release(&slot->watched);
  release(&slot->drafted);
}
