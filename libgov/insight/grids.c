/* Cases by grid, in a list and as a map that is shaded by them. */
#include "insight/insight.h"

#include <string.h>

enum { MAP_WIDTH = 2000, MAP_HEIGHT = 1500 };

typedef struct atlas {
    const registry_grid *grids;
    size_t count;
    base_map at;       /* id to index */
    insight_line *lines; /* one for each grid, then those that are gone, then "in no grid" */
    size_t line_count;
    bool *inner;       /* has shapes inside: its outline alone is drawn */
    int64_t *areas;    /* cases of each shape with all that lies inside it */
    uint8_t *marks;
} atlas;

static size_t index_of(const atlas *a, int64_t id)
{
    const uint64_t *at = base_map_get(&a->at, (const char *)&id, sizeof id);
    return at != NULL ? (size_t)*at : a->count;
}

static gov_status index_grids(insight_tally *t, atlas *a, const diag *d)
{
    base_map_init(&a->at, t->g->alloc);
    const gov_status status = registry_grids(t->g, &a->grids, &a->count, d);
    if (status != GOV_OK)
        return status;
    for (size_t i = 0; i < a->count; i++) {
        uint64_t *at = base_map_put(&a->at, (const char *)&a->grids[i].id, sizeof a->grids[i].id, &(bool){false});
        if (at == NULL)
            return base_nomem(d);
        *at = i;
    }
    a->lines = base_arena_array(&t->arena, a->count + t->grids.count + 1, sizeof *a->lines);
    a->inner = base_arena_array(&t->arena, a->count, sizeof *a->inner);
    a->areas = base_arena_array(&t->arena, a->count, sizeof *a->areas);
    a->marks = base_arena_array(&t->arena, a->count, sizeof *a->marks);
    return a->lines != NULL && a->inner != NULL && a->areas != NULL && a->marks != NULL ? GOV_OK : base_nomem(d);
}

static gov_status make_lines(insight_tally *t, atlas *a, const diag *d)
{
    for (size_t i = 0; i < a->count; i++)
        a->lines[i] = (insight_line){a->grids[i].key, a->grids[i].name, NULL, 0, INSIGHT_PLAIN};
    a->line_count = a->count;
    for (size_t i = 0; i < t->grids.count; i++) {
        const insight_row *row = &t->grids.items[i];
        const size_t at = index_of(a, row->id);
        if (at < a->count) {
            a->lines[at].row = row;
            a->lines[at].cases = row->cases;
            continue;
        }
        const char *key, *name;
        const gov_status status = registry_label(t->g, row->id, &key, &name, d);
        if (status != GOV_OK)
            return status;
        key = base_arena_strdup(&t->arena, key);
        name = base_arena_strdup(&t->arena, name);
        if (key == NULL || name == NULL)
            return base_nomem(d);
        a->lines[a->line_count++] = (insight_line){key, name, row, row->cases, INSIGHT_PLAIN};
    }
    return insight_mask_lines(t, a->lines, a->line_count, t->opened, d);
}

/* ---- the map ---- */

/* Each line's cases go to the innermost shape around it that is filled. */
static void fill_areas(const insight_tally *t, atlas *a)
{
    for (size_t i = 0; i < a->count; i++) {
        size_t up = a->grids[i].shape != NULL ? index_of(a, a->grids[i].parent) : a->count;
        for (int depth = 0; up < a->count && depth <= GEO_MAX_LEVEL; depth++) {
            a->inner[up] = true;
            up = index_of(a, a->grids[up].parent);
        }
    }
    for (size_t i = 0; i < a->count; i++) {
        size_t at = i;
        for (int depth = 0; at < a->count && a->grids[at].shape == NULL && depth <= GEO_MAX_LEVEL; depth++)
            at = index_of(a, a->grids[at].parent);
        if (at >= a->count || a->inner[at])
            continue;
        a->areas[at] += a->lines[i].cases;
        if (a->lines[i].mark != INSIGHT_PLAIN)
            a->marks[at] = INSIGHT_HIDDEN;
    }
    for (size_t i = 0; i < a->count; i++)
        if (a->marks[i] != INSIGHT_PLAIN || insight_few(t, a->areas[i]) != INSIGHT_PLAIN)
            a->marks[i] = a->areas[i] < INSIGHT_SMALL ? INSIGHT_FEW : INSIGHT_HIDDEN;
}

static bool frame_of(const atlas *a, geo_frame *frame)
{
    geo_bbox box = geo_bbox_empty();
    bool any = false;
    for (size_t i = 0; i < a->count; i++) {
        if (a->grids[i].shape == NULL)
            continue;
        geo_bbox_add(&box, geo_shape_bbox(a->grids[i].shape));
        any = true;
    }
    return any && geo_frame_fit(box, MAP_WIDTH, MAP_HEIGHT, frame);
}

