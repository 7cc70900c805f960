/* init, install, about, backup, upgrade, version: the community as a whole. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A rulebook with mistakes is told on stderr, before any store is touched. */
static int rulebook_open(cli *c, const args *a, gov_rulebook **out)
{
    const char *path = args_value(a, "rulebook");
    gov_error *err = NULL;
    if (path == NULL)
        return usage_error(c,
                           T(c, "--rulebook DIR is missing; usage: gov %s %s",
                             "缺少 --rulebook 目录；用法：gov %s %s"),
                           c->command->name, c->command->words);
    c->rules = path;
    c->overlay = args_value(a, "overlay");
    const gov_status status =
        gov_rulebook_load_over(NULL, path, args_value(a, "overlay"), (int64_t)time(NULL) * 1000000, NULL, out, &err);
    if (status != GOV_OK) {
        const int code = fail_with(c, status, err);
        return code == EXIT_STORE ? code : EXIT_WRONG;
    }
    gov_error_free(err); /* warnings are for gov check */
    return EXIT_DONE;
}

static void put_made(cli *c, const char *words, const char *url, const char *name, int64_t id,
                     const gov_rulebook *book)
{
    if (!c->json) {
        printf(words, name, gov_rulebook_id(book), gov_rulebook_version(book), url);
        return;
    }
    fputs("{\"name\":", stdout);
    json_text(stdout, name, strlen(name));
    if (id != 0)
        printf(",\"id\":\"%lld\"", (long long)id);
    printf(",\"rulebook\":\"%s\",\"version\":", gov_rulebook_id(book));
    json_text(stdout, gov_rulebook_version(book), strlen(gov_rulebook_version(book)));
    printf(",\"digest\":\"%s\"}\n", gov_rulebook_digest(book));
}

int cmd_init(cli *c, args *a)
{
    gov_rulebook *book = NULL;
    gov_store *store = NULL;
    gov_error *err = NULL;
    int64_t id = 0;
    const char *name = args_value(a, "name");
    int code = rulebook_open(c, a, &book);
    if (code == EXIT_DONE)
        code = store_open(c, a->words[0], GOV_OPEN_CREATE, &store);
    if (code == EXIT_DONE) {
        const gov_status status = gov_community_create(store, name, book, &id, &err);
        name = name != NULL ? name : gov_rulebook_id(book);
        if (status == GOV_E_EXISTS && !c->json) {
            gov_error_free(err);
            code = usage_error(
                c,
                T(c, "%s already holds the community \"%s\"; gov install gives it other rules",
                  "%s 里已经有社区“%s”；要更换规则请用 gov install"),
                a->words[0], name);
        } else if (status != GOV_OK) {
            code = fail_with(c, status, err);
        }
    }
    if (code == EXIT_DONE)
        put_made(c,
                 T(c, "community \"%s\" (rulebook %s %s) is ready in %s\n",
                   "社区“%s”（规则 %s %s）已建立：%s\n"),
                 a->words[0], name, id, book);
    gov_store_free(store);
    gov_rulebook_free(book);
    return code;
}

/* Another rulebook in place of a community's own is rarely meant: its workflows, roles and kinds are others. */
static int check_same(session *s, const gov_rulebook *book)
{
    cli *c = s->c;
    gov_value *about = NULL;
    gov_error *err = NULL;
    int code = EXIT_DONE;
    const gov_status status = gov_about(s->g, &about, &err);
    if (status != GOV_OK)
        return fail_with(c, status, err);
    const char *id = text_of(about, "rulebook");
    if (strcmp(id, gov_rulebook_id(book)) != 0)
        code = usage_error(c,
                           T(c, "the community has the rulebook %s, and this is %s; --replace installs it all the same",
                             "社区的规则是 %s，而这是 %s；确要换用请加 --replace"),
                           id, gov_rulebook_id(book));
    gov_value_free(about);
    return code;
}

