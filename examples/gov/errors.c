/* What goes wrong: one line each on stderr, and the exit code. */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

static void put_prefix(const cli *c)
{
    fprintf(stderr, c->color_err ? "gov: \033[1;31merror:\033[0m " : "gov: error: ");
}

static void put_line(const cli *c, const char *line)
{
    put_prefix(c);
    put_text(stderr, line, strlen(line));
    fputc('\n', stderr);
}

/* A program that reads us gets its one document in any case. */
static void put_message(cli *c, int code, const char *format, va_list list)
{
    char line[2048];
    vsnprintf(line, sizeof line, format, list);
    put_line(c, line);
    if (!c->json || c->told)
        return;
    c->told = true;
    printf("{\"error\":{\"status\":%d,\"diagnostics\":[{\"severity\":\"error\",\"code\":\"%s\",\"message\":",
           code == EXIT_STORE ? GOV_E_STORE : GOV_E_ARG, code == EXIT_STORE ? "machine" : "usage");
    json_text(stdout, line, strlen(line));
    fputs("}]}}\n", stdout);
}

int usage_error(cli *c, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    put_message(c, EXIT_WRONG, format, list);
    va_end(list);
    return EXIT_WRONG;
}

int fail(cli *c, int code, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    put_message(c, code, format, list);
    va_end(list);
    return code;
}

int cannot_write(cli *c, const char *path)
{
    const bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG || errno == EIO;
    return fail(c, full ? EXIT_STORE : EXIT_WRONG, T(c, "cannot write %s: %s", "无法写入 %s：%s"), path,
                strerror(errno));
}

int exit_code_of(gov_status status)
{
    switch (status) {
    case GOV_OK:
    case GOV_END: return EXIT_DONE;
    case GOV_E_REFUSED:
    case GOV_E_DENIED:
    case GOV_E_VERIFY: return EXIT_NO;
    case GOV_E_NOMEM:
    case GOV_E_BUG:
    case GOV_E_USER: return EXIT_STORE;
    default: return status >= GOV_E_STORE && status < GOV_E_UNSUPPORTED ? EXIT_STORE : EXIT_WRONG;
    }
}

static void put_severity(const cli *c, int32_t severity, FILE *out)
{
    const bool color = out == stderr ? c->color_err : c->color_out;
    const bool warning = severity == GOV_SEVERITY_WARNING;
    /* Editors look for these two words: they are the same in every language. */
    if (color)
        fprintf(out, warning ? "\033[1;33mwarning:\033[0m " : "\033[1;31merror:\033[0m ");
    else
        fprintf(out, warning ? "warning: " : "error: ");
}

static bool is_file(const char *path, struct stat *st)
{
    return path != NULL && stat(path, st) == 0 && S_ISREG(st->st_mode);
}

static bool ends_in(const char *path, const char *name)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    return path != NULL && strcmp(slash != NULL ? slash + 1 : path, name) == 0;
}

static bool is_in(const char *rules, size_t len, const char *name, char *room, size_t size)
{
    struct stat st;
    const int used = snprintf(room, size, "%.*s%s%s", (int)len, rules, len > 0 && rules[len - 1] != '/' ? "/" : "", name);
    return used > 0 && (size_t)used < size && is_file(room, &st);
}

/* In the folder that was named, or in one above it: of a part of a rulebook the whole is read, from as far up as the library looks. */
static bool find_above(const char *rules, const char *origin, char *room, size_t size)
{
    enum { FOLDERS = 4 };
    struct stat st;
    size_t len = strlen(rules);
    const bool file = is_file(rules, &st);
    for (int up = 0; up < FOLDERS; up++) {
        if (up > 0 || file) { /* without the last name, up to the bar before it */
            while (len > 0 && rules[len - 1] == '/')
                len--;
            while (len > 0 && rules[len - 1] != '/')
                len--;
        }
        if (is_in(rules, len, origin, room, size))
            return true;
        if (len == 0 || is_in(rules, len, "rulebook.yaml", room, size))
            break;
    }
    return false;
}

/* A file of the rules, from where one stands, so that an editor finds it: rules name their files from their own folder. The
 * result is in `room`, or is one of the words of the command line, or the name as it is. */
const char *place_path(const cli *c, const char *origin, char *room, size_t size)
{
    struct stat st;
    const bool over = is_file(c->overlay, &st) && ends_in(c->overlay, origin);
    if (origin[0] == '/' || origin[0] == '\0' || c->rules == NULL || c->rules[0] == '\0')
        return over ? c->overlay : origin;
    const bool in = find_above(c->rules, origin, room, size);
    if (in && !over)
        return room;
    return over && !in ? c->overlay : origin; /* in doubt, as it is */
}

