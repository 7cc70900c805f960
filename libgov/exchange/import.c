/* Imports: lists of maps, the merge of several files by time, batches that are transactions, marks to go on from. */
#include "exchange/import.h"

#include <string.h>

enum { TIMERS_PER_ROW = 4 }; /* that a transaction fires at most, for each row of a batch */

/* ---- one batch ---- */

typedef struct batch {
    import_session *s;
    import_row *rows;
    size_t count, done;        /* of the rows; how many of them this transaction took */
    int64_t clock_us, last_us; /* as they are committed */
    import_source *sources;
    size_t source_count;
    bool seen; /* whether the machine's clock is behind what the rows tell */
} batch;

static void count_row(import_session *s, const import_row *row, import_did did)
{
    s->counts.rows++;
    s->counts.added += did == IMPORT_DID_ADD;
    s->counts.changed += did == IMPORT_DID_CHANGE;
    s->counts.unchanged += did == IMPORT_DID_NOTHING;
    s->counts.refused += did == IMPORT_DID_REFUSE;
    s->counts.flagged += did == IMPORT_DID_ADD && row->flag_count > 0;
}

static gov_status refuse_row(import_session *s, import_row *row, gov_error *why, const diag *d)
{
    const char *en = import_reason(&s->g->scratch, why, "en");
    const char *zh = import_reason(&s->g->scratch, why, "zh");
    row->refused = why;
    count_row(s, row, IMPORT_DID_REFUSE);
    row->from->mark.refused++;
    return en != NULL && zh != NULL ? import_refusal_add(s->g, row->from->name, row->row.number,
                                                         row->row.line, en, zh, d)
                                    : base_nomem(d);
}

typedef struct row_in_savepoint {
    import_session *s;
    import_row *row;
    import_did did;
} row_in_savepoint;

static gov_status apply_in_savepoint(void *user, const diag *d)
{
    row_in_savepoint *in = user;
    return import_apply(in->s, in->row, &in->did, d);
}

static gov_status take_row(import_session *s, import_row *row, const diag *d)
{
    gov_error *why = NULL;
    const diag quiet = {s->g->alloc, &why};
    row_in_savepoint in = {s, row, IMPORT_DID_NOTHING};
    const int64_t clock = s->clock_us;
    const uint64_t events = s->counts.events;
    base_arena_reset(&s->g->scratch);
    if (row->wrong != NULL)
        return refuse_row(s, row, row->wrong, d);
    const gov_status status = s->careful ? store_run(s->g->store, apply_in_savepoint, &in, &quiet)
                                         : import_apply(s, row, &in.did, &quiet);
    if (status == GOV_OK) {
        if (!s->full)
            count_row(s, row, in.did);
        gov_error_free(why);
        return GOV_OK;
    }
    if (!import_is_row_fault(status)) {
        (void)base_forward(d, why);
        gov_error_free(why);
        return status;
    }
    s->clock_us = clock;
    s->counts.events = events;
    if (clock != IMPORT_NEVER)
        access_set_clock(s->g, clock);
    if (s->careful)
        return refuse_row(s, row, why, d);
    gov_error_free(why);
    s->again = true; /* it may have left half of itself behind */
    return status;
}

static void forget_tries(batch *b)
{
    import_session *s = b->s;
    for (size_t i = 0; i < b->count; i++) {
        if (b->rows[i].refused != b->rows[i].wrong)
            gov_error_free(b->rows[i].refused);
        b->rows[i].refused = NULL;
    }
    s->counts = (import_counts){0};
    s->clock_us = b->clock_us;
    s->last_us = b->last_us;
    if (s->clock_us != IMPORT_NEVER)
        access_set_clock(s->g, s->clock_us);
    s->left = (uint64_t)s->batch_rows * TIMERS_PER_ROW;
    s->full = s->again = s->grids_known = false;
    base_map_clear(&s->actor_ids);
    base_arena_reset(&s->actors);
    b->done = 0;
}

static gov_status save_marks(batch *b, const diag *d)
{
    import_session *s = b->s;
    gov_status status = GOV_OK;
    for (size_t i = 0; i < b->source_count && status == GOV_OK; i++) {
        import_source *source = &b->sources[i];
        if (!source->touched)
            continue;
        source->mark.rules = registry_rules_current(s->g);
        source->mark.clock_us = s->clock_us;
        source->mark.last_us = s->last_us;
        source->mark.finished = false;
        source->mark.known = true;
        status = import_mark_save(s->g, source->name, &source->mark, d);
    }
    return status;
}

