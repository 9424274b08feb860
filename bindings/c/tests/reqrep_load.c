/* Many requests at once, from an event loop, and a worker killed half-way: every one is answered, once. */
#include "loops.h"
#include "reqrep.h"

#include <signal.h>
#include <sys/wait.h>

enum { MANY = 1000, MORE = 2000 };

static const char *program;

/* `PROGRAM echo ENDPOINT`: a worker in a process of its own. */
static int be_worker(const char *endpoint) {
  zpat_context_t *context = open_context();
  zpat_worker_t *worker = open_worker(context, endpoint, "echo", 20);
  zpat_job_t *job = NULL;
  while (zpat_worker_next(worker, LONG, NULL, &job) == 1) {
    zpat_slice_t question = zpat_job_frame(job, 0);
    OK(zpat_job_reply(&job, &question, 1));
  }
  OK(zpat_worker_close(&worker));
  OK(zpat_context_close(&context));
  return 0;
}

static pid_t start_worker(const char *endpoint) {
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    execl(program, program, "echo", endpoint, (char *)NULL);
    _exit(127);
  }
  return pid;
}

static void kill_worker(pid_t pid) {
  int status;
  CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
}

/* Posts numbers; the tickets of one client go up by one. */
static int64_t post_all(zpat_client_t *client, uint32_t count) {
  zpat_request_options_t options = patient();
  int64_t first = 0;
  for (uint32_t number = 0; number < count; number++) {
    zpat_slice_t frame = { &number, sizeof number };
    int64_t ticket = OK(zpat_client_post(client, "echo", &frame, 1, &options));
    if (number == 0) first = ticket;
    CHECK(ticket == first + number);
  }
  return first;
}

/* Whether this is the answer to its own question, and the first to it. */
static void check_answer(const zpat_batch_t *body, const zpat_outcome_t *outcome, int64_t first, unsigned char *seen) {
  uint32_t number = 0;
  CHECK(outcome->kind == ZPAT_OUTCOME_REPLY);
  CHECK(OK(zpat_batch_copy(body, 0, 0, &number, sizeof number)) == sizeof number);
  CHECK(outcome->ticket == first + number && !seen[number]);
  seen[number] = 1;
}

/* As an event loop does: wait for the notice, take all that is there, arm again. */
static void from_a_loop(zpat_client_t *client, zpat_worker_t *worker) {
  struct pollfd polled[] = { { (int)OK(zpat_client_ready_fd(client)), POLLIN, 0 },
                             { (int)OK(zpat_worker_ready_fd(worker)), POLLIN, 0 } };
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_batch_t *body = NULL;
  unsigned char seen[MANY] = { 0 };
  int64_t first = post_all(client, MANY);
  int answered = 0, turns = 0, status;
  while (answered < MANY) {
    zpat_job_t *job = NULL;
    while ((status = zpat_worker_next(worker, 0, NULL, &job)) == 1) {
      zpat_slice_t question = zpat_job_frame(job, 0);
      OK(zpat_job_reply(&job, &question, 1));
    }
    CHECK(status == ZPAT_E_TIMEOUT);
    while ((status = zpat_client_next(client, 0, NULL, &body, &outcome)) == 1) {
      check_answer(body, &outcome, first, seen);
      answered++;
    }
    CHECK(status == ZPAT_E_TIMEOUT && outcome.kind == ZPAT_OUTCOME_NONE);
    if (answered < MANY && OK(zpat_client_arm(client)) == 0 && OK(zpat_worker_arm(worker)) == 0) {
      CHECK(poll(polled, 2, LONG) > 0);
      turns++;
    }
  }
  printf("%d answers in %d turns of the loop\n", answered, turns);
  OK(zpat_batch_free(&body));
}

