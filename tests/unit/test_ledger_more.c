/* Room ledger, beyond the model: lots, taking back, approval, caps, soft limits, effective dates, notes, one thing each. */
#include "support/faulty.h"
#include "support/support.h"

#include "ledger/stored.h"

#include <stdio.h>
#include <string.h>

#define REAL_MS   INT64_C(1772409900000) /* 2026-03-02T00:05:00Z */
#define NOW       (REAL_MS * 1000)
#define DAY       INT64_C(86400000000)
#define COMMUNITY 5

static gov_error *err;
static const diag D = {&base_malloc, &err};
static const store_migration *const schema[] = {&ledger_schema};

typedef struct desk {
    store *s;
    ledger *l;
    int64_t now, actor, next;
    uint32_t warnings;
    bool nobody;
} desk;

/* Accounts: 1 issues, 2 and 3 hold points in lots, 4 takes what expired, 5 is a fund that pays with two, 6 a shop. */
static desk open_desk(void **state)
{
    desk d = {.now = NOW, .actor = 7, .next = 100};
    const store_config config = {.url = support_store_of(state)->url,
                                 .flags = STORE_CREATE | STORE_FAST,
                                 .busy_ms = 10000,
                                 .migrations = schema,
                                 .migration_count = 1};
    const uint32_t lots = GOV_ACCOUNT_LOTS | GOV_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS;
    const ledger_account a[] = {
        {.id = 1, .ledger = 1, .code = 1},
        {.id = 4, .ledger = 1, .code = 3},
        {.id = 2, .ledger = 1, .code = 2, .flags = lots, .breakage = 4},
        {.id = 3, .ledger = 1, .code = 2, .flags = lots, .breakage = 4},
        {.id = 5,
         .ledger = 1,
         .code = 4,
         .flags = GOV_ACCOUNT_APPROVAL | GOV_ACCOUNT_WARN_MIN,
         .warn_min = 50},
        {.id = 6, .ledger = 1, .code = 5, .flags = GOV_ACCOUNT_WARN_MAX, .warn_max = 100}};
    ledger_result r[ARRAY_LEN(a)];
    assert_gov_ok(store_open(&base_malloc, &config, &d.s, &D), err);
    assert_gov_ok(ledger_open(d.s, COMMUNITY, &d.l, &D), err);
    assert_gov_ok(store_begin(d.s, &D), err);
    assert_gov_ok(ledger_create_accounts(d.l, a, ARRAY_LEN(a),
                                         (ledger_time){NOW - 1000, REAL_MS, 7}, NULL, r, &D),
                  err);
    assert_gov_ok(store_commit(d.s, &D), err);
    for (size_t i = 0; i < ARRAY_LEN(a); i++)
        assert_int_equal(r[i].code, GOV_LEDGER_CREATED);
    return d;
}

static void close_desk(desk *d)
{
    assert_gov_ok(ledger_verify(d->l, &D), err);
    ledger_close(d->l);
    store_close(d->s);
}

/* Gives the id of the transfer, or less than nothing: the result. */
static int64_t move(desk *d, ledger_transfer t)
{
    ledger_result r;
    t.id = d->next++;
    if (t.pending_id == 0 && t.reversal_of == 0)
        t.ledger = t.code = 1;
    assert_gov_ok(store_begin(d->s, &D), err);
    assert_gov_ok(ledger_transfer_batch(d->l, &t, 1, (ledger_time){d->now, REAL_MS, d->actor, d->nobody}, NULL,
                                        &r, &D),
                  err);
    assert_gov_ok(store_commit(d->s, &D), err);
    d->warnings = r.warnings;
    return r.code == GOV_LEDGER_CREATED ? t.id : -r.code;
}
#define MOVE(d, from, to, ...)                         \
    move(d, (ledger_transfer){.debit_account = (from), \
                              .credit_account = (to),  \
                              .amount = __VA_ARGS__})

static size_t expire(desk *d)
{
    size_t n;
    assert_gov_ok(store_begin(d->s, &D), err);
    assert_gov_ok(ledger_expire(d->l, 0, (ledger_time){d->now, REAL_MS, 2}, NULL, &n, &D), err);
    assert_gov_ok(store_commit(d->s, &D), err);
    return n;
}

static int64_t balance(desk *d, int64_t id)
{
    ledger_account a;
    assert_gov_ok(ledger_lookup_accounts(d->l, &id, 1, &a, &D), err);
    return a.credits_posted - a.debits_posted - a.debits_pending;
}

/* "left@day left@day": what lies in the lots of an account. */
static void assert_lots(desk *d, int64_t account, const char *want)
{
    ledger_lot lots[20];
    size_t n;
    char text[400] = "";
    assert_gov_ok(ledger_lots_of(d->l, account, lots, 20, &n, &D), err);
    for (size_t i = 0; i < n; i++) {
        const size_t used = strlen(text);
        if (lots[i].expires_us == LEDGER_NEVER)
            snprintf(text + used, sizeof text - used, "%s%lld", i > 0 ? " " : "",
                     (long long)lots[i].left);
        else
            snprintf(text + used, sizeof text - used, "%s%lld@%lld", i > 0 ? " " : "",
                     (long long)lots[i].left, (long long)((lots[i].expires_us - NOW) / DAY));
    }
    assert_string_equal(text, want);
}

