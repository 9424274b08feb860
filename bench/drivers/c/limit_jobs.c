/* The limit of a job queue: plain libzmq that remembers what nobody has taken yet, and nothing else.
 *
 *     limit jobs-queue ENDPOINT SIZE COUNT          binds a ROUTER, prints `endpoint ...`; gives jobs to one worker as they
 *                                                   came, as many as it has room for
 *     limit jobs-worker ENDPOINT SIZE COUNT         connects a DEALER, prints `ready`, says of every job that it is done
 *     limit jobs-flat ENDPOINT SIZE COUNT           pushes COUNT jobs of SIZE bytes, waits until all are done, and prints a line
 *                                                   of JSON
 *     limit jobs-waiting ENDPOINT SIZE COUNT        lets COUNT jobs wait; what a push and a take cost before and afterwards
 *
 * Every message is one frame that begins with what it is. Queues and workers serve until they are killed.
 */
#include "limit.h"

#include <string.h>
#include <unistd.h>

enum { JOB = 'j', ROOM = 'r', DONE = 'd', QUESTION = '?' };
enum { CREDIT = 1000, FEW = 1000, PROBES = 15, PROBE_CREDIT = 100, POLL_US = 1000 };

static void send_bytes(void *socket, const void *bytes, size_t size, int flags) {
  check(zmq_send(socket, bytes, size, flags), "send");
}

/* A kind and a number: for how many there is room, how many are not done. */
static void send_number(void *socket, char kind, uint64_t value) {
  unsigned char message[1 + STAMP_BYTES] = { (unsigned char)kind };
  write_stamp(message + 1, value);
  send_bytes(socket, message, sizeof message, 0);
}

/* --- the queue --- */

struct waiting {
  struct waiting *next;
  zmq_msg_t job;
};

struct queue {
  void *socket;
  struct waiting *first, **last;
  uint64_t open, room;
  zmq_msg_t worker;
};

static void give(struct queue *queue) {
  while (queue->room > 0 && queue->first != NULL) {
    struct waiting *taken = queue->first;
    queue->first = taken->next;
    if (queue->first == NULL) queue->last = &queue->first;
    send_bytes(queue->socket, zmq_msg_data(&queue->worker), zmq_msg_size(&queue->worker), ZMQ_SNDMORE);
    check(zmq_msg_send(&taken->job, queue->socket, 0), "send");
    free(taken);
    queue->room--;
  }
}

static void keep(struct queue *queue, zmq_msg_t *job) {
  struct waiting *waiting = allocate(sizeof *waiting);
  zmq_msg_init(&waiting->job);
  zmq_msg_move(&waiting->job, job);
  *queue->last = waiting;
  queue->last = &waiting->next;
  queue->open++;
}

static void serve(void *socket) {
  struct queue queue = { .socket = socket };
  queue.last = &queue.first;
  zmq_msg_t peer, message;
  zmq_msg_init(&peer);
  zmq_msg_init(&message);
  zmq_msg_init(&queue.worker);
  for (;;) {
    check(zmq_msg_recv(&peer, socket, 0), "receive");
    check(zmq_msg_recv(&message, socket, 0), "receive");
    const unsigned char *bytes = zmq_msg_data(&message);
    switch (bytes[0]) {
      case JOB:
        keep(&queue, &message);
        break;
      case ROOM:
        zmq_msg_copy(&queue.worker, &peer);
        queue.room = read_stamp(bytes + 1);
        break;
      case DONE:
        queue.room++;
        queue.open--;
        break;
      case QUESTION:
        check(zmq_msg_send(&peer, socket, ZMQ_SNDMORE), "send");
        send_number(socket, QUESTION, queue.open);
        break;
    }
    give(&queue);
  }
}

/* --- who pushes, and who does --- */

static void push(void *socket, size_t size, long count) {
  for (long i = 0; i < count; i++) {
    zmq_msg_t job;
    check(zmq_msg_init_size(&job, size), "message");
    memset(zmq_msg_data(&job), JOB, size);
    check(zmq_msg_send(&job, socket, 0), "send");
  }
}

