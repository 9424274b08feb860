/* zpatterns @VERSION@: reliable messaging patterns over ZeroMQ.
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

#define ZPAT_VERSION "@VERSION@"
#define ZPAT_VERSION_MAJOR @MAJOR@
#define ZPAT_VERSION_MINOR @MINOR@
#define ZPAT_VERSION_PATCH @PATCH@

/* Structures that grow from version to version start with their size; these initialise them. */
#define ZPAT_INFO_INIT { sizeof(zpat_info_t), NULL, NULL, 0, NULL }
#define ZPAT_CONTEXT_OPTIONS_INIT { sizeof(zpat_context_options_t), @IO_THREADS@, @MAX_SOCKETS@ }
#define ZPAT_SOCKET_STATS_INIT { sizeof(zpat_socket_stats_t), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_MONITOR_EVENT_INIT { sizeof(zpat_monitor_event_t), 0, 0, { 0 } }
#define ZPAT_PROXY_STATS_INIT { sizeof(zpat_proxy_stats_t), 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_AUTHENTICATOR_STATS_INIT { sizeof(zpat_authenticator_stats_t), 0, 0, 0, 0, 0 }
#define ZPAT_CLIENT_OPTIONS_INIT { sizeof(zpat_client_options_t), @CLIENT@ }
#define ZPAT_WORKER_OPTIONS_INIT { sizeof(zpat_worker_options_t), @WORKER@ }
#define ZPAT_BROKER_OPTIONS_INIT { sizeof(zpat_broker_options_t), \
@BROKER@ }
#define ZPAT_REQUEST_OPTIONS_INIT { sizeof(zpat_request_options_t), @REQUEST@, { NULL, 0 }, ZPAT_TASK_ASK }
#define ZPAT_OUTCOME_INIT { sizeof(zpat_outcome_t), 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_REQREP_COUNTERS_INIT { sizeof(zpat_reqrep_counters_t), \
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_WORKER_COUNTERS_INIT { sizeof(zpat_worker_counters_t), 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_SERVICE_COUNTERS_INIT { sizeof(zpat_service_counters_t), { 0 }, 0, 0, ZPAT_REQREP_COUNTERS_INIT }
#define ZPAT_NEWS_INIT { sizeof(zpat_news_t), 0, 0, 0, 0, 0, 0, { 0 }, 0 }
#define ZPAT_PEER_COUNTERS_INIT { sizeof(zpat_peer_counters_t), 0, { 0 }, 0, 0, 0, 0, 0, 0 }
#define ZPAT_BUS_OPTIONS_INIT { sizeof(zpat_bus_options_t), \
@BUS@ }
#define ZPAT_BUS_EVENT_INIT { sizeof(zpat_bus_event_t), 0, 0, 0, 0, 0, 0 }
#define ZPAT_BUS_COUNTERS_INIT { sizeof(zpat_bus_counters_t), \
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_BUS_PEER_INIT { sizeof(zpat_bus_peer_t), 0, 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_QUEUE_OPTIONS_INIT { sizeof(zpat_queue_options_t), \
@QUEUE@ }
#define ZPAT_PRODUCER_OPTIONS_INIT { sizeof(zpat_producer_options_t), @PRODUCER@ }
#define ZPAT_QUEUE_WORKER_OPTIONS_INIT { sizeof(zpat_queue_worker_options_t), @QUEUE_WORKER@ }
#define ZPAT_JOB_OPTIONS_INIT { sizeof(zpat_job_options_t), @JOB@ }
#define ZPAT_JOB_OUTCOME_INIT { sizeof(zpat_job_outcome_t), 0, 0, 0 }
#define ZPAT_WATCH_EVENT_INIT { sizeof(zpat_watch_event_t), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_ZQUEUE_COUNTERS_INIT { sizeof(zpat_zqueue_counters_t), \
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_QUEUE_WORKER_COUNTERS_INIT { sizeof(zpat_queue_worker_counters_t), 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_QUEUE_COUNTERS_INIT { sizeof(zpat_queue_counters_t), { 0 }, 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_TREE_JOB_INIT { sizeof(zpat_tree_job_t), 0, 0, 0, { 0 }, 0, 0, 0, 0, 0 }
#define ZPAT_DEAD_LETTER_INIT { sizeof(zpat_dead_letter_t), 0, 0, 0, { 0 }, 0, { 0 }, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_STREAM_OPTIONS_INIT { sizeof(zpat_stream_options_t), @STREAM@ }
#define ZPAT_PUBLISHER_OPTIONS_INIT { sizeof(zpat_publisher_options_t), \
@PUBLISHER@ }
#define ZPAT_RULES_INIT { sizeof(zpat_rules_t), NULL, 0, NULL, 0 }
#define ZPAT_PUBLISHER_COUNTERS_INIT { sizeof(zpat_publisher_counters_t), \
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_PUBLISHER_SUBSCRIBER_INIT { sizeof(zpat_publisher_subscriber_t), \
    { 0 }, 0, { 0 }, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_SUBSCRIBER_OPTIONS_INIT { sizeof(zpat_subscriber_options_t), \
@SUBSCRIBER@ }
#define ZPAT_SUBSCRIPTION_OPTIONS_INIT { sizeof(zpat_subscription_options_t), @SUBSCRIPTION@ }
#define ZPAT_SUBSCRIBER_EVENT_INIT { sizeof(zpat_subscriber_event_t), 0, 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_SUBSCRIBER_COUNTERS_INIT { sizeof(zpat_subscriber_counters_t), 0, 0, 0, 0, 0, 0, 0, 0 }
#define ZPAT_SUBSCRIBER_VIEW_INIT { sizeof(zpat_subscriber_view_t), 0, { 0 }, 0, 0, 0 }

#ifdef __cplusplus
extern "C" {
#endif

