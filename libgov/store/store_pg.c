/* The server engine: PostgreSQL through libpq. */
#include "store/engine.h"

gov_status store_pg_open(store *s, const store_config *config, const char *url, const diag *d)
{
    (void)s;
    (void)config;
    (void)url;
    return base_fail(d, M_unsupported, A_S("what", "PostgreSQL"));
}
