/* Many at once: batches of requests, of what comes of them, of jobs and of answers, and corks. */
#include "reqrep.h"

enum { MANY = 500, ROOM = 64, CODE = 7 };

/* What a job is answered with: every third cannot be done. */
static int is_refused(uint32_t number) { return number % 3 == 0; }

static uint32_t number_of(zpat_slice_t frame) {
  uint32_t number;
  CHECK(frame.len == sizeof number);
  memcpy(&number, frame.data, sizeof number);
  return number;
}

/* Numbers from 0, each with its half as a second frame. */
static zpat_batch_t *numbers(uint32_t count) {
  zpat_batch_t *batch = NULL;
  OK(zpat_batch_new(&batch));
  for (uint32_t number = 0; number < count; number++) {
    uint32_t half = number / 2;
    zpat_slice_t frames[] = { { &number, sizeof number }, { &half, sizeof half } };
    OK(zpat_batch_add_multipart(batch, frames, 2));
  }
  return batch;
}

/* Answers `count` jobs with their own frames, the second first. */
static void answer_many(zpat_worker_t *worker, int count) {
  zpat_job_t *jobs[ROOM];
  zpat_answer_t answers[ROOM];
  zpat_slice_t frames[ROOM][2];
  for (int done = 0; done < count;) {
    int taken = (int)OK(zpat_worker_next_many(worker, ROOM, LONG, NULL, jobs));
    CHECK(taken >= 1 && taken <= ROOM);
    for (int i = 0; i < taken; i++) {
      CHECK(zpat_job_frame_count(jobs[i]) == 2);
      frames[i][0] = zpat_job_frame(jobs[i], 1), frames[i][1] = zpat_job_frame(jobs[i], 0);
      int refused = is_refused(number_of(frames[i][1]));
      zpat_answer_t answer = { jobs[i], refused ? ZPAT_OUTCOME_ERROR : ZPAT_OUTCOME_REPLY, CODE, frames[i], 2 };
      answers[i] = answer;
    }
    OK(zpat_worker_answer_many(worker, answers, (size_t)taken));
    for (int i = 0; i < taken; i++) CHECK(answers[i].job == NULL);
    done += taken;
  }
}

/* Each request has its own answer, once. */
static void expect_answers(zpat_client_t *client, int64_t first, int count) {
  zpat_outcome_t outcomes[ROOM] = { ZPAT_OUTCOME_INIT };
  zpat_batch_t *bodies = NULL;
  static unsigned char seen[MANY];
  memset(seen, 0, sizeof seen);
  for (int answered = 0, came; answered < count; answered += came) {
    came = (int)OK(zpat_client_next_many(client, ROOM, LONG, NULL, &bodies, outcomes));
    CHECK(came >= 1 && came <= ROOM && zpat_batch_count(bodies) == (size_t)came);
    for (int i = 0; i < came; i++) {
      uint32_t number = number_of(zpat_batch_frame(bodies, (size_t)i, 1));
      CHECK(number_of(zpat_batch_frame(bodies, (size_t)i, 0)) == number / 2);
      CHECK(outcomes[i].struct_size == sizeof *outcomes && outcomes[i].ticket == first + number && !seen[number]);
      CHECK(outcomes[i].kind == (is_refused(number) ? ZPAT_OUTCOME_ERROR : ZPAT_OUTCOME_REPLY));
      CHECK(outcomes[i].error == (is_refused(number) ? ZPAT_E_JOB_FAILED : ZPAT_OK));
      CHECK(outcomes[i].code == (is_refused(number) ? CODE : 0));
      seen[number] = 1;
    }
  }
  FAILS(ZPAT_E_TIMEOUT, zpat_client_next_many(client, ROOM, 0, NULL, &bodies, outcomes));
  CHECK(outcomes->kind == ZPAT_OUTCOME_NONE && zpat_batch_count(bodies) == 0);
  OK(zpat_batch_free(&bodies));
}

static void there_and_back(zpat_client_t *client, zpat_worker_t *worker) {
  zpat_request_options_t options = patient();
  zpat_batch_t *questions = numbers(MANY);
  int64_t first = OK(zpat_client_post_many(client, "halve", questions, &options));
  answer_many(worker, MANY);
  expect_answers(client, first, MANY);
  /* The batch is as it was. */
  CHECK(zpat_batch_count(questions) == MANY && number_of(zpat_batch_frame(questions, MANY - 1, 0)) == MANY - 1);
  CHECK(OK(zpat_client_post_many(client, "halve", questions, &options)) == first + MANY);
  answer_many(worker, MANY);
  expect_answers(client, first + MANY, MANY);
  OK(zpat_batch_clear(questions));
  CHECK(OK(zpat_client_post_many(client, "halve", questions, &options)) == 0);
  OK(zpat_batch_free(&questions));
}

