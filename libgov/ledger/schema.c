/* The ledger's tables. */
#include "ledger/stored.h"

static const store_column book_columns[] = {{"community", STORE_INT},  {"ledger", STORE_INT},
                                            {"version", STORE_INT},    {"accounts", STORE_INT},
                                            {"account_us", STORE_INT}, {"transfer_us", STORE_INT},
                                            {"last_seq", STORE_INT},   {"last_id", STORE_INT},
                                            {"first_seq", STORE_INT},  {"due_us", STORE_INT},
                                            {"caps", STORE_INT},       {0}};
const store_table ledger_book_table = {.name = "gov_ledger_book",
                                       .columns = book_columns,
                                       .key = "community, ledger"};

static const store_column account_columns[] = {{"community", STORE_INT},
                                               {"seq", STORE_INT},
                                               {"id", STORE_INT},
                                               {"ledger", STORE_INT},
                                               {"code", STORE_INT},
                                               {"flags", STORE_INT},
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

/* What a transfer changes of an account, and nothing else: the narrower, the cheaper. closed: the flag of that name. */
static const store_column balance_columns[] = {
    {"community", STORE_INT},
    {"seq", STORE_INT},
    {"closed", STORE_BOOL},
    {"debits_pending", STORE_INT, false, "debits_pending >= 0"},
    {"debits_posted", STORE_INT, false, "debits_posted >= 0"},
    {"credits_pending", STORE_INT, false, "credits_pending >= 0"},
    {"credits_posted", STORE_INT, false, "credits_posted >= 0"},
    {"trail", STORE_BYTES},
    {0}};
const store_table ledger_balance_table = {.name = "gov_ledger_balance",
                                          .columns = balance_columns,
                                          .key = "community, seq",
                                          .flags = STORE_ROWID_KEY};

/* Transfers, up to LEDGER_BLOCK_ROWS of a batch in a row (block.c); seq: of the first. */
static const store_column block_columns[] = {{"community", STORE_INT},
                                             {"ledger", STORE_INT},
                                             {"seq", STORE_INT},
                                             {"transfers", STORE_INT, false, "transfers >= 1"},
                                             {"first_us", STORE_INT},
                                             {"last_us", STORE_INT},
                                             {"entry", STORE_INT, true},
                                             {"data", STORE_BYTES},
                                             {0}};
const store_table ledger_block_table = {.name = "gov_ledger_block",
                                        .columns = block_columns,
                                        .key = "community, ledger, seq"};

/* Where transfers are whose id is not their seq. */
static const store_column id_columns[] = {
    {"community", STORE_INT}, {"id", STORE_INT}, {"ledger", STORE_INT}, {"seq", STORE_INT}, {0}};
const store_table ledger_id_table = {.name = "gov_ledger_id",
                                     .columns = id_columns,
                                     .key = "community, id"};

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
                                               {"actor", STORE_INT},
                                               {"closes", STORE_INT, true},
                                               {0}};
