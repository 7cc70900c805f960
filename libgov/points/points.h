/* Room points: points programmes (积分): earning, spending, tiers, a catalogue, expiry, appeals. docs/points.md is the reference of the
 * section.
 *
 * A programme is a ledger whose holders are households, residents or both. Its accounts are told apart by their codes:
 *   holder   what a household or resident has; lots with their own expiry where the programme has one
 *   issuer   the other side of what was earned, so that the points of a programme sum to zero
 *   taken    what was deducted      shop      what was redeemed      breakage   what has expired
 * Each award, deduction and redemption is a transfer in the transaction of the step or call that makes it, with the rule's (the item's)
 * name as its reason and the case as its subject. What was earned in a period is added up from the transfers themselves, under the
 * ledger's lock: there is no second count that could differ. Goods are a ledger of their own, with an account of each item: points and
 * goods of an order are pending transfers of one linked chain. */
#ifndef POINTS_POINTS_H
#define POINTS_POINTS_H

#include "case/case.h"
#include "ledger/ledger.h"

#include <gov/points.h>

extern const store_migration points_schema; /* version 1 */
extern const journal_kept points_kept_order, points_kept_deduction, points_kept_earned, points_kept_notice;

/* ---- what the rulebook says: section.c ---- */

typedef enum points_per { POINTS_EVER, POINTS_DAY, POINTS_WEEK, POINTS_MONTH, POINTS_YEAR, POINTS_CASE } points_per;

typedef struct points_cap {
    uint8_t per;                /* points_per */
    const expr_program *amount; /* an int */
} points_cap;
typedef struct points_caps {
    const points_cap *items;
    uint32_t count;
    bool refuses; /* over_cap: refuse. Else what fits is given */
} points_caps;

/* What cases do that earns or costs points by itself. The nodes are compiled for the workflow that the case runs under. */
typedef struct points_trigger {
    const char *workflow;       /* NULL: none */
    const char *event;          /* that was handled; NULL: the case has closed ... */
    const char *outcome;        /* ... with this outcome; NULL: with any */
    const rb_node *when, *amount, *account;
} points_trigger;

typedef enum points_short { POINTS_REFUSE, POINTS_EMPTY, POINTS_OWE } points_short;

typedef struct points_rule {
    const char *name;
    rulebook_text title, description;
    const expr_program *amount; /* an int; NULL: whoever awards says how many */
    const expr_program *when;   /* a bool; NULL: always */
    points_trigger on;
    points_caps caps;
    bool takes;               /* from `deduct` */
    bool unproven;            /* taken without evidence */
    uint8_t if_short;         /* points_short: more is to be taken than there is */
    rulebook_duration appeal; /* how long it may be appealed */
    base_place place;
} points_rule;

typedef struct points_level {
    const char *name;
    rulebook_text title;
    const expr_program *from; /* an int */
} points_level;

typedef enum points_expiry { POINTS_NEVER, POINTS_AFTER, POINTS_END_OF_YEAR, POINTS_END_OF_NEXT_YEAR } points_expiry;

typedef struct points_item {
    const char *name;
    rulebook_text title, description;
    const expr_program *price; /* an int */
    bool unlimited;
    int64_t stock;             /* to begin with */
    points_cap limit;          /* for one holder; amount NULL: none */
    rulebook_duration within;  /* how long an order waits; kind NONE: for ever */
    const char *service;       /* the workflow that it gives; NULL: goods */
    base_place place;
} points_item;

typedef enum points_passing { POINTS_STAY, POINTS_WITHIN_HOUSEHOLD, POINTS_TO_ANYONE } points_passing;

typedef struct points_programme {
    const char *name;
    rulebook_text title, description, unit;
    uint32_t book;      /* its ledger */
    uint32_t goods;     /* that of its goods; 0: none */
    const char *holder; /* kind of record; NULL: households and residents each */
    const points_rule *rules;
    uint32_t rule_count;
    points_caps caps; /* over all that is earned */
    struct {
        uint8_t kind; /* points_expiry */
        rulebook_duration after, notice;
        const char *template;
    } expires;
    struct {
        uint8_t per; /* what was earned in this year, or ever */
        rulebook_duration over; /* in so long; kind NONE: by `per` */
        const points_level *levels;
        uint32_t count;
    } tiers;
    const points_item *items;
    uint32_t item_count;
    uint8_t passes;       /* points_passing */
    int64_t top;          /* most rows of the list of the highest */
    const char *consent;  /* field of the holder's record: shows the name there; NULL: nobody's */
    bool triggered;       /* some rule has `on` */
    bool owes;            /* some rule takes more than there is */
    uint32_t quantity_slot, holder_slot, slot_count; /* of the rules' expressions */
    base_place place;
} points_programme;