/* What was received is asked for as it is, and a question may have no frames. */
static void passed_on(zpat_client_t *client, zpat_worker_t *worker) {
  zpat_request_options_t options = patient();
  zpat_outcome_t outcomes[3] = { ZPAT_OUTCOME_INIT };
  zpat_batch_t *batch = NULL;
  zpat_answer_t answer = { NULL, ZPAT_OUTCOME_REPLY, 0, NULL, 0 };
  OK(zpat_batch_new(&batch));
  OK(zpat_batch_add_multipart(batch, NULL, 0));
  CHECK(OK(zpat_client_post_many(client, "halve", batch, &options)) > 0);
  CHECK(OK(zpat_worker_next_many(worker, 1, LONG, NULL, &answer.job)) == 1);
  CHECK(zpat_job_frame_count(answer.job) == 0);
  OK(zpat_worker_answer_many(worker, &answer, 1));
  CHECK(OK(zpat_client_next_many(client, 3, LONG, NULL, &batch, outcomes)) == 1);
  CHECK(outcomes->kind == ZPAT_OUTCOME_REPLY && zpat_batch_count(batch) == 1 && zpat_batch_frame_count(batch, 0) == 0);
  OK(zpat_batch_add(batch, "another", 7));
  CHECK(OK(zpat_client_post_many(client, "halve", batch, &options)) > outcomes->ticket);
  for (size_t frames = 0; frames < 2; frames++) {
    zpat_job_t *job = next_job(worker);
    CHECK(zpat_job_frame_count(job) == frames);
    reply(&job, "done");
  }
  for (int came = 0; came < 2;) came += (int)OK(zpat_client_next_many(client, 3, LONG, NULL, &batch, outcomes));
  OK(zpat_batch_free(&batch));
}

/* A failure is no error of the call, and its text is in the batch. */
static void failures(zpat_client_t *client) {
  zpat_request_options_t options = patient();
  zpat_outcome_t outcomes[ROOM] = { ZPAT_OUTCOME_INIT };
  zpat_batch_t *questions = numbers(10), *bodies = NULL;
  const char *text = "NotFound: the request never ran";
  options.patience = 0;
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_client_cork(NULL));
  CHECK(OK(zpat_client_post_many(client, "nobody", questions, &options)) > 0);
  for (int failed = 0, came; failed < 10; failed += came) {
    came = (int)OK(zpat_client_next_many(client, ROOM, LONG, NULL, &bodies, outcomes));
    for (int i = 0; i < came; i++) {
      zpat_slice_t said = zpat_batch_frame(bodies, (size_t)i, 0);
      CHECK(outcomes[i].kind == ZPAT_OUTCOME_FAILED && outcomes[i].error == ZPAT_E_NOT_FOUND);
      CHECK(outcomes[i].may_have_run == 0 && zpat_batch_frame_count(bodies, (size_t)i) == 1);
      CHECK(said.len > strlen(text) && memcmp(said.data, text, strlen(text)) == 0);
    }
  }
  CHECK(zpat_last_error_code() == ZPAT_E_INVALID_ARGUMENT);
  OK(zpat_batch_free(&questions));
  OK(zpat_batch_free(&bodies));
}

/* What is corked leaves with the last cork at the latest; corks are of any thread, and nest. */
static void corked(zpat_client_t *client, zpat_worker_t *worker) {
  zpat_request_options_t options = patient();
  int64_t first = 0;
  OK(zpat_client_cork(client));
  OK(zpat_client_cork(client));
  for (uint32_t number = 0; number < ROOM; number++) {
    zpat_slice_t frames[] = { { &number, sizeof number }, { &number, sizeof number } };
    int64_t ticket = OK(zpat_client_post(client, "halve", frames, 2, &options));
    if (number == 0) first = ticket;
  }
  OK(zpat_client_uncork(client));
  OK(zpat_client_uncork(client));
  OK(zpat_worker_cork(worker));
  for (uint32_t number = 0; number < ROOM; number++) {
    zpat_job_t *job = next_job(worker);
    uint32_t asked = number_of(zpat_job_frame(job, 0)), half = asked / 2;
    zpat_slice_t frames[] = { { &half, sizeof half }, { &asked, sizeof asked } };
    OK(is_refused(asked) ? zpat_job_fail(&job, CODE, frames, 2) : zpat_job_reply(&job, frames, 2));
  }
  OK(zpat_worker_uncork(worker));
  expect_answers(client, first, ROOM);
}

