/* Clocks that live through whatever may happen to them, in any order, beside a plain model that counts minute by minute and day by day.
 *
 * The model knows neither accounts nor stretches nor a calendar's arithmetic: it walks. Each case has three clocks - working hours of
 * its holder, working days and plain hours of the case - and a timer that follows the first. What the community shows of
 * each has to be what the model has, at every step, and all of it verifies. */
#include "support/community.h"

#include <stdio.h>
#include <string.h>

enum { HOURS, DAYS, PLAIN, CLOCKS };
enum { HALF, OVER, AFTER, MARKS };
enum { IDLE, RUNNING, PAUSED, STOPPED };
enum { LIVES = 40, STEPS = 420, MOST_COUNTED = 16384 };
#define NEVER INT64_MAX
#define DAY ((int64_t)1440)

/* ---- the rules ---- */

#define RULES(...) RULES_OF(__VA_ARGS__)
#define RULES_OF(VERSION, YEARS, MIGRATE, HOURS_, DAYS_, PLAIN_)                                                                  \
    "rulebook: lives\nversion: '" VERSION "'\ntime_zone: Asia/Shanghai\ncalendar: cn\n"                                         \
    "---\ncalendar: cn\nhours: {mon-fri: ['09:00-12:00', '13:30-17:30']}\n"                                                     \
    "years: {2026: {off: [2026-10-01..2026-10-07], work: [2026-10-10]}" YEARS "}\n"                                             \
    "---\nworkflow: job\n" MIGRATE                                                                                             \
    "fields: {half: {type: int, default: 0}, over: {type: int, default: 0}, after: {type: int, default: 0}, waited: {type: int, default: 0}}\n" \
    "events: {pause: {}, resume: {}, stop: {}, again: {}, extend: {}, hand: {input: {unit: {type: unit, required: true}}}}\n"   \
    "clocks:\n"                                                                                                                \
    "  hours: {starts: [both.work.busy], stops: [both.work.idle], again: resume, per: holder, budget: " HOURS_ ", paused_in: [both.work.waiting],\n" \
    "          marks: {50%: half, 100%: over, +2 working hours: after}, extend: {event: extend, amount: 1 working hour, times: 3}}\n" \
    "  days: {starts: [both.work.busy], stops: [both.work.idle], again: reset, budget: " DAYS_ ", paused_in: [both.work.waiting],\n" \
    "         extend: {event: extend, amount: 1 working day}}\n"                                                               \
    "  plain: {starts: [both.work.busy], stops: [stop], again: resume, budget: " PLAIN_ ", paused_in: [both.work.waiting],\n" \
    "          extend: {event: extend, amount: 5 hours}}\n"                                                                    \
    "on:\n"                                                                                                                    \
    "  hand: {do: [{assign: {unit: event.data.unit}}]}\n"                                                                      \
    "  half: {do: [{set: {half: case.half + 1}}]}\n"                                                                           \
    "  over: {do: [{set: {over: case.over + 1}}]}\n"                                                                           \
    "  after: {do: [{set: {after: case.after + 1}}]}\n"                                                                        \
    "states:\n"                                                                                                                \
    "  both:\n"                                                                                                                \
    "    parallel: true\n"                                                                                                     \
    "    states:\n"                                                                                                            \
    "      watch: {states: {open: {after: {at: clocks.hours.due, do: [{set: {waited: case.waited + 1}}]}}}}\n"                   \
    "      work:\n"                                                                                                            \
    "        states:\n"                                                                                                        \
    "          busy: {on: {pause: waiting, stop: idle}}\n"                                                                      \
    "          waiting: {on: {resume: busy, stop: idle}}\n"                                                                     \
    "          idle: {on: {again: busy}}\n"

#define YEAR_2027 ", 2027: {off: [2027-01-01..2027-01-04], work: [2027-01-09]}"
#define KEEP "migrate: {from: '1', timers: keep}\n"
#define ANEW "migrate: {from: '1', timers: recompute}\n"
#define OLD "10 working hours", "4 working days", "30 hours"
#define NEW "12 working hours", "5 working days", "44 hours"

static const char first[] = RULES("1", "", "", OLD), with_year[] = RULES("1y", YEAR_2027, "", OLD);
/* By how they take cases over, and by whether the year is there. */
static const char *const second[2][2] = {{RULES("2", "", KEEP, NEW), RULES("2y", YEAR_2027, KEEP, NEW)},
                                         {RULES("2", "", ANEW, NEW), RULES("2y", YEAR_2027, ANEW, NEW)}};
