/* What an actor may not see does not show in how lists answer: not in `next`, not in a cursor, not in an error, not in a key. */
#include "support/community.h"

#include "base/base.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char rules[] =
    "rulebook: unseen\n"
    "version: '1'\n"
    "title: Unseen\n"
    "languages: [en]\n"
    "time_zone: Asia/Shanghai\n"
    "roles:\n"
    "  chief: {title: Chief}\n"
    "  officer: {title: Officer, scope: grid}\n"
    "  handler: {title: Handler, scope: unit}\n"
    "  party: {title: Party, scope: reporter}\n"
    "permissions:\n"
    "  case.open: [officer, chief]\n"
    "  case.read: [chief, officer, handler, party]\n"
    "  record.read: [officer]\n"
    "  journal.read: [chief]\n"
    "sensitivity:\n"
    "  contact: {mask: phone, see: [{role: handler, purpose: visit}]}\n"
    "---\n"
    "workflow: matter\n"
    "fields:\n"
    "  phone: {type: string, sensitive: contact, indexed: true}\n"
    "  sort: {type: string, indexed: true}\n"
    "events:\n"
    "  give: {by: [], input: {unit: {type: unit}}}\n"
    "states:\n"
    "  here: {on: {give: {do: [{assign: {unit: event.data.unit}}]}}}\n"
    "  gone: {type: final}\n";

enum { MINE = 5, BETWEEN = 3 };

/* Cases of unit U1, grid A and resident rong, and between them cases of others: `many` in the place of one. */
typedef struct bed {
    community c;
    int64_t mine[MINE];
} bed;

static int64_t open_one(bed *b, const char *grid, const char *unit, const char *reporter, const char *fields)
{
    gov_error *err = NULL;
    gov_case_options o;
    int64_t id = 0;
    char give[40];
    gov_value *f = community_json(fields);
    gov_case_options_init(&o, sizeof o);
    o.grid = grid;
    o.reporter = reporter;
    assert_gov_ok(gov_case_open(b->c.g, "matter", f, &o, &id, &err), err);
    gov_value_free(f);
    (void)snprintf(give, sizeof give, "{'unit': '%s'}", unit);
    community_send(&b->c, id, "give", give, GOV_OK);
    return id;
}

static void make(bed *b, void **state, int many)
{
    gov_error *err = NULL;
    b->c = community_make(support_store_of(state), rules, NULL);
    for (const char *grid = "AB"; *grid != '\0'; grid++)
        community_put(&b->c, "grid", (char[]){*grid, '\0'}, "{'name': 'g'}");
    community_put(&b->c, "grid", "A1", "{'name': 'g', 'parent': 'A'}");
    community_put(&b->c, "unit", "U1", "{'name': '1'}");
    community_put(&b->c, "unit", "U2", "{'name': '2'}");
    community_put(&b->c, "staff", "chief", "{'name': 'c', 'roles': ['chief']}");
    community_put(&b->c, "staff", "gao", "{'name': 'g', 'roles': ['officer'], 'grids': ['A']}");
    community_put(&b->c, "staff", "lin", "{'name': 'l', 'roles': ['officer'], 'grids': ['B']}");
    community_put(&b->c, "staff", "hua", "{'name': 'h', 'roles': ['handler'], 'unit': 'U1'}");
    community_put(&b->c, "staff", "rong", "{'name': 'r', 'roles': ['party']}");
    community_put(&b->c, "resident", "rong", "{'name': 'r', 'grid': 'A'}");
    community_put(&b->c, "resident", "shen", "{'name': 's', 'grid': 'B'}");
    assert_gov_ok(gov_begin(b->c.g, &err), err);
    for (int i = 0; i < MINE; i++) {
        b->mine[i] = open_one(b, i == 2 ? "A1" : "A", "U1", "rong", "{'phone': '13800000001', 'sort': 'noise'}");
        for (int k = 0; k < (i == 1 ? many : BETWEEN); k++)
            (void)open_one(b, "B", "U2", "shen", "{'phone': '13912345678', 'sort': 'noise'}");
    }
    assert_gov_ok(gov_commit(b->c.g, &err), err);
}

static void act(bed *b, const char *who)
{
    gov_error *err = NULL;
    assert_gov_ok(gov_act_as(b->c.g, who, "visit", &err), err);
}

