/* The steps of a scenario, one after the other, by the calls that a host makes. */
#include "scenario/scenario.h"

#include <gov/operation.h>
#include <gov/points.h>
#include <string.h>

static const char usual_purpose[] = "scenario";

/* What the machine or the store failed at ends the run; what the rules refused fails the scenario. */
static bool of_machine(gov_status status)
{
    return status == GOV_E_NOMEM || status == GOV_E_BUG || (status >= GOV_E_STORE && status < GOV_E_UNSUPPORTED);
}

const scenario_case *scenario_case_of(const scenario_run *r, const char *name)
{
    for (size_t i = 0; name != NULL && i < r->case_count; i++)
        if (strcmp(r->cases[i].name, name) == 0)
            return &r->cases[i];
    return NULL;
}

static void keep_case(scenario_run *r, const char *name, int64_t id)
{
    if (name != NULL && id != 0)
        r->cases[r->case_count++] = (scenario_case){.name = name, .id = id};
}

/* ---- telling what went wrong ---- */

static const char *what_of(const rulebook_step *step, base_buf *text)
{
    static const char *const words[] = {"given", "at", "advance", "open", "send", "find", "tick", "expect", "call", "migrate"};
    base_buf_str(text, words[step->kind]);
    base_buf_char(text, ' ');
    base_buf_str(text, base_text_or_empty(step->operation != NULL ? step->operation->name : step->event != NULL ? step->event
                                            : step->to != NULL ? step->to : step->workflow));
    if (step->name != NULL && step->event != NULL)
        base_buf_fmt(text, " (%s)", step->name);
    while (text->len > 0 && text->data[text->len - 1] == ' ')
        text->data[--text->len] = '\0';
    return text->failed ? "" : text->data;
}

static bool has_code(const gov_error *err, const char *code)
{
    for (size_t i = 0; i < gov_error_count(err); i++)
        if (strcmp(gov_error_code(err, i), code) == 0)
            return true;
    return false;
}

/* Who may not even see a case is told that there is none; a scenario, which knows the case, may call both a lack of permission. */
static bool fails_as_wanted(const gov_error *err, const rulebook_step *step)
{
    const char *code = step->fails.code;
    const bool hidden = step->kind == RULEBOOK_STEP_SEND && strcmp(code, "permission_denied") == 0;
    return has_code(err, code) || (hidden && has_code(err, "case_unknown"));
}

bool scenario_refused_by(const rulebook_refusal *wanted, const char *file, int64_t line)
{
    return wanted->file == NULL || (file != NULL && strcmp(file, wanted->file) == 0 && (wanted->line == 0 || wanted->line == line));
}

/* Is the rule among those that the error names? */
static bool by_wanted_rule(const gov_error *err, const rulebook_refusal *wanted)
{
    for (size_t i = 0; i < gov_error_count(err); i++)
        if (scenario_refused_by(wanted, gov_error_origin(err, i), gov_error_line(err, i)))
            return true;
    return false;
}

static void tell_all(base_buf *out, const gov_error *err, const char *lang)
{
    for (size_t i = 0; i < gov_error_count(err); i++) {
        base_buf_str(out, i > 0 ? "; " : "");
        base_buf_str(out, gov_error_message(err, i, lang));
        if (gov_error_origin(err, i) != NULL)
            base_buf_fmt(out, " (%s:%lld)", gov_error_origin(err, i), (long long)gov_error_line(err, i));
    }
}

void scenario_rule_text(base_buf *out, const char *file, int64_t line)
{
    char number[24];
    base_buf_str(out, file != NULL ? file : "-");
    if (line > 0) {
        base_buf_char(out, ':');
        base_buf_add(out, number, base_format_int(line, number));
    }
}

