/* Which rooms there are: their tables in the store, their words in the rule language. */
#include "api/api.h"

#include "case/case.h"

const store_migration *const api_schema[] = {&journal_schema_1, &registry_schema, &case_schema};
const size_t api_schema_count = ARRAY_LEN(api_schema);

/* The loader wants one table of effects; the rooms each have one. Copied once, when the library is loaded into the
 * first store or rulebook, would be state: so the table is written out. */
const rulebook_host *api_host(void)
{
    static const rulebook_host host = {.effects = case_effects, .effect_count = 4};
    return &host;
}
