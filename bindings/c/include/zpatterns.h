/* zpatterns 0.1.0: reliable messaging patterns over ZeroMQ.
 *
 * Generated from the sources; do not edit. Write it again with
 *     cargo run -p zpatterns-c --features header --bin zpatterns-header -- bindings/c/include/zpatterns.h
 *
 * A function returns 0 or a count, or a negative zpat_error_t; zpat_last_error() has the text for this thread.
 * An open or new function gives a handle that the caller frees with the close or free function of the same prefix.
 * That one takes the pointer's address and clears it, so closing twice is safe. NULL where something is needed is
 * ZPAT_E_INVALID_ARGUMENT.
 * `timeout_ms` is in milliseconds: -1 waits forever, 0 does not wait. A wait ends early when its `cancel` fires (NULL
 * is none), when a signal arrives (ZPAT_E_INTERRUPTED), and when its handle is closed.
 * Any thread may use any handle at any time, except that a batch belongs to one thread at a time, and that nobody may
 * start to use a handle that is being freed. After a fork, handles of the parent answer ZPAT_E_FORKED in the child.
 *
 *     zpat_context_t *context = NULL;
 *     zpat_socket_t *pull = NULL;
 *     zpat_batch_t *message = NULL;
 *     if (zpat_context_open(NULL, &context) < 0 ||
 *         zpat_socket_open(context, ZPAT_PULL, NULL, &pull) < 0 ||
 *         zpat_socket_bind(pull, "tcp://127.0.0.1:5555", NULL, 0) < 0)
 *       fprintf(stderr, "%s\n", zpat_last_error());
 *     while (zpat_socket_recv(pull, 1000, NULL, &message) > 0) {
 *       zpat_slice_t payload = zpat_batch_frame(message, 0, 0);
 *       fwrite(payload.data, 1, payload.len, stdout);
 *     }
 *     zpat_batch_free(&message);
 *     zpat_socket_close(&pull, -1);
 *     zpat_context_close(&context);
 *
 * Requests that cannot be lost in silence: who asks, and who answers.
 *
 *     zpat_slice_t name = zpat_slice_text("World");
 *     if (zpat_client_request(client, "greet", &name, 1, NULL, NULL, &answer, NULL) < 0)
 *       fprintf(stderr, "%s\n", zpat_last_error());
 *
 *     while (zpat_worker_next(worker, -1, NULL, &job) > 0) {
 *       zpat_slice_t greeting[] = { zpat_slice_text("Hello"), zpat_job_frame(job, 0) };
 *       zpat_job_reply(&job, greeting, 2);
 *     }
 *
 * Jobs that a worker does, or breaks into others and leaves until those are done: who pushes one, and who does it.
 *
 *     if (zpat_producer_run(producer, "sum", &tree, 1, NULL, -1, NULL, &sum, NULL) < 0)
 *       fprintf(stderr, "%s\n", zpat_last_error());
 *
 *     while (zpat_queue_worker_next(worker, -1, NULL, &run) > 0) {
 *       zpat_child_t halves[] = { { "sum", &left, 1, NULL, ZPAT_ON_FAILURE_FAIL, 0 },
 *                                 { "sum", &right, 1, NULL, ZPAT_ON_FAILURE_FAIL, 0 } };
 *       if (zpat_queue_job_is_resumed(run)) zpat_queue_job_complete(&run, &both, 1);
 *       else zpat_queue_job_spawn(&run, halves, 2, NULL, 0);
 *     }
 *
 * Publications for those who may hear them, and nothing missed in silence: who publishes, and who hears.
 *
 *     zpat_slice_t price = zpat_slice_text("1.0842");
 *     if (zpat_publisher_publish(publisher, "ticks.eur.usd", &price, 1, 1000, NULL) < 0)
 *       fprintf(stderr, "%s\n", zpat_last_error());
 *
 *     zpat_subscriber_subscribe(subscriber, "ticks.>", 7, NULL, &ticks);
 *     while (zpat_subscriber_recv(subscriber, 1, 0, -1, NULL, &events) > 0) {
 *       zpat_subscriber_events_get(events, 0, &event);
 *       if (event.kind == ZPAT_SUBSCRIBER_MESSAGE) show(zpat_subscriber_events_frame(events, 0, 0));
 *       if (event.kind == ZPAT_SUBSCRIBER_MISSED) complain(event.first, event.last);
 *     }
 */
#ifndef ZPATTERNS_H
#define ZPATTERNS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ZPAT_VERSION "0.1.0"
#define ZPAT_VERSION_MAJOR 0
#define ZPAT_VERSION_MINOR 1
#define ZPAT_VERSION_PATCH 0

/* Structures that grow from version to version start with their size; these initialise them. */
#define ZPAT_INFO_INIT { sizeof(zpat_info_t), NULL, NULL, 0, NULL }
#define ZPAT_CONTEXT_OPTIONS_INIT { sizeof(zpat_context_options_t), 1, 16384 }
#define ZPAT_SOCKET_STATS_INIT { sizeof(zpat_socket_stats_t), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_MONITOR_EVENT_INIT { sizeof(zpat_monitor_event_t), 0, 0, { 0 } }
#define ZPAT_PROXY_STATS_INIT { sizeof(zpat_proxy_stats_t), 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_AUTHENTICATOR_STATS_INIT { sizeof(zpat_authenticator_stats_t), 0, 0, 0, 0, 0 }
#define ZPAT_CLIENT_OPTIONS_INIT { sizeof(zpat_client_options_t), 1000, 3, 16384, 268435456, 0, NULL, 0 }
#define ZPAT_WORKER_OPTIONS_INIT { sizeof(zpat_worker_options_t), 1000, 3, 1, 16384, 10000 }
#define ZPAT_BROKER_OPTIONS_INIT { sizeof(zpat_broker_options_t), \
    1000, 3, 0, 100000, 1073741824, 50000, 536870912, 3600000, 16384, 20000, 268435456, 10000, 67108864, \
    600000, NULL, 100000, 268435456, 86400000, NULL, 0 }
#define ZPAT_REQUEST_OPTIONS_INIT { sizeof(zpat_request_options_t), 30000, -1, 3, 3, 0, 0, { NULL, 0 }, ZPAT_TASK_ASK }
#define ZPAT_OUTCOME_INIT { sizeof(zpat_outcome_t), 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_REQREP_COUNTERS_INIT { sizeof(zpat_reqrep_counters_t), \
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_WORKER_COUNTERS_INIT { sizeof(zpat_worker_counters_t), 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_SERVICE_COUNTERS_INIT { sizeof(zpat_service_counters_t), { 0 }, 0, 0, ZPAT_REQREP_COUNTERS_INIT }
#define ZPAT_NEWS_INIT { sizeof(zpat_news_t), 0, 0, 0, 0, 0, 0, { 0 }, 0 }
#define ZPAT_PEER_COUNTERS_INIT { sizeof(zpat_peer_counters_t), 0, { 0 }, 0, 0, 0, 0, 0, 0 }
#define ZPAT_BUS_OPTIONS_INIT { sizeof(zpat_bus_options_t), \
    100000000, 67108864, 9223372036854775807, 0, 4194304, 1, 1, 0, 0, 0, 0, 0, NULL, 0, 1024, 67108864, \
    16777216, 100000, 67108864, 300000, 1000 }
