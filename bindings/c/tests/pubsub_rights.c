/* Who may hear what: entitlements, a program that decides, what is taken back, and security of connections. */
#include "pubsub.h"

static const char alices[] =
    "user\n    alice\n        password = secret\n        allow = x.>\n        deny = x.z\n"
    "    bob\n        token = abc\n        allow = y\n";

static zpat_subscriber_options_t with_password(const char *user, const char *password) {
  zpat_subscriber_options_t options = ZPAT_SUBSCRIBER_OPTIONS_INIT;
  options.user = zpat_slice_text(user);
  options.password = zpat_slice_text(password);
  return options;
}

/* Nothing comes but this error, and again. */
static void refused(zpat_subscriber_t *subscriber, const char *text) {
  zpat_subscriber_events_t *events = NULL;
  for (int i = 0; i < 2; i++) {
    int outcome;
    while ((outcome = zpat_subscriber_recv(subscriber, 1, SIZE_MAX, LONG, NULL, &events)) > 0) {
      zpat_subscriber_event_t event = ZPAT_SUBSCRIBER_EVENT_INIT;
      OK(zpat_subscriber_events_get(events, 0, &event));
      CHECK(i == 0 && event.kind == ZPAT_SUBSCRIBER_CONNECTED);
    }
    FAILS_WITH(ZPAT_E_PERMISSION_DENIED, outcome, text);
  }
  CHECK(zpat_subscriber_arm(subscriber) == 1);
  OK(zpat_subscriber_events_free(&events));
}

static void written(zpat_context_t *context) {
  zpat_publisher_options_t options = with_streams();
  zpat_subscriber_options_t guess = with_password("alice", "guess"), right = with_password("alice", "secret");
  zpat_subscriber_options_t token = ZPAT_SUBSCRIBER_OPTIONS_INIT;
  zpat_subscriber_events_t *events = NULL;
  zpat_subscriber_event_t event;
  zpat_rules_t rules = ZPAT_RULES_INIT;
  const char *const again[] = { "x.y" };
  char endpoint[ZPAT_ENDPOINT_SIZE];
  options.entitlements = zpat_slice_text(alices);
  zpat_publisher_t *publisher = open_publisher(context, &options, endpoint);
  zpat_subscriber_t *forger = open_subscriber(context, endpoint, &guess);
  zpat_subscriber_t *nobody = open_subscriber(context, endpoint, NULL);
  refused(forger, "no such user");
  refused(nobody, "no such user");
  token.token = zpat_slice_text("abc");
  zpat_subscriber_t *bob = open_subscriber(context, endpoint, &token);
  subscribe(bob, "y", NULL);

  zpat_subscriber_t *alice = open_subscriber(context, endpoint, &right);
  subscribe(alice, "x.*", NULL);
  uint32_t other = want(alice, "y.>", NULL);
  event = next(alice, &events, ZPAT_SUBSCRIBER_REJECTED);
  CHECK(event.subscription == other && event.error == ZPAT_E_PERMISSION_DENIED);
  CHECK(is(zpat_subscriber_events_text(events, 0), "this is not allowed"));
  publish_text(publisher, "x.z", "no");
  publish_text(publisher, "x.y", "yes");
  hear_text(alice, "yes");
  /* What is public, everybody may hear. */
  subscribe(alice, "news.a", NULL);
  publish_text(publisher, "news.a", "news");
  hear_text(alice, "news");

  OK(zpat_publisher_set_rules(publisher, "alice", 5, NULL));
  publish_text(publisher, "x.y", "no more");
  event = next(alice, &events, ZPAT_SUBSCRIBER_REJECTED);
  CHECK(event.error == ZPAT_E_PERMISSION_DENIED);
  rules.allow = again;
  rules.allow_count = 1;
  OK(zpat_publisher_set_rules(publisher, "alice", 5, &rules));
  subscribe(alice, "x.*", NULL);
  publish_text(publisher, "x.a", "not this");
  publish_text(publisher, "x.y", "again");
  hear_text(alice, "again");

  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_publisher_set_entitlements(publisher, "nonsense = 1\n", 13));
  publish_text(publisher, "x.y", "as before");
  hear_text(alice, "as before");
  OK(zpat_publisher_set_entitlements(publisher, NULL, 0));
  refused(alice, "not allowed");
  refused(bob, "not allowed");
  CHECK(counted(publisher).denied >= 3);
  OK(zpat_subscriber_events_free(&events));
  OK(zpat_subscriber_close(&forger));
  OK(zpat_subscriber_close(&nobody));
  OK(zpat_subscriber_close(&alice));
  OK(zpat_subscriber_close(&bob));
  OK(zpat_publisher_close(&publisher, 0));
}

