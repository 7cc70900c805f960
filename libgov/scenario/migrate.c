/* Going over to other rules in the middle of a scenario. */
#include "scenario/scenario.h"

#include <string.h>

gov_status scenario_path(const scenario_setting *s, base_arena *arena, const char *origin, const char *written, const char **out, const diag *d)
{
    base_buf text;
    const char *slash = strrchr(base_text_or_empty(origin), '/');
    base_buf_init(&text, arena->alloc);
    if (written[0] != '/') {
        base_buf_str(&text, s->dir);
        base_buf_char(&text, '/');
        base_buf_add(&text, base_text_or_empty(origin), slash != NULL ? (size_t)(slash - origin) + 1 : 0);
    }
    base_buf_str(&text, written);
    *out = text.failed ? NULL : base_arena_strndup(arena, text.data, text.len);
    base_buf_free(&text);
    return *out != NULL ? GOV_OK : base_nomem(d);
}

gov_status scenario_migrate(scenario_run *r, const rulebook_step *step, gov_value **report, gov_error **err)
{
    const diag d = {r->g->alloc, err};
    const char *path = r->setting->path, *overlay = r->setting->overlay;
    gov_status status = GOV_OK;
    if (step->to != NULL)
        status = scenario_path(r->setting, r->arena, step->place.origin, step->to, &path, &d);
    if (status == GOV_OK && step->overlay != NULL)
        status = scenario_path(r->setting, r->arena, step->place.origin, step->overlay, &overlay, &d);
    return status == GOV_OK ? r->setting->migrate(r->g, r->setting, path, overlay, step->dry_run, report, err) : status;
}
