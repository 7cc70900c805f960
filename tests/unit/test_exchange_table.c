/* Reading dirty tables and writing clean ones. Every sample is made here. */
#include "support/faulty.h"
#include "support/support.h"

#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "exchange/table.h"
#include "geo/geo.h"

typedef struct source {
    const char *s;
    size_t len, at, step; /* step: how many bytes a read gives at most */
    bool fails;           /* at the end, instead of ending */
} source;

static ptrdiff_t read_source(void *user, void *bytes, size_t cap)
{
    source *o = user;
    size_t n = o->len - o->at;
    if (n == 0)
        return o->fails ? -1 : 0;
    n = n < cap ? n : cap;
    n = n < o->step ? n : o->step;
    memcpy(bytes, o->s + o->at, n);
    o->at += n;
    return (ptrdiff_t)n;
}

/* The whole table as one text: cells between <>, each row's line before and its flags behind when there are any. */
static char *dump(const char *s, size_t len, size_t step, const exchange_format *format,
                  gov_error **err)
{
    const diag d = {NULL, err};
    source o = {s, len, 0, step, false};
    exchange_table *t;
    const exchange_row *row;
    base_buf b;
    base_buf_init(&b, NULL);
    gov_status status = exchange_table_read(NULL, read_source, &o, format, &t, &d);
    if (status != GOV_OK) {
        base_buf_fmt(&b, "status %d", (int)status);
        return base_buf_take(&b, NULL);
    }
    base_buf_str(&b, "H");
    for (size_t i = 0; i < exchange_table_width(t); i++)
        base_buf_fmt(&b, "<%s>", exchange_table_header(t, i).s);
    while ((status = exchange_table_next(t, &row, &d)) == GOV_OK) {
        base_buf_fmt(&b, " %d", (int)row->line);
        for (size_t i = 0; i < row->count; i++) {
            base_buf_char(&b, '<');
            base_buf_add(&b, row->cells[i].s, row->cells[i].len);
            base_buf_char(&b, '>');
        }
        if (row->flags != 0)
            base_buf_fmt(&b, "!%u", (unsigned)row->flags);
    }
    if (status != GOV_END)
        base_buf_fmt(&b, " status %d", (int)status);
    exchange_table_close(t);
    return base_buf_take(&b, NULL);
}

static void assert_dump(const char *s, size_t len, const exchange_format *format,
                        const char *expected)
{
    static const size_t steps[] = {SIZE_MAX, 1, 3, 7};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        gov_error *err = NULL;
        char *got = dump(s, len, steps[i], format, &err);
        assert_string_equal(got, expected);
        assert_null(err);
        base_free(NULL, got);
    }
}

#define T(text, expected) assert_dump(text, sizeof(text) - 1, NULL, expected)

static void rows_and_quotes(void **state)
{
    (void)state;
    T("a,b\n1,2\n3,4\n", "H<a><b> 2<1><2> 3<3><4>");
    T("a,b\r\n1,2\r\n3,4", "H<a><b> 2<1><2> 3<3><4>");
    T("a,b\r1,2\r3,4\r", "H<a><b> 2<1><2> 3<3><4>");
    T("\xEF\xBB\xBF"
      "a,b\n1,\n,\n",
      "H<a><b> 2<1><> 3<><>!256");
    T("a,b\n\n\n1,2\n  \n", "H<a><b> 4<1><2>");
    T("a,b\n\"x,y\",\"say \"\"hi\"\"\"\n", "H<a><b> 2<x,y><say \"hi\">");
    T("a,b\n\"two\nlines\",1\n\"\",2\n", "H<a><b> 2<two\nlines><1> 4<><2>");
    T("a,b\r\n\"two\r\nlines\r\nor three\",1\r\n5,6\r\n",
      "H<a><b> 2<two\r\nlines\r\nor three><1> 5<5><6>");
    T("a,b\n5\" pipe,x\n", "H<a><b> 2<5\" pipe><x>");
    T("a,b\n1\n1,2,3\n1,2,,\n", "H<a><b> 2<1>!2 3<1><2><3>!4 4<1><2>");
    T("a,b,,\n1,2\n", "H<a><b> 2<1><2>");
    T("a,b\n\"x\"y,1\n2,3\n", "H<a><b> 2<\"x\"y><1>!128 3<2><3>");
    /* a quote that is never closed costs one line, not the rest of the file */
    T("a,b\n1,\"open\n2,3\n4,5\n", "H<a><b> 2<1><\"open>!64 3<2><3> 4<4><5>");
    T("a,b\n1,\"x\"\"y\n2,3\n", "H<a><b> 2<1><\"x\"\"y>!64 3<2><3>");
    T("a;b\n1;2\n", "H<a><b> 2<1><2>");
    T("a\tb\n1\t2,5\n", "H<a><b> 2<1><2,5>");
    T("a|b\n1|2\n", "H<a><b> 2<1><2>");
    T("编号，名称\n1，二\n", "H<编号><名称> 2<1><二>");
    T("a;b,c;d\n1;2,5;3\n1;2,;3\n1;2;3\n", "H<a><b,c><d> 2<1><2,5><3> 3<1><2,><3> 4<1><2><3>");
    T("sep=;\r\na;b\r\n1;2,2\r\n", "H<a><b> 3<1><2,2>");
    T("one\n1\n2\n", "H<one> 2<1> 3<2>");
    T(" a ,\xE3\x80\x80"
      "b\n1,2",
      "H<a><b> 2<1><2>");
}