/* What this room teaches the rule language: the section `points`, the effects `award`, `deduct` and `redeem`, balance(account,
 * ledger), the points of a household or resident by the ledger's number or the programme's name, and tier(account, programme). */
extern const rulebook_host points_words;
extern const rulebook_section_kind points_section;
gov_status points_load(void *user, rulebook_loader *l, const char *name, const rb_node *root, void **out);
extern const char *const points_json_schema[]; /* shape.c */
extern const rulebook_accounts points_movable;  /* movable.c */
void points_check(void *user, rulebook_loader *l, const char *name, void *content); /* check.c */

/* ---- programmes: programme.c ---- */

/* NULL (unreported) when there is none; name NULL: the only one. */
const points_programme *points_find(const rulebook *rb, const char *name);
/* The i-th; NULL past the end. */
const points_programme *points_at(const rulebook *rb, uint32_t i);
/* Fails: there is none of that name (NULL: none at all); one with a name like it is proposed. */
gov_status points_unknown(const rulebook *rb, const char *name, size_t len, const base_place *place, const diag *d);
const points_rule *points_find_rule(const points_programme *p, const char *name, bool takes);
const points_item *points_find_item(const points_programme *p, const char *name);
/* The programme of that name, or the only one that has the rule (the item). Reports GOV_E_RULE, GOV_E_NOT_FOUND. */
gov_status points_find_for(const rulebook *rb, const char *programme, const char *rule, bool takes,
                           const base_place *place, const points_programme **out,
                           const points_rule **rule_out, const diag *d);
gov_status points_find_item_for(const rulebook *rb, const char *programme, const char *item, const base_place *place,
                                const points_programme **out, const points_item **item_out, const diag *d);
/* What a rule's expression may ask. holder 0: none. */
typedef struct points_asking {
    int64_t quantity, holder;
} points_asking;
gov_status points_eval(gov *g, const points_programme *p, const expr_program *e, const points_asking *who, value *out,
                       const diag *d);
/* An int that is not below zero. */
gov_status points_int(gov *g, const points_programme *p, const expr_program *e, const points_asking *who, int64_t *out,
                      const diag *d);
/* What is left of a text in the community's first language. */
const char *points_words_of(const gov *g, const rulebook_text *t, const char *fallback);

/* ---- time: period.c ---- */

gov_status points_period_start(gov *g, uint8_t per, int64_t *from_us, const diag *d);
/* When so much time from an instant on has passed, in days by the community's own calendar. */
gov_status points_after(gov *g, const rulebook_duration *span, int64_t from_us, int64_t *end_us, const diag *d);
/* The same with the length itself, and whether it rests on a year that no calendar lists. */
gov_status points_end(gov *g, const rulebook_duration *span, int64_t from_us, cal_duration *length, cal_instant *end, const diag *d);
gov_status points_add(gov *g, int64_t from_us, cal_duration dur, cal_instant *end, const diag *d);
gov_status points_before(gov *g, const rulebook_duration *span, int64_t from_us, int64_t *start_us, const diag *d);
/* When what is earned now expires; 0: never. */
gov_status points_expiry_of(gov *g, const points_programme *p, int64_t *at_us, const diag *d);

/* ---- accounts: account.c ---- */

enum {
    POINTS_CODE_HOLDER = 1,
    POINTS_CODE_ISSUER = 2,
    POINTS_CODE_TAKEN = 3,
    POINTS_CODE_SHOP = 4,
    POINTS_CODE_BREAKAGE = 5,
    POINTS_CODE_ITEM = 6,  /* in the ledger of goods, as the next two */
    POINTS_CODE_SUPPLY = 7,
    POINTS_CODE_GIVEN = 8
};
enum { POINTS_CODE_AWARD = 1, POINTS_CODE_DEDUCTION = 2, POINTS_CODE_REDEMPTION = 3, POINTS_CODE_GIFT = 4, POINTS_CODE_RESTOCK = 5 };

/* Locks the programme's ledgers in the order in which batches do. */
gov_status points_hold(gov *g, const points_programme *p, bool with_goods, const diag *d);
/* A holder's account; 0 when it has none and is not to be made. */
gov_status points_account(gov *g, const points_programme *p, int64_t holder, bool make, int64_t *account, const diag *d);
/* An account of the programme itself, made at first use. */
gov_status points_own_account(gov *g, const points_programme *p, uint32_t code, int64_t *account, const diag *d);
/* The record that holds the points: the one given, or a resident's household. */
gov_status points_holder(gov *g, const points_programme *p, int64_t record, int64_t *holder,
                         const diag *d);
