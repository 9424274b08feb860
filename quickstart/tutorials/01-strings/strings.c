/* Sends strings to a program in any language, and proves that they arrive byte for byte.
 *
 *     strings recv tcp://127.0.0.1:0 [--text T]... [--file F]...
 *     strings send ENDPOINT          [--text T]... [--file F]...
 */
#include "../program.h"

#define WAIT 30000 /* milliseconds */
#define BYTES(literal) { literal, sizeof(literal) - 1 } /* strlen would stop at a zero byte */

static char mebibyte[1048576];
static size_t count = 5;
static zpat_slice_t cases[64][2] = { /* name and bytes: the two frames of each message */
  { BYTES("ascii"), BYTES("Hello, world!") },
  { BYTES("utf8"), BYTES("Grüße, Ελλάδα, Привет, שלום, 你好, こんにちは, 🦀") },
  { BYTES("empty"), BYTES("") },
  { BYTES("nul"), BYTES("before\0after") },
  { BYTES("mebibyte"), { mebibyte, sizeof mebibyte } },
};

/* region: send */
static int send_all(zpat_socket_t *socket, const char *endpoint) {
  check(zpat_socket_connect(socket, endpoint));
  for (size_t i = 0; i < count; i++) check(zpat_socket_send_multipart(socket, cases[i], 2, WAIT, NULL));
  check(zpat_socket_send(socket, "end", 3, WAIT, NULL));
  printf("%zu strings sent\n", count);
  return 0;
}
/* endregion: send */

/* region: recv */
static int recv_all(zpat_socket_t *socket, const char *endpoint) {
  char bound[ZPAT_ENDPOINT_SIZE];
  check(zpat_socket_bind(socket, endpoint, bound, sizeof bound));
  printf("endpoint %s\n", bound);
  fflush(stdout);
  zpat_batch_t *message = NULL; /* made by the first receive, used again by the next, freed once */
  size_t received = 0, equal = 0;
  while (check(zpat_socket_recv(socket, WAIT, NULL, &message)) && zpat_batch_frame_count(message, 0) == 2) {
    zpat_slice_t name = zpat_batch_frame(message, 0, 0), bytes = zpat_batch_frame(message, 0, 1);
    int same = received < count && zpat_slice_equal(name, cases[received][0]) &&
               zpat_slice_equal(bytes, cases[received][1]);
    printf("%.*s %zu %s\n", (int)name.len, (const char *)name.data, bytes.len, same ? "equal" : "DIFFERENT");
    received++;
    equal += same;
  }
  zpat_batch_free(&message);
  size_t different = (received > count ? received : count) - equal; /* a missing one is different */
  if (different == 0) printf("%zu strings, all equal\n", received);
  else printf("%zu strings, %zu DIFFERENT\n", received, different);
  return different > 0;
}
/* endregion: recv */

static void add(const char *name, zpat_slice_t bytes) {
  if (count == sizeof cases / sizeof *cases) errx(1, "too many strings");
  cases[count][0] = zpat_slice_text(name);
  cases[count++][1] = bytes;
}

int main(int argc, char **argv) {
  if (argc < 3) errx(1, "usage: strings recv|send ENDPOINT [--text T]... [--file F]...");
  for (size_t i = 0; i < sizeof mebibyte; i += 2) memcpy(mebibyte + i, "é", 2);
  for (int i = 3; i + 1 < argc; i += 2)
    if (strcmp(argv[i], "--text") == 0) add("text", zpat_slice_text(argv[i + 1]));
  for (int i = 3; i + 1 < argc; i += 2)
    if (strcmp(argv[i], "--file") == 0) add("file", contents(argv[i + 1]));

  int sends = strcmp(argv[1], "send") == 0;
  zpat_context_t *context = NULL;
  zpat_socket_t *socket = NULL;
  check(zpat_context_open(NULL, &context));
  check(zpat_socket_open(context, sends ? ZPAT_PUSH : ZPAT_PULL, NULL, &socket));
  int status = sends ? send_all(socket, argv[2]) : recv_all(socket, argv[2]);
  zpat_socket_close(&socket, -1);
  zpat_context_close(&context); /* waits until what was sent has left */
  return status;
}
