/* A time bank for a test: its rules, its residents, and what is asked of it as one would on the command line. */
#ifndef GOV_TEST_BANK_H
#define GOV_TEST_BANK_H

#include "support/community.h"

#define BANK_HEAD                                                                                       \
    "rulebook: tiny\n"                                                                             \
    "version: '1'\n"                                                                               \
    "languages: [zh, en]\n"                                                                        \
    "time_zone: Asia/Shanghai\n"                                                                   \
    "roles:\n"                                                                                     \
    "  bank: {title: {zh: 时间银行}}\n"                                                        \
    "  self: {title: {zh: 本人}, scope: reporter}\n"                                             \
    "permissions:\n"                                                                               \
    "  timebank.read: [bank, self]\n"                                                              \
    "  timebank.write: [bank, self]\n"                                                             \
    "  timebank.rule: [bank]\n"                                                                    \
    "sensitivity: {identity: {mask: name, see: [{role: bank, purpose: match}]}}\n"                 \
    "---\n"                                                                                        \
    "record: resident\n"                                                                           \
    "fields: {name: {type: string, sensitive: identity}, birth_date: {type: date}, tags: {type: list}, kin: {type: map}}\n"
#define BANK_OF(rest)               \
    "---\n"                      \
    "time_bank: hours\n"         \
    "ledger: 3\n" rest
#define BANK_SKILLS \
    "skills: {company: {}, law: {needs: \"'lawyer' in resident.tags\", rate: 3/2}, nursing: {needs: \"'nurse' in resident.tags\"}}\n"
#define BANK_USUAL                                                                                                     \
    "coin: 1 hour\n"                                                                                              \
    "may_serve: age >= 18\n"                                                                                      \
    "draw_from: 60\n"                                                                                             \
    "pool: {draw: {when: age >= 80 || (age >= 60 && 'living_alone' in household.tags)}, backed: 10 hours}\n"      \
    "gift: {to: [spouse, child, pool]}\n"                                                                         \
    "leaving: [child, pool]\n"                                                                                    \
    "inheritance: [heir, pool]\n"                                                                                 \
    "levels: {one_star: {at: 2 hours, title: {zh: 一星}}, two_star: {at: 300 hours}}\n"                         \
    "check_in: {within: 200}\n" BANK_SKILLS

gov_value *bank_run(community *c, const char *name, const char *json);
gov_value *bank_run_on(community *c, const char *name, const char *operand, int64_t id, const char *more);
int64_t bank_number(gov_value *v, const char *path);
int64_t bank_made(gov_value *v);
void bank_refused(community *c, const char *name, const char *json, const char *code);
void bank_refused_on(community *c, const char *name, int64_t id, const char *more, const char *code);
int64_t bank_minutes_of(community *c, const char *who, const char *path);
void assert_bank_minutes(community *c, const char *who, int64_t want);
void assert_bank_total(community *c, const char *path, int64_t want);
void assert_bank_sound(community *c);
/* young serves, old is served, ancient is helped by the pool, child and spouse are old's kin. */
void bank_people(community *c);
community bank_usual(void **state, const char *text);
/* So many minutes, paid by the pool or who is served. */
int64_t bank_book(community *c, const char *operation, const char *volunteer, const char *recipient, const char *from, int minutes);
void bank_serve(community *c, const char *operation, const char *volunteer, const char *recipient, const char *from, int minutes);
void bank_set_now(community *c, const char *when);

#endif
