/* Lua's half of gov.i. Whatever goes wrong is thrown: a string for a misuse, a table for a failure (convert.h). */
%{
#include <limits.h>
#include "lua/convert.h"

#define GLUE_IN(v, input)                   \
    do {                                    \
        if (!gov_lua_to(L, input, &(v)))    \
            SWIG_fail;                      \
    } while (0)
#define GLUE_OUT(v)                                             \
    do {                                                        \
        if (!gov_lua_try(L, gov_lua_push_in, (v), 0, 1))        \
            SWIG_fail;                                          \
        SWIG_arg++;                                             \
    } while (0)
#define GLUE_OWN(h, type)                   \
    do {                                    \
        if (!gov_lua_own(L, (h), (type)))   \
            SWIG_fail;                      \
        SWIG_arg++;                         \
    } while (0)
#define GLUE_CONVERT(input, pointer, type, flags) \
    (gov_lua_is_handle(L, input) ? SWIG_ConvertPtr(L, input, pointer, type, flags) : SWIG_ERROR)
#define GLUE_MISUSE(why)            \
    do {                            \
        lua_pushstring(L, why);     \
        SWIG_fail;                  \
    } while (0)
#define GLUE_NOMEM GLUE_MISUSE("no memory")
#define GLUE_SIZE(n, input)                                     \
    do {                                                        \
        int64_t whole;                                          \
        if (!gov_lua_int(L, input, 0, INT64_MAX, &whole))       \
            SWIG_fail;                                          \
        n = (size_t)whole;                                      \
    } while (0)
%}

%init %{
    gov_lua_open(L);
%}

%native(gov_kinds) int gov_lua_kinds(lua_State *L);

/* `require "gov.core"` looks for this name. */
%wrapper %{
#ifdef __cplusplus
extern "C"
#endif
SWIGEXPORT int SWIG_init(lua_State *L);
SWIGEXPORT int luaopen_gov_core(lua_State *L);
SWIGEXPORT int luaopen_gov_core(lua_State *L) { return SWIG_init(L); }
%}

/* ---- numbers and texts: 64-bit integers never go through a double ---- */

%define GOV_NUMBER(TYPE, LEAST, MOST)
%typemap(in) TYPE (int64_t whole) {
    if (!gov_lua_int(L, $input, LEAST, MOST, &whole))
        SWIG_fail;
    $1 = ($1_ltype)whole;
}
%typemap(out) TYPE "lua_pushinteger(L, (lua_Integer)$1); SWIG_arg++;"
%enddef

GOV_NUMBER(int64_t, INT64_MIN, INT64_MAX)
GOV_NUMBER(uint64_t, 0, INT64_MAX)
GOV_NUMBER(size_t, 0, INT64_MAX)
GOV_NUMBER(int32_t, INT32_MIN, INT32_MAX)
GOV_NUMBER(uint32_t, 0, UINT32_MAX)

%typemap(in) const char * (const char *s = NULL) {
    if (!gov_lua_text_of(L, $input, &s))
        SWIG_fail;
    $1 = ($1_ltype)s;
}
%typemap(freearg) const char * ""

%typemap(in) (const char *text, size_t len) (const char *s = NULL, size_t n = 0) {
    if (!gov_lua_chars_of(L, $input, &s, &n))
        SWIG_fail;
    $1 = ($1_ltype)s;
    $2 = n;
}
%apply (const char *text, size_t len) {
    (const char *source, size_t len), (const char *json, size_t len), (const char *line, size_t len)
};

%typemap(in, numinputs=0) (char **out, size_t *len) (char *s = NULL, size_t n = 0) "$1 = &s; $2 = &n;"
%typemap(argout) (char **out, size_t *len) {
    if (s$argnum != NULL) {
        gov_lua_chars chars = {s$argnum, n$argnum};
        if (!gov_lua_try(L, gov_lua_text_in, &chars, 0, 1))
            SWIG_fail;
        SWIG_arg++;
    }
}
%typemap(freearg) (char **out, size_t *len) "gov_text_free(s$argnum);"
%apply (char **out, size_t *len) { (char **out, size_t *out_len) };

%typemap(in) const uint8_t *secret_key (const uint8_t *k = NULL) {
    if (!gov_lua_key(L, $input, 64, &k))
        SWIG_fail;
    $1 = ($1_ltype)k;
}
%typemap(in, numinputs=0) uint8_t *new_key (uint8_t k[64]) "$1 = k;"
%typemap(argout) uint8_t *new_key {
    if (result == GOV_OK) {
        gov_lua_chars chars = {(char *)k$argnum, sizeof k$argnum};
        if (!gov_lua_try(L, gov_lua_text_in, &chars, 0, 1))
            SWIG_fail;
        SWIG_arg++;
    }
}
%typemap(in) const uint8_t *public_key (const uint8_t *k = NULL) {
    if (!gov_lua_key(L, $input, 32, &k))
        SWIG_fail;
    $1 = ($1_ltype)k;
}

