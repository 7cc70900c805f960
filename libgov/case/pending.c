/* What waits, against the journal: each step tells which timers it set and took back, and which effects that end later it began and
 * ended. So a timer that was taken away, put off or slipped in behind the library's back is found, before somebody waits in vain. */
#include "case/live.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN = 8, PAGE = 256, LONGEST_NAME = 300 };

/* ---- telling ---- */

void case_timer_digest(base_buf *data, const case_timer *t, const char *length, size_t length_len, uint8_t out[CASE_WAIT_DIGEST])
{
    const struct {
        const char *s;
        size_t len;
    } texts[] = {{t->event, strlen(t->event)}, {length, length_len}, {t->calendar, t->calendar != NULL ? strlen(t->calendar) : 0}};
    uint8_t digest[CASE_ROW_DIGEST];
    base_buf_be64(data, data->len);
    base_buf_be64(data, t->kind);
    base_buf_be64(data, (uint64_t)t->since_us);
    base_buf_be64(data, t->roll);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        base_buf_be64(data, texts[i].len);
        base_buf_add(data, texts[i].len > 0 ? texts[i].s : "", texts[i].len);
    }
    if (data->failed)
        return;
    base_fingerprint(data->data, data->len, NULL, 0, digest, sizeof digest);
    memcpy(out, digest, CASE_WAIT_DIGEST);
}

static void tell(case_machine *m, char sign, int64_t other, const char *name, const char *more)
{
    const size_t size = strlen(name) + strlen(more) + 32;
    char *text = base_arena_alloc(m->arena, size);
    if (text != NULL && other != m->id)
        (void)snprintf(text, size, "%c%lld %s%s", sign == '+' ? '>' : '<', (long long)other, name, more);
    else if (text != NULL)
        (void)snprintf(text, size, "%c%s%s", sign, name, more);
    value_builder_add(&m->waits, value_text(text));
    m->waits.failed = m->waits.failed || text == NULL;
}

void case_tell_wait(case_machine *m, int64_t other, const char *name, int64_t due_us, const uint8_t digest[CASE_WAIT_DIGEST])
{
    char more[2 * CASE_WAIT_DIGEST + 32], hex[2 * CASE_WAIT_DIGEST + 1];
    base_hex(digest, CASE_WAIT_DIGEST, hex);
    (void)snprintf(more, sizeof more, " %lld.%s", (long long)due_us, hex);
    tell(m, '+', other, name, more);
}

void case_tell_gone(case_machine *m, int64_t other, const char *name)
{
    tell(m, '-', other, name, "");
}

void case_tell_moved(case_machine *m, const char *name, int64_t due_us)
{
    char more[32];
    (void)snprintf(more, sizeof more, " %lld", (long long)due_us);
    tell(m, '~', m->id, name, more);
}

void case_tell_all_gone(case_machine *m, bool closed)
{
    tell(m, closed ? '*' : '@', m->id, "", "");
}

static void effect_digest(const char *effect, int64_t since_us, int64_t due_us, int64_t ref, char hex[2 * SHOWN + 1])
{
    uint8_t digest[CASE_ROW_DIGEST];
    char text[160];
    const int len = snprintf(text, sizeof text, "%.64s %lld %lld %lld", effect, (long long)since_us, (long long)due_us, (long long)ref);
    base_fingerprint(text, (size_t)len, NULL, 0, digest, sizeof digest);
    base_hex(digest, SHOWN, hex);
}

void case_tell_effect(case_machine *m, const char *id, const char *effect, int64_t since_us, int64_t due_us, int64_t ref)
{
    char more[2 * SHOWN + 2] = " ";
    effect_digest(effect, since_us, due_us, ref, more + 1);
    tell(m, '&', m->id, id, more);
}

void case_tell_effect_gone(case_machine *m, const char *id)
{
    tell(m, '/', m->id, id, "");
}

/* ---- hearing ---- */