typedef struct batch_input {
    batch *b;
    import_mark *before; /* the sources' marks as they are committed */
} batch_input;

/* Two imports of one file at a time would take its rows twice: the store must still be where this one left it. */
static gov_status still_ours(const import_source *source, const diag *d)
{
    import_mark mark;
    const gov_status status = import_mark_load(source->g, source->name, &mark, d);
    if (status != GOV_OK || mark.rows == source->stored_rows)
        return status;
    return base_fail(d, M_import_meanwhile, A_S("path", source->path));
}

static gov_status batch_body(gov *g, void *input, const diag *d)
{
    const batch_input *in = input;
    batch *b = in->b;
    import_session *s = b->s;
    gov_status status = GOV_OK;
    (void)g;
    forget_tries(b);
    for (size_t i = 0; i < b->source_count; i++) {
        b->sources[i].mark = in->before[i];
        b->sources[i].touched = false;
    }
    while (b->done < b->count && status == GOV_OK) {
        import_row *row = &b->rows[b->done];
        import_source *source = row->from;
        if (!source->touched)
            status = still_ours(source, d);
        if (status == GOV_OK && !source->touched && source->restart)
            status = import_refusals_drop(s->g, source->name, d);
        if (status == GOV_OK)
            status = take_row(s, row, d);
        if (status != GOV_OK || s->full)
            break;
        source->touched = true;
        source->mark.rows = (int64_t)row->row.number;
        memcpy(source->mark.chain, row->chain, sizeof row->chain);
        b->done++;
    }
    if (status == GOV_OK)
        status = save_marks(b, d);
    return status;
}

static void add_counts(import_counts *to, const import_counts *more)
{
    to->rows += more->rows;
    to->added += more->added;
    to->unchanged += more->unchanged;
    to->changed += more->changed;
    to->flagged += more->flagged;
    to->refused += more->refused;
    to->events += more->events;
}

static gov_status write_refused(batch *b, const diag *d)
{
    gov_status status = GOV_OK;
    for (size_t i = 0; i < b->done && status == GOV_OK; i++)
        if (b->rows[i].refused != NULL)
            status = import_refusing_add(b->s->refusing, b->rows[i].from, &b->rows[i].row,
                                         b->rows[i].refused, d);
    return status;
}

static const access_call import_call = {ACCESS_HOST_ONLY, true};
static const access_call look_call = {ACCESS_HOST_ONLY, false};

/* One transaction: as many of the batch's rows as it takes. */
static gov_status run_batch(batch *b, gov_error **err)
{
    import_session *s = b->s;
    const diag d = {s->g->alloc, err};
    import_mark *before = base_arena_array(&s->batch, b->source_count, sizeof *before);
    batch_input in = {b, before};
    if (before == NULL)
        return base_nomem(&d);
    for (size_t i = 0; i < b->source_count; i++)
        before[i] = b->sources[i].mark;
    s->careful = false;
    gov_status status = access_run(s->g, &import_call, batch_body, &in, err);
    if (s->again && import_is_row_fault(status)) {
        s->careful = true;
        status = access_run(s->g, &import_call, batch_body, &in, err);
    }
    if (status != GOV_OK)
        return status;
    b->clock_us = s->clock_us;
    b->last_us = s->last_us;
    for (size_t i = 0; i < b->source_count; i++)
        if (b->sources[i].touched) {
            b->sources[i].restart = false;
            b->sources[i].stored_rows = b->sources[i].mark.rows;
        }
    add_counts(&s->total, &s->counts);
    return write_refused(b, &d);
}

static gov_status report_progress(import_session *s, const import_source *sources, size_t count)
{
    uint64_t done = s->bytes_done;
    if (s->progress == NULL)
        return GOV_OK;
    for (size_t i = 0; i < count; i++)
        done += import_source_bytes(&sources[i]);
    return s->progress(done < s->bytes_all ? done : s->bytes_all, s->bytes_all, s->user) == 0
               ? GOV_OK
               : GOV_E_USER;
}

static void free_rows(batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        if (b->rows[i].refused != b->rows[i].wrong)
            gov_error_free(b->rows[i].refused);
        gov_error_free(b->rows[i].wrong);
    }
    b->count = b->done = 0;
}

