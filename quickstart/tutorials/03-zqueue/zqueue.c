/* Recursion without a stack: workers in any language walk a folder and take a bicycle apart.
 *
 *     zqueue queue                        prints its endpoint, for the others; ends when it is asked to
 *     zqueue work ENDPOINT                works, until it is stopped
 *     zqueue measure ENDPOINT FOLDER      how many files, bytes, and a checksum; then the same by a plain program
 *     zqueue explode ENDPOINT PARTS THING what a thing consists of in the end, by a list of parts; then the queue ends
 */
#define _GNU_SOURCE /* asprintf, strsep */
#include <dirent.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "../program.h"

#define ANSWER 64 /* room for FILES BYTES CHECKSUM */

/* region: queue */
static void queue(zpat_context_t *context) {
  const char *const anywhere = "tcp://127.0.0.1:0", *const names[] = { "end" };
  char bound[ZPAT_ENDPOINT_SIZE], *endpoint = bound;
  zpat_queue_t *queue = NULL;
  zpat_queue_worker_t *end = NULL;
  zpat_queue_job_t *job = NULL;
  check(zpat_queue_bind(context, &anywhere, 1, NULL, &queue));
  check(zpat_queue_endpoint(queue, 0, bound, sizeof bound));
  check(zpat_queue_worker_connect(context, (const char *const *)&endpoint, 1, names, 1, NULL, &end));
  printf("endpoint %s\n", bound);
  fflush(stdout);
  check(zpat_queue_worker_next(end, -1, NULL, &job));
  check(zpat_queue_job_complete(&job, NULL, 0)); /* somebody asks for the end */
  check(zpat_queue_drain(queue, -1, NULL));
  zpat_zqueue_counters_t counters = ZPAT_ZQUEUE_COUNTERS_INIT;
  check(zpat_queue_counters(queue, &counters));
  uint64_t lost = counters.accepted - counters.delivered;
  if (lost == 0) printf("every job was done, and none was lost\n");
  else printf("every job was done, and %" PRIu64 " were lost\n", lost);
  zpat_queue_worker_close(&end);
  zpat_queue_close(&queue);
}
/* endregion: queue */

/* A text that ends with a zero; the caller frees it. */
static char *text(zpat_slice_t slice) {
  char *copy = strndup(slice.data, slice.len);
  if (copy == NULL) err(1, "no memory");
  return copy;
}

static char *joined(const char *folder, const char *name) {
  char *path = NULL;
  if (asprintf(&path, "%s/%s", folder, name) < 0) err(1, "no memory");
  return path;
}

static uint32_t checksum(uint32_t before, const void *bytes, size_t len) { /* CRC-32 */
  static uint32_t table[256];
  if (table[1] == 0) {
    for (uint32_t i = 0; i < 256; i++) {
      table[i] = i;
      for (int bit = 0; bit < 8; bit++) table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xEDB88320 : 0);
    }
  }
  uint32_t sum = ~before;
  for (size_t i = 0; i < len; i++) sum = sum >> 8 ^ table[(sum ^ ((const uint8_t *)bytes)[i]) & 255];
  return ~sum;
}

static int is_folder(const char *path) {
  struct stat found;
  if (lstat(path, &found) != 0) err(1, "%s", path);
  return S_ISDIR(found.st_mode);
}

static int is_shown(const struct dirent *entry) { /* not what is hidden, was made, or is neither file nor folder */
  const char *name = entry->d_name;
  return name[0] != '.' && strcmp(name, "target") != 0 && strcmp(name, "node_modules") != 0 &&
         (entry->d_type == DT_DIR || entry->d_type == DT_REG);
}

static int in_order(const struct dirent **one, const struct dirent **other) { /* of bytes, whatever the locale */
  return strcmp((*one)->d_name, (*other)->d_name);
}

static int look(const char *folder, struct dirent ***entries) {
  int count = scandir(folder, entries, is_shown, in_order);
  if (count < 0) err(1, "%s", folder);
  return count;
}

static void measure_file(const char *path, char answer[ANSWER]) {
  zpat_slice_t data = contents(path);
  snprintf(answer, ANSWER, "1 %zu %08" PRIx32, data.len, checksum(0, data.data, data.len));
  free((void *)data.data);
}

/* Of a folder, one entry after the other: files, bytes, and the checksum of a list of what is in it. */
struct total {
  uint64_t files, bytes;
  uint32_t checksum;
};

static void add(struct total *total, const char *name, size_t len, const char *answer) {
  uint64_t files = 0, bytes = 0;
  sscanf(answer, "%" SCNu64 " %" SCNu64, &files, &bytes);
  total->files += files;
  total->bytes += bytes;
  total->checksum = checksum(total->checksum, name, len);
  total->checksum = checksum(total->checksum, " ", 1);
  total->checksum = checksum(total->checksum, answer, strlen(answer));
  total->checksum = checksum(total->checksum, "\n", 1);
}

