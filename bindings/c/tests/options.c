/* Options: defaults, ranges, texts and bytes, and structures of an older header. */
#include "check.h"

static zpat_context_t *context;

static int try_options(const zpat_socket_options_t *options) {
  zpat_socket_t *socket = NULL;
  int status = zpat_socket_open(context, ZPAT_ROUTER, options, &socket);
  CHECK((status < 0) == (socket == NULL));
  CHECK(zpat_socket_close(&socket, 0) == 0);
  return status;
}

/* An error that names the option. */
static void refused(int code, const zpat_socket_options_t *options, const char *name) {
  FAILS(code, try_options(options));
  CHECK(strstr(zpat_last_error(), name) != NULL);
}

static void values(void) {
  const zpat_socket_options_t defaults = ZPAT_SOCKET_OPTIONS_INIT;
  zpat_socket_options_t options = defaults;
  OK(try_options(NULL));
  OK(try_options(&options));
  options.background = 2;
  refused(ZPAT_E_INVALID_ARGUMENT, &options, "background");
  options = defaults;
  options.send_hwm = 0;
  refused(ZPAT_E_INVALID_ARGUMENT, &options, "send_hwm");
  options = defaults;
  options.linger = -1;
  refused(ZPAT_E_INVALID_ARGUMENT, &options, "linger");
  options = defaults;
  options.heartbeat_ttl = 6553600;
  refused(ZPAT_E_INVALID_ARGUMENT, &options, "heartbeat_ttl");
  options = defaults;
  options.max_message_size = INT64_MIN;
  refused(ZPAT_E_INVALID_ARGUMENT, &options, "max_message_size");
  options = defaults;
  options.plain_username = "\xff";
  refused(ZPAT_E_INVALID_TEXT, &options, "plain_username");
  options = defaults;
  options.routing_id.len = 3;
  refused(ZPAT_E_INVALID_ARGUMENT, &options, "data");
  options = defaults;
  options.curve_secret_key = "too short";
  refused(ZPAT_E_INVALID_ARGUMENT, &options, "curve_secret_key");
  options = defaults;
  options.routing_id = zpat_slice_text("a name");
  options.tcp_keepalive = 1;
  options.ipv6 = 1;
  OK(try_options(&options));
}

static void initialised(void) {
  const zpat_socket_options_t by_macro = ZPAT_SOCKET_OPTIONS_INIT;
  zpat_socket_options_t by_call;
  memset(&by_call, 0xAA, sizeof by_call);
  OK(zpat_socket_options_init(&by_call, sizeof by_call));
  CHECK(memcmp(&by_macro, &by_call, sizeof by_call) == 0);
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_socket_options_init(NULL, sizeof by_call));
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_socket_options_init(&by_call, sizeof by_call + 8));
  /* An older program's structure ends here, and what lies behind it stays. */
  memset(&by_call, 0xAA, sizeof by_call);
  OK(zpat_socket_options_init(&by_call, offsetof(zpat_socket_options_t, linger)));
  CHECK(by_call.inbox_bytes == 2097152 && by_call.linger == (int64_t)0xAAAAAAAAAAAAAAAA);
}

/* Fields behind struct_size are not read, whatever is there; those before are. */
static void older(void) {
  zpat_socket_options_t options = ZPAT_SOCKET_OPTIONS_INIT;
  size_t full = sizeof options;
  for (size_t size = 0; size <= full + 16; size++) {
    /* On the heap and as long as it says, so that a tool sees a read behind the end. */
    char *old = malloc(full + 16);
    memset(old, 0xAA, full + 16);
    memcpy(old, &options, size < full ? size : full);
    memcpy(old, &size, sizeof size);
    zpat_socket_options_t *shorter = realloc(old, size < sizeof size ? sizeof size : size);
    int status = try_options(shorter);
    int inside = size == offsetof(zpat_socket_options_t, routing_id) + 8;
    int boundary = size >= 8 && size <= full && size % 8 == 0 && !inside;
    CHECK(status == (boundary ? 0 : ZPAT_E_INVALID_ARGUMENT));
    free(shorter);
  }
  options.send_hwm = 0;
  options.struct_size = offsetof(zpat_socket_options_t, recv_hwm);
  refused(ZPAT_E_INVALID_ARGUMENT, &options, "send_hwm");
  options.struct_size = offsetof(zpat_socket_options_t, send_hwm);
  OK(try_options(&options));
}

static void context_options(void) {
  zpat_context_options_t options = ZPAT_CONTEXT_OPTIONS_INIT;
  zpat_context_t *other = NULL;
  zpat_socket_t *first = NULL, *second = NULL;
  options.io_threads = 0;
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_context_open(&options, &other));
  options.io_threads = 2;
  options.max_sockets = 65536;
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_context_open(&options, &other));
  options.max_sockets = 1;
  options.struct_size = 3;
  FAILS(ZPAT_E_INVALID_ARGUMENT, zpat_context_open(&options, &other));
  CHECK(other == NULL);
  options.struct_size = sizeof options;
  OK(zpat_context_open(&options, &other));
  OK(zpat_socket_open(other, ZPAT_PULL, NULL, &first));
  FAILS(ZPAT_E_TOO_MANY_OPEN, zpat_socket_open(other, ZPAT_PULL, NULL, &second));
  OK(zpat_socket_close(&first, 0));
  OK(zpat_context_close(&other));
}

int main(void) {
  context = open_context();
  values();
  initialised();
  older();
  context_options();
  OK(zpat_context_close(&context));
  return 0;
}