/* The code is right, and the rule is another one. */
static gov_status other_rule(scenario_run *r, const rulebook_step *step, const char *what, const gov_error *err, const char *why)
{
    base_buf wanted, found;
    base_buf_init(&wanted, r->g->alloc);
    base_buf_init(&found, r->g->alloc);
    scenario_rule_text(&wanted, step->fails.file, step->fails.line);
    scenario_rule_text(&found, gov_error_origin(err, 0), gov_error_line(err, 0));
    const gov_status told = wanted.failed || found.failed ? GOV_E_NOMEM
                                                          : base_fail_at(&r->to_wrong, &step->place, M_scenario_other_rule, A_S("what", what),
                                                                         A_S("found", found.data), A_S("wanted", wanted.data), A_S("why", why));
    base_buf_free(&wanted);
    base_buf_free(&found);
    return told;
}

/* Compares how a call ended with how it should end. *through: it went through, as it should. */
static gov_status judge(scenario_run *r, const rulebook_step *step, gov_status status, gov_error *err, const char *lang, bool *through)
{
    base_buf what, why;
    gov_status told = GOV_OK;
    const char *code = status != GOV_OK ? gov_error_code(err, 0) : "", *wanted = step->fails.code;
    const bool right_code = wanted != NULL && status != GOV_OK && fails_as_wanted(err, step);
    *through = status == GOV_OK;
    if (wanted == NULL ? status == GOV_OK : right_code && by_wanted_rule(err, &step->fails))
        return GOV_OK;
    base_buf_init(&what, r->g->alloc);
    base_buf_init(&why, r->g->alloc);
    (void)what_of(step, &what);
    tell_all(&why, err, lang);
    if (what.failed || why.failed)
        told = GOV_E_NOMEM;
    else if (wanted == NULL)
        told = base_fail_at(&r->to_wrong, &step->place, M_scenario_failed, A_S("what", what.data), A_S("code", code), A_S("why", why.data));
    else if (status == GOV_OK)
        told = base_fail_at(&r->to_wrong, &step->place, M_scenario_went_through, A_S("what", what.data), A_S("code", wanted));
    else if (right_code)
        told = other_rule(r, step, what.data, err, why.data);
    else
        told = base_fail_at(&r->to_wrong, &step->place, M_scenario_other_code, A_S("what", what.data), A_S("code", code),
                            A_S("wanted", wanted), A_S("why", why.data));
    base_buf_free(&what);
    base_buf_free(&why);
    return told == GOV_E_NOMEM ? GOV_E_NOMEM : GOV_OK;
}

/* ---- who acts ---- */

static gov_status act(scenario_run *r, uint8_t who, const char *as, const char *purpose, gov_error **err)
{
    if (purpose == NULL)
        purpose = usual_purpose;
    if (as == NULL || who == RULEBOOK_AS_HOST)
        return gov_act_as_host(r->g, purpose, err);
    return who == RULEBOOK_AS_STAFF ? gov_act_as(r->g, as, purpose, err) : gov_act_as_resident(r->g, as, purpose, err);
}

/* ---- the steps ---- */

/* Names of cases in fields that refer to cases become what the store knows them by. */
static gov_status input_of(scenario_run *r, const rulebook_step *step, const rulebook_fields *fields, value *out)
{
    value_builder b;
    value_builder_init(&b, r->arena);
    for (size_t i = 0; i < step->fields.len; i++) {
        const value_pair *p = &step->fields.as.pairs[i];
        const rulebook_field *f = fields != NULL && p->key.kind == VALUE_STRING ? rulebook_find_field(fields, p->key.as.s, p->key.len) : NULL;
        const scenario_case *c = f != NULL && f->type == RULEBOOK_CASE && p->val.kind == VALUE_STRING ? scenario_case_of(r, p->val.as.s) : NULL;
        if (p->key.kind == VALUE_STRING)
            value_builder_set_n(&b, p->key.as.s, p->key.len, c != NULL ? value_int(c->id) : p->val);
    }
    *out = value_builder_map(&b);
    return b.failed ? GOV_E_NOMEM : GOV_OK;
}

