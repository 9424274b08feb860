/* Options by their names; the compiler says if one is misspelt. */

#define CLIENT_NUMBERS(X) X(heartbeat_interval) X(heartbeat_limit) X(max_requests) X(max_bytes)
#define WORKER_NUMBERS(X) X(heartbeat_interval) X(heartbeat_limit) X(credit) X(max_jobs) X(max_clients)
#define BROKER_NUMBERS(X) \
  X(heartbeat_interval) X(heartbeat_limit) X(max_requests) X(max_bytes) X(max_waiting) X(max_waiting_bytes) \
  X(max_age) X(max_per_client) X(max_peers) X(max_unfetched) X(max_cached) X(max_cached_bytes) X(max_cached_age) \
  X(max_stored) X(max_stored_bytes) X(max_stored_age)
#define REQUEST_NUMBERS(X) X(deadline) X(patience) X(attempts) X(retries) X(durable) X(once)

static int64_t balance_of(const char *text) {
  if (strcmp(text, "most_free") == 0) return ZPAT_BALANCE_MOST_FREE;
  return strcmp(text, "sticky") == 0 ? ZPAT_BALANCE_STICKY : ZPAT_BALANCE_LEAST_RECENTLY_USED;
}

#define SET(option) if (strcmp(name, #option) == 0) options->option = number_of(value), known = 1;

/* Each reads the options that are next; 0 or an error. */
static int read_request_options(char **rest, zpat_request_options_t *options) {
  char *name, *value;
  while ((name = next_option(rest, &value))) {
    int known = strcmp(name, "key") == 0;
    if (known) options->key = unhex(value + 4);
    REQUEST_NUMBERS(SET)
    if (!known) return ZPAT_E_INVALID_ARGUMENT;
  }
  return 0;
}

static int read_client_options(char **rest, zpat_client_options_t *options) {
  char *name, *value;
  while ((name = next_option(rest, &value))) {
    int known = strcmp(name, "balance") == 0;
    if (known) options->balance = balance_of(unhex(value + 4).data);
    CLIENT_NUMBERS(SET)
    if (!known) return ZPAT_E_INVALID_ARGUMENT;
  }
  return 0;
}

static int read_worker_options(char **rest, zpat_worker_options_t *options) {
  char *name, *value;
  while ((name = next_option(rest, &value))) {
    int known = 0;
    WORKER_NUMBERS(SET)
    if (!known) return ZPAT_E_INVALID_ARGUMENT;
  }
  return 0;
}

static int read_broker_options(char **rest, zpat_broker_options_t *options) {
  char *name, *value;
  while ((name = next_option(rest, &value))) {
    int is_balance = strcmp(name, "balance") == 0, is_store = strcmp(name, "store") == 0;
    int known = is_balance || is_store;
    if (is_balance) options->balance = balance_of(unhex(value + 4).data);
    if (is_store) options->store = unhex(value + 4).data;
    BROKER_NUMBERS(SET)
    if (!known) return ZPAT_E_INVALID_ARGUMENT;
  }
  return 0;
}

#undef SET
