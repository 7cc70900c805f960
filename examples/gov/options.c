/* Words and options: long options with "=" or a space, "--" ends them, "-h" is "--help". */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static const opt common_all[] = {
    {"help", NULL, {"print this help", "显示本帮助"}},
    {"lang", "zh|en", {"language of what is printed", "输出的语言"}},
    {"json", NULL, {"print one JSON document for programs", "输出一份 JSON，供程序读取"}},
    {"as",
     "STAFF",
     {"act as this member of staff (default: the host)", "以该工作人员的身份操作（默认为主机）"}},
    {"as-resident", "KEY", {"act as this resident", "以该居民的身份操作"}},
    {"purpose",
     "WORD",
     {"why, as it is recorded (default: the command's name)",
      "操作的目的，会被记录（默认为命令名）"}},
    {"now",
     "TIME",
     {"let the clock stand still here (replayed: where the last import left it)",
      "让时钟停在这一刻（replayed：上次导入重放到的时刻）"}},
    {"community", "NAME", {"which one, where the store holds several", "库中有多个社区时选择其一"}},
};

const opt *common_options(uint32_t flags, size_t *count)
{
    /* In the order of the table: always two, then --json, then those of a community. */
    if ((flags & CMD_COMMUNITY) != 0)
        *count = sizeof common_all / sizeof *common_all;
    else
        *count = (flags & CMD_JSON) != 0 ? 3 : 2;
    return common_all;
}

static void know_options(args *a, const command *cmd)
{
    size_t n;
    for (const opt *o = cmd->options; o != NULL && o->name != NULL && a->option_count < OPTIONS_MAX;
         o++)
        a->options[a->option_count++] = o;
    const opt *common = common_options(cmd->flags, &n);
    for (size_t i = 0; i < n && a->option_count < OPTIONS_MAX; i++)
        if (strcmp(common[i].name, "json") != 0 || (cmd->flags & CMD_JSON) != 0)
            a->options[a->option_count++] = &common[i];
}

static int unknown_option(cli *c, const args *a, const char *name)
{
    const char *known[OPTIONS_MAX];
    for (size_t i = 0; i < a->option_count; i++)
        known[i] = a->options[i]->name;
    const char *near = nearest(name, known, a->option_count);
    if (near != NULL)
        return usage_error(c,
                           T(c, "unknown option --%s; did you mean --%s?",
                             "没有 --%s 这个选项；是否应为 --%s？"),
                           name, near);
    return usage_error(c,
                       T(c, "unknown option --%s (gov %s --help lists them)",
                         "没有 --%s 这个选项（gov %s --help 列出全部选项）"),
                       name, c->command->name);
}

/* One option; *i is its place and moves on when the value is the next word. */
static int read_option(cli *c, args *a, char **words, int count, int *i)
{
    char name[64];
    const char *word = words[*i] + 2, *equals = strchr(word, '=');
    const size_t len = equals != NULL ? (size_t)(equals - word) : strlen(word);
    snprintf(name, sizeof name, "%.*s", len < 60 ? (int)len : 60, word);
    for (size_t k = 0; k < a->option_count; k++) {
        const opt *o = a->options[k];
        if (strcmp(o->name, name) != 0)
            continue;
        if (a->values[k] != NULL)
            return usage_error(c, T(c, "--%s is given twice", "--%s 重复给出"), name);
        if (o->value == NULL) {
            if (equals != NULL)
                return usage_error(c, T(c, "--%s takes no value", "--%s 不带值"), name);
            a->values[k] = "";
        } else if (equals != NULL) {
            a->values[k] = equals + 1;
        } else if (*i + 1 < count) {
            a->values[k] = words[++*i];
        } else {
            return usage_error(c, T(c, "--%s needs a value: %s", "--%s 后面应有值：%s"), name,
                               o->value);
        }
        return EXIT_DONE;
    }
    return unknown_option(c, a, name);
}

