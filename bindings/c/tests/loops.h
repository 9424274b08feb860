/* What the tests of event loops use: descriptors that are readable, and hooks that write into a pipe. */
#ifndef LOOPS_H
#define LOOPS_H

#include "check.h"

#include <poll.h>

static inline int readable(int fd, int timeout) {
  struct pollfd polled = { fd, POLLIN, 0 };
  return poll(&polled, 1, timeout) == 1;
}

/* A hook. `user` is the end of a pipe to which each call writes a byte. */
static inline void hook(void *user) { CHECK(write(*(int *)user, "!", 1) == 1); }

/* Waits for such a byte. */
static inline int heard(int pipes[2]) {
  char mark = 0;
  return read(pipes[0], &mark, 1) == 1 && mark == '!';
}

#endif
