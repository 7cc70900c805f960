/* Room fund: money that neighbours put together, and what it is spent on.
 *
 *   fund        gifts that nobody must give, spendings that two people decide, goods in kind, a public statement (fund.c, goods.c)
 *   cost_share  how a project's cost falls on the units of a building: projects with sources that must add up to the cost, shares,
 *               relief, and plans by which a share is paid (project.c, plan.c, relief.c)
 *   grant       small grants: applied for, published, approved, spent and never exceeded (grant.c)
 *   contract    what a provider has promised: a cap on rises of a fee, checks, indicators that cut its payment (contract.c)
 *
 * Amounts are fen, int64. What moves, moves as a transfer of the section's ledger, in the transaction of the operation that moves it;
 * how an amount is divided is share.c's, which knows no store and no floats. */
#ifndef FUND_FUND_H
#define FUND_FUND_H

#include "case/case.h"
#include "ledger/ledger.h"

extern const rulebook_host fund_words;
extern const store_migration fund_schema; /* version 1 */
extern const journal_kept fund_kept_entry, fund_kept_project, fund_kept_portion, fund_kept_plan,
    fund_kept_relief, fund_kept_grant, fund_kept_budget;
/* Compares this room's tables with the ledger: GOV_E_VERIFY names what differs. */
gov_status fund_verify(gov *g, const diag *d);

/* ---- exact numbers: share.c ---- */

/* num / den in lowest terms; num 0 or more, den 1 or more. */
typedef struct fund_ratio {
    int64_t num, den;
} fund_ratio;

/* "0.85", "17/20", "85%", "85": as it is written, with up to 9 decimals. False: none of these, or past 63 bits. */
bool fund_parse_ratio(const char *s, size_t len, fund_ratio *out);
/* The same of a value: an int, a string, or a double through the shortest decimals that give it. */
bool fund_ratio_of(value v, fund_ratio *out);
/* "0.85" where that is exact within 9 decimals, else "17/20". */
void fund_ratio_text(fund_ratio r, char out[48]);
/* amount * ratio, what is less than a fen left out; false: past 63 bits. */
bool fund_ratio_times(fund_ratio r, int64_t amount, int64_t *out);
int fund_ratio_compare(fund_ratio a, fund_ratio b);

/* One of those among whom an amount is divided. */
typedef struct fund_part {
    int64_t weight; /* in: 0 or more */
    int64_t rank;   /* in: among equal remainders the greater one first, then who stands first */
    int64_t share;  /* out */
    int64_t rest;   /* out: remainder, in parts of the sum of the weights */
    uint32_t index;
    bool up;        /* out: a fen was added, by the largest remainder */
    bool tie;       /* out: others had the same remainder, and not all of them got a fen */
} fund_part;
/* Divides `total` in proportion to the weights by largest remainder: the shares add up to it. *weights (may be NULL) is the weights'
 * sum. GOV_E_REFUSED: there is something to divide, and every weight is 0; GOV_E_RANGE. */
gov_status fund_split(int64_t total, fund_part *parts, size_t n, base_arena *arena, int64_t *weights, const diag *d);
/* Rate k (from 0) of an amount paid in `count` equal rates: whole fen, the last takes the rest. */
int64_t fund_rate(int64_t total, int64_t count, int64_t k);

enum { FUND_MOST_MONTHS = 1200 };

/* ---- what the rulebook says: sections.c ---- */

typedef enum fund_window { FUND_EVER, FUND_YEAR, FUND_MONTH } fund_window;

typedef struct fund_purpose { /* or a good */
    const char *name;
    rulebook_text title, unit;
    int64_t limit;  /* -1: none */
    uint8_t window; /* fund_window: of the limit */
} fund_purpose;

typedef struct fund_fund {
    const char *name;
    rulebook_text title, description;
    uint32_t book;
    base_place book_place;
    int64_t at_most; /* of one gift: a slip of the hand must not fill a fund for ever */
    const fund_purpose *purposes, *goods;
    uint32_t purpose_count, good_count;
} fund_fund;

