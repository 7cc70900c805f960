/* Help, and proposals for misspelt words. */
#include "cli.h"

#include <string.h>

static const char *say(const cli *c, wording t)
{
    return c->zh ? t.zh : t.en;
}

/* The first word of a command's name, and whether there is a second. */
static bool split_name(const char *name, char group[32])
{
    const char *space = strchr(name, ' ');
    snprintf(group, 32, "%.*s", space != NULL ? (int)(space - name) : (int)strlen(name), name);
    return space != NULL;
}

static void put_row(cli *c, FILE *out, const char *name, const char *words, const char *summary)
{
    char left[128];
    snprintf(left, sizeof left, "  %s%s%s", name, words[0] != '\0' ? " " : "", words);
    if (text_width(left) > 30)
        fprintf(out, "%s\n%*s%s\n", left, 32, "", summary);
    else {
        put_padded(out, left, 32);
        fprintf(out, "%s\n", summary);
    }
    (void)c;
}

void help_main(cli *c, FILE *out)
{
    char group[32], last[32] = "";
    fputs(T(c, "gov: community governance from the command line\n\nusage: gov COMMAND …\n\n",
            "gov：基层治理的命令行工具\n\n用法：gov 命令 …\n\n"),
          out);
    for (const command *cmd = commands; cmd->name != NULL; cmd++) {
        if (!split_name(cmd->name, group)) {
            put_row(c, out, cmd->name, cmd->words, say(c, cmd->summary));
        } else if (strcmp(group, last) != 0) {
            put_row(c, out, group, "…", say(c, group_summary(group)));
            snprintf(last, sizeof last, "%s", group);
        }
    }
    fputs(T(c,
            "\nDB is sqlite:FILE, a bare path, or postgresql://…  gov COMMAND --help tells more.\n"
            "Exit status: 0 done, 1 the answer is \"no\", 2 wrong usage or input, 3 the store "
            "failed, 4 done, but the answer could not be written.\n"
            "The language follows the locale; --lang zh|en overrides it.\n",
            "\nDB 为 sqlite:文件、文件路径，或 postgresql://…　　gov 命令 --help "
            "显示该命令的详细说明。\n"
            "退出码：0 成功；1 结论为“否”；2 用法或输入有误；3 数据库出错；4 已完成，但结果无法写出。\n"
            "语言依系统区域设置而定，可用 --lang zh|en 指定。\n"),
          out);
}

void help_group(cli *c, const char *group, FILE *out)
{
    char mine[32];
    fprintf(out, T(c, "%s\n\nusage: gov %s COMMAND …\n\n", "%s\n\n用法：gov %s 命令 …\n\n"),
            say(c, group_summary(group)), group);
    for (const command *cmd = commands; cmd->name != NULL; cmd++)
        if (split_name(cmd->name, mine) && strcmp(mine, group) == 0)
            put_row(c, out, cmd->name, cmd->words, say(c, cmd->summary));
    fprintf(out,
            T(c, "\ngov %s COMMAND --help tells more.\n",
              "\ngov %s 命令 --help 显示该命令的详细说明。\n"),
            group);
}

static void put_option(cli *c, FILE *out, const opt *o)
{
    char left[64];
    snprintf(left, sizeof left, "  --%s%s%s", o->name, o->value != NULL ? " " : "",
             o->value != NULL ? o->value : "");
    put_padded(out, left, 24);
    fprintf(out, "  %s\n", say(c, o->help));
}

void help_command(cli *c, const command *cmd, FILE *out)
{
    size_t n;
    fprintf(out, T(c, "%s\n\nusage: gov %s%s%s [OPTIONS]\n", "%s\n\n用法：gov %s%s%s [选项]\n"),
            say(c, cmd->summary), cmd->name, cmd->words[0] != '\0' ? " " : "", cmd->words);
    if (cmd->details.en != NULL)
        fprintf(out, "\n%s\n", say(c, cmd->details));
    fputs(T(c, "\noptions:\n", "\n选项：\n"), out);
    for (const opt *o = cmd->options; o != NULL && o->name != NULL; o++)
        put_option(c, out, o);
    const opt *common = common_options(cmd->flags, &n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(common[i].name, "json") != 0 || (cmd->flags & CMD_JSON) != 0)
            put_option(c, out, &common[i]);
}

/* Letters that have to be added, left out, replaced or swapped with their neighbour. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][66];
    const size_t la = strlen(a), lb = strlen(b);
    if (la > 64 || lb > 64)
        return 64;
    for (size_t j = 0; j <= lb; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t *row = rows[i % 3], *up = rows[(i + 2) % 3], *two_up = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t best = up[j - 1] + (a[i - 1] != b[j - 1]);
            if (up[j] + 1 < best)
                best = up[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                two_up[j - 2] + 1 < best)
                best = two_up[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[la % 3][lb];
}

const char *nearest(const char *word, const char *const *known, size_t count)
{
    const char *best = NULL;
    const size_t len = strlen(word);
    size_t least = len < 4 ? 2 : len < 9 ? 3 : 4; /* at most a third is wrong */
    for (size_t i = 0; i < count; i++) {
        const size_t d = distance(word, known[i]);
        if (d < least) {
            least = d;
            best = known[i];
        }
    }
    return best;
}
