/* The ledger's tables. */
#include "ledger/stored.h"

static const store_column book_columns[] = {{"community", STORE_INT},  {"ledger", STORE_INT},
                                            {"version", STORE_INT},    {"accounts", STORE_INT},
                                            {"account_us", STORE_INT}, {"transfer_us", STORE_INT},
                                            {"last_seq", STORE_INT},   {"last_id", STORE_INT},
                                            {"due_us", STORE_INT},     {0}};
const store_table ledger_book_table = {.name = "gov_ledger_book",
                                       .columns = book_columns,
                                       .key = "community, ledger"};

static const store_column account_columns[] = {
    {"community", STORE_INT},
    {"seq", STORE_INT},
    {"id", STORE_INT},
    {"ledger", STORE_INT},
    {"code", STORE_INT},
    {"flags", STORE_INT},
    {"debits_pending", STORE_INT, false, "debits_pending >= 0"},
    {"debits_posted", STORE_INT, false, "debits_posted >= 0"},
    {"credits_pending", STORE_INT, false, "credits_pending >= 0"},
    {"credits_posted", STORE_INT, false, "credits_posted >= 0"},
    {"subject", STORE_INT, true},
    {"reference", STORE_INT, true},
    {"reason", STORE_INT},
    {"min_balance", STORE_INT, true},
    {"max_balance", STORE_INT, true},
    {"warn_min", STORE_INT, true},
    {"warn_max", STORE_INT, true},
    {"breakage", STORE_INT, true},
    {"at_us", STORE_INT},
    {"entry", STORE_INT, true},
    {"trail", STORE_BYTES},
    {0}};
static const store_index account_indexes[] = {
    {"gov_ledger_account_by_id", "community, id", true, NULL},
    {"gov_ledger_account_by_time", "community, ledger, at_us", false, NULL},
    {"gov_ledger_account_by_subject", "community, subject, ledger", false, "subject IS NOT NULL"},
    {0}};
const store_table ledger_account_table = {.name = "gov_ledger_account",
                                          .columns = account_columns,
                                          .key = "community, seq",
                                          .flags = STORE_ROWID_KEY,
                                          .indexes = account_indexes};

/* id NULL: it is seq. Released: what a post, void or expiry takes off the pending balances. */
static const store_column transfer_columns[] = {{"community", STORE_INT},
                                                {"seq", STORE_INT},
                                                {"id", STORE_INT, true},
                                                {"ledger", STORE_INT},
                                                {"code", STORE_INT},
                                                {"flags", STORE_INT},
                                                {"debit_account", STORE_INT},
                                                {"credit_account", STORE_INT},
                                                {"amount", STORE_INT, false, "amount >= 0"},
                                                {"released", STORE_INT, true},
                                                {"pending_id", STORE_INT, true},
                                                {"subject", STORE_INT, true},
                                                {"reference", STORE_INT, true},
                                                {"reason", STORE_INT},
                                                {"timeout", STORE_INT, true},
                                                {"at_us", STORE_INT},
                                                {"effective_us", STORE_INT, true},
                                                {"reversal_of", STORE_INT, true},
                                                {"expires_us", STORE_INT, true},
                                                {"entry", STORE_INT, true},
                                                {0}};
static const store_index transfer_indexes[] = {{"gov_ledger_transfer_by_id", "community, id", true,
                                                "id IS NOT NULL"},
                                               {0}};
const store_table ledger_transfer_table = {.name = "gov_ledger_transfer",
                                           .columns = transfer_columns,
                                           .key = "community, seq",
                                           .flags = STORE_ROWID_KEY,
                                           .indexes = transfer_indexes};

static const store_column trail_columns[] = {{"community", STORE_INT},
                                             {"seq", STORE_INT},
                                             {"account", STORE_INT},
                                             {"number", STORE_INT},
                                             {"previous", STORE_INT, true},
                                             {"jump", STORE_INT, true},
                                             {"first_us", STORE_INT},
                                             {"last_us", STORE_INT},
                                             {"debits_pending", STORE_INT},
                                             {"debits_posted", STORE_INT},
                                             {"credits_pending", STORE_INT},
                                             {"credits_posted", STORE_INT},
                                             {"sides", STORE_INT},
                                             {"items", STORE_BYTES},
                                             {0}};
const store_table ledger_trail_table = {.name = "gov_ledger_trail",
                                        .columns = trail_columns,
                                        .key = "community, seq",
                                        .flags = STORE_ROWID_KEY};

static const store_column pending_columns[] = {{"community", STORE_INT},
                                               {"seq", STORE_INT},
                                               {"ledger", STORE_INT},
                                               {"status", STORE_INT, false,
                                                "status BETWEEN 1 AND 4"},
                                               {"due_us", STORE_INT, true},
                                               {"resolved_us", STORE_INT, true},
                                               {"resolved_by", STORE_INT, true},
                                               {0}};
static const store_index pending_indexes[] = {{"gov_ledger_pending_by_due",
                                               "community, ledger, due_us, seq", false,
                                               "status = 1 AND due_us IS NOT NULL"},
                                              {0}};
const store_table ledger_pending_table = {.name = "gov_ledger_pending",
                                          .columns = pending_columns,
                                          .key = "community, seq",
                                          .flags = STORE_ROWID_KEY,
                                          .indexes = pending_indexes};

static const store_column failed_columns[] = {{"community", STORE_INT},
                                              {"id", STORE_INT},
                                              {"ledger", STORE_INT},
                                              {0}};
const store_table ledger_failed_table = {.name = "gov_ledger_failed",
                                         .columns = failed_columns,
                                         .key = "community, id"};

static const store_column reason_columns[] = {{"community", STORE_INT},
                                              {"ledger", STORE_INT},
                                              {"number", STORE_INT},
                                              {"name", STORE_TEXT},
                                              {0}};
static const store_index reason_indexes[] = {{"gov_ledger_reason_by_name",
                                              "community, ledger, name", true, NULL},
                                             {0}};
static const store_table reason_table = {.name = "gov_ledger_reason",
                                         .columns = reason_columns,
                                         .key = "community, ledger, number",
                                         .indexes = reason_indexes};

static const store_table *const first_tables[] = {&ledger_book_table,     &ledger_account_table,
                                                  &ledger_transfer_table, &ledger_trail_table,
                                                  &ledger_pending_table,  &ledger_failed_table,
                                                  &reason_table,          NULL};
const store_migration ledger_schema = {.room = "ledger", .version = 1, .create = first_tables};
