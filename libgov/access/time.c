/* Times as people write them, in the community's time zone. */
#include "access/access.h"

#include <string.h>

gov_status gov_time_parse(gov *g, const char *text, int64_t *us, gov_error **err)
{
    const diag d = {g != NULL ? g->alloc : NULL, err};
    int64_t seconds, local;
    int32_t nanos = 0;
    if (g == NULL || text == NULL || us == NULL)
        return base_fail(&d, M_bad_argument,
                         A_S("what", g == NULL      ? "g"
                                     : text == NULL ? "text"
                                                    : "us"));
    const gov_status status = access_check(g, ACCESS_ANYONE, &d);
    if (status != GOV_OK)
        return status;
    const size_t len = strlen(text);
    if (base_parse_local(text, len, &local)) {
        if (base_zone_to_utc(g->rules->zone, local, &seconds) == BASE_LOCAL_SKIPPED)
            return base_fail(&d, M_time_skipped, A_S("text", text),
                             A_S("zone", base_zone_name(g->rules->zone)));
    } else if (!base_parse_rfc3339(text, len, &seconds, &nanos) || nanos % 1000 != 0) {
        return base_fail(&d, M_bad_time, A_S("text", text));
    }
    *us = seconds * BASE_US_PER_SECOND + nanos / 1000;
    return GOV_OK;
}

gov_status gov_time_format(gov *g, int64_t us, char **out, size_t *len, gov_error **err)
{
    const diag d = {g != NULL ? g->alloc : NULL, err};
    char text[40];
    base_buf buf;
    if (g == NULL || out == NULL)
        return base_fail(&d, M_bad_argument, A_S("what", g == NULL ? "g" : "out"));
    const gov_status status = access_check(g, ACCESS_ANYONE, &d);
    if (status != GOV_OK)
        return status;
    const int64_t rest = us % BASE_US_PER_SECOND;
    const int64_t seconds = us / BASE_US_PER_SECOND - (rest < 0);
    const int32_t nanos = (int32_t)((rest < 0 ? rest + BASE_US_PER_SECOND : rest) * 1000);
    const int32_t offset = base_zone_offset(g->rules->zone, seconds);
    /* 0001-01-01 to 9999-12-31 of local time */
    if (seconds + offset < INT64_C(-62135596800) || seconds + offset > INT64_C(253402300799))
        return base_fail(&d, M_overflow, A_S("what", "us"));
    const size_t n = base_format_rfc3339(seconds + offset, nanos, text) - 1; /* without the Z */
    const int minutes = (offset < 0 ? -offset : offset) / 60;
    base_buf_init(&buf, NULL); /* the caller frees it with gov_text_free() */
    base_buf_fmt(&buf, "%.*s%c%02d:%02d", (int)n, text, offset < 0 ? '-' : '+', minutes / 60,
                 minutes % 60);
    *out = base_buf_take(&buf, len);
    return *out != NULL ? GOV_OK : base_nomem(&d);
}
