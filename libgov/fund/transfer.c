/* The effect `transfer`: rules move something between accounts of a fund or programme, at once, or pending until they post or void it,
 * somebody approves or refuses it, or its time is over. */
#include "fund/ops.h"

#include <string.h>

/* ---- what is written ---- */

static const rulebook_param params[] = {{.name = "id", .kind = RULEBOOK_PARAM_ID},
                                        {.name = "ledger", .kind = RULEBOOK_PARAM_NAME},
                                        {.name = "from", .kind = RULEBOOK_PARAM_EXPR},
                                        {.name = "to", .kind = RULEBOOK_PARAM_EXPR},
                                        {.name = "amount", .kind = RULEBOOK_PARAM_EXPR, .type = EXPR_INT},
                                        {.name = "pending", .kind = RULEBOOK_PARAM_DURATION},
                                        {.name = "post", .kind = RULEBOOK_PARAM_OF_ID},
                                        {.name = "void", .kind = RULEBOOK_PARAM_OF_ID}};
static const rulebook_datum done_data[] = {{"transfer", EXPR_INT}, {"amount", EXPR_INT}}, ended_data[] = {{"transfer", EXPR_INT}};
static const rulebook_report reports[] = {
    {.name = "done", .data = done_data, .data_count = ARRAY_LEN(done_data)},
    {.name = "failed", .data = ended_data, .data_count = ARRAY_LEN(ended_data)},
    {.name = "expired", .data = ended_data, .data_count = ARRAY_LEN(ended_data), .by_time = true}};

typedef struct book {
    const rulebook_accounts *accounts;
    const rulebook_section *section;
} book;

/* Whose ledger it is; nobody's (NULL) where the rules have dropped it meanwhile. */
static book book_of(const rulebook *rb, uint32_t number)
{
    for (uint32_t i = 0; i < rb->section_count; i++) {
        const rulebook_section *s = &rb->sections[i];
        const rulebook_accounts *a = rulebook_accounts_of(rb->host, s->kind);
        if (a != NULL && s->content != NULL && a->ledger(s->content) == number)
            return (book){a, s};
    }
    return (book){NULL, NULL};
}

static gov_status find_book(const rulebook *rb, const char *name, const base_place *place, book *out, const diag *d)
{
    const char *names[64];
    size_t n = 0;
    *out = (book){NULL, NULL};
    for (uint32_t i = 0; i < rb->section_count; i++) {
        const rulebook_section *s = &rb->sections[i];
        const rulebook_accounts *a = rulebook_accounts_of(rb->host, s->kind);
        if (a == NULL)
            continue;
        if (strcmp(s->name, name) == 0 && out->section != NULL)
            return base_fail_at(d, place, M_transfer_two_ledgers, A_S("ledger", name), A_S("one", out->section->kind), A_S("other", s->kind));
        if (strcmp(s->name, name) == 0)
            *out = (book){a, s};
        if (n < ARRAY_LEN(names))
            names[n++] = s->name;
    }
    if (out->section != NULL)
        return GOV_OK;
    return base_fail_at(d, place, M_transfer_ledger, A_S("ledger", name), A_S("near", base_nearest(name, strlen(name), names, n)));
}

/* A name that stands there as it is can be looked up before anything happens. */
typedef struct written_name {
    char text[65];
    bool there; /* else it is reckoned, or a record */
} written_name;

static written_name name_of(const rulebook_action *a, const char *which)
{
    written_name n = {.there = false};
    value v;
    const rulebook_argument *arg = rulebook_arg(a, which);
    if (arg == NULL || arg->expr == NULL || !expr_program_constant(arg->expr, &v) || v.kind != VALUE_STRING)
        return n;
    memcpy(n.text, v.as.s, v.len < sizeof n.text - 1 ? v.len : sizeof n.text - 1);
    n.there = true;
    return n;
}

