/* The public calls. */
#include "insight/insight.h"

#include <string.h>

void gov_report_options_init(gov_report_options *options, size_t size)
{
    if (options == NULL || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    options->size = size;
}

typedef enum report_form { REPORT_MAP, REPORT_TEXT, REPORT_HTML } report_form;

typedef struct report_input {
    gov_report_options options;
    report_form form;
    gov_value **map;
    char **text;
    size_t *len;
} report_input;

/* "zh", "en", or a tag that begins so; NULL: neither. */
static const char *language(const char *tag)
{
    static const char *const known[] = {"zh", "en"};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strncmp(tag, known[i], 2) == 0 && (tag[2] == '\0' || tag[2] == '-' || tag[2] == '_'))
            return known[i];
    return NULL;
}

static const char *own_language(const rulebook *r)
{
    const char *lang = r->languages.count > 0 ? language(r->languages.items[0]) : "zh";
    return lang != NULL ? lang : "en";
}

/* Text is freed by gov_text_free, which knows no allocator: it comes from malloc's family. */
static gov_status write_page(const report_input *in, value figures, const diag *d)
{
    base_buf out;
    size_t len;
    base_buf_init(&out, &base_malloc);
    const bool written = in->form == REPORT_HTML ? insight_write_html(&out, figures) : insight_write_text(&out, figures);
    char *text = written ? base_buf_take(&out, &len) : NULL;
    base_buf_free(&out);
    if (text == NULL)
        return base_nomem(d);
    *in->text = text;
    if (in->len != NULL)
        *in->len = len;
    return GOV_OK;
}

static gov_status report_body(gov *g, void *input, const diag *d)
{
    report_input *in = input;
    insight_tally t;
    value figures;
    insight_tally_init(&t, g);
    t.lang = in->options.lang != NULL ? language(in->options.lang) : own_language(g->rules);
    t.masked = (in->options.flags & GOV_REPORT_PUBLIC) != 0;
    gov_status status = insight_tally_run(&t, &in->options, d);
    if (status == GOV_OK)
        status = insight_figures(&t, in->form == REPORT_HTML, &figures, d);
    if (status == GOV_OK)
        status = in->form == REPORT_MAP ? access_answer(g, figures, in->map, d) : write_page(in, figures, d);
    insight_tally_free(&t);
    return status;
}

static gov_status run(gov *g, const gov_report_options *options, report_input *in, gov_error **err)
{
    static const access_call call = {"report.read", false};
    const diag d = {g != NULL ? g->alloc : NULL, err};
    const gov_status status = access_options(&in->options, sizeof in->options, options, options != NULL ? options->size : 0, &d);
    if (status != GOV_OK)
        return status;
    if (in->options.flags & ~(uint32_t)GOV_REPORT_PUBLIC || in->options.reserved != 0)
        return base_misuse(err, "flags");
    if (in->options.lang != NULL && language(in->options.lang) == NULL)
        return base_misuse(err, "lang");
    return access_run(g, &call, report_body, in, err);
}

gov_status gov_report(gov *g, const gov_report_options *options, gov_value **out, gov_error **err)
{
    report_input in = {.form = REPORT_MAP, .map = out};
    return out != NULL ? run(g, options, &in, err) : base_misuse(err, "out");
}

gov_status gov_report_text(gov *g, const gov_report_options *options, char **out, size_t *len, gov_error **err)
{
    report_input in = {.form = REPORT_TEXT, .text = out, .len = len};
    return out != NULL ? run(g, options, &in, err) : base_misuse(err, "out");
}

gov_status gov_report_html(gov *g, const gov_report_options *options, char **out, size_t *len, gov_error **err)
{
    report_input in = {.form = REPORT_HTML, .text = out, .len = len};
    return out != NULL ? run(g, options, &in, err) : base_misuse(err, "out");
}