static void spends_what_expires_first(void **state)
{
    desk d = open_desk(state);
    MOVE(&d, 1, 2, 30, .expires_at = NOW + 20 * DAY);
    MOVE(&d, 1, 2, 10, .expires_at = NOW + 10 * DAY);
    MOVE(&d, 1, 2, 5);
    assert_lots(&d, 2, "10@10 30@20 5");
    const int64_t spent = MOVE(&d, 2, 6, 25);
    assert_lots(&d, 2, "15@20 5");
    assert_int_equal(MOVE(&d, 2, 6, 21), -GOV_LEDGER_EXCEEDS_CREDITS);
    /* A refund goes back into the lots that it came from, the last one first. */
    move(&d, (ledger_transfer){.reversal_of = spent, .amount = 18});
    assert_lots(&d, 2, "3@10 30@20 5");
    move(&d, (ledger_transfer){.reversal_of = spent, .amount = INT64_MAX});
    assert_lots(&d, 2, "10@10 30@20 5");
    assert_int_equal(move(&d, (ledger_transfer){.reversal_of = spent, .amount = 1}),
                     -GOV_LEDGER_TRANSFER_ALREADY_REVERSED);
    close_desk(&d);
}

static void lets_a_lot_expire_once(void **state)
{
    desk d = open_desk(state);
    MOVE(&d, 1, 2, 30, .expires_at = NOW + 10 * DAY);
    MOVE(&d, 1, 2, 7, .expires_at = NOW + 20 * DAY);
    const int64_t spent = MOVE(&d, 2, 6, 12);
    const int64_t held = MOVE(&d, 2, 6, 8, .flags = GOV_TRANSFER_PENDING);
    d.now = NOW + 10 * DAY - 1;
    assert_int_equal(expire(&d), 0);
    d.now++;
    assert_int_equal(expire(&d), 1);
    assert_int_equal(expire(&d), 0);
    assert_int_equal(balance(&d, 4), 10);
    assert_int_equal(balance(&d, 2), 7);
    assert_lots(&d, 2, "7@20");
    /* What returns to a lot that has expired follows it, and is never there to spend. */
    move(&d, (ledger_transfer){.pending_id = held, .flags = GOV_TRANSFER_VOID_PENDING});
    assert_int_equal(MOVE(&d, 2, 6, 8), -GOV_LEDGER_EXCEEDS_CREDITS);
    assert_int_equal(balance(&d, 4), 18);
    move(&d, (ledger_transfer){.reversal_of = spent, .amount = INT64_MAX});
    assert_int_equal(expire(&d), 1);
    assert_int_equal(balance(&d, 4), 30);
    assert_int_equal(balance(&d, 2), 7);
    /* The transfer to breakage is one like any other, in both accounts' statements. */
    ledger_transfer rows[8];
    size_t n;
    const ledger_filter f = {.account = 4};
    assert_gov_ok(ledger_account_transfers(d.l, &f, rows, 8, &n, &D), err);
    assert_int_equal(n, 3);
    assert_true(rows[0].debit_account == 2 && rows[0].amount == 10 && rows[0].id > 0);
    assert_int_equal(move(&d, (ledger_transfer){.reversal_of = rows[0].id, .amount = 1}),
                     -GOV_LEDGER_REVERSED_TRANSFER_NOT_REVERSIBLE);
    close_desk(&d);
}

static void keeps_the_expiry_of_what_is_given_on(void **state)
{
    desk d = open_desk(state);
    MOVE(&d, 1, 2, 10, .expires_at = NOW + 10 * DAY);
    MOVE(&d, 1, 2, 10, .expires_at = NOW + 20 * DAY);
    const int64_t gift = MOVE(&d, 2, 3, 15);
    assert_lots(&d, 3, "10@10 5@20");
    assert_lots(&d, 2, "5@20");
    /* Reserved and posted in part: what is kept is what expires first. */
    const int64_t held = MOVE(&d, 3, 2, 12, .flags = GOV_TRANSFER_PENDING);
    move(&d,
         (ledger_transfer){.pending_id = held, .amount = 4, .flags = GOV_TRANSFER_POST_PENDING});
    assert_lots(&d, 3, "6@10 5@20");
    assert_lots(&d, 2, "4@10 5@20");
    /* Taking the gift back takes its own lots first, and fills those that it came from. */
    move(&d, (ledger_transfer){.reversal_of = gift, .amount = 6});
    assert_lots(&d, 3, "5@20");
    assert_lots(&d, 2, "1@10 4@10 10@20");
    close_desk(&d);
}

