/* Opening, compiling and checking a rulebook of a hundred workflows, each the example community's complaint. "As installed" is
 * what a community does at the first use of each: from the trees that were stored beside the text when it was installed. "From
 * text" reads YAML first, as where no trees were stored. Of its instructions 39 % are libyaml's, 19 % SHA-256 (of the sources, and
 * of what a workflow depends on), 18 % the compiler's, and the rest nodes, their places and memory: nothing of it stands out. Checking compiles all and looks for what is doubtful besides. Beside: a
 * copy and a look at each line, and libyaml's events of the same bytes without a tree. */
#include "bench/common/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "api/api.h"

enum { WORKFLOWS = 100, COMPILED = 50 };

static base_buf stored, trees;
static rulebook_source sources[WORKFLOWS + 64];
static size_t source_count;
static const void *tzif;
static size_t tzif_len;
static rulebook *opened;
static const rulebook_host *host; /* with all that the rooms register, as in a program */

static bool open_it(rulebook **out, bool installed)
{
    rulebook_bundle *b = NULL;
    const rulebook_options o = {.host = host, .tzif = tzif, .tzif_len = tzif_len,
                                .trees = installed ? trees.data : NULL, .trees_len = installed ? trees.len : 0};
    *out = NULL;
    return rulebook_bundle_parse(&base_malloc, stored.data, stored.len, &b, NULL) == GOV_OK &&
           rulebook_open(&base_malloc, b, &o, out, NULL) == GOV_OK;
}

static bool open_run(void *user)
{
    (void)user;
    return open_it(&opened, true);
}

static bool open_text(void *user)
{
    (void)user;
    return open_it(&opened, false);
}

static void close_it(void *user)
{
    (void)user;
    rulebook_free(opened);
    opened = NULL;
}

