/* case open, send, show, explain, history, find: cases by hand. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static void put_line(session *s, const char *heading, const gov_value *v)
{
    if (gov_value_kind(v) == GOV_VALUE_NULL)
        return;
    char *line = line_of(s, v);
    printf("%s", dim(s->c));
    put_padded(stdout, heading, 10);
    printf("%s  ", plain(s->c));
    put_text(stdout, line != NULL ? line : "?", line != NULL ? strlen(line) : 1);
    fputc('\n', stdout);
    free(line);
}

static void put_heading(const cli *c, const char *heading)
{
    printf("\n%s%s%s\n", bold(c), heading, plain(c));
}

/* After a change: where the case stands now. For somebody who may send but not read, the id has to do. */
static int put_standing(session *s, int64_t id, const char *done)
{
    cli *c = s->c;
    gov_value *one = NULL;
    gov_error *err = NULL;
    const gov_status status = gov_case_get(s->g, id, &one, &err);
    const bool readable = status == GOV_OK;
    const char *number_is = text_of(one, "number");
    snprintf(c->did, sizeof c->did, "%s %s (%lld)", done, number_is, (long long)id);
    if (status != GOV_OK && status != GOV_E_DENIED)
        return fail_with(c, status, err);
    gov_error_free(err);
    if (c->json) {
        printf("{\"id\":\"%lld\",\"number\":", (long long)id);
        json_value(stdout, gov_value_get(one, "number"));
        fputs(",\"state\":", stdout);
        json_value(stdout, gov_value_get(one, "state"));
        fputs(",\"outcome\":", stdout);
        json_value(stdout, gov_value_get(one, "outcome"));
        fputs("}\n", stdout);
    } else if (!readable) {
        printf("%s %lld\n", done, (long long)id);
    } else {
        char *number = line_of(s, gov_value_get(one, "number")),
             *state = line_of(s, gov_value_get(one, "state"));
        char line[512];
        snprintf(line, sizeof line, "%s %s (%lld): %s", done, number != NULL ? number : "?",
                 (long long)id, state != NULL ? state : "?");
        put_text(stdout, line, strlen(line));
        fputc('\n', stdout);
        free(number);
        free(state);
    }
    gov_value_free(one);
    return EXIT_DONE;
}

int cmd_case_open(cli *c, args *a)
{
    session s;
    gov_value *fields = NULL;
    gov_case_options options;
    gov_error *err = NULL;
    int64_t id = 0;
    gov_case_options_init(&options, sizeof options);
    options.reporter = args_value(a, "reporter");
    options.grid = args_value(a, "grid");
    options.source = args_value(a, "source");
    options.number = args_value(a, "number");
    options.idempotency_key = args_value(a, "once");
    if ((options.source == NULL) != (options.number == NULL))
        return usage_error(c, "%s",
                           T(c, "--source and --number go together",
                             "--source 与 --number 须同时给出"));
    int code = fields_read(c, a, 2, "fields", &fields);
    if (code == EXIT_DONE)
        code = session_open(c, a, 0, &s);
    if (code != EXIT_DONE) {
        gov_value_free(fields);
        return code;
    }
    const gov_status status = gov_case_open(s.g, a->words[1], fields, &options, &id, &err);
    code = status == GOV_OK ? put_standing(&s, id, T(c, "opened", "已开立"))
                            : fail_with(c, status, err);
    gov_value_free(fields);
    session_close(&s);
    return code;
}

int cmd_case_send(cli *c, args *a)
{
    session s;
    gov_value *data = NULL;
    gov_error *err = NULL;
    int64_t id = 0;
    int code = fields_read(c, a, 3, "data", &data);
    if (code == EXIT_DONE)
        code = session_open(c, a, 0, &s);
    if (code != EXIT_DONE) {
        gov_value_free(data);
        return code;
    }
    code = case_named(&s, a, a->words[1], &id);
    if (code == EXIT_DONE) {
        gov_call_options options;
        gov_call_options_init(&options, sizeof options);
        options.idempotency_key = args_value(a, "key");
        const gov_status status = gov_case_send(s.g, id, a->words[2], data, &options, &err);
        code = status == GOV_OK ? put_standing(&s, id, T(c, "sent", "已办理"))
                                : fail_with(c, status, err);
    }
    gov_value_free(data);
    session_close(&s);
    return code;
}

