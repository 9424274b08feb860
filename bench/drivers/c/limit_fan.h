/* What fan-out's parts of the limit share: limit_fan.c speaks to libzmq, limit_nats.c to a nats-server. */
#ifndef LIMIT_FAN_H
#define LIMIT_FAN_H

#include "limit.h"

enum { SILENCE_MS = 1000, SUBJECT_LENGTH = 19 };

/* What a program is told, and the subjects of its messages. */
struct load {
  size_t size;
  long count;
  size_t subscribers;
  size_t subjects; /* 0: messages have none, and are for all */
  char (*names)[SUBJECT_LENGTH + 1];
  long pace; /* messages per second, each with a stamp; 0 is as fast as can be */
};

/* Greets until there is a line to read, sends, and stays until nobody needs it. The subject is NULL if there is none. */
void publish(void *to, const struct load *load, void (*send)(void *to, const char *subject, size_t size),
             void (*flush)(void *to));

/* What all who subscribe heard together. */
struct listeners {
  size_t size, number, greeted;
  long received, wanted;
  char *is_greeted;
  double *latencies; /* microseconds, NULL where they are not asked for */
  struct moment start;
};

struct listeners listeners_new(const struct load *load);

/* One of them heard a message. What has another size is a greeting. */
void hear(struct listeners *all, size_t at, const void *message, size_t size);

/* Prints the line, of what came until now, or until there was SILENCE_MS. */
void listeners_report(struct listeners *all);

void publish_nats(const char *place, const struct load *load);
void subscribe_nats(const char *place, const struct load *load);

#endif
