/* A ledger as a plain-text journal that hledger reads: debits positive, credits negative, a balance assertion at every posting. What is
 * pending stands in accounts of its own, below those that it is reserved in. */
#include "ledger/stored.h"

#include <string.h>

typedef struct holding {
    ledger_account a;
    int64_t posted, pending; /* debits - credits so far */
    size_t name;             /* offset in names */
} holding;

typedef struct exporting {
    ledger *l;
    base_buf *out;  /* what has not been handed on yet */
    base_buf names; /* NUL-terminated, one after the other */
    holding *accounts;
    size_t account_count, account_cap;
    ledger_index at;
    uint32_t reason_of, reason; /* whose name it is */
    char reason_name[65];
    ledger_sink *write;
    void *user;
} exporting;

enum { PIECE = 1 << 16 };

/* Is it a blank to somebody? Two of them end a name, and each Unicode space is one for hledger; controls, marks of direction and the like
 * would only hide in it. */
static bool is_blank(uint32_t c)
{
    static const uint32_t ranges[][2] = {
        {0, ' '},          {0x7f, 0xa0},     {0xad, 0xad},     {0x61c, 0x61c},
        {0x1680, 0x1680},  {0x180e, 0x180e}, {0x2000, 0x200f}, {0x2028, 0x202f},
        {0x205f, 0x206f},  {0x3000, 0x3000}, {0xd800, 0xdfff}, {0xfeff, 0xfeff},
        {0xfff0, 0xfffb},  {0xfffe, 0xffff}, {0xe0000, 0xe007f}};
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
        if (c >= ranges[i][0] && c <= ranges[i][1])
            return true;
    return false;
}

/* Text that hledger takes for part of a name, or of a description: marks that mean something to it (a colon parts names, a semicolon
 * begins a comment, brackets make postings that need not balance) become blanks, blanks one space between words, and none at either
 * end. False: nothing is left. */
static bool put_plain(base_buf *out, const char *s, size_t len)
{
    bool gap = false, any = false;
    for (size_t i = 0; i < len;) {
        uint32_t c;
        const size_t n = base_utf8_next(s + i, len - i, &c);
        if (n == 0 || is_blank(c) || (c < 0x7f && strchr(":;()[]{}<>*!\"|=@~", (int)c) != NULL)) {
            gap = any;
        } else {
            if (gap)
                base_buf_char(out, ' ');
            base_buf_add(out, s + i, n);
            gap = false;
            any = true;
        }
        i += n > 0 ? n : 1;
    }
    return any;
}

static gov_status name_account(exporting *e, holding *h, const diag *d)
{
    base_arena arena;
    base_buf memo;
    value v = value_null();
    base_arena_init(&arena, e->l->alloc);
    base_buf_init(&memo, e->l->alloc);
    h->name = e->names.len;
    gov_status rc = ledger_memo_get(e->l, LEDGER_OF_ACCOUNT, h->a.id, &memo, d);
    if (rc == GOV_OK)
        rc = store_read_document(e->l->s, &arena, (const char *)memo.data, memo.len, &v, d);
    const value name = value_get_text(v, "name");
    base_buf_fmt(&e->names, "L%u:C%u:", (unsigned)h->a.ledger, (unsigned)h->a.code);
    if (name.kind == VALUE_STRING && put_plain(&e->names, name.as.s, name.len))
        base_buf_char(&e->names, ' ');
    /* Names need not be different, and different ones may look alike: the number makes them so. */
    base_buf_int(&e->names, h->a.id);
    base_buf_char(&e->names, '\0');
    base_arena_free(&arena);
    base_buf_free(&memo);
    return rc == GOV_OK || rc == GOV_END ? GOV_OK : rc;
}

