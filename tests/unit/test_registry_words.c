/* The index of records follows the rules: fields that new rules index are there for records that were put long before. */
#include "access/access.h"
#include "support/community.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD                        \
    "rulebook: records\n"           \
    "title: Records\n"              \
    "languages: [en]\n"             \
    "time_zone: Asia/Shanghai\n"

/* The same fields under three versions of the rules: without an index, with one, and some with and some without. */
static const char plain[] = HEAD "version: '1'\n"
                                 "---\n"
                                 "record: resident\n"
                                 "fields:\n"
                                 "  floor: {type: int}\n"
                                 "  weight: {type: double}\n"
                                 "  text: {type: string}\n"
                                 "  late: {type: bool}\n"
                                 "  happened: {type: timestamp}\n"
                                 "  day: {type: date}\n"
                                 "  cost: {type: money}\n"
                                 "  friend: {type: resident}\n"
                                 "  birth_year: {type: int}\n";
static const char indexed[] = HEAD "version: '2'\n"
                                   "---\n"
                                   "record: resident\n"
                                   "fields:\n"
                                   "  floor: {type: int, indexed: true}\n"
                                   "  weight: {type: double, indexed: true}\n"
                                   "  text: {type: string, indexed: true}\n"
                                   "  late: {type: bool, indexed: true}\n"
                                   "  happened: {type: timestamp, indexed: true}\n"
                                   "  day: {type: date, indexed: true}\n"
                                   "  cost: {type: money, indexed: true}\n"
                                   "  friend: {type: resident, indexed: true}\n"
                                   "  birth_year: {type: int, indexed: true}\n";
static const char other[] = HEAD "version: '3'\n"
                                 "---\n"
                                 "record: resident\n"
                                 "fields:\n"
                                 "  floor: {type: int, indexed: true}\n"
                                 "  weight: {type: double}\n"
                                 "  text: {type: string, indexed: true}\n"
                                 "  late: {type: bool}\n"
                                 "  happened: {type: timestamp}\n"
                                 "  day: {type: date, indexed: true}\n"
                                 "  cost: {type: money}\n"
                                 "  friend: {type: resident}\n"
                                 "  tags: {type: any}\n";

static const char *const documents[] = {
    "{'floor': 1, 'weight': 1.5, 'text': 'a', 'late': true, 'day': '2026-03-02', 'tags': ['old', 'alone', 'old']}",
    "{'floor': -7, 'weight': -0.0, 'text': '张', 'happened': '2026-03-02T09:00:00Z', 'cost': 12, 'birth_year': 1940}",
    "{'floor': 1, 'friend': '0', 'late': false, 'name': 'x', 'birth_date': '1950-01-01', 'tags': []}",
    "{}",
};

static void install(community *c, const char *rules)
{
    gov_error *err = NULL;
    gov_rulebook *book = community_rulebook(rules);
    assert_gov_ok(gov_install(c->g, book, &err), err);
    gov_rulebook_free(book);
}

static void put_all(community *c)
{
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        char key[8];
        (void)snprintf(key, sizeof key, "%zu", i);
        (void)community_put(c, "resident", key, documents[i]);
    }
}

/* All words, but for those that are ids. Free it with free(). */
static char *words(community *c)
{
    static const store_sql sql = {"SELECT w.field, CASE w.field WHEN 'friend' THEN 'an id' ELSE w.word END, r.record_key "
                                  "FROM gov_record_word w JOIN gov_record r ON r.community = w.community AND r.id = w.id "
                                  "WHERE w.community = $1 ORDER BY w.field, w.word, r.record_key"};
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    store *s = c->store->store;
    store_rows rows;
    base_buf out;
    base_buf_init(&out, NULL);
    assert_gov_ok(store_begin_read(s, &d), err);
    gov_status status = store_query(s, &sql, STORE_ARGS(store_i(c->g->community)), &rows, &d);
    while (status == GOV_OK && (status = store_next(&rows, &d)) == GOV_OK)
        base_buf_fmt(&out, "%s %s %s\n", store_text(&rows, 0, NULL), store_text(&rows, 1, NULL), store_text(&rows, 2, NULL));
    store_rows_close(&rows);
    store_rollback(s);
    assert_int_equal(status, GOV_END);
    assert_false(out.failed);
    char *text = strdup(out.len > 0 ? out.data : "");
    base_buf_free(&out);
    return text;
}

