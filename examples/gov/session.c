/* Opening a store and a community, and acting on it as the options say. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

int store_open(cli *c, const char *url, uint32_t flags, gov_store **out)
{
    gov_options options;
    gov_error *err = NULL;
    gov_options_init(&options, sizeof options);
    options.flags = flags;
    gov_status status = gov_store_open(url, &options, out, &err);
    if (status == GOV_E_READONLY && flags == 0) { /* it can be read still; who would write is told then */
        gov_error_free(err);
        err = NULL;
        options.flags = GOV_OPEN_READONLY;
        status = gov_store_open(url, &options, out, &err);
    }
    return status == GOV_OK ? EXIT_DONE : fail_with(c, status, err);
}

/* "case open" is recorded as case_open. */
static void purpose_of(const command *cmd, char out[64])
{
    snprintf(out, 64, "%s", cmd->name);
    for (char *p = out; *p != '\0'; p++)
        if (*p == ' ')
            *p = '_';
}

static gov_status set_actor(session *s, const args *a, gov_error **err)
{
    char name[64];
    const char *purpose = args_value(a, "purpose");
    if (purpose == NULL) {
        purpose_of(s->c->command, name);
        purpose = name;
    }
    if (args_has(a, "as"))
        return gov_act_as(s->g, args_value(a, "as"), purpose, err);
    if (args_has(a, "as-resident"))
        return gov_act_as_resident(s->g, args_value(a, "as-resident"), purpose, err);
    return gov_act_as_host(s->g, purpose, err);
}

int session_time(session *s, const char *word, int64_t *us)
{
    gov_error *err = NULL;
    const gov_status status = gov_time_parse(s->g, word, us, &err);
    return status == GOV_OK ? EXIT_DONE : fail_with(s->c, status, err);
}

/* --now: a time, or "replayed" for the instant where the last import left the clock. */
static int set_clock(session *s, const char *word)
{
    gov_error *err = NULL;
    int64_t us = -1;
    if (strcmp(word, "replayed") == 0) {
        const gov_status status = gov_replayed_until(s->g, &us, &err);
        if (status != GOV_OK)
            return fail_with(s->c, status, err);
        if (us < 0)
            return usage_error(s->c, "%s",
                               T(s->c, "--now replayed: nothing was replayed here",
                                 "--now replayed：这里没有重放过数据"));
    } else {
        const int code = session_time(s, word, &us);
        if (code != EXIT_DONE)
            return code;
    }
    const gov_status status = gov_set_now(s->g, us, &err);
    return status == GOV_OK ? EXIT_DONE : fail_with(s->c, status, err);
}

int session_open(cli *c, const args *a, uint32_t flags, session *s)
{
    gov_error *err = NULL;
    *s = (session){.c = c};
    if (args_has(a, "as") && args_has(a, "as-resident"))
        return usage_error(c, "%s",
                           T(c, "--as and --as-resident exclude each other",
                             "--as 与 --as-resident 不能同时使用"));
    int code = store_open(c, a->words[0], flags, &s->store);
    if (code != EXIT_DONE)
        return code;
    gov_status status = gov_attach(s->store, args_value(a, "community"), &s->g, &err);
    if (status == GOV_OK)
        status = set_actor(s, a, &err);
    code = status == GOV_OK ? EXIT_DONE : fail_with(c, status, err);
    if (code == EXIT_DONE && args_has(a, "now"))
        code = set_clock(s, args_value(a, "now"));
    if (code != EXIT_DONE)
        session_close(s);
    return code;
}

void session_close(session *s)
{
    gov_free(s->g);
    gov_store_free(s->store);
    s->g = NULL;
    s->store = NULL;
}

static bool all_digits(const char *s)
{
    for (const char *p = s; *p != '\0'; p++)
        if (*p < '0' || *p > '9')
            return false;
    return s[0] != '\0' && strlen(s) <= 19;
}

/* Ids have 18 or 19 digits; no office numbers its cases that far, and then the id wins. */
int case_named(session *s, const args *a, const char *word, int64_t *id)
{
    gov_error *err = NULL;
    const char *source = args_value(a, "source");
    const bool digits = source == NULL && all_digits(word);
    if (digits && strlen(word) >= 16) {
        const uint64_t n = strtoull(word, NULL, 10);
        *id = n <= INT64_MAX ? (int64_t)n : INT64_MAX;
        return EXIT_DONE;
    }
    const gov_status status = gov_case_find(s->g, source, word, id, &err);
    if (status == GOV_E_NOT_FOUND &&
        digits) { /* short ids are found in tests of other clocks only */
        gov_error_free(err);
        *id = (int64_t)strtoull(word, NULL, 10);
        return EXIT_DONE;
    }
    return status == GOV_OK ? EXIT_DONE : fail_with(s->c, status, err);
}
