/* What the ledger does not keep: orders, what was taken and on what evidence, and who has been warned. */
#include "points/points.h"

static const store_column order_columns[] = {{"community", STORE_INT},
                                             {"id", STORE_INT},
                                             {"programme", STORE_TEXT},
                                             {"item", STORE_TEXT},
                                             {"record", STORE_INT}, /* who ordered; the holder may be the household */
                                             {"holder", STORE_INT},
                                             {"quantity", STORE_INT, false, "quantity > 0"},
                                             {"price", STORE_INT, false, "price >= 0"}, /* of all of it */
                                             {"status", STORE_INT, false, "status BETWEEN 1 AND 5"},
                                             {"ordered_us", STORE_INT},
                                             {"due_us", STORE_INT, true},
                                             {"settled_us", STORE_INT, true},
                                             {"book", STORE_INT},
                                             {"goods", STORE_INT, true},
                                             {"points_lock", STORE_INT},
                                             {"goods_lock", STORE_INT, true},
                                             {"points_post", STORE_INT, true},
                                             {"goods_post", STORE_INT, true},
                                             {"length", STORE_TEXT, true}, /* that the calendar reckoned due_us from */
                                             {"provisional", STORE_BOOL},  /* due_us rests on a year that is not listed */
                                             {0}};
static const store_index order_indexes[] = {{"gov_points_order_by_holder", "community, holder, id", false, NULL},
                                            {"gov_points_order_by_open", "community, programme, id", false, "status = 1"},
                                            {0}};
static const store_table order_table = {.name = "gov_points_order",
                                        .columns = order_columns,
                                        .key = "community, id",
                                        .flags = STORE_ROWID_KEY,
                                        .indexes = order_indexes};

/* The id is that of the transfer. */
static const store_column deduction_columns[] = {{"community", STORE_INT},
                                                 {"id", STORE_INT},
                                                 {"programme", STORE_TEXT},
                                                 {"rule", STORE_TEXT},
                                                 {"holder", STORE_INT},
                                                 {"amount", STORE_INT},
                                                 {"case_id", STORE_INT, true},
                                                 {"evidence", STORE_TEXT, true}, /* a document */
                                                 {"at_us", STORE_INT},
                                                 {"until_us", STORE_INT}, /* to be appealed */
                                                 {"appellant", STORE_INT, true},
                                                 {"appeal_us", STORE_INT, true},
                                                 {"appeal", STORE_TEXT, true},
                                                 {"ruled_us", STORE_INT, true},
                                                 {"granted", STORE_INT, true, "granted BETWEEN 0 AND 1"},
                                                 {"ruling", STORE_TEXT, true},
                                                 {"reversal", STORE_INT, true},
                                                 {0}};
static const store_index deduction_indexes[] = {
    {"gov_points_deduction_by_holder", "community, holder, id", false, NULL},
    {"gov_points_deduction_by_open", "community, programme, id", false, "appeal_us IS NOT NULL AND ruled_us IS NULL"},
    {"gov_points_deduction_by_case", "community, case_id, id", false, "case_id IS NOT NULL"},
    {0}};
static const store_table deduction_table = {.name = "gov_points_deduction",
                                            .columns = deduction_columns,
                                            .key = "community, id",
                                            .flags = STORE_ROWID_KEY,
                                            .indexes = deduction_indexes};

/* What cases have earned: the id is that of the transfer. */
static const store_column earned_columns[] = {{"community", STORE_INT},
                                              {"id", STORE_INT},
                                              {"case_id", STORE_INT},
                                              {"programme", STORE_TEXT},
                                              {"rule", STORE_TEXT},
                                              {"record", STORE_INT}, /* for whom; the account may be a household's */
                                              {"account", STORE_INT},
                                              {"amount", STORE_INT, false, "amount > 0"},
                                              {"back", STORE_INT, false, "back >= 0"}, /* of it, taken back */
                                              {0}};
static const store_index earned_indexes[] = {{"gov_points_earned_by_case", "community, case_id, id", false, NULL}, {0}};
static const store_table earned_table = {.name = "gov_points_earned",
                                         .columns = earned_columns,
                                         .key = "community, id",
                                         .flags = STORE_ROWID_KEY,
                                         .indexes = earned_indexes};

/* Lots whose holder has been told that they expire, and of how many points in them. */
static const store_column notice_columns[] = {{"community", STORE_INT}, {"lot", STORE_INT}, {"points", STORE_INT}, {0}};
static const store_table notice_table = {.name = "gov_points_notice", .columns = notice_columns, .key = "community, lot"};

static const store_table *const tables[] = {&order_table, &deduction_table, &earned_table, &notice_table, NULL};
const journal_kept points_kept_order = {&order_table, "programme, item", NULL};
const journal_kept points_kept_deduction = {&deduction_table, "programme, rule", NULL};
const journal_kept points_kept_earned = {&earned_table, "programme, rule", NULL};
const journal_kept points_kept_notice = {&notice_table, NULL, NULL};
const store_migration points_schema = {.room = "points", .version = 1, .create = tables};
