/* Fails each of Lua's allocations in turn while values and errors cross: nothing may crash, nothing may leak.
 * LUA_PATH and LUA_CPATH lead to the module. Built and run by tests/checks/bindings.py. */
#include <lauxlib.h>
#include <lualib.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static const char scenario[] =
    "local gov = require 'gov'\n"
    "local value = {a = gov.list {1, 2.5, 'x', gov.bytes 'y', gov.null, {[3] = true}}, at = gov.timestamp(0), d = gov.duration(5)}\n"
    "local deep = {} for _ = 1, 70 do deep = {deep} end\n"
    "return function()\n"
    "  local text = assert(gov.to_json(value))\n"
    "  assert(gov.to_json(assert(gov.from_json(text))) == text)\n"
    "  local bad, _, code, err = gov.eval('1 +')\n"
    "  assert(bad == nil and code == 'unexpected_end' and #err.diagnostics > 0)\n"
    "  assert(gov.from_json('{') == nil)\n"
    "  assert(not pcall(gov.to_json, deep))\n"
    "  assert(gov.eval('n + 1', {n = 1}) == 2)\n"
    "end\n";

typedef struct faulty {
    long countdown; /* below 0: never fails */
    int hit;
} faulty;

static void *allocate(void *user, void *ptr, size_t old, size_t size)
{
    faulty *f = user;
    (void)old;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    /* Lua counts on shrinking to succeed */
    if ((ptr == NULL || size > old) && f->countdown >= 0 && f->countdown-- == 0) {
        f->hit = 1;
        return NULL;
    }
    return realloc(ptr, size);
}

static int run(lua_State *L, faulty *f, long n)
{
    int rc;
    lua_gc(L, LUA_GCCOLLECT);
    lua_pushvalue(L, 1);
    f->hit = 0;
    f->countdown = n;
    rc = lua_pcall(L, 0, 0, 0);
    f->countdown = -1;
    if (rc != LUA_OK && !f->hit)
        printf("  %s\n", luaL_tolstring(L, -1, NULL));
    lua_settop(L, 1);
    return rc;
}

int main(void)
{
    faulty f = {-1, 0};
    lua_State *L = lua_newstate(allocate, &f);
    size_t before, after;
    long n, round;
    if (L == NULL)
        return 2;
    luaL_openlibs(L);
    if (luaL_dostring(L, scenario) != LUA_OK || run(L, &f, -1) != LUA_OK) {
        printf("not ok lua: want of memory - %s\n", lua_tostring(L, -1));
        return 1;
    }
    before = after = 0;
    for (round = 0; round < 4; round++) { /* the first ones fill caches of Lua and of the C library */
        for (n = 0;; n++) {
            (void)run(L, &f, n);
            if (!f.hit)
                break;
        }
        (void)run(L, &f, -1);
        lua_gc(L, LUA_GCCOLLECT);
        before = after;
        after = mallinfo2().uordblks;
    }
    lua_close(L);
    if (n < 50)
        printf("not ok lua: want of memory - only %ld allocations were failed\n", n);
    else if (after > before + 4096)
        printf("not ok lua: want of memory - %ld bytes more after %ld failures\n", (long)(after - before), n);
    else
        printf("ok lua: want of memory at each of %ld allocations\n", n);
    return 0;
}
