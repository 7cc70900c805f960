/* The ledger in memory and the stored one, beside each other: the same lines, the same answers. */
#include "support/community.h"
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gov_error *err;

/* What is said, and what both answer ("" : anything). */
typedef struct talk {
    const char *line, *answer;
} talk;

/* Single quotes stand for double ones, @5 for five seconds after the clock's start, in microseconds. */
static const char *quoted(const char *text, int64_t start_us, char out[static 2048])
{
    size_t n = 0;
    for (; *text != '\0' && n < 2000; text++) {
        if (*text == '@') {
            char *end;
            const long seconds = strtol(text + 1, &end, 10);
            n += (size_t)snprintf(out + n, 30, "%lld", (long long)(start_us + seconds * 1000000));
            text = end - 1;
        } else {
            out[n++] = *text == '\'' ? '"' : *text;
        }
    }
    out[n] = '\0';
    return out;
}

static void hold(gov *g, const talk *t, size_t n)
{
    gov_ledger_lines *lines;
    char line[2048], answer[2048];
    const int64_t start_us = g != NULL ? COMMUNITY_START : 0;
    assert_gov_ok(gov_ledger_lines_open(NULL, g, &lines, &err), err);
    for (size_t i = 0; i < n; i++) {
        char *got;
        size_t len;
        quoted(t[i].line, start_us, line);
        assert_gov_ok(gov_ledger_line(lines, line, strlen(line), &got, &len, &err), err);
        if (t[i].answer[0] != '\0' && strstr(got, quoted(t[i].answer, start_us, answer)) == NULL)
            fail_msg("%s, %s\n answered %s\n instead of %s", g != NULL ? "stored" : "in memory",
                     t[i].line, got, answer);
        gov_text_free(got);
    }
    gov_ledger_lines_free(lines);
}

/* How many entries of a kind the journal has. */
static int entries(gov *g, const char *kind)
{
    gov_value *page;
    int found = 0;
    assert_gov_ok(gov_journal_read(g, 0, 1000, &page, &err), err);
    const gov_value *list = gov_value_get(page, "entries");
    for (size_t i = 0; i < gov_value_count(list); i++)
        found +=
            strcmp(gov_value_string(gov_value_get(gov_value_at(list, i), "kind"), NULL), kind) == 0;
    gov_value_free(page);
    return found;
}

/* In memory, and over the test's store; gives how often lots were told to wait there. */
static int both(void **state, const talk *t, size_t n)
{
    support_store *s = support_store_of(state);
    community c = community_make(s, community_rules, NULL);
    hold(NULL, t, n);
    hold(c.g, t, n);
    const int waits = entries(c.g, "ledger_lots_wait");
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    community_free(&c);
    return waits;
}
#define BOTH(state, t) both(state, t, sizeof(t) / sizeof *(t))

#define SAID(id, rest) "{'transfers':[{'id':'" id "'," rest "}]}"
#define MADE           "{'results':['created']}"

/* Two lots without an expiry, one of them emptied, filled again, and then spent from: the older one is. */
static void lots_of_one_expiry_have_one_order(void **state)
{
    static const talk t[] = {
        {"{'accounts':[{'id':'1','ledger':1,'code':1},{'id':'2','ledger':1,'code':1},{'id':'3',"
         "'ledger':1,'code':1,'flags':['lots','debits_must_not_exceed_credits'],'breakage':'2'}]}",
         ""},
        {SAID("10", "'debit_account':'1','credit_account':'3','amount':'10','ledger':1,'code':1"),
         MADE},
        {SAID("11", "'debit_account':'1','credit_account':'3','amount':'10','ledger':1,'code':1"),
         MADE},
        {SAID("12", "'debit_account':'3','credit_account':'1','amount':'10','ledger':1,'code':1,"
                    "'flags':['pending']"),
         MADE},
        {"{'transfers':[{'id':'13','pending_id':'12','flags':['void_pending']},{'id':'14',"
         "'debit_account':'3','credit_account':'1','amount':'5','ledger':1,'code':1}]}",
         "{'results':['created','created']}"},
        /* Of the older lot five are left, and so it cannot be taken back whole. */
        {SAID("15", "'reversal_of':'10','amount':'max'"), "{'results':['exceeds_credits']}"},
        {SAID("16", "'reversal_of':'11','amount':'max'"), MADE}};
    BOTH(state, t);
}

