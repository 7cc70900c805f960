/* The rulebook's `time_bank` definitions. */
#include "timebank/timebank.h"

#include <string.h>

enum { MINUTE_US = 60000000, MOST_RATE = 100, MOST_METRES = 100000, DEFAULT_REACH = 3000, CONFIRM_DAYS = 7, ANSWER_DAYS = 7 };

/* ---- small parts ---- */

static void fail_at(rulebook_loader *l, const rb_node *node, base_message m, const char *what)
{
    base_place place;
    if (node != NULL)
        place = rulebook_node_place(node);
    rulebook_loader_fail(l, base_report(rulebook_loader_diag(l), node != NULL ? &place : NULL, GOV_SEVERITY_ERROR,
                                        &(const diag_report){m, A_S("what", what)}));
}

/* Of names to things; nothing where it is not written, or is something else, which is told. */
static bool is_map(rulebook_loader *l, const rb_node *node, const char *what)
{
    if (node == NULL || rulebook_is_map(node))
        return node != NULL;
    const base_place place = rulebook_node_place(node);
    rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), &place, M_wrong_kind, A_S("what", what), A_S("expected", "map"),
                                         A_S("found", rulebook_node_kind(node))));
    return false;
}

/* A length of time in whole minutes, "2 hours". */
static int64_t read_minutes(rulebook_loader *l, const rb_node *node, const char *what, int64_t otherwise)
{
    if (node == NULL)
        return otherwise;
    const rulebook_duration span = rulebook_read_duration(l, node);
    if (span.kind == RULEBOOK_LENGTH_NONE)
        return otherwise; /* told */
    const bool days = span.kind == RULEBOOK_LENGTH_FIXED && span.fixed.unit == CAL_DAYS && span.fixed.ppm == 0;
    const bool time = span.kind == RULEBOOK_LENGTH_FIXED && span.fixed.unit == CAL_TIME;
    int64_t minutes = -1;
    if (days && !base_mul(span.fixed.amount, 1440, &minutes))
        minutes = -1;
    if (time && span.fixed.amount % MINUTE_US == 0)
        minutes = span.fixed.amount / MINUTE_US;
    if (minutes < 0 || minutes > INT64_C(1) << 40) {
        fail_at(l, node, M_timebank_whole_minutes, what);
        return otherwise;
    }
    return minutes;
}

/* 2, or 3/2. */
static void read_rate(rulebook_loader *l, const rb_node *node, timebank_skill *s)
{
    size_t len;
    const char *text = rulebook_scalar(node, &len);
    const char *bar = text != NULL ? memchr(text, '/', len) : NULL;
    const size_t head = bar != NULL ? (size_t)(bar - text) : len;
    s->rate_num = s->rate_den = 1;
    if (node == NULL)
        return;
    if (text == NULL || !base_parse_int(text, head, &s->rate_num) ||
        (bar != NULL && !base_parse_int(bar + 1, len - head - 1, &s->rate_den)) || s->rate_num < 1 ||
        s->rate_num > MOST_RATE || s->rate_den < 1 || s->rate_den > MOST_RATE) {
        fail_at(l, node, M_timebank_rate, s->name);
        s->rate_num = s->rate_den = 1;
    }
}

static void read_caps(rulebook_loader *l, const rb_node *node, timebank_bank *b)
{
    static const char *const keys[] = {"day", "month", "total", "over", NULL};
    static const char *const over[] = {"refused", "donated", NULL};
    b->cap_day = b->cap_month = b->cap_total = TIMEBANK_NO_LIMIT;
    if (node == NULL || !rulebook_read_keys(l, node, "cap", keys))
        return;
    b->cap_day = read_minutes(l, rulebook_get(node, "day"), "cap.day", TIMEBANK_NO_LIMIT);
    b->cap_month = read_minutes(l, rulebook_get(node, "month"), "cap.month", TIMEBANK_NO_LIMIT);
    b->cap_total = read_minutes(l, rulebook_get(node, "total"), "cap.total", TIMEBANK_NO_LIMIT);
    b->donates = rulebook_read_word(l, rulebook_get(node, "over"), "over", over, 0) == 1;
    if (b->donates && !b->has_pool)
        fail_at(l, rulebook_get(node, "over"), M_timebank_no_pool_for, "cap.over");
}