void put_origin(const cli *c, const char *origin, FILE *out)
{
    char room[1024];
    const char *path = place_path(c, origin, room, sizeof room);
    put_text(out, path, strlen(path));
}

/* NAME=TEXT was written where something else is needed. */
static void put_hint(const cli *c, const gov_error *err, size_t i, FILE *out)
{
    const char *found = gov_error_argument(err, i, "found"), *field = gov_error_argument(err, i, "field");
    if (!c->texts || strcmp(gov_error_code(err, i), "bad_field") != 0 || field == NULL || found == NULL || strcmp(found, "string") != 0)
        return;
    fputs(T(c, "; NAME:=JSON gives what is no text: ", "；非文本的值用 名称:=JSON 给出："), out);
    put_text(out, field, strlen(field));
    fputs(":=…", out);
}

void print_diagnostics(cli *c, const gov_error *err, FILE *out)
{
    for (size_t i = 0; i < gov_error_count(err); i++) {
        const char *origin = gov_error_origin(err, i);
        const long long line = gov_error_line(err, i), column = gov_error_column(err, i);
        if (origin != NULL)
            put_origin(c, origin, out);
        else
            fputs("gov", out);
        if (line > 0)
            fprintf(out, ":%lld", line);
        if (line > 0 && column > 0)
            fprintf(out, ":%lld", column);
        fputs(": ", out);
        put_severity(c, gov_error_severity(err, i), out);
        const char *message = gov_error_message(err, i, c->zh ? "zh" : "en");
        put_text(out, message, strlen(message));
        put_hint(c, err, i, out);
        fputc('\n', out);
    }
}

void json_diagnostics(cli *c, const gov_error *err, FILE *out)
{
    fputc('[', out);
    for (size_t i = 0; i < gov_error_count(err); i++) {
        const char *origin = gov_error_origin(err, i), *code = gov_error_code(err, i);
        const char *message = gov_error_message(err, i, c->zh ? "zh" : "en");
        const bool warning = gov_error_severity(err, i) == GOV_SEVERITY_WARNING;
        fprintf(out, "%s{\"severity\":\"%s\",\"code\":", i > 0 ? "," : "",
                warning ? "warning" : "error");
        json_text(out, code, strlen(code));
        fputs(",\"message\":", out);
        json_text(out, message, strlen(message));
        if (origin != NULL) {
            fputs(",\"file\":", out);
            json_text(out, origin, strlen(origin));
            char room[1024];
            const char *path = place_path(c, origin, room, sizeof room);
            if (strcmp(path, origin) != 0) {
                fputs(",\"path\":", out);
                json_text(out, path, strlen(path));
            }
        }
        if (gov_error_line(err, i) > 0)
            fprintf(out, ",\"line\":%lld,\"column\":%lld", (long long)gov_error_line(err, i),
                    (long long)gov_error_column(err, i));
        fputc('}', out);
    }
    fputc(']', out);
}

static int tell(cli *c, gov_status status, gov_error *err, const char *before)
{
    if (gov_error_count(err) > 0) {
        print_diagnostics(c, err, stderr);
    } else {
        char line[96];
        snprintf(line, sizeof line, T(c, "the library answered with status %d", "程序库返回状态 %d"), (int)status);
        put_line(c, line);
    }
    if (c->json && !c->told) {
        c->told = true;
        fprintf(stdout, "%s\"error\":{\"status\":%d,\"diagnostics\":", before, (int)status);
        json_diagnostics(c, err, stdout);
        fputs("}}\n", stdout);
    }
    gov_error_free(err);
    return exit_code_of(status);
}

int fail_with(cli *c, gov_status status, gov_error *err)
{
    return tell(c, status, err, "{");
}

int fail_inside(cli *c, gov_status status, gov_error *err)
{
    return tell(c, status, err, "],");
}

bool output_gone(void)
{
    return ferror(stdout) != 0;
}

int finish_output(cli *c, int code)
{
    errno = 0;
    const bool failed = fflush(stdout) != 0 || ferror(stdout) != 0;
    if (!failed || errno == EPIPE || code != EXIT_DONE)
        return code;
    char line[512];
    const char *why = strerror(errno != 0 ? errno : EIO);
    if (c->did[0] == '\0')
        snprintf(line, sizeof line, T(c, "cannot write the output: %s", "无法写出结果：%s"), why);
    else
        snprintf(line, sizeof line, T(c, "%s, and is kept; only the answer could not be written: %s", "%s，已保存；只是结果无法写出：%s"),
                 c->did, why);
    put_line(c, line);
    return c->did[0] != '\0' ? EXIT_UNTOLD : EXIT_STORE;
}