/* Where the rules do not say who may open cases, only the host may: then `as` is whom it opens the case for. */
static gov_status open_case(scenario_run *r, const rulebook_step *step, int64_t *id, gov_error **err)
{
    gov_case_options o = {.size = sizeof o, .reporter = step->reporter, .grid = step->grid, .source = step->source,
                          .number = step->number, .idempotency_key = step->key};
    const rulebook_workflow *w = NULL;
    value fields;
    const bool listed = rulebook_find_permission(r->g->rules, "case.open") != NULL;
    gov_status status = rulebook_get_workflow(r->g->rules, base_text_or_empty(step->workflow), &w, NULL);
    if (status == GOV_E_NOMEM || input_of(r, step, w != NULL ? &w->fields : NULL, &fields) != GOV_OK)
        return base_nomem(&(diag){r->g->alloc, err});
    if (!listed && o.reporter == NULL && step->who == RULEBOOK_AS_RESIDENT)
        o.reporter = step->as;
    status = act(r, listed ? step->who : RULEBOOK_AS_HOST, step->as, step->purpose, err);
    return status == GOV_OK ? gov_case_open(r->g, step->workflow, &fields, &o, id, err) : status;
}

static const rulebook_fields *event_input(scenario_run *r, int64_t id, const char *event)
{
    for (size_t i = 0; i < r->g->rules->workflows.count; i++) {
        const rulebook_workflow *w = NULL;
        const rulebook_event *e = NULL;
        if (rulebook_get_workflow(r->g->rules, r->g->rules->workflows.items[i], &w, NULL) == GOV_OK)
            e = rulebook_find_event(w, event);
        if (e != NULL && id != 0)
            return &e->input;
    }
    return NULL;
}

static gov_status send_event(scenario_run *r, const rulebook_step *step, gov_error **err)
{
    const scenario_case *c = scenario_case_of(r, step->name);
    const diag d = {r->g->alloc, err};
    value data;
    if (c == NULL)
        return base_fail_at(&d, &step->place, M_scenario_no_case, A_S("name", step->name));
    if (input_of(r, step, event_input(r, c->id, step->event), &data) != GOV_OK)
        return base_nomem(&d);
    const gov_status status = act(r, step->who, step->as, step->purpose, err);
    return status == GOV_OK ? gov_case_send(r->g, c->id, step->event, &data, NULL, err) : status;
}

/* What fell due on the way and failed is told with its reason. */
typedef struct failures {
    scenario_run *r;
    const rulebook_step *step;
    int64_t left;
} failures;

static gov_status tell_failure(void *user, const journal_record *record)
{
    failures *f = user;
    value data;
    if (strcmp(record->kind, "event.failed") != 0 && strcmp(record->kind, "event.parked") != 0 && strcmp(record->kind, "event.waiting") != 0)
        return GOV_OK;
    if (value_read_document(f->r->arena, record->data_text, record->data_len, &data, NULL) != GOV_OK)
        return GOV_E_NOMEM;
    const value event = value_get_text(data, "event"), reason = value_get_text(data, "reason");
    const gov_status told = base_fail_at(&f->r->to_wrong, &f->step->place, M_scenario_failed,
                                         A_N("what", event.kind == VALUE_STRING ? event.as.s : "", event.kind == VALUE_STRING ? event.len : 0),
                                         A_S("code", record->kind),
                                         A_N("why", reason.kind == VALUE_STRING ? reason.as.s : "", reason.kind == VALUE_STRING ? reason.len : 0));
    return told == GOV_E_NOMEM ? told : --f->left == 0 ? GOV_END : GOV_OK;
}

static gov_status read_failures(gov *g, void *user, const diag *d)
{
    const journal_filter filter = {.descending = true};
    const gov_status status = journal_read(g->journal, &filter, tell_failure, user, d);
    return status == GOV_END ? GOV_OK : status;
}

