/* The bindings of libgov, for every language: what crosses and how. What differs by language stands in
 * python/typemaps.i and lua/typemaps.i, which define
 *
 *   GLUE_IN(v, input)    makes the gov_value *v of an argument, or raises
 *   GLUE_OUT(v)          makes the gov_value *v the answer, or raises
 *   GLUE_OWN(h, type)    makes the handle h the answer, which owns it, or raises
 *   GLUE_MISUSE(why)     raises: the caller misused the call
 *   GLUE_NOMEM           raises: no memory
 *   GLUE_SIZE(n, input)  makes the size n of an argument, or raises
 *
 * and the typemaps of plain numbers, texts, handles, callbacks and errors. The names stay those of C; what people
 * use is written by hand on top (python/gov, lua/gov). */
#ifdef SWIGPYTHON
%module(package="gov", threads="1") core
%nothread;
#else
%module core
#endif

%{
#include "glue.h"
%}

#ifdef SWIGPYTHON
%include "python/typemaps.i"
%include "python/threads.i"
#endif
#ifdef SWIGLUA
%include "lua/typemaps.i"
#endif

/* ---- handles ---- */

%nodefaultctor;
%nodefaultdtor;

/* A complete type each, or there is no destructor; closing by hand takes the handle's pointer away. */
%define GOV_HANDLE(TYPE, FREE)
struct TYPE {};
%extend TYPE {
    ~TYPE() { FREE($self); }
}
%ignore FREE;
%rename(FREE) FREE##_now;
%typemap(in) TYPE *gone (void *h = NULL) {
    if (!SWIG_IsOK(GLUE_CONVERT($input, &h, $1_descriptor, SWIG_POINTER_DISOWN | SWIG_POINTER_CLEAR)))
        GLUE_MISUSE("a handle of another kind");
    $1 = h;
}
%typemap(in, numinputs=0) TYPE **out (TYPE *h = NULL) "$1 = &h;"
%typemap(argout) TYPE **out {
    if (h$argnum != NULL) {
        GLUE_OWN(h$argnum, $*1_descriptor);
        h$argnum = NULL;
    }
}
%typemap(freearg) TYPE **out "FREE(h$argnum);"
%enddef

GOV_HANDLE(gov, gov_free)
GOV_HANDLE(gov_store, gov_store_free)
GOV_HANDLE(gov_rulebook, gov_rulebook_free)
GOV_HANDLE(gov_expr, gov_expr_free)
GOV_HANDLE(gov_scope, gov_scope_free)
GOV_HANDLE(gov_simulation, gov_simulation_free)
GOV_HANDLE(gov_ledger_lines, gov_ledger_lines_free)
GOV_HANDLE(gov_error, gov_error_free)

%inline %{
static void gov_free_now(gov *gone) { gov_free(gone); }
static void gov_store_free_now(gov_store *gone) { gov_store_free(gone); }
static void gov_rulebook_free_now(gov_rulebook *gone) { gov_rulebook_free(gone); }
static void gov_expr_free_now(gov_expr *gone) { gov_expr_free(gone); }
static void gov_scope_free_now(gov_scope *gone) { gov_scope_free(gone); }
static void gov_simulation_free_now(gov_simulation *gone) { gov_simulation_free(gone); }
static void gov_ledger_lines_free_now(gov_ledger_lines *gone) { gov_ledger_lines_free(gone); }
static void gov_error_free_now(gov_error *gone) { gov_error_free(gone); }
%}

/* ---- values ---- */

%typemap(in) const gov_value * (gov_value *v = NULL) {
    GLUE_IN(v, $input);
    $1 = v;
}
%typemap(freearg) const gov_value * "gov_value_free(v$argnum);"

%typemap(in, numinputs=0) gov_value ** (gov_value *v = NULL) "$1 = &v;"
%typemap(argout) gov_value ** {
    if (v$argnum != NULL)
        GLUE_OUT(v$argnum);
}
%typemap(freearg) gov_value ** "gov_value_free(v$argnum);"

/* ---- structs: maps in, maps out ---- */

