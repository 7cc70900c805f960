#include "support/community.h"
#include "support/faulty.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char community_rules[] =
    "rulebook: tiny\n"
    "version: '1'\n"
    "title: {zh: 小社区, en: Tiny}\n"
    "languages: [zh, en]\n"
    "time_zone: Asia/Shanghai\n"
    "roles:\n"
    "  dispatcher: {title: {zh: 派单员}}\n"
    "  handler: {title: {zh: 承办人}, scope: unit}\n"
    "  officer: {title: {zh: 网格员}, scope: grid}\n"
    "  neighbour: {scope: reporter}\n"
    "permissions:\n"
    "  case.open: [dispatcher, neighbour]\n"
    "  case.read: [dispatcher, handler, officer, neighbour]\n"
    "  record.read: [dispatcher, officer]\n"
    "sensitivity:\n"
    "  contact: {mask: phone, see: [{role: handler, purpose: handle_case}]}\n"
    "---\n"
    "workflow: complaint\n"
    "fields:\n"
    "  category: {type: string, one_of: [noise, leak], required: true, indexed: true}\n"
    "  urgency: {type: int, min: 1, max: 4, default: 3}\n"
    "  phone: {type: string, sensitive: contact}\n"
    "  place: {type: point}\n"
    "  late: {type: bool, default: false, indexed: true}\n"
    "  returns: {type: int, default: 0}\n"
    "events:\n"
    "  dispatch: {by: [dispatcher], input: {unit: {type: unit, required: true}}}\n"
    "  return: {by: [handler], input: {reason: {type: string, required: true}}}\n"
    "  rule: {by: [dispatcher], input: {granted: {type: bool, required: true}}}\n"
    "  extend: {by: [dispatcher]}\n"
    "  finish: {by: [handler]}\n"
    "  withdraw: {by: [neighbour]}\n"
    "clocks:\n"
    "  resolution:\n"
    "    starts: [dispatch]\n"
    "    stops: [closed]\n"
    "    budget: [{when: case.urgency == 1, is: 1 hour}, {is: 4 hours}]\n"
    "    paused_in: [return_asked]\n"
    "    marks: {50%: remind, 100%: overdue}\n"
    "    extend: {event: extend, amount: PT2H, at_most: 2 hours, times: 1, before_breach: true}\n"
    "states:\n"
    "  received:\n"
    "    on: {dispatch: {to: handling, do: [{assign: {unit: event.data.unit}}]}}\n"
    "    after: {delay: 1 day, to: closed.forgotten}\n"
    "  handling:\n"
    "    on:\n"
    "      overdue: {do: [{set: {late: true}}]}\n"
    "      extend: {do: [{log: extended}]}\n"
    "      return: {when: case.returns < 1, to: return_asked, do: [{set: {returns: case.returns + 1}}]}\n"
    "      finish: closed.done\n"
    "  return_asked: {on: {rule: [{when: event.data.granted, to: received}, {to: handling}]}}\n"
    "  closed:\n"
    "    states:\n"
    "      done: {type: final, outcome: done}\n"
    "      withdrawn: {type: final, outcome: withdrawn}\n"
    "      forgotten: {type: final, outcome: forgotten}\n"
    "on: {withdraw: closed.withdrawn}\n";

gov_rulebook *community_rulebook(const char *text)
{
    gov_error *err = NULL;
    gov_rulebook *rules = NULL;
    char path[512];
    char *dir = support_tmpdir();
    support_write(support_path(path, dir, "rulebook.yaml"), text, strlen(text));
    const gov_status status = gov_rulebook_load(NULL, path, 0, &rules, &err);
    if (status != GOV_OK)
        support_print_error(err);
    assert_int_equal(status, GOV_OK);
    gov_error_free(err); /* warnings */
    support_rmdir(dir);
    return rules;
}

static void bytes(void *out, size_t len, void *user)
{
    (void)user;
    memset(out, 7, len);
}

