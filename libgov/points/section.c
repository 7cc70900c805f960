/* The rulebook's `points` definitions: reading them. */
#include "points/points.h"

#include <string.h>

/* The first words of points_per, in its order. */
static const char *const periods[] = {"ever", "day", "week", "month", "year", "case", NULL};

/* An int that may be computed from values, and is not below zero where that is known. */
static const expr_program *read_int(rulebook_loader *l, const rb_node *node, const expr_scope *scope)
{
    value v;
    const expr_program *e = rulebook_read_expr(l, node, EXPR_INT, scope);
    if (e == NULL || !expr_program_constant(e, &v) || v.kind != VALUE_INT || v.as.i >= 0)
        return e;
    const base_place place = rulebook_node_place(node);
    rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), &place, M_points_amount, A_I("points", v.as.i)));
    return e;
}

static void read_cap(rulebook_loader *l, const rb_node *node, points_cap *cap)
{
    static const char *const keys[] = {"!per", "!amount", NULL};
    if (!rulebook_read_keys(l, node, "cap", keys))
        return;
    cap->per = (uint8_t)rulebook_read_word(l, rulebook_get(node, "per"), "per", periods, POINTS_DAY);
    cap->amount = read_int(l, rulebook_get(node, "amount"), NULL);
}

/* One, or a list of them. */
static points_caps read_caps(rulebook_loader *l, const rb_node *map)
{
    static const char *const words[] = {"cut", "refuse", NULL};
    const rb_node *node = rulebook_get(map, "cap");
    const bool many = node != NULL && rulebook_is_list(node);
    const size_t n = node == NULL ? 0 : many ? rulebook_count(node) : 1;
    points_cap *caps = base_arena_array(rulebook_loader_arena(l), n + 1, sizeof *caps);
    if (caps == NULL) {
        rulebook_loader_fail(l, base_nomem(rulebook_loader_diag(l)));
        return (points_caps){0};
    }
    for (size_t i = 0; i < n; i++)
        read_cap(l, many ? rulebook_item(node, i) : node, &caps[i]);
    return (points_caps){caps, (uint32_t)n,
                         rulebook_read_word(l, rulebook_get(map, "over_cap"), "over_cap", words, 0) == 1};
}

/* ---- rules ---- */

static void read_trigger(rulebook_loader *l, const rb_node *rule, points_rule *r)
{
    static const char *const keys[] = {"!workflow", "event", "outcome", NULL};
    const rb_node *on = rulebook_get(rule, "on");
    if (!rulebook_read_keys(l, on, "on", keys))
        return;
    const char *event = rulebook_read_string(l, rulebook_get(on, "event"), "event");
    r->on = (points_trigger){.workflow = rulebook_read_name(l, rulebook_get(on, "workflow"), "workflow"),
                             .event = event,
                             .outcome = rulebook_read_name(l, rulebook_get(on, "outcome"), "outcome"),
                             .when = rulebook_get(rule, "when"),
                             .amount = rulebook_get(rule, "amount"),
                             .account = rulebook_get(rule, "account")};
    if (r->on.amount != NULL)
        return;
    const base_place place = rulebook_node_place(rule);
    rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), &place, M_missing_key, A_S("key", "amount"), A_S("what", r->name)));
}

static void read_deduction(rulebook_loader *l, const rb_node *node, points_rule *r)
{
    static const char *const evidence[] = {"required", "optional", NULL};
    static const char *const shorts[] = {"refuse", "empty", "owe", NULL};
    static const char *const appeal_keys[] = {"!within", NULL};
    const rb_node *appeal = rulebook_get(node, "appeal");
    r->unproven = rulebook_read_word(l, rulebook_get(node, "evidence"), "evidence", evidence, 0) == 1;
    r->if_short = (uint8_t)rulebook_read_word(l, rulebook_get(node, "if_short"), "if_short", shorts, POINTS_REFUSE);
    r->appeal = (rulebook_duration){.kind = RULEBOOK_LENGTH_FIXED, .fixed = cal_of(CAL_DAYS, 15), .value = RULEBOOK_NONE};
    if (appeal != NULL && rulebook_read_keys(l, appeal, "appeal", appeal_keys))
        r->appeal = rulebook_read_duration(l, rulebook_get(appeal, "within"));
}

