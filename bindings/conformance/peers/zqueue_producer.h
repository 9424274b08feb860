/* The job queue in the peer: producers.
 *
 * Also with --async they ask for what is there (queues, trees, dead letters) with a call that waits: C has no other. */

static zpat_producer_t *producer_of(char **rest) {
  struct slot *slot = find(next(rest));
  return slot ? slot->producer : NULL;
}

/* What it was asked for is of no more interest. */
static void end_producer(struct slot *slot) {
  struct came **at = &came;
  for (size_t i = 0; slot->producer && i < SLOTS; i++) {
    if (slots[i].watched.producer == slot->producer) release(&slots[i].watched);
    if (slots[i].drafted.producer == slot->producer) release(&slots[i].drafted);
  }
  while (*at) {
    if ((*at)->producer != slot->producer) {
      at = &(*at)->next;
      continue;
    }
    zpat_batch_t *body = take_out(at);
    zpat_batch_free(&body);
  }
  zpat_producer_close(&slot->producer);
}

static int do_producer(char **rest) {
  zpat_producer_options_t options = ZPAT_PRODUCER_OPTIONS_INIT;
  zpat_producer_t *producer = NULL;
  struct slot *slot = make(next(rest));
  const char *endpoint = next(rest);
  int outcome = slot ? read_producer_options(rest, &options) : ZPAT_E_TOO_MANY_OPEN;
  if (outcome >= 0) outcome = zpat_producer_open(context, endpoint, &options, &producer);
  if (outcome < 0) return outcome;
  end_producer(slot);
  slot->producer = producer;
  return DONE;
}

static int post(const zpat_producer_t *producer, const char *queue, const struct pushed *job, int watch,
                struct begun *begun) {
  int64_t ticket = zpat_producer_post(producer, queue, job->frames, job->count, &job->options, watch);
  return posted(producer, ticket, begun);
}

static int do_push(char **rest) {
  struct pushed job;
  struct begun begun = { 0 };
  const zpat_producer_t *producer = producer_of(rest);
  const char *queue = unhex(next(rest)).data;
  int64_t timeout = number(rest), end = now() + timeout;
  int outcome = read_pushed(rest, &job);
  if (outcome < 0) return outcome;
  if (!is_async)
    return print_number(zpat_producer_push(producer, queue, job.frames, job.count, &job.options, timeout, NULL));
  outcome = post(producer, queue, &job, 0, &begun);
  return outcome < 0 ? outcome : print_number(accepted(&begun, end));
}

/* Each of so many jobs has its number; returns how many are accepted, or an error. */
static int64_t push_batch(const zpat_producer_t *producer, const char *queue, int64_t count, const struct pushed *job,
                          int64_t timeout) {
  zpat_batch_t *bodies = NULL;
  int64_t outcome = zpat_batch_new(&bodies);
  for (int64_t i = 0; i < count && outcome >= 0; i++) {
    char text[24];
    zpat_slice_t body = decimal(i, text);
    outcome = zpat_batch_add_multipart(bodies, &body, 1);
  }
  if (outcome >= 0) outcome = zpat_producer_push_many(producer, queue, bodies, &job->options, timeout, NULL, NULL);
  zpat_batch_free(&bodies);
  return outcome;
}

/* The same, as an event loop does it: all are posted before the first is waited for. */
static int64_t post_each(const zpat_producer_t *producer, const char *queue, int64_t count, struct pushed *job,
                         int64_t end) {
  struct begun *begun = calloc((size_t)count + 1, sizeof *begun);
  int64_t outcome = begun ? 0 : ZPAT_E_TOO_LARGE;
  for (int64_t i = 0; i < count && outcome >= 0; i++) {
    char text[24];
    job->frames[0] = decimal(i, text), job->count = 1;
    outcome = post(producer, queue, job, 0, &begun[i]);
  }
  for (int64_t i = 0; i < count && outcome >= 0; i++) outcome = accepted(&begun[i], end);
  free(begun);
  return outcome < 0 ? outcome : count;
}

static int do_push_many(char **rest) {
  struct pushed job;
  const zpat_producer_t *producer = producer_of(rest);
  const char *queue = unhex(next(rest)).data;
  int64_t count = number(rest), timeout = number(rest);
  int outcome = read_pushed(rest, &job);
  if (outcome < 0) return outcome;
  return print_number(is_async ? post_each(producer, queue, count, &job, now() + timeout)
                               : push_batch(producer, queue, count, &job, timeout));
}

