/* Room api: opens stores and communities, and wires the rooms; nothing else. */
#ifndef API_API_H
#define API_API_H

#include "access/access.h"
#include "registry/registry.h"

#include <gov.h>

struct gov_rulebook {
    atomic_int refs; /* the caller's, and one for each scope that was made of it */
    const rulebook *book;
    const gov_allocator *alloc;
    const rulebook_host *host;
};

/* The library's whole schema, in the order of the rooms. */
extern const store_migration *const api_schema[];
extern const size_t api_schema_count;

/* What the rooms teach the rule language (sections, effects, functions), and the functions of the program that embeds us (NULL: none).
 * api_host_free() gives it back. */
gov_status api_host_new(const gov_allocator *a, const gov_scope *scope, const rulebook_host **out, const diag *d);
void api_host_free(const rulebook_host *host, const gov_allocator *a);

/* The clock and the random bytes of a host that gives none: clock.c. */
int64_t api_system_now(void *user);
void api_system_random(void *bytes, size_t len, void *user);

#endif
