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
    expect("what was not taken has its line", re.search(rf"^  {re.escape(f('hut'))}/rulebook\.yaml:10: no scenario took here --stop--> ended$", good.out, re.M), good)
    f.write("hut/tests/bad.yaml", BAD)
    bad = gov("test", f("hut"))
    expect_answer("a scenario that fails", bad, 1, rf"^{re.escape(f('hut'))}/tests/bad\.yaml:1: failed: Too slow$", "")
    expect("the place of what was expected", re.search(rf"^  {re.escape(f('hut'))}/tests/bad\.yaml:6:32: outcome is null, not ended$", bad.out, re.M), bad)
    expect("the history of the case", re.search(r"^      2026-03-02T09:00:00\+08:00  host  case\.event  go  -> there", bad.out, re.M), bad)
    expect("both are counted", bad.out.splitlines()[-1] == "1 passed, 1 failed", bad)
    told = gov("test", f("hut"), "--json")
    expect("as JSON", told.code == 1 and told.json["passed"] == 1 and told.json["failed"] == 1 and
           [r["passed"] for r in told.json["results"]] == [False, True] and
           told.json["results"][0]["failures"][0]["line"] == 6, told)
    expect("and of the rule that was taken", re.search(rf"-> there  {re.escape(f('hut'))}/rulebook\.yaml:\d+$", bad.out, re.M), bad)
    expect("as JSON, from the rulebook's folder and from where one stands", told.json["results"][0]["failures"][0]["file"] == "tests/bad.yaml" and
           told.json["results"][0]["failures"][0]["path"] == f("hut/tests/bad.yaml"), told)
    for named in ("hut", "hut/", "hut/tests", "hut/tests/bad.yaml"):
        part = gov("test", f(named))
        places = re.findall(r"([^ :\n]+\.yaml):\d+", part.out)
        expect(f"each place can be opened when {named} is tested", len(places) > 2 and all(os.path.isfile(p) for p in places), part)
    expect_answer("one file alone", gov("test", f("hut/tests/good.yaml")), 0, r"^1 passed, 0 failed$", "")
    expect_answer("in Chinese", gov("test", f("hut"), "--lang", "zh"), 1, r"^1 项通过，1 项失败$", "")


def check_several(f):
    f.write("many/a/rulebook.yaml", RULES)
    f.write("many/a/tests/good.yaml", GOOD)
    f.write("many/b/deep/rulebook.yaml", RULES)
    f.write("many/b/deep/bad.yaml", BAD)
    f.write("many/c/rulebook.yaml", RULES)
    both = gov("test", f("many"))
    expect_answer("a folder of several rulebooks", both, 1, rf"^  {re.escape(f('many/b/deep/bad.yaml'))}:6:32: outcome is null, not ended$", "")
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
    expect_answer("a mistake in a scenario", gov("test", f("hut")), 2, "", rf"^{re.escape(f('hut'))}/tests/bad\.yaml:3:22: error: .*\"errand\"")
    expect_answer("a folder without rules", gov("test", f("nothing")), 2, "", "nothing")
    expect_answer("and one of the folder", gov("check", f("hut")), 1, r"bad\.yaml:3:22: error: .*\"errand\"", "")


OVERLAY_RULES = """rulebook: shed
version: "1"
time_zone: Asia/Shanghai
values: {most: {is: 2, source: s}}
roles: {clerk: {}}
---
workflow: errand
events: {go: {by: [clerk]}}
states: {here: {on: {go: {when: values.most > 5, to: there}}}, there: {type: final}}
"""
OVERLAY_TEST = """scenario: Five are allowed here
steps:
  - open: {workflow: errand, id: e}
  - send: {case: e, event: go}
  - expect: {case: e, state: there}
"""


def check_overlay(f):
    f.write("shed/rulebook.yaml", OVERLAY_RULES)
    f.write("shed/tests/one.yaml", OVERLAY_TEST)
    f.write("street.yaml", "overlay: shed\nvalues: {most: {is: 9, source: t}}\n")
    f.write("other.yaml", "overlay: hut\nvalues: {most: {is: 9, source: t}}\n")
    expect_answer("the shared rules alone", gov("test", f("shed")), 1, r"^0 passed, 1 failed$", "")
    expect_answer("the rules as one community has them", gov("test", f("shed"), "--overlay", f("street.yaml")), 0, r"^1 passed, 0 failed$", "")
    expect_answer("one file of scenarios under an overlay", gov("test", f("shed/tests/one.yaml"), "--overlay", f("street.yaml")), 0,
                  r"^1 passed, 0 failed$", "")
    expect_answer("an overlay of other rules", gov("test", f("shed"), "--overlay", f("other.yaml")), 2, "", rf"^{re.escape(f('other.yaml'))}:1:")
    expect_answer("an overlay that is not there", gov("test", f("shed"), "--overlay", f("none.yaml")), 2, "", "none.yaml")
    expect_answer("an overlay for several rulebooks", gov("test", f("many"), "--overlay", f("street.yaml")), 2, "", "one rulebook")


