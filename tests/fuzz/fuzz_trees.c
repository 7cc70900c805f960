/* Stored trees from anywhere: they give nodes that lie inside of their text, or one error; and whatever nodes they give, what
 * compiles them stays inside too. The first byte chooses between one tree and the table of them; digests are made to fit, since
 * whoever damages a store on purpose can do that as well. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rulebook/load.h"
#include "support/rulebook_host.h"

static const char text[] = "rulebook: t\nversion: '1'\ntime_zone: UTC\nvalues: {n: {is: 2 hours, source: \"s \\u00e9\"}}\n---\n"
                           "workflow: w\nroles: {r: {when: \"actor.id == 1\"}}\n"
                           "fields:\n  a: {type: int, default: 1, when: 'it > 0'}\n  b: {type: string, one_of: [x, y]}\n"
                           "events: {go: {by: [r], input: {x: {type: int}}}}\n"
                           "clocks: {c: {starts: [go], stops: [b], budget: values.n}}\n"
                           "states:\n  a:\n    on:\n      go: {when: event.data.x > 1, to: b, do: [{set: {a: event.data.x}}]}\n"
                           "    after: {delay: n, to: b}\n  b:\n    type: final\n    title: >\n      folded\n      text\n";

static void check(int truth)
{
    if (!truth)
        abort();
}

static void walk(const rb_node *n, const rb_source *s)
{
    check(n->source == s && n->start <= n->end && n->end <= s->len);
    if (n->kind == RB_SCALAR) {
        check(n->as.text[n->count] == '\0');
        (void)rb_was_cut(n);
        for (size_t at = 0; at <= n->count; at += 1 + n->count / 3)
            (void)rb_locate(n, at);
        return;
    }
    for (uint32_t i = 0; i < n->count; i++) {
        if (n->kind == RB_MAP)
            walk(n->as.pairs[i].key, s);
        walk(n->kind == RB_MAP ? n->as.pairs[i].val : n->as.items[i], s);
    }
}

static void one_tree(const uint8_t *data, size_t size)
{
    const rb_source source = {"r.yaml", text, sizeof text - 1};
    uint8_t digest[BASE_DIGEST_SIZE];
    base_arena arena;
    rb_node *root = NULL;
    value v;
    base_sha256(data, size, digest);
    const rb_def def = {.slice = {&source, 3, sizeof text - 4, 1}, .tree = data, .tree_len = size, .tree_digest = digest, .key = "rulebook", .name = "t"};
    base_arena_init(&arena, &base_malloc);
    const gov_status status = rb_read_tree(&arena, &def, &root, NULL);
    check((status == GOV_OK) == (root != NULL));
    if (root != NULL) {
        walk(root, &source);
        (void)rb_value(&arena, root, &v, NULL);
    }
    base_arena_free(&arena);
}

/* ---- the whole ---- */


static rulebook_bundle *bundle(void)
{
    const rulebook_source s = {.path = "r.yaml", .bytes = text, .len = sizeof text - 1};
    rulebook_bundle *b = NULL;
    check(rulebook_bundle_make(&base_malloc, &s, 1, &b, NULL) == GOV_OK);
    return b;
}

static void use(const uint8_t *trees, size_t len)
{
    gov_error *err = NULL;
    const diag d = {&base_malloc, &err};
    const rulebook_options o = {.host = &test_host, .trees = trees, .trees_len = len};
    rulebook *rb = NULL;
    const gov_status status = rulebook_open(&base_malloc, bundle(), &o, &rb, &d);
    check((status == GOV_OK) == (rb != NULL) && (status == GOV_OK) == (gov_error_status(err) == GOV_OK));
    for (uint32_t i = 0; rb != NULL && i < rb->workflows.count; i++) {
        const rulebook_workflow *w;
        (void)rulebook_get_workflow(rb, rb->workflows.items[i], &w, &d);
    }
    rulebook_free(rb);
    gov_error_free(err);
}

/* The table and the trees are the input's; the digests of the table and of each tree in it are written anew where they stand. */
static void whole(const uint8_t *data, size_t size)
{
    enum { HEADER = 12, TABLE_AT = HEADER + 2 * BASE_DIGEST_SIZE + 4 };
    if (size < 4)
        return;
    uint8_t *trees = malloc(TABLE_AT + size);
    rulebook_bundle *b = bundle();
    check(trees != NULL);
    memcpy(trees, "gov-trees 1\n", HEADER);
    memcpy(trees + HEADER, rulebook_bundle_digest(b), BASE_DIGEST_SIZE);
    rulebook_bundle_free(b);
    memcpy(trees + TABLE_AT - 4, data, size);
    const size_t len = TABLE_AT - 4 + size;
    size_t table = (size_t)data[0] << 24 | (size_t)data[1] << 16 | (size_t)data[2] << 8 | data[3];
    if (table > size - 4)
        table = size - 4;
    base_sha256(trees + TABLE_AT, table, trees + HEADER + BASE_DIGEST_SIZE);
    use(trees, len);
    free(trees);
}

/* One definition's tree is the input's, in a table that is otherwise good: what is compiled is what the input makes of it. */
static void swapped(const uint8_t *data, size_t size, size_t which)
{
    const rulebook_options o = {.host = &test_host};
    uint8_t digest[BASE_DIGEST_SIZE];
    rulebook *rb = NULL;
    base_buf trees;
    check(rulebook_load(&base_malloc, bundle(), &o, &rb, NULL) == GOV_OK);
    rb_full *full = (rb_full *)rb;
    base_sha256(data, size, digest);
    full->defs[which].tree = data;
    full->defs[which].tree_len = size;
    full->defs[which].tree_digest = digest;
    base_buf_init(&trees, &base_malloc);
    check(rulebook_trees_write(rb, &trees, NULL) == GOV_OK);
    use((const uint8_t *)trees.data, trees.len);
    base_buf_free(&trees);
    rulebook_free(rb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    one_tree(data + 1, size - 1);
    if (data[0] % 3 == 2)
        whole(data + 1, size - 1);
    else
        swapped(data + 1, size - 1, data[0] % 3);
    return 0;
}
