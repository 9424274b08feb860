/* After a fork the child's copies of a publisher and a subscriber answer ZPAT_E_FORKED, and the parent goes on. */
#include "pubsub.h"

#include <sys/wait.h>

static void in_a_child(zpat_publisher_t *publisher, zpat_subscriber_t *subscriber) {
  zpat_publisher_event_t *event = NULL;
  zpat_subscriber_events_t *events = NULL;
  uint32_t subscription;
  FAILS(ZPAT_E_FORKED, zpat_publisher_publish(publisher, "x", NULL, 0, -1, NULL));
  FAILS(ZPAT_E_FORKED, zpat_publisher_next(publisher, -1, NULL, &event));
  FAILS(ZPAT_E_FORKED, zpat_publisher_set_rules(publisher, "x", 1, NULL));
  FAILS(ZPAT_E_FORKED, zpat_subscriber_subscribe(subscriber, "x", 1, NULL, &subscription));
  FAILS(ZPAT_E_FORKED, zpat_subscriber_recv(subscriber, 1, 1, -1, NULL, &events));
  OK(zpat_subscriber_close(&subscriber));
  OK(zpat_publisher_close(&publisher, LONG));
}

int main(void) {
  zpat_context_t *context = open_context();
  char endpoint[ZPAT_ENDPOINT_SIZE];
  zpat_publisher_t *publisher = open_publisher(context, NULL, endpoint);
  zpat_subscriber_t *subscriber = open_subscriber(context, endpoint, NULL);
  int status = -1;
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    in_a_child(publisher, subscriber);
    _exit(0);
  }
  CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  subscribe(subscriber, "x", NULL);
  publish_text(publisher, "x", "after the fork");
  hear_text(subscriber, "after the fork");
  OK(zpat_subscriber_close(&subscriber));
  OK(zpat_publisher_close(&publisher, 0));
  OK(zpat_context_close(&context));
  return 0;
}
