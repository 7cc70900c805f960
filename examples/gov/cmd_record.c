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

static bool has_operand(const gov_value *op, const char *name)
{
    const gov_value *operands = gov_value_get(op, "operands");
    for (size_t i = 0; i < gov_value_count(operands); i++)
        if (strcmp(text_of(gov_value_at(operands, i), "name"), name) == 0)
            return true;
    return false;
}

/* --lang is for what the programmes answer, too, where they have it in several languages. */
static int say_language(session *s, const char *name, gov_value **input)
{
    gov_value *list = NULL;
    gov_error *err = NULL;
    bool wanted = false;
    if (!s->c->lang_given || (*input != NULL && gov_value_get(*input, "lang") != NULL))
        return EXIT_DONE;
    gov_status status = gov_operation_list(s->g, &list, &err);
    for (size_t i = 0; status == GOV_OK && i < gov_value_count(list) && !wanted; i++) {
        const gov_value *op = gov_value_at(list, i);
        wanted = strcmp(text_of(op, "name"), name) == 0 && has_operand(op, "lang");
    }
    gov_value_free(list);
    if (wanted && *input == NULL)
        *input = gov_value_new_map(NULL);
    if (wanted)
        status = *input != NULL ? gov_value_set_string(*input, "lang", s->c->zh ? "zh" : "en") : GOV_E_NOMEM;
    return status == GOV_OK ? EXIT_DONE : fail_with(s->c, status, err);
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
        if (a->word_count > 1 && (code = say_language(&s, a->words[1], &input)) == EXIT_DONE)
            code = run_operation(&s, a, input);
        else if (a->word_count <= 1)
            code = list_operations(&s);
        session_close(&s);
    }
    gov_value_free(input);
    return code;
}
