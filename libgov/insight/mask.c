/* Small counts are not published, and what is published must not give them away. */
#include "insight/insight.h"

#include <string.h>

static bool few(int64_t n)
{
    return n > 0 && n < INSIGHT_SMALL;
}

value insight_count(int64_t n, insight_mark mark)
{
    return mark == INSIGHT_PLAIN ? value_int(n) : value_string(mark == INSIGHT_FEW ? "<5" : "*", mark == INSIGHT_FEW ? 2 : 1);
}

/* Too few solutions are left for the parts that are open. One open part follows from the total. Where all of them are known
 * to be 1 to 4, a sum next to the least or the most that so many can have leaves (nearly) one solution; once another part is
 * open with them, they cannot be told apart. */
static bool tight(const int64_t *parts, size_t n, const uint8_t *marks)
{
    int64_t open = 0, sum = 0;
    bool other = false;
    for (size_t i = 0; i < n; i++) {
        if (marks[i] == INSIGHT_PLAIN)
            continue;
        open++;
        sum += parts[i];
        other = other || !few(parts[i]);
    }
    if (open == 0)
        return false;
    return open == 1 || (!other && (sum <= open + 1 || sum >= open * (INSIGHT_SMALL - 1) - 1));
}

/* Withholds the smallest shown part that is not zero, else the zeros; all of that size, so that the choice says nothing about
 * positions. False: none is left. */
static bool withhold_next(const int64_t *parts, size_t n, uint8_t *marks)
{
    int64_t least = -1;
    for (size_t i = 0; i < n; i++)
        if (marks[i] == INSIGHT_PLAIN && (least <= 0 || (parts[i] > 0 && parts[i] < least)))
            least = parts[i];
    for (size_t i = 0; i < n; i++)
        if (marks[i] == INSIGHT_PLAIN && parts[i] == least)
            marks[i] = INSIGHT_HIDDEN;
    return least >= 0;
}

/* Beside a part that is withheld "<5" would tell which one it is: then all say "*". */
static void one_sign(uint8_t *marks, size_t n)
{
    bool hidden = false;
    for (size_t i = 0; i < n; i++)
        hidden = hidden || marks[i] == INSIGHT_HIDDEN;
    for (size_t i = 0; hidden && i < n; i++)
        marks[i] = marks[i] != INSIGHT_PLAIN ? INSIGHT_HIDDEN : INSIGHT_PLAIN;
}

void insight_mask_parts(const int64_t *parts, size_t n, int64_t total, bool total_shown, uint8_t *marks)
{
    for (size_t i = 0; i < n; i++)
        marks[i] = few(parts[i]) ? INSIGHT_FEW : INSIGHT_PLAIN;
    if (!total_shown || few(total))
        return;
    while (tight(parts, n, marks))
        if (!withhold_next(parts, n, marks)) { /* all are open: do not even say that they are few */
            memset(marks, INSIGHT_HIDDEN, n);
            return;
        }
    one_sign(marks, n);
}

void insight_mask_rest(const int64_t *wholes, const uint8_t *whole_marks, const int64_t *parts, size_t n, int64_t *rests,
                       uint8_t *rest_marks, uint8_t *marks)
{
    int64_t total = 0;
    for (size_t i = 0; i < n; i++) {
        rests[i] = wholes[i] - parts[i];
        total += rests[i];
    }
    insight_mask_parts(rests, n, total, true, rest_marks);
    for (size_t i = 0; i < n; i++)
        if (parts[i] > 0 && (rest_marks[i] != INSIGHT_PLAIN || few(rests[i]) || whole_marks[i] != INSIGHT_PLAIN))
            marks[i] = INSIGHT_HIDDEN;
    one_sign(marks, n);
}

insight_mark insight_mask_rate(int64_t num, int64_t den)
{
    if (few(den))
        return INSIGHT_HIDDEN;
    return few(num) ? INSIGHT_FEW : few(den - num) ? INSIGHT_HIDDEN : INSIGHT_PLAIN;
}

void insight_mask_rates(const insight_rates *r, int64_t due, bool due_shown)
{
    size_t open = 0, best = r->n;
    insight_mask_parts(r->dens, r->n, due, due_shown, r->den_marks);
    insight_mask_rest(r->wholes, r->whole_marks, r->dens, r->n, r->rests, r->marks, r->den_marks);
    for (size_t i = 0; i < r->n; i++) {
        r->marks[i] = (uint8_t)insight_mask_rate(r->nums[i], r->dens[i]);
        if (r->den_marks[i] != INSIGHT_PLAIN)
            r->marks[i] = INSIGHT_HIDDEN;
        open += r->marks[i] != INSIGHT_PLAIN;
        if (r->marks[i] == INSIGHT_PLAIN && r->dens[i] > 0 && (best == r->n || r->dens[i] < r->dens[best]))
            best = i;
    }
    if (open == 1 && best < r->n)
        r->marks[best] = INSIGHT_HIDDEN;
    one_sign(r->marks, r->n);
}

void insight_mask_below(const int64_t *parts, size_t n, int64_t total, insight_mark total_mark, uint8_t *marks)
{
    insight_mask_parts(parts, n, total, total_mark == INSIGHT_PLAIN, marks);
    for (size_t i = 0; total_mark == INSIGHT_HIDDEN && i < n; i++)
        marks[i] = INSIGHT_HIDDEN;
}
