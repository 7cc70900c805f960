/* What expressions yield: one table of sources and answers, as the language's specification has them. */
#include "support/expr_table.h"

#include <stdio.h>

static void literals(void **state)
{
    static const example table[] = {
        {"42", "{\"int\":\"42\"}"},
        {"-42", "{\"int\":\"-42\"}"},
        {"0xFF", "{\"int\":\"255\"}"},
        {"-0x10", "{\"int\":\"-16\"}"},
        {"-9223372036854775808", "{\"int\":\"-9223372036854775808\"}"},
        {"9223372036854775808", "!bad_literal"},
        {"18446744073709551615u", "{\"uint\":\"18446744073709551615\"}"},
        {"18446744073709551616u", "!bad_literal"},
        {"0xfu", "{\"uint\":\"15\"}"},
        {"1.5e3", "{\"double\":\"1500.0\"}"},
        {".5", "{\"double\":\"0.5\"}"},
        {"1e2", "{\"double\":\"100.0\"}"},
        {"1e999", "!bad_literal"},
        {"'a\\tb'", "\"a\\tb\""},
        {"\"\\u4f60\\u597d\"", "\"\xe4\xbd\xa0\xe5\xa5\xbd\""},
        {"'\\ud83d\\ude00'", "!bad_literal"},
        {"'\\U0001F600'", "\"\xf0\x9f\x98\x80\""},
        {"'\\ud83d'", "!bad_literal"},
        {"'\\q'", "!bad_literal"},
        {"r'\\q'", "\"\\\\q\""},
        {"'''it's\n'quoted' '''", "\"it's\\n'quoted' \""},
        {"\"\"\"a\"\"b\"\"\"", "\"a\\\"\\\"b\""},
        {"b'\\xff\\377a'", "{\"bytes\":\"//9h\"}"},
        {"b'\\u0041'", "!bad_literal"},
        {"br'\\x'", "{\"bytes\":\"XHg=\"}"},
        {"'open", "!bad_literal"},
        {"'line\nbreak'", "!bad_literal"},
        {"null", "null"},
        {"[1, 'a', [],]", "[{\"int\":\"1\"},\"a\",[]]"},
        {"{'b': 1, 'a': true}", "{\"map\":[[\"b\",{\"int\":\"1\"}],[\"a\",true]]}"},
        {"{}", "{\"map\":[]}"},
        {"1 // the rest is a comment", "{\"int\":\"1\"}"},
        {"", "!unexpected_end"},
        {"1 +", "!unexpected_end"},
        {"1 2", "!unexpected_token"},
        {"(1", "!unexpected_end"},
        {"[1 2]", "!unexpected_token"},
        {"f(1,)", "!unexpected_token"},
        {"a & b", "!bad_character"},
        {"while", "!reserved_word"},
        {"for + 1", "!reserved_word"},
        {"{'for': 1}.for", "{\"int\":\"1\"}"},
        {"{'a.b': 1}.`a.b`", "{\"int\":\"1\"}"},
        {"T{a: 1}", "!no_message_types"},
    };
    (void)state;
    CHECK(table, NULL);
}