static void read_pool(rulebook_loader *l, const rb_node *node, const expr_scope *scope, timebank_bank *b)
{
    static const char *const keys[] = {"draw", "backed", NULL};
    static const char *const draw_keys[] = {"!when", NULL};
    if (node == NULL)
        return;
    b->has_pool = true;
    if (!rulebook_read_keys(l, node, "pool", keys))
        return;
    const rb_node *draw = rulebook_get(node, "draw"), *backed = rulebook_get(node, "backed");
    size_t len;
    const char *word = rulebook_scalar(backed, &len);
    if (draw != NULL && rulebook_read_keys(l, draw, "draw", draw_keys))
        b->draw_when = rulebook_read_expr(l, rulebook_get(draw, "when"), EXPR_BOOL, scope);
    if (word != NULL && len == strlen("unlimited") && memcmp(word, "unlimited", len) == 0)
        b->backed = TIMEBANK_NO_LIMIT;
    else
        b->backed = read_minutes(l, backed, "pool.backed", 0);
}

static void read_gift(rulebook_loader *l, const rb_node *root, timebank_bank *b)
{
    static const char *const keys[] = {"!to", "kin", NULL};
    const rb_node *gift = rulebook_get(root, "gift");
    b->kin = "kin";
    if (gift != NULL && rulebook_read_keys(l, gift, "gift", keys)) {
        b->gift_to = rulebook_read_names(l, rulebook_get(gift, "to"), "to");
        if (rulebook_get(gift, "kin") != NULL)
            b->kin = rulebook_read_name(l, rulebook_get(gift, "kin"), "kin");
    }
    b->leave_to = rulebook_read_names(l, rulebook_get(root, "leaving"), "leaving");
    b->heirs = rulebook_read_names(l, rulebook_get(root, "inheritance"), "inheritance");
    const rulebook_names *lists[] = {&b->gift_to, &b->leave_to, &b->heirs};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (rulebook_has_name(lists[i], "pool") && !b->has_pool)
            fail_at(l, root, M_timebank_no_pool_for, i == 0 ? "gift" : i == 1 ? "leaving" : "inheritance");
}

/* ---- skills and levels ---- */

static void read_skills(rulebook_loader *l, const rb_node *map, const expr_scope *scope, timebank_bank *b)
{
    static const char *const keys[] = {"title", "description", "needs", "rate", NULL};
    timebank_skill *skills = base_arena_array(rulebook_loader_arena(l), rulebook_count(map) + 1, sizeof *skills);
    if (skills == NULL) {
        rulebook_loader_fail(l, base_nomem(rulebook_loader_diag(l)));
        return;
    }
    const size_t count = is_map(l, map, "skills") ? rulebook_count(map) : 0;
    for (size_t i = 0; i < count; i++) {
        const rb_node *node = rulebook_item(map, i);
        timebank_skill *s = &skills[b->skill_count++];
        s->name = rulebook_key(map, i, &s->place);
        s->rate_num = s->rate_den = 1;
        if (!rulebook_read_keys(l, node, "skill", keys))
            continue;
        s->title = rulebook_read_text(l, rulebook_get(node, "title"));
        s->description = rulebook_read_text(l, rulebook_get(node, "description"));
        s->needs = rulebook_read_expr(l, rulebook_get(node, "needs"), EXPR_BOOL, scope);
        read_rate(l, rulebook_get(node, "rate"), s);
    }
    b->skills = skills;
}

