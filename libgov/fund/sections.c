/* The rulebook's `fund`, `cost_share`, `grant` and `contract` definitions. */
#include "fund/fund.h"

#include <string.h>

/* ---- numbers: written, or by the name of a value ---- */

/* What an expression over the values comes to as the rules are loaded; absent when it has no value then. */
static value settled(rulebook_loader *l, const rb_node *n, expr_type expect)
{
    const value *presets;
    uint32_t count;
    value v = value_absent();
    const expr_program *p = rulebook_read_expr(l, n, expect, NULL);
    if (p == NULL)
        return v;
    (void)rulebook_common_slots(rulebook_loader_rulebook(l), &presets, &count);
    const expr_run run = {.slots = presets, .slot_count = count, .scratch = rulebook_loader_arena(l)};
    rulebook_loader_fail(l, expr_eval(p, &run, &v, rulebook_loader_diag(l)));
    return v;
}

static void bad_number(rulebook_loader *l, const rb_node *n, const char *what, const char *form)
{
    size_t len = 0;
    const char *text = rulebook_scalar(n, &len);
    const base_place place = rulebook_node_place(n);
    rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), &place, M_fund_number, A_S("what", what), A_S("form", form),
                                         A_N("text", text != NULL ? text : "", len)));
}

/* An amount of fen, or a count, of at least `least`. */
static int64_t read_amount(rulebook_loader *l, const rb_node *n, const char *what, int64_t least, int64_t otherwise)
{
    if (n == NULL)
        return otherwise;
    const value v = settled(l, n, EXPR_INT);
    if (v.kind == VALUE_INT && v.as.i >= least)
        return v.as.i;
    if (v.kind != VALUE_ABSENT)
        bad_number(l, n, what, least > 0 ? "1, 2, ..." : "0, 1, 2, ...");
    return otherwise;
}

static fund_ratio read_ratio(rulebook_loader *l, const rb_node *n, const char *what)
{
    fund_ratio r = {0, 0};
    size_t len;
    const char *text = rulebook_scalar(n, &len);
    if (text == NULL || fund_parse_ratio(text, len, &r)) {
        if (n != NULL && text == NULL)
            bad_number(l, n, what, "0.7, 7/10, 70%");
        return r;
    }
    const value v = settled(l, n, EXPR_DYN);
    if (!fund_ratio_of(v, &r)) {
        if (v.kind != VALUE_ABSENT)
            bad_number(l, n, what, "0.7, 7/10, 70%");
        return (fund_ratio){0, 0};
    }
    return r;
}

/* ---- ledgers ---- */

static uint32_t read_book(rulebook_loader *l, const rb_node *root, base_place *place)
{
    const rb_node *n = rulebook_get(root, "ledger");
    *place = n != NULL ? rulebook_node_place(n) : (base_place){0};
    return (uint32_t)rulebook_read_int(l, n, "ledger", 1, UINT32_MAX, 0);
}

static bool keeps(const rulebook *rb, const rulebook_section *s, uint32_t book)
{
    if (s->content == NULL)
        return false;
    if (strcmp(s->kind, "cost_share") == 0)
        return ((const fund_cost_share *)s->content)->book == book;
    if (strcmp(s->kind, "grant") == 0)
        return ((const fund_grant *)s->content)->book == book;
    return rulebook_keeps_ledger(rb->host, s->kind, s->content, book);
}

/* What one ledger holds is of one kind and one definition. The later of the two is told; another programme's never is the later. */
static void check_book(rulebook_loader *l, const void *content, uint32_t book, const base_place *place)
{
    const rulebook *rb = rulebook_loader_rulebook(l);
    bool later = false;
    for (uint32_t i = 0; i < rb->section_count; i++) {
        const rulebook_section *s = &rb->sections[i];
        const bool ours = strcmp(s->kind, "fund") == 0 || strcmp(s->kind, "cost_share") == 0 || strcmp(s->kind, "grant") == 0;
        later = later || s->content == content;
        if (s->content == content || book == 0 || !keeps(rb, s, book) || (later && ours))
            continue;
        rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), place, M_fund_ledger_taken, A_I("ledger", book),
                                             A_S("section", s->name)));
        return;
    }
}

static void check_fund(void *user, rulebook_loader *l, const char *name, void *content)
{
    const fund_fund *f = content;
    (void)user, (void)name;
    check_book(l, f, f->book, &f->book_place);
}

