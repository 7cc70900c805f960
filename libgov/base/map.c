/* A map from byte strings to 64-bit values that remembers the order of insertion. */
#include "base/base.h"

#include <sodium.h>
#include <string.h>

void base_map_init(base_map *m, const gov_allocator *a)
{
    *m = (base_map){.alloc = a};
}

void base_map_free(base_map *m)
{
    base_free(m->alloc, m->entries);
    base_free(m->alloc, m->slots);
    *m = (base_map){.alloc = m->alloc};
}

void base_map_clear(base_map *m)
{
    m->count = 0;
    if (m->slots != NULL)
        memset(m->slots, 0, m->slot_count * sizeof *m->slots);
}

/* SipHash keyed by the map's own address: outside keys cannot be chosen to collide, and since iteration
 * goes by insertion the key never shows. Short maps are searched without hashing. */
static uint64_t hash_of(const base_map *m, const char *key, size_t len)
{
    unsigned char secret[crypto_shorthash_KEYBYTES] = {0}, out[crypto_shorthash_BYTES];
    const uint32_t *slots = m->slots;
    uint64_t h;
    memcpy(secret, &slots, sizeof slots);
    crypto_shorthash(out, (const unsigned char *)key, len, secret);
    memcpy(&h, out, sizeof h);
    return h;
}

enum { LINEAR = 8 };

static bool same(const base_entry *e, const char *key, size_t len)
{
    return e->len == len && (len == 0 || memcmp(e->key, key, len) == 0);
}

static uint32_t *slot_of(const base_map *m, const char *key, size_t len)
{
    size_t at = (size_t)hash_of(m, key, len) & (m->slot_count - 1);
    while (m->slots[at] != 0 && !same(&m->entries[m->slots[at] - 1], key, len))
        at = (at + 1) & (m->slot_count - 1);
    return &m->slots[at];
}

uint64_t *base_map_get(const base_map *m, const char *key, size_t len)
{
    if (m->slots != NULL) {
        const uint32_t *slot = slot_of(m, key, len);
        return *slot != 0 ? &m->entries[*slot - 1].value : NULL;
    }
    for (size_t i = 0; i < m->count; i++)
        if (same(&m->entries[i], key, len))
            return &m->entries[i].value;
    return NULL;
}

static bool rehash(base_map *m, size_t slot_count)
{
    uint32_t *slots = base_array(m->alloc, slot_count, sizeof *slots);
    if (slots == NULL)
        return false;
    base_free(m->alloc, m->slots);
    m->slots = slots;
    m->slot_count = slot_count;
    for (size_t i = 0; i < m->count; i++)
        *slot_of(m, m->entries[i].key, m->entries[i].len) = (uint32_t)(i + 1);
    return true;
}

uint64_t *base_map_put(base_map *m, const char *key, size_t len, bool *fresh)
{
    uint64_t *found = base_map_get(m, key, len);
    if (fresh != NULL)
        *fresh = found == NULL;
    if (found != NULL)
        return found;
    if (m->count >= UINT32_MAX - 1 ||
        !base_grow(m->alloc, &m->entries, &m->cap, m->count, sizeof *m->entries))
        return NULL;
    if (m->count >= LINEAR && (m->count + 1) * 4 > m->slot_count * 3 &&
        !rehash(m, m->slot_count == 0 ? 32 : m->slot_count * 2))
        return NULL;
    m->entries[m->count] = (base_entry){key, len, 0};
    m->count++;
    if (m->slots != NULL)
        *slot_of(m, key, len) = (uint32_t)m->count;
    return &m->entries[m->count - 1].value;
}
