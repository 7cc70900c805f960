/* A street lamp is reported, dispatched, forgotten for three days, and urged: quickstart STORE [RULES]
 *
 *     cc quickstart.c $(pkg-config --cflags --libs gov) -o quickstart && ./quickstart lamp.db examples/quickstart */
#include <gov.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gov_error *err;

static void must(gov_status status)
{
    if (status == GOV_OK)
        return;
    fprintf(stderr, "%s\n", err != NULL ? gov_error_message(err, 0, "en") : "libgov failed");
    exit(1);
}

/* A record or an event's input, written as JSON. */
static gov_value *map(const char *json)
{
    gov_value *v = NULL;
    must(gov_value_from_json(NULL, json, strlen(json), &v, &err));
    return v;
}

static void put(gov *g, const char *kind, const char *key, const char *json)
{
    gov_value *fields = map(json);
    must(gov_record_put(g, kind, key, fields, NULL, &err));
    gov_value_free(fields);
}

static const char *text(const gov_value *v, const char *key)
{
    const gov_value *member = gov_value_get(v, key);
    return gov_value_string(gov_value_kind(member) == GOV_VALUE_LIST ? gov_value_at(member, 0) : member, NULL);
}

static void show_case(gov *g, int64_t id)
{
    gov_value *c = NULL;
    must(gov_case_get(g, id, &c, &err));
    printf("%s %s", text(c, "number"), text(c, "state"));
    const gov_value *due = gov_value_get(gov_value_at(gov_value_get(c, "clocks"), 0), "due");
    if (gov_value_kind(due) == GOV_VALUE_TIMESTAMP)
        printf(", due in %d hours", (int)((gov_value_seconds(due, NULL) - gov_now(g) / 1000000) / 3600));
    printf("\n");
    gov_value_free(c);
}

static void show_history(gov *g, int64_t id)
{
    gov_value *list = NULL;
    must(gov_case_history(g, id, &list, &err));
    for (size_t i = 0; i < gov_value_count(list); i++) {
        const gov_value *h = gov_value_at(list, i);
        const char *event = text(h, "event");
        printf("%s %s by %s: %s\n", text(h, "kind"), event != NULL ? event : "-", text(h, "actor"), text(h, "to"));
    }
    gov_value_free(list);
    must(gov_case_explain(g, id, &list, &err));
    const gov_value *events = gov_value_get(list, "events");
    for (size_t i = 0; i < gov_value_count(events); i++) {
        const gov_value *e = gov_value_at(events, i);
        printf("%s %s\n", gov_value_bool(gov_value_get(e, "allowed")) ? "may" : "may not", text(e, "event"));
    }
    gov_value_free(list);
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "quickstart.db", *rules_path = argc > 2 ? argv[2] : "examples/quickstart";
    const int64_t hour = INT64_C(3600000000), monday = INT64_C(1772413200000000); /* 2026-03-02T01:00:00Z */
    gov_options options;
    gov_rulebook *rules = NULL;
    gov_store *store = NULL;
    gov *g = NULL;
    gov_tick_result ticked = {.size = sizeof ticked};
    gov_value *input, *report = NULL;
    int64_t id = 0;

    gov_options_init(&options, sizeof options);
    options.flags = GOV_OPEN_CREATE;
    must(gov_rulebook_load(NULL, rules_path, monday, &rules, &err));
    must(gov_store_open(path, &options, &store, &err));
    must(gov_community_create(store, NULL, rules, NULL, &err));
    must(gov_attach(store, NULL, &g, &err));
    must(gov_set_now(g, monday, &err));
    must(gov_act_as_host(g, "quickstart", &err));
    put(g, GOV_KIND_UNIT, "U05", "{\"name\": \"Lamps\"}");
    put(g, GOV_KIND_STAFF, "li", "{\"name\": \"Li\", \"roles\": [\"dispatcher\"]}");
    put(g, GOV_KIND_STAFF, "wang", "{\"name\": \"Wang\", \"roles\": [\"repairer\"], \"unit\": \"U05\"}");

    must(gov_act_as(g, "li", "handle_case", &err));
    input = map("{\"text\": \"路灯不亮\", \"place\": {\"lat\": 302800000, \"lon\": 1201500000}}");
    must(gov_case_open(g, "lamp", input, NULL, &id, &err));
    gov_value_free(input);
    show_case(g, id);
    input = map("{\"unit\": \"U05\"}");
    must(gov_case_send(g, id, "dispatch", input, &err));
    gov_value_free(input);
    show_case(g, id);

    must(gov_act_as_host(g, "night_run", &err));
    must(gov_set_now(g, monday + 72 * hour, &err));
    must(gov_tick(g, 0, &ticked, &err));
    printf("fired %d\n", (int)ticked.fired);
    must(gov_act_as(g, "wang", "handle_case", &err));
    show_case(g, id);
    show_history(g, id);

    must(gov_act_as_host(g, "night_run", &err));
    must(gov_verify(g, NULL, NULL, &report, &err));
    printf("verified %d entries\n", (int)gov_value_int(gov_value_get(report, "entries")));
    gov_value_free(report);
    gov_free(g);
    gov_store_free(store);
    gov_rulebook_free(rules);
    return 0;
}