typedef enum fund_basis { FUND_BY_AREA, FUND_BY_FLOOR, FUND_BY_UNIT } fund_basis;

typedef struct fund_floor {
    int64_t floor;
    fund_ratio coefficient;
    int64_t weight; /* the coefficient over the common denominator */
} fund_floor;

typedef struct fund_cost_share {
    const char *name;
    rulebook_text title, description;
    uint32_t book;
    base_place book_place;
    uint8_t by; /* fund_basis */
    bool times_area;
    const fund_floor *floors; /* ascending; below the first one nothing is borne */
    uint32_t floor_count;
    int64_t most_instalments;
    uint8_t roll; /* cal_roll, of due dates */
    int64_t rent, lease_months; /* of all units together, per month; 0: there is no lease */
    struct {
        const expr_program *when; /* over `it`; NULL: whoever asks */
        uint32_t it, slots;
        fund_ratio at_most; /* of a share */
        int64_t instalments;
    } relief;
} fund_cost_share;

typedef struct fund_grant {
    const char *name;
    rulebook_text title, description;
    uint32_t book;
    base_place book_place;
    int64_t at_most; /* -1: no limit */
    rulebook_duration notice;
    uint8_t roll;
} fund_grant;

typedef struct fund_kpi {
    const char *name;
    rulebook_text title;
    fund_ratio line;    /* below it, payment is cut */
    bool at_most;       /* the line is an upper one: above it */
    fund_ratio share;   /* of the payment that is cut; den 0: `amount` is */
    int64_t amount;
} fund_kpi;

typedef struct fund_contract {
    const char *name;
    rulebook_text title, description;
    fund_ratio rise; /* den 0: no cap is written */
    int64_t payment; /* -1: none is written */
    const fund_kpi *kpis;
    uint32_t kpi_count;
    struct {
        bool there;
        cal_rhythm rhythm;
        rulebook_duration length;
    } checks;
} fund_contract;

extern const rulebook_section_kind fund_sections[];
enum { FUND_SECTIONS = 4 };
extern const char *const fund_json_fund[], *const fund_json_share[], *const fund_json_grant[], *const fund_json_contract[]; /* shape.c */

/* The content of that definition; reported when there is none. name NULL: the only one. */
gov_status fund_find(gov *g, const char *kind, const char *name, const void **out, const diag *d);
/* An operand of type SECTION or TEXT as a name in the call's memory; NULL when it is not given. */
const char *fund_text(gov *g, value v);
/* In that language (NULL: the rulebook's first). */
const char *fund_title(gov *g, const char *lang, const rulebook_text *t, const char *otherwise);

/* ---- time: time.c ---- */

/* The calendar that counts: the rulebook's own, or a plain one, which is *own and to be freed. */
gov_status fund_calendar(gov *g, const cal_calendar **out, cal_calendar **own, const diag *d);
gov_status fund_today(gov *g, int64_t *day, const diag *d);
/* A date operand; not given: `otherwise`. */
gov_status fund_day(value v, const char *what, int64_t otherwise, int64_t *day, const diag *d);
gov_status fund_day_start(gov *g, int64_t day, int64_t *us, const diag *d);
/* The first instant of the period that an instant lies in; FUND_EVER: 0. */
gov_status fund_window_start(gov *g, fund_window w, int64_t us, int64_t *start_us, const diag *d);
/* The day so many months after another one: the same date, or the last of a shorter month. */
int64_t fund_months_after(int64_t day, int64_t months);
value fund_date(gov *g, int64_t day); /* "2026-03-02"; absent: no memory */
/* A written duration for no case in particular, and when it ends. */
gov_status fund_end_of(gov *g, const rulebook_duration *dur, uint8_t roll, int64_t from_us, cal_instant *out, const diag *d);

/* ---- accounts and movements: money.c ---- */

