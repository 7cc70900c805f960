/* Which rooms there are: their tables in the store, their words in the rule language. A new room is added here and nowhere else. */
#include "api/api.h"

#include "exchange/exchange.h"
#include "insight/insight.h"
#include "points/points.h"

const store_migration *const api_schema[] = {&journal_schema_1, &registry_schema, &ledger_schema, &case_schema, &exchange_schema};
const size_t api_schema_count = ARRAY_LEN(api_schema);

const rulebook_host *api_host(void)
{
    static const rulebook_host *const parts[] = {&case_words, &points_words, &insight_words};
    static const rulebook_host host = {.in_state = case_in_state, .calendar = case_calendar_of, .parts = parts, .part_count = ARRAY_LEN(parts)};
    return &host;
}
