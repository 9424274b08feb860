/* Wrong arguments are errors: NULL in every place, lengths that nothing has, numbers out of range. */
#include "check.h"

#define REFUSED(call) FAILS(ZPAT_E_INVALID_ARGUMENT, call)

static void no_handles(void) {
  zpat_batch_t *batch = NULL;
  zpat_socket_t *socket = NULL;
  zpat_monitor_t *monitor = NULL;
  zpat_authenticator_t *authenticator = NULL;
  zpat_proxy_t *proxy = NULL;
  zpat_socket_stats_t stats = ZPAT_SOCKET_STATS_INIT;
  zpat_monitor_event_t event = ZPAT_MONITOR_EVENT_INIT;
  zpat_proxy_stats_t passed = ZPAT_PROXY_STATS_INIT;
  zpat_authenticator_stats_t decided = ZPAT_AUTHENTICATOR_STATS_INIT;
  REFUSED(zpat_context_open(NULL, NULL));
  REFUSED(zpat_context_shutdown(NULL));
  REFUSED(zpat_cancel_open(NULL));
  REFUSED(zpat_cancel_fire(NULL));
  REFUSED(zpat_cancel_is_fired(NULL));
  REFUSED(zpat_socket_open(NULL, ZPAT_PULL, NULL, &socket));
  REFUSED(zpat_socket_bind(NULL, "tcp://127.0.0.1:0", NULL, 0));
  REFUSED(zpat_socket_connect(NULL, "tcp://127.0.0.1:1"));
  REFUSED(zpat_socket_unbind(NULL, "tcp://127.0.0.1:1"));
  REFUSED(zpat_socket_disconnect(NULL, "tcp://127.0.0.1:1"));
  REFUSED(zpat_socket_subscribe(NULL, "", 0));
  REFUSED(zpat_socket_unsubscribe(NULL, "", 0));
  REFUSED(zpat_socket_send(NULL, "x", 1, 0, NULL));
  REFUSED(zpat_socket_send_multipart(NULL, NULL, 0, 0, NULL));
  REFUSED(zpat_socket_send_many(NULL, NULL, 0, 0, NULL));
  REFUSED(zpat_socket_recv(NULL, 0, NULL, &batch));
  REFUSED(zpat_socket_recv_many(NULL, 1, 1, 0, NULL, &batch));
  REFUSED(zpat_socket_kind(NULL));
  REFUSED(zpat_socket_is_closed(NULL));
  REFUSED(zpat_socket_ready_fd(NULL));
  REFUSED(zpat_socket_arm(NULL, ZPAT_RECV));
  REFUSED(zpat_socket_set_hook(NULL, NULL, NULL));
  REFUSED(zpat_socket_stats(NULL, &stats));
  REFUSED(zpat_monitor_open(NULL, &monitor));
  REFUSED(zpat_monitor_next(NULL, 0, NULL, &event));
  REFUSED(zpat_monitor_lost(NULL));
  REFUSED(zpat_monitor_arm(NULL));
  REFUSED(zpat_monitor_ready_fd(NULL));
  REFUSED(zpat_monitor_set_hook(NULL, NULL, NULL));
  REFUSED(zpat_authenticator_open(NULL, &authenticator));
  REFUSED(zpat_authenticator_allow_address(NULL, "127.0.0.1"));
  REFUSED(zpat_authenticator_deny_address(NULL, "127.0.0.1"));
  REFUSED(zpat_authenticator_allow_user(NULL, "a", "b"));
  REFUSED(zpat_authenticator_remove_user(NULL, "a"));
  REFUSED(zpat_authenticator_allow_key(NULL, "a"));
  REFUSED(zpat_authenticator_remove_key(NULL, "a"));
  REFUSED(zpat_authenticator_allow_any_key(NULL));
  REFUSED(zpat_authenticator_stats(NULL, &decided));
  REFUSED(zpat_proxy_start(NULL, NULL, NULL, &proxy));
  REFUSED(zpat_proxy_wait(NULL, 0, NULL, NULL));
  REFUSED(zpat_proxy_stats(NULL, &passed));
  REFUSED(zpat_batch_new(NULL));
  REFUSED(zpat_batch_add(NULL, "x", 1));
  REFUSED(zpat_batch_add_multipart(NULL, NULL, 0));
  REFUSED(zpat_batch_clear(NULL));
  REFUSED(zpat_batch_copy(NULL, 0, 0, NULL, 0));
  REFUSED(zpat_info(NULL));
  REFUSED(zpat_curve_keypair(NULL, NULL));
  REFUSED(zpat_curve_public(NULL, NULL));
  CHECK(zpat_batch_count(NULL) == 0 && zpat_batch_bytes(NULL) == 0 && zpat_batch_frame_count(NULL, 0) == 0);
  CHECK(zpat_batch_frame(NULL, 0, 0).data == NULL);
  CHECK(!batch && !socket && !monitor && !authenticator && !proxy);
  /* Freeing nothing is fine, with and without an address. */
  for (int address = 0; address < 2; address++) {
    OK(zpat_socket_close(address ? &socket : NULL, 0));
    OK(zpat_batch_free(address ? &batch : NULL));
    OK(zpat_monitor_close(address ? &monitor : NULL));
    OK(zpat_authenticator_close(address ? &authenticator : NULL));
    OK(zpat_proxy_close(address ? &proxy : NULL));
    OK(zpat_cancel_close(NULL));
    OK(zpat_context_close(NULL));
  }
}

