/* Room insight: what a community's cases come to, and the report that shows it.
 *
 *   tally     one pass over the cases of a period, in pages: plain counts (tally.c, places.c, judge.c)
 *   figures   the counts with titles, rates and masks, as one map: what gov_report() gives (figures.c, mask.c)
 *   pages     that map as text for a terminal (text.c) and as one HTML page (html.c, charts.c)
 *
 * The pages read nothing but the map. Every figure is defined in docs/report.md. All arithmetic is on integers. */
#ifndef INSIGHT_INSIGHT_H
#define INSIGHT_INSIGHT_H

#include "access/access.h"
#include "case/case.h"
#include "registry/registry.h"

#include <gov/insight.h>

/* sum, mean and percentile of lists, for the rules: functions.c */
extern const rulebook_host insight_words;

/* ---- small reckoning: reckon.c ---- */

/* Thousandths of num / den, halves up; den 0 gives 0. Neither is negative. */
int64_t insight_permille(int64_t num, int64_t den);
/* Nearest rank: the smallest value that at least `percent` in a hundred of the sorted values do not exceed; n > 0. */
int64_t insight_percentile(const int64_t *sorted, size_t n, int64_t percent);
void insight_sort(int64_t *values, size_t n); /* ascending */

int64_t insight_day(const base_zone *zone, int64_t us); /* local day since 1970 */
int64_t insight_month(int64_t day);                     /* year * 12 + month - 1 */
int64_t insight_month_start(int64_t month);             /* its first day */
int64_t insight_week(int64_t day);                      /* ISO weeks since the one of 1970-01-01 */
void insight_week_name(int64_t week, char out[16]);     /* "2026-W01" */
void insight_month_name(int64_t month, char out[16]);   /* "2026-03" */
void insight_time_name(const base_zone *zone, int64_t us, char out[24]); /* "2026-03-02 09:05", local */
/* Borders between five classes of shading: class 1 goes up to the first, and so on. From the percentiles of the counts above zero, which are
 * sorted by this, rounded to two digits. */
enum { INSIGHT_BREAKS = 4 };
void insight_breaks(int64_t *counts, size_t n, const int64_t percent[INSIGHT_BREAKS], int64_t out[INSIGHT_BREAKS]);
int insight_class(int64_t n, const int64_t breaks[INSIGHT_BREAKS]); /* 0 for none, 1..5 */

/* ---- the tally: tally.c, places.c, judge.c ---- */

typedef enum insight_fate {
    INSIGHT_UNTIMED, /* its clock never got a due instant */
    INSIGHT_ON_TIME, /* stopped by the due instant, in every round */
    INSIGHT_LATE,    /* stopped after it */
    INSIGHT_OVERDUE, /* past it and not stopped */
    INSIGHT_NOT_DUE, /* still has time */
    INSIGHT_ENDED,   /* the case ended in time without an answer that stops the clock (withdrawn) */
    INSIGHT_FATES
} insight_fate;

typedef struct insight_row {
    const char *key; /* text; or for things with an id its 8 bytes */
    size_t len;
    int64_t id;
    int64_t cases, closed;
    int64_t on_time, late, overdue; /* overdue ones are among the late */
    uint32_t *weeks;                /* categories only */
} insight_row;

typedef struct insight_rows {
    base_map map; /* key to index */
    insight_row *items;
    size_t count, cap;
} insight_rows;

typedef struct insight_month_row {
    int64_t opened, closed, on_time, late;
} insight_month_row;

typedef struct insight_place {
    int64_t first_id, first_us;
    uint32_t cases;
} insight_place;

typedef struct insight_indicator {
    const rulebook_indicator *rule;
    int64_t counts, of, undecided;
} insight_indicator;

typedef struct insight_tally {
    gov *g;
    base_arena arena; /* of what lasts as long as the tally */
    base_arena page;  /* of the cases at hand */

    /* What is asked. */
    const char *lang; /* "zh" or "en" */
    bool masked;      /* for publication */
    bool from_given, to_given;
    int64_t from_us, end_us; /* opened in [from, end) */
    int64_t at_us;           /* the instant that open cases are judged at */
    const char *lead_name;   /* the workflow that the sections are about; NULL: there is none */
    const rulebook_workflow *lead; /* NULL: the rulebook has it no more */
    const rulebook_clock *clock;   /* its first one; NULL: it has none */
    bool category_known, address_known; /* the fields are there and not sensitive */
    const char *point;                  /* name of the field of type point, likewise */

    /* What is found. */
    insight_rows workflows;                 /* all; the rest is about the lead alone */
    insight_rows outcomes;                  /* "WORKFLOW\0OUTCOME", all workflows */
    insight_rows categories, grids, units;  /* key "" or id 0: without one */
    int64_t opened, closed, fates[INSIGHT_FATES];
    int64_t month_base, month_count;
    insight_month_row *months;
    int64_t week_base, week_count;
    int64_t *lasted; /* seconds from opening to closing, one for each closed case */
    size_t lasted_count, lasted_cap;
    base_map place_map;
    insight_place *places;
    size_t place_count, place_cap;
    insight_indicator *indicators;
    size_t indicator_count;
} insight_tally;