static void check_share(void *user, rulebook_loader *l, const char *name, void *content)
{
    const fund_cost_share *s = content;
    (void)user, (void)name;
    check_book(l, s, s->book, &s->book_place);
}

static void check_grant(void *user, rulebook_loader *l, const char *name, void *content)
{
    const fund_grant *x = content;
    (void)user, (void)name;
    check_book(l, x, x->book, &x->book_place);
}

static void *section(rulebook_loader *l, size_t size)
{
    void *p = base_arena_alloc(rulebook_loader_arena(l), size);
    if (p == NULL)
        rulebook_loader_fail(l, base_nomem(rulebook_loader_diag(l)));
    return p;
}

static void *items(rulebook_loader *l, const rb_node *map, size_t size)
{
    void *p = base_arena_array(rulebook_loader_arena(l), rulebook_count(map) + 1, size);
    if (p == NULL)
        rulebook_loader_fail(l, base_nomem(rulebook_loader_diag(l)));
    return p;
}

/* ---- fund ---- */

static const fund_purpose *read_purposes(rulebook_loader *l, const rb_node *map, bool goods, uint32_t *count)
{
    static const char *const purpose_keys[] = {"title", "description", "limit", "per", NULL};
    static const char *const good_keys[] = {"title", "description", "unit", NULL};
    static const char *const windows[] = {"ever", "year", "month", NULL};
    fund_purpose *p = items(l, map, sizeof *p);
    for (size_t i = 0; p != NULL && i < rulebook_count(map); i++) {
        const rb_node *n = rulebook_item(map, i);
        fund_purpose *x = &p[(*count)++];
        x->name = rulebook_key(map, i, NULL);
        x->limit = -1;
        if (!rulebook_read_keys(l, n, goods ? "goods" : "purposes", goods ? good_keys : purpose_keys))
            continue;
        x->title = rulebook_read_text(l, rulebook_get(n, "title"));
        x->unit = rulebook_read_text(l, rulebook_get(n, "unit"));
        x->limit = read_amount(l, rulebook_get(n, "limit"), "limit", 0, -1);
        x->window = (uint8_t)rulebook_read_word(l, rulebook_get(n, "per"), "per", windows, FUND_EVER);
    }
    return p;
}

/* Gifts are gifts: whatever says that somebody must give is refused by its own name. */
static void check_voluntary(rulebook_loader *l, const rb_node *root)
{
    static const char *const charges[] = {"contributions", "required", "charge", "fee"};
    for (size_t i = 0; i < ARRAY_LEN(charges); i++) {
        const rb_node *n = rulebook_get(root, charges[i]);
        size_t len;
        const char *text = rulebook_scalar(n, &len);
        if (n == NULL || (i == 0 && text != NULL && strcmp(text, "voluntary") == 0))
            continue;
        const base_place place = rulebook_node_place(n);
        rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), &place, M_fund_compulsory, A_S("key", charges[i])));
    }
}

static gov_status load_fund(void *user, rulebook_loader *l, const char *name, const rb_node *root, void **out)
{
    static const char *const keys[] = {"!fund", "title", "description", "!ledger", "contributions", "at_most", "!purposes", "goods",
                                       "required", "charge", "fee", NULL};
    (void)user;
    fund_fund *f = section(l, sizeof *f);
    if (f == NULL || !rulebook_read_keys(l, root, "fund", keys))
        return rulebook_loader_status(l);
    check_voluntary(l, root);
    f->name = name;
    f->title = rulebook_read_text(l, rulebook_get(root, "title"));
    f->description = rulebook_read_text(l, rulebook_get(root, "description"));
    f->book = read_book(l, root, &f->book_place);
    f->at_most = read_amount(l, rulebook_get(root, "at_most"), "at_most", 1, INT64_C(1000000000000));
    f->purposes = read_purposes(l, rulebook_get(root, "purposes"), false, &f->purpose_count);
    f->goods = read_purposes(l, rulebook_get(root, "goods"), true, &f->good_count);
    *out = f;
    return rulebook_loader_status(l) == GOV_E_NOMEM ? GOV_E_NOMEM : GOV_OK;
}

/* ---- cost_share ---- */