typedef gov_status (*getter)(gov *g, int64_t id, gov_value **out, gov_error **err);

/* show, explain and history get one value of a case and print it. */
static int with_case(cli *c, args *a, getter get, void (*put)(session *s, const gov_value *v))
{
    session s;
    gov_value *v = NULL;
    gov_error *err = NULL;
    int64_t id = 0;
    int code = session_open(c, a, 0, &s);
    if (code != EXIT_DONE)
        return code;
    code = case_named(&s, a, a->words[1], &id);
    if (code == EXIT_DONE) {
        const gov_status status = get(s.g, id, &v, &err);
        if (status != GOV_OK)
            code = fail_with(c, status, err);
        else if (c->json)
            json_line(v);
        else
            put(&s, v);
    }
    gov_value_free(v);
    session_close(&s);
    return code;
}

/* A clock in one line: "resolution  due 2026-03-09 17:30, 2 h left, running". */
static void put_clock(session *s, const gov_value *clock, const char *name)
{
    cli *c = s->c;
    const gov_value *left = gov_value_get(clock, "left");
    char *due = line_of(s, gov_value_get(clock, "due"));
    const bool breached = gov_value_bool(gov_value_get(clock, "breached")) != 0;
    const bool running = gov_value_bool(gov_value_get(clock, "running")) != 0;
    fputs("  ", stdout);
    put_padded(stdout, name, 12);
    const bool paused = strcmp(text_of(clock, "state"), "paused") == 0;
    if (paused && gov_value_kind(gov_value_get(clock, "due")) == GOV_VALUE_NULL)
        fputs(T(c, "  paused", "  已暂停"), stdout);
    else
        printf(T(c, "  due %s", "  到期 %s"), due != NULL ? due : "?");
    if (gov_value_kind(left) != GOV_VALUE_NULL && (running || paused) && gov_value_bool(gov_value_get(clock, "overdue")) != 1) {
        char *text = line_of(s, left);
        printf(T(c, ", %s left", "，剩余 %s"), text != NULL ? text : "?");
        free(text);
    }
    if (!paused)
        fputs(running ? T(c, ", running", "，计时中") : T(c, ", not running", "，未计时"), stdout);
    else if (gov_value_kind(gov_value_get(clock, "due")) != GOV_VALUE_NULL)
        fputs(T(c, ", paused", "，已暂停"), stdout);
    if (gov_value_bool(gov_value_get(clock, "overdue")) != 0)
        printf("%s%s%s", red(c), T(c, ", overdue", "，已超期"), plain(c));
    else if (breached) { /* and was given more time since */
        char *since = line_of(s, gov_value_get(clock, "breached_at"));
        printf(T(c, ", was overdue from %s on", "，曾于 %s 起超期"), since != NULL ? since : "?");
        free(since);
    }
    if (gov_value_bool(gov_value_get(clock, "provisional")) != 0)
        fputs(T(c, ", provisional: a year is missing in the calendar", "，暂定：日历缺少年份"),
              stdout);
    fputc('\n', stdout);
    free(due);
}

/* "2026-03-07", or "2026-03-07..2026-03-08" */
static void put_dates(const gov_value *line)
{
    const char *from = text_of(line, "from"), *to = text_of(line, "to");
    printf(strcmp(from, to) == 0 ? "%s" : "%s..%s", from, to);
}