static void takes_back_an_award_from_its_own_lot(void **state)
{
    desk d = open_desk(state);
    MOVE(&d, 1, 2, 10, .expires_at = NOW + 10 * DAY);
    const int64_t wrong =
        MOVE(&d, 1, 2, 10, .expires_at = NOW + 20 * DAY, .reason = 4, .subject = 9);
    MOVE(&d, 1, 2, 10, .expires_at = NOW + 30 * DAY);
    const int64_t back = move(&d, (ledger_transfer){.reversal_of = wrong, .amount = INT64_MAX});
    assert_lots(&d, 2, "10@10 10@30");
    ledger_transfer t;
    assert_gov_ok(ledger_lookup_transfers(d.l, &back, 1, &t, &D), err);
    assert_true(t.debit_account == 2 && t.credit_account == 1 && t.amount == 10 && t.reason == 4 &&
                t.subject == 9 && t.reversal_of == wrong);
    assert_int_equal(move(&d, (ledger_transfer){.reversal_of = back, .amount = 1}),
                     -GOV_LEDGER_REVERSED_TRANSFER_NOT_REVERSIBLE);
    assert_int_equal(move(&d, (ledger_transfer){.reversal_of = 99, .amount = 1}),
                     -GOV_LEDGER_REVERSED_TRANSFER_NOT_FOUND);
    assert_int_equal(MOVE(&d, 2, 6, 1, .reversal_of = wrong),
                     -GOV_LEDGER_REVERSED_TRANSFER_HAS_DIFFERENT_ACCOUNTS);
    close_desk(&d);
}

/* What has expired of an award, or was spent of it, is not made up for by another. */
static void takes_nothing_back_twice(void **state)
{
    desk d = open_desk(state);
    const int64_t old = MOVE(&d, 1, 2, 10, .expires_at = NOW + 10 * DAY);
    const int64_t young = MOVE(&d, 1, 2, 10, .expires_at = NOW + 20 * DAY);
    assert_true(MOVE(&d, 2, 6, 3) > 0);
    assert_int_equal(move(&d, (ledger_transfer){.reversal_of = old, .amount = 8}),
                     -GOV_LEDGER_EXCEEDS_CREDITS);
    assert_true(move(&d, (ledger_transfer){.reversal_of = old, .amount = 2}) > 0);
    assert_lots(&d, 2, "5@10 10@20");
    d.now = NOW + 10 * DAY; /* the rest goes to breakage with the next batch */
    assert_int_equal(move(&d, (ledger_transfer){.reversal_of = old, .amount = INT64_MAX}),
                     -GOV_LEDGER_EXCEEDS_CREDITS);
    assert_int_equal(balance(&d, 4), 5);
    assert_lots(&d, 2, "10@20");
    assert_true(move(&d, (ledger_transfer){.reversal_of = young, .amount = INT64_MAX}) > 0);
    assert_lots(&d, 2, "");
    close_desk(&d);
}

static void pays_with_two(void **state)
{
    desk d = open_desk(state);
    MOVE(&d, 1, 5, 100);
    assert_int_equal(MOVE(&d, 5, 6, 40), -GOV_LEDGER_APPROVAL_REQUIRED);
    const int64_t asked = MOVE(&d, 5, 6, 40, .flags = GOV_TRANSFER_PENDING);
    const ledger_transfer post = {.pending_id = asked,
                                  .amount = INT64_MAX,
                                  .flags = GOV_TRANSFER_POST_PENDING};
    assert_int_equal(move(&d, post), -GOV_LEDGER_APPROVAL_NEEDS_ANOTHER_ACTOR);
    /* Rules at a timer have another number, and are no second person. */
    d.actor = 2;
    d.nobody = true;
    assert_int_equal(move(&d, post), -GOV_LEDGER_APPROVAL_NEEDS_ANOTHER_ACTOR);
    assert_int_equal(MOVE(&d, 5, 6, 40, .flags = GOV_TRANSFER_PENDING), -GOV_LEDGER_APPROVAL_REQUIRED);
    d.nobody = false;
    d.actor = 8;
    assert_true(move(&d, post) > 0);
    assert_int_equal(balance(&d, 5), 60);
    close_desk(&d);
}

