/* Which rooms there are: their tables in the store, their words in the rule language. A new room is added here and nowhere else. */
#include "api/api.h"

#include "exchange/exchange.h"
#include "fund/fund.h"
#include "insight/insight.h"
#include "points/points.h"
#include "timebank/timebank.h"

const store_migration *const api_schema[] = {&journal_schema_1, &registry_schema, &ledger_schema, &case_schema, &points_schema, &exchange_schema, &timebank_schema, &fund_schema};
const size_t api_schema_count = ARRAY_LEN(api_schema);

static const rulebook_host *const rooms[] = {&registry_words, &case_words, &points_words, &timebank_words, &fund_words, &insight_words};
static const rulebook_host plain = {.in_state = case_in_state, .calendar = case_calendar_of, .parts = rooms, .part_count = ARRAY_LEN(rooms)};

/* The rooms' words with those of a program behind them. */
typedef struct embedded {
    rulebook_host host; /* first: it is what others see */
    gov_scope *scope;
} embedded;

gov_status api_host_new(const gov_allocator *a, const gov_scope *scope, const rulebook_host **out, const diag *d)
{
    *out = &plain;
    if (scope == NULL)
        return GOV_OK;
    embedded *e = base_alloc(a, sizeof *e);
    if (e == NULL)
        return base_nomem(d);
    e->host = plain;
    e->scope = expr_hosted_hold(scope);
    e->host.functions = expr_hosted_functions(scope, &e->host.function_count);
    *out = &e->host;
    return GOV_OK;
}

void api_host_free(const rulebook_host *host, const gov_allocator *a)
{
    if (host == NULL || host == &plain)
        return;
    embedded *e = (embedded *)(uintptr_t)host;
    gov_scope_free(e->scope);
    base_free(a, e);
}
