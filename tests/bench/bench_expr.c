/* A guard as workflows have it, beside the same test written in C over the same values; compiling it; memory taken. */
#include "bench/common/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr/expr.h"

enum { EVALUATIONS = 1000000, COMPILATIONS = 20000, CASES = 64 };

static const char guard[] =
    "case.urgency >= 4 && case.category in [\"elevator\", \"gas\"] && !case.anonymous";

/* Cases that differ, so that no branch is always the same. */
static value cases[CASES][3];
static expr_scope *scope;
static expr_program *program;
static long allocations;

static void *count_alloc(size_t size, void *user)
{
    (void)user;
    allocations++;
    return malloc(size);
}

static void *count_resize(void *ptr, size_t size, void *user)
{
    (void)user;
    allocations++;
    return realloc(ptr, size);
}

static void plain_free(void *ptr, void *user)
{
    (void)user;
    free(ptr);
}

static const gov_allocator counting = {count_alloc, count_resize, plain_free, NULL};

static bool eval_ours(void *user)
{
    uint64_t yes = 0;
    bool holds;
    (void)user;
    for (size_t i = 0; i < EVALUATIONS; i++) {
        const expr_run run = {.slots = cases[i % CASES], .slot_count = 3};
        if (expr_eval_bool(program, &run, &holds, NULL) != GOV_OK)
            return false;
        yes += holds;
    }
    bench_keep(yes);
    return true;
}

static bool same(const value *v, const char *text, size_t len)
{
    return v->len == len && memcmp(v->as.s, text, len) == 0;
}

static bool eval_floor(void *user)
{
    uint64_t yes = 0;
    (void)user;
    for (size_t i = 0; i < EVALUATIONS; i++) {
        const value *v = cases[i % CASES];
        yes +=
            v[0].as.i >= 4 && (same(&v[1], "elevator", 8) || same(&v[1], "gas", 3)) && !v[2].as.b;
    }
    bench_keep(yes);
    return true;
}

static bool compile_ours(void *user)
{
    static const expr_options o = {.declared_only = true, .expect = EXPR_BOOL};
    (void)user;
    for (size_t i = 0; i < COMPILATIONS; i++) {
        expr_program *p;
        if (expr_compile(NULL, scope, guard, sizeof guard - 1, &o, &p, NULL) != GOV_OK)
            return false;
        expr_program_free(p);
    }
    return true;
}

static bool declare(void)
{
    static const char *const categories[] = {"elevator", "noise", "gas", "parking", "lighting"};
    if (expr_scope_new(NULL, NULL, &scope, NULL) != GOV_OK ||
        expr_scope_var(scope, "case.urgency", EXPR_INT, NULL, NULL) != GOV_OK ||
        expr_scope_var(scope, "case.category", EXPR_STRING, NULL, NULL) != GOV_OK ||
        expr_scope_var(scope, "case.anonymous", EXPR_BOOL, NULL, NULL) != GOV_OK)
        return false;
    for (size_t i = 0; i < CASES; i++) {
        cases[i][0] = value_int((int64_t)(i * 7 % 5 + 1));
        cases[i][1] = value_text(categories[i * 3 % 5]);
        cases[i][2] = value_bool(i % 3 == 0);
    }
    return expr_compile(&counting, scope, guard, sizeof guard - 1, NULL, &program, NULL) == GOV_OK;
}

int main(int argc, char **argv)
{
    static const bench_case list[] = {
        {.name = "expr: a guard of three terms",
         .unit = "ns",
         .work = EVALUATIONS,
         .ours = {.run = eval_ours},
         .floor = {.run = eval_floor},
         .floor_name = "the same in C"},
        {.name = "expr: compiling and checking it",
         .unit = "us",
         .work = COMPILATIONS,
         .ours = {.run = compile_ours}},
    };
    if (!declare())
        return 1;
    const long compiled = allocations;
    const int status = bench_main(argc, argv, list, sizeof list / sizeof list[0]);
    fprintf(stderr, "expr: %ld allocations to compile the guard, %ld in all evaluations\n",
            compiled, allocations - compiled);
    expr_program_free(program);
    expr_scope_free(scope);
    return status;
}
