/* The order of values by a second method: not by words of an index, nor by the store. */
#ifndef GOV_TEST_ORDER_H
#define GOV_TEST_ORDER_H

#include <gov.h>

#include <string.h>

static inline int order_texts(const gov_value *a, const gov_value *b)
{
    size_t x, y;
    const char *s = gov_value_string(a, &x), *t = gov_value_string(b, &y);
    const int bytes = memcmp(s, t, x < y ? x : y); /* of UTF-8: the order of code points */
    return bytes != 0 ? bytes : (x > y) - (x < y);
}

static inline int order_values(const gov_value *a, const gov_value *b)
{
    int32_t na = 0, nb = 0;
    switch (gov_value_kind(a)) {
    case GOV_VALUE_BOOL: return gov_value_bool(a) - gov_value_bool(b);
    case GOV_VALUE_INT:
        return (gov_value_int(a) > gov_value_int(b)) - (gov_value_int(a) < gov_value_int(b));
    case GOV_VALUE_DOUBLE:
        return (gov_value_double(a) > gov_value_double(b)) - (gov_value_double(a) < gov_value_double(b));
    case GOV_VALUE_TIMESTAMP: {
        const int64_t x = gov_value_seconds(a, &na), y = gov_value_seconds(b, &nb);
        return x != y ? (x > y) - (x < y) : (na > nb) - (na < nb);
    }
    default: return order_texts(a, b);
    }
}

static inline bool order_has(const gov_value *v)
{
    return v != NULL && gov_value_kind(v) != GOV_VALUE_NULL;
}

/* Of rows of a list: those without a value last, ties by id, both turned round when descending. */
static inline int order_rows(const gov_value *a, int64_t id_a, const gov_value *b, int64_t id_b, bool descending)
{
    const int ids = (id_a > id_b) - (id_a < id_b), way = descending ? -1 : 1;
    if (order_has(a) != order_has(b))
        return order_has(a) ? -1 : 1;
    const int values = order_has(a) ? order_values(a, b) : 0;
    return way * (values != 0 ? values : ids);
}

#endif
