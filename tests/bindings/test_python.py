"""The Python package, as its users meet it. tests/checks/bindings.py installs the package and runs this; by hand:
PYTHONPATH=build/release/python python3 tests/bindings/test_python.py (a build with -DGOV_BINDINGS=ON)."""

import copy
import gc
import json
import math
import os
import pickle
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import weakref
from datetime import date, datetime, timedelta, timezone

import gov

HERE = os.path.dirname(os.path.abspath(__file__))
RULES = os.path.join(os.path.dirname(os.path.dirname(HERE)), "examples", "quickstart")
UTC = timezone.utc
MONDAY = datetime(2026, 3, 2, 1, tzinfo=UTC)
STORES = [s for s in ("sqlite", "postgres") if os.environ.get("GOV_TEST_STORES", s) == s]
_schemas = 0


def postgres_url():
    """A schema of its own on the tests' server; None where there is no server."""
    global _schemas
    url = os.environ.get("GOV_TEST_PG")
    if not url or not shutil.which("psql"):
        return None
    _schemas += 1
    schema = f"python_{os.getpid()}_{_schemas}"
    subprocess.run(["psql", "-qX", url, "-c", f"CREATE SCHEMA {schema}"], check=True, stdout=subprocess.DEVNULL)
    return f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{schema}"


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="govpy.")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    def community(self, engine="sqlite", **options):
        """A new community with a unit and two members of staff, its clock on a Monday."""
        url = self.path(f"{len(os.listdir(self.folder))}.db") if engine == "sqlite" else postgres_url()
        if url is None:
            self.skipTest("no PostgreSQL server, or no psql")
        self.url = url
        g = gov.create(url, RULES, now=MONDAY, **options)
        self.addCleanup(g.close)
        g.act_as_host("test")
        g.put("unit", "U05", name="Lamps")
        g.put("staff", "li", name="Li", roles=["dispatcher"])
        g.put("staff", "wang", name="Wang", roles=["repairer"], unit="U05")
        return g


def on_both(test):
    """Marks a test that takes an engine: it runs once for each."""
    test.engines = STORES
    return test


def for_engines(kind):
    """Makes of each marked test one for each engine."""
    for name, test in list(vars(kind).items()):
        if hasattr(test, "engines"):
            for engine in test.engines:
                setattr(kind, f"{name}_on_{engine}", lambda self, test=test, engine=engine: test(self, engine))
            delattr(kind, name)
    return kind


class Values(Case):
    def both_ways(self, value):
        return gov.from_json(gov.to_json(value))

    def test_every_kind_comes_back_as_it_went(self):
        for value in [None, True, False, 0, 1, -1, 2**63 - 1, -2**63, 0.0, 1.0, 1e300, 5e-324, 0.1, math.inf, -math.inf,
                      "", "路灯不亮", "\U0001f600\x01\"\\", b"", b"\x00\xff", b"abcd", [], {}, [1, [2, []]],
                      {"a": {"b": None}}, {1: 2, "$x": True, False: "f"}, {"$timestamp": "no time"},
                      datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
                      datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), timedelta(0), timedelta(days=-1, microseconds=1),
                      timedelta(days=3650, seconds=1, microseconds=999999)]:
            with self.subTest(value=value):
                back = self.both_ways(value)
                self.assertEqual(back, value)
                self.assertIs(type(back), type(value))
        self.assertTrue(math.isnan(self.both_ways(math.nan)))
        self.assertEqual(math.copysign(1, self.both_ways(-0.0)), -1)

    def test_random_values_come_back(self):
        rnd = random.Random(7)

        def make(depth):
            kind = rnd.randrange(10 if depth < 5 else 8)
            if kind == 0:
                return rnd.choice([None, True, False])
            if kind < 3:
                return rnd.randrange(-2**63, 2**63) >> rnd.randrange(63)
            if kind == 3:
                return rnd.uniform(-1, 1) * 10 ** rnd.randrange(-300, 300)
            if kind < 6:
                return "".join(chr(rnd.choice([rnd.randrange(1, 128), rnd.randrange(0x4e00, 0x9fa5)])) for _ in range(rnd.randrange(9)))
            if kind == 6:
                return bytes(rnd.randrange(256) for _ in range(rnd.randrange(9)))
            if kind == 7:
                return MONDAY + timedelta(microseconds=rnd.randrange(-10**16, 10**16))
            if kind == 8:
                return [make(depth + 1) for _ in range(rnd.randrange(5))]
            return {rnd.choice(["a", "b", "$c", 4, -5, "键"]): make(depth + 1) for _ in range(rnd.randrange(5))}

        for _ in range(500):
            value = make(0)
            self.assertEqual(self.both_ways(value), value)

    def test_what_stands_for_a_kind_is_taken(self):
        class Count(int):
            pass

        east = timezone(timedelta(hours=8))
        self.assertEqual(self.both_ways((1, 2)), [1, 2])
        self.assertEqual(self.both_ways(bytearray(b"ab")), b"ab")
        self.assertEqual(self.both_ways(Count(3)), 3)
        self.assertEqual(self.both_ways(date(2026, 3, 2)), "2026-03-02")
        self.assertEqual(self.both_ways(datetime(2026, 3, 2, 9, tzinfo=east)), MONDAY)
        self.assertEqual(gov.point(30.28, -120.15), {"lat": 302800000, "lon": -1201500000})

    def test_what_is_no_value_is_refused(self):
        loop = []
        loop.append(loop)
        wide = []
        wide.extend([wide, wide])
        for value, error in [(2**63, OverflowError), (-2**63 - 1, OverflowError), (datetime(2026, 3, 2), ValueError),
                             ("\ud800", UnicodeEncodeError), (object(), TypeError), ({1.5: 1}, TypeError),
                             ({None: 1}, TypeError), (3j, TypeError), ({1, 2}, TypeError), (loop, ValueError),
                             (wide, ValueError), ([loop], ValueError)]:
            with self.subTest(value=type(value)), self.assertRaises(error):
                gov.to_json(value)
        with self.assertRaises(OverflowError):
            gov.to_json(datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=2))))

    def test_depth_ends_at_64_levels(self):
        value, deep = 1, None
        for level in range(1, 66):
            value = [value] if level % 2 else {"a": value}
            if level == 64:
                deep = value
        try:
            self.assertEqual(self.both_ways(deep), deep)
        except gov.Error as e:
            self.fail(f"64 levels are refused: {e}")
        with self.assertRaises(ValueError):
            gov.to_json(value)
        text = "[" * 100000 + "]" * 100000
        with self.assertRaises(gov.InputError):
            gov.from_json(text)

    def test_a_mapping_that_misbehaves_raises_its_own_error(self):
        class Bad(dict):
            def items(self):
                raise RuntimeError("mine")

        class Odd:
            def items(self):
                return [1, 2]

        with self.assertRaisesRegex(RuntimeError, "mine"):
            gov.to_json({"a": Bad(b=1)})
        with self.assertRaises(TypeError):
            gov.to_json(Odd())

    def test_times_finer_than_a_microsecond_are_not_rounded(self):
        with self.assertRaises(ValueError):
            gov.eval('duration("1.0000001s")')
        self.assertEqual(gov.eval('duration("1.000001s")'), timedelta(seconds=1, microseconds=1))


