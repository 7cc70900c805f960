/* The extension functions: strings, numbers, lists, sets, optionals, base64. */
#include "support/expr_table.h"

static void strings(void **state)
{
    static const example table[] = {
        {"'hello'.charAt(4) + 'hello'.charAt(5)", "\"o\""},
        {"'hello'.charAt(-1)", "!invalid_argument"},
        {"'hello'.charAt(6)", "!invalid_argument"},
        {"'\u4f60\u597d'.charAt(1)", "\"\xe5\xa5\xbd\""},
        {"'hello mellow'.indexOf('ello', 2)", "{\"int\":\"7\"}"},
        {"'hello mellow'.indexOf('jello')", "{\"int\":\"-1\"}"},
        {"'hello mellow'.indexOf('ello', -1)", "!invalid_argument"},
        {"'hello mellow'.lastIndexOf('ello', 6)", "{\"int\":\"1\"}"},
        {"'hello mellow'.lastIndexOf('')", "{\"int\":\"12\"}"},
        {"''.lastIndexOf('')", "{\"int\":\"0\"}"},
        {"''.indexOf('a')", "{\"int\":\"-1\"}"},
        {"'tacocat'.indexOf('', 8)", "{\"int\":\"7\"}"},
        {"'tacocat'.indexOf('', 3)", "{\"int\":\"3\"}"},
        {"'tacocat'.substring(4) + 'tacocat'.substring(0, 4)", "\"cattaco\""},
        {"'tacocat'.substring(2, 1)", "!invalid_argument"},
        {"'tacocat'.substring(-1)", "!invalid_argument"},
        {"'tacocat'.substring(7)", "\"\""},
        {"'TacoC\u00c6t'.lowerAscii() + 'a\u00e6'.upperAscii()", "\"tacoc\xc3\x86tA\xc3\xa6\""},
        {"' \\t x y\\n'.trim() + ''.trim() + '  '.trim()", "\"x y\""},
        {"['hello', 'mellow'].join(' ') + [].join('/')", "\"hello mellow\""},
        {"['a', 1].join()", "!no_such_overload"},
        {"'hello hello'.replace('he', 'we', 1)", "\"wello hello\""},
        {"'hello hello'.replace('he', 'we', 0)", "\"hello hello\""},
        {"'hello hello'.replace('he', 'we', -1)", "\"wello wello\""},
        {"'ab'.replace('', '-')", "\"-a-b-\""},
        {"'ab'.replace('', '-', 2)", "\"-a-b\""},
        {"'a b c'.split(' ')", "[\"a\",\"b\",\"c\"]"},
        {"'a b c'.split(' ', 2)", "[\"a\",\"b c\"]"},
        {"'a b c'.split(' ', 1)", "[\"a b c\"]"},
        {"'a b c'.split(' ', 0)", "[]"},
        {"'abc'.split('')", "[\"a\",\"b\",\"c\"]"},
        {"'abc'.split('', 2)", "[\"a\",\"bc\"]"},
        {"','.split(',')", "[\"\",\"\"]"},
        {"''.split(',')", "[\"\"]"},
        {"''.split('')", "[]"},
        {"'gums \u4f60'.reverse()", "\"\xe4\xbd\xa0 smug\""},
        {"strings.quote('a\\n\\\"')", "\"\\\"a\\\\n\\\\\\\"\\\"\""},
    };
    (void)state;
    CHECK(table, NULL);
}

