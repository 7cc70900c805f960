/* Reading the journal from outside, and checking that nothing in the community was lost or altered. */
#include "api/api.h"

#include "case/case.h"
#include "fund/fund.h"
#include "ledger/ledger.h"
#include "points/points.h"
#include "timebank/timebank.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- reading ---- */

/* What the members of an entry may be: fields of its subject, or of a case, and the input of the event that it tells of. */
typedef struct sensitive_names {
    rulebook_fields fields;
    case_versions versions;
    const char *event;
} sensitive_names;

typedef struct reading {
    gov *g;
    value_builder list;
    int64_t after, last;
    uint32_t limit;
    bool more;
    gov_value **out;
    const diag *d;
} reading;

/* Which fields an entry's members belong to, so that sensitive ones can be masked. */
static gov_status names_of(reading *r, const journal_record *record, value data, sensitive_names *out)
{
    base_arena *arena = &r->g->scratch;
    *out = (sensitive_names){0};
    if (registry_kind_known(record->subject_kind))
        return registry_fields(r->g, record->subject_kind, arena, &out->fields, r->d);
    if (strcmp(record->subject_kind, "case") != 0)
        return GOV_OK;
    const value event = value_get_text(data, "event");
    if (event.kind == VALUE_STRING && (out->event = base_arena_strndup(arena, event.as.s, event.len)) == NULL)
        return base_nomem(r->d);
    return case_versions_of(r->g, record->subject, arena, &out->versions, r->d);
}

static const char *class_of(const sensitive_names *names, value key)
{
    const rulebook_field *f = rulebook_find_field(&names->fields, key.as.s, key.len);
    if (f == NULL)
        f = case_named_field(&names->versions, names->event, key.as.s, key.len);
    return f != NULL ? f->sensitive : NULL;
}

static gov_status mask_all(reading *r, const sensitive_names *names, value v, value *out);

static gov_status mask_member(reading *r, const sensitive_names *names, value_pair p, value *out)
{
    const char *sensitive = p.key.kind == VALUE_STRING ? class_of(names, p.key) : NULL;
    if (sensitive == NULL)
        return mask_all(r, names, p.val, out);
    const rulebook_class *c = rulebook_find_class(r->g->rules, sensitive);
    return access_mask(c != NULL ? (rulebook_mask)c->mask : RULEBOOK_MASK_ALL, p.val, &r->g->scratch, out, r->d);
}

static gov_status mask_map(reading *r, const sensitive_names *names, value *v)
{
    value_pair *pairs = base_arena_array(&r->g->scratch, v->len, sizeof *pairs);
    if (pairs == NULL)
        return base_nomem(r->d);
    for (size_t i = 0; i < v->len; i++) {
        pairs[i] = v->as.pairs[i];
        const gov_status status = mask_member(r, names, pairs[i], &pairs[i].val);
        if (status != GOV_OK)
            return status;
    }
    *v = value_map(pairs, v->len);
    return GOV_OK;
}

/* Whoever reads the journal sees no sensitive field plain, at whatever depth: looks belong to the record itself. The
 * depth is that of a document, which has a limit. */
static gov_status mask_all(reading *r, const sensitive_names *names, value v, value *out)
{
    *out = v;
    if (v.kind == VALUE_MAP)
        return mask_map(r, names, out);
    if (v.kind != VALUE_LIST)
        return GOV_OK;
    value *items = base_arena_array(&r->g->scratch, v.len, sizeof *items);
    if (items == NULL)
        return base_nomem(r->d);
    for (size_t i = 0; i < v.len; i++) {
        const gov_status status = mask_all(r, names, v.as.items[i], &items[i]);
        if (status != GOV_OK)
            return status;
    }
    *out = value_list(items, v.len);
    return GOV_OK;
}

static gov_status show_data(reading *r, const journal_record *record, value *out)
{
    sensitive_names names;
    *out = value_null();
    if (record->erased)
        return GOV_OK;
    gov_status status = access_read_stored(r->g, &r->g->scratch, record->data_text, record->data_len, out, r->d);
    if (status == GOV_OK)
        status = names_of(r, record, *out, &names);
    return status == GOV_OK ? mask_all(r, &names, *out, out) : status;
}

