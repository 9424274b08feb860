/* Options and counters of publish-subscribe as a line has them; the compiler says if a name is misspelt. */

#define PUBLISHER_NUMBERS(X) \
  X(ask) X(news) X(heartbeat_interval) X(heartbeat_limit) X(lease) X(max_keep) X(max_hold) X(max_subscribers) \
  X(max_subscriptions) X(max_all_subscriptions) X(max_endpoints) X(max_plain) X(max_size) X(max_bytes) X(linger) \
  X(plain_server)
#define PUBLISHER_TEXTS(X) X(curve_secret_key) X(zap_domain) X(disk)
#define STREAM_NUMBERS(X) X(history) X(history_bytes) X(history_age) X(disk_bytes) X(last_values)
#define SUBSCRIBER_NUMBERS(X) \
  X(keep) X(heartbeat_interval) X(heartbeat_limit) X(max_messages) X(max_bytes) X(snail_max_lag) X(snail_max_age)
#define SUBSCRIBER_TEXTS(X) \
  X(name) X(curve_server_key) X(curve_public_key) X(curve_secret_key) X(plain_username) X(plain_password)
#define SUBSCRIBER_BYTES(X) X(user) X(password) X(token)
#define SUBSCRIPTION_NUMBERS(X) X(last) X(max_messages) X(max_bytes) X(shared)
#define LOST(X) X(lost_slow) X(lost_history) X(lost_revoked) X(lost_gone) X(lost_closed)
#define PUBLISHER_COUNTERS(X) \
  X(published) X(refused_full) X(accepted) X(delivered) X(redelivered) LOST(X) X(held) X(repaired) X(subscribers) \
  X(subscriptions) X(denied) X(forged) X(malformed) X(bytes) X(disk_bytes) X(disk_errors) X(dropped_news) \
  X(plain_endpoints) X(handed_over)
#define SUBSCRIBER_COUNTERS(X) \
  X(delivered) X(missed) X(repaired) X(duplicates) X(waiting) X(waiting_bytes) X(restarts) X(malformed)

/* A publisher's options with what they point to: a public stream of news, if a line wants one, and everything else. */
struct publishing {
  zpat_publisher_options_t options;
  zpat_stream_options_t kept, open;
  const char *subjects;
  zpat_stream_t streams[2];
};

#define AS_NUMBER(option) if (strcmp(name, #option) == 0) options->option = number_of(value), known = 1;
#define AS_TEXT(option) if (strcmp(name, #option) == 0) options->option = unhex(value + 4).data, known = 1;
#define AS_BYTES(option) if (strcmp(name, #option) == 0) options->option = unhex(value + 4), known = 1;

/* Somewhere, or where the line says. */
static const char *place_of(char *value) {
  return strncmp(value, "hex:", 4) == 0 ? unhex(value + 4).data : "tcp://127.0.0.1:0";
}

/* Each reads the options that are next; 0 or an error. */
static int read_publishing(char **rest, struct publishing *publishing) {
  zpat_publisher_options_t *options = &publishing->options;
  zpat_stream_options_t *kept = &publishing->kept;
  char *name, *value;
  *options = (zpat_publisher_options_t)ZPAT_PUBLISHER_OPTIONS_INIT;
  *kept = (zpat_stream_options_t)ZPAT_STREAM_OPTIONS_INIT;
  publishing->subjects = NULL;
  while ((name = next_option(rest, &value))) {
    int known = 1;
    if (strcmp(name, "public") == 0) publishing->subjects = unhex(value + 4).data;
    else if (strcmp(name, "shared") == 0) options->shared = place_of(value);
    else if (strcmp(name, "plain") == 0) options->plain = place_of(value);
    else if (strcmp(name, "entitlements") == 0) options->entitlements = unhex(value + 4);
    else if (strcmp(name, "gather") == 0) options->gather_us = (int64_t)(strtod(value, NULL) * 1000);
    else known = 0;
    PUBLISHER_NUMBERS(AS_NUMBER)
    PUBLISHER_TEXTS(AS_TEXT)
#define KEPT(option) if (strcmp(name, #option) == 0) kept->option = number_of(value), known = 1;
    STREAM_NUMBERS(KEPT)
#undef KEPT
    if (!known) return ZPAT_E_INVALID_ARGUMENT;
  }
  publishing->open = *kept;
  publishing->open.is_public = 1;
  publishing->streams[0] = (zpat_stream_t){ "news", &publishing->subjects, 1, &publishing->open };
  publishing->streams[1] = (zpat_stream_t){ "main", NULL, 0, kept };
  options->streams = publishing->subjects ? publishing->streams : publishing->streams + 1;
  options->streams_count = publishing->subjects ? 2 : 1;
  return 0;
}

static int read_subscriber_options(char **rest, zpat_subscriber_options_t *options) {
  char *name, *value;
  while ((name = next_option(rest, &value))) {
    int known = 1;
    if (strcmp(name, "shared") == 0) options->shared = place_of(value);
    else if (strcmp(name, "endpoint") == 0) options->endpoint = place_of(value);
    else known = 0;
    SUBSCRIBER_NUMBERS(AS_NUMBER)
    SUBSCRIBER_TEXTS(AS_TEXT)
    SUBSCRIBER_BYTES(AS_BYTES)
    if (!known) return ZPAT_E_INVALID_ARGUMENT;
  }
  return 0;
}

static int read_subscription_options(char **rest, zpat_subscription_options_t *options) {
  static const char *const starts[] = { "now", "last-values" }, *const slows[] = { "hold", "drop", "disconnect", "spill" };
  char *name, *value;
  int has_last = 0;
  while ((name = next_option(rest, &value))) {
    int known = 1;
    if (strcmp(name, "prefix") == 0) options->is_prefix = number_of(value);
    else if (strcmp(name, "start") == 0) {
      options->start = position_of(unhex(value + 4).data, starts, 2);
      /* Behind the last of these is another start. */
      if (options->start == 2) return ZPAT_E_INVALID_ARGUMENT;
    } else if (strcmp(name, "slow") == 0) options->slow = position_of(unhex(value + 4).data, slows, 4);
    else known = 0;
    if (strcmp(name, "last") == 0) has_last = 1;
    SUBSCRIPTION_NUMBERS(AS_NUMBER)
    if (!known) return ZPAT_E_INVALID_ARGUMENT;
  }
  if (has_last) options->start = ZPAT_START_LAST;
  return 0;
}

/* At most one pattern is allowed, and one denied. */
static int read_rules(char **rest, zpat_rules_t *rules, const char *patterns[2]) {
  char *name, *value;
  while ((name = next_option(rest, &value))) {
    if (strcmp(name, "allow") == 0) {
      patterns[0] = unhex(value + 4).data;
      rules->allow = &patterns[0], rules->allow_count = 1;
    } else if (strcmp(name, "deny") == 0) {
      patterns[1] = unhex(value + 4).data;
      rules->deny = &patterns[1], rules->deny_count = 1;
    } else {
      return ZPAT_E_INVALID_ARGUMENT;
    }
  }
  return 0;
}

#undef AS_NUMBER
#undef AS_TEXT
#undef AS_BYTES