/* The next event; its kind. */
static int told(zpat_publisher_t *publisher, zpat_publisher_event_t **event) {
  CHECK(OK(zpat_publisher_next(publisher, LONG, NULL, event)) == 1);
  return zpat_publisher_event_kind(*event);
}

static void asked(zpat_context_t *context) {
  zpat_publisher_options_t options = with_streams();
  zpat_subscriber_options_t user = with_password("bob", "pass"), token = ZPAT_SUBSCRIBER_OPTIONS_INIT;
  zpat_publisher_event_t *event = NULL;
  zpat_rules_t rules = ZPAT_RULES_INIT;
  const char *const allow[] = { ">" }, *const deny[] = { "x.z" };
  char endpoint[ZPAT_ENDPOINT_SIZE];
  options.ask = LONG;
  options.news = 1;
  zpat_publisher_t *publisher = open_publisher(context, &options, endpoint);
  FAILS(ZPAT_E_TIMEOUT, zpat_publisher_next(publisher, 0, NULL, &event));
  CHECK(event == NULL);

  zpat_subscriber_t *bob = open_subscriber(context, endpoint, &user);
  CHECK(told(publisher, &event) == ZPAT_PUBLISHER_ASKED);
  CHECK(zpat_publisher_event_credential(event) == ZPAT_CREDENTIAL_PASSWORD);
  CHECK(is(zpat_publisher_event_credential_user(event), "bob") && is(zpat_publisher_event_secret(event), "pass"));
  CHECK(zpat_publisher_event_identity(event).len == 32 && is(zpat_publisher_event_user(event), ""));
  OK(zpat_publisher_refuse(publisher, zpat_publisher_event_ask(event), "not you"));
  refused(bob, "not you");
  OK(zpat_subscriber_close(&bob));

  token.name = "eve";
  token.token = zpat_slice_text("let me in");
  zpat_subscriber_t *eve = open_subscriber(context, endpoint, &token);
  CHECK(told(publisher, &event) == ZPAT_PUBLISHER_ASKED);
  uint64_t ask = zpat_publisher_event_ask(event);
  CHECK(ask != 0 && zpat_publisher_event_credential(event) == ZPAT_CREDENTIAL_TOKEN);
  CHECK(is(zpat_publisher_event_secret(event), "let me in") && is(zpat_publisher_event_identity(event), "eve"));
  CHECK(zpat_publisher_event_credential_user(event).data == NULL);
  rules.allow = allow, rules.allow_count = 1;
  rules.deny = deny, rules.deny_count = 1;
  OK(zpat_publisher_admit(publisher, ask, "Eve", 3, &rules));
  /* The question is not open any more. */
  OK(zpat_publisher_refuse(publisher, ask, "too late"));
  CHECK(told(publisher, &event) == ZPAT_PUBLISHER_JOINED && is(zpat_publisher_event_user(event), "Eve"));
  CHECK(zpat_publisher_event_ask(event) == 0 && zpat_publisher_event_credential(event) == ZPAT_CREDENTIAL_NONE);
  CHECK(zpat_publisher_event_secret(event).data == NULL);
  subscribe(eve, ">", NULL);
  publish_text(publisher, "x.z", "no");
  publish_text(publisher, "x.y", "yes");
  hear_text(eve, "yes");
  OK(zpat_publisher_expel(publisher, "eve", 3, "enough"));
  refused(eve, "enough");
  CHECK(told(publisher, &event) == ZPAT_PUBLISHER_LEFT && is(zpat_publisher_event_identity(event), "eve"));
  OK(zpat_subscriber_close(&eve));
  FAILS(ZPAT_E_TIMEOUT, zpat_publisher_next(publisher, 0, NULL, &event));
  CHECK(event != NULL && zpat_publisher_event_kind(event) == 0 && zpat_publisher_event_user(event).data == NULL);
  OK(zpat_publisher_event_free(&event));
  OK(zpat_publisher_event_free(&event));
  OK(zpat_publisher_close(&publisher, 0));
}

