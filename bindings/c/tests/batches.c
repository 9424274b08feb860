/* Batches are built, sent in parts, received within bounds, looked at and used again. */
#include "check.h"

enum { LARGE = 100000 };

static void built(void) {
  zpat_batch_t *batch = NULL;
  zpat_slice_t frames[20];
  for (int i = 0; i < 20; i++) frames[i] = zpat_slice_text(i % 2 ? "odd" : "");
  OK(zpat_batch_new(&batch));
  CHECK(zpat_batch_count(batch) == 0 && zpat_batch_bytes(batch) == 0);
  OK(zpat_batch_add(batch, "one", 3));
  OK(zpat_batch_add_multipart(batch, frames, 20));
  OK(zpat_batch_add(batch, NULL, 0));
  CHECK(zpat_batch_count(batch) == 3 && zpat_batch_bytes(batch) == 33);
  CHECK(zpat_batch_frame_count(batch, 1) == 20 && zpat_batch_frame_count(batch, 3) == 0);
  CHECK(frame_is(batch, 1, 19, "odd") && frame_is(batch, 1, 18, "") && frame_is(batch, 2, 0, ""));
  /* An empty frame is there; one that is not there is NULL. */
  CHECK(zpat_batch_frame(batch, 2, 0).data != NULL);
  CHECK(zpat_batch_frame(batch, 2, 1).data == NULL && zpat_batch_frame(batch, 9, 0).data == NULL);
  OK(zpat_batch_clear(batch));
  CHECK(zpat_batch_count(batch) == 0);
  OK(zpat_batch_free(&batch));
  CHECK(batch == NULL);
  OK(zpat_batch_free(&batch));
}

static void copied(void) {
  zpat_batch_t *batch = NULL;
  char buffer[4] = "????";
  OK(zpat_batch_new(&batch));
  OK(zpat_batch_add(batch, "abc", 3));
  OK(zpat_batch_add(batch, "abcde", 5));
  OK(zpat_batch_add(batch, "", 0));
  CHECK(zpat_batch_copy(batch, 0, 0, buffer, sizeof buffer) == 3 && memcmp(buffer, "abc?", 4) == 0);
  FAILS(ZPAT_E_TOO_LARGE, zpat_batch_copy(batch, 1, 0, buffer, sizeof buffer));
  CHECK(memcmp(buffer, "abc?", 4) == 0 && frame_is(batch, 1, 0, "abcde"));
  CHECK(zpat_batch_copy(batch, 2, 0, NULL, 0) == 0);
  FAILS(ZPAT_E_TOO_LARGE, zpat_batch_copy(batch, 0, 0, NULL, 100));
  FAILS(ZPAT_E_NOT_FOUND, zpat_batch_copy(batch, 3, 0, buffer, sizeof buffer));
  OK(zpat_batch_free(&batch));
}