/* Under which names the witness keeps them: no clock begins with one of these. */
static case_told *told_of(case_witness *w, int64_t id, char sign, const char *name, size_t len)
{
    char key[LONGEST_NAME + 1];
    if (len >= LONGEST_NAME)
        return NULL;
    key[0] = sign;
    memcpy(key + 1, name, len);
    key[len + 1] = '\0';
    return case_witness_told(w, id, key);
}

/* A name of an event from another case is used once: what is gone stays gone, whichever entry was read first. */
static gov_status note(case_witness *w, int64_t id, char sign, const char *name, size_t len, int64_t step, const uint64_t digest[2], bool gone,
                       const diag *d)
{
    char key[LONGEST_NAME + 1];
    const bool from_other = sign == '!' && len > 2 && memcmp(name, "f:", 2) == 0;
    if (len >= LONGEST_NAME)
        return GOV_OK;
    case_told *told = told_of(w, id, sign, name, len);
    if (told != NULL && (from_other ? told->gone : step < told->step))
        return GOV_OK;
    key[0] = sign;
    memcpy(key + 1, name, len);
    key[len + 1] = '\0';
    const gov_status status = told == NULL ? case_witness_note(w, id, key, len + 1, step, digest, d) : GOV_OK;
    told = status == GOV_OK ? told_of(w, id, sign, name, len) : NULL;
    if (told != NULL)
        *told = (case_told){.step = step, .digest = {digest[0], digest[1]}, .gone = gone};
    return status;
}

static bool hex_number(const char *s, size_t len, uint64_t *out)
{
    uint8_t bytes[SHOWN];
    if (len != 2 * SHOWN || !base_unhex(s, 2 * SHOWN, bytes))
        return false;
    *out = 0;
    for (int i = 0; i < SHOWN; i++)
        *out = *out << 8 | bytes[i];
    return true;
}

static gov_status hear_set(case_witness *w, int64_t id, const char *s, size_t len, int64_t step, bool moved, const diag *d)
{
    const char *space = NULL, *dot;
    int64_t due;
    uint64_t digest[2] = {0};
    for (size_t i = 0; i < len; i++)
        space = s[i] == ' ' ? s + i : space;
    if (space == NULL)
        return GOV_OK;
    const size_t name_len = (size_t)(space - s), rest = len - name_len - 1;
    dot = memchr(space + 1, '.', rest);
    if (!base_parse_int(space + 1, dot != NULL ? (size_t)(dot - space - 1) : rest, &due))
        return GOV_OK;
    digest[1] = (uint64_t)due;
    if (moved) {
        case_told *told = told_of(w, id, '!', s, name_len);
        if (told != NULL && told->attempts == 0 && step >= told->step) { /* what has failed is tried again at its own instant */
            told->digest[1] = digest[1];
            told->step = step;
        }
        return GOV_OK;
    }
    if (dot == NULL || !hex_number(dot + 1, (size_t)(s + len - dot - 1), &digest[0]))
        return GOV_OK;
    return note(w, id, '!', s, name_len, step, digest, false, d);
}

static gov_status hear_one(case_witness *w, int64_t id, const char *s, size_t len, int64_t step, const diag *d)
{
    const uint64_t none[2] = {0};
    const char *space = memchr(s, ' ', len);
    int64_t other = 0;
    uint64_t digest[2] = {0};
    switch (s[0]) {
    case '+':
    case '~': return hear_set(w, id, s + 1, len - 1, step, s[0] == '~', d);
    case '-': return note(w, id, '!', s + 1, len - 1, step, none, true, d);
    case '*':
    case '@': return note(w, id, s[0], "", 0, step, none, false, d);
    case '/': return note(w, id, '&', s + 1, len - 1, step, none, true, d);
    case '&':
        if (space == NULL || !hex_number(space + 1, (size_t)(s + len - space - 1), &digest[0]))
            return GOV_OK;
        return note(w, id, '&', s + 1, (size_t)(space - s - 1), step, digest, false, d);
    case '>':
    case '<':
        if (space == NULL || !base_parse_int(s + 1, (size_t)(space - s - 1), &other))
            return GOV_OK;
        len -= (size_t)(space + 1 - s);
        return s[0] == '>' ? hear_set(w, other, space + 1, len, 0, false, d) : note(w, other, '!', space + 1, len, 0, none, true, d);
    default: return GOV_OK;
    }
}

