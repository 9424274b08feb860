/* After a fork the child's copies answer ZPAT_E_FORKED, it opens its own, and the parent goes on. */
#include "check.h"

#include <sys/wait.h>

static void child(zpat_context_t *context, zpat_socket_t *pull, zpat_socket_t *push, zpat_socket_t *background) {
  zpat_batch_t *batch = NULL;
  zpat_socket_t *socket = NULL;
  zpat_monitor_t *monitor = NULL;
  FAILS(ZPAT_E_FORKED, zpat_socket_recv(pull, -1, NULL, &batch));
  FAILS(ZPAT_E_FORKED, zpat_socket_recv_many(background, 10, 1000, -1, NULL, &batch));
  FAILS(ZPAT_E_FORKED, zpat_socket_send(push, "x", 1, -1, NULL));
  FAILS(ZPAT_E_FORKED, zpat_socket_connect(push, "tcp://127.0.0.1:1"));
  FAILS(ZPAT_E_FORKED, zpat_socket_bind(pull, "tcp://127.0.0.1:0", NULL, 0));
  FAILS(ZPAT_E_FORKED, zpat_socket_arm(background, ZPAT_RECV));
  FAILS(ZPAT_E_FORKED, zpat_socket_open(context, ZPAT_PULL, NULL, &socket));
  FAILS(ZPAT_E_FORKED, zpat_monitor_open(pull, &monitor));
  OK(zpat_context_shutdown(context));
  OK(zpat_socket_close(&pull, LONG));
  OK(zpat_socket_close(&push, LONG));
  OK(zpat_socket_close(&background, LONG));
  OK(zpat_context_close(&context));

  context = open_context();
  pull = open_background(context, ZPAT_PULL);
  push = open_socket(context, ZPAT_PUSH);
  join(pull, push);
  send_text(push, "from the child to itself");
  expect(pull, "from the child to itself");
  OK(zpat_socket_close(&pull, 0));
  OK(zpat_socket_close(&push, 0));
  OK(zpat_context_close(&context));
}

int main(void) {
  zpat_context_t *context = open_context();
  zpat_socket_t *pull = open_socket(context, ZPAT_PULL), *push = open_socket(context, ZPAT_PUSH);
  zpat_socket_t *background = open_background(context, ZPAT_PULL);
  int status = -1;
  join(pull, push);
  send_text(push, "before");
  expect(pull, "before");

  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    child(context, pull, push, background);
    _exit(0);
  }
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);

  send_text(push, "after");
  expect(pull, "after");
  OK(zpat_socket_close(&background, 0));
  OK(zpat_socket_close(&pull, 0));
  OK(zpat_socket_close(&push, 0));
  OK(zpat_context_close(&context));
  return 0;
}