/* All pages: what is shown is ours in order, `next` is there exactly where more of ours follows, and names nobody else's case. */
static void pages(bed *b, gov_case_query *q, const int64_t *want, size_t count, uint32_t limit)
{
    char cursor[64] = "";
    size_t at = 0;
    bool more = true;
    q->limit = limit;
    while (more) {
        gov_error *err = NULL;
        gov_value *page = NULL;
        q->cursor = cursor[0] != '\0' ? cursor : NULL;
        assert_gov_ok(gov_case_list(b->c.g, q, &page, &err), err);
        const gov_value *cases = gov_value_get(page, "cases");
        const size_t n = gov_value_count(cases), left = count - at;
        assert_int_equal(n, left < limit ? left : limit);
        for (size_t i = 0; i < n; i++, at++)
            assert_true(gov_value_int(gov_value_get(gov_value_at(cases, i), "id")) == want[at]);
        const char *next = gov_value_string(gov_value_get(page, "next"), NULL);
        more = next != NULL;
        assert_int_equal(more, at < count);
        if (more)
            assert_true(strtoll(next, NULL, 10) == want[at - 1]);
        (void)snprintf(cursor, sizeof cursor, "%s", more ? next : "");
        gov_value_free(page);
    }
}

/* A filter that cases of others fit as well tells nothing of them. */
static void next_tells_of_what_is_seen_alone(void **state)
{
    static const char *const filters[] = {NULL, "case.sort == 'noise'", "case.reporter == 'shen' || case.reporter == 'rong'",
                                          "case.unit == 'U2' || case.unit == 'U1'"};
    static const char *const actors[] = {"gao", "hua", NULL};
    enum { MANY = 600 }; /* more than is looked at in one go */
    bed b;
    make(&b, state, MANY);
    for (size_t a = 0; a < ARRAY_LEN(actors); a++) {
        gov_error *err = NULL;
        if (actors[a] != NULL)
            act(&b, actors[a]);
        else
            assert_gov_ok(gov_act_as_resident(b.c.g, "rong", "visit", &err), err);
        for (size_t f = 0; f < ARRAY_LEN(filters); f++)
            for (uint32_t limit = 1; limit <= MINE + 1; limit++) {
                gov_case_query q;
                gov_case_query_init(&q, sizeof q);
                q.where = filters[f];
                pages(&b, &q, b.mine, MINE, limit);
            }
        for (int i = 0; i < MINE; i++) { /* one of ours, and any of theirs */
            char where[100];
            gov_case_query q;
            gov_case_query_init(&q, sizeof q);
            q.where = where;
            (void)snprintf(where, sizeof where, "case.id == %" PRId64 " || case.reporter == 'shen'", b.mine[i]);
            pages(&b, &q, &b.mine[i], 1, 1);
        }
    }
    community_free(&b.c);
}

/* Where the field is masked in the cases of others, they are not found by it, and nothing says that they would have been. */
static void a_masked_field_moves_no_cursor(void **state)
{
    static const char *const begins[] = {"", "1", "139", "13912345678", "138", "2"};
    bed b;
    make(&b, state, BETWEEN);
    community_put(&b.c, "staff", "hua", "{'name': 'h', 'roles': ['handler', 'chief'], 'unit': 'U1'}");
    act(&b, "hua"); /* reads all, sees the phone in U1's */
    for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
        char where[100];
        gov_case_query q;
        gov_case_query_init(&q, sizeof q);
        q.where = where;
        (void)snprintf(where, sizeof where, "case.id == %" PRId64 " || case.phone.startsWith('%s')", b.mine[MINE - 1], begins[i]);
        const bool all = strncmp("13800000001", begins[i], strlen(begins[i])) == 0;
        pages(&b, &q, all ? b.mine : &b.mine[MINE - 1], all ? MINE : 1, 1);
        gov_case_query_init(&q, sizeof q);
        q.field = "phone";
        q.equals = begins[i];
        pages(&b, &q, b.mine, 0, 1);
    }
    community_free(&b.c);
}

