/* One table row: an expression and what it yields, through the line protocol of `gov eval`. */
#ifndef SUPPORT_EXPR_TABLE_H
#define SUPPORT_EXPR_TABLE_H

#include "support/support.h"

#include <string.h>

#include "expr/expr.h"

typedef struct example {
    const char *source;
    const char *answer; /* tagged JSON, or "!code" of the error, or what the error begins with from its code on */
} example;

/* The answer is compared as JSON text. */
static void check_example(const example *x, const char *bindings)
{
    base_buf line, out, want;
    base_buf_init(&line, NULL);
    base_buf_init(&out, NULL);
    base_buf_init(&want, NULL);
    base_buf_str(&line, "{\"expr\":");
    value_write_json_string(&line, x->source, strlen(x->source));
    if (bindings != NULL) {
        base_buf_str(&line, ",\"bindings\":");
        base_buf_str(&line, bindings);
    }
    base_buf_char(&line, '}');
    assert_int_equal(expr_eval_line(NULL, NULL, line.data, line.len, &out), GOV_OK);
    if (x->answer[0] == '!')
        base_buf_fmt(&want, "{\"error\":{\"code\":\"%s%s", x->answer + 1,
                     strchr(x->answer, '"') == NULL ? "\"" : "");
    else
        base_buf_fmt(&want, "{\"value\":%s}", x->answer);
    if (strncmp(out.data, want.data, want.len) != 0 ||
        (x->answer[0] != '!' && out.len != want.len)) {
        print_error("%s\n  gives  %s\n  wanted %s\n", x->source, out.data, want.data);
        fail();
    }
    base_buf_free(&line);
    base_buf_free(&out);
    base_buf_free(&want);
}

#define CHECK(table, bindings)                                      \
    for (size_t i = 0; i < sizeof(table) / sizeof((table)[0]); i++) \
    check_example(&(table)[i], (bindings))

#endif