/* What came in by mistake goes out by two as well: asked for by one, posted by another. */
static void takes_back_with_two(void **state)
{
    desk d = open_desk(state);
    const int64_t wrong = MOVE(&d, 1, 5, 100);
    ledger_transfer back = {.reversal_of = wrong, .amount = INT64_MAX};
    ledger_transfer post = {.amount = INT64_MAX, .flags = GOV_TRANSFER_POST_PENDING};
    assert_int_equal(move(&d, back), -GOV_LEDGER_APPROVAL_REQUIRED);
    back.flags = GOV_TRANSFER_PENDING;
    back.amount = 70;
    const int64_t asked = post.pending_id = move(&d, back);
    assert_true(asked > 0);
    assert_int_equal(balance(&d, 5), 30);
    /* What waits cannot be asked for again. */
    back.amount = 31;
    assert_int_equal(move(&d, back), -GOV_LEDGER_EXCEEDS_REVERSED_TRANSFER_AMOUNT);
    assert_int_equal(move(&d, post), -GOV_LEDGER_APPROVAL_NEEDS_ANOTHER_ACTOR);
    d.actor = 8;
    post.amount = 60; /* the other ten stay given */
    const int64_t posted = move(&d, post);
    assert_true(posted > 0);
    assert_int_equal(balance(&d, 5), 40);
    assert_int_equal(move(&d, (ledger_transfer){.reversal_of = posted, .amount = 1}),
                     -GOV_LEDGER_REVERSED_TRANSFER_NOT_REVERSIBLE);
    /* Voided or out of time, nothing has happened. */
    back.amount = INT64_MAX;
    const int64_t voided = move(&d, back);
    assert_true(move(&d, (ledger_transfer){.pending_id = voided, .flags = GOV_TRANSFER_VOID_PENDING}) > 0);
    back.timeout = 60;
    assert_true(move(&d, back) > 0);
    d.now += DAY;
    assert_int_equal(expire(&d), 1);
    assert_int_equal(balance(&d, 5), 40);
    back.timeout = 0;
    post.pending_id = move(&d, back);
    post.amount = INT64_MAX;
    d.actor = 7;
    assert_true(move(&d, post) > 0);
    assert_int_equal(balance(&d, 5), 0);
    assert_int_equal(move(&d, back), -GOV_LEDGER_TRANSFER_ALREADY_REVERSED);
    close_desk(&d);
}

/* A reversal that waits gives nothing back yet: no lot, and no room under a cap. */
static void gives_back_when_it_is_posted(void **state)
{
    desk d = open_desk(state);
    MOVE(&d, 1, 2, 10, .expires_at = NOW + 10 * DAY);
    const int64_t spent = MOVE(&d, 2, 6, 8);
    assert_lots(&d, 2, "2@10");
    const ledger_transfer back = {.reversal_of = spent, .amount = 5, .flags = GOV_TRANSFER_PENDING};
    const int64_t asked = move(&d, back);
    assert_true(asked > 0);
    assert_lots(&d, 2, "2@10");
    assert_true(move(&d, (ledger_transfer){.pending_id = asked, .amount = INT64_MAX, .flags = GOV_TRANSFER_POST_PENDING}) > 0);
    assert_lots(&d, 2, "7@10");
    const int64_t again = move(&d, (ledger_transfer){.reversal_of = spent, .amount = 3, .flags = GOV_TRANSFER_PENDING});
    assert_true(move(&d, (ledger_transfer){.pending_id = again, .flags = GOV_TRANSFER_VOID_PENDING}) > 0);
    assert_lots(&d, 2, "7@10");
    assert_true(move(&d, (ledger_transfer){.reversal_of = spent, .amount = 3}) > 0);
    assert_lots(&d, 2, "10@10");
    close_desk(&d);
}

static void warns_and_goes_on(void **state)
{
    desk d = open_desk(state);
    MOVE(&d, 1, 5, 60);
    assert_int_equal(d.warnings, 0);
    assert_true(MOVE(&d, 5, 6, 20, .flags = GOV_TRANSFER_PENDING) > 0);
    assert_int_equal(d.warnings, GOV_LEDGER_WARN_MIN);
    assert_true(MOVE(&d, 1, 6, 81) > 0);
    assert_int_equal(d.warnings, GOV_LEDGER_WARN_MAX);
    close_desk(&d);
}

