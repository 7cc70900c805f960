/* One small function per kind of node; build.c puts the right one into each node. */
#include "expr/inner.h"

#include <string.h>

/* ---- errors ---- */

int expr_fail(expr_ctx *c, const expr_node *n, base_message m, const char *what, value v)
{
    c->fault = (expr_fault){.message = m, .where = n, .what = what, .v = v};
    return FAIL;
}

int expr_fail_kinds(expr_ctx *c, const expr_node *n, const value *args, size_t count)
{
    (void)expr_fail(c, n, M_no_such_overload, NULL, value_absent());
    for (size_t i = 0; i < count && i < ARRAY_LEN(c->fault.kinds); i++)
        c->fault.kinds[c->fault.kind_count++] = (uint8_t)expr_kind_type(args[i]);
    return FAIL;
}

int expr_fail_wanted(expr_ctx *c, const expr_node *n, const value *args, size_t count,
                     const char *expected)
{
    (void)expr_fail_kinds(c, n, args, count);
    c->fault.what = expected;
    return FAIL;
}

int expr_stop(expr_ctx *c, const expr_node *n, base_message m)
{
    (void)expr_fail(c, n, m, NULL, value_absent());
    return STOP;
}

int expr_nomem(expr_ctx *c, const expr_node *n)
{
    return expr_stop(c, n, M_out_of_memory);
}

int expr_too_costly(expr_ctx *c, const expr_node *n)
{
    return expr_stop(c, n, M_too_costly);
}

void expr_fault_drop(expr_fault *f)
{
    gov_error_free(f->foreign);
    f->foreign = NULL;
}

/* ---- operands ---- */

int expr_step_const(const expr_node *n, expr_ctx *c, value *out)
{
    (void)c;
    *out = n->v;
    return DONE;
}

int expr_load_slot(const expr_node *n, expr_ctx *c, value *out)
{
    value v = n->slot < c->slot_count ? c->slots[n->slot] : value_absent();
    if (v.kind == VALUE_ABSENT && c->run->fetch != NULL &&
        !c->run->fetch(c->run->user, n->slot, &v))
        v = value_absent();
    if (v.kind == VALUE_ABSENT)
        return expr_fail(c, n, M_no_value, NULL, v);
    if (v.kind == VALUE_OTHER && v.sub == OTHER_ERROR)
        return expr_fail(c, n, M_bound_error, NULL, value_string(v.as.s, v.len));
    *out = v;
    return DONE;
}

static int step_slot(const expr_node *n, expr_ctx *c, value *out)
{
    if (n->slot < c->slot_count && c->slots[n->slot].kind < VALUE_OTHER) {
        *out = c->slots[n->slot];
        return DONE;
    }
    return expr_load_slot(n, c, out);
}

static int step_local(const expr_node *n, expr_ctx *c, value *out)
{
    *out = c->local[n->slot];
    return DONE;
}

static int step_unknown(const expr_node *n, expr_ctx *c, value *out)
{
    (void)out;
    return expr_fail(c, n, M_undeclared_reference, NULL, value_absent());
}

static int step_message(const expr_node *n, expr_ctx *c, value *out)
{
    (void)out;
    return expr_fail(c, n, M_no_message_types, NULL, value_absent());
}

/* Where a node's value is; *tmp holds it when it had to be made. NULL: *how says what went wrong. Saves copies and calls for
 * what most operands are. */
static inline const value *operand(const expr_node *n, expr_ctx *c, value *tmp, int *how)
{
    if (n->kind == K_CONST)
        return &n->v;
    if (n->kind == K_SLOT && n->slot < c->slot_count && c->slots[n->slot].kind < VALUE_OTHER)
        return &c->slots[n->slot];
    if (n->kind == K_LOCAL)
        return &c->local[n->slot];
    *how = n->eval(n, c, tmp);
    return *how == DONE ? tmp : NULL;
}

/* Both operands of a node; false: *how says what went wrong. */
static inline bool operands(const expr_node *n, expr_ctx *c, value tmp[2], const value **a,
                            const value **b, int *how)
{
    *a = operand(n->kid[0], c, &tmp[0], how);
    if (*a == NULL)
        return false;
    *b = operand(n->kid[1], c, &tmp[1], how);
    return *b != NULL;
}