/* All rows of the batch, in one transaction or, where much was due between them, in several. */
static gov_status run_rows(batch *b, gov_error **err)
{
    import_row *const rows = b->rows;
    const size_t count = b->count;
    gov_status status = GOV_OK;
    size_t at = 0;
    while (at < count && status == GOV_OK) {
        b->rows = rows + at;
        b->count = count - at;
        status = run_batch(b, err);
        at += status == GOV_OK ? b->done : 0;
        if (status == GOV_OK)
            status = report_progress(b->s, b->sources, b->source_count);
    }
    b->rows = rows;
    b->count = count;
    free_rows(b);
    return status;
}

/* ---- which row is next ---- */

static bool is_far(const import_session *s, int64_t us)
{
    return us != IMPORT_NEVER && us > s->now_us + IMPORT_FAR_US;
}

static bool is_ahead(const import_session *s, int64_t us)
{
    return us != IMPORT_NEVER && us > s->now_us + IMPORT_AHEAD_US;
}

bool import_is_beyond(const import_session *s, int64_t us)
{
    return s->clock_behind ? is_far(s, us) : is_ahead(s, us);
}

/* As the row says it: in the map's zone, and without an offset. */
static void local_time(const base_zone *zone, int64_t us, char out[40])
{
    const int64_t seconds = us / BASE_US_PER_SECOND - (us % BASE_US_PER_SECOND < 0);
    const int32_t offset = zone != NULL ? base_zone_offset(zone, seconds) : 0;
    out[base_format_rfc3339(seconds + offset, 0, out) - 1] = '\0';
    out[10] = ' ';
}

/* Imports tell what was. A row from the future would take the clock along, and every row behind it would come too late; one from before a
 * community's time has a date that means "none". */
static gov_status look_at_time(const import_session *s, import_row *row, const diag *d)
{
    const diag wrong = {s->g->alloc, &row->wrong};
    const import_map *map = row->from->map;
    if (row->at_us != IMPORT_NEVER && row->at_us <= ACCESS_BEFORE_TIME_US) {
        char at[40];
        local_time(map->zone, row->at_us, at);
        if (base_fail(&wrong, M_import_far_past, A_S("at", at)) == GOV_E_NOMEM)
            return base_nomem(d);
    } else if (import_is_beyond(s, row->at_us)) {
        char at[40], now[40];
        base_format_rfc3339(row->at_us / BASE_US_PER_SECOND, 0, at);
        base_format_rfc3339(s->now_us / BASE_US_PER_SECOND, 0, now);
        const gov_status told = is_far(s, row->at_us) ? base_fail(&wrong, M_import_far_ahead, A_S("at", at), A_S("now", now))
                                                      : base_fail(&wrong, M_import_ahead, A_S("at", at), A_S("now", now));
        if (told == GOV_E_NOMEM)
            return base_nomem(d);
    } else if (is_ahead(s, row->at_us)) {
        import_flag(row, "ahead_of_now");
    }
    for (size_t i = 0; row->life_us != NULL && i < map->life_count; i++)
        if (import_is_beyond(s, row->life_us[i]))
            import_flag(row, map->lives[i].flag_far);
    return GOV_OK;
}

static import_source *next_source(const import_session *s, import_source *sources, size_t count)
{
    import_source *best = NULL;
    int64_t best_us = 0;
    for (size_t i = 0; i < count; i++) {
        if (sources[i].head == NULL)
            continue;
        int64_t us = count > 1 ? import_peek(&sources[i]) : 0;
        if (import_is_beyond(s, us))
            us = IMPORT_NEVER; /* it is refused at once: the rows behind it shall not wait for that */
        if (best == NULL || us < best_us) {
            best = &sources[i];
            best_us = us;
        }
    }
    return best;
}

static bool is_broken(const import_source *sources, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (sources[i].broken != GOV_OK)
            return true;
    return false;
}

/* Where nothing but times ahead of now is seen, it is now that is wrong: a machine whose clock is behind. Of files that are merged the first
 * rows are looked at, of a single one all of the first batch. */
