/* Caps: at most so much for an account in a day, a week, a month, a year, or ever. */
#include "ledger/book.h"

static int64_t local_days(const base_zone *zone, int64_t us)
{
    int64_t seconds = us / BASE_US_PER_SECOND - (us % BASE_US_PER_SECOND < 0);
    if (zone != NULL)
        seconds += base_zone_offset(zone, seconds);
    return seconds / 86400 - (seconds % 86400 < 0);
}

/* Windows are told apart by the civil day that they begin with, in microseconds as if it were UTC. */
int64_t ledger_window_start(const base_zone *zone, uint32_t window, int64_t us)
{
    int64_t days = local_days(zone, us);
    int32_t year;
    unsigned month, day;
    base_civil_from_days(days, &year, &month, &day);
    switch (window) {
    case LEDGER_DAY: break;
    case LEDGER_WEEK: days -= (int64_t)base_weekday(days) - 1; break;
    case LEDGER_MONTH: days -= (int64_t)day - 1; break;
    case LEDGER_YEAR: days = base_days_from_civil(year, 1, 1); break;
    default: return 0;
    }
    return days * BASE_US_PER_DAY;
}

bool ledger_caps_each(const ledger_book *b, const ledger_transfer *t, const ledger_account *debit,
                      const ledger_account *credit, int64_t at_us, ledger_each_count *each,
                      void *user)
{
    for (size_t i = 0; i < b->cap_count; i++) {
        const ledger_cap *cap = &b->caps[i];
        const ledger_account *a = cap->side == 0 ? debit : credit;
        /* What was recorded before it was set it has not counted, and so it gives nothing of that back. */
        if (cap->book != a->ledger || at_us <= cap->since_us || (cap->account != 0 && cap->account != a->id) ||
            (cap->code != 0 && cap->code != a->code) ||
            (cap->reason != 0 && cap->reason != t->reason))
            continue;
        const int64_t us = t->effective_at != 0 ? t->effective_at : at_us;
        if (us < LEDGER_FIRST_EFFECT || us > LEDGER_LAST_EFFECT)
            return true; /* it will be refused, and counts nowhere */
        if (!each(user, cap, a->id, ledger_window_start(b->zone, cap->window, us)))
            return false;
    }
    return true;
}

static int64_t key_of(const ledger_cap *cap, int64_t account, int64_t window_us)
{
    uint64_t h = (uint64_t)account * UINT64_C(0x9e3779b97f4a7c15);
    h ^= ((uint64_t)cap->book << 32 ^ (uint64_t)cap->seq) * UINT64_C(0xc2b2ae3d27d4eb4f);
    h ^= (uint64_t)(window_us / BASE_US_PER_SECOND) * UINT64_C(0x165667b19e3779f9);
    h ^= h >> 29;
    return (int64_t)(h >> 2) + 1;
}

static bool is_count(const ledger_count *c, const ledger_cap *cap, int64_t account,
                     int64_t window_us)
{
    return c->account == account && c->book == cap->book && c->cap == cap->seq &&
           c->window_us == window_us;
}

ledger_count *ledger_count_of(const ledger_book *b, const ledger_cap *cap, int64_t account,
                              int64_t window_us)
{
    for (int64_t key = key_of(cap, account, window_us);; key++) {
        const uint32_t at = ledger_index_get(&b->counted, key);
        if (at == LEDGER_NONE)
            return NULL;
        if (is_count(&b->counts[at], cap, account, window_us))
            return &b->counts[at];
    }
}

ledger_count *ledger_count_add(ledger_book *b, const ledger_cap *cap, int64_t account,
                               int64_t window_us)
{
    if (b->count_count >= UINT32_MAX / 8 || !ledger_index_reserve(&b->counted, 1) ||
        !base_grow(b->alloc, &b->counts, &b->count_cap, b->count_count, sizeof *b->counts))
        return NULL;
    int64_t key = key_of(cap, account, window_us);
    while (ledger_index_get(&b->counted, key) != LEDGER_NONE)
        key++;
    ledger_index_set(&b->counted, key, (uint32_t)b->count_count);
    ledger_count *c = &b->counts[b->count_count++];
    *c = (ledger_count){.account = account,
                        .window_us = window_us,
                        .book = cap->book,
                        .cap = cap->seq};
    return c;
}

typedef struct counting {
    ledger_book *b;
    int64_t amount;
} counting;

/* A ledger in memory counts from the first time on; a stored one has loaded all that is asked for. */
static ledger_count *counted(ledger_book *b, const ledger_cap *cap, int64_t account,
                             int64_t window_us)
{
    ledger_count *c = ledger_count_of(b, cap, account, window_us);
    if (c == NULL)
        c = ledger_count_add(b, cap, account, window_us);
    b->failed = b->failed || c == NULL;
    return c;
}

static bool allows(void *user, const ledger_cap *cap, int64_t account, int64_t window_us)
{
    const counting *in = user;
    const ledger_count *c = counted(in->b, cap, account, window_us);
    return c == NULL || (c->amount <= cap->amount && in->amount <= cap->amount - c->amount) ||
           in->amount == 0;
}

bool ledger_caps_allow(ledger_book *b, const ledger_transfer *t, const ledger_account *debit,
                       const ledger_account *credit, int64_t amount, int64_t at_us)
{
    return b->cap_count == 0 ||
           ledger_caps_each(b, t, debit, credit, at_us, allows, &(counting){b, amount});
}

/* No count is less than nothing, whatever a damaged store says. */
static bool count(void *user, const ledger_cap *cap, int64_t account, int64_t window_us)
{
    const counting *in = user;
    ledger_count *c = counted(in->b, cap, account, window_us);
    int64_t sum;
    if (c == NULL)
        return true;
    ledger_undo_add(in->b, (ledger_undo){.what = LEDGER_UNDO_COUNT,
                                         .at = (uint32_t)(c - in->b->counts),
                                         .balance = {c->amount},
                                         .dirty = c->moved});
    if (!base_add(c->amount, in->amount, &sum))
        sum = INT64_MAX;
    c->amount = sum > 0 ? sum : 0;
    c->moved = true;
    return true;
}

void ledger_caps_count(ledger_book *b, const ledger_transfer *t, const ledger_account *debit,
                       const ledger_account *credit, int64_t amount, int64_t at_us)
{
    if (b->cap_count != 0 && amount != 0)
        (void)ledger_caps_each(b, t, debit, credit, at_us, count, &(counting){b, amount});
}