static gov_status tick(scenario_run *r, const rulebook_step *step, uint64_t max, gov_error **err)
{
    static const access_call call = {ACCESS_HOST_ONLY, false};
    gov_tick_result result = {.size = sizeof result};
    gov_status status = act(r, RULEBOOK_AS_HOST, NULL, NULL, err);
    if (status == GOV_OK)
        status = gov_tick(r->g, max, &result, err);
    failures f = {r, step, (int64_t)(result.failed + result.parked)};
    return status == GOV_OK && f.left > 0 ? access_run(r->g, &call, read_failures, &f, err) : status;
}

static gov_status move_clock(scenario_run *r, const rulebook_step *step, gov_error **err)
{
    const diag d = {r->g->alloc, err};
    const int64_t now = gov_now(r->g);
    int64_t to = step->at_us;
    if (step->kind == RULEBOOK_STEP_ADVANCE) {
        case_machine m;
        cal_instant end;
        gov_status status = case_machine_of(r->g, &m, &d);
        if (status == GOV_OK)
            status = case_end_of(&m, r->s->calendar, now, step->advance, CAL_ROLL_NONE, &end, &d);
        if (status != GOV_OK)
            return status;
        to = end.us;
    }
    if (to < now) {
        char *text = NULL;
        gov_status status = gov_time_format(r->g, now, &text, NULL, err);
        if (status == GOV_OK)
            status = base_fail(&d, M_scenario_back, A_S("now", text));
        gov_text_free(text);
        return status;
    }
    return gov_set_now(r->g, to, err);
}

/* What the scenario has named becomes what the store knows it by. */
static gov_status operands_of(scenario_run *r, const rulebook_step *step, value *out)
{
    value_builder b;
    value_builder_init(&b, r->arena);
    for (size_t i = 0; i < step->fields.len; i++) {
        const value_pair *p = &step->fields.as.pairs[i];
        const scenario_case *c = NULL;
        for (size_t k = 0; k < step->operation->operand_count && p->val.kind == VALUE_STRING; k++)
            if (step->operation->operands[k].type == RULEBOOK_OPERAND_ID && value_is_text(p->key, step->operation->operands[k].name))
                c = scenario_case_of(r, p->val.as.s);
        value_builder_set_n(&b, p->key.as.s, p->key.len, c != NULL ? value_int(c->id) : p->val);
    }
    *out = value_builder_map(&b);
    return b.failed ? GOV_E_NOMEM : GOV_OK;
}

typedef struct comparing {
    scenario_run *r;
    const rulebook_step *step;
    const gov_value *answer;
} comparing;

static gov_status compare_body(gov *g, void *input, const diag *d)
{
    const comparing *c = input;
    (void)g;
    return scenario_answer(c->r, c->step, *c->answer, d);
}

/* What the answer has to contain. */
static gov_status compare(scenario_run *r, const rulebook_step *step, const gov_value *answer, gov_error **err)
{
    static const access_call look = {ACCESS_HOST_ONLY, false};
    comparing c = {r, step, answer};
    if (step->gives.kind != VALUE_MAP)
        return GOV_OK;
    const gov_status status = act(r, RULEBOOK_AS_HOST, NULL, NULL, err);
    return status == GOV_OK ? access_run(r->g, &look, compare_body, &c, err) : status;
}

static gov_status migrate(scenario_run *r, const rulebook_step *step, gov_error **err)
{
    gov_value *report = NULL;
    gov_status status = act(r, RULEBOOK_AS_HOST, NULL, NULL, err);
    if (status == GOV_OK)
        status = scenario_migrate(r, step, &report, err);
    if (status == GOV_OK)
        status = compare(r, step, report, err);
    gov_value_free(report);
    return status;
}

static gov_status call_operation(scenario_run *r, const rulebook_step *step, int64_t *id, gov_error **err)
{
    const gov_call_options o = {.size = sizeof o, .idempotency_key = step->key};
    gov_value *answer = NULL;
    value input;
    if (operands_of(r, step, &input) != GOV_OK)
        return base_nomem(&(diag){r->g->alloc, err});
    gov_status status = act(r, step->who, step->as, step->purpose, err);
    if (status == GOV_OK)
        status = gov_operation_run(r->g, step->operation->name, &input, &o, &answer, err);
    *id = status == GOV_OK ? gov_value_int(gov_value_get(answer, "id")) : 0;
    if (status == GOV_OK)
        status = compare(r, step, answer, err);
    gov_value_free(answer);
    return status;
}

