/* The JSON Schema (2020-12) of rulebooks, for editors: written from grammar.def, by which the loader reads, and from the effects and
 * sections that the rooms above register. It knows the form of a document; what names mean, and expressions, only the loader checks. */
#include "rulebook/grammar.h"
#include "rulebook/load.h"

#include <string.h>

typedef struct member {
    const char *key, *shape;
} member;

#define W(word)          word,
#define K(key, shape)    {key, shape},
#define WORDS(name, ...) static const char *const words_##name[] = {__VA_ARGS__ NULL};
#define MAP(name, ...)   static const member members_##name[] = {__VA_ARGS__{NULL, NULL}};
#include "rulebook/grammar.def"
#undef WORDS
#undef MAP

static const struct {
    const char *name;
    const char *const *words;
} word_lists[] = {
#define WORDS(name, ...) {#name, words_##name},
#define MAP(name, ...)
#include "rulebook/grammar.def"
#undef WORDS
#undef MAP
};

static const struct {
    const char *name;
    const member *members;
} maps[] = {
#define WORDS(name, ...)
#define MAP(name, ...) {#name, members_##name},
#include "rulebook/grammar.def"
#undef WORDS
#undef MAP
};

#define REF(name)  "{\"$ref\":\"#/$defs/" name "\"}"
#define NAME       "[A-Za-z_][A-Za-z0-9_]*"
#define MAP_OF(of) "{\"type\":\"object\",\"propertyNames\":" REF("name") ",\"additionalProperties\":" REF(of) "}"
#define ONE_OR_LIST(one, item) "{\"anyOf\":[" one ",{\"type\":\"array\",\"minItems\":1,\"items\":" item "}]}"

