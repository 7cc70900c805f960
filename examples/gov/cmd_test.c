/* test: plays the scenarios of a rulebook. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static void put_step(cli *c, const gov_value *step)
{
    const gov_value *to = gov_value_get(step, "to");
    const char *parts[] = {text_of(step, "local"), text_of(step, "actor"), text_of(step, "kind"),
                           text_of(step, "event")};
    fputs("      ", stdout);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i][0] == '\0')
            continue;
        put_text(stdout, parts[i], strlen(parts[i]));
        fputs("  ", stdout);
    }
    for (size_t i = 0; i < gov_value_count(to); i++) {
        const char *state = gov_value_string(gov_value_at(to, i), NULL);
        printf("%s%s", i == 0 ? "-> " : ", ", state != NULL ? state : "");
    }
    if (text_of(step, "rule")[0] != '\0')
        printf("  %s%s%s", dim(c), text_of(step, "rule"), plain(c));
    fputc('\n', stdout);
}

static void put_place(const gov_value *v, bool column)
{
    const char *file = text_of(v, "file");
    put_text(stdout, file, strlen(file));
    printf(":%lld:", (long long)gov_value_int(gov_value_get(v, "line")));
    if (column)
        printf("%lld:", (long long)gov_value_int(gov_value_get(v, "column")));
    fputc(' ', stdout);
}

static void put_failure(cli *c, const gov_value *failure)
{
    const gov_value *history = gov_value_get(failure, "history");
    const char *message = text_of(failure, "message");
    fputs("  ", stdout);
    put_place(failure, true);
    put_text(stdout, message, strlen(message));
    fputc('\n', stdout);
    if (history == NULL)
        return;
    printf("    %s:\n", text_of(failure, "case"));
    for (size_t i = 0; i < gov_value_count(history); i++)
        put_step(c, gov_value_at(history, i));
}

/* Those that pass are counted, those that fail are shown as they end. */
static int32_t put_result(const gov_value *result, void *user)
{
    cli *c = user;
    const gov_value *failures = gov_value_get(result, "failures");
    const char *title = text_of(result, "title");
    if (c->json || gov_value_bool(gov_value_get(result, "passed")))
        return output_gone();
    put_place(result, false);
    printf("%s%s%s ", red(c), T(c, "failed:", "失败："), plain(c));
    put_text(stdout, title, strlen(title));
    fputc('\n', stdout);
    for (size_t i = 0; i < gov_value_count(failures); i++)
        put_failure(c, gov_value_at(failures, i));
    return output_gone();
}

static void put_missed(cli *c, const gov_value *one)
{
    const gov_value *states = gov_value_find(one, "states.missed"),
                    *moves = gov_value_find(one, "transitions.missed");
    for (size_t i = 0; i < gov_value_count(states); i++) {
        fputs("  ", stdout);
        put_place(gov_value_at(states, i), false);
        printf(T(c, "no scenario reached %s\n", "没有场景到达 %s\n"),
               text_of(gov_value_at(states, i), "state"));
    }
    for (size_t i = 0; i < gov_value_count(moves); i++) {
        const gov_value *move = gov_value_at(moves, i), *to = gov_value_get(move, "to");
        const char *from = text_of(move, "from");
        fputs("  ", stdout);
        put_place(move, false);
        printf(T(c, "no scenario took %s --%s-->", "没有场景经过 %s --%s-->"),
               from[0] != '\0' ? from : "*", text_of(move, "on"));
        for (size_t k = 0; k < gov_value_count(to); k++)
            printf(" %s", gov_value_string(gov_value_at(to, k), NULL));
        fputc('\n', stdout);
    }
}

static void put_coverage(cli *c, const gov_value *coverage)
{
    for (size_t i = 0; i < gov_value_count(coverage); i++) {
        const gov_value *one = gov_value_at(coverage, i);
        const long long states = gov_value_int(gov_value_find(one, "states.reached")),
                        all_states = gov_value_int(gov_value_find(one, "states.total")),
                        moves = gov_value_int(gov_value_find(one, "transitions.reached")),
                        all_moves = gov_value_int(gov_value_find(one, "transitions.total"));
        printf(T(c, "%s: %lld of %lld states, %lld of %lld transitions\n",
                 "%s：到达 %lld/%lld 个状态，经过 %lld/%lld 条转移\n"),
               text_of(one, "workflow"), states, all_states, moves, all_moves);
        put_missed(c, one);
    }
}

static int put_report(cli *c, const gov_value *report)
{
    const long long passed = gov_value_int(gov_value_get(report, "passed")),
                    failed = gov_value_int(gov_value_get(report, "failed"));
    if (c->json) {
        json_line(report);
    } else {
        put_coverage(c, gov_value_get(report, "coverage"));
        printf(T(c, "%s%lld passed, %lld failed%s\n", "%s%lld 项通过，%lld 项失败%s\n"),
               failed > 0 ? red(c) : green(c), passed, failed, plain(c));
    }
    return failed > 0 ? EXIT_NO : EXIT_DONE;
}

int cmd_test(cli *c, args *a)
{
    const gov_scenario_options o = {
        .size = sizeof o, .url = args_value(a, "db"), .lang = c->zh ? "zh" : "en"};
    gov_value *report = NULL;
    gov_error *err = NULL;
    const gov_status status =
        gov_scenarios_run(NULL, a->words[0], &o, put_result, c, &report, &err);
    if (status == GOV_E_USER) { /* nobody reads any more */
        gov_error_free(err);
        return EXIT_DONE;
    }
    if (status != GOV_OK)
        return fail_with(c, status, err);
    print_diagnostics(c, err, stderr);
    gov_error_free(err);
    const int code = put_report(c, report);
    gov_value_free(report);
    return code;
}
