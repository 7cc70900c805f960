/* record put, record get: people and places by hand. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

int cmd_record_put(cli *c, args *a)
{
    session s;
    gov_value *fields = NULL;
    gov_error *err = NULL;
    int64_t id = 0;
    int code = fields_read(c, a, 3, "fields", &fields);
    if (code == EXIT_DONE)
        code = session_open(c, a, 0, &s);
    if (code != EXIT_DONE) {
        gov_value_free(fields);
        return code;
    }
    const gov_status status = gov_record_put(s.g, a->words[1], a->words[2], fields, &id, &err);
    if (status != GOV_OK)
        code = fail_with(c, status, err);
    else if (c->json)
        printf("{\"id\":\"%lld\"}\n", (long long)id);
    else
        printf(T(c, "%s %s is kept\n", "%s %s 已保存\n"), a->words[1], a->words[2]);
    gov_value_free(fields);
    session_close(&s);
    return code;
}

int cmd_record_get(cli *c, args *a)
{
    session s;
    gov_value *record = NULL;
    gov_error *err = NULL;
    int code = session_open(c, a, 0, &s);
    if (code != EXIT_DONE)
        return code;
    const gov_status status = gov_record_get(s.g, a->words[1], a->words[2], &record, &err);
    if (status != GOV_OK)
        code = fail_with(c, status, err);
    else if (c->json)
        json_line(record);
    else
        put_value(&s, record, 0);
    gov_value_free(record);
    session_close(&s);
    return code;
}
