/* Fan-out in C: publishes to subscribers of the driver in Rust. See fan.c.
 *
 *     driver zpatterns fan-publish ENDPOINT SIZE COUNT SUBSCRIBERS
 *
 * It prints `endpoint ...` and greets, with messages of one byte, until a line comes; then it publishes COUNT messages of SIZE
 * bytes, as fast as all who subscribe can follow, and stays as long as its input.
 */
#include "fan.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { BATCH_MESSAGES = 500 };

static zpat_publisher_t *bind_public(const zpat_context_t *context, const char *endpoint) {
  zpat_stream_options_t everybody = ZPAT_STREAM_OPTIONS_INIT;
  everybody.is_public = 1;
  const zpat_stream_t stream = { .name = "main", .options = &everybody };
  zpat_publisher_options_t options = ZPAT_PUBLISHER_OPTIONS_INIT;
  options.streams = &stream;
  options.streams_count = 1;
  options.shared = "tcp://127.0.0.1:0";
  zpat_publisher_t *publisher = NULL;
  check(zpat_publisher_bind(context, endpoint, &options, &publisher));
  return publisher;
}

/* Many who just come must not be greeted more often than they can hear it. */
static void greet(const zpat_publisher_t *publisher, long subscribers) {
  const zpat_slice_t greeting = { "x", 1 };
  struct pollfd input = { STDIN_FILENO, POLLIN, 0 };
  do check(zpat_publisher_publish(publisher, FAN_SUBJECT, &greeting, 1, FOREVER, NULL));
  while (poll(&input, 1, (int)(subscribers + 9) / 10) == 0);
}

static void publish(const zpat_publisher_t *publisher, size_t size, long count) {
  void *payload = allocate(size);
  const zpat_slice_t frames[] = { { FAN_SUBJECT, strlen(FAN_SUBJECT) }, { payload, size } };
  zpat_batch_t *batch = NULL;
  check(zpat_batch_new(&batch));
  while (count > 0) {
    long part = count < BATCH_MESSAGES ? count : BATCH_MESSAGES;
    check(zpat_batch_clear(batch));
    for (long i = 0; i < part; i++) check(zpat_batch_add_multipart(batch, frames, 2));
    for (long taken = 0; taken < part;) {
      taken += check(zpat_publisher_publish_many(publisher, batch, (size_t)taken, FOREVER, NULL));
    }
    count -= part;
  }
  zpat_batch_free(&batch);
  free(payload);
}

int fan_publish(const char *endpoint, size_t size, long count, long subscribers) {
  char bound[ZPAT_ENDPOINT_SIZE];
  zpat_context_t *context = NULL;
  check(zpat_context_open(NULL, &context));
  zpat_publisher_t *publisher = bind_public(context, endpoint);
  check(zpat_publisher_endpoint(publisher, bound, sizeof bound));
  printf("endpoint %s\n", bound);
  fflush(stdout);
  greet(publisher, subscribers);
  struct moment start = moment_now();
  publish(publisher, size, count);
  while (getchar() != EOF) {
  }
  report(count, start, moment_now(), NULL);
  zpat_publisher_close(&publisher, 0);
  zpat_context_close(&context);
  return 0;
}
