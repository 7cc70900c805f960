/* How much time may be earned: by the day and the month of the service, and in all. */
#include "timebank/timebank.h"

/* Credited in that month (and day, unless it is negative) to the volunteer's own account; bookings that are open, too, where they are
 * planned. A month's rows of one volunteer are few. */
static gov_status earned(timebank_teller *t, int64_t volunteer, int64_t month, int64_t day, int64_t but, bool planned, int64_t *out)
{
    static const store_sql sql = {
        "SELECT CAST(sum(CASE WHEN state = 5 THEN own WHEN state < 5 AND $7 = 1 THEN amount ELSE 0 END) AS BIGINT) FROM "
        "gov_timebank_booking WHERE community = $1 AND book = $2 AND volunteer = $3 AND month = $4 AND (day = $5 OR $5 < 0) AND id <> "
        "$6",
        0};
    return store_first_int(t->g->store, &sql,
                           STORE_ARGS(store_i(t->g->community), store_i(t->bank->book), store_i(volunteer), store_i(month),
                                      store_i(day), store_i(but), store_flag(planned)),
                           out, t->d);
}

static void bound(timebank_room *room, const char *cap, int64_t most, int64_t used)
{
    const int64_t left = most > used ? most - used : 0;
    if (left >= room->own)
        return;
    room->own = left;
    room->cap = cap;
    room->left = left;
}

gov_status timebank_room_for(timebank_teller *t, int64_t volunteer, int64_t from_us, int64_t amount, int64_t but, bool planned,
                             timebank_room *out)
{
    const timebank_bank *b = t->bank;
    ledger_account a;
    int64_t day, month, used = 0;
    gov_status rc = GOV_OK;
    *out = (timebank_room){.own = amount};
    timebank_civil(t->g, from_us, &day, &month);
    if (b->cap_day != TIMEBANK_NO_LIMIT) {
        rc = earned(t, volunteer, month, day, but, planned, &used);
        bound(out, "day", b->cap_day, used);
    }
    if (rc == GOV_OK && b->cap_month != TIMEBANK_NO_LIMIT) {
        rc = earned(t, volunteer, month, -1, but, planned, &used);
        bound(out, "month", b->cap_month, used);
    }
    if (rc == GOV_OK && b->cap_total != TIMEBANK_NO_LIMIT) {
        rc = timebank_figures(t, volunteer, TIMEBANK_MEMBER, &a);
        bound(out, "total", b->cap_total, timebank_balance_of(&a) + (planned ? a.credits_pending : 0));
    }
    return rc;
}
