/* Small calls that other tests only pass by: what they answer, and that want of memory costs them nothing. */
#include "support/community.h"
#include "support/faulty.h"
#include "support/oom_malloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void the_version_is_that_of_the_headers(void **state)
{
    char want[32];
    (void)state;
    (void)snprintf(want, sizeof want, "%d.%d.%d", GOV_VERSION_MAJOR, GOV_VERSION_MINOR, GOV_VERSION_PATCH);
    assert_string_equal(gov_version(), want);
    assert_string_equal(GOV_VERSION_STRING, want);
}

/* Each number by each of its readers: exact where it fits, 0 where it does not. */
static void numbers_by_their_readers(void **state)
{
    static const struct {
        const char *json;
        int32_t kind;
        int64_t i;
        uint64_t u;
        double d;
    } rows[] = {
        {"0", GOV_VALUE_INT, 0, 0, 0},
        {"-1", GOV_VALUE_INT, -1, 0, -1},
        {"9223372036854775807", GOV_VALUE_INT, INT64_MAX, (uint64_t)INT64_MAX, 0x1p63},
        {"-9223372036854775808", GOV_VALUE_INT, INT64_MIN, 0, -0x1p63},
        {"{\"$uint\":\"18446744073709551615\"}", GOV_VALUE_UINT, 0, UINT64_MAX, 0x1p64},
        {"{\"$uint\":\"9223372036854775808\"}", GOV_VALUE_UINT, 0, UINT64_C(1) << 63, 0x1p63},
        {"{\"$uint\":\"7\"}", GOV_VALUE_UINT, 7, 7, 7},
        {"9007199254740993", GOV_VALUE_INT, INT64_C(9007199254740993), UINT64_C(9007199254740993), 0x1p53}, /* ties to even */
        {"0.1", GOV_VALUE_DOUBLE, 0, 0, 0.1},
        {"-2.5e3", GOV_VALUE_DOUBLE, 0, 0, -2500},
        {"5e-324", GOV_VALUE_DOUBLE, 0, 0, 0x1p-1074},
        {"true", GOV_VALUE_BOOL, 0, 0, 0},
        {"\"12\"", GOV_VALUE_STRING, 0, 0, 0},
        {"[1]", GOV_VALUE_LIST, 0, 0, 0},
        {"null", GOV_VALUE_NULL, 0, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        gov_error *err = NULL;
        gov_value *v = NULL;
        assert_gov_ok(gov_value_from_json(NULL, rows[i].json, strlen(rows[i].json), &v, &err), err);
        if (gov_value_kind(v) != rows[i].kind || gov_value_int(v) != rows[i].i || gov_value_uint(v) != rows[i].u ||
            gov_value_double(v) < rows[i].d || gov_value_double(v) > rows[i].d)
            fail_msg("%s", rows[i].json);
        gov_value_free(v);
    }
    assert_true(gov_value_uint(NULL) == 0 && fpclassify(gov_value_double(NULL)) == FP_ZERO);
}

static char *with_version(const char *rules, const char *version)
{
    const char *at = strstr(rules, "version: '1'");
    const size_t size = strlen(rules) + 40;
    char *out = malloc(size);
    assert_non_null(at);
    assert_non_null(out);
    (void)snprintf(out, size, "%.*sversion: '%s'%s", (int)(at - rules), rules, version, at + strlen("version: '1'"));
    return out;
}

/* A digest is of what the rules say, not of where they were read from. */
static void what_a_rulebook_is_called(void **state)
{
    (void)state;
    char *text = with_version(community_rules, "2026.1 试行");
    gov_rulebook *first = community_rulebook(community_rules), *again = community_rulebook(community_rules),
                 *other = community_rulebook(text);
    free(text);
    assert_string_equal(gov_rulebook_id(first), "tiny");
    assert_string_equal(gov_rulebook_version(first), "1");
    assert_string_equal(gov_rulebook_id(other), "tiny");
    assert_string_equal(gov_rulebook_version(other), "2026.1 试行");
    assert_int_equal(strlen(gov_rulebook_digest(first)), 64);
    assert_int_equal(strspn(gov_rulebook_digest(first), "0123456789abcdef"), 64);
    assert_string_equal(gov_rulebook_digest(first), gov_rulebook_digest(again));
    assert_string_not_equal(gov_rulebook_digest(first), gov_rulebook_digest(other));
    gov_rulebook_free(first);
    gov_rulebook_free(again);
    gov_rulebook_free(other);
}

/* ---- want of memory ---- */

typedef struct oom_user {
    support_store *s;
    community c; /* of one that is open all the time, where malloc itself fails */
    int64_t mine, other;
} oom_user;

static gov_status parse_one(gov *g, const char *text, gov_status want)
{
    gov_error *err = NULL;
    int64_t us;
    const gov_status status = gov_time_parse(g, text, &us, &err);
    gov_error_free(err);
    return status == want ? GOV_OK : status;
}

static gov_status times(const gov_allocator *alloc, void *user)
{
    oom_user *u = user;
    char *text = NULL;
    size_t len = 0;
    (void)alloc;
    gov_status status = gov_time_format(u->c.g, COMMUNITY_START, &text, &len, NULL);
    if (status == GOV_OK)
        assert_string_equal(text, "2026-03-02T09:00:00+08:00");
    else
        assert_null(text);
    gov_text_free(text);
    if (status == GOV_OK)
        status = parse_one(u->c.g, "2026-03-02T09:00", GOV_OK);
    return status == GOV_OK ? parse_one(u->c.g, "2026-02-30", GOV_E_INPUT) : status;
}

static void times_want_memory(void **state)
{
    if (!oom_malloc_available())
        support_skip("malloc is not ours to replace");
    oom_user u = {.c = community_make(support_store_of(state), community_rules, NULL)};
    oom_loop_malloc(times, &u, 0);
    community_free(&u.c);
}

static gov_status not_there(gov_status (*call)(gov *, int64_t, gov_value **, gov_error **), gov *g, int64_t id)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    const gov_status status = call(g, id, &v, &err);
    assert_null(v);
    assert_true(status == GOV_E_NOT_FOUND || status == GOV_E_NOMEM);
    gov_error_free(err);
    return status == GOV_E_NOT_FOUND ? GOV_OK : status;
}