static void answer_of(const struct total *total, char answer[ANSWER]) {
  snprintf(answer, ANSWER, "%" PRIu64 " %" PRIu64 " %08" PRIx32, total->files, total->bytes, total->checksum);
}

static void complete(zpat_queue_job_t **job, const char *answer) {
  zpat_slice_t body = zpat_slice_text(answer);
  check(zpat_queue_job_complete(job, &body, 1));
}

/* region: folder */
static void folder(zpat_queue_job_t **job) {
  char answer[ANSWER];
  if (zpat_queue_job_is_resumed(*job)) { /* everything in it is measured */
    struct total total = { 0, 0, 0 };
    for (size_t i = 0; i < zpat_queue_job_result_count(*job); i++) {
      char *result = text(zpat_queue_job_result_frame(*job, i, 0));
      zpat_slice_t name = zpat_queue_job_memo(*job, i);
      add(&total, name.data, name.len, result);
      free(result);
    }
    answer_of(&total, answer);
    complete(job, answer);
    return;
  }
  char *path = text(zpat_queue_job_frame(*job, 0));
  struct dirent **entries;
  size_t count = (size_t)look(path, &entries);
  zpat_child_t *children = calloc(count + 1, sizeof *children);
  zpat_slice_t *paths = calloc(count + 1, sizeof *paths), *names = calloc(count + 1, sizeof *names);
  for (size_t i = 0; i < count; i++) {
    names[i] = zpat_slice_text(entries[i]->d_name);
    paths[i] = zpat_slice_text(joined(path, entries[i]->d_name));
    children[i].queue = entries[i]->d_type == DT_DIR ? "folder" : "file";
    children[i].frames = &paths[i];
    children[i].count = 1;
  }
  check(zpat_queue_job_spawn(job, children, count, names, count)); /* copies all of it */
  for (size_t i = 0; i < count; i++) {
    free((void *)paths[i].data);
    free(entries[i]);
  }
  free(entries), free(children), free(paths), free(names), free(path);
}

static void file(zpat_queue_job_t **job) {
  char *path = text(zpat_queue_job_frame(*job, 0)), answer[ANSWER];
  measure_file(path, answer);
  complete(job, answer);
  free(path);
}
/* endregion: folder */

/* region: plain */
static void plain(const char *path, char answer[ANSWER]) {
  if (!is_folder(path)) {
    measure_file(path, answer);
    return;
  }
  struct total total = { 0, 0, 0 };
  struct dirent **entries;
  int count = look(path, &entries);
  for (int i = 0; i < count; i++) {
    char *inner = joined(path, entries[i]->d_name), its[ANSWER];
    plain(inner, its);
    add(&total, entries[i]->d_name, strlen(entries[i]->d_name), its);
    free(inner);
    free(entries[i]);
  }
  free(entries);
  answer_of(&total, answer);
}
/* endregion: plain */

#define PARTS 64 /* kinds of parts that there may be */

struct count {
  char part[64];
  uint64_t number;
};

static int by_part(const void *one, const void *other) {
  return strcmp(((const struct count *)one)->part, ((const struct count *)other)->part);
}

static void count_in(struct count *counts, size_t *kinds, const char *part, uint64_t number) {
  size_t at = 0;
  while (at < *kinds && strcmp(counts[at].part, part) != 0) at++;
  if (at == PARTS) errx(1, "there are more kinds of parts than %d", PARTS);
  if (at == *kinds) {
    snprintf(counts[at].part, sizeof counts[at].part, "%s", part);
    counts[(*kinds)++].number = 0;
  }
  counts[at].number += number;
}

/* The line `THING: NUMBER PART, NUMBER PART` of a bill, as counts; none if there is no such line. */
static size_t consists_of(char *bill, const char *thing, struct count *needed) {
  size_t kinds = 0, length = strlen(thing);
  char *rest = bill, *line;
  while ((line = strsep(&rest, "\n")) != NULL) {
    if (strncmp(line, thing, length) != 0 || line[length] != ':') continue;
    char *parts = line + length + 1, *part;
    while ((part = strsep(&parts, ",")) != NULL) {
      uint64_t number = strtoull(part, &part, 10);
      count_in(needed, &kinds, part + 1, number);
    }
  }
  return kinds;
}

