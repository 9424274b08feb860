/* Clocks, the stamp of a message that is sent on schedule, and the one line of JSON that every driver prints. */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

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

/* A message on schedule begins with when it was due: nanoseconds of CLOCK_MONOTONIC, which all processes of a machine
 * share, the lowest byte first. A request begins with its number in the same form. */
enum { STAMP_BYTES = 8, SECOND_NS = 1000000000 };

static inline uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

static inline void write_stamp(void *message, uint64_t stamp) {
  for (int i = 0; i < STAMP_BYTES; i++) ((unsigned char *)message)[i] = (unsigned char)(stamp >> 8 * i);
}

static inline uint64_t read_stamp(const void *message) {
  uint64_t stamp = 0;
  for (int i = 0; i < STAMP_BYTES; i++) stamp |= (uint64_t)((const unsigned char *)message)[i] << 8 * i;
  return stamp;
}

/* Microseconds since a message was due. */
static inline double since_due(const void *message) {
  uint64_t now = nanoseconds();
  return (double)(now - read_stamp(message)) / 1e3;
}

/* When message `index` of a schedule is due. */
static inline uint64_t due_at(uint64_t first, long index, long rate) {
  return first + (uint64_t)index * SECOND_NS / (uint64_t)rate;
}

/* Sleeps of this process end when they should; they may end 50 us late otherwise. */
static inline void punctual(void) {
#ifdef __linux__
  prctl(PR_SET_TIMERSLACK, 1); /* ns */
#endif
}

/* A sleep that ends late makes the next one shorter, so what is due stays where the schedule has it. */
static inline void sleep_until(uint64_t due) {
  for (uint64_t now = nanoseconds(); now < due; now = nanoseconds()) {
    struct timespec left = { (time_t)((due - now) / SECOND_NS), (long)((due - now) % SECOND_NS) };
    nanosleep(&left, NULL);
  }
}

/* The most memory that this process held, in KB. On Linux ru_maxrss will not do: it counts what was there before exec,
 * which belongs to whoever started this program. */
static inline long peak_kb(void) {
  char line[128];
  long peak = 0;
  FILE *status = fopen("/proc/self/status", "r");
  while (status != NULL && peak == 0 && fgets(line, sizeof line, status)) sscanf(line, "VmHWM: %ld", &peak);
  if (status != NULL) fclose(status);
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return peak > 0 ? peak : usage.ru_maxrss;
}

static inline void say(const char *line) {
  printf("%s\n", line);
  fflush(stdout);
}

/* The line of JSON: what happened between two moments, and what else there is to tell. */
static inline void report_begin(long messages, struct moment start, struct moment end) {
  printf("{\"messages\":%ld,\"seconds\":%.6f,\"cpu_seconds\":%.6f,\"max_rss_kb\":%ld", messages, end.wall - start.wall,
         end.cpu - start.cpu, peak_kb());
}

/* In microseconds, one per message. */
static inline void report_latencies(long messages, const double *latencies) {
  printf(",\"latencies_us\":[");
  for (long i = 0; i < messages; i++) printf("%s%.1f", i == 0 ? "" : ",", latencies[i]);
  printf("]");
}

static inline void report_end(void) {
  printf("}\n");
  fflush(stdout);
}

/* All of it; `latencies` may be NULL. */
static inline void report(long messages, struct moment start, struct moment end, const double *latencies) {
  report_begin(messages, start, end);
  if (latencies != NULL) report_latencies(messages, latencies);
  report_end();
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