%typemap(in, numinputs=0) const gov_allocator * "$1 = NULL;"

/* ---- answers ---- */

%typemap(out) gov_status "(void)$1;"
%typemap(out) gov_status gov_error_status "lua_pushinteger(L, $1); SWIG_arg++;"

%typemap(in, numinputs=0) int64_t *id (int64_t n = 0) "$1 = &n;"
%typemap(argout) int64_t *id {
    if (result == GOV_OK) {
        lua_pushinteger(L, n$argnum);
        SWIG_arg++;
    }
}

%apply int64_t *id { int64_t *balance, int64_t *us };

%typemap(in, numinputs=0) (int32_t *from, int32_t *to) (int32_t a = 0, int32_t b = 0) "$1 = &a; $2 = &b;"
%typemap(argout) (int32_t *from, int32_t *to) {
    if (result == GOV_OK) {
        lua_pushinteger(L, a$argnum);
        lua_pushinteger(L, b$argnum);
        SWIG_arg += 2;
    }
}

%typemap(in) (const gov_point *points, size_t n, int64_t *ids)
        (gov_lua_points p = {0}, int64_t *r = NULL, gov_value *o = NULL) {
    if (!gov_lua_try(L, gov_lua_points_in, &p, $input, 0))
        SWIG_fail;
    r = calloc(p.n + 1, sizeof *r);
    if (r == NULL)
        GLUE_NOMEM;
    $1 = p.at;
    $2 = p.n;
    $3 = r;
}
%typemap(argout) (const gov_point *points, size_t n, int64_t *ids) {
    if (result == GOV_OK) {
        o$argnum = glue_ids($3, $2);
        if (o$argnum == NULL)
            GLUE_NOMEM;
        GLUE_OUT(o$argnum);
    }
}
%typemap(freearg) (const gov_point *points, size_t n, int64_t *ids) {
    gov_value_free(o$argnum);
    free(p$argnum.at);
    free(r$argnum);
}

/* ---- progress: before the error, for what the callback threw comes first ---- */

%typemap(in) (gov_progress progress, void *user) (gov_lua_watch w = {0}) {
    w.L = L;
    w.call = lua_isnoneornil(L, $input) ? 0 : $input;
    if (w.call != 0 && !lua_isfunction(L, w.call))
        GLUE_MISUSE("progress must be a function");
    $1 = w.call != 0 ? gov_lua_progress : NULL;
    $2 = &w;
}
%typemap(argout) (gov_progress progress, void *user) {
    if (w$argnum.raised != 0) {
        (void)gov_lua_try(L, gov_lua_raised_in, NULL, w$argnum.raised, 1);
        SWIG_fail;
    }
}

/* ---- functions that expressions call: kept by the scope once it has them ---- */

%typemap(in) (gov_function_call call, void *user, void (*release)(void *)) (gov_lua_function *kept = NULL) {
    if (!lua_isfunction(L, $input))
        GLUE_MISUSE("a function is needed");
    kept = calloc(1, sizeof *kept);
    if (kept == NULL)
        GLUE_NOMEM;
    if (!gov_lua_try(L, gov_lua_keep_in, kept, $input, 0)) {
        free(kept);
        kept = NULL;
        SWIG_fail;
    }
    $1 = gov_lua_function_call;
    $2 = kept;
    $3 = gov_lua_forget;
}
%typemap(argout) (gov_function_call call, void *user, void (*release)(void *)) {
    if (result == GOV_OK)
        kept$argnum = NULL;
}
%typemap(freearg) (gov_function_call call, void *user, void (*release)(void *)) {
    if (kept$argnum != NULL)
        gov_lua_forget(kept$argnum);
}

/* ---- errors ---- */

%typemap(in, numinputs=0) gov_error **err (gov_error *e = NULL) "$1 = &e;"
%typemap(argout) gov_error **err {
    if (result != GOV_OK) {
        gov_lua_fail(L, result, &e$argnum, SWIG_arg > 0 ? lua_gettop(L) : 0);
        SWIG_fail;
    }
    if (SWIG_arg == 0) {
        lua_pushboolean(L, 1);
        SWIG_arg = 1;
    }
}
%typemap(freearg) gov_error **err "gov_error_free(e$argnum);"

/* On success the handle, then the warnings or nil. */
%typemap(in, numinputs=0) gov_error **warned (gov_error *e = NULL) "$1 = &e;"
%typemap(argout) gov_error **warned {
    if (result != GOV_OK) {
        gov_lua_fail(L, result, &e$argnum, 0);
        SWIG_fail;
    }
    if (e$argnum != NULL) {
        GLUE_OWN(e$argnum, SWIGTYPE_p_gov_error);
        e$argnum = NULL;
    }
}
%typemap(freearg) gov_error **warned "gov_error_free(e$argnum);"
