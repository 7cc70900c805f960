/* What cases have earned: kept beside the ledger, which knows accounts, because a case outlives them. A resident moves to another
 * household, an award is taken back; what the case has done is done all the same. */
#include "points/points.h"

gov_status points_keep_earned(gov *g, const points_gift *gift, int64_t account, const points_given *given, const diag *d)
{
    static const store_sql add = {"INSERT INTO gov_points_earned (community, id, case_id, programme, rule, record, account, amount, back) VALUES "
                                  "($1, $2, $3, $4, $5, $6, $7, $8, 0)",
                                  0};
    return access_keep(g,
                       store_post(g->store, &add,
                                  STORE_ARGS(store_i(g->community), store_i(given->transfer), store_i(gift->case_id),
                                             store_s(gift->programme->name), store_s(gift->rule->name), store_i(gift->holder),
                                             store_i(account), store_i(given->moved)),
                                  1, d),
                       &points_kept_earned, given->transfer, 0, 0, d);
}

gov_status points_undo_earned(gov *g, int64_t id, int64_t points, const diag *d)
{
    static const store_sql set = {"UPDATE gov_points_earned SET back = back + $3 WHERE community = $1 AND id = $2", 0};
    int64_t changed = 0;
    const gov_status rc = store_exec(g->store, &set, STORE_ARGS(store_i(g->community), store_i(id), store_i(points)), &changed, d);
    return rc == GOV_OK && changed != 0 ? access_keep(g, rc, &points_kept_earned, id, 0, 0, d) : rc;
}

gov_status points_was_earned(gov *g, const points_gift *gift, bool *was, const diag *d)
{
    static const store_sql earned = {
        "SELECT id FROM gov_points_earned WHERE community = $1 AND case_id = $2 AND programme = $3 AND rule = $4 LIMIT 1", 0};
    static const store_sql taken = {
        "SELECT id FROM gov_points_deduction WHERE community = $1 AND case_id = $2 AND programme = $3 AND rule = $4 LIMIT 1", 0};
    int64_t id;
    const gov_status rc = store_first_int(
        g->store, gift->rule->takes ? &taken : &earned,
        STORE_ARGS(store_i(g->community), store_i(gift->case_id), store_s(gift->programme->name), store_s(gift->rule->name)), &id, d);
    *was = rc == GOV_OK;
    return rc == GOV_END ? GOV_OK : rc;
}

gov_status points_earned_elsewhere(gov *g, const points_gift *gift, int64_t account, bool all_rules, int64_t *sum, const diag *d)
{
    static const store_sql sql = {
        "SELECT CAST(sum(amount - back) AS BIGINT) FROM gov_points_earned WHERE community = $1 AND case_id = $2 AND programme = $3 AND "
        "record = $4 AND account <> $5 AND ($6 = 1 OR rule = $7)",
        0};
    *sum = 0;
    const gov_status rc = store_first_int(g->store, &sql,
                                          STORE_ARGS(store_i(g->community), store_i(gift->case_id), store_s(gift->programme->name),
                                                     store_i(gift->holder), store_i(account), store_i(all_rules),
                                                     store_s(gift->rule->name)),
                                          sum, d);
    return rc == GOV_END ? GOV_OK : rc;
}
