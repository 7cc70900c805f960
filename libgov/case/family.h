/* A case among others, for the rest of this room. */
#ifndef CASE_FAMILY_H
#define CASE_FAMILY_H

#include "case/live.h"

gov_status case_put_link(gov *g, int64_t from, const char *link, size_t len, int64_t to, const diag *d);
/* An event for another case, in m's name, due at once. */
gov_status case_tell(gov *g, case_machine *m, int64_t other, const char *event, value data, const diag *d);
gov_status case_run_merge(gov *g, case_machine *m, const rulebook_action *a, const diag *d);


/* ---- queue.c ---- */

enum { CASE_QUEUE_LIST_OPERANDS = 2, CASE_QUEUE_RETRY_OPERANDS = 2 };
extern const rulebook_operand case_queue_list_operands[CASE_QUEUE_LIST_OPERANDS], case_queue_retry_operands[CASE_QUEUE_RETRY_OPERANDS];
gov_status case_run_queue_list(gov *g, const value *in, value *out, const diag *d);
gov_status case_run_queue_retry(gov *g, const value *in, value *out, const diag *d);

/* ---- publish.c ---- */

enum { CASE_OPERATIONS = 5 };
extern const rulebook_operation case_operations[CASE_OPERATIONS];

enum { CASE_PUBLISH_PARAMS = 7, CASE_PUBLISH_REPORTS = 3 };
extern const rulebook_param case_publish_params[CASE_PUBLISH_PARAMS];
extern const rulebook_report case_publish_reports[CASE_PUBLISH_REPORTS];
extern const case_runner case_publish_runner;
gov_status case_check_publish(void *user, const rulebook_action *a, const rulebook *rb, const diag *d);

/* Publications, the newest first, a list of maps: id, case, number, name, since, due, ended_at, how ("done", "withdrawn", "cancelled"),
 * template, text, data, objections. What is
 * published is public: of all cases, whoever may read them. With the objections themselves where `whole`. */
typedef struct case_publication_query {
    int64_t case_id, id; /* 0: any */
    bool open_only, whole;
    int64_t limit;
} case_publication_query;
gov_status case_publications(gov *g, const case_publication_query *query, value *out, const diag *d);
/* Somebody objects: journalled, kept, and reported to the case. *count is how many have. */
gov_status case_object(gov *g, int64_t publication, int64_t resident, const char *text, int64_t *count, const diag *d);
/* It ends before its time, and reports `failed`. */
gov_status case_withdraw(gov *g, int64_t publication, const char *reason, const diag *d);

#endif
