/* Case lists in an order: against a sort by another method, walked page by page while cases are opened in between. */
#include "support/community.h"
#include "support/filter_rules.h"
#include "support/lists.h"
#include "support/order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASES = 60, MOST = 300 };
typedef struct bed {
    community c;
    size_t count;
    int64_t ids[MOST];
} bed;

static void open_one(bed *b)
{
    static const char *const levels[] = {"0", "-1", "3", "3", "9223372036854775807", "-9223372036854775807"};
    static const char *const weights[] = {"0.0", "-0.0", "1.5", "-1.5", "1e300", "-1e300"};
    static const char *const texts[] = {"", "a", "ab", "B", "中", "\xF4\x8F\xBF\xBF", "\xEE\x80\x80"};
    static const char *const times[] = {"0001-01-01T00:00:00Z", "2026-03-02T01:00:00.000001Z", "2026-03-02T01:00:00Z"};
    char json[500];
    gov_error *err = NULL;
    size_t n = (size_t)snprintf(json, sizeof json, "{'level': %s", PICK(levels));
    const bool note = b->count % 5 == 4;
    if (!note && draw(3) != 0)
        n += (size_t)snprintf(json + n, sizeof json - n, ", 'weight': %s", PICK(weights));
    if (!note && draw(3) != 0)
        n += (size_t)snprintf(json + n, sizeof json - n, ", 'text': '%s'", PICK(texts));
    if (!note && draw(3) != 0)
        n += (size_t)snprintf(json + n, sizeof json - n, ", 'late': %s", draw(2) == 0 ? "true" : "false");
    if (!note && draw(3) != 0)
        n += (size_t)snprintf(json + n, sizeof json - n, ", 'happened': '%s'", PICK(times));
    (void)snprintf(json + n, sizeof json - n, "}");
    assert_gov_ok(gov_set_now(b->c.g, COMMUNITY_START + (int64_t)draw(20) * 60000000, &err), err);
    const int64_t id = community_open(&b->c, note ? "note" : "matter", json);
    if (!note && draw(3) != 0)
        community_send(&b->c, id, "give", "{'unit': 'U1'}", GOV_OK);
    if (!note && draw(3) == 0)
        community_send(&b->c, id, "end", NULL, GOV_OK);
    b->ids[b->count++] = id;
}

/* What a list is ordered by, as the case itself shows it. */
static const gov_value *value_in(const gov_value *shown, const char *name)
{
    char path[80];
    if (strcmp(name, "clocks.answer.due") == 0)
        return gov_value_find(shown, "clocks.0.due");
    const gov_value *own = gov_value_get(shown, name + strlen("case."));
    (void)snprintf(path, sizeof path, "fields.%s", name + strlen("case."));
    return own != NULL ? own : gov_value_find(shown, path);
}

static void assert_sorted(bed *b, const int64_t *ids, size_t count, const char *name, bool descending)
{
    gov_error *err = NULL;
    gov_value *before = NULL;
    for (size_t i = 0; i < count; i++) {
        gov_value *v = NULL;
        assert_gov_ok(gov_case_get(b->c.g, ids[i], &v, &err), err);
        if (i > 0 && order_rows(value_in(before, name), ids[i - 1], value_in(v, name), ids[i], descending) >= 0)
            fail_msg("%s: case %zu stands before case %zu", name, i - 1, i);
        gov_value_free(before);
        before = v;
    }
    gov_value_free(before);
}

static bool known(const bed *b, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (b->ids[i] == id)
            return true;
    return false;
}

/* Page by page, with a case opened after each: those of before are all there, once, and everything is in order. */
static void walk(bed *b, const char *name, bool descending, const char *where, size_t expect)
{
    static int64_t got[MOST];
    size_t count = 0, old = 0;
    const size_t before = b->count;
    char order[64], cursor[CURSOR_BYTES];
    gov_error *err = NULL;
    gov_case_query q;
    bool more = true;
    (void)snprintf(order, sizeof order, "%s %s", name, descending ? "desc" : "asc");
    gov_case_query_init(&q, sizeof q);
    q.order = order;
    q.where = where;
    q.limit = 8;
    for (int turn = 0; more; turn++) {
        gov_value *page = NULL;
        assert_gov_ok(gov_case_list(b->c.g, &q, &page, &err), err);
        more = take_page(page, "cases", got, &count, MOST, cursor);
        q.cursor = cursor;
        if (turn < 2)
            open_one(b);
    }
    assert_sorted(b, got, count, name, descending);
    for (size_t i = 0; i < count; i++)
        old += known(b, before, got[i]);
    assert_int_equal(old, where != NULL ? expect : before);
}

static size_t notes_among(const bed *b)
{
    return b->count / 5;
}

static void orders_are_those_of_a_sort(void **state)
{
    static const char *const names[] = {"case.id", "case.number", "case.workflow", "case.opened_at", "case.closed_at",
                                        "case.outcome", "case.level", "case.weight", "case.text", "case.late", "case.happened",
                                        "clocks.answer.due"};
    gov_error *err = NULL;
    bed b = {.c = community_make(support_store_of(state), rules, NULL)};
    seed = 7;
    (void)community_put(&b.c, "unit", "U1", "{'name': '1'}");
    assert_gov_ok(gov_begin(b.c.g, &err), err);
    for (size_t i = 0; i < CASES; i++)
        open_one(&b);
    assert_gov_ok(gov_commit(b.c.g, &err), err);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        for (int down = 0; down < 2; down++)
            walk(&b, names[i], down == 1, NULL, 0);
    walk(&b, "case.level", true, "case.workflow == 'note'", notes_among(&b));
    walk(&b, "clocks.answer.due", false, "case.workflow == 'note'", notes_among(&b));
    walk(&b, "case.text", false, "case.opened_at < timestamp('1990-01-01T00:00:00Z')", 0);
    community_free(&b.c);
}

