/* Room timebank: the bank of volunteered time (时间银行). A bank is a ledger in minutes, and rules about who may serve, who may ask,
 * and how much may be earned:
 *
 *   time_bank: hours
 *   ledger: 3                      # each bank its own
 *   rounding: exact                # or up_to_hour: each hour that was begun counts whole
 *   cap: {day: 2 hours, month: 40 hours, total: 600 hours, over: donated}     # or refused
 *   negative: 0 minutes            # how far an account may go below zero
 *   may_serve: age >= 18
 *   draw_from: 60                  # the age from which hours are redeemed; more by may_redeem
 *   pool: {draw: {when: "age >= 80"}, backed: 1000 hours}
 *   gift: {to: [spouse, child, pool], kin: kin}
 *   group_hours: donated
 *   skills: {company: {}, law: {needs: "'lawyer' in resident.tags", rate: 2}}
 *   levels: {one_star: {at: 100 hours}}
 *
 * Whoever is served pays whoever serves, from an account of their own or, where the rules say so, from the common pool. A booking is a
 * pending transfer; what is confirmed is posted, what is called off is voided. So the minutes of a bank always sum to zero: what the
 * members and the pool hold was issued by the community (hours of groups), advanced by its fund (a pool that is backed), or came from
 * another community (clearing.c). Every call that writes first locks the bank's ledger, so limits are judged by what stands. */
#ifndef TIMEBANK_TIMEBANK_H
#define TIMEBANK_TIMEBANK_H

#include "case/case.h"
#include "ledger/ledger.h"

/* What this room teaches the rule language: the section `time_bank`, the effect `book`, minutes(resident[, bank]), hours(resident[,
 * bank]), and its operations. */
extern const rulebook_host timebank_words;
extern const rulebook_section_kind timebank_section;
extern const rulebook_effect timebank_effect;
extern const char *const timebank_json_schema[]; /* shape.c */
/* What this room keeps against what the ledger has; GOV_E_VERIFY. verify.c */
gov_status timebank_verify(gov *g, const diag *d);
extern const store_migration timebank_schema; /* version 1 */
extern const journal_kept timebank_kept_member, timebank_kept_notice, timebank_kept_booking, timebank_kept_day,
    timebank_kept_peer, timebank_kept_message, timebank_kept_clearing;

/* ---- banks: bank.c ---- */

typedef struct timebank_skill {
    const char *name;
    rulebook_text title, description;
    const expr_program *needs;  /* what a volunteer has to have; NULL: nothing */
    int64_t rate_num, rate_den; /* a minute served is so many minutes credited */
    base_place place;
} timebank_skill;

typedef struct timebank_level {
    const char *name;
    rulebook_text title;
    int64_t minutes; /* served, from which it is reached */
    base_place place;
} timebank_level;

typedef struct timebank_weights {
    int64_t time, distance, rating, fairness;
} timebank_weights;

#define TIMEBANK_NO_LIMIT INT64_MAX

/* Everything in minutes. */
typedef struct timebank_bank {
    const char *name;
    rulebook_text title, description, unit;
    uint32_t book; /* its ledger */
    base_place book_place;
    bool up_to_hour;
    int64_t coin;                          /* minutes of one coin; 0: there are none */
    int64_t cap_day, cap_month, cap_total; /* TIMEBANK_NO_LIMIT: none */
    bool donates;                          /* what exceeds a cap goes to the pool, else it is refused */
    int64_t negative;
    int64_t draw_from; /* age; -1: any */
    const expr_program *may_serve, *may_redeem;
    bool has_pool;
    const expr_program *draw_when; /* NULL: nobody draws */
    int64_t backed;                /* what the community's fund adds to a pool that runs out; TIMEBANK_NO_LIMIT */
    rulebook_names gift_to, leave_to, heirs; /* relations, "kin", "pool", "anyone" */
    const char *kin;                         /* field of a resident: a map of others' keys to relations */
    bool group_donated;
    const timebank_skill *skills;
    uint32_t skill_count;
    const timebank_level *levels;
    uint32_t level_count;
    timebank_weights weights;
    int64_t reach_m;  /* how far volunteers go who do not say */
    int64_t within_m; /* how near a check-in must be; -1: anywhere */
    int64_t confirm_minutes; /* after the end of a booking, until it expires */
    int64_t answer_minutes;  /* how long a peer has to answer, until what it was sent may be recalled or written off */
    /* What conditions read: the common slots, then these. */
    uint32_t slot_count, slot_now, slot_resident, slot_household, slot_age, slot_balance, slot_served;
} timebank_bank;

