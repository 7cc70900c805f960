/* import: tables of an office, through a map that says what their columns mean. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const kinds[] = {"grids",     "units", "staff",  "premises", "households",
                                    "residents", "cases", "events", "all"};
enum { KINDS = sizeof kinds / sizeof *kinds };

static int check_kind(cli *c, const char *kind)
{
    for (size_t i = 0; i < KINDS; i++)
        if (strcmp(kinds[i], kind) == 0)
            return EXIT_DONE;
    const char *near = nearest(kind, kinds, KINDS);
    if (near != NULL)
        return usage_error(c,
                           T(c, "there is no kind \"%s\"; did you mean \"%s\"?",
                             "没有“%s”这一类；是否应为“%s”？"),
                           kind, near);
    return usage_error(
        c, T(c, "there is no kind \"%s\": it is one of %s", "没有“%s”这一类：可用的有 %s"), kind,
        "grids, units, staff, premises, households, residents, cases, events, all");
}

/* The map beside the data: DIR/import.yaml for a folder, requests.map.yaml for requests.csv. */
static char *map_beside(const char *file, bool all)
{
    const size_t len = strlen(file);
    char *map = malloc(len + sizeof "/import.yaml.map.yaml");
    if (map == NULL)
        return NULL;
    memcpy(map, file, len + 1);
    if (all) {
        strcat(map, len > 0 && file[len - 1] == '/' ? "import.yaml" : "/import.yaml");
        return map;
    }
    char *slash = strrchr(map, '/');
    char *dot = strchr(slash != NULL ? slash : map, '.'); /* .csv, .csv.gz, .geojson */
    strcpy(dot != NULL ? dot : map + len, ".map.yaml");
    return map;
}

/* What a map says it imports: its line `import: KIND`, or "all" for a list of maps. The library reads the map whole;
 * this look only catches a command that names the wrong file. */
static void kind_of_map(const char *text, char out[32])
{
    out[0] = '\0';
    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, "\xef\xbb\xbf", 3) == 0)
            line += 3;
        if (strncmp(line, "order:", 6) == 0 || strncmp(line, "replay:", 7) == 0) {
            snprintf(out, 32, "all");
            return;
        }
        if (strncmp(line, "import:", 7) == 0) {
            const char *p = line + 7 + strspn(line + 7, " \"'");
            snprintf(out, 32, "%.*s",
                     (int)(strcspn(p, " \"'#\r\n") < 30 ? strcspn(p, " \"'#\r\n") : 30), p);
            return;
        }
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
}

static int check_map(cli *c, const char *kind, const char *map, bool given)
{
    char *text = NULL, says[32];
    size_t len;
    struct stat st;
    if (!given && stat(map, &st) != 0)
        return usage_error(
            c, T(c, "--map is not given, and there is no %s", "没有给出 --map，也没有 %s"), map);
    const int code = file_read(c, map, &text, &len);
    if (code != EXIT_DONE)
        return code;
    kind_of_map(text, says);
    free(text);
    if (says[0] == '\0' || strcmp(says, kind) == 0)
        return EXIT_DONE;
    if (strcmp(says, "all") == 0)
        return usage_error(c,
                           T(c, "%s is a list of maps: import it as all, not as %s",
                             "%s 列出的是多个导入说明：应导入 all，而不是 %s"),
                           map, kind);
    return usage_error(c, T(c, "%s maps %s, not %s", "%s 用于导入 %s，而不是 %s"), map, says, kind);
}

