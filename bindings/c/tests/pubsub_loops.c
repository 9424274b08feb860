/* Publish-subscribe in event loops and between threads: notices, hooks, cancelled waits, ends. */
#include "pubsub.h"

static void descriptors(zpat_context_t *context) {
  zpat_publisher_options_t options = with_streams();
  zpat_subscription_options_t waits = hold(1);
  zpat_subscriber_events_t *events = NULL;
  zpat_publisher_event_t *event = NULL;
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_slice_t frame = zpat_slice_text("x");
  options.news = 1;
  zpat_publisher_t *publisher = open_publisher(context, &options, endpoint);
  int published = (int)OK(zpat_publisher_ready_fd(publisher));
  CHECK(OK(zpat_publisher_arm(publisher, ZPAT_RECV)) == 0);
  CHECK(OK(zpat_publisher_arm(publisher, ZPAT_SEND)) == ZPAT_SEND);

  zpat_subscriber_t *subscriber = open_subscriber(context, endpoint, NULL);
  int heard_of = (int)OK(zpat_subscriber_ready_fd(subscriber));
  if (OK(zpat_subscriber_arm(subscriber)) == 0) CHECK(readable(heard_of, LONG));
  next(subscriber, &events, ZPAT_SUBSCRIBER_CONNECTED);
  CHECK(readable(published, LONG) && OK(zpat_publisher_arm(publisher, ZPAT_RECV)) == ZPAT_RECV);
  CHECK(OK(zpat_publisher_next(publisher, 0, NULL, &event)) == 1);

  subscribe(subscriber, "x", &waits);
  CHECK(OK(zpat_subscriber_arm(subscriber)) == 0);
  publish_text(publisher, "x", "one");
  CHECK(readable(heard_of, LONG) && OK(zpat_subscriber_arm(subscriber)) == 1);
  FAILS(ZPAT_E_TIMEOUT, zpat_publisher_publish(publisher, "x", &frame, 1, 0, NULL));
  CHECK(OK(zpat_publisher_arm(publisher, ZPAT_RECV | ZPAT_SEND)) == 0);
  CHECK(!readable(published, 20));
  hear_text(subscriber, "one");
  /* Who asks for more has taken what it had. */
  CHECK(OK(zpat_subscriber_arm(subscriber)) == 0);
  CHECK(readable(published, LONG) && OK(zpat_publisher_arm(publisher, ZPAT_SEND)) == ZPAT_SEND);
  OK(zpat_publisher_publish(publisher, "x", &frame, 1, 0, NULL));
  hear_text(subscriber, "x");
  OK(zpat_publisher_event_free(&event));
  OK(zpat_subscriber_events_free(&events));
  OK(zpat_subscriber_close(&subscriber));
  OK(zpat_publisher_close(&publisher, 0));
}

static void hooks(zpat_context_t *context) {
  zpat_publisher_options_t options = with_streams();
  zpat_publisher_event_t *event = NULL;
  char endpoint[ZPAT_ENDPOINT_SIZE];
  int told[2], brought[2];
  CHECK(pipe(told) == 0 && pipe(brought) == 0);
  options.news = 1;
  zpat_publisher_t *publisher = open_publisher(context, &options, endpoint);
  OK(zpat_publisher_set_hook(publisher, hook, &told[1]));
  CHECK(OK(zpat_publisher_arm(publisher, ZPAT_RECV)) == 0);
  zpat_subscriber_t *subscriber = open_subscriber(context, endpoint, NULL);
  CHECK(heard(told) && OK(zpat_publisher_next(publisher, LONG, NULL, &event)) == 1);
  subscribe(subscriber, "x", NULL);
  OK(zpat_subscriber_set_hook(subscriber, hook, &brought[1]));
  CHECK(OK(zpat_subscriber_arm(subscriber)) == 0);
  publish_text(publisher, "x", "two");
  CHECK(heard(brought) && OK(zpat_subscriber_arm(subscriber)) == 1);
  hear_text(subscriber, "two");
  OK(zpat_subscriber_set_hook(subscriber, NULL, NULL));
  OK(zpat_publisher_set_hook(publisher, NULL, NULL));
  OK(zpat_publisher_event_free(&event));
  OK(zpat_subscriber_close(&subscriber));
  OK(zpat_publisher_close(&publisher, 0));
  for (int i = 0; i < 2; i++) CHECK(close(told[i]) == 0 && close(brought[i]) == 0);
}

struct waits {
  zpat_publisher_t *publisher;
  zpat_subscriber_t *subscriber;
  zpat_cancel_t *cancel;
  int outcome;
};

static void *wait_for_event(void *user) {
  struct waits *waits = user;
  zpat_publisher_event_t *event = NULL;
  FAILS(waits->outcome, zpat_publisher_next(waits->publisher, -1, waits->cancel, &event));
  CHECK(event == NULL);
  return NULL;
}

static void *wait_for_message(void *user) {
  struct waits *waits = user;
  zpat_subscriber_events_t *events = NULL;
  int outcome;
  while ((outcome = zpat_subscriber_recv(waits->subscriber, 1, SIZE_MAX, -1, waits->cancel, &events)) > 0) {}
  FAILS(waits->outcome, outcome);
  OK(zpat_subscriber_events_free(&events));
  return NULL;
}

static void cancelled(zpat_context_t *context) {
  struct waits waits = { NULL, NULL, NULL, ZPAT_E_CANCELLED };
  char endpoint[ZPAT_ENDPOINT_SIZE];
  pthread_t threads[2];
  waits.publisher = open_publisher(context, NULL, endpoint);
  waits.subscriber = open_subscriber(context, endpoint, NULL);
  OK(zpat_cancel_open(&waits.cancel));
  CHECK(pthread_create(&threads[0], NULL, wait_for_event, &waits) == 0);
  CHECK(pthread_create(&threads[1], NULL, wait_for_message, &waits) == 0);
  OK(zpat_cancel_fire(waits.cancel));
  for (int i = 0; i < 2; i++) CHECK(pthread_join(threads[i], NULL) == 0);
  OK(zpat_cancel_close(&waits.cancel));
  OK(zpat_subscriber_close(&waits.subscriber));
  OK(zpat_publisher_close(&waits.publisher, 0));
}

static void shut_down(void) {
  struct waits waits = { NULL, NULL, NULL, ZPAT_E_CLOSED };
  zpat_context_t *context = open_context();
  char endpoint[ZPAT_ENDPOINT_SIZE];
  pthread_t threads[2];
  waits.publisher = open_publisher(context, NULL, endpoint);
  waits.subscriber = open_subscriber(context, endpoint, NULL);
  CHECK(pthread_create(&threads[0], NULL, wait_for_event, &waits) == 0);
  CHECK(pthread_create(&threads[1], NULL, wait_for_message, &waits) == 0);
  OK(zpat_context_shutdown(context));
  for (int i = 0; i < 2; i++) CHECK(pthread_join(threads[i], NULL) == 0);
  FAILS(ZPAT_E_CLOSED, zpat_publisher_publish(waits.publisher, "x", NULL, 0, LONG, NULL));
  OK(zpat_subscriber_close(&waits.subscriber));
  OK(zpat_publisher_close(&waits.publisher, LONG));
  OK(zpat_context_close(&context));
}

int main(void) {
  zpat_context_t *context = open_context();
  descriptors(context);
  hooks(context);
  cancelled(context);
  OK(zpat_context_close(&context));
  shut_down();
  return 0;
}
