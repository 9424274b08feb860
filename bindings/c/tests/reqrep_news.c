/* What happens at a broker, one by one; and a job that is of no more use. */
#include "loops.h"
#include "reqrep.h"

#define REFUSED(call) FAILS(ZPAT_E_INVALID_ARGUMENT, call)

static zpat_news_t next_is(zpat_broker_t *broker, int kind, const char *service) {
  zpat_news_t news = ZPAT_NEWS_INIT;
  CHECK(OK(zpat_broker_next(broker, LONG, NULL, &news)) == 1);
  CHECK(news.struct_size == sizeof news && news.kind == kind);
  CHECK(strcmp(news.service, service) == 0 && news.service_len == strlen(service));
  return news;
}

/* A request that may be given to one worker, which has it. */
static zpat_job_t *only_job(zpat_client_t *client, zpat_worker_t *worker) {
  zpat_request_options_t options = patient();
  zpat_slice_t question = zpat_slice_text("question");
  options.attempts = 1;
  OK(zpat_client_submit(client, "slow", &question, 1, &options));
  return next_job(worker);
}

static void told(zpat_context_t *context) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_broker_t *broker = open_broker(context, endpoint);
  zpat_client_t *client = open_client(context, endpoint);
  zpat_news_t news = ZPAT_NEWS_INIT;
  FAILS(ZPAT_E_TIMEOUT, zpat_broker_next(broker, 0, NULL, &news));
  zpat_worker_t *worker = open_worker(context, endpoint, "slow", 1);
  news = next_is(broker, ZPAT_NEWS_WORKER_JOINED, "slow");
  uint64_t number = news.worker;
  CHECK(number > 0 && news.requests == 0 && news.left == 0 && news.reason == 0 && news.missed == 0);

  zpat_job_t *job = only_job(client, worker);
  OK(zpat_worker_close(&worker));
  news = next_is(broker, ZPAT_NEWS_WORKER_GONE, "slow");
  CHECK(news.worker == number && news.requests == 1 && news.left == 0 && news.reason == 0);
  news = next_is(broker, ZPAT_NEWS_LOST, "slow");
  CHECK(news.worker == 0 && news.requests == 1 && news.reason == ZPAT_LOST_ATTEMPTS);
  OK(zpat_job_free(&job));

  worker = open_worker(context, endpoint, "quick", 1);
  CHECK(next_is(broker, ZPAT_NEWS_WORKER_JOINED, "quick").worker > number);
  OK(zpat_worker_leave(worker));
  OK(zpat_worker_close(&worker));
  news = next_is(broker, ZPAT_NEWS_WORKER_GONE, "quick");
  CHECK(news.left == 1 && news.requests == 0);
  OK(zpat_client_close(&client));
  OK(zpat_broker_close(&broker));
}

/* An event loop hears of news by the descriptor, or by a hook. */
static void noticed(zpat_context_t *context, int pipes[2]) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_broker_t *broker = open_broker(context, endpoint);
  int ready = (int)OK(zpat_broker_ready_fd(broker));
  CHECK(OK(zpat_broker_arm(broker)) == 0 && !readable(ready, 0));
  zpat_worker_t *worker = open_worker(context, endpoint, "slow", 1);
  while (OK(zpat_broker_arm(broker)) == 0) CHECK(readable(ready, LONG));
  next_is(broker, ZPAT_NEWS_WORKER_JOINED, "slow");

  OK(zpat_broker_set_hook(broker, hook, &pipes[1]));
  CHECK(OK(zpat_broker_arm(broker)) == 0);
  OK(zpat_worker_close(&worker));
  CHECK(heard(pipes));
  next_is(broker, ZPAT_NEWS_WORKER_GONE, "slow");
  OK(zpat_broker_set_hook(broker, NULL, NULL));
  OK(zpat_broker_close(&broker));
}

