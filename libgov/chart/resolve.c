/* What a target's name means to the state that names it. */
#include "chart/builder.h"

#include <string.h>

static uint32_t child_named(const chart_builder *b, uint32_t parent, const char *name, size_t len)
{
    for (uint32_t s = b->states[parent].first_child; s != CHART_NONE; s = b->states[s].next)
        if (b->states[s].name_len == len && memcmp(b->states[s].name, name, len) == 0)
            return s;
    return CHART_NONE;
}

static chart_found by_path(const chart_builder *b, const char *path, size_t len, uint32_t *state)
{
    uint32_t at = CHART_ROOT;
    for (size_t begin = 0; begin <= len;) {
        size_t end = begin;
        while (end < len && path[end] != '.')
            end++;
        at = child_named(b, at, path + begin, end - begin);
        if (at == CHART_NONE)
            return CHART_UNKNOWN;
        begin = end + 1;
    }
    *state = at;
    return CHART_FOUND;
}

chart_found chart_resolve(const chart_builder *b, uint32_t from, const char *name, size_t len,
                          uint32_t *state, uint32_t *other)
{
    if (len > 0 && memchr(name, '.', len) != NULL)
        return by_path(b, name, len, state);
    uint32_t found[2] = {CHART_NONE, CHART_NONE};
    size_t count = 0;
    for (uint32_t s = b->states[from].parent; s != CHART_NONE && count < 2;
         s = b->states[s].parent) {
        const uint32_t hit = child_named(b, s, name, len);
        if (hit != CHART_NONE)
            found[count++] = hit;
    }
    if (count == 0)
        found[0] = child_named(b, from, name, len);
    if (found[0] == CHART_NONE)
        return CHART_UNKNOWN;
    *state = found[0];
    if (other != NULL)
        *other = found[1];
    return count == 2 ? CHART_AMBIGUOUS : CHART_FOUND;
}

chart_found chart_resolve_inside(const chart_builder *b, uint32_t state, const char *name,
                                 size_t len, uint32_t *target)
{
    const uint32_t child = child_named(b, state, name, len);
    if (child == CHART_NONE)
        return by_path(b, name, len, target);
    *target = child;
    return CHART_FOUND;
}

size_t chart_find_name(const chart_builder *b, const char *name, size_t len, uint32_t *out,
                       size_t cap)
{
    size_t count = 0;
    for (uint32_t s = 1; s < b->count; s++) {
        if (b->states[s].name_len != len || memcmp(b->states[s].name, name, len) != 0)
            continue;
        if (count < cap)
            out[count] = s;
        count++;
    }
    return count;
}

void chart_builder_path(const chart_builder *b, uint32_t state, base_buf *out)
{
    uint32_t up[CHART_MAX_DEPTH + 1];
    size_t depth = 0;
    for (uint32_t s = state; s != CHART_ROOT && s != CHART_NONE; s = b->states[s].parent)
        up[depth++] = s;
    while (depth > 0) {
        const draft_state *s = &b->states[up[--depth]];
        base_buf_add(out, s->name, s->name_len);
        if (depth > 0)
            base_buf_char(out, '.');
    }
}