static void read_levels(rulebook_loader *l, const rb_node *map, timebank_bank *b)
{
    static const char *const keys[] = {"title", "!at", NULL};
    timebank_level *levels = base_arena_array(rulebook_loader_arena(l), rulebook_count(map) + 1, sizeof *levels);
    if (levels == NULL) {
        rulebook_loader_fail(l, base_nomem(rulebook_loader_diag(l)));
        return;
    }
    const size_t count = is_map(l, map, "levels") ? rulebook_count(map) : 0;
    for (size_t i = 0; i < count; i++) {
        const rb_node *node = rulebook_item(map, i);
        timebank_level *v = &levels[b->level_count++];
        v->name = rulebook_key(map, i, &v->place);
        if (!rulebook_read_keys(l, node, "level", keys))
            continue;
        v->title = rulebook_read_text(l, rulebook_get(node, "title"));
        v->minutes = read_minutes(l, rulebook_get(node, "at"), "at", 0);
        if (i > 0 && v->minutes <= levels[i - 1].minutes)
            fail_at(l, node, M_timebank_levels, v->name);
    }
    b->levels = levels;
}

static void read_match(rulebook_loader *l, const rb_node *root, timebank_bank *b)
{
    static const char *const keys[] = {"time", "distance", "rating", "fairness", "reach", NULL};
    static const char *const in_keys[] = {"within", NULL};
    const rb_node *match = rulebook_get(root, "match"), *in = rulebook_get(root, "check_in");
    b->weights = (timebank_weights){30, 30, 20, 20};
    b->reach_m = DEFAULT_REACH;
    b->within_m = -1;
    if (match != NULL && rulebook_read_keys(l, match, "match", keys)) {
        b->weights.time = rulebook_read_int(l, rulebook_get(match, "time"), "time", 0, 1000, 30);
        b->weights.distance = rulebook_read_int(l, rulebook_get(match, "distance"), "distance", 0, 1000, 30);
        b->weights.rating = rulebook_read_int(l, rulebook_get(match, "rating"), "rating", 0, 1000, 20);
        b->weights.fairness = rulebook_read_int(l, rulebook_get(match, "fairness"), "fairness", 0, 1000, 20);
        b->reach_m = rulebook_read_int(l, rulebook_get(match, "reach"), "reach", 1, MOST_METRES, DEFAULT_REACH);
    }
    if (in != NULL && rulebook_read_keys(l, in, "check_in", in_keys))
        b->within_m = rulebook_read_int(l, rulebook_get(in, "within"), "within", 1, MOST_METRES, -1);
}

/* ---- a bank ---- */

static const timebank_bank *content(const rulebook_section *s)
{
    return strcmp(s->kind, timebank_section.key) == 0 ? s->content : NULL;
}

static void check_ledger(rulebook_loader *l, const timebank_bank *b, const rb_node *node)
{
    const rulebook *rb = rulebook_loader_rulebook(l);
    for (uint32_t i = 0; i < rb->section_count && node != NULL; i++) { /* that it is missing was told */
        const timebank_bank *other = content(&rb->sections[i]);
        if (other != NULL && other != b && other->book == b->book)
            fail_at(l, node, M_timebank_ledger_taken, other->name);
    }
}

/* The names that conditions read, beside the common ones. */
static expr_scope *person_scope(rulebook_loader *l, timebank_bank *b)
{
    const struct {
        const char *name;
        expr_type type;
        uint32_t *slot;
    } names[] = {{"resident", EXPR_DYN, &b->slot_resident},
                 {"household", EXPR_DYN, &b->slot_household},
                 {"age", EXPR_INT, &b->slot_age},
                 {"balance", EXPR_INT, &b->slot_balance},
                 {"served", EXPR_INT, &b->slot_served}};
    const diag *d = rulebook_loader_diag(l);
    expr_scope *scope = rulebook_new_scope(l);
    expr_type type;
    for (size_t i = 0; i < ARRAY_LEN(names) && scope != NULL; i++) {
        const gov_status rc = expr_scope_var(scope, names[i].name, names[i].type, names[i].slot, d);
        if (rc != GOV_OK) {
            rulebook_loader_fail(l, rc);
            return NULL;
        }
    }
    b->slot_now = RULEBOOK_NONE;
    if (scope != NULL) {
        b->slot_count = (uint32_t)expr_scope_slots(scope);
        if (!expr_scope_find(scope, "now", 3, &b->slot_now, &type))
            b->slot_now = RULEBOOK_NONE;
    }
    return scope;
}