/* An officer reads a page, a case of the own grid, and knocks at another one, on a store that is there already. */
static gov_status reading(const gov_allocator *alloc, void *user)
{
    oom_user *u = user;
    gov_options o;
    gov *g = NULL;
    gov_value *v = NULL;
    gov_options_init(&o, sizeof o);
    o.alloc = alloc;
    gov_status status = gov_open(u->s->url, &o, &g, NULL);
    if (status == GOV_OK)
        status = gov_act_as(g, "gao", "visit", NULL);
    if (status == GOV_OK)
        status = gov_case_list(g, NULL, &v, NULL);
    if (status == GOV_OK)
        assert_int_equal(gov_value_count(gov_value_get(v, "cases")), 1);
    gov_value_free(v);
    v = NULL;
    if (status == GOV_OK)
        status = gov_case_explain(g, u->mine, &v, NULL);
    gov_value_free(v);
    if (status == GOV_OK)
        status = not_there(gov_case_get, g, u->other);
    if (status == GOV_OK)
        status = not_there(gov_case_history, g, u->other);
    if (status == GOV_OK)
        status = not_there(gov_case_explain, g, u->other);
    v = NULL;
    if (status == GOV_OK) {
        const gov_status hidden = gov_record_get(g, "grid", "B", &v, NULL);
        status = hidden == GOV_E_NOT_FOUND ? GOV_OK : hidden;
    }
    gov_value_free(v);
    gov_free(g);
    return status;
}

static int64_t open_in(community *c, const char *grid)
{
    gov_error *err = NULL;
    gov_case_options o;
    int64_t id = 0;
    gov_value *f = community_json("{'category': 'noise'}");
    gov_case_options_init(&o, sizeof o);
    o.grid = grid;
    assert_gov_ok(gov_case_open(c->g, "complaint", f, &o, &id, &err), err);
    gov_value_free(f);
    return id;
}

static void reading_wants_memory(void **state)
{
    oom_user u = {.s = support_store_of(state)};
    community c = community_make(u.s, community_rules, NULL);
    community_put(&c, "grid", "A", "{'name': 'A'}");
    community_put(&c, "grid", "A1", "{'name': 'A1', 'parent': 'A'}");
    community_put(&c, "grid", "B", "{'name': 'B'}");
    community_put(&c, "staff", "gao", "{'name': 'g', 'roles': ['officer'], 'grids': ['A']}");
    u.mine = open_in(&c, "A1");
    u.other = open_in(&c, "B");
    community_free(&c);
    oom_loop(reading, &u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_version_is_that_of_the_headers),
        cmocka_unit_test(numbers_by_their_readers),
        cmocka_unit_test(what_a_rulebook_is_called),
        STORE_TEST(times_want_memory, "sqlite"),
        STORE_TESTS(reading_wants_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