/* To look whether more follows is no look at what follows. */
static void what_is_not_shown_was_not_looked_at(void **state)
{
    bed b;
    gov_error *err = NULL;
    gov_value *page = NULL;
    gov_case_query q;
    make(&b, state, BETWEEN);
    act(&b, "hua");
    gov_case_query_init(&q, sizeof q);
    q.limit = 1;
    assert_gov_ok(gov_case_list(b.c.g, &q, &page, &err), err);
    gov_value_free(page);
    act(&b, "chief");
    int looks = 0;
    int64_t after = 0;
    do {
        assert_gov_ok(gov_journal_read(b.c.g, after, 0, &page, &err), err);
        const gov_value *entries = gov_value_get(page, "entries");
        for (size_t i = 0; i < gov_value_count(entries); i++)
            if (strcmp(gov_value_string(gov_value_get(gov_value_at(entries, i), "kind"), NULL), "look") == 0) {
                looks++;
                assert_true(gov_value_int(gov_value_get(gov_value_at(entries, i), "subject")) == b.mine[0]);
            }
        after = gov_value_int(gov_value_get(page, "next"));
        gov_value_free(page);
    } while (after != 0);
    assert_int_equal(looks, 1);
    community_free(&b.c);
}

/* Of keys, too, a page and its cursor name those alone that may be read. */
static void keys_of_others_are_in_no_cursor(void **state)
{
    enum { FAR = 700, EACH = 100 };
    static const char *const kinds[] = {"resident", "household", "premises"};
    bed b;
    gov_error *err = NULL;
    make(&b, state, BETWEEN);
    assert_gov_ok(gov_begin(b.c.g, &err), err);
    community_put(&b.c, "premises", "pa", "{'name': 'p', 'grid': 'A'}");
    community_put(&b.c, "household", "ha", "{'name': 'h', 'premises': 'pa'}");
    for (int i = 0; i < FAR; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%03d", i);
        if (i < 20)
            community_put(&b.c, "premises", key, i % 3 == 0 ? "{'name': 'x', 'grid': 'A'}" : "{'name': 'x', 'grid': 'B'}");
        if (i < 20)
            community_put(&b.c, "household", key, i % 3 == 0 ? "{'name': 'x', 'premises': 'pa'}" : "{'name': 'x'}");
        community_put(&b.c, "resident", key, i % EACH != 1    ? "{'name': 'x', 'grid': 'B'}"
                                             : i == EACH + 1 ? "{'name': 'x', 'household': 'ha'}"
                                                             : "{'name': 'x', 'grid': 'A'}");
    }
    assert_gov_ok(gov_commit(b.c.g, &err), err);
    act(&b, "gao");
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
        for (uint32_t limit = 1; limit <= 9; limit++) {
            char cursor[200] = "";
            size_t seen = 0;
            for (bool more = true; more;) {
                gov_value *page = NULL;
                const gov_record_query q = {.size = sizeof q, .cursor = cursor[0] != '\0' ? cursor : NULL, .limit = limit};
                assert_gov_ok(gov_record_list(b.c.g, kinds[k], &q, &page, &err), err);
                const gov_value *records = gov_value_get(page, "records");
                const size_t n = gov_value_count(records), left = 8 - seen;
                assert_int_equal(n, left < limit ? left : limit);
                seen += n;
                const char *next = gov_value_string(gov_value_get(page, "next"), NULL);
                more = next != NULL;
                assert_int_equal(more, seen < 8);
                if (more) /* the place of one that was shown, and of no other */
                    assert_true(strtoll(next, NULL, 10) == gov_value_int(gov_value_get(gov_value_at(records, n - 1), "id")));
                (void)snprintf(cursor, sizeof cursor, "%s", more ? next : "");
                gov_value_free(page);
            }
        }
    community_free(&b.c);
}

/* A key that another one has used is as good as new: neither the case that it stands for nor what it came with shows. */
static void keys_of_requests_are_their_actors(void **state)
{
    enum { ACTORS = 4 };
    static const char *const said[] = {"{'sort': 'noise'}", "{'sort': 'noise'}", "{'sort': 'dirt'}", "{'sort': 'leak'}"};
    bed b;
    gov_error *err = NULL;
    gov_case_options o;
    int64_t ids[ACTORS], again;
    make(&b, state, BETWEEN);
    gov_case_options_init(&o, sizeof o);
    o.idempotency_key = "kk";
    for (int turn = 0; turn < 2; turn++)
        for (size_t i = 0; i < ACTORS; i++) {
            gov_value *f = community_json(said[i]), *other = community_json("{'sort': 'other'}");
            o.grid = i == 0 ? "A" : "B";
            if (i < 3)
                act(&b, i == 0 ? "gao" : i == 1 ? "lin" : "chief");
            else
                assert_gov_ok(gov_act_as_host(b.c.g, "visit", &err), err);
            assert_gov_ok(gov_case_open(b.c.g, "matter", f, &o, turn == 0 ? &ids[i] : &again, &err), err);
            assert_true(turn == 0 || again == ids[i]);
            assert_gov(GOV_E_CONFLICT, gov_case_open(b.c.g, "matter", other, &o, &again, &err), err);
            gov_error_free(err);
            err = NULL;
            for (size_t k = 0; k < i; k++)
                assert_true(ids[k] != ids[i]);
            gov_value_free(f);
            gov_value_free(other);
        }
    community_free(&b.c);
}