/* Codes of accounts and transfers in the ledgers of this room. */
enum {
    FUND_CODE_POOL = 1,    /* what a fund has; of the fund's number */
    FUND_CODE_GIVER = 2,   /* whoever gave: of a record, of the fund's number for those without one */
    FUND_CODE_PURPOSE = 3, /* what was spent on a purpose; of its reason's number */
    FUND_CODE_PROJECT = 10, /* what a project costs */
    FUND_CODE_PART = 11,    /* what a unit or a source owes to it: never more paid than owed */
    FUND_CODE_CASH = 12,    /* what it has received */
    FUND_CODE_RELIEF = 13,  /* what others bear for those who cannot */
    FUND_CODE_PURSE = 20,  /* what a grant has left */
    FUND_CODE_GRANTER = 21,
    FUND_CODE_ITEM = 22    /* what a grant was spent on; of a budget's line */
};
enum {
    FUND_GIFT = 1, FUND_SPENDING = 2, FUND_CORRECTION = 3, FUND_SHARE = 10, FUND_PAYMENT = 11, FUND_RELIEF = 12, FUND_CHANGE = 13,
    FUND_GRANT = 20, FUND_GRANT_SPENDING = 21
};

gov_status fund_account(gov *g, uint32_t book, int64_t subject, uint32_t code, int64_t *id, const diag *d);
/* 0 when there is none yet. */
gov_status fund_existing(gov *g, uint32_t book, int64_t subject, uint32_t code, int64_t *id, const diag *d);
gov_status fund_balance(gov *g, int64_t account, ledger_account *out, const diag *d);

typedef struct fund_move {
    uint32_t book, code, flags;
    int64_t from, to, amount, pending_id, reversal_of, subject;
    const char *note; /* what it is, for the journal: "fund.gift" */
    int64_t id;       /* in: 0, or one of access_new_id; out */
    int64_t at_us;    /* out */
} fund_move;
/* Makes it. *code (may be NULL) takes a result other than created; without it, that is reported as what it means here. */
gov_status fund_post(gov *g, fund_move *m, int32_t *code, const diag *d);
/* Of two people who decide one has asked; who approves must be another one, and rules are nobody. */
gov_status fund_second_person(gov *g, int64_t asked_by, const char *name, const diag *d);
/* What a refusal of the ledger means. */
gov_status fund_refused(int32_t code, const fund_move *m, const diag *d);
gov_status fund_journal(gov *g, const char *kind, int64_t subject, const value_pair *data, size_t n, const diag *d);
gov_status fund_positive(value v, const char *what, int64_t *out, const diag *d); /* an amount above 0 */
gov_status fund_bad_input(const char *what, const diag *d);

/* ---- entries: entry.c; gifts, spendings and goods of funds, spendings of grants ---- */

/* A correction takes an entry back, in part or whole, and says which one; its kind is FUND_CORRECTS more than that one's. */
typedef enum fund_entry_kind {
    FUND_ENTRY_GIFT = 1,
    FUND_ENTRY_SPENDING, /* of a fund, or of a grant */
    FUND_ENTRY_GOODS_IN,
    FUND_ENTRY_GOODS_OUT,
    FUND_ENTRY_PAYMENT, /* of a share */
    FUND_CORRECTS = 16
} fund_entry_kind;
typedef enum fund_state { FUND_PROPOSED = 1, FUND_DONE, FUND_DECLINED } fund_state;

typedef struct fund_entry {
    int64_t id, pot, amount, party, made_by, made_us, decided_by, decided_us;
    int64_t at_us;   /* when it counted; 0: not yet, or never */
    int64_t case_id; /* that waits for its end, by the effect of that id; 0: none */
    int64_t transfer; /* that moved the money: its own, or the one by which a pending one was posted; 0: none has */
    int64_t corrects; /* the entry that it takes back, ... */
    int64_t corrects_us, corrects_transfer; /* ... and of that one at_us and transfer: only read */
    int64_t corrected, corrections; /* what was taken back of this one, and how many corrections it has that were not refused: only read */
    const char *item, *party_name, *note, *effect;
    uint8_t kind, state;
    bool named;
} fund_entry;

