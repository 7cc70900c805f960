/* Event names: descriptors, how they match, and the table that answers for every name at once.
 *
 * A descriptor matches a name when its tokens are the name's first ones. So of all words that descriptors
 * spell, the longest one that begins a name knows every transition the name may trigger, and looking a
 * name up is one pass over its bytes. */
#include "chart/layout.h"

#include <string.h>

static bool is_done_of(const char *s, size_t len)
{
    return len > CHART_DONE_PREFIX_LEN && memcmp(s, CHART_DONE_PREFIX, CHART_DONE_PREFIX_LEN) == 0;
}

static bool is_exact(const char *s, size_t len)
{
    return (len > 0 && s[0] == '@') || is_done_of(s, len);
}

size_t chart_descriptor_trim(const char *s, size_t len)
{
    if (len > 2 && s[len - 2] == '.' && s[len - 1] == '*')
        return len - 2;
    return len > 1 && s[len - 1] == '.' ? len - 1 : len;
}

/* Tokens of printable characters joined by dots; "*" alone; '@' in front makes a generated name. */
bool chart_descriptor_valid(const char *s, size_t len)
{
    len = chart_descriptor_trim(s, len);
    if (len == 1 && s[0] == '*')
        return true;
    bool empty = true;
    for (size_t i = s != NULL && len > 0 && s[0] == '@' ? 1 : 0; i < len; i++) {
        const unsigned char ch = (unsigned char)s[i];
        if (ch <= ' ' || ch == 0x7f || ch == '*' || ch == '@' || (ch == '.' && empty))
            return false;
        empty = ch == '.';
    }
    return !empty;
}

bool chart_matches(const char *descriptor, size_t dlen, const char *name, size_t len)
{
    dlen = chart_descriptor_trim(descriptor, dlen);
    if (dlen == 1 && descriptor[0] == '*')
        return len == 0 || name[0] != '@';
    if (dlen > len || memcmp(descriptor, name, dlen) != 0)
        return false;
    return len == dlen || (name[dlen] == '.' && !is_exact(descriptor, dlen));
}

uint32_t chart_word_of(const chart *c, const char *name, size_t len)
{
    uint32_t found = len > 0 && name[0] == '@' ? WORD_NOTHING : WORD_STAR;
    uint32_t h = 2166136261u;
    for (size_t i = 0; i <= len && i <= c->event_max; i++) {
        if (i == len || name[i] == '.') {
            for (uint32_t at = h & c->event_mask; c->event_slots[at] != 0;
                 at = (at + 1) & c->event_mask) {
                const chart_word *w = &c->events[c->event_slots[at]];
                if (w->hash != h || w->len != i || memcmp(w->s, name, i) != 0)
                    continue;
                if (i == len || !w->exact)
                    found = c->event_slots[at];
                break;
            }
        }
        if (i < len)
            h = (h ^ (unsigned char)name[i]) * 16777619u;
    }
    return found;
}

/* ---- building the table ---- */

static void put_slot(chart *c, uint32_t word)
{
    uint32_t at = c->events[word].hash & c->event_mask;
    while (c->event_slots[at] != 0)
        at = (at + 1) & c->event_mask;
    c->event_slots[at] = word;
}

/* The words of all descriptors, once each. */
static bool gather_words(chart *c, const gov_allocator *a)
{
    base_map seen;
    base_map_init(&seen, a);
    bool ok = true;
    for (uint32_t i = 0; ok && i < c->arrow_count; i++)
        for (size_t k = 0; ok && k < c->arrows[i].event_count; k++) {
            const chart_text *e = &c->arrows[i].events[k];
            if (!(e->len == 1 && e->s[0] == '*'))
                ok = base_map_put(&seen, e->s, e->len, NULL) != NULL;
        }
    uint32_t slots = 16;
    while (slots < seen.count * 2)
        slots *= 2;
    c->event_count = WORD_FIRST + (uint32_t)seen.count;
    c->event_mask = slots - 1;
    c->events = base_arena_array(&c->arena, c->event_count, sizeof *c->events);
    c->event_slots = base_arena_array(&c->arena, slots, sizeof *c->event_slots);
    ok = ok && c->events != NULL && c->event_slots != NULL;
    for (uint32_t i = 0; ok && i < seen.count; i++) {
        const base_entry *e = &seen.entries[i];
        c->events[WORD_FIRST + i] = (chart_word){.s = e->key,
                                                 .len = e->len,
                                                 .hash = chart_hash(e->key, e->len),
                                                 .exact = is_exact(e->key, e->len)};
        if (e->len > c->event_max)
            c->event_max = e->len;
        put_slot(c, WORD_FIRST + i);
    }
    base_map_free(&seen);
    return ok;
}

static bool arrow_answers(const chart *c, const chart_transition *t, uint32_t word)
{
    if (word == WORD_ALWAYS || word == WORD_NOTHING)
        return word == WORD_ALWAYS && t->event_count == 0;
    for (size_t k = 0; k < t->event_count; k++) {
        const chart_text *e = &t->events[k];
        const bool star = e->len == 1 && e->s[0] == '*';
        if (word == WORD_STAR ? star
                              : chart_matches(e->s, e->len, c->events[word].s, c->events[word].len))
            return true;
    }
    return false;
}

/* The row of one word. `hits` has room for every transition. */
static bool index_word(chart *c, uint32_t word, uint32_t *hits)
{
    chart_word *w = &c->events[word];
    uint64_t *has = base_arena_array(&c->arena, c->words, sizeof *has);
    uint32_t *rank = base_arena_array(&c->arena, c->words, sizeof *rank);
    if (has == NULL || rank == NULL)
        return false;
    uint32_t total = 0, states = 0;
    for (uint32_t s = 0; s < c->count; s++) {
        const chart_list *list = &c->nodes[s].arrows;
        const uint32_t before = total;
        for (uint32_t i = 0; i < list->count; i++)
            if (arrow_answers(c, &c->arrows[list->items[i]], word))
                hits[total++] = list->items[i];
        if (total > before) {
            bit_add(has, s);
            states++;
        }
    }
    uint32_t *first = base_arena_array(&c->arena, (size_t)states + 1, sizeof *first);
    uint32_t *arrows = base_arena_array(&c->arena, total, sizeof *arrows);
    if (first == NULL || arrows == NULL)
        return false;
    uint32_t k = 0;
    for (uint32_t i = 0; i < total; i++) {
        if (i == 0 || c->arrows[hits[i]].source != c->arrows[hits[i - 1]].source)
            first[k++] = i;
        arrows[i] = hits[i];
    }
    first[k] = total;
    for (uint32_t i = 1; i < c->words; i++)
        rank[i] = rank[i - 1] + (uint32_t)__builtin_popcountll(has[i - 1]);
    w->has = has;
    w->rank = rank;
    w->first = first;
    w->arrows = arrows;
    return true;
}

bool chart_index_events(chart *c, const gov_allocator *a)
{
    if (!gather_words(c, a))
        return false;
    uint32_t *hits = base_array(a, (size_t)c->arrow_count + 1, sizeof *hits);
    bool ok = hits != NULL;
    for (uint32_t w = 0; ok && w < c->event_count; w++)
        ok = index_word(c, w, hits);
    base_free(a, hits);
    for (uint32_t s = 0; ok && s < c->count; s++) {
        chart_node *n = &c->nodes[s];
        n->done_event = chart_word_of(c, n->done_name, CHART_DONE_PREFIX_LEN + n->path_len);
    }
    return ok;
}
