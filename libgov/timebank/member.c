/* Members: who they are to the rules, what they have, what is told of them. */
#include "timebank/timebank.h"

#include <string.h>

/* ---- the bank at hand ---- */

gov_status timebank_open_book(gov *g, uint32_t book, bool writes, timebank_teller *t, const diag *d)
{
    *t = (timebank_teller){.g = g, .bank = timebank_of_book(g->rules, book), .d = d};
    if (t->bank == NULL)
        return base_fail(d, M_timebank_unknown);
    const gov_status rc = ledger_of(g, &t->l, d);
    return rc == GOV_OK && writes ? ledger_hold(t->l, book, d) : rc;
}

gov_status timebank_open(gov *g, value name, bool writes, timebank_teller *t, const diag *d)
{
    const char *text = NULL;
    if (name.kind == VALUE_STRING) {
        text = base_arena_strndup(&g->scratch, name.as.s, name.len);
        if (text == NULL)
            return base_nomem(d);
    }
    const timebank_bank *b = timebank_find(g->rules, text);
    if (b == NULL)
        return timebank_unknown(g->rules, text, name.len, NULL, d);
    return timebank_open_book(g, b->book, writes, t, d);
}

/* ---- counts ---- */

gov_status timebank_load_member(timebank_teller *t, int64_t resident, timebank_member *m)
{
    static const store_sql sql = {"SELECT served, donated, received, services, no_shows, stars, ratings, last_us, standing "
                                  "FROM gov_timebank_member WHERE community = $1 AND book = $2 AND resident = $3",
                                  0};
    store_rows rows;
    *m = (timebank_member){.resident = resident};
    const gov_status rc =
        store_first(t->g->store, &sql,
                    STORE_ARGS(store_i(t->g->community), store_i(t->bank->book), store_i(resident)), &rows, t->d);
    if (rc != GOV_OK)
        return rc == GOV_END ? GOV_OK : rc;
    *m = (timebank_member){.resident = resident,
                           .served = store_int(&rows, 0),
                           .donated = store_int(&rows, 1),
                           .received = store_int(&rows, 2),
                           .services = store_int(&rows, 3),
                           .no_shows = store_int(&rows, 4),
                           .stars = store_int(&rows, 5),
                           .ratings = store_int(&rows, 6),
                           .last_us = store_int(&rows, 7),
                           .standing = (int32_t)store_int(&rows, 8),
                           .stored = true};
    store_rows_close(&rows);
    return GOV_OK;
}

gov_status timebank_change_member(timebank_teller *t, const timebank_member *by)
{
    static const store_sql add = {"INSERT INTO gov_timebank_member (community, book, resident, served, donated, received, "
                                  "services, no_shows, stars, ratings, last_us, standing) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
                                  "$9, $10, $11, $12)",
                                  0};
    static const store_sql set = {
        "UPDATE gov_timebank_member SET served = $4, donated = $5, received = $6, services = $7, no_shows = $8, stars = $9, "
        "ratings = $10, last_us = $11, standing = $12 WHERE community = $1 AND book = $2 AND resident = $3",
        0};
    timebank_member m;
    const gov_status rc = timebank_load_member(t, by->resident, &m);
    if (rc != GOV_OK)
        return rc;
    if (!base_add(m.served, by->served, &m.served) || !base_add(m.donated, by->donated, &m.donated) ||
        !base_add(m.received, by->received, &m.received))
        return base_fail(t->d, M_overflow, A_S("what", "minutes"));
    m.services += by->services;
    m.no_shows += by->no_shows;
    m.stars += by->stars;
    m.ratings += by->ratings;
    if (by->last_us > m.last_us)
        m.last_us = by->last_us;
    if (by->standing != TIMEBANK_ACTIVE)
        m.standing = by->standing;
    return access_keep(
        t->g,
        store_post(t->g->store, m.stored ? &set : &add,
                   STORE_ARGS(store_i(t->g->community), store_i(t->bank->book), store_i(m.resident),
                              store_i(m.served), store_i(m.donated), store_i(m.received),
                              store_i(m.services), store_i(m.no_shows), store_i(m.stars),
                              store_i(m.ratings), store_i0(m.last_us), store_i(m.standing)),
                   1, t->d),
        &timebank_kept_member, t->bank->book, m.resident, 0, t->d);
}

gov_status timebank_check_active(timebank_teller *t, int64_t resident)
{
    timebank_member m;
    const gov_status rc = timebank_load_member(t, resident, &m);
    if (rc != GOV_OK || m.standing == TIMEBANK_ACTIVE)
        return rc;
    return base_fail(t->d, m.standing == TIMEBANK_LEFT ? M_timebank_left : M_timebank_dead);
}