/* region: parts */
static void parts(zpat_queue_job_t **job) {
  struct count counts[PARTS];
  char lines[PARTS][96];
  zpat_slice_t body[PARTS], pairs[PARTS][2];
  size_t kinds = 0;
  if (zpat_queue_job_is_resumed(*job)) {
    for (size_t i = 0; i < zpat_queue_job_result_count(*job); i++) {
      char *times = text(zpat_queue_job_memo(*job, i));
      for (size_t frame = 0; frame < zpat_queue_job_result_frame_count(*job, i); frame++) {
        char *line = text(zpat_queue_job_result_frame(*job, i, frame)), *part;
        uint64_t number = strtoull(line, &part, 10);
        count_in(counts, &kinds, part + 1, strtoull(times, NULL, 10) * number);
        free(line);
      }
      free(times);
    }
    qsort(counts, kinds, sizeof *counts, by_part);
    for (size_t i = 0; i < kinds; i++) {
      snprintf(lines[i], sizeof lines[i], "%" PRIu64 " %.63s", counts[i].number, counts[i].part);
      body[i] = zpat_slice_text(lines[i]);
    }
    check(zpat_queue_job_complete(job, body, kinds));
    return;
  }
  zpat_slice_t bill = zpat_queue_job_frame(*job, 0);
  char *copy = text(bill), *thing = text(zpat_queue_job_frame(*job, 1));
  kinds = consists_of(copy, thing, counts);
  zpat_child_t children[PARTS];
  for (size_t i = 0; i < kinds; i++) {
    snprintf(lines[i], sizeof lines[i], "%" PRIu64, counts[i].number);
    body[i] = zpat_slice_text(lines[i]);
    pairs[i][0] = bill;
    pairs[i][1] = zpat_slice_text(counts[i].part);
    children[i] = (zpat_child_t){ .queue = "parts", .frames = pairs[i], .count = 2 };
  }
  if (kinds == 0) {
    snprintf(lines[0], sizeof lines[0], "1 %s", thing);
    complete(job, lines[0]);
  } else {
    check(zpat_queue_job_spawn(job, children, kinds, body, kinds));
  }
  free(copy), free(thing);
}
/* endregion: parts */

/* region: work */
static void work(zpat_context_t *context, const char *endpoint) {
  const char *const names[] = { "folder", "file", "parts" };
  void (*const handlers[])(zpat_queue_job_t **) = { folder, file, parts };
  zpat_queue_worker_options_t options = ZPAT_QUEUE_WORKER_OPTIONS_INIT;
  options.credit = 4; /* so many jobs may be at hand */
  zpat_queue_worker_t *worker = NULL;
  zpat_queue_job_t *job = NULL;
  check(zpat_queue_worker_connect(context, &endpoint, 1, names, 3, &options, &worker));
  printf("works\n");
  fflush(stdout);
  for (;;) {
    check(zpat_queue_worker_next(worker, -1, NULL, &job));
    for (size_t i = 0; i < 3 && job != NULL; i++)
      if (zpat_slice_equal(zpat_queue_job_queue(job), zpat_slice_text(names[i]))) handlers[i](&job);
  }
}
/* endregion: work */

/* region: measure */
static void measure(zpat_producer_t *producer, const char *folder) {
  zpat_slice_t path = zpat_slice_text(folder);
  zpat_batch_t *body = NULL;
  check(zpat_producer_run(producer, "folder", &path, 1, NULL, -1, NULL, &body, NULL));
  char *answer = text(zpat_batch_frame(body, 0, 0)), expected[ANSWER], sum[16];
  uint64_t files, bytes;
  if (sscanf(answer, "%" SCNu64 " %" SCNu64 " %15s", &files, &bytes, sum) == 3)
    printf("%" PRIu64 " files, %" PRIu64 " bytes, checksum %s\n", files, bytes, sum);
  plain(folder, expected);
  printf("a plain program finds %s\n", strcmp(answer, expected) == 0 ? "the same" : "something else");
  free(answer);
  zpat_batch_free(&body);
}
/* endregion: measure */

static void explode(zpat_producer_t *producer, const char *bill, const char *thing) {
  zpat_slice_t frames[2] = { contents(bill), zpat_slice_text(thing) };
  zpat_batch_t *body = NULL;
  check(zpat_producer_run(producer, "parts", frames, 2, NULL, -1, NULL, &body, NULL));
  for (size_t i = 0; i < zpat_batch_frame_count(body, 0); i++) {
    zpat_slice_t line = zpat_batch_frame(body, 0, i);
    printf("%.*s\n", (int)line.len, (const char *)line.data);
  }
  check(zpat_producer_run(producer, "end", NULL, 0, NULL, -1, NULL, &body, NULL));
  zpat_batch_free(&body);
  free((void *)frames[0].data);
}

int main(int argc, char **argv) {
  zpat_context_t *context = NULL;
  zpat_producer_t *producer = NULL;
  const char *role = argc > 1 ? argv[1] : "";
  check(zpat_context_open(NULL, &context));
  if (argc == 2 && strcmp(role, "queue") == 0) {
    queue(context);
  } else if (argc == 3 && strcmp(role, "work") == 0) {
    work(context, argv[2]);
  } else if (argc > 3) {
    check(zpat_producer_open(context, argv[2], NULL, &producer));
    if (argc == 4 && strcmp(role, "measure") == 0) measure(producer, argv[3]);
    if (argc == 5 && strcmp(role, "explode") == 0) explode(producer, argv[3], argv[4]);
  } else {
    errx(1, "queue | work ENDPOINT | measure ENDPOINT FOLDER | explode ENDPOINT PARTS THING");
  }
  zpat_producer_close(&producer);
  zpat_context_close(&context);
}
