/* test: plays the scenarios of a rulebook. */
#include "cli.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* "FILE:LINE" of the rule that was taken. */
static void put_rule(const cli *c, const char *rule)
{
    char file[1024];
    const char *colon = strrchr(rule, ':');
    const size_t len = colon != NULL ? (size_t)(colon - rule) : strlen(rule);
    if (len == 0 || len >= sizeof file)
        return;
    memcpy(file, rule, len);
    file[len] = '\0';
    printf("  %s", dim(c));
    put_origin(c, file, stdout);
    printf("%s%s", rule + len, plain(c));
}

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
    put_rule(c, text_of(step, "rule"));
    fputc('\n', stdout);
}

static void put_place(const cli *c, const gov_value *v, bool column)
{
    put_origin(c, text_of(v, "file"), stdout);
    printf(":%lld:", (long long)gov_value_int(gov_value_get(v, "line")));
    if (column)
        printf("%lld:", (long long)gov_value_int(gov_value_get(v, "column")));
    fputc(' ', stdout);
}

enum { ENDS = 20 }; /* steps of a long history that are shown from its beginning and its end */

static void put_failure(cli *c, const gov_value *failure)
{
    const gov_value *history = gov_value_get(failure, "history");
    const char *message = text_of(failure, "message");
    fputs("  ", stdout);
    put_place(c, failure, true);
    put_text(stdout, message, strlen(message));
    fputc('\n', stdout);
    if (history == NULL)
        return;
    printf("    %s:\n", text_of(failure, "case"));
    const size_t count = gov_value_count(history), left_out = count > 2 * ENDS ? count - 2 * ENDS : 0;
    for (size_t i = 0; i < count; i++) {
        if (left_out > 0 && i == ENDS) {
            printf(T(c, "      ... %llu more ...\n", "      ……省略 %llu 步……\n"), (unsigned long long)left_out);
            i += left_out;
        }
        put_step(c, gov_value_at(history, i));
    }
}

