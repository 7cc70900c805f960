/* YAML files that are no rulebooks, such as import maps, for the rooms above: the same reader, the same diagnostics. */
#include "rulebook/files.h"

gov_status rulebook_read_yaml(base_arena *arena, const char *path, const rb_node **root,
                              const char **text, size_t *len, const diag *d)
{
    rulebook_source file = {.path = base_arena_strdup(arena, path)};
    rb_source *source = base_arena_alloc(arena, sizeof *source);
    rb_slice *slice = base_arena_alloc(arena, sizeof *slice);
    rb_node *node = NULL;
    char *bytes;
    uint32_t at = 0, line = 1;
    if (file.path == NULL || source == NULL || slice == NULL)
        return base_nomem(d);
    gov_status status = rb_read_file(arena, "", path, &bytes, &file.len, d);
    if (status != GOV_OK)
        return status;
    file.bytes = bytes;
    *source = rb_source_of(&file);
    if (text != NULL) {
        *text = source->bytes;
        *len = source->len;
    }
    const base_place place = {source->path, 1, 1};
    status = rb_check_text(source, d);
    if (status == GOV_OK && !rb_next_slice(source, &at, &line, slice))
        return base_fail_at(d, &place, M_empty, A_S("what", path));
    if (status == GOV_OK)
        status = rb_parse(arena, slice, &node, d);
    if (status == GOV_OK && node == NULL)
        return base_fail_at(d, &place, M_empty, A_S("what", path));
    *root = node;
    return status;
}

gov_status rulebook_node_value(base_arena *arena, const rb_node *n, value *out, const diag *d)
{
    return rb_value(arena, n, out, d);
}

const char *rulebook_node_kind(const rb_node *n)
{
    return rb_kind_name(n);
}

bool rulebook_is_list(const rb_node *n)
{
    return n != NULL && n->kind == RB_LIST;
}

bool rulebook_is_map(const rb_node *n)
{
    return n != NULL && n->kind == RB_MAP;
}
