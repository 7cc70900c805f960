/* The public calls beside the batches: caps, lots, balances at an instant, notes, the journal for hledger. */
#include "ledger/lines.h"
#include "ledger/stored.h"

#include <string.h>

static const access_call write_call = {"ledger.write", true}, read_call = {"ledger.read", false};
static const char *const sides[] = {"paid", "received"};
static const char *const periods[] = {"ever", "day", "week", "month", "year"};
static const char *const kinds[] = {"", "account", "transfer"};

/* One call; a body takes what it needs. */
typedef struct asking {
    const gov_value *in;
    gov_value **out;
    const char *kind;
    int64_t id, at_us;
    bool effective;
    uint32_t book;
    base_buf *text;
} asking;

static gov_status enter(gov *g, const char *action, ledger **l, const diag *d)
{
    const gov_status rc = access_check_whole(g, action, d);
    return rc == GOV_OK ? ledger_of(g, l, d) : rc;
}

/* ---- caps ---- */

static gov_status wrong(const diag *d, const char *member)
{
    return base_fail(d, M_ledger_line_value, A_S("member", member));
}

static bool word(value v, const char *const *words, size_t n, uint32_t *out)
{
    for (uint32_t i = 0; i < n; i++)
        if (value_is_text(v, words[i])) {
            *out = i;
            return true;
        }
    return v.kind == VALUE_ABSENT || v.kind == VALUE_NULL;
}

static bool whole(value v, int64_t most, int64_t *out)
{
    if (v.kind == VALUE_INT)
        *out = v.as.i;
    return (v.kind == VALUE_ABSENT || v.kind == VALUE_NULL || v.kind == VALUE_INT) && *out >= 0 &&
           *out <= most;
}

/* `reason` is a number, or the name of one. */
static gov_status cap_reason(ledger *l, value v, ledger_cap *c, const diag *d)
{
    int64_t n = 0;
    char name[65];
    if (v.kind != VALUE_STRING) {
        if (!whole(v, UINT32_MAX, &n))
            return wrong(d, "reason");
        c->reason = (uint32_t)n;
        return GOV_OK;
    }
    if (l == NULL || v.len == 0 || v.len >= sizeof name)
        return wrong(d, "reason");
    memcpy(name, v.as.s, v.len);
    name[v.len] = '\0';
    return ledger_reason_number(l, c->book, name, &c->reason, d);
}

gov_status ledger_cap_read(ledger *l, value map, ledger_cap *c, const diag *d)
{
    static const char *const known[] = {"ledger", "number", "account", "code",
                                        "reason", "side",   "per",     "amount"};
    int64_t book = 0, number = 0, code = 0;
    if (map.kind != VALUE_MAP)
        return wrong(d, "cap");
    for (size_t i = 0; i < map.len; i++) {
        size_t k = 0;
        while (k < ARRAY_LEN(known) && !value_is_text(map.as.pairs[i].key, known[k]))
            k++;
        if (k == ARRAY_LEN(known))
            return base_fail(d, M_ledger_line_member,
                             A_N("member", map.as.pairs[i].key.as.s, map.as.pairs[i].key.len));
    }
    const value amount = value_get_text(map, "amount");
    *c = (ledger_cap){.side = 1};
    if (!whole(value_get_text(map, "ledger"), UINT32_MAX, &book) || book == 0)
        return wrong(d, "ledger");
    if (!whole(value_get_text(map, "number"), UINT32_MAX, &number))
        return wrong(d, "number");
    if (!whole(value_get_text(map, "code"), UINT32_MAX, &code))
        return wrong(d, "code");
    if (!whole(value_get_text(map, "account"), INT64_MAX, &c->account))
        return wrong(d, "account");
    if (!whole(amount, INT64_MAX, &c->amount))
        return wrong(d, "amount");
    if (!word(value_get_text(map, "side"), sides, ARRAY_LEN(sides), &c->side))
        return wrong(d, "side");
    if (!word(value_get_text(map, "per"), periods, ARRAY_LEN(periods), &c->window))
        return wrong(d, "per");
    if (amount.kind != VALUE_INT)
        c->amount = -1;
    c->book = (uint32_t)book;
    c->number = (uint32_t)number;
    c->code = (uint32_t)code;
    return cap_reason(l, value_get_text(map, "reason"), c, d);
}