/* Who gets no answer is refused. */
static void not_answered(zpat_context_t *context) {
  zpat_publisher_options_t options = ZPAT_PUBLISHER_OPTIONS_INIT;
  char endpoint[ZPAT_ENDPOINT_SIZE];
  options.ask = 20;
  zpat_publisher_t *publisher = open_publisher(context, &options, endpoint);
  zpat_subscriber_t *subscriber = open_subscriber(context, endpoint, NULL);
  refused(subscriber, "");
  OK(zpat_subscriber_close(&subscriber));
  OK(zpat_publisher_close(&publisher, 0));
}

/* A plain SUB socket of a user hears what that may, until rules take it back. */
static void of_a_user(zpat_context_t *context) {
  zpat_publisher_options_t options = with_streams();
  zpat_rules_t rules = ZPAT_RULES_INIT;
  const char *const allow[] = { "y" };
  char endpoint[ZPAT_ENDPOINT_SIZE], other[ZPAT_ENDPOINT_SIZE];
  zpat_batch_t *message = NULL;
  int count = 0;
  options.entitlements = zpat_slice_text(alices);
  options.max_plain = 1;
  zpat_publisher_t *publisher = open_publisher(context, &options, endpoint);
  FAILS(ZPAT_E_PERMISSION_DENIED, zpat_publisher_open_plain(publisher, "eve", 3, ANYWHERE, NULL, 0));
  FAILS(ZPAT_E_INVALID_ENDPOINT, zpat_publisher_open_plain(publisher, "alice", 5, "nonsense", NULL, 0));
  FAILS(ZPAT_E_ADDRESS_IN_USE, zpat_publisher_open_plain(publisher, "alice", 5, endpoint, NULL, 0));
  FAILS(ZPAT_E_TOO_LARGE, zpat_publisher_open_plain(publisher, "alice", 5, ANYWHERE, endpoint, 3));
  CHECK(counted(publisher).plain_endpoints == 0);
  OK(zpat_publisher_open_plain(publisher, "alice", 5, ANYWHERE, endpoint, sizeof endpoint));
  FAILS(ZPAT_E_FULL, zpat_publisher_open_plain(publisher, "alice", 5, ANYWHERE, other, sizeof other));
  zpat_socket_t *socket = open_socket(context, ZPAT_SUB);
  OK(zpat_socket_connect(socket, endpoint));
  OK(zpat_socket_subscribe(socket, "", 0));
  do {
    publish_text(publisher, "x.z", "no");
    publish_text(publisher, "x.y", "yes");
  } while (zpat_socket_recv(socket, 20, NULL, &message) < 0);
  rules.allow = allow;
  rules.allow_count = 1;
  OK(zpat_publisher_set_rules(publisher, "alice", 5, &rules));
  publish_text(publisher, "x.y", "no more");
  publish_text(publisher, "y", "end");
  while (!frame_is(message, 0, 0, "y")) {
    CHECK(zpat_batch_frame_count(message, 0) == 2 && frame_is(message, 0, 0, "x.y") && frame_is(message, 0, 1, "yes"));
    OK(zpat_socket_recv(socket, LONG, NULL, &message));
    count++;
  }
  CHECK(count > 0 && counted(publisher).handed_over >= 2);
  OK(zpat_publisher_close_plain(publisher, endpoint));
  FAILS(ZPAT_E_NOT_FOUND, zpat_publisher_close_plain(publisher, endpoint));
  OK(zpat_batch_free(&message));
  OK(zpat_socket_close(&socket, 0));
  OK(zpat_publisher_close(&publisher, 0));
}

