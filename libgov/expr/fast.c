/* Tests: how guards over scalars are answered, without a value on the way.
 *
 * A node that only reads slots and compares them with constants has a test beside its eval. It says 1 or 0, or -1 where it is not
 * the plain case (a slot to be fetched, another type, an error): then the evaluation begins anew, the long way. Nothing that a test
 * does can be seen, so that this is allowed. */
#include "expr/inner.h"

#include <string.h>

/* The value of a slot; NULL: it has to be fetched, or is nothing plain. */
static inline const value *plain_slot(const expr_node *n, const expr_run *run)
{
    return n->slot < run->slot_count && run->slots[n->slot].kind < VALUE_OTHER
               ? &run->slots[n->slot]
               : NULL;
}

static inline bool same_text(const value *a, const value *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->as.s, b->as.s, a->len) == 0);
}

bool expr_in_strings(const expr_node *n, const value *v)
{
    const value *set = n->extra;
    size_t low = 0, high = n->extra_count;
    if (v->kind != VALUE_STRING)
        return false;
    if (high <= 8) {
        for (size_t i = 0; i < high; i++)
            if (same_text(&set[i], v))
                return true;
        return false;
    }
    while (low < high) { /* sorted by length, then by bytes */
        const size_t mid = low + (high - low) / 2;
        const int cmp = set[mid].len != v->len ? (set[mid].len < v->len ? -1 : 1)
                        : v->len == 0          ? 0
                                               : memcmp(set[mid].as.s, v->as.s, v->len);
        if (cmp == 0)
            return true;
        if (cmp < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

static int test_in(const expr_node *n, const expr_run *run)
{
    const value *v = plain_slot(n->kid[0], run);
    return v != NULL && v->len < 64 ? expr_in_strings(n, v) : -1; /* reading a long text is charged */
}

#define TEST_ORDER(name, sign)                               \
    static int name(const expr_node *n, const expr_run *run) \
    {                                                        \
        const value *v = plain_slot(n->kid[0], run);         \
        if (v == NULL || v->kind != VALUE_INT)               \
            return -1;                                       \
        return v->as.i sign n->kid[1]->v.as.i;               \
    }

TEST_ORDER(test_less, <)
TEST_ORDER(test_at_most, <=)
TEST_ORDER(test_greater, >)
TEST_ORDER(test_at_least, >=)

static int test_equal(const expr_node *n, const expr_run *run)
{
    const value *v = plain_slot(n->kid[0], run), *c = &n->kid[1]->v;
    if (v == NULL || v->kind != c->kind || (c->kind == VALUE_STRING && v->len >= 64))
        return -1;
    const bool same = c->kind == VALUE_STRING ? same_text(v, c)
                      : c->kind == VALUE_INT  ? v->as.i == c->as.i
                                              : v->as.b == c->as.b;
    return same == (n->op == OP_EQ);
}

static int test_slot(const expr_node *n, const expr_run *run)
{
    const value *v = plain_slot(n, run);
    return v != NULL && v->kind == VALUE_BOOL ? v->as.b : -1;
}

static int test_has(const expr_node *n, const expr_run *run)
{
    const value *v = plain_slot(n, run);
    return v != NULL ? v->kind != VALUE_NULL : -1;
}

static int test_not(const expr_node *n, const expr_run *run)
{
    const int is = n->kid[0]->test(n->kid[0], run);
    return is < 0 ? is : !is;
}

static int test_and(const expr_node *n, const expr_run *run)
{
    for (uint32_t i = 0; i < n->count; i++) {
        const int is = n->kid[i]->test(n->kid[i], run);
        if (is != 1)
            return is;
    }
    return 1;
}

static int test_or(const expr_node *n, const expr_run *run)
{
    for (uint32_t i = 0; i < n->count; i++) {
        const int is = n->kid[i]->test(n->kid[i], run);
        if (is != 0)
            return is;
    }
    return 0;
}

static bool all_tests(const expr_node *n)
{
    for (uint32_t i = 0; i < n->count; i++)
        if (n->kid[i]->test == NULL)
            return false;
    return true;
}

static bool slot_and_constant(const expr_node *n)
{
    return n->kid[0]->kind == K_SLOT && n->kid[1]->kind == K_CONST;
}

expr_test expr_test_of(const expr_node *n)
{
    static const expr_test orders[] = {[OP_LT] = test_less,
                                       [OP_LE] = test_at_most,
                                       [OP_GT] = test_greater,
                                       [OP_GE] = test_at_least};
    uint8_t kind;
    switch (n->kind) {
    case K_SLOT: return test_slot;
    case K_TEST_SLOT: return test_has;
    case K_NOT: return all_tests(n) ? test_not : NULL;
    case K_AND: return all_tests(n) ? test_and : NULL;
    case K_OR: return all_tests(n) ? test_or : NULL;
    case K_IN: return n->extra != NULL && n->kid[0]->kind == K_SLOT ? test_in : NULL;
    case K_ORDER:
        return slot_and_constant(n) && n->kid[1]->v.kind == VALUE_INT ? orders[n->op] : NULL;
    case K_EQUAL:
        if (!slot_and_constant(n))
            return NULL;
        kind = n->kid[1]->v.kind;
        return kind == VALUE_STRING || kind == VALUE_INT || kind == VALUE_BOOL ? test_equal : NULL;
    default: return NULL;
    }
}
