/* The corners of the language's specification: what its text says where public tests are few. */
#include "support/expr_table.h"

static void literals(void **state)
{
    static const example table[] = {
        {"'\\U0001F600'", "\"😀\""},
        {"'\\ud83d\\ude03'", "!bad_literal"},
        {"'\\U0000D83D'", "!bad_literal"},
        {"'\\U00110000'", "!bad_literal"},
        {"'\\xff' == 'ÿ' && '\\XFF' == '\\u00fF'", "true"},
        {"\"\\303\\277\" == 'Ã¿'", "true"},
        {"b\"\\303\\277\" == b'ÿ'", "true"},
        {"b\"\\xff\"", "{\"bytes\":\"/w==\"}"},
        {"b'\\u00ff'", "!bad_literal"},
        {"b\"ÿ\"", "{\"bytes\":\"w78=\"}"},
        {"R\"\\q\" == '\\\\q'", "true"},
        {"rb\"x\"", "!unexpected_token"},
        {"bR'\\x' == b'\\\\x'", "true"},
        {"'''x''x''' == \"x''x\"", "true"},
        {"\"\"\"a\\\"\"\"b\"\"\"", "\"a\\\"\\\"\\\"b\""},
        {"r'''\\'''", "\"\\\\\""},
        {"'''a\nb'''", "\"a\\nb\""},
        {"'a\rb'", "!bad_literal"},
        {"b'''open", "!bad_literal"},
        {"'\\?\\`\\'\\\"\\\\' == \"?`'\\\"\\\\\"", "true"},
        {"'\\400'", "!bad_literal\",\"message\":\"string: the largest octal escape is \\\\377"},
        {"'\\ud800'", "!bad_literal\",\"message\":\"string: a surrogate"},
        {"'\\u12'", "!bad_literal\",\"message\":\"string: \\\\u takes four"},
        {"'\\U0012'", "!bad_literal\",\"message\":\"string: \\\\U takes eight"},
        {"'\\x1'", "!bad_literal\",\"message\":\"string: \\\\x takes two"},
        {"b'\\u0041'", "!bad_literal\",\"message\":\"string: bytes have no"},
        {"'\\08'", "!bad_literal"},
        {"'\\1'", "!bad_literal"},
        {"'\\s'", "!bad_literal"},
        {"0x7fffffffffffffff == 9223372036854775807", "true"},
        {"-0x8000000000000000 == -9223372036854775808", "true"},
        {"0x8000000000000000", "!bad_literal"},
        {"0xFFu == 255U", "true"},
        {"0XFF", "!unexpected_token"},
        {"1.", "!unexpected_end"},
        {".5e1 == 5.0 && 1E+3 == 1000.0", "true"},
        {"1_000", "!unexpected_token"},
        {"0x", "!unexpected_token"},
        {"[,]", "[]"},
        {"{,}", "{\"map\":[]}"},
        {"[,1]", "!unexpected_token"},
        {"{,'a':1}", "!unexpected_token"},
        {"1 // c\r + 1", "{\"int\":\"1\"}"},
        {"1 // c\n + 1", "{\"int\":\"2\"}"},
        {"{'in': 1}.in", "!unexpected_token"},
        {"{'while': 1}.while", "{\"int\":\"1\"}"},
        {"a.in()", "!unexpected_token"},
    };
    (void)state;
    CHECK(table, NULL);
}

