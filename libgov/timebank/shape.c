/* The section as editors know it: its part of the JSON Schema. What bank.c reads, and what this says, tests/checks/schema.py compares. */
#include "timebank/timebank.h"

#define REF(name) "{\"$ref\":\"#/$defs/" name "\"}"
#define OBJECT(required, properties)                                                                         \
    "{\"type\":\"object\",\"required\":[" required "],\"additionalProperties\":false,\"properties\":{" properties "}}"
#define MAP_OF(shape) "{\"type\":\"object\",\"propertyNames\":" REF("name") ",\"additionalProperties\":" shape "}"
#define WORDS(list) "{\"enum\":[" list "]}"
#define TITLES "\"title\":" REF("text") ",\"description\":" REF("text")
#define AND(name, shape) ",\"" name "\":" shape

#define CAP                                                                                                  \
    OBJECT("", "\"day\":" REF("duration") AND("month", REF("duration")) AND("total", REF("duration"))        \
                   AND("over", WORDS("\"refused\",\"donated\"")))
#define SKILL                                                                                                \
    OBJECT("", TITLES AND("needs", REF("expr"))                                                              \
                   AND("rate", "{\"anyOf\":[" REF("int") ",{\"type\":\"string\",\"pattern\":\"^[0-9]+(/[0-9]+)?$\"}]}"))
#define POOL                                                                                                 \
    OBJECT("", "\"draw\":" OBJECT("\"when\"", "\"when\":" REF("expr"))                                       \
                   AND("backed", "{\"anyOf\":[" REF("duration") ",{\"const\":\"unlimited\"}]}"))
#define MATCH                                                                                                \
    OBJECT("", "\"time\":" REF("int") AND("distance", REF("int")) AND("rating", REF("int"))                  \
                   AND("fairness", REF("int")) AND("reach", REF("int")))

const char *const timebank_json_schema[] = {
    "{\"type\":\"object\",\"required\":[\"time_bank\",\"ledger\",\"skills\"],\"additionalProperties\":false,\"properties\":{",
    "\"time_bank\":" REF("name") "," TITLES,
    AND("unit", REF("text")) AND("ledger", REF("int")) AND("coin", REF("duration")),
    AND("rounding", WORDS("\"exact\",\"up_to_hour\"")) AND("cap", CAP) AND("negative", REF("duration")),
    AND("may_serve", REF("expr")) AND("may_redeem", REF("expr")) AND("draw_from", REF("int")) AND("pool", POOL),
    AND("gift", OBJECT("\"to\"", "\"to\":" REF("names") AND("kin", REF("name")))),
    AND("leaving", REF("names")) AND("inheritance", REF("names")) AND("group_hours", WORDS("\"own\",\"donated\"")),
    AND("skills", MAP_OF(SKILL)),
    AND("levels", MAP_OF(OBJECT("\"at\"", "\"title\":" REF("text") AND("at", REF("duration"))))),
    AND("match", MATCH) AND("check_in", OBJECT("", "\"within\":" REF("int"))) AND("confirm_within", REF("duration"))
        AND("answer_within", REF("duration")),
    "}}",
    NULL};
