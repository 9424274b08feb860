/* Codes, names and the text of the last error, which belongs to its thread. */
#include "check.h"

static const char *const names[] = {
  "Ok", "InvalidArgument", "InvalidEndpoint", "AddressInUse", "AddressNotAvailable", "Unsupported", "Timeout",
  "Cancelled", "Interrupted", "Closed", "Full", "Unreachable", "WrongState", "TooLarge", "PermissionDenied", "NotFound",
  "TooManyOpen", "InvalidText", "Forked", "Poisoned", "System", "JobFailed", "Corrupt",
};

static void *other_thread(void *unused) {
  (void)unused;
  CHECK(zpat_last_error_code() == 0);
  CHECK(strcmp(zpat_last_error(), "") == 0);
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_cancel_fire(NULL));
  return NULL;
}

/* Every kind that a program can bring about on any machine, from the call that brings it about. */
static void kinds_happen(void) {
  zpat_context_t *context = open_context();
  zpat_socket_t *pull = open_socket(context, ZPAT_PULL), *push = open_socket(context, ZPAT_PUSH);
  zpat_socket_t *router = open_socket(context, ZPAT_ROUTER), *req = open_socket(context, ZPAT_REQ);
  zpat_batch_t *batch = NULL;
  zpat_cancel_t *cancel = NULL;
  char endpoint[ZPAT_ENDPOINT_SIZE], tiny[4];
  zpat_slice_t routed[2] = { zpat_slice_text("nobody"), zpat_slice_text("hello") };

  OK(zpat_socket_bind(pull, "tcp://127.0.0.1:0", endpoint, sizeof endpoint));
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_socket_recv(pull, -2, NULL, &batch));
  FAILS(ZPAT_E_INVALID_ENDPOINT, zpat_socket_connect(push, "nonsense"));
  FAILS(ZPAT_E_INVALID_ENDPOINT, zpat_socket_bind(push, "tcp://127.0.0.1:65536", NULL, 0));
  FAILS(ZPAT_E_ADDRESS_IN_USE, zpat_socket_bind(push, endpoint, NULL, 0));
  CHECK(strstr(zpat_last_error(), endpoint) != NULL);
  FAILS(ZPAT_E_ADDRESS_NOT_AVAILABLE, zpat_socket_bind(push, "tcp://192.0.2.1:5555", NULL, 0));
  FAILS(ZPAT_E_UNSUPPORTED, zpat_socket_send(pull, "x", 1, 0, NULL));
  FAILS(ZPAT_E_UNSUPPORTED, zpat_socket_subscribe(pull, "x", 1));
  FAILS(ZPAT_E_UNSUPPORTED, zpat_socket_arm(pull, ZPAT_RECV));
  FAILS(ZPAT_E_TIMEOUT, zpat_socket_recv(pull, 0, NULL, &batch));
  FAILS(ZPAT_E_FULL, zpat_socket_send(push, "x", 1, 0, NULL));
  FAILS(ZPAT_E_TIMEOUT, zpat_socket_send(push, "x", 1, 1, NULL));
  OK(zpat_cancel_open(&cancel));
  OK(zpat_cancel_fire(cancel));
  FAILS(ZPAT_E_CANCELLED, zpat_socket_recv(pull, LONG, cancel, &batch));
  FAILS(ZPAT_E_UNREACHABLE, zpat_socket_send_multipart(router, routed, 2, 0, NULL));
  FAILS(ZPAT_E_WRONG_STATE, zpat_socket_recv(req, 0, NULL, &batch));
  FAILS(ZPAT_E_TOO_LARGE, zpat_socket_bind(pull, "tcp://127.0.0.1:0", tiny, sizeof tiny));
  FAILS(ZPAT_E_NOT_FOUND, zpat_socket_unbind(pull, "tcp://127.0.0.1:1"));
  FAILS(ZPAT_E_INVALID_TEXT, zpat_socket_connect(push, "tcp://\xff\xfe"));
  OK(zpat_context_shutdown(context));
  FAILS(ZPAT_E_CLOSED, zpat_socket_recv(pull, LONG, NULL, &batch));
  CHECK(batch == NULL);

  OK(zpat_cancel_close(&cancel));
  OK(zpat_socket_close(&pull, 0));
  OK(zpat_socket_close(&push, 0));
  OK(zpat_socket_close(&router, 0));
  OK(zpat_socket_close(&req, 0));
  OK(zpat_context_close(&context));
}

int main(void) {
  char text[ZPAT_ERROR_SIZE], small[8] = "unset";
  size_t length;
  pthread_t thread;

  CHECK(strcmp(zpat_version(), ZPAT_VERSION) == 0);
  for (int code = 0; code < (int)(sizeof names / sizeof *names); code++) {
    int retryable = code == 3 || code == 6 || code == 8 || code == 10 || code == 11 || code == 16;
    CHECK(strcmp(zpat_error_name(-code), names[code]) == 0);
    CHECK(strcmp(zpat_error_name(code), names[code]) == 0);
    CHECK(zpat_error_is_retryable(-code) == retryable);
  }
  CHECK(strcmp(zpat_error_name(-23), "Unknown") == 0);

  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_cancel_fire(NULL));
  length = zpat_last_error_copy(text, sizeof text);
  CHECK(length == strlen(text) && strcmp(text, zpat_last_error()) == 0);
  CHECK(zpat_last_error_copy(small, sizeof small) == length);
  CHECK(strlen(small) == 7 && strncmp(small, text, 7) == 0);
  CHECK(zpat_last_error_copy(NULL, 0) == length && zpat_last_error_copy(small, 0) == length);

  CHECK(pthread_create(&thread, NULL, other_thread, NULL) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(strcmp(text, zpat_last_error()) == 0);

  /* The order in which C evaluates these is open, and both are fine. */
  printf("%d %s\n", zpat_cancel_fire(NULL), zpat_last_error());
  kinds_happen();
  return 0;
}