static void see_whether_clock_is_behind(batch *b, bool rows)
{
    import_session *s = b->s;
    bool any = false, all = true;
    if (b->seen || rows != (b->source_count == 1))
        return;
    b->seen = true;
    for (size_t i = 0; rows && i < b->count; i++) {
        any = any || b->rows[i].at_us != IMPORT_NEVER;
        all = all && (b->rows[i].at_us == IMPORT_NEVER || is_ahead(s, b->rows[i].at_us));
    }
    for (size_t i = 0; !rows && i < b->source_count; i++) {
        const int64_t us = b->sources[i].head != NULL ? import_peek(&b->sources[i]) : IMPORT_NEVER;
        any = any || us != IMPORT_NEVER;
        all = all && (us == IMPORT_NEVER || is_ahead(s, us));
    }
    s->clock_behind = any && all && (b->clock_us == IMPORT_NEVER || is_ahead(s, b->clock_us));
}

static gov_status fill_batch(batch *b, const diag *d)
{
    import_session *s = b->s;
    gov_status status = GOV_OK;
    see_whether_clock_is_behind(b, false);
    base_arena_reset(&s->batch);
    b->rows = base_arena_array(&s->batch, s->batch_rows, sizeof *b->rows);
    if (b->rows == NULL)
        return base_nomem(d);
    while (b->count < s->batch_rows && status == GOV_OK &&
           !is_broken(b->sources, b->source_count)) {
        import_source *source = next_source(s, b->sources, b->source_count);
        if (source == NULL)
            break;
        import_row *row = &b->rows[b->count++];
        status = import_source_take(source, &s->batch, row, d);
    }
    if (status == GOV_OK)
        see_whether_clock_is_behind(b, true);
    for (size_t i = 0; i < b->count && status == GOV_OK; i++)
        status = look_at_time(s, &b->rows[i], d);
    if (status != GOV_OK)
        free_rows(b);
    return status;
}

/* ---- going on where it was ---- */

typedef struct looking {
    import_source *source;
    base_arena *arena;
    const char *lang;
    uint64_t after, row;
    const char *reason;
    bool found;
} looking;

static gov_status load_mark(gov *g, void *input, const diag *d)
{
    looking *in = input;
    return import_mark_load(g, in->source->name, &in->source->mark, d);
}

static gov_status next_refusal(gov *g, void *input, const diag *d)
{
    looking *in = input;
    const gov_status status =
        import_refusal_next(g, in->source->name, in->lang, in->after, &in->row, in->arena,
                            &in->reason, d);
    in->found = status == GOV_OK;
    return status == GOV_END ? GOV_OK : status;
}

/* The rows that were refused before go to the file of refused rows again, with the reasons that they had. */
static gov_status tell_refused(import_session *s, import_source *source, gov_error **err)
{
    const diag d = {s->g->alloc, err};
    const uint64_t taken = (uint64_t)source->mark.rows;
    looking in = {.source = source, .arena = &s->batch, .lang = s->lang};
    gov_status status = access_run(s->g, &look_call, next_refusal, &in, err);
    while (status == GOV_OK && source->position < taken && source->head != NULL) {
        if (in.found && source->position + 1 == in.row) {
            gov_error *why = NULL;
            const diag quiet = {s->g->alloc, &why};
            (void)base_fail(&quiet, M_import_refused_before, A_S("reason", in.reason));
            status = import_refusing_add(s->refusing, source, source->head, why, &d);
            gov_error_free(why);
            in.after = in.row;
            base_arena_reset(&s->batch);
            if (status == GOV_OK)
                status = access_run(s->g, &look_call, next_refusal, &in, err);
        }
        if (status == GOV_OK)
            status = import_source_skip(source, &d);
    }
    return status;
}

static gov_status reopen(import_source *source, const char *file, const diag *d)
{
    gov *g = source->g;
    const import_map *map = source->map;
    const import_mark mark = source->mark;
    import_source_close(source);
    const gov_status status = import_source_open(g, map, file, source, d);
    source->mark = mark;
    source->stored_rows = mark.rows;
    return status;
}

/* The file begins otherwise than it did, or is under other rules now: every row is looked at again, and known by its key. */
static gov_status start_over(import_source *source, const char *file, const diag *d)
{
    const import_mark was = source->mark;
    if (source->map->by_role[IMPORT_KEY] == SIZE_MAX)
        return base_fail(d, M_import_keyless, A_S("path", source->path), A_I("rows", was.rows));
    const gov_status status = reopen(source, file, d);
    source->mark = (import_mark){.clock_us = was.clock_us, .last_us = was.last_us, .known = true};
    source->restart = true;
    return status;
}

