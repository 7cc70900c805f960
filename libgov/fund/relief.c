/* Relief for those who cannot pay: others bear a part, or the share is paid in more instalments. One asks, another one decides. */
#include "fund/ops.h"

typedef struct relief {
    int64_t id, project, portion, amount, months, household, made_by;
    uint8_t state;
} relief;

static gov_status put_relief(gov *g, const relief *r, const char *reason, const diag *d)
{
    static const store_sql add = {"INSERT INTO gov_fund_relief (community, id, project, portion, state, amount, months, household, reason, "
                                  "made_by, made_us) VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9, $10)"};
    return access_keep(g,
                       store_post(g->store, &add,
                                  STORE_ARGS(store_i(g->community), store_i(r->id),
                                             store_i(r->project), store_i(r->portion),
                                             store_i(r->amount), store_i(r->months),
                                             store_i0(r->household), store_s(reason),
                                             store_i(access_actor_id(g)), store_i(access_now(g))),
                                  1, d),
                       &fund_kept_relief, r->id, 0, 0, d);
}

/* Is the household the one that lives in the unit, and one that the rule means to help? */
static gov_status check_hardship(gov *g, const fund_cost_share *rule, const fund_unit *u, int64_t home, const diag *d)
{
    const value *presets;
    uint32_t count;
    value it = value_null();
    bool holds = true;
    registry_record r;
    if (home == 0)
        return rule->relief.when == NULL ? GOV_OK : fund_bad_input("household", d);
    gov_status rc = registry_load(g, home, &g->scratch, &r, d);
    if (rc == GOV_OK && (u->premises == 0 || r.parent != u->premises))
        return base_fail(d, M_share_household, A_S("household", r.key), A_S("unit", u->name));
    if (rc != GOV_OK || rule->relief.when == NULL)
        return rc;
    (void)rulebook_common_slots(g->rules, &presets, &count);
    value *slots = base_arena_array(&g->scratch, rule->relief.slots + 1, sizeof *slots);
    if (slots == NULL)
        return base_nomem(d);
    rc = registry_it(g, &r, &g->scratch, &it, d);
    if (rc != GOV_OK)
        return rc;
    for (uint32_t i = 0; i < rule->relief.slots; i++)
        slots[i] = i < count ? presets[i] : value_absent();
    slots[rule->relief.it] = it;
    const expr_run run = {.slots = slots, .slot_count = rule->relief.slots, .scratch = &g->scratch, .now_us = access_now(g),
                          .zone = g->rules->zone};
    rc = expr_eval_bool(rule->relief.when, &run, &holds, d);
    return rc == GOV_OK && !holds ? base_fail(d, M_share_no_hardship) : rc;
}

/* What was granted of a share, and what waits. */
static gov_status borne(gov *g, int64_t portion, int64_t *sum, const diag *d)
{
    static const store_sql sql = {"SELECT CAST(sum(amount) AS BIGINT) FROM gov_fund_relief WHERE community = $1 AND portion = $2 AND state IN (1, 2)"};
    *sum = 0;
    const gov_status rc = store_first_int(g->store, &sql, STORE_ARGS(store_i(g->community), store_i(portion)), sum, d);
    return rc == GOV_END ? GOV_OK : rc;
}

/* What others bear of a share: reserved until it is decided, so that nobody pays it meanwhile. */
static gov_status reserve(gov *g, const fund_project *p, const fund_portion *u, relief *r, const diag *d)
{
    fund_move m = {.book = p->rule->book, .code = FUND_RELIEF, .flags = GOV_TRANSFER_PENDING, .to = u->account, .amount = r->amount,
                   .subject = u->id, .note = "share.relief"};
    int64_t most = 0, before = 0;
    gov_status rc = borne(g, u->id, &before, d);
    if (rc != GOV_OK)
        return rc;
    /* All of a share's reliefs together, however many requests they came in. */
    if (!fund_ratio_times(p->rule->relief.at_most, u->amount, &most) || before > most || r->amount > most - before)
        return base_fail(d, M_share_relief_most, A_I("amount", r->amount), A_I("most", most > before ? most - before : 0));
    rc = fund_account(g, m.book, p->id, FUND_CODE_RELIEF, &m.from, d);
    if (rc == GOV_OK)
        rc = fund_post(g, &m, NULL, d);
    r->id = m.id;
    return rc;
}