static gov_status cap_body(gov *g, void *input, const diag *d)
{
    const asking *a = input;
    ledger *l;
    ledger_cap c;
    int64_t entry;
    gov_status rc = enter(g, "ledger.write", &l, d);
    if (rc == GOV_OK)
        rc = ledger_cap_read(l, *a->in, &c, d);
    if (rc == GOV_OK)
        rc = ledger_cap_put(l, &c, access_real_ms(g), d);
    const journal_entry e = {.kind = "ledger_cap", .subject_kind = "", .data = *a->in};
    return rc == GOV_OK ? access_record(g, &e, &entry, d) : rc;
}

gov_status gov_ledger_cap_set(gov *g, const gov_value *cap, gov_error **err)
{
    asking a = {.in = cap};
    return cap == NULL ? base_misuse(err, "cap") : access_run(g, &write_call, cap_body, &a, err);
}

/* Rows as a list of maps, which `put` fills. */
static gov_status answer_rows(gov *g, const asking *a, const void *rows, size_t size, size_t count,
                              void (*put)(value_builder *b, const void *row), const diag *d)
{
    value_builder list;
    value_builder_init(&list, &g->scratch);
    for (size_t i = 0; i < count; i++) {
        value_builder b;
        value_builder_init(&b, &g->scratch);
        put(&b, (const char *)rows + i * size);
        list.failed = list.failed || b.failed;
        value_builder_add(&list, value_builder_map(&b));
    }
    return list.failed ? base_nomem(d) : access_answer(g, value_builder_list(&list), a->out, d);
}

static void put_cap(value_builder *b, const void *row)
{
    const ledger_cap *c = row;
    value_builder_set(b, "ledger", value_int(c->book));
    value_builder_set(b, "number", value_int(c->number));
    value_builder_set(b, "account", value_int(c->account));
    value_builder_set(b, "code", value_int(c->code));
    value_builder_set(b, "reason", value_int(c->reason));
    value_builder_set(b, "side", value_text(sides[c->side & 1]));
    value_builder_set(b, "per", value_text(periods[c->window < 5 ? c->window : 0]));
    value_builder_set(b, "amount", value_int(c->amount));
}

static gov_status caps_body(gov *g, void *input, const diag *d)
{
    const asking *a = input;
    enum { MOST = 1000 };
    ledger *l;
    size_t count;
    ledger_cap *caps = base_arena_array(&g->scratch, MOST, sizeof *caps);
    gov_status rc = caps != NULL ? enter(g, "ledger.read", &l, d) : base_nomem(d);
    if (rc == GOV_OK)
        rc = ledger_cap_list(l, a->book, caps, MOST, &count, d);
    if (rc != GOV_OK)
        return rc;
    return answer_rows(g, a, caps, sizeof *caps, count, put_cap, d);
}

gov_status gov_ledger_caps(gov *g, uint32_t book, gov_value **out, gov_error **err)
{
    asking a = {.book = book, .out = out};
    return out == NULL ? base_misuse(err, "out") : access_run(g, &read_call, caps_body, &a, err);
}

/* ---- lots ---- */

static void put_lot(value_builder *b, const void *row)
{
    const ledger_lot *l = row;
    value_builder_set(b, "lot", value_int(l->seq));
    value_builder_set(b, "expires_at", l->expires_us == LEDGER_NEVER ? value_null() : value_from_us(l->expires_us));
    value_builder_set(b, "amount", value_int(l->amount));
    value_builder_set(b, "left", value_int(l->left));
}

static gov_status exists(ledger *l, uint32_t kind, int64_t id, const diag *d)
{
    ledger_account account = {0};
    ledger_transfer transfer = {0};
    const gov_status rc = kind == LEDGER_OF_ACCOUNT
                              ? ledger_lookup_accounts(l, &id, 1, &account, d)
                              : ledger_lookup_transfers(l, &id, 1, &transfer, d);
    if (rc == GOV_OK && account.id == 0 && transfer.id == 0)
        return base_fail(d, M_ledger_nothing, A_S("kind", kinds[kind]), A_I("id", id));
    return rc;
}