%define GOV_STRUCT_IN(TYPE, SHAPE)
%typemap(in) const TYPE * (gov_value *v = NULL, TYPE s) {
    glue_why why = "";
    GLUE_IN(v, $input);
    memset(&s, 0, sizeof s);
    s.size = sizeof s;
    if (!glue_read(&SHAPE, v, &s, why))
        GLUE_MISUSE(why);
    $1 = &s;
}
%typemap(freearg) const TYPE * "gov_value_free(v$argnum);"
%enddef

GOV_STRUCT_IN(gov_options, glue_options)
GOV_STRUCT_IN(gov_case_options, glue_case_options)
GOV_STRUCT_IN(gov_call_options, glue_call_options)
GOV_STRUCT_IN(gov_case_query, glue_case_query)
GOV_STRUCT_IN(gov_record_query, glue_record_query)
GOV_STRUCT_IN(gov_report_options, glue_report_options)
GOV_STRUCT_IN(gov_import_options, glue_import_options)
GOV_STRUCT_IN(gov_scenario_options, glue_scenario_options)
GOV_STRUCT_IN(gov_ledger_filter, glue_ledger_filter)

%define GOV_STRUCT_OUT(TYPE, SHAPE)
%typemap(in, numinputs=0) TYPE * (TYPE s, gov_value *v = NULL) {
    memset(&s, 0, sizeof s);
    s.size = sizeof s;
    $1 = &s;
}
%typemap(argout) TYPE * {
    if (result == GOV_OK) {
        v$argnum = glue_value(&SHAPE, &s$argnum);
        if (v$argnum == NULL)
            GLUE_NOMEM;
        GLUE_OUT(v$argnum);
    }
}
%typemap(freearg) TYPE * "gov_value_free(v$argnum);"
%enddef

GOV_STRUCT_OUT(gov_tick_result, glue_tick_result)
GOV_STRUCT_OUT(gov_import_result, glue_import_result)

/* ---- ledgers: lists of maps ---- */

%define GOV_BATCH(TYPE, PARAM, SHAPE)
%typemap(in) (const TYPE *PARAM, size_t n, gov_ledger_result *results)
        (gov_value *v = NULL, void *a = NULL, gov_ledger_result *r = NULL, gov_value *o = NULL) {
    glue_why why = "";
    GLUE_IN(v, $input);
    if (!glue_read_list(&SHAPE, v, &a, &$2, why))
        GLUE_MISUSE(why);
    r = calloc($2 + 1, sizeof *r);
    if (r == NULL)
        GLUE_NOMEM;
    $1 = a;
    $3 = r;
}
%typemap(argout) (const TYPE *PARAM, size_t n, gov_ledger_result *results) {
    if (result == GOV_OK) {
        o$argnum = glue_results($3, $2);
        if (o$argnum == NULL)
            GLUE_NOMEM;
        GLUE_OUT(o$argnum);
    }
}
%typemap(freearg) (const TYPE *PARAM, size_t n, gov_ledger_result *results) {
    gov_value_free(v$argnum);
    gov_value_free(o$argnum);
    free(a$argnum);
    free(r$argnum);
}
%enddef

GOV_BATCH(gov_account, accounts, glue_account)
GOV_BATCH(gov_transfer, transfers, glue_transfer)

%define GOV_LOOKUP(TYPE, SHAPE)
%typemap(in) (const int64_t *ids, size_t n, TYPE *out)
        (gov_value *v = NULL, int64_t *a = NULL, TYPE *r = NULL, gov_value *o = NULL) {
    glue_why why = "";
    GLUE_IN(v, $input);
    if (!glue_read_ids(v, &a, &$2, why))
        GLUE_MISUSE(why);
    r = calloc($2 + 1, sizeof *r);
    if (r == NULL)
        GLUE_NOMEM;
    $1 = a;
    $3 = r;
}
%typemap(argout) (const int64_t *ids, size_t n, TYPE *out) {
    if (result == GOV_OK) {
        o$argnum = glue_list(&SHAPE, $3, $2, 1);
        if (o$argnum == NULL)
            GLUE_NOMEM;
        GLUE_OUT(o$argnum);
    }
}
%typemap(freearg) (const int64_t *ids, size_t n, TYPE *out) {
    gov_value_free(v$argnum);
    gov_value_free(o$argnum);
    free(a$argnum);
    free(r$argnum);
}
%enddef

GOV_LOOKUP(gov_account, glue_account)
GOV_LOOKUP(gov_transfer, glue_transfer)