static const store_index pending_indexes[] = {{"gov_ledger_pending_by_due",
                                               "community, ledger, due_us, seq", false,
                                               "status = 1 AND due_us IS NOT NULL"},
                                              {"gov_ledger_pending_by_closing", "community, seq",
                                               false, "closes IS NOT NULL"},
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

/* Lots: rest is what can be spent or expire. */
static const store_column lot_columns[] = {{"community", STORE_INT},
                                           {"seq", STORE_INT},
                                           {"account", STORE_INT},
                                           {"ledger", STORE_INT},
                                           {"expires_us", STORE_INT},
                                           {"amount", STORE_INT},
                                           {"rest", STORE_INT, false, "rest >= 0"},
                                           {0}};
static const store_index lot_indexes[] = {
    {"gov_ledger_lot_by_account", "community, account, expires_us, seq", false, "rest > 0"},
    {"gov_ledger_lot_by_due", "community, ledger, expires_us, seq", false,
     "rest > 0 AND expires_us < 9223372036854775807"},
    {0}};
const store_table ledger_lot_table = {.name = "gov_ledger_lot",
                                      .columns = lot_columns,
                                      .key = "community, seq",
                                      .flags = STORE_ROWID_KEY,
                                      .indexes = lot_indexes};

/* What a transfer took from a lot; less than nothing: what it brought to it. */
static const store_column use_columns[] = {{"community", STORE_INT}, {"seq", STORE_INT},
                                           {"lot", STORE_INT},       {"amount", STORE_INT},
                                           {"back", STORE_INT},      {0}};
const store_table ledger_use_table = {.name = "gov_ledger_use",
                                      .columns = use_columns,
                                      .key = "community, seq, lot"};

/* seq: whose its counts are; since_us: the last that its ledger had recorded when they began. */
static const store_column cap_columns[] = {{"community", STORE_INT}, {"ledger", STORE_INT},
                                           {"number", STORE_INT},    {"account", STORE_INT},
                                           {"code", STORE_INT},      {"reason", STORE_INT},
                                           {"side", STORE_INT},      {"period", STORE_INT},
                                           {"amount", STORE_INT},    {"seq", STORE_INT},
                                           {"since_us", STORE_INT},  {0}};
const store_table ledger_cap_table = {.name = "gov_ledger_cap",
                                      .columns = cap_columns,
                                      .key = "community, ledger, number"};

/* cap: the seq of one, perhaps of one that was replaced. */
static const store_column count_columns[] = {{"community", STORE_INT},
                                             {"ledger", STORE_INT},
                                             {"account", STORE_INT},
                                             {"cap", STORE_INT},
                                             {"begins_us", STORE_INT},
                                             {"amount", STORE_INT},
                                             {0}};
const store_table ledger_count_table = {.name = "gov_ledger_count",
                                        .columns = count_columns,
                                        .key = "community, ledger, account, cap, begins_us"};

/* How much of a transfer was taken back. */
static const store_column reversed_columns[] = {{"community", STORE_INT},
                                                {"seq", STORE_INT},
                                                {"amount", STORE_INT},
                                                {0}};
const store_table ledger_reversed_table = {.name = "gov_ledger_reversed",
                                           .columns = reversed_columns,
                                           .key = "community, seq"};

/* What took effect at another instant than it was recorded at: what it did to each of its accounts. */
static const store_column effective_columns[] = {
    {"community", STORE_INT},      {"account", STORE_INT},
    {"effective_us", STORE_INT},   {"seq", STORE_INT},
    {"at_us", STORE_INT},          {"debits_pending", STORE_INT},
    {"debits_posted", STORE_INT},  {"credits_pending", STORE_INT},
    {"credits_posted", STORE_INT}, {0}};
const store_table ledger_effective_table = {.name = "gov_ledger_effective",
                                            .columns = effective_columns,
                                            .key = "community, account, effective_us, seq"};

/* What a caller has to say about an account (kind 1) or a transfer (kind 2): a document. */
static const store_column memo_columns[] = {{"community", STORE_INT},
                                            {"kind", STORE_INT, false, "kind BETWEEN 1 AND 2"},
                                            {"id", STORE_INT},
                                            {"doc", STORE_TEXT},
                                            {"entry", STORE_INT, true},
                                            {0}};
const store_table ledger_memo_table = {.name = "gov_ledger_memo",
                                       .columns = memo_columns,
                                       .key = "community, kind, id"};

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

const journal_kept ledger_kept_cap = {&ledger_cap_table, NULL, NULL};
const journal_kept ledger_kept_reason = {&reason_table, "name", NULL};
const journal_kept ledger_kept_memo = {&ledger_memo_table, NULL, NULL};

static const store_table *const first_tables[] = {&ledger_book_table,
                                                  &ledger_account_table,
                                                  &ledger_balance_table,
                                                  &ledger_block_table,
                                                  &ledger_id_table,
                                                  &ledger_trail_table,
                                                  &ledger_pending_table,
                                                  &ledger_failed_table,
                                                  &reason_table,
                                                  &ledger_lot_table,
                                                  &ledger_use_table,
                                                  &ledger_cap_table,
                                                  &ledger_count_table,
                                                  &ledger_reversed_table,
                                                  &ledger_effective_table,
                                                  &ledger_memo_table,
                                                  NULL};
const store_migration ledger_schema = {.room = "ledger", .version = 1, .create = first_tables};
