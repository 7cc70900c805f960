/* case list, record list, journal read: page by page, as one table or one JSON document, so that a long list
 * begins at once and takes no memory. */
#include "cli.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 200 };

typedef struct column {
    const char *member; /* of a row */
    wording heading;
} column;

typedef struct list {
    session s;
    const char *member; /* of a page: "cases" */
    const column *columns;
    size_t column_count;
    table *rows;
    uint64_t limit, count; /* limit 0: no limit */
    const char *cursor;
    /* Gets the page after the cursor. */
    gov_status (*get)(struct list *l, uint32_t limit, gov_value **page, gov_error **err);
    gov_case_query query;
    gov_record_query records;
    const char *kind;
} list;

static bool list_more(const list *l, const gov_value *page)
{
    return gov_value_kind(gov_value_get(page, "next")) != GOV_VALUE_NULL && !output_gone() &&
           (l->limit == 0 || l->count < l->limit);
}

static void put_json(list *l, const gov_value *page, bool first)
{
    const gov_value *rows = gov_value_get(page, l->member);
    if (first)
        printf("{\"%s\":[", l->member);
    for (size_t i = 0; i < gov_value_count(rows); i++) {
        fputs(l->count == 0 && i == 0 ? "\n" : ",\n", stdout);
        json_value(stdout, gov_value_at(rows, i));
    }
    l->count += gov_value_count(rows);
    if (!list_more(l, page)) {
        fputs("],\"next\":", stdout);
        json_value(stdout, gov_value_get(page, "next"));
        fputs("}\n", stdout);
    }
}

static void put_rows(list *l, const gov_value *page, bool first)
{
    cli *c = l->s.c;
    const gov_value *rows = gov_value_get(page, l->member);
    for (size_t k = 0; k < l->column_count && first; k++)
        table_add(l->rows, c->zh ? l->columns[k].heading.zh : l->columns[k].heading.en);
    for (size_t i = 0; i < gov_value_count(rows); i++)
        for (size_t k = 0; k < l->column_count; k++)
            table_take(l->rows,
                       line_of(&l->s, gov_value_get(gov_value_at(rows, i), l->columns[k].member)));
    l->count += gov_value_count(rows);
    table_flush(c, l->rows, stdout);
    if (!list_more(l, page) && gov_value_kind(gov_value_get(page, "next")) != GOV_VALUE_NULL) {
        char *next = line_of(&l->s, gov_value_get(page, "next"));
        printf(T(c, "there are more: --after %s\n", "后面还有：--after %s\n"),
               next != NULL ? next : "?");
        free(next);
    }
}

static int run_list(list *l)
{
    cli *c = l->s.c;
    gov_value *page = NULL;
    gov_error *err = NULL;
    gov_status status = GOV_OK;
    bool first = true, more = true;
    l->rows = table_new(l->column_count);
    while (more) {
        const uint64_t left = l->limit - l->count;
        char *cursor = page != NULL ? line_of(&l->s, gov_value_get(page, "next")) : NULL;
        l->cursor = page != NULL ? cursor : l->cursor;
        gov_value_free(page);
        page = NULL;
        status = l->get(l, l->limit != 0 && left < PAGE ? (uint32_t)left : PAGE, &page, &err);
        free(cursor);
        if (status != GOV_OK)
            break;
        if (c->json)
            put_json(l, page, first);
        else
            put_rows(l, page, first);
        first = false;
        more = list_more(l, page);
    }
    gov_value_free(page);
    table_put(c, l->rows, stdout);
    if (status == GOV_OK)
        return EXIT_DONE;
    return c->json && !first ? fail_inside(c, status, err) : fail_with(c, status, err);
}

/* What all three have in common. */
static int begin_list(cli *c, const args *a, list *l)
{
    const int code = args_number(c, a, "limit", UINT32_MAX, &l->limit);
    l->cursor = args_value(a, "after");
    return code == EXIT_DONE ? session_open(c, a, 0, &l->s) : code;
}

static gov_status get_cases(list *l, uint32_t limit, gov_value **page, gov_error **err)
{
    l->query.cursor = l->cursor;
    l->query.limit = limit;
    return gov_case_list(l->s.g, &l->query, page, err);
}