static gov_status put_area(insight_tally *t, value_builder *list, const atlas *a, size_t i, const geo_frame *frame,
                           const int64_t *breaks, const diag *d)
{
    const registry_grid *g = &a->grids[i];
    const geo_bbox box = geo_shape_bbox(g->shape);
    int32_t x, y, left, top, right, bottom;
    base_buf path;
    value_builder b;
    base_buf_init(&path, t->g->alloc);
    geo_outline_svg_path(&path, g->shape, frame);
    const char *copy = path.failed ? NULL : base_arena_strndup(&t->arena, path.data, path.len);
    base_buf_free(&path);
    if (copy == NULL)
        return base_nomem(d);
    geo_project(frame, geo_shape_label(g->shape), &x, &y);
    geo_project(frame, (geo_point){box.lat_max, box.lon_min}, &left, &top);
    geo_project(frame, (geo_point){box.lat_min, box.lon_max}, &right, &bottom);
    value_builder_init(&b, &t->arena);
    insight_put(&b, "name", g->name[0] != '\0' ? g->name : g->key);
    insight_put(&b, "path", copy);
    value_builder_set(&b, "inner", value_bool(a->inner[i]));
    value_builder_set(&b, "cases", insight_count(a->areas[i], (insight_mark)a->marks[i]));
    value_builder_set(&b, "class", value_int(a->marks[i] != INSIGHT_PLAIN ? -1 : insight_class(a->areas[i], breaks)));
    value_builder_set(&b, "x", value_int(x));
    value_builder_set(&b, "y", value_int(y));
    value_builder_set(&b, "width", value_int(right - left));
    value_builder_set(&b, "height", value_int(bottom - top));
    insight_add_map(list, &b);
    return GOV_OK;
}

static gov_status put_map(insight_tally *t, value_builder *b, const atlas *a, const diag *d)
{
    geo_frame frame;
    value_builder map, list;
    static const int64_t percent[INSIGHT_BREAKS] = {20, 40, 60, 80};
    int64_t breaks[INSIGHT_BREAKS];
    size_t shown_count = 0;
    if (!frame_of(a, &frame))
        return GOV_OK;
    int64_t *shown = base_arena_array(&t->arena, a->count, sizeof *shown);
    if (shown == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < a->count; i++)
        if (a->grids[i].shape != NULL && a->marks[i] == INSIGHT_PLAIN && a->areas[i] > 0)
            shown[shown_count++] = a->areas[i];
    insight_breaks(shown, shown_count, percent, breaks);
    value_builder_init(&map, &t->arena);
    value_builder_init(&list, &t->arena);
    /* Filled areas first, the outlines around them on top. */
    for (int inner = 0; inner <= 1; inner++)
        for (size_t i = 0; i < a->count; i++) {
            if (a->grids[i].shape == NULL || a->inner[i] != (inner == 1))
                continue;
            const gov_status status = put_area(t, &list, a, i, &frame, breaks, d);
            if (status != GOV_OK)
                return status;
        }
    value_builder_set(&map, "width", value_int(frame.width));
    value_builder_set(&map, "height", value_int(frame.height));
    insight_put_breaks(t, &map, breaks);
    value_builder_set(&map, "areas", value_builder_list(&list));
    value_builder_set(b, "map", value_builder_map(&map));
    return map.failed || list.failed ? base_nomem(d) : GOV_OK;
}

static gov_status put_grids(insight_tally *t, value_builder *b, bool drawing, atlas *a, const diag *d)
{
    value_builder list;
    gov_status status = index_grids(t, a, d);
    if (status == GOV_OK)
        status = make_lines(t, a, d);
    if (status == GOV_OK && drawing) {
        fill_areas(t, a);
        status = put_map(t, b, a, d);
    }
    if (status != GOV_OK)
        return status;
    insight_rank(a->lines, a->line_count);
    value_builder_init(&list, &t->arena);
    for (size_t i = 0; i < a->line_count; i++) {
        value_builder line;
        value_builder_init(&line, &t->arena);
        insight_put(&line, "grid", a->lines[i].key);
        insight_put(&line, "name", a->lines[i].title);
        value_builder_set(&line, "cases", insight_count(a->lines[i].cases, (insight_mark)a->lines[i].mark));
        insight_put_rate(&line, a->lines[i].cases, t->opened, (insight_mark)a->lines[i].mark);
        insight_add_map(&list, &line);
    }
    value_builder_set(b, "grids", value_builder_list(&list));
    return list.failed ? base_nomem(d) : GOV_OK;
}

gov_status insight_grid_figures(insight_tally *t, bool drawing, value_builder *b, const diag *d)
{
    atlas a = {0};
    const gov_status status = put_grids(t, b, drawing, &a, d);
    base_map_free(&a.at);
    return status;
}
