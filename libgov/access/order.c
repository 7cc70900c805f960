/* Orders: the name of one column, read as a filter would read it. */
#include "access/access.h"

#include <string.h>

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* One word from *at on; *at moves behind it. */
static size_t take(const char *text, size_t *at, size_t *start)
{
    while (blank(text[*at]))
        ++*at;
    *start = *at;
    while (text[*at] != '\0' && !blank(text[*at]))
        ++*at;
    return *at - *start;
}

static access_column *find(const access_filtering *how, const char *name, size_t len)
{
    for (size_t i = 0; i < how->column_count; i++)
        if (strlen(how->columns[i].name) == len && memcmp(how->columns[i].name, name, len) == 0)
            return &how->columns[i];
    return NULL;
}

static gov_status unknown(const access_filtering *how, const char *name, size_t len, const base_place *place,
                          const diag *d)
{
    const char *names[256];
    size_t count = 0;
    for (size_t i = 0; i < how->column_count && count < ARRAY_LEN(names); i++)
        names[count++] = how->columns[i].name;
    return base_fail_at(d, place, M_undeclared_reference, A_N("name", name, len),
                        A_S("near", base_nearest(name, len, names, count)));
}

/* What sorts in the store as its values do: all that the index has words for, and the row's own numbers, texts and times. */
static gov_status check(gov *g, const access_column *c, const base_place *place, const diag *d)
{
    if (c->hidden)
        return base_fail_at(d, place, M_filter_hidden, A_S("actor", g->actor.key), A_S("field", c->name),
                            A_S("purpose", g->actor.purpose));
    if (c->sql == NULL)
        return base_fail_at(d, place, c->why, A_S("field", c->name));
    if (c->domain == ACCESS_KEY)
        return base_fail_at(d, place, M_filter_key, A_S("field", c->name));
    if (c->domain == ACCESS_TEXTS || (c->domain == ACCESS_FLAG && !c->words) ||
        (c->within != NULL && c->beside == NULL))
        return base_fail_at(d, place, M_order_refused, A_S("field", c->name));
    return GOV_OK;
}

gov_status access_order_read(gov *g, const access_filtering *how, const char *text, access_order *out, const diag *d)
{
    size_t at = 0, start, way;
    *out = (access_order){0};
    if (text == NULL)
        return GOV_OK;
    if (!base_utf8_valid(text, strlen(text)))
        return base_fail(d, M_bad_utf8, A_I("offset", (int64_t)base_utf8_bad(text, strlen(text))), A_S("what", "order"));
    const size_t len = take(text, &at, &start), way_len = take(text, &at, &way);
    base_place place = {NULL, 1, (uint32_t)(way + 1)};
    out->descending = way_len == 4 && memcmp(text + way, "desc", 4) == 0;
    const bool ascending = way_len == 3 && memcmp(text + way, "asc", 3) == 0;
    size_t rest;
    if (len == 0 || (way_len > 0 && !out->descending && !ascending) || take(text, &at, &rest) > 0)
        return base_fail_at(d, &place, M_order_syntax);
    place.column = (uint32_t)(start + 1);
    access_column *c = find(how, text + start, len);
    if (c == NULL)
        return unknown(how, text + start, len, &place, d);
    const gov_status status = check(g, c, &place, d);
    if (status != GOV_OK)
        return status;
    c->used = true;
    out->column = strcmp(c->sql, how->id) != 0 ? c : NULL;
    return GOV_OK;
}