static void arithmetic(void **state)
{
    static const example table[] = {
        {"1 + 2 * 3 - 4", "{\"int\":\"3\"}"},
        {"-7 / 2", "{\"int\":\"-3\"}"},
        {"-7 % 3", "{\"int\":\"-1\"}"},
        {"7u % 4u", "{\"uint\":\"3\"}"},
        {"1.0 / 0.0", "{\"double\":\"Infinity\"}"},
        {"0.1 + 0.2", "{\"double\":\"0.30000000000000004\"}"},
        {"9223372036854775807 + 1", "!integer_overflow"},
        {"-9223372036854775808 - 1", "!integer_overflow"},
        {"-9223372036854775808 / -1", "!integer_overflow"},
        {"-9223372036854775808 % -1", "!integer_overflow"},
        {"-(-9223372036854775808)", "!integer_overflow"},
        {"9223372036854775807 * 2", "!integer_overflow"},
        {"0u - 1u", "!integer_overflow"},
        {"1 / 0", "!divide_by_zero"},
        {"1 % 0", "!modulus_by_zero"},
        {"1 + 1.0", "!no_such_overload"},
        {"1 + 1u", "!no_such_overload"},
        {"1.0 % 2.0", "!no_such_overload"},
        {"-1u", "!no_such_overload"},
        {"'a' + 'b' + ''", "\"ab\""},
        {"b'a' + b'b'", "{\"bytes\":\"YWI=\"}"},
        {"[1] + [] + [2]", "[{\"int\":\"1\"},{\"int\":\"2\"}]"},
        {"'a' * 2", "!no_such_overload"},
        {"!true", "false"},
        {"!!true", "true"},
        {"!1", "!no_such_overload"},
    };
    (void)state;
    CHECK(table, NULL);
}

static void comparisons(void **state)
{
    static const example table[] = {
        {"1 == 1.0 && 1 == 1u && 1u == 1.0", "true"},
        {"1 < 1.5 && 2u > 1 && -1 < 0u", "true"},
        {"9223372036854775807 == 9223372036854775807u", "true"},
        {"18446744073709551615u > -1", "true"},
        {"double('NaN') == double('NaN')", "false"},
        {"double('NaN') != double('NaN')", "true"},
        {"double('NaN') < 1.0 || double('NaN') >= 1.0", "false"},
        {"0.0 == -0.0", "true"},
        {"'a' < 'b' && 'a' < 'aa' && '\xc3\xbf' < '\xe4\xbd\xa0'", "true"},
        {"b'\\x00' < b'\\xff'", "true"},
        {"false < true", "true"},
        {"'1' == 1", "false"},
        {"null == false", "false"},
        {"[1, 2] == [1.0, 2u]", "true"},
        {"[1] == [1, 2]", "false"},
        {"{'a': 1, 'b': 2} == {'b': 2.0, 'a': 1u}", "true"},
        {"{1: 'x'} == {1u: 'x'}", "true"},
        {"[1] < [2]", "!no_such_overload"},
        {"'a' < 1", "!no_such_overload"},
        {"2 in [1.0, 2.0]", "true"},
        {"'x' in {'x': null}", "true"},
        {"1u in {1: 'a'}", "true"},
        {"'x' in []", "false"},
        {"1 in 'abc'", "!no_such_overload"},
        {"'c' in ['a','b','c','d','e','f','g','h','i','j']", "true"},
        {"'cc' in ['a','b','c','d','e','f','g','h','i','j']", "false"},
        {"type(1) == int && type(1u) != int", "true"},
        {"type(type(1)) == type", "true"},
        {"type(duration('1s')) == google.protobuf.Duration", "true"},
    };
    (void)state;
    CHECK(table, NULL);
}

static void logic(void **state)
{
    static const example table[] = {
        {"1/0 == 1 && false", "false"},
        {"false && 1/0 == 1", "false"},
        {"1/0 == 1 || true", "true"},
        {"true || 1/0 == 1", "true"},
        {"1/0 == 1 || false", "!divide_by_zero"},
        {"true && 1/0 == 1", "!divide_by_zero"},
        {"1/0 == 1 || 1 % 0 == 1 || 'x' || true", "true"},
        {"1/0 == 1 || 1 % 0 == 1", "!divide_by_zero"},
        {"'x' && true", "!no_such_overload"},
        {"nothing || true", "true"},
        {"nothing || false", "!undeclared_reference"},
        {"nothing(1) || true", "true"},
        {"nothing(1) && true", "!unknown_function"},
        {"true ? 1 : 1/0", "{\"int\":\"1\"}"},
        {"false ? 1/0 : 2", "{\"int\":\"2\"}"},
        {"(1/0 == 1) ? 1 : 2", "!divide_by_zero"},
        {"'a' ? 1 : 2", "!no_such_overload"},
        {"true ? false ? 1 : 2 : 3", "!unexpected_token"},
        {"true ? (false ? 1 : 2) : 3", "{\"int\":\"2\"}"},
        {"false ? 1 : true ? 2 : 3", "{\"int\":\"2\"}"},
    };
    (void)state;
    CHECK(table, NULL);
}