gov_status case_hear_waits(case_witness *w, int64_t id, int64_t step, value list, const diag *d)
{
    gov_status status = GOV_OK;
    for (size_t i = 0; list.kind == VALUE_LIST && i < list.len && status == GOV_OK; i++) {
        const value v = list.as.items[i];
        if (v.kind == VALUE_STRING && v.len > 0)
            status = hear_one(w, id, v.as.s, v.len, step, d);
    }
    return status;
}

/* An event that failed waits until another instant, or for good; or it begins anew: to wait for a year, or with all its tries. */
void case_hear_failure(case_witness *w, int64_t id, value data, bool parked, bool anew)
{
    const value name = value_get_text(data, "timer"), due = value_get_text(data, "due"), attempt = value_get_text(data, "attempt");
    case_told *told = name.kind == VALUE_STRING ? told_of(w, id, '!', name.as.s, name.len) : NULL;
    int64_t due_us;
    if (told == NULL || !value_to_us(due, &due_us) || attempt.kind != VALUE_INT || (attempt.as.i < told->attempts && !anew))
        return;
    told->digest[1] = (uint64_t)due_us;
    told->attempts = attempt.as.i;
    told->parked = parked;
}

/* ---- comparing ---- */

typedef struct checking {
    gov *g;
    case_witness *w;
    base_buf text;
    const diag *d;
} checking;

static gov_status fail_row(const checking *c, const char *table, int64_t id, const char *name, gov_status (*say)(const diag *, const char *, const char *))
{
    char row[LONGEST_NAME + 32];
    (void)snprintf(row, sizeof row, "%lld, %.*s", (long long)id, LONGEST_NAME, name);
    return say(c->d, table, row);
}

static gov_status say_altered(const diag *d, const char *table, const char *row)
{
    return base_fail(d, M_row_altered, A_S("table", table), A_S("row", row));
}

static gov_status say_unknown(const diag *d, const char *table, const char *row)
{
    return base_fail(d, M_row_unknown, A_S("table", table), A_S("row", row));
}

static gov_status say_gone(const diag *d, const char *table, const char *row)
{
    return base_fail(d, M_row_gone, A_S("table", table), A_S("row", row));
}

/* The case that sent it; 0: none did. */
static int64_t sender_of(const char *name)
{
    const char *dot = strncmp(name, "f:", 2) == 0 ? strchr(name, '.') : NULL;
    int64_t id = 0;
    return dot != NULL && base_parse_int(name + 2, (size_t)(dot - name - 2), &id) ? id : 0;
}

/* Imports, rooms and reports that are on their way put rows into the queue, too, which no step tells of. */
static bool is_steps(int64_t kind, const char *name)
{
    return kind == CASE_TIMER_AFTER || kind == CASE_TIMER_MARK || kind == CASE_TIMER_SEND || (kind == CASE_TIMER_EFFECT && name[0] != 'r');
}