/* Days that a clock crosses and that are not as their weekday is. */
static void put_days(cli *c, const gov_value *line)
{
    const char *why = text_of(line, "why");
    fputs("      ", stdout);
    put_dates(line);
    if (strcmp(why, "weekend") == 0)
        printf(T(c, "  weekend, not counted (%lld)", "  周末，不计（%lld 天）"), (long long)gov_value_int(gov_value_get(line, "days")));
    else if (strcmp(why, "off") == 0)
        fputs(T(c, "  day off by the calendar, not counted", "  日历规定的休息日，不计"), stdout);
    else if (strcmp(why, "work") == 0)
        fputs(T(c, "  make-up day, counted", "  调休上班日，计入"), stdout);
    else
        fputs(T(c, "  has hours of its own, counted", "  当日工作时间另有规定，计入"), stdout);
    if (gov_value_bool(gov_value_get(line, "provisional")) != 0)
        fputs(T(c, " (provisional)", "（暂定）"), stdout);
    fputc('\n', stdout);
}

/* "starts (5 working days), dispatch by li, due 2026-03-09 17:30" */
static void put_deed(session *s, const gov_value *line, const char *what)
{
    cli *c = s->c;
    static const char *const words[][3] = {
        {"start", "starts", "起算"},
        {"resume", "goes on", "继续"},
        {"pause", "pauses", "暂停"},
        {"stop", "stops", "停止"},
        {"extend", "is extended", "延期"},
        {"breach", "is overdue", "超期"},
        {"hand_over", "is handed over", "移交"},
        {"calendar", "follows the calendar that was changed", "日历有变，重新计算"},
        {"migrate", "goes on under other rules", "按新规则继续"},
        {"mark", "mark", "到达标记"},
        {"mark_ahead", "will reach the mark", "将到达标记"},
        {"roll", "the last day is a day off: it rolls on", "期末为休息日，顺延"},
        {"unlisted", "from here on the calendar lists no year: provisional", "此后日历未列该年，暂定"},
        {"due", "due", "到期"},
    };
    const char *event = text_of(line, "event"), *by = text_of(line, "by"), *mark = text_of(line, "mark");
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (strcmp(what, words[k][0]) == 0)
            what = words[k][c->zh ? 2 : 1];
    printf("  %s", what);
    if (mark[0] != '\0')
        printf(" %s", mark);
    if (text_of(line, "length")[0] != '\0')
        printf(" (%s)", text_of(line, "length"));
    if (text_of(line, "version_was")[0] != '\0')
        printf(T(c, ", leaving version %s", "，原版本 %s"), text_of(line, "version_was"));
    if (event[0] != '\0')
        printf(T(c, ", %s", "，%s"), event);
    if (by[0] != '\0')
        printf(T(c, " by %s", "（%s）"), by);
}

/* What happened to a clock, so that its due instant can be followed line by line. */
static void put_account(session *s, const gov_value *clock)
{
    cli *c = s->c;
    const gov_value *lines = gov_value_get(clock, "lines"), *law = gov_value_get(clock, "law");
    if (text_of(clock, "budget")[0] != '\0') {
        printf(T(c, "      budget %s", "      时限 %s"), text_of(clock, "budget"));
        if (text_of(clock, "calendar")[0] != '\0')
            printf(T(c, ", calendar %s", "，日历 %s"), text_of(clock, "calendar"));
        fputc('\n', stdout);
    }
    if (gov_value_count(law) > 0 || gov_value_string(law, NULL) != NULL)
        printf(T(c, "      by %s%s\n", "      依据 %s%s\n"), title_of(c, law),
               gov_value_bool(gov_value_get(clock, "roll")) ? T(c, "; an end on a day off rolls on", "；期末遇休息日顺延") : "");
    for (size_t i = 0; i < gov_value_count(lines); i++) {
        const gov_value *line = gov_value_at(lines, i);
        const char *what = text_of(line, "what");
        if (text_of(line, "from")[0] != '\0') {
            put_days(c, line);
            continue;
        }
        char *at = line_of(s, gov_value_get(line, "at"));
        fputs("      ", stdout);
        put_padded(stdout, at != NULL ? at : "?", 19);
        put_deed(s, line, what);
        if (gov_value_kind(gov_value_get(line, "due")) == GOV_VALUE_TIMESTAMP) {
            char *due = line_of(s, gov_value_get(line, "due"));
            printf(T(c, ", due %s", "，到期 %s"), due != NULL ? due : "?");
            free(due);
        }
        if (gov_value_kind(gov_value_get(line, "was")) == GOV_VALUE_TIMESTAMP) {
            char *was = line_of(s, gov_value_get(line, "was"));
            printf(T(c, " instead of %s", "（原为 %s）"), was != NULL ? was : "?");
            free(was);
        }
        if (gov_value_bool(gov_value_get(line, "provisional")) != 0)
            fputs(T(c, " (provisional)", "（暂定）"), stdout);
        fputc('\n', stdout);
        free(at);
    }
}