static void formats(void **state)
{
    static const example table[] = {
        {"'%s has %d%%'.format(['w', 5])", "\"w has 5%\""},
        {"'%.2f %e %f'.format([1.005, 1500.0, 2])", "\"1.00 1.500000e+03 2.000000\""},
        {"'%b %b %o %x %X'.format([-5, true, 8, 255, 'az'])", "\"-101 1 10 ff 617A\""},
        {"'%x'.format([-9223372036854775808])", "\"-8000000000000000\""},
        {"'%s'.format([[1, 'a', 2.5, null, {'b': true, 'a': duration('1s')}, int]])",
         "\"[1, a, 2.5, null, {a: 1s, b: true}, int]\""},
        {"'%s %s'.format([1e23, 1.5e-7])", "\"100000000000000000000000 0.00000015\""},
        {"'%s'.format([-0.0])", "\"-0\""},
        {"'%s %s %s'.format([0.001, 123.25, 0.5])", "\"0.001 123.25 0.5\""},
        {"'%d %d %d %d'.format([1.5, 1e6, -0.25, -2.0])", "\"1.5 1000000 -0.25 -2\""},
        {"'%d %d %d'.format([0.0/0.0, 1.0/0.0, -1.0/0.0])", "\"NaN Infinity -Infinity\""},
        {"'%e %.0e %.0f %f'.format([1000u, 2.5, 2.5, -1.0/0.0])",
         "\"1.000000e+03 2e+00 2 -Infinity\""},
        {"'%x %X %x %X'.format(['hi', b'hi', 30u, -30])", "\"6869 6869 1e -1E\""},
        {"'%b %b %o %o'.format([false, 5u, -8, 9u])", "\"0 101 -10 11\""},
        {"'%s'.format([[[1u, []], {}, b'x', timestamp('2009-02-13T23:31:30.5+01:00')]])",
         "\"[[1, []], {}, x, 2009-02-13T22:31:30.5Z]\""},
        {"'%s'.format([{2: 'b', 10: 'a', true: [{'k': null}]}])",
         "\"{10: a, 2: b, true: [{k: null}]}\""},
        {"'%b'.format([1.0])", "!invalid_argument"},
        {"'%o'.format([true])", "!invalid_argument"},
        {"'%x'.format([1.5])", "!invalid_argument"},
        {"'%f'.format(['1'])", "!invalid_argument"},
        {"'%e'.format([true])", "!invalid_argument"},
        {"'%.f'.format([1.0])", "!invalid_argument"},
        {"'%d'.format([true])", "!invalid_argument"},
        {"'%d'.format(['1'])", "!invalid_argument"},
        {"'%s'.format([])", "!invalid_argument"},
        {"'%'.format([1])", "!invalid_argument"},
        {"'%z'.format([1])", "!invalid_argument"},
        {"'%.101f'.format([1.0])", "!invalid_argument"},
        {"'%.99999999999999999999f'.format([1.0])", "!invalid_argument"},
        {"'%s'.format([b'\\xff'])", "!invalid_argument"},
        {"'%s'.format([optional.none()])", "!invalid_argument"},
        {"'%.100f'.format([1e308]).size()", "{\"int\":\"410\"}"},
    };
    (void)state;
    CHECK(table, NULL);
}