/* --where EXPR, or FIELD=VALUE, which is no expression: there "=" alone means nothing. */
static int read_where(cli *c, const args *a, char *field, size_t size, gov_case_query *q)
{
    const char *where = args_value(a, "where");
    size_t len = 0;
    while (where != NULL && (isalnum((unsigned char)where[len]) || where[len] == '_'))
        len++;
    if (where == NULL || len == 0 || where[len] != '=' || where[len + 1] == '=') {
        q->where = where;
        return EXIT_DONE;
    }
    if (len >= size)
        return usage_error(c, T(c, "no field is named \"%s\"", "没有名为“%s”的字段"), where);
    memcpy(field, where, len);
    field[len] = '\0';
    q->field = field;
    q->equals = where + len + 1;
    return EXIT_DONE;
}

int cmd_case_list(cli *c, args *a)
{
    static const column columns[] = {
        {"number", {"number", "编号"}},   {"workflow", {"workflow", "流程"}},
        {"state", {"state", "状态"}},     {"opened_at", {"opened", "开立时间"}},
        {"grid", {"grid", "网格"}},       {"unit", {"unit", "单位"}},
        {"outcome", {"outcome", "结果"}},
    };
    list l = {.member = "cases",
              .columns = columns,
              .column_count = sizeof columns / sizeof *columns,
              .get = get_cases};
    char field[128];
    gov_case_query_init(&l.query, sizeof l.query);
    int code = read_where(c, a, field, sizeof field, &l.query);
    if (code == EXIT_DONE)
        code = begin_list(c, a, &l);
    if (code != EXIT_DONE)
        return code;
    l.query.order = args_value(a, "order");
    l.query.workflow = args_value(a, "workflow");
    l.query.grid = args_value(a, "grid");
    l.query.unit = args_value(a, "unit");
    l.query.flags = (args_has(a, "open") ? GOV_CASE_OPEN_ONLY : 0) |
                    (args_has(a, "overdue") ? GOV_CASE_OVERDUE_ONLY : 0);
    code = run_list(&l);
    session_close(&l.s);
    return code;
}

static gov_status get_records(list *l, uint32_t limit, gov_value **page, gov_error **err)
{
    l->records.cursor = l->cursor;
    l->records.limit = limit;
    return gov_record_list(l->s.g, l->kind, &l->records, page, err);
}

int cmd_record_list(cli *c, args *a)
{
    static const column columns[] = {{"key", {"key", "编号"}},
                                     {"name", {"name", "名称"}},
                                     {"grid", {"grid", "网格"}}};
    list l = {.member = "records",
              .columns = columns,
              .column_count = 3,
              .get = get_records,
              .kind = a->words[1]};
    gov_record_query_init(&l.records, sizeof l.records);
    l.records.where = args_value(a, "where");
    l.records.order = args_value(a, "order");
    int code = begin_list(c, a, &l);
    if (code != EXIT_DONE)
        return code;
    code = run_list(&l);
    session_close(&l.s);
    return code;
}

static gov_status get_entries(list *l, uint32_t limit, gov_value **page, gov_error **err)
{
    const int64_t after = l->cursor != NULL ? (int64_t)strtoull(l->cursor, NULL, 10) : 0;
    return gov_journal_read(l->s.g, after, limit, page, err);
}

int cmd_journal_read(cli *c, args *a)
{
    static const column columns[] = {
        {"entry", {"entry", "记录"}},   {"at", {"at", "时间"}},
        {"actor", {"actor", "操作人"}}, {"purpose", {"purpose", "目的"}},
        {"kind", {"kind", "类别"}},     {"subject", {"subject", "对象"}},
        {"rule", {"rule", "规则"}},     {"sealed", {"sealed", "已封存"}},
    };
    list l = {.member = "entries",
              .columns = columns,
              .column_count = sizeof columns / sizeof *columns,
              .get = get_entries};
    uint64_t after = 0;
    int code = args_number(c, a, "after", INT64_MAX, &after);
    if (code == EXIT_DONE)
        code = begin_list(c, a, &l);
    if (code != EXIT_DONE)
        return code;
    code = run_list(&l);
    session_close(&l.s);
    return code;
}
