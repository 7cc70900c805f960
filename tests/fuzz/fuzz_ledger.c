/* Lines from anywhere to a ledger in memory: each gets one answer, and debits equal credits afterwards. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/lines.h"

static void check(int truth)
{
    if (!truth)
        abort();
}

/* Balances set by force need not be even. */
static void add_up(const gov_ledger_lines *l)
{
    uint64_t debits = 0, credits = 0;
    for (size_t i = 0; i < l->b.cell_count && l->adjusted_count == 0; i++) {
        const ledger_account *a = &l->b.cells[i].a;
        check(a->debits_pending >= 0 && a->debits_posted >= 0 && a->credits_pending >= 0 &&
              a->credits_posted >= 0);
        if (a->id == 0)
            continue;
        debits += (uint64_t)a->debits_posted + (uint64_t)a->debits_pending;
        credits += (uint64_t)a->credits_posted + (uint64_t)a->credits_pending;
    }
    check(debits == credits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gov_ledger_lines *l = NULL;
    const char *p = (const char *)data, *end = p + size;
    if (gov_ledger_lines_open(NULL, NULL, &l, NULL) != GOV_OK)
        return 0;
    while (p < end) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        char *out = NULL;
        size_t len = 0;
        stop = stop != NULL ? stop : end;
        check(gov_ledger_line(l, p, (size_t)(stop - p), &out, &len, NULL) == GOV_OK);
        check(len >= 2 && out[0] == '{' && out[len - 1] == '}' && memchr(out, '\n', len) == NULL);
        gov_text_free(out);
        p = stop + 1;
    }
    add_up(l);
    gov_ledger_lines_free(l);
    return 0;
}