static const int64_t bases[2][CLOCKS] = {{600, 4, 1800}, {720, 5, 2640}}, more[CLOCKS] = {60, 1, 300};

/* ---- the days, in minutes since 1 January 2026, a Thursday ---- */

static int64_t date(int month, int day) /* month 13: January 2027 */
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    return before[month - 1] + day - 1;
}

static bool is_working_day(int64_t day, bool year_is_there)
{
    const bool weekend = (day + 3) % 7 >= 5; /* Monday is 0 */
    if (day >= date(10, 1) && day <= date(10, 7))
        return false;
    if (day == date(10, 10) || (year_is_there && day == date(13, 9)))
        return true;
    if (year_is_there && day >= date(13, 1) && day <= date(13, 4))
        return false;
    return !weekend;
}

static bool is_working_minute(int64_t t, bool year_is_there)
{
    const int64_t m = t % DAY;
    return ((m >= 540 && m < 720) || (m >= 810 && m < 1050)) && is_working_day(t / DAY, year_is_there);
}

/* ---- the model ---- */

typedef struct clock_model {
    int kind, state;
    int64_t origin, since, due; /* due: NEVER while nobody can say */
    int64_t used, budget, extended;
    int extensions;
    bool breached, resumes, per_holder;
    bool fired[MARKS];
    int64_t mark[MARKS]; /* when it comes; NEVER: it does not */
    int count[MARKS];
    int64_t reached[MOST_COUNTED]; /* when so much was used */
} clock_model;

typedef struct life {
    int64_t id, now, wait;
    int waited, holder, regime;
    clock_model clock[CLOCKS];
} life;

typedef struct world {
    community c;
    support_store *store;
    life lives[LIVES];
    int count, regime;
    int64_t now;
    bool year; /* 2027 is listed */
    uint64_t seed;
    char log[65536]; /* what happened, for who has to find out why */
    size_t logged;
} world;

static int64_t from_seed(world *w, int64_t n)
{
    w->seed = w->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)((w->seed >> 33) % (uint64_t)n);
}

/* Does one unit of the budget end with the minute that begins at t? */
static bool counts(const world *w, const clock_model *k, int64_t t)
{
    if (k->kind == PLAIN)
        return true;
    if (k->kind == HOURS)
        return is_working_minute(t, w->year);
    return (t + 1) % DAY == 1050 && t / DAY > k->origin / DAY && is_working_day(t / DAY, w->year);
}

/* When so much is used up from then on. */
static int64_t walk(const world *w, const clock_model *k, int64_t from, int64_t left)
{
    for (; left > 0; from++)
        left -= counts(w, k, from);
    return from;
}

static int64_t left_of(const clock_model *k)
{
    return k->budget > k->used ? k->budget - k->used : 0;
}

/* In half minutes, so that "just after" has a place. */
static int64_t mark_at(const world *w, const clock_model *k, int mark, int64_t now)
{
    const clock_model hours = {.kind = HOURS};
    if (mark == OVER)
        return 2 * k->due + 1;
    if (mark == AFTER)
        return 2 * walk(w, &hours, k->due, 120) + 1;
    return k->budget / 2 < k->used ? 0 : 2 * walk(w, k, now, k->budget / 2 - k->used);
}

static void set_marks(const world *w, clock_model *k, const bool raised[MARKS], int64_t now)
{
    for (int i = 0; i < MARKS && k->kind == HOURS; i++) {
        const int64_t at = mark_at(w, k, i, now);
        if (k->fired[i])
            continue;
        if (raised != NULL && raised[i] && at <= 2 * now)
            k->fired[i] = true;
        else
            k->mark[i] = at > 2 * now ? at : 2 * now;
    }
}

static void run(const world *w, clock_model *k, const bool raised[MARKS], int64_t now)
{
    k->state = RUNNING;
    k->since = now;
    if (!k->breached || left_of(k) > 0)
        k->due = walk(w, k, now, left_of(k));
    set_marks(w, k, raised, now);
}

static void end_run(clock_model *k, int64_t now)
{
    if (k->state == RUNNING && now > k->due)
        k->breached = true;
    for (int i = 0; i < MARKS; i++)
        k->mark[i] = NEVER;
}