static gov_status check_timer(checking *c, store_rows *rows)
{
    enum { CASE, NAME, KIND, DUE, EVENT, DATA, ATTEMPTS, PARKED, SINCE, LENGTH, ROLL, CALENDAR };
    static const char table[] = "gov_case_timer";
    size_t len, name_len;
    uint8_t digest[CASE_WAIT_DIGEST] = {0};
    const int64_t id = store_int(rows, CASE), kind = store_int(rows, KIND);
    const char *name = store_text(rows, NAME, &name_len);
    case_told *told = told_of(c->w, id, '!', name, name_len);
    const int64_t sender = sender_of(name);
    if (case_witness_erased(c->w, id) || (sender != 0 && case_witness_erased(c->w, sender)))
        return GOV_OK;
    if (told == NULL || told->gone)
        return is_steps(kind, name) ? fail_row(c, table, id, name, say_unknown) : GOV_OK;
    told->seen = true;
    const case_timer t = {.kind = (uint8_t)kind, .event = store_text(rows, EVENT, NULL), .since_us = store_is_null(rows, SINCE) ? 0 : store_int(rows, SINCE),
                          .roll = (uint8_t)store_int(rows, ROLL), .calendar = store_is_null(rows, CALENDAR) ? NULL : store_text(rows, CALENDAR, NULL)};
    base_buf_clear(&c->text);
    if (!store_is_null(rows, DATA)) {
        const char *data = store_text(rows, DATA, &len);
        base_buf_add(&c->text, data, len);
    }
    const char *length = store_is_null(rows, LENGTH) ? "" : store_text(rows, LENGTH, &len);
    case_timer_digest(&c->text, &t, length, length[0] != '\0' ? len : 0, digest);
    if (c->text.failed)
        return base_nomem(c->d);
    uint64_t n = 0;
    for (int i = 0; i < SHOWN; i++)
        n = n << 8 | digest[i];
    const bool same = n == told->digest[0] && (uint64_t)store_int(rows, DUE) == told->digest[1] && store_int(rows, ATTEMPTS) == told->attempts &&
                      (store_int(rows, PARKED) != 0) == told->parked && kind == t.kind;
    return same ? GOV_OK : fail_row(c, table, id, name, say_altered);
}

static gov_status check_effect(checking *c, store_rows *rows)
{
    static const char table[] = "gov_case_effect";
    char hex[2 * SHOWN + 1];
    size_t len;
    uint64_t n = 0;
    const int64_t id = store_int(rows, 0);
    const char *name = store_text(rows, 1, &len);
    case_told *told = told_of(c->w, id, '&', name, len);
    if (id == 0 || case_witness_erased(c->w, id))
        return GOV_OK;
    if (told == NULL || told->gone)
        return fail_row(c, table, id, name, say_unknown);
    told->seen = true;
    effect_digest(store_text(rows, 2, NULL), store_int(rows, 3), store_is_null(rows, 4) ? 0 : store_int(rows, 4), store_int(rows, 5), hex);
    return hex_number(hex, 2 * SHOWN, &n) && n == told->digest[0] && (store_is_null(rows, 4) || store_int(rows, 4) != 0)
               ? GOV_OK
               : fail_row(c, table, id, name, say_altered);
}

static gov_status check_pages(checking *c, const store_sql *sql, gov_status (*check)(checking *c, store_rows *rows))
{
    base_buf name;
    int64_t id = INT64_MIN;
    int count = PAGE;
    gov_status status = GOV_OK;
    base_buf_init(&name, c->g->alloc);
    while (status == GOV_OK && count == PAGE) {
        store_rows rows;
        count = 0;
        status = store_query(c->g->store, sql,
                             STORE_ARGS(store_i(c->g->community), store_i(id), store_t(name.len > 0 ? name.data : "", name.len), store_i(PAGE)), &rows,
                             c->d);
        if (status != GOV_OK)
            break;
        for (; status == GOV_OK && (status = store_next(&rows, c->d)) == GOV_OK; count++) {
            size_t len;
            const char *text = store_text(&rows, 1, &len);
            id = store_int(&rows, 0);
            base_buf_clear(&name);
            base_buf_add(&name, text, len);
            status = name.failed || c->w->key.failed ? base_nomem(c->d) : check(c, &rows);
        }
        store_rows_close(&rows);
        status = status == GOV_END ? GOV_OK : status;
    }
    base_buf_free(&name);
    return status;
}

/* ---- what is not there ---- */

static gov_status is_there(const checking *c, const store_sql *sql, int64_t id, const char *name, bool *there)
{
    int64_t one;
    const gov_status status = store_first_int(c->g->store, sql, STORE_ARGS(store_i(c->g->community), store_i(id), store_s(name)), &one, c->d);
    *there = status == GOV_OK;
    return status == GOV_END ? GOV_OK : status;
}