/* ---- fields and indexes ---- */

static int no_field(const expr_node *n, expr_ctx *c, value from)
{
    return expr_fail(c, n, M_no_such_field, NULL, from);
}

/* Selecting on an optional selects inside it, and gives an optional again. */
static int select_optional(const expr_node *n, expr_ctx *c, value from, value key, bool index,
                           value *out)
{
    if (expr_is_optional(from)) {
        if (from.as.other == NULL) {
            *out = from;
            return DONE;
        }
        from = *(const value *)from.as.other;
    }
    if (from.kind == VALUE_NULL) /* nothing can be selected from null: that is what one asks */
        return expr_make_optional(n, c, NULL, out);
    value found;
    if (index) {
        const int how = expr_index(n, c, from, key, &found);
        if (how != DONE)
            return how;
    } else {
        if (from.kind != VALUE_MAP)
            return no_field(n, c, from);
        found = value_get(from, key.as.s, key.len);
    }
    return expr_make_optional(n, c, found.kind != VALUE_ABSENT ? &found : NULL, out);
}

static int step_select(const expr_node *n, expr_ctx *c, value *out)
{
    value tmp;
    int how;
    const value *from = operand(n->kid[0], c, &tmp, &how);
    if (from == NULL)
        return how;
    if (n->kind == K_OPT_SELECT || from->kind == VALUE_OTHER)
        return n->kind == K_OPT_SELECT || expr_is_optional(*from)
                   ? select_optional(n, c, *from, n->v, false, out)
                   : no_field(n, c, *from);
    if (from->kind != VALUE_MAP)
        return no_field(n, c, *from);
    *out = value_get(*from, n->name, n->name_len);
    return out->kind != VALUE_ABSENT ? DONE : expr_fail(c, n, M_no_such_key, NULL, n->v);
}

static int step_test(const expr_node *n, expr_ctx *c, value *out)
{
    value tmp;
    int how;
    const value *from = operand(n->kid[0], c, &tmp, &how);
    if (from == NULL)
        return how;
    if (expr_is_optional(*from)) {
        if (from->as.other == NULL) {
            *out = value_bool(false);
            return DONE;
        }
        from = from->as.other;
    }
    if (from->kind != VALUE_MAP)
        return no_field(n, c, *from);
    *out = value_bool(value_get(*from, n->name, n->name_len).kind != VALUE_ABSENT);
    return DONE;
}

static int step_test_slot(const expr_node *n, expr_ctx *c, value *out)
{
    value v;
    const int how = step_slot(n, c, &v);
    if (how == FAIL && c->fault.message == M_no_value) {
        *out = value_bool(false);
        return DONE;
    }
    *out = value_bool(v.kind != VALUE_NULL);
    return how;
}

static int step_index(const expr_node *n, expr_ctx *c, value *out)
{
    const value *from, *index;
    value tmp[2];
    int how;
    if (!operands(n, c, tmp, &from, &index, &how))
        return how;
    if (n->kind == K_OPT_INDEX || expr_is_optional(*from))
        return select_optional(n, c, *from, *index, true, out);
    how = expr_index(n, c, *from, *index, out);
    if (how != DONE || out->kind != VALUE_ABSENT)
        return how;
    if (from->kind == VALUE_MAP)
        return expr_fail(c, n, M_no_such_key, NULL, *index);
    return expr_fail(c, n, M_invalid_argument, "index out of bounds", *index);
}

/* ---- lists and maps ---- */

/* An entry written ?x: left out when x is none. */
static int unwrap_entry(const expr_node *n, const expr_node *kid, expr_ctx *c, value *v, bool *skip)
{
    *skip = false;
    if ((kid->flags & NODE_OPTIONAL) == 0)
        return DONE;
    if (!expr_is_optional(*v))
        return expr_fail_wanted(c, n, v, 1, "optional");
    *skip = v->as.other == NULL;
    if (!*skip)
        *v = *(const value *)v->as.other;
    return DONE;
}