static void start(const world *w, clock_model *k, int64_t now, bool fresh, bool waits, int regime)
{
    if (fresh) {
        k->origin = now;
        k->used = k->extended = 0;
        k->extensions = 0;
        k->breached = false;
        k->budget = bases[regime][k->kind];
        k->due = NEVER;
        memset(k->fired, 0, sizeof k->fired);
        k->reached[0] = now;
    }
    if (waits)
        k->state = PAUSED;
    else
        run(w, k, NULL, now);
}

/* Marks that were raised and, with the longer budget, lie ahead again. */
static void raise_again(clock_model *k)
{
    k->fired[HALF] = k->fired[HALF] && k->budget / 2 <= k->used;
    k->fired[OVER] = k->fired[OVER] && k->budget <= k->used;
    k->fired[AFTER] = k->fired[AFTER] && k->budget <= k->used;
}

static void fire_marks(clock_model *k, int64_t now)
{
    for (int i = 0; i < MARKS; i++)
        if (k->mark[i] != NEVER && k->mark[i] <= 2 * now) {
            k->breached = k->breached || k->mark[i] > 2 * k->due;
            k->mark[i] = NEVER;
            k->fired[i] = true;
            k->count[i]++;
        }
}

static void fire(life *f)
{
    fire_marks(&f->clock[HOURS], f->now);
    f->waited += f->wait <= f->now;
    f->wait = f->wait <= f->now ? NEVER : f->wait;
}

static void pass(const world *w, life *f, int64_t now)
{
    for (; f->now < now; f->now++)
        for (int i = 0; i < CLOCKS; i++) {
            clock_model *k = &f->clock[i];
            if (k->state == RUNNING && counts(w, k, f->now) && ++k->used < MOST_COUNTED)
                k->reached[k->used] = f->now + 1;
        }
    fire(f);
}

static bool knows_due(const clock_model *k)
{
    return k->state == RUNNING || (k->state == STOPPED && k->due != NEVER);
}

/* Something happened to a clock. What came in this stay does not come again. */
static void follow(life *f)
{
    const clock_model *k = &f->clock[HOURS];
    if (f->waited == 0)
        f->wait = !knows_due(k) ? NEVER : k->due > f->now ? k->due : f->now;
}

/* ---- what may happen ---- */

static void note(world *w, const life *f, const char *what)
{
    const int n = snprintf(w->log + w->logged, sizeof w->log - w->logged, "  %lld.%02lld:%02lld life %d %s\n", (long long)(w->now / DAY),
                           (long long)(w->now % DAY / 60), (long long)(w->now % 60), f != NULL ? (int)(f - w->lives) : -1, what);
    w->logged += n > 0 && w->logged + (size_t)n < sizeof w->log ? (size_t)n : 0;
}

static void send(world *w, life *f, const char *event, const char *data, gov_status want)
{
    note(w, f, event);
    community_send(&w->c, f->id, event, data, want);
}

static void pause_it(world *w, life *f)
{
    send(w, f, "pause", NULL, GOV_OK);
    for (int i = 0; i < CLOCKS; i++) {
        end_run(&f->clock[i], f->now);
        f->clock[i].state = PAUSED;
    }
}

static void resume_it(world *w, life *f)
{
    send(w, f, "resume", NULL, GOV_OK);
    for (int i = 0; i < CLOCKS; i++)
        run(w, &f->clock[i], NULL, f->now);
}

static void stop_it(world *w, life *f)
{
    send(w, f, "stop", NULL, GOV_OK);
    for (int i = 0; i < CLOCKS; i++) {
        clock_model *k = &f->clock[i];
        if (k->state == PAUSED && i == PLAIN && !k->breached)
            k->due = NEVER; /* stopped by the event: it waited to the end. The others go on as their state is left, and then stop */
        else if (k->state == PAUSED && i != PLAIN)
            run(w, k, NULL, f->now);
        end_run(k, f->now);
        k->state = STOPPED;
    }
}

static void start_again(world *w, life *f)
{
    send(w, f, "again", NULL, GOV_OK);
    for (int i = 0; i < CLOCKS; i++)
        start(w, &f->clock[i], f->now, f->clock[i].state == IDLE || !f->clock[i].resumes, false, f->regime);
}