static gov_status lots_body(gov *g, void *input, const diag *d)
{
    const asking *a = input;
    ledger *l;
    size_t count;
    ledger_lot *lots = base_arena_array(&g->scratch, LEDGER_BATCH_MAX, sizeof *lots);
    gov_status rc = lots != NULL ? enter(g, "ledger.read", &l, d) : base_nomem(d);
    if (rc == GOV_OK)
        rc = exists(l, LEDGER_OF_ACCOUNT, a->id, d);
    if (rc == GOV_OK)
        rc = ledger_lots_of(l, a->id, lots, LEDGER_BATCH_MAX, &count, d);
    if (rc != GOV_OK)
        return rc;
    return answer_rows(g, a, lots, sizeof *lots, count, put_lot, d);
}

gov_status gov_ledger_lots(gov *g, int64_t account, gov_value **out, gov_error **err)
{
    asking a = {.id = account, .out = out};
    return out == NULL ? base_misuse(err, "out") : access_run(g, &read_call, lots_body, &a, err);
}

/* ---- balances ---- */

static gov_status balance_body(gov *g, void *input, const diag *d)
{
    const asking *a = input;
    ledger *l;
    ledger_balance at;
    value_builder b;
    gov_status rc = enter(g, "ledger.read", &l, d);
    if (rc == GOV_OK)
        rc = exists(l, LEDGER_OF_ACCOUNT, a->id, d);
    if (rc == GOV_OK)
        rc = a->effective ? ledger_balance_effective(l, a->id, a->at_us, &at, d)
                          : ledger_balance_at(l, a->id, a->at_us, &at, d);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "debits_pending", value_int(at.debits_pending));
    value_builder_set(&b, "debits_posted", value_int(at.debits_posted));
    value_builder_set(&b, "credits_pending", value_int(at.credits_pending));
    value_builder_set(&b, "credits_posted", value_int(at.credits_posted));
    value_builder_set(&b, "balance", value_int(at.credits_posted - at.debits_posted));
    return b.failed ? base_nomem(d) : access_answer(g, value_builder_map(&b), a->out, d);
}

gov_status gov_ledger_balance_at(gov *g, int64_t account, int64_t at_us, int32_t effective,
                                 gov_value **out, gov_error **err)
{
    asking a = {.id = account, .at_us = at_us, .effective = effective != 0, .out = out};
    return out == NULL ? base_misuse(err, "out") : access_run(g, &read_call, balance_body, &a, err);
}

/* ---- notes ---- */

static bool kind_of(const char *text, uint32_t *kind)
{
    for (uint32_t i = 1; i < ARRAY_LEN(kinds); i++)
        if (text != NULL && strcmp(text, kinds[i]) == 0) {
            *kind = i;
            return true;
        }
    return false;
}

static gov_status note_body(gov *g, void *input, const diag *d)
{
    const asking *a = input;
    ledger *l;
    uint32_t kind = 0;
    int64_t entry = 0;
    base_buf text, old;
    base_buf_init(&text, g->alloc);
    base_buf_init(&old, g->alloc);
    (void)kind_of(a->kind, &kind);
    value_write_document(&text, *a->in);
    gov_status rc = text.failed ? base_nomem(d) : enter(g, "ledger.write", &l, d);
    if (rc == GOV_OK)
        rc = exists(l, kind, a->id, d);
    if (rc == GOV_OK)
        rc = ledger_memo_get(l, kind, a->id, &old, d);
    if (rc == GOV_OK && (old.len != text.len || memcmp(old.data, text.data, old.len) != 0)) {
        rc = base_fail(d, M_ledger_noted, A_S("kind", a->kind), A_I("id", a->id));
    } else if (rc == GOV_END) {
        const journal_entry e = {.kind = "ledger_note",
                                 .subject_kind = a->kind,
                                 .subject = a->id,
                                 .data = *a->in};
        rc = access_record(g, &e, &entry, d);
        if (rc == GOV_OK)
            rc = ledger_memo_put(l, kind, a->id, (const char *)text.data, text.len, entry, d);
    }
    base_buf_free(&text);
    base_buf_free(&old);
    return rc;
}

