/* A proxy passes messages on both ways, shows them to a third socket, and says why it ended. */
#include "check.h"

int main(void) {
  zpat_context_t *context = open_context();
  zpat_socket_t *front = open_socket(context, ZPAT_ROUTER), *back = open_socket(context, ZPAT_DEALER);
  zpat_socket_t *client = open_socket(context, ZPAT_REQ), *worker = open_socket(context, ZPAT_REP);
  zpat_socket_t *capture = open_socket(context, ZPAT_PUSH), *seen = open_socket(context, ZPAT_PULL);
  zpat_proxy_stats_t stats = ZPAT_PROXY_STATS_INIT;
  zpat_proxy_t *proxy = NULL;
  zpat_cancel_t *cancel = NULL;
  zpat_batch_t *batch = NULL;
  int reason = 0;
  join(front, client);
  join(back, worker);
  join(seen, capture);
  FAILS(ZPAT_E_UNSUPPORTED, zpat_proxy_start(capture, capture, NULL, &proxy));
  FAILS(ZPAT_E_UNSUPPORTED, zpat_proxy_start(front, back, seen, &proxy));
  OK(zpat_proxy_start(front, back, capture, &proxy));
  for (int i = 0; i < 100; i++) {
    send_text(client, "question");
    expect(worker, "question");
    send_text(worker, "answer");
    expect(client, "answer");
  }
  for (int i = 0; i < 200; i++) {
    OK(zpat_socket_recv(seen, LONG, NULL, &batch));
    CHECK(frame_is(batch, 0, zpat_batch_frame_count(batch, 0) - 1, i % 2 ? "answer" : "question"));
  }
  OK(zpat_proxy_stats(proxy, &stats));
  CHECK(stats.forward_messages == 100 && stats.backward_messages == 100 && stats.capture_lost == 0);
  FAILS(ZPAT_E_TIMEOUT, zpat_proxy_wait(proxy, 0, NULL, &reason));
  OK(zpat_cancel_open(&cancel));
  OK(zpat_cancel_fire(cancel));
  FAILS(ZPAT_E_CANCELLED, zpat_proxy_wait(proxy, LONG, cancel, &reason));
  OK(zpat_socket_close(&front, 0));
  OK(zpat_proxy_wait(proxy, LONG, NULL, &reason));
  CHECK(reason == ZPAT_E_CLOSED && zpat_last_error_code() == ZPAT_E_CLOSED);
  OK(zpat_proxy_wait(proxy, LONG, NULL, NULL));
  OK(zpat_proxy_close(&proxy));
  OK(zpat_proxy_close(&proxy));

  /* Closed while it runs. */
  OK(zpat_proxy_start(seen, back, NULL, &proxy));
  OK(zpat_proxy_close(&proxy));

  OK(zpat_batch_free(&batch));
  OK(zpat_cancel_close(&cancel));
  OK(zpat_socket_close(&back, 0));
  OK(zpat_socket_close(&client, 0));
  OK(zpat_socket_close(&worker, 0));
  OK(zpat_socket_close(&capture, 0));
  OK(zpat_socket_close(&seen, 0));
  OK(zpat_context_close(&context));
  return 0;
}
