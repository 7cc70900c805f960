/* A guard as workflows have it, beside the same test written in C over the same values, and in Lua 5.4 where it is installed; compiling it;
 * memory taken. */
#include "bench/common/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef BENCH_LUA
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#endif

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

static bool evaluated;

static bool eval_ours(void *user)
{
    uint64_t yes = 0;
    bool holds;
    (void)user;
    evaluated = true;
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

/* ---- Lua 5.4: the cases are tables, as a program that embeds it would have them ---- */

#ifdef BENCH_LUA
static lua_State *lua;

static const char lua_source[] =
    "local cases, n = ...\n"
    "local function guard(case)\n"
    "  return case.urgency >= 4 and (case.category == 'elevator' or case.category == 'gas') and "
    "not case.anonymous\n"
    "end\n"
    "local function all()\n"
    "  local yes, count = 0, #cases\n"
    "  for i = 0, n - 1 do if guard(cases[i % count + 1]) then yes = yes + 1 end end\n"
    "  return yes\n"
    "end\n"
    "return guard, all, cases\n";

enum {
    LUA_GUARD = 1,
    LUA_ALL,
    LUA_CASES,
    LUA_FIRST_CASE
}; /* places on its stack, the cases behind */

static bool begin_lua(void)
{
    lua = luaL_newstate();
    if (lua == NULL)
        return false;
    luaL_openlibs(lua);
    luaL_checkstack(lua, CASES + 16, NULL);
    if (luaL_loadstring(lua, lua_source) != LUA_OK)
        return false;
    lua_createtable(lua, CASES, 0);
    for (int i = 0; i < CASES; i++) {
        lua_createtable(lua, 0, 3);
        lua_pushinteger(lua, cases[i][0].as.i);
        lua_setfield(lua, -2, "urgency");
        lua_pushlstring(lua, cases[i][1].as.s, cases[i][1].len);
        lua_setfield(lua, -2, "category");
        lua_pushboolean(lua, cases[i][2].as.b);
        lua_setfield(lua, -2, "anonymous");
        lua_rawseti(lua, -2, i + 1);
    }
    lua_pushinteger(lua, EVALUATIONS);
    if (lua_pcall(lua, 2, 3, 0) != LUA_OK)
        return false;
    for (int i = 0; i < CASES; i++)
        lua_rawgeti(lua, LUA_CASES, i + 1);
    return true;
}

/* Called for each case, as a host calls it. */
static bool eval_lua(void *user)
{
    uint64_t yes = 0;
    (void)user;
    for (int i = 0; i < EVALUATIONS; i++) {
        lua_pushvalue(lua, LUA_GUARD);
        lua_pushvalue(lua, LUA_FIRST_CASE + i % CASES);
        if (lua_pcall(lua, 1, 1, 0) != LUA_OK)
            return false;
        yes += (uint64_t)lua_toboolean(lua, -1);
        lua_pop(lua, 1);
    }
    bench_keep(yes);
    return true;
}

/* The loop in Lua as well, so that nothing crosses between it and C. */
static bool eval_inside_lua(void *user)
{
    (void)user;
    lua_pushvalue(lua, LUA_ALL);
    if (lua_pcall(lua, 0, 1, 0) != LUA_OK)
        return false;
    bench_keep((uint64_t)lua_tointeger(lua, -1));
    lua_pop(lua, 1);
    return true;
}
#endif

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
#ifdef BENCH_LUA
        {.name = "expr: the guard beside Lua",
         .unit = "ns",
         .work = EVALUATIONS,
         .ours = {.run = eval_ours},
         .floor = {.run = eval_lua},
         .floor_name = "Lua 5.4, called from C"},
        {.name = "expr: the guard inside Lua's loop",
         .unit = "ns",
         .work = EVALUATIONS,
         .ours = {.run = eval_ours},
         .floor = {.run = eval_inside_lua},
         .floor_name = "Lua 5.4, all in Lua"},
#endif
        {.name = "expr: compiling and checking it",
         .unit = "us",
         .work = COMPILATIONS,
         .ours = {.run = compile_ours}},
    };
    if (!declare())
        return 1;
#ifdef BENCH_LUA
    if (!begin_lua())
        return 1;
#else
    fprintf(stderr, "expr: built without Lua 5.4, so there is no comparison with it\n");
#endif
    const long compiled = allocations;
    const int status = bench_main(argc, argv, list, sizeof list / sizeof list[0]);
    if (evaluated)
        fprintf(stderr, "expr: %ld allocations to compile the guard, %ld in all evaluations\n", compiled,
                allocations - compiled);
#ifdef BENCH_LUA
    lua_close(lua);
#endif
    expr_program_free(program);
    expr_scope_free(scope);
    return status;
}
