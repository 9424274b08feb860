/* What the tutorials in C need and C does not bring: an end at an error, and the contents of a file. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <zpatterns.h>

/* What a call returned; if that is an error, the program tells it and ends. */
static inline int64_t check(int64_t returned) {
  if (returned < 0) errx(1, "%s", zpat_last_error());
  return returned;
}

/* The bytes of a file, which stay as long as the program runs. */
static inline zpat_slice_t contents(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) err(1, "%s", path);
  size_t length = (size_t)ftell(file);
  void *bytes = malloc(length + 1);
  rewind(file);
  if (bytes == NULL || fread(bytes, 1, length, file) != length) err(1, "%s", path);
  fclose(file);
  return (zpat_slice_t){ bytes, length };
}
