/* What the two halves of the limit share: limit.c moves messages one way, limit_reqrep.c asks and answers. */
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

/* Plays a role of request-reply; the arguments are those of the program. */
int reqrep(int argc, char **argv);

#endif