enum { INSIGHT_MONTHS = 36, INSIGHT_WEEKS = 53, INSIGHT_CATEGORIES = 4096 };

/* A case as the pass reads it; everything lies in the page's memory. */
typedef struct insight_clock {
    const char *name, *account;
    size_t account_len;
    uint8_t state;
    int64_t origin_us, since_us, due_us, stopped_us, breached_us, unit, budget, used, extensions, extended;
    struct insight_clock *next;
} insight_clock;
typedef struct insight_case {
    int64_t id, rules, opened_us, closed_us, grid, unit, staff, reporter, parent;
    const char *number, *workflow, *state, *outcome;
    size_t state_len;
    value doc;
    insight_clock *clocks;
} insight_case;

void insight_tally_init(insight_tally *t, gov *g);
void insight_tally_free(insight_tally *t);
gov_status insight_tally_run(insight_tally *t, const gov_report_options *o, const diag *d);

/* The clock's verdict on one case at `at_us`, nothing from `end_us` on being known. */
insight_fate insight_fate_of(const insight_clock *c, int64_t closed_us, int64_t end_us, int64_t at_us, bool late_before);
gov_status insight_late_before(insight_tally *t, const insight_clock *c, bool *late, const diag *d); /* in a round that was reset */

gov_status insight_judge_prepare(insight_tally *t, const diag *d);
gov_status insight_judge(insight_tally *t, const insight_case *c, const diag *d);

/* The text of a category, "" for none; memory of the page. */
gov_status insight_category(insight_tally *t, const insight_case *c, const char **text, size_t *len, const diag *d);
gov_status insight_place_add(insight_tally *t, const insight_case *c, const diag *d);
typedef struct insight_repeat {
    int64_t grid, first_us, cases;
    const char *category, *place; /* place: address or coordinates, "" for publication */
} insight_repeat;
/* Places with two cases or more of one category, most first; *all and *all_cases count all of them. Memory of the tally. */
gov_status insight_repeats(insight_tally *t, insight_repeat *out, size_t cap, size_t *count, int64_t *all, int64_t *all_cases,
                           const diag *d);

/* ---- masks: mask.c ---- */

enum { INSIGHT_SMALL = 5 }; /* counts from 1 to 4 are not published */
typedef enum insight_mark {
    INSIGHT_PLAIN,
    INSIGHT_FEW,   /* 1 to 4: shown as "<5" */
    INSIGHT_HIDDEN /* withheld, few or not, so that no small count can be reckoned from a sum: shown as "*" */
} insight_mark;

/* Marks the parts of a total. When the total is published, what is left open must not follow from it: at least two parts are
 * left open then, and so that the values of the open parts could as well belong to one another. */
void insight_mask_parts(const int64_t *parts, size_t n, int64_t total, bool total_shown, uint8_t *marks);
/* Marks also those parts whose whole minus part is few: two columns side by side are a sum as well. A zero stays. */
void insight_mask_rest(const int64_t *wholes, const uint8_t *whole_marks, const int64_t *parts, size_t n, int64_t *rests,
                       uint8_t *rest_marks, uint8_t *marks);
/* A rate by itself: may its numerator be shown? FEW or HIDDEN mean that the quotient is not shown either. */
insight_mark insight_mask_rate(int64_t num, int64_t den);
/* A column of rates, num of den of whole; rests is room for n numbers. */
typedef struct insight_rates {
    size_t n;
    int64_t *nums, *dens, *wholes, *rests;
    uint8_t *whole_marks, *den_marks, *marks; /* whole_marks are given, the others found */
} insight_rates;
/* Numerators and denominators add up to published sums, and denominators to the wholes beside them: never one alone is left open. */
void insight_mask_rates(const insight_rates *r, int64_t due, bool due_shown);
/* The parts of a total that is itself marked: where it is hidden, so are they. */
void insight_mask_below(const int64_t *parts, size_t n, int64_t total, insight_mark total_mark, uint8_t *marks);
value insight_count(int64_t n, insight_mark mark); /* an int, "<5" or "*" */

/* ---- the map: figures.c, sections.c, grids.c ---- */

