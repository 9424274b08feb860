/* What the C programs on a bus share, whatever they speak: how they send and receive.
 *
 *     PROGRAM bus-recv|bus-latency ENDPOINT SIZE COUNT    receives, and prints `ready` when it hears anything
 *     PROGRAM bus-send ENDPOINT SIZE COUNT PACE           greets until a line comes, and sends; ends with its input
 *
 * A receiver ends after COUNT messages of SIZE bytes, or when after the first nothing came for a second; what is shorter
 * is a greeting. PACE is messages per second, each with a stamp; 0 is as fast as can be. Each prints a line of JSON.
 */
#ifndef BUS_H
#define BUS_H

#include "measure.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

/* So long nothing comes, then no more will; repairs take less. */
enum { SILENCE_MS = 1000 };

/* What a receiver heard. */
struct receiver {
  size_t size;
  long count;
  long received;
  int is_greeted;
  struct moment start;
  double *latencies; /* microseconds, NULL where they are not asked for */
  uint64_t last;     /* when a message came, in nanoseconds */
  uint64_t silence;  /* the longest time between two */
};

static inline struct receiver receiver_new(const char *workload, size_t size, long count) {
  struct receiver receiver = { .size = size, .count = count };
  if (!strcmp(workload, "bus-latency")) receiver.latencies = allocate((size_t)count * sizeof *receiver.latencies);
  return receiver;
}

static inline void receiver_greeted(struct receiver *receiver) {
  if (receiver->is_greeted) return;
  receiver->is_greeted = 1;
  printf("ready\n");
  fflush(stdout);
}

static inline void receiver_hears(struct receiver *receiver, const void *message, size_t length) {
  if (length != receiver->size) {
    receiver_greeted(receiver);
    return;
  }
  if (receiver->received == 0) receiver->start = moment_now();
  if (receiver->latencies != NULL) {
    uint64_t now = nanoseconds();
    if (receiver->received > 0 && now - receiver->last > receiver->silence) receiver->silence = now - receiver->last;
    receiver->last = now;
    receiver->latencies[receiver->received] = (double)(now - read_stamp(message)) / 1e3;
  }
  receiver->received++;
}

/* Whether more is to come, once nothing came for SILENCE_MS. */
static inline int receiver_waits(const struct receiver *receiver) { return receiver->received == 0; }

static inline void receiver_report(struct receiver *receiver) {
  struct moment end = moment_now();
  if (receiver->received < receiver->count) end.wall -= SILENCE_MS / 1e3;
  report_begin(receiver->received, receiver->start, end);
  if (receiver->latencies != NULL) {
    printf(",\"silence_us\":%.1f", (double)receiver->silence / 1e3);
    report_latencies(receiver->received, receiver->latencies);
  }
  report_end();
  free(receiver->latencies);
}

/* Greets every millisecond until there is a line to read. */
static inline void greet(void (*send)(const void *message, size_t size)) {
  struct pollfd input = { STDIN_FILENO, POLLIN, 0 };
  do send("", 1);
  while (poll(&input, 1, 1) == 0);
}

/* Until the receivers have what they wanted: what they lack can be repeated as long as the sender is there. */
static inline void await_end(void) {
  while (getchar() != EOF) {
  }
}

/* Plays a sender of one message at a time. */
static inline void send_all(size_t size, long count, long pace, void (*send)(const void *message, size_t size)) {
  char *message = allocate(size);
  memset(message, 'x', size);
  greet(send);
  punctual();
  struct moment start = moment_now();
  uint64_t first = nanoseconds();
  for (long i = 0; i < count; i++) {
    if (pace > 0) {
      uint64_t due = due_at(first, i, pace);
      write_stamp(message, due);
      sleep_until(due);
    }
    send(message, size);
  }
  await_end();
  report(count, start, moment_now(), NULL);
  free(message);
}

#endif