static int step_list(const expr_node *n, expr_ctx *c, value *out)
{
    value *items = expr_take(c, n->count, sizeof *items);
    size_t len = 0;
    if (items == NULL)
        return expr_nomem(c, n);
    for (uint32_t i = 0; i < n->count; i++) {
        bool skip;
        int how = n->kid[i]->eval(n->kid[i], c, &items[len]);
        if (how == DONE)
            how = unwrap_entry(n, n->kid[i], c, &items[len], &skip);
        if (how != DONE)
            return how;
        len += !skip;
    }
    return expr_make_list(n, c, items, len, out);
}

static int step_map(const expr_node *n, expr_ctx *c, value *out)
{
    value_pair *pairs = expr_take(c, n->count / 2, sizeof *pairs);
    size_t len = 0;
    if (pairs == NULL)
        return expr_nomem(c, n);
    for (uint32_t i = 0; i < n->count; i += 2) {
        bool skip = false;
        int how = n->kid[i]->eval(n->kid[i], c, &pairs[len].key);
        if (how == DONE)
            how = n->kid[i + 1]->eval(n->kid[i + 1], c, &pairs[len].val);
        if (how == DONE)
            how = unwrap_entry(n, n->kid[i + 1], c, &pairs[len].val, &skip);
        if (how != DONE)
            return how;
        len += !skip;
    }
    return expr_make_map(n, c, pairs, len, out);
}

/* ---- logic ---- */

/* From kid `i` on, whose outcome `how` is not the plain bool that lets the chain go on: the first error is kept, and given up
 * when a later kid settles the matter. `settles` is true for ||, false for &&. */
static int logic_slow(const expr_node *n, expr_ctx *c, uint32_t i, int how, value v, value *out)
{
    const bool settles = n->kind == K_OR;
    expr_fault first;
    bool failed = false;
    for (;;) {
        if (how == DONE && v.kind != VALUE_BOOL)
            how = expr_fail_kinds(c, n, &v, 1);
        if (how == STOP || (how == DONE && v.as.b == settles)) {
            if (failed)
                expr_fault_drop(&first);
            *out = v;
            return how;
        }
        if (how == FAIL) {
            if (failed)
                expr_fault_drop(&c->fault);
            else
                first = c->fault;
            failed = true;
        }
        if (++i == n->count)
            break;
        how = n->kid[i]->eval(n->kid[i], c, &v);
    }
    c->fault = first;
    return FAIL;
}

static int step_and(const expr_node *n, expr_ctx *c, value *out)
{
    for (uint32_t i = 0; i < n->count; i++) {
        const int how = n->kid[i]->eval(n->kid[i], c, out);
        if (how != DONE || out->kind != VALUE_BOOL)
            return logic_slow(n, c, i, how, *out, out);
        if (!out->as.b)
            return DONE;
    }
    return DONE;
}

static int step_or(const expr_node *n, expr_ctx *c, value *out)
{
    for (uint32_t i = 0; i < n->count; i++) {
        const int how = n->kid[i]->eval(n->kid[i], c, out);
        if (how != DONE || out->kind != VALUE_BOOL)
            return logic_slow(n, c, i, how, *out, out);
        if (out->as.b)
            return DONE;
    }
    return DONE;
}

static int step_not(const expr_node *n, expr_ctx *c, value *out)
{
    value tmp;
    int how;
    const value *v = operand(n->kid[0], c, &tmp, &how);
    if (v == NULL)
        return how;
    if (v->kind != VALUE_BOOL)
        return expr_fail_kinds(c, n, v, 1);
    *out = value_bool(!v->as.b);
    return DONE;
}

static int step_cond(const expr_node *n, expr_ctx *c, value *out)
{
    value tmp;
    int how;
    const value *v = operand(n->kid[0], c, &tmp, &how);
    if (v == NULL)
        return how;
    if (v->kind != VALUE_BOOL)
        return expr_fail_kinds(c, n, v, 1);
    const expr_node *branch = n->kid[v->as.b ? 1 : 2];
    return branch->eval(branch, c, out);
}

/* ---- relations and arithmetic ---- */