/* Sends a batch with a stop on the way and receives it within bounds; `background` chooses the kind of receiver. */
static void moved(zpat_context_t *context, int background) {
  zpat_socket_t *push = open_socket(context, ZPAT_PUSH);
  zpat_socket_t *pull = background ? open_background(context, ZPAT_PULL) : open_socket(context, ZPAT_PULL);
  zpat_batch_t *sent = NULL, *received = NULL;
  char *large = malloc(LARGE);
  size_t next = 0;
  memset(large, 'L', LARGE);
  OK(zpat_batch_new(&sent));
  for (int i = 0; i < 300; i++) {
    zpat_slice_t frames[] = { { large, i % 10 ? 10 : LARGE }, { &i, sizeof i } };
    OK(zpat_batch_add_multipart(sent, frames, 2));
  }
  join(pull, push);
  CHECK(OK(zpat_socket_send_many(push, sent, 0, LONG, NULL)) == 300);
  while (next < 300) {
    int count = (int)OK(zpat_socket_recv_many(pull, 7, 50000, LONG, NULL, &received));
    CHECK(count >= 1 && count <= 7 && zpat_batch_count(received) == (size_t)count);
    for (int i = 0; i < count; i++, next++) {
      zpat_slice_t body = zpat_batch_frame(received, (size_t)i, 0), index = zpat_batch_frame(received, (size_t)i, 1);
      int number = (int)next;
      CHECK(zpat_batch_frame_count(received, (size_t)i) == 2);
      CHECK(body.len == (next % 10 ? 10 : LARGE) && memcmp(body.data, large, body.len) == 0);
      CHECK(index.len == sizeof number && memcmp(index.data, &number, sizeof number) == 0);
    }
  }
  /* Sending again from a position, as after a deadline. */
  CHECK(OK(zpat_socket_send_many(push, sent, 298, LONG, NULL)) == 2);
  CHECK(OK(zpat_socket_send_many(push, sent, 300, LONG, NULL)) == 0);
  CHECK(OK(zpat_socket_send_many(push, sent, 999, LONG, NULL)) == 0);
  OK(zpat_socket_recv(pull, LONG, NULL, &received));
  /* What was received is sent on as it is, and added to. */
  CHECK(OK(zpat_socket_send_many(push, received, 0, LONG, NULL)) == 1);
  OK(zpat_batch_add(received, "more", 4));
  CHECK(zpat_batch_count(received) == 2 && frame_is(received, 1, 0, "more"));
  /* After an error nobody finds the old messages. */
  FAILS(ZPAT_E_UNSUPPORTED, zpat_socket_recv(push, 0, NULL, &received));
  CHECK(received != NULL && zpat_batch_count(received) == 0);
  OK(zpat_batch_free(&sent));
  OK(zpat_batch_free(&received));
  OK(zpat_socket_close(&push, 0));
  OK(zpat_socket_close(&pull, 0));
  free(large);
}

/* A deadline in the middle: what was sent is counted, the rest goes later. */
static void part_sent(zpat_context_t *context) {
  zpat_socket_options_t options = ZPAT_SOCKET_OPTIONS_INIT;
  zpat_socket_t *pull = NULL, *push = NULL;
  zpat_batch_t *batch = NULL;
  options.send_hwm = options.recv_hwm = 10;
  OK(zpat_socket_open(context, ZPAT_PULL, &options, &pull));
  OK(zpat_socket_open(context, ZPAT_PUSH, &options, &push));
  OK(zpat_socket_bind(pull, "inproc://part", NULL, 0));
  OK(zpat_socket_connect(push, "inproc://part"));
  OK(zpat_batch_new(&batch));
  for (int i = 0; i < 100; i++) OK(zpat_batch_add(batch, &i, sizeof i));
  int sent = (int)OK(zpat_socket_send_many(push, batch, 0, 0, NULL));
  CHECK(sent >= 10 && sent < 100);
  FAILS(ZPAT_E_FULL, zpat_socket_send_many(push, batch, (size_t)sent, 0, NULL));
  zpat_batch_t *received = NULL;
  for (int i = 0; i < 100; i++) {
    OK(zpat_socket_recv(pull, LONG, NULL, &received));
    CHECK(memcmp(zpat_batch_frame(received, 0, 0).data, &i, sizeof i) == 0);
    if (sent < 100 && zpat_socket_send_many(push, batch, (size_t)sent, 0, NULL) > 0) {
      zpat_socket_stats_t stats = ZPAT_SOCKET_STATS_INIT;
      OK(zpat_socket_stats(push, &stats));
      sent = (int)stats.sent_messages;
    }
  }
  OK(zpat_batch_free(&batch));
  OK(zpat_batch_free(&received));
  OK(zpat_socket_close(&push, 0));
  OK(zpat_socket_close(&pull, 0));
}

int main(void) {
  zpat_context_t *context = open_context();
  built();
  copied();
  moved(context, 0);
  moved(context, 1);
  part_sent(context);
  OK(zpat_context_close(&context));
  return 0;
}