/* Ten a day and 25 a month for each holder; the third one only under reason 3. */
static void caps_by_day_and_month(void **state)
{
    desk d = open_desk(state);
    static const ledger_cap caps[] = {
        {.book = 1, .number = 1, .code = 2, .side = 1, .window = LEDGER_DAY, .amount = 10},
        {.book = 1, .number = 2, .code = 2, .side = 1, .window = LEDGER_MONTH, .amount = 25},
        {.book = 1, .number = 3, .reason = 3, .side = 1, .window = LEDGER_TOTAL, .amount = 4}};
    assert_gov_ok(store_begin(d.s, &D), err);
    for (size_t i = 0; i < ARRAY_LEN(caps); i++)
        assert_gov_ok(ledger_cap_put(d.l, &caps[i], REAL_MS, &D), err);
    assert_gov_ok(store_commit(d.s, &D), err);
    const int64_t first = MOVE(&d, 1, 2, 10);
    assert_int_equal(MOVE(&d, 1, 2, 1), -GOV_LEDGER_EXCEEDS_CAP);
    assert_true(MOVE(&d, 1, 3, 10) > 0); /* another holder has a day of its own */
    /* Taking back gives back; so does voiding. */
    move(&d, (ledger_transfer){.reversal_of = first, .amount = 6});
    const int64_t held = MOVE(&d, 1, 2, 6, .flags = GOV_TRANSFER_PENDING);
    assert_int_equal(MOVE(&d, 1, 2, 1), -GOV_LEDGER_EXCEEDS_CAP);
    move(&d, (ledger_transfer){.pending_id = held, .flags = GOV_TRANSFER_VOID_PENDING});
    assert_true(MOVE(&d, 1, 2, 6) > 0);
    d.now += DAY;
    assert_true(MOVE(&d, 1, 2, 10) > 0);
    d.now += DAY;
    assert_true(MOVE(&d, 1, 2, 5) > 0);
    assert_int_equal(MOVE(&d, 1, 2, 1), -GOV_LEDGER_EXCEEDS_CAP);
    /* What was done in February counts there, whenever it is written down. */
    assert_true(MOVE(&d, 1, 2, 10, .effective_at = NOW - 5 * DAY) > 0);
    assert_int_equal(MOVE(&d, 1, 2, 1, .effective_at = NOW - 5 * DAY), -GOV_LEDGER_EXCEEDS_CAP);
    assert_int_equal(MOVE(&d, 1, 6, 5, .reason = 3), -GOV_LEDGER_EXCEEDS_CAP);
    assert_true(MOVE(&d, 1, 6, 4, .reason = 3) > 0);
    const ledger_cap none = {.book = 1, .number = 2, .amount = -1};
    assert_gov_ok(store_begin(d.s, &D), err);
    assert_gov_ok(ledger_cap_put(d.l, &none, REAL_MS, &D), err);
    assert_gov_ok(store_commit(d.s, &D), err);
    assert_true(MOVE(&d, 1, 2, 1) > 0);
    close_desk(&d);
}

static void set_cap(desk *d, ledger_cap cap)
{
    assert_gov_ok(store_begin(d->s, &D), err);
    assert_gov_ok(ledger_cap_put(d->l, &cap, REAL_MS, &D), err);
    assert_gov_ok(store_commit(d->s, &D), err);
}

/* What a cap has not counted does not come back to it. */
static void caps_begin_when_they_are_set(void **state)
{
    desk d = open_desk(state);
    const int64_t before = MOVE(&d, 1, 6, 100);
    const int64_t held = MOVE(&d, 1, 6, 50, .flags = GOV_TRANSFER_PENDING);
    set_cap(&d, (ledger_cap){.book = 1, .number = 1, .account = 6, .side = 1, .window = LEDGER_DAY, .amount = 100});
    const int64_t counted = MOVE(&d, 1, 6, 100);
    assert_true(counted > 0);
    assert_int_equal(MOVE(&d, 1, 6, 1), -GOV_LEDGER_EXCEEDS_CAP);
    assert_true(move(&d, (ledger_transfer){.reversal_of = before, .amount = INT64_MAX}) > 0);
    assert_int_equal(MOVE(&d, 1, 6, 1), -GOV_LEDGER_EXCEEDS_CAP);
    assert_true(move(&d, (ledger_transfer){.pending_id = held, .flags = GOV_TRANSFER_VOID_PENDING}) > 0);
    assert_int_equal(MOVE(&d, 1, 6, 1), -GOV_LEDGER_EXCEEDS_CAP);
    assert_true(move(&d, (ledger_transfer){.reversal_of = counted, .amount = 30}) > 0);
    assert_int_equal(MOVE(&d, 1, 6, 31), -GOV_LEDGER_EXCEEDS_CAP);
    assert_true(MOVE(&d, 1, 6, 30) > 0);
    close_desk(&d);
}

/* The same number again: with another amount it goes on, with another meaning it begins anew, and so it does after it was gone. */
static void caps_that_change_begin_anew(void **state)
{
    desk d = open_desk(state);
    ledger_cap cap = {.book = 1, .number = 2, .account = 6, .side = 1, .window = LEDGER_DAY, .amount = 100};
    set_cap(&d, cap);
    const int64_t old = MOVE(&d, 1, 6, 80);
    cap.amount = 90;
    set_cap(&d, cap);
    assert_int_equal(MOVE(&d, 1, 6, 11), -GOV_LEDGER_EXCEEDS_CAP);
    assert_true(MOVE(&d, 1, 6, 10) > 0);
    cap.side = 0;
    set_cap(&d, cap);
    assert_true(MOVE(&d, 6, 1, 90) > 0);
    assert_int_equal(MOVE(&d, 6, 1, 1), -GOV_LEDGER_EXCEEDS_CAP);
    cap.side = 1;
    set_cap(&d, cap);
    assert_true(MOVE(&d, 1, 6, 90) > 0);
    assert_true(move(&d, (ledger_transfer){.reversal_of = old, .amount = INT64_MAX}) > 0);
    assert_int_equal(MOVE(&d, 1, 6, 1), -GOV_LEDGER_EXCEEDS_CAP);
    cap.amount = -1;
    set_cap(&d, cap);
    cap.amount = 5;
    set_cap(&d, cap);
    assert_true(MOVE(&d, 1, 6, 5) > 0);
    assert_int_equal(MOVE(&d, 1, 6, 1), -GOV_LEDGER_EXCEEDS_CAP);
    close_desk(&d);
}