/* Whatever is reckoned may turn out to be a record, and is taken for one. */
static gov_status check_ends(const rulebook_action *a, const book *b, const diag *d)
{
    static const char *const ends[] = {"from", "to"};
    written_name names[2];
    const void *content = b->section->content;
    for (size_t i = 0; i < ARRAY_LEN(ends) && content != NULL; i++) {
        names[i] = name_of(a, ends[i]);
        if (names[i].there && !b->accounts->knows(content, names[i].text))
            return base_fail_at(d, &rulebook_arg(a, ends[i])->place, M_transfer_account, A_S("ledger", b->section->name),
                                A_S("account", names[i].text));
    }
    if (content == NULL || b->accounts->may == NULL)
        return GOV_OK;
    const rulebook_way way = {.from = names[0].there ? names[0].text : NULL, .to = names[1].there ? names[1].text : NULL, .place = &a->place};
    return b->accounts->may(NULL, content, &way, d);
}

static bool names_fund(const rulebook_action *a)
{
    const written_name n = name_of(a, "from");
    return n.there && strcmp(n.text, FUND_OWN) == 0;
}

static gov_status check(void *user, const rulebook_action *a, const rulebook *rb, const diag *d)
{
    static const char *const order[] = {"ledger", "from", "to", "amount"};
    const rulebook_argument *post = rulebook_arg(a, "post"), *drop = rulebook_arg(a, "void"), *of = rulebook_arg(a, "ledger");
    const rulebook_argument *amount = rulebook_arg(a, "amount"), *pending = rulebook_arg(a, "pending"), *id = rulebook_arg(a, "id");
    size_t written = 0;
    book b;
    value v;
    (void)user;
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        written += rulebook_arg(a, order[i]) != NULL;
    const bool ends = post != NULL || drop != NULL;
    if (ends ? (post != NULL && drop != NULL) || id != NULL || pending != NULL || written != (post != NULL && amount != NULL)
             : written != ARRAY_LEN(order))
        return base_fail_at(d, &a->place, M_transfer_shape);
    if (!ends && (id != NULL) != (pending != NULL))
        return base_fail_at(d, &a->place, M_transfer_pending);
    if (amount != NULL && amount->expr != NULL && expr_program_constant(amount->expr, &v) && v.kind == VALUE_INT && v.as.i <= 0)
        return base_fail_at(d, &amount->place, M_fund_amount, A_S("what", "amount"));
    if (ends || of->text == NULL)
        return GOV_OK;
    gov_status rc = find_book(rb, of->text, &of->place, &b, d);
    if (rc == GOV_OK && pending == NULL && b.accounts == &fund_accounts && names_fund(a))
        return base_fail_at(d, &a->place, M_transfer_two_people, A_S("ledger", of->text));
    return rc == GOV_OK ? check_ends(a, &b, d) : rc;
}

/* ---- beginning ---- */

/* One side of it: a name, or a record by its id or as a whole. */
static gov_status side(gov *g, case_machine *m, const rulebook_action *a, const char *which, const book *b, const char **name,
                       int64_t *record, int64_t *account, const diag *d)
{
    value v;
    gov_status rc = case_argument(m, a, which, &v, d);
    if (rc != GOV_OK)
        return rc;
    const value id = v.kind == VALUE_MAP ? value_get_text(v, "id") : v;
    *name = v.kind == VALUE_STRING ? fund_text(g, v) : NULL;
    if (v.kind == VALUE_STRING && *name == NULL)
        return base_nomem(d);
    if (*name != NULL && !b->accounts->knows(b->section->content, *name))
        return base_fail_at(d, &a->place, M_transfer_account, A_S("ledger", b->section->name), A_S("account", *name));
    if (*name == NULL && (id.kind != VALUE_INT || id.as.i <= 0))
        return base_fail_at(d, &a->place, M_transfer_no_account, A_S("which", which));
    if (*name == NULL)
        *record = id.as.i;
    return b->accounts->find(g, b->section->content, *name, *name == NULL ? id.as.i : 0, strcmp(which, "from") == 0, account, d);
}