static bool order_holds(uint8_t op, int cmp)
{
    switch (op) {
    case OP_LT: return cmp < 0;
    case OP_LE: return cmp <= 0;
    case OP_GT: return cmp > 0;
    default: return cmp >= 0;
    }
}

static bool is_text(const value *v)
{
    return v->kind == VALUE_STRING || v->kind == VALUE_BYTES;
}

static int step_order(const expr_node *n, expr_ctx *c, value *out)
{
    const value *a, *b;
    value tmp[2];
    int how, cmp;
    bool unordered;
    if (!operands(n, c, tmp, &a, &b, &how))
        return how;
    if (a->kind == VALUE_INT && b->kind == VALUE_INT) {
        *out = value_bool(order_holds(n->op, (a->as.i > b->as.i) - (a->as.i < b->as.i)));
        return DONE;
    }
    if (is_text(a) && is_text(b) && !expr_charge_text(c, a->len < b->len ? a->len : b->len))
        return expr_too_costly(c, n);
    if (!expr_order(*a, *b, &cmp, &unordered)) {
        const value args[2] = {*a, *b};
        return expr_fail_kinds(c, n, args, 2);
    }
    *out = value_bool(!unordered && order_holds(n->op, cmp));
    return DONE;
}

static int step_equal(const expr_node *n, expr_ctx *c, value *out)
{
    const value *a, *b;
    value tmp[2];
    int how, same;
    if (!operands(n, c, tmp, &a, &b, &how))
        return how;
    if (a->kind == VALUE_STRING && b->kind == VALUE_STRING && a->len < 64)
        same = a->len == b->len && (a->len == 0 || memcmp(a->as.s, b->as.s, a->len) == 0);
    else
        same = expr_equal(c, *a, *b);
    if (same < 0)
        return expr_too_costly(c, n);
    *out = value_bool(same == (n->op == OP_EQ));
    return DONE;
}

static int step_arith(const expr_node *n, expr_ctx *c, value *out)
{
    const value *a, *b;
    value tmp[2];
    int how;
    if (!operands(n, c, tmp, &a, &b, &how))
        return how;
    return expr_arith(n, c, (node_op)n->op, *a, *b, out);
}

static int step_negate(const expr_node *n, expr_ctx *c, value *out)
{
    value tmp;
    int how;
    const value *v = operand(n->kid[0], c, &tmp, &how);
    return v != NULL ? expr_negate(n, c, *v, out) : how;
}

static int step_in_strings(const expr_node *n, expr_ctx *c, value *out)
{
    value tmp;
    int how;
    const value *v = operand(n->kid[0], c, &tmp, &how);
    if (v == NULL)
        return how;
    if (is_text(v) && !expr_charge_text(c, v->len))
        return expr_too_costly(c, n);
    *out = value_bool(expr_in_strings(n, v));
    return DONE;
}

static int step_in(const expr_node *n, expr_ctx *c, value *out)
{
    const value *a, *b;
    value tmp[2];
    int how;
    if (!operands(n, c, tmp, &a, &b, &how))
        return how;
    if (b->kind != VALUE_LIST && b->kind != VALUE_MAP) {
        const value args[2] = {*a, *b};
        return expr_fail_kinds(c, n, args, 2);
    }
    if ((b->len > 16 && !expr_charge(c, b->len / 16)) ||
        (b->kind == VALUE_MAP && is_text(a) && !expr_charge_text(c, a->len)))
        return expr_too_costly(c, n);
    *out = value_bool(false);
    if (b->kind == VALUE_MAP) {
        *out = value_bool(value_find(*b, *a).kind != VALUE_ABSENT);
        return DONE;
    }
    for (size_t i = 0; i < b->len; i++) {
        const int same = expr_equal(c, *a, b->as.items[i]);
        if (same < 0)
            return expr_too_costly(c, n);
        if (same == 1) {
            *out = value_bool(true);
            break;
        }
    }
    return DONE;
}

/* ---- calls ---- */