/* "workflows/complaint.yaml:34" */
static value rule_of(const journal_record *record, base_arena *arena)
{
    const size_t size = strlen(record->rule_file) + 16;
    char *text = base_arena_alloc(arena, size);
    if (text == NULL)
        return value_text(NULL);
    (void)snprintf(text, size, "%s:%lu", record->rule_file, (unsigned long)record->rule_line);
    return value_text(text);
}

static gov_status add_entry(void *user, const journal_record *record)
{
    reading *r = user;
    base_arena *arena = &r->g->scratch;
    value_builder b;
    value data;
    if (r->list.len == r->limit) {
        r->more = true;
        return GOV_END;
    }
    const char *actor;
    gov_status status = show_data(r, record, &data);
    if (status == GOV_OK)
        status = case_actor_key(r->g, record->actor, &actor, r->d);
    if (status != GOV_OK)
        return status;
    value_builder_init(&b, arena);
    value_builder_set(&b, "entry", value_int(record->id));
    value_builder_set(&b, "at", value_from_us(record->at_us));
    value_builder_set(&b, "actor", value_text(actor));
    value_builder_set_copy(&b, "purpose", record->purpose);
    value_builder_set_copy(&b, "kind", record->kind);
    value_builder_set_copy(&b, "subject_kind", record->subject_kind);
    value_builder_set(&b, "subject", record->subject != 0 ? value_int(record->subject) : value_null());
    if (record->rule_digest != NULL)
        value_builder_set(&b, "rule", rule_of(record, arena));
    value_builder_set(&b, "data", data);
    value_builder_set(&b, "sealed", value_bool(record->sealed));
    r->list.failed = r->list.failed || b.failed;
    value_builder_add(&r->list, value_builder_map(&b));
    r->last = record->id;
    return GOV_OK;
}

static gov_status read_body(gov *g, void *input, const diag *d)
{
    reading *r = input;
    const journal_filter filter = {.after = r->after, .limit = r->limit + 1};
    value_builder b;
    r->g = g;
    r->d = d;
    r->more = false;
    value_builder_init(&r->list, &g->scratch);
    value_builder_init(&b, &g->scratch);
    gov_status status = access_check_whole(g, "journal.read", d);
    if (status == GOV_OK)
        status = journal_read(g->journal, &filter, add_entry, r, d);
    if (status != GOV_OK && status != GOV_END)
        return status;
    value_builder_set(&b, "entries", value_builder_list(&r->list));
    value_builder_set(&b, "next", r->more ? value_int(r->last) : value_null());
    if (b.failed || r->list.failed)
        return base_nomem(d);
    return access_answer(g, value_builder_map(&b), r->out, d);
}

gov_status gov_journal_read(gov *g, int64_t after, uint32_t limit, gov_value **out, gov_error **err)
{
    static const access_call call = {"journal.read", false};
    reading r = {.after = after, .limit = limit != 0 ? limit : 100, .out = out};
    if (out == NULL || limit > 1000 || after < 0)
        return base_misuse(err, out == NULL ? "out" : limit > 1000 ? "limit (0..1000)" : "after (from 0 on)");
    return access_run(g, &call, read_body, &r, err);
}

/* ---- verifying ---- */

/* Every table of the programmes: what is missing here is not compared with the journal. */
static const journal_kept *const kept[] = {
    &points_kept_order,      &points_kept_deduction, &points_kept_earned, &points_kept_notice, &timebank_kept_member,
    &timebank_kept_notice,   &timebank_kept_booking, &timebank_kept_peer, &timebank_kept_message,
    &timebank_kept_clearing, &timebank_kept_day,  &fund_kept_entry,       &fund_kept_project,  &fund_kept_portion,
    &fund_kept_plan,         &fund_kept_relief,      &fund_kept_grant,    &fund_kept_budget,
    &ledger_kept_cap,        &ledger_kept_reason,    &ledger_kept_memo,   &registry_kept_community,
    &registry_kept_rules,    &registry_kept_record,  &registry_kept_shape, &case_kept_link,
    &case_kept_publication,  &case_kept_objection};

typedef struct verifying {
    gov_progress progress;
    void *user;
    gov_value **report;
    journal_report journal;
    case_clock_report clocks;
} verifying;

static gov_status on_progress(void *user, uint64_t done, uint64_t all)
{
    const verifying *v = user;
    return v->progress(done, all, v->user) == 0 ? GOV_OK : GOV_E_USER;
}