/* Shapes that are neither maps of fixed keys nor lists of words. */
static const struct {
    const char *name, *json;
} shapes[] = {
    {"any", "true"},
    {"scalar", "{\"type\":[\"string\",\"number\",\"boolean\"]}"},
    {"bool", "{\"type\":\"boolean\"}"},
    {"times", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000000}"},
    {"languages", "{\"anyOf\":[" REF("name") ",{\"type\":\"array\",\"minItems\":1,\"uniqueItems\":true,\"items\":" REF("name") "}]}"},
    {"expr_or_null", "{\"description\":\"CEL\",\"type\":[\"string\",\"number\",\"boolean\",\"null\"]}"},
    {"int", "{\"type\":\"integer\",\"minimum\":0}"},
    {"expr", "{\"description\":\"CEL\",\"type\":[\"string\",\"number\",\"boolean\"]}"},
    {"exprs", MAP_OF("expr_or_null")},
    {"id", "{\"type\":\"string\",\"pattern\":\"^[a-z][a-z0-9_]*$\",\"maxLength\":64}"},
    {"name", "{\"type\":\"string\",\"pattern\":\"^" NAME "$\",\"maxLength\":64}"},
    {"event_name", "{\"type\":\"string\",\"pattern\":\"^" NAME "([.]" NAME ")*$\"}"},
    {"path", "{\"type\":\"string\",\"pattern\":\"^" NAME "([.]" NAME ")*$\"}"},
    {"descriptor", "{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9_.* ]+$\"}"},
    {"text", "{\"anyOf\":[" REF("scalar") ",{\"type\":\"object\",\"propertyNames\":{\"pattern\":\"^[A-Za-z]{2,8}([-_][A-Za-z0-9]+)*$\"},"
             "\"additionalProperties\":" REF("scalar") "}]}"},
    {"names", "{\"anyOf\":[" REF("name") ",{\"type\":\"array\",\"items\":" REF("name") "}]}"},
    {"paths", ONE_OR_LIST("{\"type\":\"string\"}", "{\"type\":\"string\"}")},
    {"values", MAP_OF("value")},
    {"value_is", "{\"type\":[\"string\",\"number\",\"boolean\",\"array\"]}"},
    {"roles", MAP_OF("role")},
    {"sensitivity", MAP_OF("class")},
    {"sights", "{\"type\":\"array\",\"items\":" REF("sight") "}"},
    {"spans", "{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"string\",\"pattern\":\"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$\"}}"},
    {"hours", "{\"type\":\"object\",\"propertyNames\":{\"pattern\":\"^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?$\"},"
              "\"additionalProperties\":" REF("spans") "}"},
    {"years", "{\"type\":\"object\",\"propertyNames\":{\"pattern\":\"^[0-9]{4}$\"},\"additionalProperties\":" REF("year") "}"},
    {"date", "{\"type\":\"string\",\"pattern\":\"^[0-9]{4}-[0-9]{2}-[0-9]{2}([.][.][0-9]{4}-[0-9]{2}-[0-9]{2})?$\"}"},
    {"dates", "{\"type\":\"array\",\"items\":" REF("date") "}"},
    {"work_dates", "{\"type\":\"array\",\"items\":{\"anyOf\":[" REF("date") ",{\"type\":\"object\",\"additionalProperties\":" REF("spans") "}]}}"},
    {"fields", MAP_OF("field")},
    {"choices", "{\"type\":\"array\",\"items\":{\"anyOf\":[{\"not\":{\"type\":\"object\"}}," REF("choice") "]}}"},
    {"events", "{\"type\":\"object\",\"propertyNames\":" REF("event_name") ",\"additionalProperties\":{\"anyOf\":[" REF("event") ",{\"type\":\"null\"}]}}"},
    {"states", "{\"type\":\"object\",\"minProperties\":1,\"propertyNames\":" REF("name") ",\"additionalProperties\":{\"anyOf\":[{\"type\":\"null\"},"
               "{\"if\":{\"properties\":{\"type\":{\"const\":\"history\"}},\"required\":[\"type\"]},\"then\":" REF("history") ",\"else\":" REF("state") "}]}}"},
    {"states_inside", "{\"anyOf\":[" REF("states") ",{\"type\":\"object\",\"maxProperties\":0}]}"},
    {"history_word", "{\"const\":\"history\"}"},
    {"targets", ONE_OR_LIST(REF("path"), REF("path"))},
    {"initial", "{\"anyOf\":[" REF("targets") "," REF("initial_map") "]}"},
    {"one_transition", "{\"anyOf\":[" REF("path") "," REF("transition") "]}"},
    {"transitions", ONE_OR_LIST(REF("one_transition"), REF("one_transition"))},
    {"timed_transitions", ONE_OR_LIST(REF("timed_transition"), REF("timed_transition"))},
    {"on", "{\"anyOf\":[{\"type\":\"object\",\"propertyNames\":" REF("descriptor") ",\"additionalProperties\":" REF("transitions") "},"
           "{\"type\":\"array\",\"items\":" REF("listed_transition") "}]}"},
    {"clocks", MAP_OF("clock")},
    {"triggers", ONE_OR_LIST(REF("event_name"), REF("event_name"))},
    {"marks", "{\"type\":\"object\",\"propertyNames\":{\"pattern\":\"^(0*([1-9][0-9]{0,3}|10000)%|[+].+)$\"},\"additionalProperties\":" REF("event_name") "}"},
    {"duration", "{\"anyOf\":[{\"type\":\"string\"}," REF("computed") ",{\"type\":\"array\",\"minItems\":1,\"items\":" REF("duration_case") "}]}"},
    {"moved_states", "{\"type\":\"object\",\"additionalProperties\":" REF("path") "}"},
    {"over", "{\"anyOf\":[" REF("name") ",{\"type\":\"object\",\"minProperties\":1,\"maxProperties\":1,\"additionalProperties\":" REF("expr") "}]}"},
    {"actions", "{\"type\":\"array\",\"items\":" REF("action") "}"},
    {"raised", "{\"anyOf\":[" REF("event_name") "," REF("raise") "]}"},
    {"sent", "{\"anyOf\":[" REF("event_name") "," REF("send") "]}"},
    {"map", "{\"type\":\"object\"}"},
    {"list", "{\"type\":\"array\"}"},
    {"scenario_steps", "{\"type\":\"array\",\"minItems\":1,\"items\":{\"$ref\":\"#/$defs/scenario_step\",\"minProperties\":1,\"maxProperties\":1}}"},
    {"scenario_records", "{\"type\":\"object\",\"additionalProperties\":{\"type\":[\"object\",\"null\"]}}"},
    {"scenario_who", "{\"anyOf\":[" REF("scalar") ",{\"$ref\":\"#/$defs/scenario_person\",\"minProperties\":1,\"maxProperties\":1}]}"},
    {"scenario_fails", "{\"anyOf\":[" REF("scalar") "," REF("scenario_refusal") "]}"},
    {"scenario_tick", "{\"type\":[\"integer\",\"null\"],\"minimum\":1}"},
    {"scenario_names", "{\"anyOf\":[" REF("scalar") ",{\"type\":\"array\",\"items\":" REF("scalar") "}]}"},
    {"scenario_outcome", "{\"anyOf\":[" REF("scalar") ",{\"type\":\"null\"}]}"},
    {"scenario_refused", "{\"anyOf\":[" REF("scalar") ",{\"type\":\"array\",\"items\":{\"anyOf\":[" REF("scalar")
                         ",{\"type\":\"object\",\"minProperties\":1,\"maxProperties\":1,\"additionalProperties\":" REF("scenario_fails") "}]}}]}"},
    {"scenario_that", ONE_OR_LIST(REF("expr"), REF("expr"))},
    {"scenario_clocks", MAP_OF("scenario_clock")},
    {"scenario_messages", "{\"type\":\"array\",\"items\":" REF("scenario_message") "}"},
    {"scenario_children_list", "{\"type\":\"array\",\"items\":" REF("scenario_children") "}"},
    {"scenario_cases_list", "{\"type\":\"array\",\"items\":" REF("scenario_cases") "}"},
};