#define REFUSED(call) FAILS(ZPAT_E_INVALID_ARGUMENT, call)

static void misused_client(zpat_client_t *client) {
  zpat_request_options_t options = patient();
  zpat_outcome_t outcomes[2] = { ZPAT_OUTCOME_INIT };
  zpat_batch_t *questions = numbers(2), *bodies = NULL;
  REFUSED(zpat_client_post_many(NULL, "halve", questions, &options));
  REFUSED(zpat_client_post_many(client, NULL, questions, &options));
  REFUSED(zpat_client_post_many(client, "", questions, &options));
  REFUSED(zpat_client_post_many(client, "halve", NULL, &options));
  options.task = ZPAT_TASK_STORE, options.key = zpat_slice_text("key");
  REFUSED(zpat_client_post_many(client, "halve", questions, &options));
  CHECK(strstr(zpat_last_error(), "task") != NULL);
  REFUSED(zpat_client_next_many(NULL, 2, 0, NULL, &bodies, outcomes));
  REFUSED(zpat_client_next_many(client, 0, 0, NULL, &bodies, outcomes));
  REFUSED(zpat_client_next_many(client, SIZE_MAX, 0, NULL, &bodies, outcomes));
  REFUSED(zpat_client_next_many(client, 2, -2, NULL, &bodies, outcomes));
  REFUSED(zpat_client_next_many(client, 2, 0, NULL, NULL, outcomes));
  REFUSED(zpat_client_next_many(client, 2, 0, NULL, &bodies, NULL));
  outcomes->struct_size = 3;
  REFUSED(zpat_client_next_many(client, 2, 0, NULL, &bodies, outcomes));
  REFUSED(zpat_client_uncork(NULL));
  CHECK(bodies == NULL);
  OK(zpat_batch_free(&questions));
}

/* A wrong answer leaves all jobs to be answered rightly; only another worker's takes them along. */
static void misused_worker(zpat_context_t *context, zpat_client_t *client, zpat_worker_t *worker,
                           const char *endpoint) {
  zpat_request_options_t options = patient();
  zpat_slice_t wrong = { NULL, 1 };
  zpat_job_t *jobs[2] = { NULL, NULL };
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_batch_t *questions = numbers(2), *body = NULL;
  REFUSED(zpat_worker_next_many(NULL, 2, 0, NULL, jobs));
  REFUSED(zpat_worker_next_many(worker, 0, 0, NULL, jobs));
  REFUSED(zpat_worker_next_many(worker, SIZE_MAX, 0, NULL, jobs));
  REFUSED(zpat_worker_next_many(worker, 2, -2, NULL, jobs));
  REFUSED(zpat_worker_next_many(worker, 2, 0, NULL, NULL));
  FAILS(ZPAT_E_TIMEOUT, zpat_worker_next_many(worker, 2, 0, NULL, jobs));
  CHECK(jobs[0] == NULL && jobs[1] == NULL);
  REFUSED(zpat_worker_answer_many(NULL, NULL, 0));
  REFUSED(zpat_worker_answer_many(worker, NULL, 1));
  OK(zpat_worker_answer_many(worker, NULL, 0));
  REFUSED(zpat_worker_cork(NULL));
  REFUSED(zpat_worker_uncork(NULL));

  OK(zpat_client_post_many(client, "halve", questions, &options));
  jobs[0] = next_job(worker), jobs[1] = next_job(worker);
  const zpat_answer_t right = { jobs[0], ZPAT_OUTCOME_REPLY, 0, NULL, 0 };
  zpat_answer_t answers[2] = { right, right };
  REFUSED(zpat_worker_answer_many(worker, answers, 2));
  answers[1].job = NULL;
  REFUSED(zpat_worker_answer_many(worker, answers, 2));
  answers[1].job = jobs[1], answers[1].kind = ZPAT_OUTCOME_FAILED;
  REFUSED(zpat_worker_answer_many(worker, answers, 2));
  answers[1].kind = ZPAT_OUTCOME_ERROR, answers[1].code = -1;
  REFUSED(zpat_worker_answer_many(worker, answers, 2));
  answers[1].code = 0, answers[1].frames = &wrong, answers[1].count = 1;
  REFUSED(zpat_worker_answer_many(worker, answers, 2));
  CHECK(answers[0].job == jobs[0] && answers[1].job == jobs[1]);
  answers[1].count = 0;
  OK(zpat_worker_answer_many(worker, answers, 2));
  for (int i = 0; i < 2; i++) CHECK(OK(zpat_client_next(client, LONG, NULL, &body, &outcome)) == 1);

  zpat_worker_t *other = open_worker(context, endpoint, "else", 1);
  OK(zpat_client_post(client, "halve", NULL, 0, &options));
  OK(zpat_client_post(client, "else", NULL, 0, &options));
  answers[0] = answers[1] = right;
  answers[0].job = next_job(worker), answers[1].job = next_job(other);
  REFUSED(zpat_worker_answer_many(worker, answers, 2));
  CHECK(answers[0].job == NULL && answers[1].job == NULL);
  for (int i = 0; i < 2; i++) {
    CHECK(OK(zpat_client_next(client, LONG, NULL, &body, &outcome)) == 1);
    CHECK(outcome.kind == ZPAT_OUTCOME_ERROR && outcome.code == ZPAT_JOB_DROPPED);
  }
  OK(zpat_worker_close(&other));
  OK(zpat_batch_free(&questions));
  OK(zpat_batch_free(&body));
}