static void nul_is_flagged(void **state)
{
    source o = {"a,b\n1\0x,2\n", 10, 0, 100, false};
    exchange_table *t;
    const exchange_row *row;
    (void)state;
    assert_int_equal(exchange_table_read(NULL, read_source, &o, NULL, &t, NULL), GOV_OK);
    assert_int_equal(exchange_table_next(t, &row, NULL), GOV_OK);
    assert_int_equal(row->flags, EXCHANGE_ROW_NUL);
    assert_int_equal(row->cells[0].len, 3);
    assert_int_equal(exchange_table_next(t, &row, NULL), GOV_END);
    exchange_table_close(t);
}

static void formats(void **state)
{
    static const char titled[] = "某街道工单表,,\n\n导出日期,2026-03-02,\na,b\n1,2\n";
    (void)state;
    assert_dump(titled, sizeof titled - 1, &(exchange_format){.skip_rows = 2}, "H<a><b> 5<1><2>");
    assert_dump("1,2\n3,4\n", 8, &(exchange_format){.no_header = true}, "H<1><2> 1<1><2> 2<3><4>");
    assert_dump("a,b;c\n1,2;3\n", 12, &(exchange_format){.delimiter = ';'}, "H<a,b><c> 2<1,2><3>");
    assert_dump("a,b\nabcdefgh,1\n12345678901,2\n3,4\n", 33, &(exchange_format){.max_row = 12},
                "H<a><b> 2<abcdefgh><1> 3<12345678901><>!16 4<3><4>");
    assert_dump("a,b\n\xE4\xB8\xAD\xE6\x96\x87,1\n", 13, &(exchange_format){.max_cell = 4},
                "H<a><b> 2<\xE4\xB8\xAD><1>!32");
    assert_dump("a,b\n1,\"23\n4,5\n6,7\n8,9\n0,1\n", 26, &(exchange_format){.max_row = 10},
                "H<a><b> 2<1><\"23>!64 3<4><5> 4<6><7> 5<8><9> 6<0><1>");
    gov_error *err = NULL;
    char *got = dump("a,b,c\n", 6, 9, &(exchange_format){.max_columns = 2}, &err);
    assert_string_equal(got, "status 230");
    assert_diag(err, 0, "table_too_wide", 1, -1);
    base_free(NULL, got);
    gov_error_free(err);
}

/* ---- encodings ---- */

static size_t in_encoding(const char *utf8, const char *encoding, char *out, size_t cap)
{
    iconv_t cd = iconv_open(encoding, "UTF-8");
    char *in = (char *)(uintptr_t)utf8, *to = out;
    size_t in_left = strlen(utf8), left = cap;
    assert_true(cd != (iconv_t)-1);
    assert_int_equal(iconv(cd, &in, &in_left, &to, &left), 0);
    iconv_close(cd);
    return cap - left;
}

