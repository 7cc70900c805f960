/* Time zones: TZif files (RFC 8536) and the POSIX rule in their footer that goes on where the table ends. */
#include "base/base.h"

#include <stdio.h>
#include <string.h>

enum {
    LONGEST_NAME = 64,
    LARGEST_FILE = 1024 * 1024,
    HEADER_SIZE = 44,
    WIDEST_OFFSET = 93600, /* no zone was ever a day and two hours away from UTC */
    YEARS_AROUND = 2,      /* a rule's times may lie a week outside their year */
    MAX_NEAR = 2 * (2 * YEARS_AROUND + 1)
};

/* Past these (years -8000 and 20000 or so) the rule's standard time is taken as lasting for ever. */
#define RULE_FIRST (-INT64_C(86400) * 366 * 10000)
#define RULE_LAST  (INT64_C(86400) * 365 * 18000)

/* A day of the year as POSIX writes it: Jn (never counts Feb 29), n (does), Mm.w.d. */
typedef struct rule_day {
    char kind; /* 'J', '0' or 'M' */
    int32_t a, week, weekday;
    int32_t time; /* seconds after midnight, local; -167 h .. 167 h */
} rule_day;

typedef struct rule {
    int32_t standard, daylight; /* seconds east of UTC */
    bool has_daylight;
    rule_day start, end;
} rule;

struct base_zone {
    const gov_allocator *alloc;
    char *name;
    size_t count;
    int64_t *at;     /* instants of change, ascending */
    int32_t *offset; /* count + 1 of them: before the first change, then after each */
    bool has_rule;   /* what holds from the last change on; without a rule, its offset */
    rule rule;
};

/* A stretch of time with one offset: start <= t < end. */
typedef struct stretch {
    int64_t start, end;
    int32_t offset;
} stretch;

/* ---- the footer's rule ---- */

/* What is left of the text while it is read. */
typedef struct cursor {
    const char *p, *end;
} cursor;

static bool next_is(const cursor *c, char wanted)
{
    return c->p < c->end && *c->p == wanted;
}

static bool take(cursor *c, char wanted)
{
    if (!next_is(c, wanted))
        return false;
    c->p++;
    return true;
}

static bool take_number(cursor *c, int32_t least, int32_t most, int32_t *out)
{
    int32_t n = 0, digits = 0;
    for (; c->p < c->end && *c->p >= '0' && *c->p <= '9' && digits < 4; c->p++, digits++)
        n = n * 10 + (*c->p - '0');
    *out = n;
    return digits > 0 && n >= least && n <= most;
}