gov_status fund_share_relief(gov *g, const value *in, value *out, const diag *d)
{
    enum { PROJECT, UNIT, AMOUNT, MONTHS, HOUSEHOLD, REASON };
    fund_project p;
    fund_portion u;
    relief r = {.amount = in[AMOUNT].kind == VALUE_INT ? in[AMOUNT].as.i : 0, .months = in[MONTHS].kind == VALUE_INT ? in[MONTHS].as.i : 0,
                .household = in[HOUSEHOLD].kind == VALUE_INT ? in[HOUSEHOLD].as.i : 0};
    if (r.amount < 0 || r.months < 0 || (r.amount > 0) == (r.months > 0)) /* one of the two */
        return base_fail(d, M_share_relief_kind);
    gov_status rc = fund_portion_named(g, in[PROJECT].as.i, in[UNIT], &p, &u, d);
    if (rc == GOV_OK && (u.kind != FUND_UNIT || u.account == 0))
        return base_fail(d, M_share_nothing_owed, A_S("unit", u.unit.name));
    if (rc == GOV_OK)
        rc = check_hardship(g, p.rule, &u.unit, r.household, d);
    if (rc == GOV_OK && r.months > p.rule->relief.instalments)
        return base_fail(d, M_share_months, A_I("months", r.months), A_I("most", p.rule->relief.instalments));
    if (rc != GOV_OK)
        return rc;
    r.project = p.id;
    r.portion = u.id;
    rc = r.amount > 0 ? reserve(g, &p, &u, &r, d) : access_new_id(g, &r.id, d);
    if (rc == GOV_OK)
        rc = put_relief(g, &r, fund_text(g, in[REASON]), d);
    const value_pair data[] = {{value_text("unit"), value_text(rc == GOV_OK ? u.unit.name : "")},
                               {value_text("amount"), value_int(r.amount)},
                               {value_text("months"), value_int(r.months)}};
    if (rc == GOV_OK)
        rc = fund_journal(g, "share.relief_asked", r.id, data, ARRAY_LEN(data), d);
    return rc == GOV_OK ? fund_answer_id(g, r.id, out, d) : rc;
}

/* ---- deciding ---- */

static gov_status get_relief(gov *g, int64_t id, relief *out, const diag *d)
{
    static const store_sql find = {"SELECT project, portion, state, amount, months, household, made_by FROM gov_fund_relief WHERE community "
                                   "= $1 AND id = $2", STORE_LOCK};
    store_rows rows;
    const gov_status rc = store_first(g->store, &find, STORE_ARGS(store_i(g->community), store_i(id)), &rows, d);
    if (rc != GOV_OK)
        return rc == GOV_END ? base_fail(d, M_fund_nothing, A_S("what", "relief"), A_I("id", id)) : rc;
    *out = (relief){.id = id, .project = store_int(&rows, 0), .portion = store_int(&rows, 1), .state = (uint8_t)store_int(&rows, 2),
                    .amount = store_int(&rows, 3), .months = store_int(&rows, 4), .household = store_int(&rows, 5),
                    .made_by = store_int(&rows, 6)};
    store_rows_close(&rows);
    return out->state == FUND_PROPOSED ? GOV_OK : base_fail(d, M_fund_decided, A_I("id", id));
}

/* A longer plan takes the place of the one there is. */
static gov_status grant_months(gov *g, const relief *r, const fund_project *p, const fund_portion *u, value *out, const diag *d)
{
    int64_t today;
    fund_standing s;
    gov_status rc = fund_today(g, &today, d);
    if (rc == GOV_OK)
        rc = fund_standing_of(g, p, u, today, &s, d);
    if (rc != GOV_OK)
        return rc;
    const fund_plan_order o = {.kind = FUND_INSTALMENTS, .months = r->months, .most = r->months, .anew = s.plan.id != 0};
    return fund_plan_make(g, p, u, &o, out, d);
}