static void encodings(void **state)
{
    static const char text[] =
        "编号,内容,街道\n1,路灯不亮𠀀,朝阳门街道\n2,\"垃圾,未清运\",大栅栏街道\n";
    static const char expected[] =
        "H<编号><内容><街道> 2<1><路灯不亮𠀀><朝阳门街道> 3<2><垃圾,未清运><大栅栏街道>";
    static const struct {
        const char *encoding, *mark;
        size_t mark_len;
        exchange_encoding found;
    } cases[] = {
        {"UTF-8", "", 0, EXCHANGE_UTF8},
        {"UTF-8", "\xEF\xBB\xBF", 3, EXCHANGE_UTF8},
        {"GB18030", "", 0, EXCHANGE_GB18030},
        {"GB18030", "\x84\x31\x95\x33", 4, EXCHANGE_GB18030},
        {"UTF-16LE", "\xFF\xFE", 2, EXCHANGE_UTF16LE},
        {"UTF-16BE", "\xFE\xFF", 2, EXCHANGE_UTF16BE},
    };
    char bytes[1000];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        memcpy(bytes, cases[i].mark, cases[i].mark_len);
        const size_t n =
            cases[i].mark_len +
            in_encoding(text, cases[i].encoding, bytes + cases[i].mark_len, sizeof bytes - 4);
        assert_dump(bytes, n, NULL, expected);
        source o = {bytes, n, 0, 5, false};
        exchange_table *t;
        assert_int_equal(exchange_table_read(NULL, read_source, &o, NULL, &t, NULL), GOV_OK);
        assert_int_equal(exchange_table_encoding(t), cases[i].found);
        assert_int_equal(exchange_table_bytes(t), n);
        exchange_table_close(t);
    }
    const size_t n = in_encoding("a,b\n1,2\n", "UTF-16LE", bytes, sizeof bytes);
    assert_dump(bytes, n, NULL, "H<a><b> 2<1><2>"); /* without a mark */
}

/* A file that is ASCII for longer than any buffer and only then shows what it is. */
static void late_decision(void **state)
{
    base_buf b;
    char tail[64];
    (void)state;
    for (int pad = 0; pad < 4; pad++) {
        base_buf_init(&b, NULL);
        base_buf_str(&b, "a,b\n");
        for (int i = 0; i < pad; i++)
            base_buf_char(&b, '\n');
        for (int i = 0; i < 40000; i++)
            base_buf_str(&b, "1,2\n");
        base_buf_add(&b, tail, in_encoding("3,垃圾未清运\n", "GB18030", tail, sizeof tail));
        gov_error *err = NULL;
        char *got = dump(b.data, b.len, 4096 - 3, NULL, &err);
        const size_t n = strlen(got);
        assert_string_equal(got + n - strlen("<3><垃圾未清运>"), "<3><垃圾未清运>");
        assert_null(err);
        base_free(NULL, got);
        base_buf_free(&b);
    }
}

static void damaged_text(void **state)
{
    (void)state;
    /* one bad byte in much good UTF-8 stays UTF-8, and only its row is flagged */
    T("名,称\n路灯,不亮\n井盖\xFF,缺失\n垃圾,清运\n",
      "H<名><称> 2<路灯><不亮> 3<井盖\xEF\xBF\xBD><缺失>!1 4<垃圾><清运>");
    T("名,称\n路灯,不亮\n井盖,缺\xE5\xA4\n",
      "H<名><称> 2<路灯><不亮> 3<井盖><缺\xEF\xBF\xBD\xEF\xBF\xBD>!1");
    /* what another tool has already lost */
    T("名,称\n路灯,不\xEF\xBF\xBD\n", "H<名><称> 2<路灯><不\xEF\xBF\xBD>!1");
    char bytes[100];
    size_t n = in_encoding("名称,地点\n路灯,", "GB18030", bytes, sizeof bytes);
    memcpy(bytes + n, "\xFF\n", 2);
    n += 2;
    n += in_encoding("井盖,街道\n", "GB18030", bytes + n, sizeof bytes - n);
    assert_dump(bytes, n, NULL, "H<名称><地点> 2<路灯><\xEF\xBF\xBD>!1 3<井盖><街道>");
}

/* ---- gzip ---- */

static size_t gzip(const char *s, size_t len, char *out, size_t cap)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)s;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)cap;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return cap - z.avail_out;
}