gov_status gov_ledger_note_put(gov *g, const char *kind, int64_t id, const gov_value *note,
                               gov_error **err)
{
    asking a = {.kind = kind, .id = id, .in = note};
    uint32_t known;
    if (note == NULL || note->kind != VALUE_MAP || !kind_of(kind, &known))
        return base_misuse(err, note == NULL || note->kind != VALUE_MAP ? "note" : "kind");
    return access_run(g, &write_call, note_body, &a, err);
}

static gov_status read_note_body(gov *g, void *input, const diag *d)
{
    const asking *a = input;
    ledger *l;
    uint32_t kind = 0;
    value v = value_null();
    base_buf text;
    base_buf_init(&text, g->alloc);
    (void)kind_of(a->kind, &kind);
    gov_status rc = enter(g, "ledger.read", &l, d);
    if (rc == GOV_OK)
        rc = ledger_memo_get(l, kind, a->id, &text, d);
    if (rc == GOV_OK)
        rc = access_read_stored(g, &g->scratch, (const char *)text.data, text.len, &v, d);
    if (rc == GOV_OK || rc == GOV_END)
        rc = access_answer(g, v, a->out, d);
    base_buf_free(&text);
    return rc;
}

gov_status gov_ledger_note_get(gov *g, const char *kind, int64_t id, gov_value **out,
                               gov_error **err)
{
    asking a = {.kind = kind, .id = id, .out = out};
    uint32_t known;
    if (out == NULL || !kind_of(kind, &known))
        return base_misuse(err, out == NULL ? "out" : "kind");
    return access_run(g, &read_call, read_note_body, &a, err);
}

/* ---- for hledger ---- */

static gov_status collect(void *user, const char *text, size_t len, const diag *d)
{
    base_buf *all = user;
    base_buf_add(all, text, len);
    return all->failed ? base_nomem(d) : GOV_OK;
}

static gov_status export_body(gov *g, void *input, const diag *d)
{
    const asking *a = input;
    ledger *l;
    const gov_status rc = enter(g, "ledger.read", &l, d);
    base_buf_clear(a->text);
    return rc == GOV_OK ? ledger_plain_journal(l, a->book, collect, a->text, d) : rc;
}

typedef struct handing {
    uint32_t book;
    gov_ledger_sink sink;
    void *user;
} handing;

static gov_status hand_over(void *user, const char *text, size_t len, const diag *d)
{
    const handing *h = user;
    (void)d;
    return h->sink(text, len, h->user) == 0 ? GOV_OK : GOV_E_USER;
}

static gov_status export_to_body(gov *g, void *input, const diag *d)
{
    handing *h = input;
    ledger *l;
    const gov_status rc = enter(g, "ledger.read", &l, d);
    return rc == GOV_OK ? ledger_plain_journal(l, h->book, hand_over, h, d) : rc;
}

gov_status gov_ledger_export_to(gov *g, uint32_t book, gov_ledger_sink sink, void *user,
                                gov_error **err)
{
    handing h = {book, sink, user};
    if (sink == NULL)
        return base_misuse(err, "sink");
    return access_run(g, &read_call, export_to_body, &h, err);
}

gov_status gov_ledger_export(gov *g, uint32_t book, char **out, size_t *out_len, gov_error **err)
{
    base_buf text;
    asking a = {.book = book, .text = &text};
    if (out == NULL)
        return base_misuse(err, "out");
    base_buf_init(&text, NULL); /* text that is handed out is malloc's */
    gov_status rc = access_run(g, &read_call, export_body, &a, err);
    *out = rc == GOV_OK ? base_buf_take(&text, out_len) : NULL;
    base_buf_free(&text);
    if (rc == GOV_OK && *out == NULL)
        rc = base_nomem((&(diag){NULL, err}));
    return rc;
}
