/* Diagnostics: the catalogue, and the list that a gov_error carries. */
#include "base/base.h"

#include <stdlib.h>
#include <string.h>

typedef struct catalogue_row {
    const char *code, *en, *zh;
    gov_status status;
} catalogue_row;

static const catalogue_row catalogue[] = {
#define MESSAGE(code, status, en, zh) {#code, en, zh, status},
#include "base/messages.def"
#undef MESSAGE
};

typedef struct named_text {
    const char *name, *text;
} named_text;

enum { MAX_ARGS = 6 };

typedef struct diagnostic {
    base_message message;
    int32_t severity;
    const char *origin;
    uint32_t line, column;
    const char *en, *zh;
    named_text args[MAX_ARGS];
    size_t arg_count;
} diagnostic;

/* Nobody reads more than so many errors, nor so many warnings: of what comes after them only the number is told, in a last item. */
enum { MORE_TEXT = 96 };

typedef struct unlisted {
    size_t count, listed;
    diagnostic item; /* its texts lie here */
    char digits[24], en[MORE_TEXT], zh[MORE_TEXT];
} unlisted;

struct gov_error {
    base_arena arena;
    diagnostic *items;
    size_t count, cap;
    unlisted more[2]; /* errors, warnings */
};

/* What a call reports when there is no memory left to say more; shared and never freed. */
static diagnostic nomem_item = {
    .message = M_out_of_memory, .severity = GOV_SEVERITY_ERROR, .en = "out of memory", .zh = "内存不足"};
static gov_error nomem_error = {.items = &nomem_item, .count = 1};

const char *gov_version(void)
{
    return GOV_VERSION_STRING;
}

const char *base_text_or_empty(const char *s)
{
    return s != NULL ? s : "";
}

const char *base_message_code(base_message m)
{
    return catalogue[m].code;
}

gov_status base_message_status(base_message m)
{
    return catalogue[m].status;
}

gov_status base_nomem(const diag *d)
{
    if (d != NULL && d->out != NULL) {
        gov_error_free(*d->out);
        *d->out = &nomem_error;
    }
    return GOV_E_NOMEM;
}

gov_status base_misuse(gov_error **err, const char *what)
{
    const diag d = {NULL, err};
    return base_fail(&d, M_bad_argument, A_S("what", what));
}

static gov_error *error_of(const diag *d)
{
    if (*d->out == NULL) {
        gov_error *e = base_alloc(d->alloc, sizeof *e);
        if (e == NULL)
            return NULL;
        base_arena_init(&e->arena, d->alloc);
        *d->out = e;
    }
    return *d->out;
}

static const named_text *find_arg(const diagnostic *item, const char *name, size_t len)
{
    for (size_t i = 0; i < item->arg_count; i++)
        if (strlen(item->args[i].name) == len && memcmp(item->args[i].name, name, len) == 0)
            return &item->args[i];
    return NULL;
}

static const char *closing_brace(const char *p, const char *end)
{
    int depth = 0;
    for (; p < end; p++) {
        depth += *p == '{';
        if (*p == '}' && --depth == 0)
            return p;
    }
    return NULL;
}

/* Replaces each {name} by the argument's text, and {?name:words} by the words when there is such a text. */
static void render_part(base_buf *out, const diagnostic *item, const char *p, const char *end)
{
    while (p < end) {
        const char *close = *p == '{' ? closing_brace(p, end) : NULL;
        const bool optional = close != NULL && p[1] == '?';
        const char *name = p + 1 + optional;
        const char *stop = optional ? memchr(name, ':', (size_t)(close - name)) : close;
        const named_text *arg = stop != NULL ? find_arg(item, name, (size_t)(stop - name)) : NULL;
        if (optional && stop != NULL) {
            if (arg != NULL && arg->text[0] != '\0')
                render_part(out, item, stop + 1, close);
            p = close + 1;
        } else if (arg != NULL) {
            base_buf_str(out, arg->text);
            p = close + 1;
        } else {
            base_buf_char(out, *p++);
        }
    }
}

