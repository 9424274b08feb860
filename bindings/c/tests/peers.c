/* Peers that break the protocol lose their connection, and the program goes on with the others. */
#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { PEERS = 60 };

static uint64_t state = 20260101;

static unsigned char random_byte(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned char)(state >> 56);
}

static int connect_raw(const char *endpoint) {
  struct sockaddr_in address;
  struct timeval patience = { LONG / 1000, 0 };
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons((uint16_t)atoi(strrchr(endpoint, ':') + 1));
  CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
  CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
  CHECK(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0);
  return fd;
}

/* The peer may have closed the connection already, which is its right. */
static void put(int fd, const void *data, size_t size) {
  if (send(fd, data, size, MSG_NOSIGNAL) < 0) return;
}

static void put_garbage(int fd, size_t size) {
  unsigned char garbage[512];
  for (size_t i = 0; i < size; i++) garbage[i] = random_byte();
  put(fd, garbage, size);
}

/* A ZMTP 3.1 greeting with this mechanism. */
static void put_greeting(int fd, const char *mechanism) {
  unsigned char greeting[64] = { 0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 1 };
  memcpy(greeting + 12, mechanism, strlen(mechanism));
  put(fd, greeting, sizeof greeting);
}

static void put_ready(int fd) { put(fd, "\x04\x19\x05READY\x0bSocket-Type\0\0\0\x04PUSH", 27); }

/* One way for each number to be a bad peer. */
static void be_bad(const char *endpoint, int number) {
  int fd = connect_raw(endpoint);
  switch (number % 8) {
    case 0: put_garbage(fd, 1 + random_byte()); break;
    case 1: put(fd, "GET / HTTP/1.1\r\n\r\n", 18); break;
    case 2: put_greeting(fd, "NULL"), put_garbage(fd, 200); break;
    case 3: put_greeting(fd, "NONSENSE"), put_ready(fd); break;
    case 4: put_greeting(fd, "NULL"), put(fd, "\x04\xff\x05READY", 8); break;
    /* A frame that announces 2^63 bytes, after a good handshake. */
    case 5: put_greeting(fd, "NULL"), put_ready(fd), put(fd, "\x02\x7f\xff\xff\xff\xff\xff\xff\xff", 9); break;
    case 6: put_greeting(fd, "NULL"), put_ready(fd), put_garbage(fd, 300); break;
    case 7: put_greeting(fd, "CURVE"), put_garbage(fd, 202); break;
  }
  if (number % 3 == 0) {
    struct linger reset = { 1, 0 };
    CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == 0);
  } else {
    shutdown(fd, SHUT_WR);
    for (char sink[256]; recv(fd, sink, sizeof sink, 0) > 0;) continue;
  }
  CHECK(close(fd) == 0);
}

/* A bound socket of `kind` meets bad peers, and then a good one of `good_kind`. */
static void survives(zpat_context_t *context, int kind, int good_kind, int background) {
  zpat_socket_t *server = background ? open_background(context, kind) : open_socket(context, kind);
  zpat_socket_t *client = open_socket(context, good_kind);
  zpat_batch_t *batch = NULL;
  char endpoint[ZPAT_ENDPOINT_SIZE];
  int answer;
  OK(zpat_socket_bind(server, "tcp://127.0.0.1:0", endpoint, sizeof endpoint));
  for (int number = 0; number < PEERS; number++) be_bad(endpoint, number);
  OK(zpat_socket_connect(client, endpoint));
  send_text(client, "good morning");
  /* Bad peers that got past the handshake may have sent something; the good one's message comes, too. */
  do answer = (int)OK(zpat_socket_recv(server, LONG, NULL, &batch));
  while (answer == 1 && !frame_is(batch, 0, zpat_batch_frame_count(batch, 0) - 1, "good morning"));
  OK(zpat_batch_free(&batch));
  OK(zpat_socket_close(&client, 0));
  OK(zpat_socket_close(&server, 0));
}

int main(void) {
  zpat_context_t *context = open_context();
  survives(context, ZPAT_PULL, ZPAT_PUSH, 0);
  survives(context, ZPAT_PULL, ZPAT_PUSH, 1);
  survives(context, ZPAT_ROUTER, ZPAT_DEALER, 1);
  survives(context, ZPAT_REP, ZPAT_REQ, 0);
  survives(context, ZPAT_XPUB, ZPAT_XSUB, 1);
  survives(context, ZPAT_DEALER, ZPAT_DEALER, 0);
  OK(zpat_context_close(&context));
  return 0;
}
