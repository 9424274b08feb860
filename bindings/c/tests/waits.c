/* Every wait ends: at its deadline, by a cancel, when its socket or context closes. */
#include "check.h"

struct wait {
  zpat_socket_t *socket;
  zpat_cancel_t *cancel;
  int sends;
  int status;
};

/* Waits until somebody ends it; PUSH has no peer, and PULL gets nothing. */
static void *waits(void *argument) {
  struct wait *wait = argument;
  zpat_batch_t *batch = NULL;
  wait->status = wait->sends ? zpat_socket_send(wait->socket, "x", 1, -1, wait->cancel)
                             : zpat_socket_recv(wait->socket, -1, wait->cancel, &batch);
  zpat_batch_free(&batch);
  return NULL;
}

static pthread_t start(struct wait *wait) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, waits, wait) == 0);
  return thread;
}

static void cancelled(zpat_context_t *context, int sends, int background) {
  int kind = sends ? ZPAT_PUSH : ZPAT_PULL;
  struct wait wait = { background ? open_background(context, kind) : open_socket(context, kind), NULL, sends, 0 };
  OK(zpat_cancel_open(&wait.cancel));
  CHECK(OK(zpat_cancel_is_fired(wait.cancel)) == 0);
  pthread_t thread = start(&wait);
  OK(zpat_cancel_fire(wait.cancel));
  OK(zpat_cancel_fire(wait.cancel));
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(wait.status == ZPAT_E_CANCELLED && OK(zpat_cancel_is_fired(wait.cancel)) == 1);
  OK(zpat_cancel_close(&wait.cancel));
  OK(zpat_cancel_close(&wait.cancel));
  OK(zpat_socket_close(&wait.socket, 0));
}

static void shut_down(int sends, int background) {
  zpat_context_t *context = open_context();
  int kind = sends ? ZPAT_PUSH : ZPAT_PULL;
  struct wait first = { background ? open_background(context, kind) : open_socket(context, kind), NULL, sends, 0 };
  struct wait second = first;
  pthread_t one = start(&first), two = start(&second);
  OK(zpat_context_shutdown(context));
  CHECK(pthread_join(one, NULL) == 0 && pthread_join(two, NULL) == 0);
  CHECK(first.status == ZPAT_E_CLOSED && second.status == ZPAT_E_CLOSED);
  CHECK(OK(zpat_socket_is_closed(first.socket)) == 1);
  OK(zpat_socket_close(&first.socket, 0));
  OK(zpat_context_close(&context));
}

/* The handle is freed under a thread that waits in it, which is inside once it was counted as having found no room. */
static void closed(zpat_context_t *context, int background) {
  zpat_socket_t *socket = background ? open_background(context, ZPAT_PUSH) : open_socket(context, ZPAT_PUSH);
  struct wait wait = { socket, NULL, 1, 0 };
  zpat_socket_stats_t stats = ZPAT_SOCKET_STATS_INIT;
  pthread_t thread = start(&wait);
  while (stats.send_full == 0) OK(zpat_socket_stats(socket, &stats));
  OK(zpat_socket_close(&socket, 0));
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(wait.status == ZPAT_E_CLOSED);
}

int main(void) {
  zpat_context_t *context = open_context();
  zpat_socket_t *pull = open_socket(context, ZPAT_PULL);
  zpat_batch_t *batch = NULL;
  FAILS(ZPAT_E_TIMEOUT, zpat_socket_recv(pull, 20, NULL, &batch));
  FAILS(ZPAT_E_TIMEOUT, zpat_socket_recv_many(pull, 10, 1000, 20, NULL, &batch));
  CHECK(batch == NULL);
  OK(zpat_socket_close(&pull, 0));
  for (int background = 0; background < 2; background++) {
    for (int sends = 0; sends < 2; sends++) {
      cancelled(context, sends, background);
      shut_down(sends, background);
    }
    closed(context, background);
  }
  OK(zpat_context_close(&context));
  return 0;
}