/* NULL (unreported) when there is none; name NULL: the only one. */
const timebank_bank *timebank_find(const rulebook *rb, const char *name);
/* Fails: there is none of that name, or none at all, or several (NULL); one with a name like it is proposed. */
gov_status timebank_unknown(const rulebook *rb, const char *name, size_t len, const base_place *place, const diag *d);
const timebank_bank *timebank_of_book(const rulebook *rb, uint32_t book);
gov_status timebank_find_skill(const timebank_bank *b, const char *name, const timebank_skill **out, const diag *d);
/* What so many minutes are worth: rounded as the bank rounds, at the rate. GOV_E_RANGE. */
gov_status timebank_credit(const timebank_bank *b, int64_t minutes, int64_t num, int64_t den, int64_t *out,
                           const diag *d);

/* ---- members: member.c ---- */

/* Codes of accounts and transfers. */
enum {
    TIMEBANK_MEMBER = 21,
    TIMEBANK_POOL = 22,
    TIMEBANK_ISSUER = 23, /* hours of groups */
    TIMEBANK_FUND = 24,   /* what backs the pool */
    TIMEBANK_PEER = 25,   /* what this community owes another one; below zero: what it is owed */
    TIMEBANK_TRANSIT = 26, /* sent to a peer, which has not answered */
    TIMEBANK_OUTSIDE = 27, /* what was settled with peers outside of the bank */
    TIMEBANK_SUSPENSE = 28 /* sent to a peer that never answered, and written off; below zero: given back, and accepted after all */
};
enum {
    TIMEBANK_BY_SERVICE = 1,
    TIMEBANK_BY_HELP = 2, /* paid by the pool */
    TIMEBANK_BY_GROUP = 3,
    TIMEBANK_BY_GIFT = 4,
    TIMEBANK_BY_EXCESS = 5, /* above a cap, to the pool */
    TIMEBANK_BY_LEAVING = 6,
    TIMEBANK_BY_INHERITANCE = 7,
    TIMEBANK_BY_REVERSAL = 8,
    TIMEBANK_BY_BACKING = 9,
    TIMEBANK_BY_SENDING = 10,
    TIMEBANK_BY_RECEIVING = 11,
    TIMEBANK_BY_SETTLEMENT = 12,
    TIMEBANK_BY_RULES = 13, /* the effect `transfer` */
    TIMEBANK_BY_WRITE_OFF = 14
};

typedef enum timebank_standing { TIMEBANK_ACTIVE = 0, TIMEBANK_LEFT = 1, TIMEBANK_DEAD = 2 } timebank_standing;

/* A resident at a bank; all zero for one who never had to do with it. */
typedef struct timebank_member {
    int64_t resident;
    int64_t served, donated, received; /* minutes as served, not as credited */
    int64_t services, no_shows, stars, ratings;
    int64_t last_us; /* served last; 0: never */
    int32_t standing;
    bool stored;
} timebank_member;

typedef struct timebank_teller {
    gov *g;
    const timebank_bank *bank;
    ledger *l;
    const diag *d;
} timebank_teller;

/* The bank of that name (absent: the only one), its ledger locked until the transaction ends where `writes`. */
gov_status timebank_open(gov *g, value name, bool writes, timebank_teller *t, const diag *d);
gov_status timebank_open_book(gov *g, uint32_t book, bool writes, timebank_teller *t, const diag *d);

gov_status timebank_load_member(timebank_teller *t, int64_t resident, timebank_member *m);
/* Adds what is not zero in `by` to the member's counts; last_us and standing replace. */
gov_status timebank_change_member(timebank_teller *t, const timebank_member *by);
/* Refuses one who left or died. */
gov_status timebank_check_active(timebank_teller *t, int64_t resident);