/* Who was told that nothing is left to be taken back has given up, whatever becomes of what waits. */
static void refused_reversals_stay_refused(void **state)
{
    static const talk t[] = {
        {"{'accounts':[{'id':'1','ledger':1,'code':1},{'id':'2','ledger':1,'code':1}]}", ""},
        {SAID("10", "'debit_account':'1','credit_account':'2','amount':'5','ledger':1,'code':1"),
         MADE},
        {SAID("11", "'reversal_of':'10','amount':'3','flags':['pending']"), MADE},
        {SAID("12", "'reversal_of':'10','amount':'3'"),
         "{'results':['exceeds_reversed_transfer_amount']}"},
        {SAID("13", "'reversal_of':'10','amount':'2','flags':['pending']"), MADE},
        {SAID("14", "'reversal_of':'10','amount':'max'"),
         "{'results':['transfer_already_reversed']}"},
        {"{'transfers':[{'id':'15','pending_id':'11','flags':['void_pending']},{'id':'16',"
         "'pending_id':'13','flags':['void_pending']}]}",
         "{'results':['created','created']}"},
        {SAID("12", "'reversal_of':'10','amount':'3'"), "{'results':['id_already_failed']}"},
        {SAID("14", "'reversal_of':'10','amount':'max'"), "{'results':['id_already_failed']}"},
        {SAID("17", "'reversal_of':'10','amount':'max'"), MADE}};
    BOTH(state, t);
}

/* Ledgers that are imported one after the other, each with its own past. */
static void queries_go_by_time(void **state)
{
    static const talk t[] = {
        {"{'advance_us':'1000'}", ""},
        {"{'accounts':[{'id':'1','ledger':1,'code':1,'flags':['imported'],'timestamp':'50'},{'id':"
         "'2','ledger':1,'code':1,'flags':['imported'],'timestamp':'51'}]}",
         "{'results':['created','created']}"},
        {"{'accounts':[{'id':'3','ledger':2,'code':1,'flags':['imported'],'timestamp':'10'},{'id':"
         "'4','ledger':2,'code':1,'flags':['imported'],'timestamp':'11'}]}",
         "{'results':['created','created']}"},
        {SAID("21", "'debit_account':'1','credit_account':'2','amount':'5','ledger':1,'code':1,"
                    "'flags':['imported'],'timestamp':'80'"),
         MADE},
        {SAID("22", "'debit_account':'3','credit_account':'4','amount':'6','ledger':2,'code':1,"
                    "'flags':['imported'],'timestamp':'20'"),
         MADE},
        {SAID("23", "'debit_account':'3','credit_account':'4','amount':'7','ledger':2,'code':1,"
                    "'flags':['imported'],'timestamp':'90'"),
         MADE},
        {"{'query_accounts':{'limit':1}}", "{'accounts':[{'id':'3'"},
        {"{'query_accounts':{'limit':1,'timestamp_min':'11'}}", "{'accounts':[{'id':'4'"},
        {"{'query_accounts':{'limit':1,'reversed':true}}", "{'accounts':[{'id':'2'"},
        {"{'query_transfers':{'limit':1}}", "{'transfers':[{'id':'22'"},
        {"{'query_transfers':{'limit':1,'timestamp_min':'21'}}", "{'transfers':[{'id':'21'"},
        {"{'query_transfers':{'limit':1,'reversed':true}}", "{'transfers':[{'id':'23'"},
        {"{'query_transfers':{'limit':1,'reversed':true,'timestamp_max':'89'}}",
         "{'transfers':[{'id':'21'"},
        {"{'changes':{'limit':1}}",
         "{'changes':[{'type':'single','timestamp':'20','transfer':'22','amount':'6'"},
        {"{'changes':{'limit':1,'reversed':true}}",
         "{'changes':[{'type':'single','timestamp':'90','transfer':'23','amount':'7','pending':"
         "null,'debit_account':{'id':'3','debits_pending':'0','debits_posted':'13'"}};
    BOTH(state, t);
}