static void numbers(void **state)
{
    static const example table[] = {
        {"math.round(0.49999999999999994) == 0.0 && math.round(-0.5) == -1.0 && "
         "math.isNaN(math.round(0.0/0.0)) && math.isInf(math.ceil(1.0/0.0))",
         "true"},
        {"math.trunc(-1.9) == -1.0 && math.floor(-1.1) == -2.0 && math.ceil(-1.9) == -1.0", "true"},
        {"math.sign(0) == 0 && math.sign(-7) == -1 && math.sign(7u) == 1u && math.sign(0u) == 0u",
         "true"},
        {"math.abs(-1.5) == 1.5 && math.abs(3u) == 3u && math.abs(-9223372036854775807) == "
         "9223372036854775807",
         "true"},
        {"math.isFinite(1.0) && !math.isFinite(0.0/0.0) && !math.isInf(0.0/0.0)", "true"},
        {"math.isNaN(1)", "!no_such_overload"},
        {"math.ceil(1)", "!no_such_overload"},
        {"math.sqrt(49u) == 7.0 && math.sqrt(0) == 0.0", "true"},
        {"math.bitAnd(3u, 5u) == 1u && math.bitOr(-2, 1) == -1 && math.bitXor(1, 3) == 2 && "
         "math.bitNot(-1) == 0",
         "true"},
        {"math.bitShiftLeft(1, 63)", "{\"int\":\"-9223372036854775808\"}"},
        {"math.bitShiftRight(-1, 64) == 0 && math.bitShiftRight(8u, 2) == 2u", "true"},
        {"math.bitShiftLeft(1u, -1)", "!invalid_argument"},
        {"math.greatest(-1.5) == -1.5 && math.least([1u, -2, 3.0]) == -2", "true"},
        {"base64.encode(b'') == '' && base64.decode('') == b''", "true"},
        {"base64.decode('aGVsbG8==')", "!invalid_argument"},
        {"base64.decode('aGVs\\r\\nbG8=\\n') == b'hello' && base64.decode('aGVsbG9=') == b'hello'",
         "true"},
        {"base64.decode('/+8=') == b'\\xff\\xef' && base64.decode('AAEC') == b'\\x00\\x01\\x02'",
         "true"},
        {"base64.decode('a')", "!invalid_argument"},
        {"base64.decode('aGVsb')", "!invalid_argument"},
        {"base64.decode('aG=VsbG8')", "!invalid_argument"},
        {"base64.decode('aGVs====')", "!invalid_argument"},
        {"base64.decode('aGVsbG8_')", "!invalid_argument"},
        {"math.greatest(1, 2.5, 2u)", "{\"double\":\"2.5\"}"},
        {"math.least([3, 2u, 4.0])", "{\"uint\":\"2\"}"},
        {"math.greatest([])", "!invalid_argument"},
        {"math.greatest()", "!no_such_overload"},
        {"math.greatest('a')", "!no_such_overload"},
        {"math.greatest('a', 1)", "!no_such_overload\",\"message\":\"no overload of \\\"math.greatest\\\" takes "
                                  "(string, int); expected int, uint or double"},
        {"math.greatest(1, 0.0/0.0)", "!invalid_argument"},
        {"math.greatest(0.0/0.0, 1)", "!invalid_argument"},
        {"math.least([2.5, 0.0/0.0, 1.0])", "!invalid_argument"},
        {"math.isNaN(math.least(0.0/0.0))", "true"},
        {"math.least(1, 'a')", "!no_such_overload"},
        {"math.round(2.5) + math.round(-2.5) + math.ceil(0.1) + math.floor(-0.1) + math.trunc(1.9)",
         "{\"double\":\"1.0\"}"},
        {"math.abs(-9223372036854775808)", "!integer_overflow"},
        {"math.sign(-2.5)", "{\"double\":\"-1.0\"}"},
        {"math.sqrt(81)", "{\"double\":\"9.0\"}"},
        {"math.isNaN(math.sqrt(-15))", "true"},
        {"math.bitAnd(-3, -5)", "{\"int\":\"-7\"}"},
        {"math.bitOr(1u, 2)", "!no_such_overload"},
        {"math.bitXor(3u, 5u)", "{\"uint\":\"6\"}"},
        {"math.bitNot(1)", "{\"int\":\"-2\"}"},
        {"math.bitShiftLeft(-1, 2)", "{\"int\":\"-4\"}"},
        {"math.bitShiftLeft(1, 64)", "{\"int\":\"0\"}"},
        {"math.bitShiftRight(-1, 63)", "{\"int\":\"1\"}"},
        {"math.bitShiftRight(1, -1)", "!invalid_argument"},
        {"base64.encode(b'hello')", "\"aGVsbG8=\""},
        {"string(base64.decode('aGVsbG8=') + base64.decode('aGVsbG8'))", "\"hellohello\""},
        {"base64.decode('a*')", "!invalid_argument"},
    };
    (void)state;
    CHECK(table, NULL);
}

