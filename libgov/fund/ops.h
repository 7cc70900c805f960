/* The operations of this room, as the table in words.c names them. */
#ifndef FUND_OPS_H
#define FUND_OPS_H

#include "fund/fund.h"

typedef gov_status fund_operation(gov *g, const value *in, value *out, const diag *d);

fund_operation fund_give, fund_propose, fund_approve, fund_refuse, fund_show_balance, fund_list, fund_statement; /* fund.c */
fund_operation fund_correct;                                                                                     /* correct.c */
fund_operation fund_give_goods, fund_use_goods, fund_stock;                                                      /* goods.c */
fund_operation fund_share_compute, fund_share_open, fund_share_change, fund_share_source, fund_share_start, fund_share_show;        /* project.c */
fund_operation fund_share_plan, fund_share_switch, fund_share_pay, fund_share_payments, fund_share_arrears;                           /* plan.c, pay.c */
fund_operation fund_share_relief, fund_share_approve_relief, fund_share_refuse_relief;                           /* relief.c */
fund_operation fund_grant_apply, fund_grant_publish, fund_grant_approve, fund_grant_refuse, fund_grant_spend, fund_grant_spendings, fund_grant_show; /* grant.c */
fund_operation fund_fee_check_rise, fund_fee_checks, fund_kpi_payment;                                           /* contract.c */

/* What a builder holds; GOV_E_NOMEM when it failed. */
gov_status fund_answer(const value_builder *b, value *out, const diag *d);
gov_status fund_answer_id(gov *g, int64_t id, value *out, const diag *d); /* {id: } */
/* NULL (reported) when there is none. */
const fund_purpose *fund_find_item(const fund_purpose *items, uint32_t count, const char *name, const char *what, const diag *d);

#endif