int cmd_install(cli *c, args *a)
{
    gov_rulebook *book = NULL;
    session s;
    gov_error *err = NULL;
    int code = rulebook_open(c, a, &book);
    if (code != EXIT_DONE)
        return code;
    code = session_open(c, a, 0, &s);
    if (code == EXIT_DONE && !args_has(a, "replace") && (code = check_same(&s, book)) != EXIT_DONE)
        session_close(&s);
    if (code == EXIT_DONE) {
        gov_value *about = NULL;
        gov_status status = gov_install(s.g, book, &err);
        if (status == GOV_OK)
            status = gov_about(s.g, &about, &err);
        if (status == GOV_OK)
            put_made(c,
                     T(c, "community \"%s\" now has rulebook %s %s (%s)\n",
                       "社区“%s”的规则现为 %s %s（%s）\n"),
                     a->words[0], text_of(about, "name"), 0, book);
        else
            code = fail_with(c, status, err);
        gov_value_free(about);
        session_close(&s);
    }
    gov_rulebook_free(book);
    return code;
}

int cmd_about(cli *c, args *a)
{
    session s;
    gov_value *about = NULL;
    gov_error *err = NULL;
    int code = session_open(c, a, 0, &s);
    if (code != EXIT_DONE)
        return code;
    const gov_status status = gov_about(s.g, &about, &err);
    if (status != GOV_OK)
        code = fail_with(c, status, err);
    else if (c->json)
        json_line(about);
    else
        put_value(&s, about, 0);
    gov_value_free(about);
    session_close(&s);
    return code;
}

int cmd_backup(cli *c, args *a)
{
    gov_store *store = NULL;
    gov_error *err = NULL;
    progress p;
    int code = store_open(c, a->words[0], 0, &store);
    if (code != EXIT_DONE)
        return code;
    progress_begin(&p, c, T(c, "copying", "正在备份"));
    const gov_status status = gov_store_backup(store, a->words[1], progress_step, &p, &err);
    progress_end(&p);
    gov_store_free(store);
    if (status != GOV_OK)
        return fail_with(c, status, err);
    if (c->json) {
        fputs("{\"file\":", stdout);
        json_text(stdout, a->words[1], strlen(a->words[1]));
        fputs("}\n", stdout);
    } else {
        printf(T(c, "%s is copied to %s\n", "%s 已备份到 %s\n"), a->words[0], a->words[1]);
    }
    return EXIT_DONE;
}

int cmd_upgrade(cli *c, args *a)
{
    gov_error *err = NULL;
    int32_t from = 0, to = 0;
    const gov_status status = gov_store_upgrade(a->words[0], NULL, &from, &to, &err);
    if (status != GOV_OK)
        return fail_with(c, status, err);
    if (c->json)
        printf("{\"from\":%d,\"to\":%d}\n", (int)from, (int)to);
    else if (from == to)
        printf(T(c, "%s is up to date (version %d)\n", "%s 已是最新（版本 %d）\n"), a->words[0],
               (int)to);
    else
        printf(T(c, "%s is upgraded from version %d to %d\n", "%s 已从版本 %d 升级到 %d\n"),
               a->words[0], (int)from, (int)to);
    return EXIT_DONE;
}

int cmd_version(cli *c, args *a)
{
    (void)a;
    if (c->json)
        printf("{\"version\":\"%s\",\"library\":\"%s\"}\n", GOV_VERSION_STRING, gov_version());
    else if (strcmp(GOV_VERSION_STRING, gov_version()) == 0)
        printf("gov %s\n", GOV_VERSION_STRING);
    else
        printf(T(c, "gov %s (library %s)\n", "gov %s（程序库 %s）\n"), GOV_VERSION_STRING,
               gov_version());
    return EXIT_DONE;
}

int cmd_help(cli *c, args *a)
{
    const command *cmd;
    if (a->word_count == 0) {
        help_main(c, stdout);
        return EXIT_DONE;
    }
    if (command_find(a->words, a->word_count, &cmd) > 0) {
        help_command(c, cmd, stdout);
        return EXIT_DONE;
    }
    if (a->word_count == 1 && group_exists(a->words[0])) {
        help_group(c, a->words[0], stdout);
        return EXIT_DONE;
    }
    return usage_error(c,
                       T(c, "there is no command \"%s\" (gov --help lists them)",
                         "没有“%s”这个命令（gov --help 列出全部命令）"),
                       a->words[0]);
}