static void hooked(zpat_client_t *client, zpat_worker_t *worker) {
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_batch_t *body = NULL;
  unsigned char seen[1] = { 0 };
  int pipes[2];
  CHECK(pipe(pipes) == 0);
  OK(zpat_client_set_hook(client, hook, &pipes[1]));
  OK(zpat_worker_set_hook(worker, hook, &pipes[1]));
  zpat_job_t *job = NULL;
  int64_t first = post_all(client, 1);
  while (zpat_worker_next(worker, 0, NULL, &job) != 1) {
    if (OK(zpat_worker_arm(worker)) == 0) CHECK(heard(pipes));
  }
  CHECK(OK(zpat_client_arm(client)) == 0);
  zpat_slice_t question = zpat_job_frame(job, 0);
  OK(zpat_job_reply(&job, &question, 1));
  while (zpat_client_next(client, 0, NULL, &body, &outcome) != 1) {
    if (OK(zpat_client_arm(client)) == 0) CHECK(heard(pipes));
  }
  check_answer(body, &outcome, first, seen);
  OK(zpat_client_set_hook(client, NULL, NULL));
  OK(zpat_worker_set_hook(worker, NULL, NULL));
  OK(zpat_batch_free(&body));
  CHECK(close(pipes[0]) == 0 && close(pipes[1]) == 0);
}

static void killed(zpat_broker_t *broker, zpat_client_t *client, const char *endpoint) {
  static unsigned char seen[MORE];
  zpat_reqrep_counters_t counters = ZPAT_REQREP_COUNTERS_INIT;
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_batch_t *body = NULL;
  pid_t worker = start_worker(endpoint);
  int64_t first = post_all(client, MORE);
  for (int answered = 0; answered < MORE; answered++) {
    CHECK(OK(zpat_client_next(client, LONG, NULL, &body, &outcome)) == 1);
    check_answer(body, &outcome, first, seen);
    if (answered == MORE / 2) {
      kill_worker(worker);
      worker = start_worker(endpoint);
    }
  }
  kill_worker(worker);
  OK(zpat_client_counters(client, &counters));
  CHECK(balanced(&counters) && counters.delivered == MORE + MANY + 1 && counters.held == 0);
  OK(zpat_broker_counters(broker, &counters));
  CHECK(balanced(&counters) && counters.delivered == MORE + MANY + 1);
  printf("%d answers, %llu redelivered\n", MORE, (unsigned long long)counters.redelivered);
  OK(zpat_batch_free(&body));
}

/* Threads ask at the same time and wait each for its own answer. */
static void *asks(void *argument) {
  zpat_request_options_t options = patient();
  zpat_batch_t *body = NULL;
  for (uint32_t number = 0; number < MANY / 8; number++) {
    zpat_slice_t frame = { &number, sizeof number };
    CHECK(OK(zpat_client_request(argument, "echo", &frame, 1, &options, NULL, &body, NULL)) == 0);
    CHECK(zpat_slice_equal(zpat_batch_frame(body, 0, 0), frame));
  }
  OK(zpat_batch_free(&body));
  return NULL;
}

static void from_threads(zpat_client_t *client, const char *endpoint) {
  pthread_t threads[8];
  pid_t worker = start_worker(endpoint);
  for (int i = 0; i < 8; i++) CHECK(pthread_create(&threads[i], NULL, asks, client) == 0);
  for (int i = 0; i < 8; i++) CHECK(pthread_join(threads[i], NULL) == 0);
  kill_worker(worker);
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "echo") == 0) return be_worker(argv[2]);
  program = argv[0];
  zpat_context_t *context = open_context();
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_broker_t *broker = open_broker(context, endpoint);
  zpat_worker_t *worker = open_worker(context, endpoint, "echo", 100);
  zpat_client_t *client = open_client(context, endpoint);
  from_a_loop(client, worker);
  hooked(client, worker);
  OK(zpat_worker_close(&worker));
  killed(broker, client, endpoint);
  from_threads(client, endpoint);
  OK(zpat_client_close(&client));
  OK(zpat_broker_close(&broker));
  OK(zpat_context_close(&context));
  return 0;
}
