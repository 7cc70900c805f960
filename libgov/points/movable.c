/* The accounts between which the effect `transfer` may move points: those of holders, as far as the programme lets them pass points on, with
 * the expiry of what moves. Giving is `award`'s, which knows caps and expiry; taking is `deduct`'s, which knows evidence and appeals. */
#include "points/points.h"

#include <string.h>

/* Known, so that who writes it is told what to write instead. */
static const char issuer[] = "issuer";

static bool knows(const void *content, const char *name)
{
    (void)content;
    return strcmp(name, issuer) == 0;
}

static gov_status find(gov *g, const void *content, const char *name, int64_t record, bool pays, int64_t *account, const diag *d)
{
    const points_programme *p = content;
    int64_t holder = 0;
    if (name != NULL)
        return pays ? base_fail(d, M_points_by_award, A_S("programme", p->name)) : base_fail(d, M_points_by_deduct, A_S("programme", p->name));
    gov_status rc = points_hold(g, p, false, d);
    if (rc == GOV_OK)
        rc = points_holder(g, p, record, &holder, d);
    return rc == GOV_OK ? points_account(g, p, holder, true, account, d) : rc;
}

static gov_status may(gov *g, const void *content, const rulebook_way *way, const diag *d)
{
    const points_programme *p = content;
    int64_t from, to;
    if (way->from != NULL)
        return base_fail_at(d, way->place, M_points_by_award, A_S("programme", p->name));
    if (way->to != NULL)
        return base_fail_at(d, way->place, M_points_by_deduct, A_S("programme", p->name));
    if (p->passes == POINTS_STAY)
        return base_fail_at(d, way->place, M_points_stay, A_S("programme", p->name));
    if (g == NULL)
        return GOV_OK;
    gov_status rc = points_holder(g, p, way->from_record, &from, d);
    if (rc == GOV_OK)
        rc = points_holder(g, p, way->to_record, &to, d);
    return rc == GOV_OK ? points_may_pass(g, p, from, to, way->place, d) : rc;
}

static gov_status came(gov *g, const void *content, int64_t account, const diag *d)
{
    return points_came(g, content, account, d);
}

static uint32_t book_of(const void *content)
{
    return ((const points_programme *)content)->book;
}

static uint32_t goods_of(const void *content)
{
    return ((const points_programme *)content)->goods;
}

const rulebook_accounts points_movable = {
    .knows = knows, .find = find, .ledger = book_of, .code = POINTS_CODE_GIFT, .beside = goods_of, .may = may, .came = came};