/* Everything from the tally's memory. drawing: with the grids' outlines, for the HTML page. */
gov_status insight_figures(insight_tally *t, bool drawing, value *out, const diag *d);

/* One line of a list that is ordered by its counts. */
typedef struct insight_line {
    const char *key, *title;
    const insight_row *row; /* NULL: nothing was counted */
    int64_t cases;
    uint8_t mark;
} insight_line;
/* Most cases first, then by key, what has no key last; what is masked after all that, by key alone, so that its place says nothing. */
void insight_rank(insight_line *lines, size_t n);
/* Marks `cases` of the lines as parts of `total` (where figures are masked at all). */
gov_status insight_mask_lines(insight_tally *t, insight_line *lines, size_t n, int64_t total, const diag *d);

gov_status insight_deadline_figures(insight_tally *t, value_builder *b, const diag *d);
gov_status insight_category_figures(insight_tally *t, value_builder *b, const diag *d);
gov_status insight_unit_figures(insight_tally *t, value_builder *b, const diag *d);
gov_status insight_month_figures(insight_tally *t, value_builder *b, const diag *d);
gov_status insight_grid_figures(insight_tally *t, bool drawing, value_builder *b, const diag *d);
gov_status insight_repeat_figures(insight_tally *t, value_builder *b, const diag *d);
gov_status insight_program_figures(insight_tally *t, value_builder *b, const diag *d);

void insight_put(value_builder *b, const char *key, const char *text);
void insight_put_rate(value_builder *b, int64_t num, int64_t den, insight_mark mark); /* "permille"; den 0: null */
insight_mark insight_few(const insight_tally *t, int64_t n); /* of a count by itself */
void insight_add_map(value_builder *list, const value_builder *map); /* failure included */
/* Marks of the overall deadline figures, which others are parts of. */
typedef struct insight_due_marks {
    int64_t due;
    uint8_t groups[4]; /* due, not due, ended, untimed */
    uint8_t on_time, late, late_done, overdue;
} insight_due_marks;
void insight_put_breaks(insight_tally *t, value_builder *b, const int64_t breaks[INSIGHT_BREAKS]); /* "breaks" */

/* ---- words: words.c, words.def ---- */

typedef enum insight_word {
#define WORD(name, en, zh) W_##name,
#include "insight/words.def"
#undef WORD
    W_COUNT_
} insight_word;
typedef struct insight_writer {
    base_buf *out;
    value figures;
    bool zh;
} insight_writer;
const char *insight_say(const insight_writer *w, insight_word word);
void insight_write_number(base_buf *out, int64_t n);          /* 58,251 */
void insight_write_count(base_buf *out, value count);         /* the same, "<5" or "*" */
void insight_write_percent(base_buf *out, value permille);    /* 90.4%, or a dash */
void insight_write_signed_points(base_buf *out, int64_t permille); /* +3.2 */
void insight_write_span(const insight_writer *w, base_buf *out, value seconds); /* 3 d 4 h */
/* Columns that a text takes on a terminal: two for East Asian wide characters, none for combining marks. */
size_t insight_width(const char *s, size_t len);
/* Outside text without what could steer a terminal or turn the writing direction. */
void insight_write_safe(base_buf *out, const char *s, size_t len);
void insight_write_escaped(base_buf *out, const char *s, size_t len); /* the same, for HTML text and attributes */

/* Members of the figures, for the pages. */
value insight_in(value map, const char *path); /* "on_time.permille"; absent when there is none */
int64_t insight_int(value map, const char *path); /* 0 when it is no int */
const char *insight_text(value map, const char *path, size_t *len); /* "" when it is no text */

/* ---- the pages: text.c, html.c, charts.c, style.c ---- */

/* False when memory ran out (also noted in the buffer). */
bool insight_write_text(base_buf *out, value figures);
bool insight_write_html(base_buf *out, value figures);

void insight_write_style(base_buf *out);
/* `title`, else `key`, else a word for none; the first `top` of the rows, the rest as one. */
void insight_chart_bars(const insight_writer *w, value rows, const char *title, const char *key, insight_word head,
                        insight_word none, size_t top);
void insight_chart_fates(const insight_writer *w);
void insight_chart_closing(const insight_writer *w);
/* "up to 3 d": the label of step i of the time to close. */
void insight_write_step(const insight_writer *w, base_buf *out, value steps, size_t i);
void insight_chart_months(const insight_writer *w);
void insight_chart_weeks(const insight_writer *w);
void insight_chart_map(const insight_writer *w);
void insight_h(const insight_writer *w, const char *markup); /* our own markup, as it stands */
void insight_w(const insight_writer *w, insight_word word);
void insight_e(const insight_writer *w, value map, const char *path); /* outside text, escaped */

#endif