static void set_journal(value_builder *b, const journal_report *r, base_arena *arena)
{
    char *root = base_arena_alloc(arena, 2 * JOURNAL_HASH + 1);
    if (root != NULL)
        base_hex(r->root, JOURNAL_HASH, root);
    value_builder_set(b, "entries", value_int((int64_t)(r->sealed + r->unsealed)));
    value_builder_set(b, "sealed", value_int((int64_t)r->sealed));
    value_builder_set(b, "unsealed", value_int((int64_t)r->unsealed));
    value_builder_set(b, "erased", value_int((int64_t)r->erased));
    value_builder_set(b, "root", value_text(root));
    if (r->reason != NULL) {
        value_builder_set(b, "bad_entry", value_int(r->bad_id));
        value_builder_set(b, "reason", value_text(r->reason));
    }
}

/* What does not fire any more: parked, as it failed for the last time, or waiting for a year that no calendar lists. */
typedef struct stopped {
    int64_t parked, waiting;
} stopped;

static gov_status count_stopped(gov *g, stopped *out, const diag *d)
{
    static const store_sql parked = {"SELECT count(*) FROM gov_case_timer WHERE community = $1 AND " CASE_IS_PARKED},
                           waiting = {"SELECT count(*) FROM gov_case_timer WHERE community = $1 AND " CASE_WAITS_FOR_YEAR};
    const gov_status status = store_first_int(g->store, &parked, STORE_ARGS(store_i(g->community)), &out->parked, d);
    return status == GOV_OK ? store_first_int(g->store, &waiting, STORE_ARGS(store_i(g->community)), &out->waiting, d) : status;
}

#define STOPPED \
    "SELECT COALESCE(c.number, t.name), t.event, t.reason FROM gov_case_timer t LEFT JOIN gov_case c ON c.community = t.community AND " \
    "c.id = t.case_id WHERE t.community = $1 AND "
#define FIRST_OF_THEM " ORDER BY t.case_id, t.name LIMIT 100"

static gov_status list_stopped(gov *g, bool waiting, value *out, const diag *d)
{
    static const store_sql parked_ones = {STOPPED CASE_IS_PARKED FIRST_OF_THEM}, waiting_ones = {STOPPED CASE_WAITS_FOR_YEAR FIRST_OF_THEM};
    base_arena *arena = &g->scratch;
    store_rows rows;
    value_builder list;
    value_builder_init(&list, arena);
    gov_status status = store_query(g->store, waiting ? &waiting_ones : &parked_ones, STORE_ARGS(store_i(g->community)), &rows, d);
    while (status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK) {
        value_builder b;
        value_builder_init(&b, arena);
        value_builder_set(&b, "case", value_text(base_arena_strdup(arena, store_text(&rows, 0, NULL))));
        value_builder_set(&b, "event", value_text(base_arena_strdup(arena, store_text(&rows, 1, NULL))));
        value_builder_set(&b, "reason",
                          store_is_null(&rows, 2) ? value_null() : value_text(base_arena_strdup(arena, store_text(&rows, 2, NULL))));
        list.failed = list.failed || b.failed;
        value_builder_add(&list, value_builder_map(&b));
    }
    store_rows_close(&rows);
    *out = value_builder_list(&list);
    return status == GOV_END && list.failed ? base_nomem(d) : status == GOV_END ? GOV_OK : status;
}

static void set_clocks(value_builder *b, const case_clock_report *r)
{
    value_builder_set(b, "clocks", value_int(r->checked));
    if (r->part != NULL) {
        value_builder_set(b, "bad_case", value_text(r->number));
        value_builder_set(b, "bad_clock", value_text(r->clock));
        value_builder_set(b, "reason", value_text(r->part));
    }
}

/* Each ledger with what it holds: debits and credits are equal, or the verification failed before. */
static gov_status list_ledgers(gov *g, value *out, const diag *d)
{
    enum { MOST = 256 };
    ledger_sums sums[MOST];
    ledger *l;
    size_t count = 0;
    value_builder list;
    value_builder_init(&list, &g->scratch);
    gov_status status = ledger_of(g, &l, d);
    if (status == GOV_OK)
        status = ledger_sum(l, -1, sums, MOST, &count, d);
    for (size_t i = 0; i < count && status == GOV_OK; i++) {
        value_builder b;
        value_builder_init(&b, &g->scratch);
        value_builder_set(&b, "ledger", value_int(sums[i].book));
        value_builder_set(&b, "debits", value_int(sums[i].debits_posted));
        value_builder_set(&b, "credits", value_int(sums[i].credits_posted));
        list.failed = list.failed || b.failed;
        value_builder_add(&list, value_builder_map(&b));
    }
    *out = value_builder_list(&list);
    return status == GOV_OK && list.failed ? base_nomem(d) : status;
}

