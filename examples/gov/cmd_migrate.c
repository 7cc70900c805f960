/* migrate: running cases to other rules, and what those would have made of past ones. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static long long number_of(const gov_value *map, const char *path)
{
    return (long long)gov_value_int(gov_value_find(map, path));
}

/* Its number, workflow and version. */
static void put_case(const cli *c, const gov_value *one)
{
    printf("  %s%s%s  %s  %s", bold(c), text_of(one, "number"), plain(c), text_of(one, "workflow"), text_of(one, "version"));
}

static void put_refused(session *s, const gov_value *report)
{
    const cli *c = s->c;
    const gov_value *list = gov_value_get(report, "refused_cases");
    if (gov_value_count(list) == 0)
        return;
    puts(T(c, "these cannot be moved and stay as they are:", "以下工单无法转换，保持原样："));
    for (size_t i = 0; i < gov_value_count(list) && !output_gone(); i++) {
        const gov_value *one = gov_value_at(list, i);
        char *state = line_of(s, gov_value_get(one, "state"));
        put_case(c, one);
        printf("  %s  ", state != NULL ? state : "");
        const char *why = title_of(s->c, gov_value_find(one, "why.message"));
        put_text(stdout, why, strlen(why));
        putchar('\n');
        free(state);
    }
}

static void put_ending(session *s, const char *word, const gov_value *ending)
{
    static const char *const parts[] = {"state", "outcome", "breached", "points", "refused", "failed"};
    printf("      %s", word);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const gov_value *v = gov_value_get(ending, parts[i]);
        char *line = line_of(s, v);
        const bool nothing = gov_value_kind(v) == GOV_VALUE_NULL || (i >= 2 && (line == NULL || line[0] == '\0' || strcmp(line, "0") == 0 || strcmp(line, "{}") == 0));
        if (!nothing && line != NULL && line[0] != '\0')
            printf("  %s: %s", parts[i], line);
        free(line);
    }
    putchar('\n');
}

static void put_past(session *s, const gov_value *past)
{
    const cli *c = s->c;
    const gov_value *list = gov_value_get(past, "otherwise"), *unsure = gov_value_get(past, "unsure");
    printf(T(c, "of %lld past cases %lld would have gone the same way, %zu otherwise; %zu cannot be judged\n",
             "以往工单 %lld 件：结果相同 %lld 件，不同 %zu 件，无法判断 %zu 件\n"),
           number_of(past, "cases"), number_of(past, "same"), gov_value_count(list), gov_value_count(unsure));
    printf(T(c, "deadlines missed: %lld, would be %lld; points: %lld, would be %lld\n",
             "超期：%lld 次，按新规则 %lld 次；积分：%lld，按新规则 %lld\n"),
           number_of(past, "breaches.was"), number_of(past, "breaches.would"), number_of(past, "points.was"),
           number_of(past, "points.would"));
    for (size_t i = 0; i < gov_value_count(list) && !output_gone(); i++) {
        const gov_value *one = gov_value_at(list, i);
        char *what = line_of(s, gov_value_get(one, "what"));
        put_case(c, one);
        printf("  %s\n", what != NULL ? what : "");
        put_ending(s, T(c, "was  ", "原来"), gov_value_get(one, "was"));
        put_ending(s, T(c, "would", "将会"), gov_value_get(one, "would"));
        free(what);
    }
}

static void put_report(session *s, const gov_value *report, bool dry)
{
    const cli *c = s->c;
    printf(dry ? T(c, "to version %s: %lld cases would move, %lld need not, %lld cannot\n",
                   "转到版本 %s：可转换 %lld 件，无需转换 %lld 件，无法转换 %lld 件\n")
               : T(c, "version %s: %lld cases moved, %lld need not, %lld cannot\n",
                   "版本 %s：已转换 %lld 件，无需转换 %lld 件，无法转换 %lld 件\n"),
           text_of(report, "version"), number_of(report, "migrated"), number_of(report, "same"), number_of(report, "refused"));
    put_refused(s, report);
    if (dry)
        put_past(s, gov_value_get(report, "past"));
}

int cmd_migrate(cli *c, args *a)
{
    gov_rulebook *book = NULL;
    gov_value *report = NULL;
    gov_error *err = NULL;
    session s;
    const bool dry = args_has(a, "dry-run");
    gov_status status = GOV_OK;
    c->rules = a->word_count > 1 ? a->words[1] : NULL;
    c->overlay = args_value(a, "overlay");
    if (a->word_count > 1)
        status = gov_rulebook_load_over(NULL, a->words[1], args_value(a, "overlay"), (int64_t)time(NULL) * 1000000, NULL, &book, &err);
    if (status != GOV_OK) {
        const int wrong = fail_with(c, status, err);
        return wrong == EXIT_STORE ? wrong : EXIT_WRONG;
    }
    gov_error_free(err); /* warnings are for gov check */
    err = NULL;
    int code = session_open(c, a, 0, &s);
    if (code == EXIT_DONE) {
        status = gov_migrate(s.g, book, dry ? GOV_MIGRATE_DRY_RUN : 0, &report, &err);
        if (status != GOV_OK)
            code = fail_with(c, status, err);
        else if (c->json)
            json_line(report);
        else
            put_report(&s, report, dry);
        if (status == GOV_OK && number_of(report, "refused") > 0)
            code = EXIT_NO;
        gov_value_free(report);
        session_close(&s);
    }
    gov_rulebook_free(book);
    return code;
}