/* ---- accounts ---- */

gov_status timebank_find_account(timebank_teller *t, int64_t subject, uint32_t code, int64_t *id)
{
    return ledger_find_account(t->l, t->bank->book, subject, code, id, t->d);
}

gov_status timebank_account(timebank_teller *t, int64_t subject, uint32_t code, int64_t *id)
{
    ledger_account a = {.ledger = t->bank->book, .code = code, .subject = subject};
    const int64_t below = code == TIMEBANK_MEMBER ? t->bank->negative : 0;
    if (code == TIMEBANK_POOL || code == TIMEBANK_TRANSIT || (code == TIMEBANK_MEMBER && below == 0)) {
        a.flags = GOV_ACCOUNT_DEBITS_MUST_NOT_EXCEED_CREDITS;
    } else if (code == TIMEBANK_MEMBER) {
        a.flags = GOV_ACCOUNT_MIN_BALANCE;
        a.min_balance = -below;
    }
    return ledger_account_for(t->g, &a, id, t->d);
}

gov_status timebank_own_account(timebank_teller *t, uint32_t code, int64_t *id)
{
    return timebank_account(t, t->bank->book, code, id);
}

gov_status timebank_figures(timebank_teller *t, int64_t subject, uint32_t code, ledger_account *out)
{
    int64_t id;
    *out = (ledger_account){0};
    const gov_status rc = timebank_find_account(t, subject, code, &id);
    return rc == GOV_OK && id != 0 ? ledger_lookup_accounts(t->l, &id, 1, out, t->d) : rc;
}

gov_status timebank_check_has(timebank_teller *t, int64_t resident, int64_t minutes)
{
    ledger_account a;
    const gov_status rc = timebank_figures(t, resident, TIMEBANK_MEMBER, &a);
    if (rc == GOV_OK && timebank_balance_of(&a) - a.debits_pending < minutes)
        return base_fail(t->d, M_timebank_not_enough, A_I("minutes", minutes));
    return rc;
}

/* ---- transfers ---- */

gov_status timebank_transfer(timebank_teller *t, uint32_t code, int64_t from, int64_t to, int64_t amount,
                             ledger_transfer *out)
{
    *out = (ledger_transfer){
        .debit_account = from, .credit_account = to, .amount = amount, .ledger = t->bank->book, .code = code};
    return access_new_id(t->g, &out->id, t->d);
}

gov_status timebank_try(timebank_teller *t, ledger_transfer *events, size_t n, const timebank_note *note, int32_t *refused)
{
    const ledger_note said = {note->kind, note->subject, note->data};
    ledger_result *results = base_arena_array(&t->g->scratch, n, sizeof *results);
    *refused = GOV_LEDGER_CREATED;
    if (results == NULL)
        return base_nomem(t->d);
    for (size_t i = 0; i + 1 < n; i++)
        events[i].flags |= GOV_TRANSFER_LINKED;
    const gov_status rc = ledger_post(t->g, events, n, &said, results, t->d);
    for (size_t i = 0; i < n && rc == GOV_OK; i++)
        if (results[i].code != GOV_LEDGER_CREATED &&
            (*refused == GOV_LEDGER_CREATED || *refused == GOV_LEDGER_LINKED_EVENT_FAILED))
            *refused = results[i].code;
    return rc;
}

gov_status timebank_post(timebank_teller *t, ledger_transfer *events, size_t n, const timebank_note *note)
{
    int32_t refused;
    const gov_status rc = timebank_try(t, events, n, note, &refused);
    if (rc != GOV_OK || refused == GOV_LEDGER_CREATED)
        return rc;
    if (refused == GOV_LEDGER_EXCEEDS_CREDITS || refused == GOV_LEDGER_EXCEEDS_MIN_BALANCE)
        return base_fail(t->d, M_timebank_not_enough, A_I("minutes", events[n - 1].amount));
    return base_fail(t->d, M_timebank_refused, A_S("result", gov_ledger_result_name(refused)));
}

gov_status timebank_record(timebank_teller *t, const char *kind, const timebank_note *note)
{
    const journal_entry e = {
        .kind = kind, .subject_kind = note->kind, .subject = note->subject, .data = note->data};
    return access_record(t->g, &e, NULL, t->d);
}

/* ---- what the rules ask of a person ---- */

/* The rules judge by the records as they are, whoever asks. */
static gov_status whole_record(gov *g, int64_t id, registry_record *r, value *it, const diag *d)
{
    const access_actor actor = access_become_rules(g);
    gov_status rc = registry_load(g, id, &g->scratch, r, d);
    if (rc == GOV_OK)
        rc = registry_it(g, r, &g->scratch, it, d);
    access_restore(g, actor);
    return rc;
}