static int do_run(char **rest) {
  struct pushed job;
  struct begun begun = { 0 };
  zpat_job_outcome_t came_to = ZPAT_JOB_OUTCOME_INIT;
  const zpat_producer_t *producer = producer_of(rest);
  const char *queue = unhex(next(rest)).data;
  int64_t timeout = number(rest), end = now() + timeout;
  int outcome = read_pushed(rest, &job);
  if (outcome < 0) return outcome;
  if (is_async) {
    outcome = post(producer, queue, &job, 1, &begun);
    return outcome < 0 ? outcome : print_outcome_of(&begun, end);
  }
  outcome = zpat_producer_run(producer, queue, job.frames, job.count, &job.options, timeout, NULL, &batch, &came_to);
  return print_came_to(outcome, &came_to);
}

static int do_submit(char **rest) {
  struct pushed job;
  struct begun begun = { 0 };
  const zpat_producer_t *producer = producer_of(rest);
  struct slot *slot = make(next(rest));
  const char *queue = unhex(next(rest)).data;
  int outcome = slot ? read_pushed(rest, &job) : ZPAT_E_TOO_MANY_OPEN;
  if (outcome < 0) return outcome;
  if (is_async) outcome = post(producer, queue, &job, 1, &begun);
  else outcome = zpat_producer_submit(producer, queue, job.frames, job.count, &job.options, &begun.watch);
  return put(&slot->watched, outcome, begun);
}

static int do_watch(char **rest) {
  struct begun begun = { 0 };
  const zpat_producer_t *producer = producer_of(rest);
  struct slot *slot = make(next(rest));
  int64_t job = number(rest);
  int progress = strcmp(next(rest), "true") == 0;
  if (!slot) return ZPAT_E_TOO_MANY_OPEN;
  int outcome = is_async ? posted(producer, zpat_producer_post_watch(producer, job, progress), &begun)
                         : zpat_producer_watch(producer, job, progress, &begun.watch);
  return put(&slot->watched, outcome, begun);
}

static int do_draft(char **rest) {
  struct pushed job;
  struct begun begun = { 0 };
  const zpat_producer_t *producer = producer_of(rest);
  struct slot *slot = make(next(rest));
  const char *queue = unhex(next(rest)).data;
  int outcome = slot ? read_pushed(rest, &job) : ZPAT_E_TOO_MANY_OPEN;
  if (outcome < 0) return outcome;
  if (is_async) {
    int64_t ticket = zpat_producer_post_draft(producer, queue, job.frames, job.count, &job.options);
    outcome = posted(producer, ticket, &begun);
  } else outcome = zpat_producer_draft(producer, queue, job.frames, job.count, &job.options, &begun.draft);
  return put(&slot->drafted, outcome, begun);
}

static struct begun *draft_of(char **rest) {
  struct slot *slot = find(next(rest));
  return slot && (slot->drafted.draft || slot->drafted.producer) ? &slot->drafted : NULL;
}

static int do_draft_part(char **rest) {
  zpat_slice_t frames[64];
  const struct begun *begun = draft_of(rest);
  size_t count = next_frames(rest, frames);
  if (!begun) return ZPAT_E_INVALID_ARGUMENT;
  return is_async ? zpat_producer_send_part(begun->producer, begun->ticket, frames, count)
                  : zpat_draft_send_part(begun->draft, frames, count);
}

static int do_draft_execute(char **rest) {
  struct begun *draft = draft_of(rest), begun = { 0 };
  struct slot *slot = make(next(rest));
  int outcome;
  if (!draft) return ZPAT_E_INVALID_ARGUMENT;
  if (!slot) return ZPAT_E_TOO_MANY_OPEN;
  if (is_async) {
    begun = *draft;
    outcome = zpat_producer_execute(draft->producer, draft->ticket);
  } else outcome = zpat_draft_execute(&draft->draft, &begun.watch);
  release(draft);
  return put(&slot->watched, outcome, begun);
}

static int do_draft_drop(char **rest) {
  struct begun *draft = draft_of(rest);
  if (!draft) return ZPAT_E_INVALID_ARGUMENT;
  int outcome = is_async ? zpat_producer_forget(draft->producer, draft->ticket) : DONE;
  release(draft);
  return outcome;
}

