/* The journal for hledger takes whatever text an account is given: safe names, each account's its own. */
#include "support/ledger_calls.h"
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static gov_status collect(void *user, const char *text, size_t len, const diag *d)
{
    (void)d;
    base_buf_add(user, text, len);
    return GOV_OK;
}

static void name_it(store *s, ledger *l, int64_t account, const char *name, size_t len)
{
    base_buf doc;
    base_buf_init(&doc, &base_malloc);
    base_buf_str(&doc, "{\"name\":");
    value_write_json_string(&doc, name, len);
    base_buf_char(&doc, '}');
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(ledger_memo_put(l, LEDGER_OF_ACCOUNT, account, (const char *)doc.data, doc.len, 0,
                                  &D),
                  err);
    assert_gov_ok(store_commit(s, &D), err);
    base_buf_free(&doc);
}

static void export_all(ledger *l, base_buf *out)
{
    base_buf_init(out, &base_malloc);
    assert_gov_ok(ledger_plain_journal(l, 1, collect, out, &D), err);
    base_buf_char(out, '\0');
    assert_false(out->failed);
}

static void names_are_safe(void **state)
{
    static const struct {
        const char *name, *wanted;
    } table[] = {
        {"Lamp fund (2026)", "Lamp fund 2026 1"},
        {"楼道基金（二期）", "楼道基金（二期） 2"},
        {"Wang  Ming", "Wang Ming 3"},
        {"x;", "x 4"},
        {"(x)", "x 5"},
        {"[roof]", "roof 6"},
        {"* starred", "starred 7"},
        {"! \"why\"", "why 8"},
        {"a:b", "a b 9"},
        {"王\u3000\u3000明\u3000", "王 明 10"},
        {"\u00a0hard\u00a0\u00a0blank\u00a0", "hard blank 11"},
        {"em\u2003\u2003space\u2003", "em space 12"},
        {"line\nbreak\ttab\r", "line break tab 13"},
        {"\u200bzero\u200b\u202ewidth\ufeff", "zero width 14"},
        {"", "15"},
        {" ;:()[]\u3000 ", "16"},
        {"=~ @ {5} | <6>", "5 6 17"},
        {"Lamp fund 2026", "Lamp fund 2026 18"},
        {"x 4", "x 4 19"},
        {"x:pending", "x pending 20"},
    };
    enum { N = sizeof table / sizeof *table };
    store *s;
    ledger *l = open_ledger(support_store_of(state), &s);
    ledger_account a[N];
    ledger_result r[N];
    for (int i = 0; i < N; i++)
        a[i] = (ledger_account){.id = i + 1, .ledger = 1, .code = 1};
    accounts(s, l, a, N, NOW, r);
    for (int i = 0; i < N; i++)
        name_it(s, l, i + 1, table[i].name, strlen(table[i].name));
    base_buf out;
    export_all(l, &out);
    for (int i = 0; i < N; i++) {
        char line[200];
        snprintf(line, sizeof line, "\naccount L1:C1:%s\naccount L1:C1:%s:pending\n",
                 table[i].wanted, table[i].wanted);
        if (strstr((const char *)out.data, line) == NULL)
            fail_msg("%s: no %s", table[i].name, line);
    }
    base_buf_free(&out);
    done(s, l);
}