/* Those that pass are counted, those that fail are shown as they end. */
static int32_t put_result(const gov_value *result, void *user)
{
    cli *c = user;
    const gov_value *failures = gov_value_get(result, "failures");
    const char *title = text_of(result, "title");
    if (c->json || gov_value_bool(gov_value_get(result, "passed")))
        return output_gone();
    put_place(c, result, false);
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
        put_place(c, gov_value_at(states, i), false);
        printf(T(c, "no scenario reached %s\n", "没有场景到达 %s\n"),
               text_of(gov_value_at(states, i), "state"));
    }
    for (size_t i = 0; i < gov_value_count(moves); i++) {
        const gov_value *move = gov_value_at(moves, i), *to = gov_value_get(move, "to");
        const char *from = text_of(move, "from");
        fputs("  ", stdout);
        put_place(c, move, false);
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

static void put_sum(cli *c, long long passed, long long failed)
{
    printf(T(c, "%s%lld passed, %lld failed%s\n", "%s%lld 项通过，%lld 项失败%s\n"), failed > 0 ? red(c) : green(c), passed, failed, plain(c));
}

/* ---- one rulebook ---- */

typedef struct tally {
    long long passed, failed;
} tally;

/* The report with the path of each file from where one stands, where that is another one than from the rulebook's folder. */
static void put_report(const cli *c, const gov_value *v)
{
    const int32_t kind = gov_value_kind(v);
    char room[1024];
    if (kind != GOV_VALUE_LIST && kind != GOV_VALUE_MAP) {
        json_value(stdout, v);
        return;
    }
    putchar(kind == GOV_VALUE_LIST ? '[' : '{');
    for (size_t i = 0; i < gov_value_count(v); i++) {
        const char *key = kind == GOV_VALUE_MAP ? gov_value_string(gov_value_key_at(v, i), NULL) : "";
        if (i > 0)
            putchar(',');
        if (kind == GOV_VALUE_MAP) {
            json_text(stdout, key, strlen(key));
            putchar(':');
        }
        if (strcmp(key, "history") == 0) /* what cases hold is nothing of ours */
            json_value(stdout, gov_value_at(v, i));
        else
            put_report(c, gov_value_at(v, i));
        const char *file = strcmp(key, "file") == 0 ? gov_value_string(gov_value_at(v, i), NULL) : NULL;
        const char *path = file != NULL ? place_path(c, file, room, sizeof room) : NULL;
        if (path != NULL && strcmp(path, file) != 0) {
            fputs(",\"path\":", stdout);
            json_text(stdout, path, strlen(path));
        }
    }
    putchar(kind == GOV_VALUE_LIST ? ']' : '}');
}

/* *report is owned by the caller; EXIT_DONE unless it could not be played. */
static int play(cli *c, args *a, const char *path, gov_value **report, tally *sum)
{
    const gov_scenario_options o = {
        .size = sizeof o, .url = args_value(a, "db"), .lang = c->zh ? "zh" : "en", .overlay = args_value(a, "overlay")};
    gov_error *err = NULL;
    c->rules = path;
    c->overlay = o.overlay;
    const gov_status status = gov_scenarios_run(NULL, path, &o, put_result, c, report, &err);
    if (status != GOV_OK)
        return status == GOV_E_USER ? (gov_error_free(err), EXIT_DONE) : fail_with(c, status, err); /* E_USER: nobody reads any more */
    print_diagnostics(c, err, stderr);
    gov_error_free(err);
    sum->passed += gov_value_int(gov_value_get(*report, "passed"));
    sum->failed += gov_value_int(gov_value_get(*report, "failed"));
    return EXIT_DONE;
}

/* A test that tests nothing is a slip: of the path, or of a folder's name. */
static int ending(cli *c, const char *path, const tally *sum)
{
    if (sum->passed + sum->failed > 0)
        return sum->failed > 0 ? EXIT_NO : EXIT_DONE;
    return fail(c, EXIT_WRONG, T(c, "there are no scenarios under \"%s\"", "“%s”下没有场景"), path);
}

static int test_one(cli *c, args *a)
{
    gov_value *report = NULL;
    tally sum = {0};
    int code = play(c, a, a->words[0], &report, &sum);
    if (report == NULL)
        return code;
    if (c->json) {
        put_report(c, report);
        putchar('\n');
    } else if (sum.passed + sum.failed > 0) {
        put_coverage(c, gov_value_get(report, "coverage"));
        put_sum(c, sum.passed, sum.failed);
    }
    gov_value_free(report);
    return ending(c, a->words[0], &sum);
}

/* ---- a folder of several ---- */

enum { DEEPEST = 6, LONGEST_PATH = 4096, MOST_RULEBOOKS = 1000 };

typedef struct folders {
    char *paths[MOST_RULEBOOKS];
    size_t count;
} folders;

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool has_rulebook(const char *folder)
{
    char path[LONGEST_PATH];
    struct stat st;
    return (size_t)snprintf(path, sizeof path, "%s/rulebook.yaml", folder) < sizeof path && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* A folder of scenarios lies inside of a rulebook's own, which is looked for as far up as the library does. */
static bool lies_in_rulebook(const char *path)
{
    char up[LONGEST_PATH];
    size_t len = strlen(path);
    if (len + 16 > sizeof up)
        return false;
    memcpy(up, path, len + 1);
    for (int i = 0; i < 4; i++) {
        if (has_rulebook(up))
            return true;
        while (len > 0 && up[len - 1] == '/')
            len--;
        while (len > 0 && up[len - 1] != '/')
            len--;
        if (len == 0)
            return false;
        up[len] = '\0';
    }
    return false;
}

static void look_for(const char *folder, int depth, folders *out)
{
    DIR *dir = depth < DEEPEST ? opendir(folder) : NULL;
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
        char path[LONGEST_PATH];
        if (e->d_name[0] == '.' || (size_t)snprintf(path, sizeof path, "%s/%s", folder, e->d_name) >= sizeof path || !is_folder(path))
            continue;
        if (!has_rulebook(path))
            look_for(path, depth + 1, out);
        else if (out->count < MOST_RULEBOOKS && (out->paths[out->count] = strdup(path)) != NULL)
            out->count++;
    }
    if (dir != NULL)
        closedir(dir);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Those that cannot be loaded do not keep the others from being played. */
static int play_each(cli *c, args *a, const folders *found, tally *sum)
{
    int worst = EXIT_DONE;
    bool first = true;
    if (c->json)
        fputs("{\"rulebooks\":[", stdout);
    for (size_t i = 0; i < found->count; i++) {
        gov_value *report = NULL;
        if (!c->json)
            printf("%s%s%s\n", bold(c), found->paths[i], plain(c));
        const int code = play(c, a, found->paths[i], &report, sum);
        worst = code > worst ? code : worst;
        if (report != NULL && c->json) {
            fputs(first ? "{\"path\":" : ",{\"path\":", stdout);
            json_text(stdout, found->paths[i], strlen(found->paths[i]));
            fputs(",\"report\":", stdout);
            put_report(c, report);
            putchar('}');
            first = false;
        } else if (report != NULL && gov_value_count(gov_value_get(report, "results")) == 0) {
            puts(T(c, "  no scenarios", "  没有场景"));
        } else if (report != NULL) {
            put_coverage(c, gov_value_get(report, "coverage"));
        }
        gov_value_free(report);
    }
    if (c->json)
        printf("],\"passed\":%lld,\"failed\":%lld}\n", sum->passed, sum->failed);
    return worst;
}

static int test_all(cli *c, args *a)
{
    folders *found = calloc(1, sizeof *found);
    tally sum = {0};
    if (args_value(a, "overlay") != NULL) {
        free(found);
        return usage_error(c, "%s", T(c, "an overlay is for one rulebook: name it instead of a folder of several", "覆盖文件只用于一套规则：请指明该规则，而不是含有几套规则的目录"));
    }
    if (found == NULL)
        return fail(c, EXIT_STORE, "%s", T(c, "out of memory", "内存不足"));
    look_for(a->words[0], 0, found);
    if (found->count > 1)
        qsort(found->paths, found->count, sizeof *found->paths, by_name);
    int code = found->count > 0 ? play_each(c, a, found, &sum)
                                : fail(c, EXIT_WRONG, T(c, "there is no rulebook under \"%s\"", "“%s”下没有规则"), a->words[0]);
    if (found->count > 0 && !c->json && sum.passed + sum.failed > 0)
        put_sum(c, sum.passed, sum.failed);
    if (found->count > 0 && code == EXIT_DONE)
        code = ending(c, a->words[0], &sum);
    for (size_t i = 0; i < found->count; i++)
        free(found->paths[i]);
    free(found);
    return code;
}

int cmd_test(cli *c, args *a)
{
    return is_folder(a->words[0]) && !lies_in_rulebook(a->words[0]) ? test_all(c, a) : test_one(c, a);
}
