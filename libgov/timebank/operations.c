/* What a time bank does when it is asked to, as a table; and all that the room brings to the rule language. */
#include "timebank/timebank.h"

#include <string.h>

#define BANK {"bank", RULEBOOK_OPERAND_SECTION, false, "time_bank"}
#define ABOUT(name) {name, RULEBOOK_OPERAND_RECORD, true, GOV_KIND_RESIDENT}
#define WHOM(name, needed) {name, RULEBOOK_OPERAND_RECORD, needed, GOV_KIND_RESIDENT, true}
#define THE(name) {name, RULEBOOK_OPERAND_ID, true}

static const rulebook_operand notice[] = {BANK,
                                          ABOUT("resident"),
                                          {"skill", RULEBOOK_OPERAND_TEXT, true},
                                          {"from", RULEBOOK_OPERAND_TIME, true},
                                          {"until", RULEBOOK_OPERAND_TIME, true},
                                          {"minutes", RULEBOOK_OPERAND_INT},
                                          {"place", RULEBOOK_OPERAND_MAP},
                                          {"radius", RULEBOOK_OPERAND_INT},
                                          {"note", RULEBOOK_OPERAND_TEXT},
                                          {"pool", RULEBOOK_OPERAND_BOOL}};
static const rulebook_operand withdraw[] = {THE("notice")};
static const rulebook_operand match[] = {THE("request"), {"limit", RULEBOOK_OPERAND_INT}};
static const rulebook_operand book[] = {BANK,
                                        {"request", RULEBOOK_OPERAND_ID},
                                        {"offer", RULEBOOK_OPERAND_ID},
                                        WHOM("volunteer", false),
                                        WHOM("recipient", false),
                                        {"skill", RULEBOOK_OPERAND_TEXT},
                                        {"from", RULEBOOK_OPERAND_TIME},
                                        {"minutes", RULEBOOK_OPERAND_INT},
                                        {"at_most", RULEBOOK_OPERAND_INT},
                                        {"place", RULEBOOK_OPERAND_MAP}};
static const rulebook_operand check[] = {THE("booking"), {"place", RULEBOOK_OPERAND_MAP}};
static const rulebook_operand confirm[] = {THE("booking"), {"minutes", RULEBOOK_OPERAND_INT}};
static const rulebook_operand rate[] = {
    THE("booking"), {"stars", RULEBOOK_OPERAND_INT, true}, {"text", RULEBOOK_OPERAND_TEXT}};
static const rulebook_operand dispute[] = {THE("booking"), {"text", RULEBOOK_OPERAND_TEXT, true}};
static const rulebook_operand rule[] = {
    THE("booking"), {"minutes", RULEBOOK_OPERAND_INT, true}, {"text", RULEBOOK_OPERAND_TEXT}};
static const rulebook_operand cancel[] = {THE("booking"), {"missed_by", RULEBOOK_OPERAND_TEXT}};
static const rulebook_operand one[] = {THE("booking")};
static const rulebook_operand gift[] = {BANK, ABOUT("resident"), WHOM("to", false), {"pool", RULEBOOK_OPERAND_BOOL},
                                        {"minutes", RULEBOOK_OPERAND_INT, true}};
static const rulebook_operand group[] = {BANK,
                                         {"activity", RULEBOOK_OPERAND_TEXT, true},
                                         {"skill", RULEBOOK_OPERAND_TEXT, true},
                                         {"from", RULEBOOK_OPERAND_TIME},
                                         {"volunteers", RULEBOOK_OPERAND_LIST, true},
                                         {"minutes", RULEBOOK_OPERAND_INT},
                                         {"donated", RULEBOOK_OPERAND_BOOL}};
static const rulebook_operand behind[] = {BANK, ABOUT("resident"), WHOM("to", false)};
static const rulebook_operand person[] = {BANK, ABOUT("resident")};
static const rulebook_operand statement[] = {
    BANK, ABOUT("resident"), {"before", RULEBOOK_OPERAND_TIME}, {"limit", RULEBOOK_OPERAND_INT}};
static const rulebook_operand bank[] = {BANK};
static const rulebook_operand list[] = {BANK, ABOUT("resident"), {"open", RULEBOOK_OPERAND_BOOL}, {"before", RULEBOOK_OPERAND_ID}, {"limit", RULEBOOK_OPERAND_INT}};
static const rulebook_operand peer[] = {BANK,
                                        {"name", RULEBOOK_OPERAND_TEXT, true},
                                        {"as", RULEBOOK_OPERAND_TEXT, true},
                                        {"public_key", RULEBOOK_OPERAND_TEXT, true},
                                        {"most_owed", RULEBOOK_OPERAND_INT},
                                        {"most_claimed", RULEBOOK_OPERAND_INT},
                                        {"their_bank", RULEBOOK_OPERAND_TEXT}};
