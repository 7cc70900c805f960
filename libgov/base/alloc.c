/* Memory: the default allocator, checked helpers over any allocator, and arenas. */
#include "base/base.h"

#include <stdlib.h>
#include <string.h>

static void *malloc_alloc(size_t size, void *user)
{
    (void)user;
    return malloc(size);
}

static void *malloc_resize(void *ptr, size_t size, void *user)
{
    (void)user;
    return realloc(ptr, size);
}

static void malloc_free(void *ptr, void *user)
{
    (void)user;
    free(ptr);
}

const gov_allocator base_malloc = {malloc_alloc, malloc_resize, malloc_free, NULL};

static const gov_allocator *or_default(const gov_allocator *a)
{
    return a != NULL ? a : &base_malloc;
}

void *base_alloc(const gov_allocator *a, size_t size)
{
    const size_t n = size > 0 ? size : 1;
    a = or_default(a);
    void *ptr = a->alloc(n, a->user);
    if (ptr != NULL)
        memset(ptr, 0, n);
    return ptr;
}

void *base_array(const gov_allocator *a, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    return base_alloc(a, count * size);
}

void *base_resize(const gov_allocator *a, void *ptr, size_t size)
{
    a = or_default(a);
    return a->resize(ptr, size > 0 ? size : 1, a->user);
}

void base_free(const gov_allocator *a, void *ptr)
{
    if (ptr == NULL)
        return;
    a = or_default(a);
    a->free(ptr, a->user);
}

char *base_strndup(const gov_allocator *a, const char *s, size_t len)
{
    if (len == SIZE_MAX)
        return NULL;
    char *copy = base_alloc(a, len + 1);
    if (copy != NULL && len > 0)
        memcpy(copy, s, len);
    return copy;
}

char *base_strdup(const gov_allocator *a, const char *s)
{
    return base_strndup(a, s, strlen(s));
}

bool base_grow(const gov_allocator *a, void *items, size_t *capacity, size_t count, size_t size)
{
    void *old;
    if (count < *capacity)
        return true;
    size_t wanted = *capacity < 8 ? 8 : *capacity * 2;
    if (wanted <= count)
        wanted = count + 1;
    if (wanted < *capacity || wanted > SIZE_MAX / size)
        return false;
    memcpy(&old, items, sizeof old); /* items is a T **, whatever T is */
    void *grown = base_resize(a, old, wanted * size);
    if (grown == NULL)
        return false;
    memcpy(items, &grown, sizeof grown);
    *capacity = wanted;
    return true;
}

/* ---- arenas ---- */

struct base_block {
    base_block *next;
    size_t size, used;
    max_align_t data[];
};

enum { FIRST_BLOCK = 1024, LARGEST_BLOCK = 256 * 1024 };

void base_arena_init(base_arena *arena, const gov_allocator *a)
{
    *arena = (base_arena){.alloc = or_default(a)};
}

static base_block *add_block(base_arena *arena, size_t size)
{
    size_t room = arena->head == NULL ? FIRST_BLOCK : arena->head->size * 2;
    if (room > LARGEST_BLOCK)
        room = LARGEST_BLOCK;
    if (room < size)
        room = size;
    if (room > SIZE_MAX - sizeof(base_block))
        return NULL;
    base_block *block = arena->alloc->alloc(sizeof *block + room, arena->alloc->user);
    if (block == NULL)
        return NULL;
    block->next = arena->head;
    block->size = room;
    block->used = 0;
    arena->head = block;
    return block;
}

void *base_arena_alloc(base_arena *arena, size_t size)
{
    if (size > SIZE_MAX - 15)
        return NULL;
    const size_t n = (size + 15) & ~(size_t)15;
    if (arena->limit != 0 && (n > arena->limit || arena->used > arena->limit - n))
        return NULL;
    base_block *block = arena->head;
    if (block == NULL || block->size - block->used < n) {
        block = add_block(arena, n);
        if (block == NULL)
            return NULL;
    }
    void *ptr = (char *)block->data + block->used;
    block->used += n;
    arena->used += n;
    memset(ptr, 0, n);
    return ptr;
}

void *base_arena_array(base_arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    return base_arena_alloc(arena, count * size);
}

char *base_arena_strndup(base_arena *arena, const char *s, size_t len)
{
    if (len == SIZE_MAX)
        return NULL;
    char *copy = base_arena_alloc(arena, len + 1);
    if (copy != NULL && len > 0)
        memcpy(copy, s, len);
    return copy;
}

char *base_arena_strdup(base_arena *arena, const char *s)
{
    return base_arena_strndup(arena, s, strlen(s));
}

static void free_blocks(base_arena *arena, base_block *block)
{
    while (block != NULL) {
        base_block *next = block->next;
        arena->alloc->free(block, arena->alloc->user);
        block = next;
    }
}

void base_arena_reset(base_arena *arena)
{
    base_block *keep = arena->head; /* the newest is the largest, or nearly so */
    if (keep != NULL) {
        free_blocks(arena, keep->next);
        keep->next = NULL;
        keep->used = 0;
    }
    arena->used = 0;
}

void base_arena_free(base_arena *arena)
{
    free_blocks(arena, arena->head);
    arena->head = NULL;
    arena->used = 0;
}