static void no_arguments(zpat_context_t *context, zpat_socket_t *push, zpat_socket_t *pull) {
  zpat_socket_t *socket = NULL;
  zpat_batch_t *batch = NULL;
  zpat_slice_t bad = { NULL, 1 }, huge = { "x", SIZE_MAX };
  zpat_socket_stats_t stats = ZPAT_SOCKET_STATS_INIT;
  zpat_info_t info = ZPAT_INFO_INIT;
  REFUSED(zpat_socket_open(context, -1, NULL, &socket));
  REFUSED(zpat_socket_open(context, 12, NULL, &socket));
  REFUSED(zpat_socket_open(context, ZPAT_PULL, NULL, NULL));
  REFUSED(zpat_socket_bind(push, NULL, NULL, 0));
  REFUSED(zpat_socket_connect(push, NULL));
  REFUSED(zpat_socket_send(push, NULL, 1, 0, NULL));
  REFUSED(zpat_socket_send(push, "x", 1, -2, NULL));
  REFUSED(zpat_socket_send(push, "x", 1, INT64_MIN, NULL));
  FAILS(ZPAT_E_TOO_LARGE, zpat_socket_send(push, "x", SIZE_MAX, 0, NULL));
  REFUSED(zpat_socket_send_multipart(push, NULL, 1, 0, NULL));
  REFUSED(zpat_socket_send_multipart(push, NULL, 0, 0, NULL));
  REFUSED(zpat_socket_send_multipart(push, &bad, 1, 0, NULL));
  REFUSED(zpat_socket_send_multipart(push, &bad, SIZE_MAX, 0, NULL));
  FAILS(ZPAT_E_TOO_LARGE, zpat_socket_send_multipart(push, &huge, 1, 0, NULL));
  REFUSED(zpat_socket_recv(pull, 0, NULL, NULL));
  REFUSED(zpat_socket_recv_many(pull, 1, 1, 0, NULL, NULL));
  FAILS(ZPAT_E_TIMEOUT, zpat_socket_recv_many(pull, 0, 0, 0, NULL, &batch));
  FAILS(ZPAT_E_TIMEOUT, zpat_socket_recv_many(pull, SIZE_MAX, SIZE_MAX, 0, NULL, &batch));
  REFUSED(zpat_socket_arm(pull, 0));
  REFUSED(zpat_socket_arm(pull, 4));
  REFUSED(zpat_socket_stats(pull, NULL));
  stats.struct_size = 12;
  REFUSED(zpat_socket_stats(pull, &stats));
  info.struct_size = SIZE_MAX;
  REFUSED(zpat_info(&info));
  OK(zpat_batch_new(&batch));
  REFUSED(zpat_batch_add(batch, NULL, 1));
  FAILS(ZPAT_E_TOO_LARGE, zpat_batch_add(batch, "x", SIZE_MAX));
  REFUSED(zpat_batch_add_multipart(batch, &bad, 1));
  CHECK(zpat_batch_count(batch) == 0);
  /* A message needs a frame; one without is refused where it would leave. */
  OK(zpat_batch_add_multipart(batch, NULL, 0));
  REFUSED(zpat_socket_send_many(push, batch, 0, 0, NULL));
  OK(zpat_batch_free(&batch));
}

int main(void) {
  zpat_context_t *context = open_context();
  zpat_socket_t *push = open_socket(context, ZPAT_PUSH), *pull = open_socket(context, ZPAT_PULL);
  no_handles();
  no_arguments(context, push, pull);
  join(pull, push);
  send_text(push, "all is well");
  expect(pull, "all is well");
  /* The longest timeout there is; closing with the longest linger. */
  OK(zpat_socket_send(push, "x", 1, INT64_MAX, NULL));
  expect(pull, "x");
  OK(zpat_socket_close(&push, INT64_MAX));
  OK(zpat_socket_close(&pull, -5));
  OK(zpat_context_close(&context));
  return 0;
}