/* The account of a member, 0 when there is none yet; or made. */
gov_status timebank_find_account(timebank_teller *t, int64_t subject, uint32_t code, int64_t *id);
gov_status timebank_account(timebank_teller *t, int64_t subject, uint32_t code, int64_t *id);
/* One of the bank's own accounts. */
gov_status timebank_own_account(timebank_teller *t, uint32_t code, int64_t *id);
/* Zero for one that is not there. */
gov_status timebank_figures(timebank_teller *t, int64_t subject, uint32_t code, ledger_account *out);
/* Refuses one who does not hold so many minutes that are not reserved, whatever the account may owe. */
gov_status timebank_check_has(timebank_teller *t, int64_t resident, int64_t minutes);
static inline int64_t timebank_balance_of(const ledger_account *a)
{
    return a->credits_posted - a->debits_posted;
}

/* A condition of the bank about a resident. No condition: it holds. */
gov_status timebank_holds(timebank_teller *t, const expr_program *when, int64_t resident, bool *holds);
/* -1: nobody knows. */
gov_status timebank_age(timebank_teller *t, int64_t resident, int64_t *age);
/* Is `to` what the list allows for `from`: a relation, "kin", "anyone"? */
gov_status timebank_related(timebank_teller *t, const rulebook_names *list, int64_t from, int64_t to, bool *is);
const timebank_level *timebank_level_of(const timebank_bank *b, int64_t served, const timebank_level **next);

/* {key, name} as the actor may see them. */
gov_status timebank_person(gov *g, int64_t resident, value *out, const diag *d);
/* Whether the actor's roles reach one of these (0: nobody), for what they may do with a booking. */
gov_status timebank_reaches(gov *g, const char *permission, const int64_t *residents, size_t n, bool *reaches,
                            const diag *d);

/* Posts; what is refused is told in the words of a time bank. `what` goes into the journal. */
typedef struct timebank_note {
    const char *kind; /* of the subject: "booking", "account" */
    int64_t subject;
    value data;
} timebank_note;
gov_status timebank_post(timebank_teller *t, ledger_transfer *events, size_t n, const timebank_note *note);
/* The same, telling the first result that is not `created`, and nothing of it. */
gov_status timebank_try(timebank_teller *t, ledger_transfer *events, size_t n, const timebank_note *note, int32_t *refused);
/* A fresh transfer of the bank's ledger, with an id. */
gov_status timebank_transfer(timebank_teller *t, uint32_t code, int64_t from, int64_t to, int64_t amount,
                             ledger_transfer *out);
/* An entry of the journal where no minutes move. */
gov_status timebank_record(timebank_teller *t, const char *kind, const timebank_note *note);

/* The civil day and month (year * 12 + month - 1) of an instant in the community. */
void timebank_civil(const gov *g, int64_t us, int64_t *day, int64_t *month);

/* Reading operands: false where nothing was given. */
bool timebank_us(value v, int64_t *us);
gov_status timebank_place(gov *g, value v, bool *has, geo_point *out, const diag *d);
gov_status timebank_text(gov *g, value v, size_t most, const char **out, const diag *d); /* NUL-terminated; NULL: absent */
gov_status timebank_minutes(value v, int64_t least, int64_t *out, const diag *d);

/* ---- offers and requests: notice.c ---- */

enum { TIMEBANK_OFFER = 0, TIMEBANK_REQUEST = 1 };
enum { TIMEBANK_OPEN = 0, TIMEBANK_WITHDRAWN = 1, TIMEBANK_TAKEN = 2 };

typedef struct timebank_notice {
    int64_t id, resident, from_us, until_us, minutes, radius_m; /* minutes 0, radius -1: not said */
    uint32_t book;
    int32_t kind, state;
    const char *skill, *note; /* from the scratch */
    bool has_place, pooled;
    geo_point place;
} timebank_notice;

gov_status timebank_load_notice(gov *g, int64_t id, int32_t kind, timebank_notice *out, const diag *d);
gov_status timebank_set_notice(timebank_teller *t, int64_t id, int32_t state);
/* What a service needs: the volunteer may serve, and has what the skill needs. *why: NULL, or a static word for what is missing. */
gov_status timebank_fit(timebank_teller *t, int64_t volunteer, const timebank_skill *s, const char **why);

/* ---- bookings: booking.c, caps.c, settle.c ---- */