static void access_to_parts(void **state)
{
    static const char *const bindings =
        "{\"m\":{\"map\":[[\"a\",{\"int\":\"1\"}],[\"n\",null],[\"l\",[\"x\",\"y\"]]]},"
        "\"a.b\":{\"map\":[[\"c\",\"longest\"]]},\"a\":{\"map\":[[\"b\",\"short\"]]},"
        "\"e\":{\"error\":\"out of reach\"},\"case.phone\":null,\"case.name\":\"w\"}";
    static const example table[] = {
        {"m.a + m['a']", "{\"int\":\"2\"}"},
        {"m.l[1]", "\"y\""},
        {"m.l[1.0] + m.l[0u]", "\"yx\""},
        {"m.l[2]", "!invalid_argument"},
        {"m.l[-1]", "!invalid_argument"},
        {"m.l[0.5]", "!invalid_argument"},
        {"m.l['0']", "!no_such_overload"},
        {"m.z", "!no_such_key"},
        {"m['z']", "!no_such_key"},
        {"m.a.z", "!no_such_field"},
        {"has(m.a) && has(m.n) && !has(m.z)", "true"},
        {"has(m.a.b)", "!no_such_field"},
        {"has(m)", "!bad_macro"},
        {"has(case.name) && !has(case.phone)", "true"},
        {"case.phone == null", "true"},
        {"a.b.c", "\"longest\""},
        {"a['b']", "\"short\""},
        {"(a).b", "\"short\""},
        {"e", "!bound_error"},
        {"e == 1 || true", "true"},
        {"has(e.f)", "!bound_error"},
        {"{1: 'i', true: 'b', 's': 's', 2u: 'u'}[2]", "\"u\""},
        {"{1: 'i'}[1.0]", "\"i\""},
        {"{1: 1, 1u: 2}", "!duplicate_key"},
        {"{'a': 1, 'a': 2}", "!duplicate_key"},
        {"{1.0: 1}", "!unsupported_key_type"},
        {"{null: 1}", "!unsupported_key_type"},
    };
    (void)state;
    CHECK(table, bindings);
}