static void comma(base_buf *b, bool *first)
{
    if (!*first)
        base_buf_str(b, ",\n");
    *first = false;
}

static void put_words(base_buf *b, const char *name, const char *const *words, bool *first)
{
    comma(b, first);
    base_buf_fmt(b, "\"%s\":{\"enum\":[", name);
    for (size_t i = 0; words[i] != NULL; i++)
        base_buf_fmt(b, "%s\"%s\"", i > 0 ? "," : "", words[i]);
    base_buf_str(b, "]}");
}

static void put_map(base_buf *b, const char *name, const member *members, bool *first)
{
    bool required = false;
    comma(b, first);
    base_buf_fmt(b, "\"%s\":{\"type\":\"object\",\"properties\":{", name);
    for (size_t i = 0; members[i].key != NULL; i++)
        base_buf_fmt(b, "%s\"%s\":{\"$ref\":\"#/$defs/%s\"}", i > 0 ? "," : "", members[i].key + (members[i].key[0] == '!'), members[i].shape);
    base_buf_str(b, "}");
    for (size_t i = 0; members[i].key != NULL; i++)
        if (members[i].key[0] == '!') {
            base_buf_fmt(b, "%s\"%s\"", required ? "," : ",\"required\":[", members[i].key + 1);
            required = true;
        }
    base_buf_str(b, required ? "],\"additionalProperties\":false}" : ",\"additionalProperties\":false}");
}

/* ---- what rooms register ---- */

static const char *param_shape(const rulebook_param *p)
{
    switch (p->kind) {
    case RULEBOOK_PARAM_EXPR: return "expr_or_null";
    case RULEBOOK_PARAM_EXPRS: return "exprs";
    case RULEBOOK_PARAM_TEXT: return "text";
    case RULEBOOK_PARAM_DURATION: return "duration";
    default: return "name";
    }
}