static void gzipped(void **state)
{
    char zipped[400];
    (void)state;
    size_t n = gzip("a,b\n1,2\n", 8, zipped, sizeof zipped);
    assert_dump(zipped, n, NULL, "H<a><b> 2<1><2>");
    n += gzip("3,4\n", 4, zipped + n,
              sizeof zipped - n); /* members one behind another are one file */
    assert_dump(zipped, n, NULL, "H<a><b> 2<1><2> 3<3><4>");
    memset(zipped + n, 0, 20);
    assert_dump(zipped, n + 20, NULL, "H<a><b> 2<1><2> 3<3><4>");
}

/* Cut anywhere: whole rows before the cut are given, the cut one is not, and one error tells. */
static void gzip_cut_or_damaged(void **state)
{
    base_buf b;
    char *zipped = malloc(1 << 20);
    (void)state;
    base_buf_init(&b, NULL);
    base_buf_str(&b, "id,text\n");
    for (int i = 0; i < 5000; i++)
        base_buf_fmt(&b, "%d,row %x of many\n", i, (unsigned)i * 2654435761u);
    const size_t n = gzip(b.data, b.len, zipped, 1 << 20);
    for (size_t cut = 20; cut < n; cut += 1 + n / 50) {
        source o = {zipped, cut, 0, SIZE_MAX, false};
        exchange_table *t;
        const exchange_row *row;
        gov_error *err = NULL;
        const diag d = {NULL, &err};
        gov_status status = exchange_table_read(NULL, read_source, &o, NULL, &t, &d);
        size_t rows = 0;
        if (status == GOV_OK) {
            while ((status = exchange_table_next(t, &row, &d)) == GOV_OK) {
                assert_int_equal(row->flags, 0);
                assert_true(row->cells[1].len > 12 &&
                            memcmp(row->cells[1].s + row->cells[1].len - 4, "many", 4) == 0);
                rows++;
            }
            exchange_table_close(t);
        }
        assert_true(rows < 5000);
        assert_int_equal(status, GOV_E_INPUT);
        assert_diag(err, 0, "table_cut", -1, -1);
        char expected[64];
        snprintf(expected, sizeof expected, "after row %zu (line %zu)", rows, rows + 1);
        if (rows > 0)
            assert_non_null(strstr(gov_error_message(err, 0, "en"), expected));
        gov_error_free(err);
    }
    char *behind = malloc(n + 1);
    memcpy(behind, zipped, n);
    behind[n] = 'x';
    gov_error *more = NULL;
    base_free(NULL, dump(behind, n + 1, SIZE_MAX, NULL, &more));
    assert_diag(more, 0, "table_trailing", -1, -1);
    gov_error_free(more);
    free(behind);
    zipped[n / 2] ^= 0x55;
    source o = {zipped, n, 0, SIZE_MAX, false};
    gov_error *err = NULL;
    char *got = dump(zipped, o.len, SIZE_MAX, NULL, &err);
    assert_non_null(strstr(got, "status 200"));
    assert_diag(err, 0, "table_gzip", -1, -1);
    base_free(NULL, got);
    gov_error_free(err);
    free(zipped);
    base_buf_free(&b);
}

static void reading_fails(void **state)
{
    source o = {"a,b\n1,2\n3,", 10, 0, 4, true};
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    exchange_table *t;
    const exchange_row *row;
    (void)state;
    assert_gov_ok(exchange_table_read(NULL, read_source, &o, NULL, &t, &d), err);
    assert_gov_ok(exchange_table_next(t, &row, &d), err);
    assert_gov(GOV_E_STORE, exchange_table_next(t, &row, &d), err);
    assert_diag(err, 0, "table_read", -1, -1);
    gov_error_free(err);
    exchange_table_close(t);
    err = NULL;
    assert_gov(GOV_E_NOT_FOUND, exchange_table_open(NULL, "/nonexistent/x.csv", NULL, &t, &d), err);
    assert_diag(err, 0, "table_open", -1, -1);
    gov_error_free(err);
}