typedef enum timebank_state {
    TIMEBANK_BOOKED = 1,
    TIMEBANK_STARTED = 2,
    TIMEBANK_SERVED = 3,
    TIMEBANK_DISPUTED = 4,
    TIMEBANK_SETTLED = 5, /* from here on it is over */
    TIMEBANK_CANCELLED = 6,
    TIMEBANK_NO_SHOW = 7,
    TIMEBANK_EXPIRED = 8,
    TIMEBANK_VOID = 9,
    TIMEBANK_REVERSED = 10
} timebank_state;
const char *timebank_state_name(int64_t state);

enum { TIMEBANK_SERVICE = 0, TIMEBANK_HELP = 1, TIMEBANK_GROUP = 2 };

typedef struct timebank_booking {
    int64_t id, offer, request, volunteer, recipient;
    uint32_t book;
    int32_t kind, state;
    const char *skill; /* from the scratch, as `activity` and `effect` */
    const char *activity, *effect;
    int64_t from_us, until_us, minutes, most, amount, rate_num, rate_den;
    bool has_place;
    geo_point place;
    int64_t transfer, expires_us, in_us, in_by, out_us, out_by, served, own, donated, day, month;
    int64_t confirmed_us, confirmed_by, stars, case_id;
} timebank_booking;

gov_status timebank_load_booking(gov *g, int64_t id, timebank_booking *out, const diag *d);
/* With its bank locked; one whose time has passed is let go first. */
gov_status timebank_take_booking(gov *g, int64_t id, timebank_teller *t, timebank_booking *out, const diag *d);
/* Has the volunteer another open booking in that time? */
gov_status timebank_busy(timebank_teller *t, int64_t volunteer, int64_t from_us, int64_t until_us, bool *is);
gov_status timebank_insert_booking(timebank_teller *t, const timebank_booking *k);
gov_status timebank_store_booking(timebank_teller *t, const timebank_booking *k);
/* What an actor is told who may do nothing with it, too. */
gov_status timebank_check_party(gov *g, const char *permission, const timebank_booking *k, unsigned sides, const diag *d);
enum { TIMEBANK_VOLUNTEER = 1, TIMEBANK_RECIPIENT = 2, TIMEBANK_EITHER = 3 };
/* Loads and locks a booking for an actor of one of the sides. */
gov_status timebank_approach(gov *g, int64_t id, const char *permission, unsigned sides, timebank_teller *t,
                             timebank_booking *k, const diag *d);

/* What is to be booked. Zero and absent: by the request and the offer. */
typedef struct timebank_terms {
    int64_t offer, request, volunteer, recipient, from_us, minutes, most;
    const char *skill;
    bool pooled, has_place;
    geo_point place;
    int64_t case_id; /* for the effect */
    const char *effect;
} timebank_terms;
gov_status timebank_book(timebank_teller *t, const timebank_terms *terms, timebank_booking *out);

/* What a service comes to on one of its days, in the community's zone; its first day stands in the booking itself. */
enum { TIMEBANK_LONGEST = 366 * 1440, TIMEBANK_MOST_DAYS = 368 }; /* minutes of one booking, and the days that these can touch */
typedef struct timebank_part {
    int64_t day, month;
    int64_t amount, own; /* of what is credited; what the caps leave of it */
} timebank_part;
/* The amount, cut at midnights as the minutes are. At least one part. */
void timebank_split(const gov *g, int64_t from_us, int64_t minutes, int64_t amount, timebank_part parts[static TIMEBANK_MOST_DAYS],
                    size_t *count);
/* What is planned, or of one that is settled what was credited. fresh: nothing of it is stored yet. */
gov_status timebank_store_days(timebank_teller *t, const timebank_booking *k, const timebank_part *parts, size_t count, bool fresh);

/* How much of each part the caps leave to the volunteer's own account. `but`: a booking that is not counted. `planned`: open bookings
 * count as if they had been served. */
typedef struct timebank_room {
    int64_t own;     /* of all parts */
    const char *cap; /* the cap that bound: "day", "month", "total"; NULL: none */
} timebank_room;
gov_status timebank_room_for(timebank_teller *t, int64_t volunteer, timebank_part *parts, size_t count, int64_t but, bool planned,
                             timebank_room *out);

