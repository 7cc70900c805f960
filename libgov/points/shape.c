/* The section as editors know it: its part of the JSON Schema. What section.c reads, and what this says, tests/checks/schema.py compares. */
#include "points/points.h"

#define REF(name) "{\"$ref\":\"#/$defs/" name "\"}"
#define OBJECT(required, properties)                                                                         \
    "{\"type\":\"object\",\"required\":[" required "],\"additionalProperties\":false,\"properties\":{" properties "}}"
#define MAP_OF(shape) "{\"type\":\"object\",\"propertyNames\":" REF("name") ",\"additionalProperties\":" shape "}"
#define WORDS(list) "{\"enum\":[" list "]}"

#define CAP OBJECT("\"per\",\"amount\"", "\"per\":" WORDS("\"ever\",\"day\",\"week\",\"month\",\"year\",\"case\"") ",\"amount\":" REF("expr"))
#define CAPS "\"cap\":{\"anyOf\":[" CAP ",{\"type\":\"array\",\"items\":" CAP "}]},\"over_cap\":" WORDS("\"cut\",\"refuse\"")
#define TITLES "\"title\":" REF("text") ",\"description\":" REF("text")
#define RULE                                                                                                             \
    TITLES ",\"amount\":" REF("expr") ",\"when\":" REF("expr") ",\"account\":" REF("expr") ",\"on\":"                     \
        OBJECT("\"workflow\"", "\"workflow\":" REF("name") ",\"event\":" REF("event_name") ",\"outcome\":" REF("name"))
#define EARN OBJECT("", RULE "," CAPS)
#define DEDUCT                                                                                                          \
    OBJECT("", RULE ",\"evidence\":" WORDS("\"required\",\"optional\"") ",\"if_short\":"                                 \
               WORDS("\"refuse\",\"empty\",\"owe\"") ",\"appeal\":" OBJECT("\"within\"", "\"within\":" REF("duration")))
#define EXPIRES                                                                                                          \
    "{\"anyOf\":[" REF("duration") "," OBJECT("\"after\"", "\"after\":" REF("duration") ",\"notice\":" REF("duration")    \
                                                  ",\"template\":" REF("name")) "]}"
#define TIERS                                                                                                            \
    OBJECT("\"levels\"", "\"counts\":" REF("duration") ",\"levels\":"                                                     \
                             MAP_OF(OBJECT("\"from\"", "\"title\":" REF("text") ",\"from\":" REF("expr"))))
#define ITEM                                                                                                             \
    OBJECT("\"price\"", TITLES ",\"price\":" REF("expr") ",\"stock\":{\"anyOf\":[" REF("int") ",{\"const\":\"unlimited\"}]}," \
                               "\"per_holder\":{\"anyOf\":[" REF("expr") "," CAP "]},\"fulfil_within\":" REF("duration")    \
                               ",\"service\":" REF("name"))

#define IN_THE_MIDDLE(name, shape) ",\"" name "\":" shape

const char *const points_json_schema[] = {
    "{\"type\":\"object\",\"required\":[\"points\",\"ledger\",\"holder\"],\"additionalProperties\":false,\"properties\":{",
    "\"points\":" REF("name") "," TITLES,
    IN_THE_MIDDLE("unit", REF("text")) IN_THE_MIDDLE("ledger", REF("int")) IN_THE_MIDDLE("goods", REF("int")),
    IN_THE_MIDDLE("holder", WORDS("\"household\",\"resident\",\"both\"")),
    IN_THE_MIDDLE("transferable", WORDS("\"no\",\"within_household\",\"anyone\"")),
    IN_THE_MIDDLE("expires", EXPIRES),
    IN_THE_MIDDLE("earn", MAP_OF(EARN)),
    IN_THE_MIDDLE("deduct", MAP_OF(DEDUCT)),
    "," CAPS,
    IN_THE_MIDDLE("tiers", TIERS),
    IN_THE_MIDDLE("top", OBJECT("", "\"most\":" REF("int") ",\"consent\":" REF("name"))),
    IN_THE_MIDDLE("catalogue", MAP_OF(ITEM)),
    "}}",
    NULL};