static gov_status publish_report(gov *g, const verifying *v, bool ok, const stopped *still, const diag *d)
{
    value ledgers = value_list(NULL, 0), parked = value_list(NULL, 0), waiting = value_list(NULL, 0);
    gov_status listed = ok ? list_ledgers(g, &ledgers, d) : GOV_OK;
    if (listed == GOV_OK && still->parked > 0)
        listed = list_stopped(g, false, &parked, d);
    if (listed == GOV_OK && still->waiting > 0)
        listed = list_stopped(g, true, &waiting, d);
    if (listed != GOV_OK)
        return listed;
    value_builder b;
    value_builder_init(&b, &g->scratch);
    value_builder_set(&b, "ok", value_bool(ok));
    set_journal(&b, &v->journal, &g->scratch);
    set_clocks(&b, &v->clocks);
    value_builder_set(&b, "parked", value_int(still->parked));
    value_builder_set(&b, "parked_events", parked);
    value_builder_set(&b, "waiting", value_int(still->waiting));
    value_builder_set(&b, "waiting_events", waiting);
    value_builder_set(&b, "ledgers", ledgers);
    if (b.failed)
        return base_nomem(d);
    if (v->report == NULL)
        return GOV_OK;
    gov_value_free(*v->report);
    *v->report = NULL;
    return value_publish(g->alloc, value_builder_map(&b), v->report, d); /* stays with GOV_E_VERIFY, too */
}

static gov_status verify_body(gov *g, void *input, const diag *d)
{
    verifying *v = input;
    stopped still = {0};
    gov_status checked = access_check_whole(g, "journal.read", d);
    if (checked == GOV_OK)
        checked = store_check_schema(g->store, d);
    if (checked == GOV_OK)
        checked = registry_rules_verify(g, d);
    if (checked == GOV_OK)
        checked = journal_verify(g->journal, &v->journal, v->progress != NULL ? on_progress : NULL, v, d);
    if (checked == GOV_OK)
        checked = journal_verify_kept(g->journal, kept, ARRAY_LEN(kept), d);
    if (checked == GOV_OK)
        checked = registry_words_verify(g, d);
    if (checked == GOV_OK)
        checked = ledger_verify_all(g, d);
    if (checked == GOV_OK)
        checked = case_verify_clocks(g, &v->clocks, d);
    if (checked == GOV_OK)
        checked = points_verify(g, d);
    if (checked == GOV_OK)
        checked = fund_verify(g, d);
    if (checked == GOV_OK)
        checked = timebank_verify(g, d);
    if (checked == GOV_OK)
        checked = store_check(g->store, d);
    if (checked != GOV_OK && checked != GOV_E_VERIFY)
        return checked;
    gov_status status = checked == GOV_OK ? count_stopped(g, &still, d) : GOV_OK;
    if (status == GOV_OK)
        status = publish_report(g, v, checked == GOV_OK, &still, d);
    return status == GOV_OK ? checked : status;
}

gov_status gov_verify(gov *g, gov_progress progress, void *user, gov_value **report, gov_error **err)
{
    static const access_call call = {"journal.read", false};
    verifying v = {.progress = progress, .user = user, .report = report};
    if (report != NULL)
        *report = NULL;
    return access_run(g, &call, verify_body, &v, err);
}

/* ---- exporting ---- */

typedef struct exporting {
    const char *path;
    const uint8_t *secret_key;
    FILE *file;
    int error; /* errno of what failed; 0: nothing did */
} exporting;

/* In the system's words; a disk without room has a status of its own. */
static gov_status file_failed(const exporting *e, const diag *d)
{
    char why[128] = "";
    if (e->error == ENOSPC || e->error == EDQUOT)
        return base_fail(d, M_store_full, A_S("place", e->path));
    (void)strerror_r(e->error, why, sizeof why);
    return base_fail(d, M_file_failed, A_S("path", e->path), A_S("why", why));
}