/* "EST" or "<+08>". */
static bool take_name(cursor *c)
{
    const bool quoted = take(c, '<');
    int length = 0;
    for (; c->p < c->end; c->p++, length++) {
        const char ch = *c->p;
        const bool letter = (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z');
        const bool more = (ch >= '0' && ch <= '9') || ch == '+' || ch == '-';
        if (!letter && !(quoted && more))
            break;
    }
    return length >= 3 && (!quoted || take(c, '>'));
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(cursor *c, int32_t most_hours, int32_t *seconds)
{
    int32_t h, m = 0, s = 0;
    const bool negative = take(c, '-');
    if (!negative)
        (void)take(c, '+');
    if (!take_number(c, 0, most_hours, &h))
        return false;
    if (take(c, ':')) {
        if (!take_number(c, 0, 59, &m))
            return false;
        if (take(c, ':') && !take_number(c, 0, 59, &s))
            return false;
    }
    *seconds = h * 3600 + m * 60 + s;
    if (negative)
        *seconds = -*seconds;
    return true;
}

static bool take_day(cursor *c, rule_day *out)
{
    *out = (rule_day){.kind = '0', .time = 2 * 3600};
    if (!take(c, ','))
        return false;
    if (take(c, 'M')) {
        out->kind = 'M';
        if (!take_number(c, 1, 12, &out->a) || !take(c, '.') || !take_number(c, 1, 5, &out->week) ||
            !take(c, '.') || !take_number(c, 0, 6, &out->weekday))
            return false;
    } else if (take(c, 'J')) {
        out->kind = 'J';
        if (!take_number(c, 1, 365, &out->a))
            return false;
    } else if (!take_number(c, 0, 365, &out->a)) {
        return false;
    }
    return !take(c, '/') || take_time(c, 167, &out->time);
}

/* std offset [dst [offset] ,start[/time],end[/time]] */
static bool parse_rule(const char *text, size_t len, rule *out)
{
    cursor c = {text, text + len};
    *out = (rule){0};
    if (!take_name(&c) || !take_time(&c, 24, &out->standard))
        return false;
    out->standard = -out->standard; /* POSIX counts west of Greenwich */
    if (c.p == c.end)
        return true;
    out->has_daylight = true;
    out->daylight = out->standard + 3600;
    if (!take_name(&c))
        return false;
    if (!next_is(&c, ',')) {
        if (!take_time(&c, 24, &out->daylight))
            return false;
        out->daylight = -out->daylight;
    }
    return take_day(&c, &out->start) && take_day(&c, &out->end) && c.p == c.end;
}

static int64_t local_of_day(const rule_day *d, int32_t year)
{
    int64_t day;
    if (d->kind == 'M') {
        const unsigned month = (unsigned)d->a;
        const int64_t first = base_days_from_civil(year, month, 1);
        const int64_t gap = (d->weekday + 7 - (int64_t)(base_weekday(first) % 7)) % 7;
        day = first + gap + 7 * ((int64_t)d->week - 1);
        while (day >= first + (int64_t)base_month_length(year, month))
            day -= 7; /* week 5 is the last one */
    } else {
        day = base_days_from_civil(year, 1, 1) + d->a;
        if (d->kind == 'J')
            day -= !(d->a >= 60 && base_month_length(year, 2) == 29); /* J60 is March 1 always */
    }
    return day * 86400 + d->time;
}

/* The rule's changes around an instant, ascending; where two fall together, summer time is the later one, so
 * that a zone whose summer never ends is in it. */
static size_t changes_near(const rule *r, int64_t s, stretch *out)
{
    int32_t year;
    unsigned month, day;
    size_t n = 0;
    base_civil_from_days(s / 86400, &year, &month, &day);
    for (int32_t y = year - YEARS_AROUND; y <= year + YEARS_AROUND; y++) {
        const stretch both[2] = {{.start = local_of_day(&r->end, y) - r->daylight,
                                  .offset = r->standard},
                                 {.start = local_of_day(&r->start, y) - r->standard,
                                  .offset = r->daylight}};
        for (int k = 0; k < 2; k++) {
            size_t i = n++;
            for (; i > 0 && (out[i - 1].start > both[k].start ||
                             (out[i - 1].start == both[k].start && k == 0 &&
                              out[i - 1].offset == r->daylight));
                 i--)
                out[i] = out[i - 1];
            out[i] = both[k];
        }
    }
    return n;
}

static stretch rule_stretch(const rule *r, int64_t s)
{
    stretch near[MAX_NEAR];
    stretch found = {INT64_MIN, INT64_MAX, r->standard};
    if (!r->has_daylight)
        return found;
    if (s < RULE_FIRST || s >= RULE_LAST) {
        if (s < RULE_FIRST)
            found.end = RULE_FIRST;
        else
            found.start = RULE_LAST;
        return found;
    }
    const size_t n = changes_near(r, s, near);
    size_t i = n - 1;
    while (i > 0 && near[i].start > s)
        i--;
    found = (stretch){near[i].start, i + 1 < n ? near[i + 1].start : RULE_LAST, near[i].offset};
    if (found.end > RULE_LAST)
        found.end = RULE_LAST;
    return found;
}

/* ---- looking up ---- */

static stretch stretch_at(const base_zone *z, int64_t s)
{
    size_t low = 0, high = z->count; /* how many changes are at or before s */
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (z->at[middle] <= s)
            low = middle + 1;
        else
            high = middle;
    }
    stretch found = {low > 0 ? z->at[low - 1] : INT64_MIN, low < z->count ? z->at[low] : INT64_MAX,
                     z->offset[low]};
    if (low == z->count && z->has_rule) {
        const int64_t since = found.start;
        found = rule_stretch(&z->rule, s);
        if (found.start < since)
            found.start = since;
    }
    return found;
}

int32_t base_zone_offset(const base_zone *z, int64_t seconds)
{
    return stretch_at(z, seconds).offset;
}

int32_t base_zone_stretch(const base_zone *z, int64_t seconds, int64_t *start, int64_t *end)
{
    const stretch s = stretch_at(z, seconds);
    *start = s.start;
    *end = s.end;
    return s.offset;
}

base_local base_zone_to_utc(const base_zone *z, int64_t local_seconds, int64_t *utc_seconds)
{
    const int64_t edge = INT64_C(1) << 60; /* keeps the sums below from overflowing */
    const int64_t local = local_seconds < -edge  ? -edge
                          : local_seconds > edge ? edge
                                                 : local_seconds;
    int hits = 0;
    bool passed = false;
    int64_t moved = local;
    stretch s = stretch_at(z, local - WIDEST_OFFSET);
    for (;;) {
        const int64_t utc = local - s.offset;
        if (utc >= s.start && utc < s.end && hits++ == 0)
            *utc_seconds = utc;
        if (s.end > local + WIDEST_OFFSET)
            break;
        const stretch next = stretch_at(z, s.end);
        if (!passed && local >= s.end + s.offset && local < s.end + next.offset) {
            passed = true; /* the clocks jump over it here */
            moved = utc;
        }
        s = next;
    }
    if (hits == 0)
        *utc_seconds = moved;
    return hits == 0 ? BASE_LOCAL_SKIPPED : hits == 1 ? BASE_LOCAL_UNIQUE : BASE_LOCAL_REPEATED;
}

const char *base_zone_name(const base_zone *z)
{
    return z->name;
}

void base_zone_free(base_zone *z)
{
    if (z == NULL)
        return;
    base_free(z->alloc, z->name);
    base_free(z->alloc, z->at);
    base_free(z->alloc, z->offset);
    base_free(z->alloc, z);
}

/* ---- TZif ---- */

/* One data block of the file: where its parts begin and how many of each there are. */
typedef struct block {
    const uint8_t *times, *types, *infos;
    uint32_t time_count, type_count, leap_count;
    size_t time_size;
    const uint8_t *end;
} block;

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be_signed(const uint8_t *p, size_t size)
{
    uint64_t n = be32(p);
    if (size == 4)
        return (int64_t)n - ((n & 0x80000000U) != 0 ? INT64_C(0x100000000) : 0);
    n = n << 32 | be32(p + 4);
    return n <= INT64_MAX ? (int64_t)n : -(int64_t)(UINT64_MAX - n) - 1;
}

static bool read_block(const uint8_t *p, size_t len, size_t time_size, block *out)
{
    if (len < HEADER_SIZE || memcmp(p, "TZif", 4) != 0)
        return false;
    const uint64_t isut = be32(p + 20), isstd = be32(p + 24), leaps = be32(p + 28),
                   times = be32(p + 32), types = be32(p + 36), chars = be32(p + 40);
    const uint64_t size =
        times * time_size + times + types * 6 + chars + leaps * (time_size + 4) + isstd + isut;
    if (size > len - HEADER_SIZE || types == 0 || types > 256)
        return false;
    out->times = p + HEADER_SIZE;
    out->types = out->times + times * time_size;
    out->infos = out->types + times;
    out->time_count = (uint32_t)times;
    out->type_count = (uint32_t)types;
    out->leap_count = (uint32_t)leaps;
    out->time_size = time_size;
    out->end = p + HEADER_SIZE + size;
    return true;
}

/* The block with the widest times, and the footer after it (empty in version 1). */
static bool read_file(const uint8_t *p, size_t len, block *b, const char **footer,
                      size_t *footer_len)
{
    *footer = "";
    *footer_len = 0;
    if (!read_block(p, len, 4, b))
        return false;
    if (p[4] < '2')
        return p[4] == 0;
    const uint8_t *end = p + len;
    if (!read_block(b->end, (size_t)(end - b->end), 8, b))
        return false;
    if (b->end == end || *b->end != '\n')
        return false;
    const uint8_t *text = b->end + 1;
    const uint8_t *newline = memchr(text, '\n', (size_t)(end - text));
    if (newline == NULL)
        return false;
    *footer = (const char *)text;
    *footer_len = (size_t)(newline - text);
    return true;
}

static bool read_offset(const block *b, uint32_t type, int32_t *out)
{
    if (type >= b->type_count)
        return false;
    const int64_t offset = be_signed(b->infos + (size_t)type * 6, 4);
    *out = (int32_t)offset;
    return offset >= -WIDEST_OFFSET && offset <= WIDEST_OFFSET;
}

static bool fill_table(base_zone *z, const block *b)
{
    if (!read_offset(b, 0, &z->offset[0]))
        return false;
    for (uint32_t i = 0; i < b->time_count; i++) {
        z->at[i] = be_signed(b->times + i * b->time_size, b->time_size);
        if ((i > 0 && z->at[i] <= z->at[i - 1]) || !read_offset(b, b->types[i], &z->offset[i + 1]))
            return false;
    }
    z->count = b->time_count;
    return true;
}

gov_status base_zone_parse(const gov_allocator *a, const char *name, const void *tzif, size_t len,
                           base_zone **out, const diag *d)
{
    block b;
    const char *footer;
    size_t footer_len;
    *out = NULL;
    /* Files that count leap seconds (the "right" ones) tell another time than every clock around us. */
    if (len > LARGEST_FILE || !read_file(tzif, len, &b, &footer, &footer_len) || b.leap_count != 0)
        return base_fail(d, M_zone_damaged, A_S("zone", name));
    base_zone *z = base_alloc(a, sizeof *z);
    if (z == NULL)
        return base_nomem(d);
    z->alloc = a;
    z->name = base_strdup(a, name);
    z->at = base_array(a, b.time_count, sizeof *z->at);
    z->offset = base_array(a, (size_t)b.time_count + 1, sizeof *z->offset);
    if (z->name == NULL || z->at == NULL || z->offset == NULL) {
        base_zone_free(z);
        return base_nomem(d);
    }
    z->has_rule = footer_len > 0;
    if (!fill_table(z, &b) || (z->has_rule && !parse_rule(footer, footer_len, &z->rule))) {
        base_zone_free(z);
        return base_fail(d, M_zone_damaged, A_S("zone", name));
    }
    *out = z;
    return GOV_OK;
}

/* ---- the system's files ---- */

/* Letters, digits, '_', '+', '-' in parts joined by '/': such a name never leaves the directory. The names that
 * mean "whatever this machine is set to" are no zones. */
static bool name_valid(const char *name)
{
    const size_t len = strlen(name);
    char before = '/';
    if (len == 0 || len > LONGEST_NAME || strcmp(name, "localtime") == 0 ||
        strcmp(name, "posixrules") == 0)
        return false;
    for (const char *p = name; *p != '\0'; before = *p++) {
        const bool letter = (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z');
        const bool other = (*p >= '0' && *p <= '9') || *p == '_' || *p == '+' || *p == '-';
        if (before == '/' ? !letter : !letter && !other && *p != '/')
            return false;
    }
    return before != '/';
}

/* GOV_E_NOT_FOUND: no such zone in that directory (or something there that is no zone). */
static gov_status read_whole(const char *path, base_buf *bytes)
{
    gov_status st = GOV_OK;
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return GOV_E_NOT_FOUND;
    for (;;) {
        if (!base_buf_reserve(bytes, 4096)) {
            st = GOV_E_NOMEM;
            break;
        }
        const size_t n = fread(bytes->data + bytes->len, 1, 4096, f);
        bytes->len += n;
        bytes->data[bytes->len] = '\0';
        if (n == 0 || bytes->len > LARGEST_FILE)
            break;
    }
    if (st == GOV_OK && (ferror(f) || bytes->len < 4 || memcmp(bytes->data, "TZif", 4) != 0))
        st = GOV_E_NOT_FOUND;
    (void)fclose(f);
    return st;
}

static gov_status find_file(const char *name, base_buf *bytes)
{
    static const char *const directories[] = {"/usr/share/zoneinfo/", "/usr/lib/zoneinfo/",
                                              "/usr/share/lib/zoneinfo/", "/etc/zoneinfo/"};
    char path[LONGEST_NAME + 32];
    for (size_t i = 0; i < ARRAY_LEN(directories); i++) {
        (void)snprintf(path, sizeof path, "%s%s", directories[i], name);
        base_buf_clear(bytes);
        const gov_status st = read_whole(path, bytes);
        if (st != GOV_E_NOT_FOUND)
            return st;
    }
    return GOV_E_NOT_FOUND;
}

gov_status base_zone_load(const gov_allocator *a, const char *name, base_zone **out, base_buf *tzif,
                          const diag *d)
{
    base_buf bytes;
    *out = NULL;
    if (!name_valid(name))
        return base_fail(d, M_zone_unknown, A_S("zone", name));
    base_buf_init(&bytes, a);
    gov_status st = find_file(name, &bytes);
    if (st == GOV_E_NOT_FOUND)
        st = base_fail(d, M_zone_unknown, A_S("zone", name));
    else if (st == GOV_E_NOMEM)
        st = base_nomem(d);
    else
        st = base_zone_parse(a, name, bytes.data, bytes.len, out, d);
    if (st == GOV_OK && tzif != NULL) {
        base_buf_add(tzif, bytes.data, bytes.len);
        if (tzif->failed) {
            base_zone_free(*out);
            *out = NULL;
            st = base_nomem(d);
        }
    }
    base_buf_free(&bytes);
    return st;
}