static void put_effect(base_buf *b, const rulebook_effect *e)
{
    bool required = false;
    base_buf_fmt(b, ",\"%s\":{\"type\":\"object\",\"minProperties\":1,\"properties\":{", e->name);
    for (uint32_t i = 0; i < e->param_count; i++)
        base_buf_fmt(b, "%s\"%s\":{\"$ref\":\"#/$defs/%s\"}", i > 0 ? "," : "", e->params[i].name, param_shape(&e->params[i]));
    base_buf_str(b, "}");
    for (uint32_t i = 0; i < e->param_count; i++)
        if (e->params[i].required) {
            base_buf_fmt(b, "%s\"%s\"", required ? "," : ",\"required\":[", e->params[i].name);
            required = true;
        }
    base_buf_str(b, required ? "],\"additionalProperties\":false}" : ",\"additionalProperties\":false}");
}

static void put_actions(base_buf *b, const rulebook_host *host, bool *first)
{
    const rulebook_host *part;
    comma(b, first);
    base_buf_str(b, "\"action\":{\"if\":{\"required\":[\"if\"]},\"then\":" REF("branch") ",\"else\":{\"type\":\"object\",\"minProperties\":1,"
                    "\"maxProperties\":1,\"properties\":{\"set\":{\"type\":\"object\",\"minProperties\":1,\"additionalProperties\":" REF("expr_or_null") "},"
                    "\"raise\":" REF("raised") ",\"send\":" REF("sent") ",\"cancel\":" REF("name") ",\"log\":" REF("text"));
    for (size_t k = 0; (part = rulebook_host_part(host, k)) != NULL; k++)
        for (size_t i = 0; i < part->effect_count; i++)
            put_effect(b, &part->effects[i]);
    base_buf_str(b, "},\"additionalProperties\":false}}");
}

/* A document is what its first key says; a section's other keys are its room's. */
static void put_documents(base_buf *b, const rulebook_host *host)
{
    static const char *const kinds[] = {"rulebook", "overlay", "calendar", "workflow", "schedule", "indicator", "record", "template",
                                        "scenario"};
    const rulebook_host *part;
    base_buf_str(b, "\"oneOf\":[");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        base_buf_fmt(b, "%s{\"$ref\":\"#/$defs/%s\"}", i > 0 ? "," : "", kinds[i]);
    for (size_t k = 0; (part = rulebook_host_part(host, k)) != NULL; k++)
        for (size_t i = 0; i < part->section_count; i++)
            if (part->sections[i].schema != NULL)
                base_buf_fmt(b, ",{\"$ref\":\"#/$defs/%s\"}", part->sections[i].key);
            else
                base_buf_fmt(b, ",{\"type\":\"object\",\"properties\":{\"%s\":" REF("name") "},\"required\":[\"%s\"]}", part->sections[i].key,
                         part->sections[i].key);
    base_buf_str(b, "]");
}

void rulebook_write_schema(const rulebook_host *host, base_buf *out)
{
    bool first = true;
    base_buf_str(out, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\n\"title\":\"libgov rulebook: one YAML document\",\n");
    put_documents(out, host);
    base_buf_str(out, ",\n\"$defs\":{\n");
    for (size_t i = 0; i < ARRAY_LEN(word_lists); i++)
        put_words(out, word_lists[i].name, word_lists[i].words, &first);
    for (size_t i = 0; i < ARRAY_LEN(maps); i++)
        put_map(out, maps[i].name, maps[i].members, &first);
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        comma(out, &first);
        base_buf_fmt(out, "\"%s\":%s", shapes[i].name, shapes[i].json);
    }
    put_actions(out, host, &first);
    const rulebook_host *part;
    for (size_t k = 0; (part = rulebook_host_part(host, k)) != NULL; k++)
        for (size_t i = 0; i < part->section_count; i++)
            if (part->sections[i].schema != NULL) {
                comma(out, &first);
                base_buf_fmt(out, "\"%s\":", part->sections[i].key);
                for (const char *const *piece = part->sections[i].schema; *piece != NULL; piece++)
                    base_buf_str(out, *piece);
            }
    base_buf_str(out, "\n}}\n");
}