gov_status timebank_settle(timebank_teller *t, timebank_booking *k, int64_t minutes);
gov_status timebank_let_go(timebank_teller *t, timebank_booking *k, timebank_state state);
gov_status timebank_freeze(timebank_teller *t, timebank_booking *k);
gov_status timebank_reverse(timebank_teller *t, timebank_booking *k);
/* Tells the case that waits for a booking how it ended: "done", "failed", "expired". effect.c */
gov_status timebank_tell(timebank_teller *t, const timebank_booking *k, const char *how);
/* Open bookings of a resident, on either side. */
gov_status timebank_count_open(timebank_teller *t, int64_t resident, int64_t *count);
/* For one who has died: calls off what has not begun, and posts what the resident was served. The rest stays for staff: what the resident
 * serves or was promised and is under way, and what is disputed. */
gov_status timebank_end_all(timebank_teller *t, int64_t resident);

/* ---- clearing with other communities: peer.c, message.c, clearing.c, recall.c ----
 *
 * Minutes go from a member here to a member of a peer in two phases. The sender reserves them (a pending transfer into the account "in
 * transit") and sends `prepare`; the peer credits its member from the account that it keeps for the sender, within its limit, and answers
 * `accept`, or `refuse`; the sender then posts or voids, and answers `settle`, which the peer acknowledges by `ack`.
 *
 * The messages of each direction are numbered from 1 on without gaps. Each carries the hash of the numbered one before it (the first: of who
 * speaks to whom, between which banks, with which keys), says up to which number the other side's were taken up and carries the hash of that
 * one, too, so either side sees when the other has something else in its chain than was sent. All name both communities and both banks and are
 * signed by their community's key (Ed25519). What was taken up is kept with its answer: the same message again gives the same answer. What comes too early is refused, and it is told which number is wanted. Each
 * message is taken up in one transaction with its answer, so a crash loses nothing that the outbox does not send again.
 *
 * A peer that does not answer in time is asked by `recall`, which like `recalled` and `ack` has no number of its own: it has to overtake the very
 * message that did not arrive, and an acknowledgement that wanted one would never end. It is bound by the two hashes all the same. If it has not taken the prepare up, it keeps that it
 * never will and says `recalled`: the minutes go back, and the prepare is refused when it comes. Else it says again what it has answered. One
 * that is silent to that, too, two officers may write off: into suspense, or back to who sent. The answer may still come and then counts:
 * what was accepted goes from the suspense account to the peer's. */

enum { TIMEBANK_KEY = 32, TIMEBANK_SECRET = 64, TIMEBANK_SIGNATURE = 64, TIMEBANK_LONGEST_MESSAGE = 4096 };

typedef struct timebank_peer {
    int64_t id;
    uint32_t book;
    const char *name, *self; /* the peer's name, and this community's as the peer knows it; from the scratch */
    const char *their_bank, *our_bank; /* the time banks on both sides, as the messages name them */
    uint8_t key[TIMEBANK_KEY];
    int64_t most_owed, most_claimed; /* minutes that this community may owe, and may be owed */
    int64_t out_seq, out_acked, in_seq;
    uint8_t out_hash[BASE_DIGEST_SIZE], in_hash[BASE_DIGEST_SIZE];
    /* A message from here that the peer has shown to have, and that is not kept: this side has forgotten. 0: none. */
    int64_t lost;
    uint8_t lost_hash[BASE_DIGEST_SIZE];
} timebank_peer;

typedef struct timebank_message {
    const char *from, *to, *from_bank, *to_bank;
    const char *kind;             /* "prepare", "accept", "refuse", "settle"; without a number "ack", "recall", "recalled" */
    const char *what;             /* of a prepare: "hours", "net" */
    const char *whom, *reason;    /* the member at the peer; of a refusal */
    int64_t by; /* of a prepare: the number of the member's record; 0: none. It tells the peer nothing, and who sent it all if he forgets */
    int64_t sequence, after, ack, transfer, amount; /* after, ack: up to where the speaker has numbered, and has taken up */
    uint8_t previous[BASE_DIGEST_SIZE], seen[BASE_DIGEST_SIZE]; /* the hashes of these two */
    /* Of one that was written or read. */
    const char *text;
    size_t len;
    uint8_t hash[BASE_DIGEST_SIZE];
} timebank_message;

