/*
 * Statecharts written down in tests, an indented line for each thing:
 *
 *   p parallel              a state: NAME, NAME parallel|final|shallow|deep
 *     a
 *       +1 -2               entry and exit blocks of the state around
 *       ^ a.x,a.y !3        its initial states (a history's default) with a block
 *       > e f -> b ?4 !5    a transition: descriptors, targets, guard, block; `internal` at the end
 *       > -> b              eventless
 *       > e !6              targetless
 */
#ifndef GOV_TEST_CHART_TEXT_H
#define GOV_TEST_CHART_TEXT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chart/chart.h"

typedef struct chart_line {
    unsigned depth;
    char text[200];
} chart_line;

static inline const char *chart_next_line(const char *at, chart_line *line)
{
    size_t n = 0, len;

    if (*at == '\0')
        return NULL;
    while (at[n] == ' ')
        n++;
    line->depth = (unsigned)n / 2;
    len = strcspn(at + n, "\n");
    snprintf(line->text, sizeof line->text, "%.*s", (int)len, at + n);
    return at + n + len + (at[n + len] == '\n');
}

static inline bool chart_is_state(const chart_line *line)
{
    return line->text[0] != '\0' && strchr(">+-^", line->text[0]) == NULL;
}

static inline chart_kind chart_kind_named(const char *word)
{
    static const char *const words[] = {"", "parallel", "final", "shallow", "deep"};

    for (size_t i = 1; i < ARRAY_LEN(words); i++)
        if (strcmp(word, words[i]) == 0)
            return (chart_kind)i;
    return CHART_PLAIN;
}

static inline gov_status chart_text_states(chart_builder *b, const char *text, const diag *d)
{
    uint32_t open[CHART_MAX_DEPTH + 2] = {CHART_ROOT};
    uint32_t number = 0;
    chart_line line;
    gov_status status = GOV_OK;

    while (status == GOV_OK && (text = chart_next_line(text, &line)) != NULL) {
        char name[100] = "", kind[100] = "";
        const base_place place = {"chart", ++number, 1 + 2 * line.depth};

        if (!chart_is_state(&line))
            continue;
        sscanf(line.text, "%99s %99s", name, kind);
        status = chart_add_state(b,
                                 &(chart_state_def){.parent = open[line.depth],
                                                    .name = name,
                                                    .name_len = strlen(name),
                                                    .kind = chart_kind_named(kind),
                                                    .user = number,
                                                    .place = &place},
                                 &open[line.depth + 1], d);
    }
    return status;
}

/* A name that means nothing stands for the root, which no target may be. */
static inline size_t chart_text_targets(chart_builder *b, uint32_t from, bool inside, char *list,
                                        uint32_t out[8])
{
    size_t count = 0;

    for (char *t = list; *t != '\0' && count < 8;) {
        const size_t len = strcspn(t, ",");
        chart_found found = inside ? chart_resolve_inside(b, from, t, len, &out[count])
                                   : chart_resolve(b, from, t, len, &out[count], NULL);

        if (found != CHART_FOUND)
            out[count] = CHART_ROOT;
        count++;
        t += len + (t[len] == ',');
    }
    return count;
}

static inline gov_status chart_text_arrow(chart_builder *b, uint32_t source, chart_line *line,
                                          const base_place *place, const diag *d)
{
    chart_transition t = {.source = source,
                          .guard = CHART_NONE,
                          .block = CHART_NONE,
                          .place = place,
                          .user = place->line};
    chart_text events[8];
    uint32_t targets[8];
    bool arrow = false;

    for (char *w = strtok(line->text + 1, " "); w != NULL; w = strtok(NULL, " ")) {
        if (strcmp(w, "->") == 0)
            arrow = true;
        else if (strcmp(w, "internal") == 0)
            t.internal = true;
        else if (w[0] == '?')
            t.guard = (uint32_t)strtoul(w + 1, NULL, 10);
        else if (w[0] == '!')
            t.block = (uint32_t)strtoul(w + 1, NULL, 10);
        else if (arrow)
            t.target_count = chart_text_targets(b, source, false, w, targets);
        else
            events[t.event_count++] = (chart_text){w, strlen(w)};
    }
    t.events = events;
    t.targets = targets;
    return chart_add_transition(b, &t, NULL, d);
}

static inline gov_status chart_text_rest(chart_builder *b, uint32_t state, bool history,
                                         uint32_t parent, chart_line *line, const base_place *place,
                                         const diag *d)
{
    gov_status status = GOV_OK;
    char list[100] = "";
    unsigned block = CHART_NONE;
    uint32_t targets[8];

    if (line->text[0] == '>')
        return chart_text_arrow(b, state, line, place, d);
    if (line->text[0] == '^') {
        sscanf(line->text, "^ %99s !%u", list, &block);
        return chart_set_initial(b, state, targets,
                                 chart_text_targets(b, history ? parent : state, true, list,
                                                    targets),
                                 block, d);
    }
    for (char *w = strtok(line->text, " "); w != NULL && status == GOV_OK; w = strtok(NULL, " "))
        status = (w[0] == '+' ? chart_add_entry
                              : chart_add_exit)(b, state, (uint32_t)strtoul(w + 1, NULL, 10), d);
    return status;
}

static inline gov_status chart_text_details(chart_builder *b, const char *text, const diag *d)
{
    uint32_t open[CHART_MAX_DEPTH + 2] = {CHART_ROOT};
    bool history[CHART_MAX_DEPTH + 2] = {false};
    uint32_t next = 1, number = 0;
    chart_line line;
    gov_status status = GOV_OK;

    while (status == GOV_OK && (text = chart_next_line(text, &line)) != NULL) {
        const base_place place = {"chart", ++number, 1 + 2 * line.depth};

        if (chart_is_state(&line)) {
            open[line.depth + 1] = next++;
            history[line.depth + 1] =
                strstr(line.text, " deep") != NULL || strstr(line.text, " shallow") != NULL;
        } else if (line.text[0] != '\0') {
            status = chart_text_rest(b, open[line.depth], history[line.depth],
                                     line.depth > 0 ? open[line.depth - 1] : CHART_ROOT, &line,
                                     &place, d);
        }
    }
    return status;
}

static inline gov_status chart_from_text(const gov_allocator *a, const char *text, chart **out,
                                         const diag *d)
{
    chart_builder *b = NULL;
    gov_status status = chart_builder_new(a, &b, d);

    if (status == GOV_OK)
        status = chart_text_states(b, text, d);
    if (status == GOV_OK)
        status = chart_text_details(b, text, d);
    if (status == GOV_OK)
        status = chart_build(b, a, out, d);
    chart_builder_free(b);
    return status;
}

#endif