static void extend_it(world *w, life *f)
{
    const bool may = f->clock[HOURS].extensions < 3;
    send(w, f, "extend", NULL, may ? GOV_OK : GOV_E_REFUSED);
    for (int i = 0; i < CLOCKS && may; i++) {
        clock_model *k = &f->clock[i];
        bool raised[MARKS];
        k->extensions++;
        k->extended += more[i];
        k->budget += more[i];
        if (k->state == PAUSED) {
            raise_again(k);
            continue;
        }
        end_run(k, f->now);
        memcpy(raised, k->fired, sizeof raised);
        memset(k->fired, 0, sizeof k->fired);
        run(w, k, raised, f->now);
    }
}

static void hand_over(world *w, life *f)
{
    const int unit = 1 + (int)from_seed(w, 2);
    const bool other = f->holder != 0 && f->holder != unit;
    send(w, f, "hand", unit == 1 ? "{'unit': 'U1'}" : "{'unit': 'U2'}", GOV_OK);
    f->holder = unit;
    for (int i = 0; i < CLOCKS && other; i++) {
        clock_model *k = &f->clock[i];
        if (!k->per_holder || k->state == IDLE)
            continue;
        end_run(k, f->now);
        if (k->state != STOPPED) {
            start(w, k, f->now, true, k->state == PAUSED, f->regime);
            continue;
        }
        k->state = IDLE; /* what the former holder had left does not go on for the new one */
        k->used = 0;
        k->budget = 0;
        k->breached = false;
        k->due = NEVER;
    }
}

/* ---- what happens to all ---- */

static void year_arrives(world *w)
{
    gov_error *err = NULL;
    gov_rulebook *book = community_rulebook(w->regime == 0 ? with_year : second[w->regime - 1][1]);
    note(w, NULL, "the year arrives");
    assert_gov_ok(gov_install(w->c.g, book, &err), err);
    gov_rulebook_free(book);
    w->year = true;
    for (int n = 0; n < w->count; n++) {
        for (int i = 0; i < CLOCKS; i++) {
            clock_model *k = &w->lives[n].clock[i];
            if (k->state != RUNNING)
                continue;
            if (!k->breached)
                k->due = walk(w, k, w->now, left_of(k));
            if (!k->breached && k->budget <= k->used)
                k->due = k->reached[k->budget] > k->since ? k->reached[k->budget] : k->since;
            set_marks(w, k, NULL, w->now);
        }
        follow(&w->lives[n]);
        fire(&w->lives[n]);
    }
}

/* A new budget, and what was granted on top of it. */
static void recompute(const world *w, clock_model *k, int64_t now)
{
    bool raised[MARKS];
    if (k->state == IDLE || (k->state == STOPPED && !k->resumes))
        return;
    end_run(k, now);
    k->budget = bases[1][k->kind] + k->extended;
    if (k->state != RUNNING) {
        raise_again(k);
        return;
    }
    if (k->breached && k->used >= k->budget && k->reached[k->budget] > k->due)
        k->due = k->reached[k->budget]; /* it was due when that was used up */
    memcpy(raised, k->fired, sizeof raised);
    memset(k->fired, 0, sizeof k->fired);
    run(w, k, raised, now);
}

static void keep(const world *w, clock_model *k, int64_t now)
{
    if (k->state != RUNNING)
        return;
    end_run(k, now);
    k->since = now;
    set_marks(w, k, NULL, now);
}

static void migrate(world *w)
{
    gov_error *err = NULL;
    gov_value *report = NULL;
    const bool anew = from_seed(w, 2) == 1;
    gov_rulebook *book = community_rulebook(second[anew][w->year]);
    note(w, NULL, anew ? "all migrate, recomputed" : "all migrate, kept");
    assert_gov_ok(gov_migrate(w->c.g, book, 0, &report, &err), err);
    assert_int_equal(gov_value_int(gov_value_get(report, "migrated")), w->count);
    gov_value_free(report);
    gov_rulebook_free(book);
    w->regime = 1 + anew;
    for (int n = 0; n < w->count; n++) {
        life *f = &w->lives[n];
        f->regime = 1;
        for (int i = 0; i < CLOCKS; i++)
            (anew ? recompute : keep)(w, &f->clock[i], w->now);
        follow(f);
        fire(f);
    }
}

static void restart(world *w)
{
    gov_error *err = NULL;
    community_free(&w->c);
    note(w, NULL, "restart");
    assert_gov_ok(community_try(w->store->url, NULL, NULL, &w->c, &err), err);
}

