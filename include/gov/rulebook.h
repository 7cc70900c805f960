/**
 * @file gov/rulebook.h
 * Rulebooks: a community's rules, written in YAML, checked whole before anything is changed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GOV_RULEBOOK_H
#define GOV_RULEBOOK_H

#include <gov/base.h>
#include <gov/expr.h>
#include <gov/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A checked, compiled rulebook. Immutable; may be shared by threads. @since 0.1 */
typedef struct gov_rulebook gov_rulebook;

/**
 * Reads a rulebook from a file, or from a directory with `rulebook.yaml` in it, and checks all of it. CONSTRUCTOR.
 * @param alloc     NULL: malloc. Must outlive the rulebook.
 * @param path      file or directory
 * @param today_us  the current instant, for warnings about calendar years; 0: no such warnings
 * @param out       owned by the caller; set on success only
 * @param err       on success it may hold warnings, and is then to be freed as well
 * @return GOV_OK, GOV_E_RULE (every mistake with file, line and column), GOV_E_NOT_FOUND, GOV_E_LIMIT, GOV_E_NOMEM
 * @contract thread=any alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_rulebook_load(const gov_allocator *alloc, const char *path, int64_t today_us,
                                     gov_rulebook **out, gov_error **err);

/**
 * As gov_rulebook_load(), for rules that call functions of the program: they are given to gov_store_open() as well. CONSTRUCTOR.
 * @param scope  as made by gov_scope_new(); NULL: none. The rulebook keeps it.
 * @contract thread=any alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_rulebook_load_with(const gov_allocator *alloc, const char *path, int64_t today_us,
                                          const gov_scope *scope, gov_rulebook **out, gov_error **err);

/**
 * As gov_rulebook_load_with(), with an overlay: a file whose first key is `overlay: ID`, which replaces values, roles and the title for one
 * community, so that many share one rulebook. It becomes part of what is installed. CONSTRUCTOR.
 * @param overlay  a file; NULL: none. Its mistakes are told as those of the rulebook, with its name as it lies there.
 * @contract thread=any alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_rulebook_load_over(const gov_allocator *alloc, const char *path, const char *overlay, int64_t today_us,
                                          const gov_scope *scope, gov_rulebook **out, gov_error **err);

/**
 * A scope for expressions of one's own with all that a rulebook's expressions may use anywhere: its values, `now`, its
 * functions, by its zone and its default calendar. Functions that read a community (balance, members, count, within) are known and
 * fail. CONSTRUCTOR.
 * @param rulebook kept by the scope: it may be freed before
 * @param now_us   what `now` is where nothing is bound to it, microseconds since 1970; 0: it has no value
 * @contract thread=any alloc=yes block=no
 * @since 0.1
 */
GOV_API gov_status gov_rulebook_scope(const gov_rulebook *rulebook, int64_t now_us, gov_scope **out, gov_error **err);

/**
 * Frees it; communities that use it keep what they need. NULL is allowed. DESTRUCTOR.
 * @contract thread=any alloc=no block=no
 * @since 0.1
 */
GOV_API void gov_rulebook_free(gov_rulebook *rulebook);

/** Its id, e.g. "xingfuli". Borrowed. @contract thread=any alloc=no block=no @since 0.1 */
GOV_API const char *gov_rulebook_id(const gov_rulebook *rulebook);
/** Its version as written. Borrowed. @contract thread=any alloc=no block=no @since 0.1 */
GOV_API const char *gov_rulebook_version(const gov_rulebook *rulebook);
/** SHA-256 of its canonical text, in 64 hexadecimal digits. Borrowed. @contract thread=any alloc=no block=no @since 0.1 */
GOV_API const char *gov_rulebook_digest(const gov_rulebook *rulebook);

/**
 * The JSON Schema (2020-12) of a rulebook's documents, for editors that complete and check while one types. It is written from
 * the tables by which rulebooks are read. It knows the form: what names mean, and expressions, gov_rulebook_load() checks.
 * @param out     UTF-8, NUL-terminated, owned by the caller, freed by gov_text_free(). The same library gives the same bytes.
 * @param out_len its length in bytes; may be NULL
 * @return GOV_OK; GOV_E_ARG; GOV_E_NOMEM
 * @contract thread=any alloc=yes block=no
 * @since 0.1
 */
GOV_API gov_status gov_rulebook_schema(char **out, size_t *out_len, gov_error **err);

/**
 * Draws a workflow.
 * @param workflow its name
 * @param format   "mermaid" (also NULL): stateDiagram-v2; "dot": for Graphviz; "svg": a picture that needs no other program
 * @param lang     "zh" or "en": of titles and words; NULL: the rulebook's first language
 * @param out      NUL-terminated, owned by the caller, freed by gov_text_free(). The same rules give the same bytes.
 * @param out_len  its length in bytes; may be NULL
 * @return GOV_OK; GOV_E_NOT_FOUND (no such workflow); GOV_E_ARG (no such format); GOV_E_LIMIT (svg: more than 600 states, 3,000
 *         transitions, or 20,000 crossings of a layer by a line); GOV_E_NOMEM
 * @contract thread=any alloc=yes block=cpu
 * @since 0.1
 */
GOV_API gov_status gov_rulebook_diagram(const gov_rulebook *rulebook, const char *workflow, const char *format,
                                        const char *lang, char **out, size_t *out_len, gov_error **err);

#ifdef __cplusplus
}
#endif

#endif
