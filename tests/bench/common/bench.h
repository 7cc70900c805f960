/*
 * A benchmark is a list of cases. Each has our way and, where there is one, a floor: the same work done bare, with the
 * same reads, hashes and syncs. The two run in turn, floor first, several times; the medians are printed with
 * their ratio. Nothing is judged here.
 */
#ifndef GOV_BENCH_H
#define GOV_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bench_side {
    bool (*prepare)(void *user); /* before each run, not timed; may be NULL */
    bool (*run)(void *user);     /* timed; false: it failed, and so does the benchmark */
    void (*finish)(void *user);  /* after each run, not timed; may be NULL */
    uint64_t (*syncs)(void *user); /* syncs of the last run, asked before finish; NULL: not durable */
    void *user;
} bench_side;

typedef struct bench_case {
    const char *name;
    const char *unit; /* "ns", "us", "ms", "s": time for one piece of work; or "NAME/s": pieces in a second */
    double work;      /* pieces of work in one run, e.g. points looked up */
    bench_side ours;
    bench_side floor; /* run NULL: there is none */
    const char *floor_name; /* what the floor or peer is, "bare SQLite" */
} bench_case;

/*
 * Runs the cases whose names contain one of the arguments, all without arguments. --json prints a JSON object for
 * each, --runs=N takes N runs of each side (5), --list only names them. For use as main's last line.
 */
int bench_main(int argc, char **argv, const bench_case *cases, size_t count);

/* A durable side says so when it is asked for its syncs: the bytes that the last run wrote. Printed by piece of work. */
void bench_wrote(uint64_t bytes);

/* Keeps a result from being optimised away. */
void bench_keep(uint64_t value);

#endif
