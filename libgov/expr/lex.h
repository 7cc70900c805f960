/* Tokens; between lex.c and parse.c only. */
#ifndef EXPR_LEX_H
#define EXPR_LEX_H

#include "expr/inner.h"

typedef enum token_kind {
    T_END,
    T_IDENT,
    T_QUOTED, /* `a field's name` */
    T_NUMBER,
    T_STRING,
    T_BYTES,
    T_EQ,
    T_NE,
    T_LE,
    T_GE,
    T_AND,
    T_OR,
    T_BAD,      /* reported already */
    T_CHAR = 32 /* and above: the character itself */
} token_kind;

typedef struct token {
    token_kind kind;
    uint32_t at, len;
} token;

/* The token at or after offset `at`. */
token expr_lex(compiler *c, size_t at);

#endif