/* What the first message of a direction follows: who speaks to whom, with which keys. Of `m` the communities and their banks. */
gov_status timebank_chain_start(gov *g, const timebank_message *m, const uint8_t *from_key, const uint8_t *to_key,
                                uint8_t out[static BASE_DIGEST_SIZE], const diag *d);
/* The public half of a secret key. */
static inline const uint8_t *timebank_public_key(const uint8_t *secret)
{
    return secret + TIMEBANK_SECRET - TIMEBANK_KEY;
}
bool timebank_is_numbered(const char *kind);
/* From the scratch. */
gov_status timebank_write_message(gov *g, timebank_message *m, const uint8_t *secret, const diag *d);
/* What it says, not yet whether that is true. GOV_E_INPUT. */
gov_status timebank_read_message(gov *g, value text, timebank_message *m, const diag *d);
gov_status timebank_check_signature(gov *g, const timebank_message *m, const uint8_t *key, const diag *d);
/* Hexadecimal digits of that many bytes. */
gov_status timebank_read_key(value text, size_t size, uint8_t *out, const diag *d);

/* By name; self NULL: any. GOV_E_NOT_FOUND, reported. */
gov_status timebank_find_peer(timebank_teller *t, const char *name, const char *self, timebank_peer *out);
gov_status timebank_store_peer(timebank_teller *t, const timebank_peer *p);
/* The next message to the peer, written and signed; a numbered one is kept, too. The peer's row is the caller's to store. */
gov_status timebank_issue(timebank_teller *t, timebank_peer *p, timebank_message *m, const uint8_t *secret);
/* The bank and the peer that an operation is given, locked. */
gov_status timebank_reach_peer(gov *g, value bank, value name, timebank_teller *t, timebank_peer *p, const diag *d);

/* What was sent to a peer (OUT), or came from it. */
enum { TIMEBANK_OUT = 0, TIMEBANK_IN = 1 };
enum {
    TIMEBANK_PREPARED = 1,    /* OUT: reserved, no answer yet */
    TIMEBANK_ACCEPTED = 2,    /* IN: credited, not settled yet */
    TIMEBANK_CLEARED = 3,     /* it went over */
    TIMEBANK_REFUSED = 4,
    TIMEBANK_RECALLED = 5,    /* the peer had not taken it up, and never will */
    TIMEBANK_WRITTEN_OFF = 6, /* OUT: in suspense */
    TIMEBANK_GIVEN_BACK = 7   /* OUT: back with who sent, though it may have been accepted */
};
typedef struct timebank_clearing {
    int64_t transfer, resident, minutes, sequence, at_us, shortfall;
    int64_t proposed_by; /* the officer who wants it written off, and what it is to become; 0: nobody */
    int32_t direction, state, proposal;
    bool given_back; /* OUT: it was, once; when it is cleared after all, suspense lacks it */
    const char *what, *reason; /* "hours" or "net"; of a refusal */
} timebank_clearing;

gov_status timebank_add_clearing(timebank_teller *t, const timebank_peer *p, const timebank_clearing *c);
gov_status timebank_store_clearing(timebank_teller *t, const timebank_peer *p, const timebank_clearing *c);
/* state 0: there is none. */
gov_status timebank_look_up_clearing(timebank_teller *t, const timebank_peer *p, int32_t direction, int64_t transfer,
                                     timebank_clearing *out);
gov_status timebank_no_such_clearing(timebank_teller *t, const timebank_peer *p, int64_t transfer);
/* An answer to what was sent: posts it or gives it back, from wherever the minutes are by now. `how` goes into the journal. */
gov_status timebank_end_sent(timebank_teller *t, const timebank_peer *p, timebank_clearing *c, bool accepted, const char *how,
                             const char *reason);
/* The answer that a numbered message got which was taken up; hash NULL: whatever it said. */
gov_status timebank_kept_answer(timebank_teller *t, const timebank_peer *p, int64_t sequence, const uint8_t *hash, const char **answer);
/* A recall, and what it is answered by. */
gov_status timebank_take_recall(timebank_teller *t, timebank_peer *p, const timebank_message *m, const uint8_t *secret,
                                const char **answer);