void timebank_civil(const gov *g, int64_t us, int64_t *day, int64_t *month)
{
    int64_t seconds = us / BASE_US_PER_SECOND;
    int32_t year;
    unsigned m, dom;
    if (g->rules->zone != NULL)
        seconds += base_zone_offset(g->rules->zone, seconds);
    *day = seconds >= 0 ? seconds / 86400 : -1;
    base_civil_from_days(*day, &year, &m, &dom);
    *month = (int64_t)year * 12 + m - 1;
}

static int64_t age_of(const gov *g, value doc)
{
    const value born = value_get_text(doc, "birth_date"), year_born = value_get_text(doc, "birth_year");
    int64_t today, month, then;
    int32_t year, y;
    unsigned m, dom, bm, bd;
    timebank_civil(g, access_now(g), &today, &month);
    base_civil_from_days(today, &year, &m, &dom);
    if (born.kind == VALUE_STRING && base_parse_date(born.as.s, born.len, &then)) {
        base_civil_from_days(then, &y, &bm, &bd);
        return (int64_t)year - y - (m < bm || (m == bm && dom < bd));
    }
    return year_born.kind == VALUE_INT ? year - year_born.as.i : -1;
}

gov_status timebank_age(timebank_teller *t, int64_t resident, int64_t *age)
{
    registry_record r;
    const gov_status rc = registry_load(t->g, resident, &t->g->scratch, &r, t->d);
    *age = rc == GOV_OK ? age_of(t->g, r.doc) : -1;
    return rc;
}

static gov_status home_of(timebank_teller *t, value doc, value *home)
{
    const value id = value_get_text(doc, GOV_KIND_HOUSEHOLD);
    value_pair *none = base_arena_array(&t->g->scratch, 1, sizeof *none);
    registry_record r;
    if (none == NULL)
        return base_nomem(t->d);
    none[0] = (value_pair){value_text("tags"), value_list(NULL, 0)};
    *home = value_map(none, 1);
    return id.kind == VALUE_INT ? whole_record(t->g, id.as.i, &r, home, t->d) : GOV_OK;
}

gov_status timebank_holds(timebank_teller *t, const expr_program *when, int64_t resident, bool *holds)
{
    const timebank_bank *b = t->bank;
    const value *presets;
    uint32_t count;
    registry_record r;
    ledger_account a;
    timebank_member m;
    value it, home;
    *holds = true;
    if (when == NULL)
        return GOV_OK;
    value *slots = base_arena_array(&t->g->scratch, b->slot_count, sizeof *slots);
    if (slots == NULL)
        return base_nomem(t->d);
    gov_status rc = whole_record(t->g, resident, &r, &it, t->d);
    if (rc == GOV_OK)
        rc = home_of(t, r.doc, &home);
    if (rc == GOV_OK)
        rc = timebank_figures(t, resident, TIMEBANK_MEMBER, &a);
    if (rc == GOV_OK)
        rc = timebank_load_member(t, resident, &m);
    if (rc != GOV_OK)
        return rc;
    (void)rulebook_common_slots(t->g->rules, &presets, &count);
    for (uint32_t i = 0; i < b->slot_count; i++)
        slots[i] = i < count ? presets[i] : value_absent();
    if (b->slot_now < b->slot_count)
        slots[b->slot_now] = value_from_us(access_now(t->g));
    slots[b->slot_resident] = it;
    slots[b->slot_household] = home;
    slots[b->slot_age] = value_int(age_of(t->g, r.doc));
    slots[b->slot_balance] = value_int(timebank_balance_of(&a));
    slots[b->slot_served] = value_int(m.served);
    const expr_run run = {.slots = slots,
                          .slot_count = b->slot_count,
                          .scratch = &t->g->scratch,
                          .now_us = access_now(t->g),
                          .zone = t->g->rules->zone};
    return expr_eval_bool(when, &run, holds, t->d);
}