/* How many jobs are not done. All that were pushed before are there when the answer is. */
static uint64_t open_jobs(void *socket) {
  unsigned char answer[1 + STAMP_BYTES];
  send_number(socket, QUESTION, 0);
  check(zmq_recv(socket, answer, sizeof answer, 0), "receive");
  return read_stamp(answer + 1);
}

static void push_and_wait(void *socket, size_t size, long count) {
  push(socket, size, count);
  while (open_jobs(socket) > 0) usleep(POLL_US);
}

/* Does `count` jobs, or without end if that is negative. */
static void work(void *socket, size_t size, long count) {
  zmq_msg_t job;
  zmq_msg_init(&job);
  for (const char done = DONE; count != 0; count -= count > 0) {
    check(zmq_msg_recv(&job, socket, 0), "receive");
    if (zmq_msg_size(&job) != size) {
      fprintf(stderr, "a job of %zu bytes\n", zmq_msg_size(&job));
      exit(1);
    }
    send_bytes(socket, &done, 1, 0);
  }
  zmq_msg_close(&job);
}

static void flat(void *socket, size_t size, long count) {
  push_and_wait(socket, size, count / 10);
  say("warm");
  struct moment start = moment_now();
  push_and_wait(socket, size, count);
  report(count, start, moment_now(), NULL);
}

/* --- what one more costs --- */

struct costs {
  double push[PROBES], take[PROBES];
};

static double per_job(double began) { return (clock_seconds(CLOCK_MONOTONIC) - began) * 1e6 / FEW; }

static void probe(void *producer, void *worker, size_t size, struct costs *costs) {
  for (int i = 0; i < PROBES; i++) {
    double began = clock_seconds(CLOCK_MONOTONIC);
    push(producer, size, FEW);
    open_jobs(producer);
    costs->push[i] = per_job(began);
    began = clock_seconds(CLOCK_MONOTONIC);
    work(worker, size, FEW);
    costs->take[i] = per_job(began);
  }
}

static void report_costs(const char *name, const double *few, const double *many) {
  printf(",\"%s\":[", name);
  for (int i = 0; i < 2 * PROBES; i++) {
    printf("%s%.3f", i == 0 ? "[" : i == PROBES ? "],[" : ",", i < PROBES ? few[i] : many[i - PROBES]);
  }
  printf("]]");
}

static void waiting(const char *endpoint, size_t size, long count) {
  void *producer = connected(endpoint), *worker = connected(endpoint);
  struct costs few, many;
  push(producer, size, FEW);
  open_jobs(producer);
  send_number(worker, ROOM, PROBE_CREDIT);
  probe(producer, worker, size, &few);
  say("warm");
  struct moment start = moment_now();
  push(producer, size, count - FEW);
  open_jobs(producer);
  struct moment end = moment_now();
  say("full");
  probe(producer, worker, size, &many);
  report_begin(count - FEW, start, end);
  report_costs("push_us", few.push, many.push);
  report_costs("take_us", few.take, many.take);
  report_end();
}

int jobs(int argc, char **argv) {
  const char *role = argv[1], *endpoint = argv[2];
  if (argc != 5) return 2;
  long size = number(argv[3], 1), count = number(argv[4], 1);
  if (!strcmp(role, "jobs-queue")) {
    char bound[256];
    void *socket = listening(ZMQ_ROUTER, endpoint, bound);
    printf("endpoint %s\n", bound);
    fflush(stdout);
    serve(socket);
  } else if (!strcmp(role, "jobs-worker")) {
    void *socket = connected(endpoint);
    send_number(socket, ROOM, CREDIT);
    say("ready");
    work(socket, (size_t)size, -1);
  } else if (!strcmp(role, "jobs-flat")) {
    flat(connected(endpoint), (size_t)size, count);
  } else if (!strcmp(role, "jobs-waiting") && count > FEW) {
    waiting(endpoint, (size_t)size, count);
  } else {
    return 2;
  }
  return 0;
}