gov_status timebank_take_recalled(timebank_teller *t, const timebank_peer *p, const timebank_message *m);

/* What a restored side does again, as it was done: clearing.c, and restore.c by it. */
gov_status timebank_kept_hash(timebank_teller *t, const timebank_peer *p, int32_t direction, int64_t sequence, uint8_t out[static BASE_DIGEST_SIZE]);
gov_status timebank_keep_message(timebank_teller *t, const timebank_peer *p, int32_t direction, const timebank_message *m, const char *answer);
/* An own message that was sent before: the chain goes on with it. */
gov_status timebank_adopt(timebank_teller *t, timebank_peer *p, const timebank_message *own);
/* lost: the peer has seen of our messages what is not kept here. GOV_E_REFUSED where it contradicts what it has said before. */
gov_status timebank_check_links(timebank_teller *t, const timebank_peer *p, const timebank_message *m, const uint8_t *secret, bool *lost);
/* The next numbered message; own NULL: answered anew, else as it was answered by that one. */
gov_status timebank_take_next(timebank_teller *t, timebank_peer *p, const timebank_message *m, const timebank_message *own,
                              const uint8_t *secret, const char **answer);
/* Reserves once more what was sent, whatever limits say; what the member lacks comes from suspense. */
gov_status timebank_reserve_again(timebank_teller *t, const timebank_peer *p, timebank_clearing *c);
gov_status timebank_forgotten(timebank_teller *t, const timebank_peer *p);

/* ---- operations: operations.c, and the files that they are about ---- */

#define TIMEBANK_READ  "timebank.read"
#define TIMEBANK_WRITE "timebank.write" /* what members do */
#define TIMEBANK_RULE  "timebank.rule"  /* what the bank's people do */

#define TIMEBANK_RUN(name) gov_status name(gov *g, const value *in, value *out, const diag *d)
TIMEBANK_RUN(timebank_run_offer);
TIMEBANK_RUN(timebank_run_request);
TIMEBANK_RUN(timebank_run_withdraw);
TIMEBANK_RUN(timebank_run_match);
TIMEBANK_RUN(timebank_run_book);
TIMEBANK_RUN(timebank_run_draw);
TIMEBANK_RUN(timebank_run_check_in);
TIMEBANK_RUN(timebank_run_check_out);
TIMEBANK_RUN(timebank_run_confirm);
TIMEBANK_RUN(timebank_run_rate);
TIMEBANK_RUN(timebank_run_dispute);
TIMEBANK_RUN(timebank_run_rule);
TIMEBANK_RUN(timebank_run_cancel);
TIMEBANK_RUN(timebank_run_reverse);
TIMEBANK_RUN(timebank_run_expire);
TIMEBANK_RUN(timebank_run_booking);
TIMEBANK_RUN(timebank_run_bookings);
TIMEBANK_RUN(timebank_run_notices);
TIMEBANK_RUN(timebank_run_gift);
TIMEBANK_RUN(timebank_run_group);
TIMEBANK_RUN(timebank_run_leave);
TIMEBANK_RUN(timebank_run_death);
TIMEBANK_RUN(timebank_run_inherit);
TIMEBANK_RUN(timebank_run_balance);
TIMEBANK_RUN(timebank_run_statement);
TIMEBANK_RUN(timebank_run_level);
TIMEBANK_RUN(timebank_run_totals);
TIMEBANK_RUN(timebank_run_peer);
TIMEBANK_RUN(timebank_run_peers);
TIMEBANK_RUN(timebank_run_outbox);
TIMEBANK_RUN(timebank_run_send_hours);
TIMEBANK_RUN(timebank_run_settle_net);
TIMEBANK_RUN(timebank_run_receive);
TIMEBANK_RUN(timebank_run_resend);
TIMEBANK_RUN(timebank_run_received);
TIMEBANK_RUN(timebank_run_restore);
TIMEBANK_RUN(timebank_run_transit);
TIMEBANK_RUN(timebank_run_recall);
TIMEBANK_RUN(timebank_run_write_off);
TIMEBANK_RUN(timebank_run_approve_write_off);

#endif