gov_status community_try(const char *url, const gov_rulebook *rules, const gov_allocator *alloc, community *out,
                         gov_error **err)
{
    gov_options o;
    gov_options_init(&o, sizeof o);
    o.flags = GOV_OPEN_CREATE | GOV_OPEN_RELAXED;
    o.alloc = alloc;
    o.random = bytes;
    *out = (community){0};
    gov_status status = gov_store_open(url, &o, &out->store, err);
    if (status == GOV_OK && rules != NULL)
        status = gov_community_create(out->store, NULL, rules, NULL, err);
    if (status == GOV_OK)
        status = gov_attach(out->store, NULL, &out->g, err);
    if (status == GOV_OK)
        status = gov_act_as_host(out->g, "test", err);
    if (status == GOV_OK)
        status = gov_set_now(out->g, COMMUNITY_START, err);
    if (status != GOV_OK)
        community_free(out);
    return status;
}

community community_make(support_store *s, const char *rules, const gov_allocator *alloc)
{
    community c;
    gov_error *err = NULL;
    gov_rulebook *book = community_rulebook(rules);
    assert_gov_ok(community_try(s->url, book, alloc, &c, &err), err);
    gov_rulebook_free(book);
    return c;
}

void community_free(community *c)
{
    gov_free(c->g);
    gov_store_free(c->store);
    *c = (community){0};
}

gov_value *community_json(const char *json)
{
    gov_value *v = NULL;
    gov_error *err = NULL;
    char *text = strdup(json);
    for (char *p = text; *p != '\0'; p++)
        if (*p == '\'')
            *p = '"';
    assert_gov_ok(gov_value_from_json(NULL, text, strlen(text), &v, &err), err);
    free(text);
    return v;
}

typedef struct scarce {
    support_store *s;
    gov_rulebook *rules;
    community_life *live;
    void *user;
    int run;
} scarce;

static gov_status live_once(const gov_allocator *alloc, void *user)
{
    scarce *w = user;
    char url[512], name[32];
    community c;
    (void)snprintf(name, sizeof name, "oom%d.db", w->run++);
    gov_status status = community_try(w->rules == NULL ? w->s->url : support_path(url, w->s->dir, name), w->rules, alloc, &c, NULL);
    if (status == GOV_OK) {
        status = w->live(&c, w->user);
        community_free(&c);
    }
    return status;
}

void community_without_memory(support_store *s, const char *rules, community_life *live, void *user)
{
    scarce w = {s, rules != NULL ? community_rulebook(rules) : NULL, live, user, 0};
    oom_loop(live_once, &w);
    gov_rulebook_free(w.rules);
}

gov_status community_try_put(community *c, const char *kind, const char *key, const char *json)
{
    gov_value *v = community_json(json);
    const gov_status status = gov_record_put(c->g, kind, key, v, NULL, NULL);
    gov_value_free(v);
    return status;
}

int64_t community_put(community *c, const char *kind, const char *key, const char *json)
{
    gov_error *err = NULL;
    gov_value *v = community_json(json);
    int64_t id = 0;
    assert_gov_ok(gov_record_put(c->g, kind, key, v, &id, &err), err);
    gov_value_free(v);
    return id;
}

int64_t community_open(community *c, const char *workflow, const char *json)
{
    gov_error *err = NULL;
    gov_value *v = community_json(json);
    int64_t id = 0;
    assert_gov_ok(gov_case_open(c->g, workflow, v, NULL, &id, &err), err);
    gov_value_free(v);
    return id;
}

void community_send(community *c, int64_t id, const char *event, const char *json, gov_status want)
{
    gov_error *err = NULL;
    gov_value *v = json != NULL ? community_json(json) : NULL;
    assert_gov(want, gov_case_send(c->g, id, event, v, NULL, &err), err);
    gov_error_free(err);
    gov_value_free(v);
}

gov_tick_result community_advance(community *c, int64_t minutes)
{
    gov_error *err = NULL;
    gov_tick_result r = {.size = sizeof r};
    assert_gov_ok(gov_set_now(c->g, gov_now(c->g) + minutes * 60000000, &err), err);
    assert_gov_ok(gov_tick(c->g, 0, &r, &err), err);
    return r;
}

void assert_state(community *c, int64_t id, const char *path)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    assert_gov_ok(gov_case_get(c->g, id, &v, &err), err);
    assert_text_at(v, "state.0", path);
    gov_value_free(v);
}
