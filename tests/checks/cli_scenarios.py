"""gov test: what it prints and what it answers with, on each engine."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from checklib import ROOT, finish
from clilib import Folder, Store, engines, expect, expect_answer, gov, present

RULES = """rulebook: hut
version: "1"
time_zone: Asia/Shanghai
roles: {clerk: {}}
---
workflow: errand
fields: {n: {type: int, default: 0}}
events: {go: {by: [clerk]}, stop: {by: [clerk]}}
states:
  here: {on: {go: {to: there, do: [{set: {n: case.n + 1}}]}, stop: ended}}
  there: {on: {stop: ended}, after: {delay: 2 hours, to: ended}}
  ended: {type: final, outcome: ended}
"""
GOOD = """scenario: {zh: 走一趟, en: A walk}
steps:
  - at: 2026-03-02T09:00
  - open: {workflow: errand, id: e}
  - send: {case: e, event: go}
  - expect: {case: e, state: there, fields: {n: 1}}
  - advance: 2 hours
  - expect: {case: e, outcome: ended}
"""
BAD = """scenario: Too slow
steps:
  - at: 2026-03-02T09:00
  - open: {workflow: errand, id: e}
  - send: {case: e, event: go}
  - expect: {case: e, outcome: ended}
"""
BROKEN = """scenario: Nowhere
steps:
  - open: {workflow: errend}
"""


def check_output(f):
    f.write("hut/rulebook.yaml", RULES)
    f.write("hut/tests/good.yaml", GOOD)
    good = gov("test", f("hut"))
    expect_answer("scenarios that pass", good, 0, r"^errand: 3 of 3 states, 2 of 4 transitions$", "")
    expect("they are counted on the last line", good.out.splitlines()[-1] == "1 passed, 0 failed", good)
    expect("what was not taken has its line", re.search(r"^  rulebook\.yaml:10: no scenario took here --stop--> ended$", good.out, re.M), good)
    f.write("hut/tests/bad.yaml", BAD)
    bad = gov("test", f("hut"))
    expect_answer("a scenario that fails", bad, 1, r"^tests/bad\.yaml:1: failed: Too slow$", "")
    expect("the place of what was expected", re.search(r"^  tests/bad\.yaml:6:32: outcome is null, not ended$", bad.out, re.M), bad)
    expect("the history of the case", re.search(r"^      2026-03-02T09:00:00\+08:00  host  case\.event  go  -> there", bad.out, re.M), bad)
    expect("both are counted", bad.out.splitlines()[-1] == "1 passed, 1 failed", bad)
    told = gov("test", f("hut"), "--json")
    expect("as JSON", told.code == 1 and told.json["passed"] == 1 and told.json["failed"] == 1 and
           [r["passed"] for r in told.json["results"]] == [False, True] and
           told.json["results"][0]["failures"][0]["line"] == 6, told)
    expect_answer("one file alone", gov("test", f("hut/tests/good.yaml")), 0, r"^1 passed, 0 failed$", "")
    expect_answer("in Chinese", gov("test", f("hut"), "--lang", "zh"), 1, r"^1 项通过，1 项失败$", "")


def check_several(f):
    f.write("many/a/rulebook.yaml", RULES)
    f.write("many/a/tests/good.yaml", GOOD)
    f.write("many/b/deep/rulebook.yaml", RULES)
    f.write("many/b/deep/bad.yaml", BAD)
    f.write("many/c/rulebook.yaml", RULES)
    both = gov("test", f("many"))
    expect_answer("a folder of several rulebooks", both, 1, r"^  bad\.yaml:6:32: outcome is null, not ended$|many/b/deep", "")
    expect("each is named, and all are counted", "many/a" in both.out and "no scenarios" in both.out and
           both.out.splitlines()[-1] == "1 passed, 1 failed", both)
    told = gov("test", f("many"), "--json")
    expect("as JSON, each with its own report", told.code == 1 and told.json["passed"] == 1 and told.json["failed"] == 1 and
           len(told.json["rulebooks"]) == 3 and told.json["rulebooks"][0]["report"]["passed"] == 1, told)
    f.write("many/d/rulebook.yaml", "rulebook: x\n")
    expect_answer("one that is broken, beside others that are played", gov("test", f("many")), 2, r"^1 passed, 1 failed$", "error")
    expect_answer("rules without scenarios", gov("test", f("many/c")), 2, "", "no scenarios under")
    f.write("empty/readme.txt", "nothing")
    expect_answer("a folder without anything", gov("test", f("empty")), 2, "", "no rulebook under")


def check_mistakes(f):
    f.write("hut/tests/bad.yaml", BROKEN)
    expect_answer("a mistake in a scenario", gov("test", f("hut")), 2, "", r"^tests/bad\.yaml:3:22: error: .*\"errand\"")
    expect_answer("a folder without rules", gov("test", f("nothing")), 2, "", "nothing")
    expect_answer("the rules alone are sound", gov("check", f("hut")), 0)


def check_store(f, kind):
    store = Store(kind, f, "scenarios.db")
    try:
        done = gov("test", os.path.join(ROOT, "examples", "community"), "--db", store.url)
        expect_answer(f"the community's scenarios on {kind}", done, 0, r"^\d+ passed, 0 failed$", "")
        again = gov("test", os.path.join(ROOT, "examples", "community"), "--db", store.url)
        expect_answer(f"and once more on the same store on {kind}", again, 0, r"^\d+ passed, 0 failed$", "")
        banks = gov("test", os.path.join(ROOT, "tests", "cases", "timebank"), "--db", store.url)
        expect_answer(f"the time banks of cities on {kind}", banks, 0, r"^\d+ passed, 0 failed$", "")
        cases = gov("test", os.path.join(ROOT, "tests", "cases", "scenarios"), "--db", store.url)
        expect_answer(f"each clause of the rule language has its scenario on {kind}", cases, 0, r"^\d{2,} passed, 0 failed$", "")
        points = gov("test", os.path.join(ROOT, "tests", "cases", "points"), "--db", store.url)
        expect_answer(f"the points programmes on {kind}", points, 0, r"^\d+ passed, 0 failed$", "")
    finally:
        store.close()


if present():
    with Folder() as f:
        check_output(f)
        check_several(f)
        check_mistakes(f)
        for kind in engines():
            check_store(f, kind)
finish()