/* ---- comparing ---- */

static int64_t instant(int64_t minutes)
{
    return INT64_C(1767196800) + minutes * 60; /* 2026-01-01T00:00+08:00 */
}

/* What it went through. */
static void tell(const world *w, const life *f)
{
    char who[32];
    snprintf(who, sizeof who, " life %d ", f != NULL ? (int)(f - w->lives) : -1);
    for (const char *line = w->log; *line != '\0'; line = strchr(line, '\n') + 1) {
        const char *end = strchr(line, '\n'), *own = strstr(line, who), *all = strstr(line, " life -1 ");
        if (f == NULL || (own != NULL && own < end) || (all != NULL && all < end))
            fprintf(stderr, "%.*s\n", (int)(end - line), line);
    }
}

static void differ(const world *w, const life *f, const char *what, int64_t got, int64_t want)
{
    if (got == want)
        return;
    tell(w, f);
    fail_msg("life %d: %s is %lld, and the model has %lld", (int)(f - w->lives), what, (long long)got, (long long)want);
}

static void compare_clock(const world *w, const life *f, const gov_value *v, int i)
{
    static const char *const names[] = {"idle", "running", "paused", "stopped"};
    const clock_model *k = &f->clock[i];
    const gov_value *due = gov_value_get(v, "due");
    const char *name = gov_value_string(gov_value_get(v, "name"), NULL);
    if (strcmp(gov_value_string(gov_value_get(v, "state"), NULL), names[k->state]) != 0)
        differ(w, f, name, -1, k->state);
    differ(w, f, name, gov_value_seconds(gov_value_get(v, "consumed"), NULL), k->used * (i == DAYS ? 86400 : 60));
    if (k->state != IDLE)
        differ(w, f, name, gov_value_seconds(gov_value_get(v, "left"), NULL), (k->budget - k->used) * (i == DAYS ? 86400 : 60));
    differ(w, f, name, gov_value_kind(due) == GOV_VALUE_NULL ? 0 : gov_value_seconds(due, NULL), knows_due(k) ? instant(k->due) : 0);
    differ(w, f, name, gov_value_bool(gov_value_get(v, "breached")), k->breached || (k->state == RUNNING && w->now > k->due));
    if (k->state == RUNNING && i != PLAIN)
        differ(w, f, name, gov_value_bool(gov_value_get(v, "provisional")), !w->year && k->due / DAY >= date(13, 1));
    if (w->year && k->state != STOPPED)
        differ(w, f, name, gov_value_bool(gov_value_get(v, "provisional")), 0);
}

static void compare(world *w, life *f)
{
    gov_error *err = NULL;
    gov_value *v = NULL;
    pass(w, f, w->now);
    assert_gov_ok(gov_case_get(w->c.g, f->id, &v, &err), err);
    const gov_value *fields = gov_value_get(v, "fields");
    differ(w, f, "half", gov_value_int(gov_value_get(fields, "half")), f->clock[HOURS].count[HALF]);
    differ(w, f, "over", gov_value_int(gov_value_get(fields, "over")), f->clock[HOURS].count[OVER]);
    differ(w, f, "after", gov_value_int(gov_value_get(fields, "after")), f->clock[HOURS].count[AFTER]);
    differ(w, f, "waited", gov_value_int(gov_value_get(fields, "waited")), f->waited);
    for (int i = 0; i < CLOCKS; i++)
        compare_clock(w, f, gov_value_at(gov_value_get(v, "clocks"), (size_t)i), i);
    gov_value_free(v);
}

static void verify(world *w)
{
    gov_error *err = NULL;
    const gov_status status = gov_verify(w->c.g, NULL, NULL, NULL, &err);
    if (status != GOV_OK)
        tell(w, NULL);
    assert_gov(GOV_OK, status, err);
}

/* ---- lives ---- */

static void be_born(world *w)
{
    life *f = &w->lives[w->count++];
    *f = (life){.id = community_open(&w->c, "job", "{}"), .now = w->now, .wait = NEVER, .regime = w->regime != 0};
    note(w, f, "is opened");
    for (int i = 0; i < CLOCKS; i++) {
        f->clock[i] = (clock_model){.kind = i, .resumes = i != DAYS, .per_holder = i == HOURS, .mark = {NEVER, NEVER, NEVER}};
        start(w, &f->clock[i], w->now, true, false, f->regime);
    }
    follow(f);
}

