/* What the parts of the driver share: driver.c measures sockets, reqrep.c requests, bus.c a bus,
 * fan.c fan-out, jobs.c a job queue. */
#ifndef DRIVER_H
#define DRIVER_H

#include "measure.h"

#include <zpatterns.h>

enum { FOREVER = -1 };

static inline int check(int status) {
  if (status < 0) {
    fprintf(stderr, "%s\n", zpat_last_error());
    exit(1);
  }
  return status;
}

/* Plays a role of request-reply; the arguments are those of the program. */
int reqrep(int argc, char **argv);

/* Receives from a bus, likewise. */
int bus(int argc, char **argv);

/* Subscribes to fan-out or publishes, likewise. */
int fan(int argc, char **argv);

/* Plays a role of a job queue, likewise. */
int jobs(int argc, char **argv);

#endif