static void other_kinds(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *code;
    } cases[] = {
        {"PK\x03\x04\x14\0\x06\0", 8, "table_workbook"},
        {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0", 10, "table_workbook"},
        {"<html><table>", 13, "table_workbook"},
        {"<?xml version=\"1.0\"?><Workbook>", 30, "table_workbook"},
        {"%PDF-1.4", 8, "table_not_csv"},
        {"  {\"type\":\"FeatureCollection\"}", 30, "table_not_csv"},
        {"[{\"a\":1}]", 9, "table_not_csv"},
        {"", 0, "table_empty"},
        {"\xEF\xBB\xBF\r\n\r\n", 7, "table_empty"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        gov_error *err = NULL;
        char *got = dump(cases[i].bytes, cases[i].len, SIZE_MAX, NULL, &err);
        assert_string_equal(got, "status 200");
        assert_diag(err, 0, cases[i].code, -1, -1);
        if (strcmp(cases[i].code, "table_workbook") == 0) {
            assert_non_null(strstr(gov_error_message(err, 0, "en"), "CSV UTF-8"));
            assert_non_null(strstr(gov_error_message(err, 0, "zh"), "另存为"));
        }
        base_free(NULL, got);
        gov_error_free(err);
    }
}

/* ---- columns and reports ---- */

static exchange_table *table_of(source *o, const char *text)
{
    exchange_table *t;
    *o = (source){text, strlen(text), 0, SIZE_MAX, false};
    assert_int_equal(exchange_table_read(NULL, read_source, o,
                                         &(exchange_format){.origin = "x.csv"}, &t, NULL),
                     GOV_OK);
    return t;
}

static void columns(void **state)
{
    source o;
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    size_t at[3];
    (void)state;
    exchange_table *t = table_of(&o, "Open_DT, ＩＤ ,note,note,来源\n1,2,3,4,5\n");
    assert_gov_ok(exchange_table_columns(t, (const char *const[]){"id", "open_dt", "?who"}, 3, at,
                                         &d),
                  err);
    assert_int_equal(at[0], 1);
    assert_int_equal(at[1], 0);
    assert_true(at[2] == EXCHANGE_NO_COLUMN);
    assert_gov(GOV_E_INPUT,
               exchange_table_columns(t, (const char *const[]){"open_date", "来源", "Zzzzzzzzzz"},
                                      3, at, &d),
               err);
    assert_int_equal(gov_error_count(err), 1);
    assert_diag(err, 0, "table_no_columns", 1, -1);
    assert_string_equal(gov_error_message(err, 0, "en"),
                        "columns not found: \"open_date\", \"Zzzzzzzzzz\"; the header has: "
                        "Open_DT, ＩＤ, note, note, 来源");
    gov_error_free(err);
    err = NULL;
    assert_gov(GOV_E_INPUT, exchange_table_columns(t, (const char *const[]){"Open_DR"}, 1, at, &d),
               err);
    assert_non_null(strstr(gov_error_message(err, 0, "zh"), "\"Open_DR\" (≈ \"Open_DT\")"));
    gov_error_free(err);
    err = NULL;
    assert_gov(GOV_E_INPUT, exchange_table_columns(t, (const char *const[]){"note"}, 1, at, &d),
               err);
    assert_diag(err, 0, "table_column_twice", 1, -1);
    gov_error_free(err);
    exchange_table_close(t);
}

static void reports(void **state)
{
    source o;
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    const exchange_row *row;
    int64_t n;
    (void)state;
    exchange_table *t = table_of(&o, "数量,b\n\n十二,2,3\n");
    assert_gov_ok(exchange_table_next(t, &row, &d), err);
    assert_gov(GOV_E_INPUT, exchange_row_report(t, row, &d), err);
    assert_diag(err, 0, "row_many", 3, 0);
    const exchange_fault fault = exchange_parse_int(exchange_at(row, 0), &n);
    assert_gov(GOV_E_INPUT, exchange_fault_report(fault, t, row, 0, &d), err);
    assert_diag(err, 1, "cell_number", 3, 1);
    assert_string_equal(gov_error_message(err, 1, "zh"), "“数量”：“十二”不是数字");
    assert_string_equal(gov_error_origin(err, 1), "x.csv");
    gov_error_free(err);
    exchange_table_close(t);
}

/* ---- writing ---- */

static bool to_buf(void *user, const void *bytes, size_t len)
{
    base_buf_add(user, bytes, len);
    return true;
}

static bool refuse_writing(void *user, const void *bytes, size_t len)
{
    (void)user;
    (void)bytes;
    (void)len;
    return false;
}

static void writing(void **state)
{
    base_buf b;
    exchange_csv *w;
    (void)state;
    base_buf_init(&b, NULL);
    assert_int_equal(exchange_csv_new(NULL, to_buf, &b,
                                      &(exchange_csv_options){.keep_digits = true}, &w, NULL),
                     GOV_OK);
    const char *const cells[] = {"a",  "",     "x,y", "say \"hi\"", "two\nlines",         "=1+1",
                                 "@x", "-5.5", "+8",  "-x",         "110101199003071234", "0113",
                                 "13", " a"};
    for (size_t i = 0; i < ARRAY_LEN(cells); i++)
        exchange_csv_text(w, cells[i]);
    exchange_csv_int(w, -12);
    exchange_csv_end_row(w);
    assert_int_equal(exchange_csv_flush(w, NULL), GOV_OK);
    assert_string_equal(
        b.data, "\xEF\xBB\xBF"
                "a,,\"x,y\",\"say \"\"hi\"\"\",\"two\nlines\",\"'=1+1\",\"'@x\",-5.5,+8,\"'-x\","
                "\"110101199003071234\t\",\"0113\t\",13,\" a\",-12\r\n");
    exchange_csv_free(w);
    base_buf_free(&b);
    assert_int_equal(exchange_csv_new(NULL, to_buf, &b, &(exchange_csv_options){.plain = true}, &w,
                                      NULL),
                     GOV_OK);
    exchange_csv_text(w, "=1");
    exchange_csv_end_row(w);
    assert_int_equal(exchange_csv_flush(w, NULL), GOV_OK);
    assert_string_equal(b.data, "=1\n");
    exchange_csv_free(w);
    base_buf_free(&b);
    assert_int_equal(exchange_csv_new(NULL, refuse_writing, NULL, NULL, &w, NULL), GOV_OK);
    exchange_csv_text(w, "x");
    assert_int_equal(exchange_csv_flush(w, NULL), GOV_E_STORE);
    exchange_csv_free(w);
}

/* Refused rows can be read again, and refused again, without growing columns. */
static void refused_rows(void **state)
{
    source o;
    base_buf b, c;
    exchange_refused *r;
    const exchange_row *row;
    gov_error *err = NULL;
    const diag d = {NULL, &err};
    (void)state;
    base_buf_init(&b, NULL);
    base_buf_init(&c, NULL);
    exchange_table *t = table_of(&o, "id,内容\n1,\"=x, \"\"y\"\"\"\n2,b,多余\n");
    assert_int_equal(exchange_refused_new(NULL, to_buf, &b, "zh", &r, NULL), GOV_OK);
    assert_gov_ok(exchange_table_next(t, &row, &d), err);
    exchange_fault_report(EXCHANGE_NOT_NUMBER, t, row, 1, &d);
    exchange_fault_report(EXCHANGE_IS_BLANK, t, row, 0, &d);
    assert_int_equal(exchange_refused_add(r, t, row, err, NULL), GOV_OK);
    gov_error_free(err);
    err = NULL;
    assert_gov_ok(exchange_table_next(t, &row, &d), err);
    exchange_row_report(t, row, &d);
    assert_int_equal(exchange_refused_add(r, t, row, err, NULL), GOV_OK);
    gov_error_free(err);
    err = NULL;
    assert_int_equal(exchange_refused_flush(r, NULL), GOV_OK);
    assert_int_equal(exchange_refused_count(r), 2);
    assert_string_equal(
        b.data, "\xEF\xBB\xBFid,内容,拒收行号,拒收原因\r\n"
                "1,\"'=x, \"\"y\"\"\",2,\"“内容”：“=x, \"\"y\"\"”不是数字；“id”为空\"\r\n"
                "2,b,3,该行有 3 格，表头只有 2 列（单元格里有未加引号的分隔符？）,多余\r\n");
    exchange_refused_free(r);
    exchange_table_close(t);

    t = table_of(&o, b.data);
    assert_int_equal(exchange_refused_new(NULL, to_buf, &c, "en", &r, NULL), GOV_OK);
    assert_gov_ok(exchange_table_next(t, &row, &d), err);
    assert_memory_equal(row->cells[1].s, "=x, \"y\"", row->cells[1].len);
    assert_int_equal(exchange_refused_add(r, t, row, NULL, NULL), GOV_OK);
    assert_int_equal(exchange_refused_flush(r, NULL), GOV_OK);
    assert_string_equal(
        c.data, "\xEF\xBB\xBFid,内容,refused_line,refused_reason\r\n1,\"'=x, \"\"y\"\"\",2,\r\n");
    exchange_refused_free(r);
    exchange_table_close(t);
    base_buf_free(&b);
    base_buf_free(&c);
}

/* ---- memory ---- */

typedef struct endless {
    long row, rows;
    size_t at, len;
    char line[200];
} endless;

static ptrdiff_t read_endless(void *user, void *bytes, size_t cap)
{
    endless *e = user;
    size_t n = 0;
    while (n < cap) {
        if (e->at == e->len) {
            if (e->row > e->rows)
                break;
            e->len = e->row == 0
                         ? (size_t)sprintf(e->line, "编号,内容,时间\n")
                         : (size_t)sprintf(e->line,
                                           "%ld,\"第 %ld 条,\"\"路灯\"\"\n不亮\",2026/3/2 9:05\n",
                                           e->row, e->row);
            e->row++;
            e->at = 0;
        }
        size_t k = e->len - e->at < cap - n ? e->len - e->at : cap - n;
        memcpy((char *)bytes + n, e->line + e->at, k);
        e->at += k;
        n += k;
    }
    return (ptrdiff_t)n;
}

static void memory_stays_flat(void **state)
{
    struct faulty f;
    endless e = {.rows = 100000};
    exchange_table *t;
    const exchange_row *row;
    gov_status status;
    uint64_t rows = 0;
    size_t at_first = 0;
    long calls_at_first = 0;
    (void)state;
    faulty_init(&f, -1, false);
    assert_int_equal(exchange_table_read(&f.alloc, read_endless, &e, NULL, &t, NULL), GOV_OK);
    while ((status = exchange_table_next(t, &row, NULL)) == GOV_OK) {
        exchange_when w;
        assert_int_equal(exchange_parse_when(exchange_at(row, 2), NULL, &w), EXCHANGE_FINE);
        if (++rows == 5000) {
            at_first = f.peak;
            calls_at_first = f.calls;
        }
    }
    assert_int_equal(status, GOV_END);
    assert_int_equal(rows, 100000);
    assert_int_equal(f.peak, at_first);
    assert_int_equal(f.calls, calls_at_first); /* not even one allocation after the first buffer */
    assert_true(f.peak < 1 << 20);
    exchange_table_close(t);
    assert_int_equal(f.live, 0);
}

static gov_status read_all(const gov_allocator *a, void *user)
{
    gov_error *err = NULL;
    const diag d = {a, &err};
    source o = *(source *)user;
    exchange_table *t;
    exchange_refused *r = NULL;
    const exchange_row *row;
    size_t at[2];
    base_buf out;
    base_buf_init(&out, NULL);
    gov_status status = exchange_table_read(a, read_source, &o, NULL, &t, &d);
    if (status == GOV_OK) {
        status = exchange_table_columns(t, (const char *const[]){"b", "a"}, 2, at, &d);
        if (status == GOV_OK)
            status = exchange_refused_new(a, to_buf, &out, "en", &r, &d);
        while (status == GOV_OK && (status = exchange_table_next(t, &row, &d)) == GOV_OK) {
            if (row->flags != 0 && exchange_row_report(t, row, &d) == GOV_E_NOMEM)
                status = GOV_E_NOMEM;
            else
                status = exchange_refused_add(r, t, row, err, &d);
        }
        if (status == GOV_END)
            status = exchange_refused_flush(r, &d);
        exchange_refused_free(r);
        exchange_table_close(t);
    }
    base_buf_free(&out);
    gov_error_free(err);
    return status;
}

static void out_of_memory(void **state)
{
    char zipped[200];
    source o = {zipped, gzip("a,b\n1,2,3\n\"x\"\"\",y\n", 19, zipped, sizeof zipped), 0, SIZE_MAX,
                false};
    (void)state;
    oom_loop(read_all, &o);
}

/* ---- a city's half year ---- */

typedef struct grids {
    geo_area areas[300];
    char codes[300][8];
    size_t count;
    geo_index *index;
} grids;

static void load_grids(grids *g, const char *path)
{
    size_t len, n;
    char *text = support_read(path, &len);
    base_arena arena;
    geo_feature *f;
    geo_checker *c;
    base_arena_init(&arena, NULL);
    assert_int_equal(geo_read_features(&arena, "precincts", text, len, &f, &n, NULL), GOV_OK);
    assert_int_equal(n, 255);
    assert_int_equal(geo_checker_new(NULL, &c, NULL), GOV_OK);
    for (size_t i = 0; i < n; i++) {
        geo_shape *s;
        const value code = value_get_text(f[i].properties, "WDPCT");
        assert_int_equal(geo_shape_from_value(NULL, c, f[i].geometry, NULL, &s, NULL), GOV_OK);
        memcpy(g->codes[i], code.as.s, code.len);
        g->areas[i] = (geo_area){s, (int64_t)i + 1, 0};
    }
    g->count = n;
    assert_int_equal(geo_index_build(NULL, g->areas, n, &g->index, NULL), GOV_OK);
    geo_checker_free(c);
    base_arena_free(&arena);
    free(text);
}

/* Point in polygon against the precinct that the city itself recorded. */
static void city_agrees(void **state)
{
    static const char *const names[] = {"precinct", "latitude", "longitude", "open_dt"};
    grids *g = calloc(1, sizeof *g);
    exchange_table *t;
    const exchange_row *row;
    size_t at[4];
    gov_status status;
    long rows = 0, compared = 0, agreed = 0, unknown = 0;
    (void)state;
    if (support_shared("data/city311/precincts_2015.geojson") == NULL) {
        free(g);
        support_skip("the city's data is not there");
    }
    load_grids(g, support_shared("data/city311/precincts_2015.geojson"));
    assert_int_equal(exchange_table_open(NULL, support_shared("data/city311/requests_2011.csv.gz"),
                                         NULL, &t, NULL),
                     GOV_OK);
    assert_int_equal(exchange_table_columns(t, names, 4, at, NULL), GOV_OK);
    assert_int_equal(exchange_table_width(t), 26);
    while ((status = exchange_table_next(t, &row, NULL)) == GOV_OK) {
        geo_point p;
        int64_t id;
        exchange_when w;
        assert_int_equal(row->flags, 0);
        assert_int_equal(exchange_parse_when(exchange_at(row, at[3]), NULL, &w), EXCHANGE_FINE);
        assert_int_equal(exchange_parse_degrees(exchange_at(row, at[1]), 90, &p.lat),
                         EXCHANGE_FINE);
        assert_int_equal(exchange_parse_degrees(exchange_at(row, at[2]), 180, &p.lon),
                         EXCHANGE_FINE);
        rows++;
        if (p.lat == 423594000 && p.lon == -710587000) {
            unknown++;
            continue;
        }
        geo_locate(g->index, 0, &p, 1, &id);
        const exchange_cell recorded = exchange_trim(exchange_at(row, at[0]));
        compared++;
        agreed += id != 0 && recorded.len == strlen(g->codes[id - 1]) &&
                  memcmp(recorded.s, g->codes[id - 1], recorded.len) == 0;
    }
    assert_int_equal(status, GOV_END);
    exchange_table_close(t);
    for (size_t i = 0; i < g->count; i++)
        geo_shape_free(NULL, (geo_shape *)(uintptr_t)g->areas[i].shape);
    geo_index_free(g->index);
    free(g);
    print_message("%ld rows, %ld compared, %ld agree\n", rows, compared, agreed);
    assert_int_equal(rows, 58251);
    assert_int_equal(unknown, 4775);
    assert_int_equal(compared, 53476);
    assert_true(agreed >= 51965);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_quotes),   cmocka_unit_test(nul_is_flagged),
        cmocka_unit_test(formats),           cmocka_unit_test(encodings),
        cmocka_unit_test(late_decision),     cmocka_unit_test(damaged_text),
        cmocka_unit_test(gzipped),           cmocka_unit_test(gzip_cut_or_damaged),
        cmocka_unit_test(reading_fails),     cmocka_unit_test(other_kinds),
        cmocka_unit_test(columns),           cmocka_unit_test(reports),
        cmocka_unit_test(writing),           cmocka_unit_test(refused_rows),
        cmocka_unit_test(memory_stays_flat), cmocka_unit_test(out_of_memory),
        cmocka_unit_test(city_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