static int64_t common(int64_t a, int64_t b)
{
    while (b != 0) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Floors ascend, what they bear does not descend, and all coefficients are brought to one denominator. */
static void check_floors(rulebook_loader *l, const rb_node *map, fund_floor *f, uint32_t n)
{
    int64_t scale = 1;
    bool fits = true;
    for (uint32_t i = 0; i < n; i++)
        fits = fits && base_mul(scale, f[i].coefficient.den / common(scale, f[i].coefficient.den), &scale);
    for (uint32_t i = 0; i < n && fits; i++)
        fits = base_mul(f[i].coefficient.num, scale / f[i].coefficient.den, &f[i].weight);
    if (!fits)
        bad_number(l, map, "coefficients", "0.7, 7/10, 70%");
    for (uint32_t i = 1; i < n; i++) {
        const base_place place = rulebook_node_place(rulebook_item(map, i));
        if (f[i].floor <= f[i - 1].floor)
            rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), &place, M_share_floor_order, A_I("floor", f[i].floor)));
        else if (fund_ratio_compare(f[i].coefficient, f[i - 1].coefficient) < 0)
            rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), &place, M_share_not_monotonic, A_I("floor", f[i].floor),
                                                 A_I("below", f[i - 1].floor)));
    }
}

static void read_floors(rulebook_loader *l, const rb_node *map, fund_cost_share *s)
{
    fund_floor *f = items(l, map, sizeof *f);
    bool sound = f != NULL;
    for (size_t i = 0; f != NULL && i < rulebook_count(map); i++) {
        base_place place;
        const char *key = rulebook_key(map, i, &place);
        f[i].coefficient = read_ratio(l, rulebook_item(map, i), "coefficient");
        sound = sound && f[i].coefficient.den > 0;
        if (base_parse_int(key, strlen(key), &f[i].floor))
            continue;
        sound = false;
        rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), &place, M_fund_number, A_S("what", "floor"), A_S("form", "-2, 1, 2, ..."), A_S("text", key)));
    }
    s->floors = f;
    s->floor_count = (uint32_t)rulebook_count(map);
    if (sound)
        check_floors(l, map, f, s->floor_count);
}

static void read_relief(rulebook_loader *l, const rb_node *n, fund_cost_share *s)
{
    static const char *const keys[] = {"when", "at_most", "instalments", NULL};
    s->relief.at_most = (fund_ratio){1, 1};
    if (n == NULL || !rulebook_read_keys(l, n, "relief", keys))
        return;
    const rb_node *when = rulebook_get(n, "when"), *most = rulebook_get(n, "at_most");
    if (when != NULL) {
        expr_scope *scope = rulebook_new_scope(l);
        if (scope != NULL)
            rulebook_loader_fail(l, expr_scope_var(scope, "it", EXPR_DYN, &s->relief.it, rulebook_loader_diag(l)));
        if (scope != NULL)
            s->relief.when = rulebook_read_expr(l, when, EXPR_BOOL, scope);
        s->relief.slots = scope != NULL ? (uint32_t)expr_scope_slots(scope) : 0;
    }
    if (most != NULL)
        s->relief.at_most = read_ratio(l, most, "at_most");
    if (most != NULL && s->relief.at_most.den > 0 && s->relief.at_most.num > s->relief.at_most.den)
        bad_number(l, most, "at_most", "0%..100%");
    s->relief.instalments = read_amount(l, rulebook_get(n, "instalments"), "instalments", 1, 0);
}

static void read_plans(rulebook_loader *l, const rb_node *root, fund_cost_share *s)
{
    static const char *const instalment_keys[] = {"at_most", "roll", NULL}, *const lease_keys[] = {"!rent", "!months", NULL};
    static const char *const rolls[] = {"none", "next_working_day", NULL};
    const rb_node *instalments = rulebook_get(root, "instalments"), *lease = rulebook_get(root, "lease");
    if (instalments != NULL && rulebook_read_keys(l, instalments, "instalments", instalment_keys)) {
        s->most_instalments = read_amount(l, rulebook_get(instalments, "at_most"), "at_most", 1, 0);
        s->roll = (uint8_t)rulebook_read_word(l, rulebook_get(instalments, "roll"), "roll", rolls, CAL_ROLL_NONE);
    }
    if (lease != NULL && rulebook_read_keys(l, lease, "lease", lease_keys)) {
        s->rent = read_amount(l, rulebook_get(lease, "rent"), "rent", 1, 0);
        s->lease_months = read_amount(l, rulebook_get(lease, "months"), "months", 1, 0);
    }
    if (s->most_instalments > FUND_MOST_MONTHS)
        bad_number(l, rulebook_get(instalments, "at_most"), "at_most", "1..1200");
    if (s->lease_months > FUND_MOST_MONTHS)
        bad_number(l, rulebook_get(lease, "months"), "months", "1..1200");
}