/* How many residents the filter finds; -1: it is refused. */
static int64_t found(community *c, const char *where)
{
    gov_error *err = NULL;
    gov_value *page = NULL;
    gov_record_query q;
    gov_record_query_init(&q, sizeof q);
    q.where = where;
    q.limit = 1000;
    const gov_status status = gov_record_list(c->g, "resident", &q, &page, &err);
    const int64_t n = status == GOV_OK ? (int64_t)gov_value_count(gov_value_get(page, "records")) : -1;
    gov_error_free(err);
    gov_value_free(page);
    return n;
}

/* The second community had the rules from the beginning. */
static void as_if_the_rules_had_always_been_there(void **state)
{
    static const char *const later[] = {indexed, other, plain, indexed};
    support_store *s = support_store_of(state);
    community c = community_make(s, plain, NULL);
    put_all(&c);
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        char url[512], name[8];
        (void)snprintf(name, sizeof name, "w%zu", i);
        support_store_another(s, name, url);
        support_store fresh = *s;
        (void)snprintf(fresh.url, sizeof fresh.url, "%s", url);
        install(&c, later[i]);
        community always = community_make(&fresh, later[i], NULL);
        put_all(&always);
        char *got = words(&c), *want = words(&always);
        assert_string_equal(got, want);
        free(got);
        free(want);
        community_free(&always);
    }
    community_free(&c);
}

static void filters_find_what_was_put_before(void **state)
{
    community c = community_make(support_store_of(state), plain, NULL);
    put_all(&c);
    assert_int_equal(found(&c, "it.floor == 1"), -1);
    assert_int_equal(found(&c, "'old' in it.tags"), 1);
    install(&c, indexed);
    assert_int_equal(found(&c, "it.floor == 1"), 2);
    assert_int_equal(found(&c, "it.floor == 1 && it.friend == '0'"), 1);
    assert_int_equal(found(&c, "it.text == '张' && it.weight == 0.0 && it.happened > timestamp('2026-03-01T00:00:00Z')"), 1);
    assert_int_equal(found(&c, "!has(it.floor)"), 1);
    (void)community_put(&c, "resident", "0", "{'floor': 2}");
    assert_int_equal(found(&c, "it.floor == 1"), 1);
    install(&c, plain); /* a change while there is no index is known when there is one again */
    (void)community_put(&c, "resident", "0", "{'floor': 3}");
    install(&c, indexed);
    assert_int_equal(found(&c, "it.floor == 2"), 0);
    assert_int_equal(found(&c, "it.floor == 3"), 1);
    community_free(&c);
}

/* More than are read at once; an install that is undone leaves the index as it was. */
static void all_of_many_or_none(void **state)
{
    gov_error *err = NULL;
    community c = community_make(support_store_of(state), plain, NULL);
    assert_gov_ok(gov_begin(c.g, &err), err);
    for (int i = 0; i < 600; i++) {
        char key[8], json[32];
        (void)snprintf(key, sizeof key, "%d", i);
        (void)snprintf(json, sizeof json, "{'floor': %d}", i % 3);
        (void)community_put(&c, "resident", key, json);
    }
    assert_gov_ok(gov_commit(c.g, &err), err);
    assert_gov_ok(gov_begin(c.g, &err), err);
    install(&c, indexed);
    assert_int_equal(found(&c, "it.floor == 1"), 200);
    assert_gov_ok(gov_rollback(c.g, &err), err);
    char *none = words(&c);
    assert_string_equal(none, "");
    free(none);
    install(&c, indexed);
    assert_int_equal(found(&c, "it.floor == 1"), 200);
    community_free(&c);
}

static gov_status install_once(community *c, void *user)
{
    gov_status status = gov_begin(c->g, NULL); /* undone when the handle is freed */
    if (status == GOV_OK)
        status = gov_install(c->g, user, NULL);
    return status;
}

static void without_memory(void **state)
{
    support_store *s = support_store_of(state);
    community c = community_make(s, plain, NULL);
    put_all(&c);
    community_free(&c);
    gov_rulebook *book = community_rulebook(indexed);
    community_without_memory(s, NULL, install_once, book);
    gov_rulebook_free(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(as_if_the_rules_had_always_been_there),
        STORE_TESTS(filters_find_what_was_put_before),
        STORE_TESTS(all_of_many_or_none),
        STORE_TEST(without_memory, "sqlite"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