static gov_status until(case_machine *m, const rulebook_action *a, case_timer *t, bool *pending, const diag *d)
{
    cal_instant end;
    gov_status rc = case_argument_length(m, a, "pending", pending, &t->length, d);
    if (rc != GOV_OK || !*pending)
        return rc;
    rc = case_end_of(m, m->w->calendar, m->now_us, t->length, CAL_ROLL_NONE, &end, d);
    if (rc != GOV_OK)
        return rc;
    t->since_us = m->now_us;
    t->due_us = end.us;
    t->provisional = end.provisional;
    return GOV_OK;
}

static gov_status amount_of(case_machine *m, const rulebook_action *a, int64_t otherwise, int64_t *out, const diag *d)
{
    value v;
    const gov_status rc = case_argument(m, a, "amount", &v, d);
    *out = v.kind == VALUE_INT ? v.as.i : otherwise;
    return rc == GOV_OK && *out <= 0 ? base_fail_at(d, &a->place, M_fund_amount, A_S("what", "amount")) : rc;
}

/* What the statement of a fund will show. */
static gov_status put_entry(gov *g, const case_machine *m, const fund_entry *shape, const fund_move *move, const char *id, const diag *d)
{
    fund_entry e = *shape;
    e.id = move->id;
    e.state = id != NULL ? FUND_PROPOSED : FUND_DONE;
    e.at_us = id != NULL ? 0 : move->at_us;
    e.case_id = id != NULL ? m->id : 0;
    e.effect = id;
    return fund_entry_put(g, &e, d);
}

static gov_status tell(gov *g, const book *b, int64_t account, const diag *d)
{
    return b->accounts != NULL && b->accounts->came != NULL ? b->accounts->came(g, b->section->content, account, d) : GOV_OK;
}

static gov_status note(case_machine *m, const rulebook_action *a, const fund_move *move, const char *name, const diag *d)
{
    value_builder b;
    const char *id = case_effect_id(a);
    value_builder_init(&b, m->arena);
    value_builder_set(&b, "ledger", value_text(name));
    value_builder_set(&b, "amount", value_int(move->amount));
    value_builder_set(&b, "transfer", value_int(move->id));
    if (id != NULL)
        value_builder_set(&b, "id", value_text(id));
    case_note_effect(m, "transfer", value_builder_map(&b));
    return b.failed ? base_nomem(d) : GOV_OK;
}

static gov_status begin(gov *g, case_machine *m, const rulebook_action *a, const diag *d)
{
    const char *id = case_effect_id(a);
    case_timer t = {.data = value_absent()};
    fund_move move = {.subject = m->id, .note = "transfer"};
    fund_passage passage = {0};
    fund_entry shape = {0};
    rulebook_way way = {.place = &a->place};
    bool pending = false;
    book b;
    gov_status rc = find_book(g->rules, rulebook_arg(a, "ledger")->text, &a->place, &b, d);
    if (rc == GOV_OK)
        rc = amount_of(m, a, 0, &move.amount, d);
    if (rc == GOV_OK)
        rc = until(m, a, &t, &pending, d);
    if (rc == GOV_OK)
        rc = side(g, m, a, "from", &b, &way.from, &way.from_record, &move.from, d);
    if (rc == GOV_OK)
        rc = side(g, m, a, "to", &b, &way.to, &way.to_record, &move.to, d);
    if (rc == GOV_OK && b.accounts->may != NULL)
        rc = b.accounts->may(g, b.section->content, &way, d);
    if (rc != GOV_OK)
        return rc;
    passage = (fund_passage){.from = way.from, .to = way.to, .record = way.to_record != 0 ? way.to_record : way.from_record};
    const bool of_fund = b.accounts == &fund_accounts;
    passage.amount = move.amount;
    move.book = b.accounts->ledger(b.section->content);
    move.code = b.accounts->code;
    move.flags = pending ? GOV_TRANSFER_PENDING : 0;
    if (of_fund)
        rc = fund_check_passage(g, b.section->content, &passage, &shape, d);
    if (rc == GOV_OK)
        rc = fund_post(g, &move, NULL, d);
    if (rc == GOV_OK && pending)
        rc = case_effect_begin(m, a, move.id, t.due_us, &t, d);
    if (rc == GOV_OK && of_fund)
        rc = put_entry(g, m, &shape, &move, id, d);
    if (rc == GOV_OK && !pending)
        rc = tell(g, &b, move.to, d);
    return rc == GOV_OK ? note(m, a, &move, b.section->name, d) : rc;
}