static gov_status load_share(void *user, rulebook_loader *l, const char *name, const rb_node *root, void **out)
{
    static const char *const keys[] = {"!cost_share", "title", "description", "!ledger", "!by", "coefficients", "times_area",
                                       "instalments", "lease", "relief", NULL};
    static const char *const bases[] = {"area", "floor", "unit", NULL};
    (void)user;
    fund_cost_share *s = section(l, sizeof *s);
    if (s == NULL || !rulebook_read_keys(l, root, "cost_share", keys))
        return rulebook_loader_status(l);
    const rb_node *floors = rulebook_get(root, "coefficients");
    s->name = name;
    s->title = rulebook_read_text(l, rulebook_get(root, "title"));
    s->description = rulebook_read_text(l, rulebook_get(root, "description"));
    s->book = read_book(l, root, &s->book_place);
    s->by = (uint8_t)rulebook_read_word(l, rulebook_get(root, "by"), "by", bases, FUND_BY_AREA);
    s->times_area = rulebook_read_bool(l, rulebook_get(root, "times_area"), "times_area", false);
    if ((s->by == FUND_BY_FLOOR) != (rulebook_count(floors) > 0)) {
        const base_place place = rulebook_node_place(floors != NULL ? floors : rulebook_get(root, "by"));
        rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), &place, M_share_coefficients));
    }
    read_floors(l, floors, s);
    read_plans(l, root, s);
    read_relief(l, rulebook_get(root, "relief"), s);
    *out = s;
    return rulebook_loader_status(l) == GOV_E_NOMEM ? GOV_E_NOMEM : GOV_OK;
}

/* ---- grant ---- */

static gov_status load_grant(void *user, rulebook_loader *l, const char *name, const rb_node *root, void **out)
{
    static const char *const keys[] = {"!grant", "title", "description", "!ledger", "at_most", "!notice", "roll", NULL};
    static const char *const rolls[] = {"none", "next_working_day", NULL};
    (void)user;
    fund_grant *x = section(l, sizeof *x);
    if (x == NULL || !rulebook_read_keys(l, root, "grant", keys))
        return rulebook_loader_status(l);
    x->name = name;
    x->title = rulebook_read_text(l, rulebook_get(root, "title"));
    x->description = rulebook_read_text(l, rulebook_get(root, "description"));
    x->book = read_book(l, root, &x->book_place);
    x->at_most = read_amount(l, rulebook_get(root, "at_most"), "at_most", 1, -1);
    x->notice = rulebook_read_duration(l, rulebook_get(root, "notice"));
    x->roll = (uint8_t)rulebook_read_word(l, rulebook_get(root, "roll"), "roll", rolls, CAL_ROLL_NONE);
    *out = x;
    return rulebook_loader_status(l) == GOV_E_NOMEM ? GOV_E_NOMEM : GOV_OK;
}

/* ---- contract ---- */

static const fund_kpi *read_kpis(rulebook_loader *l, const rb_node *map, uint32_t *count)
{
    static const char *const keys[] = {"title", "description", "at_least", "at_most", "!deduct", NULL};
    fund_kpi *k = items(l, map, sizeof *k);
    for (size_t i = 0; k != NULL && i < rulebook_count(map); i++) {
        const rb_node *n = rulebook_item(map, i);
        fund_kpi *x = &k[(*count)++];
        size_t len = 0;
        x->name = rulebook_key(map, i, NULL);
        if (!rulebook_read_keys(l, n, "kpis", keys))
            continue;
        const rb_node *least = rulebook_get(n, "at_least"), *most = rulebook_get(n, "at_most"), *deduct = rulebook_get(n, "deduct");
        const char *text = rulebook_scalar(deduct, &len);
        x->title = rulebook_read_text(l, rulebook_get(n, "title"));
        x->at_most = least == NULL;
        if ((least == NULL) == (most == NULL)) {
            const base_place place = rulebook_node_place(n);
            rulebook_loader_fail(l, base_fail_at(rulebook_loader_diag(l), &place, M_kpi_line, A_S("kpi", x->name)));
        }
        x->line = read_ratio(l, least != NULL ? least : most, least != NULL ? "at_least" : "at_most");
        if (text != NULL && len > 0 && text[len - 1] == '%')
            x->share = read_ratio(l, deduct, "deduct");
        else
            x->amount = read_amount(l, deduct, "deduct", 1, 0);
        if (x->share.den > 0 && x->share.num > x->share.den)
            bad_number(l, deduct, "deduct", "0%..100%");
    }
    return k;
}

