/* The sections as editors know them: their parts of the JSON Schema. What sections.c reads, and what this says, tests/checks/schema.py
 * compares. */
#include "fund/fund.h"

#define REF(name) "{\"$ref\":\"#/$defs/" name "\"}"
#define OBJECT(required, properties) \
    "{\"type\":\"object\",\"required\":[" required "],\"additionalProperties\":false,\"properties\":{" properties "}}"
#define MAP_OF(shape) "{\"type\":\"object\",\"propertyNames\":" REF("name") ",\"additionalProperties\":" shape "}"
#define WORDS(list) "{\"enum\":[" list "]}"
#define TITLES "\"title\":" REF("text") ",\"description\":" REF("text")
#define ROLL "\"roll\":" WORDS("\"none\",\"next_working_day\"")

#define PURPOSE OBJECT("", TITLES ",\"limit\":" REF("expr") ",\"per\":" WORDS("\"ever\",\"year\",\"month\""))
#define GOOD OBJECT("", TITLES ",\"unit\":" REF("text"))
const char *const fund_json_fund[] = {
    OBJECT("\"fund\",\"ledger\",\"purposes\"", "\"fund\":" REF("name") "," TITLES ",\"ledger\":" REF("int") ",\"contributions\":"
           WORDS("\"voluntary\"") ",\"at_most\":" REF("expr") ",\"purposes\":" MAP_OF(PURPOSE) ",\"goods\":" MAP_OF(GOOD)),
    NULL};

#define COEFFICIENTS "{\"type\":\"object\",\"propertyNames\":{\"pattern\":\"^-?[0-9]+$\"},\"additionalProperties\":" REF("expr") "}"
const char *const fund_json_share[] = {
    "{\"type\":\"object\",\"required\":[\"cost_share\",\"ledger\",\"by\"],\"additionalProperties\":false,\"properties\":{",
    "\"cost_share\":" REF("name") "," TITLES ",\"ledger\":" REF("int") ",\"by\":" WORDS("\"area\",\"floor\",\"unit\""),
    ",\"coefficients\":" COEFFICIENTS ",\"times_area\":" REF("bool"),
    ",\"instalments\":" OBJECT("", "\"at_most\":" REF("expr") "," ROLL),
    ",\"lease\":" OBJECT("\"rent\",\"months\"", "\"rent\":" REF("expr") ",\"months\":" REF("expr")),
    ",\"relief\":" OBJECT("", "\"when\":" REF("expr") ",\"at_most\":" REF("expr") ",\"instalments\":" REF("expr")),
    "}}",
    NULL};

const char *const fund_json_grant[] = {
    OBJECT("\"grant\",\"ledger\",\"notice\"", "\"grant\":" REF("name") "," TITLES ",\"ledger\":" REF("int") ",\"at_most\":" REF("expr")
           ",\"notice\":" REF("duration") "," ROLL),
    NULL};

#define KPI                                                                                                                         \
    OBJECT("\"deduct\"", TITLES ",\"at_least\":" REF("expr") ",\"at_most\":" REF("expr") ",\"deduct\":" REF("expr"))
#define CHECKS                                                                                                                      \
    OBJECT("\"every\",\"for\",\"day_off\"", "\"every\":" WORDS("\"day\",\"week\",\"month\"") ",\"for\":" REF("duration") ",\"day_off\":" \
           WORDS("\"keep\",\"move\",\"skip\""))
const char *const fund_json_contract[] = {
    OBJECT("\"contract\"", "\"contract\":" REF("name") "," TITLES ",\"rise\":" REF("expr") ",\"payment\":" REF("expr") ",\"kpis\":" MAP_OF(KPI)
           ",\"checks\":" CHECKS),
    NULL};
