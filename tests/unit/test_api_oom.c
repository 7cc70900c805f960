/* Want of memory in the public calls that no other test makes it in: each failure comes back as such, nothing leaks. */
#include "support/community.h"
#include "support/faulty.h"
#include "support/oom_malloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char rules[] =
    "rulebook: all\n"
    "version: '1'\n"
    "time_zone: Asia/Shanghai\n"
    "roles: {clerk: {}, officer: {scope: grid}, party: {when: \"actor.id == case.party\"}}\n"
    "permissions: {case.open: [clerk], case.read: [clerk, officer, party], record.read: [clerk]}\n"
    "sensitivity: {contact: {mask: phone, see: [{role: clerk}]}}\n"
    "---\n"
    "workflow: parent\n"
    "fields:\n"
    "  party: {type: resident}\n"
    "  phone: {type: string, sensitive: contact}\n"
    "  word: {type: string, indexed: true}\n"
    "  ended: {type: int, default: 0}\n"
    "events: {split: {by: [clerk]}, tell: {by: [party, clerk]}, late: {}}\n"
    "states:\n"
    "  here:\n"
    "    on:\n"
    "      split: {do: [{open: {workflow: child, link: part, each: \"['a', 'b']\", as: n, key: n, fields: {name: n}}}, {send: {event: "
    "ping, to: children}}]}\n"
    "      tell: {do: [{send: {event: late, after: PT1H}}, {log: told}]}\n"
    "      late: {do: [{set: {ended: 1 / (case.ended - case.ended)}}]}\n"
    "      child.done: {do: [{set: {ended: case.ended + 1}}]}\n"
    "---\n"
    "workflow: child\n"
    "fields: {name: {type: string}}\n"
    "events: {ping: {by: []}}\n"
    "states: {open: {on: {ping: {to: ended, do: [{send: {event: answered, to: parent}}]}}}, ended: {type: final, outcome: done}}\n";

typedef struct oom_user {
    support_store *s;
    gov_rulebook *rules;
    const char *path;
    int run;
} oom_user;

static gov_status make(oom_user *u, const gov_allocator *alloc, community *c)
{
    char url[512];
    (void)snprintf(url, sizeof url, "%.300s/oom%d.db", u->s->dir, u->run++);
    return community_try(url, u->rules, alloc, c, NULL);
}

/* Children, queued events, a timer that fails and is noted, lists with every filter. */
static gov_status families(const gov_allocator *alloc, void *user)
{
    community c;
    int64_t id = 0, found = 0;
    gov_case_options o;
    gov_case_query q;
    gov_value *v = NULL, *f = community_json("{'party': 'R1', 'phone': '13800001234', 'word': 'w'}");
    gov_status status = make(user, alloc, &c);
    gov_case_options_init(&o, sizeof o);
    o.reporter = "R1";
    o.grid = "A";
    o.source = "hotline";
    o.number = "7";
    o.idempotency_key = "once";
    gov_case_query_init(&q, sizeof q);
    q.workflow = "parent";
    q.grid = "A";
    q.field = "word";
    q.equals = "w";
    q.flags = GOV_CASE_OPEN_ONLY;
    if (status == GOV_OK)
        status = community_try_put(&c, "grid", "A", "{'name': '甲'}");
    if (status == GOV_OK)
        status = community_try_put(&c, "resident", "R1", "{'name': '周', 'grid': 'A'}");
    if (status == GOV_OK)
        status = gov_case_open(c.g, "parent", f, &o, &id, NULL);
    if (status == GOV_OK)
        status = gov_case_open(c.g, "parent", f, &o, &found, NULL); /* again: the same */
    if (status == GOV_OK)
        status = gov_case_find(c.g, "hotline", "7", &found, NULL);
    if (status == GOV_OK)
        status = gov_case_send(c.g, id, "split", NULL, NULL, NULL);
    if (status == GOV_OK)
        status = gov_case_send(c.g, id, "tell", NULL, NULL, NULL);
    if (status == GOV_OK)
        status = gov_set_now(c.g, COMMUNITY_START + INT64_C(7200) * 1000000, NULL);
    if (status == GOV_OK)
        status = gov_tick(c.g, 0, NULL, NULL);
    if (status == GOV_OK)
        status = gov_case_explain(c.g, id, &v, NULL);
    gov_value_free(v);
    v = NULL;
    if (status == GOV_OK)
        status = gov_act_as_resident(c.g, "R1", "own", NULL);
    if (status == GOV_OK)
        status = gov_case_find(c.g, "hotline", "7", &found, NULL); /* by condition */
    if (status == GOV_OK)
        status = gov_case_list(c.g, &q, &v, NULL);
    gov_value_free(v);
    gov_value_free(f);
    if (c.g != NULL)
        community_free(&c);
    return status;
}

