/* Journals on a store of their own, for the tests of the journal. */
#ifndef GOV_TEST_JOURNAL_STORE_H
#define GOV_TEST_JOURNAL_STORE_H

#include "support/support.h"

#include "journal/journal.h"

#define REAL_MS INT64_C(1772409900000)
#define NOW_US  (REAL_MS * 1000)

static gov_error *err;
static const diag D = {&base_malloc, &err};
static const store_migration *const schema[] = {&journal_schema_1};

static inline void forget(void)
{
    gov_error_free(err);
    err = NULL;
}

/* ---- the tree ---- */

enum { TREE = 70 };

/* ---- a journal on a store ---- */

static inline store *open_store(const char *url)
{
    store *s = NULL;
    const store_config config = {.url = url,
                                 .flags = STORE_CREATE,
                                 .migrations = schema,
                                 .migration_count = 1};
    forget();
    assert_gov_ok(store_open(&base_malloc, &config, &s, &D), err);
    return s;
}

static inline journal *open_journal(store *s, int64_t community)
{
    journal *j = NULL;
    assert_gov_ok(journal_open(s, community, NULL, &j, &D), err);
    return j;
}

static const uint8_t rule_digest[JOURNAL_HASH] = {1, 2, 3};

static inline gov_status append(journal *j, int n, int64_t *id, const diag *d)
{
    value_pair pair = {value_text("步骤"), value_int(n)};
    const journal_entry e = {.real_ms = REAL_MS + n,
                             .at_us = NOW_US + n,
                             .kind = "case_sent",
                             .actor = 7,
                             .on_behalf = n % 2 ? 9 : 0,
                             .purpose = "handling",
                             .subject_kind = "case",
                             .subject = 100 + n % 3,
                             .rule_digest = n % 2 ? rule_digest : NULL,
                             .rule_file = "workflows/complaint.yaml",
                             .rule_line = (uint32_t)n,
                             .batch = n % 5 == 4 ? rule_digest : NULL,
                             .data = value_map(&pair, 1)};
    return journal_append(j, &e, id, d);
}

static inline void append_all(journal *j, store *s, int from, int to, int64_t *ids)
{
    assert_gov_ok(store_begin(s, &D), err);
    for (int i = from; i < to; i++)
        assert_gov_ok(append(j, i, ids != NULL ? &ids[i] : NULL, &D), err);
    assert_gov_ok(store_commit(s, &D), err);
    assert_gov_ok(journal_seal(j, 1000, NULL, &D), err);
}

static inline gov_status verify(journal *j, journal_report *report)
{
    forget();
    return journal_verify(j, report, NULL, NULL, &D);
}

/* ---- tampering: one byte of the file ---- */

static inline gov_status keep_leaf(void *user, const journal_record *r)
{
    base_buf *b = user;
    base_buf_add(b, r->leaf, r->leaf_len);
    return GOV_OK;
}

#endif
