/* What the parts of the limit share: limit.c moves messages one way, limit_reqrep.c asks and answers, limit_jobs.c queues,
 * limit_fan.c publishes, limit_nats.c to a nats-server. */
#ifndef LIMIT_H
#define LIMIT_H

#include "measure.h"

#include <zmq.h>

static inline void check(int status, const char *what) {
  if (status < 0) {
    fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
    exit(1);
  }
}

/* A socket whose queues have no bound. */
static inline void *open_unbounded(int kind) {
  static void *context;
  int none = 0;
  if (context == NULL) context = zmq_ctx_new();
  void *socket = zmq_socket(context, kind);
  if (socket == NULL) check(-1, "socket");
  check(zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof none), "option");
  check(zmq_setsockopt(socket, ZMQ_RCVHWM, &none, sizeof none), "option");
  check(zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none), "option");
  return socket;
}

static inline void *connected(const char *endpoint) {
  void *socket = open_unbounded(ZMQ_DEALER);
  check(zmq_connect(socket, endpoint), endpoint);
  return socket;
}

/* A socket that is bound, and in `bound` where. */
static inline void *listening(int kind, const char *endpoint, char bound[256]) {
  size_t length = 256;
  void *socket = open_unbounded(kind);
  check(zmq_bind(socket, endpoint), endpoint);
  check(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, bound, &length), "endpoint");
  return socket;
}

/* Plays a role of request-reply, of a job queue, or of fan-out; the arguments are those of the program. */
int reqrep(int argc, char **argv);
int jobs(int argc, char **argv);
int fan(int argc, char **argv);

#endif
