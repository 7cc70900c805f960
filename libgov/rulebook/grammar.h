/* The lists of grammar.def, as the readers of maps and words take them: ended by NULL. */
#ifndef RULEBOOK_GRAMMAR_H
#define RULEBOOK_GRAMMAR_H

#define WORDS(name, ...) extern const char *const rb_words_##name[];
#define MAP(name, ...)   extern const char *const rb_keys_##name[];
#include "rulebook/grammar.def"
#undef WORDS
#undef MAP

#endif