/* What the line protocol says beside a value or a code. */
static void lines(void **state)
{
    static const example table[] = {
        {"1 +\n 2 / 0", "!divide_by_zero\",\"message\":\"divide by zero\",\"line\":2,\"column\":4}}"},
        {"'a\u2028' + 1", "!no_such_overload"},
        {"-1e15", "{\"double\":\"-1000000000000000.0\"}"},
        {"1e16", "{\"double\":\"1e+16\"}"},
        {"[1234567890123456.0, 0.0001]", "[{\"double\":\"1234567890123456.0\"},{\"double\":\"0.0001\"}]"},
        {"0.00001", "{\"double\":\"1e-05\"}"},
        {"{'x': -0.0}", "{\"map\":[[\"x\",{\"double\":\"-0.0\"}]]}"},
        {"-1.0 / 0.0", "{\"double\":\"-Infinity\"}"},
        {"{'b': 1, 'a': 2}.transformMap(k, v, v * 2)",
         "{\"map\":[[\"b\",{\"int\":\"2\"}],[\"a\",{\"int\":\"4\"}]]}"},
        {"o.orValue(0) + 1", "{\"int\":\"6\"}"},
        {"[none.hasValue(), o.hasValue()]", "[false,true]"},
        {"deep", "{\"optional\":[{\"optional\":[\"x\"]}]}"},
        {"{'a': null}.?a.?b", "{\"optional\":null}"},
        {"null.?a", "{\"optional\":null}"},
        {"null[?0]", "{\"optional\":null}"},
        {"[?1]", "!no_such_overload\",\"message\":\"no overload of \\\"[...]\\\" takes (int); expected optional"},
        {"{?'a': 1}", "!no_such_overload\",\"message\":\"no overload of \\\"{...}\\\" takes (int); expected optional"},
        {"timestamp('2024-02-29T00:00:00.1234567891Z')",
         "{\"timestamp\":\"2024-02-29T00:00:00.123456789Z\"}"},
        {"timestamp('2024-02-29T00:00:00.1234567899999+08:00')",
         "{\"timestamp\":\"2024-02-28T16:00:00.123456789Z\"}"},
        {"timestamp('2024-02-29T00:00:00.12345678912')", "!bad_conversion"},
        {"timestamp('2024-02-29')", "!bad_conversion\",\"message\":\"\\\"timestamp\\\" cannot convert 2024-02-29 (write it as 2026-"},
    };
    (void)state;
    CHECK(table, "{\"o\":{\"optional\":[{\"int\":\"5\"}]},\"none\":{\"optional\":null},"
                 "\"deep\":{\"optional\":[{\"optional\":[\"x\"]}]}}");
}