/* What cannot be avoided: a copy of the bytes, a look at each line. */
static bool open_floor(void *user)
{
    char *copy = malloc(stored.len);
    uint64_t lines = 0;
    (void)user;
    if (copy == NULL)
        return false;
    memcpy(copy, stored.data, stored.len);
    for (const char *p = copy, *end = copy + stored.len; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
        lines += p[-1] == ':';
    free(copy);
    bench_keep(lines);
    return true;
}

static bool compile_run(void *user)
{
    (void)user;
    for (uint32_t i = 0; i < opened->workflows.count && i < COMPILED; i++) {
        const rulebook_workflow *w;
        if (rulebook_get_workflow(opened, opened->workflows.items[i], &w, NULL) != GOV_OK)
            return false;
        bench_keep(w->slot_count);
    }
    return true;
}

static bool events(const char *bytes, size_t len)
{
    yaml_parser_t p;
    yaml_event_t e;
    bool done = false;
    uint64_t count = 0;
    if (!yaml_parser_initialize(&p))
        return false;
    yaml_parser_set_input_string(&p, (const unsigned char *)bytes, len);
    while (!done && yaml_parser_parse(&p, &e)) {
        done = e.type == YAML_STREAM_END_EVENT;
        count++;
        yaml_event_delete(&e);
    }
    yaml_parser_delete(&p);
    bench_keep(count);
    return done;
}

static bool events_of(size_t workflows)
{
    size_t seen = 0;
    for (size_t i = 0; i < source_count; i++) {
        const bool generated = strncmp(sources[i].path, "generated/", 10) == 0;
        if ((generated && seen++ >= workflows) || (!generated && workflows < WORKFLOWS))
            continue;
        if (!events(sources[i].bytes, sources[i].len))
            return false;
    }
    return true;
}

static bool compile_floor(void *user)
{
    (void)user;
    return events_of(COMPILED);
}

static bool check_run(void *user)
{
    rulebook_bundle *b = NULL;
    const rulebook_options o = {.host = host, .tzif = tzif, .tzif_len = tzif_len};
    (void)user;
    return rulebook_bundle_make(&base_malloc, sources, source_count, &b, NULL) == GOV_OK &&
           rulebook_load(&base_malloc, b, &o, &opened, NULL) == GOV_OK;
}

static bool check_floor(void *user)
{
    (void)user;
    return events_of(WORKFLOWS);
}

/* ---- the rulebook ---- */

static char *copy_of(const char *s, size_t len)
{
    char *copy = malloc(len + 1);
    if (copy != NULL) {
        memcpy(copy, s, len);
        copy[len] = '\0';
    }
    return copy;
}

static bool add_source(const char *path, const char *bytes, size_t len)
{
    if (source_count == ARRAY_LEN(sources))
        return false;
    rulebook_source *s = &sources[source_count++];
    *s = (rulebook_source){.path = copy_of(path, strlen(path)), .bytes = copy_of(bytes, len), .len = len};
    return s->path != NULL && s->bytes != NULL;
}

static bool add_copies(const rulebook_source *s)
{
    static const char first[] = "workflow: complaint\n";
    const char *at = strstr(s->bytes, first);
    if (at == NULL)
        return false;
    for (int i = 0; i < WORKFLOWS; i++) {
        char path[64], head[64];
        base_buf text;
        (void)snprintf(path, sizeof path, "generated/%03d.yaml", i);
        (void)snprintf(head, sizeof head, "workflow: complaint_%d\n", i);
        base_buf_init(&text, &base_malloc);
        base_buf_add(&text, s->bytes, (size_t)(at - s->bytes));
        base_buf_str(&text, head);
        base_buf_str(&text, at + sizeof first - 1);
        const bool good = !text.failed && add_source(path, text.data, text.len);
        base_buf_free(&text);
        if (!good)
            return false;
    }
    return true;
}

static bool set_up(void)
{
    rulebook_bundle *b = NULL;
    gov_error *err = NULL;
    const diag d = {&base_malloc, &err};
    bool good = api_host_new(&base_malloc, NULL, &host, &d) == GOV_OK &&
                rulebook_bundle_read(&base_malloc, GOV_TEST_SOURCE_DIR "/examples/community", NULL, 0, &b, &d) == GOV_OK;
    for (size_t i = 0; good && i < rulebook_bundle_count(b); i++) {
        const rulebook_source *s = rulebook_bundle_source(b, i);
        good = add_source(s->path, s->bytes, s->len);
        if (good && strcmp(s->path, "workflows/complaint.yaml") == 0)
            good = add_copies(s);
    }
    rulebook_bundle_free(b);
    if (!good || !check_run(NULL))
        return false;
    base_buf_init(&stored, &base_malloc);
    rulebook_bundle_write(rulebook_bundle_of(opened), &stored);
    base_buf_init(&trees, &base_malloc);
    if (rulebook_trees_write(opened, &trees, NULL) != GOV_OK)
        return false;
    tzif = copy_of(opened->tzif, opened->tzif_len);
    tzif_len = opened->tzif_len;
    close_it(NULL);
    gov_error_free(err);
    return !stored.failed && tzif != NULL;
}

int main(int argc, char **argv)
{
    static const bench_case cases[] = {
        {"open a stored rulebook of 100 workflows", "ms", 1, {.run = open_run, .finish = close_it}, {.run = open_floor},
         "copy and scan"},
        {"compile 50 of them as installed", "ms", 1, {.prepare = open_run, .run = compile_run, .finish = close_it},
         {.run = compile_floor}, "libyaml's events"},
        {"compile 50 of them from text", "ms", 1, {.prepare = open_text, .run = compile_run, .finish = close_it},
         {.run = compile_floor}, "libyaml's events"},
        {"check all 100", "ms", 1, {.run = check_run, .finish = close_it}, {.run = check_floor}, "libyaml's events"},
    };
    if (!set_up()) {
        fprintf(stderr, "bench_rulebook: the example community does not load\n");
        return 1;
    }
    return bench_main(argc, argv, cases, ARRAY_LEN(cases));
}