/* ---- ending ---- */

static value ended_map(base_arena *arena, int64_t transfer, int64_t amount, bool done)
{
    value_builder b;
    value_builder_init(&b, arena);
    value_builder_set(&b, "transfer", value_int(transfer));
    if (done)
        value_builder_set(&b, "amount", value_int(amount));
    return b.failed ? value_absent() : value_builder_map(&b);
}

/* The entry of a fund follows what became of its transfer. */
static gov_status end_entry(gov *g, int64_t id, const fund_move *m, bool done, const diag *d)
{
    fund_entry e;
    const gov_status rc = fund_entry_look(g, id, &e, d);
    if (rc != GOV_OK || e.state != FUND_PROPOSED)
        return rc == GOV_END ? GOV_OK : rc;
    e.state = done ? FUND_DONE : FUND_DECLINED;
    e.at_us = done ? m->at_us : 0;
    e.transfer = done ? m->id : 0;
    e.amount = done ? m->amount : e.amount;
    return fund_entry_decide(g, &e, d);
}

/* Posts (amount 0: all of it) or voids the pending transfer; *code as the ledger has it. */
static gov_status finish(gov *g, int64_t transfer, bool post, int64_t *amount, int32_t *code, const diag *d)
{
    ledger *l;
    ledger_transfer was = {0};
    gov_status rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = ledger_lookup_transfers(l, &transfer, 1, &was, d);
    if (rc != GOV_OK)
        return rc;
    fund_move m = {.book = was.ledger, .code = was.code, .pending_id = transfer, .subject = was.subject,
                   .amount = !post ? 0 : *amount != 0 ? *amount : was.amount,
                   .flags = post ? GOV_TRANSFER_POST_PENDING : GOV_TRANSFER_VOID_PENDING, .note = post ? "transfer.posted" : "transfer.voided"};
    *amount = m.amount;
    rc = fund_post(g, &m, code, d);
    if (rc == GOV_OK && *code == GOV_LEDGER_EXCEEDS_PENDING_TRANSFER_AMOUNT)
        return base_fail(d, M_fund_not_enough, A_I("amount", m.amount));
    if (rc != GOV_OK || *code != GOV_LEDGER_CREATED)
        return rc;
    rc = end_entry(g, transfer, &m, post, d);
    const book b = book_of(g->rules, was.ledger);
    if (rc == GOV_OK && post)
        rc = tell(g, &b, was.credit_account, d);
    return rc == GOV_OK && m.amount < was.amount ? tell(g, &b, was.debit_account, d) : rc;
}

/* A timer, or an event that rules have sent: nobody stands behind the step. */
static gov_status nobody_approves(gov *g, const rulebook_action *a, int64_t transfer, const diag *d)
{
    ledger *l;
    ledger_transfer was = {0};
    gov_status rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = ledger_lookup_transfers(l, &transfer, 1, &was, d);
    const book b = book_of(g->rules, was.ledger);
    return rc == GOV_OK ? base_fail_at(d, &a->place, M_transfer_nobody, A_S("ledger", b.section != NULL ? b.section->name : "")) : rc;
}