/* What ended with its case, went over to other rules, or belongs to an effect that has ended in its room, is missed by nobody. */
static gov_status may_be_gone(checking *c, int64_t id, char sign, const char *name, int64_t step, bool *may)
{
    static const store_sql effect = {"SELECT case_id FROM gov_case_effect WHERE community = $1 AND case_id = $2 AND name = $3"};
    static const store_sql report = {"SELECT case_id FROM gov_case_timer WHERE community = $1 AND case_id = $2 AND "
                                     "substr(name, 1, length(CAST($3 AS TEXT))) = $3 LIMIT 1"};
    const case_told *closed = case_witness_told(c->w, id, "*"), *moved = case_witness_told(c->w, id, "@");
    const bool state = sign == '!' && (strncmp(name, "a@", 2) == 0 || strncmp(name, "m:", 2) == 0);
    const int64_t sender = sign == '!' ? sender_of(name) : 0;
    char begins[LONGEST_NAME + 8];
    gov_status status = GOV_OK;
    *may = (closed != NULL && (sender != 0 || step <= closed->step)) || (state && moved != NULL && step < moved->step) ||
           (sender != 0 && case_witness_erased(c->w, sender));
    if (*may)
        return GOV_OK;
    if (sign == '!' && strncmp(name, "e:", 2) == 0) {
        bool open;
        status = is_there(c, &effect, id, name + 2, &open);
        *may = !open;
    } else if (sign == '&') {
        (void)snprintf(begins, sizeof begins, "r:%.*s.", LONGEST_NAME, name);
        status = is_there(c, &report, id, begins, may);
    }
    return status;
}

static gov_status check_missing(checking *c)
{
    char name[LONGEST_NAME + 1];
    for (size_t i = 0; i < c->w->places.count; i++) {
        const base_entry *e = &c->w->places.entries[i];
        const case_told told = c->w->told[e->value];
        uint64_t n = 0;
        bool may;
        if (e->len <= 9 || (e->key[8] != '!' && e->key[8] != '&') || told.seen || told.gone || e->len - 9 > LONGEST_NAME)
            continue;
        for (int k = 0; k < 8; k++)
            n = n << 8 | (uint8_t)e->key[k];
        const char sign = e->key[8];
        memcpy(name, e->key + 9, e->len - 9);
        name[e->len - 9] = '\0';
        if (case_witness_erased(c->w, (int64_t)n))
            continue;
        const gov_status status = may_be_gone(c, (int64_t)n, sign, name, told.step, &may);
        if (status != GOV_OK || !may)
            return status != GOV_OK ? status : fail_row(c, sign == '!' ? "gov_case_timer" : "gov_case_effect", (int64_t)n, name, say_gone);
    }
    return c->w->key.failed ? base_nomem(c->d) : GOV_OK;
}

gov_status case_verify_waits(gov *g, case_witness *w, const diag *d)
{
    static const store_sql timers = {"SELECT case_id, name, kind, due_us, event, data, attempts, parked, since_us, length, roll, calendar FROM gov_case_timer "
                                     "WHERE community = $1 AND case_id >= $2 AND (case_id > $2 OR name > $3) ORDER BY case_id, name LIMIT $4"};
    static const store_sql effects = {"SELECT case_id, name, effect, since_us, due_us, ref FROM gov_case_effect "
                                      "WHERE community = $1 AND case_id >= $2 AND (case_id > $2 OR name > $3) ORDER BY case_id, name LIMIT $4"};
    checking c = {.g = g, .w = w, .d = d};
    base_buf_init(&c.text, g->alloc);
    gov_status status = check_pages(&c, &timers, check_timer);
    if (status == GOV_OK)
        status = check_pages(&c, &effects, check_effect);
    if (status == GOV_OK)
        status = check_missing(&c);
    base_buf_free(&c.text);
    return status == GOV_OK ? case_verify_schedules(g, d) : status;
}
