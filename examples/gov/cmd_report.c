/* report: as text, as JSON, or as one page of HTML. */
#include "cli.h"

#include <string.h>

static int read_period(session *s, const args *a, gov_report_options *o)
{
    int code = EXIT_DONE;
    if (args_has(a, "from"))
        code = session_time(s, args_value(a, "from"), &o->from_us);
    if (code == EXIT_DONE && args_has(a, "to"))
        code = session_time(s, args_value(a, "to"), &o->to_us);
    if (code == EXIT_DONE && o->to_us != 0 && o->to_us <= o->from_us)
        code = usage_error(s->c, "%s", T(s->c, "--to is not after --from", "--to 应晚于 --from"));
    return code;
}

static int put_report(session *s, const args *a, const gov_report_options *o)
{
    cli *c = s->c;
    gov_value *figures = NULL;
    gov_error *err = NULL;
    char *text = NULL;
    size_t len = 0;
    gov_status status = GOV_OK;
    int code = EXIT_DONE;
    const char *html = args_value(a, "html");
    if (html != NULL && (status = gov_report_html(s->g, o, &text, &len, &err)) == GOV_OK)
        code = file_write(c, html, text, len, "<meta name=\"generator\" content=\"libgov\">");
    if (status == GOV_OK && code == EXIT_DONE && c->json &&
        (status = gov_report(s->g, o, &figures, &err)) == GOV_OK)
        json_line(figures);
    else if (status == GOV_OK && code == EXIT_DONE && html != NULL && strcmp(html, "-") != 0 &&
             !c->json)
        printf(T(c, "the report is in %s\n", "报告已写入 %s\n"), html);
    else if (html == NULL && !c->json &&
             (status = gov_report_text(s->g, o, &text, &len, &err)) == GOV_OK)
        fwrite(text, 1, len, stdout);
    gov_text_free(text);
    gov_value_free(figures);
    return status == GOV_OK ? code : fail_with(c, status, err);
}

int cmd_report(cli *c, args *a)
{
    session s;
    gov_report_options options;
    const char *html = args_value(a, "html");
    if (html != NULL && strcmp(html, "-") == 0 && c->json)
        return usage_error(c, "%s",
                           T(c, "--html - and --json both want standard output",
                             "--html - 与 --json 都要写标准输出"));
    int code = session_open(c, a, 0, &s);
    if (code != EXIT_DONE)
        return code;
    gov_report_options_init(&options, sizeof options);
    options.workflow = args_value(a, "workflow");
    options.flags = args_has(a, "public") ? GOV_REPORT_PUBLIC : 0;
    options.lang =
        c->lang_given ? (c->zh ? "zh" : "en") : NULL; /* else the community's own language */
    code = read_period(&s, a, &options);
    if (code == EXIT_DONE)
        code = put_report(&s, a, &options);
    session_close(&s);
    return code;
}