static void knows_balances_by_effect(void **state)
{
    desk d = open_desk(state);
    MOVE(&d, 1, 6, 100);
    d.now = NOW + 10 * DAY;
    MOVE(&d, 1, 6, 5, .effective_at = NOW + 3 * DAY);  /* written down late */
    MOVE(&d, 1, 6, 7, .effective_at = NOW + 20 * DAY); /* takes effect later */
    static const struct {
        int64_t day, recorded, effective;
    } table[] = {{-1, 0, 0}, {1, 100, 100}, {3, 100, 105}, {11, 112, 105}, {21, 112, 112}};
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        ledger_balance at;
        const int64_t us = NOW + table[i].day * DAY + 1;
        assert_gov_ok(ledger_balance_at(d.l, 6, us, &at, &D), err);
        assert_int_equal(at.credits_posted, table[i].recorded);
        assert_gov_ok(ledger_balance_effective(d.l, 6, us, &at, &D), err);
        assert_int_equal(at.credits_posted, table[i].effective);
    }
    close_desk(&d);
}

static void breaks_chains_with_lots(void **state)
{
    desk d = open_desk(state);
    MOVE(&d, 1, 2, 10, .expires_at = NOW + 10 * DAY);
    const int64_t spent = MOVE(&d, 2, 6, 4);
    const ledger_transfer t[] = {
        {.id = 900,
         .debit_account = 2,
         .credit_account = 3,
         .amount = 5,
         .ledger = 1,
         .code = 1,
         .flags = GOV_TRANSFER_LINKED},
        {.id = 901, .reversal_of = spent, .amount = INT64_MAX, .flags = GOV_TRANSFER_LINKED},
        {.id = 902, .debit_account = 3, .credit_account = 6, .amount = 6, .ledger = 1, .code = 1},
        {.id = 903, .debit_account = 2, .credit_account = 6, .amount = 6, .ledger = 1, .code = 1}};
    ledger_result r[4];
    assert_gov_ok(store_begin(d.s, &D), err);
    assert_gov_ok(ledger_transfer_batch(d.l, t, 4, (ledger_time){d.now, REAL_MS, 7}, NULL, r, &D),
                  err);
    assert_gov_ok(store_commit(d.s, &D), err);
    assert_int_equal(r[0].code, GOV_LEDGER_LINKED_EVENT_FAILED);
    assert_int_equal(r[2].code, GOV_LEDGER_EXCEEDS_CREDITS);
    assert_int_equal(r[3].code, GOV_LEDGER_CREATED);
    assert_lots(&d, 2, "");
    assert_lots(&d, 3, "");
    move(&d, (ledger_transfer){.reversal_of = spent, .amount = INT64_MAX});
    assert_lots(&d, 2, "4@10");
    close_desk(&d);
}

/* What one handle keeps of an account in memory holds against what another makes of it: an account that was rolled back here and is
 * made there, balances that moved there, an account that was closed there. */
static void finds_what_another_handle_did(void **state)
{
    desk here = open_desk(state), there = here;
    const store_config config = {.url = support_store_of(state)->url,
                                 .flags = STORE_FAST,
                                 .busy_ms = 10000,
                                 .migrations = schema,
                                 .migration_count = 1};
    const ledger_account late = {.id = 9, .ledger = 1, .code = 2},
                         other = {.id = 9, .ledger = 1, .code = 7};
    const ledger_time t = {NOW, REAL_MS, 7};
    ledger_account found;
    ledger_result r;
    there.next = 1000;
    assert_gov_ok(store_open(&base_malloc, &config, &there.s, &D), err);
    assert_gov_ok(ledger_open(there.s, COMMUNITY, &there.l, &D), err);
    assert_gov_ok(store_begin(here.s, &D), err);
    assert_gov_ok(ledger_create_accounts(here.l, &late, 1, t, NULL, &r, &D), err);
    store_rollback(here.s);
    assert_gov_ok(store_begin(there.s, &D), err);
    assert_gov_ok(ledger_create_accounts(there.l, &other, 1, t, NULL, &r, &D), err);
    assert_gov_ok(store_commit(there.s, &D), err);
    for (int i = 0; i < 6; i++)
        assert_true(move(i % 2 ? &here : &there,
                         (ledger_transfer){.debit_account = 1, .credit_account = 9, .amount = 10}) >
                    0);
    const int64_t closing = move(&there, (ledger_transfer){.debit_account = 1,
                                                           .credit_account = 9,
                                                           .flags = GOV_TRANSFER_PENDING |
                                                                    GOV_TRANSFER_CLOSING_CREDIT});
    assert_true(closing > 0);
    assert_int_equal(move(&here,
                          (ledger_transfer){.debit_account = 1, .credit_account = 9, .amount = 1}),
                     -GOV_LEDGER_CREDIT_ACCOUNT_ALREADY_CLOSED);
    assert_true(move(&there, (ledger_transfer){.pending_id = closing,
                                               .flags = GOV_TRANSFER_VOID_PENDING}) > 0);
    assert_true(
        move(&here, (ledger_transfer){.debit_account = 1, .credit_account = 9, .amount = 1}) > 0);
    assert_gov_ok(ledger_lookup_accounts(there.l, &other.id, 1, &found, &D), err);
    assert_int_equal(found.code, 7);
    assert_int_equal(found.credits_posted, 61);
    ledger_close(there.l);
    store_close(there.s);
    close_desk(&here);
}

