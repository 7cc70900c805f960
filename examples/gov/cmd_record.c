/* record put, record get: people and places by hand; run: what programmes do. */
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
        printf(T(c, "%s %s is saved\n", "%s %s 已保存\n"), a->words[1], a->words[2]);
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

/* Without a name: what there is. */
static int list_operations(session *s)
{
    cli *c = s->c;
    gov_value *list = NULL;
    gov_error *err = NULL;
    const gov_status status = gov_operation_list(s->g, &list, &err);
    if (status != GOV_OK)
        return fail_with(c, status, err);
    if (c->json)
        json_line(list);
    for (size_t i = 0; !c->json && i < gov_value_count(list); i++) {
        const gov_value *op = gov_value_at(list, i), *operands = gov_value_get(op, "operands");
        printf("%s%s%s", bold(c), text_of(op, "name"), plain(c));
        for (size_t k = 0; k < gov_value_count(operands); k++) {
            const gov_value *o = gov_value_at(operands, k);
            const bool required = gov_value_bool(gov_value_get(o, "required"));
            printf(required ? " %s" : " [%s]", text_of(o, "name"));
        }
        putchar('\n');
    }
    gov_value_free(list);
    return EXIT_DONE;
}

static int run_operation(session *s, const args *a, const gov_value *input)
{
    cli *c = s->c;
    gov_value *answer = NULL;
    gov_error *err = NULL;
    gov_call_options o;
    gov_call_options_init(&o, sizeof o);
    o.idempotency_key = args_value(a, "key");
    const gov_status status = gov_operation_run(s->g, a->words[1], input, &o, &answer, &err);
    if (status != GOV_OK)
        return fail_with(c, status, err);
    if (c->json)
        json_line(answer);
    else if (gov_value_count(answer) > 0)
        put_value(s, answer, 0);
    gov_value_free(answer);
    return EXIT_DONE;
}

int cmd_run(cli *c, args *a)
{
    session s;
    gov_value *input = NULL;
    int code = EXIT_DONE;
    if (a->word_count > 1)
        code = fields_read(c, a, 2, "fields", &input);
    if (code == EXIT_DONE)
        code = session_open(c, a, 0, &s);
    if (code == EXIT_DONE) {
        code = a->word_count > 1 ? run_operation(&s, a, input) : list_operations(&s);
        session_close(&s);
    }
    gov_value_free(input);
    return code;
}