static gov_status resume(import_session *s, import_source *source, const char *file,
                         gov_error **err)
{
    const diag d = {s->g->alloc, err};
    looking in = {.source = source};
    gov_status status = access_run(s->g, &look_call, load_mark, &in, err);
    const import_mark mark = source->mark;
    source->stored_rows = mark.rows;
    const bool keyed = source->map->by_role[IMPORT_KEY] != SIZE_MAX;
    if (status != GOV_OK || !mark.known)
        return status;
    if (mark.rules != registry_rules_current(s->g) && keyed)
        return start_over(source, file, &d);
    while (status == GOV_OK && source->position < (uint64_t)mark.rows && source->head != NULL)
        status = import_source_skip(source, &d);
    if (status != GOV_OK)
        return status;
    if (source->position < (uint64_t)mark.rows ||
        memcmp(source->chain, mark.chain, sizeof mark.chain) != 0)
        return start_over(source, file, &d);
    if (mark.refused > 0 && s->refusing != NULL) {
        status = reopen(source, file, &d);
        if (status == GOV_OK)
            status = tell_refused(s, source, err);
    }
    s->total.rows += (uint64_t)mark.rows;
    s->total.refused += (uint64_t)mark.refused;
    s->total.unchanged += (uint64_t)(mark.rows - mark.refused);
    return status;
}

/* ---- the end ---- */

static gov_status record_import(import_session *s, const import_source *source, const diag *d)
{
    char digest[2 * BASE_DIGEST_SIZE + 1];
    base_hex(source->map->digest, BASE_DIGEST_SIZE, digest);
    const value_pair data[] = {{value_text("name"), value_text(source->name)},
                               {value_text("map"), value_text(digest)},
                               {value_text("rows"), value_int(source->mark.rows)},
                               {value_text("refused"), value_int(source->mark.refused)}};
    const journal_entry entry = {.kind = "import",
                                 .subject_kind = "import",
                                 .data = value_map(data, ARRAY_LEN(data))};
    return access_record(s->g, &entry, NULL, d);
}

static gov_status finish_body(gov *g, void *input, const diag *d)
{
    const batch_input *in = input;
    batch *b = in->b;
    import_session *s = b->s;
    const int64_t until = s->until_us != IMPORT_NEVER ? s->until_us : b->last_us;
    gov_status status = GOV_OK;
    forget_tries(b);
    for (size_t i = 0; i < b->source_count; i++)
        b->sources[i].mark = in->before[i]; /* a try before this one may have marked them */
    if (until != IMPORT_NEVER && s->clock_us != IMPORT_NEVER) {
        status = import_tick(s, until, d);
        if (status == GOV_OK && !s->full && until > s->clock_us) {
            s->clock_us = until;
            access_set_clock(g, until);
        }
    }
    for (size_t i = 0; i < b->source_count && status == GOV_OK && !s->full; i++) {
        import_source *source = &b->sources[i];
        const bool fresh = !source->mark.finished;
        source->mark.rules = registry_rules_current(g);
        source->mark.clock_us = s->clock_us;
        source->mark.last_us = s->last_us;
        source->mark.finished = source->mark.known = true;
        if (source->restart)
            status = import_refusals_drop(g, source->name, d);
        if (status == GOV_OK)
            status = import_mark_save(g, source->name, &source->mark, d);
        if (status == GOV_OK && fresh)
            status = record_import(s, source, d);
    }
    return status;
}

static bool all_finished(const import_source *sources, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!sources[i].mark.finished)
            return false;
    return true;
}

/* Fires what is due up to the end, and notes that all was taken. */
static gov_status finish(batch *b, gov_error **err)
{
    import_session *s = b->s;
    const diag d = {s->g->alloc, err};
    gov_status status = GOV_OK;
    if (all_finished(b->sources, b->source_count))
        return GOV_OK;
    do {
        import_mark *before = base_arena_array(&s->batch, b->source_count, sizeof *before);
        batch_input in = {b, before};
        if (before == NULL)
            return base_nomem(&d);
        for (size_t i = 0; i < b->source_count; i++)
            before[i] = b->sources[i].mark;
        status = access_run(s->g, &import_call, finish_body, &in, err);
        for (size_t i = 0; i < b->source_count && (status != GOV_OK || s->full); i++)
            b->sources[i].mark = before[i];
        b->clock_us = s->clock_us;
        if (status == GOV_OK)
            status = report_progress(s, b->sources, b->source_count);
    } while (status == GOV_OK && s->full);
    return status;
}

/* ---- one group of files ---- */

