/* What single functions ask of their arguments beyond what a signature can say. */
#include "expr/check.h"

#include <string.h>

static const char one_number[] = "int, uint or double";
static const char keys_with_order[] =
    "bool, int, uint, double, string, bytes, timestamp or duration";

static bool is_number(expr_type t)
{
    return t == EXPR_INT || t == EXPR_UINT || t == EXPR_DOUBLE;
}

static bool is_list(const expr_node *n)
{
    return expr_type_kind(n->type) == EXPR_LIST;
}

/* math.greatest, math.least: numbers of any kinds, or one list of such. */
static void refine_extreme(checker *k, expr_node *n)
{
    const bool alone = n->count == 1;
    expr_type all = EXPR_DYN;
    for (uint32_t i = 0; i < n->count; i++) {
        const expr_node *arg = n->kid[i];
        const expr_type t = alone && is_list(arg) ? expr_type_item(arg->type) : arg->type;
        if (t != EXPR_DYN && !is_number(t)) {
            n->type = EXPR_DYN;
            expr_report_argument(k, n, i,
                                 alone ? "int, uint, double, list(int), list(uint) or list(double)"
                                       : one_number);
            return;
        }
        all = i == 0 ? t : expr_join(all, t);
    }
    n->type = all;
}

static void refine_sort(checker *k, expr_node *n)
{
    if (is_list(n->kid[0]) && !expr_can_order(expr_type_item(n->kid[0]->type)))
        expr_report_argument(k, n, 0,
                             "list(bool), list(int), list(uint), list(double), list(string), "
                             "list(bytes), list(timestamp) or list(duration)");
}

void expr_check_sort_key(checker *k, const expr_node *key)
{
    if (!expr_can_order(key->type))
        expr_wrong_type(k, key, "sortBy", keys_with_order, key->type);
}

/* As many levels of lists are taken away as are there, and asked for. */
static void refine_flatten(checker *k, expr_node *n)
{
    expr_type t = n->kid[0]->type;
    const bool known = n->count == 1 || n->kid[1]->kind == K_CONST;
    int64_t levels = n->count == 1 ? 1 : known ? n->kid[1]->v.as.i : 0;
    (void)k;
    if (!is_list(n->kid[0]))
        return;
    if (!known && expr_type_kind(expr_type_item(t)) == EXPR_LIST)
        t = EXPR_LIST;
    for (; levels > 0 && expr_type_kind(expr_type_item(t)) == EXPR_LIST; levels--)
        t = expr_type_item(t);
    /* An item of unknown type may be a list, whose items then stand in its place: of unknown type as well. */
    n->type = t;
}

static void bad_format(checker *k, const expr_node *n, const char *why)
{
    if (expr_checked(k))
        MISTAKE(k->c, n->kid[0]->at, M_invalid_argument, A_S("function", "format"),
                A_S("what", why));
}

/* "%d".format([x]) where the text is constant: its verbs, and what stands in a list that is written out. */
static void refine_format(checker *k, expr_node *n)
{
    const expr_node *values = n->kid[1];
    bool written = values->kind == K_LIST;
    uint32_t used = 0;
    if (n->kid[0]->kind != K_CONST || n->kid[0]->v.kind != VALUE_STRING)
        return;
    for (size_t at = 0;;) {
        char letter;
        const char *why = expr_format_verb(n->kid[0]->v, &at, &letter), *expected;
        if (why != NULL)
            bad_format(k, n, why);
        if (why != NULL || letter == '\0')
            return;
        const char verb[] = {'%', letter, '\0'};
        const expr_node *item = written && used < values->count ? values->kid[used++] : NULL;
        if (written && item == NULL) {
            bad_format(k, n, "there are fewer values than % signs");
            return;
        }
        written = written && (item->flags & NODE_OPTIONAL) == 0;
        if (written && !expr_format_takes(letter, item->type, &expected))
            expr_wrong_type(k, item, verb, expected, item->type);
    }
}

void expr_refine(checker *k, expr_node *n)
{
    static const struct {
        const char *name;
        void (*check)(checker *k, expr_node *n);
    } rules[] = {
        {"math.greatest", refine_extreme},
        {"math.least", refine_extreme},
        {"sort", refine_sort},
        {"flatten", refine_flatten},
        {"format", refine_format},
    };
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (strlen(rules[i].name) == n->name_len &&
            memcmp(rules[i].name, n->name, n->name_len) == 0)
            rules[i].check(k, n);
}
