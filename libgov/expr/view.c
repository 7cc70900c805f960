/* Looking at a checked program from outside, term by term: for who turns expressions into something else. */
#include "expr/inner.h"

static expr_form form_of(const expr_node *n)
{
    switch (n->kind) {
    case K_CONST: return EXPR_CONSTANT;
    case K_SLOT: return EXPR_NAME;
    case K_TEST_SLOT: return EXPR_HAS;
    case K_NOT: return EXPR_NOT;
    case K_AND: return EXPR_AND;
    case K_OR: return EXPR_OR;
    case K_COND: return EXPR_CHOICE;
    case K_EQUAL: return EXPR_EQUAL;
    case K_ORDER: return EXPR_ORDER;
    case K_IN: return EXPR_IN;
    case K_ARITH: return EXPR_ARITHMETIC;
    case K_CALL: return EXPR_CALL;
    default: return EXPR_ELSE;
    }
}

static const char *sign_of(const expr_node *n)
{
    static const char *const signs[] = {
        [OP_ADD] = "+", [OP_SUB] = "-", [OP_MUL] = "*", [OP_DIV] = "/",
        [OP_MOD] = "%", [OP_EQ] = "==", [OP_NE] = "!=", [OP_LT] = "<",
        [OP_LE] = "<=", [OP_GT] = ">",  [OP_GE] = ">="};
    return n->op < ARRAY_LEN(signs) && signs[n->op] != NULL ? signs[n->op] : "";
}

const expr_node *expr_program_root(const expr_program *p)
{
    return p->root;
}

expr_term expr_look(const expr_node *n)
{
    return (expr_term){.form = form_of(n),
                       .sign = sign_of(n),
                       .slot = n->slot,
                       .name = n->name,
                       .name_len = n->name_len,
                       .type = n->type,
                       .kids = (const expr_node *const *)n->kid,
                       .count = n->count};
}