#define ZPAT_BUS_EVENT_INIT { sizeof(zpat_bus_event_t), 0, 0, 0, 0, 0, 0 }
#define ZPAT_BUS_COUNTERS_INIT { sizeof(zpat_bus_counters_t), \
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_BUS_PEER_INIT { sizeof(zpat_bus_peer_t), 0, 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_QUEUE_OPTIONS_INIT { sizeof(zpat_queue_options_t), \
    1000, 3, 0, NULL, 0, NULL, 10000, 2000000, 4294967296, 4294967296, 64, 10000, 1000000, 1073741824, 10, \
    10000, 67108864, 10000, 67108864, 1000, 268435456, 20000, 16384 }
#define ZPAT_PRODUCER_OPTIONS_INIT { sizeof(zpat_producer_options_t), 1000, 3, 30000, 100000, 268435456 }
#define ZPAT_QUEUE_WORKER_OPTIONS_INIT { sizeof(zpat_queue_worker_options_t), 1000, 3, 1, 268435456 }
#define ZPAT_JOB_OPTIONS_INIT { sizeof(zpat_job_options_t), 0, 0, 3, 1000, 0, { NULL, 0 }, 0 }
#define ZPAT_JOB_OUTCOME_INIT { sizeof(zpat_job_outcome_t), 0, 0, 0 }
#define ZPAT_WATCH_EVENT_INIT { sizeof(zpat_watch_event_t), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_ZQUEUE_COUNTERS_INIT { sizeof(zpat_zqueue_counters_t), \
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_QUEUE_WORKER_COUNTERS_INIT { sizeof(zpat_queue_worker_counters_t), 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_QUEUE_COUNTERS_INIT { sizeof(zpat_queue_counters_t), { 0 }, 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_TREE_JOB_INIT { sizeof(zpat_tree_job_t), 0, 0, 0, { 0 }, 0, 0, 0, 0, 0 }
#define ZPAT_DEAD_LETTER_INIT { sizeof(zpat_dead_letter_t), 0, 0, 0, { 0 }, 0, { 0 }, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_STREAM_OPTIONS_INIT { sizeof(zpat_stream_options_t), 0, 10000, 67108864, 3600000, 0, 10000 }
#define ZPAT_PUBLISHER_OPTIONS_INIT { sizeof(zpat_publisher_options_t), \
    NULL, 0, NULL, NULL, { NULL, 0 }, 0, 0, 1000, 3, 10000, 86400000, 60000, 100, 10000, 10000, 2000000, \
    10000, 100, 16777216, 1073741824, NULL, 1000, NULL, 0, NULL }
#define ZPAT_RULES_INIT { sizeof(zpat_rules_t), NULL, 0, NULL, 0 }
#define ZPAT_PUBLISHER_COUNTERS_INIT { sizeof(zpat_publisher_counters_t), \
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_PUBLISHER_SUBSCRIBER_INIT { sizeof(zpat_publisher_subscriber_t), \
    { 0 }, 0, { 0 }, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_SUBSCRIBER_OPTIONS_INIT { sizeof(zpat_subscriber_options_t), \
    NULL, 0, { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, NULL, NULL, 1000, 3, 10000, 67108864, 0, 0, NULL, NULL, \
    NULL, NULL, NULL }
#define ZPAT_SUBSCRIPTION_OPTIONS_INIT { sizeof(zpat_subscription_options_t), 0, 0, 0, 1, 10000, 67108864, 1 }
#define ZPAT_SUBSCRIBER_EVENT_INIT { sizeof(zpat_subscriber_event_t), 0, 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_SUBSCRIBER_COUNTERS_INIT { sizeof(zpat_subscriber_counters_t), 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_SUBSCRIBER_VIEW_INIT { sizeof(zpat_subscriber_view_t), 0, { 0 }, 0, 0, 0 }

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Bytes ------------------------------------------------------------------------------------------------ */

/** Bytes that somebody else owns: `len` bytes from `data` on. `data` may be NULL if `len` is 0. */
typedef struct zpat_slice_t {
  /** The first byte. */
  const void *data;
  /** How many bytes. */
  size_t len;
} zpat_slice_t;

/* ---- Errors ----------------------------------------------------------------------------------------------- */

/** Bytes of the buffer for the last error's text, with the zero at its end; longer texts are cut. */
#define ZPAT_ERROR_SIZE 1024

/** What went wrong. Functions return these values; 0 and above is success. */
typedef enum zpat_error_t {
  /** Success. */
  ZPAT_OK = 0,
  /** A value that the caller passed is malformed or out of range. */
  ZPAT_E_INVALID_ARGUMENT = -1,
  /** An endpoint cannot be read, or names a transport that is not built in. */
  ZPAT_E_INVALID_ENDPOINT = -2,
  /** The address is taken by another socket. */
  ZPAT_E_ADDRESS_IN_USE = -3,
  /** No interface of this machine has the address, or the name has none. */
  ZPAT_E_ADDRESS_NOT_AVAILABLE = -4,
  /** The call does not fit this kind of handle. */
  ZPAT_E_UNSUPPORTED = -5,
  /** The deadline passed first. */
  ZPAT_E_TIMEOUT = -6,
  /** Another thread cancelled the wait. */
  ZPAT_E_CANCELLED = -7,
  /** A signal ended the wait; nothing was lost, call again. */
  ZPAT_E_INTERRUPTED = -8,
  /** The handle or its context is closed. */
  ZPAT_E_CLOSED = -9,
  /** A queue is at its bound. */
  ZPAT_E_FULL = -10,
  /** The addressed peer is not connected. */
  ZPAT_E_UNREACHABLE = -11,
  /** The handle is not in the state that the call needs, such as a second send on a REQ socket. */
  ZPAT_E_WRONG_STATE = -12,
  /** A message exceeds a limit, or the memory that can be had. */
  ZPAT_E_TOO_LARGE = -13,
  /** The operating system refuses, or the other side does. */
  ZPAT_E_PERMISSION_DENIED = -14,
  /** What the call names does not exist. */
  ZPAT_E_NOT_FOUND = -15,
  /** The process or the context holds as many sockets or files as it may. */
  ZPAT_E_TOO_MANY_OPEN = -16,
  /** Text was asked for and the bytes are not UTF-8. */
  ZPAT_E_INVALID_TEXT = -17,
  /** The handle belongs to a parent process; open one after the fork. */
  ZPAT_E_FORKED = -18,
  /** A fault of zpatterns itself; the handle no longer works, others do. */
  ZPAT_E_POISONED = -19,
  /** The operating system reported something else; the text has its number. */
  ZPAT_E_SYSTEM = -20,
  /** The worker that was given a request or a job says that it cannot be done. */
  ZPAT_E_JOB_FAILED = -21,
  /** What is stored is damaged, or of another program or version; it is left as it is. */
  ZPAT_E_CORRUPT = -22,
} zpat_error_t;

/**
 * The text of the last error on this thread, one line such as
 * `AddressInUse: cannot bind: address already in use (endpoint tcp://127.0.0.1:5555, errno 98)`; empty before the
 * first. Belongs to the thread: do not free it, and copy it if it has to outlive the next failing call or the thread.
 */
const char *zpat_last_error(void);

/**
 * Copies the text of the last error on this thread into `buffer` of `size` bytes, cut if it is longer, with a zero at
 * the end. Returns the length of the whole text without the zero.
 */
size_t zpat_last_error_copy(char *buffer,
                            size_t size);

/** The code of the last error on this thread, a `zpat_error_t`; 0 before the first. A success does not reset it. */
int zpat_last_error_code(void);

/** The name of an error code, the same in every language (`AddressInUse`); `Unknown` for what is none. Static text. */
const char *zpat_error_name(int code);

/** 1 if the same call may succeed later without a change by the caller, else 0. */
int zpat_error_is_retryable(int code);

/* ---- The library ------------------------------------------------------------------------------------------ */

/** Versions and capabilities of the library. Start from `ZPAT_INFO_INIT`. The texts are static. */
typedef struct zpat_info_t {
  /** `sizeof(zpat_info_t)`. */
  size_t struct_size;
  /** Version of zpatterns. */
  const char *version;
  /** Version of the libzmq that is compiled in. */
  const char *libzmq;
  /** 1 if connections can be encrypted and authenticated with CURVE, else 0. */
  int64_t curve;
  /** Transports that a socket can bind to, separated by a space: `inproc ipc tcp ws`. */
  const char *transports;
} zpat_info_t;

/** Writes what the library is into `info`, whose `struct_size` the caller has set. */
int zpat_info(zpat_info_t *info);

/** The version of the library that runs, to compare with `ZPAT_VERSION`, that of the header. Static text. */
const char *zpat_version(void);

/* ---- Ending waits ----------------------------------------------------------------------------------------- */

/** Ends waits from another thread or a signal handler. One cancel may be given to any number of calls. */
typedef struct zpat_cancel_t zpat_cancel_t;

/** Opens a cancel that has not fired. The caller frees it with `zpat_cancel_close`. */
int zpat_cancel_open(zpat_cancel_t **cancel);

/**
 * Fires, for good: every wait that was given this cancel, now or later, ends with `ZPAT_E_CANCELLED`. It may be called
 * from a signal handler, which also covers a signal that arrives just before the wait.
 */
int zpat_cancel_fire(const zpat_cancel_t *cancel);

/** 1 if the cancel has fired, else 0. */
int zpat_cancel_is_fired(const zpat_cancel_t *cancel);

/**
 * Frees a cancel and clears the pointer. Calls that were given it go on without harm. NULL and a cleared pointer are
 * fine.
 */
int zpat_cancel_close(zpat_cancel_t **cancel);

/* ---- Contexts --------------------------------------------------------------------------------------------- */

/** Owns the threads that move messages. Most programs have one. */
typedef struct zpat_context_t zpat_context_t;

/** How a context is set up. Start from `ZPAT_CONTEXT_OPTIONS_INIT`. */
typedef struct zpat_context_options_t {
  /** `sizeof(zpat_context_options_t)`. */
  size_t struct_size;
  /** Threads that move bytes between sockets and the network, 1 to 64; one is enough below about 1 GB/s. */
  uint32_t io_threads;
  /** How many sockets may be open at once, 1 to 65535. */
  uint32_t max_sockets;
} zpat_context_options_t;

/** Opens a context; `options` may be NULL for the defaults. The caller frees it with `zpat_context_close`. */
int zpat_context_open(const zpat_context_options_t *options, zpat_context_t **context);

/**
 * Ends every wait in every handle of this context, now and from now on, with `ZPAT_E_CLOSED`. Any thread may call it;
 * the context and its handles still have to be closed.
 */
int zpat_context_shutdown(const zpat_context_t *context);

/**
 * Closes a context and clears the pointer. It ends when the last handle made from it is closed, too, in whatever
 * order; that close waits until sent messages have left, at most for the longest linger. NULL and a cleared pointer
 * are fine.
 */
int zpat_context_close(zpat_context_t **context);

/* ---- Messages --------------------------------------------------------------------------------------------- */

/** Messages in order, each of one or more frames; an answer may have none. A batch belongs to one thread at a time. */
typedef struct zpat_batch_t zpat_batch_t;

/**
 * Makes a batch without messages, to build one for `zpat_socket_send_many`. The caller frees it with
 * `zpat_batch_free`.
 */
int zpat_batch_new(zpat_batch_t **batch);

/** Adds a message of one frame with a copy of `len` bytes from `data`. */
int zpat_batch_add(zpat_batch_t *batch, const void *data, size_t len);

/** Adds a message with copies of these `count` frames. */
int zpat_batch_add_multipart(zpat_batch_t *batch, const zpat_slice_t *frames, size_t count);

/** Removes all messages; slices into them end here. */
int zpat_batch_clear(zpat_batch_t *batch);

/** Number of messages; 0 for NULL. */
size_t zpat_batch_count(const zpat_batch_t *batch);

/** Bytes of all frames together; 0 for NULL. */
size_t zpat_batch_bytes(const zpat_batch_t *batch);

/** Number of frames of the message at position `message`; 0 if there is no such message. */
size_t zpat_batch_frame_count(const zpat_batch_t *batch, size_t message);

/**
 * A frame of a message, both by position from 0. The bytes belong to the batch: they stay until it is freed, cleared,
 * added to, sent or received into. If there is no such frame, `data` is NULL; for an empty frame it is not.
 */
zpat_slice_t zpat_batch_frame(const zpat_batch_t *batch,
                              size_t message,
                              size_t frame);

/**
 * Copies a frame of a message, both by position from 0, into `buffer` of `size` bytes and returns its length.
 * `ZPAT_E_TOO_LARGE` if it does not fit; nothing is copied then, and the message stays in the batch.
 * `ZPAT_E_NOT_FOUND` if there is no such frame.
 */
int64_t zpat_batch_copy(const zpat_batch_t *batch,
                        size_t message,
                        size_t frame,
                        void *buffer,
                        size_t size);

/** Frees a batch and clears the pointer; slices into it end here. NULL and a cleared pointer are fine. */
int zpat_batch_free(zpat_batch_t **batch);

/* ---- Options of a socket ---------------------------------------------------------------------------------- */

/**
 * How a socket is set up; fixed once it is open. Start from `ZPAT_SOCKET_OPTIONS_INIT`, then set what differs:
 *
 *     zpat_socket_options_t options = ZPAT_SOCKET_OPTIONS_INIT;
 *     options.linger = 250;
 *
 * Switches are 0 or 1. Texts are UTF-8, and they and bytes are read while the socket is opened, not later.
 */
typedef struct zpat_socket_options_t {
  /** `sizeof(zpat_socket_options_t)`. */
  size_t struct_size;
  /** Let a thread of the context receive ahead into a bounded inbox and keep the connections served while
   * the program is busy. Event loops (asyncio, Node, epoll) need it. Off, every call works on the caller's
   * thread, which has the lowest latency. Default 0. */
  int64_t background;
  /** How many messages may wait to be sent, per peer. 1 to 2147483647, default 1000. */
  int64_t send_hwm;
  /** How many messages may wait to be received, per peer, before the peer is held back. 1 to 2147483647,
   * default 1000. */
  int64_t recv_hwm;
  /** How many messages the inbox of a background socket holds. 1 to 2147483647, default 8192. */
  int64_t inbox_messages;
  /** How many bytes the inbox of a background socket holds; one message is always let in. 1 to 2147483647,
   * default 2097152. */
  int64_t inbox_bytes;
  /** The largest frame in bytes, sent or received. A peer that sends a larger one is disconnected.
   * Handshakes have to fit, hence the minimum. 1024 or more, default 268435456. */
  int64_t max_message_size;
  /** How long messages that are not yet sent survive `close`, in milliseconds. 0 to 86400000, default
   * 5000. */
  int64_t linger;
  /** SUB and PUB (on both ends): receive everything but what was subscribed to. Default 0. */
  int64_t invert_matching;
  /** Keep only the newest message in each direction (single-frame messages only). Default 0. */
  int64_t conflate;
  /** Queue only to connections that are complete. Default 0. */
  int64_t immediate;
  /** The name under which a ROUTER knows this socket: 1 to 255 bytes, the first not zero. NULL is unset,
   * the default. */
  zpat_slice_t routing_id;
  /** ROUTER: a message to an unknown peer is an error (`Unreachable`) instead of being dropped in silence.
   * Default 1. */
  int64_t router_mandatory;
  /** ROUTER: a new peer takes over the routing id of an older one instead of being refused. Default 0. */
  int64_t router_handover;
  /** Send an empty message on each new connection, so that a ROUTER learns of this peer. Default 0. */
  int64_t probe_router;
  /** REQ: a new request may be sent before the reply to the last; that reply is dropped. Default 0. */
  int64_t req_relaxed;
  /** REQ: number the requests and drop replies with another number. Default 0. */
  int64_t req_correlate;
  /** XPUB: pass on every subscription, not only the first of a kind. Default 0. */
  int64_t xpub_verbose;
  /** XPUB: pass on every subscription and every unsubscription. Default 0. */
  int64_t xpub_verboser;
  /** XPUB and PUB: a full subscriber makes `send` wait instead of losing messages. Default 0. */
  int64_t xpub_nodrop;
  /** STREAM: receive an empty frame when a connection opens and closes. Default 1. */
  int64_t stream_notify;
  /** Wait before the first reconnection attempt, in milliseconds. 1 to 86400000, default 100. */
  int64_t reconnect_interval;
  /** The wait doubles with each attempt up to this, in milliseconds. 0 to 86400000, default 2000. */
  int64_t reconnect_interval_max;
  /** Give up a connection attempt after this, in milliseconds; 0 leaves it to the operating system. 0 to
   * 86400000, default 0. */
  int64_t connect_timeout;
  /** A handshake that takes longer is broken off, in milliseconds. 1 to 86400000, default 30000. */
  int64_t handshake_interval;
  /** Ping the peer this often, in milliseconds; 0 is off. 0 to 86400000, default 0. */
  int64_t heartbeat_interval;
  /** A peer that does not answer a ping for this long is disconnected, in milliseconds; 0 means the
   * interval. 0 to 86400000, default 0. */
  int64_t heartbeat_timeout;
  /** Ask the peer to disconnect us after this silence, in milliseconds; 0 is off. 0 to 6553599, default 0. */
  int64_t heartbeat_ttl;
  /** TCP keepalive: 1 on, 0 off, -1 as the operating system has it. -1 to 1, default -1. */
  int64_t tcp_keepalive;
  /** Seconds of silence before the first keepalive; -1 as the operating system has it. -1 to 32767,
   * default -1. */
  int64_t tcp_keepalive_idle;
  /** Unanswered keepalives before the connection is dropped; -1 as the operating system has it. -1 to 127,
   * default -1. */
  int64_t tcp_keepalive_count;
  /** Seconds between keepalives; -1 as the operating system has it. -1 to 32767, default -1. */
  int64_t tcp_keepalive_interval;
  /** How many connections may wait to be accepted. 1 to 65535, default 1024. */
  int64_t backlog;
  /** Size of the kernel's send buffer in bytes; -1 as the operating system has it. -1 to 2147483647,
   * default -1. */
  int64_t kernel_send_buffer;
  /** Size of the kernel's receive buffer in bytes; -1 as the operating system has it. -1 to 2147483647,
   * default -1. */
  int64_t kernel_recv_buffer;
  /** Type of service of sent packets. 0 to 255, default 0. */
  int64_t tos;
  /** Use IPv6 besides IPv4. Default 0. */
  int64_t ipv6;
  /** Bind connections to this network device (Linux, needs a privilege). NULL is unset, the default. */
  const char *bind_to_device;
  /** Connect through this SOCKS5 proxy, `host:port`. NULL is unset, the default. */
  const char *socks_proxy;
  /** ipc: permission bits of the socket file, set before anyone can connect; -1 leaves the umask to
   * decide. -1 to 511, default -1. */
  int64_t ipc_mode;
  /** ipc: user id that owns the socket file; -1 leaves it. -1 to 2147483647, default -1. */
  int64_t ipc_uid;
  /** ipc: group id that owns the socket file; -1 leaves it. -1 to 2147483647, default -1. */
  int64_t ipc_gid;
  /** PLAIN: this side decides about user names and passwords; the context needs an authenticator. Default
   * 0. */
  int64_t plain_server;
  /** PLAIN: user name of this client. NULL is unset, the default. */
  const char *plain_username;
  /** PLAIN: password of this client. NULL is unset, the default. */
  const char *plain_password;
  /** CURVE: this side is the server; the context needs an authenticator that says which keys may enter.
   * Default 0. */
  int64_t curve_server;
  /** CURVE: our public key, 40 characters of Z85. NULL is unset, the default. */
  const char *curve_public_key;
  /** CURVE: our secret key, 40 characters of Z85. NULL is unset, the default. */
  const char *curve_secret_key;
  /** CURVE: the server's public key, 40 characters of Z85, which makes this side a client. NULL is unset,
   * the default. */
  const char *curve_server_key;
  /** What the authenticator is asked for; a server's default is `global`. Set on a socket without a
   * mechanism, the authenticator decides about its peers by address. NULL is unset, the default. */
  const char *zap_domain;
} zpat_socket_options_t;

/** The defaults, to initialise a `zpat_socket_options_t`. */
#define ZPAT_SOCKET_OPTIONS_INIT { \
    sizeof(zpat_socket_options_t), \
    /* background */ 0, \
    /* send_hwm */ 1000, \
    /* recv_hwm */ 1000, \
    /* inbox_messages */ 8192, \
    /* inbox_bytes */ 2097152, \
    /* max_message_size */ 268435456, \
    /* linger */ 5000, \
    /* invert_matching */ 0, \
    /* conflate */ 0, \
    /* immediate */ 0, \
    /* routing_id */ { NULL, 0 }, \
    /* router_mandatory */ 1, \
    /* router_handover */ 0, \
    /* probe_router */ 0, \
    /* req_relaxed */ 0, \
    /* req_correlate */ 0, \
    /* xpub_verbose */ 0, \
    /* xpub_verboser */ 0, \
    /* xpub_nodrop */ 0, \
    /* stream_notify */ 1, \
    /* reconnect_interval */ 100, \
    /* reconnect_interval_max */ 2000, \
    /* connect_timeout */ 0, \
    /* handshake_interval */ 30000, \
    /* heartbeat_interval */ 0, \
    /* heartbeat_timeout */ 0, \
    /* heartbeat_ttl */ 0, \
    /* tcp_keepalive */ -1, \
    /* tcp_keepalive_idle */ -1, \
    /* tcp_keepalive_count */ -1, \
    /* tcp_keepalive_interval */ -1, \
    /* backlog */ 1024, \
    /* kernel_send_buffer */ -1, \
    /* kernel_recv_buffer */ -1, \
    /* tos */ 0, \
    /* ipv6 */ 0, \
    /* bind_to_device */ NULL, \
    /* socks_proxy */ NULL, \
    /* ipc_mode */ -1, \
    /* ipc_uid */ -1, \
    /* ipc_gid */ -1, \
    /* plain_server */ 0, \
    /* plain_username */ NULL, \
    /* plain_password */ NULL, \
    /* curve_server */ 0, \
    /* curve_public_key */ NULL, \
    /* curve_secret_key */ NULL, \
    /* curve_server_key */ NULL, \
    /* zap_domain */ NULL \
  }

/**
 * Writes the defaults into `options`, a structure of `struct_size` bytes. `ZPAT_SOCKET_OPTIONS_INIT` does the same at
 * compile time; this one is for languages that cannot use macros.
 */
int zpat_socket_options_init(zpat_socket_options_t *options,
                             size_t struct_size);

/* ---- Sockets ---------------------------------------------------------------------------------------------- */

/** Bytes that hold every endpoint a socket is likely to bind, with the zero at its end. */
#define ZPAT_ENDPOINT_SIZE 256

/** For `zpat_socket_arm`: something to receive. */
#define ZPAT_RECV 1

/** For `zpat_socket_arm`: room to send. */
#define ZPAT_SEND 2

/** What a socket does with messages. */
typedef enum zpat_socket_kind_t {
  /** Exactly one peer, both ways. */
  ZPAT_PAIR = 0,
  /** Publishes to every subscriber; drops for a subscriber whose queue is full. */
  ZPAT_PUB = 1,
  /** Receives what it subscribed to. */
  ZPAT_SUB = 2,
  /** Sends a request, then receives its reply, in strict turns. */
  ZPAT_REQ = 3,
  /** Receives a request, then sends its reply, in strict turns. */
  ZPAT_REP = 4,
  /** Sends in turn to every peer, receives from all fairly. */
  ZPAT_DEALER = 5,
  /** Sends to the peer that the first frame names, receives with the sender as first frame. */
  ZPAT_ROUTER = 6,
  /** Receives from all fairly. */
  ZPAT_PULL = 7,
  /** Sends in turn to every peer. */
  ZPAT_PUSH = 8,
  /** A publisher that receives subscriptions as messages. */
  ZPAT_XPUB = 9,
  /** A subscriber that sends subscriptions as messages. */
  ZPAT_XSUB = 10,
  /** Plain TCP connections, each with an identity as first frame. */
  ZPAT_STREAM = 11,
} zpat_socket_kind_t;

/** A ZeroMQ socket. Any number of threads may use it at the same time. */
typedef struct zpat_socket_t zpat_socket_t;

/** Called on a thread of the library with the pointer given to `zpat_socket_set_hook`. */
typedef void (*zpat_hook_t)(void *user);

/**
 * Opens a socket of a `zpat_socket_kind_t`; `options` may be NULL for the defaults. The caller frees it with
 * `zpat_socket_close`. `ZPAT_E_INVALID_ARGUMENT` names the option that is out of range.
 */
int zpat_socket_open(const zpat_context_t *context,
                     int kind,
                     const zpat_socket_options_t *options,
                     zpat_socket_t **socket);

/**
 * Closes a socket, frees it and clears the pointer. Messages not yet sent survive for `linger_ms` while the context
 * lives; -1 is the option `linger`. Calls that wait on the socket in other threads end with `ZPAT_E_CLOSED`; what
 * those threads must not do is start another one. NULL and a cleared pointer are fine.
 */
int zpat_socket_close(zpat_socket_t **socket,
                      int64_t linger_ms);

/**
 * Binds to an endpoint and writes it as it became into `bound` of `size` bytes (`ZPAT_ENDPOINT_SIZE` is enough), with
 * the port that the system chose for port 0; `bound` may be NULL. `ZPAT_E_TOO_LARGE` if it does not fit, and then
 * nothing is bound. `ZPAT_E_INVALID_ENDPOINT`, `ZPAT_E_ADDRESS_IN_USE`, `ZPAT_E_ADDRESS_NOT_AVAILABLE` or
 * `ZPAT_E_PERMISSION_DENIED` if it cannot bind.
 */
int zpat_socket_bind(const zpat_socket_t *socket,
                     const char *endpoint,
                     char *bound,
                     size_t size);

/**
 * Connects to an endpoint. The connection is made, and made again after a failure, in the background; success means
 * only that the endpoint can be read.
 */
int zpat_socket_connect(const zpat_socket_t *socket,
                        const char *endpoint);

/** Stops listening on an endpoint, given as `zpat_socket_bind` wrote it. Connections already made stay. */
int zpat_socket_unbind(const zpat_socket_t *socket, const char *endpoint);

/**
 * Ends a connection, given as it was to `zpat_socket_connect`. Messages not yet sent on it are dropped after the
 * linger.
 */
int zpat_socket_disconnect(const zpat_socket_t *socket,
                           const char *endpoint);

/** SUB: receive messages whose first frame starts with these `len` bytes; 0 bytes are every message. */
int zpat_socket_subscribe(const zpat_socket_t *socket, const void *prefix, size_t len);

/** SUB: take back one subscription with the same prefix. */
int zpat_socket_unsubscribe(const zpat_socket_t *socket, const void *prefix, size_t len);

/** The `zpat_socket_kind_t` that the socket was opened with. */
int zpat_socket_kind(const zpat_socket_t *socket);

/** The name of a `zpat_socket_kind_t`, the same in every language (`push`); `unknown` for what is none. Static text. */
const char *zpat_socket_kind_name(int kind);

/** 1 if the socket ended because its context was shut down, else 0. */
int zpat_socket_is_closed(const zpat_socket_t *socket);

/**
 * The descriptor for `poll` and event loops, of a socket opened with the option `background`. It becomes readable
 * once after `zpat_socket_arm` returned 0; seldom that is for something taken meanwhile, so arm again rather than
 * count on a message. Only poll it: reading and closing it is the library's. It lives as long as the socket.
 */
int zpat_socket_ready_fd(const zpat_socket_t *socket);

/**
 * Asks for one notice, through the descriptor or the hook, when one of `interest` (`ZPAT_RECV`, `ZPAT_SEND` or both)
 * holds. Returns those that hold already, and then no notice comes for them: take what is there and arm again; 0
 * means wait for the notice. A socket that is closed is ready for everything. Only sockets with the option
 * `background`.
 */
int zpat_socket_arm(const zpat_socket_t *socket,
                    int interest);

/**
 * Sets what is called instead of making the descriptor readable, once per notice; NULL takes it away. It is called on
 * a thread of the library: it must return at once and must not call functions of this socket (writing to a pipe or
 * signalling a condition is right). When this function returns, the hook before is not running and will not run
 * again. Only sockets with the option `background`.
 */
int zpat_socket_set_hook(const zpat_socket_t *socket,
                         zpat_hook_t hook,
                         void *user);

/* ---- Sending ---------------------------------------------------------------------------------------------- */

/**
 * Sends a message of one frame with a copy of `len` bytes from `data`, waiting for room.
 *
 * Success means that the message was handed over, not that a peer has it. `ZPAT_E_FULL` (without waiting) or
 * `ZPAT_E_TIMEOUT` if there was no room; `ZPAT_E_UNREACHABLE` if the peer addressed on a ROUTER is not connected;
 * `ZPAT_E_TOO_LARGE` above `max_message_size`; `ZPAT_E_UNSUPPORTED` on a socket that only receives. After an error
 * nothing was sent.
 */
int zpat_socket_send(const zpat_socket_t *socket,
                     const void *data,
                     size_t len,
                     int64_t timeout_ms,
                     const zpat_cancel_t *cancel);

/** Sends a message with copies of these `count` frames, as `zpat_socket_send`. */
int zpat_socket_send_multipart(const zpat_socket_t *socket,
                               const zpat_slice_t *frames,
                               size_t count,
                               int64_t timeout_ms,
                               const zpat_cancel_t *cancel);

/**
 * Sends the messages of `batch` from position `first` on, in order, and returns how many were sent. It is fewer than
 * all only if the deadline passed or an error came; the error shows when the rest is sent again. The batch keeps its
 * messages. Errors as `zpat_socket_send`, when not one was sent.
 */
int zpat_socket_send_many(const zpat_socket_t *socket,
                          zpat_batch_t *batch,
                          size_t first,
                          int64_t timeout_ms,
                          const zpat_cancel_t *cancel);

/* ---- Receiving -------------------------------------------------------------------------------------------- */

/**
 * Receives one message into `*batch` and returns 1.
 *
 * `*batch` is NULL, and then becomes a new batch that the caller frees with `zpat_batch_free`, or a batch from an
 * earlier call, which is emptied and used again; so a loop needs one pointer and one free. After an error a batch
 * that was there is empty. `ZPAT_E_TIMEOUT` if no message came in time.
 */
int zpat_socket_recv(const zpat_socket_t *socket,
                     int64_t timeout_ms,
                     const zpat_cancel_t *cancel,
                     zpat_batch_t **batch);

/**
 * Receives what is there: waits for at least one message, then takes no more than `max_messages` and stops once
 * `max_bytes` are reached. Returns the number of messages in `*batch`, which is as for `zpat_socket_recv`.
 */
int zpat_socket_recv_many(const zpat_socket_t *socket,
                          size_t max_messages,
                          size_t max_bytes,
                          int64_t timeout_ms,
                          const zpat_cancel_t *cancel,
                          zpat_batch_t **batch);

/* ---- Counters --------------------------------------------------------------------------------------------- */

/** Counters of one socket since it was opened, and what it holds now. Start from `ZPAT_SOCKET_STATS_INIT`. */
typedef struct zpat_socket_stats_t {
  /** `sizeof(zpat_socket_stats_t)`. */
  size_t struct_size;
  /** Messages handed over. */
  uint64_t sent_messages;
  /** Their bytes, without framing. */
  uint64_t sent_bytes;
  /** Messages handed to the program. */
  uint64_t received_messages;
  /** Their bytes, without framing. */
  uint64_t received_bytes;
  /** How often a send found no room and had to wait or was refused with `ZPAT_E_FULL`. */
  uint64_t send_full;
  /** Sends refused because the addressed peer is not connected. */
  uint64_t send_unreachable;
  /** Messages in the inbox of a background socket now. */
  uint64_t inbox_messages;
  /** Their bytes. */
  uint64_t inbox_bytes;
  /** How often the inbox was full and the peer was held back. */
  uint64_t inbox_full;
  /**
   * Messages dropped because the inbox was full: always 0, because a full inbox holds the peer back. Only a monitor
   * drops, and `zpat_monitor_lost` counts that.
   */
  uint64_t lost_full;
  /** Messages that were in the inbox when the socket closed: lost, because nobody took them. */
  uint64_t lost_closed;
} zpat_socket_stats_t;

/** Writes the counters of a socket into `stats`, whose `struct_size` the caller has set. */
int zpat_socket_stats(const zpat_socket_t *socket, zpat_socket_stats_t *stats);

/* ---- What happens to connections -------------------------------------------------------------------------- */

/** What happened to a socket or to one of its connections. */
typedef enum zpat_monitor_event_kind_t {
  /** A connection was established; no handshake yet. */
  ZPAT_EVENT_CONNECTED = 1,
  /** A connection attempt goes on in the background. */
  ZPAT_EVENT_CONNECT_DELAYED = 2,
  /** A connection will be tried again in `value` milliseconds. */
  ZPAT_EVENT_CONNECT_RETRIED = 3,
  /** The socket listens. */
  ZPAT_EVENT_LISTENING = 4,
  /** Listening failed with the system's error `value`. */
  ZPAT_EVENT_BIND_FAILED = 5,
  /** A peer connected; no handshake yet. */
  ZPAT_EVENT_ACCEPTED = 6,
  /** Accepting failed with the system's error `value`. */
  ZPAT_EVENT_ACCEPT_FAILED = 7,
  /** A connection or a listener was closed by us. */
  ZPAT_EVENT_CLOSED = 8,
  /** Closing failed with the system's error `value`. */
  ZPAT_EVENT_CLOSE_FAILED = 9,
  /** A connection broke. */
  ZPAT_EVENT_DISCONNECTED = 10,
  /** The handshake failed with the system's error `value`. */
  ZPAT_EVENT_HANDSHAKE_FAILED = 11,
  /** The handshake succeeded: messages can flow. */
  ZPAT_EVENT_HANDSHAKE_SUCCEEDED = 12,
  /** The peer broke the protocol; `value` is libzmq's code of how. */
  ZPAT_EVENT_HANDSHAKE_FAILED_PROTOCOL = 13,
  /** The peer was refused; `value` is the status, 300, 400 or 500. */
  ZPAT_EVENT_HANDSHAKE_FAILED_AUTH = 14,
  /** The last event: the monitored socket was closed. */
  ZPAT_EVENT_STOPPED = 15,
} zpat_monitor_event_kind_t;

/** Watches the connections of one socket. */
typedef struct zpat_monitor_t zpat_monitor_t;

/** An event. Start from `ZPAT_MONITOR_EVENT_INIT`. */
typedef struct zpat_monitor_event_t {
  /** `sizeof(zpat_monitor_event_t)`. */
  size_t struct_size;
  /** A `zpat_monitor_event_kind_t`. */
  int64_t kind;
  /** As `kind` says. */
  int64_t value;
  /** The endpoint that it happened to, with a zero at the end; may be empty, and is cut if it is longer. */
  char endpoint[ZPAT_ENDPOINT_SIZE];
} zpat_monitor_event_t;

/**
 * Watches the connections of `socket` from now on. A socket has one monitor: a new one takes over from the last. The
 * caller frees it with `zpat_monitor_close`.
 */
int zpat_monitor_open(const zpat_socket_t *socket,
                      zpat_monitor_t **monitor);

/**
 * Waits for the next event, writes it into `event`, whose `struct_size` the caller has set, and returns 1.
 * `ZPAT_E_TIMEOUT` if none came in time.
 */
int zpat_monitor_next(const zpat_monitor_t *monitor,
                      int64_t timeout_ms,
                      const zpat_cancel_t *cancel,
                      zpat_monitor_event_t *event);

/** How many events were dropped because the program left too many lying. */
int64_t zpat_monitor_lost(const zpat_monitor_t *monitor);

/**
 * Asks for one notice of the next event. 1 if an event waits already, and then no notice comes; 0 means wait for it.
 * As `zpat_socket_arm`.
 */
int zpat_monitor_arm(const zpat_monitor_t *monitor);

/** The descriptor for `poll` and event loops, as `zpat_socket_ready_fd`. It lives as long as the monitor. */
int zpat_monitor_ready_fd(const zpat_monitor_t *monitor);

/** Sets what is called instead of making the descriptor readable, as `zpat_socket_set_hook`. */
int zpat_monitor_set_hook(const zpat_monitor_t *monitor, zpat_hook_t hook, void *user);

/** The name of an event kind, the same in every language (`connected`); `unknown` for what is none. Static text. */
const char *zpat_monitor_event_name(int kind);

/**
 * Stops listening to events, frees the monitor and clears the pointer. The socket goes on. NULL and a cleared pointer
 * are fine.
 */
int zpat_monitor_close(zpat_monitor_t **monitor);

/* ---- Passing messages on ---------------------------------------------------------------------------------- */

/** A running proxy. */
typedef struct zpat_proxy_t zpat_proxy_t;

/** What a proxy has passed on. Start from `ZPAT_PROXY_STATS_INIT`. */
typedef struct zpat_proxy_stats_t {
  /** `sizeof(zpat_proxy_stats_t)`. */
  size_t struct_size;
  /** Messages from the front to the back. */
  uint64_t forward_messages;
  /** Their bytes. */
  uint64_t forward_bytes;
  /** Messages from the back to the front. */
  uint64_t backward_messages;
  /** Their bytes. */
  uint64_t backward_bytes;
  /** Messages that the capture socket had no room for. */
  uint64_t capture_lost;
  /** Messages that the other side refused: to a peer that is no longer there, or too large for it. */
  uint64_t lost_refused;
  /** Messages taken from one side when the proxy stopped, for which the other had no room. */
  uint64_t lost_stopped;
} zpat_proxy_stats_t;

/**
 * Passes messages from `front` to `back` and, as far as the socket types send and receive, from `back` to `front`, on
 * threads of its own. Each message is also sent on `capture`, which may be NULL. The sockets stay the caller's and may
 * be used meanwhile. The caller frees the proxy with `zpat_proxy_close`. `ZPAT_E_UNSUPPORTED` if no direction is
 * possible or `capture` cannot send.
 */
int zpat_proxy_start(const zpat_socket_t *front,
                     const zpat_socket_t *back,
                     const zpat_socket_t *capture,
                     zpat_proxy_t **proxy);

/**
 * Waits until the proxy ends by itself, which is when a socket of it closes. Returns 0 then, with the code of why in
 * `*reason`, which may be NULL, and its text as the last error's. `ZPAT_E_TIMEOUT` if it still runs after the wait.
 */
int zpat_proxy_wait(const zpat_proxy_t *proxy,
                    int64_t timeout_ms,
                    const zpat_cancel_t *cancel,
                    int *reason);

/** Writes what the proxy has passed on into `stats`, whose `struct_size` the caller has set. */
int zpat_proxy_stats(const zpat_proxy_t *proxy, zpat_proxy_stats_t *stats);

/**
 * Stops passing messages on, frees the proxy and clears the pointer; its sockets stay open. A message already taken
 * from one side is sent to the other if that has room at once, and else counted as lost. Nobody may be waiting in
 * `zpat_proxy_wait`. NULL and a cleared pointer are fine.
 */
int zpat_proxy_close(zpat_proxy_t **proxy);

/* ---- CURVE keys ------------------------------------------------------------------------------------------- */

/** Bytes of a CURVE key as text, 40 characters of Z85 and a zero. */
#define ZPAT_CURVE_KEY_SIZE 41

/** Makes a CURVE key pair from the system's random source. Both buffers have `ZPAT_CURVE_KEY_SIZE` bytes. */
int zpat_curve_keypair(char *public_key, char *secret_key);

/** Writes the public key that belongs to a secret one into a buffer of `ZPAT_CURVE_KEY_SIZE` bytes. */
int zpat_curve_public(char *public_key, const char *secret_key);

/* ---- Who may connect -------------------------------------------------------------------------------------- */

/** Decides which peers may connect to the server sockets of a context. */
typedef struct zpat_authenticator_t zpat_authenticator_t;

/** Decisions so far. Start from `ZPAT_AUTHENTICATOR_STATS_INIT`. */
typedef struct zpat_authenticator_stats_t {
  /** `sizeof(zpat_authenticator_stats_t)`. */
  size_t struct_size;
  /** Peers let in. */
  uint64_t allowed;
  /** Refused: the address is denied, or not among those allowed. */
  uint64_t denied_address;
  /** Refused: no such user, or another password. */
  uint64_t denied_user;
  /** Refused: the key is not among those allowed. */
  uint64_t denied_key;
  /** Refused: the request made no sense. */
  uint64_t denied_malformed;
} zpat_authenticator_stats_t;

/**
 * Starts the authenticator of a context. It refuses everybody until told otherwise. The caller frees it with
 * `zpat_authenticator_close`. `ZPAT_E_ADDRESS_IN_USE` if the context has one. Sockets with the options `plain_server`
 * or `curve_server` can be opened only afterwards.
 */
int zpat_authenticator_open(const zpat_context_t *context,
                            zpat_authenticator_t **authenticator);

/**
 * Lets peers from this IPv4 or IPv6 address in, as far as user or key allow. With one address allowed, all others are
 * refused.
 */
int zpat_authenticator_allow_address(const zpat_authenticator_t *authenticator,
                                     const char *address);

/** Refuses peers from this address, whatever else is allowed. */
int zpat_authenticator_deny_address(const zpat_authenticator_t *authenticator, const char *address);

/** Lets a PLAIN user with this password in; replaces an earlier password. Both have at most 255 bytes. */
int zpat_authenticator_allow_user(const zpat_authenticator_t *authenticator,
                                  const char *name,
                                  const char *password);

/** Refuses this user from now on; connections that exist stay. */
int zpat_authenticator_remove_user(const zpat_authenticator_t *authenticator, const char *name);

/** Lets the CURVE client with this public key in: 40 characters of Z85. */
int zpat_authenticator_allow_key(const zpat_authenticator_t *authenticator, const char *public_key);

/** Refuses this key from now on; connections that exist stay. */
int zpat_authenticator_remove_key(const zpat_authenticator_t *authenticator, const char *public_key);

/** Lets every CURVE client in: encryption without authentication. */
int zpat_authenticator_allow_any_key(const zpat_authenticator_t *authenticator);

/** Writes the decisions so far into `stats`, whose `struct_size` the caller has set. */
int zpat_authenticator_stats(const zpat_authenticator_t *authenticator,
                             zpat_authenticator_stats_t *stats);

/**
 * Stops the authenticator, frees it and clears the pointer. From now on nobody new gets into a server socket of the
 * context; connections that exist stay. NULL and a cleared pointer are fine.
 */
int zpat_authenticator_close(zpat_authenticator_t **authenticator);

/* ---- Request-reply: programs with older protocols --------------------------------------------------------- */

/** Who connects to a plain endpoint. */
typedef enum zpat_side_t {
  /** Those who ask: REQ, or DEALER with an empty frame before the question, or without. */
  ZPAT_SIDE_CLIENTS = 0,
  /** Those who answer: DEALER as 6/PPP has it, or REQ that says that it is ready. */
  ZPAT_SIDE_WORKERS = 1,
} zpat_side_t;

/**
 * An endpoint of a broker for programs whose protocol nothing tells from others: bare clients, and the workers of the
 * Simple and the Paranoid Pirate. The texts are read while the broker is opened, not later, and stay the caller's.
 */
typedef struct zpat_plain_endpoint_t {
  /** Where they connect to. */
  const char *endpoint;
  /** A `zpat_side_t`: who they are. */
  int side;
  /** What they ask for, or offer. 1 to 255 bytes. */
  const char *service;
} zpat_plain_endpoint_t;

/**
 * A server that speaks the Freelance protocol, 10/FLP, for a client to ask. The texts are read while the client is
 * opened, not later, and stay the caller's.
 */
typedef struct zpat_freelance_server_t {
  /** Where it is. */
  const char *endpoint;
  /** What it is asked for. 1 to 255 bytes. */
  const char *service;
  /** How many requests it is given at once. 1 or more. */
  uint32_t credit;
} zpat_freelance_server_t;

/* ---- Request-reply: options ------------------------------------------------------------------------------- */

/** How requests are spread over those that offer the same service. */
typedef enum zpat_balance_t {
  /** To the one that was given nothing for the longest time, if it has room. */
  ZPAT_BALANCE_LEAST_RECENTLY_USED = 0,
  /** To the one with the largest share of its credit free. */
  ZPAT_BALANCE_MOST_FREE = 1,
  /** To the same one for the same key, for as long as it is there; without a key as if least recently used. */
  ZPAT_BALANCE_STICKY = 2,
} zpat_balance_t;

/** How a client is set up. Start from `ZPAT_CLIENT_OPTIONS_INIT`. */
typedef struct zpat_client_options_t {
  /** `sizeof(zpat_client_options_t)`. */
  size_t struct_size;
  /**
   * A broker or worker that owes a sign of life is asked for one after this much silence, in milliseconds. 1 or
   * more.
   */
  int64_t heartbeat_interval;
  /** After how many silent intervals it counts as dead. 2 or more. */
  int64_t heartbeat_limit;
  /** Requests that may be open at once; another ends with `ZPAT_E_FULL`. */
  int64_t max_requests;
  /** Bytes of open requests. */
  int64_t max_bytes;
  /** A `zpat_balance_t`, for where the client knows several workers or brokers. */
  int64_t balance;
  /**
   * Servers of the Freelance pattern to ask, beside those that the client is connected to. NULL, the default, is
   * none.
   */
  const zpat_freelance_server_t *freelance;
  /** How many those are. */
  size_t freelance_count;
} zpat_client_options_t;

/** How a worker is set up. Start from `ZPAT_WORKER_OPTIONS_INIT`. */
typedef struct zpat_worker_options_t {
  /** `sizeof(zpat_worker_options_t)`. */
  size_t struct_size;
  /**
   * A broker or client that owes a sign of life is asked for one after this much silence, in milliseconds. 1 or
   * more.
   */
  int64_t heartbeat_interval;
  /** After how many silent intervals it counts as dead. 2 or more. */
  int64_t heartbeat_limit;
  /** How many jobs it takes at once from each broker or client; the first is being done, the others are at hand. */
  int64_t credit;
  /** How many jobs it holds at once in all. */
  int64_t max_jobs;
  /** How many clients may connect to a worker that binds. */
  int64_t max_clients;
} zpat_worker_options_t;

/**
 * How a broker is set up. What is beyond a bound is refused with `ZPAT_E_FULL` and a hint when to ask again. Start
 * from `ZPAT_BROKER_OPTIONS_INIT`.
 */
typedef struct zpat_broker_options_t {
  /** `sizeof(zpat_broker_options_t)`. */
  size_t struct_size;
  /** A worker that owes a sign of life is asked for one after this much silence, in milliseconds. 1 or more. */
  int64_t heartbeat_interval;
  /** After how many silent intervals it counts as dead. 2 or more. */
  int64_t heartbeat_limit;
  /** A `zpat_balance_t`: how requests are spread over the workers of a service. */
  int64_t balance;
  /** Requests held at once in all. */
  int64_t max_requests;
  /** Bytes of requests held at once in all. */
  int64_t max_bytes;
  /** Requests that wait for one service. */
  int64_t max_waiting;
  /** Bytes of requests that wait for one service. */
  int64_t max_waiting_bytes;
  /** How long a request may wait for a worker, in milliseconds. */
  int64_t max_age;
  /** Requests of one client at once. */
  int64_t max_per_client;
  /** Clients and workers connected at once. */
  int64_t max_peers;
  /** Bytes of answers that a client has not fetched; requests whose answers come beyond fail with `ZPAT_E_FULL`. */
  int64_t max_unfetched;
  /** Answers kept for requests that are run once. */
  int64_t max_cached;
  /** Bytes of those answers. */
  int64_t max_cached_bytes;
  /** How long they are kept, in milliseconds. */
  int64_t max_cached_age;
  /**
   * The file of the store for durable requests and their answers, a path as `open(2)` takes it; the file is made if
   * it is not there. The text is read while the broker is opened, not later, and stays the caller's. NULL, the
   * default, is no store: then durable requests are refused with `ZPAT_E_UNSUPPORTED`.
   */
  const char *store;
  /** Durable requests and answers kept at once, in the store and in memory. */
  int64_t max_stored;
  /** Bytes of those. */
  int64_t max_stored_bytes;
  /**
   * How long an answer is kept in the store that nobody fetches, in milliseconds. One that was fetched goes when its
   * place is needed, at the latest after `max_cached_age`.
   */
  int64_t max_stored_age;
  /** Endpoints for programs with older protocols that cannot share one. NULL, the default, is none. */
  const zpat_plain_endpoint_t *plain;
  /** How many those are. */
  size_t plain_count;
} zpat_broker_options_t;

/** Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_CLIENT_OPTIONS_INIT` does. */
int zpat_client_options_init(zpat_client_options_t *options, size_t struct_size);

/** Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_WORKER_OPTIONS_INIT` does. */
int zpat_worker_options_init(zpat_worker_options_t *options, size_t struct_size);

/** Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_BROKER_OPTIONS_INIT` does. */
int zpat_broker_options_init(zpat_broker_options_t *options, size_t struct_size);

/* ---- Request-reply: counters ------------------------------------------------------------------------------ */

/**
 * Requests by what became of them, at a client or a broker. Always: `accepted` is `delivered` and `held` and all
 * that is lost together. Start from `ZPAT_REQREP_COUNTERS_INIT`.
 */
typedef struct zpat_reqrep_counters_t {
  /** `sizeof(zpat_reqrep_counters_t)`. */
  size_t struct_size;
  /** Taken responsibility for. */
  uint64_t accepted;
  /** Answered by a worker, with a reply or with an error of its own. */
  uint64_t delivered;
  /** How often one was given to another worker or broker after the last was lost. */
  uint64_t redelivered;
  /** Still open. */
  uint64_t held;
  /** Of those, given to nobody yet. */
  uint64_t waiting;
  /** Refused because too many were there; not accepted. */
  uint64_t refused_full;
  /** Refused for another reason; not accepted. */
  uint64_t refused_other;
  /** Answers of workers that had been given up, and that were used. */
  uint64_t late_used;
  /** Answers that nobody waited for. */
  uint64_t late_dropped;
  /** Requests answered from the cache of those that are run once. */
  uint64_t from_cache;
  /** Requests that joined another of the same key. */
  uint64_t joined;
  /** Lost: the deadline passed. */
  uint64_t lost_deadline;
  /** Lost: it waited longer than a request may. */
  uint64_t lost_age;
  /** Lost: nobody offered the service for as long as it would wait. */
  uint64_t lost_no_service;
  /** Lost: workers were lost as often as it may be given to one. */
  uint64_t lost_attempts;
  /** Lost: a worker, or a broker, said that it failed. */
  uint64_t lost_responder;
  /** Lost: who asked took it back. */
  uint64_t lost_cancelled;
  /** Lost: who asked is gone. */
  uint64_t lost_asker_gone;
  /** Lost: the handle was closed. */
  uint64_t lost_closed;
  /** Messages that made no sense. */
  uint64_t malformed;
  /** Durable requests and their answers that are in the broker's store, or on their way into it. */
  uint64_t stored;
} zpat_reqrep_counters_t;

/** What a worker did so far. Start from `ZPAT_WORKER_COUNTERS_INIT`. */
typedef struct zpat_worker_counters_t {
  /** `sizeof(zpat_worker_counters_t)`. */
  size_t struct_size;
  /** Jobs taken. */
  uint64_t accepted;
  /** Jobs answered. */
  uint64_t answered;
  /** Jobs here: given to the program, or waiting for it. */
  uint64_t held;
  /** Jobs of which the worker was told that nobody waits any more. */
  uint64_t cancelled;
  /** Answers whose client is gone. */
  uint64_t lost_asker_gone;
  /** Jobs not taken because too many were here, or because the worker leaves. */
  uint64_t refused;
  /** Messages that made no sense. */
  uint64_t malformed;
} zpat_worker_counters_t;

/* ---- Request-reply: requests and what comes of them ------------------------------------------------------- */

/** What is wanted of a request. All but asking is for durable requests: it needs a key, and a broker with a store. */
typedef enum zpat_task_t {
  /** Do it, and answer. */
  ZPAT_TASK_ASK = 0,
  /** Store it, as `zpat_client_store` does; the outcome is `ZPAT_OUTCOME_ACCEPTED`. */
  ZPAT_TASK_STORE = 1,
  /** The outcome of the one that is stored under service and key, as `zpat_client_fetch`. It takes no frames. */
  ZPAT_TASK_FETCH = 2,
  /**
   * Forget the one that is stored under service and key, as `zpat_client_discard`; the outcome is
   * `ZPAT_OUTCOME_ACCEPTED`. It takes no frames.
   */
  ZPAT_TASK_DISCARD = 3,
} zpat_task_t;

/** What came of a request. */
typedef enum zpat_outcome_kind_t {
  /** Nothing: the call failed. The request is as the call says. */
  ZPAT_OUTCOME_NONE = 0,
  /** A worker answered; its answer is in the batch. */
  ZPAT_OUTCOME_REPLY = 1,
  /** A worker says that it cannot be done: `code` is the worker's own, and so are the frames in the batch. */
  ZPAT_OUTCOME_ERROR = 2,
  /** No worker answered, because of `error`; `may_have_run` says whether one may have begun. */
  ZPAT_OUTCOME_FAILED = 3,
  /** Some of the answer, in the batch; more follows. */
  ZPAT_OUTCOME_PARTIAL = 4,
  /** What was to be stored or discarded is: the broker has it on its disk. The batch is empty. */
  ZPAT_OUTCOME_ACCEPTED = 5,
} zpat_outcome_kind_t;

/** How a request is made. Start from `ZPAT_REQUEST_OPTIONS_INIT`. */
typedef struct zpat_request_options_t {
  /** `sizeof(zpat_request_options_t)`. */
  size_t struct_size;
  /** How long an answer is of use, in milliseconds. The outcome is there by then. Default 30000. */
  int64_t deadline;
  /**
   * How long it may wait while nobody offers the service, in milliseconds. -1, the default, is as long as
   * `deadline`.
   */
  int64_t patience;
  /** How often it may be given to a worker, if workers are lost: 1 is at most once. 1 to 255, default 3. */
  int64_t attempts;
  /** How often to ask again, after a pause, where a queue was full. 0 to 255, default 3. */
  int64_t retries;
  /**
   * 1: stored by the broker before it is given to a worker, and answered once for its service and `key`, also if the
   * broker is lost meanwhile. It needs a key, and fails with `ZPAT_E_UNSUPPORTED` where nothing is stored.
   */
  int64_t durable;
  /**
   * 1: run once for all requests of the same service and `key`, which a broker sees to; without one it fails with
   * `ZPAT_E_UNSUPPORTED`.
   */
  int64_t once;
  /**
   * By which it is kept to one worker, run once, or stored; at most 255 bytes, read during the call. NULL is none,
   * the default.
   */
  zpat_slice_t key;
  /**
   * A `zpat_task_t`; `ZPAT_TASK_ASK` is the default. With another, `zpat_client_submit` and `zpat_client_post` do
   * from an event loop what `zpat_client_store`, `zpat_client_fetch` and `zpat_client_discard` wait for. `deadline`
   * and `patience` of a fetch or a discard are for the wait alone: what is stored keeps its own.
   */
  int64_t task;
} zpat_request_options_t;

/** What came of a request, beside the frames. Start from `ZPAT_OUTCOME_INIT`. */
typedef struct zpat_outcome_t {
  /** `sizeof(zpat_outcome_t)`. */
  size_t struct_size;
  /** A `zpat_outcome_kind_t`. */
  int64_t kind;
  /** A `zpat_error_t`: `ZPAT_OK`, `ZPAT_E_JOB_FAILED` for a worker's own error, or why the request failed. */
  int64_t error;
  /** Which request; 0 from a call that makes one and waits. */
  int64_t ticket;
  /** The worker's own error code, 0 to 4294967295; `ZPAT_JOB_DROPPED` if it gave no answer. 0 without an error. */
  int64_t code;
  /**
   * Of a partial answer: tells one worker's from another's. If it changes, a worker was lost and the answer starts
   * over.
   */
  int64_t run;
  /** Of a failure: 0 if no worker was ever sent the request, else 1. */
  int64_t may_have_run;
  /** Of a failure: when it may be worth trying again, in milliseconds; 0 is unknown. */
  int64_t retry_after_ms;
} zpat_outcome_t;

/** Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_REQUEST_OPTIONS_INIT` does. */
int zpat_request_options_init(zpat_request_options_t *options,
                              size_t struct_size);

/* ---- Request-reply: clients ------------------------------------------------------------------------------- */

/** Asks brokers, or workers that bind. Any number of threads may use it at the same time. */
typedef struct zpat_client_t zpat_client_t;

/**
 * Opens a client of `count` endpoints of brokers or of workers that bind, at least one unless `options` have servers
 * of the Freelance pattern. It connects in the background. `options` may be NULL for the defaults. The caller frees it
 * with `zpat_client_close`. `ZPAT_E_INVALID_ENDPOINT` if an endpoint cannot be read.
 */
int zpat_client_open(const zpat_context_t *context,
                     const char *const *endpoints,
                     size_t count,
                     const zpat_client_options_t *options,
                     zpat_client_t **client);

/**
 * Asks for `service`, a name of 1 to 255 bytes, with copies of these `count` frames, of which there may be none, and
 * waits for the outcome, which is there by the deadline in `options` (NULL for the defaults).
 *
 * Returns 0 for a reply. Else the negative `zpat_error_t` of how the request ended, `ZPAT_E_JOB_FAILED` for a
 * worker's own error, or of why the call failed. `outcome`, which may be NULL, tells the two apart, and more.
 * `*body` gets the frames of a reply or of a worker's error as one message; it is NULL or a batch, as for
 * `zpat_socket_recv`. Partial answers are put together.
 *
 * If `cancel` fires or a signal arrives first, the request is taken back, also at the worker, and fails with
 * `ZPAT_E_CANCELLED`; `outcome` says whether it may have run. With `zpat_client_submit` and `zpat_client_wait` it goes
 * on.
 */
int zpat_client_request(const zpat_client_t *client,
                        const char *service,
                        const zpat_slice_t *frames,
                        size_t count,
                        const zpat_request_options_t *options,
                        const zpat_cancel_t *cancel,
                        zpat_batch_t **body,
                        zpat_outcome_t *outcome);

/**
 * Asks, as `zpat_client_request`, and goes on. Returns the ticket of the request, 1 or more, for `zpat_client_wait`,
 * which has to be called until the outcome is there, or `zpat_client_forget`.
 */
int64_t zpat_client_submit(const zpat_client_t *client,
                           const char *service,
                           const zpat_slice_t *frames,
                           size_t count,
                           const zpat_request_options_t *options);

/**
 * Asks, as `zpat_client_request`, and goes on. Returns the ticket of the request, 1 or more; `zpat_client_next` brings
 * the answer among those to other requests.
 */
int64_t zpat_client_post(const zpat_client_t *client,
                         const char *service,
                         const zpat_slice_t *frames,
                         size_t count,
                         const zpat_request_options_t *options);

/**
 * Waits for what comes next of a submitted request, and returns 1: a part of the answer, or how it ended, and
 * nothing follows that. `*body` gets the frames as one message; it is NULL or a batch, as for `zpat_socket_recv`.
 * `outcome`, whose `struct_size` the caller has set, gets the rest; if the request failed, its text is the last
 * error's.
 *
 * `ZPAT_E_TIMEOUT` if nothing came in time: the request goes on, wait again. `ZPAT_E_NOT_FOUND` if its outcome was
 * taken. One thread waits for a ticket at a time.
 */
int zpat_client_wait(const zpat_client_t *client,
                     int64_t ticket,
                     int64_t timeout_ms,
                     const zpat_cancel_t *cancel,
                     zpat_batch_t **body,
                     zpat_outcome_t *outcome);

/**
 * Waits for what comes next of any posted request, and returns 1, as `zpat_client_wait`; `outcome` has its ticket.
 * `ZPAT_E_TIMEOUT` if nothing came in time. With 0 for `timeout_ms` it takes what is there, after a notice in an event
 * loop: until `ZPAT_E_TIMEOUT`, then arm again.
 */
int zpat_client_next(const zpat_client_t *client,
                     int64_t timeout_ms,
                     const zpat_cancel_t *cancel,
                     zpat_batch_t **body,
                     zpat_outcome_t *outcome);

/**
 * Takes a request back, also at the worker. Its outcome is a failure with `ZPAT_E_CANCELLED`, unless another came
 * first.
 */
int zpat_client_cancel(const zpat_client_t *client,
                       int64_t ticket);

/** Takes a submitted request back, and drops its outcome: nobody waits for it any more. */
int zpat_client_forget(const zpat_client_t *client, int64_t ticket);

/** Writes what became of the requests so far into `counters`, whose `struct_size` the caller has set. */
int zpat_client_counters(const zpat_client_t *client, zpat_reqrep_counters_t *counters);

/**
 * Asks for one notice when `zpat_client_next` has something. 1 if it has already, and then no notice comes; 0 means
 * wait for it. As `zpat_socket_arm`.
 */
int zpat_client_arm(const zpat_client_t *client);

/** The descriptor for `poll` and event loops, as `zpat_socket_ready_fd`. It lives as long as the client. */
int zpat_client_ready_fd(const zpat_client_t *client);

/**
 * Sets what is called instead of making the descriptor readable, as `zpat_socket_set_hook`. It may also run on a
 * thread that makes or cancels a request.
 */
int zpat_client_set_hook(const zpat_client_t *client,
                         zpat_hook_t hook,
                         void *user);

/**
 * Closes a client, frees it and clears the pointer. Requests that are open have no outcome: every wait ends with
 * `ZPAT_E_CLOSED`. NULL and a cleared pointer are fine.
 */
int zpat_client_close(zpat_client_t **client);

/* ---- Request-reply: requests that outlive the broker ------------------------------------------------------ */

/**
 * Leaves a durable request with a broker that has a store, and waits until it is on the broker's disk. `options` have
 * its key, which it needs; their `task` is not looked at. Otherwise as `zpat_client_request`.
 *
 * Returns 0, with `ZPAT_OUTCOME_ACCEPTED` in `outcome`, which may be NULL. From then on it is done, also if the client
 * and the broker are lost, until its deadline has passed. Who knows service and key can fetch the outcome with
 * `zpat_client_fetch`, or ask again: a key is stored once. `ZPAT_E_UNSUPPORTED` where nothing is stored.
 *
 * If `cancel` fires or a signal arrives first, it fails with `ZPAT_E_CANCELLED` and may be stored nevertheless: store
 * it again, or discard it.
 */
int zpat_client_store(const zpat_client_t *client,
                      const char *service,
                      const zpat_slice_t *frames,
                      size_t count,
                      const zpat_request_options_t *options,
                      const zpat_cancel_t *cancel,
                      zpat_outcome_t *outcome);

/**
 * Waits for the outcome of the durable request with this service and key, for at most `patience_ms`, which is not
 * negative. The broker keeps it for some time, and tells it to whoever fetches it. The result, `body` and `outcome`
 * are as of `zpat_client_request`.
 *
 * `ZPAT_E_NOT_FOUND` if there is no such request, `ZPAT_E_TIMEOUT` if it has no outcome in time: it goes on, fetch
 * again. `ZPAT_E_CANCELLED` if `cancel` fires or a signal arrives first; it goes on, too.
 */
int zpat_client_fetch(const zpat_client_t *client,
                      const char *service,
                      zpat_slice_t key,
                      int64_t patience_ms,
                      const zpat_cancel_t *cancel,
                      zpat_batch_t **body,
                      zpat_outcome_t *outcome);

/**
 * Forgets the durable request with this service and key, and its outcome; a worker that has it is told that nobody
 * waits. Waits until the broker's disk has forgotten it, for at most `patience_ms`, which is not negative.
 *
 * Returns 0, with `ZPAT_OUTCOME_ACCEPTED` in `outcome`, which may be NULL, also if there is no such request. Who waits
 * for its outcome elsewhere is told `ZPAT_E_CANCELLED`.
 */
int zpat_client_discard(const zpat_client_t *client,
                        const char *service,
                        zpat_slice_t key,
                        int64_t patience_ms,
                        const zpat_cancel_t *cancel,
                        zpat_outcome_t *outcome);

/* ---- Request-reply: jobs ---------------------------------------------------------------------------------- */

/** The error code of a job that was freed without an answer. */
#define ZPAT_JOB_DROPPED UINT32_MAX

/** A request to be answered once, by any thread. Answering it frees it, so no other call may be using it then. */
typedef struct zpat_job_t zpat_job_t;

/** What is asked for. The bytes belong to the job, as those of `zpat_job_key` and `zpat_job_frame`. */
zpat_slice_t zpat_job_service(const zpat_job_t *job);

/** The key of the request; may be empty. */
zpat_slice_t zpat_job_key(const zpat_job_t *job);

/** Number of frames of the question; 0 for NULL. */
size_t zpat_job_frame_count(const zpat_job_t *job);

/**
 * A frame of the question, by position from 0. If there is no such frame, `data` is NULL; for an empty frame it is
 * not.
 */
zpat_slice_t zpat_job_frame(const zpat_job_t *job,
                            size_t frame);

/** How long the answer is still of use, in milliseconds; 0 if it no longer is. */
int64_t zpat_job_remaining_ms(const zpat_job_t *job);

/** 1 if nobody waits for the answer any more, else 0. */
int zpat_job_is_cancelled(const zpat_job_t *job);

/**
 * Waits until nobody waits for the answer any more. `ZPAT_E_TIMEOUT` if that is not so in time, `ZPAT_E_CLOSED` if the
 * worker closed. It has to end before another thread answers the job: fire its `cancel` first.
 */
int zpat_job_wait_cancelled(const zpat_job_t *job,
                            int64_t timeout_ms,
                            const zpat_cancel_t *cancel);

/**
 * Calls `hook` with `user` once, as soon as nobody waits for the answer any more, or the job or its worker has come to
 * its end; at once, on this thread, if that is so. It must return at once and must not call functions of this job or its
 * worker. NULL takes it away. When this function, or one that frees the job, returns, the hook before is not running and
 * will not run again.
 */
int zpat_job_set_hook(const zpat_job_t *job,
                      zpat_hook_t hook,
                      void *user);

/** Sends some of the answer, with copies of these `count` frames. */
int zpat_job_send_partial(const zpat_job_t *job, const zpat_slice_t *frames, size_t count);

/**
 * Answers with copies of these `count` frames, of which there may be none, or sends the rest of an answer; frees the
 * job and clears the pointer. The frames may be the job's own. `ZPAT_E_CLOSED` if the worker was closed: the job was
 * given to another. After `ZPAT_E_INVALID_ARGUMENT` the job is still there.
 */
int zpat_job_reply(zpat_job_t **job,
                   const zpat_slice_t *frames,
                   size_t count);

/**
 * Says that it cannot be done, with a code of the program's own and copies of these `count` frames, of which there
 * may be none; the first, if it is text, is shown to people. Otherwise as `zpat_job_reply`.
 */
int zpat_job_fail(zpat_job_t **job,
                  uint32_t code,
                  const zpat_slice_t *frames,
                  size_t count);

/**
 * Frees a job and clears the pointer. One that was not answered ends with the error code `ZPAT_JOB_DROPPED`. NULL
 * and a cleared pointer are fine.
 */
int zpat_job_free(zpat_job_t **job);

/* ---- Request-reply: workers ------------------------------------------------------------------------------- */

/** Answers requests for one service. Any number of threads may use it at the same time, each with jobs of its own. */
typedef struct zpat_worker_t zpat_worker_t;

/**
 * Opens a worker of the brokers at `count` endpoints, at least one, for `service`, a name of 1 to 255 bytes. It
 * connects in the background. `options` may be NULL for the defaults. The caller frees it with `zpat_worker_close`.
 * `ZPAT_E_INVALID_ENDPOINT` if an endpoint cannot be read.
 */
int zpat_worker_connect(const zpat_context_t *context,
                        const char *const *endpoints,
                        size_t count,
                        const char *service,
                        const zpat_worker_options_t *options,
                        zpat_worker_t **worker);

/**
 * Opens a worker that is its own server, without a broker: clients connect to `endpoint`. Otherwise as
 * `zpat_worker_connect`, with the errors of `zpat_socket_bind`.
 */
int zpat_worker_bind(const zpat_context_t *context,
                     const char *endpoint,
                     const char *service,
                     const zpat_worker_options_t *options,
                     zpat_worker_t **worker);

/**
 * Writes where clients reach a worker that binds, with the port that the system chose, into `buffer` of `size`
 * bytes; `ZPAT_ENDPOINT_SIZE` is enough. `ZPAT_E_NOT_FOUND` for a worker that connects, `ZPAT_E_TOO_LARGE` if it
 * does not fit.
 */
int zpat_worker_endpoint(const zpat_worker_t *worker,
                         char *buffer,
                         size_t size);

/**
 * Waits for the next job, and returns 1. `*job` becomes a handle that the caller answers or frees, in any order among
 * several. `ZPAT_E_TIMEOUT` if none came in time; `ZPAT_E_CLOSED` after `zpat_worker_leave` when all is done.
 */
int zpat_worker_next(const zpat_worker_t *worker,
                     int64_t timeout_ms,
                     const zpat_cancel_t *cancel,
                     zpat_job_t **job);

/** Takes no more jobs. Those that are here are to be done; then `zpat_worker_next` ends with `ZPAT_E_CLOSED`. */
int zpat_worker_leave(const zpat_worker_t *worker);

/** Writes what the worker did so far into `counters`, whose `struct_size` the caller has set. */
int zpat_worker_counters(const zpat_worker_t *worker, zpat_worker_counters_t *counters);

/**
 * Asks for one notice when `zpat_worker_next` has something. 1 if it has already, and then no notice comes; 0 means
 * wait for it. As `zpat_socket_arm`.
 */
int zpat_worker_arm(const zpat_worker_t *worker);

/** The descriptor for `poll` and event loops, as `zpat_socket_ready_fd`. It lives as long as the worker. */
int zpat_worker_ready_fd(const zpat_worker_t *worker);

/**
 * Sets what is called instead of making the descriptor readable, as `zpat_socket_set_hook`. It may also run on a
 * thread that answers a job.
 */
int zpat_worker_set_hook(const zpat_worker_t *worker,
                         zpat_hook_t hook,
                         void *user);

/**
 * Closes a worker where it is, frees it and clears the pointer. Jobs that are here are given to others; their handles
 * still have to be freed. Every wait ends with `ZPAT_E_CLOSED`. NULL and a cleared pointer are fine.
 */
int zpat_worker_close(zpat_worker_t **worker);

/* ---- Request-reply: many at once -------------------------------------------------------------------------- */

/** How one job ends, for `zpat_worker_answer_many`. It does not grow. */
typedef struct zpat_answer_t {
  /** The job. The call frees it and clears the pointer. */
  zpat_job_t *job;
  /** `ZPAT_OUTCOME_REPLY`, as by `zpat_job_reply`, or `ZPAT_OUTCOME_ERROR`, as by `zpat_job_fail`. */
  int64_t kind;
  /** Of an error: a code of the program's own, 0 to 4294967295. */
  int64_t code;
  /** The frames, which are copied; there may be none, and they may be those of a job in the same array. */
  const zpat_slice_t *frames;
  /** How many frames. */
  size_t count;
} zpat_answer_t;

/**
 * Posts a request for `service` for each message of `questions`, as `zpat_client_post` does with one; `options`,
 * which have no task but asking, are for all of them. The batch keeps its messages. `ZPAT_E_INVALID_ARGUMENT`, and no
 * request, if one of the arguments makes no sense.
 *
 * Returns the ticket of the first request, 1 or more; each of the others has the next number. 0 for an empty batch.
 */
int64_t zpat_client_post_many(const zpat_client_t *client,
                              const char *service,
                              const zpat_batch_t *questions,
                              const zpat_request_options_t *options);

/**
 * Waits for what comes next of any posted request, and takes what is there besides. Returns how many came, 1 to
 * `max_outcomes`, which is the room in the caller's array `outcomes`; `struct_size` of its first element is set, and
 * holds for all. `*bodies`, NULL or a batch as for `zpat_socket_recv`, gets as many messages: message `i` belongs to
 * `outcomes[i]`.
 *
 * Their bodies are as of `zpat_client_next`, except that the message of a failure is its text, in one frame: a
 * failure is no error of this call, and the last error stays as it was. `ZPAT_E_TIMEOUT` if nothing came in time.
 */
int zpat_client_next_many(const zpat_client_t *client,
                          size_t max_outcomes,
                          int64_t timeout_ms,
                          const zpat_cancel_t *cancel,
                          zpat_batch_t **bodies,
                          zpat_outcome_t *outcomes);

/**
 * Keeps requests back that are made from now on, by any thread, to send them together with `zpat_client_uncork`, which
 * costs less than one by one. They leave earlier if there are many, or if something else is to be sent. Corks are
 * counted, and each is to be taken away soon: deadlines run.
 */
int zpat_client_cork(const zpat_client_t *client);

/** Undoes one `zpat_client_cork`. */
int zpat_client_uncork(const zpat_client_t *client);

/**
 * Waits for the next job, and takes those that are there besides. Returns how many came, 1 to `max_jobs`, which is the
 * room in the caller's array `jobs`. As many of its elements become handles that the caller answers or frees, in any
 * order; the others, and all after an error, stay as they were. Otherwise as `zpat_worker_next`.
 */
int zpat_worker_next_many(const zpat_worker_t *worker,
                          size_t max_jobs,
                          int64_t timeout_ms,
                          const zpat_cancel_t *cancel,
                          zpat_job_t **jobs);

/**
 * Answers `count` jobs of this worker at once; frees them and clears their pointers in the caller's array.
 *
 * After `ZPAT_E_INVALID_ARGUMENT` all jobs are still there, unless one was another worker's: then all are freed
 * without an answer. `ZPAT_E_CLOSED` if the worker was closed: the jobs were given to others.
 */
int zpat_worker_answer_many(const zpat_worker_t *worker,
                            zpat_answer_t *answers,
                            size_t count);

/**
 * Keeps answers back that are given from now on, by any thread, to send them together with `zpat_worker_uncork`.
 * Otherwise as `zpat_client_cork`.
 */
int zpat_worker_cork(const zpat_worker_t *worker);

/** Undoes one `zpat_worker_cork`. */
int zpat_worker_uncork(const zpat_worker_t *worker);

/* ---- Request-reply: brokers ------------------------------------------------------------------------------- */

/** Takes requests from clients and gives them to workers; both connect to it. It works on threads of the context. */
typedef struct zpat_broker_t zpat_broker_t;

/**
 * Opens a broker at `count` endpoints, at least one, and at the plain ones of its options; with a store, once it has
 * read that. `options` may be NULL for the defaults. The caller frees it with `zpat_broker_close`. Errors as
 * `zpat_socket_bind`. Of the store: `ZPAT_E_WRONG_STATE` if it is open already, here or in another process;
 * `ZPAT_E_CORRUPT` if it is damaged, or no store of this version, and it is left as it is.
 */
int zpat_broker_bind(const zpat_context_t *context,
                     const char *const *endpoints,
                     size_t count,
                     const zpat_broker_options_t *options,
                     zpat_broker_t **broker);

/**
 * Writes where the broker is reached, with the port that the system chose, into `buffer` of `size` bytes;
 * `ZPAT_ENDPOINT_SIZE` is enough. `index` counts from 0 in the order of `zpat_broker_bind`, and then of the plain
 * endpoints; `ZPAT_E_NOT_FOUND` if there is no such endpoint, `ZPAT_E_TOO_LARGE` if it does not fit.
 */
int zpat_broker_endpoint(const zpat_broker_t *broker,
                         size_t index,
                         char *buffer,
                         size_t size);

/** Number of workers connected now. */
int zpat_broker_workers(const zpat_broker_t *broker);

/** Writes what became of the requests so far into `counters`, whose `struct_size` the caller has set. */
int zpat_broker_counters(const zpat_broker_t *broker, zpat_reqrep_counters_t *counters);

/**
 * Takes no more requests, and waits until those that are here are answered. `ZPAT_E_TIMEOUT` if they were not in time;
 * it goes on draining.
 */
int zpat_broker_drain(const zpat_broker_t *broker,
                      int64_t timeout_ms,
                      const zpat_cancel_t *cancel);

/**
 * Waits until the broker ends, because it was closed or its context shut down: what a program does that is only a
 * broker. `ZPAT_E_TIMEOUT` if it still runs after the wait.
 */
int zpat_broker_wait(const zpat_broker_t *broker,
                     int64_t timeout_ms,
                     const zpat_cancel_t *cancel);

/**
 * Closes a broker where it is, frees it and clears the pointer. Clients are told, and may ask another. NULL and a
 * cleared pointer are fine.
 */
int zpat_broker_close(zpat_broker_t **broker);

/* ---- Request-reply: counters of each service and peer ----------------------------------------------------- */

/** Room for the longest name of a service and a zero. */
#define ZPAT_SERVICE_SIZE 256

/**
 * What became of the requests for a service, since somebody first offered it. Start from
 * `ZPAT_SERVICE_COUNTERS_INIT`.
 */
typedef struct zpat_service_counters_t {
  /** `sizeof(zpat_service_counters_t)`. */
  size_t struct_size;
  /**
   * Its name, with a zero at the end. It is whatever bytes a worker sent: not always text, and zeros may be among
   * them.
   */
  char name[ZPAT_SERVICE_SIZE];
  /** Length of the name, without the zero at its end. */
  uint64_t name_len;
  /** Those who offer it now. */
  uint64_t workers;
  /** Its requests. Of all that is here only this grows, so it is the last. */
  zpat_reqrep_counters_t counters;
} zpat_service_counters_t;

/**
 * What a client of a broker asked, or a worker was given, since its session began. Always: `requests` is `answered`,
 * `failed` and `held` together. Start from `ZPAT_PEER_COUNTERS_INIT`.
 */
typedef struct zpat_peer_counters_t {
  /** `sizeof(zpat_peer_counters_t)`. */
  size_t struct_size;
  /** Which one it was to come, from 1. It keeps that over broken connections. */
  uint64_t number;
  /** What a worker offers, with a zero at the end, of whatever bytes it sent. */
  char service[ZPAT_SERVICE_SIZE];
  /** Length of that, without the zero at its end: 1 or more. 0 is a client. */
  uint64_t service_len;
  /** All that it asked, or was given. */
  uint64_t requests;
  /** Of those, how many were answered, be it with an error of the worker's own. */
  uint64_t answered;
  /** How many ended otherwise. */
  uint64_t failed;
  /** How many are open. */
  uint64_t held;
  /** Bytes that were sent to it and that it may not have. */
  uint64_t unfetched;
} zpat_peer_counters_t;

/**
 * Writes what became of the requests for each service that a worker has offered, in the order of their names, into
 * `out`, an array of `most` elements; `struct_size` of the first is set, and holds for all. Returns how many there
 * are: if that is more than `most`, the last ones were not written. `out` may be NULL if `most` is 0.
 *
 * Of services that nobody offers now, not more than some thousands are remembered.
 */
int zpat_broker_services(const zpat_broker_t *broker,
                         zpat_service_counters_t *out,
                         size_t most);

/**
 * As `zpat_broker_services`, of the clients and workers that are connected now, in the order in which they came; not
 * of those with an older protocol.
 */
int zpat_broker_peers(const zpat_broker_t *broker,
                      zpat_peer_counters_t *out,
                      size_t most);

/* ---- Request-reply: what happens at a broker -------------------------------------------------------------- */

/** What happened at a broker, and which members of `zpat_news_t` say more; others are 0. */
typedef enum zpat_news_kind_t {
  /** A worker offers a service: `worker`, `service`. */
  ZPAT_NEWS_WORKER_JOINED = 1,
  /**
   * A worker offers it no more, because it closed, is silent for too long, or its session is lost: `worker`,
   * `service`, `requests`, `left`.
   */
  ZPAT_NEWS_WORKER_GONE = 2,
  /** Requests that were accepted ended without a worker's answer: `service`, `requests`, `reason`. */
  ZPAT_NEWS_LOST = 3,
  /** News before the next ones were not taken in time: `missed`. */
  ZPAT_NEWS_MISSED = 4,
} zpat_news_kind_t;

/** Why a request that was accepted got no answer from a worker: as the counters that begin with `lost_`. */
typedef enum zpat_reason_t {
  /** Its deadline passed. */
  ZPAT_LOST_DEADLINE = 1,
  /** It waited longer than a request may. */
  ZPAT_LOST_AGE = 2,
  /** Nobody offered the service for as long as it would wait. */
  ZPAT_LOST_NO_SERVICE = 3,
  /** Workers were lost as often as it may be given to one. */
  ZPAT_LOST_ATTEMPTS = 4,
  /** A worker said that it failed. */
  ZPAT_LOST_RESPONDER = 5,
  /** Who asked took it back. */
  ZPAT_LOST_CANCELLED = 6,
  /** Who asked is gone. */
  ZPAT_LOST_ASKER_GONE = 7,
  /** The handle was closed. */
  ZPAT_LOST_CLOSED = 8,
} zpat_reason_t;

/** Something that happened at a broker. Start from `ZPAT_NEWS_INIT`. */
typedef struct zpat_news_t {
  /** `sizeof(zpat_news_t)`. */
  size_t struct_size;
  /** A `zpat_news_kind_t`. */
  int64_t kind;
  /** The number of the worker, as in `zpat_peer_counters_t`. */
  uint64_t worker;
  /** Requests that the worker had who is gone, and those that may be given again go to others; or that are lost. */
  uint64_t requests;
  /** 1 if the worker had said that it leaves. */
  int64_t left;
  /** A `zpat_reason_t`. */
  int64_t reason;
  /** How many news were missed. */
  uint64_t missed;
  /**
   * What the worker offers or offered, or what was asked for, with a zero at the end. It is whatever bytes somebody
   * sent.
   */
  char service[ZPAT_SERVICE_SIZE];
  /** Length of that, without the zero at its end. */
  uint64_t service_len;
} zpat_news_t;

/** The name of a kind of news, the same in every language (`worker_joined`); `unknown` for what is none. Static text. */
const char *zpat_news_kind_name(int kind);

/** The name of a `zpat_reason_t`, the same in every language (`attempts`); `unknown` for what is none. Static text. */
const char *zpat_reason_name(int reason);

/**
 * Waits for what happens next, writes it into `news`, whose `struct_size` the caller has set, and returns 1. News are
 * kept from the first call, or `zpat_broker_arm`, on, some 1,000 at most; where others were missed, that is said.
 * `ZPAT_E_TIMEOUT` if nothing happened in time, `ZPAT_E_CLOSED` when the broker has ended.
 */
int zpat_broker_next(const zpat_broker_t *broker,
                     int64_t timeout_ms,
                     const zpat_cancel_t *cancel,
                     zpat_news_t *news);

/**
 * Asks for one notice when `zpat_broker_next` has something. 1 if it has already, and then no notice comes; 0 means
 * wait for it. As `zpat_socket_arm`.
 */
int zpat_broker_arm(const zpat_broker_t *broker);

/** The descriptor for `poll` and event loops, as `zpat_socket_ready_fd`. It lives as long as the broker. */
int zpat_broker_ready_fd(const zpat_broker_t *broker);

/**
 * Sets what is called instead of making the descriptor readable, as `zpat_socket_set_hook`. It may also run on a
 * thread that calls a function of this broker.
 */
int zpat_broker_set_hook(const zpat_broker_t *broker,
                         zpat_hook_t hook,
                         void *user);

/* ---- Bus: options ----------------------------------------------------------------------------------------- */

/** For whom a sender waits. */
typedef enum zpat_bus_flow_control_t {
  /** For nobody: who cannot follow loses, as with libzmq's peers. */
  ZPAT_BUS_FLOW_NONE = 0,
  /** For all who listen. */
  ZPAT_BUS_FLOW_SLOWEST = 1,
  /** For those who listen with the same tag. */
  ZPAT_BUS_FLOW_TAGGED = 2,
} zpat_bus_flow_control_t;

/**
 * How a bus is set up. What is said below to be of our own peers excludes libzmq's: a group that uses it has a port of its
 * own. Start from `ZPAT_BUS_OPTIONS_INIT`.
 */
typedef struct zpat_bus_options_t {
  /** `sizeof(zpat_bus_options_t)`. */
  size_t struct_size;
  /** Bytes of datagrams sent in a second, repairs with them. 1000 or more. */
  int64_t rate;
  /** Bytes that are kept to be repeated: as long an outage is survived as it takes to send them. */
  int64_t window;
  /** They are kept no longer than this, in milliseconds. */
  int64_t max_age;
  /** Bytes of what was sent before that who comes late gets: as much as both its sender and it say here. */
  int64_t history;
  /** Bytes that may wait to be sent. */
  int64_t max_unsent;
  /** How many routers a message may cross, and one more; 1 is this network. */
  int64_t hops;
  /** Whether other programs on this machine hear what is sent. 0 or 1. */
  int64_t looped;
  /** A `zpat_bus_flow_control_t`: for whom sending waits; of our own peers only. */
  int64_t flow_control;
  /** Before so many listen who are waited for, nothing is sent. At most 1024. */
  int64_t at_least;
  /** As whom one listens, and for whom one waits, if flow control is by tag. */
  int64_t tag;
  /** Datagrams of a group that is repaired by parity, of our own peers only: 2, 4, 8, 16, 32, 64, or 0 for none. */
  int64_t parity_group;
  /** Parity that is sent with each group, whether or not somebody asks; at most as much as it has datagrams. */
  int64_t parity;
  /**
   * Datagrams carry a tag that only who has this key can make, and others are dropped; of our own peers only. At least 16
   * bytes, random ones, which are read while the bus is opened and stay the caller's. NULL, the default, is none.
   */
  const void *key;
  /** How many bytes those are. */
  size_t key_size;
  /** Sources heard at once. 1 or more. */
  int64_t max_peers;
  /** Bytes of one source that wait while something before them is missing. */
  int64_t max_behind;
  /** Bytes of a message that is received; each frame counts as 32 more. Larger ones are lost. */
  int64_t max_message;
  /** Messages and events that wait for the program. */
  int64_t max_events;
  /** Bytes of those; each frame and each of them counts as 32 more. */
  int64_t max_bytes;
  /** How long a source is remembered that is silent, in milliseconds. */
  int64_t forget;
  /** How long closing waits for what is to be sent, and repeated, in milliseconds. */
  int64_t linger;
} zpat_bus_options_t;

/** Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_BUS_OPTIONS_INIT` does. */
int zpat_bus_options_init(zpat_bus_options_t *options, size_t struct_size);

/* ---- Bus: messages and events ----------------------------------------------------------------------------- */

/** What a bus brings. */
typedef enum zpat_bus_event_kind_t {
  /** A message of `peer`; those of one peer come in the order in which it sent them. */
  ZPAT_BUS_MESSAGE = 1,
  /** `peer` is heard for the first time. */
  ZPAT_BUS_JOINED = 2,
  /** `peer` has ended, or is heard no more. */
  ZPAT_BUS_GONE = 3,
  /**
   * Datagrams `first` to `last` of `peer` were lost and will not be repeated, with what was in them: some messages, or
   * none. Numbers go round at 2^32.
   */
  ZPAT_BUS_MISSED = 4,
  /** What came from `peer` makes no sense as messages. It was dropped, up to the next one that does. */
  ZPAT_BUS_BROKEN = 5,
  /** `count` messages and events before the next one did not fit, because the program took too little. */
  ZPAT_BUS_DROPPED = 6,
} zpat_bus_event_kind_t;

/** Messages and events that a bus brought, in order. They belong to one thread at a time. */
typedef struct zpat_bus_events_t zpat_bus_events_t;

/** An event; the frames of a message are in `zpat_bus_events_frame`. Start from `ZPAT_BUS_EVENT_INIT`. */
typedef struct zpat_bus_event_t {
  /** `sizeof(zpat_bus_event_t)`. */
  size_t struct_size;
  /** A `zpat_bus_event_kind_t`; 0 is one that this version has no number for. */
  int64_t kind;
  /**
   * Who: a source, since it began. People read the upper 48 bits in hexadecimal, a colon, and the lower 16 bits. 0 if
   * it is about nobody.
   */
  uint64_t peer;
  /** As `kind` says. */
  uint64_t first;
  /** As `kind` says. */
  uint64_t last;
  /** As `kind` says. */
  uint64_t count;
  /** How many frames a message has. */
  uint64_t frames;
} zpat_bus_event_t;

/** Number of messages and events; 0 for NULL. */
size_t zpat_bus_events_count(const zpat_bus_events_t *events);

/**
 * Writes the event at position `index` into `event`, whose `struct_size` the caller has set. `ZPAT_E_NOT_FOUND` if
 * there is none.
 */
int zpat_bus_events_get(const zpat_bus_events_t *events,
                        size_t index,
                        zpat_bus_event_t *event);

/**
 * A frame of a message, both by position from 0. The bytes belong to the events: they stay until those are freed or
 * received into. If there is no such frame, `data` is NULL; for an empty frame it is not.
 */
zpat_slice_t zpat_bus_events_frame(const zpat_bus_events_t *events,
                                   size_t index,
                                   size_t frame);

/** Frees events and clears the pointer; slices into them end here. NULL and a cleared pointer are fine. */
int zpat_bus_events_free(zpat_bus_events_t **events);

/* ---- Bus -------------------------------------------------------------------------------------------------- */

/** A place on a multicast bus: what one says, all hear. Any number of threads may use it at the same time. */
typedef struct zpat_bus_t zpat_bus_t;

/**
 * Takes part in the bus at `epgm://INTERFACE;GROUP:PORT`. The interface is a name, an address or a network of this
 * machine, and may be left out. `options` may be NULL for the defaults. The caller frees it with `zpat_bus_close`.
 * `ZPAT_E_INVALID_ENDPOINT` if the endpoint cannot be read, `ZPAT_E_ADDRESS_NOT_AVAILABLE` if there is no such interface
 * or it has no multicast.
 */
int zpat_bus_open(const zpat_context_t *context,
                  const char *endpoint,
                  const zpat_bus_options_t *options,
                  zpat_bus_t **bus);

/**
 * From now on messages whose first frame begins with these `len` bytes are received; with 0 bytes, all.
 * A bus hears others from its first subscription on.
 */
int zpat_bus_subscribe(const zpat_bus_t *bus, const void *prefix, size_t len);

/** Undoes a `zpat_bus_subscribe`. `ZPAT_E_NOT_FOUND` if there was none of this prefix. */
int zpat_bus_unsubscribe(const zpat_bus_t *bus, const void *prefix, size_t len);

/**
 * From now on this fraction of the datagrams that arrive, from 0 to 1, is thrown away at random before anything looks at
 * them: to try what a program does. 0 ends it. `ZPAT_E_INVALID_ARGUMENT` for any other number.
 */
int zpat_bus_inject_loss(const zpat_bus_t *bus,
                         double fraction);

/**
 * Sends a message with copies of these `count` frames, at least one, to all who are on the bus now. It is handed over:
 * who hears it, nobody says. `ZPAT_E_TIMEOUT` if there was no room in time.
 */
int zpat_bus_send(const zpat_bus_t *bus,
                  const zpat_slice_t *frames,
                  size_t count,
                  int64_t timeout_ms,
                  const zpat_cancel_t *cancel);

/**
 * Sends the messages of `batch` from position `first` on, in order, and returns how many were taken: at least one, and
 * fewer than all if there is no more room. The batch keeps its messages. Errors as `zpat_bus_send`.
 */
int zpat_bus_send_many(const zpat_bus_t *bus,
                       const zpat_batch_t *batch,
                       size_t first,
                       int64_t timeout_ms,
                       const zpat_cancel_t *cancel);

/**
 * Receives messages and events: waits for one, then takes what is there besides, no more than `max_events` and no more
 * once they have `max_bytes`. Returns how many are in `*events`.
 *
 * `*events` is NULL, and then becomes something new that the caller frees with `zpat_bus_events_free`, or what an earlier
 * call left, which is emptied and used again. `ZPAT_E_TIMEOUT` if nothing came in time; `ZPAT_E_CLOSED` once the bus or
 * its context has ended and all is taken.
 */
int zpat_bus_recv(const zpat_bus_t *bus,
                  size_t max_events,
                  size_t max_bytes,
                  int64_t timeout_ms,
                  const zpat_cancel_t *cancel,
                  zpat_bus_events_t **events);

/**
 * Writes the address of this machine where the bus is into `buffer` of `size` bytes; `ZPAT_ENDPOINT_SIZE` is enough.
 * `ZPAT_E_TOO_LARGE` if it does not fit.
 */
int zpat_bus_interface(const zpat_bus_t *bus,
                       char *buffer,
                       size_t size);

/**
 * Asks for one notice when one of `interest` (`ZPAT_RECV`, `ZPAT_SEND` or both) holds; returns those that hold already.
 * As `zpat_socket_arm`.
 */
int zpat_bus_arm(const zpat_bus_t *bus,
                 int interest);

/** The descriptor for `poll` and event loops, as `zpat_socket_ready_fd`. It lives as long as the bus. */
int zpat_bus_ready_fd(const zpat_bus_t *bus);

/** Sets what is called instead of making the descriptor readable, as `zpat_socket_set_hook`. */
int zpat_bus_set_hook(const zpat_bus_t *bus, zpat_hook_t hook, void *user);

/** 1 if the bus ended because its context was shut down, else 0. */
int zpat_bus_is_closed(const zpat_bus_t *bus);

/**
 * Leaves a bus, frees it and clears the pointer: waits until what is to be sent has left and what is asked for is
 * repeated, at most `linger_ms`; -1 is the option `linger`. Calls that wait on it in other threads end with
 * `ZPAT_E_CLOSED`. NULL and a cleared pointer are fine.
 */
int zpat_bus_close(zpat_bus_t **bus,
                   int64_t linger_ms);

/* ---- Bus: counters ---------------------------------------------------------------------------------------- */

/** What a bus did so far. Start from `ZPAT_BUS_COUNTERS_INIT`. */
typedef struct zpat_bus_counters_t {
  /** `sizeof(zpat_bus_counters_t)`. */
  size_t struct_size;
  /** Messages taken to be sent. */
  uint64_t sent_messages;
  /** Datagrams sent with new data. */
  uint64_t sent_datagrams;
  /** Datagrams sent again. */
  uint64_t sent_repairs;
  /** Datagrams sent with parity. */
  uint64_t sent_parity;
  /** Numbers that others asked for. */
  uint64_t sent_asked;
  /** Of those, how many the window had no more. */
  uint64_t sent_gone;
  /** Of those, how many were not looked at because too many came. */
  uint64_t sent_ignored;
  /** Datagrams to our source that are none. */
  uint64_t sent_malformed;
  /** Packets of other streams, and those that a source gets from nobody. */
  uint64_t sent_foreign;
  /** Datagrams to our source from who does not know the key. */
  uint64_t sent_forged;
  /** Listeners that were waited for, and then were silent for too long. */
  uint64_t sent_silent;
  /** Listeners that are waited for now. */
  uint64_t sent_listeners;
  /** Messages that were complete, from all who were ever heard, whether or not the program wanted them and had room. */
  uint64_t received_delivered;
  /** Datagrams with data that were new. */
  uint64_t received_datagrams;
  /** Datagrams with data that were there, or too old. */
  uint64_t received_duplicates;
  /** Datagrams that were asked for and came. */
  uint64_t received_repaired;
  /** Datagrams that were computed from others and parity. */
  uint64_t received_computed;
  /** Numbers that were asked for. */
  uint64_t received_asked;
  /** Datagrams that will not come. */
  uint64_t received_missed;
  /** How often what came made no sense. */
  uint64_t received_broken;
  /** Datagrams that are none. */
  uint64_t malformed;
  /** Packets of other sessions. */
  uint64_t foreign;
  /** Datagrams from who does not know the key. */
  uint64_t forged;
  /** Sources that were not listened to because too many were there. */
  uint64_t refused;
  /** Messages and events that the program did not take in time. */
  uint64_t dropped;
  /** How often the system had no room for what was to be sent. */
  uint64_t full;
  /** How often it refused it. */
  uint64_t unsendable;
  /** Datagrams that `zpat_bus_inject_loss` threw away. */
  uint64_t injected;
} zpat_bus_counters_t;

/** Who is heard, and what became of what they sent. Start from `ZPAT_BUS_PEER_INIT`. */
typedef struct zpat_bus_peer_t {
  /** `sizeof(zpat_bus_peer_t)`. */
  size_t struct_size;
  /** Who, as in `zpat_bus_event_t`. */
  uint64_t peer;
  /** Messages that were complete, whether or not the program wanted them and had room. */
  uint64_t delivered;
  /** Datagrams with data that were new. */
  uint64_t datagrams;
  /** Datagrams with data that were there, or too old. */
  uint64_t duplicates;
  /** Datagrams that were asked for and came. */
  uint64_t repaired;
  /** Datagrams that were computed from others and parity. */
  uint64_t computed;
  /** Numbers that were asked for. */
  uint64_t asked;
  /** Datagrams that will not come. */
  uint64_t missed;
  /** How often what came made no sense. */
  uint64_t broken;
} zpat_bus_peer_t;

/** Writes what the bus did so far into `counters`, whose `struct_size` the caller has set. */
int zpat_bus_counters(const zpat_bus_t *bus, zpat_bus_counters_t *counters);

/**
 * Writes who is heard now, and what became of what they sent, into `out`, an array of `most` elements; `struct_size` of
 * the first is set, and holds for all. Returns how many there are: if that is more than `most`, the last ones were not
 * written. `out` may be NULL if `most` is 0.
 */
int zpat_bus_peers(const zpat_bus_t *bus,
                   zpat_bus_peer_t *out,
                   size_t most);

/* ---- Job queue: options ----------------------------------------------------------------------------------- */

/** Which of the jobs that wait for a worker is the next. */
typedef enum zpat_order_t {
  /**
   * What was begun comes first: a job that goes on, then children, then other jobs in the order in which they came.
   * What waits is bounded by the depth of a tree times its width.
   */
  ZPAT_ORDER_DEPTH = 0,
  /** In the order in which they came, children too: a tree is worked through level by level. */
  ZPAT_ORDER_FIFO = 1,
  /** What came last. */
  ZPAT_ORDER_LIFO = 2,
  /** What has the highest priority; of those that have the same, as `ZPAT_ORDER_DEPTH`. */
  ZPAT_ORDER_PRIORITY = 3,
} zpat_order_t;

/**
 * The order of one queue, for `orders` in `zpat_queue_options_t`, which is an array: this structure does not grow. The
 * text is read while the queue is opened, not later, and stays the caller's.
 */
typedef struct zpat_queue_order_t {
  /** The name of the queue, 1 to 255 bytes. If it is there twice, the last one holds. */
  const char *queue;
  /** A `zpat_order_t`. */
  int order;
} zpat_queue_order_t;

/**
 * How a queue is set up. What is beyond a bound is refused with `ZPAT_E_FULL` and a hint when to try again; a tree that
 * outgrows one of its own ends with `ZPAT_E_TOO_LARGE`. Start from `ZPAT_QUEUE_OPTIONS_INIT`.
 */
typedef struct zpat_queue_options_t {
  /** `sizeof(zpat_queue_options_t)`. */
  size_t struct_size;
  /** A worker that owes a sign of life is asked for one after this much silence, in milliseconds. 1 or more. */
  int64_t heartbeat_interval;
  /** After how many silent intervals it counts as dead, and its jobs are given to others. 2 or more. */
  int64_t heartbeat_limit;
  /** A `zpat_order_t`: which job is the next. */
  int64_t order;
  /** The same, of queues by their names. NULL, the default, is none. */
  const zpat_queue_order_t *orders;
  /** How many those are. */
  size_t orders_count;
  /**
   * The file of the store, a path as `open(2)` takes it; the file is made if it is not there. With it, what is
   * accepted is on the disk. The text is read while the queue is opened, not later, and stays the caller's. NULL, the
   * default, is no store: then a queue that ends takes its jobs with it.
   */
  const char *store;
  /** Names of queues. */
  int64_t max_queues;
  /** Jobs in all. */
  int64_t max_jobs;
  /** Bytes of jobs in all; each job counts as 256 more. */
  int64_t max_bytes;
  /** Bytes of the jobs in one queue. */
  int64_t max_queue_bytes;
  /** Generations of a tree, its root included. At most 65535. */
  int64_t max_depth;
  /** Children that a job spawns at once. */
  int64_t max_children;
  /** Jobs of one tree, over all its life. */
  int64_t max_tree_jobs;
  /** Bytes of the jobs of one tree at a time. */
  int64_t max_tree_bytes;
  /** Workers that may be lost with a job; with the next it fails with `ZPAT_E_UNREACHABLE`. At most 255. */
  int64_t max_lost;
  /** Outcomes that are kept; beyond, the one whose time comes first is dropped. */
  int64_t max_kept;
  /** Bytes of those. */
  int64_t max_kept_bytes;
  /** Dead letters, which are jobs that failed by themselves; beyond, the oldest is dropped. */
  int64_t max_dead;
  /** Bytes of those. */
  int64_t max_dead_bytes;
  /** Jobs that are being pushed part by part. */
  int64_t max_drafts;
  /** Bytes of those. */
  int64_t max_draft_bytes;
  /** Producers and workers connected at once. */
  int64_t max_peers;
  /** Jobs that one worker has at once. */
  int64_t max_per_peer;
} zpat_queue_options_t;

/** How a producer is set up. Start from `ZPAT_PRODUCER_OPTIONS_INIT`. */
typedef struct zpat_producer_options_t {
  /** `sizeof(zpat_producer_options_t)`. */
  size_t struct_size;
  /** A queue that owes a sign of life is asked for one after this much silence, in milliseconds. 1 or more. */
  int64_t heartbeat_interval;
  /** After how many silent intervals the connection counts as broken, and is made again. 2 or more. */
  int64_t heartbeat_limit;
  /** How long a job may take until it is accepted, and a question until it is answered, in milliseconds. */
  int64_t patience;
  /** What it may wait for at once; beyond, `ZPAT_E_FULL`. */
  int64_t max_calls;
  /** Bytes of jobs that are not accepted yet. */
  int64_t max_bytes;
} zpat_producer_options_t;

/** How a worker of queues is set up. Start from `ZPAT_QUEUE_WORKER_OPTIONS_INIT`. */
typedef struct zpat_queue_worker_options_t {
  /** `sizeof(zpat_queue_worker_options_t)`. */
  size_t struct_size;
  /** A queue that owes a sign of life is asked for one after this much silence, in milliseconds. 1 or more. */
  int64_t heartbeat_interval;
  /** After how many silent intervals the connection counts as broken, and is made again. 2 or more. */
  int64_t heartbeat_limit;
  /** How many jobs it has at once from each endpoint; the first is being done, the others are at hand. 1 or more. */
  int64_t credit;
  /** Bytes of what a queue has not taken. */
  int64_t max_bytes;
} zpat_queue_worker_options_t;

/** Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_QUEUE_OPTIONS_INIT` does. */
int zpat_queue_options_init(zpat_queue_options_t *options, size_t struct_size);

/** Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_PRODUCER_OPTIONS_INIT` does. */
int zpat_producer_options_init(zpat_producer_options_t *options,
                               size_t struct_size);

/** Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_QUEUE_WORKER_OPTIONS_INIT` does. */
int zpat_queue_worker_options_init(zpat_queue_worker_options_t *options,
                                   size_t struct_size);

/* ---- Job queue: counters ---------------------------------------------------------------------------------- */

/** Room for the longest name of a queue, or key of a job, and a zero. */
#define ZPAT_QUEUE_NAME_SIZE 256

/**
 * Jobs of all queues by what became of them. Always: `accepted` is `delivered` and `held` and all that is lost
 * together. Start from `ZPAT_ZQUEUE_COUNTERS_INIT`.
 */
typedef struct zpat_zqueue_counters_t {
  /** `sizeof(zpat_zqueue_counters_t)`. */
  size_t struct_size;
  /** Taken responsibility for: jobs that were pushed, and those that others spawned. */
  uint64_t accepted;
  /** Done. */
  uint64_t delivered;
  /**
   * How often one was given to a worker once more, because a worker was lost, or because it failed and may be tried
   * again.
   */
  uint64_t redelivered;
  /** Still there. */
  uint64_t held;
  /** Of those, waiting for a worker. */
  uint64_t waiting;
  /** Of those, waiting for their time. */
  uint64_t delayed;
  /** Of those, with a worker. */
  uint64_t running;
  /** Of those, waiting for children. */
  uint64_t suspended;
  /** Not taken because there was no room; not accepted. */
  uint64_t refused_full;
  /** Not taken for another reason; not accepted. */
  uint64_t refused_other;
  /** Pushed again, and known already. */
  uint64_t duplicates;
  /** What workers said about jobs that they no longer had. */
  uint64_t late_dropped;
  /** Lost: a worker said so, or took too long, as often as the job may be tried. */
  uint64_t lost_failed;
  /** Lost: workers that had it were lost as often as that may happen to a job. */
  uint64_t lost_workers_lost;
  /** Lost: one of its children failed. */
  uint64_t lost_child_failed;
  /** Lost: it, or the job it was for, was cancelled. */
  uint64_t lost_cancelled;
  /** Lost: its tree outgrew a bound. */
  uint64_t lost_bounds;
  /** Outcomes that are kept. */
  uint64_t kept;
  /** Dead letters. */
  uint64_t dead;
  /** Bytes of jobs, of outcomes that are kept, and of dead letters. */
  uint64_t bytes;
  /** Messages that made no sense. */
  uint64_t malformed;
} zpat_zqueue_counters_t;

/** One of the queues, since it was first named. Start from `ZPAT_QUEUE_COUNTERS_INIT`. */
typedef struct zpat_queue_counters_t {
  /** `sizeof(zpat_queue_counters_t)`. */
  size_t struct_size;
  /**
   * Its name, with a zero at the end. It is whatever bytes somebody sent: not always text, and zeros may be among
   * them.
   */
  char name[ZPAT_QUEUE_NAME_SIZE];
  /** Length of the name, without the zero at its end. */
  uint64_t name_len;
  /** Jobs that wait for a worker. */
  uint64_t waiting;
  /** Bytes of jobs that are in it. */
  uint64_t bytes;
  /** Jobs that a worker has. */
  uint64_t running;
  /** Jobs done so far. */
  uint64_t delivered;
  /** Jobs lost so far. */
  uint64_t lost;
  /** Workers that take jobs from it. */
  uint64_t workers;
  /** For how long the one at its head has waited, in milliseconds. */
  uint64_t oldest;
} zpat_queue_counters_t;

/** What a worker of queues did so far. Start from `ZPAT_QUEUE_WORKER_COUNTERS_INIT`. */
typedef struct zpat_queue_worker_counters_t {
  /** `sizeof(zpat_queue_worker_counters_t)`. */
  size_t struct_size;
  /** Jobs taken. */
  uint64_t accepted;
  /** Jobs done. */
  uint64_t completed;
  /** Jobs that failed. */
  uint64_t failed;
  /** Jobs that were broken into others. */
  uint64_t spawned;
  /** Jobs here: given to the program, or waiting for it. */
  uint64_t held;
  /** Jobs that were taken back. */
  uint64_t withdrawn;
  /** What was said of jobs, and was not heard. */
  uint64_t rejected;
  /** Messages that made no sense. */
  uint64_t malformed;
} zpat_queue_worker_counters_t;

/* ---- Job queue: queues ------------------------------------------------------------------------------------ */

/**
 * Keeps jobs, gives them to workers, and tells what they come to; producers and workers connect to it. It works on
 * threads of the context.
 */
typedef struct zpat_queue_t zpat_queue_t;

/**
 * Opens a queue at `count` endpoints, at least one; with a store, once it has read that. `options` may be NULL for the
 * defaults. The caller frees it with `zpat_queue_close`. Errors as `zpat_socket_bind`. Of the store:
 * `ZPAT_E_WRONG_STATE` if it is open already, here or in another process; `ZPAT_E_CORRUPT` if it is damaged, or no
 * store of this version, and it is left as it is.
 */
int zpat_queue_bind(const zpat_context_t *context,
                    const char *const *endpoints,
                    size_t count,
                    const zpat_queue_options_t *options,
                    zpat_queue_t **queue);

/**
 * Writes where the queue is reached, with the port that the system chose, into `buffer` of `size` bytes;
 * `ZPAT_ENDPOINT_SIZE` is enough. `index` counts from 0 in the order of `zpat_queue_bind`; `ZPAT_E_NOT_FOUND` if there
 * is no such endpoint, `ZPAT_E_TOO_LARGE` if it does not fit.
 */
int zpat_queue_endpoint(const zpat_queue_t *queue,
                        size_t index,
                        char *buffer,
                        size_t size);

/** Number of workers connected now. */
int zpat_queue_workers(const zpat_queue_t *queue);

/** Writes what became of the jobs so far into `counters`, whose `struct_size` the caller has set. */
int zpat_queue_counters(const zpat_queue_t *queue, zpat_zqueue_counters_t *counters);

/**
 * Writes the same of each queue that was ever named, in the order of their names, into `out`, an array of `most`
 * elements; `struct_size` of the first is set, and holds for all. Returns how many there are: if that is more than
 * `most`, the last ones were not written. `out` may be NULL if `most` is 0.
 */
int zpat_queue_queues(const zpat_queue_t *queue,
                      zpat_queue_counters_t *out,
                      size_t most);

/**
 * Takes no more jobs from producers, which are told `ZPAT_E_CLOSED`, and waits until those that are here have ended.
 * `ZPAT_E_TIMEOUT` if they have not in time; it goes on draining. One thread waits at a time.
 */
int zpat_queue_drain(const zpat_queue_t *queue,
                     int64_t timeout_ms,
                     const zpat_cancel_t *cancel);

/**
 * Calls `hook` with `user` once, as soon as the queue is drained or has ended; at once, on this thread, if that is so.
 * An event loop then calls `zpat_queue_drain` with 0 for `timeout_ms`, as it did before to begin with it. The hook must
 * return at once and must not call functions of this queue. Another takes its place, NULL one that does nothing; when
 * `zpat_queue_close` has returned, it is not running and will not run again.
 */
int zpat_queue_set_drained_hook(const zpat_queue_t *queue,
                                zpat_hook_t hook,
                                void *user);

/**
 * Waits until the queue ends, because it was closed or its context shut down: what a program does that is only a
 * queue. `ZPAT_E_TIMEOUT` if it still runs after the wait.
 */
int zpat_queue_wait(const zpat_queue_t *queue,
                    int64_t timeout_ms,
                    const zpat_cancel_t *cancel);

/** Calls `hook` with `user` once, as soon as the queue has ended. Otherwise as `zpat_queue_set_drained_hook`. */
int zpat_queue_set_end_hook(const zpat_queue_t *queue, zpat_hook_t hook, void *user);

/**
 * Closes a queue where it is, frees it and clears the pointer. What is not stored is lost; producers and workers wait
 * for its successor. NULL and a cleared pointer are fine.
 */
int zpat_queue_close(zpat_queue_t **queue);

/* ---- Job queue: how a job is done ------------------------------------------------------------------------- */

/** What becomes of a job when one of its children fails. */
typedef enum zpat_on_failure_t {
  /** It fails in the same way, and its other children are cancelled. */
  ZPAT_ON_FAILURE_FAIL = 0,
  /** It goes on, and finds the failure among its results. */
  ZPAT_ON_FAILURE_PASS = 1,
  /** It goes on, and finds no result of this child: `ZPAT_JOB_OUTCOME_NOTHING`. */
  ZPAT_ON_FAILURE_IGNORE = 2,
} zpat_on_failure_t;

/** How a job is to be done. Start from `ZPAT_JOB_OPTIONS_INIT`. */
typedef struct zpat_job_options_t {
  /** `sizeof(zpat_job_options_t)`. */
  size_t struct_size;
  /** In queues with `ZPAT_ORDER_PRIORITY`: the highest first. 0 to 255, default 0. */
  int64_t priority;
  /** It waits so long before it is given to a worker, in milliseconds. Default 0. */
  int64_t delay;
  /**
   * How often it may fail and be tried again, the first time included. Workers that are lost are counted by
   * themselves. 1 to 255, default 3.
   */
  int64_t attempts;
  /** It is tried again after so long, then after twice as long, and so on, with jitter, in milliseconds. Default 1000. */
  int64_t backoff;
  /** A worker that has had it for so long has failed, in milliseconds. 0, the default, is no limit. */
  int64_t time_limit;
  /**
   * Of the jobs in a queue with the same key one is taken, as long as that is there or its outcome is kept; at most
   * 255 bytes, read during the call. NULL is none, the default.
   */
  zpat_slice_t key;
  /** For how long its outcome is kept for who asks, in milliseconds. Default 0. */
  int64_t keep;
} zpat_job_options_t;

/**
 * A job that is to be done before another goes on. It does not grow, because children come in arrays; what it points to
 * is copied during the call.
 */
typedef struct zpat_child_t {
  /** The queue in which it waits, a name of 1 to 255 bytes. */
  const char *queue;
  /** The frames of its body; there may be none. */
  const zpat_slice_t *frames;
  /** How many frames. */
  size_t count;
  /**
   * How it is to be done; NULL is the defaults. A child has no key, and its outcome is its parent's: `key` and `keep`
   * are not looked at.
   */
  const zpat_job_options_t *options;
  /** A `zpat_on_failure_t`. */
  int on_failure;
  /** 1: nobody waits for it, and it outlives who spawns it, as a job of its own. Else 0. */
  int detached;
} zpat_child_t;

/** Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_JOB_OPTIONS_INIT` does. */
int zpat_job_options_init(zpat_job_options_t *options, size_t struct_size);

/* ---- Job queue: what a job comes to ----------------------------------------------------------------------- */

/** What a job came to. */
typedef enum zpat_job_outcome_kind_t {
  /** Nothing: the call failed; or, of a child, it failed, and `ZPAT_ON_FAILURE_IGNORE` was said of it. */
  ZPAT_JOB_OUTCOME_NOTHING = 0,
  /** It was done; what a worker said is the body. */
  ZPAT_JOB_OUTCOME_DONE = 1,
  /** It was not, because of `error`; the body has the worker's own words and data, or one line for people. */
  ZPAT_JOB_OUTCOME_FAILED = 2,
} zpat_job_outcome_kind_t;

/** What a job came to, beside its body. Start from `ZPAT_JOB_OUTCOME_INIT`. */
typedef struct zpat_job_outcome_t {
  /** `sizeof(zpat_job_outcome_t)`. */
  size_t struct_size;
  /** A `zpat_job_outcome_kind_t`. */
  int64_t kind;
  /**
   * A `zpat_error_t`: `ZPAT_OK` if it was done. Else `ZPAT_E_JOB_FAILED` if a worker said that it cannot be done,
   * `ZPAT_E_TIMEOUT` if it took longer than its `time_limit` once too often, `ZPAT_E_UNREACHABLE` if too many workers
   * were lost with it, `ZPAT_E_CANCELLED`, or `ZPAT_E_TOO_LARGE` if its tree outgrew a bound; of a queue that has lost
   * its memory, `ZPAT_E_NOT_FOUND`.
   */
  int64_t error;
  /** The worker's own code, 0 to 4294967295; `ZPAT_QUEUE_JOB_DROPPED` if it gave none. 0 if no worker failed. */
  int64_t code;
} zpat_job_outcome_t;

/* ---- Job queue: watching ---------------------------------------------------------------------------------- */

/** What comes of a job, or of something else that was posted. */
typedef enum zpat_watch_event_kind_t {
  /** Nothing: the call failed. */
  ZPAT_WATCH_NOTHING = 0,
  /**
   * A job that was pushed is there: `job`, `known`. The last that is told of one that was posted without a wish to
   * watch it; and of a cancel or a requeue that was posted, which is done.
   */
  ZPAT_WATCH_ACCEPTED = 1,
  /** How far its tree is: `open`, `done`, `failed`. */
  ZPAT_WATCH_PROGRESS = 2,
  /**
   * It has ended, and nothing follows. If `error` is `ZPAT_OK` it was done; else it was not, and `error` and `code`
   * are as in `zpat_job_outcome_t`. The batch has what it came to, in either case.
   */
  ZPAT_WATCH_ENDED = 3,
  /** What was posted is not done, because of `error`, and nothing follows: `may_be_accepted`, `retry_after_ms`. */
  ZPAT_WATCH_REFUSED = 4,
} zpat_watch_event_kind_t;

/** A job that is pushed part by part. Nobody does it before it is executed. */
typedef struct zpat_draft_t zpat_draft_t;

/** A job whose outcome is waited for. One thread waits at a time. */
typedef struct zpat_watch_t zpat_watch_t;

/** What comes of a job, or of something else that was posted, beside a body. Start from `ZPAT_WATCH_EVENT_INIT`. */
typedef struct zpat_watch_event_t {
  /** `sizeof(zpat_watch_event_t)`. */
  size_t struct_size;
  /** A `zpat_watch_event_kind_t`; members that it does not name are 0. */
  int64_t kind;
  /** What it is about, of `zpat_producer_next`; 0 of a watch. */
  int64_t ticket;
  /** A `zpat_error_t`. */
  int64_t error;
  /** The worker's own code, 0 to 4294967295; `ZPAT_QUEUE_JOB_DROPPED` if it gave none. */
  int64_t code;
  /** The number of the job. */
  int64_t job;
  /** Of a push: 1 if it was there before, another with its key. Else 0. */
  int64_t known;
  /** Jobs of its tree that have not ended. */
  uint64_t open;
  /** Jobs of its tree that were done. */
  uint64_t done;
  /** Jobs of its tree that failed, or were cancelled. */
  uint64_t failed;
  /** 1 if the queue did not answer, and the job may be there all the same. Else 0. */
  int64_t may_be_accepted;
  /** When it may be worth trying again, in milliseconds; 0 is unknown. */
  int64_t retry_after_ms;
} zpat_watch_event_t;

/**
 * Waits for what comes next of a job, and returns 1: that it is accepted if it was pushed, how far its tree is if that
 * is watched, and what it came to, after which nothing more comes. `*body` gets the frames of that as one message; it is NULL or a
 * batch, as for `zpat_socket_recv`. `event`, whose `struct_size` the caller has set, gets the rest; if the job failed,
 * its text is the last error's.
 *
 * `ZPAT_E_TIMEOUT` if nothing came in time: wait again. Another error if the job was not accepted, such as
 * `ZPAT_E_FULL`, or is not known, `ZPAT_E_NOT_FOUND`; or if the producer is closed, `ZPAT_E_CLOSED`.
 */
int zpat_watch_next(const zpat_watch_t *watch,
                    int64_t timeout_ms,
                    const zpat_cancel_t *cancel,
                    zpat_batch_t **body,
                    zpat_watch_event_t *event);

/**
 * Waits for what the job comes to, and passes over what comes before. Returns as `zpat_producer_run`, with
 * `ZPAT_E_TIMEOUT` if it has not ended in time: wait again.
 */
int zpat_watch_outcome(const zpat_watch_t *watch,
                       int64_t timeout_ms,
                       const zpat_cancel_t *cancel,
                       zpat_batch_t **body,
                       zpat_job_outcome_t *outcome);

/**
 * Frees a watch and clears the pointer; the job goes on. No other thread may be waiting with it: fire its `cancel`
 * first. NULL and a cleared pointer are fine.
 */
int zpat_watch_free(zpat_watch_t **watch);

/** Adds copies of these `count` frames to the body of a job. */
int zpat_draft_send_part(const zpat_draft_t *draft, const zpat_slice_t *frames, size_t count);

/**
 * The job is whole: pushes it, frees the draft and clears the pointer. `*watch` becomes a handle that the caller frees
 * with `zpat_watch_free`. After `ZPAT_E_INVALID_ARGUMENT` the draft is still there; after another error it never was.
 */
int zpat_draft_execute(zpat_draft_t **draft,
                       zpat_watch_t **watch);

/**
 * Frees a draft and clears the pointer: a job that was not executed never was there. NULL and a cleared pointer are
 * fine.
 */
int zpat_draft_free(zpat_draft_t **draft);

/* ---- Job queue: producers --------------------------------------------------------------------------------- */

/** Pushes jobs, cancels them, and hears what they come to. Any number of threads may use it at the same time. */
typedef struct zpat_producer_t zpat_producer_t;

/**
 * Opens a producer for the queue at `endpoint`. It connects in the background; what it pushes waits for that. `options`
 * may be NULL for the defaults. The caller frees it with `zpat_producer_close`. `ZPAT_E_INVALID_ENDPOINT` if the
 * endpoint cannot be read.
 */
int zpat_producer_open(const zpat_context_t *context,
                       const char *endpoint,
                       const zpat_producer_options_t *options,
                       zpat_producer_t **producer);

/**
 * Pushes a job into `queue`, a name of 1 to 255 bytes, with copies of these `count` frames, of which there may be none,
 * and waits until it is accepted: with a store, until it is on the disk. `options` may be NULL for the defaults. Returns
 * its number, 1 or more and below 2^53; of a key that is known, the number of the job that has it.
 *
 * `ZPAT_E_FULL` if there is no room now, `ZPAT_E_CLOSED` if the queue is being drained. `ZPAT_E_TIMEOUT` if the queue
 * has not answered after the option `patience` of the producer, or if `timeout_ms` passed first; then, and after
 * `ZPAT_E_CANCELLED` and `ZPAT_E_INTERRUPTED`, the job may be there all the same. A `key` lets it be pushed again.
 */
int64_t zpat_producer_push(const zpat_producer_t *producer,
                           const char *queue,
                           const zpat_slice_t *frames,
                           size_t count,
                           const zpat_job_options_t *options,
                           int64_t timeout_ms,
                           const zpat_cancel_t *cancel);

/**
 * Pushes a job for each message of `bodies`, as `zpat_producer_push` does with one, which costs far less than one by
 * one; `options` are for all of them. The batch keeps its messages. Returns how many there were. `jobs`, which may be
 * NULL, is an array of as many elements as the batch has messages, and gets the number of each.
 *
 * After an error `jobs` is as it was. The first jobs are there, so many as the text of the error says behind
 * `accepted`; of up to some thousands that follow it is not known. Is there no such word, it is known of none.
 */
int64_t zpat_producer_push_many(const zpat_producer_t *producer,
                                const char *queue,
                                const zpat_batch_t *bodies,
                                const zpat_job_options_t *options,
                                int64_t timeout_ms,
                                const zpat_cancel_t *cancel,
                                int64_t *jobs);

/**
 * Pushes a job, as `zpat_producer_push`, and waits for what it comes to.
 *
 * Returns 0 if it was done. Else the negative `zpat_error_t` of why it was not, `ZPAT_E_JOB_FAILED` if a worker said
 * that it cannot be done, or of why the call failed. `outcome`, which may be NULL, tells the two apart: its `kind` is
 * `ZPAT_JOB_OUTCOME_NOTHING` if the call failed. `*body` gets the frames of what it came to, or of what was said of the
 * failure, as one message; it is NULL or a batch, as for `zpat_socket_recv`. The text of a failure is the last error's.
 *
 * `ZPAT_E_TIMEOUT` if `timeout_ms` passed first; the job goes on, also after `ZPAT_E_CANCELLED` and
 * `ZPAT_E_INTERRUPTED`.
 */
int zpat_producer_run(const zpat_producer_t *producer,
                      const char *queue,
                      const zpat_slice_t *frames,
                      size_t count,
                      const zpat_job_options_t *options,
                      int64_t timeout_ms,
                      const zpat_cancel_t *cancel,
                      zpat_batch_t **body,
                      zpat_job_outcome_t *outcome);

/**
 * Pushes a job, as `zpat_producer_push`, and goes on. `*watch` becomes a handle that brings what comes of it, and that
 * the caller frees with `zpat_watch_free`.
 */
int zpat_producer_submit(const zpat_producer_t *producer,
                         const char *queue,
                         const zpat_slice_t *frames,
                         size_t count,
                         const zpat_job_options_t *options,
                         zpat_watch_t **watch);

/**
 * Begins a job that is pushed part by part; these frames are the first, and there may be none. `*draft` becomes a
 * handle that the caller executes or frees. A queue drops a draft of which it has heard nothing for 60 s.
 */
int zpat_producer_draft(const zpat_producer_t *producer,
                        const char *queue,
                        const zpat_slice_t *frames,
                        size_t count,
                        const zpat_job_options_t *options,
                        zpat_draft_t **draft);

/**
 * Watches a job that is there, or whose outcome is kept; if `progress` is 1, not 0, also how far its tree is. `*watch`
 * becomes a handle that the caller frees with `zpat_watch_free`. It brings `ZPAT_E_NOT_FOUND` if the queue does not
 * know the job.
 */
int zpat_producer_watch(const zpat_producer_t *producer,
                        int64_t job,
                        int progress,
                        zpat_watch_t **watch);

/**
 * Waits for what a job comes to that is there, or whose outcome is kept. Returns as `zpat_producer_run`;
 * `ZPAT_E_NOT_FOUND` if the queue knows it not, or no more.
 */
int zpat_producer_result(const zpat_producer_t *producer,
                         int64_t job,
                         int64_t timeout_ms,
                         const zpat_cancel_t *cancel,
                         zpat_batch_t **body,
                         zpat_job_outcome_t *outcome);

/**
 * Ends a job and all that it spawned, and waits until the queue says so. `ZPAT_E_WRONG_STATE` if it has ended,
 * `ZPAT_E_NOT_FOUND` if the queue does not know it.
 */
int zpat_producer_cancel(const zpat_producer_t *producer,
                         int64_t job,
                         int64_t timeout_ms,
                         const zpat_cancel_t *cancel);

/**
 * Takes a dead letter, which `zpat_producer_dead` finds, and tries it again as a job of its own. Returns that one's
 * number. `ZPAT_E_NOT_FOUND` if there is no such letter, `ZPAT_E_WRONG_STATE` if another job of its key is there.
 */
int64_t zpat_producer_requeue(const zpat_producer_t *producer,
                              int64_t letter,
                              int64_t timeout_ms,
                              const zpat_cancel_t *cancel);

/**
 * Closes a producer, frees it and clears the pointer: every wait ends with `ZPAT_E_CLOSED`. What was accepted is done
 * all the same. Watches and drafts still have to be freed. NULL and a cleared pointer are fine.
 */
int zpat_producer_close(zpat_producer_t **producer);

/* ---- Job queue: producers in event loops ------------------------------------------------------------------ */

/**
 * Pushes a job, as `zpat_producer_push`, and goes on. Returns a ticket, 1 or more; `zpat_producer_next` brings what
 * comes of it, among others: that it is accepted, and if `watch` is 1, not 0, also what it comes to.
 */
int64_t zpat_producer_post(const zpat_producer_t *producer,
                           const char *queue,
                           const zpat_slice_t *frames,
                           size_t count,
                           const zpat_job_options_t *options,
                           int watch);

/**
 * Begins a job that is pushed part by part, as `zpat_producer_draft`, and returns its ticket, for
 * `zpat_producer_send_part` and `zpat_producer_execute`. What it comes to is told.
 */
int64_t zpat_producer_post_draft(const zpat_producer_t *producer,
                                 const char *queue,
                                 const zpat_slice_t *frames,
                                 size_t count,
                                 const zpat_job_options_t *options);

/** Adds copies of these `count` frames to the body of a job that was posted as a draft. */
int zpat_producer_send_part(const zpat_producer_t *producer,
                            int64_t ticket,
                            const zpat_slice_t *frames,
                            size_t count);

/** A job that was posted as a draft is whole: pushes it. */
int zpat_producer_execute(const zpat_producer_t *producer, int64_t ticket);

/** Watches a job, as `zpat_producer_watch`, and returns a ticket. */
int64_t zpat_producer_post_watch(const zpat_producer_t *producer, int64_t job, int progress);

/** Ends a job, as `zpat_producer_cancel`, and returns a ticket: `ZPAT_WATCH_ACCEPTED` says that it was done. */
int64_t zpat_producer_post_cancel(const zpat_producer_t *producer, int64_t job);

/**
 * Tries a dead letter again, as `zpat_producer_requeue`, and returns a ticket: `ZPAT_WATCH_ACCEPTED` has the number of
 * the new job.
 */
int64_t zpat_producer_post_requeue(const zpat_producer_t *producer,
                                   int64_t letter);

/** Of what was posted, nothing more is of interest. A draft that was not executed is dropped; a job goes on. */
int zpat_producer_forget(const zpat_producer_t *producer, int64_t ticket);

/**
 * Waits for what comes next of anything that was posted, and returns 1. `event`, whose `struct_size` the caller has
 * set, says what and of which ticket; if that failed, its text is the last error's. `*body` gets the frames of what a
 * job came to as one message; it is NULL or a batch, as for `zpat_socket_recv`.
 *
 * `ZPAT_E_TIMEOUT` if nothing came in time. With 0 for `timeout_ms` it takes what is there, after a notice in an event
 * loop: until `ZPAT_E_TIMEOUT`, then arm again.
 */
int zpat_producer_next(const zpat_producer_t *producer,
                       int64_t timeout_ms,
                       const zpat_cancel_t *cancel,
                       zpat_batch_t **body,
                       zpat_watch_event_t *event);

/**
 * Waits for what comes next of anything that was posted, and takes what is there besides. Returns how many came, 1 to
 * `max_events`, which is the room in the caller's array `events`; `struct_size` of its first element is set, and holds
 * for all. `*bodies`, NULL or a batch as for `zpat_socket_recv`, gets as many messages: message `i` belongs to
 * `events[i]`.
 *
 * Their bodies are as of `zpat_producer_next`, except that the message of what was refused is its text, in one frame: a
 * failure is no error of this call, and the last error stays as it was. `ZPAT_E_TIMEOUT` if nothing came in time.
 */
int zpat_producer_next_many(const zpat_producer_t *producer,
                            size_t max_events,
                            int64_t timeout_ms,
                            const zpat_cancel_t *cancel,
                            zpat_batch_t **bodies,
                            zpat_watch_event_t *events);

/**
 * Keeps jobs back that are pushed from now on, by any thread, to send them together with `zpat_producer_uncork`, which
 * costs less than one by one. They leave earlier if there are many, or if something else is to be sent. Corks are
 * counted, and each is to be taken away soon.
 */
int zpat_producer_cork(const zpat_producer_t *producer);

/** Undoes one `zpat_producer_cork`. */
int zpat_producer_uncork(const zpat_producer_t *producer);

/**
 * Asks for one notice when `zpat_producer_next` has something. 1 if it has already, and then no notice comes; 0 means
 * wait for it. As `zpat_socket_arm`.
 */
int zpat_producer_arm(const zpat_producer_t *producer);

/** The descriptor for `poll` and event loops, as `zpat_socket_ready_fd`. It lives as long as the producer. */
int zpat_producer_ready_fd(const zpat_producer_t *producer);

/**
 * Sets what is called instead of making the descriptor readable, as `zpat_socket_set_hook`. It may also run on a
 * thread that calls a function of this producer.
 */
int zpat_producer_set_hook(const zpat_producer_t *producer,
                           zpat_hook_t hook,
                           void *user);

/* ---- Job queue: what is there ----------------------------------------------------------------------------- */

/** Where a job stands. */
typedef enum zpat_job_state_t {
  /** It waits for a worker, or for its elder siblings. */
  ZPAT_JOB_WAITING = 0,
  /** It waits for its time. */
  ZPAT_JOB_DELAYED = 1,
  /** A worker has it. */
  ZPAT_JOB_RUNNING = 2,
  /** It waits for its children. */
  ZPAT_JOB_SUSPENDED = 3,
} zpat_job_state_t;

/** A job in a tree. Start from `ZPAT_TREE_JOB_INIT`. */
typedef struct zpat_tree_job_t {
  /** `sizeof(zpat_tree_job_t)`. */
  size_t struct_size;
  /** Its number. */
  int64_t job;
  /** The number of the one it is a child of; 0 if of none that is there. */
  int64_t parent;
  /** How far below the job that was asked about, which has 0. */
  uint64_t depth;
  /** The queue in which it is, with a zero at the end. It is whatever bytes somebody sent. */
  char queue[ZPAT_QUEUE_NAME_SIZE];
  /** Length of that, without the zero at its end. */
  uint64_t queue_len;
  /** A `zpat_job_state_t`. */
  int64_t state;
  /** For how long it has stood there, in milliseconds. */
  uint64_t since;
  /** Its children that have not ended. */
  uint64_t open_children;
  /** All children that it has spawned. */
  uint64_t children;
} zpat_tree_job_t;

/** A dead letter: a job that failed by itself. Start from `ZPAT_DEAD_LETTER_INIT`. */
typedef struct zpat_dead_letter_t {
  /** `sizeof(zpat_dead_letter_t)`. */
  size_t struct_size;
  /** The number that the job had, by which `zpat_producer_requeue` takes it. */
  int64_t job;
  /** A `zpat_error_t`: why it failed, as in `zpat_job_outcome_t`. */
  int64_t error;
  /** The worker's own code, as in `zpat_job_outcome_t`. */
  int64_t code;
  /** The queue in which it was, with a zero at the end. It is whatever bytes somebody sent. */
  char queue[ZPAT_QUEUE_NAME_SIZE];
  /** Length of that, without the zero at its end. */
  uint64_t queue_len;
  /** Its key, with a zero at the end, of whatever bytes. It is empty if it has none. */
  char key[ZPAT_QUEUE_NAME_SIZE];
  /** Length of that, without the zero at its end. */
  uint64_t key_len;
  /** How it was to be done: this and the others are as in `zpat_job_options_t`. */
  int64_t priority;
  /** In milliseconds. */
  int64_t delay;
  /** How often it might fail. */
  int64_t attempts;
  /** In milliseconds. */
  int64_t backoff;
  /** In milliseconds. */
  int64_t time_limit;
  /** In milliseconds. */
  int64_t keep;
} zpat_dead_letter_t;

/** The name of a `zpat_job_state_t`, the same in every language (`waiting`); `unknown` for what is none. Static text. */
const char *zpat_job_state_name(int state);

/** Asks the queue what became of the jobs in each of its queues; otherwise as `zpat_queue_queues`. */
int zpat_producer_queues(const zpat_producer_t *producer,
                         int64_t timeout_ms,
                         const zpat_cancel_t *cancel,
                         zpat_queue_counters_t *out,
                         size_t most);

/**
 * Asks the queue for a job and what is below it and has not ended, each right behind the one it is a child of, and
 * writes that into `out`, an array of `most` elements, 1 or more; `struct_size` of the first is set, and holds for all.
 * Returns how many were written, which are never more than 10,000. `*more` is 1 if there are others, else 0; `more` may
 * be NULL. `ZPAT_E_NOT_FOUND` if the queue does not know the job, or it has ended.
 */
int zpat_producer_tree(const zpat_producer_t *producer,
                       int64_t job,
                       int64_t timeout_ms,
                       const zpat_cancel_t *cancel,
                       zpat_tree_job_t *out,
                       size_t most,
                       int *more);

/**
 * Asks the queue for dead letters, the oldest first, from the number `first` on, and writes them into `out`, an array of
 * `most` elements, 1 or more; `struct_size` of the first is set, and holds for all. Returns how many were written, which
 * are never more than 10,000 and may be none. `*more` is 1 if there are others, else 0; `more` may be NULL. The next
 * ones begin behind the `job` of the last.
 *
 * `*bodies` gets what was to be done, and `*failures` what was said of the failure, the worker's own words and data or
 * one line for people: message `i` of each belongs to `out[i]`. Each is NULL or a batch, as for `zpat_socket_recv`;
 * `failures` may be NULL.
 */
int zpat_producer_dead(const zpat_producer_t *producer,
                       int64_t first,
                       int64_t timeout_ms,
                       const zpat_cancel_t *cancel,
                       zpat_dead_letter_t *out,
                       size_t most,
                       zpat_batch_t **bodies,
                       zpat_batch_t **failures,
                       int *more);

/* ---- Job queue: jobs -------------------------------------------------------------------------------------- */

/** The code of a job that was freed without a word. */
#define ZPAT_QUEUE_JOB_DROPPED UINT32_MAX

/** A job to be done, by any thread. Its end frees it, so no other call may be using it then. */
typedef struct zpat_queue_job_t zpat_queue_job_t;

/** The queue's number for it, 1 or more and below 2^53. It is the same in every run. */
int64_t zpat_queue_job_id(const zpat_queue_job_t *job);

/** The queue in which it was. The bytes belong to the job, as those of the other functions that return a slice. */
zpat_slice_t zpat_queue_job_queue(const zpat_queue_job_t *job);

/** Number of frames of what is to be done; 0 for NULL. */
size_t zpat_queue_job_frame_count(const zpat_queue_job_t *job);

/**
 * A frame of what is to be done, by position from 0. If there is no such frame, `data` is NULL; for an empty frame it
 * is not.
 */
zpat_slice_t zpat_queue_job_frame(const zpat_queue_job_t *job,
                                  size_t frame);

/** How often it was given to a worker before, and not done: workers that failed and workers that were lost, at most 255. */
int zpat_queue_job_tries(const zpat_queue_job_t *job);

/** 1 if it comes back after it spawned children, else 0. */
int zpat_queue_job_is_resumed(const zpat_queue_job_t *job);

/** Number of frames of what it left when it spawned; 0 if it has not. */
size_t zpat_queue_job_memo_count(const zpat_queue_job_t *job);

/** A frame of what it left when it spawned, as `zpat_queue_job_frame`. */
zpat_slice_t zpat_queue_job_memo(const zpat_queue_job_t *job, size_t frame);

/** Number of children that it spawned last, without those that are detached; 0 if it has not spawned. */
size_t zpat_queue_job_result_count(const zpat_queue_job_t *job);

/**
 * What a child came to, by position from 0 in the order in which they were spawned: returns a
 * `zpat_job_outcome_kind_t`, which is `ZPAT_JOB_OUTCOME_NOTHING`, 0, of one that failed and is ignored. `outcome`,
 * whose `struct_size` the caller has set, says why one failed that is passed; it may be NULL. That is no error of this
 * call, and the last error stays as it was. `ZPAT_E_NOT_FOUND` if there is no such child.
 */
int zpat_queue_job_result(const zpat_queue_job_t *job,
                          size_t index,
                          zpat_job_outcome_t *outcome);

/** Number of frames of what a child came to, or of what was said of its failure; 0 if there is nothing. */
size_t zpat_queue_job_result_frame_count(const zpat_queue_job_t *job, size_t index);

/** A frame of what a child came to, or of what was said of its failure, as `zpat_queue_job_frame`. */
zpat_slice_t zpat_queue_job_result_frame(const zpat_queue_job_t *job, size_t index, size_t frame);

/** 1 if nobody wants it any more, or another worker has it, else 0. */
int zpat_queue_job_is_withdrawn(const zpat_queue_job_t *job);

/**
 * Waits until nobody wants it any more, or another worker has it. `ZPAT_E_TIMEOUT` if that is not so in time,
 * `ZPAT_E_CLOSED` if the worker closed. It has to end before another thread ends the job: fire its `cancel` first.
 */
int zpat_queue_job_wait_withdrawn(const zpat_queue_job_t *job,
                                  int64_t timeout_ms,
                                  const zpat_cancel_t *cancel);

/**
 * Calls `hook` with `user` once, as soon as the job is withdrawn, or it or its worker has come to its end; at once, on
 * this thread, if that is so. It must return at once and must not call functions of this job or its worker. NULL takes
 * it away. When this function, or one that frees the job, returns, the hook before is not running and will not run
 * again.
 */
int zpat_queue_job_set_hook(const zpat_queue_job_t *job,
                            zpat_hook_t hook,
                            void *user);

/* ---- Job queue: how a run ends ---------------------------------------------------------------------------- */

/**
 * Says that the job is done, with copies of these `count` frames as what it came to, of which there may be none; frees
 * the job and clears the pointer. The frames may be the job's own.
 *
 * `ZPAT_E_CANCELLED` if it was withdrawn: nobody hears of it. `ZPAT_E_CLOSED` if the worker was closed: the job was
 * given to another. After `ZPAT_E_INVALID_ARGUMENT` the job is still there.
 */
int zpat_queue_job_complete(zpat_queue_job_t **job,
                            const zpat_slice_t *frames,
                            size_t count);

/**
 * Says that the job could not be done now, and may be tried again, as often as its option `attempts` allows; with a code
 * of the program's own and copies of these `count` frames, of which there may be none. The first, if it is text, is
 * shown to people. Otherwise as `zpat_queue_job_complete`.
 */
int zpat_queue_job_retry(zpat_queue_job_t **job,
                         uint32_t code,
                         const zpat_slice_t *frames,
                         size_t count);

/** Says that the job cannot be done, and is not to be tried again. Otherwise as `zpat_queue_job_retry`. */
int zpat_queue_job_fail(zpat_queue_job_t **job, uint32_t code, const zpat_slice_t *frames, size_t count);

/**
 * Breaks the job into `count` others, which are to be done first, in any order; frees the job and clears the pointer.
 * When they are done, it comes back, to any worker, with copies of these `memo_count` frames of `memo`, and with what
 * they came to. If none of the children is waited for, it comes back at once. What the arguments point to may be the
 * job's own.
 *
 * Errors are as of `zpat_queue_job_complete`. If the error is in a child, its text says which.
 */
int zpat_queue_job_spawn(zpat_queue_job_t **job,
                         const zpat_child_t *children,
                         size_t count,
                         const zpat_slice_t *memo,
                         size_t memo_count);

/** As `zpat_queue_job_spawn`, one after the other: the next child begins when the one before has ended. */
int zpat_queue_job_spawn_in_order(zpat_queue_job_t **job,
                                  const zpat_child_t *children,
                                  size_t count,
                                  const zpat_slice_t *memo,
                                  size_t memo_count);

/**
 * Frees a job and clears the pointer. One of which nothing was said has failed with the code `ZPAT_QUEUE_JOB_DROPPED`,
 * and may be tried again. NULL and a cleared pointer are fine.
 */
int zpat_queue_job_free(zpat_queue_job_t **job);

/* ---- Job queue: workers ----------------------------------------------------------------------------------- */

/** Does jobs of one or more queues. Any number of threads may use it at the same time, each with jobs of its own. */
typedef struct zpat_queue_worker_t zpat_queue_worker_t;

/**
 * Opens a worker that takes jobs of `queue_count` queues, names of 1 to 255 bytes, from those that keep jobs at `count`
 * endpoints; at least one of each. It connects in the background. `options` may be NULL for the defaults. The caller
 * frees it with `zpat_queue_worker_close`. `ZPAT_E_INVALID_ENDPOINT` if an endpoint cannot be read.
 */
int zpat_queue_worker_connect(const zpat_context_t *context,
                              const char *const *endpoints,
                              size_t count,
                              const char *const *queues,
                              size_t queue_count,
                              const zpat_queue_worker_options_t *options,
                              zpat_queue_worker_t **worker);

/**
 * Waits for the next job, and returns 1. `*job` becomes a handle that the caller ends or frees, in any order among
 * several. `ZPAT_E_TIMEOUT` if none came in time; `ZPAT_E_CLOSED` after `zpat_queue_worker_leave` when all is done.
 */
int zpat_queue_worker_next(const zpat_queue_worker_t *worker,
                           int64_t timeout_ms,
                           const zpat_cancel_t *cancel,
                           zpat_queue_job_t **job);

/**
 * Waits for the next job, and takes those that are there besides. Returns how many came, 1 to `max_jobs`, which is the
 * room in the caller's array `jobs`. As many of its elements become handles that the caller ends or frees, in any
 * order; the others, and all after an error, stay as they were. Otherwise as `zpat_queue_worker_next`.
 */
int zpat_queue_worker_next_many(const zpat_queue_worker_t *worker,
                                size_t max_jobs,
                                int64_t timeout_ms,
                                const zpat_cancel_t *cancel,
                                zpat_queue_job_t **jobs);

/** Takes no more jobs. Those that are here are to be done; then `zpat_queue_worker_next` ends with `ZPAT_E_CLOSED`. */
int zpat_queue_worker_leave(const zpat_queue_worker_t *worker);

/**
 * Keeps back what is said of jobs from now on, by any thread, to send it together with `zpat_queue_worker_uncork`.
 * Otherwise as `zpat_producer_cork`.
 */
int zpat_queue_worker_cork(const zpat_queue_worker_t *worker);

/** Undoes one `zpat_queue_worker_cork`. */
int zpat_queue_worker_uncork(const zpat_queue_worker_t *worker);

/** Writes what the worker did so far into `counters`, whose `struct_size` the caller has set. */
int zpat_queue_worker_counters(const zpat_queue_worker_t *worker,
                               zpat_queue_worker_counters_t *counters);

/**
 * Asks for one notice when `zpat_queue_worker_next` has something. 1 if it has already, and then no notice comes; 0
 * means wait for it. As `zpat_socket_arm`.
 */
int zpat_queue_worker_arm(const zpat_queue_worker_t *worker);

/** The descriptor for `poll` and event loops, as `zpat_socket_ready_fd`. It lives as long as the worker. */
int zpat_queue_worker_ready_fd(const zpat_queue_worker_t *worker);

/**
 * Sets what is called instead of making the descriptor readable, as `zpat_socket_set_hook`. It may also run on a
 * thread that ends a job.
 */
int zpat_queue_worker_set_hook(const zpat_queue_worker_t *worker,
                               zpat_hook_t hook,
                               void *user);

/**
 * Closes a worker where it is, frees it and clears the pointer. Jobs that are here are given to others; their handles
 * still have to be freed. Every wait ends with `ZPAT_E_CLOSED`. NULL and a cleared pointer are fine.
 */
int zpat_queue_worker_close(zpat_queue_worker_t **worker);

/* ---- Publish-subscribe: streams --------------------------------------------------------------------------- */

/** How a stream is kept, and for whom it is. Start from `ZPAT_STREAM_OPTIONS_INIT`. */
typedef struct zpat_stream_options_t {
  /** `sizeof(zpat_stream_options_t)`. */
  size_t struct_size;
  /**
   * 1: everybody may hear it, whatever rules say, and it leaves once for all if the publisher has a shared path. 0,
   * the default: who may hear it, rules say.
   */
  int64_t is_public;
  /** How many of the last publications are kept for those who come late, or missed some. */
  int64_t history;
  /** Bytes of those. */
  int64_t history_bytes;
  /** For how long they are kept, in milliseconds, unless somebody is waited for who has yet to take them. */
  int64_t history_age;
  /**
   * Bytes of those before them that are kept on disk, for subscriptions that spill, and for who lost some of the shared
   * path; needs `disk` of the publisher. 0, the default, is nothing on disk.
   */
  int64_t disk_bytes;
  /** Of how many subjects the last publication is kept in any case. */
  int64_t last_values;
} zpat_stream_options_t;

/**
 * A stream, for `streams` in `zpat_publisher_options_t`, which is an array: this structure does not grow, its options
 * do. All of it is read while the publisher is opened, not later, and stays the caller's.
 */
typedef struct zpat_stream_t {
  /** Its name, 1 to 255 bytes. */
  const char *name;
  /** Patterns of the subjects that belong to it, unless they belong to a stream before it. NULL is every subject. */
  const char *const *subjects;
  /** How many those are. */
  size_t subjects_count;
  /** NULL for the defaults. */
  const zpat_stream_options_t *options;
} zpat_stream_t;

/** Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_STREAM_OPTIONS_INIT` does. */
int zpat_stream_options_init(zpat_stream_options_t *options, size_t struct_size);

/* ---- Publish-subscribe: options of a publisher ------------------------------------------------------------ */

/**
 * How a publisher is set up. Who comes beyond a bound is refused with `ZPAT_E_FULL`. Texts, bytes and arrays are read
 * while the publisher is opened, not later, and stay the caller's. Start from `ZPAT_PUBLISHER_OPTIONS_INIT`.
 */
typedef struct zpat_publisher_options_t {
  /** `sizeof(zpat_publisher_options_t)`. */
  size_t struct_size;
  /**
   * The streams, in the order in which they are asked whether a subject is theirs; at most 1000. NULL, the default,
   * is one of all subjects, `main`, which is not public.
   */
  const zpat_stream_t *streams;
  /** How many those are. */
  size_t streams_count;
  /**
   * An endpoint where public streams leave once for all. NULL, the default: they are sent to each subscriber by
   * itself.
   */
  const char *shared;
  /**
   * An endpoint where plain SUB sockets hear public streams: the subject, and the frames. NULL, the default, is
   * none.
   */
  const char *plain;
  /**
   * Who may hear what, in ZPL, as the specification has it. Without them, and without `ask`, everybody may hear
   * everything.
   */
  zpat_slice_t entitlements;
  /**
   * The program is asked for each subscriber, by `zpat_publisher_next`, and has so long for its answer, in
   * milliseconds; refused if it gives none. 0, the default: it is not asked. Not together with `entitlements`.
   */
  int64_t ask;
  /** 1: `zpat_publisher_next` tells who comes and goes. 0 or 1. */
  int64_t news;
  /** A subscriber that owes a sign of life is asked for one after this much silence, in milliseconds. 1 or more. */
  int64_t heartbeat_interval;
  /** After how many silent intervals its connection counts as broken. 2 or more. */
  int64_t heartbeat_limit;
  /**
   * For how long a subscriber is waited for and remembered after its last sign of life, in milliseconds. At least
   * the interval times the limit.
   */
  int64_t lease;
  /** The longest `keep` that a subscriber gets, in milliseconds. */
  int64_t max_keep;
  /**
   * For how long the publisher waits for a subscription that takes nothing, in milliseconds: then it loses the oldest,
   * and is told, until it takes again.
   */
  int64_t max_hold;
  /**
   * For how long what is published soon after other publications may wait for more, to leave together. In
   * microseconds.
   */
  int64_t gather_us;
  /** Subscribers, with those that are away. */
  int64_t max_subscribers;
  /** Subscriptions of one subscriber. */
  int64_t max_subscriptions;
  /** Subscriptions of all. */
  int64_t max_all_subscriptions;
  /** Endpoints of subscribers that are connected to. */
  int64_t max_endpoints;
  /** Endpoints that are open for plain SUB sockets of users, by `zpat_publisher_open_plain`. */
  int64_t max_plain;
  /** Bytes of a publication. 1 to 1073741824. */
  int64_t max_size;
  /** Bytes of publications that are here, in histories and for subscribers; each counts as 96 more. */
  int64_t max_bytes;
  /**
   * A folder for what streams keep on disk, a path as `open(2)` takes it: in a file without a name, which goes with the
   * publisher. NULL, the default: nothing is kept on disk.
   */
  const char *disk;
  /** How long closing waits until what is for connected subscribers has arrived, in milliseconds. */
  int64_t linger;
  /**
   * Subscribers must know the public key that belongs to this one, 40 characters of Z85, and show one of their own.
   * The context needs an authenticator. NULL, the default, is no CURVE.
   */
  const char *curve_secret_key;
  /**
   * 1: subscribers must show a name and a password, which anybody on the way can read. The context needs an
   * authenticator. Not together with `curve_secret_key`. 0 or 1.
   */
  int64_t plain_server;
  /** What the authenticator is asked for. NULL is unset, the default. */
  const char *zap_domain;
} zpat_publisher_options_t;

/** Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_PUBLISHER_OPTIONS_INIT` does. */
int zpat_publisher_options_init(zpat_publisher_options_t *options,
                                size_t struct_size);

/* ---- Publish-subscribe: publishers ------------------------------------------------------------------------ */

/** Publishes to its subscribers, and knows them. Any number of threads may use it at the same time. */
typedef struct zpat_publisher_t zpat_publisher_t;

/**
 * Opens a publisher to which subscribers connect at this endpoint. `options` may be NULL for the defaults. The caller
 * frees it with `zpat_publisher_close`. `ZPAT_E_INVALID_ARGUMENT` names the option that is out of range;
 * `ZPAT_E_INVALID_ENDPOINT`, `ZPAT_E_ADDRESS_IN_USE`, `ZPAT_E_ADDRESS_NOT_AVAILABLE` or `ZPAT_E_PERMISSION_DENIED` if
 * it cannot bind one of its endpoints; `ZPAT_E_WRONG_STATE` if its security needs an authenticator and the context has
 * none.
 */
int zpat_publisher_bind(const zpat_context_t *context,
                        const char *endpoint,
                        const zpat_publisher_options_t *options,
                        zpat_publisher_t **publisher);

/**
 * Writes the endpoint to which subscribers connect, with the port that the system chose, into `buffer` of `size`
 * bytes; `ZPAT_ENDPOINT_SIZE` is enough. `ZPAT_E_TOO_LARGE` if it does not fit.
 */
int zpat_publisher_endpoint(const zpat_publisher_t *publisher,
                            char *buffer,
                            size_t size);

/** As `zpat_publisher_endpoint`, of the shared path, which subscribers are told. `ZPAT_E_NOT_FOUND` if there is none. */
int zpat_publisher_shared_endpoint(const zpat_publisher_t *publisher,
                                   char *buffer,
                                   size_t size);

/** As `zpat_publisher_endpoint`, where plain SUB sockets connect. `ZPAT_E_NOT_FOUND` if they do not. */
int zpat_publisher_plain_endpoint(const zpat_publisher_t *publisher, char *buffer, size_t size);

/**
 * Publishes copies of these `count` frames, at most 255, under a subject such as `ticks.eur.usd`. From now on it is
 * the publisher's to see that each subscriber gets it, or is told.
 *
 * `ZPAT_E_TIMEOUT` if somebody for whom the publisher waits was slow for so long, or publications took all memory;
 * `ZPAT_E_NOT_FOUND` if the subject is of no stream, `ZPAT_E_TOO_LARGE` beyond `max_size` or 255 frames,
 * `ZPAT_E_INVALID_ARGUMENT` if the subject is none.
 */
int zpat_publisher_publish(const zpat_publisher_t *publisher,
                           const char *subject,
                           const zpat_slice_t *frames,
                           size_t count,
                           int64_t timeout_ms,
                           const zpat_cancel_t *cancel);

/**
 * Publishes the messages of `batch` from position `first` on, in order: the first frame of each is its subject, and
 * what follows are its frames. Returns how many were taken: at least one, and fewer than all if there is no more room,
 * or if something is wrong with the next, which the next call says. The batch keeps its messages. It costs less than
 * one by one. Errors as `zpat_publisher_publish`.
 */
int zpat_publisher_publish_many(const zpat_publisher_t *publisher,
                                const zpat_batch_t *batch,
                                size_t first,
                                int64_t timeout_ms,
                                const zpat_cancel_t *cancel);

/**
 * Asks for one notice when one of `interest` holds: `ZPAT_RECV`, that `zpat_publisher_next` has something,
 * `ZPAT_SEND`, that there is room to publish, or both; returns those that hold already. As `zpat_socket_arm`.
 */
int zpat_publisher_arm(const zpat_publisher_t *publisher, int interest);

/** The descriptor for `poll` and event loops, as `zpat_socket_ready_fd`. It lives as long as the publisher. */
int zpat_publisher_ready_fd(const zpat_publisher_t *publisher);

/** Sets what is called instead of making the descriptor readable, as `zpat_socket_set_hook`. */
int zpat_publisher_set_hook(const zpat_publisher_t *publisher, zpat_hook_t hook, void *user);

/**
 * Closes a publisher, frees it and clears the pointer: it takes no more, waits at most `linger_ms` until what is for
 * connected subscribers has arrived, and says goodbye; -1 is the option `linger`. Calls that wait on it in other
 * threads end with `ZPAT_E_CLOSED`. NULL and a cleared pointer are fine.
 */
int zpat_publisher_close(zpat_publisher_t **publisher,
                         int64_t linger_ms);

/* ---- Publish-subscribe: what a publisher is told ---------------------------------------------------------- */

/** What a publisher's program is told. */
typedef enum zpat_publisher_event_kind_t {
  /** Somebody says who he is, and is let in or not by `zpat_publisher_admit` or `zpat_publisher_refuse`. */
  ZPAT_PUBLISHER_ASKED = 1,
  /** A subscriber is there that was not. */
  ZPAT_PUBLISHER_JOINED = 2,
  /** A subscriber has gone, or was silent for longer than its lease. */
  ZPAT_PUBLISHER_LEFT = 3,
} zpat_publisher_event_kind_t;

/** How somebody who asks says who he is. */
typedef enum zpat_credential_kind_t {
  /** He does not. */
  ZPAT_CREDENTIAL_NONE = 0,
  /** By a name and a password. */
  ZPAT_CREDENTIAL_PASSWORD = 1,
  /** By what only he has. */
  ZPAT_CREDENTIAL_TOKEN = 2,
} zpat_credential_kind_t;

/** Something that a publisher's program was told, or nothing. It belongs to one thread at a time. */
typedef struct zpat_publisher_event_t zpat_publisher_event_t;

/**
 * Waits for what happens next, if somebody is to be let in (`ask`) or `news` are wanted, puts it into `*event`, and
 * returns 1.
 *
 * `*event` is NULL, and then becomes something new that the caller frees with `zpat_publisher_event_free`, or what an
 * earlier call left, which is emptied and used again. `ZPAT_E_TIMEOUT` if nothing happened in time, `ZPAT_E_CLOSED`
 * when the publisher has ended.
 */
int zpat_publisher_next(const zpat_publisher_t *publisher,
                        int64_t timeout_ms,
                        const zpat_cancel_t *cancel,
                        zpat_publisher_event_t **event);

/** A `zpat_publisher_event_kind_t`; 0 is nothing, or one that this version has no number for. */
int zpat_publisher_event_kind(const zpat_publisher_event_t *event);

/** Who asks, for the answer; 0 if nobody does. */
uint64_t zpat_publisher_event_ask(const zpat_publisher_event_t *event);

/**
 * By which the subscriber is known, or will be. The bytes, as those of the functions below, belong to the event: they
 * stay until it is freed or used again. If there are none, `data` is NULL; if they are empty it is not.
 */
zpat_slice_t zpat_publisher_event_identity(const zpat_publisher_event_t *event);

/**
 * Who the subscriber is. Of one who asks: who the security of its connection says that it is, a user's name or a
 * public key in Z85, and empty if there is none.
 */
zpat_slice_t zpat_publisher_event_user(const zpat_publisher_event_t *event);

/** A `zpat_credential_kind_t`: how one who asks says itself who it is. */
int zpat_publisher_event_credential(const zpat_publisher_event_t *event);

/** The name that goes with a password. */
zpat_slice_t zpat_publisher_event_credential_user(const zpat_publisher_event_t *event);

/** The password, or the token. */
zpat_slice_t zpat_publisher_event_secret(const zpat_publisher_event_t *event);

/** Frees an event and clears the pointer; slices into it end here. NULL and a cleared pointer are fine. */
int zpat_publisher_event_free(zpat_publisher_event_t **event);

/* ---- Publish-subscribe: who may hear what ----------------------------------------------------------------- */

/**
 * What one may hear: patterns that are allowed, and patterns that are denied. Denied wins, and what no pattern allows
 * is denied. All of it is read during the call. Start from `ZPAT_RULES_INIT`.
 */
typedef struct zpat_rules_t {
  /** `sizeof(zpat_rules_t)`. */
  size_t struct_size;
  /** What may be heard; `>` is everything. NULL, the default, is nothing. */
  const char *const *allow;
  /** How many those are. */
  size_t allow_count;
  /** What may not be heard, whatever is allowed. NULL, the default, is none. */
  const char *const *deny;
  /** How many those are. */
  size_t deny_count;
} zpat_rules_t;

/**
 * Lets somebody in who asked, as this user of `user_len` bytes, who may hear what `rules` say; NULL is nothing. `ask`
 * is what `zpat_publisher_event_ask` gave. If the question is not open any more, nothing happens.
 */
int zpat_publisher_admit(const zpat_publisher_t *publisher,
                         uint64_t ask,
                         const void *user,
                         size_t user_len,
                         const zpat_rules_t *rules);

/**
 * Does not let somebody in who asked, and says why: its calls fail with `ZPAT_E_PERMISSION_DENIED` and this text. If
 * the question is not open any more, nothing happens.
 */
int zpat_publisher_refuse(const zpat_publisher_t *publisher,
                          uint64_t ask,
                          const char *reason);

/**
 * From now on these entitlements, `len` bytes of ZPL, say who may hear what, also instead of rules that were set for a
 * user. What is not allowed any more does not leave after this returns, and who is no user any more is sent away.
 * `ZPAT_E_INVALID_ARGUMENT` if they cannot be read; the text says which line is wrong, and nothing has changed.
 */
int zpat_publisher_set_entitlements(const zpat_publisher_t *publisher,
                                    const void *entitlements,
                                    size_t len);

/**
 * From now on this user of `user_len` bytes may hear what `rules` say, also when it comes back; NULL is nothing. What
 * is not allowed any more does not leave after this returns.
 */
int zpat_publisher_set_rules(const zpat_publisher_t *publisher,
                             const void *user,
                             size_t user_len,
                             const zpat_rules_t *rules);

/**
 * Opens an endpoint where plain SUB sockets hear what this user of `user_len` bytes may, of all streams: the subject, and
 * the frames. Writes where it is into `bound` of `size` bytes (`ZPAT_ENDPOINT_SIZE` is enough), with the port that the
 * system chose; `bound` may be NULL. Its rules are those that were set, or else what entitlements say, and what they do
 * not allow any more is not handed over after they changed.
 *
 * Whoever the publisher's security lets in may connect there, and not only this user. Nobody acknowledges: who is slow or
 * away misses some of it, nobody is told, and `handed_over` of the counters is all that is known.
 *
 * `ZPAT_E_PERMISSION_DENIED` if no rule allows this user anything, `ZPAT_E_FULL` beyond `max_plain`, as
 * `zpat_publisher_bind` if it cannot be bound, `ZPAT_E_TOO_LARGE` if where it is does not fit, and then it is not open.
 */
int zpat_publisher_open_plain(const zpat_publisher_t *publisher,
                              const void *user,
                              size_t user_len,
                              const char *endpoint,
                              char *bound,
                              size_t size);

/**
 * Closes an endpoint that `zpat_publisher_open_plain` opened, by what that wrote; its port is free a moment later.
 * `ZPAT_E_NOT_FOUND` if there is none.
 */
int zpat_publisher_close_plain(const zpat_publisher_t *publisher,
                               const char *endpoint);

/**
 * Forgets the subscriber with this identity of `len` bytes, and what is for it; if it is connected its calls fail with
 * `ZPAT_E_PERMISSION_DENIED` and this text. If there is none, nothing happens.
 */
int zpat_publisher_expel(const zpat_publisher_t *publisher,
                         const void *identity,
                         size_t len,
                         const char *reason);

/* ---- Publish-subscribe: counters of a publisher ----------------------------------------------------------- */

/** Room for the longest identity, user or name of a stream and a zero. */
#define ZPAT_PUBSUB_NAME_SIZE 256

/**
 * What a publisher did so far, and what became of what it published, for all subscribers together. Always: `accepted`
 * is `delivered`, `held` and all `lost_` together. Start from `ZPAT_PUBLISHER_COUNTERS_INIT`.
 */
typedef struct zpat_publisher_counters_t {
  /** `sizeof(zpat_publisher_counters_t)`. */
  size_t struct_size;
  /** Publications that were taken. */
  uint64_t published;
  /** Not taken, because somebody for whom the publisher waits is slow. */
  uint64_t refused_full;
  /**
   * Publications that were to be delivered, for each subscriber; of a public stream that is heard over the shared
   * path, all.
   */
  uint64_t accepted;
  /** Taken by a subscriber's program. */
  uint64_t delivered;
  /** Sent once more, because nobody knew whether they had arrived; counts how often. */
  uint64_t redelivered;
  /** Lost because the subscriber did not take what it was sent. */
  uint64_t lost_slow;
  /** Lost because the subscriber asked too late: the history has them no more. */
  uint64_t lost_history;
  /** Lost because rules changed, or the subscriber was sent away. */
  uint64_t lost_revoked;
  /** Lost because the subscriber went, or was silent for too long. */
  uint64_t lost_gone;
  /** Lost because the publisher was closed. */
  uint64_t lost_closed;
  /** On their way, or waiting for it. */
  uint64_t held;
  /** Publications that were sent again because the shared path had lost them. */
  uint64_t repaired;
  /** Subscribers that are connected. */
  uint64_t subscribers;
  /** Subscriptions, with those of subscribers that are away. */
  uint64_t subscriptions;
  /** Subscribers and subscriptions that were refused. */
  uint64_t denied;
  /** Messages over a connection of another user than their subscriber's. */
  uint64_t forged;
  /** Messages that made no sense. */
  uint64_t malformed;
  /** Bytes of publications that are here. */
  uint64_t bytes;
  /** Bytes of publications on disk, or on their way there. */
  uint64_t disk_bytes;
  /** How often the disk did not take, or give back, a block of them. */
  uint64_t disk_errors;
  /** Those who came and went, of which the program was not told because it takes too little of what it is told. */
  uint64_t dropped_news;
  /** Endpoints of users, for plain SUB sockets, that are open. */
  uint64_t plain_endpoints;
  /**
   * How often a publication was handed over to ZeroMQ for plain SUB sockets, once for each endpoint; what becomes of
   * it, nobody knows.
   */
  uint64_t handed_over;
} zpat_publisher_counters_t;

/**
 * A subscriber that is known to a publisher, and what became of the publications for it. Start from
 * `ZPAT_PUBLISHER_SUBSCRIBER_INIT`.
 */
typedef struct zpat_publisher_subscriber_t {
  /** `sizeof(zpat_publisher_subscriber_t)`. */
  size_t struct_size;
  /**
   * By which it is known, with a zero at the end. It is whatever bytes somebody sent: not always text, and zeros may
   * be among them.
   */
  char identity[ZPAT_PUBSUB_NAME_SIZE];
  /** Length of that, without the zero at its end. */
  uint64_t identity_len;
  /** Who it is, with a zero at the end, of whatever bytes; cut if it is longer than 255. */
  char user[ZPAT_PUBSUB_NAME_SIZE];
  /** Length of that, without the zero at its end. */
  uint64_t user_len;
  /** 1 if it is connected, else 0. */
  int64_t connected;
  /** How many subscriptions it has. */
  uint64_t subscriptions;
  /** The books, as in `zpat_publisher_counters_t`, from here on. */
  uint64_t accepted;
  /** Taken by its program. */
  uint64_t delivered;
  /** Sent once more; counts how often. */
  uint64_t redelivered;
  /** Lost because it was slow. */
  uint64_t lost_slow;
  /** Lost because the history has them no more. */
  uint64_t lost_history;
  /** Lost because rules changed. */
  uint64_t lost_revoked;
  /** Lost because it went. */
  uint64_t lost_gone;
  /** Lost because the publisher was closed. */
  uint64_t lost_closed;
  /** On their way, or waiting for it. */
  uint64_t held;
} zpat_publisher_subscriber_t;

/** Writes what the publisher did so far into `counters`, whose `struct_size` the caller has set. */
int zpat_publisher_counters(const zpat_publisher_t *publisher, zpat_publisher_counters_t *counters);

/**
 * Writes which subscribers are known, in the order of their identities, and what became of the publications for each,
 * into `out`, an array of `most` elements; `struct_size` of the first is set, and holds for all. Returns how many
 * there are: if that is more than `most`, the last ones were not written. `out` may be NULL if `most` is 0.
 */
int zpat_publisher_subscribers(const zpat_publisher_t *publisher,
                               zpat_publisher_subscriber_t *out,
                               size_t most);

/* ---- Publish-subscribe: options of a subscriber ----------------------------------------------------------- */

/** Where a subscription begins. */
typedef enum zpat_start_t {
  /** With what is published next. */
  ZPAT_START_NOW = 0,
  /**
   * With the last publication of each subject. What follows is sent to this subscriber by itself, also of public
   * streams.
   */
  ZPAT_START_LAST_VALUES = 1,
  /** With the last publications of each stream, as many as `last` says. */
  ZPAT_START_LAST = 2,
} zpat_start_t;

/** What is done when a subscriber is slow. */
typedef enum zpat_slow_t {
  /** The publisher waits for it. */
  ZPAT_SLOW_HOLD = 0,
  /** It loses the oldest, and is told. */
  ZPAT_SLOW_DROP = 1,
  /** It is sent away, and told. */
  ZPAT_SLOW_DISCONNECT = 2,
  /** What it has not taken is kept on the publisher's disk; when that is full, the publisher waits for it. */
  ZPAT_SLOW_SPILL = 3,
} zpat_slow_t;

/**
 * How a subscriber is set up. Texts and bytes are read while it is opened, not later, and stay the caller's. Start
 * from `ZPAT_SUBSCRIBER_OPTIONS_INIT`.
 */
typedef struct zpat_subscriber_options_t {
  /** `sizeof(zpat_subscriber_options_t)`. */
  size_t struct_size;
  /**
   * By which the publisher knows it when it comes back after its lease has ended: 1 to 200 bytes. NULL, the default:
   * then it is not known.
   */
  const char *name;
  /**
   * For how long the publisher keeps what is for it after that, in milliseconds; at most as long as the publisher
   * wants.
   */
  int64_t keep;
  /** Who it is, together with `password`; each at most 255 bytes. NULL, the default, is nobody. */
  zpat_slice_t user;
  /** As `user` says. */
  zpat_slice_t password;
  /**
   * Who it is, by what only it has: at most 16384 bytes, and 255 of those that entitlements know. Not together with
   * `user`. NULL, the default, is none.
   */
  zpat_slice_t token;
  /**
   * Where the shared path is, if not where the publisher says: a proxy's address, for example. NULL is unset, the
   * default.
   */
  const char *shared;
  /**
   * Where it wants what is for it alone: an endpoint that it binds, and to which the publisher connects. NULL, the
   * default: over the connection to the publisher.
   */
  const char *endpoint;
  /** A publisher that owes a sign of life is asked for one after this much silence, in milliseconds. 1 or more. */
  int64_t heartbeat_interval;
  /** After how many silent intervals the connection counts as broken, and is made again. 2 or more. */
  int64_t heartbeat_limit;
  /** Publications that may be here, and not yet taken by the program. 1 or more. */
  int64_t max_messages;
  /** Bytes of those; each counts as 96 more. 1 or more. */
  int64_t max_bytes;
  /**
   * It dies of being late when its program has not taken so many publications of a stream that it knows of. 0, the
   * default, is without bound.
   */
  int64_t snail_max_lag;
  /**
   * It dies of being late when its program has not taken for so long what it knows of, in milliseconds. 0, the
   * default, is without bound.
   */
  int64_t snail_max_age;
  /** The publisher's public key, 40 characters of Z85; together with the next two. NULL, the default, is no CURVE. */
  const char *curve_server_key;
  /** Its own public key. */
  const char *curve_public_key;
  /** Its own secret key. */
  const char *curve_secret_key;
  /**
   * A name for the publisher's authenticator, together with `plain_password`, which anybody on the way can read; not
   * together with CURVE. NULL, the default, is none.
   */
  const char *plain_username;
  /** As `plain_username` says. */
  const char *plain_password;
} zpat_subscriber_options_t;

/** What a subscription wants besides its subjects. Start from `ZPAT_SUBSCRIPTION_OPTIONS_INIT`. */
typedef struct zpat_subscription_options_t {
  /** `sizeof(zpat_subscription_options_t)`. */
  size_t struct_size;
  /** 1: the text is a prefix, and asks for every subject that begins with it; 0, the default: it is a pattern. */
  int64_t is_prefix;
  /** A `zpat_start_t`: from where on. By default `ZPAT_START_NOW`. */
  int64_t start;
  /** With how many it begins, if with the last ones. At most 4294967295. */
  int64_t last;
  /** A `zpat_slow_t`: what is done when the program is slow. By default `ZPAT_SLOW_DROP`. */
  int64_t slow;
  /** It is slow when it has not taken so many publications, which have left or wait. 1 to 4294967295. */
  int64_t max_messages;
  /** Or so many bytes. 1 or more. */
  int64_t max_bytes;
  /** Public streams come over the shared path, if there is one. 0 or 1, the default. */
  int64_t shared;
} zpat_subscription_options_t;

/** Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_SUBSCRIBER_OPTIONS_INIT` does. */
int zpat_subscriber_options_init(zpat_subscriber_options_t *options,
                                 size_t struct_size);

/** Writes the defaults into `options`, a structure of `struct_size` bytes, as `ZPAT_SUBSCRIPTION_OPTIONS_INIT` does. */
int zpat_subscription_options_init(zpat_subscription_options_t *options,
                                   size_t struct_size);

/* ---- Publish-subscribe: publications and events ----------------------------------------------------------- */

/** What a subscriber brings. */
typedef enum zpat_subscriber_event_kind_t {
  /** The publisher knows who this is. */
  ZPAT_SUBSCRIBER_CONNECTED = 1,
  /** `subscription` is there; what follows belongs to it. */
  ZPAT_SUBSCRIBER_SUBSCRIBED = 2,
  /**
   * This was published: `subscription`, `number` and `frames`, with its stream, its subject and its frames beside
   * them.
   */
  ZPAT_SUBSCRIBER_MESSAGE = 3,
  /**
   * This was published and will not come: numbers `first` to `last` of a stream, `count` of them for this
   * `subscription`, for this `reason`.
   */
  ZPAT_SUBSCRIBER_MISSED = 4,
  /** `subscription` is not there, or not any more: `error`, and a text beside it. */
  ZPAT_SUBSCRIBER_REJECTED = 5,
  /** The publisher has started anew. What it had published and not sent is lost with it; the numbers begin again. */
  ZPAT_SUBSCRIBER_RESTARTED = 6,
} zpat_subscriber_event_kind_t;

/** Why a publication does not come. */
typedef enum zpat_lost_reason_t {
  /** The program did not take what it was sent, and the subscription has a bound. */
  ZPAT_PUBSUB_LOST_SLOW = 0,
  /** It was asked for too late: the publisher's history has it no more. */
  ZPAT_PUBSUB_LOST_HISTORY = 1,
  /** Rules changed, and it may not be heard any more, or the subscriber was sent away. */
  ZPAT_PUBSUB_LOST_REVOKED = 2,
  /** The subscriber went, or was silent for too long. */
  ZPAT_PUBSUB_LOST_GONE = 3,
  /** The publisher was closed. */
  ZPAT_PUBSUB_LOST_CLOSED = 4,
} zpat_lost_reason_t;

/** Publications and events that a subscriber brought, in order. They belong to one thread at a time. */
typedef struct zpat_subscriber_events_t zpat_subscriber_events_t;

/**
 * An event; what is beside it is in `zpat_subscriber_events_frame` and its relatives. What `kind` does not name is 0.
 * Start from `ZPAT_SUBSCRIBER_EVENT_INIT`.
 */
typedef struct zpat_subscriber_event_t {
  /** `sizeof(zpat_subscriber_event_t)`. */
  size_t struct_size;
  /** A `zpat_subscriber_event_kind_t`; 0 is one that this version has no number for. */
  int64_t kind;
  /** As `zpat_subscriber_subscribe` wrote it. */
  uint64_t subscription;
  /** The number of a publication in its stream. */
  uint64_t number;
  /** The first number that will not come. */
  uint64_t first;
  /** The last. */
  uint64_t last;
  /** How many of these were for the subscription; 0 if nobody knows. */
  uint64_t count;
  /** A `zpat_lost_reason_t`, of what will not come. */
  int64_t reason;
  /**
   * A `zpat_error_t`: `ZPAT_E_PERMISSION_DENIED`, `ZPAT_E_FULL`, or `ZPAT_E_WRONG_STATE` if the same is subscribed
   * to already.
   */
  int64_t error;
  /** How many frames a publication has. */
  uint64_t frames;
} zpat_subscriber_event_t;

/** The name of a `zpat_lost_reason_t`, the same in every language (`revoked`); `unknown` for what is none. Static text. */
const char *zpat_lost_reason_name(int reason);

/** Number of publications and events; 0 for NULL. */
size_t zpat_subscriber_events_count(const zpat_subscriber_events_t *events);

/**
 * Writes the event at position `index` into `event`, whose `struct_size` the caller has set. `ZPAT_E_NOT_FOUND` if
 * there is none.
 */
int zpat_subscriber_events_get(const zpat_subscriber_events_t *events,
                               size_t index,
                               zpat_subscriber_event_t *event);

/**
 * A frame of a publication, both by position from 0. The bytes, as those of the functions below, belong to the events:
 * they stay until those are freed or received into. If there is no such frame, `data` is NULL; for an empty frame it
 * is not.
 */
zpat_slice_t zpat_subscriber_events_frame(const zpat_subscriber_events_t *events,
                                          size_t index,
                                          size_t frame);

/** What a publication is about. */
zpat_slice_t zpat_subscriber_events_subject(const zpat_subscriber_events_t *events, size_t index);

/** The name of the stream to which a publication belongs, or what was missed. */
zpat_slice_t zpat_subscriber_events_stream(const zpat_subscriber_events_t *events, size_t index);

/** Why a subscription was rejected, for people. */
zpat_slice_t zpat_subscriber_events_text(const zpat_subscriber_events_t *events, size_t index);

/** Frees events and clears the pointer; slices into them end here. NULL and a cleared pointer are fine. */
int zpat_subscriber_events_free(zpat_subscriber_events_t **events);

/* ---- Publish-subscribe: subscribers ----------------------------------------------------------------------- */

/** Hears what it asks for. Any number of threads may use it at the same time. */
typedef struct zpat_subscriber_t zpat_subscriber_t;

/**
 * Opens a subscriber of the publisher at this endpoint. It connects in the background. `options` may be NULL for the
 * defaults. The caller frees it with `zpat_subscriber_close`. `ZPAT_E_INVALID_ARGUMENT` names the option that is out
 * of range; `ZPAT_E_INVALID_ENDPOINT` if an endpoint cannot be read; `ZPAT_E_ADDRESS_IN_USE`,
 * `ZPAT_E_ADDRESS_NOT_AVAILABLE` or `ZPAT_E_PERMISSION_DENIED` if it cannot bind its own.
 */
int zpat_subscriber_connect(const zpat_context_t *context,
                            const char *publisher,
                            const zpat_subscriber_options_t *options,
                            zpat_subscriber_t **subscriber);

/**
 * Writes the endpoint that it has bound, with the port that the system chose, into `buffer` of `size` bytes;
 * `ZPAT_ENDPOINT_SIZE` is enough. `ZPAT_E_NOT_FOUND` if it has none, `ZPAT_E_TOO_LARGE` if it does not fit.
 */
int zpat_subscriber_endpoint(const zpat_subscriber_t *subscriber, char *buffer, size_t size);

/**
 * Asks for the subjects that this text of `len` bytes stands for: a pattern such as `ticks.*.usd` or `ticks.>`, or a
 * prefix. `options` may be NULL for the defaults. Writes its number into `*subscription`; `ZPAT_SUBSCRIBER_SUBSCRIBED`
 * comes before the first of it, or `ZPAT_SUBSCRIBER_REJECTED`. `ZPAT_E_INVALID_ARGUMENT` if it is no pattern, or an
 * option is out of range.
 */
int zpat_subscriber_subscribe(const zpat_subscriber_t *subscriber,
                              const void *text,
                              size_t len,
                              const zpat_subscription_options_t *options,
                              uint32_t *subscription);

/** Wants that no more. What is here of it already still comes. If there is no such subscription, nothing happens. */
int zpat_subscriber_unsubscribe(const zpat_subscriber_t *subscriber,
                                uint32_t subscription);

/**
 * Receives publications and events: waits for one, then takes what is there besides, no more than `max_events` and no
 * more once they have `max_bytes`, each frame and each of them counted as 32 more. Returns how many are in `*events`.
 * What was received counts as taken, which is how the publisher finds out who is slow, at the latest when the program
 * asks for more and nothing is there.
 *
 * `*events` is NULL, and then becomes something new that the caller frees with `zpat_subscriber_events_free`, or what
 * an earlier call left, which is emptied and used again. `ZPAT_E_TIMEOUT` if nothing came in time.
 * `ZPAT_E_PERMISSION_DENIED` and `ZPAT_E_FULL` if the publisher has refused this subscriber or sent it away, or it has
 * died of being late: that is said after all that came before, and again with every call.
 */
int zpat_subscriber_recv(const zpat_subscriber_t *subscriber,
                         size_t max_events,
                         size_t max_bytes,
                         int64_t timeout_ms,
                         const zpat_cancel_t *cancel,
                         zpat_subscriber_events_t **events);

/**
 * Asks for one notice when `zpat_subscriber_recv` has something. 1 if it has already, and then no notice comes; 0
 * means wait for it. As `zpat_socket_arm`.
 */
int zpat_subscriber_arm(const zpat_subscriber_t *subscriber);

/** The descriptor for `poll` and event loops, as `zpat_socket_ready_fd`. It lives as long as the subscriber. */
int zpat_subscriber_ready_fd(const zpat_subscriber_t *subscriber);

/** Sets what is called instead of making the descriptor readable, as `zpat_socket_set_hook`. */
int zpat_subscriber_set_hook(const zpat_subscriber_t *subscriber, zpat_hook_t hook, void *user);

/**
 * Closes a subscriber, frees it and clears the pointer: it says goodbye, and what is here and not received is dropped.
 * Calls that wait on it in other threads end with `ZPAT_E_CLOSED`. NULL and a cleared pointer are fine.
 */
int zpat_subscriber_close(zpat_subscriber_t **subscriber);

/* ---- Publish-subscribe: counters of a subscriber ---------------------------------------------------------- */

/** What a subscriber got so far. Start from `ZPAT_SUBSCRIBER_COUNTERS_INIT`. */
typedef struct zpat_subscriber_counters_t {
  /** `sizeof(zpat_subscriber_counters_t)`. */
  size_t struct_size;
  /** Given to the program. */
  uint64_t delivered;
  /**
   * Publications of which it was told that it missed them; of a range of which nobody knows how many were in it, all
   * numbers.
   */
  uint64_t missed;
  /** Publications that came by themselves because the shared path had lost them. */
  uint64_t repaired;
  /** What came twice. */
  uint64_t duplicates;
  /** Publications that are here, and not yet taken by the program. */
  uint64_t waiting;
  /** Bytes of those. */
  uint64_t waiting_bytes;
  /** How often the publisher was found to have started anew. */
  uint64_t restarts;
  /** Messages that made no sense. */
  uint64_t malformed;
} zpat_subscriber_counters_t;

/** How far a subscription is in one stream. Start from `ZPAT_SUBSCRIBER_VIEW_INIT`. */
typedef struct zpat_subscriber_view_t {
  /** `sizeof(zpat_subscriber_view_t)`. */
  size_t struct_size;
  /** As `zpat_subscriber_subscribe` wrote it. */
  uint64_t subscription;
  /** The name of the stream, with a zero at the end. It is whatever bytes the publisher sent. */
  char stream[ZPAT_PUBSUB_NAME_SIZE];
  /** Length of that, without the zero at its end. */
  uint64_t stream_len;
  /** 1 if it comes over the shared path, else 0. */
  int64_t shared;
  /** The last number that was given to the program, or missed. */
  uint64_t last;
} zpat_subscriber_view_t;

/** Writes what the subscriber got so far into `counters`, whose `struct_size` the caller has set. */
int zpat_subscriber_counters(const zpat_subscriber_t *subscriber,
                             zpat_subscriber_counters_t *counters);

/**
 * Writes how far each subscription is, by stream, into `out`, an array of `most` elements; `struct_size` of the first
 * is set, and holds for all. Returns how many there are: if that is more than `most`, the last ones were not written.
 * `out` may be NULL if `most` is 0.
 */
int zpat_subscriber_views(const zpat_subscriber_t *subscriber,
                          zpat_subscriber_view_t *out,
                          size_t most);

/* ---- Conveniences --------------------------------------------------------------------------------------- */

/** A slice of a text, without its final zero. */
static inline zpat_slice_t zpat_slice_text(const char *text) {
  zpat_slice_t slice = { text, strlen(text) };
  return slice;
}

/** Whether two slices have the same bytes. */
static inline int zpat_slice_equal(zpat_slice_t left, zpat_slice_t right) {
  return left.len == right.len && (left.len == 0 || memcmp(left.data, right.data, left.len) == 0);
}

#ifdef __cplusplus
}
#endif

#endif
