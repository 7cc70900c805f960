/* The tables of funds, projects and grants. Money itself lies in the ledger; these rows say what it was for. */
#include "fund/fund.h"

static const store_column entry_columns[] = {{"community", STORE_INT},
                                             {"id", STORE_INT}, /* also of the transfer that it began with */
                                             {"pot", STORE_INT}, /* a fund's ledger, or a grant's id */
                                             {"kind", STORE_INT},
                                             {"state", STORE_INT},
                                             {"item", STORE_TEXT},
                                             {"amount", STORE_INT, false, "amount > 0"},
                                             {"party", STORE_INT, true},
                                             {"party_name", STORE_TEXT, true},
                                             {"named", STORE_BOOL},
                                             {"note", STORE_TEXT, true},
                                             {"made_by", STORE_INT},
                                             {"made_us", STORE_INT},
                                             {"decided_by", STORE_INT, true},
                                             {"decided_us", STORE_INT, true},
                                             {"at_us", STORE_INT, true},
                                             {"case_id", STORE_INT, true}, /* that asked for it, and waits for the end */
                                             {"effect", STORE_TEXT, true},
                                             {"transfer", STORE_INT, true}, /* that moved the money; none of goods */
                                             {"corrects", STORE_INT, true}, /* the entry that it takes back */
                                             {0}};
static const store_index entry_indexes[] = {{"gov_fund_entry_by_time", "community, pot, at_us, id", false, "at_us IS NOT NULL"},
                                            {"gov_fund_entry_by_corrected", "community, corrects", false, "corrects IS NOT NULL"},
                                            {"gov_fund_entry_by_waiting", "community, pot, id", false, "state = 1"},
                                            {0}};
static const store_table entry_table = {"gov_fund_entry", entry_columns, "community, id", STORE_ROWID_KEY, entry_indexes};

static const store_column project_columns[] = {{"community", STORE_INT},
                                               {"id", STORE_INT},
                                               {"rule", STORE_TEXT},
                                               {"name", STORE_TEXT},
                                               {"cost", STORE_INT, false, "cost > 0"},
                                               {"agreed", STORE_BOOL},
                                               {"agreed_by", STORE_TEXT, true},
                                               {"made_us", STORE_INT},
                                               {"started_us", STORE_INT, true},
                                               {0}};
static const store_index project_indexes[] = {{"gov_fund_project_by_name", "community, name", true, NULL}, {0}};
static const store_table project_table = {"gov_fund_project", project_columns, "community, id", STORE_ROWID_KEY, project_indexes};

/* A source of a project's money, or a unit of those that bear the residents' part. */
static const store_column portion_columns[] = {{"community", STORE_INT},
                                               {"id", STORE_INT},
                                               {"project", STORE_INT},
                                               {"nr", STORE_INT},
                                               {"kind", STORE_INT},
                                               {"name", STORE_TEXT},
                                               {"amount", STORE_INT, false, "amount >= 0"},
                                               {"charged", STORE_INT, false, "charged >= 0"},
                                               {"account", STORE_INT, true},
                                               {"premises", STORE_INT, true},
                                               {"floor", STORE_INT, true},
                                               {"area", STORE_INT, true},
                                               {0}};
static const store_index portion_indexes[] = {{"gov_fund_portion_by_name", "community, project, name", true, NULL},
                                              {"gov_fund_portion_by_nr", "community, project, nr", true, NULL},
                                              {0}};
static const store_table portion_table = {"gov_fund_portion", portion_columns, "community, id", STORE_ROWID_KEY, portion_indexes};

/* Plans are never changed but for their end: what was agreed before stays readable. */
static const store_column plan_columns[] = {{"community", STORE_INT},
                                            {"id", STORE_INT},
                                            {"portion", STORE_INT},
                                            {"kind", STORE_INT},
                                            {"total", STORE_INT},
                                            {"settled", STORE_INT},
                                            {"count", STORE_INT, false, "count > 0"},
                                            {"from_day", STORE_INT}, /* whose date counts for all rates, so many months later */
                                            {"lead", STORE_INT, false, "lead BETWEEN 0 AND 1"}, /* months from it to the first rate */
                                            {"made_us", STORE_INT},
                                            {"ended_us", STORE_INT, true},
                                            {0}};
static const store_index plan_indexes[] = {{"gov_fund_plan_by_portion", "community, portion, id", false, NULL},
                                           {"gov_fund_plan_current", "community, portion", true, "ended_us IS NULL"},
                                           {0}};
static const store_table plan_table = {"gov_fund_plan", plan_columns, "community, id", STORE_ROWID_KEY, plan_indexes};

static const store_column relief_columns[] = {{"community", STORE_INT},
                                              {"id", STORE_INT}, /* also of the pending transfer */
                                              {"project", STORE_INT},
                                              {"portion", STORE_INT},
                                              {"state", STORE_INT},
                                              {"amount", STORE_INT},
                                              {"months", STORE_INT},
                                              {"household", STORE_INT, true},
                                              {"reason", STORE_TEXT, true},
                                              {"made_by", STORE_INT},
                                              {"made_us", STORE_INT},
                                              {"decided_by", STORE_INT, true},
                                              {"decided_us", STORE_INT, true},
                                              {0}};
static const store_index relief_indexes[] = {{"gov_fund_relief_by_portion", "community, portion, id", false, NULL}, {0}};
static const store_table relief_table = {"gov_fund_relief", relief_columns, "community, id", STORE_ROWID_KEY, relief_indexes};

static const store_column grant_columns[] = {{"community", STORE_INT},
                                             {"id", STORE_INT},
                                             {"rule", STORE_TEXT},
                                             {"title", STORE_TEXT},
                                             {"amount", STORE_INT, false, "amount > 0"},
                                             {"state", STORE_INT},
                                             {"made_by", STORE_INT},
                                             {"made_us", STORE_INT},
                                             {"notice_us", STORE_INT, true}, /* when the notice ends */
                                             {"notice_unsure", STORE_BOOL},
                                             {"decided_by", STORE_INT, true},
                                             {"decided_us", STORE_INT, true},
                                             {0}};
static const store_index grant_indexes[] = {{"gov_fund_grant_by_rule", "community, rule, id", false, NULL}, {0}};
static const store_table grant_table = {"gov_fund_grant", grant_columns, "community, id", STORE_ROWID_KEY, grant_indexes};

static const store_column budget_columns[] = {{"community", STORE_INT},
                                              {"grant_id", STORE_INT},
                                              {"nr", STORE_INT},
                                              {"id", STORE_INT},
                                              {"item", STORE_TEXT},
                                              {"amount", STORE_INT, false, "amount > 0"},
                                              {0}};
static const store_table budget_table = {"gov_fund_budget", budget_columns, "community, grant_id, nr", 0, NULL};

static const store_table *const tables[] = {&entry_table, &project_table, &portion_table, &plan_table, &relief_table, &grant_table,
                                            &budget_table, NULL};
const journal_kept fund_kept_entry = {&entry_table, "item", NULL};
const journal_kept fund_kept_project = {&project_table, "rule", NULL};
const journal_kept fund_kept_portion = {&portion_table, NULL, NULL};
const journal_kept fund_kept_plan = {&plan_table, NULL, NULL};
const journal_kept fund_kept_relief = {&relief_table, NULL, NULL};
const journal_kept fund_kept_grant = {&grant_table, "rule", NULL};
const journal_kept fund_kept_budget = {&budget_table, "item", NULL};
const store_migration fund_schema = {.room = "fund", .version = 1, .create = tables};