def check_moved(f):
    """What is wrong with a scenario that goes over to other rules is told when it is read, or when it is played."""
    f.write("hut/tests/bad.yaml", "scenario: x\nsteps:\n  - migrate: {dry_run: true}\n  - migrate: {to: next, fails: {code: migrate_stat}}\n"
            "  - open: {workflow: errand, id: e, fails: {code: missing_field, rule: 'here:there'}}\n")
    told = gov("test", f("hut"))
    expect_answer("mistakes in a migrate step", told, 2, "", rf"^{re.escape(f('hut'))}/tests/bad\.yaml:3:14: error: \"to\" is missing in migrate$")
    expect("the code of an error, and a rule's place", re.search(r"/tests/bad\.yaml:4:.*\"migrate_state\"", told.err, re.M) and
           re.search(r"/tests/bad\.yaml:5:.*here:there", told.err, re.M), told)
    f.write("hut/next/rulebook.yaml", RULES.replace('version: "1"', 'version: "2"').replace("workflow: errand\n", "workflow: errand\nmigrate: {from: '1', states: {here: home}}\n")
            .replace("  here:", "  home:").replace("ended: {", "home2: {on: {stop: ended}}\n  ended: {"))
    wrong = "  - expect: {case: e, state: hree, that: case.m == 1, allowed: [gone], clocks: {c: {left: 1 hour}}, fields: {m: 1}, outcome: endde}\n"
    f.write("hut/tests/bad.yaml", "scenario: x\nsteps:\n  - open: {workflow: errand, id: e}\n  - migrate: {to: ../next}\n" + wrong +
            "  - send: {case: e, event: og}\n  - open: {workflow: errnad, id: g}\n  - find: {workflow: errand, state: home3, id: h}\n")
    told = gov("test", f("hut"))
    for what in ('5:30: error: there is no state "hree"; did you mean "here"', '5:42: error: .*"case.m"', '5:65: error: there is no event "gone"',
                 '5:81: error: there is no clock "c"', '5:110: error: there is no field "m"', '5:126: error: there is no outcome "endde"; did you mean "ended"',
                 r'6:28: error: there is no event "og"; did you mean "go"', r'7:\d+: error: there is no workflow "errnad"; did you mean "errand"',
                 r'8:\d+: error: there is no state "home3"'):
        expect_answer(f"after a migration it is told before playing: {what}", told, 2, "", rf"^{re.escape(f('hut/tests/bad.yaml'))}:{what}")
    f.write("hut/tests/bad.yaml", "scenario: x\nsteps:\n  - open: {workflow: errand, id: e}\n  - migrate: {to: ../nxet}\n" + wrong)
    told = gov("test", f("hut"))
    expect_answer("rules that cannot be read are the step's failure", told, 1, r"bad\.yaml:4:5: migrate \.\./nxet failed", "")
    f.write("hut/tests/bad.yaml", "scenario: x\nsteps:\n  - open: {workflow: errand, id: e}\n  - migrate: {to: ../next, gives: {migrated: 2}}\n")
    told = gov("test", f("hut"))
    expect_answer("what a scenario expects wrongly after a migration", told, 1, rf"^  {re.escape(f('hut'))}/tests/bad\.yaml:4:5: migrated is 1, not 2$", "")
    f.write("hut/tests/bad.yaml", "scenario: x\nsteps:\n  - open: {workflow: errand, id: e}\n  - migrate: {to: ../next, gives: {migrated: 1}}\n"
            "  - expect: {case: e, state: here, that: case.n == 1, refused: [go], fields: {n: 1}}\n")
    told = gov("test", f("hut"))
    for what in ("state is home, not here", "this does not hold: case.n == 1", "go is allowed, not refused", "n is 0, not 1"):
        expect(f"under the new rules: {what}", what in told.out and told.code == 1, told)


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
        check_overlay(f)
        check_moved(f)
        for kind in engines():
            check_store(f, kind)
finish()
