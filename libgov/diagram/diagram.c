/* One drawing, from a compiled workflow to text. */
#include "diagram/inner.h"

#include <string.h>

bool diagram_format_named(const char *name, diagram_format *out)
{
    static const char *const names[] = {"mermaid", "dot", "svg"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (diagram_format)i;
            return true;
        }
    return false;
}

gov_status diagram_write(const rulebook_workflow *w, diagram_format format, const char *lang, base_buf *out,
                         const diag *d)
{
    static void (*const writers[])(diagram_job *) = {diagram_write_mermaid, diagram_write_dot, diagram_write_svg};
    base_arena arena;
    const gov_allocator *alloc = d != NULL && d->alloc != NULL ? d->alloc : out->alloc;
    base_arena_init(&arena, alloc);
    if (lang == NULL && w->owner != NULL && w->owner->languages.count > 0)
        lang = w->owner->languages.items[0];
    diagram_job g = {.w = w, .c = w->chart, .lang = lang, .alloc = alloc, .arena = &arena, .out = out};
    g.zh = lang != NULL && strncmp(lang, "zh", 2) == 0;
    writers[format](&g);
    base_arena_free(&arena);
    if (g.failed || out->failed)
        return base_nomem(d);
    if (g.too_large)
        return base_fail_at(d, &w->place, M_diagram_too_large, A_S("workflow", w->name));
    return GOV_OK;
}