static void lists(void **state)
{
    static const example table[] = {
        {"[1, 2, 3, 4].slice(1, 3) == [2, 3] && [].slice(0, 0) == []", "true"},
        {"[1].slice(0, 2)", "!invalid_argument"},
        {"[1].slice(1, 0)", "!invalid_argument"},
        {"[1, [2, [3, 4]]].flatten() == [1, 2, [3, 4]]", "true"},
        {"[1, [2, [3, [4]]]].flatten(2) == [1, 2, 3, [4]]", "true"},
        {"[1, [2]].flatten(0) == [1, [2]]", "true"},
        {"[1].flatten(-1)", "!invalid_argument"},
        {"[1, 'b', 1.0, 'b'].distinct() == [1, 'b']", "true"},
        {"lists.range(3)", "[{\"int\":\"0\"},{\"int\":\"1\"},{\"int\":\"2\"}]"},
        {"lists.range(-1)", "!invalid_argument"},
        {"lists.range(9223372036854775807)", "!value_too_large"},
        {"[5, 3, 1, 2].reverse() == [2, 1, 3, 5]", "true"},
        {"[3, 2.5, 1u].sort()", "!no_such_overload"},
        {"['b', 'c', 'a'].sort()", "[\"a\",\"b\",\"c\"]"},
        {"[1, 'b'].sort()", "!no_such_overload"},
        {"[0.0/0.0, 1.0].sort()", "!invalid_argument"},
        {"[1.0, 0.0/0.0].sort()", "!invalid_argument"},
        {"[2, 1].sortBy(x, x > 1 ? 0.0/0.0 : 1.0)", "!invalid_argument"},
        {"math.isNaN([0.0/0.0].sort()[0])", "true"},
        {"[[1]].sort()", "!no_such_overload"},
        {"['ccc', 'a', 'bb', 'd'].sortBy(s, size(s))", "[\"a\",\"d\",\"bb\",\"ccc\"]"},
        {"[1, 2].first().value() + [1, 2].last().value()", "{\"int\":\"3\"}"},
        {"[].first().orValue('none')", "\"none\""},
        {"sets.contains([1, 2.0, 3u], [1.0, 2u, 3]) && sets.contains([], []) && !sets.contains([], "
         "[1])",
         "true"},
        {"sets.equivalent([1, 2, 3], [3u, 2.0, 1, 1]) && !sets.equivalent([1], [1, 2])", "true"},
        {"sets.intersects([[1], [2, 3]], [[1, 2], [2, 3.0]]) && !sets.intersects([1], [])", "true"},
    };
    (void)state;
    CHECK(table, NULL);
}

static void optionals(void **state)
{
    static const example table[] = {
        {"{'a': {'b': 1}}.?a.b.orValue(0) + {'a': {}}.?a.b.orValue(5)", "{\"int\":\"6\"}"},
        {"{'a': 1}[?'b'].hasValue()", "false"},
        {"[1][?1].hasValue()", "false"},
        {"optional.none().value()", "!invalid_argument"},
        {"optional.of(1).orValue(1 / 0)", "{\"int\":\"1\"}"},
        {"optional.none().orValue(1 / 0)", "!divide_by_zero"},
        {"optional.none().or(optional.of(2)).value()", "{\"int\":\"2\"}"},
        {"optional.ofNonZeroValue('').hasValue() || optional.ofNonZeroValue(0).hasValue()",
         "false"},
        {"optional.ofNonZeroValue(duration('1s')).hasValue()", "true"},
        {"optional.of(2).optMap(x, x * 2).value()", "{\"int\":\"4\"}"},
        {"optional.none().optMap(x, x / 0).hasValue()", "false"},
        {"optional.of(2).optFlatMap(x, x)", "!no_such_overload"},
        {"[?optional.of(1), ?optional.none(), 2]", "[{\"int\":\"1\"},{\"int\":\"2\"}]"},
        {"{?'a': optional.none(), 'b': 1}", "{\"map\":[[\"b\",{\"int\":\"1\"}]]}"},
        {"[?1]", "!no_such_overload"},
        {"optional.unwrap([optional.of(1), optional.none()]) == [optional.of(1)].unwrapOpt()",
         "true"},
        {"optional.of([1]) == optional.of([1.0]) && optional.none() != optional.of(null)", "true"},
        {"type(optional.none())", "{\"type\":\"optional_type\"}"},
        {"optional.of(1)", "{\"optional\":[{\"int\":\"1\"}]}"},
        {"optional.of(1) + 1", "!no_such_overload"},
        {"has(optional.of({'a': 1}).a) && !has(optional.none().a)", "true"},
    };
    (void)state;
    CHECK(table, NULL);
}