static gov_status run_call(scenario_run *r, const rulebook_step *step, int64_t *id, gov_error **err)
{
    gov_status status;
    switch (step->kind) {
    case RULEBOOK_STEP_GIVEN:
        status = act(r, RULEBOOK_AS_HOST, NULL, NULL, err);
        return status == GOV_OK ? scenario_give(r, &step->givens, err) : status;
    case RULEBOOK_STEP_AT:
    case RULEBOOK_STEP_ADVANCE:
        return move_clock(r, step, err);
    case RULEBOOK_STEP_OPEN:
        return open_case(r, step, id, err);
    case RULEBOOK_STEP_SEND:
        return send_event(r, step, err);
    case RULEBOOK_STEP_CALL:
        return call_operation(r, step, id, err);
    case RULEBOOK_STEP_MIGRATE:
        return migrate(r, step, err);
    default:
        return GOV_OK;
    }
}

/* ---- what is expected ---- */

static gov_status check_balances(scenario_run *r, const rulebook_expectation *e, gov_error **err)
{
    gov_status status = act(r, RULEBOOK_AS_HOST, NULL, NULL, err);
    for (uint32_t i = 0; i < e->balance_count && status == GOV_OK; i++) {
        const rulebook_wanted_balance *b = &e->balances[i];
        int64_t points = 0;
        char found[24], wanted[24];
        status = gov_points_balance(r->g, b->programme, b->kind, b->holder, &points, err);
        if (status != GOV_OK || points == b->points)
            continue;
        (void)base_format_int(points, found);
        (void)base_format_int(b->points, wanted);
        if (base_fail_at(&r->to_wrong, &b->place, M_scenario_differs, A_S("what", b->holder), A_S("found", found), A_S("wanted", wanted)) == GOV_E_NOMEM)
            return GOV_E_NOMEM;
    }
    return status;
}

typedef struct looking {
    scenario_run *r;
    const rulebook_step *step;
    int64_t id; /* find */
} looking;

static gov_status look_body(gov *g, void *input, const diag *d)
{
    looking *l = input;
    (void)g;
    gov_error_free(l->r->wrong); /* of a try before this one */
    l->r->wrong = NULL;
    return l->step->kind == RULEBOOK_STEP_FIND ? scenario_find(l->r, l->step, &l->id, d) : scenario_expect(l->r, l->step, d);
}

static gov_status look(scenario_run *r, const rulebook_step *step, gov_error **err)
{
    static const access_call call = {ACCESS_ANYONE, false};
    looking l = {r, step, 0};
    gov_status status = act(r, step->who, step->as, step->purpose, err);
    if (status == GOV_OK)
        status = access_run(r->g, &call, look_body, &l, err);
    if (status == GOV_OK && step->kind == RULEBOOK_STEP_FIND)
        keep_case(r, step->name, l.id);
    return status == GOV_OK && step->expect.balance_count > 0 ? check_balances(r, &step->expect, err) : status;
}

/* ---- one step ---- */

static bool looks_only(const rulebook_step *step)
{
    return step->kind == RULEBOOK_STEP_EXPECT || step->kind == RULEBOOK_STEP_FIND;
}