static gov_status open_sources(import_session *s, const import_map *maps, size_t count,
                               const char *file, import_source *sources, size_t *opened,
                               gov_error **err)
{
    const diag d = {s->g->alloc, err};
    gov_status status = GOV_OK;
    for (; *opened < count && status == GOV_OK; (*opened)++) {
        status = import_source_open(s->g, &maps[*opened], file, &sources[*opened], &d);
        if (status != GOV_OK)
            break;
        s->bytes_all += sources[*opened].size;
    }
    for (size_t i = 0; i < count && status == GOV_OK; i++)
        status = resume(s, &sources[i], file, err);
    return status;
}

static void begin_clock(batch *b)
{
    b->clock_us = b->last_us = IMPORT_NEVER;
    for (size_t i = 0; i < b->source_count; i++) {
        const import_mark *mark = &b->sources[i].mark;
        b->clock_us = mark->clock_us > b->clock_us ? mark->clock_us : b->clock_us;
        b->last_us = mark->last_us > b->last_us ? mark->last_us : b->last_us;
    }
}

static gov_status run_sources(batch *b, gov_error **err)
{
    const diag d = {b->s->g->alloc, err};
    gov_status status = GOV_OK;
    begin_clock(b);
    for (;;) {
        status = fill_batch(b, &d);
        if (status != GOV_OK || b->count == 0)
            break;
        status = run_rows(b, err);
        if (status != GOV_OK)
            break;
    }
    for (size_t i = 0; i < b->source_count && status == GOV_OK; i++)
        if (b->sources[i].broken != GOV_OK) {
            (void)base_forward(&d, b->sources[i].broken_why);
            return b->sources[i].broken;
        }
    return status == GOV_OK ? finish(b, err) : status;
}

/* Files that are merged by time; or a single one. */
static gov_status run_group(import_session *s, const import_map *maps, size_t count,
                            const char *file, gov_error **err)
{
    const diag d = {s->g->alloc, err};
    size_t opened = 0;
    import_source *sources = base_array(s->g->alloc, count, sizeof *sources);
    batch b = {.s = s, .sources = sources, .source_count = count};
    if (sources == NULL)
        return base_nomem(&d);
    gov_status status = open_sources(s, maps, count, file, sources, &opened, err);
    if (status == GOV_OK)
        status = run_sources(&b, err);
    if (status == GOV_OK && b.clock_us != IMPORT_NEVER) {
        s->clock_us = b.clock_us;
        access_set_clock(s->g, b.clock_us);
    }
    for (size_t i = 0; i < opened; i++) {
        const gov_status ended =
            import_refusing_end(s->refusing, &sources[i], status == GOV_OK ? &d : NULL);
        status = status == GOV_OK ? ended : status;
        s->bytes_done += sources[i].size;
        import_source_close(&sources[i]);
    }
    base_free(s->g->alloc, sources);
    return status;
}

static gov_status run_list(import_session *s, const import_list *list, const char *file,
                           gov_error **err)
{
    const diag d = {s->g->alloc, err};
    gov_status status = GOV_OK;
    for (size_t i = 0; i < list->order_count && status == GOV_OK; i++)
        status = run_group(s, &list->order[i], 1, file, err);
    s->until_us = list->until_us;
    if (status == GOV_OK && list->replay_count > 0)
        status = run_group(s, list->replay, list->replay_count, file, err);
    if (status == GOV_OK)
        status = import_refusing_flush(s->refusing, &d);
    const import_counts *n = &s->total;
    if (status == GOV_OK && n->rows != n->added + n->unchanged + n->changed + n->refused)
        return base_fail(&d, M_internal, A_S("what", "rows of an import"));
    return status;
}

/* ---- the public calls ---- */