/* Beyond the years 1 to 9999 nothing takes effect, with a cap that wants to know the day or without. */
static void effects_stay_within_the_calendar(void **state)
{
    static const talk t[] = {
        {"{'accounts':[{'id':'1','ledger':1,'code':1},{'id':'2','ledger':1,'code':1}]}", ""},
#define AT(id, us) \
    SAID(id, "'debit_account':'1','credit_account':'2','amount':'5','ledger':1,'code':1,'effective_at':'" us "'")
        {AT("10", "-9223372036854775807"), "{'results':['effective_at_out_of_range']}"},
        {AT("10", "9223372036854775807"), "{'results':['effective_at_out_of_range']}"},
        {AT("10", "-62135596800000001"), "{'results':['effective_at_out_of_range']}"},
        {AT("10", "253402300800000000"), "{'results':['effective_at_out_of_range']}"},
        {AT("10", "-62135596800000000"), MADE},
        {AT("11", "253402300799999999"), MADE},
        {SAID("12", "'reversal_of':'10','amount':'max','effective_at':'253402300800000000'"),
         "{'results':['effective_at_out_of_range']}"},
        {SAID("13", "'debit_account':'1','credit_account':'2','amount':'5','ledger':1,'code':1,"
                    "'flags':['pending']"),
         MADE},
        {SAID("14", "'pending_id':'13','flags':['void_pending'],'effective_at':"
                    "'253402300800000000'"),
         "{'results':['effective_at_out_of_range']}"}};
    BOTH(state, t);
}

#define ACCOUNTS_OF_BREAKAGE                                                                       \
    "{'accounts':[{'id':'1','ledger':1,'code':1},{'id':'2','ledger':1,'code':1},{'id':'4',"        \
    "'ledger':1,'code':1},{'id':'5','ledger':1,'code':1},{'id':'3','ledger':1,'code':1,'flags':['" \
    "lots','debits_must_not_exceed_credits'],'breakage':'2'},{'id':'6','ledger':1,'code':1,"       \
    "'flags':['lots','debits_must_not_exceed_credits'],'breakage':'5'}]}"
#define MOVED(id, from, to, amount, rest)                                                         \
    SAID(id, "'debit_account':'" from "','credit_account':'" to "','amount':'" amount            \
             "','ledger':1,'code':1" rest)

/* Account 2 takes what expires and has room for two, eight more are promised to it: a lot of seven waits, one of one does not, nor
 * does one that goes elsewhere. Once the promise is taken back the seven go as well. */