static const char *render(gov_error *e, const diagnostic *item, const char *pattern)
{
    base_buf out;
    base_buf_init(&out, e->arena.alloc);
    render_part(&out, item, pattern, pattern + strlen(pattern));
    char *text = out.failed ? NULL : base_arena_strndup(&e->arena, out.data, out.len);
    base_buf_free(&out);
    return text;
}

/* Outside bytes may stand in an argument: what is not UTF-8, and controls, show as '?'. */
static char *clean_copy(base_arena *arena, const char *s, size_t len)
{
    char *copy = base_arena_strndup(arena, s, len);
    if (copy == NULL)
        return NULL;
    for (size_t i = 0; i < len;) {
        uint32_t cp;
        const size_t n = base_utf8_next(copy + i, len - i, &cp);
        if (n == 0 || cp < 0x20 || cp == 0x7f)
            copy[i] = n == 0 || (cp != '\n' && cp != '\t') ? '?' : ' ';
        i += n > 0 ? n : 1;
    }
    return copy;
}

static bool copy_args(gov_error *e, diagnostic *item, const diag_report *r)
{
    const diag_arg *const args[MAX_ARGS] = {&r->a, &r->b, &r->c, &r->d, &r->e, &r->f};
    for (size_t i = 0; i < MAX_ARGS && args[i]->name != NULL; i++) {
        const diag_arg *arg = args[i];
        named_text *to = &item->args[item->arg_count];
        char digits[24];
        to->name = base_arena_strdup(&e->arena, arg->name);
        if (arg->s != NULL) {
            to->text = clean_copy(&e->arena, arg->s, arg->len == SIZE_MAX ? strlen(arg->s) : arg->len);
        } else {
            const size_t len = base_format_int(arg->i, digits);
            to->text = base_arena_strndup(&e->arena, digits, len);
        }
        if (to->name == NULL || to->text == NULL)
            return false;
        item->arg_count++;
    }
    return true;
}

static bool fill(gov_error *e, diagnostic *item, const base_place *place, const diag_report *r)
{
    if (!copy_args(e, item, r))
        return false;
    if (place != NULL) {
        item->line = place->line;
        item->column = place->column;
        if (place->origin != NULL) {
            item->origin = base_arena_strdup(&e->arena, place->origin);
            if (item->origin == NULL)
                return false;
        }
    }
    item->en = render(e, item, catalogue[item->message].en);
    item->zh = render(e, item, catalogue[item->message].zh);
    return item->en != NULL && item->zh != NULL;
}

static void fill_in(char *out, const char *pattern, const char *digits)
{
    const char *at = strchr(pattern, '{'), *rest = strchr(pattern, '}') + 1;
    const size_t before = (size_t)(at - pattern), len = strlen(digits);
    memcpy(out, pattern, before);
    memcpy(out + before, digits, len);
    memcpy(out + before + len, rest, strlen(rest) + 1);
}

/* Counts what is not listed. Severities other than errors count as warnings. */
static void leave_out(gov_error *e, int32_t severity, size_t count)
{
    const bool error = severity == GOV_SEVERITY_ERROR;
    const base_message m = error ? M_more_errors : M_more_warnings;
    unlisted *u = &e->more[!error];
    u->count += count;
    (void)base_format_int((int64_t)u->count, u->digits);
    fill_in(u->en, catalogue[m].en, u->digits);
    fill_in(u->zh, catalogue[m].zh, u->digits);
    u->item = (diagnostic){.message = m, .severity = severity, .en = u->en, .zh = u->zh,
                           .args = {{"count", u->digits}}, .arg_count = 1};
}

gov_status base_report(const diag *d, const base_place *place, int32_t severity, const diag_report *r)
{
    const gov_status status = severity == GOV_SEVERITY_WARNING ? GOV_OK : catalogue[r->message].status;
    if (r->message == M_out_of_memory)
        return base_nomem(d);
    if (d == NULL || d->out == NULL || *d->out == &nomem_error)
        return status;
    gov_error *e = error_of(d);
    size_t *listed = e != NULL ? &e->more[severity != GOV_SEVERITY_ERROR].listed : NULL;
    if (listed != NULL && *listed >= BASE_MOST_LISTED) {
        leave_out(e, severity, 1);
        return status;
    }
    if (e == NULL || !base_grow(e->arena.alloc, &e->items, &e->cap, e->count, sizeof *e->items))
        return base_nomem(d);
    diagnostic *item = &e->items[e->count];
    *item = (diagnostic){.message = r->message, .severity = severity};
    if (!fill(e, item, place, r))
        return base_nomem(d);
    e->count++;
    (*listed)++;
    return status;
}