/* What an effect's date is called where the zone moves it out of the four digits. */
static void dates_have_all_their_digits(void **state)
{
    static const struct {
        int64_t effective_at;
        const char *wanted;
    } table[] = {{INT64_C(253402300799999999), "effective: 9999-12-31\n"},
                 {INT64_C(-62135596800000000), "effective: 0001-01-01\n"},
                 {-1, "effective: 1969-12-31\n"}};
    store *s;
    ledger *l = open_ledger(support_store_of(state), &s);
    base_buf out;
    two_accounts(s, l, 0);
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        assert_code(CREATED,
                    transfer(s, l,
                             TRANSFER(.id = 10 + (int64_t)i, .debit_account = 1,
                                      .credit_account = 2, .amount = 1,
                                      .effective_at = table[i].effective_at),
                             NOW));
    export_all(l, &out);
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        assert_non_null(strstr((const char *)out.data, table[i].wanted));
    base_buf_free(&out);
    base_zone *zone;
    assert_gov_ok(base_zone_load(&base_malloc, "Asia/Shanghai", &zone, NULL, &D), err);
    l->b.zone = zone;
    export_all(l, &out);
    assert_non_null(strstr((const char *)out.data, "effective: 10000-01-01\n"));
    base_buf_free(&out);
    done(s, l);
    base_zone_free(zone);
}

/* ---- any text at all, read by hledger itself ---- */

static uint64_t seed = 20260302;
static uint32_t rnd(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

static size_t some_name(char *out)
{
    static const uint32_t liked[] = {' ',    ' ',    '(',    ')',    '[',    ']',    '*',
                                     '!',    '"',    ';',    ':',    '\t',   '\n',   '=',
                                     '@',    '{',    '}',    '|',    '~',    '%',    '#',
                                     '\\',   '\'',   '&',    '-',    '+',    0x3000, 0xa0,
                                     0x2003, 0x2028, 0x85,   0x200b, 0xff08, 0xff09, 0x202f,
                                     0x1680, 0x205f, 0xfeff, '0',    '9',    'a',    0x738b};
    size_t n = 0;
    for (uint32_t i = rnd(12); i > 0; i--) {
        uint32_t c = liked[rnd(ARRAY_LEN(liked))];
        if (rnd(5) == 0)
            do
                c = 1 + rnd(rnd(2) == 0 ? 0x3100 : 0x10fffe);
            while (c >= 0xd800 && c < 0xe000);
        n += base_utf8_put(c, out + n);
    }
    return n;
}

static void any_name_is_read(void **state)
{
    enum { EACH = 400 };
    const int times = getenv("GOV_LONG") != NULL ? 25 : 1;
    if (system("hledger --version >/dev/null 2>&1") != 0)
        support_skip("hledger is not installed");
    store *s;
    ledger *l = open_ledger(support_store_of(state), &s);
    static ledger_account a[EACH];
    static ledger_transfer t[EACH];
    static ledger_result r[EACH];
    int64_t next = 1;
    const char *dir = getenv("TMPDIR");
    char path[512], command[600], name[64];
    snprintf(path, sizeof path, "%s/gov_names_%ld.journal", dir != NULL ? dir : "/tmp", (long)getpid());
    snprintf(command, sizeof command, "LC_ALL=C.UTF-8 hledger -f '%s' check --strict >/dev/null", path);
    for (int round = 0; round < times; round++) {
        const int64_t first = next;
        for (int i = 0; i < EACH; i++)
            a[i] = (ledger_account){.id = next++, .ledger = 1, .code = 1};
        accounts(s, l, a, EACH, NOW + next, r);
        for (int i = 0; i < EACH; i++)
            name_it(s, l, first + i, name, some_name(name));
        for (int i = 0; i < EACH; i++)
            t[i] = TRANSFER(.id = first + i, .debit_account = first + i,
                            .credit_account = first + (i + 1) % EACH, .amount = 1 + i,
                            .flags = i % 3 == 0 ? GOV_TRANSFER_PENDING : 0);
        transfers(s, l, t, EACH, NOW + next, r);
    }
    base_buf out;
    export_all(l, &out);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(out.data, 1, out.len - 1, f), out.len - 1);
    fclose(f);
    base_buf_free(&out);
    const int status = system(command);
    if (status == 0)
        (void)unlink(path);
    assert_int_equal(status, 0);
    done(s, l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(names_are_safe),
        STORE_TESTS(dates_have_all_their_digits),
        STORE_TESTS(any_name_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
