/* CURVE and PLAIN let in who is allowed, and nobody else. */
#include "check.h"

static char server_public[ZPAT_CURVE_KEY_SIZE], server_secret[ZPAT_CURVE_KEY_SIZE];
static char client_public[ZPAT_CURVE_KEY_SIZE], client_secret[ZPAT_CURVE_KEY_SIZE];

static zpat_socket_t *open_with(zpat_context_t *context, int kind, const zpat_socket_options_t *options) {
  zpat_socket_t *socket = NULL;
  OK(zpat_socket_open(context, kind, options, &socket));
  return socket;
}

/* Connects with `options` and waits for the outcome of the handshake. */
static int outcome(zpat_context_t *context, const zpat_socket_options_t *options, const char *endpoint) {
  zpat_socket_t *push = open_with(context, ZPAT_PUSH, options);
  zpat_monitor_t *monitor = NULL;
  zpat_monitor_event_t event = ZPAT_MONITOR_EVENT_INIT;
  OK(zpat_monitor_open(push, &monitor));
  OK(zpat_socket_connect(push, endpoint));
  do OK(zpat_monitor_next(monitor, LONG, NULL, &event));
  while (event.kind != ZPAT_EVENT_HANDSHAKE_SUCCEEDED && event.kind != ZPAT_EVENT_HANDSHAKE_FAILED_AUTH);
  if (event.kind == ZPAT_EVENT_HANDSHAKE_SUCCEEDED) send_text(push, "secret");
  OK(zpat_monitor_close(&monitor));
  OK(zpat_socket_close(&push, LONG));
  return (int)event.kind;
}

static void curve(zpat_context_t *context, zpat_authenticator_t *authenticator) {
  zpat_socket_options_t server = ZPAT_SOCKET_OPTIONS_INIT, client = ZPAT_SOCKET_OPTIONS_INIT;
  char endpoint[ZPAT_ENDPOINT_SIZE];
  server.curve_server = 1;
  server.curve_public_key = server_public;
  server.curve_secret_key = server_secret;
  client.curve_server_key = server_public;
  client.curve_public_key = client_public;
  client.curve_secret_key = client_secret;
  zpat_socket_t *pull = open_with(context, ZPAT_PULL, &server);
  OK(zpat_socket_bind(pull, "tcp://127.0.0.1:0", endpoint, sizeof endpoint));
  CHECK(outcome(context, &client, endpoint) == ZPAT_EVENT_HANDSHAKE_FAILED_AUTH);
  OK(zpat_authenticator_allow_key(authenticator, client_public));
  CHECK(outcome(context, &client, endpoint) == ZPAT_EVENT_HANDSHAKE_SUCCEEDED);
  expect(pull, "secret");
  OK(zpat_authenticator_remove_key(authenticator, client_public));
  CHECK(outcome(context, &client, endpoint) == ZPAT_EVENT_HANDSHAKE_FAILED_AUTH);
  OK(zpat_authenticator_allow_any_key(authenticator));
  CHECK(outcome(context, &client, endpoint) == ZPAT_EVENT_HANDSHAKE_SUCCEEDED);
  expect(pull, "secret");
  OK(zpat_authenticator_deny_address(authenticator, "127.0.0.1"));
  CHECK(outcome(context, &client, endpoint) == ZPAT_EVENT_HANDSHAKE_FAILED_AUTH);
  OK(zpat_socket_close(&pull, 0));
}

static void plain(zpat_context_t *context, zpat_authenticator_t *authenticator) {
  zpat_socket_options_t server = ZPAT_SOCKET_OPTIONS_INIT, client = ZPAT_SOCKET_OPTIONS_INIT;
  char endpoint[ZPAT_ENDPOINT_SIZE];
  server.plain_server = 1;
  client.plain_username = "user";
  client.plain_password = "password";
  zpat_socket_t *pull = open_with(context, ZPAT_PULL, &server);
  OK(zpat_socket_bind(pull, "tcp://127.0.0.1:0", endpoint, sizeof endpoint));
  CHECK(outcome(context, &client, endpoint) == ZPAT_EVENT_HANDSHAKE_FAILED_AUTH);
  OK(zpat_authenticator_allow_address(authenticator, "127.0.0.1"));
  OK(zpat_authenticator_allow_user(authenticator, "user", "password"));
  CHECK(outcome(context, &client, endpoint) == ZPAT_EVENT_HANDSHAKE_SUCCEEDED);
  expect(pull, "secret");
  OK(zpat_authenticator_remove_user(authenticator, "user"));
  CHECK(outcome(context, &client, endpoint) == ZPAT_EVENT_HANDSHAKE_FAILED_AUTH);
  OK(zpat_socket_close(&pull, 0));
}

static void with_authenticator(void (*scene)(zpat_context_t *, zpat_authenticator_t *), uint64_t allowed) {
  zpat_context_t *context = open_context();
  zpat_authenticator_t *authenticator = NULL, *second = NULL;
  zpat_authenticator_stats_t stats = ZPAT_AUTHENTICATOR_STATS_INIT;
  OK(zpat_authenticator_open(context, &authenticator));
  FAILS(ZPAT_E_ADDRESS_IN_USE, zpat_authenticator_open(context, &second));
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_authenticator_allow_address(authenticator, "nowhere"));
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_authenticator_allow_key(authenticator, "short"));
  scene(context, authenticator);
  OK(zpat_authenticator_stats(authenticator, &stats));
  CHECK(stats.allowed == allowed && stats.denied_malformed == 0);
  CHECK(stats.denied_key + stats.denied_user + stats.denied_address >= 2);
  OK(zpat_authenticator_close(&authenticator));
  OK(zpat_context_close(&context));
}

int main(void) {
  char again[ZPAT_CURVE_KEY_SIZE];
  OK(zpat_curve_keypair(server_public, server_secret));
  OK(zpat_curve_keypair(client_public, client_secret));
  CHECK(strlen(client_public) == 40 && strlen(client_secret) == 40 && strcmp(client_public, server_public) != 0);
  OK(zpat_curve_public(again, client_secret));
  CHECK(strcmp(again, client_public) == 0);
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_curve_public(again, "short"));
  with_authenticator(curve, 2);
  with_authenticator(plain, 1);
  return 0;
}
