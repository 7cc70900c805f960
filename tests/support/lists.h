/* For tests of lists: a small random source, odd texts, filters as they are written, and pages as they are read. */
#ifndef GOV_TEST_LISTS_H
#define GOV_TEST_LISTS_H

#include "support/community.h"

#include <stdio.h>
#include <string.h>

/* ---- a small random source ---- */

static uint64_t seed = 1;
static inline uint32_t draw(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((seed >> 33) % below);
}
#define PICK(a) ((a)[draw((uint32_t)(sizeof(a) / sizeof *(a)))])

/* ---- filters ---- */

/* Longer together than an index keeps of a text. */
#define A50  "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
#define A170 A50 A50 A50 "ffffffffffgggggggggg"

static const char *const signs[] = {" == ", " != ", " < ", " <= ", " > ", " >= "};
static const char *const equals[] = {" == ", " != "};

typedef struct writer {
    char text[16000];
    size_t len;
} writer;

static inline void put(writer *w, const char *s)
{
    const size_t n = strlen(s);
    assert_true(w->len + n + 1 < sizeof w->text);
    memcpy(w->text + w->len, s, n + 1);
    w->len += n;
}

/* "name == key", or "name in [...]" with up to three of them. */
static inline void put_key_leaf(writer *w, const char *name, const char *const *keys, uint32_t count)
{
    put(w, name);
    if (draw(4) == 0) {
        put(w, " in [");
        for (uint32_t n = draw(4); n > 0; n--) {
            put(w, keys[draw(count)]);
            put(w, n > 1 ? ", " : "");
        }
        put(w, "]");
        return;
    }
    put(w, PICK(equals));
    put(w, keys[draw(count)]);
}

/* ---- pages ---- */

enum { CURSOR_BYTES = 2000 };

/* Adds the ids of a page's rows, frees the page, and says whether there is another one, after *cursor. */
static inline bool take_page(gov_value *page, const char *rows_name, int64_t *ids, size_t *count, size_t most,
                             char cursor[CURSOR_BYTES])
{
    const gov_value *rows = gov_value_get(page, rows_name);
    for (size_t i = 0; i < gov_value_count(rows); i++) {
        assert_true(*count < most);
        ids[(*count)++] = gov_value_int(gov_value_get(gov_value_at(rows, i), "id"));
    }
    const char *next = gov_value_string(gov_value_get(page, "next"), NULL);
    const bool more = next != NULL;
    (void)snprintf(cursor, CURSOR_BYTES, "%s", more ? next : "");
    gov_value_free(page);
    return more;
}

/* What an expression says of rows, by itself: the ids of those for which it holds. Errors are no. */
static inline size_t rows_that_hold(const char *text, const gov_value *types, gov_value *const *rows, const int64_t *ids,
                                    size_t count, int64_t *out)
{
    gov_error *err = NULL;
    gov_expr *expr = NULL;
    size_t found = 0;
    const gov_status status = gov_expr_compile(NULL, text, strlen(text), types, &expr, &err);
    if (status != GOV_OK)
        print_message("%s\n", text);
    assert_gov_ok(status, err);
    for (size_t i = 0; i < count; i++) {
        gov_value *v = NULL;
        const gov_status one = gov_expr_eval(expr, rows[i], &v, NULL);
        if (one == GOV_OK && gov_value_bool(v))
            out[found++] = ids[i];
        assert_true(one == GOV_OK || one == GOV_E_EXPR);
        gov_value_free(v);
    }
    gov_expr_free(expr);
    return found;
}

/* Fails with the first row in which both ways differ; ids ascend. */
static inline void assert_same_rows(const char *text, const int64_t *got, size_t got_count, const int64_t *want, size_t want_count,
                                    gov_value *const *rows, const int64_t *ids, size_t count)
{
    for (size_t i = 0; i < got_count || i < want_count; i++) {
        if (i < got_count && i < want_count && got[i] == want[i])
            continue;
        const int64_t odd = i == got_count || (i < want_count && want[i] < got[i]) ? want[i] : got[i];
        char *row = NULL;
        for (size_t k = 0; k < count; k++)
            if (ids[k] == odd)
                (void)gov_value_to_json(rows[k], &row, NULL, NULL);
        print_message("%s\n", row != NULL ? row : "a row that nobody made");
        gov_text_free(row);
        fail_msg("%s: found %zu, expected %zu", text, got_count, want_count);
    }
}

#endif