%define GOV_PAGE(TYPE, SHAPE)
%typemap(in, numinputs=0) (TYPE *out, size_t cap, size_t *count)
        (TYPE *r = NULL, size_t n = 0, gov_value *o = NULL) {
    r = malloc(GOV_LEDGER_BATCH_MAX * sizeof *r);
    if (r == NULL)
        GLUE_NOMEM;
    $1 = r;
    $2 = GOV_LEDGER_BATCH_MAX;
    $3 = &n;
}
%typemap(argout) (TYPE *out, size_t cap, size_t *count) {
    if (result == GOV_OK) {
        o$argnum = glue_list(&SHAPE, r$argnum, n$argnum, 0);
        if (o$argnum == NULL)
            GLUE_NOMEM;
        GLUE_OUT(o$argnum);
    }
}
%typemap(freearg) (TYPE *out, size_t cap, size_t *count) {
    gov_value_free(o$argnum);
    free(r$argnum);
}
%enddef

GOV_PAGE(gov_transfer, glue_transfer)
GOV_PAGE(gov_ledger_balance, glue_ledger_balance)

%typemap(in) (size_t n, int64_t *ids) (int64_t *r = NULL, gov_value *o = NULL) {
    GLUE_SIZE($1, $input);
    if ($1 > GOV_LEDGER_BATCH_MAX)
        GLUE_MISUSE("too many ids at once");
    r = calloc($1 + 1, sizeof *r);
    if (r == NULL)
        GLUE_NOMEM;
    $2 = r;
}
%typemap(argout) (size_t n, int64_t *ids) {
    if (result == GOV_OK) {
        o$argnum = glue_ids($2, $1);
        if (o$argnum == NULL)
            GLUE_NOMEM;
        GLUE_OUT(o$argnum);
    }
}
%typemap(freearg) (size_t n, int64_t *ids) {
    gov_value_free(o$argnum);
    free(r$argnum);
}

/* ---- what stays behind ---- */

/* Values are the language's own. */
%ignore gov_value_free;
%ignore gov_value_new_map;
%ignore gov_value_new_list;
%ignore gov_value_set;
%ignore gov_value_set_string;
%ignore gov_value_set_text;
%ignore gov_value_set_int;
%ignore gov_value_set_bool;
%ignore gov_value_set_double;
%ignore gov_value_set_timestamp;
%ignore gov_value_set_point;
%ignore gov_value_append;
%ignore gov_value_kind;
%ignore gov_value_bool;
%ignore gov_value_int;
%ignore gov_value_uint;
%ignore gov_value_double;
%ignore gov_value_string;
%ignore gov_value_seconds;
%ignore gov_value_count;
%ignore gov_value_at;
%ignore gov_value_key_at;
%ignore gov_value_get;
%ignore gov_value_find;
%ignore gov_text_free;
/* create() of both packages takes a name or a loaded rulebook as well. */
%ignore gov_create;
/* Structs are maps, and need no starting values. */
%ignore gov_allocator;
%ignore gov_options;
%ignore gov_options_init;
%ignore gov_case_options;
%ignore gov_case_options_init;
%ignore gov_call_options;
%ignore gov_call_options_init;
%ignore gov_record_query;
%ignore gov_record_query_init;
%ignore gov_case_query;
%ignore gov_case_query_init;
%ignore gov_report_options;
%ignore gov_report_options_init;
%ignore gov_import_options;
%ignore gov_import_options_init;
%ignore gov_import_result;
%ignore gov_scenario_options;
%ignore gov_scenario_options_init;
%ignore gov_tick_result;
%ignore gov_point;
%ignore gov_account;
%ignore gov_transfer;
%ignore gov_ledger_result;
%ignore gov_ledger_filter;
%ignore gov_ledger_filter_init;
%ignore gov_ledger_balance;

%ignore gov_expr_options;
%ignore gov_expr_options_init;
%ignore gov_function;

/* ---- plain twins ---- */