static void job_hooks(zpat_context_t *context, int pipes[2]) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_broker_t *broker = open_broker(context, endpoint);
  zpat_worker_t *worker = open_worker(context, endpoint, "slow", 4);
  zpat_client_t *client = open_client(context, endpoint);

  int64_t ticket = submit(client, "slow", "question");
  zpat_job_t *job = next_job(worker);
  OK(zpat_job_set_hook(job, hook, &pipes[1]));
  CHECK(!readable(pipes[0], 0));
  OK(zpat_client_cancel(client, ticket));
  CHECK(heard(pipes) && OK(zpat_job_is_cancelled(job)) == 1);
  OK(zpat_job_set_hook(job, hook, &pipes[1]));
  CHECK(readable(pipes[0], 0) && heard(pipes));
  OK(zpat_job_set_hook(job, NULL, NULL));
  reply(&job, "too late");

  /* The last one that was set is called, when the answer is given. */
  submit(client, "slow", "question");
  job = next_job(worker);
  OK(zpat_job_set_hook(job, hook, NULL));
  OK(zpat_job_set_hook(job, hook, &pipes[1]));
  reply(&job, "in time");
  CHECK(readable(pipes[0], 0) && heard(pipes));

  submit(client, "slow", "question");
  job = next_job(worker);
  OK(zpat_job_set_hook(job, hook, &pipes[1]));
  OK(zpat_job_set_hook(job, NULL, NULL));
  OK(zpat_job_free(&job));
  CHECK(!readable(pipes[0], 0));

  submit(client, "slow", "question");
  job = next_job(worker);
  OK(zpat_job_set_hook(job, hook, &pipes[1]));
  OK(zpat_worker_close(&worker));
  CHECK(heard(pipes) && OK(zpat_job_is_cancelled(job)) == 0);
  OK(zpat_job_set_hook(job, hook, &pipes[1]));
  CHECK(heard(pipes));
  OK(zpat_job_free(&job));
  CHECK(!readable(pipes[0], 0));
  OK(zpat_client_close(&client));
  OK(zpat_broker_close(&broker));
}

static void misuse(zpat_context_t *context) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_broker_t *broker = open_broker(context, endpoint);
  zpat_cancel_t *cancel = NULL;
  zpat_news_t news = ZPAT_NEWS_INIT;
  REFUSED(zpat_broker_next(NULL, 0, NULL, &news));
  REFUSED(zpat_broker_next(broker, LONG, NULL, NULL));
  REFUSED(zpat_broker_next(broker, -2, NULL, &news));
  REFUSED(zpat_broker_arm(NULL));
  REFUSED(zpat_broker_ready_fd(NULL));
  REFUSED(zpat_broker_set_hook(NULL, NULL, NULL));
  REFUSED(zpat_job_set_hook(NULL, hook, NULL));
  news.struct_size = 3;
  REFUSED(zpat_broker_next(broker, LONG, NULL, &news));
  news.struct_size = sizeof news;
  OK(zpat_cancel_open(&cancel));
  OK(zpat_cancel_fire(cancel));
  FAILS(ZPAT_E_CANCELLED, zpat_broker_next(broker, LONG, cancel, &news));
  OK(zpat_cancel_close(&cancel));
  CHECK(strcmp(zpat_news_kind_name(ZPAT_NEWS_WORKER_JOINED), "worker_joined") == 0);
  CHECK(strcmp(zpat_news_kind_name(ZPAT_NEWS_MISSED), "missed") == 0);
  CHECK(strcmp(zpat_news_kind_name(0), "unknown") == 0 && strcmp(zpat_news_kind_name(5), "unknown") == 0);
  CHECK(strcmp(zpat_reason_name(ZPAT_LOST_NO_SERVICE), "no_service") == 0);
  CHECK(strcmp(zpat_reason_name(0), "unknown") == 0 && strcmp(zpat_reason_name(9), "unknown") == 0);
  OK(zpat_broker_close(&broker));
}

/* Who waits hears that the context ends. */
static void *watches(void *broker) {
  zpat_news_t news = ZPAT_NEWS_INIT;
  FAILS(ZPAT_E_CLOSED, zpat_broker_next(broker, LONG, NULL, &news));
  return NULL;
}

static void the_end(zpat_context_t *context) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_broker_t *broker = open_broker(context, endpoint);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, watches, broker) == 0);
  CHECK(OK(zpat_broker_arm(broker)) == 0);
  OK(zpat_context_shutdown(context));
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(OK(zpat_broker_arm(broker)) == 1);
  OK(zpat_broker_close(&broker));
}

int main(void) {
  zpat_context_t *context = open_context();
  int pipes[2];
  CHECK(pipe(pipes) == 0);
  told(context);
  noticed(context, pipes);
  job_hooks(context, pipes);
  misuse(context);
  the_end(context);
  CHECK(close(pipes[0]) == 0 && close(pipes[1]) == 0);
  OK(zpat_context_close(&context));
  return 0;
}
