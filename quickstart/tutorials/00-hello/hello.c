/* Says hello to itself, and the README shows how. */
#include <stdio.h>
#include <zpatterns.h>

int main(void) {
  /* region: hello */
  zpat_context_t *context = NULL;
  zpat_socket_t *pull = NULL, *push = NULL;
  zpat_batch_t *message = NULL;
  char endpoint[ZPAT_ENDPOINT_SIZE];
  if (zpat_context_open(NULL, &context) < 0 ||
      zpat_socket_open(context, ZPAT_PULL, NULL, &pull) < 0 ||
      zpat_socket_open(context, ZPAT_PUSH, NULL, &push) < 0 ||
      zpat_socket_bind(pull, "tcp://127.0.0.1:0", endpoint, sizeof endpoint) < 0 ||
      zpat_socket_connect(push, endpoint) < 0 ||
      zpat_socket_send(push, "hello", 5, 5000, NULL) < 0 || /* waits at most 5000 ms */
      zpat_socket_recv(pull, 5000, NULL, &message) < 0)
    fprintf(stderr, "%s\n", zpat_last_error());
  else
    printf("%.*s\n", (int)zpat_batch_bytes(message), (const char *)zpat_batch_frame(message, 0, 0).data);
  zpat_batch_free(&message);
  zpat_socket_close(&push, -1);
  zpat_socket_close(&pull, -1);
  zpat_context_close(&context);
  /* endregion: hello */
  return 0;
}