static void put_timers(session *s, const gov_value *timers)
{
    cli *c = s->c;
    put_heading(c, T(c, "will happen by itself", "到时自动发生"));
    for (size_t i = 0; i < gov_value_count(timers); i++) {
        const gov_value *one = gov_value_at(timers, i);
        char *due = line_of(s, gov_value_get(one, "due"));
        const char *event = text_of(one, "event");
        const bool waits = gov_value_kind(gov_value_get(one, "due")) == GOV_VALUE_NULL;
        fputs("  ", stdout);
        put_padded(stdout, waits ? T(c, "as its clock goes on", "待时限继续计算") : due != NULL ? due : "?", 19);
        fputs("  ", stdout);
        put_text(stdout, event[0] != '\0' ? event : text_of(one, "timer"),
                 strlen(event[0] != '\0' ? event : text_of(one, "timer")));
        if (text_of(one, "length")[0] != '\0')
            printf(" (%s)", text_of(one, "length"));
        if (gov_value_kind(gov_value_get(one, "law")) != GOV_VALUE_NULL)
            printf(T(c, ", by %s", "，依据 %s"), title_of(c, gov_value_get(one, "law")));
        if (gov_value_bool(gov_value_get(one, "provisional")) != 0)
            fputs(T(c, " (provisional: a year is missing in the calendar)", "（暂定：日历缺少年份）"), stdout);
        if (gov_value_bool(gov_value_get(one, "waiting")) == 1)
            printf(T(c, "%s (waiting: %s)%s", "%s（等待：%s）%s"), red(c), text_of(one, "reason"), plain(c));
        if (gov_value_bool(gov_value_get(one, "parked")) != 0)
            printf(T(c, "%s (parked: %s)%s", "%s（已搁置：%s）%s"), red(c), text_of(one, "reason"),
                   plain(c));
        fputc('\n', stdout);
        free(due);
    }
}

/* Clocks come as a list of maps with a name, or as a map by name. */
static void put_clocks(session *s, const gov_value *clocks, bool account)
{
    const bool list = gov_value_kind(clocks) == GOV_VALUE_LIST;
    if (gov_value_count(clocks) == 0)
        return;
    put_heading(s->c, T(s->c, "clocks", "时限"));
    for (size_t i = 0; i < gov_value_count(clocks); i++) {
        const gov_value *clock = gov_value_at(clocks, i);
        const char *name =
            list ? text_of(clock, "name") : gov_value_string(gov_value_key_at(clocks, i), NULL);
        if (gov_value_kind(gov_value_get(clock, "title")) != GOV_VALUE_NULL)
            name = title_of(s->c, gov_value_get(clock, "title"));
        put_clock(s, clock, name != NULL ? name : "?");
        if (account)
            put_account(s, clock);
    }
}

