/* Greetings through a broker: a worker is killed, the broker is killed, and no question is lost.
 *
 *     reqrep broker [STORE]                     prints its endpoint, for the others
 *     reqrep work ENDPOINT [--dies-after N]     greets; is killed with the question after the Nth at hand
 *     reqrep ask ENDPOINT                       asks once, then 200 times at once; then the others go home
 *     reqrep leave ENDPOINT                     leaves a question in the broker's STORE
 *     reqrep fetch ENDPOINT                     fetches the answer to it; then the others go home
 */
#include <signal.h>

#include "../program.h"

#define WAIT 120000 /* milliseconds, for an answer */
#define COUNT 200

static zpat_request_options_t options = ZPAT_REQUEST_OPTIONS_INIT;
static zpat_batch_t *answer; /* made by the first answer, used again by the next, freed once */

static void print(const zpat_batch_t *message) {
  zpat_slice_t text = zpat_batch_frame(message, 0, 0);
  printf("%.*s\n", (int)text.len, (const char *)text.data);
}

/* region: broker */
static void broker(zpat_context_t *context, const char *store) {
  const char *const anywhere = "tcp://127.0.0.1:0";
  char bound[ZPAT_ENDPOINT_SIZE], *endpoint = bound;
  zpat_broker_options_t set = ZPAT_BROKER_OPTIONS_INIT;
  set.heartbeat_interval = 250;
  set.heartbeat_limit = 3; /* 0.75 s of silence is death */
  set.store = store;
  zpat_broker_t *broker = NULL;
  zpat_worker_t *end = NULL;
  zpat_job_t *job = NULL;
  check(zpat_broker_bind(context, &anywhere, 1, &set, &broker));
  check(zpat_broker_endpoint(broker, 0, bound, sizeof bound));
  check(zpat_worker_connect(context, (const char *const *)&endpoint, 1, "end", NULL, &end));
  printf("endpoint %s\n", bound);
  fflush(stdout);
  check(zpat_worker_next(end, -1, NULL, &job));
  check(zpat_job_reply(&job, NULL, 0)); /* somebody asks for the end */
  check(zpat_broker_drain(broker, -1, NULL));
  zpat_reqrep_counters_t counters = ZPAT_REQREP_COUNTERS_INIT;
  check(zpat_broker_counters(broker, &counters));
  uint64_t lost = counters.accepted - counters.delivered - counters.held;
  printf("%s given to another worker\n", counters.redelivered > 0 ? "some were" : "none was");
  printf("%s lost\n", lost > 0 ? "some were" : "none was");
  zpat_worker_close(&end);
  zpat_broker_close(&broker);
}
/* endregion: broker */

/* region: work */
static void work(zpat_context_t *context, const char *endpoint, int dies_after) {
  zpat_worker_options_t set = ZPAT_WORKER_OPTIONS_INIT;
  set.credit = 10; /* so many questions may be at hand */
  zpat_worker_t *worker = NULL;
  zpat_job_t *job = NULL;
  check(zpat_worker_connect(context, &endpoint, 1, "greet", &set, &worker));
  int next;
  for (int greeted = 0; (next = zpat_worker_next(worker, -1, NULL, &job)) != ZPAT_E_CLOSED; greeted++) {
    check(next);
    if (greeted == dies_after) {
      printf("killed, with questions at hand\n");
      fflush(stdout);
      raise(SIGKILL);
    }
    char text[256];
    zpat_slice_t name = zpat_job_frame(job, 0);
    if (zpat_slice_equal(name, zpat_slice_text("end")))
      check(zpat_worker_leave(worker)); /* takes no more questions, and finishes what it has */
    snprintf(text, sizeof text, "Hello, %.*s!", (int)name.len, (const char *)name.data);
    zpat_slice_t greeting = zpat_slice_text(text);
    check(zpat_job_reply(&job, &greeting, 1)); /* the job and its name are gone then */
  }
  printf("sent home\n");
  zpat_worker_close(&worker);
}
/* endregion: work */

/* region: ask */
static void greet(zpat_client_t *client, const char *name) {
  zpat_slice_t question = zpat_slice_text(name);
  check(zpat_client_request(client, "greet", &question, 1, &options, NULL, &answer, NULL));
}

static void send_home(zpat_client_t *client) {
  greet(client, "end");
  check(zpat_client_request(client, "end", NULL, 0, &options, NULL, &answer, NULL));
}

static void ask(zpat_client_t *client) {
  int64_t tickets[COUNT];
  char text[32];
  int answered = 0;
  greet(client, "World");
  print(answer);
  for (int i = 0; i < COUNT; i++) { /* all, before one is answered */
    snprintf(text, sizeof text, "%d", i + 1);
    zpat_slice_t name = zpat_slice_text(text);
    tickets[i] = check(zpat_client_submit(client, "greet", &name, 1, &options));
  }
  for (int i = 0; i < COUNT; i++) {
    zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
    snprintf(text, sizeof text, "Hello, %d!", i + 1);
    check(zpat_client_wait(client, tickets[i], -1, NULL, &answer, &outcome));
    answered += outcome.kind == ZPAT_OUTCOME_REPLY &&
                zpat_slice_equal(zpat_batch_frame(answer, 0, 0), zpat_slice_text(text));
  }
  printf("%d asked, %d answered\n", COUNT, answered);
  send_home(client);
}
/* endregion: ask */

/* region: durable */
static void leave(zpat_client_t *client) {
  zpat_slice_t name = zpat_slice_text("Ada");
  options.key = zpat_slice_text("later");
  check(zpat_client_store(client, "greet", &name, 1, &options, NULL, NULL));
  printf("the question is on the broker's disk\n");
}

static void fetch(zpat_client_t *client) {
  check(zpat_client_fetch(client, "greet", zpat_slice_text("later"), WAIT, NULL, &answer, NULL));
  print(answer);
  send_home(client);
}
/* endregion: durable */

int main(int argc, char **argv) {
  const char *role = argc > 1 ? argv[1] : "", *given = argc > 2 ? argv[2] : NULL;
  zpat_context_t *context = NULL;
  check(zpat_context_open(NULL, &context));
  if (strcmp(role, "broker") == 0) {
    broker(context, given);
  } else if (strcmp(role, "work") == 0 && given != NULL) {
    work(context, given, argc == 5 && strcmp(argv[3], "--dies-after") == 0 ? atoi(argv[4]) : -1);
  } else {
    void (*asks)(zpat_client_t *) = strcmp(role, "ask") == 0     ? ask
                                    : strcmp(role, "leave") == 0 ? leave
                                    : strcmp(role, "fetch") == 0 ? fetch
                                                                 : NULL;
    if (asks == NULL || given == NULL)
      errx(1, "usage: reqrep broker [STORE] | work ENDPOINT [--dies-after N] | ask|leave|fetch ENDPOINT");
    zpat_client_t *client = NULL;
    check(zpat_client_open(context, &given, 1, NULL, &client));
    options.deadline = WAIT;
    asks(client);
    zpat_batch_free(&answer);
    zpat_client_close(&client);
  }
  zpat_context_close(&context);
  return 0;
}