static void families_without_memory(void **state)
{
    oom_user u = {support_store_of(state), community_rulebook(rules), NULL, 0};
    oom_loop(families, &u);
    gov_rulebook_free(u.rules);
}

static gov_status accounts(const gov_allocator *alloc, void *user)
{
    community c;
    int64_t ids[3] = {0}, us = 0;
    size_t count = 0;
    gov_ledger_result results[2];
    gov_account found[2];
    gov_transfer moves[2];
    gov_ledger_balance after[2];
    gov_ledger_filter filter;
    gov_status status = make(user, alloc, &c);
    if (status == GOV_OK)
        status = gov_ledger_new_ids(c.g, 3, ids, NULL);
    const gov_account two[] = {{.id = ids[0], .ledger = 1, .code = 1, .flags = GOV_ACCOUNT_HISTORY}, {.id = ids[1], .ledger = 1, .code = 1}};
    const gov_transfer one = {.id = ids[2], .debit_account = ids[0], .credit_account = ids[1], .amount = 5, .ledger = 1, .code = 1};
    if (status == GOV_OK)
        status = gov_ledger_create_accounts(c.g, two, 2, results, NULL);
    if (status == GOV_OK)
        status = gov_ledger_transfer(c.g, &one, 1, results, NULL);
    if (status == GOV_OK)
        status = gov_ledger_lookup_accounts(c.g, ids, 2, found, NULL);
    if (status == GOV_OK)
        status = gov_ledger_lookup_transfers(c.g, ids + 2, 1, moves, NULL);
    gov_ledger_filter_init(&filter, sizeof filter);
    filter.account = ids[0];
    if (status == GOV_OK)
        status = gov_ledger_account_transfers(c.g, &filter, moves, 2, &count, NULL);
    if (status == GOV_OK)
        status = gov_ledger_account_balances(c.g, &filter, after, 2, &count, NULL);
    if (status == GOV_OK)
        status = gov_replayed_until(c.g, &us, NULL);
    if (status == GOV_OK)
        status = gov_time_parse(c.g, "2026-03-02T09:05", &us, NULL);
    if (c.g != NULL)
        community_free(&c);
    return status;
}

static void accounts_without_memory(void **state)
{
    oom_user u = {support_store_of(state), community_rulebook(rules), NULL, 0};
    oom_loop(accounts, &u);
    gov_rulebook_free(u.rules);
}

static gov_status loading(const gov_allocator *alloc, void *user)
{
    oom_user *u = user;
    gov_rulebook *book = NULL;
    gov_error *err = NULL;
    const gov_status status = gov_rulebook_load(alloc, u->path, COMMUNITY_START, &book, &err);
    gov_error_free(err);
    gov_rulebook_free(book);
    return status;
}

static gov_status creating(const gov_allocator *alloc, void *user)
{
    oom_user *u = user;
    gov *g = NULL;
    gov_error *err = NULL;
    gov_options o;
    gov_options_init(&o, sizeof o);
    o.alloc = alloc;
    const gov_status status = gov_create(":memory:", &o, u->path, &g, &err);
    gov_error_free(err);
    gov_free(g);
    return status;
}