gov_status base_forward(const diag *d, const gov_error *from)
{
    return base_forward_at(d, NULL, from);
}

gov_status base_forward_at(const diag *d, const base_place *at, const gov_error *from)
{
    const gov_status status = gov_error_status(from);
    if (d == NULL || d->out == NULL)
        return status;
    for (size_t i = 0; from != NULL && i < from->count; i++) {
        const diagnostic *item = &from->items[i];
        diag_report r = {.message = item->message};
        diag_arg *const args[MAX_ARGS] = {&r.a, &r.b, &r.c, &r.d, &r.e, &r.f};
        for (size_t k = 0; k < item->arg_count; k++)
            *args[k] = (diag_arg){item->args[k].name, item->args[k].text, SIZE_MAX, 0};
        const base_place own = {item->origin, item->line, item->column};
        const base_place place = at != NULL && item->line == 0 ? *at : own;
        if (base_report(d, &place, item->severity, &r) == GOV_E_NOMEM)
            return GOV_E_NOMEM;
    }
    for (size_t k = 0; from != NULL && k < ARRAY_LEN(from->more); k++)
        if (from->more[k].count > 0 && *d->out != NULL && *d->out != &nomem_error)
            leave_out(*d->out, from->more[k].item.severity, from->more[k].count);
    return status;
}

/* Origins keep the order in which they first came up. */
static size_t origin_rank(const gov_error *e, const char *origin)
{
    for (size_t i = 0; i < e->count; i++)
        if (e->items[i].origin == origin || (origin != NULL && e->items[i].origin != NULL &&
                                             strcmp(e->items[i].origin, origin) == 0))
            return i;
    return e->count;
}

static bool same_diagnostic(const diagnostic *a, const diagnostic *b)
{
    return a->message == b->message && a->severity == b->severity && a->line == b->line && a->column == b->column &&
           strcmp(base_text_or_empty(a->origin), base_text_or_empty(b->origin)) == 0 && strcmp(a->en, b->en) == 0;
}

typedef struct ranked {
    size_t origin, index;
    diagnostic item;
} ranked;

/* Errors before warnings: who tells only the first diagnostic tells why the call failed. */
static int by_place(const void *x, const void *y)
{
    const ranked *a = x, *b = y;
    const size_t left[] = {(size_t)a->item.severity, a->origin, a->item.line, a->item.column, a->index};
    const size_t right[] = {(size_t)b->item.severity, b->origin, b->item.line, b->item.column, b->index};
    for (size_t i = 0; i < ARRAY_LEN(left); i++)
        if (left[i] != right[i])
            return left[i] < right[i] ? -1 : 1;
    return 0;
}

gov_status base_sort_errors(const diag *d)
{
    gov_error *e = d != NULL && d->out != NULL ? *d->out : NULL;
    if (e == NULL || e->count < 2)
        return GOV_OK;
    ranked *all = base_array(e->arena.alloc, e->count, sizeof *all);
    if (all == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < e->count; i++)
        all[i] = (ranked){origin_rank(e, e->items[i].origin), i, e->items[i]};
    qsort(all, e->count, sizeof *all, by_place);
    size_t kept = 0;
    for (size_t i = 0; i < e->count; i++)
        if (i == 0 || !same_diagnostic(&all[i - 1].item, &all[i].item))
            e->items[kept++] = all[i].item;
    e->count = kept;
    e->more[0].listed = e->more[1].listed = 0;
    for (size_t i = 0; i < kept; i++)
        e->more[e->items[i].severity != GOV_SEVERITY_ERROR].listed++;
    base_free(e->arena.alloc, all);
    return GOV_OK;
}