static void macros(void **state)
{
    static const example table[] = {
        {"[1, 2, 3].all(x, x > 0)", "true"},
        {"[1, 0].all(x, 1 / x > 0)", "!divide_by_zero"},
        {"[0, -1].all(x, 1 / x > 0)", "false"},
        {"[].all(x, false)", "true"},
        {"[0, 1].exists(x, 1 / x == 1)", "true"},
        {"[0].exists(x, 1 / x == 1)", "!divide_by_zero"},
        {"[].exists(x, true)", "false"},
        {"[1, 2, 1].exists_one(x, x == 2)", "true"},
        {"[1, 2, 1].exists_one(x, x == 1)", "false"},
        {"[1, 0].exists_one(x, 1 / x == 1)", "!divide_by_zero"},
        {"[1, 2].map(x, x * x)", "[{\"int\":\"1\"},{\"int\":\"4\"}]"},
        {"[1, 2, 3].map(x, x > 1, x * x)", "[{\"int\":\"4\"},{\"int\":\"9\"}]"},
        {"[1, 2, 3].filter(x, x % 2 == 1)", "[{\"int\":\"1\"},{\"int\":\"3\"}]"},
        {"{'a': 1}.map(k, k)", "[\"a\"]"},
        {"{'a': 1, 'b': 2}.exists(k, k == 'b')", "true"},
        {"[1].all(x, x)", "!no_such_overload"},
        {"'abc'.all(x, true)", "!no_such_overload"},
        {"[1].map(x + 1, x)", "!bad_macro"},
        {"[[1], [2, 3]].map(x, x.map(y, y + size(x)))",
         "[[{\"int\":\"2\"}],[{\"int\":\"4\"},{\"int\":\"5\"}]]"},
        {"[1].map(x, [2].map(x, x))", "[[{\"int\":\"2\"}]]"},
        {"[{'z': 0}].exists(y, y.z == 0)", "true"},
        {"[3, 4].all(i, v, i + 3 == v)", "true"},
        {"{'a': 1}.exists(k, v, k == 'a' && v == 1)", "true"},
        {"[5, 6].transformList(i, v, i > 0, v)", "[{\"int\":\"6\"}]"},
        {"{'a': 1}.transformMap(k, v, v + 1)", "{\"map\":[[\"a\",{\"int\":\"2\"}]]}"},
        {"{'a': 'x'}.transformMapEntry(k, v, {v: k})", "{\"map\":[[\"x\",\"a\"]]}"},
        {"['a', 'b'].transformMapEntry(i, v, {'same': v})", "!duplicate_key"},
        {"cel.bind(x, 2, x * x)", "{\"int\":\"4\"}"},
        {"cel.bind(x, 2, cel.bind(x, 3, x) + x)", "{\"int\":\"5\"}"},
    };
    (void)state;
    CHECK(table, NULL);
}

static void conversions(void **state)
{
    static const example table[] = {
        {"int('-12')", "{\"int\":\"-12\"}"},
        {"int('1.5')", "!bad_conversion"},
        {"int(' 1')", "!bad_conversion"},
        {"int(-1.9)", "{\"int\":\"-1\"}"},
        {"int(9223372036854775807.0)", "!out_of_range"},
        {"int(double('NaN'))", "!out_of_range"},
        {"int(9223372036854775808u)", "!out_of_range"},
        {"int(true)", "!no_such_overload"},
        {"int(timestamp('1970-01-01T00:01:00Z'))", "{\"int\":\"60\"}"},
        {"uint(-1)", "!out_of_range"},
        {"uint(-0.5)", "!out_of_range"},
        {"uint('18446744073709551615')", "{\"uint\":\"18446744073709551615\"}"},
        {"double('1e3')", "{\"double\":\"1000.0\"}"},
        {"double('x')", "!bad_conversion"},
        {"string(1.5) + string(-3) + string(7u) + string(true) + string(2.0)", "\"1.5-37true2\""},
        {"string(b'\\xff')", "!invalid_argument"},
        {"string(b'abc')", "\"abc\""},
        {"bytes('\\u00ff')", "{\"bytes\":\"w78=\"}"},
        {"bool('T') && !bool('0')", "true"},
        {"bool('yes')", "!bad_conversion"},
        {"dyn([1]).size()", "{\"int\":\"1\"}"},
        {"type([])", "{\"type\":\"list\"}"},
        {"size('\xe4\xbd\xa0\xe5\xa5\xbd') + size(b'\xe4\xbd\xa0') + size([1]) + {1: 2}.size()",
         "{\"int\":\"7\"}"},
        {"size(1)", "!no_such_overload"},
        {"size()", "!no_such_overload"},
        {"'hello'.contains('ell') && 'hello'.startsWith('he') && 'hello'.endsWith('lo')", "true"},
        {"'hello'.contains('') && ''.endsWith('')", "true"},
        {"'a'.contains('ab')", "false"},
        {"contains('a', 'a')", "!no_such_overload"},
    };
    (void)state;
    CHECK(table, NULL);
}