static void put_case(session *s, const gov_value *v)
{
    cli *c = s->c;
    const gov_value *fields = gov_value_get(v, "fields"), *links = gov_value_get(v, "links");
    put_line(s, T(c, "case", "工单"), gov_value_get(v, "number"));
    put_line(s, T(c, "id", "标识"), gov_value_get(v, "id"));
    if (gov_value_count(gov_value_get(v, "numbers")) > 0)
        put_line(s, T(c, "numbers", "外部编号"), gov_value_get(v, "numbers"));
    put_line(s, T(c, "workflow", "流程"), gov_value_get(v, "workflow"));
    put_line(s, T(c, "state", "状态"), gov_value_get(v, "state"));
    put_line(s, T(c, "outcome", "结果"), gov_value_get(v, "outcome"));
    put_line(s, T(c, "opened", "开立时间"), gov_value_get(v, "opened_at"));
    put_line(s, T(c, "closed", "办结时间"), gov_value_get(v, "closed_at"));
    put_line(s, T(c, "grid", "网格"), gov_value_get(v, "grid"));
    put_line(s, T(c, "unit", "单位"), gov_value_get(v, "unit"));
    put_line(s, T(c, "staff", "承办人"), gov_value_get(v, "staff"));
    put_line(s, T(c, "reporter", "诉求人"), gov_value_get(v, "reporter"));
    if (gov_value_count(fields) > 0) {
        put_heading(c, T(c, "fields", "字段"));
        put_value(s, fields, 2);
    }
    put_clocks(s, gov_value_get(v, "clocks"), false);
    if (gov_value_count(links) > 0) {
        put_heading(c, T(c, "links", "关联"));
        put_value(s, links, 2);
    }
}

int cmd_case_show(cli *c, args *a)
{
    return with_case(c, a, gov_case_get, put_case);
}

/* "unit (unit, required), note (string)" */
static void put_input(const gov_value *input)
{
    for (size_t i = 0; i < gov_value_count(input); i++) {
        const gov_value *field = gov_value_at(input, i);
        const char *name = gov_value_string(gov_value_key_at(input, i), NULL),
                   *type = text_of(field, "type");
        if (gov_value_kind(input) == GOV_VALUE_LIST)
            name = text_of(field, "name");
        printf("%s%s", i > 0 ? ", " : "  ", name != NULL ? name : "?");
        if (type[0] != '\0')
            printf(" (%s%s)", type, gov_value_bool(gov_value_get(field, "required")) ? "*" : "");
    }
}

/* What refuses an event, in words. */
static const char *refusal(cli *c, const gov_value *why)
{
    const char *message = title_of(c, gov_value_get(why, "message")), *kind = text_of(why, "why");
    if (message[0] != '\0')
        return message;
    if (strcmp(kind, "state") == 0)
        return T(c, "not in this state", "当前状态下不能做");
    if (strcmp(kind, "guard") == 0)
        return T(c, "its condition does not hold", "条件不满足");
    if (strcmp(kind, "role") == 0)
        return T(c, "not by this actor", "操作人没有相应的角色");
    return kind;
}

static void put_event(session *s, const gov_value *event)
{
    cli *c = s->c;
    const bool allowed = gov_value_bool(gov_value_get(event, "allowed")) != 0;
    const gov_value *why = gov_value_get(event, "refused_by");
    printf("  %s%s%s ", allowed ? green(c) : red(c), allowed ? "+" : "-", plain(c));
    put_padded(stdout, text_of(event, "event"), 18);
    if (allowed) {
        put_input(gov_value_get(event, "input"));
    } else {
        const char *message = refusal(c, why);
        fputs("  ", stdout);
        put_text(stdout, message, strlen(message));
        if (text_of(why, "file")[0] != '\0')
            printf(" (%s:%lld)", text_of(why, "file"),
                   (long long)gov_value_int(gov_value_get(why, "line")));
    }
    fputc('\n', stdout);
}

/* Effects that go on: "notice  publish, until 2026-03-10 00:00" */
static void put_effects(session *s, const gov_value *effects)
{
    cli *c = s->c;
    put_heading(c, T(c, "under way", "正在进行"));
    for (size_t i = 0; i < gov_value_count(effects); i++) {
        const gov_value *one = gov_value_at(effects, i);
        char *due = line_of(s, gov_value_get(one, "due"));
        fputs("  ", stdout);
        put_padded(stdout, text_of(one, "id"), 12);
        printf("  %s", text_of(one, "effect"));
        if (gov_value_kind(gov_value_get(one, "due")) == GOV_VALUE_TIMESTAMP)
            printf(T(c, ", until %s", "，至 %s"), due != NULL ? due : "?");
        if (gov_value_bool(gov_value_get(one, "provisional")) != 0)
            fputs(T(c, " (provisional: a year is missing in the calendar)", "（暂定：日历缺少年份）"), stdout);
        fputc('\n', stdout);
        free(due);
    }
}