static gov_status read_accounts(exporting *e, uint32_t book, const diag *d)
{
    static const store_sql sql = {
        "SELECT " LEDGER_ACCOUNT_COLUMNS " FROM " LEDGER_ACCOUNT_TABLES
        " WHERE a.community = $1 AND (a.ledger = $2 OR $2 = 0) ORDER BY a.seq",
        0};
    store_rows rows;
    gov_status rc =
        store_query(e->l->s, &sql, STORE_ARGS(store_i(e->l->community), store_i(book)), &rows, d);
    while (rc == GOV_OK && (rc = store_next(&rows, d)) == GOV_OK) {
        ledger_cell c = {0};
        if (!ledger_read_cell(&rows, &c))
            rc = base_fail(d, M_ledger_damaged, A_I("account", store_int(&rows, 1)));
        else if (!base_grow(e->l->alloc, &e->accounts, &e->account_cap, e->account_count,
                            sizeof *e->accounts) ||
                 !ledger_index_reserve(&e->at, 1))
            rc = base_nomem(d);
        if (rc != GOV_OK)
            break;
        ledger_index_set(&e->at, c.a.id, (uint32_t)e->account_count);
        e->accounts[e->account_count++] = (holding){.a = c.a};
    }
    store_rows_close(&rows);
    rc = rc == GOV_END ? GOV_OK : rc;
    for (size_t i = 0; i < e->account_count && rc == GOV_OK; i++)
        rc = name_account(e, &e->accounts[i], d);
    return rc == GOV_OK && e->names.failed ? base_nomem(d) : rc;
}

static void put_date(base_buf *out, const base_zone *zone, int64_t us)
{
    int32_t year;
    unsigned month, day;
    int64_t seconds = us / BASE_US_PER_SECOND - (us % BASE_US_PER_SECOND < 0);
    if (zone != NULL)
        seconds += base_zone_offset(zone, seconds);
    base_civil_from_days(seconds / 86400 - (seconds % 86400 < 0), &year, &month, &day);
    /* A year may have more than four digits, or none before it. */
    base_buf_fmt(out, year < 0 ? "-%04d-%02d-%02d" : "%04d-%02d-%02d", year < 0 ? -year : year,
                 (int)month, (int)day);
}

/* One posting and what the account then holds. */
static bool post(exporting *e, holding *h, bool pending, int64_t amount)
{
    int64_t *sum = pending ? &h->pending : &h->posted;
    if (!base_add(*sum, amount, sum))
        return false;
    base_buf_fmt(e->out, "    %s%s  ", (const char *)e->names.data + h->name,
                 pending ? ":pending" : "");
    base_buf_int(e->out, amount);
    base_buf_fmt(e->out, " \"L%u\" = ", (unsigned)h->a.ledger);
    base_buf_int(e->out, *sum);
    base_buf_fmt(e->out, " \"L%u\"\n", (unsigned)h->a.ledger);
    return true;
}

static void put_tags(exporting *e, const ledger_row *r, const char *reason)
{
    const ledger_transfer *t = &r->t;
    base_buf_fmt(e->out, "%s  ; code: %u", reason[0] != '\0' ? reason : "", (unsigned)t->code);
    const struct {
        const char *name;
        int64_t n;
    } tags[] = {{"subject", t->subject},
                {"reference", t->reference},
                {"pending", t->pending_id},
                {"reversal", t->reversal_of}};
    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        if (tags[i].n == 0)
            continue;
        base_buf_fmt(e->out, ", %s: ", tags[i].name);
        base_buf_int(e->out, tags[i].n);
    }
    if (t->effective_at != 0) {
        base_buf_str(e->out, ", effective: ");
        put_date(e->out, e->l->b.zone, t->effective_at);
    }
    base_buf_char(e->out, '\n');
}

static gov_status put_row(exporting *e, const ledger_row *r, const diag *d)
{
    base_buf reason;
    const uint32_t debit = ledger_index_get(&e->at, r->t.debit_account),
                   credit = ledger_index_get(&e->at, r->t.credit_account);
    if (debit == LEDGER_NONE || credit == LEDGER_NONE)
        return base_fail(d, M_ledger_damaged, A_I("account", r->t.debit_account));
    if (r->t.reason != e->reason || r->t.ledger != e->reason_of) {
        const gov_status rc = ledger_reason_name(e->l, r->t.ledger, r->t.reason, e->reason_name, d);
        if (rc != GOV_OK)
            return rc;
        e->reason = r->t.reason;
        e->reason_of = r->t.ledger;
    }
    base_buf_init(&reason, e->l->alloc);
    (void)put_plain(&reason, e->reason_name, strlen(e->reason_name));
    base_buf_char(&reason, '\0');
    put_date(e->out, e->l->b.zone, r->t.timestamp);
    base_buf_str(e->out, r->t.flags & GOV_TRANSFER_PENDING ? " ! (" : " * (");
    if (r->kind == LEDGER_EXPIRY)
        base_buf_str(e->out, "expired");
    else
        base_buf_int(e->out, r->t.id);
    base_buf_str(e->out, ") ");
    put_tags(e, r, reason.failed ? "" : (const char *)reason.data);
    base_buf_free(&reason);
    holding *of[2] = {&e->accounts[debit], &e->accounts[credit]};
    bool fits = true;
    for (int side = 0; side < 2; side++) {
        int64_t change[4];
        const int sign = side == 0 ? 1 : -1;
        ledger_effect(r, side, change);
        const int64_t pending = change[side == 0 ? LEDGER_DP : LEDGER_CP],
                      posted = change[side == 0 ? LEDGER_DD : LEDGER_CC];
        if (pending != 0)
            fits = fits && post(e, of[side], true, sign * pending);
        if (posted != 0 || pending == 0)
            fits = fits && post(e, of[side], false, sign * posted);
    }
    base_buf_char(e->out, '\n');
    return fits ? GOV_OK : base_fail(d, M_overflow, A_S("what", "balance"));
}