static gov_status list_by(gov *g, const char *workflow, const char *order, size_t *count, gov_error **err)
{
    gov_case_query q;
    gov_value *page = NULL;
    gov_case_query_init(&q, sizeof q);
    q.workflow = workflow;
    q.order = order;
    const gov_status status = gov_case_list(g, &q, &page, err);
    *count = gov_value_count(gov_value_get(page, "cases"));
    gov_value_free(page);
    return status;
}

static void what_has_no_order(void **state)
{
    static const struct {
        const char *order, *workflow, *code;
        int column;
    } table[] = {
        {"case.rank", NULL, "filter_not_indexed", 1},   {"case.wait", NULL, "filter_unsorted", 1},
        {"case.other", NULL, "filter_mixed", 1},        {"case.other", "note", NULL, 0},
        {"case.unit desc", NULL, "filter_key", 1},      {"clocks.answer.running", NULL, "order_refused", 1},
        {"clocks.answer.left", NULL, "filter_term", 1}, {" case.levle", NULL, "undeclared_reference", 2},
        {"clocks.answer.due", "note", "undeclared_reference", 1},
        {"case.level DESC", NULL, "order_syntax", 12},  {"case.level + 1", NULL, "order_syntax", 12},
        {"'case.level'", NULL, "undeclared_reference", 1}, {"case.level;--", NULL, "undeclared_reference", 1},
        {"now", NULL, "undeclared_reference", 1},
    };
    community c = community_make(support_store_of(state), rules, NULL);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        gov_error *err = NULL;
        size_t count;
        const gov_status status = list_by(c.g, table[i].workflow, table[i].order, &count, &err);
        assert_gov(table[i].code != NULL ? GOV_E_EXPR : GOV_OK, status, err);
        if (table[i].code != NULL)
            assert_diag(err, 0, table[i].code, 1, table[i].column);
        gov_error_free(err);
    }
    community_free(&c);
}

/* An order by what is masked would tell what it holds. */
static void a_masked_field_orders_nothing(void **state)
{
    gov_error *err = NULL;
    size_t count;
    community c = community_make(support_store_of(state), rules, NULL);
    (void)community_put(&c, "unit", "U1", "{'name': '1'}");
    (void)community_put(&c, "staff", "hua", "{'name': 'h', 'roles': ['handler', 'clerk'], 'unit': 'U1'}");
    for (int i = 0; i < 3; i++) {
        const int64_t id = community_open(&c, "matter", i < 2 ? "{'phone': '13800001234'}" : "{}");
        if (i == 0)
            community_send(&c, id, "give", "{'unit': 'U1'}", GOV_OK);
    }
    assert_gov(GOV_E_DENIED, list_by(c.g, NULL, "case.phone", &count, &err), err);
    assert_diag(err, 0, "filter_hidden", 1, 1);
    gov_error_free(err);
    err = NULL;
    assert_gov_ok(gov_act_as(c.g, "hua", "handle_case", &err), err);
    assert_gov_ok(list_by(c.g, NULL, "case.phone desc", &count, &err), err);
    assert_int_equal(count, 1); /* of three that may be read, the one whose phone is shown */
    assert_gov_ok(gov_act_as(c.g, "hua", "look", &err), err);
    assert_gov(GOV_E_DENIED, list_by(c.g, NULL, "case.phone", &count, &err), err);
    gov_error_free(err);
    community_free(&c);
}

static void a_cursor_belongs_to_its_order(void **state)
{
    static const char *const others[] = {"case.level desc", "case.opened_at", "case.id", NULL};
    community c = community_make(support_store_of(state), rules, NULL);
    gov_error *err = NULL;
    gov_value *page = NULL;
    gov_case_query q;
    char cursor[200];
    for (int i = 0; i < 3; i++)
        (void)community_open(&c, "matter", "{'level': 1}");
    gov_case_query_init(&q, sizeof q);
    q.order = "case.level";
    q.limit = 1;
    assert_gov_ok(gov_case_list(c.g, &q, &page, &err), err);
    (void)snprintf(cursor, sizeof cursor, "%s", gov_value_string(gov_value_get(page, "next"), NULL));
    gov_value_free(page);
    q.cursor = cursor;
    assert_gov_ok(gov_case_list(c.g, &q, &page, &err), err);
    gov_value_free(page);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        q.order = others[i];
        assert_gov(GOV_E_ARG, gov_case_list(c.g, &q, &page, &err), err);
        gov_error_free(err);
        err = NULL;
    }
    community_free(&c);
}

static gov_status list_once(community *c, void *user)
{
    (void)user;
    size_t count = 0;
    gov_status status = list_by(c->g, NULL, "case.text desc", &count, NULL);
    if (status == GOV_OK)
        assert_int_equal(count, 2);
    return status;
}

static void without_memory(void **state)
{
    support_store *s = support_store_of(state);
    community c = community_make(s, rules, NULL);
    (void)community_open(&c, "matter", "{'level': 1, 'text': 'abc'}");
    (void)community_open(&c, "matter", "{}");
    community_free(&c);
    community_without_memory(s, NULL, list_once, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(orders_are_those_of_a_sort), STORE_TESTS(what_has_no_order),
        STORE_TESTS(a_masked_field_orders_nothing), STORE_TESTS(a_cursor_belongs_to_its_order),
        STORE_TEST(without_memory, "sqlite"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