static void put_explanation(session *s, const gov_value *v)
{
    cli *c = s->c;
    const gov_value *timers = gov_value_get(v, "timers"), *events = gov_value_get(v, "events"), *effects = gov_value_get(v, "effects");
    put_line(s, T(c, "state", "状态"), gov_value_get(v, "state"));
    put_clocks(s, gov_value_get(v, "clocks"), true);
    if (gov_value_count(timers) > 0)
        put_timers(s, timers);
    if (gov_value_count(effects) > 0)
        put_effects(s, effects);
    put_heading(c, T(c, "may happen next (+), and what refuses the rest (-)",
                     "下一步可以做的（+），以及其余为何不能做（-）"));
    for (size_t i = 0; i < gov_value_count(events); i++)
        put_event(s, gov_value_at(events, i));
    if (gov_value_count(events) == 0)
        puts(T(c, "  nothing: its workflow has no events that anybody sends", "  没有：该流程没有可由人发送的事件"));
}

int cmd_case_explain(cli *c, args *a)
{
    return with_case(c, a, gov_case_explain, put_explanation);
}

/* "from -> to", or the one where there is only one or nothing moved */
static char *move_line(session *s, const gov_value *step)
{
    const gov_value *before = gov_value_get(step, "from"), *after = gov_value_get(step, "to");
    char *from = gov_value_count(before) > 0 ? line_of(s, before) : NULL;
    char *to = gov_value_count(after) > 0 ? line_of(s, after) : NULL;
    const size_t len = (from != NULL ? strlen(from) : 0) + (to != NULL ? strlen(to) : 0) + 8;
    char *out = from != NULL && to != NULL && strcmp(from, to) != 0 ? malloc(len) : NULL;
    if (out == NULL) {
        free(from);
        return to;
    }
    snprintf(out, len, "%s -> %s", from, to);
    free(from);
    free(to);
    return out;
}

static void put_history(session *s, const gov_value *v)
{
    cli *c = s->c;
    table *t = table_new(6);
    table_add(t, T(c, "at", "时间"));
    table_add(t, T(c, "actor", "操作人"));
    table_add(t, T(c, "kind", "类别"));
    table_add(t, T(c, "event", "事件"));
    table_add(t, T(c, "state", "状态"));
    table_add(t, T(c, "rule", "规则"));
    for (size_t i = 0; i < gov_value_count(v); i++) {
        const gov_value *step = gov_value_at(v, i);
        table_take(t, line_of(s, gov_value_get(step, "at")));
        table_take(t, line_of(s, gov_value_get(step, "actor")));
        table_take(t, line_of(s, gov_value_get(step, "kind")));
        table_take(t, line_of(s, gov_value_get(step, "event")));
        table_take(t, move_line(s, step));
        table_take(t, line_of(s, gov_value_get(step, "rule")));
    }
    table_put(c, t, stdout);
}

int cmd_case_history(cli *c, args *a)
{
    return with_case(c, a, gov_case_history, put_history);
}

/* Not to find a case is an answer, as with grep. */
int cmd_case_find(cli *c, args *a)
{
    session s;
    gov_error *err = NULL;
    int64_t id = 0;
    int code = session_open(c, a, 0, &s);
    if (code != EXIT_DONE)
        return code;
    const gov_status status = gov_case_find(s.g, args_value(a, "source"), a->words[1], &id, &err);
    if (status != GOV_OK)
        code = fail_with(c, status, err);
    else if (c->json)
        printf("{\"id\":\"%lld\"}\n", (long long)id);
    else
        printf("%lld\n", (long long)id);
    session_close(&s);
    return status == GOV_E_NOT_FOUND ? EXIT_NO : code;
}