static void patterns(void **state)
{
    static const example table[] = {
        {"'13800138000'.matches('^1[3-9][0-9]{9}$')", "true"},
        {"matches('abc', 'b')", "true"},
        {"'a\\n'.matches('^a$')", "false"},
        {"'\xe4\xbd\xa0'.matches('^.$')", "true"},
        {"'\xe4\xbd\xa0'.matches('\\\\w')", "false"},
        {"'\xce\xb1'.matches('\\\\p{Greek}')", "true"},
        {"'aa'.matches('(a)\\\\1')", "!bad_pattern"},
        {"'aa'.matches('a(?=a)')", "!bad_pattern"},
        {"'aa'.matches('(?<!b)a')", "!bad_pattern"},
        {"'aa'.matches('a++')", "!bad_pattern"},
        {"'aa'.matches('(?>a)')", "!bad_pattern"},
        {"'aa'.matches('(*COMMIT)a')", "!bad_pattern"},
        {"'aa'.matches('(')", "!bad_pattern"},
        {"'AA'.matches('(?i)a+(?P<rest>a)')", "true"},
        {"'a+'.matches('[+]+$')", "true"},
        {"'x1'.matches('x' + string(1))", "true"},
        {"'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'.matches('^(a+)+$')",
         "!pattern_limit"},
    };
    (void)state;
    CHECK(table, NULL);
}

static void times(void **state)
{
    static const char *const bindings = "{\"t\":{\"timestamp\":\"2026-03-01T17:30:15.250Z\"}}";
    static const example table[] = {
        {"t.getFullYear('Asia/Shanghai')", "{\"int\":\"2026\"}"},
        {"t.getMonth('Asia/Shanghai')", "{\"int\":\"2\"}"},
        {"t.getDate()", "{\"int\":\"1\"}"},
        {"t.getDate('Asia/Shanghai')", "{\"int\":\"2\"}"},
        {"t.getDayOfMonth('+08:00')", "{\"int\":\"1\"}"},
        {"t.getDayOfWeek()", "{\"int\":\"0\"}"},
        {"t.getDayOfYear()", "{\"int\":\"59\"}"},
        {"t.getHours('08:00')", "{\"int\":\"1\"}"},
        {"t.getMinutes('-00:45')", "{\"int\":\"45\"}"},
        {"t.getSeconds() + t.getMilliseconds()", "{\"int\":\"265\"}"},
        {"t.getHours('Nowhere/Town')", "!invalid_argument"},
        {"t.getHours('../../etc/passwd')", "!invalid_argument"},
        {"t.getHours('25:00')", "!invalid_argument"},
        /* New York moved its clocks on 2026-03-08 at 07:00 UTC */
        {"timestamp('2026-03-08T06:59:59Z').getHours('America/New_York')", "{\"int\":\"1\"}"},
        {"timestamp('2026-03-08T07:00:00Z').getHours('America/New_York')", "{\"int\":\"3\"}"},
        {"string(t)", "\"2026-03-01T17:30:15.25Z\""},
        {"string(t + duration('750ms'))", "\"2026-03-01T17:30:16Z\""},
        {"t - timestamp('2026-03-01T17:30:16Z') == duration('-750ms')", "true"},
        {"string(duration('1h1m1.5s'))", "\"3661.5s\""},
        {"string(duration('-0.5s'))", "\"-0.5s\""},
        {"duration('1m').getSeconds() + duration('90s').getMinutes() + duration('2h').getHours()",
         "{\"int\":\"63\"}"},
        {"duration('3.25s').getMilliseconds()", "{\"int\":\"250\"}"},
        {"duration('1x')", "!bad_conversion"},
        {"duration('1')", "!bad_conversion"},
        {"duration('')", "!bad_conversion"},
        {"duration('-')", "!bad_conversion"},
        {"duration('0')", "{\"duration\":\"0s\"}"},
        {"duration('9223372037s')", "!out_of_range"},
        {"duration('1.0000000019s') == duration('1000000001ns')", "true"},
        {"timestamp('9999-12-31T23:59:59.999999999Z') + duration('1ns')", "!out_of_range"},
        {"timestamp('0001-01-01T00:00:00Z') - duration('1ns')", "!out_of_range"},
        {"timestamp('2026-02-30T00:00:00Z')", "!bad_conversion"},
        {"timestamp('2026-02-03T00:00:00+08:00')", "{\"timestamp\":\"2026-02-02T16:00:00Z\"}"},
        {"timestamp(-1)", "{\"timestamp\":\"1969-12-31T23:59:59Z\"}"},
        {"t + t", "!no_such_overload"},
        {"duration('1s') - t", "!no_such_overload"},
        {"duration('1s') < duration('2s') && t > timestamp(0)", "true"},
    };
    (void)state;
    CHECK(table, bindings);
}

