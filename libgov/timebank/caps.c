/* How much time may be earned: by the days and months of the service, and in all. A service that goes over midnight counts on each of its
 * days with what was served there. */
#include "timebank/timebank.h"

static const int64_t minute_us = 60 * BASE_US_PER_SECOND;

/* ---- days ---- */

static timebank_part *part_of(timebank_part *parts, size_t *count, int64_t day, int64_t month)
{
    for (size_t i = *count; i-- > 0;)
        if (parts[i].day == day)
            return &parts[i];
    if (*count == TIMEBANK_MOST_DAYS) /* longer than can be booked */
        return &parts[*count - 1];
    parts[*count] = (timebank_part){.day = day, .month = month};
    return &parts[(*count)++];
}

/* Minute by minute, or by hours that lie within a day: days of 23 or 25 hours, and midnights that come twice or never, need no thought. */
void timebank_split(const gov *g, int64_t from_us, int64_t minutes, int64_t amount, timebank_part parts[static TIMEBANK_MOST_DAYS],
                    size_t *count)
{
    int64_t first, last, month, done = 0, given = 0;
    const int64_t end_us = from_us + (minutes > 0 ? minutes - 1 : 0) * minute_us;
    *count = 0;
    timebank_civil(g, from_us, &first, &month);
    timebank_part *p = part_of(parts, count, first, month);
    timebank_civil(g, end_us, &last, &month);
    if (first == last || minutes > TIMEBANK_LONGEST) {
        p->amount = amount;
        return;
    }
    for (int64_t us = from_us, step; us <= end_us; us += step * minute_us) {
        int64_t day, until, month_then;
        timebank_civil(g, us, &day, &month);
        timebank_civil(g, us + 59 * minute_us, &until, &month_then);
        step = day == until && us + 59 * minute_us <= end_us ? 60 : 1;
        part_of(parts, count, day, month)->amount += step;
    }
    for (size_t i = 0; i < *count; i++) { /* of what they are worth the same part; the sum stays exact */
        done += parts[i].amount;
        const int64_t so_far = amount / minutes * done + amount % minutes * done / minutes;
        parts[i].amount = so_far - given;
        given = so_far;
    }
}

static gov_status drop_days(timebank_teller *t, const timebank_booking *k)
{
    static const store_sql which = {"SELECT day FROM gov_timebank_day WHERE community = $1 AND booking = $2 ORDER BY day LIMIT $3", 0};
    static const store_sql drop = {"DELETE FROM gov_timebank_day WHERE community = $1 AND booking = $2 AND day = $3", 0};
    int64_t days[TIMEBANK_MOST_DAYS];
    size_t count = 0;
    store_rows rows;
    gov_status rc = store_query(t->g->store, &which,
                                STORE_ARGS(store_i(t->g->community), store_i(k->id), store_i(TIMEBANK_MOST_DAYS)), &rows, t->d);
    while (rc == GOV_OK && count < TIMEBANK_MOST_DAYS && (rc = store_next(&rows, t->d)) == GOV_OK)
        days[count++] = store_int(&rows, 0);
    store_rows_close(&rows);
    rc = rc == GOV_END ? GOV_OK : rc;
    for (size_t i = 0; i < count && rc == GOV_OK; i++)
        rc = access_keep(t->g,
                         store_post(t->g->store, &drop,
                                    STORE_ARGS(store_i(t->g->community), store_i(k->id), store_i(days[i])), 1, t->d),
                         &timebank_kept_day, k->id, days[i], 0, t->d);
    return rc;
}

gov_status timebank_store_days(timebank_teller *t, const timebank_booking *k, const timebank_part *parts, size_t count, bool fresh)
{
    static const store_sql one = {
        "INSERT INTO gov_timebank_day (community, booking, day, month, book, volunteer, minutes) VALUES ($1, $2, $3, $4, $5, $6, $7)", 0};
    gov_status rc = fresh ? GOV_OK : drop_days(t, k);
    for (size_t i = 1; i < count && rc == GOV_OK; i++)
        rc = access_keep(t->g,
                         store_post(t->g->store, &one,
                                    STORE_ARGS(store_i(t->g->community), store_i(k->id), store_i(parts[i].day), store_i(parts[i].month),
                                               store_i(k->book), store_i(k->volunteer),
                                               store_i(k->state < TIMEBANK_SETTLED ? parts[i].amount : parts[i].own)),
                                    1, t->d),
                         &timebank_kept_day, k->id, parts[i].day, 0, t->d);
    return rc;
}

