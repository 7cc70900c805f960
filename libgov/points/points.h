/* Room points: points programmes (积分). A programme is a ledger whose holders are households or residents, and rules by which points are
 * earned and taken:
 *
 *   points: green_account
 *   title: {zh: 绿色账户, en: Green account}
 *   ledger: 1                      # each programme its own
 *   unit: {zh: 分, en: points}
 *   holder: household              # or resident
 *   earn:   {sorting: {title: ..., amount: values.sorting_points}}
 *   deduct: {mixed:   {title: ..., amount: "2"}}     # an account never goes below zero
 *
 * Each award is a transfer from the programme's issuing account to the holder's, in the transaction of the step that gives it, with
 * the rule's name as its reason and the case as its subject; so the points of a programme always sum to zero. */
#ifndef POINTS_POINTS_H
#define POINTS_POINTS_H

#include "case/case.h"
#include "ledger/ledger.h"

#include <gov/points.h>

typedef struct points_rule {
    const char *name;
    rulebook_text title, description;
    const expr_program *amount; /* an int; NULL: whoever awards says how many */
    bool takes;                 /* from `deduct` */
    base_place place;
} points_rule;

typedef struct points_programme {
    const char *name;
    rulebook_text title, description, unit;
    uint32_t book;      /* its ledger */
    const char *holder; /* kind of record */
    const points_rule *rules;
    uint32_t rule_count;
} points_programme;

/* What this room teaches the rule language: the section `points`, the effects `award` and `deduct`, and balance(account, ledger),
 * the points of a household or resident by the ledger's number or the programme's name. */
extern const rulebook_host points_words;
extern const rulebook_section_kind points_section;

/* ---- programmes: programme.c ---- */

/* NULL (unreported) when there is none; name NULL: the only one. */
const points_programme *points_find(const rulebook *rb, const char *name);
const points_rule *points_find_rule(const points_programme *p, const char *name, bool takes);
/* The programme of that name, or the only one that has the rule. Reports GOV_E_RULE, GOV_E_NOT_FOUND. */
gov_status points_find_for(const rulebook *rb, const char *programme, const char *rule, bool takes,
                           const base_place *place, const points_programme **out,
                           const points_rule **rule_out, const diag *d);
/* The rule's own amount; *out stays when it has none. */
gov_status points_rule_amount(gov *g, const points_rule *rule, int64_t *out, const diag *d);

/* ---- accounts: award.c ---- */

enum {
    POINTS_CODE_HOLDER = 1,
    POINTS_CODE_ISSUER = 2,
    POINTS_CODE_AWARD = 1,
    POINTS_CODE_DEDUCTION = 2
};

/* In g's transaction. holder: a record of the programme's kind (or a resident, where a household holds: then theirs).
 * amount 0 or more; case_id 0: none. *transfer (may be NULL) is its id, 0 when nothing was to be moved. */
typedef struct points_gift {
    const points_programme *programme;
    const points_rule *rule;
    int64_t holder, amount, case_id;
    const base_place *place; /* of the rule that gives, may be NULL */
} points_gift;
gov_status points_award(gov *g, const points_gift *gift, int64_t *transfer, const diag *d);

/* The record that holds the points: the one given, or a resident's household. */
gov_status points_holder(gov *g, const points_programme *p, int64_t record, int64_t *holder,
                         const diag *d);
/* 0 for one without an account. */
gov_status points_balance(gov *g, uint32_t book, int64_t holder, int64_t *balance, const diag *d);

/* A programme in figures. holders: accounts; out: what they hold together; sum: of all accounts, zero unless something is wrong. */
typedef struct points_total {
    const points_programme *programme;
    int64_t holders, given, taken, out, sum;
} points_total;
gov_status points_total_of(gov *g, const points_programme *p, points_total *out, const diag *d);

#endif
