/* What goes wrong: one line each on stderr, and the exit code. */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static void put_prefix(const cli *c)
{
    fprintf(stderr, c->color_err ? "gov: \033[1;31merror:\033[0m " : "gov: error: ");
}

static void put_message(const cli *c, const char *format, va_list list)
{
    char line[2048];
    vsnprintf(line, sizeof line, format, list);
    put_prefix(c);
    put_text(stderr, line, strlen(line));
    fputc('\n', stderr);
}

int usage_error(cli *c, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    put_message(c, format, list);
    va_end(list);
    return EXIT_WRONG;
}

int fail(cli *c, int code, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    put_message(c, format, list);
    va_end(list);
    return code;
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

void print_diagnostics(cli *c, const gov_error *err, FILE *out)
{
    for (size_t i = 0; i < gov_error_count(err); i++) {
        const char *origin = gov_error_origin(err, i);
        const long long line = gov_error_line(err, i), column = gov_error_column(err, i);
        if (origin != NULL)
            put_text(out, origin, strlen(origin));
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
    if (gov_error_count(err) > 0)
        print_diagnostics(c, err, stderr);
    else
        fail(c, EXIT_STORE, T(c, "the library answered with status %d", "程序库返回状态 %d"),
             (int)status);
    if (c->json) { /* a program that reads us gets its one document in any case */
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
    return fail(c, EXIT_STORE, T(c, "cannot write the output: %s", "无法写出结果：%s"),
                strerror(errno != 0 ? errno : EIO));
}