/* What can be spent: less what orders have locked and what has expired. 0 for one without an account. */
gov_status points_balance(gov *g, uint32_t book, int64_t holder, int64_t *balance, const diag *d);
typedef struct points_state {
    int64_t account, balance, locked;
} points_state;
gov_status points_state_of(gov *g, uint32_t book, int64_t holder, points_state *out, const diag *d);
/* What an account has earned since an instant (or what was taken from it), less what was taken back: under a rule and in a case, or
 * (0) all of it. */
typedef struct points_span {
    int64_t account, case_id, from_us;
    uint32_t reason;
    bool takes;
} points_span;
gov_status points_earned(gov *g, const points_span *span, int64_t *sum, const diag *d);
/* Makes the transfers of one linked chain, with one journal entry. A result that is no success is *code; the first such transfer
 * *failed (both may be NULL: then it is reported). */
gov_status points_post(gov *g, ledger_transfer *t, size_t n, const ledger_note *note, int32_t *code, size_t *failed, const diag *d);

/* A programme in figures. holders: accounts; out: what they hold together; sum: of all accounts, zero unless something is wrong. */
typedef struct points_total {
    const points_programme *programme;
    int64_t holders, given, taken, spent, expired, out, sum;
} points_total;
gov_status points_total_of(gov *g, const points_programme *p, points_total *out, const diag *d);

/* ---- giving and taking: award.c ---- */

#define POINTS_BY_RULE INT64_MIN

/* In g's transaction. holder: a record (see points_holder). amount POINTS_BY_RULE: the rule's own. */
typedef struct points_gift {
    const points_programme *programme;
    const points_rule *rule;
    int64_t holder, amount, quantity, case_id;
    int64_t since_us;        /* when the case was opened; 0: unknown */
    value evidence;          /* of what is taken; absent: none but the case */
    bool when_known;         /* the condition has been looked at */
    const base_place *place; /* of the rule that gives, may be NULL */
} points_gift;
/* What came of it: asked differs from moved where a cap or an empty account cut it, or where the rule's condition does not hold. */
typedef struct points_given {
    int64_t asked, moved;
    int64_t transfer; /* 0: nothing was to be moved */
    const char *cut;  /* "cap", "when", "short"; NULL: nothing was */
} points_given;
gov_status points_give(gov *g, const points_gift *gift, points_given *out, const diag *d);
/* The amount that would be asked for. */
gov_status points_amount(gov *g, const points_gift *gift, int64_t *out, const diag *d);
/* What was taken back, and what of it was spent or has expired and so is not there any more. */
typedef struct points_taken {
    int64_t reversal, points, missing; /* the new transfer */
} points_taken;
/* Takes an award or a deduction back: all that is left of it, or it is refused; partly: of an award as much as is there. */
gov_status points_reverse(gov *g, const points_programme *p, int64_t transfer, const char *why, bool partly, points_taken *out, const diag *d);
/* May points go from one holder to the other? place may be NULL. */
gov_status points_may_pass(gov *g, const points_programme *p, int64_t from, int64_t to, const base_place *place, const diag *d);
/* Moves points to another holder, their expiry with them. */
gov_status points_pass(gov *g, const points_programme *p, int64_t from, int64_t to, int64_t amount, int64_t *transfer, const diag *d);

/* rulebook_host.stepped: trigger.c */
gov_status points_stepped(gov *g, const void *step, const diag *d);
/* Notes in the case's entry what was given (a map's keys as the effects `award` and `deduct` have them). effects.c */
gov_status points_note(case_machine *m, const points_gift *gift, value account, const points_given *given, const diag *d);
extern const rulebook_effect points_effects[3];
enum { POINTS_FUNCTIONS = 3 };
extern const expr_function points_functions[POINTS_FUNCTIONS];

/* ---- tiers, expiry: tier.c ---- */

/* NULL: below the lowest. */
gov_status points_tier(gov *g, const points_programme *p, int64_t holder, const points_level **out, int64_t *earned, const diag *d);
/* Sees to it that holders are told before what was just earned expires. */
gov_status points_expect(gov *g, const points_programme *p, int64_t expires_us, const diag *d);
/* Tells the holders of lots that expire then, of what they have not been told of yet; account 0: all of them. *told: how many holders. */
gov_status points_warn(gov *g, const points_programme *p, int64_t account, int64_t expires_us, int64_t *told, const diag *d);
/* Something came into an account, or back: what its holder should have been told of already is told at once. */
gov_status points_came(gov *g, const points_programme *p, int64_t account, const diag *d);

/* ---- what cases have earned: earned.c ---- */

gov_status points_keep_earned(gov *g, const points_gift *gift, int64_t account, const points_given *given, const diag *d);
/* So much of an award was taken back; one that no case has earned is not kept. */
gov_status points_undo_earned(gov *g, int64_t id, int64_t points, const diag *d);
/* Has the case earned (or lost) anything under the rule, whoever has it and whatever became of it? */
gov_status points_was_earned(gov *g, const points_gift *gift, bool *was, const diag *d);
/* What the case has earned for a gift's record in other accounts than this one, less what was taken back; all_rules: not only under the
 * gift's rule. */