static gov_status end(gov *g, case_machine *m, const rulebook_action *a, bool post, const diag *d)
{
    const char *id = rulebook_arg(a, post ? "post" : "void")->text;
    case_open_effect e;
    int64_t amount = 0;
    int32_t code = 0;
    gov_status rc = case_effect_get(g, m->id, id, m->arena, &e, d);
    if (rc == GOV_END)
        return base_fail_at(d, &a->place, M_transfer_not_open, A_S("id", id));
    if (rc == GOV_OK && post && rulebook_arg(a, "amount") != NULL)
        rc = amount_of(m, a, 0, &amount, d);
    if (rc == GOV_OK)
        rc = finish(g, e.ref, post, &amount, &code, d);
    if (rc == GOV_OK && code == GOV_LEDGER_APPROVAL_NEEDS_ANOTHER_ACTOR && g->actor.kind == ACCESS_RULES)
        return nobody_approves(g, a, e.ref, d);
    const fund_move told = {.amount = amount};
    if (rc == GOV_OK)
        rc = fund_refused(code, &told, d);
    const value data = ended_map(m->arena, e.ref, amount, post);
    if (rc == GOV_OK && data.kind == VALUE_ABSENT)
        rc = base_nomem(d);
    if (rc == GOV_OK)
        rc = case_effect_end(g, m->id, id, post ? "done" : "failed", data, d);
    case_note_effect(m, "transfer", value_text(id));
    return rc;
}

gov_status fund_tell_case(gov *g, const fund_entry *e, bool done, const diag *d)
{
    const value data = ended_map(&g->scratch, e->id, e->amount, done);
    return data.kind == VALUE_ABSENT ? base_nomem(d) : case_effect_end(g, e->case_id, e->effect, done ? "done" : "failed", data, d);
}

/* ---- the runner ---- */

static gov_status run(gov *g, case_machine *m, const rulebook_action *a, const diag *d)
{
    if (rulebook_arg(a, "post") != NULL)
        return end(g, m, a, true, d);
    return rulebook_arg(a, "void") != NULL ? end(g, m, a, false, d) : begin(g, m, a, d);
}

/* Nothing moves when a past case is lived through again; what was not ended then, its time ends. */
static gov_status preview(gov *g, case_machine *m, const rulebook_action *a, const diag *d)
{
    const rulebook_argument *ends = rulebook_arg(a, "post") != NULL ? rulebook_arg(a, "post") : rulebook_arg(a, "void");
    case_timer t = {.data = value_absent()};
    bool pending = false;
    gov_status rc = GOV_OK;
    (void)g;
    if (ends != NULL) {
        const char *timer = case_effect_timer_name(m, ends->text);
        rc = timer != NULL ? m->world->unschedule(m, timer, d) : base_nomem(d);
        case_note_effect(m, "transfer", value_text(ends->text));
        return rc;
    }
    rc = until(m, a, &t, &pending, d);
    if (rc == GOV_OK && pending) {
        const value data = ended_map(m->arena, 0, 0, false);
        rc = data.kind != VALUE_ABSENT ? case_effect_foresee(m, a, "expired", data, t.due_us, d) : base_nomem(d);
    }
    case_note_effect(m, "transfer", value_text(rulebook_arg(a, "ledger")->text));
    return rc;
}

static gov_status cancel(gov *g, case_machine *m, const case_open_effect *e, const diag *d)
{
    int64_t amount = 0;
    int32_t code;
    (void)m;
    return finish(g, e->ref, false, &amount, &code, d);
}

/* Somebody may have ended it in the ledger itself; what stands there counts. */
static gov_status due(gov *g, case_machine *m, const case_open_effect *e, const char **report, value *data, const diag *d)
{
    int64_t amount = 0;
    int32_t code = 0;
    ledger *l;
    ledger_transfer was = {0};
    gov_status rc = finish(g, e->ref, false, &amount, &code, d);
    if (rc == GOV_OK)
        rc = ledger_of(g, &l, d);
    if (rc == GOV_OK)
        rc = ledger_lookup_transfers(l, &e->ref, 1, &was, d);
    const bool posted = code == GOV_LEDGER_PENDING_TRANSFER_ALREADY_POSTED;
    *report = posted ? "done" : code == GOV_LEDGER_PENDING_TRANSFER_ALREADY_VOIDED ? "failed" : "expired";
    *data = ended_map(m->arena, e->ref, was.amount, posted);
    return rc == GOV_OK && data->kind == VALUE_ABSENT ? base_nomem(d) : rc;
}

static const case_runner runner = {run, preview, cancel, due};
const rulebook_effect fund_effects[1] = {
    {"transfer", params, ARRAY_LEN(params), check, (void *)(uintptr_t)&runner, reports, ARRAY_LEN(reports)}};