void base_errors_first(const diag *d)
{
    gov_error *e = d != NULL && d->out != NULL ? *d->out : NULL;
    size_t front = 0;
    if (e == NULL || e == &nomem_error)
        return;
    for (size_t i = 0; i < e->count; i++) {
        if (e->items[i].severity != GOV_SEVERITY_ERROR)
            continue;
        const diagnostic moved = e->items[i];
        memmove(&e->items[front + 1], &e->items[front], (i - front) * sizeof *e->items);
        e->items[front++] = moved;
    }
}

void base_drop_errors(const diag *d, const bool *drop)
{
    gov_error *e = d != NULL && d->out != NULL ? *d->out : NULL;
    size_t kept = 0;
    if (e == NULL || e == &nomem_error)
        return;
    for (size_t i = 0; i < e->count; i++) {
        if (!drop[i])
            e->items[kept++] = e->items[i];
        else
            e->more[e->items[i].severity != GOV_SEVERITY_ERROR].listed--;
    }
    e->count = kept;
}

size_t base_errors(const diag *d)
{
    const gov_error *e = d != NULL && d->out != NULL ? *d->out : NULL;
    return e == NULL ? 0 : e == &nomem_error ? 1 : e->more[0].listed + e->more[0].count;
}

void gov_error_free(gov_error *error)
{
    if (error == NULL || error == &nomem_error)
        return;
    const gov_allocator *a = error->arena.alloc;
    base_free(a, error->items);
    base_arena_free(&error->arena);
    base_free(a, error);
}

gov_status gov_error_status(const gov_error *error)
{
    for (size_t i = 0; error != NULL && i < error->count; i++)
        if (error->items[i].severity == GOV_SEVERITY_ERROR)
            return catalogue[error->items[i].message].status;
    return GOV_OK;
}

size_t gov_error_count(const gov_error *error)
{
    return error != NULL ? error->count + (error->more[0].count > 0) + (error->more[1].count > 0) : 0;
}

static const diagnostic *item_at(const gov_error *error, size_t i)
{
    if (error == NULL || i >= gov_error_count(error))
        return NULL;
    if (i < error->count)
        return &error->items[i];
    return &error->more[i == error->count && error->more[0].count > 0 ? 0 : 1].item;
}

int32_t gov_error_severity(const gov_error *error, size_t i)
{
    const diagnostic *item = item_at(error, i);
    return item != NULL ? item->severity : 0;
}

const char *gov_error_code(const gov_error *error, size_t i)
{
    const diagnostic *item = item_at(error, i);
    return item != NULL ? catalogue[item->message].code : NULL;
}

base_message base_error_message(const gov_error *error, size_t i)
{
    const diagnostic *item = item_at(error, i);
    return item != NULL ? item->message : M_COUNT_;
}

const char *gov_error_message(const gov_error *error, size_t i, const char *lang)
{
    const diagnostic *item = item_at(error, i);
    if (item == NULL)
        return NULL;
    return lang != NULL && strncmp(lang, "zh", 2) == 0 ? item->zh : item->en;
}

const char *gov_error_origin(const gov_error *error, size_t i)
{
    const diagnostic *item = item_at(error, i);
    return item != NULL ? item->origin : NULL;
}

int64_t gov_error_line(const gov_error *error, size_t i)
{
    const diagnostic *item = item_at(error, i);
    return item != NULL ? item->line : 0;
}

int64_t gov_error_column(const gov_error *error, size_t i)
{
    const diagnostic *item = item_at(error, i);
    return item != NULL ? item->column : 0;
}

const char *gov_error_argument(const gov_error *error, size_t i, const char *name)
{
    const diagnostic *item = item_at(error, i);
    const named_text *arg = item != NULL && name != NULL ? find_arg(item, name, strlen(name)) : NULL;
    return arg != NULL ? arg->text : NULL;
}

gov_status base_options(void *dst, size_t known, const void *src, size_t src_size, const diag *d)
{
    memset(dst, 0, known);
    if (src == NULL)
        return GOV_OK;
    if (src_size < sizeof(size_t) || src_size > 4096)
        return base_fail(d, M_bad_options);
    for (size_t i = known; i < src_size; i++)
        if (((const unsigned char *)src)[i] != 0)
            return base_fail(d, M_bad_options);
    memcpy(dst, src, src_size < known ? src_size : known);
    return GOV_OK;
}