static void act(world *w, life *f)
{
    const int state = f->clock[DAYS].state; /* which all have, but for one without a holder's time */
    switch (from_seed(w, 6)) {
    case 0:
        (state == PAUSED ? resume_it : state == STOPPED ? start_again : pause_it)(w, f);
        break;
    case 1:
        (state == PAUSED ? resume_it : state == STOPPED ? start_again : stop_it)(w, f);
        break;
    case 2:
        (state == STOPPED ? start_again : stop_it)(w, f);
        break;
    case 3:
        if (state != STOPPED)
            extend_it(w, f);
        break;
    case 4:
        hand_over(w, f);
        break;
    default:
        (state == RUNNING ? pause_it : state == PAUSED ? extend_it : start_again)(w, f);
        break;
    }
    follow(f);
}

/* In the working day mostly, at minutes at which no budget ends by itself. */
static void go_on(world *w)
{
    static const int64_t steps[] = {0, 0, 10, 30, 70, 150, 300, 480, 900, 1440};
    gov_error *err = NULL;
    w->now += steps[from_seed(w, 10)];
    if (!w->year && w->now > date(12, 31) * DAY)
        w->now = date(12, 31) * DAY + 603;
    assert_gov_ok(gov_set_now(w->c.g, instant(w->now) * 1000000, &err), err);
    assert_gov_ok(gov_tick(w->c.g, 0, NULL, &err), err);
}

static void step(world *w, int n, int year_at, int move_at)
{
    gov_error *err = NULL;
    go_on(w);
    for (int i = 0; i < w->count; i++)
        pass(w, &w->lives[i], w->now);
    if (n == year_at)
        year_arrives(w);
    else if (n == move_at)
        migrate(w);
    else if (from_seed(w, 60) == 0)
        restart(w);
    if (n == year_at || n == move_at)
        assert_gov_ok(gov_tick(w->c.g, 0, NULL, &err), err);
    assert_gov_ok(gov_set_now(w->c.g, instant(w->now) * 1000000, &err), err); /* a handle that is new knows no time */
    if (w->count < LIVES && (w->count == 0 || from_seed(w, 3) == 0))
        be_born(w);
    life *f = &w->lives[from_seed(w, w->count)];
    compare(w, f);
    act(w, f);
    assert_gov_ok(gov_tick(w->c.g, 0, NULL, &err), err);
    fire(f);
    compare(w, f);
    if (n == year_at || n == move_at)
        for (int i = 0; i < w->count; i++)
            compare(w, &w->lives[i]);
}

static void live(void **state, uint64_t seed)
{
    static world w;
    memset(&w, 0, sizeof w);
    w.store = support_store_of(state);
    w.seed = seed * 7919;
    w.c = community_make(w.store, first, NULL);
    community_put(&w.c, "unit", "U1", "{'name': 'One'}");
    community_put(&w.c, "unit", "U2", "{'name': 'Two'}");
    w.now = date(9, 21) * DAY + 543 + 10 * from_seed(&w, 60);
    const int year_at = from_seed(&w, 4) == 0 ? -1 : (int)from_seed(&w, STEPS), move_at = (int)from_seed(&w, STEPS);
    for (int n = 0; n < STEPS; n++) {
        step(&w, n, year_at, move_at);
        if (n % 60 == 59 || n == year_at || n == move_at)
            verify(&w);
    }
    for (int i = 0; i < w.count; i++)
        compare(&w, &w.lives[i]);
    verify(&w);
    community_free(&w.c);
}

#define LIVES_OF(N)                          \
    static void lives_of_seed_##N(void **state) \
    {                                        \
        live(state, N);                      \
    }
LIVES_OF(1)
LIVES_OF(2)
LIVES_OF(3)
LIVES_OF(4)
LIVES_OF(5)
LIVES_OF(6)
LIVES_OF(7)
LIVES_OF(8)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TESTS(lives_of_seed_1), STORE_TESTS(lives_of_seed_2), STORE_TESTS(lives_of_seed_3), STORE_TESTS(lives_of_seed_4),
        STORE_TESTS(lives_of_seed_5), STORE_TESTS(lives_of_seed_6), STORE_TESTS(lives_of_seed_7), STORE_TESTS(lives_of_seed_8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