static const rulebook_operand outbox[] = {BANK, {"peer", RULEBOOK_OPERAND_TEXT}};
static const rulebook_operand send_hours[] = {BANK,
                                              {"peer", RULEBOOK_OPERAND_TEXT, true},
                                              ABOUT("resident"),
                                              {"to", RULEBOOK_OPERAND_TEXT, true},
                                              {"minutes", RULEBOOK_OPERAND_INT, true},
                                              {"key", RULEBOOK_OPERAND_TEXT, true}};
static const rulebook_operand settle_net[] = {BANK,
                                              {"peer", RULEBOOK_OPERAND_TEXT, true},
                                              {"minutes", RULEBOOK_OPERAND_INT, true},
                                              {"key", RULEBOOK_OPERAND_TEXT, true}};
static const rulebook_operand receive[] = {
    BANK, {"message", RULEBOOK_OPERAND_TEXT, true}, {"key", RULEBOOK_OPERAND_TEXT, true}};

static const rulebook_operand resend[] = {
    BANK, {"peer", RULEBOOK_OPERAND_TEXT, true}, {"from", RULEBOOK_OPERAND_INT}, {"key", RULEBOOK_OPERAND_TEXT, true}};
static const rulebook_operand received[] = {BANK, {"peer", RULEBOOK_OPERAND_TEXT, true}, {"from", RULEBOOK_OPERAND_INT}};
static const rulebook_operand restore[] = {BANK,
                                           {"peer", RULEBOOK_OPERAND_TEXT, true},
                                           {"messages", RULEBOOK_OPERAND_LIST, true},
                                           {"key", RULEBOOK_OPERAND_TEXT, true},
                                           WHOM("instead", false)};
static const rulebook_operand transit[] = {BANK, {"peer", RULEBOOK_OPERAND_TEXT}};
static const rulebook_operand recall[] = {
    BANK, {"peer", RULEBOOK_OPERAND_TEXT, true}, THE("transfer"), {"key", RULEBOOK_OPERAND_TEXT, true}};
static const rulebook_operand write_off[] = {
    BANK, {"peer", RULEBOOK_OPERAND_TEXT, true}, THE("transfer"), {"give_back", RULEBOOK_OPERAND_BOOL}};
static const rulebook_operand approve[] = {BANK, {"peer", RULEBOOK_OPERAND_TEXT, true}, THE("transfer")};

#define READS(name, operands, run) {name, TIMEBANK_READ, false, operands, ARRAY_LEN(operands), run}
#define WRITES(name, operands, run) {name, TIMEBANK_WRITE, true, operands, ARRAY_LEN(operands), run}
#define RULES(name, operands, run) {name, TIMEBANK_RULE, true, operands, ARRAY_LEN(operands), run}

static const rulebook_operation operations[] = {
    WRITES("timebank.offer", notice, timebank_run_offer),
    WRITES("timebank.request", notice, timebank_run_request),
    WRITES("timebank.withdraw", withdraw, timebank_run_withdraw),
    READS("timebank.match", match, timebank_run_match),
    WRITES("timebank.book", book, timebank_run_book),
    WRITES("timebank.draw", book, timebank_run_draw),
    WRITES("timebank.check_in", check, timebank_run_check_in),
    WRITES("timebank.check_out", check, timebank_run_check_out),
    WRITES("timebank.confirm", confirm, timebank_run_confirm),
    WRITES("timebank.rate", rate, timebank_run_rate),
    WRITES("timebank.dispute", dispute, timebank_run_dispute),
    RULES("timebank.rule", rule, timebank_run_rule),
    WRITES("timebank.cancel", cancel, timebank_run_cancel),
    RULES("timebank.reverse", one, timebank_run_reverse),
    READS("timebank.booking", one, timebank_run_booking),
    READS("timebank.bookings", list, timebank_run_bookings),
    READS("timebank.notices", person, timebank_run_notices),
    WRITES("timebank.gift", gift, timebank_run_gift),
    RULES("timebank.group", group, timebank_run_group),
    WRITES("timebank.leave", behind, timebank_run_leave),
    RULES("timebank.death", person, timebank_run_death),
    RULES("timebank.inherit", behind, timebank_run_inherit),
    READS("timebank.balance", person, timebank_run_balance),
    READS("timebank.statement", statement, timebank_run_statement),
    READS("timebank.level", person, timebank_run_level),
    READS("timebank.totals", bank, timebank_run_totals),
    RULES("timebank.peer", peer, timebank_run_peer),
    READS("timebank.peers", bank, timebank_run_peers),
    {"timebank.outbox", TIMEBANK_RULE, false, outbox, ARRAY_LEN(outbox), timebank_run_outbox},
    WRITES("timebank.send_hours", send_hours, timebank_run_send_hours),
    RULES("timebank.settle_net", settle_net, timebank_run_settle_net),
    RULES("timebank.receive", receive, timebank_run_receive),
    {"timebank.resend", TIMEBANK_RULE, false, resend, ARRAY_LEN(resend), timebank_run_resend},
    {"timebank.received", TIMEBANK_RULE, false, received, ARRAY_LEN(received), timebank_run_received},
    RULES("timebank.restore", restore, timebank_run_restore),
    READS("timebank.transit", transit, timebank_run_transit),
    RULES("timebank.recall", recall, timebank_run_recall),
    RULES("timebank.write_off", write_off, timebank_run_write_off),
    RULES("timebank.approve_write_off", approve, timebank_run_approve_write_off),
    {"timebank.expire", TIMEBANK_WRITE, true, one, ARRAY_LEN(one), timebank_run_expire, true},
};