static void read_checks(rulebook_loader *l, const rb_node *n, fund_contract *c)
{
    static const char *const keys[] = {"!every", "!for", "!day_off", NULL}; /* a day off is never guessed */
    static const char *const periods[] = {"day", "week", "month", NULL}, *const days[] = {"keep", "move", "skip", NULL};
    if (n == NULL || !rulebook_read_keys(l, n, "checks", keys))
        return;
    c->checks.there = true;
    c->checks.rhythm = (cal_rhythm){.every = 1};
    c->checks.rhythm.period = (uint8_t)rulebook_read_word(l, rulebook_get(n, "every"), "every", periods, CAL_EVERY_WEEK);
    c->checks.rhythm.day_off = (uint8_t)rulebook_read_word(l, rulebook_get(n, "day_off"), "day_off", days, CAL_DAY_KEEP);
    c->checks.length = rulebook_read_duration(l, rulebook_get(n, "for"));
}

static gov_status load_contract(void *user, rulebook_loader *l, const char *name, const rb_node *root, void **out)
{
    static const char *const keys[] = {"!contract", "title", "description", "rise", "payment", "kpis", "checks", NULL};
    (void)user;
    fund_contract *c = section(l, sizeof *c);
    if (c == NULL || !rulebook_read_keys(l, root, "contract", keys))
        return rulebook_loader_status(l);
    c->name = name;
    c->title = rulebook_read_text(l, rulebook_get(root, "title"));
    c->description = rulebook_read_text(l, rulebook_get(root, "description"));
    c->rise = read_ratio(l, rulebook_get(root, "rise"), "rise");
    c->payment = read_amount(l, rulebook_get(root, "payment"), "payment", 1, -1);
    c->kpis = read_kpis(l, rulebook_get(root, "kpis"), &c->kpi_count);
    read_checks(l, rulebook_get(root, "checks"), c);
    *out = c;
    return rulebook_loader_status(l) == GOV_E_NOMEM ? GOV_E_NOMEM : GOV_OK;
}

const rulebook_section_kind fund_sections[] = {
    {.key = "fund", .load = load_fund, .check = check_fund, .schema = fund_json_fund, .accounts = &fund_accounts},
    {.key = "cost_share", .load = load_share, .check = check_share, .schema = fund_json_share},
    {.key = "grant", .load = load_grant, .check = check_grant, .schema = fund_json_grant},
    {.key = "contract", .load = load_contract, .schema = fund_json_contract}};

/* ---- finding ---- */

static gov_status several(gov *g, const char *kind, const char *const *names, size_t count, const diag *d)
{
    base_buf all;
    base_buf_init(&all, g->scratch.alloc);
    for (size_t i = 0; i < count; i++) {
        base_buf_str(&all, i > 0 ? ", " : "");
        base_buf_str(&all, names[i]);
    }
    const gov_status rc = all.failed ? base_nomem(d) : base_fail(d, M_fund_which, A_S("kind", kind), A_S("names", all.data));
    base_buf_free(&all);
    return rc;
}

gov_status fund_find(gov *g, const char *kind, const char *name, const void **out, const diag *d)
{
    const rulebook *rb = g->rules;
    const char *names[32];
    size_t count = 0;
    *out = NULL;
    for (uint32_t i = 0; i < rb->section_count; i++) {
        const rulebook_section *s = &rb->sections[i];
        if (strcmp(s->kind, kind) != 0)
            continue;
        if (count < ARRAY_LEN(names))
            names[count++] = s->name;
        if (name == NULL || strcmp(s->name, name) == 0)
            *out = s->content;
    }
    if (*out != NULL && (name != NULL || count == 1))
        return GOV_OK;
    if (name == NULL && count > 1)
        return several(g, kind, names, count, d);
    return base_fail(d, M_fund_unknown, A_S("kind", kind), A_S("name", name),
                     A_S("near", name != NULL ? base_nearest(name, strlen(name), names, count) : NULL));
}

const char *fund_text(gov *g, value v)
{
    return v.kind == VALUE_STRING ? base_arena_strndup(&g->scratch, v.as.s, v.len) : NULL;
}

const char *fund_title(gov *g, const char *lang, const rulebook_text *t, const char *otherwise)
{
    if (lang == NULL || lang[0] == '\0')
        lang = g->rules->languages.count > 0 ? g->rules->languages.items[0] : "";
    return rulebook_text_in(t, lang, otherwise);
}