/* In the journal, of the entry's id: the row's `item` and `named`, and by its actor the row's made_by. */
#define FUND_ENTRY_PUT "fund.entry"
gov_status fund_entry_put(gov *g, const fund_entry *e, const diag *d);
/* Under lock. GOV_END: there is none. */
gov_status fund_entry_look(gov *g, int64_t id, fund_entry *out, const diag *d);
/* GOV_E_NOT_FOUND names it. */
gov_status fund_entry_get(gov *g, int64_t id, fund_entry *out, const diag *d);
/* Its state, its instant and what it came to. */
gov_status fund_entry_decide(gov *g, const fund_entry *e, const diag *d);
/* Calls for each entry of a pot, in the order of at_us: those that counted in [from_us, until_us), or (state FUND_PROPOSED) those that
 * wait. kind 0: any. */
typedef struct fund_query {
    int64_t pot, from_us, until_us;
    uint8_t kind, state;
} fund_query;
gov_status fund_entries(gov *g, const fund_query *q, gov_status (*each)(void *user, const fund_entry *e, const diag *d), void *user,
                        const diag *d);
/* What counted for an item from an instant on, and what waits. item NULL: all of them. */
gov_status fund_entry_sum(gov *g, int64_t pot, uint8_t kind, const char *item, int64_t from_us, int64_t *done, int64_t *waiting,
                          const diag *d);
/* The same less what was taken back: a correction counts for the time of what it corrects, one that waits does not count yet. */
gov_status fund_entry_net(gov *g, int64_t pot, uint8_t kind, const char *item, int64_t from_us, int64_t *done, int64_t *waiting,
                          const diag *d);
/* One entry as a map; open: for those who keep the books, else nobody is named who did not agree. fund.c */
gov_status fund_entry_value(gov *g, const fund_entry *e, bool open, value *out, const diag *d);
/* {entries: [...]} of a pot, of one item only where that is given, for those who keep the books. */
gov_status fund_list_entries(gov *g, const fund_query *q, value item, value *out, const diag *d);
/* What there was given and used of goods, and what of either was taken back. goods.c */
typedef struct fund_goods {
    int64_t given, used, given_back, used_back;
} fund_goods;
gov_status fund_goods_of(gov *g, int64_t pot, const char *item, fund_goods *out, const diag *d);
static inline int64_t fund_in_stock(const fund_goods *x)
{
    return x->given - x->given_back - (x->used - x->used_back);
}
/* The key of a record, or null. */
gov_status fund_key_of(gov *g, int64_t record, value *out, const diag *d);

/* What the fund's rules say of a movement between two of its accounts: a gift, or a spending on a purpose within its limit. Others are
 * refused. from and to: a name, or (NULL) a record. fund.c */
typedef struct fund_passage {
    const char *from, *to;
    int64_t record, amount;
} fund_passage;
gov_status fund_check_passage(gov *g, const fund_fund *f, const fund_passage *p, fund_entry *out, const diag *d);
extern const rulebook_accounts fund_accounts;
extern const char FUND_OWN[]; /* "fund": the account of what it has */

/* ---- transfers that rules make: transfer.c ---- */

enum { FUND_BY_RULE = 30 }; /* code of a transfer */
extern const rulebook_effect fund_effects[1];
/* The case that waits is told how it ended. */
gov_status fund_tell_case(gov *g, const fund_entry *e, bool done, const diag *d);

/* ---- shares: weigh.c ---- */

typedef struct fund_unit {
    const char *name;
    int64_t premises, floor, area; /* area in units of 1e-4 square metre */
    bool has_floor, has_area;
    fund_ratio coefficient;
} fund_unit;

typedef struct fund_division {
    const fund_cost_share *rule;
    uint8_t basis; /* by which it was divided: by area where nothing else was agreed on */
    bool agreed;
    int64_t total, weights;
    fund_unit *units;
    fund_part *parts;
    size_t count;
} fund_division;