/* A CURVE key says who a subscriber is, and so does a name over PLAIN. */
static void secured(zpat_context_t *context) {
  char server_public[ZPAT_CURVE_KEY_SIZE], server_secret[ZPAT_CURVE_KEY_SIZE], endpoint[ZPAT_ENDPOINT_SIZE];
  char public_key[ZPAT_CURVE_KEY_SIZE], secret_key[ZPAT_CURVE_KEY_SIZE], zpl[200];
  zpat_publisher_options_t curve = ZPAT_PUBLISHER_OPTIONS_INIT, plain = ZPAT_PUBLISHER_OPTIONS_INIT;
  zpat_subscriber_options_t options = ZPAT_SUBSCRIBER_OPTIONS_INIT;
  zpat_publisher_subscriber_t row = ZPAT_PUBLISHER_SUBSCRIBER_INIT;
  zpat_authenticator_t *authenticator = NULL;
  zpat_publisher_t *publisher = NULL;
  OK(zpat_curve_keypair(server_public, server_secret));
  OK(zpat_curve_keypair(public_key, secret_key));
  snprintf(zpl, sizeof zpl, "user\n    alice\n        key = \"%s\"\n        allow = x\n", public_key);
  curve.curve_secret_key = server_secret;
  curve.entitlements = zpat_slice_text(zpl);
  FAILS(ZPAT_E_WRONG_STATE, zpat_publisher_bind(context, ANYWHERE, &curve, &publisher));
  OK(zpat_authenticator_open(context, &authenticator));
  OK(zpat_authenticator_allow_key(authenticator, public_key));
  publisher = open_publisher(context, &curve, endpoint);
  options.curve_server_key = server_public;
  options.curve_public_key = public_key;
  options.curve_secret_key = secret_key;
  zpat_subscriber_t *alice = open_subscriber(context, endpoint, &options);
  subscribe(alice, "x", NULL);
  publish_text(publisher, "x", "in secret");
  hear_text(alice, "in secret");
  CHECK(OK(zpat_publisher_subscribers(publisher, &row, 1)) == 1 && strcmp(row.user, "alice") == 0 && row.user_len == 5);
  OK(zpat_subscriber_close(&alice));
  OK(zpat_publisher_close(&publisher, 0));

  OK(zpat_authenticator_allow_user(authenticator, "bob", "pass"));
  plain.plain_server = 1;
  plain.zap_domain = "somewhere";
  publisher = open_publisher(context, &plain, endpoint);
  options = (zpat_subscriber_options_t)ZPAT_SUBSCRIBER_OPTIONS_INIT;
  options.plain_username = "bob";
  options.plain_password = "pass";
  zpat_subscriber_t *bob = open_subscriber(context, endpoint, &options);
  subscribe(bob, "x", NULL);
  CHECK(OK(zpat_publisher_subscribers(publisher, &row, 1)) == 1 && strcmp(row.user, "bob") == 0);
  OK(zpat_subscriber_close(&bob));
  OK(zpat_publisher_close(&publisher, 0));
  OK(zpat_authenticator_close(&authenticator));
}

int main(void) {
  zpat_context_t *context = open_context();
  written(context);
  asked(context);
  not_answered(context);
  of_a_user(context);
  secured(context);
  OK(zpat_context_close(&context));
  return 0;
}
