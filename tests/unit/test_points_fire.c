/* Points under fire: processes earn, redeem, hand out, cancel, take back and let expire at random while one after the other is killed.
 * Afterwards the sums are exact, stock and orders come to what there was, and nothing that was acknowledged is missing or half there. */
#include "support/community.h"
#include "support/fire.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { HOLDERS = 6, STOCK = 40 };
enum { AWARDED, REDEEMED, FULFILLED, CANCELLED, RETURNED };

static const char rules[] =
    "rulebook: tiny\n"
    "version: '1'\n"
    "time_zone: Asia/Shanghai\n"
    "---\n"
    "points: green\n"
    "ledger: 7\n"
    "goods: 5\n"
    "holder: resident\n"
    "expires: 2 days\n"
    "earn: {gift: {}}\n"
    "catalogue:\n"
    "  rice: {price: 30, stock: 40, fulfil_within: 1 day}\n";

typedef struct shop {
    const char *url;
    int64_t began_ms;
} shop;

static int64_t wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A day of the community is a second of ours. */
static gov_status set_clock(gov *g, const shop *s)
{
    return gov_set_now(g, COMMUNITY_START + (wall_ms() - s->began_ms) * 86400 * 1000, NULL);
}

static gov_status attach(const char *url, community *c)
{
    gov_options o;
    gov_options_init(&o, sizeof o);
    *c = (community){0};
    gov_status rc = gov_store_open(url, &o, &c->store, NULL);
    if (rc == GOV_OK)
        rc = gov_attach(c->store, NULL, &c->g, NULL);
    return rc == GOV_OK ? gov_act_as_host(c->g, "test", NULL) : rc;
}

/* ---- a worker ---- */

/* Refusals are part of the game, and so is waiting for one another. */
static bool fair(gov_status rc)
{
    return rc == GOV_OK || rc == GOV_E_REFUSED || rc == GOV_E_STATE || rc == GOV_E_NOT_FOUND || rc == GOV_E_BUSY || rc == GOV_E_RETRY;
}

static gov_status act(gov *g, uint64_t *seed, int64_t *order, fire_ack *ack)
{
    static const char *const names[] = {"points.award", "points.redeem", "points.fulfil", "points.cancel", "points.return"};
    char text[128];
    gov_value *out = NULL;
    const uint32_t who = fire_random(seed, HOLDERS), many = 20 + fire_random(seed, 60);
    const uint32_t what = fire_random(seed, 10) < 4 ? AWARDED : *order == 0 ? REDEEMED : FULFILLED + fire_random(seed, 3);
    if (what == AWARDED)
        (void)snprintf(text, sizeof text, "{'account': 'p%u', 'rule': 'gift', 'points': %u}", who, many);
    else if (what == REDEEMED)
        (void)snprintf(text, sizeof text, "{'account': 'p%u', 'item': 'rice', 'quantity': %u}", who, 1 + many % 2);
    else
        (void)snprintf(text, sizeof text, "{'order': %lld}", (long long)*order);
    gov_value *in = community_json(text);
    const gov_status rc = gov_operation_run(g, names[what], in, NULL, &out, NULL);
    gov_value_free(in);
    const gov_value *id = rc == GOV_OK ? gov_value_get(out, "id") : NULL;
    *ack = (fire_ack){.what = what, .id = id != NULL ? gov_value_int(id) : 0, .amount = what == AWARDED ? many : 0};
    if (what == REDEEMED && rc == GOV_OK)
        *order = ack->id;
    else if (what == CANCELLED || what == RETURNED || rc != GOV_OK)
        *order = 0;
    gov_value_free(out);
    return rc;
}

static int work(void *user, int out, uint64_t number)
{
    const shop *s = user;
    community c;
    uint64_t seed = number * UINT64_C(0x9e3779b97f4a7c15);
    int64_t order = 0;
    gov_status rc = attach(s->url, &c);
    if (!fair(rc))
        return 3;
    while (rc != GOV_OK) { /* another one was just opening it */
        community_free(&c);
        rc = attach(s->url, &c);
    }
    for (;;) {
        fire_ack ack;
        gov_tick_result ticked = {.size = sizeof ticked};
        if (set_clock(c.g, s) != GOV_OK)
            return 4;
        if (fire_random(&seed, 8) == 0 && !fair(gov_tick(c.g, 0, &ticked, NULL)))
            return 5;
        rc = act(c.g, &seed, &order, &ack);
        if (!fair(rc))
            return 6;
        if (rc == GOV_OK && ack.id != 0 && !fire_tell(out, &ack))
            return 7;
    }
}

/* ---- what has to be true ---- */

static gov_value *ask(community *c, const char *name, const char *json)
{
    gov_error *err = NULL;
    gov_value *in = community_json(json), *out = NULL;
    assert_gov_ok(gov_operation_run(c->g, name, in, NULL, &out, &err), err);
    gov_value_free(in);
    return out;
}