static void read_rule(rulebook_loader *l, const rb_node *node, const expr_scope *scope, points_rule *r)
{
    static const char *const earn[] = {"title", "description", "amount", "when", "on", "account", "cap", "over_cap", NULL};
    static const char *const deduct[] = {"title", "description", "amount",   "when",   "on",
                                         "account", "evidence",  "if_short", "appeal", NULL};
    if (!rulebook_read_keys(l, node, r->takes ? "deduct" : "earn", r->takes ? deduct : earn))
        return;
    r->title = rulebook_read_text(l, rulebook_get(node, "title"));
    r->description = rulebook_read_text(l, rulebook_get(node, "description"));
    if (rulebook_get(node, "on") != NULL) {
        read_trigger(l, node, r);
    } else {
        r->amount = read_int(l, rulebook_get(node, "amount"), scope);
        r->when = rulebook_read_expr(l, rulebook_get(node, "when"), EXPR_BOOL, scope);
        const rb_node *account = rulebook_get(node, "account");
        const base_place place = account != NULL ? rulebook_node_place(account) : r->place;
        if (account != NULL)
            rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), &place, M_missing_key, A_S("key", "on"), A_S("what", r->name)));
    }
    if (r->takes)
        read_deduction(l, node, r);
    else
        r->caps = read_caps(l, node);
}

static void read_rules(rulebook_loader *l, const rb_node *root, const expr_scope *scope, points_programme *p)
{
    static const char *const keys[] = {"earn", "deduct"};
    const size_t n = rulebook_count(rulebook_get(root, "earn")) + rulebook_count(rulebook_get(root, "deduct"));
    points_rule *rules = base_arena_array(rulebook_loader_arena(l), n + 1, sizeof *rules);
    if (rules == NULL) {
        rulebook_loader_fail(l, base_nomem(rulebook_loader_diag(l)));
        return;
    }
    p->rules = rules;
    for (int takes = 0; takes < 2; takes++) {
        const rb_node *map = rulebook_get(root, keys[takes]);
        for (size_t i = 0; i < rulebook_count(map); i++) {
            points_rule *r = &rules[p->rule_count];
            r->name = rulebook_key(map, i, &r->place);
            if (r->name == NULL) /* a list: told by its reader */
                continue;
            p->rule_count++;
            r->takes = takes != 0;
            read_rule(l, rulebook_item(map, i), scope, r);
            p->triggered = p->triggered || r->on.workflow != NULL;
            p->owes = p->owes || r->if_short == POINTS_OWE;
        }
    }
}

static void expect_map(rulebook_loader *l, const rb_node *node, const char *what)
{
    if (node == NULL || rulebook_is_map(node))
        return;
    const base_place place = rulebook_node_place(node);
    rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), &place, M_wrong_kind, A_S("what", what), A_S("expected", "map"),
                                         A_S("found", rulebook_node_kind(node))));
}

/* ---- expiry, tiers, top ---- */

static bool year_end(const rb_node *node, uint8_t *kind)
{
    size_t len = 0;
    const char *s = rulebook_scalar(node, &len);
    if (s != NULL && strcmp(s, "end of year") == 0)
        *kind = POINTS_END_OF_YEAR;
    else if (s != NULL && strcmp(s, "end of next year") == 0)
        *kind = POINTS_END_OF_NEXT_YEAR;
    else
        return false;
    return true;
}

static void read_expiry(rulebook_loader *l, const rb_node *node, points_programme *p)
{
    static const char *const keys[] = {"!after", "notice", "template", NULL};
    const bool plain = node != NULL && !rulebook_is_map(node);
    const rb_node *after = plain ? node : rulebook_get(node, "after");
    if (node == NULL || (!plain && !rulebook_read_keys(l, node, "expires", keys)))
        return;
    p->expires.kind = POINTS_AFTER;
    if (!year_end(after, &p->expires.kind))
        p->expires.after = rulebook_read_duration(l, after);
    if (plain)
        return;
    const rb_node *template = rulebook_get(node, "template"), *notice = rulebook_get(node, "notice");
    p->expires.notice = rulebook_read_duration(l, notice);
    p->expires.template = rulebook_read_name(l, template, "template");
    base_place place = rulebook_node_place(node);
    const rulebook *rb = rulebook_loader_rulebook(l);
    if ((template == NULL) != (notice == NULL))
        rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), &place, M_missing_key,
                                             A_S("key", notice == NULL ? "notice" : "template"), A_S("what", "expires")));
    if (p->expires.template == NULL || rulebook_find_template(rb, p->expires.template) != NULL)
        return;
    place = rulebook_node_place(template);
    rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), &place, M_unknown_name, A_S("kind", "template"),
                                         A_S("name", p->expires.template)));
}