/* A place out of sight, and one that is not there. */
static void places_of_others_are_as_none(void **state)
{
    static const struct {
        const char *who, *grid, *unit;
        int count; /* -1: there is no such place */
    } rows[] = {{"gao", "A", NULL, MINE},   {"gao", "B", NULL, 0},      {"gao", "Z", NULL, 0},      {"gao", NULL, "U1", MINE},
                {"gao", NULL, "U2", 0},     {"gao", NULL, "U9", 0},     {"hua", "A", NULL, MINE},   {"hua", "B", NULL, 0},
                {"hua", "Z", NULL, 0},      {"hua", NULL, "U2", 0},     {"hua", NULL, "U9", 0},     {"chief", "Z", NULL, -1},
                {"chief", NULL, "U9", -1},  {"chief", "B", "U1", 0},    {NULL, "Z", NULL, -1},      {NULL, NULL, "U9", -1},
                {"gao", "", NULL, 0},       {"hua", "A", "U9", 0},      {"chief", "A", "U1", MINE}};
    bed b;
    gov_error *err = NULL;
    make(&b, state, BETWEEN);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        gov_value *page = NULL;
        gov_case_query q;
        gov_case_query_init(&q, sizeof q);
        q.grid = rows[i].grid;
        q.unit = rows[i].unit;
        if (rows[i].who != NULL)
            act(&b, rows[i].who);
        else
            assert_gov_ok(gov_act_as_host(b.c.g, "visit", &err), err);
        assert_gov(rows[i].count < 0 ? GOV_E_NOT_FOUND : GOV_OK, gov_case_list(b.c.g, &q, &page, &err), err);
        if (rows[i].count >= 0)
            assert_int_equal(gov_value_count(gov_value_get(page, "cases")), rows[i].count);
        gov_value_free(page);
        gov_error_free(err);
        err = NULL;
    }
    community_free(&b.c);
}

static gov_status open_numbered(bed *b, const char *who, const char *grid, const char *number, int64_t *id)
{
    gov_error *err = NULL;
    gov_case_options o;
    gov_case_options_init(&o, sizeof o);
    o.grid = grid;
    o.number = number;
    act(b, who);
    const gov_status status = gov_case_open(b->c.g, "matter", NULL, &o, id, &err);
    gov_error_free(err);
    return status;
}

/* One that may not open there learns of no number; a number of one's own is found whatever other case has it. */
static void numbers_of_others(void **state)
{
    bed b;
    gov_error *err = NULL;
    int64_t id = 0, mine = 0, found = 0;
    make(&b, state, BETWEEN);
    assert_int_equal(open_numbered(&b, "lin", "B", "X-1", &id), GOV_OK);
    assert_int_equal(open_numbered(&b, "gao", "B", "X-1", &id), GOV_E_NOT_FOUND); /* no such grid, for gao */
    assert_int_equal(open_numbered(&b, "gao", "B", "X-2", &id), GOV_E_NOT_FOUND);
    assert_int_equal(open_numbered(&b, "gao", "A", "2026-000003", &mine), GOV_OK); /* the third is another one's */
    assert_gov_ok(gov_case_find(b.c.g, NULL, "2026-000003", &found, &err), err);
    assert_true(found == mine);
    assert_gov(GOV_E_NOT_FOUND, gov_case_find(b.c.g, NULL, "X-1", &found, &err), err);
    gov_error_free(err);
    err = NULL;
    assert_gov_ok(gov_act_as_host(b.c.g, "visit", &err), err);
    assert_gov_ok(gov_case_find(b.c.g, NULL, "2026-000003", &found, &err), err);
    assert_true(found != mine);
    community_free(&b.c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(next_tells_of_what_is_seen_alone),
        STORE_TESTS(a_masked_field_moves_no_cursor),
        STORE_TESTS(what_is_not_shown_was_not_looked_at),
        STORE_TESTS(keys_of_others_are_in_no_cursor),
        STORE_TESTS(keys_of_requests_are_their_actors),
        STORE_TESTS(places_of_others_are_as_none),
        STORE_TESTS(numbers_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