/* *go_on false: what follows would rest on what did not happen. */
static gov_status run_step(scenario_run *r, const rulebook_step *step, const char *lang, scenario_cover *cover, bool *go_on)
{
    gov_error *err = NULL;
    int64_t id = 0;
    bool through = true;
    gov_status status;
    if (looks_only(step)) {
        status = look(r, step, &err);
    } else {
        for (size_t i = 0; i < r->case_count; i++)
            r->cases[i].seen = r->cases[i].looked;
        status = run_call(r, step, &id, &err);
        keep_case(r, step->name, step->kind == RULEBOOK_STEP_OPEN || step->kind == RULEBOOK_STEP_CALL ? id : 0);
    }
    if (!of_machine(status)) {
        const gov_status told = judge(r, step, status, err, lang, &through);
        scenario_cover_keep(cover, through);
        status = told;
    }
    gov_error_free(err);
    err = NULL;
    *go_on = looks_only(step) ? step->kind == RULEBOOK_STEP_EXPECT || r->wrong == NULL : r->wrong == NULL;
    if (status == GOV_OK && *go_on && !looks_only(step)) {
        status = tick(r, step, step->kind == RULEBOOK_STEP_TICK ? (uint64_t)step->max : 0, &err);
        scenario_cover_keep(cover, status == GOV_OK);
    }
    if (status != GOV_OK)
        (void)base_forward(r->to_wrong.out != NULL ? &r->to_wrong : NULL, err);
    gov_error_free(err);
    return status;
}

/* ---- results ---- */

/* The history as a host gets it, each entry with its time as the community's clocks show it besides. */
static gov_status with_local_times(scenario_run *r, const gov_value *history, value *out)
{
    value_builder list;
    value_builder_init(&list, r->arena);
    for (size_t i = 0; i < history->len; i++) {
        value entry, at;
        value_builder b;
        char *text = NULL;
        int64_t us;
        if (!value_copy(r->arena, history->as.items[i], &entry))
            return GOV_E_NOMEM;
        value_builder_init(&b, r->arena);
        for (size_t k = 0; k < entry.len; k++)
            value_builder_set_n(&b, entry.as.pairs[k].key.as.s, entry.as.pairs[k].key.len, entry.as.pairs[k].val);
        at = value_get_text(entry, "at");
        if (at.kind == VALUE_TIMESTAMP && value_to_us(at, &us) && gov_time_format(r->g, us, &text, NULL, NULL) == GOV_OK)
            value_builder_set_copy(&b, "local", text);
        gov_text_free(text);
        list.failed = list.failed || b.failed;
        value_builder_add(&list, value_builder_map(&b));
    }
    *out = value_builder_list(&list);
    return list.failed ? GOV_E_NOMEM : GOV_OK;
}

static gov_status add_history(scenario_run *r, const rulebook_step *step, value_builder *b)
{
    const scenario_case *c = scenario_case_of(r, step->name);
    gov_error *err = NULL;
    gov_value *history = NULL;
    value copy;
    if (step->kind == RULEBOOK_STEP_CALL)
        return GOV_OK;
    if (step->name != NULL)
        value_builder_set_copy(b, "case", step->name);
    if (c == NULL)
        return GOV_OK;
    gov_status status = act(r, RULEBOOK_AS_HOST, NULL, NULL, &err);
    if (status == GOV_OK)
        status = gov_case_history(r->g, c->id, &history, &err);
    if (status == GOV_OK)
        status = with_local_times(r, history, &copy);
    if (status == GOV_OK)
        value_builder_set(b, "history", copy);
    gov_value_free(history);
    gov_error_free(err);
    return status;
}

static gov_status add_failures(scenario_run *r, const rulebook_step *step, const char *lang, value_builder *list)
{
    gov_status status = base_sort_errors(&r->to_wrong);
    for (size_t i = 0; i < gov_error_count(r->wrong) && status == GOV_OK; i++) {
        value_builder b;
        value_builder_init(&b, r->arena);
        value_builder_set_copy(&b, "file", base_text_or_empty(gov_error_origin(r->wrong, i)));
        value_builder_set(&b, "line", value_int(gov_error_line(r->wrong, i)));
        value_builder_set(&b, "column", value_int(gov_error_column(r->wrong, i)));
        value_builder_set_copy(&b, "code", gov_error_code(r->wrong, i));
        value_builder_set_copy(&b, "message", gov_error_message(r->wrong, i, lang));
        if (i + 1 == gov_error_count(r->wrong))
            status = add_history(r, step, &b);
        list->failed = list->failed || b.failed;
        value_builder_add(list, value_builder_map(&b));
    }
    gov_error_free(r->wrong);
    r->wrong = NULL;
    return status;
}