static void read_tiers(rulebook_loader *l, const rb_node *node, points_programme *p)
{
    static const char *const keys[] = {"counts", "!levels", NULL}, *const level_keys[] = {"title", "!from", NULL};
    const rb_node *counts = rulebook_get(node, "counts"), *levels = rulebook_get(node, "levels");
    const char *text = rulebook_scalar(counts, NULL);
    if (!rulebook_read_keys(l, node, "tiers", keys))
        return;
    if (text != NULL && strcmp(text, "this year") == 0)
        p->tiers.per = POINTS_YEAR;
    else if (text != NULL && strcmp(text, "ever") != 0)
        p->tiers.over = rulebook_read_duration(l, counts);
    expect_map(l, levels, "levels");
    points_level *list = base_arena_array(rulebook_loader_arena(l), rulebook_count(levels) + 1, sizeof *list);
    if (list == NULL) {
        rulebook_loader_fail(l, base_nomem(rulebook_loader_diag(l)));
        return;
    }
    for (size_t i = 0; i < rulebook_count(levels) && rulebook_is_map(levels); i++) {
        const rb_node *level = rulebook_item(levels, i);
        list[i].name = rulebook_key(levels, i, NULL);
        if (rulebook_read_keys(l, level, "level", level_keys)) {
            list[i].title = rulebook_read_text(l, rulebook_get(level, "title"));
            list[i].from = read_int(l, rulebook_get(level, "from"), NULL);
        }
        p->tiers.count++;
    }
    p->tiers.levels = list;
}

static void read_top(rulebook_loader *l, const rb_node *node, points_programme *p)
{
    static const char *const keys[] = {"most", "consent", NULL};
    p->top = 10;
    if (!rulebook_read_keys(l, node, "top", keys))
        return;
    p->top = rulebook_read_int(l, rulebook_get(node, "most"), "most", 1, 100, 10);
    p->consent = rulebook_read_name(l, rulebook_get(node, "consent"), "consent");
}

/* ---- the catalogue ---- */

static void read_item(rulebook_loader *l, const rb_node *node, points_item *item)
{
    static const char *const keys[] = {"title", "description", "!price", "stock", "per_holder", "fulfil_within", "service", NULL};
    const rb_node *stock = rulebook_get(node, "stock"), *limit = rulebook_get(node, "per_holder");
    const char *text = rulebook_scalar(stock, NULL);
    if (!rulebook_read_keys(l, node, "catalogue", keys))
        return;
    item->title = rulebook_read_text(l, rulebook_get(node, "title"));
    item->description = rulebook_read_text(l, rulebook_get(node, "description"));
    item->price = read_int(l, rulebook_get(node, "price"), NULL);
    item->unlimited = text != NULL && strcmp(text, "unlimited") == 0;
    if (!item->unlimited)
        item->stock = rulebook_read_int(l, stock, "stock", 0, INT64_C(1000000000000), 0);
    if (limit != NULL && rulebook_is_map(limit))
        read_cap(l, limit, &item->limit);
    else if (limit != NULL)
        item->limit = (points_cap){POINTS_EVER, read_int(l, limit, NULL)};
    item->within = rulebook_read_duration(l, rulebook_get(node, "fulfil_within"));
    item->service = rulebook_read_name(l, rulebook_get(node, "service"), "service");
}

static void read_catalogue(rulebook_loader *l, const rb_node *map, points_programme *p)
{
    expect_map(l, map, "catalogue");
    points_item *items = base_arena_array(rulebook_loader_arena(l), rulebook_count(map) + 1, sizeof *items);
    if (items == NULL) {
        rulebook_loader_fail(l, base_nomem(rulebook_loader_diag(l)));
        return;
    }
    for (size_t i = 0; i < rulebook_count(map) && rulebook_is_map(map); i++) {
        points_item *item = &items[p->item_count++];
        item->name = rulebook_key(map, i, &item->place);
        read_item(l, rulebook_item(map, i), item);
        if (!item->unlimited && p->goods == 0)
            rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), &item->place, M_points_goods, A_S("item", item->name)));
    }
    p->items = items;
}