static gov_status write_file(void *user, const void *bytes, size_t len)
{
    exporting *e = user;
    if (fwrite(bytes, 1, len, e->file) == len)
        return GOV_OK;
    e->error = errno != 0 ? errno : EIO;
    return GOV_E_FULL;
}

static gov_status export_body(gov *g, void *input, const diag *d)
{
    exporting *e = input;
    const journal_signer signer = {.public_key = e->secret_key != NULL ? e->secret_key + 32 : NULL, .secret_key = e->secret_key};
    gov_status status = access_check_whole(g, "journal.read", d);
    if (status != GOV_OK)
        return status;
    e->file = fopen(e->path, "wbx");
    e->error = e->file == NULL ? errno : 0;
    if (e->file == NULL)
        return e->error == EEXIST ? base_fail(d, M_file_exists, A_S("path", e->path)) : file_failed(e, d);
    status = journal_export(g->journal, e->secret_key != NULL ? &signer : NULL, access_now(g), write_file, e, d);
    if (fclose(e->file) != 0 && status == GOV_OK)
        e->error = errno != 0 ? errno : EIO;
    if (status != GOV_OK || e->error != 0)
        (void)remove(e->path); /* half an export proves nothing */
    return e->error != 0 ? file_failed(e, d) : status;
}

gov_status gov_journal_export(gov *g, const char *path, const uint8_t *secret_key, gov_error **err)
{
    static const access_call call = {"journal.read", false};
    exporting e = {.path = path, .secret_key = secret_key};
    return path != NULL ? access_run(g, &call, export_body, &e, err) : base_misuse(err, "path");
}

gov_status gov_journal_new_key(uint8_t *new_key, gov_error **err)
{
    const diag d = {NULL, err};
    return new_key != NULL ? journal_new_key(new_key, &d) : base_misuse(err, "new_key");
}

/* An entry is a line; nobody writes one as long as this, and a device that never ends its line would be read for ever. */
enum { LONGEST_LINE = 64 * 1024 * 1024 };

static size_t line_after(const char *block, size_t n, size_t before)
{
    size_t end = n;
    while (end > 0 && block[end - 1] != '\n')
        end--;
    return end > 0 ? n - end : before + n;
}

static gov_status read_file(const gov_allocator *a, const char *path, base_buf *out, const diag *d)
{
    char block[65536];
    size_t n, line = 0;
    FILE *file = fopen(path, "rb");
    base_buf_init(out, a);
    if (file == NULL)
        return base_fail(d, M_file_missing, A_S("path", path));
    while (line <= LONGEST_LINE && !out->failed && (n = fread(block, 1, sizeof block, file)) > 0) {
        base_buf_add(out, block, n);
        line = line_after(block, n, line);
    }
    const bool failed = ferror(file) != 0;
    (void)fclose(file);
    if (failed)
        return base_fail(d, M_file_failed, A_S("path", path), A_S("why", "read"));
    if (line > LONGEST_LINE)
        return base_fail(d, M_too_large, A_S("what", "a line"), A_I("limit", LONGEST_LINE));
    return out->failed ? base_nomem(d) : GOV_OK;
}

static gov_status publish_check(const gov_allocator *a, const journal_report *r, bool ok, gov_value **report, const diag *d)
{
    base_arena arena;
    value_builder b;
    base_arena_init(&arena, a);
    value_builder_init(&b, &arena);
    value_builder_set(&b, "ok", value_bool(ok));
    set_journal(&b, r, &arena);
    const gov_status status = b.failed ? base_nomem(d) : value_publish(a, value_builder_map(&b), report, d);
    base_arena_free(&arena);
    return status;
}

gov_status gov_journal_check(const gov_allocator *alloc, const char *path, const uint8_t *public_key,
                             gov_value **report, gov_error **err)
{
    const gov_allocator *a = alloc != NULL ? alloc : &base_malloc;
    const diag d = {a, err};
    base_buf bytes;
    journal_report r = {0};
    if (path == NULL)
        return base_misuse(err, "path");
    gov_status status = read_file(a, path, &bytes, &d);
    if (status == GOV_OK)
        status = journal_verify_export(a, bytes.data, bytes.len, public_key, &r, &d);
    base_buf_free(&bytes);
    if (report != NULL && (status == GOV_OK || status == GOV_E_VERIFY)) {
        const gov_status published = publish_check(a, &r, status == GOV_OK, report, &d);
        status = published == GOV_OK ? status : published;
    }
    return status;
}
