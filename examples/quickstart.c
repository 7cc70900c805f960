/* A street lamp is reported, dispatched, forgotten for three days, and urged: quickstart STORE [RULES]
 *     cc quickstart.c $(pkg-config --cflags --libs libgov) -o quickstart && ./quickstart lamp.db examples/quickstart */
#include <gov.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gov_error *err;

static void must(gov_status status)
{
    if (status != GOV_OK) {
        fprintf(stderr, "%s\n", gov_error_message(err, 0, "en"));
        exit(1);
    }
}

static gov_value *json(const char *text)
{
    gov_value *v = NULL;
    must(gov_value_from_json(NULL, text, strlen(text), &v, &err));
    return v;
}

static void put(gov *g, const char *kind, const char *key, const char *fields)
{
    gov_value *v = json(fields);
    must(gov_record_put(g, kind, key, v, NULL, &err));
    gov_value_free(v);
}

static const char *text(const gov_value *v, const char *path)
{
    const char *found = gov_value_string(gov_value_find(v, path), NULL);
    return found != NULL ? found : "-";
}

static void show(gov *g, int64_t id)
{
    gov_value *c = NULL;
    must(gov_case_get(g, id, &c, &err));
    const gov_value *due = gov_value_find(c, "clocks.0.due");
    printf("%s %s", text(c, "number"), text(c, "state.0"));
    if (gov_value_kind(due) == GOV_VALUE_TIMESTAMP)
        printf(", due in %d hours", (int)((gov_value_seconds(due, NULL) - gov_now(g) / 1000000) / 3600));
    printf("\n");
    gov_value_free(c);
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "quickstart.db", *rules = argc > 2 ? argv[2] : "examples/quickstart";
    const int64_t monday = INT64_C(1772413200000000), day = INT64_C(86400000000); /* 2026-03-02T01:00:00Z */
    gov *g = NULL;
    gov_value *v = json("{\"text\": \"路灯不亮\", \"place\": {\"lat\": 302800000, \"lon\": 1201500000}}");
    int64_t id = 0;

    must(gov_create(path, NULL, rules, &g, &err));
    must(gov_set_now(g, monday, &err));
    must(gov_act_as_host(g, "quickstart", &err));
    put(g, "unit", "U05", "{\"name\": \"Lamps\"}");
    put(g, "staff", "li", "{\"name\": \"Li\", \"roles\": [\"dispatcher\"]}");
    put(g, "staff", "wang", "{\"name\": \"Wang\", \"roles\": [\"repairer\"], \"unit\": \"U05\"}");

    must(gov_act_as(g, "li", "handle_case", &err));
    must(gov_case_open(g, "lamp", v, NULL, &id, &err));
    show(g, id);
    gov_value_free(v);
    must(gov_case_send(g, id, "dispatch", v = json("{\"unit\": \"U05\"}"), NULL, &err));
    show(g, id);
    gov_value_free(v);

    gov_tick_result ticked = {.size = sizeof ticked};
    must(gov_act_as_host(g, "night_run", &err));
    must(gov_set_now(g, monday + 3 * day, &err));
    must(gov_tick(g, 0, &ticked, &err));
    printf("fired %d\n", (int)ticked.fired);

    must(gov_act_as(g, "wang", "handle_case", &err));
    show(g, id);
    must(gov_case_history(g, id, &v, &err));
    for (size_t i = 0; i < gov_value_count(v); i++) {
        const gov_value *h = gov_value_at(v, i);
        printf("%s %s by %s: %s\n", text(h, "kind"), text(h, "event"), text(h, "actor"), text(h, "to.0"));
    }
    gov_value_free(v);
    must(gov_case_explain(g, id, &v, &err));
    for (size_t i = 0; i < gov_value_count(gov_value_get(v, "events")); i++) {
        const gov_value *e = gov_value_at(gov_value_get(v, "events"), i);
        printf("%s %s\n", gov_value_bool(gov_value_get(e, "allowed")) ? "may" : "may not", text(e, "event"));
    }
    gov_value_free(v);

    must(gov_act_as_host(g, "night_run", &err));
    must(gov_verify(g, NULL, NULL, &v, &err));
    printf("verified %d entries\n", (int)gov_value_int(gov_value_get(v, "entries")));
    gov_value_free(v);
    gov_free(g);
    return 0;
}