static void put_result(cli *c, const gov_import_result *r, const char *refused, bool dry)
{
    if (c->json) {
        printf("{\"rows\":%llu,\"added\":%llu,\"unchanged\":%llu,\"changed\":%llu,\"flagged\":%llu,"
               "\"refused\":%llu,"
               "\"events\":%llu,\"dry_run\":%s}\n",
               (unsigned long long)r->rows, (unsigned long long)r->added,
               (unsigned long long)r->unchanged, (unsigned long long)r->changed,
               (unsigned long long)r->flagged, (unsigned long long)r->refused,
               (unsigned long long)r->events, dry ? "true" : "false");
        return;
    }
    printf(T(c,
             "%llu rows: %llu added (%llu of them flagged), %llu changed, %llu unchanged, %llu "
             "refused; %llu events\n",
             "共 %llu 行：新增 %llu（其中加标记 %llu），更新 %llu，未变 %llu，拒收 %llu；办理记录 "
             "%llu 条\n"),
           (unsigned long long)r->rows, (unsigned long long)r->added,
           (unsigned long long)r->flagged, (unsigned long long)r->changed,
           (unsigned long long)r->unchanged, (unsigned long long)r->refused,
           (unsigned long long)r->events);
    if (dry)
        puts(T(c, "a dry run: nothing was changed", "这是试运行：没有改动任何数据"));
    if (r->refused > 0 && refused != NULL && dry)
        printf(T(c, "without --dry-run the refused rows go to %s\n", "去掉 --dry-run 后，被拒收的行会写入 %s\n"), refused);
    else if (r->refused > 0 && refused != NULL)
        printf(T(c, "the refused rows with their reasons: %s\n", "被拒收的行及原因：%s\n"),
               refused);
    else if (r->refused > 0)
        puts(T(c, "--refused FILE writes the refused rows with their reasons",
               "用 --refused 文件 可以得到被拒收的行及原因"));
}

static int run_import(session *s, const args *a, const char *map, uint64_t batch)
{
    cli *c = s->c;
    gov_import_options options;
    gov_import_result result = {.size = sizeof result};
    gov_error *err = NULL;
    progress p;
    const bool dry = args_has(a, "dry-run");
    gov_import_options_init(&options, sizeof options);
    options.file = a->words[2];
    options.refused = args_value(a, "refused");
    options.batch = (uint32_t)batch;
    options.flags = dry ? GOV_IMPORT_DRY_RUN : 0;
    options.lang = c->lang_given ? (c->zh ? "zh" : "en") : NULL;
    options.progress = progress_step;
    options.user = &p;
    progress_begin(&p, c, T(c, "importing", "正在导入"));
    const gov_status status = gov_import(s->g, map, &options, &result, &err);
    progress_end(&p);
    if (status != GOV_OK)
        return fail_with(c, status, err);
    put_result(c, &result, options.refused, dry);
    gov_error_free(err);
    return EXIT_DONE;
}

int cmd_import(cli *c, args *a)
{
    session s;
    const char *kind = a->words[1], *given = args_value(a, "map");
    const bool all = strcmp(kind, "all") == 0;
    uint64_t batch = 0;
    char *beside = NULL;
    struct stat st;
    int code = check_kind(c, kind);
    if (code == EXIT_DONE)
        code = args_number(c, a, "batch", 100000, &batch);
    if (code == EXIT_DONE && stat(a->words[2], &st) != 0)
        code = usage_error(c, T(c, "there is no %s", "没有 %s"), a->words[2]);
    else if (code == EXIT_DONE && all != (S_ISDIR(st.st_mode) != 0))
        code = usage_error(c,
                           all ? T(c, "%s is no folder: all imports a folder",
                                   "%s 不是目录：all 导入整个目录")
                               : T(c, "%s is a folder: only all imports a folder",
                                   "%s 是目录：只有 all 导入整个目录"),
                           a->words[2]);
    if (code == EXIT_DONE && given == NULL && (beside = map_beside(a->words[2], all)) == NULL)
        code = fail(c, EXIT_STORE, "%s", T(c, "out of memory", "内存不足"));
    if (code == EXIT_DONE)
        code = check_map(c, kind, given != NULL ? given : beside, given != NULL);
    if (code == EXIT_DONE)
        code = session_open(c, a, 0, &s);
    if (code == EXIT_DONE) {
        code = run_import(&s, a, given != NULL ? given : beside, batch);
        session_close(&s);
    }
    free(beside);
    return code;
}
