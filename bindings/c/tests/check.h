/* What every test uses. A failed check says where and ends the program; `run.sh` ends one that hangs. */
#ifndef CHECK_H
#define CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zpatterns.h>

/* For waits that succeed: as long as it takes on a slow machine. */
#define LONG 60000

#define CHECK(condition) \
  do { \
    if (!(condition)) { \
      fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
      exit(1); \
    } \
  } while (0)

/* A call that succeeds; its value. */
#define OK(call) check_ok(__FILE__, __LINE__, #call, (call))

/* A call that fails with this code, and leaves it and a text that starts with its name. */
#define FAILS(code, call) check_fails(__FILE__, __LINE__, #call, (code), (call))

/* As FAILS, with a text that has this in it. */
#define FAILS_WITH(code, call, part) (FAILS(code, call), check_text(__FILE__, __LINE__, (part)))

static inline void check_text(const char *file, int line, const char *part) {
  if (strstr(zpat_last_error(), part) == NULL) {
    fprintf(stderr, "%s:%d: \"%s\" does not mention %s\n", file, line, zpat_last_error(), part);
    exit(1);
  }
}

static inline long long check_ok(const char *file, int line, const char *call, long long status) {
  if (status < 0) {
    fprintf(stderr, "%s:%d: %s: %s\n", file, line, call, zpat_last_error());
    exit(1);
  }
  return status;
}

static inline void check_fails(const char *file, int line, const char *call, int code, long long status) {
  const char *name = zpat_error_name(code);
  if (status != code || zpat_last_error_code() != code || strncmp(zpat_last_error(), name, strlen(name)) != 0) {
    fprintf(stderr, "%s:%d: %s gave %lld (%s) instead of %d\n", file, line, call, status, zpat_last_error(), code);
    exit(1);
  }
}

static inline zpat_context_t *open_context(void) {
  zpat_context_t *context = NULL;
  OK(zpat_context_open(NULL, &context));
  return context;
}

static inline zpat_socket_t *open_socket(zpat_context_t *context, int kind) {
  zpat_socket_t *socket = NULL;
  OK(zpat_socket_open(context, kind, NULL, &socket));
  return socket;
}

static inline zpat_socket_t *open_background(zpat_context_t *context, int kind) {
  zpat_socket_options_t options = ZPAT_SOCKET_OPTIONS_INIT;
  zpat_socket_t *socket = NULL;
  options.background = 1;
  OK(zpat_socket_open(context, kind, &options, &socket));
  return socket;
}

/* Binds `server` to a free port and connects `client`. */
static inline void join(zpat_socket_t *server, zpat_socket_t *client) {
  char endpoint[ZPAT_ENDPOINT_SIZE];
  OK(zpat_socket_bind(server, "tcp://127.0.0.1:0", endpoint, sizeof endpoint));
  OK(zpat_socket_connect(client, endpoint));
}

static inline int frame_is(const zpat_batch_t *batch, size_t message, size_t frame, const char *text) {
  return zpat_slice_equal(zpat_batch_frame(batch, message, frame), zpat_slice_text(text));
}

/* Receives one message of one frame that is `text`. */
static inline void expect(zpat_socket_t *socket, const char *text) {
  zpat_batch_t *message = NULL;
  CHECK(OK(zpat_socket_recv(socket, LONG, NULL, &message)) == 1);
  CHECK(zpat_batch_count(message) == 1 && zpat_batch_frame_count(message, 0) == 1);
  CHECK(frame_is(message, 0, 0, text));
  OK(zpat_batch_free(&message));
}

/* A path in the test's own folder, with something before it. */
static inline void in_folder(char path[256], const char *before, const char *folder, const char *name) {
  CHECK(snprintf(path, 256, "%s%s/%s", before, folder, name) < 256);
}

static inline void send_text(zpat_socket_t *socket, const char *text) {
  OK(zpat_socket_send(socket, text, strlen(text), LONG, NULL));
}

#endif
