/* The accounts between which the effect `transfer` may move points: those of holders, with the expiry of what moves, and back to the issuer.
 * Giving is `award`'s, which knows caps and expiry. */
#include "points/points.h"

#include <string.h>

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
    gov_status rc = points_hold(g, p, false, d);
    if (rc == GOV_OK && name != NULL)
        return pays ? base_fail(d, M_points_by_award, A_S("programme", p->name)) : points_own_account(g, p, POINTS_CODE_ISSUER, account, d);
    if (rc == GOV_OK)
        rc = points_holder(g, p, record, &holder, d);
    return rc == GOV_OK ? points_account(g, p, holder, true, account, d) : rc;
}

static uint32_t book_of(const void *content)
{
    return ((const points_programme *)content)->book;
}

static uint32_t goods_of(const void *content)
{
    return ((const points_programme *)content)->goods;
}

const rulebook_accounts points_movable = {knows, find, book_of, POINTS_CODE_GIFT, goods_of};