static void full_breakage_holds_nothing_up(void **state)
{
    static const talk t[] = {
        {ACCOUNTS_OF_BREAKAGE, ""},
        {MOVED("11", "1", "2", "9223372036854775797", ""), MADE},
        {MOVED("12", "1", "2", "8", ",'flags':['pending']"), MADE},
        {MOVED("13", "4", "3", "7", ",'expires_at':'@2'"), MADE},
        {MOVED("14", "4", "3", "1", ",'expires_at':'@3'"), MADE},
        {MOVED("15", "4", "6", "9", ",'expires_at':'@4'"), MADE},
        {"{'advance_s':10}", "{}"},
        {"{'lookup_accounts':['3']}", "'debits_posted':'1',"},
        {"{'lookup_accounts':['5']}", "'credits_posted':'9',"},
        {MOVED("16", "4", "6", "3", ",'expires_at':'@20'"), MADE},
        {MOVED("17", "3", "4", "7", ""), "{'results':['exceeds_credits']}"},
        {"{'advance_s':20}", "{}"},
        {"{'lookup_accounts':['5']}", "'credits_posted':'12',"},
        {"{'lookup_accounts':['3']}", "'debits_posted':'1',"},
        {SAID("18", "'pending_id':'12','flags':['void_pending']"), MADE},
        {"{'advance_s':1}", "{}"},
        {"{'lookup_accounts':['3']}", "'debits_posted':'8',"},
        {"{'lookup_accounts':['2']}", "'credits_posted':'9223372036854775805',"}};
    assert_int_equal(BOTH(state, t), 1); /* told once */
}

/* The same as the clock of a community brings it about. */
static void ticks_end_with_breakage_full(void **state)
{
    static const talk before[] = {{ACCOUNTS_OF_BREAKAGE, ""},
                                  {MOVED("11", "1", "2", "9223372036854775800", ""), MADE},
                                  {MOVED("12", "1", "2", "7", ",'flags':['pending'],'timeout':300"),
                                   MADE},
                                  {MOVED("13", "4", "3", "7", ",'expires_at':'@60'"), MADE},
                                  {MOVED("14", "4", "6", "9", ",'expires_at':'@61'"), MADE}};
    support_store *s = support_store_of(state);
    community c = community_make(s, community_rules, NULL);
    const int64_t ids[] = {3, 5};
    gov_account a[2];
    hold(c.g, before, sizeof before / sizeof *before);
    (void)community_advance(&c, 2);
    assert_gov_ok(gov_ledger_lookup_accounts(c.g, ids, 2, a, &err), err);
    assert_true(a[0].debits_posted == 0 && a[1].credits_posted == 9);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    (void)community_advance(&c, 2);
    assert_int_equal(entries(c.g, "ledger_lots_wait"), 1);
    /* The promise runs out, and with it the wait. */
    (void)community_advance(&c, 2);
    assert_gov_ok(gov_ledger_lookup_accounts(c.g, ids, 2, a, &err), err);
    assert_true(a[0].debits_posted == 7);
    assert_int_equal(entries(c.g, "ledger_lots_wait"), 1);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, NULL, &err), err);
    community_free(&c);
}

/* Ids made ahead are nobody else's, ascend, and are not given again after a group was given up. */
static void ids_are_given_once(void **state)
{
    enum { EACH = 300 };
    static int64_t all[3 * EACH];
    support_store *s = support_store_of(state);
    community c = community_make(s, community_rules, NULL);
    gov *other;
    size_t n = 0;
    assert_gov_ok(gov_open(s->url, NULL, &other, &err), err);
    assert_gov_ok(gov_act_as_host(other, "other", &err), err);
    for (int i = 0; i < EACH; i++) {
        const bool given_up = i % 7 == 0;
        if (given_up)
            assert_gov_ok(gov_begin(c.g, &err), err);
        assert_gov_ok(gov_ledger_new_ids(c.g, 1, &all[n], &err), err);
        if (given_up)
            assert_gov_ok(gov_rollback(c.g, &err), err);
        else
            n++;
        assert_gov_ok(gov_ledger_new_ids(other, 1 + (size_t)i % 2, &all[n], &err), err);
        n += 1 + (size_t)i % 2;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            assert_true(all[i] != all[k]);
    gov_free(other);
    community_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(lots_of_one_expiry_have_one_order),
        STORE_TESTS(refused_reversals_stay_refused),
        STORE_TESTS(queries_go_by_time),
        STORE_TESTS(effects_stay_within_the_calendar),
        STORE_TESTS(full_breakage_holds_nothing_up),
        STORE_TESTS(ticks_end_with_breakage_full),
        STORE_TESTS(ids_are_given_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
