#include "bench/common/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { MAX_RUNS = 99 };

typedef struct sample {
    double wall[MAX_RUNS], cpu[MAX_RUNS]; /* seconds */
    uint64_t syncs, bytes;
} sample;

typedef struct options {
    int runs;
    bool json, list;
    char **names;
    int name_count;
} options;

static volatile uint64_t kept;
static uint64_t wrote;

void bench_wrote(uint64_t bytes)
{
    wrote = bytes;
}

void bench_keep(uint64_t value)
{
    kept = kept ^ value;
}

static double clock_seconds(clockid_t which)
{
    struct timespec t;

    clock_gettime(which, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool run_once(const bench_side *side, sample *s, int i)
{
    double wall, cpu;
    bool ok;

    if (side->prepare != NULL && !side->prepare(side->user))
        return false;
    wall = clock_seconds(CLOCK_MONOTONIC);
    cpu = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
    ok = side->run(side->user);
    s->cpu[i] = clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    s->wall[i] = clock_seconds(CLOCK_MONOTONIC) - wall;
    wrote = 0;
    if (side->syncs != NULL)
        s->syncs = side->syncs(side->user);
    s->bytes = wrote;
    if (side->finish != NULL)
        side->finish(side->user);
    return ok;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_value);
    return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* What one run's seconds are in the case's unit. */
static double in_unit(const bench_case *c, double seconds)
{
    double each = seconds / c->work;
    const char *u = c->unit;

    if (strcmp(u, "ns") == 0)
        return each * 1e9;
    if (strcmp(u, "us") == 0)
        return each * 1e6;
    if (strcmp(u, "ms") == 0)
        return each * 1e3;
    if (strcmp(u, "s") == 0)
        return each;
    return seconds > 0 ? c->work / seconds : 0;
}

static void print_case(const bench_case *c, const options *o, sample *ours, sample *floor)
{
    bool peer = c->floor.run != NULL, durable = c->ours.syncs != NULL;
    double wall = median(ours->wall, o->runs), cpu = median(ours->cpu, o->runs);
    double floor_wall = peer ? median(floor->wall, o->runs) : 0;
    double floor_cpu = peer ? median(floor->cpu, o->runs) : 0;
    const char *peer_name = c->floor_name != NULL ? c->floor_name : "floor";

    if (o->json) {
        printf("{\"name\": \"%s\", \"unit\": \"%s\", \"runs\": %d, \"ours\": %.6g, \"wall_s\": %.6g, \"cpu_s\": %.6g",
               c->name, c->unit, o->runs, in_unit(c, wall), wall, cpu);
        if (durable)
            printf(", \"syncs\": %llu", (unsigned long long)ours->syncs);
        if (ours->bytes != 0)
            printf(", \"bytes_each\": %.6g", (double)ours->bytes / c->work);
        if (peer)
            printf(", \"floor\": %.6g, \"floor_name\": \"%s\", \"floor_wall_s\": %.6g, \"floor_cpu_s\": %.6g, "
                   "\"ratio\": %.4g, \"cpu_ratio\": %.4g",
                   in_unit(c, floor_wall), peer_name, floor_wall, floor_cpu, wall / floor_wall,
                   floor_cpu > 0 ? cpu / floor_cpu : 0);
        if (peer && durable)
            printf(", \"floor_syncs\": %llu", (unsigned long long)floor->syncs);
        if (peer && floor->bytes != 0)
            printf(", \"floor_bytes_each\": %.6g", (double)floor->bytes / c->work);
        printf("}\n");
        return;
    }
    printf("%-34s %-10s %12.5g ", c->name, c->unit, in_unit(c, wall));
    if (peer)
        printf("%12.5g %7.2f  ", in_unit(c, floor_wall), wall / floor_wall);
    else
        printf("%12s %7s  ", "-", "-");
    printf("wall %.3f s, cpu %.3f s", wall, cpu);
    if (durable)
        printf(", %llu syncs", (unsigned long long)ours->syncs);
    if (ours->bytes != 0)
        printf(", %.0f bytes each", (double)ours->bytes / c->work);
    if (peer)
        printf("; %s: wall %.3f s, cpu %.3f s", peer_name, floor_wall, floor_cpu);
    if (peer && c->floor.syncs != NULL)
        printf(", %llu syncs", (unsigned long long)floor->syncs);
    if (peer && floor->bytes != 0)
        printf(", %.0f bytes each", (double)floor->bytes / c->work);
    printf("\n");
}

static bool wanted(const bench_case *c, const options *o)
{
    if (o->name_count == 0)
        return true;
    for (int i = 0; i < o->name_count; i++)
        if (strstr(c->name, o->names[i]) != NULL)
            return true;
    return false;
}

static bool run_case(const bench_case *c, const options *o)
{
    static sample ours, floor;

    memset(&ours, 0, sizeof ours);
    memset(&floor, 0, sizeof floor);
    for (int i = 0; i < o->runs; i++) {
        if (c->floor.run != NULL && !run_once(&c->floor, &floor, i)) {
            fprintf(stderr, "%s: the floor failed\n", c->name);
            return false;
        }
        if (!run_once(&c->ours, &ours, i)) {
            fprintf(stderr, "%s: failed\n", c->name);
            return false;
        }
    }
    print_case(c, o, &ours, &floor);
    fflush(stdout);
    return true;
}

int bench_main(int argc, char **argv, const bench_case *cases, size_t count)
{
    options o = {.runs = 5};
    int bad = 0;

    o.names = argv + 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            o.json = true;
        else if (strcmp(argv[i], "--list") == 0)
            o.list = true;
        else if (strncmp(argv[i], "--runs=", 7) == 0)
            o.runs = atoi(argv[i] + 7);
        else
            o.names[o.name_count++] = argv[i];
    }
    if (o.runs < 1 || o.runs > MAX_RUNS) {
        fprintf(stderr, "--runs takes 1 to %d\n", MAX_RUNS);
        return 2;
    }
    for (size_t i = 0; i < count; i++) {
        if (!wanted(&cases[i], &o))
            continue;
        if (o.list)
            printf("%s\n", cases[i].name);
        else if (!run_case(&cases[i], &o))
            bad = 1;
    }
    return bad;
}
