/* diagram: a workflow as a picture; schema: the rule language for editors. */
#include "cli.h"

#include <string.h>

static bool ends_with(const char *s, const char *end)
{
    const size_t len = strlen(s), n = strlen(end);
    return len >= n && strcmp(s + len - n, end) == 0;
}

/* --format, else what the file's name says, else Mermaid. */
static const char *format_of(const args *a)
{
    const char *file = args_value(a, "out");
    if (args_has(a, "format"))
        return args_value(a, "format");
    if (file != NULL && ends_with(file, ".svg"))
        return "svg";
    if (file != NULL && (ends_with(file, ".dot") || ends_with(file, ".gv")))
        return "dot";
    return "mermaid";
}

/* What all diagrams of a format have near their beginning. */
static const char *mark_of(const char *format)
{
    return strcmp(format, "svg") == 0 ? "<svg " : strcmp(format, "dot") == 0 ? "digraph \"" : "stateDiagram-v2\n";
}

int cmd_diagram(cli *c, args *a)
{
    gov_rulebook *book = NULL;
    gov_error *err = NULL;
    char *text = NULL;
    size_t len = 0;
    int code = EXIT_DONE;
    const char *lang = c->lang_given ? (c->zh ? "zh" : "en") : NULL; /* else the rulebook's own */
    c->rules = a->words[0];
    gov_status status = gov_rulebook_load(NULL, a->words[0], 0, &book, &err);
    if (status == GOV_OK) {
        gov_error_free(err); /* warnings are `gov check`'s to tell */
        err = NULL;
        status = gov_rulebook_diagram(book, a->words[1], format_of(a), lang, &text, &len, &err);
    }
    if (status != GOV_OK)
        code = fail_with(c, status, err);
    else if (args_has(a, "out"))
        code = file_write(c, args_value(a, "out"), text, len, mark_of(format_of(a)));
    else
        fwrite(text, 1, len, stdout);
    gov_text_free(text);
    gov_rulebook_free(book);
    return code;
}

int cmd_schema(cli *c, args *a)
{
    gov_error *err = NULL;
    char *text = NULL;
    size_t len = 0;
    const gov_status status = gov_rulebook_schema(&text, &len, &err);
    int code = EXIT_DONE;
    if (status != GOV_OK)
        return fail_with(c, status, err);
    if (args_has(a, "out"))
        code = file_write(c, args_value(a, "out"), text, len, "json-schema.org");
    else
        fwrite(text, 1, len, stdout);
    gov_text_free(text);
    return code;
}