static void read_rules(rulebook_loader *l, const rb_node *root, const expr_scope *scope, timebank_bank *b)
{
    static const char *const rounding[] = {"exact", "up_to_hour", NULL}, *const group[] = {"own", "donated", NULL};
    const rb_node *grouped = rulebook_get(root, "group_hours");
    b->up_to_hour = rulebook_read_word(l, rulebook_get(root, "rounding"), "rounding", rounding, 0) == 1;
    b->coin = read_minutes(l, rulebook_get(root, "coin"), "coin", 0);
    b->negative = read_minutes(l, rulebook_get(root, "negative"), "negative", 0);
    b->draw_from = rulebook_read_int(l, rulebook_get(root, "draw_from"), "draw_from", 0, 150, -1);
    b->may_serve = rulebook_read_expr(l, rulebook_get(root, "may_serve"), EXPR_BOOL, scope);
    b->may_redeem = rulebook_read_expr(l, rulebook_get(root, "may_redeem"), EXPR_BOOL, scope);
    b->confirm_minutes =
        read_minutes(l, rulebook_get(root, "confirm_within"), "confirm_within", CONFIRM_DAYS * INT64_C(1440));
    b->answer_minutes = read_minutes(l, rulebook_get(root, "answer_within"), "answer_within", ANSWER_DAYS * INT64_C(1440));
    read_pool(l, rulebook_get(root, "pool"), scope, b);
    read_caps(l, rulebook_get(root, "cap"), b);
    read_gift(l, root, b);
    b->group_donated = rulebook_read_word(l, grouped, "group_hours", group, 0) == 1;
    if (b->group_donated && !b->has_pool)
        fail_at(l, grouped, M_timebank_no_pool_for, "group_hours");
    read_match(l, root, b);
    read_skills(l, rulebook_get(root, "skills"), scope, b);
    read_levels(l, rulebook_get(root, "levels"), b);
}

static gov_status load(void *user, rulebook_loader *l, const char *name, const rb_node *root, void **out)
{
    static const char *const keys[] = {"!time_bank", "title",      "description", "!ledger",        "unit",
                                       "coin",       "rounding",   "cap",         "negative",       "may_serve",
                                       "may_redeem", "draw_from",  "pool",        "gift",           "leaving",
                                       "inheritance", "group_hours", "!skills",   "levels",         "match",
                                       "check_in",   "confirm_within", "answer_within", NULL};
    (void)user;
    timebank_bank *b = base_arena_alloc(rulebook_loader_arena(l), sizeof *b);
    if (b == NULL)
        return base_nomem(rulebook_loader_diag(l));
    b->name = name;
    if (!rulebook_read_keys(l, root, "time_bank", keys))
        return rulebook_loader_status(l);
    b->title = rulebook_read_text(l, rulebook_get(root, "title"));
    b->description = rulebook_read_text(l, rulebook_get(root, "description"));
    b->unit = rulebook_read_text(l, rulebook_get(root, "unit"));
    b->book = (uint32_t)rulebook_read_int(l, rulebook_get(root, "ledger"), "ledger", 1, UINT32_MAX, 1);
    if (rulebook_get(root, "ledger") != NULL)
        b->book_place = rulebook_node_place(rulebook_get(root, "ledger"));
    const expr_scope *scope = person_scope(l, b);
    if (scope == NULL)
        return rulebook_loader_status(l);
    read_rules(l, root, scope, b);
    check_ledger(l, b, rulebook_get(root, "ledger"));
    *out = b;
    return GOV_OK;
}

/* ---- the effect `transfer`: between members and the pool ---- */

static bool knows(const void *bank, const char *name)
{
    return ((const timebank_bank *)bank)->has_pool && strcmp(name, "pool") == 0;
}

static uint32_t book_of(const void *bank)
{
    return ((const timebank_bank *)bank)->book;
}

