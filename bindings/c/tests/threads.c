/* Threads share sockets: several send on one, several receive from one, and every message arrives once. */
#include "check.h"

enum { THREADS = 4, EACH = 5000, TOTAL = THREADS * EACH };

static zpat_socket_t *push, *pull;
static zpat_cancel_t *done;
static unsigned char seen[TOTAL];
static int received;

static void *sends(void *argument) {
  int first = *(int *)argument;
  zpat_batch_t *batch = NULL;
  OK(zpat_batch_new(&batch));
  for (int i = first; i < first + EACH; i++) {
    if (i % 100 >= 50) {
      OK(zpat_socket_send(push, &i, sizeof i, LONG, NULL));
      continue;
    }
    OK(zpat_batch_add(batch, &i, sizeof i));
    if (i % 100 == 49) {
      for (size_t sent = 0; sent < 50;) sent += (size_t)OK(zpat_socket_send_many(push, batch, sent, LONG, NULL));
      OK(zpat_batch_clear(batch));
    }
  }
  OK(zpat_batch_free(&batch));
  return NULL;
}

static void *receives(void *unused) {
  zpat_batch_t *batch = NULL;
  int one_by_one = 0, count;
  (void)unused;
  for (;; one_by_one = !one_by_one) {
    count = one_by_one ? zpat_socket_recv(pull, -1, done, &batch)
                       : zpat_socket_recv_many(pull, 100, 10000, -1, done, &batch);
    if (count == ZPAT_E_CANCELLED) break;
    OK(count);
    for (int i = 0; i < count; i++) {
      int number;
      CHECK(zpat_batch_copy(batch, (size_t)i, 0, &number, sizeof number) == sizeof number);
      CHECK(number >= 0 && number < TOTAL);
      CHECK(__atomic_fetch_add(&seen[number], 1, __ATOMIC_SEQ_CST) == 0);
    }
    if (__atomic_add_fetch(&received, count, __ATOMIC_SEQ_CST) == TOTAL) OK(zpat_cancel_fire(done));
  }
  OK(zpat_batch_free(&batch));
  return NULL;
}

static void shared(zpat_context_t *context, int background) {
  pthread_t senders[THREADS], receivers[THREADS];
  int first[THREADS];
  memset(seen, 0, sizeof seen);
  received = 0;
  push = background ? open_background(context, ZPAT_PUSH) : open_socket(context, ZPAT_PUSH);
  pull = background ? open_background(context, ZPAT_PULL) : open_socket(context, ZPAT_PULL);
  OK(zpat_cancel_open(&done));
  join(pull, push);
  for (int i = 0; i < THREADS; i++) {
    first[i] = i * EACH;
    CHECK(pthread_create(&receivers[i], NULL, receives, NULL) == 0);
    CHECK(pthread_create(&senders[i], NULL, sends, &first[i]) == 0);
  }
  for (int i = 0; i < THREADS; i++) CHECK(!pthread_join(senders[i], NULL) && !pthread_join(receivers[i], NULL));
  CHECK(received == TOTAL);
  OK(zpat_cancel_close(&done));
  OK(zpat_socket_close(&push, 0));
  OK(zpat_socket_close(&pull, 0));
}

int main(void) {
  zpat_context_t *context = open_context();
  shared(context, 0);
  shared(context, 1);
  OK(zpat_context_close(&context));
  return 0;
}
