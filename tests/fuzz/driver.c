/*
 * Runs a fuzz harness without a fuzzing engine: replays the files and folders given as arguments,
 * and with --mutate=N gives each of them N small, repeatable damages besides. Any compiler will do.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_INPUT = 1 << 20 };

static unsigned long mutations;
static unsigned long runs;
static uint64_t noise = 0x243f6a8885a308d3u;

static uint64_t next_noise(void)
{
    noise ^= noise << 13;
    noise ^= noise >> 7;
    noise ^= noise << 17;
    return noise;
}

/* An exactly sized copy, so that a sanitizer sees the first byte read beyond the end. */
static void run_one(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    if (copy == NULL) {
        fprintf(stderr, "driver: out of memory\n");
        exit(2);
    }
    if (size > 0)
        memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    runs++;
    free(copy);
}

/* Flips, overwrites, cuts, doubles or removes a piece; returns the new size. */
static size_t damage(uint8_t *data, size_t size)
{
    static const uint8_t nasty[] = {0x00, 0x7f, 0x80, 0xff, '\n', '"', '\\', '{', '[', '-', '9'};
    size_t at, len;

    if (size == 0) {
        data[0] = (uint8_t)next_noise();
        return 1;
    }
    at = (size_t)(next_noise() % size);
    len = 1 + (size_t)(next_noise() % 16);
    if (len > size - at)
        len = size - at;
    switch (next_noise() % 6) {
    case 0: data[at] ^= (uint8_t)(1u << (next_noise() % 8)); return size;
    case 1: data[at] = nasty[next_noise() % sizeof nasty]; return size;
    case 2: data[at] = (uint8_t)next_noise(); return size;
    case 3: return at;
    case 4: memmove(data + at, data + at + len, size - at - len); return size - len;
    default:
        if (size + len > MAX_INPUT)
            return size;
        memmove(data + at + len, data + at, size - at);
        return size + len;
    }
}

static void run_input(const uint8_t *data, size_t size)
{
    static uint8_t work[MAX_INPUT];

    run_one(data, size);
    for (unsigned long i = 0; i < mutations; i++) {
        size_t n = size;
        unsigned times = 1 + (unsigned)(next_noise() % 3);

        memcpy(work, data, size);
        while (times-- > 0)
            n = damage(work, n);
        run_one(work, n);
    }
}

static int run_file(const char *path)
{
    static uint8_t input[MAX_INPUT];
    FILE *f = fopen(path, "rb");
    size_t size;

    if (f == NULL) {
        fprintf(stderr, "driver: %s: %s\n", path, strerror(errno));
        return 1;
    }
    size = fread(input, 1, sizeof input, f);
    fclose(f);
    run_input(input, size);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Runs each file of a folder, in the order of their names so that a run can be repeated. */
static int run_folder(const char *path, DIR *dir)
{
    char *names[4096];
    size_t count = 0;
    int bad = 0;
    struct dirent *entry;

    while ((entry = readdir(dir)) != NULL && count < sizeof names / sizeof names[0]) {
        size_t need = strlen(path) + strlen(entry->d_name) + 2;

        if (entry->d_name[0] == '.')
            continue;
        names[count] = malloc(need);
        if (names[count] == NULL)
            exit(2);
        snprintf(names[count++], need, "%s/%s", path, entry->d_name);
    }
    qsort(names, count, sizeof names[0], by_name);
    for (size_t i = 0; i < count; i++) {
        bad |= run_file(names[i]);
        free(names[i]);
    }
    return bad;
}

int main(int argc, char **argv)
{
    int bad = 0;

    run_input((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        DIR *dir;

        if (strncmp(argv[i], "--mutate=", 9) == 0) {
            mutations = strtoul(argv[i] + 9, NULL, 10);
            continue;
        }
        if (strncmp(argv[i], "--seed=", 7) == 0) {
            noise = strtoul(argv[i] + 7, NULL, 10) * 2 + 1;
            continue;
        }
        dir = opendir(argv[i]);
        if (dir != NULL) {
            bad |= run_folder(argv[i], dir);
            closedir(dir);
        } else if (errno == ENOENT) {
            printf("driver: %s is not there\n", argv[i]);
        } else {
            bad |= run_file(argv[i]);
        }
    }
    printf("%lu inputs\n", runs);
    return bad;
}