/* A bound value is asked for when it is needed, and once. */
static void bindings(void **state)
{
    static const example table[] = {
        {"cel.bind(a, 1/0, true)", "true"},
        {"cel.bind(a, 1/0, a > 0)", "!divide_by_zero"},
        {"cel.bind(a, 1/0, a > 0 || true)", "true"},
        {"cel.bind(a, 1/0, (a > 0 || true) && a > 0)", "!divide_by_zero"},
        {"cel.bind(a, 1/0, false ? a : 2)", "{\"int\":\"2\"}"},
        {"cel.bind(a, nothing, [1].exists(x, x == 1 || a))", "true"},
        {"cel.bind(a, [1, 2].map(x, x * 2), [10, 20].map(x, x + a[1]))",
         "[{\"int\":\"14\"},{\"int\":\"24\"}]"},
        {"[1, 2].map(x, cel.bind(y, x * 10, [3].map(z, x + y + z)[0]))",
         "[{\"int\":\"14\"},{\"int\":\"25\"}]"},
        {"[1, 2].map(x, cel.bind(y, [x].map(z, z + x)[0], [5, 6].map(w, y + w + x)[1]))",
         "[{\"int\":\"9\"},{\"int\":\"12\"}]"},
        {"cel.bind(a, cel.bind(b, [1].map(x, x)[0], b + [4].map(x, b + x)[0]), [7].map(x, x + "
         "a)[0])",
         "{\"int\":\"13\"}"},
        {"cel.bind(a, 1, cel.bind(b, [2].map(q, q + a)[0], cel.bind(c, [3].map(q, q + b)[0], "
         "[4].map(q, q + a + b + c)[0])))",
         "{\"int\":\"14\"}"},
        {"cel.bind(a, 1, cel.bind(a, a + 1, a))", "{\"int\":\"2\"}"},
        {"cel.bind(a, {'b': 1}, has(a.b) && !has(a.c) && a.b == 1)", "true"},
        {"cel.bind(a, optional.none(), a.orValue(3))", "{\"int\":\"3\"}"},
        {"optional.of(1).or(optional.of(1/0)).value()", "{\"int\":\"1\"}"},
        {"optional.none().optFlatMap(x, optional.of(x/0)).hasValue()", "false"},
        {"{'a': 1}.?b.optMap(x, 1/0).orValue(2)", "{\"int\":\"2\"}"},
        {"[1, 0].exists(i, v, v == 1 || 1/v > 0) && ![0, 1].all(i, v, 1/v == 2)", "true"},
        {"[1, 0].transformList(i, v, v != 0, 1/v) == [1] && {'a': 1}.existsOne(k, v, v == 1)",
         "true"},
    };
    /* 2^44 sums, were each name evaluated again */
    static const example once[] = {
#define TWICE(x, y, body)         "cel.bind(" #y ", " #x " + " #x ", " body ")"
#define FOUR(a, b, c, d, e, body) TWICE(a, b, TWICE(b, c, TWICE(c, d, TWICE(d, e, body))))
#define THIRTY_TWO(body)                                                                                  \
    FOUR(a, b, c, d, e, FOUR(e, f, g, h, i, FOUR(i, j, k, l, m, FOUR(m, n, o, p, q,                       \
    FOUR(q, r, s, t, u, FOUR(u, v, w, x, y, FOUR(y, a1, a2, a3, a4, FOUR(a4, a5, a6, a7, a8, body))))))))
        {"cel.bind(a, [1][0], " THIRTY_TWO(FOUR(a8, b1, b2, b3, b4, FOUR(b4, b5, b6, b7, b8, FOUR(b8, c1, c2, c3, c4, "c4")))) ")",
         "{\"int\":\"17592186044416\"}"},
        {"cel.bind(a, 1/(0 * size('x')), " THIRTY_TWO("a8 > 0 || a8 > 1") ")", "!divide_by_zero"},
    };
    (void)state;
    CHECK(table, NULL);
    CHECK(once, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings), cmocka_unit_test(formats),   cmocka_unit_test(numbers),
        cmocka_unit_test(lists),   cmocka_unit_test(optionals), cmocka_unit_test(bindings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