/* A name that a unit or a source has already; where it stands again. */
gov_status fund_twice(const char *name, const char *list, size_t i, const diag *d);
/* The units of an input: a list of keys of premises, or of maps {unit, floor, area, premises}. */
gov_status fund_read_units(gov *g, value list, fund_unit **out, size_t *count, const diag *d);
/* Weights of the units under the rule, and `total` divided among them. */
gov_status fund_divide(gov *g, fund_division *x, const diag *d);
value fund_division_value(gov *g, const fund_division *x); /* absent: no memory */

/* ---- projects: project.c, plan.c, relief.c ---- */

typedef struct fund_project {
    int64_t id, cost, made_us, started_us;
    const char *name, *agreed_by;
    const fund_cost_share *rule;
    bool agreed;
} fund_project;

/* A unit or a source of a project. */
typedef enum fund_kind { FUND_UNIT, FUND_GOVERNMENT, FUND_RESIDENTS, FUND_SOCIAL, FUND_OTHER } fund_kind;
typedef struct fund_portion {
    int64_t id, nr, amount, charged, account; /* amount: its share of the cost; charged: what its plan comes to */
    fund_unit unit;                           /* of a unit; else only the name */
    uint8_t kind;
} fund_portion;
typedef struct fund_portions {
    fund_portion *items;
    size_t count;
} fund_portions;

extern const char *const fund_kind_names[];

/* lock: only in an operation that writes. */
gov_status fund_project_get(gov *g, int64_t id, bool lock, fund_project *out, const diag *d);
gov_status fund_portions_of(gov *g, int64_t project, fund_portions *out, const diag *d);
/* One of a project that has begun. */
gov_status fund_portion_named(gov *g, int64_t project, value name, fund_project *p, fund_portion *out, const diag *d);
gov_status fund_portion_by_id(gov *g, int64_t project, int64_t id, fund_project *p, fund_portion *out, const diag *d);
/* What it still owes. */
gov_status fund_owed(gov *g, const fund_portion *p, int64_t *owed, const diag *d);
/* The project's parts divided anew: what the residents bear, or (rent) a month's rent. Fills the units' amounts or rents. */
gov_status fund_project_divide(gov *g, const fund_project *p, const fund_portions *all, int64_t total, fund_division *x, const diag *d);

typedef enum fund_plan_kind { FUND_ONCE, FUND_INSTALMENTS, FUND_LEASE } fund_plan_kind;
extern const char *const fund_plan_names[];
typedef struct fund_plan {
    int64_t id, portion, total, settled, count, made_us, ended_us; /* settled: of the charge, before this plan */
    int64_t from_day, lead; /* rate k is due lead + k months after from_day, by that one's date */
    uint8_t kind;
} fund_plan;
typedef struct fund_plan_order {
    fund_plan_kind kind;
    int64_t months, first_day; /* 0: one month from today */
    int64_t most;              /* instalments at most; 0: as the rule says */
    bool anew;                 /* there is one that it replaces */
} fund_plan_order;
gov_status fund_plan_make(gov *g, const fund_project *p, const fund_portion *u, const fund_plan_order *o, value *out, const diag *d);
/* How it stands on a day: absent plan and nothing late where there is none. */
typedef struct fund_standing {
    fund_plan plan; /* id 0: none */
    int64_t owed, late, late_count, late_since, next_day, next_amount; /* next_day 0: nothing is to come */
} fund_standing;
gov_status fund_standing_of(gov *g, const fund_project *p, const fund_portion *u, int64_t day, fund_standing *out, const diag *d);
/* A payment was taken back. Where it was settled before the present plan began, the plan begins anew with what is owed now. */
gov_status fund_plan_follow(gov *g, const fund_project *p, const fund_portion *u, const diag *d);
gov_status fund_plan_value(gov *g, const fund_project *p, const fund_plan *plan, int64_t owed, int64_t day, value *out, const diag *d);
gov_status fund_plans_of(gov *g, const fund_project *p, const fund_portion *u, int64_t day, value *out, const diag *d);
gov_status fund_reliefs_of(gov *g, int64_t portion, value *out, const diag *d);

#endif