class Expressions(Case):
    def test_evaluate(self):
        self.assertEqual(gov.eval("a + b", a=1, b=2), 3)
        self.assertIs(gov.eval("1 > 2"), False)
        self.assertIsNone(gov.eval("null"))
        self.assertEqual(gov.eval("18446744073709551615u"), 2**64 - 1)
        self.assertEqual(gov.eval("t + d", t=MONDAY, d=timedelta(days=1)), MONDAY + timedelta(days=1))
        e = gov.compile("case.urgency > 2", {"case.urgency": "int"})
        self.assertIs(e({"case.urgency": 3}), True)
        self.assertIs(e({"case": {"urgency": 1}}), False)

    def test_mistakes_have_code_and_place(self):
        with self.assertRaises(gov.ExprError) as caught:
            gov.eval("1 +\n  nme", name=1)
        d = caught.exception.diagnostics[0]
        self.assertEqual((d.severity, d.line), ("error", 2))
        self.assertEqual(caught.exception.code, d.code)
        self.assertEqual(d.argument("near"), "name")
        with self.assertRaises(gov.ExprError) as caught:
            gov.eval("1 / zero", zero=0)
        self.assertEqual(caught.exception.code, "divide_by_zero")

    def test_line_protocol(self):
        self.assertEqual(json.loads(gov.eval_line('{"expr": "1 + 1"}')), {"value": {"int": "2"}}
                         if "int" in gov.eval_line('{"expr": "1 + 1"}') else {"value": 2})
        self.assertIn("error", json.loads(gov.eval_line("nonsense")))
        self.assertIn("error", json.loads(gov.eval_line('{"expr": "1 \0"}')))


    def test_options(self):
        self.assertEqual(gov.eval("case.urgency + 1", {"case.urgency": 3}), 4)
        with self.assertRaises(gov.ExprError):
            gov.compile("a + 1", {"a": "string"})
        with self.assertRaises(gov.ExprError):
            gov.compile("a + 1", {"a": "int"}, type="bool")
        self.assertEqual(gov.compile("n", {"a.b.n": "int", "n": "int"}, container="a.b")({"a.b.n": 1, "n": 2}), 1)
        with self.assertRaises(ValueError):
            gov.compile("1", type="number")

    def test_functions(self):
        calls = []

        def rainfall(where, at):
            calls.append((where, at))
            return {"west": 12.5, "none": None, "odd": "much"}[where]
        scope = gov.Scope({"rainfall(string, timestamp) -> double": rainfall})

        @scope.add("int.twice() -> int", pure=True, cost=1)
        def twice(n):
            return 2 * n
        self.assertEqual(twice(3), 6)
        e = gov.compile("rainfall(where, t) + double(2.twice())", {"where": "string", "t": "timestamp"}, scope=scope)
        self.assertEqual(e({"where": "west", "t": MONDAY}), 16.5)
        self.assertEqual(calls, [("west", MONDAY)])
        with self.assertRaises(gov.StateError):  # it is in use
            scope.add("late() -> int", twice)
        with self.assertRaises(gov.ExprError) as caught:
            gov.compile("rainfall(1, t)", {"t": "timestamp"}, scope=scope)
        self.assertEqual(caught.exception.diagnostics[0].column, 10)
        with self.assertRaisesRegex(gov.Error, "KeyError: 'east'"):
            e(where="east", t=MONDAY)
        with self.assertRaisesRegex(gov.ExprError, "answers string"):
            e(where="odd", t=MONDAY)
        scope.close()
        gc.collect()
        self.assertEqual(e(where="west", t=MONDAY), 16.5)
        self.assertEqual(gov.eval("f([1, 2], {'a': b'x'})", scope={"f(dyn, dyn) -> dyn": lambda a, b: [b, a]}), [{"a": b"x"}, [1, 2]])
        self.assertEqual(json.loads(gov.eval_line('{"expr": "f()"}', {"f() -> int": lambda: 7})), {"value": {"int": "7"}})
        for signature in ("f", "f() -> number", "size(string) -> int"):
            with self.assertRaises(gov.Error):
                gov.Scope({signature: lambda: 1})
        with self.assertRaises(TypeError):
            gov.Scope({"f() -> int": 1})

    def test_functions_are_let_go(self):
        class Function:
            def __call__(self):
                return 1
        f = Function()
        gone = weakref.ref(f)
        e = gov.compile("f()", scope={"f() -> int": f})
        del f
        gc.collect()
        self.assertEqual(e(), 1)
        del e
        gc.collect()
        self.assertIsNone(gone())

    def test_a_rulebook_s_words(self):
        with gov.load_rulebook(self.rules_with("true")) as rules:
            scope = gov.Scope({"twice(int) -> int": lambda n: 2 * n}, rules=rules, now=MONDAY)
        self.assertEqual(gov.eval("add_working(now, values.sign)", scope=scope), MONDAY + timedelta(hours=2))
        e = gov.compile("age('1950-03-02', now) + twice(1)", scope=scope)
        scope.close()
        self.assertEqual(e(), 78)  # what is used stays, closed or not

    def test_an_overlay_replaces_values(self):
        path = os.path.join(self.folder, "district.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write("overlay: r\nvalues: {sign: {is: 3 working hours, source: district}}\n")
        with gov.load_rulebook(self.rules_with("true"), overlay=path) as rules:
            scope = gov.Scope(rules=rules, now=MONDAY)
        self.assertEqual(gov.eval("add_working(now, values.sign)", scope=scope), MONDAY + timedelta(hours=3))

    def rules_with(self, condition):
        path = os.path.join(self.folder, "rules.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"""rulebook: r
version: "1"
languages: [en]
time_zone: Asia/Shanghai
values: {{sign: {{is: 2 working hours, source: test}}}}
---
calendar: cn
hours: {{mon-fri: ["09:00-12:00", "13:30-17:30"]}}
years: {{2026: {{off: [2026-05-01], work: []}}}}
---
workflow: w
events: {{go: {{by: []}}}}
states:
  a: {{on: {{go: {{when: "{condition}", to: b}}}}}}
  b: {{type: final}}
""")
        return path

    def test_rules_call_functions(self):
        path, ready = self.rules_with("ready(case.number)"), []
        words = {"ready(string) -> bool": lambda number: number in ready}
        with self.assertRaises(gov.RuleError):
            gov.load_rulebook(path)
        self.assertEqual([d for d in gov.check(path, scope=words) if d.severity == "error"], [])
        url = os.path.join(self.folder, "functions.db")
        with gov.create(url, path, now=MONDAY, scope=words) as g:
            g.act_as_host("test")
            id = g.open_case("w")
            with self.assertRaises(gov.Refused):
                g.send(id, "go")
            ready.append(g.case(id)["number"])
        with gov.open(url, now=MONDAY, scope=words) as g:
            g.act_as_host("test")
            g.send(id, "go")
            self.assertEqual(g.case(id)["state"], ["b"])


class Errors(Case):
    def test_every_class_is_an_error_and_has_one_status(self):
        from gov import _core, _errors
        statuses = {n: getattr(_core, n) for n in dir(_core) if n.startswith("GOV_E_")}
        for name, status in statuses.items():
            e = _errors.error(status)
            self.assertIsInstance(e, gov.Error)
            self.assertEqual(e.status, status)
            if name != "GOV_E_USER":  # a callback's own exception comes in its place
                self.assertIsNot(type(e), gov.Error, name)
        self.assertTrue(issubclass(gov.NotFound, KeyError))
        self.assertTrue(issubclass(gov.InputError, ValueError))
        self.assertTrue(issubclass(gov.Busy, gov.StoreError))
        self.assertIs(type(_errors.error(499999)), gov.Error)

    def test_a_rulebook_s_mistakes_are_all_told(self):
        path = self.write("r.yaml", 'rulebook: r\nversion: "1"\ntitle: r\ntime_zone: Asia/Shanghia\nlanguages: [en]\nrolse: {}\n')
        with self.assertRaises(gov.RuleError) as caught:
            gov.load_rulebook(path)
        e = caught.exception
        self.assertGreaterEqual(len(e.diagnostics), 2)
        self.assertEqual(e.diagnostics, gov.check(path))
        self.assertEqual({d.line for d in e.diagnostics}, {4, 6})
        self.assertIn("r.yaml:4:", str(e))
        self.assertEqual(gov.check(RULES), [])
        with self.assertRaises(gov.NotFound):
            gov.check(self.path("none"))

    def test_the_schema_is_json(self):
        self.assertIn("workflow", json.loads(gov.schema())["$defs"])

    def test_workflows_are_drawn(self):
        with gov.load_rulebook(RULES) as rules:
            self.assertIn("<title>路灯报修</title>", rules.diagram("lamp", lang="zh"))
            self.assertIn("<title>Street lamp</title>", rules.diagram("lamp"))
            self.assertIn("stateDiagram-v2", rules.diagram("lamp", "mermaid"))
            self.assertTrue(rules.diagram("lamp", "dot").startswith('digraph "lamp"'))
            with self.assertRaises(gov.NotFound) as caught:
                rules.diagram("lmap")
            self.assertIn('"lamp"', caught.exception.message)
            with self.assertRaises(gov.ArgumentError):
                rules.diagram("lamp", "png")

    def test_scenarios_run(self):
        path = self.path("r.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write("rulebook: r\nversion: '1'\ntime_zone: UTC\nroles: {clerk: {}}\n---\nworkflow: w\nevents: {go: {by: [clerk]}}\n"
                    "states: {a: {on: {go: b}}, b: {type: final}}\n---\nscenario: {zh: 一, en: one}\nsteps:\n"
                    "  - open: {workflow: w, id: c}\n  - expect: {case: c, state: b}\n")
        report = gov.test(path)
        self.assertEqual((report["passed"], report["failed"], report["warnings"]), (0, 1, []))
        result = report["results"][0]
        self.assertEqual((result["title"], result["line"]), ("one", 10))
        self.assertEqual(result["failures"][0]["line"], 13)
        self.assertEqual(result["failures"][0]["history"][0]["kind"], "case.open")
        self.assertEqual(report["coverage"][0]["states"], {"reached": 1, "total": 2, "missed": [
            {"state": "b", "file": "r.yaml", "line": 8}]})
        self.assertEqual(gov.test(path, url=self.path("s.db"), lang="zh")["results"][0]["title"], "一")
        with self.assertRaises(gov.NotFound):
            gov.test(self.path("none"))
        with self.assertRaises(gov.RuleError) as caught:
            with open(path, "a", encoding="utf-8") as f:
                f.write("  - send: {case: d, event: go}\n")
            gov.test(path)
        self.assertEqual(caught.exception.diagnostics[0].line, 14)

    SHED = ("rulebook: shed\nversion: '1'\ntime_zone: UTC\ntitle: {zh: 棚, en: Shed}\nlanguages: [en]\nvalues: {most: {is: 2, source: s}}\nroles: {clerk: {}}\n---\n"
            "workflow: w\nevents: {go: {by: [clerk]}}\nstates: {a: {on: {go: {when: values.most > 5, to: b}}}, b: {type: final}}\n---\n"
            "workflow: v\nevents: {go: {by: [clerk]}}\nstates: {x: {on: {go: y}}, y: {type: final}}\n---\n"
            "scenario: five\nsteps:\n  - open: {workflow: w, id: c}\n  - send: {case: c, event: go}\n  - expect: {case: c, state: b}\n")

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    def test_scenarios_and_checks_under_an_overlay(self):
        rules, other = self.write("r.yaml", self.SHED), self.write("other.yaml", "overlay: hut\nvalues: {most: {is: 9, source: t}}\n")
        over = self.write("over.yaml", "overlay: shed\ntitle: {en: The street's}\nvalues: {most: {is: 9, source: t}}\n")
        self.assertEqual((gov.test(rules)["passed"], gov.test(rules, overlay=over)["passed"]), (0, 1))
        self.assertEqual([d for d in gov.check(rules, overlay=over) if d.severity == "error"], [])
        wrong = [d for d in gov.check(rules, overlay=other) if d.severity == "error"]
        self.assertEqual((len(wrong), wrong[0].origin, wrong[0].line), (1, "other.yaml", 1))
        with self.assertRaises(gov.RuleError) as caught:
            gov.test(rules, overlay=other)
        self.assertEqual(caught.exception.diagnostics[0].origin, "other.yaml")
        with self.assertRaises(gov.NotFound):
            gov.check(rules, overlay=self.path("none.yaml"))
        with gov.load_rulebook(rules, overlay=over) as book:
            self.assertIn("stateDiagram-v2", book.diagram("v", "mermaid"))

    def test_of_several_workflows_one_is_simulated(self):
        rules = self.write("rulebook.yaml", self.SHED)
        with gov.Simulation(rules, workflow="v") as s:
            self.assertEqual(s.state["active"], ["x"])
            self.assertEqual(s.send("go"), {"active": ["y"], "done": True})
        with gov.Simulation(rules, workflow="w") as s:
            self.assertEqual(s.send("go")["active"], ["a"])
        with self.assertRaises(gov.Error) as caught:
            gov.Simulation(rules)
        self.assertEqual(caught.exception.code, "workflow_several")
        with self.assertRaises(gov.NotFound) as caught:
            gov.Simulation(rules, workflow="ww")
        self.assertEqual(caught.exception.code, "workflow_unknown")

    def test_messages_come_in_two_languages(self):
        texts = {}
        for gov.language in ("zh", "en"):
            with self.assertRaises(gov.NotFound) as caught:
                gov.open(self.path("none.db"))
            texts[gov.language] = caught.exception.message
        self.assertNotEqual(texts["zh"], texts["en"])
        self.assertTrue(texts["en"].isascii() or self.folder in texts["en"])
        self.assertEqual(os.listdir(self.folder), [])

    def test_errors_can_be_pickled(self):
        with self.assertRaises(gov.ExprError) as caught:
            gov.eval("1 +")
        e = caught.exception
        for other in (pickle.loads(pickle.dumps(e)), copy.copy(e)):
            self.assertEqual((type(other), str(other), other.code, other.diagnostics),
                             (type(e), str(e), e.code, e.diagnostics))

    def test_stores_that_cannot_be_opened(self):
        with open(self.path("x.db"), "wb") as f:
            f.write(b"this is no database" * 100)
        with self.assertRaises(gov.Corrupt):
            gov.open(self.path("x.db"))
        with self.assertRaises(gov.NotFound):
            gov.Store(self.path("none.db"))
        with self.assertRaises(ValueError):
            gov.Store(self.path("a\0b"))
        with self.assertRaises(TypeError):
            gov.Store(self.path("a.db"), craete=True)
        self.assertEqual(os.listdir(self.folder), ["x.db"])

    def test_a_locked_store_is_busy_and_other_threads_run_on(self):
        g = self.community()
        lock = sqlite3.connect(self.url)
        lock.execute("BEGIN IMMEDIATE")
        other = gov.open(self.url, busy_timeout=0.5)
        other.act_as_host("test")
        caught, counted = [], 0

        def put():
            try:
                other.put("unit", "U06", name="x")
            except gov.Error as e:
                caught.append(e)

        thread = threading.Thread(target=put)
        thread.start()
        while thread.is_alive():
            counted += 1
            time.sleep(0.01)
        lock.rollback()
        lock.close()
        other.close()
        self.assertEqual([type(e) for e in caught], [gov.Busy])
        self.assertGreater(counted, 5)
        g.put("unit", "U06", name="x")

    def test_a_store_can_be_read_only(self):
        self.community().close()
        with gov.open(self.url, readonly=True) as g:
            g.act_as_host("test")
            self.assertEqual(g.get("unit", "U05")["name"], "Lamps")
            with self.assertRaises(gov.ReadOnly):
                g.put("unit", "U07", name="x")


class Handles(Case):
    def test_close_twice_and_use_after_close(self):
        g = self.community()
        g.close()
        g.close()
        self.assertTrue(g.closed)
        for use in (lambda: g.now, lambda: g.case(1), g.about, g.__enter__, lambda: list(g.cases())):
            with self.assertRaises(gov.StateError):
                use()
        store = gov.Store(self.url)
        with store.community() as g:
            store.close()
            g.act_as_host("test")
            self.assertEqual(g.about()["name"], "quickstart")
        with self.assertRaises(gov.StateError):
            store.communities()
        with self.assertRaises(TypeError):
            pickle.dumps(store)

    def test_an_open_group_is_undone_by_close(self):
        g = self.community()
        g.begin()
        g.put("unit", "U09", name="x")
        g.close()
        with gov.open(self.url) as g:
            g.act_as_host("test")
            with self.assertRaises(KeyError):
                g.get("unit", "U09")

    def test_a_list_ends_with_its_handle(self):
        g = self.community()
        rows = g.records("staff")
        next(rows)
        g.close()
        with self.assertRaises(gov.StateError):
            next(rows)

    def test_what_is_no_scope_or_language_is_told_at_once(self):
        for wrong in (5, "x", [1]):
            with self.assertRaises(TypeError):
                gov.eval("1", scope=wrong)
        with self.assertRaises(TypeError):
            gov.Scope(rules=5)
        with self.assertRaises(TypeError):
            gov.language = 5
        with self.assertRaises(ValueError):
            gov.language = "fr"
        self.assertEqual(gov.language, "en")

    def test_garbage_in_any_order(self):
        self.community().close()
        rnd = random.Random(3)
        for _ in range(30):
            store = gov.Store(self.url)
            things = [store, gov.load_rulebook(RULES), gov.compile("1 + 1"), store.communities()]
            things += [store.community() for _ in range(3)]
            for g in things[4:6]:
                g.act_as_host("test")
            things[4].begin() if rnd.random() < 0.5 else None
            try:
                gov.eval("1 +")
            except gov.Error as e:
                things.append(e)
            ring = [things, store]
            things.append(ring)  # a cycle: only the collector finds it
            rnd.shuffle(things)
            del store, g, ring
            if rnd.random() < 0.5:
                while things:
                    things.pop()
            else:
                del things
            gc.collect()
        with gov.open(self.url) as g:
            g.act_as_host("test")
            self.assertTrue(g.verify()["ok"])

    def test_threads_take_turns(self):
        g = self.community()
        failed = []

        def work(n):
            try:
                for i in range(20):
                    g.put("unit", f"T{n}-{i}", name="x")
            except BaseException as e:  # noqa: B902
                failed.append(e)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(failed, [])
        self.assertEqual(len(list(g.records("unit"))), 81)

    def test_memory_does_not_grow(self):
        if not os.path.exists("/proc/self/statm"):
            self.skipTest("no /proc")

        def pages():
            with open("/proc/self/statm", encoding="ascii") as f:
                return int(f.read().split()[1])

        def work(n):
            for _ in range(n):
                gov.from_json(gov.to_json({"a": [1, "x" * 1000, {"b": b"y" * 1000}]}))
                for bad in ("1 +", "no_such", "1 / 0"):
                    try:
                        gov.eval(bad)
                    except gov.ExprError:
                        pass
                try:
                    gov.to_json(["x" * 5000, object()])
                except TypeError:
                    pass

        work(500)
        before = pages()
        work(5000)
        self.assertLess((pages() - before) * os.sysconf("SC_PAGE_SIZE"), 4 << 20)

    def test_want_of_memory_in_conversion(self):
        try:
            import _testcapi
            _testcapi.set_nomemory
        except (ImportError, AttributeError):
            self.skipTest("this Python has no _testcapi")
        value = {"a": [1, 2.5, "x", b"y", {"b": None, 3: MONDAY}], "d": timedelta(1)}
        text = gov.to_json(value)
        for call, argument, right in ((gov.to_json, value, text), (gov.from_json, text, value)):
            for n in range(1, 200):
                answer = None
                _testcapi.set_nomemory(n, n + 1)
                try:
                    answer = call(argument)
                except MemoryError:
                    continue
                finally:
                    _testcapi.remove_mem_hooks()
                self.assertEqual(answer, right)
                break
            else:
                self.fail("memory never sufficed")


@for_engines
class Cases(Case):
    @on_both
    def test_a_case_lives(self, engine):
        g = self.community(engine)
        with g.acting("li", purpose="handle_case"):
            id = g.open_case("lamp", text="路灯不亮", place=(30.28, 120.15), number="T-1", source="hotline")
            self.assertIs(type(id), int)
            g.send(id, "dispatch", unit="U05")
        case = g.case(id)
        self.assertEqual((case["state"], case["unit"], case["outside_number"], case["opened_at"]),
                         (["repairing"], "U05", "T-1", MONDAY))
        self.assertEqual(case["fields"]["place"], gov.point(30.28, 120.15))
        # two days end at the close of the second day in Shanghai
        self.assertEqual(case["clocks"][0]["due"], datetime(2026, 3, 4, 16, tzinfo=UTC))
        self.assertEqual(g.find_case("T-1", "hotline"), id)
        self.assertEqual(g.find_case(case["number"]), id)
        g.freeze(timedelta(days=3))
        self.assertEqual(g.now, MONDAY + timedelta(days=3))
        self.assertEqual(g.tick()["fired"], 1)
        self.assertEqual(g.tick(), {"fired": 0, "failed": 0, "parked": 0, "next": None, "next_provisional": False})
        self.assertEqual([c["id"] for c in g.cases(overdue_only=True)], [id])
        self.assertEqual([h["to"] for h in g.history(id)], [["reported"], ["repairing"], ["urged"]])
        with g.acting("wang", purpose="handle_case"):
            events = {e["event"]: e["allowed"] for e in g.explain(id)["events"]}
            self.assertEqual(events, {"dispatch": False, "repaired": True})
            g.send(id, "repaired", note="新灯泡")
        self.assertEqual(g.case(id)["outcome"], "repaired")
        self.assertEqual(list(g.cases(open_only=True)), [])
        self.assertTrue(g.verify()["ok"])
        self.assertEqual(len(list(g.journal(page=2))), g.verify()["entries"])

    @on_both
    def test_refusals(self, engine):
        g = self.community(engine)
        id = g.open_case("lamp", text="x", number="7", source="s", idempotency_key="k")
        self.assertEqual(g.open_case("lamp", text="x", number="7", source="s", idempotency_key="k"), id)
        with self.assertRaises(gov.Conflict):
            g.open_case("lamp", text="y", idempotency_key="k")
        with self.assertRaises(gov.Exists):
            g.open_case("lamp", text="y", number="7", source="s")
        with self.assertRaises(gov.NotFound):
            g.open_case("lmap", text="x")
        with self.assertRaises(gov.InputError) as caught:
            g.open_case("lamp", txt="x", place="somewhere")
        self.assertGreaterEqual(len(caught.exception.diagnostics), 3)
        with self.assertRaises(gov.Refused):
            g.send(id, "repaired")
        with self.assertRaises(gov.NotFound):
            g.case(id + 1)
        with self.assertRaises(OverflowError):
            g.case(2**63)
        with self.assertRaises(TypeError):
            g.case("7")
        with g.acting("wang", purpose="handle_case"):
            with self.assertRaises(gov.Denied):
                g.open_case("lamp", text="x")
        with self.assertRaises(gov.NotFound):
            g.act_as("nobody", "x")
        self.assertEqual(g.case(id)["state"], ["reported"])  # the host acts on

    def test_nobody_acts_unasked(self):
        self.community().close()
        with gov.open(self.url) as g:
            with self.assertRaises(gov.Denied):
                g.get("unit", "U05")
            with g.acting(purpose="night_run"):
                g.get("unit", "U05")
            with self.assertRaises(gov.Denied):
                g.get("unit", "U05")
            with self.assertRaises(TypeError):
                with g.acting("li", resident="x", purpose="y"):
                    pass
            with self.assertRaises(RuntimeError), g.acting(purpose="night_run"):
                raise RuntimeError
            with self.assertRaises(gov.Denied):
                g.get("unit", "U05")

    @on_both
    def test_groups(self, engine):
        g = self.community(engine)
        with g.group():
            g.put("unit", "A", name="x")
            with self.assertRaises(gov.InputError):
                g.put("unit", "B", nmae="x")
        self.assertEqual([r["key"] for r in g.records("unit")], ["A", "U05"])
        with self.assertRaises(ZeroDivisionError), g.group():
            g.put("unit", "C", name="x")
            1 / 0
        with self.assertRaises(gov.StateError), g.group(), g.group():
            pass
        self.assertEqual([r["key"] for r in g.records("unit")], ["A", "U05"])
        with self.assertRaises(gov.StateError):
            g.commit()

    @on_both
    def test_a_group_keeps_other_threads_out(self, engine):
        g = self.community(engine)
        opened, ended, kept = threading.Event(), [], []

        def undone():
            try:
                with g.group():
                    opened.set()
                    g.put("unit", "A", name="x")
                    time.sleep(0.2)
                    ended.append(True)
                    raise RuntimeError
            except RuntimeError:
                pass

        def waits():
            opened.wait()
            g.put("unit", "B", name="x")
            kept.append(bool(ended))

        def groups():
            opened.wait()
            for i in range(5):
                with g.group():
                    g.put("unit", f"C{i}", name="x")

        threads = [threading.Thread(target=f) for f in (undone, waits, groups, groups)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        self.assertEqual(kept, [True])
        self.assertEqual([r["key"] for r in g.records("unit")], ["B"] + [f"C{i}" for i in range(5)] + ["U05"])

    def test_an_interrupt_in_a_function_comes_out(self):
        def function(how):
            if how == "stop":
                raise KeyboardInterrupt("now")
            if how == "exit":
                raise SystemExit(4)
            return how
        with gov.Scope({"f(string) -> string": function}) as scope:
            for _ in range(2):
                with self.assertRaisesRegex(KeyboardInterrupt, "now"):
                    gov.eval("f('stop')", scope=scope)
                with self.assertRaises(SystemExit) as caught:
                    gov.eval("f('exit')", scope=scope)
                self.assertEqual(caught.exception.code, 4)
                with self.assertRaises(KeyboardInterrupt):  # not even what the expression goes on without
                    gov.eval("f('stop') == 'x' || b", b=True, scope=scope)
                self.assertEqual(gov.eval("f('fine')", scope=scope), "fine")

    def test_the_exception_of_a_function_is_the_cause(self):
        def function(how):
            raise LookupError("no gauge " + how)
        with gov.Scope({"f(string) -> string": function, "odd() -> int": lambda: "x"}) as scope:
            with self.assertRaises(gov.Error) as caught:
                gov.eval("f('west')", scope=scope)
            self.assertIsInstance(caught.exception.__cause__, LookupError)
            self.assertEqual(str(caught.exception.__cause__), "no gauge west")
            with self.assertRaises(gov.Error) as caught:
                gov.eval("odd()", scope=scope)
            self.assertIsNone(caught.exception.__cause__)

    def test_functions_have_the_declared_types(self):
        scope = gov.Scope({"u(uint) -> uint": lambda n: n + 1, "o(int) -> optional(int)": lambda n: n or None,
                           "l(dyn) -> list(int)": lambda v: v})
        self.assertEqual(gov.eval("u(2u) + 1u == 4u", scope=scope), True)
        self.assertEqual(gov.eval("[o(0).hasValue(), o(2).value() == 2]", scope=scope), [False, True])
        with self.assertRaises(gov.ExprError) as caught:
            gov.eval("l([1, 'x'])", scope=scope)
        self.assertEqual(caught.exception.code, "host_type")
        for signature in ("has(int) -> bool", "true() -> bool", "in(int) -> bool", "list(int).all(int) -> bool", "if(int) -> int"):
            with self.assertRaisesRegex(gov.ArgumentError, "never be called"):
                gov.Scope({signature: lambda: 1})

    @on_both
    def test_a_pair_of_numbers_is_a_place(self, engine):
        g = self.community(engine)
        for place, lat, lon in (((30, 120), 30, 120), ((30.28, 120), 30.28, 120), ({"lat": 30, "lon": 120}, 30, 120),
                                ({"lat": 30.28, "lon": 120}, 30.28, 120), (gov.point(30, 120), 30, 120)):
            id = g.open_case("lamp", text="x", place=place)
            self.assertEqual(g.case(id)["fields"]["place"], gov.point(lat, lon))
        with self.assertRaises(gov.InputError):
            g.open_case("lamp", text="x", place={"lat": 30.28, "lon": 1201500000})

    @on_both
    def test_pages(self, engine):
        g = self.community(engine)
        ids = [g.open_case("lamp", text=str(i)) for i in range(7)]
        for page in (1, 2, 3, 7, 1000):
            self.assertEqual([c["id"] for c in g.cases(page=page)], ids)
        self.assertEqual([r["key"] for r in g.records("staff", page=1)], ["li", "wang"])
        self.assertEqual([r["key"] for r in g.records("staff", order="it.key desc", page=1)], ["wang", "li"])
        self.assertEqual([r["key"] for r in g.records("staff", where='"repairer" in it.roles && it.unit == "U05"')], ["wang"])
        self.assertEqual([c["id"] for c in g.cases(order="case.opened_at desc", page=2)], ids[::-1])
        with self.assertRaises(gov.ExprError):
            list(g.records("staff", order="it.unit"))
        few = g.cases(page=2)
        next(few)
        self.assertEqual(list(g.cases(workflow="lamp", unit="U05")), [])
        where = 'case.number.endsWith("3") || case.id == %d' % ids[5]
        self.assertEqual([c["id"] for c in g.cases(where=where, page=1)], [ids[2], ids[5]])
        with self.assertRaises(gov.ExprError) as caught:
            list(g.cases(where="case.text == 'x'"))
        self.assertEqual(caught.exception.code, "filter_not_indexed")
        self.assertEqual(len(list(few)), 6)

    def test_clocks(self):
        now = [MONDAY]
        self.community().close()
        with gov.open(self.url, now=lambda: now[0]) as g:
            g.act_as_host("test")
            self.assertEqual(g.now, MONDAY)
            now[0] += timedelta(hours=1)
            self.assertEqual(g.now, now[0])
            now[0] = None
            with self.assertRaises(TypeError):
                g.now
            with self.assertRaises(ValueError):
                g.freeze(datetime(2026, 3, 2))
            with self.assertRaises(ValueError):
                g.freeze(datetime(1969, 3, 2, tzinfo=UTC))
            now[0] = MONDAY
            with self.assertRaises(ValueError):
                g.freeze(timedelta(days=-30000))
            g.freeze(MONDAY)
            self.assertEqual(g.now, MONDAY)
            g.unfreeze()
            self.assertLess(abs(g.now - datetime.now(UTC)), timedelta(minutes=1))
            self.assertEqual(g.parse_time("2026-03-02 09:00"), MONDAY)
            self.assertEqual(g.format_time(MONDAY), "2026-03-02T09:00:00+08:00")
            with self.assertRaises(gov.InputError):
                g.parse_time("next week")

    def test_places(self):
        g = self.community()
        square = {"type": "Polygon", "coordinates": [[[120, 30], [121, 30], [121, 31], [120, 31], [120, 30]]]}
        id = g.put("grid", "g1", name="One", geometry=square)
        self.assertEqual(g.locate([(30.5, 120.5), (40, 120), [30, 119.9999999]]), [id, 0, 0])
        self.assertEqual(g.locate([]), [])
        for bad, error in (([(91, 0)], ValueError), ([(0, math.nan)], ValueError), ([(1,)], TypeError), (["ab"], TypeError), (5, TypeError)):
            with self.assertRaises(error):
                g.locate(bad)

    @on_both
    def test_several_communities(self, engine):
        self.community(engine).close()
        with gov.Store(self.url) as store:
            with gov.load_rulebook(RULES) as rules:
                self.assertEqual((rules.id, rules.version, len(rules.digest)), ("quickstart", "1", 64))
                id = store.create(rules, "second")
            self.assertEqual(sorted(c["name"] for c in store.communities()), ["quickstart", "second"])
            with self.assertRaises(gov.Exists):
                store.create(RULES, "second")
            with store.community("second") as g:
                g.act_as_host("test")
                self.assertEqual(g.about()["id"], id)
                g.install(RULES)
                report = g.migrate(RULES, dry_run=True)
                self.assertEqual((report["dry_run"], report["migrated"], report["past"]["cases"]), (True, 0, 0))
        with gov.open(self.url, name="second") as g:
            g.act_as_host("test")
            self.assertEqual(g.migrate()["refused_cases"], [])
            self.assertEqual(g.about()["name"], "second")
        if engine == "sqlite":
            a, b = gov.upgrade(self.url)
            self.assertEqual(a, b)

    @on_both
    def test_ledgers(self, engine):
        g = self.community(engine)
        big = 2**63 - 2
        a, b = g.new_ids(2)
        self.assertLess(a, b)
        results = g.create_accounts([
            {"id": a, "ledger": 1, "code": 1, "flags": ["history"]},
            {"id": big, "ledger": 1, "code": 1, "flags": "debits_must_not_exceed_credits"},
            {"id": b, "ledger": 1}])
        self.assertEqual([r["result"] for r in results], ["created", "created", "code_must_not_be_zero"])
        ids = g.new_ids(5)
        made = g.transfer([{"id": i, "debit_account": a, "credit_account": big, "amount": 10 + n, "ledger": 1, "code": 1}
                           for n, i in enumerate(ids)])
        self.assertEqual({r["result"] for r in made}, {"created"})
        again = g.transfer([{"id": ids[0], "debit_account": a, "credit_account": big, "amount": 11, "ledger": 1, "code": 1}])
        self.assertEqual(again[0]["result"], "exists_with_different_amount")
        self.assertEqual(gov.ledger_result_name(again[0]["code"]), "exists_with_different_amount")
        first, none, third = g.accounts([a, 12345, big])
        self.assertEqual((first["debits_posted"], third["credits_posted"], none, third["id"]), (60, 60, None, big))
        self.assertEqual(third["flags"], ["debits_must_not_exceed_credits"])
        self.assertEqual([t and t["amount"] for t in g.transfers(ids + [5])], [10, 11, 12, 13, 14, None])
        self.assertEqual([t["id"] for t in g.account_transfers(big)], ids)
        self.assertEqual([t["id"] for t in g.account_transfers(big, reverse=True, limit=2)], ids[:2:-1])
        self.assertEqual([t["id"] for t in g.account_transfers(big, debits=True)], [])
        self.assertEqual([r["credits_posted"] for r in g.account_balances(big)], [10, 21, 33, 46, 60])
        self.assertEqual((g.accounts([]), g.transfer(iter(()))), ([], []))
        for bad in ([{"id": 1, "amuont": 5}], [{"flags": ["no_such"]}], [{"timeout": 2**32}], {"id": 1}, [5]):
            with self.assertRaises(ValueError):
                g.transfer(bad)
        with self.assertRaises(ValueError):
            g.accounts([1.5])
        self.ledger_desk(g)

    def ledger_desk(self, g):
        """Lots, caps, notes, balances at an instant, the export, lines."""
        one, two = g.new_ids(2)
        soon = int(time.time() * 1e6) + 3600 * 10**6
        made = g.create_accounts([
            {"id": one, "ledger": 9, "code": 1},
            {"id": two, "ledger": 9, "code": 1, "flags": ["lots", "debits_must_not_exceed_credits", "warn_max"],
             "breakage": one, "warn_max": 15}])
        self.assertEqual([r["result"] for r in made], ["created", "created"])
        move = {"debit_account": one, "credit_account": two, "ledger": 9, "code": 1}
        ids = g.new_ids(5)
        made = g.transfer([{**move, "id": ids[0], "amount": 10, "expires_at": soon}, {**move, "id": ids[1], "amount": 7}])
        self.assertEqual([r["warnings"] for r in made], [[], ["warn_max"]])
        self.assertEqual([(x["left"], x["expires_at"] is None) for x in g.lots(two)], [(10, False), (7, True)])
        g.transfer([{"id": ids[2], "reversal_of": ids[1], "amount": 2**63 - 1}])
        self.assertEqual(len(g.lots(two)), 1)
        g.set_cap({"ledger": 9, "number": 1, "per": "day", "amount": 11, "account": two})
        self.assertEqual([(c["per"], c["side"], c["amount"]) for c in g.caps(9)], [("day", "received", 11)])
        made = g.transfer([{**move, "id": ids[3], "amount": 12}, {**move, "id": ids[4], "amount": 11}])
        self.assertEqual([r["result"] for r in made], ["exceeds_cap", "created"])
        g.set_cap({"ledger": 9, "number": 1, "amount": None})
        self.assertEqual(g.caps(9), [])
        self.assertEqual(g.balance_at(two, 2**62)["balance"], 21)
        self.assertEqual(g.balance_at(two, 1, effective=True)["balance"], 0)
        g.put_note("account", two, {"name": "Li's"})
        g.put_note("account", two, {"name": "Li's"})
        self.assertEqual((g.note("account", two), g.note("transfer", ids[0])), ({"name": "Li's"}, None))
        with self.assertRaises(gov.Conflict):
            g.put_note("account", two, {"name": "another"})
        self.assertIn("L9:C1:Li's ", g.export_ledger(9))
        with gov.LedgerLines() as lines:
            self.assertEqual(lines.line('{"accounts":[{"id":"1","ledger":1,"code":1}]}'), '{"results":["created"]}')
        with self.assertRaises(ValueError):
            g.accounts(list(range(gov.LEDGER_BATCH_MAX + 1)))

    def test_points(self):
        g = self.community()
        self.assertEqual(g.points_totals(), [])
        for call in (lambda: g.points("x"), lambda: g.award("x", "rule"), lambda: g.points_statement("x", before=MONDAY),
                     lambda: g.points_top(3)):
            with self.assertRaises(gov.Error):
                call()


class Proofs(Case):
    def test_a_flipped_byte_is_found(self):
        g = self.community()
        g.open_case("lamp", text="路灯不亮")
        self.assertTrue(g.verify()["ok"])
        g.close()
        with sqlite3.connect(self.url) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        with open(self.url, "r+b") as f:
            data = f.read()
            with sqlite3.connect(self.url) as db:
                column = next(c[1] for c in db.execute("PRAGMA table_info(gov_journal_payload)") if c[2] in ("TEXT", "BLOB"))
                stored = [r[0] for r in db.execute(f"SELECT {column} FROM gov_journal_payload")]
            db.close()
            stored = max((s if isinstance(s, bytes) else str(s).encode() for s in stored), key=len)
            at = data.index(stored[:40]) + 20
            f.seek(at)
            f.write(bytes([data[at] ^ 1]))
        with gov.open(self.url) as g:
            g.act_as_host("test")
            with self.assertRaises(gov.VerifyError) as caught:
                g.verify()
            self.assertIs(caught.exception.report["ok"], False)
            self.assertIn("bad_entry", caught.exception.report)

    def test_export_and_backup(self):
        g = self.community()
        g.export_journal(self.path("j"))
        self.assertTrue(gov.check_journal(self.path("j"))["ok"])
        with self.assertRaises(gov.Exists):
            g.export_journal(self.path("j"))
        for key in (b"short", "text", b"x" * 63):
            with self.assertRaises(ValueError):
                g.export_journal(self.path("k"), key)
        with self.assertRaises(gov.NotFound):
            gov.check_journal(self.path("none"))
        seen = []
        with gov.Store(self.url) as store:
            store.backup(self.path("copy.db"), lambda done, total: seen.append((done, total)))
            with self.assertRaises(gov.Exists):
                store.backup(self.path("copy.db"))
        self.assertTrue(seen)
        with gov.open(self.path("copy.db")) as other:
            other.act_as_host("test")
            self.assertEqual(other.verify()["root"], g.verify()["root"])

    def test_what_a_callback_raises_comes_out(self):
        class Mine(Exception):
            pass

        def stop(done, total):
            raise Mine(done)

        g = self.community()
        with self.assertRaises(Mine):
            g.verify(progress=stop)
        with gov.Store(self.url) as store:
            with self.assertRaises(Mine):
                store.backup(self.path("b.db"), stop)
        with self.assertRaises(gov.StateError):
            g.verify(progress=lambda *_: g.about())
        with self.assertRaises(TypeError):
            g.verify(progress=5)
        with self.assertRaises(KeyboardInterrupt):
            g.verify(progress=lambda *_: os.kill(os.getpid(), signal.SIGINT))
        self.assertTrue(g.verify()["ok"])


class Simulations(Case):
    def test_a_workflow_without_a_store(self):
        path = self.write("w.yaml", "workflow: w\nstates:\n  a: {on: {go: b}, after: {delay: 2 hours, to: late}}\n"
                                    "  b: {type: final}\n  late: {type: final}\n")
        with gov.Simulation(path) as s:
            self.assertEqual(s.state, {"active": ["a"], "done": False})
            kept = s.snapshot()
            self.assertEqual(s.send("go")["active"], ["b"])
            s.restore(kept)
            self.assertEqual(s.advance(timedelta(hours=3))["active"], ["late"])
            self.assertTrue(s.state["done"])
            self.assertIn("error", json.loads(s.line("nonsense")))
            with self.assertRaises(gov.Error):
                s.restore("nonsense")
        path = self.write("v.yaml", "workflow: v\nevents: {go: {input: {n: {type: int}}}}\n"
                                    "states:\n  a: {on: {go: {when: odd(event.data.n), to: b}}}\n  b: {type: final}\n")
        with gov.Simulation(path, scope={"odd(int) -> bool": lambda n: n % 2 == 1}) as s:
            gc.collect()
            self.assertEqual(s.send("go", {"map": [["n", {"int": "2"}]]})["active"], ["a"])
            self.assertEqual(s.send("go", {"map": [["n", {"int": "3"}]]})["active"], ["b"])
        with self.assertRaises(gov.RuleError):
            gov.Simulation(path)
        with self.assertRaises(gov.RuleError):
            gov.Simulation(self.write("x.yaml", "workflow: x\nstates: {a: {on: {go: nowhere}}}\n"))


class Reports(Case):
    def test_report(self):
        g = self.community()
        g.send(g.open_case("lamp", text="x"), "dispatch", unit="U05")
        g.freeze(timedelta(days=3))
        g.tick()
        self.assertIs(type(g.report()), dict)
        self.assertIs(type(g.report(MONDAY, g.now, lang="en", public=True)), dict)
        self.assertTrue("快速上手" in g.report_html(lang="zh"))
        self.assertTrue(g.report_text(lang="en").strip())
        with self.assertRaises(ValueError):
            g.report(datetime(2026, 3, 2))

    def test_import(self):
        g = self.community()
        self.write("units.csv", "code,name\nU11,One\nU12,\nU13,Three\n")
        path = self.write("units.map.yaml", "import: units\nfile: units.csv\ncolumns: {code: code, name: name}\nkey: code\n")
        seen = []
        self.assertEqual(g.import_file(path, dry_run=True)["rows"], 3)
        done = g.import_file(path, refused=self.path("refused.csv"), progress=lambda *a: seen.append(a))
        self.assertEqual(done["rows"], 3)
        self.assertEqual(done["added"] + done["refused"], 3)
        self.assertEqual(g.get("unit", "U13")["name"], "Three")
        again = g.import_file(path, self.path("units.csv"), batch=1)
        self.assertEqual(again["added"], 0)
        self.assertIsNone(g.replayed_until())
        with self.assertRaises(gov.NotFound):
            g.import_file(self.path("none.yaml"))
        with self.assertRaises(ValueError):
            g.import_file(path, batch=-1)


class Lines(unittest.TextTestResult):
    """A line for each test, as tests/README.md has it."""

    def line(self, word, test, why=""):
        name = f"python: {type(test).__name__} {test._testMethodName[5:].replace('_', ' ')}"
        print(f"{word} {name}{' - ' + why[:300] if why else ''}", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.line("ok", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line("skip", test, reason)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.line("not ok", test, str(err[1]).split("\n")[0])

    def addError(self, test, err):
        super().addError(test, err)
        self.line("not ok", test, f"{err[0].__name__}: {err[1]}".split("\n")[0])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.line("not ok", test, f"{subtest._subDescription()} {err[0].__name__}: {err[1]}".split("\n")[0])


class Raw(unittest.TestCase):
    def test_what_is_no_handle_is_told_from_one(self):
        from gov import _core
        for name in dir(_core):
            call = getattr(_core, name)
            if not name.startswith("gov_") or name == "gov_set_error_maker" or not callable(call):
                continue
            for other in (object(), sys, 5, "x", b"x", [], {}, print):
                for more in range(4):
                    try:
                        call(other, *[other] * more)
                    except (TypeError, ValueError, OverflowError, gov.Error):
                        pass


if __name__ == "__main__":
    unittest.main(testRunner=unittest.TextTestRunner(stream=sys.stdout, resultclass=Lines, verbosity=0))