/* A whole line and what its answer begins with. */
static void refused_lines(void **state)
{
    static const char *const table[][2] = {
        {"{\"expr\":\"m\",\"variables\":{\"m\":\"map(double, int)\"}}", "{\"error\":{\"code\":\"bad_type\""},
        {"{\"expr\":\"m\",\"variables\":{\"m\":\"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz\"}}",
         "{\"error\":{\"code\":\"bad_type\",\"message\":\"there is no type \\\"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
         "abcdefghijkl…\\\"\"}}"},
        {"{\"expr\":\"1\",\"container\":\"a..b\"}", "{\"error\":{\"code\":\"bad_name\""},
        {"{\"expr\":\"x\",\"bindings\":{\"x\":{\"optional\":[]}}}", "{\"error\":{\"code\":\"bad_tag\""},
        {"{\"expr\":\"x > 1 &&\\n  y\",\"variables\":{}}",
         "{\"error\":{\"code\":\"undeclared_reference\",\"message\":\"unknown name \\\"x\\\"\",\"line\":1,\"column\":1,"
         "\"more\":[{\"code\":\"undeclared_reference\",\"message\":\"unknown name \\\"y\\\"\",\"line\":2,\"column\":3}]}}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        base_buf out;
        base_buf_init(&out, NULL);
        assert_int_equal(expr_eval_line(NULL, NULL, table[i][0], strlen(table[i][0]), &out), GOV_OK);
        if (strncmp(out.data, table[i][1], strlen(table[i][1])) != 0)
            fail_msg("%s\n  gives %s", table[i][0], out.data);
        base_buf_free(&out);
    }
}

static void conversions(void **state)
{
    static const example table[] = {
        {"string(timestamp('2009-02-13T23:31:30.100Z'))", "\"2009-02-13T23:31:30.1Z\""},
        {"string(timestamp('2009-02-13T23:31:30+08:00'))", "\"2009-02-13T15:31:30Z\""},
        {"string(duration('1m1ms'))", "\"60.001s\""},
        {"string(duration('-0.001s'))", "\"-0.001s\""},
        {"string(0.1) + ' ' + string(-4.5e-3) + ' ' + string(1e-7)", "\"0.1 -0.0045 1e-07\""},
        {"string(1e21) + ' ' + string(1e6) + ' ' + string(999999.0) + ' ' + string(123456789.0)",
         "\"1e+21 1e+06 999999 1.23456789e+08\""},
        {"string(0.0001) + ' ' + string(0.00001234) + ' ' + string(-0.0) + ' ' + string(0.0)",
         "\"0.0001 1.234e-05 -0 0\""},
        {"string(123456.5) + ' ' + string(-1234567.5) + ' ' + string(5e-324) + ' ' + "
         "string(1.7976931348623157e308)",
         "\"123456.5 -1.2345675e+06 5e-324 1.7976931348623157e+308\""},
        {"string(0.0/0.0) + string(1.0/0.0)", "\"NaN+Inf\""},
        {"int(0.0/0.0)", "!out_of_range\",\"message\":\"\\\"int\\\": range error: NaN"},
        {"duration('1d')", "!duration_in_days"},
        {"duration('2w3h')", "!duration_in_days"},
        {"duration('1 day')", "!duration_in_days"},
        {"duration('d')", "!bad_conversion"},
        {"timestamp('2026-03-02T09:00:00+08:00').getHours('')", "{\"int\":\"1\"}"},
        {"string(double('-Infinity'))", "\"-Inf\""},
        {"string(b'\\xc3\\x28')", "!invalid_argument"},
        {"int('9223372036854775808')", "!bad_conversion"},
        {"int(9223372036854774784.0)", "{\"int\":\"9223372036854774784\"}"},
        {"int(-9223372036854775808.0)", "!out_of_range"},
        {"int(1e300)", "!out_of_range"},
        {"int('') == 0 || true", "true"},
        {"int('0x10')", "!bad_conversion"},
        {"uint(18446744073709551615.0)", "!out_of_range"},
        {"uint('+1')", "!bad_conversion"},
        {"uint(1.99)", "{\"uint\":\"1\"}"},
        {"double('1e400')", "!out_of_range"},
        {"double('0x10')", "!bad_conversion"},
        {"bool('TRUE') && bool('1') && !bool('f')", "true"},
        {"bool('tRUE')", "!bad_conversion"},
        {"type(dyn(1)) == int && dyn('a') == 'a'", "true"},
        {"string(null)", "!no_such_overload"},
    };
    (void)state;
    CHECK(table, NULL);
}

static void instants(void **state)
{
    static const example table[] = {
        {"timestamp('0001-01-01T00:00:00Z') < timestamp('9999-12-31T23:59:59.999999999Z')", "true"},
        {"timestamp('0000-12-31T23:59:59Z')", "!bad_conversion"},
        {"timestamp('10000-01-01T00:00:00Z')", "!bad_conversion"},
        {"timestamp('9999-12-31T23:59:59.999999999Z') + duration('1ns')", "!out_of_range"},
        {"timestamp('0001-01-01T00:00:00Z') - duration('1ns')", "!out_of_range"},
        {"timestamp(253402300800)", "!out_of_range"},
        {"timestamp(-62135596800) == timestamp('0001-01-01T00:00:00Z')", "true"},
        {"timestamp('9999-12-31T00:00:00Z') - timestamp('0001-01-01T00:00:00Z')", "!out_of_range"},
        {"timestamp('2009-02-13T23:31:30')", "!bad_conversion"},
        {"timestamp('2009-02-30T00:00:00Z')", "!bad_conversion"},
        {"duration('9223372036.854775807s')", "{\"duration\":\"9223372036.854775807s\"}"},
        {"duration('9223372036.854775808s')", "!out_of_range"},
        {"duration('320000h') + duration('2400000h')", "!out_of_range"},
        {"duration('1h34us') == duration('3600.000034s')", "true"},
        {"duration('-1.5h') == duration('-90m') && duration('0') == duration('0s')", "true"},
        {"duration('')", "!bad_conversion"},
        {"duration('1')", "!bad_conversion"},
        {"duration('1s') + timestamp(0) == timestamp(1)", "true"},
        {"timestamp(0) + timestamp(0)", "!no_such_overload"},
        {"duration('1s') - timestamp(0)", "!no_such_overload"},
        {"-duration('1s')", "!no_such_overload"},
        {"duration('-90m').getHours() == -1 && duration('3h').getMinutes() == 180 && "
         "duration('1h').getSeconds() == 3600",
         "true"},
        {"timestamp('2023-12-25T00:00:00Z').getDate('America/Los_Angeles')", "{\"int\":\"24\"}"},
        {"timestamp('2023-12-25T00:00:00Z').getDayOfMonth('America/Los_Angeles')",
         "{\"int\":\"23\"}"},
        {"timestamp('2023-12-25T12:00:00Z').getDayOfWeek()", "{\"int\":\"1\"}"},
        {"timestamp('2023-12-25T12:00:00Z').getDayOfYear()", "{\"int\":\"358\"}"},
        {"timestamp('2009-02-13T23:31:30Z').getHours('+05:30')", "{\"int\":\"5\"}"},
        {"timestamp('2009-02-13T23:31:30Z').getMinutes('-00:45')", "{\"int\":\"46\"}"},
        {"timestamp('2009-02-13T23:31:30Z').getHours('UTC')", "{\"int\":\"23\"}"},
        {"timestamp('1969-12-31T23:59:59.5Z').getMilliseconds() == 500 && "
         "int(timestamp('1969-12-31T23:59:59.5Z')) == -1",
         "true"},
        /* Paris moves its clocks on 2026-03-29 and 2026-10-25 at 01:00 UTC; Shanghai had summer time in 1986 */
        {"timestamp('2026-03-29T00:59:59Z').getHours('Europe/Paris') == 1 && "
         "timestamp('2026-03-29T01:00:00Z').getHours('Europe/Paris') == 3",
         "true"},
        {"timestamp('2026-10-25T00:30:00Z').getHours('Europe/Paris') == 2 && "
         "timestamp('2026-10-25T01:30:00Z').getHours('Europe/Paris') == 2",
         "true"},
        {"timestamp('1986-07-01T00:00:00Z').getHours('Asia/Shanghai') == 9 && "
         "timestamp('2086-07-01T00:00:00Z').getHours('Asia/Shanghai') == 8",
         "true"},
        {"timestamp('2086-07-01T00:00:00Z').getHours('Europe/Paris') == 2", "true"},
    };
    (void)state;
    CHECK(table, NULL);
}

static void equality(void **state)
{
    static const example table[] = {
        {"{1: 'a'}[1u] + {1u: 'b'}[1.0] + {1: 'c'}[dyn(1.0)]", "\"abc\""},
        {"{1: 'a'}[1.5]", "!no_such_key"},
        {"{1: 1, 1u: 2}", "!duplicate_key"},
        {"size({true: 1, 1: 2, '1': 3})", "{\"int\":\"3\"}"},
        {"1.0 in {1: 2} && 2u in [1.0, 2.0]", "true"},
        {"-1 < 0u && 18446744073709551615u > 9223372036854775807 && 1 >= 1.0", "true"},
        {"1 < double('NaN') || 1 >= double('NaN') || double('NaN') == double('NaN')", "false"},
        {"double('NaN') in [double('NaN')] || [double('NaN')] == [double('NaN')]", "false"},
        {"{'a': [1, {'b': 2u}]} == {'a': [1.0, {'b': 2}]}", "true"},
        {"[1, 'a'] == ['a', 1] || {'a': 1} == {'a': 1, 'b': 2}", "false"},
        {"b'a' == 'a' || null == 0 || 'true' == true", "false"},
        {"null < null", "!no_such_overload"},
        {"[1] < [2]", "!no_such_overload"},
        {"'\\u00e9' == 'e\\u0301'", "false"},
        {"type(1) == int && type([1]) == list && type(null) == null_type && type(type) == type",
         "true"},
    };
    (void)state;
    CHECK(table, NULL);
}

static void absorbed(void **state)
{
    static const example table[] = {
        {"1/0 > 0 && false || 1/0 > 0 || true", "true"},
        {"(1/0 > 0 || true) && !(1/0 > 0 && false)", "true"},
        {"null || true", "true"},
        {"1 && false", "false"},
        {"true && null", "!no_such_overload"},
        {"[0, 1].all(x, 1/x > 5)", "false"},
        {"[0, 2].exists(x, 4/x == 2)", "true"},
        {"[2, 0].exists(x, 4/x == 3)", "!divide_by_zero"},
        {"[1, 0].exists_one(x, 1/x == 1)", "!divide_by_zero"},
        {"[2, 1].filter(x, x/(x - 1) == 2)", "!divide_by_zero"},
        {"false ? 1/0 : 1", "{\"int\":\"1\"}"},
        {"nothing.at.all || true", "true"},
        {"nothing(1/0) && false", "false"},
    };
    (void)state;
    CHECK(table, NULL);
}

static void scopes(void **state)
{
    static const example table[] = {
        {"x.y + [{'y': 1}].map(x, x.y)[0]", "{\"int\":\"11\"}"},
        {"[1].exists(x, .x.y == 10)", "true"},
        {"[1].exists(x, x == 1 && [2].exists(x, x == 2) && x == 1)", "true"},
        {"cel.bind(x, {'y': 2}, x.y + .x.y)", "{\"int\":\"12\"}"},
        {"[1].map(x, x)[0] + x.y", "{\"int\":\"11\"}"},
        {"has(m.a) && !has(m.b) && has(m.n)", "true"},
        {"has(m.b.c)", "!no_such_key"},
        {"has(m['a'])", "!bad_macro"},
        {"{'a': 1}.exists(k, v, k == 'a' && v == 1) && [5].all(i, v, i == 0 && v == 5)", "true"},
        {"[5].all(i, i, true)", "!bad_macro"},
        {"[5].all(i.j, true)", "!bad_macro"},
    };
    (void)state;
    CHECK(table, "{\"x.y\":{\"int\":\"10\"},\"m\":{\"map\":[[\"a\",\"b\"],[\"n\",null]]}}");
}

static void extensions(void **state)
{
    static const example table[] = {
        {"'hello mellow'.indexOf('ello', 20) + 'hello mellow'.lastIndexOf('ello', 20)",
         "{\"int\":\"-2\"}"},
        {"'ab'.indexOf('', 9) == 2 && 'ab'.lastIndexOf('', 9) == 2 && ''.indexOf('') == 0", "true"},
        {"'a'.lastIndexOf('a', -1)", "!invalid_argument"},
        {"[1, 2u].sort()", "!no_such_overload"},
        {"[1, 2].sortBy(x, x == 1 ? dyn(1) : dyn('a'))", "!no_such_overload"},
        {"[duration('2s'), duration('1s')].sort()[0] == duration('1s') && [true, false].sort() == "
         "[false, true]",
         "true"},
        {"[{'n': 'b', 's': 2}, {'n': 'a', 's': 1}].sortBy(e, e.s).map(e, e.n)", "[\"a\",\"b\"]"},
        {"[1, 2, 2, 3, 3, 3].distinct() == [1, 2, 3] && ['b', 'b', 'c', 'a', 'c'].distinct() == "
         "['b', 'c', 'a'] && [1, 'b', 2, 'b'].distinct() == [1, 'b', 2]",
         "true"},
        {"[1, 2, [], [], [3, 4]].flatten() == [1, 2, 3, 4] && [1, [2, [3, [4]]]].flatten(2) == [1, "
         "2, 3, [4]]",
         "true"},
        {"lists.range(5) == [0, 1, 2, 3, 4]", "true"},
        {"math.bitShiftRight(-1024, 3) == 2305843009213693824 && math.bitShiftLeft(1u, 200) == 0u "
         "&& math.bitNot(0u) == 18446744073709551615u",
         "true"},
        {"math.isNaN(math.sign(0.0/0.0)) && math.round(-1.5) == -2.0 && math.sqrt(985.25) == "
         "31.388692231439016",
         "true"},
        {"{'greeting': 'aloha', 'farewell': 'aloha'}.transformMapEntry(k, v, {v: k})",
         "!duplicate_key"},
        {"{'h': ['hello', 'hi'], 'j': ['joke', 'jog']}.all(k, vs, vs.all(v, v.startsWith(k)))",
         "true"},
        {"[1, 2, 3].transformList(i, v, i % 2 == 0, (i * v) + v) == [1, 9] && [1, 2, "
         "3].transformMap(i, v, (i * v) + v) == {0: 1, 1: 4, 2: 9}",
         "true"},
        {"optional.of(1).or(1/0) == optional.of(1) && optional.none().orValue(3) == 3 && "
         "!optional.ofNonZeroValue('').hasValue()",
         "true"},
        {"{'a': {}}.?a.?b.?c.hasValue() || [1][?3].hasValue()", "false"},
        {"'x'.matches('x{1000}') || 'xx'.matches('^x{3}')", "false"},
        {"'x'.matches('x{1001}')", "!bad_pattern"},
        {"'x{1001'.matches('x{1001')", "true"},
        {"'a\\nb'.matches('(?m)^b$') && 'a\\nb'.matches('(?s)a.b') && !'a\\nb'.matches('a.b')",
         "true"},
        {"strings.quote('single-quote with \"double quote\"') == '\"single-quote with \\\\\"double "
         "quote\\\\\"\"'",
         "true"},
    };
    (void)state;
    CHECK(table, NULL);
}

/* A text of 1 MiB and more in `p`, an equal one in `q`, in ten steps. */
#define LONG_TEXTS(body)                                                                       \
    "cel.bind(a, '0123456789abcdef', cel.bind(b, a+a+a+a, cel.bind(c, b+b+b+b, "               \
    "cel.bind(d, c+c+c+c, cel.bind(e, d+d+d+d, cel.bind(f, e+e+e+e, cel.bind(g, f+f+f+f, "     \
    "cel.bind(h, g+g+g+g, cel.bind(i, h+h+h+h, cel.bind(p, i+'x', cel.bind(q, i+'x', " body "" \
    ")))))))))))"

/* Whatever is read again and again is paid for: no loop over a long text or a hard pattern runs for long. */
static void reading_is_charged(void **state)
{
    static const example table[] = {
        {LONG_TEXTS("p == q && p <= q && p in [q] && [p] == [q] && {q: 1}[p] == 1"), "true"},
        {LONG_TEXTS("lists.range(100000).all(x, p == q)"), "!too_costly"},
        {LONG_TEXTS("lists.range(100000).all(x, p <= q)"), "!too_costly"},
        {LONG_TEXTS("lists.range(100000).all(x, p in [q])"), "!too_costly"},
        {LONG_TEXTS("lists.range(100000).all(x, [p] == [q])"), "!too_costly"},
        {LONG_TEXTS("lists.range(100000).all(x, p.startsWith(q))"), "!too_costly"},
        {LONG_TEXTS("cel.bind(m, {q: 1}, lists.range(100000).all(x, m[p] == 1))"), "!too_costly"},
        {LONG_TEXTS("cel.bind(m, {q: 1}, lists.range(100000).all(x, p in m))"), "!too_costly"},
        {LONG_TEXTS("lists.range(10).map(x, p).sort().size()"), "{\"int\":\"10\"}"},
        {"lists.range(100000).all(x, !'aaaaaaaaaaaaaaaab'.matches('^(a|a)*$' + string(0 * "
         "x).substring(1)))",
         "!too_costly"},
        {"'aaaaaaaaaaaaaaaab'.matches('^(a|a)*$')", "false"},
    };
    (void)state;
    CHECK(table, NULL);
}

#define HARD  "(['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'][0].matches('^(a|a)*$'))"
#define LONG  "(lists.range(1000000).all(x, x + 1 > x))"
#define LARGE "(lists.range(9223372036854775807) == [])"
/* Errors are absorbed; limits end the evaluation, whether the other side is known when compiling or not. */
static void limits_stop(void **state)
{
    static const example table[] = {
        {HARD " || yes", "!pattern_limit"},
        {HARD " || true", "!pattern_limit"},
        {HARD " && no", "!pattern_limit"},
        {HARD " && false", "!pattern_limit"},
        {"yes || " HARD, "true"},
        {"true || " HARD, "true"},
        {"no && " HARD, "false"},
        {"false && " HARD, "false"},
        {LONG " || yes", "!too_costly"},
        {LONG " || true", "!too_costly"},
        {LARGE " || yes", "!value_too_large"},
        {LARGE " || true", "!value_too_large"},
        {"[1, 2].exists(x, x == 2 || " LARGE ")", "!value_too_large"},
        {"cel.bind(b, " LARGE ", b || true)", "!value_too_large"},
        {"'a'.matches('(') || yes", "true"},
        {"'a'.matches('(') || true", "true"},
        {"1/0 > 0 || true", "true"},
        {"null || true || 1/0 > 0", "true"},
        {"false || yes || 1/0 > 0", "true"},
        {"yes && true && no", "false"},
    };
    (void)state;
    CHECK(table, "{\"yes\":true,\"no\":false}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals),    cmocka_unit_test(lines), cmocka_unit_test(refused_lines), cmocka_unit_test(conversions),
        cmocka_unit_test(instants),    cmocka_unit_test(equality),
        cmocka_unit_test(absorbed),    cmocka_unit_test(scopes),
        cmocka_unit_test(extensions),  cmocka_unit_test(reading_is_charged),
        cmocka_unit_test(limits_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
