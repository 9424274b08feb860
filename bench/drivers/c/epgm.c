/* The peer on a bus: the system's libzmq with OpenPGM in it, loaded when the program runs, since the one inside zpatterns
 * has none.
 *
 *     epgm bus-recv|bus-latency ENDPOINT SIZE COUNT
 *     epgm bus-send ENDPOINT SIZE COUNT PACE
 *
 * See bus.h. The rate is far above what it reaches, and the same on both sides, because a receiver makes its window of it; by
 * default libzmq sends 100 kbit/s. Queues have no bound, so what is slow is late and not dropped. OpenPGM prints warnings on the standard output,
 * in lines of their own.
 */
#include "bus.h"

#include <dlfcn.h>
#include <errno.h>
#include <zmq.h>

enum { RATE_KBIT = 2000000, RECOVERY_MS = 5000, LINGER_MS = 5000, RECEIVE_BUFFER = 8 << 20 };

static struct {
  __typeof__(&zmq_ctx_new) ctx_new;
  __typeof__(&zmq_ctx_term) ctx_term;
  __typeof__(&zmq_socket) socket;
  __typeof__(&zmq_close) close;
  __typeof__(&zmq_setsockopt) setsockopt;
  __typeof__(&zmq_bind) bind;
  __typeof__(&zmq_connect) connect;
  __typeof__(&zmq_send) send;
  __typeof__(&zmq_recv) recv;
  __typeof__(&zmq_errno) error;
  __typeof__(&zmq_strerror) strerror;
} zmq;

static void *context;
static void *peer;

static void *find(void *library, const char *name) {
  void *found = library == NULL ? NULL : dlsym(library, name);
  if (found == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
  return found;
}

static void load(void) {
  void *library = dlopen("libzmq.so.5", RTLD_NOW);
  zmq.ctx_new = find(library, "zmq_ctx_new");
  zmq.ctx_term = find(library, "zmq_ctx_term");
  zmq.socket = find(library, "zmq_socket");
  zmq.close = find(library, "zmq_close");
  zmq.setsockopt = find(library, "zmq_setsockopt");
  zmq.bind = find(library, "zmq_bind");
  zmq.connect = find(library, "zmq_connect");
  zmq.send = find(library, "zmq_send");
  zmq.recv = find(library, "zmq_recv");
  zmq.error = find(library, "zmq_errno");
  zmq.strerror = find(library, "zmq_strerror");
}

static void check(int status, const char *what) {
  if (status >= 0) return;
  fprintf(stderr, "%s: %s\n", what, zmq.strerror(zmq.error()));
  exit(1);
}

static void set(int option, int value) { check(zmq.setsockopt(peer, option, &value, sizeof value), "option"); }

static void open_socket(int kind) {
  load();
  context = zmq.ctx_new();
  peer = zmq.socket(context, kind);
  if (peer == NULL) check(-1, "socket");
  set(ZMQ_RATE, RATE_KBIT);
  set(ZMQ_RECOVERY_IVL, RECOVERY_MS);
  set(ZMQ_SNDHWM, 0);
  set(ZMQ_RCVHWM, 0);
  set(ZMQ_RCVBUF, RECEIVE_BUFFER);
  set(ZMQ_RCVTIMEO, SILENCE_MS);
  set(ZMQ_LINGER, LINGER_MS);
}

static void send_one(const void *message, size_t size) { check(zmq.send(peer, message, size, 0), "send"); }

static void receive_all(struct receiver *receiver) {
  char *message = allocate(receiver->size);
  while (receiver->received < receiver->count) {
    int length = zmq.recv(peer, message, receiver->size, 0);
    if (length >= 0) {
      receiver_hears(receiver, message, (size_t)length);
    } else if (zmq.error() != EAGAIN) {
      check(length, "receive");
    } else if (!receiver_waits(receiver)) {
      break;
    }
  }
  free(message);
}

int main(int argc, char **argv) {
  if (argc < 5) {
    fprintf(stderr, "usage: epgm WORKLOAD ENDPOINT SIZE COUNT [PACE]\n");
    return 2;
  }
  const char *endpoint = argv[2];
  size_t size = (size_t)number(argv[3], STAMP_BYTES);
  long count = number(argv[4], 1);
  if (argc == 6) {
    open_socket(ZMQ_PUB);
    check(zmq.bind(peer, endpoint), endpoint);
    send_all(size, count, number(argv[5], 0), send_one);
  } else {
    struct receiver receiver = receiver_new(argv[1], size, count);
    open_socket(ZMQ_SUB);
    check(zmq.setsockopt(peer, ZMQ_SUBSCRIBE, "", 0), "subscribe");
    check(zmq.connect(peer, endpoint), endpoint);
    receive_all(&receiver);
    receiver_report(&receiver);
  }
  zmq.close(peer);
  zmq.ctx_term(context);
  return 0;
}