/* ---- minutes(resident[, bank]), hours(resident[, bank]) ---- */

static gov_status minutes_of(const expr_run *run, const value *args, size_t n, int64_t *out, const diag *d)
{
    gov *g = case_gov_of(run);
    timebank_teller t;
    ledger_account a;
    char name[129] = "";
    if (g == NULL)
        return base_fail(d, M_no_community, A_S("function", "minutes"));
    if (n > 1 && args[1].len < sizeof name)
        memcpy(name, args[1].as.s, args[1].len);
    const timebank_bank *b = timebank_find(g->rules, n > 1 ? name : NULL);
    if (b == NULL)
        return timebank_unknown(g->rules, n > 1 ? name : NULL, strlen(name), NULL, d);
    gov_status rc = timebank_open_book(g, b->book, false, &t, d);
    if (rc == GOV_OK)
        rc = timebank_figures(&t, args[0].as.i, TIMEBANK_MEMBER, &a);
    if (rc == GOV_OK)
        *out = timebank_balance_of(&a);
    return rc;
}

static gov_status call_minutes(void *user, const value *args, size_t n, value *out, const expr_run *run, const diag *d)
{
    int64_t minutes = 0;
    (void)user;
    const gov_status rc = minutes_of(run, args, n, &minutes, d);
    *out = value_int(minutes);
    return rc;
}

static gov_status call_hours(void *user, const value *args, size_t n, value *out, const expr_run *run, const diag *d)
{
    int64_t minutes = 0;
    (void)user;
    const gov_status rc = minutes_of(run, args, n, &minutes, d);
    *out = value_int(minutes / 60);
    return rc;
}

/* Where the name is written out, a wrong one is told when the rules are loaded. */
static gov_status check_name(void *user, const value *args, size_t n, const expr_spot *spots, const diag *d)
{
    if (n < 2 || args[1].kind != VALUE_STRING || user == NULL || rulebook_defines(user, timebank_section.key, args[1].as.s, args[1].len))
        return GOV_OK;
    return timebank_unknown(user, args[1].as.s, args[1].len, &spots[1].place, d);
}

static const expr_function functions[] = {
    {.name = "minutes", .argc = 1, .args = {EXPR_INT}, .result = EXPR_INT, .call = call_minutes, .cost = 100},
    {.name = "minutes", .argc = 2, .args = {EXPR_INT, EXPR_STRING}, .result = EXPR_INT, .call = call_minutes, .check = check_name, .cost = 100},
    {.name = "hours", .argc = 1, .args = {EXPR_INT}, .result = EXPR_INT, .call = call_hours, .cost = 100},
    {.name = "hours", .argc = 2, .args = {EXPR_INT, EXPR_STRING}, .result = EXPR_INT, .call = call_hours, .check = check_name, .cost = 100}};

const rulebook_host timebank_words = {.sections = &timebank_section,
                                      .section_count = 1,
                                      .effects = &timebank_effect,
                                      .effect_count = 1,
                                      .functions = functions,
                                      .function_count = ARRAY_LEN(functions),
                                      .operations = operations,
                                      .operation_count = ARRAY_LEN(operations)};
