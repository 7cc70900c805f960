/**
 * @file gov.h
 * libgov: community governance as a library. This header includes all the others.
 *
 *     gov *g = NULL;
 *     gov_error *err = NULL;
 *     if (gov_open("community.db", NULL, &g, &err) == GOV_OK) { ... }
 *     gov_free(g);
 *
 * Conventions: a call returns a gov_status and takes `gov_error **err` last (nullable). `**out` is owned by the
 * caller; a `const` pointer that is returned is borrowed. Time is in microseconds since 1970 UTC, amounts in minor units,
 * coordinates in 1e-7 degree. The thread rule of each call stands after `@contract thread=`: `any` may be called anywhere,
 * `engine` by one thread at a time per handle.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GOV_H
#define GOV_H

#include <gov/access.h>
#include <gov/base.h>
#include <gov/case.h>
#include <gov/exchange.h>
#include <gov/expr.h>
#include <gov/insight.h>
#include <gov/journal.h>
#include <gov/ledger.h>
#include <gov/operation.h>
#include <gov/points.h>
#include <gov/registry.h>
#include <gov/rulebook.h>
#include <gov/scenario.h>
#include <gov/store.h>
#include <gov/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Creates a community on a store and installs its rules, in one transaction.
 * @param name      its name on this store, unique there; NULL: the rulebook's id
 * @param rules     borrowed; its text is kept in the store
 * @param id        the community's id; may be NULL
 * @return GOV_OK, GOV_E_EXISTS, GOV_E_READONLY, GOV_E_BUSY, GOV_E_FULL, GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_community_create(gov_store *store, const char *name, const gov_rulebook *rules, int64_t *id,
                                        gov_error **err);

/**
 * The communities of a store: a list of maps with `id`, `name`, `title`, `rulebook`, `version`, `digest`, `created_at`.
 * @param out owned by the caller
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_community_list(gov_store *store, gov_value **out, gov_error **err);

/**
 * Opens a community of a store. CONSTRUCTOR.
 * @param name  NULL: the only one
 * @param out   owned by the caller; keeps the store alive. No actor is set: call gov_act_as_host() or its kin first.
 * @return GOV_OK, GOV_E_NOT_FOUND, GOV_E_STORE and its kin, GOV_E_RULE (kept rules that this library cannot read), GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_attach(gov_store *store, const char *name, gov **out, gov_error **err);

/**
 * Opens a store and the only community on it at once. CONSTRUCTOR.
 * @param url as in gov_store_open()
 * @contract thread=any alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_open(const char *url, const gov_options *options, gov **out, gov_error **err);

/**
 * Reads and checks a rulebook, makes the store when it is not there, creates a community that is named after the rulebook,
 * and opens it. Nothing is created when the rules have a mistake. CONSTRUCTOR.
 * @param url     as in gov_store_open()
 * @param options NULL: the defaults; GOV_OPEN_CREATE is understood
 * @param rules   path of a rulebook, as in gov_rulebook_load(); its warnings are not reported here
 * @param out     owned by the caller. No actor is set: call gov_act_as_host() or its kin first.
 * @return what gov_rulebook_load(), gov_store_open(), gov_community_create() and gov_attach() return
 * @contract thread=any alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_create(const char *url, const gov_options *options, const char *rules, gov **out,
                              gov_error **err);

/**
 * Closes a community; a group that is open is rolled back. Legal on any thread and in any order with gov_store_free(). NULL is
 * allowed. DESTRUCTOR.
 * @contract thread=any alloc=no block=io
 * @since 0.1
 */
GOV_API void gov_free(gov *g);

/**
 * Installs another version of the rules. Running cases keep theirs; the rest is current at once. Where a calendar changed (a year was
 * added, a holiday moved), clocks that run and timers that wait for a day are reckoned again, and their cases' histories say so.
 * Permission: the host.
 * @return GOV_OK (also when this version is installed already), GOV_E_DENIED, GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_install(gov *g, const gov_rulebook *rules, gov_error **err);

#define GOV_MIGRATE_DRY_RUN 1U /**< Change nothing: tell what would be, and what would have been. */

/**
 * Moves the cases that run to a version of the rules, as its workflows' `migrate` sections say: states by their map, fields under
 * their names or computed, clocks and timers kept or reckoned again. A case that cannot be moved stays as it is and is reported.
 * Each case is moved whole or not at all, many in a transaction; a run that was interrupted is simply run again.
 * Permission: the host.
 * @param rules   installed first where it is not in force; NULL: the rules in force
 * @param flags   0 or GOV_MIGRATE_DRY_RUN, which writes nothing, installs nothing, and lives through all past cases again in memory
 * @param report  a map of `rulebook`, `version`, `digest`, `dry_run`, `migrated`, `same` (cases whose workflow did not change), `refused`
 *                and `refused_cases`: all of them, maps of `id`, `number`, `workflow`, `version`, `state`, `why` (`code`, and
 *                `message` by language). A dry run adds `past`: `cases` (looked at), `same`, `breaches` and `points` (each `was` and
 *                `would`), `otherwise` (maps of `id`, `number`, `workflow`, `version`, `what`: words among state, outcome, breach, points,
 *                refused, failed; and how it ends, `was` and `would`) and `unsure`: cases whose own rules do not lead to what
 *                happened, as one whose history is erased. Owned by the caller; may be NULL. Takes memory for each case it names.
 * @return GOV_OK (also with refused cases), GOV_E_DENIED, GOV_E_ARG, GOV_E_RETRY (in a group), GOV_E_STORE and its kin, GOV_E_NOMEM
 * @contract thread=engine alloc=yes block=io
 * @since 0.1
 */
GOV_API gov_status gov_migrate(gov *g, const gov_rulebook *rules, uint32_t flags, gov_value **report, gov_error **err);

/**
 * The community as a map: id, name, title, rulebook, version, digest, time_zone, languages, now.
 * Any actor may ask.
 * @contract thread=engine alloc=yes block=no
 * @since 0.1
 */
GOV_API gov_status gov_about(gov *g, gov_value **out, gov_error **err);

#ifdef __cplusplus
}
#endif

#endif