static gov_status expressions(const gov_allocator *alloc, void *user)
{
    static const char text[] = "items.filter(x, x > 1).map(x, string(x) + name).size() == 2 && name.matches('^a+$')";
    gov_expr *expr = NULL;
    gov_value *out = NULL, *names = NULL, *bindings = NULL;
    gov_error *err = NULL;
    (void)user;
    gov_status status = gov_value_from_json(alloc, "{\"items\":\"list\",\"name\":\"string\"}", 32, &names, &err);
    if (status == GOV_OK)
        status = gov_value_from_json(alloc, "{\"items\":[1,2,3],\"name\":\"aaa\"}", 30, &bindings, &err);
    if (status == GOV_OK)
        status = gov_expr_compile(alloc, text, sizeof text - 1, names, &expr, &err);
    if (status == GOV_OK)
        status = gov_expr_eval(expr, bindings, &out, &err);
    gov_error_free(err);
    gov_value_free(out);
    gov_expr_free(expr);
    gov_value_free(names);
    gov_value_free(bindings);
    return status;
}

static gov_status values(const gov_allocator *alloc, void *user)
{
    gov_value *map = gov_value_new_map(alloc), *list = gov_value_new_list(alloc);
    (void)user;
    gov_status status = map != NULL && list != NULL ? GOV_OK : GOV_E_NOMEM;
    for (int i = 0; i < 20 && status == GOV_OK; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%d", i);
        status = gov_value_set_text(map, key, "text", 4);
        if (status == GOV_OK)
            status = gov_value_set_int(map, "n", i);
        if (status == GOV_OK)
            status = gov_value_set_bool(map, "b", i);
        if (status == GOV_OK)
            status = gov_value_set_double(map, "d", i);
        if (status == GOV_OK)
            status = gov_value_set_timestamp(map, "t", i);
        if (status == GOV_OK)
            status = gov_value_set_point(map, "p", i, i);
        if (status == GOV_OK)
            status = gov_value_append(list, map);
    }
    if (status == GOV_OK)
        status = gov_value_set(map, "list", list);
    gov_value_free(map);
    gov_value_free(list);
    return status;
}

static void calls_without_a_store(void **state)
{
    char path[512], *dir = support_tmpdir();
    (void)state;
    support_write(support_path(path, dir, "rulebook.yaml"), rules, strlen(rules));
    oom_user u = {.path = path};
    oom_loop(loading, &u);
    oom_loop(creating, &u);
    oom_loop(expressions, NULL);
    oom_loop(values, NULL);
    support_rmdir(dir);
}

/* Text that is handed out comes from malloc. */
static gov_status texts(const gov_allocator *alloc, void *user)
{
    static const char line[] = "{\"expr\": \"[1, 2].map(x, x * 2)\", \"bindings\": {\"a\": {\"int\": \"5\"}}}";
    char *text = NULL;
    size_t len;
    (void)alloc;
    (void)user;
    gov_status status = gov_expr_eval_line(line, sizeof line - 1, &text, &len, NULL);
    gov_text_free(text);
    text = NULL;
    gov_value *v = NULL;
    if (status == GOV_OK)
        status = gov_value_from_json(NULL, "{\"a\":[1,2,{\"b\":null}]}", 22, &v, NULL);
    if (status == GOV_OK)
        status = gov_value_to_json(v, &text, &len, NULL);
    gov_text_free(text);
    gov_value_free(v);
    return status;
}

static void texts_without_memory(void **state)
{
    (void)state;
    if (!oom_malloc_available())
        support_skip("malloc is not ours to replace");
    oom_loop_malloc(texts, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(families_without_memory, "sqlite"),
        STORE_TEST(accounts_without_memory, "sqlite"),
        cmocka_unit_test(calls_without_a_store),
        cmocka_unit_test(texts_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
