/* Exact numbers: ratios as they are written, and an amount divided by largest remainder. No floats, no store. */
#include "fund/fund.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A product of two 63-bit numbers. */
__extension__ typedef __int128 wide;

static int64_t common(int64_t a, int64_t b)
{
    while (b != 0) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* ---- ratios ---- */

static void lowest(fund_ratio *r)
{
    const int64_t by = common(r->num, r->den);
    if (by > 1) {
        r->num /= by;
        r->den /= by;
    }
}

/* Digits with at most one point among them, as num / 10^k. */
static bool decimal(const char *s, size_t len, fund_ratio *out)
{
    bool point = false;
    size_t digits = 0;
    *out = (fund_ratio){0, 1};
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '.' && !point && i > 0 && i + 1 < len) {
            point = true;
            continue;
        }
        if (s[i] < '0' || s[i] > '9' || !base_mul(out->num, 10, &out->num) || !base_add(out->num, s[i] - '0', &out->num))
            return false;
        digits++;
        if (point && !base_mul(out->den, 10, &out->den))
            return false;
    }
    return digits > 0 && out->den <= 1000000000;
}

bool fund_parse_ratio(const char *s, size_t len, fund_ratio *out)
{
    const char *slash = memchr(s, '/', len);
    if (slash != NULL) {
        const size_t head = (size_t)(slash - s);
        if (head == 0 || !base_parse_int(s, head, &out->num) || !base_parse_int(slash + 1, len - head - 1, &out->den) || out->num < 0 ||
            out->den < 1)
            return false;
    } else {
        const bool percent = len > 0 && s[len - 1] == '%';
        if (!decimal(s, len - percent, out) || (percent && !base_mul(out->den, 100, &out->den)))
            return false;
    }
    lowest(out);
    return true;
}

bool fund_ratio_of(value v, fund_ratio *out)
{
    char text[32];
    if (v.kind == VALUE_STRING)
        return fund_parse_ratio(v.as.s, v.len, out);
    if (v.kind == VALUE_INT && v.as.i >= 0) {
        *out = (fund_ratio){v.as.i, 1};
        return true;
    }
    return v.kind == VALUE_DOUBLE && fund_parse_ratio(text, base_format_double(v.as.d, text), out);
}

void fund_ratio_text(fund_ratio r, char out[48])
{
    int64_t scale = 1;
    int decimals = 0;
    while (decimals < 9 && scale % r.den != 0) {
        scale *= 10;
        decimals++;
    }
    if (scale % r.den != 0)
        (void)snprintf(out, 48, "%lld/%lld", (long long)r.num, (long long)r.den);
    else if (decimals == 0)
        (void)snprintf(out, 48, "%lld", (long long)(r.num / r.den));
    else
        (void)snprintf(out, 48, "%lld.%0*lld", (long long)(r.num / r.den), decimals, (long long)(r.num % r.den * (scale / r.den)));
}

bool fund_ratio_times(fund_ratio r, int64_t amount, int64_t *out)
{
    const wide product = (wide)r.num * amount / r.den;
    *out = (int64_t)product;
    return product >= 0 && product <= INT64_MAX;
}

int fund_ratio_compare(fund_ratio a, fund_ratio b)
{
    const wide left = (wide)a.num * b.den, right = (wide)b.num * a.den;
    return left < right ? -1 : left > right;
}

/* ---- dividing ---- */

static int by_rest(const void *a, const void *b)
{
    const fund_part *x = *(const fund_part *const *)a, *y = *(const fund_part *const *)b;
    if (x->rest != y->rest)
        return x->rest > y->rest ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank > y->rank ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

gov_status fund_split(int64_t total, fund_part *parts, size_t n, base_arena *arena, int64_t *weights, const diag *d)
{
    int64_t sum = 0, left = total;
    fund_part **order = base_arena_array(arena, n + 1, sizeof(fund_part *));
    if (order == NULL)
        return base_nomem(d);
    for (size_t i = 0; i < n; i++)
        if (parts[i].weight < 0 || !base_add(sum, parts[i].weight, &sum))
            return base_fail(d, M_overflow, A_S("what", "weights"));
    if (weights != NULL)
        *weights = sum;
    if (total < 0)
        return base_fail(d, M_overflow, A_S("what", "amount"));
    if (sum == 0 && total > 0)
        return base_fail(d, M_share_nobody, A_I("amount", total));
    for (size_t i = 0; i < n; i++) {
        const wide product = (wide)total * parts[i].weight;
        order[i] = &parts[i];
        parts[i].index = (uint32_t)i;
        parts[i].up = parts[i].tie = false;
        parts[i].share = sum > 0 ? (int64_t)(product / sum) : 0;
        parts[i].rest = sum > 0 ? (int64_t)(product % sum) : 0;
        left -= parts[i].share;
    }
    if (n > 0)
        qsort(order, n, sizeof(fund_part *), by_rest);
    /* What is left is less than one fen for each that has a remainder. */
    for (size_t i = 0; i < n && left > 0; i++, left--) {
        order[i]->up = true;
        order[i]->share++;
        if (left == 1 && i + 1 < n && order[i + 1]->rest == order[i]->rest)
            for (size_t k = 0; k < n; k++)
                order[k]->tie = order[k]->rest == order[i]->rest;
    }
    return GOV_OK;
}

int64_t fund_rate(int64_t total, int64_t count, int64_t k)
{
    const int64_t each = total / count;
    return k + 1 < count ? each : total - each * (count - 1);
}
