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

/* Could a reader solve for a part that is left open? With one open part, yes. When all open ones are known to be 1 to 4,
 * also where their sum is the least or the most that so many can have. */
static bool solvable(const int64_t *parts, size_t n, const uint8_t *marks)
{
    int64_t open = 0, sum = 0;
    bool hidden = false;
    for (size_t i = 0; i < n; i++) {
        if (marks[i] == INSIGHT_PLAIN)
            continue;
        open++;
        sum += parts[i];
        hidden = hidden || marks[i] == INSIGHT_HIDDEN;
    }
    if (open == 0)
        return false;
    return open == 1 || (!hidden && (sum == open || sum == open * (INSIGHT_SMALL - 1)));
}

/* The smallest shown part that is not zero; else a zero; n: none is left. */
static size_t next_to_hide(const int64_t *parts, size_t n, const uint8_t *marks)
{
    size_t best = n;
    for (size_t i = 0; i < n; i++) {
        if (marks[i] != INSIGHT_PLAIN)
            continue;
        if (best == n || (parts[best] == 0 && parts[i] > 0) || (parts[i] > 0 && parts[i] < parts[best]))
            best = i;
    }
    return best;
}

void insight_mask_parts(const int64_t *parts, size_t n, int64_t total, bool total_shown, uint8_t *marks)
{
    for (size_t i = 0; i < n; i++)
        marks[i] = few(parts[i]) ? INSIGHT_FEW : INSIGHT_PLAIN;
    if (!total_shown || few(total))
        return;
    while (solvable(parts, n, marks)) {
        const size_t i = next_to_hide(parts, n, marks);
        if (i == n) { /* all are open: do not even say that they are few */
            memset(marks, INSIGHT_HIDDEN, n);
            return;
        }
        marks[i] = INSIGHT_HIDDEN;
    }
}

insight_mark insight_mask_rate(int64_t num, int64_t den)
{
    if (few(den))
        return INSIGHT_HIDDEN;
    return few(num) ? INSIGHT_FEW : few(den - num) ? INSIGHT_HIDDEN : INSIGHT_PLAIN;
}

void insight_mask_rates(const int64_t *nums, const int64_t *dens, size_t n, int64_t due, bool due_shown, uint8_t *den_marks,
                        uint8_t *marks)
{
    size_t open = 0, best = n;
    insight_mask_parts(dens, n, due, due_shown, den_marks);
    for (size_t i = 0; i < n; i++) {
        marks[i] = (uint8_t)insight_mask_rate(nums[i], dens[i]);
        if (den_marks[i] != INSIGHT_PLAIN)
            marks[i] = INSIGHT_HIDDEN;
        open += marks[i] != INSIGHT_PLAIN;
        if (marks[i] == INSIGHT_PLAIN && dens[i] > 0 && (best == n || dens[i] < dens[best]))
            best = i;
    }
    if (open == 1 && best < n)
        marks[best] = INSIGHT_HIDDEN;
}

void insight_mask_below(const int64_t *parts, size_t n, int64_t total, insight_mark total_mark, uint8_t *marks)
{
    insight_mask_parts(parts, n, total, total_mark == INSIGHT_PLAIN, marks);
    for (size_t i = 0; total_mark == INSIGHT_HIDDEN && i < n; i++)
        marks[i] = INSIGHT_HIDDEN;
}