static gov_status decide(gov *g, int64_t id, bool grant, value *out, const diag *d)
{
    static const store_sql set = {"UPDATE gov_fund_relief SET state = $3, decided_by = $4, decided_us = $5 WHERE community = $1 AND id = $2 "
                                  "AND state = 1"};
    relief r = {0};
    fund_project p;
    fund_portion u;
    gov_status rc = get_relief(g, id, &r, d);
    if (rc == GOV_OK)
        rc = fund_portion_by_id(g, r.project, r.portion, &p, &u, d);
    if (rc == GOV_OK && grant)
        rc = fund_second_person(g, r.made_by, p.name, d);
    if (rc != GOV_OK)
        return rc;
    fund_move m = {.book = p.rule->book, .code = FUND_RELIEF, .pending_id = id, .amount = grant ? r.amount : 0, .subject = u.id,
                   .flags = grant ? GOV_TRANSFER_POST_PENDING : GOV_TRANSFER_VOID_PENDING,
                   .note = grant ? "share.relief_granted" : "share.relief_refused"};
    value plan = value_null();
    if (r.amount > 0)
        rc = fund_post(g, &m, NULL, d);
    else if (grant)
        rc = grant_months(g, &r, &p, &u, &plan, d);
    if (rc == GOV_OK)
        rc = access_keep(g,
                         store_post(g->store, &set,
                                    STORE_ARGS(store_i(g->community), store_i(id),
                                               store_i(grant ? FUND_DONE : FUND_DECLINED),
                                               store_i(access_actor_id(g)), store_i(access_now(g))),
                                    1, d),
                         &fund_kept_relief, id, 0, 0, d);
    const value_pair data[] = {{value_text("unit"), value_text(u.unit.name)}, {value_text("granted"), value_bool(grant)}};
    if (rc == GOV_OK && r.amount == 0)
        rc = fund_journal(g, "share.relief_decided", id, data, ARRAY_LEN(data), d);
    return rc == GOV_OK ? fund_answer_id(g, id, out, d) : rc;
}

gov_status fund_share_approve_relief(gov *g, const value *in, value *out, const diag *d)
{
    return decide(g, in[0].as.i, true, out, d);
}

gov_status fund_share_refuse_relief(gov *g, const value *in, value *out, const diag *d)
{
    return decide(g, in[0].as.i, false, out, d);
}

gov_status fund_reliefs_of(gov *g, int64_t portion, value *out, const diag *d)
{
    static const char *const states[] = {"", "proposed", "granted", "refused"};
    static const store_sql list = {"SELECT id, state, amount, months FROM gov_fund_relief WHERE community = $1 AND portion = $2 ORDER BY id"};
    store_rows rows;
    value_builder all;
    value_builder_init(&all, &g->scratch);
    gov_status rc = store_query(g->store, &list, STORE_ARGS(store_i(g->community), store_i(portion)), &rows, d);
    if (rc != GOV_OK)
        return rc;
    while ((rc = store_next(&rows, d)) == GOV_OK) {
        value_builder b;
        value_builder_init(&b, &g->scratch);
        value_builder_set(&b, "id", value_int(store_int(&rows, 0)));
        value_builder_set(&b, "state", value_text(states[store_int(&rows, 1) & 3]));
        value_builder_set(&b, "amount", value_int(store_int(&rows, 2)));
        value_builder_set(&b, "months", value_int(store_int(&rows, 3)));
        all.failed = all.failed || b.failed;
        value_builder_add(&all, value_builder_map(&b));
    }
    *out = value_builder_list(&all);
    return rc != GOV_END ? rc : all.failed ? base_nomem(d) : GOV_OK;
}