/* The relation is the giver's word: a text, or a list of them, under the other's key. */
gov_status timebank_related(timebank_teller *t, const rulebook_names *list, int64_t from, int64_t to, bool *is)
{
    registry_record giver;
    const char *key, *name;
    *is = rulebook_has_name(list, "anyone");
    if (*is)
        return GOV_OK;
    gov_status rc = registry_load(t->g, from, &t->g->scratch, &giver, t->d);
    if (rc == GOV_OK)
        rc = registry_label(t->g, to, &key, &name, t->d);
    if (rc != GOV_OK)
        return rc;
    const value as = value_get_text(value_get_text(giver.doc, t->bank->kin), key);
    const value *words = as.kind == VALUE_LIST ? as.as.items : &as;
    const size_t n = as.kind == VALUE_LIST ? as.len : as.kind == VALUE_STRING ? 1 : 0;
    *is = n > 0 && rulebook_has_name(list, "kin");
    for (size_t i = 0; i < n && !*is; i++)
        for (uint32_t j = 0; j < list->count && !*is; j++)
            *is = value_is_text(words[i], list->items[j]);
    return GOV_OK;
}

const timebank_level *timebank_level_of(const timebank_bank *b, int64_t served, const timebank_level **next)
{
    const timebank_level *at = NULL;
    *next = NULL;
    for (uint32_t i = 0; i < b->level_count; i++) {
        if (b->levels[i].minutes > served) {
            *next = &b->levels[i];
            break;
        }
        at = &b->levels[i];
    }
    return at;
}

/* ---- what is told of them ---- */

gov_status timebank_person(gov *g, int64_t resident, value *out, const diag *d)
{
    const rulebook_record *declared = rulebook_find_record(g->rules, GOV_KIND_RESIDENT);
    const rulebook_field *f = declared != NULL ? rulebook_find_field(&declared->fields, "name", 4) : NULL;
    registry_record r;
    access_subject scope;
    value_builder b;
    value name = value_null();
    gov_status rc = registry_load(g, resident, &g->scratch, &r, d);
    if (rc == GOV_OK)
        rc = registry_subject(g, &r, &scope, d);
    if (rc != GOV_OK)
        return rc;
    value_builder_init(&b, &g->scratch);
    if (value_get_text(r.doc, "name").kind == VALUE_STRING)
        rc = access_show(g, f != NULL ? f->sensitive : NULL, r.kind, resident, "name", value_get_text(r.doc, "name"),
                         &scope, &g->scratch, &name, d);
    value_builder_set(&b, "key", value_text(r.key));
    value_builder_set(&b, "name", name);
    *out = value_builder_map(&b);
    return rc == GOV_OK && b.failed ? base_nomem(d) : rc;
}

gov_status timebank_reaches(gov *g, const char *permission, const int64_t *residents, size_t n, bool *reaches,
                            const diag *d)
{
    *reaches = false;
    for (size_t i = 0; i < n && !*reaches; i++) {
        if (residents[i] == 0)
            continue;
        const gov_status rc = registry_reaches(g, permission, residents[i], reaches, d);
        if (rc != GOV_OK)
            return rc;
    }
    return GOV_OK;
}

/* ---- operands ---- */

bool timebank_us(value v, int64_t *us)
{
    return v.kind == VALUE_TIMESTAMP && value_to_us(v, us);
}

gov_status timebank_place(gov *g, value v, bool *has, geo_point *out, const diag *d)
{
    static const rulebook_field field = {
        .name = "place", .type = RULEBOOK_POINT, .slot = RULEBOOK_NONE, .max_length = -1, .when_it = RULEBOOK_NONE};
    const rulebook_checking how = {.partial = true, .arena = &g->scratch};
    rulebook_field f = field;
    value point;
    f.preset = f.min = f.max = value_absent();
    *has = v.kind != VALUE_ABSENT && v.kind != VALUE_NULL;
    if (!*has)
        return GOV_OK;
    const gov_status rc = rulebook_check_field(&f, v, &how, &point, d);
    if (rc == GOV_OK)
        *out = (geo_point){value_get_text(point, "lat").as.i, value_get_text(point, "lon").as.i};
    return rc;
}

gov_status timebank_text(gov *g, value v, size_t most, const char **out, const diag *d)
{
    *out = NULL;
    if (v.kind != VALUE_STRING)
        return GOV_OK;
    if (base_utf8_count(v.as.s, v.len) > most)
        return base_fail(d, M_too_large, A_S("what", "text"), A_I("limit", most));
    *out = base_arena_strndup(&g->scratch, v.as.s, v.len);
    return *out != NULL ? GOV_OK : base_nomem(d);
}

gov_status timebank_minutes(value v, int64_t least, int64_t *out, const diag *d)
{
    if (v.kind == VALUE_ABSENT)
        return GOV_OK;
    if (v.kind != VALUE_INT || v.as.i < least || v.as.i > INT64_C(1) << 40)
        return base_fail(d, M_timebank_minutes, A_I("minutes", v.kind == VALUE_INT ? v.as.i : 0));
    *out = v.as.i;
    return GOV_OK;
}
