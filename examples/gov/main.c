/* gov: libgov's command line. Finds the language and the command, and runs it. */
#include "cli.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the environment says, as POSIX has it: the first of these that is set and not empty. */
static bool chinese_locale(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && value[0] != '\0')
            return strncmp(value, "zh", 2) == 0;
    }
    return false;
}

/* --lang counts for every message, also for one about a word that stands before it. */
static int choose_language(cli *c, char **words, int count)
{
    c->zh = chinese_locale();
    for (int i = 0; i < count && strcmp(words[i], "--") != 0; i++) {
        const char *value = NULL;
        if (strncmp(words[i], "--lang=", 7) == 0)
            value = words[i] + 7;
        else if (strcmp(words[i], "--lang") == 0 && i + 1 < count)
            value = words[++i];
        if (value == NULL)
            continue;
        if (strcmp(value, "zh") != 0 && strcmp(value, "en") != 0)
            return usage_error(c,
                               T(c, "--lang takes zh or en, not \"%s\"",
                                 "--lang 的值应为 zh 或 en，不能是“%s”"),
                               value);
        c->zh = value[0] == 'z';
        c->lang_given = true;
    }
    return EXIT_DONE;
}

static void look_at_terminal(cli *c)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    const bool color =
        (no_color == NULL || no_color[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
    const bool out = isatty(STDOUT_FILENO) != 0, err = isatty(STDERR_FILENO) != 0;
    c->color_out = color && out;
    c->color_err = color && err;
    c->progress = out && err;
}

/* Options that may stand before the command: only those that every command knows. Gives how many words they take. */
static int leading_options(char **words, int count)
{
    int i = 0;
    while (i < count) {
        if (strncmp(words[i], "--lang=", 7) == 0)
            i++;
        else if (strcmp(words[i], "--lang") == 0)
            i += 2;
        else
            break;
    }
    return i < count ? i : count;
}

static bool asks_for_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int unknown_command(cli *c, char **words, int count)
{
    const char *known[64];
    char wanted[128];
    size_t n = 0;
    const bool group = group_exists(words[0]);
    const int next = group ? 1 + leading_options(words + 1, count - 1) : 0;
    if (group && next < count && asks_for_help(words[next])) {
        help_group(c, words[0], stdout);
        return EXIT_DONE;
    }
    if (group && (next >= count || words[next][0] == '-')) {
        if (c->json)
            return usage_error(c, T(c, "which command of \"%s\" is meant? gov %s --help lists them", "应指明“%s”的哪个命令？gov %s --help 列出全部"), words[0], words[0]);
        help_group(c, words[0], stderr);
        return EXIT_WRONG;
    }
    snprintf(wanted, sizeof wanted, group ? "%s %s" : "%s", words[0], group ? words[next] : "");
    for (const command *cmd = commands; cmd->name != NULL && n < 64; cmd++)
        known[n++] = cmd->name;
    if (n < 64 && !group)
        known[n++] = "case";
    if (n < 64 && !group)
        known[n++] = "record";
    const char *near = nearest(wanted, known, n);
    if (near != NULL)
        return usage_error(c,
                           T(c, "there is no command \"%s\"; did you mean \"%s\"?",
                             "没有“%s”这个命令；是否应为“%s”？"),
                           wanted, near);
    return usage_error(c,
                       T(c, "there is no command \"%s\" (gov --help lists them)",
                         "没有“%s”这个命令（gov --help 列出全部命令）"),
                       wanted);
}

static int run(cli *c, char **words, int count)
{
    args a;
    bool helped;
    const int used = command_find(words, count, &c->command);
    if (used == 0)
        return unknown_command(c, words, count);
    int code = args_read(c, words + used, count - used, &a, &helped);
    if (code == EXIT_DONE && helped)
        help_command(c, c->command, stdout);
    else if (code == EXIT_DONE)
        code = c->command->run(c, &a);
    if (code == EXIT_DONE && !helped && (c->command->flags & CMD_ACTS) != 0 && !args_has(&a, "dry-run") && c->did[0] == '\0')
        snprintf(c->did, sizeof c->did, T(c, "what was asked for is done", "所要求的已完成"));
    args_free(&a);
    return code;
}

int main(int argc, char **argv)
{
    cli c = {0};
    char **words = argv + 1;
    int count = argc > 0 ? argc - 1 : 0;
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error to tell of, not an end without a word */
    look_at_terminal(&c);
    for (int i = 0; i < count && strcmp(words[i], "--") != 0; i++) /* also for what is wrong before the words are read */
        c.json = c.json || strcmp(words[i], "--json") == 0;
    const int code = choose_language(&c, words, count);
    if (code != EXIT_DONE)
        return code;
    const int skip = leading_options(words, count);
    words += skip;
    count -= skip;
    if (count == 0) {
        help_main(&c, stderr);
        return EXIT_WRONG;
    }
    if (asks_for_help(words[0])) {
        help_main(&c, stdout);
        return finish_output(&c, EXIT_DONE);
    }
    if (strcmp(words[0], "--version") == 0)
        return finish_output(&c, cmd_version(&c, NULL));
    return finish_output(&c, run(&c, words, count));
}