/* What more there is to say is arguments here. */
%ignore gov_expr_compile_with;
%ignore gov_rulebook_load_with;
%ignore gov_rulebook_load_over;
%ignore gov_expr_eval_line;
%ignore gov_expr_compile;
%ignore gov_scope_add;
%ignore gov_store_open;
%ignore gov_open;
%rename(gov_expr_compile) gov_expr_compile_scoped;
%rename(gov_scope_add) gov_scope_add_scoped;
%rename(gov_store_open) gov_store_open_scoped;
%rename(gov_open) gov_open_scoped;

/* These answer with warnings when they succeed. */
%ignore gov_rulebook_load;
%ignore gov_simulation_open;
%rename(gov_rulebook_load) gov_rulebook_load_warned;
%rename(gov_simulation_open) gov_simulation_open_warned;
/* Over a ledger in memory: a community has calls of its own. */
%ignore gov_ledger_lines_open;
%rename(gov_ledger_lines_open) gov_ledger_lines_open_empty;
/* Texts are handed out whole. */
%ignore gov_ledger_export_to;
%ignore gov_ledger_sink;
/* The report has all that its callback is told. */
%ignore gov_scenarios_run;
%rename(gov_scenarios_run) gov_scenarios_run_warned;
/* Its callback stands inside its options. */
%ignore gov_import;
%rename(gov_import) gov_import_watched;

%inline %{
static gov_status gov_rulebook_load_warned(const char *path, const char *overlay, int64_t today_us, const gov_scope *scope,
                                           gov_rulebook **out, gov_error **warned)
{
    return gov_rulebook_load_over(NULL, path, overlay, today_us, scope, out, warned);
}

static gov_status gov_expr_compile_scoped(const char *source, size_t len, const gov_value *variables, const gov_scope *scope,
                                          const char *container, const char *type, gov_expr **out, gov_error **err)
{
    const gov_expr_options o = {sizeof o, variables, scope, container, type};
    return gov_expr_compile_with(NULL, source, len, &o, out, err);
}

static gov_status gov_scope_add_scoped(gov_scope *scope, const char *signature, uint32_t flags, uint32_t cost,
                                       gov_function_call call, void *user, void (*release)(void *), gov_error **err)
{
    const gov_function f = {sizeof f, signature, call, user, release, flags, cost};
    return gov_scope_add(scope, &f, err);
}

static gov_status gov_store_open_scoped(const char *url, const gov_options *options, const gov_scope *scope, gov_store **out,
                                        gov_error **err)
{
    gov_options scoped = *options;
    scoped.scope = scope;
    return gov_store_open(url, &scoped, out, err);
}

static gov_status gov_open_scoped(const char *url, const gov_options *options, const gov_scope *scope, gov **out,
                                  gov_error **err)
{
    gov_options scoped = *options;
    scoped.scope = scope;
    return gov_open(url, &scoped, out, err);
}

static gov_status gov_simulation_open_warned(const char *path, const char *workflow, const gov_scope *scope, gov_simulation **out,
                                             gov_error **warned)
{
    return gov_simulation_open(NULL, path, workflow, scope, out, warned);
}

static gov_status gov_ledger_lines_open_empty(gov_ledger_lines **out, gov_error **err)
{
    return gov_ledger_lines_open(NULL, NULL, out, err);
}

static gov_status gov_scenarios_run_warned(const char *path, const gov_scenario_options *options, const gov_scope *scope,
                                           gov_value **report, gov_error **warned)
{
    gov_scenario_options scoped = *options;
    scoped.scope = scope;
    return gov_scenarios_run(NULL, path, &scoped, NULL, NULL, report, warned);
}

static gov_status gov_import_watched(gov *g, const char *map, const gov_import_options *options, gov_progress progress,
                                     void *user, gov_import_result *result, gov_error **err)
{
    gov_import_options watched = *options;
    watched.progress = progress;
    watched.user = user;
    return gov_import(g, map, &watched, result, err);
}
%}

/* ---- the interface ---- */

typedef int int32_t;
typedef unsigned int uint32_t;

%include <gov/base.h>
%include <gov/value.h>
%include <gov/expr.h>
%include <gov/access.h>
%include <gov/store.h>
%include <gov/rulebook.h>
%include <gov/registry.h>
%include <gov/case.h>
%include <gov/journal.h>
%include <gov/ledger.h>
%include <gov/operation.h>
%include <gov/points.h>
%include <gov/insight.h>
%include <gov/exchange.h>
%include <gov/scenario.h>
%include <gov.h>