/* ---- the whole ---- */

static void check_ledger(rulebook_loader *l, const points_programme *p, uint32_t book, const rb_node *node)
{
    const rulebook *rb = rulebook_loader_rulebook(l);
    const points_programme *other;
    for (uint32_t i = 0; book != 0 && (other = points_at(rb, i)) != NULL; i++) {
        const base_place place = node != NULL ? rulebook_node_place(node) : p->place;
        if (other != p && (other->book == book || other->goods == book))
            rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), &place, M_points_ledger_taken, A_I("ledger", book),
                                                 A_S("programme", other->name)));
    }
}

/* Names that the rules' expressions have besides the common ones. */
static const expr_scope *rule_scope(rulebook_loader *l, points_programme *p)
{
    expr_scope *s = rulebook_new_scope(l);
    const diag *d = rulebook_loader_diag(l);
    gov_status rc = s != NULL ? expr_scope_var(s, "quantity", EXPR_INT, &p->quantity_slot, d) : GOV_OK;
    if (rc == GOV_OK && s != NULL)
        rc = expr_scope_var(s, "holder", EXPR_DYN, &p->holder_slot, d);
    if (rc != GOV_OK)
        rulebook_loader_fail(l, rc);
    else if (s != NULL)
        p->slot_count = (uint32_t)expr_scope_slots(s);
    return s;
}

static void read_ledgers(rulebook_loader *l, const rb_node *root, points_programme *p)
{
    const rb_node *book = rulebook_get(root, "ledger"), *goods = rulebook_get(root, "goods");
    p->book = (uint32_t)rulebook_read_int(l, book, "ledger", 1, UINT32_MAX, 1);
    p->goods = (uint32_t)rulebook_read_int(l, goods, "goods", 1, UINT32_MAX, 0);
    check_ledger(l, p, p->book, book);
    check_ledger(l, p, p->goods, goods);
    const base_place place = goods != NULL ? rulebook_node_place(goods) : p->place;
    if (p->goods == p->book)
        rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), &place, M_points_ledger_taken, A_I("ledger", p->book),
                                             A_S("programme", p->name)));
}

gov_status points_load(void *user, rulebook_loader *l, const char *name, const rb_node *root, void **out)
{
    static const char *const keys[] = {"!points", "title",  "description", "!ledger",   "goods",        "unit", "!holder", "expires",
                                       "earn",    "deduct", "cap",         "over_cap",  "transferable", "tiers", "top",
                                       "catalogue", NULL};
    static const char *const holders[] = {"household", "resident", "both", NULL};
    static const char *const passing[] = {"no", "within_household", "anyone", NULL};
    (void)user;
    points_programme *p = base_arena_alloc(rulebook_loader_arena(l), sizeof *p);
    if (p == NULL)
        return base_nomem(rulebook_loader_diag(l));
    p->name = name;
    p->place = rulebook_node_place(root);
    if (!rulebook_read_keys(l, root, "points", keys))
        return rulebook_loader_status(l);
    p->title = rulebook_read_text(l, rulebook_get(root, "title"));
    p->description = rulebook_read_text(l, rulebook_get(root, "description"));
    p->unit = rulebook_read_text(l, rulebook_get(root, "unit"));
    read_ledgers(l, root, p);
    const unsigned holder = rulebook_read_word(l, rulebook_get(root, "holder"), "holder", holders, 0);
    p->holder = holder < 2 ? holders[holder] : NULL;
    p->passes = (uint8_t)rulebook_read_word(l, rulebook_get(root, "transferable"), "transferable", passing, POINTS_STAY);
    expect_map(l, rulebook_get(root, "earn"), "earn");
    expect_map(l, rulebook_get(root, "deduct"), "deduct");
    read_rules(l, root, rule_scope(l, p), p);
    p->caps = read_caps(l, root);
    read_expiry(l, rulebook_get(root, "expires"), p);
    read_tiers(l, rulebook_get(root, "tiers"), p);
    read_top(l, rulebook_get(root, "top"), p);
    read_catalogue(l, rulebook_get(root, "catalogue"), p);
    if (p->owes && p->expires.kind != POINTS_NEVER) {
        const base_place place = rulebook_node_place(rulebook_get(root, "expires"));
        rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), &place, M_points_owe_expires));
    }
    *out = p;
    return GOV_OK;
}
