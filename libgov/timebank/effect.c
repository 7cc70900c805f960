/* The effect `book`: a case books a service, and is told how it ended.
 *
 *   book: {id: visit, skill: company, volunteer: case.volunteer, recipient: case.reporter, from: case.at, minutes: 60, pool: true}
 *
 * The case goes on meanwhile. ID.done comes when the service is confirmed or ruled, ID.failed when it is called off, missed or ruled
 * void, ID.expired when nobody confirmed it in time. Where the case ends before, or cancels it, a booking that has not begun is let go; one
 * that has lives on without the case: what somebody has served is theirs. */
#include "timebank/timebank.h"

#include <string.h>

enum { RESIDENTS = 1 << RULEBOOK_RESIDENT };
static const rulebook_param params[] = {{"id", RULEBOOK_PARAM_ID, false, EXPR_DYN, NULL, NULL, 0},
                                        {"bank", RULEBOOK_PARAM_SECTION, false, EXPR_DYN, "time_bank", NULL, 0},
                                        {"skill", RULEBOOK_PARAM_NAME, true, EXPR_DYN, NULL, NULL, 0},
                                        {"volunteer", RULEBOOK_PARAM_EXPR, true, EXPR_DYN, NULL, NULL, RESIDENTS},
                                        {"recipient", RULEBOOK_PARAM_EXPR, true, EXPR_DYN, NULL, NULL, RESIDENTS},
                                        {"from", RULEBOOK_PARAM_EXPR, true, EXPR_TIMESTAMP, NULL, NULL, 0},
                                        {"minutes", RULEBOOK_PARAM_EXPR, true, EXPR_INT, NULL, NULL, 0},
                                        {"pool", RULEBOOK_PARAM_EXPR, false, EXPR_BOOL, NULL, NULL, 0}};
static const rulebook_datum done_data[] = {{"booking", EXPR_INT}, {"served", EXPR_INT}, {"own", EXPR_INT}, {"donated", EXPR_INT}};
static const rulebook_datum failed_data[] = {{"booking", EXPR_INT}, {"reason", EXPR_STRING}};
static const rulebook_datum expired_data[] = {{"booking", EXPR_INT}};
static const rulebook_report reports[] = {{.name = "done", .data = done_data, .data_count = ARRAY_LEN(done_data)},
                                          {.name = "failed", .data = failed_data, .data_count = ARRAY_LEN(failed_data)},
                                          {.name = "expired", .data = expired_data, .data_count = ARRAY_LEN(expired_data)}};

static const char *written(const rulebook_action *a, const char *name)
{
    const rulebook_argument *arg = rulebook_arg(a, name);
    return arg != NULL ? arg->text : NULL;
}

static gov_status check(void *user, const rulebook_action *a, const rulebook *rb, const diag *d)
{
    const char *bank = written(a, "bank"), *skill = written(a, "skill");
    const timebank_bank *b = timebank_find(rb, bank);
    (void)user;
    if (b == NULL && bank == NULL)
        return base_fail_at(d, &a->place, M_timebank_unknown);
    if (b == NULL || skill == NULL)
        return GOV_OK; /* told already */
    for (uint32_t i = 0; i < b->skill_count; i++)
        if (strcmp(b->skills[i].name, skill) == 0)
            return GOV_OK;
    return base_fail_at(d, &rulebook_arg(a, "skill")->place, M_timebank_no_skill, A_S("bank", b->name), A_S("skill", skill));
}

static gov_status read_terms(case_machine *m, const rulebook_action *a, timebank_terms *terms, const diag *d)
{
    value volunteer, recipient, from, minutes, pool;
    *terms = (timebank_terms){.skill = written(a, "skill"), .case_id = m->id, .effect = case_effect_id(a)};
    gov_status rc = case_argument(m, a, "volunteer", &volunteer, d);
    if (rc == GOV_OK)
        rc = case_argument(m, a, "recipient", &recipient, d);
    if (rc == GOV_OK)
        rc = case_argument(m, a, "from", &from, d);
    if (rc == GOV_OK)
        rc = case_argument(m, a, "minutes", &minutes, d);
    if (rc == GOV_OK)
        rc = case_argument(m, a, "pool", &pool, d);
    if (rc != GOV_OK)
        return rc;
    terms->volunteer = volunteer.kind == VALUE_INT ? volunteer.as.i : 0;
    terms->recipient = recipient.kind == VALUE_INT ? recipient.as.i : 0;
    terms->pooled = pool.kind == VALUE_BOOL && pool.as.b;
    if (!timebank_us(from, &terms->from_us) || terms->from_us <= 0)
        return base_fail_at(d, &a->place, M_timebank_window);
    if (minutes.kind != VALUE_INT || minutes.as.i < 1 || minutes.as.i > INT64_C(1) << 40)
        return base_fail_at(d, &a->place, M_timebank_minutes, A_I("minutes", minutes.kind == VALUE_INT ? minutes.as.i : 0));
    terms->minutes = minutes.as.i;
    return GOV_OK;
}

