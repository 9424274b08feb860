/* Ctrl-C: a signal ends a wait at once, and a cancel fired by its handler covers one that comes before the wait. */
#include "check.h"

#include <signal.h>

static volatile sig_atomic_t seen;
static zpat_cancel_t *cancel;

static void count(int signal) {
  (void)signal;
  seen++;
}

static void fire(int signal) {
  (void)signal;
  zpat_cancel_fire(cancel);
}

static void on_interrupt(void (*handler)(int)) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  CHECK(sigaction(SIGINT, &action, NULL) == 0);
}

struct sender {
  pthread_t waiting;
  volatile int stop;
};

/* Sends SIGINT until told to stop, because the first may come before the wait. */
static void *interrupts(void *argument) {
  struct sender *sender = argument;
  while (!__atomic_load_n(&sender->stop, __ATOMIC_SEQ_CST)) {
    pthread_kill(sender->waiting, SIGINT);
    usleep(1000);
  }
  return NULL;
}

static void interrupted(zpat_context_t *context, int background, int sends) {
  int kind = sends ? ZPAT_PUSH : ZPAT_PULL;
  zpat_socket_t *socket = background ? open_background(context, kind) : open_socket(context, kind);
  zpat_batch_t *batch = NULL;
  struct sender sender = { pthread_self(), 0 };
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, interrupts, &sender) == 0);
  if (sends) FAILS(ZPAT_E_INTERRUPTED, zpat_socket_send(socket, "x", 1, -1, NULL));
  else FAILS(ZPAT_E_INTERRUPTED, zpat_socket_recv(socket, -1, NULL, &batch));
  __atomic_store_n(&sender.stop, 1, __ATOMIC_SEQ_CST);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(seen > 0 && zpat_error_is_retryable(ZPAT_E_INTERRUPTED));
  OK(zpat_socket_close(&socket, 0));
}

/* Nothing is lost or repeated while signals rain on the receiver. */
static void rain(zpat_context_t *context) {
  zpat_socket_t *pull = open_socket(context, ZPAT_PULL), *push = open_socket(context, ZPAT_PUSH);
  zpat_batch_t *message = NULL;
  struct sender sender = { pthread_self(), 0 };
  pthread_t thread;
  join(pull, push);
  CHECK(pthread_create(&thread, NULL, interrupts, &sender) == 0);
  for (int i = 0; i < 2000; i++) {
    int status;
    do status = zpat_socket_send(push, &i, sizeof i, LONG, NULL);
    while (status == ZPAT_E_INTERRUPTED);
    OK(status);
    do status = zpat_socket_recv(pull, LONG, NULL, &message);
    while (status == ZPAT_E_INTERRUPTED);
    OK(status);
    CHECK(memcmp(zpat_batch_frame(message, 0, 0).data, &i, sizeof i) == 0);
  }
  __atomic_store_n(&sender.stop, 1, __ATOMIC_SEQ_CST);
  CHECK(pthread_join(thread, NULL) == 0);
  OK(zpat_batch_free(&message));
  OK(zpat_socket_close(&push, 0));
  OK(zpat_socket_close(&pull, 0));
}

int main(void) {
  zpat_context_t *context = open_context();
  zpat_socket_t *pull = open_socket(context, ZPAT_PULL);
  zpat_batch_t *batch = NULL;
  on_interrupt(count);
  for (int background = 0; background < 2; background++) {
    interrupted(context, background, 0);
    interrupted(context, background, 1);
  }
  rain(context);

  OK(zpat_cancel_open(&cancel));
  on_interrupt(fire);
  CHECK(raise(SIGINT) == 0);
  FAILS(ZPAT_E_CANCELLED, zpat_socket_recv(pull, -1, cancel, &batch));
  OK(zpat_cancel_close(&cancel));
  OK(zpat_socket_close(&pull, 0));
  OK(zpat_context_close(&context));
  return 0;
}