void gov_import_options_init(gov_import_options *options, size_t size)
{
    if (options == NULL || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    options->size = size;
}

static gov_status read_options(const gov *g, const gov_import_options *given,
                               gov_import_options *out, const diag *d)
{
    gov_status status = access_options(out, sizeof *out, given, given != NULL ? given->size : 0, d);
    const bool known = status != GOV_OK || out->lang == NULL || strcmp(out->lang, "zh") == 0 ||
                       strcmp(out->lang, "en") == 0;
    if (status == GOV_OK && (!known || (out->flags & ~GOV_IMPORT_DRY_RUN) != 0 ||
                             out->batch > IMPORT_MOST_BATCH))
        return base_fail(d, M_bad_options);
    if (status == GOV_OK && g->group)
        return base_fail(d, M_group_open);
    out->batch = out->batch != 0 ? out->batch : IMPORT_BATCH;
    return status;
}

static void give_result(const import_session *s, gov_import_result *out)
{
    const gov_import_result all = {.size = sizeof all,
                                   .rows = s->total.rows,
                                   .added = s->total.added,
                                   .unchanged = s->total.unchanged,
                                   .changed = s->total.changed,
                                   .flagged = s->total.flagged,
                                   .refused = s->total.refused,
                                   .events = s->total.events};
    const size_t size = out->size;
    memcpy(out, &all, size < sizeof all ? size : sizeof all);
    out->size = size;
}

/* PostgreSQL seals after its commits. */
static gov_status seal(gov *g, const diag *d)
{
    enum { PAGE = 10000 };
    gov_status status;
    int64_t sealed;
    do {
        sealed = 0;
        status = journal_seal(g->journal, PAGE, &sealed, d);
    } while (status == GOV_OK && sealed == PAGE);
    return status;
}

static gov_status run_session(import_session *s, const char *path, const gov_import_options *o,
                              gov_error **err)
{
    gov *g = s->g;
    const diag d = {g->alloc, err};
    const import_paths paths = {path, o->file, o->refused, (s->flags & GOV_IMPORT_DRY_RUN) != 0};
    import_list list = {0};
    gov_status status = import_read(g, &s->arena, path, &list, &d);
    if (status == GOV_OK)
        status = import_refusing_new(g, &list, &paths, s->lang, &s->refusing, &d);
    if (status == GOV_OK && (s->flags & GOV_IMPORT_DRY_RUN) != 0)
        status =
            gov_begin(g, err); /* refused inside of a group: undoing would take the group with it */
    const bool trying = status == GOV_OK && (s->flags & GOV_IMPORT_DRY_RUN) != 0;
    if (status == GOV_OK)
        status = run_list(s, &list, o->file, err);
    if (trying)
        (void)gov_rollback(g, NULL);
    else if (status == GOV_OK)
        status = seal(g, &d);
    import_refusing_free(s->refusing);
    import_list_free(&list);
    return status;
}

gov_status gov_import(gov *g, const char *map, const gov_import_options *options,
                      gov_import_result *result, gov_error **err)
{
    const diag d = {g != NULL ? g->alloc : NULL, err};
    gov_import_options o;
    if (g == NULL || map == NULL)
        return base_misuse(err, g == NULL ? "g" : "map");
    gov_status status = access_enter(g, ACCESS_HOST_ONLY, &d);
    if (status == GOV_OK)
        status = read_options(g, options, &o, &d);
    if (status != GOV_OK)
        return status;
    const char *first = o.lang != NULL                   ? o.lang
                        : g->rules->languages.count > 0 ? g->rules->languages.items[0]
                                                        : "en";
    const int64_t clock_us = access_now(g), machine_us = access_real_ms(g) * 1000;
    import_session s = {.g = g,
                        .lang = strncmp(first, "zh", 2) == 0 ? "zh" : "en",
                        .batch_rows = o.batch,
                        .flags = o.flags,
                        .progress = o.progress,
                        .user = o.user,
                        .clock_us = IMPORT_NEVER,
                        .last_us = IMPORT_NEVER,
                        .now_us = clock_us > machine_us ? clock_us : machine_us,
                        .until_us = IMPORT_NEVER};
    const access_clock before = g->clock;
    base_arena_init(&s.arena, g->alloc);
    base_arena_init(&s.batch, g->alloc);
    base_arena_init(&s.actors, g->alloc);
    base_map_init(&s.actor_ids, g->alloc);
    status = run_session(&s, map, &o, err);
    if (status != GOV_OK || (o.flags & GOV_IMPORT_DRY_RUN) != 0)
        g->clock = before;
    if (result != NULL)
        give_result(&s, result);
    base_map_free(&s.actor_ids);
    base_arena_free(&s.actors);
    base_arena_free(&s.batch);
    base_arena_free(&s.arena);
    return status;
}

static gov_status replayed_body(gov *g, void *input, const diag *d)
{
    return exchange_replayed(g, input, d);
}

gov_status gov_replayed_until(gov *g, int64_t *us, gov_error **err)
{
    static const access_call call = {ACCESS_ANYONE, false};
    if (us == NULL)
        return base_misuse(err, "us");
    return access_run(g, &call, replayed_body, us, err);
}