/* Calls end with the context, and jobs of a worker that left are done before it says so. */
static void closed(zpat_context_t *context, zpat_client_t *client, zpat_worker_t *worker) {
  zpat_request_options_t options = patient();
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_batch_t *questions = numbers(1), *bodies = NULL;
  zpat_answer_t answer = { NULL, ZPAT_OUTCOME_REPLY, 0, NULL, 0 };
  OK(zpat_client_post_many(client, "halve", questions, &options));
  CHECK(OK(zpat_worker_next_many(worker, 1, LONG, NULL, &answer.job)) == 1);
  OK(zpat_worker_leave(worker));
  OK(zpat_worker_answer_many(worker, &answer, 1));
  CHECK(OK(zpat_client_next_many(client, 1, LONG, NULL, &bodies, &outcome)) == 1);
  CHECK(outcome.kind == ZPAT_OUTCOME_REPLY);
  FAILS(ZPAT_E_CLOSED, zpat_worker_next_many(worker, 1, LONG, NULL, &answer.job));
  OK(zpat_context_shutdown(context));
  FAILS(ZPAT_E_CLOSED, zpat_client_next_many(client, 1, LONG, NULL, &bodies, &outcome));
  FAILS(ZPAT_E_CLOSED, zpat_client_post_many(client, "halve", questions, &options));
  OK(zpat_batch_free(&questions));
  OK(zpat_batch_free(&bodies));
}

int main(void) {
  zpat_context_t *context = open_context();
  char endpoint[ZPAT_ENDPOINT_SIZE];
  const char *anywhere = "tcp://127.0.0.1:0", *broker_endpoint = endpoint;
  zpat_worker_options_t options = ZPAT_WORKER_OPTIONS_INIT;
  zpat_broker_t *broker = NULL;
  zpat_worker_t *worker = NULL;
  zpat_client_t *client = NULL;
  /* With the heartbeat of programs: nobody dies here, and a slow machine is not to look dead. */
  options.credit = 200;
  OK(zpat_broker_bind(context, &anywhere, 1, NULL, &broker));
  OK(zpat_broker_endpoint(broker, 0, endpoint, sizeof endpoint));
  OK(zpat_worker_connect(context, &broker_endpoint, 1, "halve", &options, &worker));
  OK(zpat_client_open(context, &broker_endpoint, 1, NULL, &client));
  there_and_back(client, worker);
  passed_on(client, worker);
  failures(client);
  corked(client, worker);
  misused_client(client);
  misused_worker(context, client, worker, endpoint);
  closed(context, client, worker);
  OK(zpat_client_close(&client));
  OK(zpat_worker_close(&worker));
  OK(zpat_broker_close(&broker));
  OK(zpat_context_close(&context));
  return 0;
}
