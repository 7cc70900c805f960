/* check: every mistake of a rulebook. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* With those that are not listed: the last items only tell their number. */
static size_t count_of(const gov_error *err, int32_t severity)
{
    size_t n = 0;
    for (size_t i = 0; i < gov_error_count(err); i++) {
        const char *code = gov_error_code(err, i);
        const bool number = strcmp(code, "more_errors") == 0 || strcmp(code, "more_warnings") == 0;
        if (gov_error_severity(err, i) == severity)
            n += number ? (size_t)strtoull(gov_error_argument(err, i, "count"), NULL, 10) : 1;
    }
    return n;
}

static void put_json(cli *c, const gov_rulebook *book, const gov_error *err)
{
    printf("{\"ok\":%s,\"errors\":%zu,\"warnings\":%zu", book != NULL ? "true" : "false",
           count_of(err, GOV_SEVERITY_ERROR), count_of(err, GOV_SEVERITY_WARNING));
    if (book != NULL) {
        printf(",\"rulebook\":\"%s\",\"version\":", gov_rulebook_id(book));
        json_text(stdout, gov_rulebook_version(book), strlen(gov_rulebook_version(book)));
        printf(",\"digest\":\"%s\"", gov_rulebook_digest(book));
    }
    fputs(",\"diagnostics\":", stdout);
    json_diagnostics(c, err, stdout);
    fputs("}\n", stdout);
}

static int32_t stop(const gov_value *result, void *user)
{
    (void)result;
    (void)user;
    return 1;
}

/* A scenario that cannot be read is a mistake too; whether what it says is so is for gov test. Only the first is begun. */
static gov_status check_scenarios(const args *a, gov_error **err)
{
    gov_scenario_options options;
    gov_value *report = NULL;
    gov_error *found = NULL;
    gov_scenario_options_init(&options, sizeof options);
    options.overlay = args_value(a, "overlay");
    const gov_status status = gov_scenarios_run(NULL, a->words[0], &options, stop, NULL, &report, &found);
    gov_value_free(report);
    if (status != GOV_E_RULE) {
        gov_error_free(found);
        return GOV_OK;
    }
    gov_error_free(*err); /* its warnings are told again */
    *err = found;
    return status;
}

int cmd_check(cli *c, args *a)
{
    gov_rulebook *book = NULL;
    gov_error *err = NULL;
    c->rules = a->words[0];
    c->overlay = args_value(a, "overlay");
    gov_status status =
        gov_rulebook_load_over(NULL, a->words[0], args_value(a, "overlay"), (int64_t)time(NULL) * 1000000, NULL, &book, &err);
    if (status == GOV_OK)
        status = check_scenarios(a, &err);
    /* Anything but mistakes in the rules: no such file, out of memory. */
    if (status != GOV_OK && status != GOV_E_RULE && status != GOV_E_EXPR && status != GOV_E_INPUT &&
        status != GOV_E_LIMIT && status != GOV_E_RANGE)
        return fail_with(c, status, err);
    const unsigned long long errors = count_of(err, GOV_SEVERITY_ERROR),
                             warnings = count_of(err, GOV_SEVERITY_WARNING);
    if (c->json) {
        put_json(c, status == GOV_OK ? book : NULL, err);
    } else {
        print_diagnostics(c, err, stdout);
        if (errors > 0)
            printf(T(c, "%s%s: errors: %llu, warnings: %llu%s\n",
                     "%s%s：%llu 处错误，%llu 处警告%s\n"),
                   red(c), a->words[0], errors, warnings, plain(c));
        else
            printf(T(c, "%s%s: sound (%s %s), warnings: %llu%s\n",
                     "%s%s：没有错误（%s %s），%llu 处警告%s\n"),
                   green(c), a->words[0], gov_rulebook_id(book), gov_rulebook_version(book),
                   warnings, plain(c));
    }
    gov_rulebook_free(book);
    gov_error_free(err);
    return status == GOV_OK ? EXIT_DONE : EXIT_NO;
}