/* The word of a command's usage at place `index`, "KIND" of "DB KIND KEY". */
static void usage_word(const char *words, int index, char *out, size_t size)
{
    for (; index > 0 && strchr(words, ' ') != NULL; index--)
        words = strchr(words, ' ') + 1;
    const size_t len = strcspn(words, " ");
    snprintf(out, size, "%.*s", len < 64 ? (int)len : 64, words);
}

static bool knows(const args *a, const char *name)
{
    for (size_t k = 0; k < a->option_count; k++)
        if (strcmp(a->options[k]->name, name) == 0)
            return true;
    return false;
}

static int count_words(cli *c, const args *a)
{
    const command *cmd = c->command;
    if (a->word_count < cmd->min_words) {
        char missing[80];
        usage_word(cmd->words, a->word_count, missing, sizeof missing);
        return usage_error(c, T(c, "%s is missing; usage: gov %s %s", "缺少 %s；用法：gov %s %s"), missing, cmd->name, cmd->words);
    }
    if (cmd->max_words >= 0 && a->word_count > cmd->max_words && strchr(a->words[cmd->max_words], '=') != NULL &&
        knows(a, "where"))
        return usage_error(c, T(c, "\"%s\" is too much; did you mean --where '%s'?", "多了“%s”；是否应为 --where '%s'？"),
                           a->words[cmd->max_words], a->words[cmd->max_words]);
    if (cmd->max_words >= 0 && a->word_count > cmd->max_words)
        return usage_error(c,
                           T(c, "\"%s\" is too much; usage: gov %s %s",
                             "多了“%s”；用法：gov %s %s"),
                           a->words[cmd->max_words], cmd->name, cmd->words);
    return EXIT_DONE;
}

int args_read(cli *c, char **words, int count, args *out, bool *helped)
{
    bool options = true;
    *out = (args){0};
    *helped = false;
    out->words = calloc((size_t)count + 1, sizeof *out->words);
    if (out->words == NULL)
        return fail(c, EXIT_STORE, "%s", T(c, "out of memory", "内存不足"));
    know_options(out, c->command);
    for (int i = 0; i < count; i++) {
        if (options && strcmp(words[i], "--") == 0) {
            options = false;
        } else if (options && strcmp(words[i], "-h") == 0) {
            *helped = true;
        } else if (options && words[i][0] == '-' && words[i][1] == '-') {
            const int code = read_option(c, out, words, count, &i);
            if (code != EXIT_DONE)
                return code;
        } else if (options && words[i][0] == '-' && words[i][1] != '\0') {
            return usage_error(c,
                               T(c, "unknown option %s (options are written out, as --help)",
                                 "没有 %s 这个选项（选项都写全，如 --help）"),
                               words[i]);
        } else {
            out->words[out->word_count++] = words[i];
        }
    }
    *helped = *helped || args_has(out, "help");
    c->json = args_has(out, "json");
    return *helped ? EXIT_DONE : count_words(c, out);
}

const char *args_value(const args *a, const char *name)
{
    for (size_t k = 0; k < a->option_count; k++)
        if (strcmp(a->options[k]->name, name) == 0)
            return a->values[k];
    return NULL;
}

bool args_has(const args *a, const char *name)
{
    return args_value(a, name) != NULL;
}

int args_number(cli *c, const args *a, const char *name, uint64_t most, uint64_t *out)
{
    const char *value = args_value(a, name);
    uint64_t n = 0;
    if (value == NULL)
        return EXIT_DONE;
    for (const char *p = value; *p != '\0'; p++) {
        const unsigned digit = (unsigned)(unsigned char)*p - '0';
        if (digit > 9 || n > (most - digit) / 10)
            return usage_error(c,
                               T(c, "--%s takes a number from 0 to %llu, not \"%s\"",
                                 "--%s 应为 0 到 %llu 之间的数，不能是“%s”"),
                               name, (unsigned long long)most, value);
        n = n * 10 + digit;
    }
    if (value[0] == '\0')
        return usage_error(c, T(c, "--%s needs a number", "--%s 后面应有一个数"), name);
    *out = n;
    return EXIT_DONE;
}

void args_free(args *a)
{
    free(a->words);
    a->words = NULL;
}
