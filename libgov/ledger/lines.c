/* The line protocol of `gov ledger`: JSON in, JSON out, over a ledger in memory or a stored one. */
#include "ledger/lines.h"
#include "ledger/stored.h"

#include <string.h>

/* ---- reading ---- */

static gov_status wrong(const diag *d, const char *what)
{
    return base_fail(d, M_ledger_line, A_S("what", what));
}

/* A decimal string of 63 bits, with a sign only where `negative`; small whole numbers may be JSON numbers as well. */
static bool read_number(value v, bool negative, int64_t *out)
{
    size_t i = 0;
    int64_t n = 0;
    if (v.kind == VALUE_INT) {
        *out = v.as.i;
        return negative || v.as.i >= 0;
    }
    if (v.kind != VALUE_STRING)
        return false;
    const bool minus = negative && v.len > 1 && v.as.s[0] == '-';
    for (i = minus; i < v.len; i++) {
        const int digit = v.as.s[i] - '0';
        if (digit < 0 || digit > 9 || n > (INT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *out = minus ? -n : n;
    return v.len > (minus ? 1U : 0U);
}

typedef enum kind { WIDE, SIGNED, AMOUNT, NARROW, FLAGS, SPARE } kind;

typedef struct flag_name {
    const char *name;
    uint32_t bit;
} flag_name;

typedef struct member {
    const char *name;
    kind kind;
    size_t offset;
    const flag_name *flags;
} member;

/* A bit that no flag has: its result is reserved_flag. */
#define UNKNOWN_FLAG UINT32_C(0x80000000)

#define FLAG(name, bit) {name, bit},
static const flag_name account_flags[] = {GOV_ACCOUNT_FLAGS(FLAG){0}};
static const flag_name transfer_flags[] = {GOV_TRANSFER_FLAGS(FLAG){0}};
#undef FLAG

#define A(kind, name)                                     \
    {                                                     \
#name, kind, offsetof(ledger_account, name), NULL \
    }
static const member account_members[] = {A(WIDE, id),
                                         A(NARROW, ledger),
                                         A(NARROW, code),
                                         {"flags", FLAGS, offsetof(ledger_account, flags),
                                          account_flags},
                                         A(WIDE, subject),
                                         A(WIDE, reference),
                                         A(NARROW, reason),
                                         A(WIDE, debits_pending),
                                         A(WIDE, debits_posted),
                                         A(WIDE, credits_pending),
                                         A(WIDE, credits_posted),
                                         A(SIGNED, timestamp),
                                         A(SIGNED, min_balance),
                                         A(SIGNED, max_balance),
                                         A(SIGNED, warn_min),
                                         A(SIGNED, warn_max),
                                         A(WIDE, breakage),
                                         {"reserved", SPARE, offsetof(ledger_account, breakage),
                                          NULL},
                                         {0}};
#define T(kind, name)                                      \
    {                                                      \
#name, kind, offsetof(ledger_transfer, name), NULL \
    }
static const member transfer_members[] = {T(WIDE, id),
                                          T(WIDE, debit_account),
                                          T(WIDE, credit_account),
                                          T(AMOUNT, amount),
                                          T(WIDE, pending_id),
                                          T(WIDE, subject),
                                          T(WIDE, reference),
                                          T(NARROW, reason),
                                          T(NARROW, timeout),
                                          T(NARROW, ledger),
                                          T(NARROW, code),
                                          {"flags", FLAGS, offsetof(ledger_transfer, flags),
                                           transfer_flags},
                                          T(SIGNED, timestamp),
                                          T(SIGNED, effective_at),
                                          T(WIDE, reversal_of),
                                          T(WIDE, expires_at),
                                          {"reserved", SPARE, offsetof(ledger_transfer, reserved),
                                           NULL},
                                          {0}};
#define F(kind, name)                                   \
    {                                                   \
#name, kind, offsetof(ledger_query, name), NULL \
    }
static const member query_members[] = {F(WIDE, account),
                                       F(WIDE, subject),
                                       F(WIDE, reference),
                                       F(NARROW, reason),
                                       F(NARROW, ledger),
                                       F(NARROW, code),
                                       {"timestamp_min", WIDE, offsetof(ledger_query, from_us),
                                        NULL},
                                       {"timestamp_max", WIDE, offsetof(ledger_query, to_us), NULL},
                                       F(NARROW, limit),
                                       {0}};

static bool read_flags(value v, const flag_name *names, uint32_t *out)
{
    if (v.kind != VALUE_LIST)
        return v.kind == VALUE_NULL;
    for (size_t i = 0; i < v.len; i++) {
        const flag_name *n = names;
        if (v.as.items[i].kind != VALUE_STRING)
            return false;
        while (n->name != NULL && !value_is_text(v.as.items[i], n->name))
            n++;
        *out |= n->name != NULL ? n->bit : UNKNOWN_FLAG;
    }
    return true;
}

static bool read_member(value v, const member *m, void *object)
{
    char *at = (char *)object + m->offset;
    int64_t n = 0;
    if (m->kind == FLAGS)
        return read_flags(v, m->flags, (uint32_t *)(void *)at);
    if (m->kind == AMOUNT && value_is_text(v, "max"))
        n = INT64_MAX;
    else if (v.kind != VALUE_NULL && !read_number(v, m->kind == SIGNED, &n))
        return false;
    if (m->kind == NARROW || m->kind == SPARE) {
        if ((m->kind == NARROW && v.kind == VALUE_STRING) || n > UINT32_MAX)
            return false;
        if (m->kind == NARROW)
            *(uint32_t *)(void *)at = (uint32_t)n;
        else if (n != 0)
            *(uint8_t *)at = 1; /* a field that no flag allows: its result is reserved_field */
    } else {
        *(int64_t *)(void *)at = n;
    }
    return true;
}

/* Every member of the map, by the table. */
static gov_status read_object(value map, const member *members, void *out, const diag *d)
{
    if (map.kind != VALUE_MAP)
        return wrong(d, "an object is expected");
    for (size_t i = 0; i < map.len; i++) {
        const value key = map.as.pairs[i].key;
        const member *m = members;
        while (m->name != NULL && !value_is_text(key, m->name))
            m++;
        if (m->name == NULL)
            return base_fail(d, M_ledger_line_member, A_N("member", key.as.s, key.len));
        if (!read_member(map.as.pairs[i].val, m, out))
            return base_fail(d, M_ledger_line_value, A_S("member", m->name));
    }
    return GOV_OK;
}

/* debits, credits and reversed are true or false. */
static gov_status read_query(gov_ledger_lines *s, value map, ledger_query *q, const diag *d)
{
    static const char *const names[] = {"debits", "credits", "reversed"};
    bool *const fields[] = {&q->debits, &q->credits, &q->reversed};
    value_builder rest;
    *q = (ledger_query){.debits = true, .credits = true};
    if (map.kind != VALUE_MAP)
        return wrong(d, "a filter is an object");
    value_builder_init(&rest, &s->arena);
    for (size_t i = 0; i < map.len; i++) {
        const value key = map.as.pairs[i].key, v = map.as.pairs[i].val;
        size_t k = 0;
        while (k < ARRAY_LEN(names) && !value_is_text(key, names[k]))
            k++;
        if (k == ARRAY_LEN(names))
            value_builder_set_n(&rest, key.as.s, key.len, v);
        else if (v.kind != VALUE_BOOL)
            return base_fail(d, M_ledger_line_value, A_S("member", names[k]));
        else
            *fields[k] = v.as.b;
    }
    return rest.failed ? base_nomem(d) : read_object(value_builder_map(&rest), query_members, q, d);
}

/* ---- writing ---- */

static void put_wide(base_buf *out, const char *name, int64_t n)
{
    base_buf_fmt(out, "\"%s\":\"", name);
    base_buf_int(out, n);
    base_buf_char(out, '"');
}

static void put_flags(base_buf *out, uint32_t flags, const flag_name *names)
{
    bool first = true;
    base_buf_str(out, "\"flags\":[");
    for (; names->name != NULL; names++) {
        if (!(flags & names->bit))
            continue;
        base_buf_fmt(out, first ? "\"%s\"" : ",\"%s\"", names->name);
        first = false;
    }
    base_buf_char(out, ']');
}

/* Ours beyond TigerBeetle's (the last ones of a table) are shown where they say something. */
static void put_object(base_buf *out, const void *object, const member *members, const char *extra)
{
    bool ours = false, first = true;
    base_buf_char(out, '{');
    for (const member *m = members; m->name != NULL; m++) {
        const char *at = (const char *)object + m->offset;
        ours = ours || strcmp(m->name, extra) == 0;
        if (m->kind == SPARE || (ours && *(const int64_t *)(const void *)at == 0))
            continue;
        if (!first)
            base_buf_char(out, ',');
        first = false;
        if (m->kind == FLAGS) {
            put_flags(out, *(const uint32_t *)(const void *)at, m->flags);
        } else if (m->kind == NARROW) {
            base_buf_fmt(out, "\"%s\":", m->name);
            base_buf_uint(out, *(const uint32_t *)(const void *)at);
        } else {
            put_wide(out, m->name, *(const int64_t *)(const void *)at);
        }
    }
    base_buf_char(out, '}');
}

static void put_account(base_buf *out, const ledger_account *a)
{
    if (a->id == 0)
        base_buf_str(out, "null");
    else
        put_object(out, a, account_members, "min_balance");
}

static void put_transfer(base_buf *out, const ledger_transfer *t)
{
    if (t->id == 0)
        base_buf_str(out, "null");
    else
        put_object(out, t, transfer_members, "effective_at");
}

static void put_accounts(base_buf *out, const ledger_account *a, size_t n)
{
    base_buf_str(out, "{\"accounts\":[");
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            base_buf_char(out, ',');
        put_account(out, &a[i]);
    }
    base_buf_str(out, "]}");
}

static void put_transfers(base_buf *out, const ledger_transfer *t, size_t n)
{
    base_buf_str(out, "{\"transfers\":[");
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            base_buf_char(out, ',');
        put_transfer(out, &t[i]);
    }
    base_buf_str(out, "]}");
}

static void put_results(base_buf *out, const ledger_result *r, size_t n)
{
    bool warned = false;
    base_buf_str(out, "{\"results\":[");
    for (size_t i = 0; i < n; i++) {
        base_buf_fmt(out, i > 0 ? ",\"%s\"" : "\"%s\"", gov_ledger_result_name(r[i].code));
        warned = warned || r[i].warnings != 0;
    }
    base_buf_char(out, ']');
    for (size_t i = 0; i < n && warned; i++) {
        base_buf_str(out, i == 0 ? ",\"warnings\":[" : ",");
        base_buf_str(out, "[");
        if (r[i].warnings & GOV_LEDGER_WARN_MIN)
            base_buf_str(out, "\"warn_min\"");
        if (r[i].warnings & GOV_LEDGER_WARN_MAX)
            base_buf_str(out,
                         r[i].warnings & GOV_LEDGER_WARN_MIN ? ",\"warn_max\"" : "\"warn_max\"");
        base_buf_str(out, i == n - 1 ? "]]" : "]");
    }
    base_buf_char(out, '}');
}

static void put_balances(base_buf *out, const int64_t balance[static 4])
{
    static const char *const names[] = {"debits_pending", "debits_posted", "credits_pending",
                                        "credits_posted"};
    for (int i = 0; i < 4; i++) {
        base_buf_char(out, ',');
        put_wide(out, names[i], balance[i]);
    }
}

static void put_change(base_buf *out, const ledger_changed *c)
{
    static const char *const types[] = {"single", "pending", "posted", "voided", "expired"};
    const int64_t ids[2] = {c->t.debit_account, c->t.credit_account};
    base_buf_fmt(out, "{\"type\":\"%s\",", types[c->kind]);
    put_wide(out, "timestamp", c->t.timestamp);
    base_buf_char(out, ',');
    if (c->t.id != 0)
        put_wide(out, "transfer", c->t.id);
    else
        base_buf_str(out, "\"transfer\":null");
    base_buf_char(out, ',');
    put_wide(out, "amount", c->amount);
    base_buf_char(out, ',');
    if (c->t.pending_id != 0)
        put_wide(out, "pending", c->t.pending_id);
    else
        base_buf_str(out, "\"pending\":null");
    for (int side = 0; side < 2; side++) {
        base_buf_str(out, side == 0 ? ",\"debit_account\":{" : ",\"credit_account\":{");
        put_wide(out, "id", ids[side]);
        put_balances(out, c->balance[side]);
        base_buf_str(out, c->closed[side] ? ",\"closed\":true}" : ",\"closed\":false}");
    }
    base_buf_char(out, '}');
}

static void put_error(base_buf *out, const gov_error *err)
{
    const char *code = gov_error_code(err, 0), *text = gov_error_message(err, 0, "en");
    base_buf_clear(out);
    base_buf_str(out, "{\"error\":{\"code\":");
    value_write_json_string(out, code, strlen(code));
    base_buf_str(out, ",\"message\":");
    value_write_json_string(out, text, strlen(text));
    base_buf_str(out, "}}");
}

/* ---- creating ---- */

static gov_status stored_create(gov_ledger_lines *s, const ledger_account *a,
                                const ledger_transfer *t, size_t n, ledger_result *r,
                                gov_error **err)
{
    if (s->clock_us > INT64_MAX - 4 * LEDGER_BATCH_MAX)
        return base_fail((&(diag){s->alloc, err}), M_ledger_clock, A_I("now", s->clock_us));
    gov_status rc = gov_set_now(s->g, s->clock_us + 1, err);
    if (rc == GOV_OK)
        rc = a != NULL ? gov_ledger_create_accounts(s->g, a, n, r, err)
                       : gov_ledger_transfer(s->g, t, n, r, err);
    if (rc != GOV_OK)
        return rc;
    s->clock_us += (int64_t)n;
    /* What the ledger holds may be later than this clock, and then leads it. */
    const bool imported = ((a != NULL ? a->flags : t->flags) &
                           (a != NULL ? GOV_ACCOUNT_IMPORTED : GOV_TRANSFER_IMPORTED)) != 0;
    for (size_t i = 0; i < n && !imported; i++)
        if (r[i].timestamp > s->clock_us)
            s->clock_us = r[i].timestamp;
    return GOV_OK;
}

static gov_status create(gov_ledger_lines *s, value list, bool accounts, int64_t actor,
                         base_buf *out, gov_error **err)
{
    const diag d = {s->alloc, err};
    const size_t size = accounts ? sizeof(ledger_account) : sizeof(ledger_transfer);
    if (list.kind != VALUE_LIST)
        return wrong(&d, "accounts and transfers are lists");
    if (list.len > LEDGER_BATCH_MAX)
        return base_fail(&d, M_ledger_batch, A_I("limit", LEDGER_BATCH_MAX),
                         A_I("count", list.len));
    char *events = base_arena_array(&s->arena, list.len + 1, size);
    ledger_result *r = base_arena_array(&s->arena, list.len + 1, sizeof *r);
    if (events == NULL || r == NULL)
        return base_nomem(&d);
    gov_status rc = GOV_OK;
    for (size_t i = 0; i < list.len && rc == GOV_OK; i++)
        rc = read_object(list.as.items[i], accounts ? account_members : transfer_members,
                         events + i * size, &d);
    const void *of = events;
    if (rc == GOV_OK && list.len > 0)
        rc = s->g != NULL
                 ? stored_create(s, accounts ? of : NULL, accounts ? NULL : of, list.len, r, err)
                 : ledger_memory_create(s, accounts ? of : NULL, accounts ? NULL : of, list.len,
                                        actor, r, &d);
    if (rc == GOV_OK)
        put_results(out, r, list.len);
    return rc;
}

/* ---- looking up ---- */

static gov_status look_up(gov_ledger_lines *s, value list, bool accounts, base_buf *out,
                          gov_error **err)
{
    const diag d = {s->alloc, err};
    if (list.kind != VALUE_LIST)
        return wrong(&d, "ids stand in a list");
    if (list.len > LEDGER_BATCH_MAX)
        return base_fail(&d, M_ledger_batch, A_I("limit", LEDGER_BATCH_MAX),
                         A_I("count", list.len));
    int64_t *ids = base_arena_array(&s->arena, list.len + 1, sizeof *ids);
    ledger_account *a = base_arena_array(&s->arena, list.len + 1, sizeof *a);
    ledger_transfer *t = base_arena_array(&s->arena, list.len + 1, sizeof *t);
    if (ids == NULL || a == NULL || t == NULL)
        return base_nomem(&d);
    for (size_t i = 0; i < list.len; i++)
        if (!read_number(list.as.items[i], false, &ids[i]))
            return base_fail(&d, M_ledger_line_value, A_S("member", "id"));
    gov_status rc = GOV_OK;
    for (size_t i = 0; i < list.len && s->g == NULL; i++) {
        const ledger_cell *c = accounts ? ledger_cell_of(&s->b, ids[i]) : NULL;
        const ledger_row *r = accounts ? NULL : ledger_row_of(&s->b, ids[i]);
        if (c != NULL)
            a[i] = c->a;
        if (r != NULL && r->kind == LEDGER_LIVE)
            t[i] = r->t;
    }
    if (s->g != NULL && list.len > 0)
        rc = accounts ? gov_ledger_lookup_accounts(s->g, ids, list.len, a, err)
                      : gov_ledger_lookup_transfers(s->g, ids, list.len, t, err);
    if (rc == GOV_OK && accounts)
        put_accounts(out, a, list.len);
    else if (rc == GOV_OK)
        put_transfers(out, t, list.len);
    return rc;
}

/* ---- queries ---- */

typedef enum question { OF_ACCOUNT, BALANCES, ACCOUNTS, TRANSFERS, CHANGES } question;

typedef struct asking {
    ledger_query q;
    question what;
    size_t cap, count;
    ledger_account *accounts; /* one of the three */
    ledger_transfer *transfers;
    ledger_changed *changes;
} asking;

static gov_status memory_answer(gov_ledger_lines *s, asking *a, const diag *d)
{
    if (a->what == ACCOUNTS)
        return ledger_memory_accounts(s, &a->q, a->accounts, a->cap, &a->count, d);
    if (a->what == TRANSFERS || a->what == OF_ACCOUNT)
        return ledger_memory_transfers(s, &a->q, a->transfers, a->cap, &a->count, d);
    return ledger_memory_changes(s, &a->q, a->changes, a->cap, &a->count, d);
}

/* The balances of one account, in the shape of changes. */
static gov_status stored_balances(ledger *l, asking *a, const ledger_filter *f, const diag *d)
{
    ledger_balance *b = base_array(l->alloc, a->cap, sizeof *b);
    ledger_filter part = *f;
    gov_status rc = b != NULL ? GOV_OK : base_nomem(d);
    size_t found = 1;
    /* Expiries are passed over, and so a page may have to be followed by another. */
    while (rc == GOV_OK && a->count < a->cap && found > 0) {
        part.limit = (uint32_t)(a->cap - a->count);
        rc = ledger_account_balances(l, &part, b, a->cap - a->count, &found, d);
        for (size_t i = 0; i < found && rc == GOV_OK; i++) {
            if (f->flags & GOV_LEDGER_REVERSED)
                part.timestamp_max = b[i].timestamp - 1;
            else
                part.timestamp_min = b[i].timestamp + 1;
            if (b[i].transfer == 0)
                continue;
            a->changes[a->count++] =
                (ledger_changed){.t = {.id = b[i].transfer,
                                       .timestamp = b[i].timestamp,
                                       .debit_account = a->q.account},
                                 .balance = {{b[i].debits_pending, b[i].debits_posted,
                                              b[i].credits_pending, b[i].credits_posted}}};
        }
        if (part.timestamp_max < part.timestamp_min && part.timestamp_max != 0)
            found = 0;
        if (f->flags & GOV_LEDGER_REVERSED && part.timestamp_max == 0)
            found = 0;
    }
    base_free(l->alloc, b);
    return rc;
}

static gov_status stored_answer(gov *g, void *input, const diag *d)
{
    asking *a = input;
    ledger *l;
    gov_status rc = access_check_whole(g, "ledger.read", d);
    if (rc == GOV_OK)
        rc = ledger_of(g, &l, d);
    if (rc != GOV_OK)
        return rc;
    a->count = 0;
    const ledger_filter f = {.account = a->q.account,
                             .timestamp_min = a->q.from_us,
                             .timestamp_max = a->q.to_us,
                             .subject = a->q.subject,
                             .reference = a->q.reference,
                             .reason = a->q.reason,
                             .code = a->q.code,
                             .flags = (a->q.debits ? GOV_LEDGER_DEBITS : 0) |
                                      (a->q.credits ? GOV_LEDGER_CREDITS : 0) |
                                      (a->q.reversed ? GOV_LEDGER_REVERSED : 0)};
    switch (a->what) {
    case OF_ACCOUNT: return ledger_account_transfers(l, &f, a->transfers, a->cap, &a->count, d);
    case BALANCES: return stored_balances(l, a, &f, d);
    case ACCOUNTS: return ledger_query_accounts(l, &a->q, a->accounts, a->cap, &a->count, d);
    case TRANSFERS: return ledger_query_transfers(l, &a->q, a->transfers, a->cap, &a->count, d);
    case CHANGES: return ledger_query_changes(l, &a->q, a->changes, a->cap, &a->count, d);
    }
    return GOV_OK;
}

static bool has_history(gov_ledger_lines *s, int64_t account)
{
    ledger_account a = {0};
    if (s->g != NULL)
        return gov_ledger_lookup_accounts(s->g, &account, 1, &a, NULL) == GOV_OK &&
               a.flags & GOV_ACCOUNT_HISTORY;
    const ledger_cell *c = ledger_cell_of(&s->b, account);
    return c != NULL && c->a.flags & GOV_ACCOUNT_HISTORY;
}

/* A filter that cannot match gives an empty list, as TigerBeetle has it. */
static bool may_match(gov_ledger_lines *s, const asking *a)
{
    const ledger_query *q = &a->q;
    const bool of_one = a->what == OF_ACCOUNT || a->what == BALANCES;
    if (q->limit == 0 || (q->to_us != 0 && q->from_us > q->to_us))
        return false;
    if (of_one && (q->account == 0 || q->account == INT64_MAX || !(q->debits || q->credits)))
        return false;
    return a->what != BALANCES || has_history(s, q->account);
}

static void put_answer(base_buf *out, const asking *a)
{
    if (a->what == ACCOUNTS) {
        put_accounts(out, a->accounts, a->count);
    } else if (a->what == TRANSFERS || a->what == OF_ACCOUNT) {
        put_transfers(out, a->transfers, a->count);
    } else {
        base_buf_str(out, a->what == CHANGES ? "{\"changes\":[" : "{\"balances\":[");
        for (size_t i = 0; i < a->count; i++) {
            const ledger_changed *c = &a->changes[i];
            if (i > 0)
                base_buf_char(out, ',');
            if (a->what == CHANGES) {
                put_change(out, c);
                continue;
            }
            base_buf_char(out, '{');
            put_wide(out, "timestamp", c->t.timestamp);
            base_buf_char(out, ',');
            put_wide(out, "transfer", c->t.id);
            put_balances(out, c->balance[c->t.debit_account != a->q.account]);
            base_buf_char(out, '}');
        }
        base_buf_str(out, "]}");
    }
}

static gov_status ask(gov_ledger_lines *s, value map, question what, base_buf *out, gov_error **err)
{
    static const access_call call = {"ledger.read", false};
    const diag d = {s->alloc, err};
    asking a = {.what = what};
    gov_status rc = read_query(s, map, &a.q, &d);
    if (rc != GOV_OK)
        return rc;
    if (what != OF_ACCOUNT && what != BALANCES)
        a.q.account = 0;
    a.cap = a.q.limit < LEDGER_BATCH_MAX ? a.q.limit : LEDGER_BATCH_MAX;
    if (may_match(s, &a)) {
        a.accounts = base_arena_array(&s->arena, a.cap, sizeof *a.accounts);
        a.transfers = base_arena_array(&s->arena, a.cap, sizeof *a.transfers);
        a.changes = base_arena_array(&s->arena, a.cap, sizeof *a.changes);
        if (a.accounts == NULL || a.transfers == NULL || a.changes == NULL)
            return base_nomem(&d);
        rc = s->g != NULL ? access_run(s->g, &call, stored_answer, &a, err)
                          : memory_answer(s, &a, &d);
    }
    if (rc == GOV_OK)
        put_answer(out, &a);
    return rc;
}

/* ---- time, and balances by force ---- */

static gov_status expire_body(gov *g, void *input, const diag *d)
{
    ledger *l;
    size_t expired = 1;
    gov_status rc = access_check_whole(g, "ledger.write", d);
    (void)input;
    if (rc == GOV_OK)
        rc = ledger_of(g, &l, d);
    while (rc == GOV_OK && expired > 0)
        rc = ledger_expire_now(g, &expired, d);
    return rc;
}

static gov_status advance(gov_ledger_lines *s, value v, int64_t unit, base_buf *out,
                          gov_error **err)
{
    static const access_call call = {"ledger.write", true};
    const diag d = {s->alloc, err};
    int64_t n;
    if (!read_number(v, false, &n) || (unit != 1 && v.kind == VALUE_STRING))
        return base_fail(&d, M_ledger_line_value,
                         A_S("member", unit == 1 ? "advance_us" : "advance_s"));
    if (n > (INT64_MAX - s->clock_us) / unit)
        return base_fail(&d, M_ledger_clock, A_I("now", s->clock_us));
    gov_status rc;
    if (s->g == NULL) {
        rc = ledger_memory_advance(s, n * unit, &d);
    } else {
        rc = gov_set_now(s->g, s->clock_us + n * unit, err);
        if (rc == GOV_OK)
            rc = access_run(s->g, &call, expire_body, NULL, err);
        if (rc == GOV_OK)
            s->clock_us += n * unit;
    }
    if (rc == GOV_OK)
        base_buf_str(out, "{}");
    return rc;
}

static gov_status set_balances(gov_ledger_lines *s, value map, base_buf *out, gov_error **err)
{
    const diag d = {s->alloc, err};
    ledger_account a = {0};
    if (s->g != NULL)
        return wrong(&d, "set_balances is for a ledger in memory");
    gov_status rc = read_object(map, account_members, &a, &d);
    if (rc == GOV_OK)
        rc = ledger_memory_set(s, &a, &d);
    if (rc == GOV_OK)
        base_buf_str(out, "{}");
    return rc;
}

/* ---- lines ---- */

static gov_status answer(gov_ledger_lines *s, const char *line, size_t len, base_buf *out,
                         gov_error **err)
{
    static const char *const commands[] = {"accounts",          "transfers",
                                           "lookup_accounts",   "lookup_transfers",
                                           "account_transfers", "account_balances",
                                           "query_accounts",    "query_transfers",
                                           "changes",           "advance_s",
                                           "advance_us",        "set_balances"};
    const diag d = {s->alloc, err};
    value in, v = value_absent();
    int64_t actor = 1;
    size_t which = ARRAY_LEN(commands);
    const gov_status rc = value_read_json(&s->arena, line, len, &in, &d);
    if (rc != GOV_OK)
        return rc;
    if (in.kind != VALUE_MAP)
        return wrong(&d, "a line is one object");
    for (size_t i = 0; i < in.len; i++) {
        size_t k = 0;
        const value key = in.as.pairs[i].key;
        if (value_is_text(key, "actor") && s->g == NULL) {
            if (!read_number(in.as.pairs[i].val, false, &actor))
                return base_fail(&d, M_ledger_line_value, A_S("member", "actor"));
            continue;
        }
        while (k < ARRAY_LEN(commands) && !value_is_text(key, commands[k]))
            k++;
        if (k == ARRAY_LEN(commands))
            return base_fail(&d, M_ledger_line_member, A_N("member", key.as.s, key.len));
        if (which != ARRAY_LEN(commands))
            return wrong(&d, "a line asks for one thing");
        which = k;
        v = in.as.pairs[i].val;
    }
    switch (which) {
    case 0:
    case 1: return create(s, v, which == 0, actor, out, err);
    case 2:
    case 3: return look_up(s, v, which == 2, out, err);
    case 4: return ask(s, v, OF_ACCOUNT, out, err);
    case 5: return ask(s, v, BALANCES, out, err);
    case 6: return ask(s, v, ACCOUNTS, out, err);
    case 7: return ask(s, v, TRANSFERS, out, err);
    case 8: return ask(s, v, CHANGES, out, err);
    case 9: return advance(s, v, BASE_US_PER_SECOND, out, err);
    case 10: return advance(s, v, 1, out, err);
    case 11: return set_balances(s, v, out, err);
    default: return wrong(&d, "the line asks for nothing");
    }
}

gov_status gov_ledger_lines_open(const gov_allocator *alloc, gov *g, gov_ledger_lines **out,
                                 gov_error **err)
{
    const gov_allocator *a = alloc != NULL ? alloc : g != NULL ? g->alloc : &base_malloc;
    const diag d = {a, err};
    if (out == NULL)
        return base_misuse(err, "out");
    gov_ledger_lines *s = base_alloc(a, sizeof *s);
    if (s == NULL)
        return base_nomem(&d);
    *s = (gov_ledger_lines){.alloc = a, .g = g, .clock_us = g != NULL ? access_now(g) : 0};
    ledger_book_init(&s->b, a);
    base_arena_init(&s->arena, a);
    s->b.memory = true;
    *out = s;
    return GOV_OK;
}

gov_status gov_ledger_line(gov_ledger_lines *lines, const char *line, size_t len, char **out,
                           size_t *out_len, gov_error **err)
{
    base_buf text;
    gov_error *why = NULL;
    if (lines == NULL || line == NULL || out == NULL)
        return base_misuse(err, lines == NULL ? "lines" : line == NULL ? "line" : "out");
    base_arena_reset(&lines->arena);
    base_buf_init(&text, NULL); /* text that is handed out is malloc's */
    gov_status rc = answer(lines, line, len, &text, &why);
    if (rc != GOV_OK && rc != GOV_E_NOMEM)
        put_error(&text, why);
    gov_error_free(why);
    *out = rc != GOV_E_NOMEM ? base_buf_take(&text, out_len) : NULL;
    base_buf_free(&text);
    return *out != NULL ? GOV_OK : base_nomem((&(diag){NULL, err}));
}

void gov_ledger_lines_free(gov_ledger_lines *lines)
{
    if (lines == NULL)
        return;
    ledger_book_free(&lines->b);
    base_free(lines->alloc, lines->adjusted);
    base_arena_free(&lines->arena);
    base_free(lines->alloc, lines);
}