static bool kinds_match(const expr_overload *o, const value *args, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const expr_type param = o->args[i < o->argc ? i : o->argc - 1U];
        const unsigned kind = expr_type_kind(param);
        if (kind != 0 && kind < 14 && kind != expr_type_kind(expr_kind_type(args[i])))
            return false;
    }
    return true;
}

static bool ends_evaluation(gov_status status)
{
    return status == GOV_E_NOMEM || status == GOV_E_LIMIT || status == GOV_E_USER ||
           status == GOV_E_BUG || (status >= 400 && status < 500);
}

static int call_host(const expr_node *n, expr_ctx *c, const expr_function *f, const value *args,
                     value *out)
{
    gov_error *e = NULL;
    const bool heard = c->d != NULL && c->d->out != NULL;
    const diag d = {heard ? c->d->alloc : NULL, &e};
    if (!expr_charge(c, f->cost != 0 ? f->cost : 1))
        return expr_too_costly(c, n);
    *out = value_null();
    expr_run run = *c->run;
    run.cost_left = &c->cost;
    const gov_status status = f->call(f->user, args, n->count, out, &run, heard ? &d : NULL);
    if (status == GOV_OK) {
        gov_error_free(e);
        return DONE;
    }
    (void)expr_fail(c, n, M_function_failed, NULL, value_absent());
    c->fault.status = status;
    c->fault.foreign = e;
    return ends_evaluation(status) ? STOP : FAIL;
}

static int step_call(const expr_node *n, expr_ctx *c, value *out)
{
    value few[EXPR_MAX_PARAMS], *args = few;
    const expr_overload *const *fit = n->extra;
    if ((n->flags & NODE_SETTLED) == 0)
        return expr_fail(c, n, M_unknown_function, NULL, value_absent());
    if (n->count > ARRAY_LEN(few)) {
        args = expr_take(c, n->count, sizeof *args);
        if (args == NULL)
            return expr_nomem(c, n);
    }
    for (uint32_t i = 0; i < n->count; i++) {
        const int how = n->kid[i]->eval(n->kid[i], c, &args[i]);
        if (how != DONE)
            return how;
        if (is_text(&args[i]) && !expr_charge_text(c, args[i].len))
            return expr_too_costly(c, n);
    }
    for (uint32_t i = 0; i < n->extra_count; i++) {
        if (!kinds_match(fit[i], args, n->count))
            continue;
        return fit[i]->host != NULL ? call_host(n, c, fit[i]->host, args, out)
                                    : fit[i]->call(c, n, args, out);
    }
    return expr_fail_kinds(c, n, args, n->count);
}

/* ---- choosing ---- */

void expr_step_choose(expr_node *n)
{
    static const expr_step steps[] = {
        [K_CONST] = expr_step_const,
        [K_IDENT] = step_unknown,
        [K_UNKNOWN] = step_unknown,
        [K_SLOT] = step_slot,
        [K_LOCAL] = step_local,
        [K_BOUND] = expr_step_bound,
        [K_SELECT] = step_select,
        [K_TEST] = step_test,
        [K_TEST_SLOT] = step_test_slot,
        [K_OPT_SELECT] = step_select,
        [K_INDEX] = step_index,
        [K_OPT_INDEX] = step_index,
        [K_CALL] = step_call,
        [K_LIST] = step_list,
        [K_MAP] = step_map,
        [K_MESSAGE] = step_message,
        [K_NOT] = step_not,
        [K_NEGATE] = step_negate,
        [K_ARITH] = step_arith,
        [K_EQUAL] = step_equal,
        [K_ORDER] = step_order,
        [K_IN] = step_in,
        [K_AND] = step_and,
        [K_OR] = step_or,
        [K_COND] = step_cond,
    };
    n->test = expr_test_of(n);
    if (n->kind == K_MACRO || n->kind == K_BIND)
        n->eval = expr_step_loop(n);
    else if (n->kind == K_IN && n->extra != NULL)
        n->eval = step_in_strings;
    else if (n->kind == K_CALL && n->extra_count == 1 &&
             ((const expr_overload *const *)n->extra)[0]->style & CALL_LAZY)
        n->eval = expr_step_or_value;
    else
        n->eval = steps[n->kind];
}