gov_status points_earned_elsewhere(gov *g, const points_gift *gift, int64_t account, bool all_rules, int64_t *sum, const diag *d);

/* ---- the catalogue: order.c, goods.c ---- */

typedef enum points_order_status {
    POINTS_OPEN = 1,
    POINTS_FULFILLED,
    POINTS_CANCELLED,
    POINTS_LAPSED,
    POINTS_RETURNED
} points_order_status;

typedef struct points_order {
    int64_t id, record, holder, quantity, price, status, ordered_us, due_us, settled_us;
    int64_t points_lock, goods_lock; /* transfers; goods_lock 0: the item is unlimited */
    int64_t points_post, goods_post;
    uint32_t book, goods;
    const char *programme, *item;
    const char *within; /* the length that due_us was reckoned from by the calendar; NULL: none */
    bool provisional;   /* due_us rests on a year that is not listed */
} points_order;

/* due.c: fills in until when an order is to be handed out, by its item. */
gov_status points_order_due(gov *g, const points_item *item, points_order *o, const diag *d);
/* Sets its timer, where it is due some time. */
gov_status points_order_timer(gov *g, const points_order *o, const diag *d);
/* Another calendar: what is open is due by that. */
gov_status points_reckon(gov *g, const diag *d);

gov_status points_redeem(gov *g, const points_programme *p, const points_item *item, int64_t record, int64_t quantity,
                         points_order *out, const diag *d);
/* Locked; from the scratch. Reports GOV_E_NOT_FOUND. */
gov_status points_order_of(gov *g, int64_t id, points_order *out, const diag *d);
/* To fulfilled, cancelled or lapsed from open, to returned from fulfilled. */
gov_status points_settle(gov *g, points_order *o, points_order_status to, const diag *d);
const char *points_status_name(int64_t status);
/* An order as a map. */
gov_status points_show_order(gov *g, const points_order *o, value *out, const diag *d);
/* status 0: any; holder 0: anybody's; before 0: the newest first. */
gov_status points_orders(gov *g, const char *programme, int64_t holder, int64_t status, int64_t before, int64_t limit, value *out,
                         const diag *d);

/* The accounts of an item's goods, made at first use with what it has to begin with. */
typedef struct points_goods {
    int64_t item, given, supply;
} points_goods;
gov_status points_goods_of(gov *g, const points_programme *p, const points_item *item, points_goods *out, const diag *d);
/* What is there and free. Nothing is made. */
gov_status points_stock_left(gov *g, const points_programme *p, const points_item *item, int64_t *left, const diag *d);
gov_status points_restock(gov *g, const points_programme *p, const points_item *item, int64_t add, const char *why, int64_t *left,
                          const diag *d);

/* ---- what was taken, and appeals: appeal.c ---- */

gov_status points_keep_deduction(gov *g, const points_gift *gift, int64_t holder, const points_given *given, const diag *d);
gov_status points_keep_reversal(gov *g, int64_t id, int64_t reversal, const diag *d);
/* id 0: the holder's newest. *out is which it was. */
gov_status points_appeal(gov *g, int64_t id, int64_t holder, int64_t appellant, const char *text, int64_t *out, const diag *d);
gov_status points_rule_appeal(gov *g, int64_t id, bool granted, const char *why, int64_t *reversal, const diag *d);
/* What was taken, the newest first; open: only what waits for a ruling. holder 0: anybody's. */
gov_status points_deductions(gov *g, const char *programme, int64_t holder, bool open, int64_t before, int64_t limit, value *out,
                             const diag *d);

/* ---- showing: show.c; by name: operations.c; against the ledger: verify.c ---- */

extern const rulebook_operation points_operations[];
extern const size_t points_operation_count;
gov_status points_show_statement(gov *g, const points_programme *p, int64_t holder, int64_t before, uint32_t limit, value *out,
                                 const diag *d);
/* Lots that expire until then; holder 0: everybody's. */
gov_status points_show_expiring(gov *g, const points_programme *p, int64_t holder, int64_t until_us, value *out, const diag *d);
gov_status points_show_top(gov *g, const points_programme *p, uint32_t limit, value *out, const diag *d);
gov_status points_show_totals(gov *g, value *out, const diag *d);
gov_status points_show_catalogue(gov *g, const points_programme *p, value *out, const diag *d);

/* Orders against what the ledgers have locked, paid and handed out: GOV_E_VERIFY names the first programme that differs. */
gov_status points_verify(gov *g, const diag *d);

#endif