static void containers(void **state)
{
    static const struct {
        const char *container, *source, *answer;
    } table[] = {
        {"x.y", "n", "{\"value\":\"x.y.n\"}"},
        {"x", "n", "{\"value\":\"x.n\"}"},
        {"x.z", "n", "{\"value\":\"x.n\"}"},
        {"q", "n", "{\"value\":\"n\"}"},
        {"x.y", ".n", "{\"value\":\"n\"}"},
        {"x", "y.n", "{\"value\":\"x.y.n\"}"},
        {"x.y", "[0].exists(n, n == 0)", "{\"value\":true}"},
        {"google.protobuf", "type(duration('0s')) == Duration", "{\"value\":true}"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        base_buf line, out;
        base_buf_init(&line, NULL);
        base_buf_init(&out, NULL);
        base_buf_fmt(&line,
                     "{\"expr\":\"%s\",\"container\":\"%s\",\"bindings\":{\"n\":\"n\",\"x.n\":\"x."
                     "n\",\"x.y.n\":\"x.y.n\"}}",
                     table[i].source, table[i].container);
        assert_int_equal(expr_eval_line(NULL, NULL, line.data, line.len, &out), GOV_OK);
        assert_string_equal(out.data, table[i].answer);
        base_buf_free(&line);
        base_buf_free(&out);
    }
}

static void malformed_lines(void **state)
{
    static const struct {
        const char *line, *code;
    } table[] = {
        {"", "bad_json"},
        {"{", "bad_json"},
        {"[]", "bad_tag"},
        {"{}", "bad_tag"},
        {"{\"expr\":1}", "bad_tag"},
        {"{\"expr\":\"1\",\"bindings\":[]}", "bad_tag"},
        {"{\"expr\":\"1\",\"bindings\":{\"x\":{}}}", "bad_tag"},
        {"{\"expr\":\"1\",\"bindings\":{\"x\":{\"int\":\"y\"}}}", "bad_tag"},
        {"{\"expr\":\"1\",\"bindings\":{\"x y\":1}}", "bad_name"},
        {"{\"expr\":\"1\",\"container\":1}", "bad_tag"},
        {"{\"expr\":\"1\",\"disable_macros\":1}", "bad_tag"},
        {"{\"expr\":\"1\",\"what\":1}", "bad_tag"},
        {"{\"expr\":\"[1].all(x, true)\",\"disable_macros\":true}", "unknown_function"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        base_buf out;
        char want[64];
        base_buf_init(&out, NULL);
        assert_int_equal(expr_eval_line(NULL, NULL, table[i].line, strlen(table[i].line), &out), GOV_OK);
        (void)snprintf(want, sizeof want, "{\"error\":{\"code\":\"%s\",", table[i].code);
        if (strncmp(out.data, want, strlen(want)) != 0)
            fail_msg("%s gives %s", table[i].line, out.data);
        base_buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals),        cmocka_unit_test(arithmetic),
        cmocka_unit_test(comparisons),     cmocka_unit_test(logic),
        cmocka_unit_test(access_to_parts), cmocka_unit_test(macros),
        cmocka_unit_test(conversions),     cmocka_unit_test(patterns),
        cmocka_unit_test(times),           cmocka_unit_test(containers),
        cmocka_unit_test(malformed_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