/* Two handles give one id to two ledgers at the same time: the second waits for the first, and is told. */
static void gives_an_id_once_in_all_ledgers(void **state)
{
    desk here = open_desk(state);
    const store_config config = {.url = support_store_of(state)->url,
                                 .flags = STORE_FAST,
                                 .busy_ms = 20,
                                 .migrations = schema,
                                 .migration_count = 1};
    const ledger_account a[] = {{.id = 21, .ledger = 2, .code = 1},
                                {.id = 22, .ledger = 2, .code = 1}};
    const ledger_time t = {NOW, REAL_MS, 7};
    store *s = NULL;
    ledger *l = NULL;
    int64_t id;
    ledger_result r[2];
    assert_gov_ok(store_open(&base_malloc, &config, &s, &D), err);
    assert_gov_ok(ledger_open(s, COMMUNITY, &l, &D), err);
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(ledger_create_accounts(l, a, 2, t, NULL, r, &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    assert_gov_ok(store_begin(here.s, &D), err);
    assert_gov_ok(store_new_id(here.s, REAL_MS, &id, &D), err);
    const ledger_transfer first = {.id = id,
                                   .debit_account = 1,
                                   .credit_account = 6,
                                   .amount = 5,
                                   .ledger = 1,
                                   .code = 1},
                          second = {.id = id,
                                    .debit_account = 21,
                                    .credit_account = 22,
                                    .amount = 5,
                                    .ledger = 2,
                                    .code = 1};
    assert_gov_ok(ledger_transfer_batch(here.l, &first, 1, t, NULL, r, &D), err);
    assert_int_equal(r[0].code, GOV_LEDGER_CREATED);
    gov_status rc = store_begin(s, &D);
    if (rc == GOV_OK)
        rc = ledger_transfer_batch(l, &second, 1, t, NULL, r, &D);
    assert_int_not_equal(rc, GOV_OK);
    gov_error_free(err);
    err = NULL;
    store_rollback(s);
    assert_gov_ok(store_commit(here.s, &D), err);
    assert_gov_ok(store_begin(s, &D), err);
    assert_gov_ok(ledger_transfer_batch(l, &second, 1, t, NULL, r, &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    assert_int_not_equal(r[0].code, GOV_LEDGER_CREATED);
    ledger_close(l);
    store_close(s);
    close_desk(&here);
}

static gov_status collect(void *user, const char *text, size_t len, const diag *d)
{
    (void)d;
    base_buf_add(user, text, len);
    return GOV_OK;
}

static void writes_a_plain_journal(void **state)
{
    desk d = open_desk(state);
    base_buf out;
    base_buf_init(&out, &base_malloc);
    assert_gov_ok(store_begin(d.s, &D), err);
    assert_gov_ok(ledger_memo_put(d.l, LEDGER_OF_ACCOUNT, 6, "{\"name\":\"corner:  shop\"}", 24, 0,
                                  &D),
                  err);
    assert_gov_ok(store_commit(d.s, &D), err);
    MOVE(&d, 1, 2, 9);
    MOVE(&d, 2, 6, 4, .flags = GOV_TRANSFER_PENDING);
    assert_gov_ok(ledger_plain_journal(d.l, 1, collect, &out, &D), err);
    base_buf_char(&out, '\0');
    const char *text = (const char *)out.data;
    assert_non_null(strstr(text,
                           "2026-03-02 * (100)   ; code: 1\n    L1:C1:1  9 \"L1\" = 9 \"L1\"\n"
                           "    L1:C2:2  -9 \"L1\" = -9 \"L1\"\n"));
    /* All that is posted to is declared, so that a strict reader takes it. */
    assert_non_null(strstr(text, "commodity 1000. \"L1\"\n"));
    assert_non_null(strstr(text, "account L1:C2:2\naccount L1:C2:2:pending\n"));
    assert_non_null(strstr(text, "account L1:C5:corner shop 6:pending\n"));
    assert_non_null(
        strstr(text, "2026-03-02 ! (101)   ; code: 1\n    L1:C2:2:pending  4 \"L1\" = 4 \"L1\"\n"
                     "    L1:C5:corner shop 6:pending  -4 \"L1\" = -4 \"L1\"\n"));
    base_buf_free(&out);
    close_desk(&d);
}

/* A reservation that expires gives back to a lot, which is then due in its turn. */
static void is_told_of_lots_that_were_given_back(void **state)
{
    desk d = open_desk(state);
    MOVE(&d, 1, 2, 10, .expires_at = NOW + 10 * DAY);
    assert_true(MOVE(&d, 2, 6, 10, .flags = GOV_TRANSFER_PENDING, .timeout = 60) > 0);
    d.now = NOW + DAY;
    assert_int_equal(expire(&d), 1);
    assert_lots(&d, 2, "10@10");
    int64_t due;
    assert_gov_ok(ledger_next_due(d.l, &due, &D), err);
    assert_true(due == NOW + 10 * DAY);
    d.now = due;
    assert_int_equal(expire(&d), 1);
    assert_int_equal(balance(&d, 4), 10);
    close_desk(&d);
}

/* Two hours earned, two hours redeemed, nothing left; more is refused, and the same redemption twice is one. */
static void earns_and_redeems_hours(void **state)
{
    desk d = open_desk(state);
    assert_true(MOVE(&d, 1, 2, 120) > 0);
    const ledger_transfer redeem = {
        .id = 500, .debit_account = 2, .credit_account = 6, .amount = 120, .ledger = 1, .code = 1};
    ledger_result r[3];
    const ledger_transfer both[] = {
        redeem,
        redeem,
        {.id = 501, .debit_account = 2, .credit_account = 6, .amount = 1, .ledger = 1, .code = 1}};
    assert_gov_ok(store_begin(d.s, &D), err);
    assert_gov_ok(ledger_transfer_batch(d.l, both, 3, (ledger_time){d.now, REAL_MS, 7}, NULL, r,
                                        &D),
                  err);
    assert_gov_ok(store_commit(d.s, &D), err);
    assert_int_equal(r[0].code, GOV_LEDGER_CREATED);
    assert_int_equal(r[1].code, GOV_LEDGER_EXISTS);
    assert_int_equal(r[2].code, GOV_LEDGER_EXCEEDS_CREDITS);
    assert_int_equal(balance(&d, 2), 0);
    close_desk(&d);
}

static gov_status say_lines(const gov_allocator *alloc, void *user)
{
    static const char *const lines[] = {
        "{\"accounts\":[{\"id\":\"1\",\"ledger\":1,\"code\":1,\"flags\":[\"history\"]},{\"id\":"
        "\"2\",\"ledger\":1,"
        "\"code\":1,\"flags\":[\"lots\",\"debits_must_not_exceed_credits\"],\"breakage\":\"1\"}]}",
        "{\"transfers\":[{\"id\":\"5\",\"debit_account\":\"1\",\"credit_account\":\"2\",\"amount\":"
        "\"9\",\"ledger\":1,"
        "\"code\":1,\"expires_at\":\"2000000\",\"flags\":[\"linked\"]},{\"id\":\"6\",\"debit_"
        "account\":\"2\","
        "\"credit_account\":\"1\",\"amount\":\"4\",\"ledger\":1,\"code\":1}]}",
        "{\"advance_s\":5}",
        "{\"changes\":{\"limit\":10}}",
        "{\"account_balances\":{\"account\":\"1\",\"limit\":5}}",
        "{\"nothing\":1}"};
    gov_ledger_lines *l = NULL;
    gov_error *e = NULL;
    (void)user;
    gov_status rc = gov_ledger_lines_open(alloc, NULL, &l, &e);
    for (size_t i = 0; i < ARRAY_LEN(lines) && rc == GOV_OK; i++) {
        char *out = NULL;
        size_t len;
        rc = gov_ledger_line(l, lines[i], strlen(lines[i]), &out, &len, &e);
        if (rc == GOV_OK && i == 3)
            assert_non_null(strstr(out, "\"amount\":\"5\""));
        gov_text_free(out);
    }
    gov_ledger_lines_free(l);
    gov_error_free(e);
    return rc;
}

static void lines_survive_want_of_memory(void **state)
{
    (void)state;
    oom_loop(say_lines, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(spends_what_expires_first),
        STORE_TESTS(lets_a_lot_expire_once),
        STORE_TESTS(keeps_the_expiry_of_what_is_given_on),
        STORE_TESTS(takes_back_an_award_from_its_own_lot),
        STORE_TESTS(takes_nothing_back_twice),
        STORE_TESTS(pays_with_two),
        STORE_TESTS(takes_back_with_two),
        STORE_TESTS(gives_back_when_it_is_posted),
        STORE_TESTS(warns_and_goes_on),
        STORE_TESTS(caps_by_day_and_month),
        STORE_TESTS(caps_begin_when_they_are_set),
        STORE_TESTS(caps_that_change_begin_anew),
        STORE_TESTS(knows_balances_by_effect),
        STORE_TESTS(breaks_chains_with_lots),
        STORE_TESTS(writes_a_plain_journal),
        STORE_TESTS(is_told_of_lots_that_were_given_back),
        STORE_TESTS(earns_and_redeems_hours),
        STORE_TESTS(finds_what_another_handle_did),
        STORE_TESTS(gives_an_id_once_in_all_ledgers),
        cmocka_unit_test(lines_survive_want_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