static gov_status run_steps(scenario_run *r, const char *lang, scenario_cover *cover, value_builder *wrong, int64_t *steps)
{
    bool go_on = true;
    const rulebook_step first = {.kind = RULEBOOK_STEP_GIVEN, .givens = r->s->givens, .place = r->s->place, .fields = value_map(NULL, 0)};
    gov_status status = run_step(r, &first, lang, cover, &go_on);
    if (status == GOV_OK)
        status = add_failures(r, &first, lang, wrong);
    for (uint32_t i = 0; i < r->s->step_count && status == GOV_OK && go_on; i++) {
        status = run_step(r, &r->s->steps[i], lang, cover, &go_on);
        if (status == GOV_OK)
            status = add_failures(r, &r->s->steps[i], lang, wrong);
        ++*steps;
    }
    return status;
}

static gov_status restart_schedules(gov *g, void *input, const diag *d)
{
    (void)input;
    return case_schedules_restart(g, d);
}

/* A scenario that does not say when it begins does so with the year 2026. */
static gov_status begin(scenario_run *r, gov_error **err)
{
    static const access_call call = {ACCESS_HOST_ONLY, true};
    int64_t us = 0;
    const rulebook_step *first = r->s->step_count > 0 ? &r->s->steps[0] : NULL;
    gov_status status = act(r, RULEBOOK_AS_HOST, NULL, NULL, err);
    if (status == GOV_OK && first != NULL && first->kind == RULEBOOK_STEP_AT)
        us = first->at_us;
    else if (status == GOV_OK)
        status = gov_time_parse(r->g, "2026-01-01", &us, err);
    if (status == GOV_OK)
        status = gov_set_now(r->g, us, err);
    return status == GOV_OK ? access_run(r->g, &call, restart_schedules, NULL, err) : status;
}

gov_status scenario_play(gov *g, size_t i, const scenario_setting *setting, scenario_cover *cover, base_arena *arena, value *result,
                         bool *passed, const diag *d)
{
    scenario_run r = {.g = g, .setting = setting, .arena = arena};
    const char *lang = setting->lang;
    gov_error *err = NULL;
    value_builder b, wrong;
    int64_t steps = 0;
    gov_status status = rulebook_get_scenario(g->rules, i, &r.s, d);
    if (status != GOV_OK)
        return status;
    r.to_wrong = (diag){g->alloc, &r.wrong};
    r.cases = base_arena_array(arena, (size_t)r.s->step_count + 1, sizeof *r.cases);
    if (r.cases == NULL)
        return base_nomem(d);
    value_builder_init(&wrong, arena);
    value_builder_init(&b, arena);
    case_set_watch(g, scenario_cover_watch(cover));
    status = begin(&r, &err);
    if (status == GOV_OK)
        status = run_steps(&r, lang, cover, &wrong, &steps);
    case_set_watch(g, NULL);
    if (status == GOV_E_NOMEM)
        (void)base_nomem(d); /* whatever was wrong besides */
    else if (status != GOV_OK)
        (void)base_forward(d, err != NULL ? err : r.wrong);
    gov_error_free(err);
    gov_error_free(r.wrong);
    value_builder_set_copy(&b, "title", rulebook_text_in(&r.s->title, lang, ""));
    value_builder_set_copy(&b, "file", base_text_or_empty(r.s->place.origin));
    value_builder_set(&b, "line", value_int(r.s->place.line));
    *passed = wrong.len == 0;
    value_builder_set(&b, "passed", value_bool(*passed));
    value_builder_set(&b, "steps", value_int(steps));
    value_builder_set(&b, "failures", value_builder_list(&wrong));
    *result = value_builder_map(&b);
    return status == GOV_OK && (b.failed || wrong.failed) ? base_nomem(d) : status;
}