static gov_status find_account(gov *g, const void *bank, const char *name, int64_t record, bool pays, int64_t *account,
                               const diag *d)
{
    timebank_teller t;
    (void)pays;
    gov_status rc = timebank_open_book(g, book_of(bank), true, &t, d);
    if (rc == GOV_OK && name != NULL)
        return timebank_own_account(&t, TIMEBANK_POOL, account);
    if (rc == GOV_OK)
        rc = timebank_check_active(&t, record);
    return rc == GOV_OK ? timebank_account(&t, record, TIMEBANK_MEMBER, account) : rc;
}

/* Points programmes check themselves against one another, and funds against all. */
static void check(void *user, rulebook_loader *l, const char *name, void *bank)
{
    const rulebook *rb = rulebook_loader_rulebook(l);
    const timebank_bank *b = bank;
    (void)user, (void)name;
    for (uint32_t i = 0; i < rb->section_count; i++) {
        const rulebook_section *s = &rb->sections[i];
        if (strcmp(s->kind, "points") == 0 && rulebook_keeps_ledger(rb->host, s->kind, s->content, b->book))
            rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), &b->book_place, M_fund_ledger_taken, A_I("ledger", b->book),
                                                 A_S("section", s->name)));
    }
}

static const rulebook_accounts accounts = {.knows = knows, .find = find_account, .ledger = book_of, .code = TIMEBANK_BY_RULES};
const rulebook_section_kind timebank_section = {
    .key = "time_bank", .load = load, .check = check, .schema = timebank_json_schema, .accounts = &accounts};

/* ---- finding ---- */

const timebank_bank *timebank_find(const rulebook *rb, const char *name)
{
    const timebank_bank *found = NULL;
    for (uint32_t i = 0; i < rb->section_count; i++) {
        const timebank_bank *b = content(&rb->sections[i]);
        if (b == NULL || (name != NULL && strcmp(b->name, name) != 0))
            continue;
        if (found != NULL)
            return NULL;
        found = b;
    }
    return found;
}

gov_status timebank_unknown(const rulebook *rb, const char *name, size_t len, const base_place *place, const diag *d)
{
    if (name == NULL)
        return base_fail_at(d, place, M_timebank_unknown);
    return base_fail_at(d, place, M_timebank_unknown, A_N("bank", name, len),
                        A_S("near", rulebook_defined_near(rb, timebank_section.key, name, len)));
}

const timebank_bank *timebank_of_book(const rulebook *rb, uint32_t book)
{
    for (uint32_t i = 0; i < rb->section_count; i++) {
        const timebank_bank *b = content(&rb->sections[i]);
        if (b != NULL && b->book == book)
            return b;
    }
    return NULL;
}

gov_status timebank_find_skill(const timebank_bank *b, const char *name, const timebank_skill **out, const diag *d)
{
    const char *names[64];
    size_t count = 0;
    for (uint32_t i = 0; i < b->skill_count; i++) {
        if (strcmp(b->skills[i].name, name) == 0) {
            *out = &b->skills[i];
            return GOV_OK;
        }
        if (count < ARRAY_LEN(names))
            names[count++] = b->skills[i].name;
    }
    return base_fail(d, M_timebank_skill_unknown, A_S("bank", b->name), A_S("skill", name),
                     A_S("near", base_nearest(name, strlen(name), names, count)));
}

gov_status timebank_credit(const timebank_bank *b, int64_t minutes, int64_t num, int64_t den, int64_t *out,
                           const diag *d)
{
    int64_t rounded = minutes, scaled;
    if (minutes < 0)
        return base_fail(d, M_timebank_minutes, A_I("minutes", minutes));
    if (b->up_to_hour && (!base_add(minutes, 59, &rounded) || !base_mul(rounded / 60, 60, &rounded)))
        return base_fail(d, M_timebank_minutes, A_I("minutes", minutes));
    if (!base_mul(rounded, num, &scaled))
        return base_fail(d, M_timebank_minutes, A_I("minutes", minutes));
    *out = scaled / den;
    return GOV_OK;
}