static int64_t number(const gov_value *v, const char *path)
{
    const gov_value *found = gov_value_find(v, path);
    assert_non_null(found);
    return gov_value_int(found);
}

/* What the orders hold of the stock: what is open, and what was handed out and has not come back. */
static int64_t held_by_orders(community *c)
{
    static const char *const statuses[] = {"open", "fulfilled"};
    int64_t held = 0;
    for (int i = 0; i < 2; i++) {
        int64_t before = 0;
        for (size_t n = 1; n > 0;) {
            char text[128];
            (void)snprintf(text, sizeof text, before != 0 ? "{'status': '%s', 'limit': 50, 'before': %lld}" : "{'status': '%s', 'limit': 50}",
                           statuses[i], (long long)before);
            gov_value *v = ask(c, "points.orders", text);
            n = gov_value_count(gov_value_find(v, "orders"));
            for (size_t k = 0; k < n; k++) {
                char path[48];
                (void)snprintf(path, sizeof path, "orders.%zu.quantity", k);
                held += number(v, path);
                (void)snprintf(path, sizeof path, "orders.%zu.id", k);
                before = number(v, path);
            }
            gov_value_free(v);
        }
    }
    return held;
}

/* How an order stands; those that have ended stay as they are. */
static void assert_order(community *c, const fire_ack *k)
{
    char text[128];
    (void)snprintf(text, sizeof text, "{'limit': 1, 'before': %lld}", (long long)(k->id + 1));
    gov_value *v = ask(c, "points.orders", text);
    if (gov_value_count(gov_value_find(v, "orders")) != 1 || number(v, "orders.0.id") != k->id)
        fail_msg("order %lld was acknowledged and is gone", (long long)k->id);
    const char *status = gov_value_string(gov_value_find(v, "orders.0.status"), NULL);
    if (k->what == CANCELLED)
        assert_string_equal(status, "cancelled");
    else if (k->what == RETURNED)
        assert_string_equal(status, "returned");
    else if (k->what == FULFILLED)
        assert_true(strcmp(status, "fulfilled") == 0 || strcmp(status, "returned") == 0);
    gov_value_free(v);
}

static void assert_kept(community *c, const fire *f)
{
    gov_error *err = NULL;
    for (size_t i = 0; i < f->count; i++) {
        const fire_ack *k = &f->acks[i];
        gov_transfer t;
        if (k->what != AWARDED) {
            assert_order(c, k);
            continue;
        }
        assert_gov_ok(gov_ledger_lookup_transfers(c->g, &k->id, 1, &t, &err), err);
        if (t.id != k->id)
            fail_msg("award %lld was acknowledged and is gone", (long long)k->id);
        assert_true(t.amount == k->amount);
    }
}

static void assert_exact(const shop *s, const fire *f)
{
    community c;
    gov_error *err = NULL;
    gov_value *v = NULL;
    gov_tick_result ticked = {.size = sizeof ticked};
    assert_int_equal(attach(s->url, &c), GOV_OK);
    assert_int_equal(set_clock(c.g, s), GOV_OK);
    assert_kept(&c, f);
    v = ask(&c, "points.totals", "{}");
    assert_int_equal(number(v, "programmes.0.sum"), 0);
    gov_value_free(v);
    v = ask(&c, "points.catalogue", "{}");
    assert_int_equal(number(v, "items.0.left") + held_by_orders(&c), STOCK);
    gov_value_free(v);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, &v, &err), err);
    gov_value_free(v);
    assert_gov_ok(gov_set_now(c.g, gov_now(c.g) + INT64_C(3) * 86400 * 1000000, &err), err); /* what still waits lapses */
    assert_gov_ok(gov_tick(c.g, 0, &ticked, &err), err);
    assert_gov_ok(gov_verify(c.g, NULL, NULL, &v, &err), err);
    gov_value_free(v);
    community_free(&c);
}

static void points_hold_under_fire(void **state)
{
    support_store *store = support_store_of(state);
    shop s = {.url = store->url};
    fire f = {.work = work, .user = &s};
    community c = community_make(store, rules, NULL);
    for (int i = 0; i < HOLDERS; i++) {
        char key[8];
        (void)snprintf(key, sizeof key, "p%d", i);
        community_put(&c, "resident", key, "{'name': 'x'}");
    }
    gov_value_free(ask(&c, "points.stock", "{'item': 'rice', 'add': 0}"));
    community_free(&c); /* no connection crosses a fork */
    s.began_ms = wall_ms();
    for (int round = 0; round < 2; round++) {
        fire_burn(&f, fire_seconds(2, 30));
        assert_exact(&s, &f);
        s.began_ms -= 3000; /* the parent's clock went ahead: so must theirs */
    }
    print_message("%d shots, %zu acts acknowledged\n", f.shots, f.count);
    fire_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {STORE_TESTS(points_hold_under_fire)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
