/* Clocks, and the one line of JSON that every driver prints. */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

/* Wall time and the processor time of the whole process, in seconds. */
struct moment {
  double wall;
  double cpu;
};

static inline double clock_seconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline struct moment moment_now(void) {
  struct moment now = { clock_seconds(CLOCK_MONOTONIC), clock_seconds(CLOCK_PROCESS_CPUTIME_ID) };
  return now;
}

static inline int compare_doubles(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

/* Prints what happened between two moments. `latencies` in microseconds, one per message, or NULL; sorts them. */
static inline void report(long messages, struct moment start, struct moment end, double *latencies) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("{\"messages\":%ld,\"seconds\":%.6f,\"cpu_seconds\":%.6f,\"max_rss_kb\":%ld", messages, end.wall - start.wall,
         end.cpu - start.cpu, usage.ru_maxrss);
  if (latencies != NULL && messages > 0) {
    qsort(latencies, (size_t)messages, sizeof *latencies, compare_doubles);
    printf(",\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f", latencies[messages / 2],
           latencies[messages * 9 / 10], latencies[messages * 99 / 100], latencies[messages - 1]);
  }
  printf("}\n");
  fflush(stdout);
}

/* A number from the command line, from `least` to what fits; anything else ends the program. */
static inline long number(const char *text, long least) {
  char *end;
  long value = strtol(text, &end, 10);
  if (*text == '\0' || *end != '\0' || value < least || value > 1000000000L) {
    fprintf(stderr, "not a number from %ld to 1000000000: %s\n", least, text);
    exit(2);
  }
  return value;
}

static inline void *allocate(size_t size) {
  void *memory = calloc(size ? size : 1, 1);
  if (memory == NULL) {
    perror("calloc");
    exit(1);
  }
  return memory;
}

#endif