static int do_result(char **rest) {
  struct begun begun = { 0 };
  zpat_job_outcome_t came_to = ZPAT_JOB_OUTCOME_INIT;
  const zpat_producer_t *producer = producer_of(rest);
  int64_t job = number(rest), timeout = number(rest), end = now() + timeout;
  if (!is_async)
    return print_came_to(zpat_producer_result(producer, job, timeout, NULL, &batch, &came_to), &came_to);
  int outcome = posted(producer, zpat_producer_post_watch(producer, job, 0), &begun);
  return outcome < 0 ? outcome : print_outcome_of(&begun, end);
}

static int do_cancel_job(char **rest) {
  struct begun begun = { 0 };
  const zpat_producer_t *producer = producer_of(rest);
  int64_t job = number(rest), timeout = number(rest), end = now() + timeout;
  if (!is_async) return zpat_producer_cancel(producer, job, timeout, NULL);
  int64_t outcome = posted(producer, zpat_producer_post_cancel(producer, job), &begun);
  if (outcome >= 0) outcome = accepted(&begun, end);
  return outcome < 0 ? (int)outcome : DONE;
}

static int do_requeue(char **rest) {
  struct begun begun = { 0 };
  const zpat_producer_t *producer = producer_of(rest);
  int64_t letter = number(rest), timeout = number(rest), end = now() + timeout;
  if (!is_async) return print_number(zpat_producer_requeue(producer, letter, timeout, NULL));
  int outcome = posted(producer, zpat_producer_post_requeue(producer, letter), &begun);
  return outcome < 0 ? outcome : print_number(accepted(&begun, end));
}

/* ---- What is there ---- */

static int do_queues(char **rest) {
  zpat_queue_counters_t queues[SLOTS] = { ZPAT_QUEUE_COUNTERS_INIT };
  unsigned long long waiting = 0, running = 0, delivered = 0, lost = 0;
  const zpat_producer_t *producer = producer_of(rest);
  int count = zpat_producer_queues(producer, number(rest), NULL, queues, SLOTS);
  if (count < 0 || count > SLOTS) return count < 0 ? count : ZPAT_E_TOO_LARGE;
  fputs("ok names=", stdout);
  for (int i = 0; i < count; i++) {
    if (i > 0) putchar(',');
    print_hex((zpat_slice_t){ queues[i].name, queues[i].name_len });
    waiting += queues[i].waiting, running += queues[i].running;
    delivered += queues[i].delivered, lost += queues[i].lost;
  }
  printf(" waiting=%llu running=%llu delivered=%llu lost=%llu\n", waiting, running, delivered, lost);
  return ANSWERED;
}

static int do_tree(char **rest) {
  unsigned long long depth = 0, states[4] = { 0 };
  int more = 0;
  const zpat_producer_t *producer = producer_of(rest);
  int64_t job = number(rest);
  size_t most = (size_t)number(rest);
  zpat_tree_job_t *jobs = calloc(most ? most : 1, sizeof *jobs);
  if (!jobs) return ZPAT_E_TOO_LARGE;
  jobs->struct_size = sizeof *jobs;
  int count = zpat_producer_tree(producer, job, number(rest), NULL, jobs, most, &more);
  for (int i = 0; i < count; i++) {
    if (jobs[i].depth > depth) depth = jobs[i].depth;
    if (jobs[i].state >= 0 && jobs[i].state < 4) states[jobs[i].state]++;
  }
  free(jobs);
  if (count < 0) return count;
  printf("ok jobs=%d more=%s depth=%llu", count, truth(more), depth);
  for (int state = 0; state < 4; state++) printf(" %s=%llu", zpat_job_state_name(state), states[state]);
  putchar('\n');
  return ANSWERED;
}

static int do_dead(char **rest) {
  int more = 0;
  const zpat_producer_t *producer = producer_of(rest);
  size_t most = (size_t)number(rest);
  zpat_dead_letter_t *letters = calloc(most ? most : 1, sizeof *letters), first;
  if (!letters) return ZPAT_E_TOO_LARGE;
  letters->struct_size = sizeof *letters;
  int count = zpat_producer_dead(producer, 0, number(rest), NULL, letters, most, &batch, NULL, &more);
  first = *letters;
  free(letters);
  if (count < 0) return count;
  printf("ok letters=%d more=%s", count, truth(more));
  if (count > 0) {
    printf(" id=%lld queue=", (long long)first.job);
    print_hex((zpat_slice_t){ first.queue, first.queue_len });
    fputs(" body=", stdout);
    print_message(batch, 0);
    fputs(" key=", stdout);
    print_hex((zpat_slice_t){ first.key, first.key_len });
    printf(" error=%s code=%lld", zpat_error_name((int)first.error), (long long)first.code);
  }
  putchar('\n');
  return ANSWERED;
}