static gov_status note(case_machine *m, const timebank_terms *terms, int64_t booking, const diag *d)
{
    value_builder b;
    value_builder_init(&b, m->arena);
    value_builder_set(&b, "skill", value_text(terms->skill));
    value_builder_set(&b, "volunteer", value_int(terms->volunteer));
    value_builder_set(&b, "recipient", value_int(terms->recipient));
    value_builder_set(&b, "minutes", value_int(terms->minutes));
    if (booking != 0)
        value_builder_set(&b, "booking", value_int(booking));
    case_note_effect(m, "book", value_builder_map(&b));
    return b.failed ? base_nomem(d) : GOV_OK;
}

static gov_status run(gov *g, case_machine *m, const rulebook_action *a, const diag *d)
{
    const char *bank = written(a, "bank");
    timebank_teller t;
    timebank_terms terms;
    timebank_booking k;
    gov_status rc = timebank_open(g, bank != NULL ? value_text(bank) : value_absent(), true, &t, d);
    if (rc == GOV_OK)
        rc = read_terms(m, a, &terms, d);
    if (rc == GOV_OK)
        rc = timebank_book(&t, &terms, &k);
    if (rc == GOV_OK && terms.effect != NULL)
        rc = case_effect_begin(m, a, k.id, k.expires_us, NULL, d);
    return rc == GOV_OK ? note(m, &terms, k.id, d) : rc;
}

static gov_status preview(gov *g, case_machine *m, const rulebook_action *a, const diag *d)
{
    timebank_terms terms;
    (void)g;
    const gov_status rc = read_terms(m, a, &terms, d);
    return rc == GOV_OK ? note(m, &terms, 0, d) : rc;
}

/* Nobody is told how it ends. */
static gov_status part_from_case(timebank_teller *t, const timebank_booking *k)
{
    static const store_sql sql = {"UPDATE gov_timebank_booking SET case_id = NULL, effect = NULL WHERE community = $1 AND id = $2"};
    return access_keep(t->g, store_post(t->g->store, &sql, STORE_ARGS(store_i(t->g->community), store_i(k->id)), 1, t->d),
                       &timebank_kept_booking, k->id, 0, 0, t->d);
}

static gov_status cancel(gov *g, case_machine *m, const case_open_effect *e, const diag *d)
{
    timebank_teller t;
    timebank_booking k;
    (void)m;
    gov_status rc = timebank_load_booking(g, e->ref, &k, d);
    if (rc == GOV_OK)
        rc = timebank_open_book(g, k.book, true, &t, d);
    if (rc == GOV_OK)
        rc = timebank_load_booking(g, e->ref, &k, d);
    if (rc != GOV_OK || k.state >= TIMEBANK_SETTLED)
        return rc;
    rc = part_from_case(&t, &k);
    k.case_id = 0;
    /* Once its time has come it may have been served, whether somebody checked in or not. */
    if (rc == GOV_OK && k.state == TIMEBANK_BOOKED && k.from_us > access_now(g))
        rc = timebank_let_go(&t, &k, TIMEBANK_CANCELLED);
    return rc;
}

static const case_runner runner = {.run = run, .preview = preview, .cancel = cancel};
const rulebook_effect timebank_effect = {"book",           params,  ARRAY_LEN(params), check, (void *)(uintptr_t)&runner, reports,
                                         ARRAY_LEN(reports)};

gov_status timebank_tell(timebank_teller *t, const timebank_booking *k, const char *how)
{
    value_builder b;
    if (k->case_id == 0 || k->effect == NULL || k->effect[0] == '\0')
        return GOV_OK;
    value_builder_init(&b, &t->g->scratch);
    value_builder_set(&b, "booking", value_int(k->id));
    if (strcmp(how, "done") == 0) {
        value_builder_set(&b, "served", value_int(k->served));
        value_builder_set(&b, "own", value_int(k->own));
        value_builder_set(&b, "donated", value_int(k->donated));
    } else if (strcmp(how, "failed") == 0) {
        value_builder_set(&b, "reason", value_text(timebank_state_name(k->state)));
    }
    return b.failed ? base_nomem(t->d) : case_effect_end(t->g, k->case_id, k->effect, how, value_builder_map(&b), t->d);
}