/* ---- what was earned ---- */

/* Credited in that month (and day, unless it is negative) to the volunteer's own account; bookings that are open, too, where they are
 * planned. A month's rows of one volunteer are few. A booking stands by its first day, and what it has on later days is moved there. */
static gov_status earned(timebank_teller *t, int64_t volunteer, int64_t month, int64_t day, int64_t but, bool planned, int64_t *out)
{
    static const store_sql whole = {
        "SELECT CAST(sum(CASE WHEN state = 5 THEN own WHEN state < 5 AND $7 = 1 THEN amount ELSE 0 END) AS BIGINT) FROM "
        "gov_timebank_booking WHERE community = $1 AND book = $2 AND volunteer = $3 AND month = $4 AND (day = $5 OR $5 < 0) AND id <> "
        "$6",
        0};
    static const store_sql later = {
        "SELECT CAST(sum((CASE WHEN d.month = $4 AND (d.day = $5 OR $5 < 0) THEN d.minutes ELSE 0 END) - (CASE WHEN b.month = $4 AND (b.day = $5 "
        "OR $5 < 0) THEN d.minutes ELSE 0 END)) AS BIGINT) FROM gov_timebank_day d JOIN gov_timebank_booking b ON b.community = d.community AND "
        "b.id = d.booking WHERE d.community = $1 AND d.book = $2 AND d.volunteer = $3 AND d.month >= $4 AND d.month <= $4 + 13 AND b.month <= $4 "
        "AND (b.state = 5 OR (b.state < 5 AND $7 = 1)) AND d.booking <> $6",
        0};
    int64_t moved = 0;
    const store_arg args[] = {store_i(t->g->community), store_i(t->bank->book), store_i(volunteer), store_i(month),
                                store_i(day), store_i(but), store_flag(planned)};
    gov_status rc = store_first_int(t->g->store, &whole, args, ARRAY_LEN(args), out, t->d);
    if (rc == GOV_OK)
        rc = store_first_int(t->g->store, &later, args, ARRAY_LEN(args), &moved, t->d);
    *out += moved;
    return rc;
}

/* ---- what is left ---- */

typedef struct ceiling {
    const char *name;
    int64_t left;
} ceiling;

static void bound(timebank_room *room, timebank_part *part, const ceiling *c)
{
    const int64_t left = c->left > 0 ? c->left : 0;
    if (left >= part->own)
        return;
    part->own = left;
    room->cap = c->name;
}

static gov_status bound_by(timebank_teller *t, int64_t volunteer, int64_t most, timebank_part *part, bool whole_month, int64_t but,
                           bool planned, int64_t taken, timebank_room *room)
{
    int64_t used = 0;
    if (most == TIMEBANK_NO_LIMIT)
        return GOV_OK;
    const gov_status rc = earned(t, volunteer, part->month, whole_month ? -1 : part->day, but, planned, &used);
    bound(room, part, &(ceiling){whole_month ? "month" : "day", most - used - taken});
    return rc;
}

gov_status timebank_room_for(timebank_teller *t, int64_t volunteer, timebank_part *parts, size_t count, int64_t but, bool planned,
                             timebank_room *out)
{
    const timebank_bank *b = t->bank;
    ledger_account a = {0};
    int64_t in_month = 0;
    gov_status rc = GOV_OK;
    *out = (timebank_room){0};
    if (b->cap_total != TIMEBANK_NO_LIMIT)
        rc = timebank_figures(t, volunteer, TIMEBANK_MEMBER, &a);
    const int64_t has = timebank_balance_of(&a) + (planned ? a.credits_pending : 0);
    for (size_t i = 0; i < count && rc == GOV_OK; i++) {
        timebank_part *p = &parts[i];
        if (i > 0 && p->month != parts[i - 1].month)
            in_month = 0;
        p->own = p->amount;
        rc = bound_by(t, volunteer, b->cap_day, p, false, but, planned, 0, out);
        if (rc == GOV_OK)
            rc = bound_by(t, volunteer, b->cap_month, p, true, but, planned, in_month, out);
        if (b->cap_total != TIMEBANK_NO_LIMIT)
            bound(out, p, &(ceiling){"total", b->cap_total - has - out->own});
        in_month += p->own;
        out->own += p->own;
    }
    return rc;
}
