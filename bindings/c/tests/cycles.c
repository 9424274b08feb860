/* Opening, using and closing thousands of times leaves neither memory nor descriptors behind. */
#include "reqrep.h"

#include <dirent.h>

static int descriptors(void) {
  DIR *directory = opendir("/proc/self/fd");
  int count = 0;
  if (directory == NULL) return 0;
  while (readdir(directory) != NULL) count++;
  closedir(directory);
  return count;
}

static long resident_kib(void) {
  long total = 0, resident = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL) return 0;
  if (fscanf(file, "%ld %ld", &total, &resident) != 2) resident = 0;
  fclose(file);
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void sockets(zpat_context_t *context, int background, long cycle) {
  /* A background socket gives its name back a little after it is closed, so each has its own. */
  char endpoint[64];
  zpat_socket_t *pull = background ? open_background(context, ZPAT_PULL) : open_socket(context, ZPAT_PULL);
  zpat_socket_t *push = open_socket(context, ZPAT_PUSH);
  zpat_cancel_t *cancel = NULL;
  zpat_monitor_t *monitor = NULL;
  snprintf(endpoint, sizeof endpoint, "inproc://cycle-%ld", cycle);
  OK(zpat_cancel_open(&cancel));
  if (background) OK(zpat_monitor_open(push, &monitor));
  OK(zpat_socket_bind(pull, endpoint, NULL, 0));
  OK(zpat_socket_connect(push, endpoint));
  send_text(push, "once");
  expect(pull, "once");
  send_text(push, "left lying");
  OK(zpat_monitor_close(&monitor));
  OK(zpat_cancel_close(&cancel));
  OK(zpat_socket_close(&push, 0));
  OK(zpat_socket_close(&pull, 0));
}

/* A job that is answered, one that is left lying, and a request that nobody waits for. */
static void requests(zpat_context_t *context) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_worker_t *worker = NULL;
  zpat_client_t *client;
  zpat_outcome_t outcome = ZPAT_OUTCOME_INIT;
  zpat_batch_t *body = NULL;
  zpat_job_t *job;
  int64_t ticket;
  OK(zpat_worker_bind(context, "tcp://127.0.0.1:0", "once", NULL, &worker));
  OK(zpat_worker_endpoint(worker, endpoint, sizeof endpoint));
  client = open_client(context, endpoint);
  ticket = submit(client, "once", "question");
  job = next_job(worker);
  reply(&job, "answer");
  CHECK(OK(zpat_client_wait(client, ticket, LONG, NULL, &body, &outcome)) == 1 && frame_is(body, 0, 0, "answer"));
  CHECK(submit(client, "once", "left lying") > ticket);
  job = next_job(worker);
  OK(zpat_batch_free(&body));
  OK(zpat_client_close(&client));
  OK(zpat_worker_close(&worker));
  OK(zpat_job_free(&job));
}

static void run(long cycles) {
  zpat_context_t *context = open_context();
  for (long i = 0; i < cycles; i++) {
    zpat_batch_t *batch = NULL;
    sockets(context, i % 2 == 0, i);
    if (i % 4 == 0) requests(context);
    FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_socket_recv(NULL, 0, NULL, &batch));
    if (i % 20 == 0) {
      OK(zpat_context_close(&context));
      context = open_context();
    }
  }
  OK(zpat_context_close(&context));
}

int main(void) {
  const char *instrumented = getenv("ZPAT_TEST_INSTRUMENTED");
  long cycles = instrumented ? 100 : 2000;
  run(cycles / 2);
  int open_before = descriptors();
  long before = resident_kib();
  run(cycles);
  CHECK(descriptors() == open_before);
  long grown = resident_kib() - before;
  printf("%ld cycles, %ld KiB more\n", cycles, grown);
  /* A kilobyte kept per cycle would be 2000; what an allocator holds back is less. */
  if (!instrumented) CHECK(grown < 1500);
  return 0;
}
