/* What tests of rules ask beyond the public calls: who watches the machines, and which cases there are. */
#include "case/live.h"

#include <string.h>

void case_set_watch(gov *g, const case_watch *watch)
{
    case_room_of(g)->watch = watch;
}

gov_status case_ids(gov *g, const char *workflow, int64_t parent, base_arena *arena, int64_t **ids, size_t *count, const diag *d)
{
    static const store_sql any = {"SELECT id FROM gov_case WHERE community = $1 AND workflow = $2 ORDER BY id"};
    static const store_sql children = {"SELECT id FROM gov_case WHERE community = $1 AND workflow = $2 AND parent = $3 ORDER BY id"};
    const store_arg args[] = {store_i(g->community), store_s(workflow), store_i(parent)};
    int64_t *found = NULL;
    size_t n = 0, cap = 0;
    store_rows rows;
    gov_status status = store_query(g->store, parent != 0 ? &children : &any, args, parent != 0 ? 3 : 2, &rows, d);
    while (status == GOV_OK && (status = store_next(&rows, d)) == GOV_OK) {
        if (!base_grow(g->alloc, &found, &cap, n, sizeof *found))
            status = base_nomem(d);
        else
            found[n++] = store_int(&rows, 0);
    }
    store_rows_close(&rows);
    if (status == GOV_END || status == GOV_OK) {
        *ids = base_arena_array(arena, n, sizeof **ids);
        status = *ids != NULL ? GOV_OK : base_nomem(d);
    }
    if (status == GOV_OK && n > 0)
        memcpy(*ids, found, n * sizeof *found);
    *count = n;
    base_free(g->alloc, found);
    return status;
}
