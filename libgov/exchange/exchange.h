/* Room exchange: tables as offices export them, and imports through maps. */
#ifndef EXCHANGE_EXCHANGE_H
#define EXCHANGE_EXCHANGE_H

#include "access/access.h"

extern const store_migration exchange_schema; /* version 1 */

/* Where the last replay left the community's clock; -1: there was none. Within a transaction. */
gov_status exchange_replayed(gov *g, int64_t *us, const diag *d);

#endif