/* What the journal comes to is what the accounts hold, or the journal would lie. */
static gov_status compare(const exporting *e, const diag *d)
{
    for (size_t i = 0; i < e->account_count; i++) {
        const holding *h = &e->accounts[i];
        if (h->posted != h->a.debits_posted - h->a.credits_posted ||
            h->pending != h->a.debits_pending - h->a.credits_pending)
            return base_fail(d, M_ledger_differs, A_I("account", h->a.id));
    }
    return GOV_OK;
}

static gov_status hand_on(exporting *e, size_t least, const diag *d)
{
    if (e->out->failed)
        return base_nomem(d);
    if (e->out->len == 0 || e->out->len < least)
        return GOV_OK;
    const gov_status rc = e->write(e->user, e->out->data, e->out->len, d);
    base_buf_clear(e->out);
    return rc;
}

static gov_status put_accounts(exporting *e, const diag *d)
{
    uint32_t last = 0;
    gov_status rc = GOV_OK;
    for (size_t i = 0; i < e->account_count && rc == GOV_OK; i++) {
        if (e->accounts[i].a.ledger != last)
            base_buf_fmt(e->out, "commodity 1000. \"L%u\"\n", (unsigned)e->accounts[i].a.ledger);
        last = e->accounts[i].a.ledger;
        const char *name = (const char *)e->names.data + e->accounts[i].name;
        base_buf_fmt(e->out, "account %s\naccount %s:pending\n", name, name);
        rc = hand_on(e, PIECE, d);
    }
    base_buf_char(e->out, '\n');
    return rc;
}

static gov_status put_rows(exporting *e, uint32_t book, const diag *d)
{
    const ledger_want want = {.book = book,
                              .from_us = INT64_MIN,
                              .to_us = INT64_MAX,
                              .expiries = true};
    ledger_scan *scan = NULL;
    ledger_row r;
    gov_status rc = ledger_load_clocks(e->l, d);
    if (rc == GOV_OK)
        rc = ledger_scan_open(e->l, &want, &scan, d);
    while (rc == GOV_OK && (rc = ledger_scan_next(scan, &r, d)) == GOV_OK) {
        rc = put_row(e, &r, d);
        if (rc == GOV_OK)
            rc = hand_on(e, PIECE, d);
    }
    ledger_scan_close(scan);
    return rc == GOV_END ? GOV_OK : rc;
}

gov_status ledger_plain_journal(ledger *l, uint32_t book, ledger_sink *write, void *user,
                                const diag *d)
{
    base_buf out;
    exporting e = {.l = l, .out = &out, .at.alloc = l->alloc, .write = write, .user = user};
    base_buf_init(&out, l->alloc);
    base_buf_init(&e.names, l->alloc);
    gov_status rc = read_accounts(&e, book, d);
    if (rc == GOV_OK)
        rc = put_accounts(&e, d);
    if (rc == GOV_OK)
        rc = put_rows(&e, book, d);
    if (rc == GOV_OK)
        rc = compare(&e, d);
    if (rc == GOV_OK)
        rc = hand_on(&e, 0, d);
    base_free(l->alloc, e.accounts);
    ledger_index_free(&e.at);
    base_buf_free(&e.names);
    base_buf_free(&out);
    return rc;
}
