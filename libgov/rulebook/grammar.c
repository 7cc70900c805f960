/* The lists of grammar.def. */
#include "rulebook/grammar.h"

#include <stddef.h>

#define W(word)          word,
#define K(key, shape)    key,
#define WORDS(name, ...) const char *const rb_words_##name[] = {__VA_ARGS__ NULL};
#define MAP(name, ...)   const char *const rb_keys_##name[] = {__VA_ARGS__ NULL};
#include "rulebook/grammar.def"
