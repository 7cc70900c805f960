#include "support/bank.h"

#include <stdio.h>
#include <string.h>

gov_value *bank_run(community *c, const char *name, const char *json)
{
    gov_error *err = NULL;
    gov_value *in = community_json(json), *out = NULL;
    const gov_status status = gov_operation_run(c->g, name, in, NULL, &out, &err);
    gov_value_free(in);
    if (status != GOV_OK) {
        fprintf(stderr, "%s %s\n", name, json);
        support_print_error(err);
    }
    assert_int_equal(status, GOV_OK);
    return out;
}

gov_value *bank_run_on(community *c, const char *name, const char *operand, int64_t id, const char *more)
{
    char json[512];
    snprintf(json, sizeof json, "{'%s': %lld%s}", operand, (long long)id, more);
    return bank_run(c, name, json);
}

int64_t bank_number(gov_value *v, const char *path)
{
    const gov_value *found = gov_value_find(v, path);
    assert_non_null(found);
    assert_int_equal(gov_value_kind(found), GOV_VALUE_INT);
    return gov_value_int(found);
}

int64_t bank_made(gov_value *v)
{
    const int64_t id = bank_number(v, "id");
    gov_value_free(v);
    return id;
}

void bank_refused(community *c, const char *name, const char *json, const char *code)
{
    gov_error *err = NULL;
    gov_value *in = community_json(json), *out = NULL;
    const gov_status status = gov_operation_run(c->g, name, in, NULL, &out, &err);
    gov_value_free(in);
    if (status == GOV_OK || strcmp(gov_error_code(err, 0), code) != 0) {
        fprintf(stderr, "%s %s: wanted %s\n", name, json, code);
        support_print_error(err);
    }
    assert_int_not_equal(status, GOV_OK);
    assert_null(out);
    assert_string_equal(gov_error_code(err, 0), code);
    gov_error_free(err);
}

void bank_refused_on(community *c, const char *name, int64_t id, const char *more, const char *code)
{
    char json[512];
    snprintf(json, sizeof json, "{'booking': %lld%s}", (long long)id, more);
    bank_refused(c, name, json, code);
}

int64_t bank_minutes_of(community *c, const char *who, const char *path)
{
    char json[128];
    snprintf(json, sizeof json, "{'resident': '%s'}", who);
    gov_value *v = bank_run(c, "timebank.balance", json);
    const int64_t n = bank_number(v, path);
    gov_value_free(v);
    return n;
}

void assert_bank_minutes(community *c, const char *who, int64_t want)
{
    assert_int_equal(bank_minutes_of(c, who, "minutes"), want);
}

void assert_bank_total(community *c, const char *path, int64_t want)
{
    gov_value *v = bank_run(c, "timebank.totals", "{}");
    const int64_t n = bank_number(v, path), sum = bank_number(v, "sum");
    gov_value_free(v);
    assert_int_equal(n, want);
    assert_int_equal(sum, 0);
}

void assert_bank_sound(community *c)
{
    gov_error *err = NULL;
    gov_value *report = NULL;
    assert_gov_ok(gov_verify(c->g, NULL, NULL, &report, &err), err);
    gov_value_free(report);
    assert_bank_total(c, "sum", 0);
}

/* young serves, old is served, ancient is helped by the pool, child and spouse are old's kin. */
void bank_people(community *c)
{
    community_put(c, "household", "h1", "{'name': '1-101', 'tags': ['living_alone']}");
    community_put(c, "resident", "young", "{'name': '张三丰', 'birth_date': '1990-05-01', 'tags': ['lawyer']}");
    community_put(c, "resident", "nurse", "{'name': '李时珍', 'birth_date': '1985-05-01', 'tags': ['nurse']}");
    community_put(c, "resident", "old", "{'name': '王大爷', 'birth_date': '1960-01-01', 'kin': {'young': 'child', 'aunt': ['spouse', 'heir']}}");
    community_put(c, "resident", "aunt", "{'name': '王大妈', 'birth_date': '1961-01-01'}");
    community_put(c, "resident", "ancient", "{'name': '赵奶奶', 'birth_date': '1940-01-01'}");
    community_put(c, "resident", "alone", "{'name': '钱爷爷', 'birth_date': '1962-01-01', 'household': 'h1'}");
    community_put(c, "resident", "minor", "{'name': '小明', 'birth_date': '2012-01-01'}");
    community_put(c, "staff", "clerk", "{'name': '李', 'roles': ['bank']}");
}

community bank_usual(void **state, const char *text)
{
    support_store *s = support_store_of(state);
    community c = community_make(s, text, NULL);
    bank_people(&c);
    return c;
}

/* So many minutes, paid by the pool or who is served. */
int64_t bank_book(community *c, const char *operation, const char *volunteer, const char *recipient, const char *from, int minutes)
{
    char json[512];
    snprintf(json, sizeof json, "{'volunteer': '%s', 'recipient': '%s', 'skill': 'company', 'from': '%s', 'minutes': %d}", volunteer,
             recipient, from, minutes);
    return bank_made(bank_run(c, operation, json));
}

void bank_serve(community *c, const char *operation, const char *volunteer, const char *recipient, const char *from, int minutes)
{
    char more[64];
    gov_error *err = NULL;
    int64_t at = 0;
    assert_gov_ok(gov_time_parse(c->g, from, &at, &err), err);
    const int64_t id = bank_book(c, operation, volunteer, recipient, from, minutes);
    assert_gov_ok(gov_set_now(c->g, at + minutes * INT64_C(60000000), &err), err);
    snprintf(more, sizeof more, ", 'minutes': %d", minutes);
    gov_value_free(bank_run_on(c, "timebank.confirm", "booking", id, more));
}

void bank_set_now(community *c, const char *when)
{
    gov_error *err = NULL;
    int64_t at = 0;
    assert_gov_ok(gov_time_parse(c->g, when, &at, &err), err);
    assert_gov_ok(gov_set_now(c->g, at, &err), err);
}
